/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"
#include "client/report.h"
#include "client/xalloc.h"
#include "proto/survey_json.h"

/* The form of one line, as the daemon would judge it; prints the canonical form with -o json. */
static void check_line(const Ctl *ctl, Report *report, uint64_t line, Text json)
{
        CX_CLEANUP(xfreep) char *scratch = xcalloc(json.n, 1), *id = NULL;
        CX_CLEANUP(xfreep) Survey *s = xcalloc(1, sizeof(*s));
        Fault fault = FAULT_NULL;
        Buffer b = BUFFER_NULL;

        if (json.n > SURVEY_BYTES_MAX) {
                (void)fault_set(&fault, FAULT_TOO_LONG, NULL, NULL);
                report_fault(report, line, NULL, &fault);
                return;
        }
        if (survey_decode(s, json.at, json.n, scratch, false, &fault, NULL) != 0) {
                id = s->id.at ? xstrndup(s->id.at, s->id.n) : NULL;
                report_fault(report, line, id, &fault);
                return;
        }
        if (ctl->output != OUTPUT_JSON)
                return;
        survey_encode(s, &b);
        buffer_append_char(&b, '\n');
        if (buffer_failed(&b))
                abort();
        fwrite(b.data, 1, b.n, ctl->out);
        buffer_deinit(&b);
}

static int send_file(Ctl *ctl, Report *report, FILE *from, Sink *sink)
{
        CX_CLEANUP(xfreep) char *line = NULL;
        size_t size = 0;
        uint64_t n_lines = 0;
        ssize_t n;
        int r = CTL_OK;

        while (r == CTL_OK && (n = getline(&line, &size, from)) >= 0) {
                Text text = text_trim((Text){line, (size_t)n});

                n_lines++;
                if (text.n == 0)
                        continue;
                report->n_read++;
                if (sink)
                        r = sink_send(sink, n_lines, text);
                else
                        check_line(ctl, report, n_lines, text);
        }
        if (r == CTL_OK && ferror(from))
                r = ctl_usage(ctl, "%s: %s", report->file, strerror(errno));
        if (r == CTL_OK && sink)
                r = sink_flush(sink);
        return r;
}

static int run(Ctl *ctl, const Args *args)
{
        const char *file = args_rest(args, 0);
        bool is_stdin = !file || strcmp(file, "-") == 0, dry = args_get(args, "dry-run");
        FILE *from = is_stdin ? stdin : fopen(file, "re");
        CX_CLEANUP(sink_freep) Sink *sink = NULL;
        const SinkTotals none = {0};
        Report report;
        int r = CTL_OK;

        if (!from)
                return ctl_usage(ctl, "%s: %s", file, strerror(errno));
        report_init(&report, ctl, is_stdin ? "-" : file);
        if (!dry)
                r = sink_open(&sink, ctl, args, report_on_refused, &report);
        if (r == CTL_OK) {
                int end;

                r = send_file(ctl, &report, from, sink);
                end = report_end(&report, sink ? sink_totals(sink) : &none, dry);
                r = r == CTL_OK ? end : r;
        }
        report_deinit(&report);
        if (!is_stdin)
                fclose(from);
        return r;
}

static const Flag flags[] = {
        {"dry-run", 'd', NULL, "only check the form, send nothing; with -o json print the canonical form"},
        SINK_FLAGS,
        {0},
};

const Cmd cmd_send = {"send", "[FILE]", "send surveys, one JSON object per line", flags, 0, 1, run};

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"
#include "client/input.h"
#include "client/report.h"
#include "client/xalloc.h"
#include "proto/survey_json.h"

#define LINE_BYTES_MAX (1U << 20) /* that are looked at */

/* The lines of one file. */
typedef struct Sending {
        Ctl *ctl;
        Input input;
        Report report;
        Sink *sink; /* NULL: a dry run */
        char *scratch;
        size_t scratch_size;
        bool is_laid_out; /* the first line seems to be the beginning of JSON over several lines, or a list */
        Survey survey;
} Sending;

static int decode(Sending *s, Text json, Fault *fault)
{
        s->survey.id = TEXT_NULL;
        if (json.n > SURVEY_BYTES_MAX)
                return fault_set(fault, FAULT_TOO_LONG, NULL, NULL);
        if (json.n > s->scratch_size) {
                s->scratch_size = json.n;
                s->scratch = xrealloc(s->scratch, s->scratch_size, 1);
        }
        return survey_decode(&s->survey, json.at, json.n, s->scratch, false, fault, NULL);
}

/* The form of one line, as the daemon would judge it; prints the canonical form with -o json. */
static void check_line(Sending *s, uint64_t line, bool sound, const Fault *fault)
{
        Buffer b = BUFFER_NULL;

        if (!sound) {
                CX_CLEANUP(xfreep)
                char *id = s->survey.id.at ? xstrndup(s->survey.id.at, s->survey.id.n) : NULL;

                report_fault(&s->report, line, id, fault);
                return;
        }
        if (s->ctl->output != OUTPUT_JSON)
                return;
        survey_encode(&s->survey, &b);
        buffer_append_char(&b, '\n');
        if (buffer_failed(&b))
                abort();
        fwrite(b.data, 1, b.n, s->ctl->out);
        buffer_deinit(&b);
}

static int send_line(Sending *s, uint64_t line, Text json)
{
        Fault fault = FAULT_NULL;
        bool sound = decode(s, json, &fault) == 0;

        if (s->report.n_read++ == 0)
                s->is_laid_out = !sound && (json.at[0] == '[' || json.n == 1) && strchr("[{", json.at[0]);
        if (sound)
                report_survey(&s->report, &s->survey);
        /* What is wrong is the daemon's to refuse. */
        if (s->sink)
                return sink_send(s->sink, line, json);
        check_line(s, line, sound, &fault);
        return CTL_OK;
}

/* What is no line at all is not sent: it may have no end. */
static void refuse_long(Sending *s, uint64_t line)
{
        Fault fault = FAULT_NULL;

        (void)fault_set(&fault, FAULT_TOO_LONG, NULL, "a survey may have %d bytes, this line has more",
                        SURVEY_BYTES_MAX);
        s->report.n_read++;
        report_fault(&s->report, line, NULL, &fault);
}

/* The next line without its end, of which no more is kept than LINE_BYTES_MAX and one. False: there is none. */
static bool next_line(FILE *from, Buffer *line)
{
        int ch;

        buffer_reset(line);
        while ((ch = getc_unlocked(from)) != EOF && ch != '\n')
                if (line->n <= LINE_BYTES_MAX)
                        buffer_append_char(line, (char)ch);
        if (buffer_failed(line))
                abort();
        return ch != EOF || (line->n > 0 && !ferror(from));
}

static int send_file(Sending *s)
{
        FILE *from = s->input.from;
        Buffer line = BUFFER_NULL;
        uint64_t n_lines = 0;
        int r = CTL_OK, error = CTL_OK;

        while (r == CTL_OK && next_line(from, &line)) {
                Text text = text_trim(buffer_text(&line));

                n_lines++;
                if (line.n > LINE_BYTES_MAX)
                        refuse_long(s, n_lines);
                else if (text.n > 0)
                        r = send_line(s, n_lines, text);
        }
        buffer_deinit(&line);
        if (r == CTL_OK && ferror(from))
                error = input_failure(&s->input, s->ctl, errno);
        /* Also what was read before an error is accounted for. */
        if (r == CTL_OK && s->sink && s->input.result == CTL_OK)
                r = sink_flush(s->sink);
        return r == CTL_OK ? error : r;
}

static int run(Ctl *ctl, const Args *args)
{
        CX_CLEANUP(xfreep) Sending *s = xcalloc(1, sizeof(*s));
        bool dry = args_get(args, "dry-run");
        const SinkTotals none = {0};
        int r;

        r = input_open(&s->input, ctl, args_rest(args, 0));
        if (r != CTL_OK)
                return r;
        s->ctl = ctl;
        report_init(&s->report, ctl, s->input.name, dry);
        if (!dry)
                r = sink_open(&s->sink, ctl, args, report_on_refused, &s->report);
        if (r == CTL_OK) {
                s->input.sink = s->sink;
                r = send_file(s);
                if (r == CTL_OK)
                        report_unknown(&s->report, ctl);
                if (r == CTL_OK && s->is_laid_out && s->report.n_refused == s->report.n_read)
                        ctl_error(ctl,
                                  "a survey is one line; \"jq -c .[]\" makes lines of a list, \"jq -c .\" of "
                                  "surveys that are laid out over several");
                r = report_end(&s->report, s->sink ? sink_totals(s->sink) : &none, r);
        }
        sink_free(s->sink);
        report_deinit(&s->report);
        free(s->scratch);
        input_close(&s->input);
        return r;
}

static const Flag flags[] = {
        {"dry-run", 'd', NULL, "only check the form, send nothing; with -o json print the canonical form"},
        SINK_FLAGS,
        {0},
};

const Cmd cmd_send = {"send", "[FILE]", "send surveys, one JSON object per line", flags, 0, 1, run};

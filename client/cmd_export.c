/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "client/api.h"
#include "client/cmd.h"
#include "client/http.h"
#include "client/table.h"
#include "client/when.h"
#include "client/xalloc.h"

#define LINE_BYTES_MAX (1U << 20) /* no survey is as long */

static const Column columns[] = {
        {"id"},      {"ts"},       {"status"},  {"rev"},    {"agent"},   {"queue"},
        {"contact"}, {"customer"}, {"channel"}, {"reason"}, {"comment"}, {"answers"},
};

typedef struct Export {
        Ctl *ctl;
        bool csv;
        bool broken;  /* a line is no survey */
        bool partial; /* the last byte was not the end of a line */
        Buffer line;  /* CSV only: what has come of the present line */
        Table *row;
} Export;

static bool csv_line(Export *e)
{
        CX_CLEANUP(json_freep) json_t *s = json_loadb(e->line.data, e->line.n, 0, NULL);
        CX_CLEANUP(xfreep) char *answers = NULL;

        if (!json_is_object(s)) {
                e->broken = true;
                return false;
        }
        table_clear(e->row);
        table_row(e->row);
        for (size_t c = 0; c + 1 < CX_ARRAY_LEN(columns); c++) {
                const json_t *v = json_object_get(s, columns[c].id);
                char digits[NUMBER_TEXT_MAX];

                /* As text: a cell of a number has not all digits of a large revision. */
                if (json_is_integer(v))
                        table_text(e->row, (Text){digits, int64_format(json_integer_value(v), digits)});
                else if (!v && strcmp(columns[c].id, "status") == 0)
                        table_str(e->row, "answered");
                else
                        table_str(e->row, json_string_value(v));
        }
        answers = json_dumps(json_object_get(s, "answers"), JSON_COMPACT);
        table_str(e->row, answers);
        render_csv(e->row, e->ctl->out, false);
        return true;
}

static bool on_data(void *context, const char *data, size_t n)
{
        Export *e = context;

        if (n > 0)
                e->partial = data[n - 1] != '\n';
        if (!e->csv)
                return fwrite(data, 1, n, e->ctl->out) == n;
        while (n > 0) {
                const char *end = memchr(data, '\n', n);
                size_t run = end ? (size_t)(end - data) : n;

                buffer_append(&e->line, data, run);
                if (e->line.n > LINE_BYTES_MAX) {
                        e->broken = true;
                        return false;
                }
                if (end) {
                        if (e->line.n > 0 && !csv_line(e))
                                return false;
                        buffer_reset(&e->line);
                        run++;
                }
                data += run;
                n -= run;
        }
        return !ferror(e->ctl->out);
}

static int run(Ctl *ctl, const Args *args)
{
        const char *format = args_get(args, "format");
        CX_CLEANUP(xfreep) char *since = NULL, *until = NULL, *path = NULL;
        Export e = {.ctl = ctl, .csv = format ? strcmp(format, "csv") == 0 : ctl->output == OUTPUT_CSV};
        Buffer error = BUFFER_NULL;
        long status = 0;
        HttpEnd end;
        int r;

        r = args_time(args, ctl, "since", when_now(), &since);
        if (r == CTL_OK)
                r = args_time(args, ctl, "until", when_now(), &until);
        if (r == CTL_OK)
                r = api_open_patient(ctl, args);
        if (r != CTL_OK)
                return r;
        path = http_query("/v1/export", "since", since, "until", until, "source", args_get(args, "source"),
                          NULL);
        e.row = table_new(columns, CX_ARRAY_LEN(columns), NULL);
        if (e.csv)
                render_csv(e.row, ctl->out, true);
        end = http_stream(ctl->http, path, "application/x-ndjson", USEC_INFINITY, on_data, &e, &error,
                          &status);
        if (end == HTTP_SILENT) {
                r = http_say_silent(ctl->http);
                ctl_error(ctl, "the export is not complete");
        } else if (status == 0) {
                r = http_say_unreachable(ctl->http);
        } else if (status != 200) {
                r = api_refusal(ctl, status, &error);
        } else if (e.broken) {
                ctl_error(ctl, "the daemon sent a line that is no survey");
                r = CTL_REFUSED;
        } else if (ferror(ctl->out)) {
                r = CTL_USAGE; /* cxctl_main() says it */
        } else if (end != HTTP_END || e.partial) {
                ctl_error(ctl, "the connection to %s broke: the export is not complete", ctl->host);
                r = CTL_UNREACHABLE;
        }
        table_free(e.row);
        buffer_deinit(&e.line);
        buffer_deinit(&error);
        return r;
}

static const Flag flags[] = {
        {"since", 0, "TIME", "surveys from then on"},
        {"until", 0, "TIME", "surveys before then"},
        {"source", 0, "NAME", "surveys of this source only"},
        {"format", 0, "ndjson|csv", "one canonical JSON object per line (default), or CSV"},
        {"timeout", 't', "SECONDS", API_TIMEOUT_HELP},
        {0},
};

const Cmd cmd_export = {"export", "", "all stored surveys, to stdout", flags, 0, 0, run};

/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/report.h"

static const Column columns[] = {{"line"}, {"id"}, {"code"}, {"field"}, {"error"}};
static const Column sums[] = {{"read"}, {"stored"}, {"duplicate"}, {"revised"}, {"refused"}};

void report_init(Report *r, const Ctl *ctl, const char *file, bool dry)
{
        *r = (Report){.ctl = ctl,
                      .file = file,
                      .dry = dry,
                      .refused = table_new(columns, CX_ARRAY_LEN(columns), NULL)};
}

void report_deinit(Report *r)
{
        r->refused = table_free(r->refused);
        unknown_deinit(&r->unknown);
}

/* Whoever sits before a terminal would lose sight of the first ones. */
static bool is_limited(const Report *r)
{
        return r->ctl->output == OUTPUT_TABLE && isatty(fileno(r->ctl->err));
}

/* The first part of the JSON object. In a dry run stdout is for the surveys. */
static void print_refusal(const Report *r)
{
        if (r->ctl->output != OUTPUT_JSON || r->dry)
                return;
        fputs(r->n_refused == 1 ? "{\"refused\":[" : ",", r->ctl->out);
        render_json(r->refused, r->ctl->out, true);
}

void report_refusal(Report *r, uint64_t line, const char *id, const char *code, const char *field,
                    const char *text)
{
        r->n_refused++;
        table_clear(r->refused);
        table_row(r->refused);
        table_int(r->refused, (int64_t)line);
        table_str(r->refused, id);
        table_str(r->refused, code);
        table_str(r->refused, field && field[0] ? field : NULL);
        table_str(r->refused, text);
        print_refusal(r);
        if (r->n_refused > REPORT_LINES_MAX && is_limited(r))
                return;
        if (r->before_line)
                r->before_line(r->context);
        ctl_error(r->ctl, "%s:%" PRIu64 ": %s: %s%s%s", r->file, line, code ? code : "refused",
                  field ? field : "", field && field[0] ? ": " : "", text ? text : "refused");
        if (r->n_refused == REPORT_LINES_MAX && is_limited(r))
                ctl_error(r->ctl, "further refusals are only counted; 2>FILE and -o json name all");
}

void report_fault(Report *r, uint64_t line, const char *id, const Fault *fault)
{
        report_refusal(r, line, id, fault_name(fault->code), fault->field, fault->text);
}

void report_on_refused(void *report, const SinkRefusal *refusal)
{
        Report *r = report;

        if (refusal->code && strcmp(refusal->code, fault_name(FAULT_METRIC)) == 0 && refusal->field &&
            strncmp(refusal->field, "answers.", strlen("answers.")) == 0)
                unknown_note_refused(&r->unknown, text_of(refusal->field + strlen("answers.")));
        report_refusal(r, refusal->tag, refusal->id, refusal->code, refusal->field, refusal->text);
}

void report_survey(Report *r, const Survey *s)
{
        unknown_note(&r->unknown, s);
}

void report_unknown(const Report *r, Ctl *ctl)
{
        unknown_warn(&r->unknown, ctl, r->dry);
}

static void print_json(const Report *r, const SinkTotals *t)
{
        fprintf(r->ctl->out,
                "%s],\"read\":%" PRIu64 ",\"stored\":%" PRIu64 ",\"duplicate\":%" PRIu64
                ",\"revised\":%" PRIu64 ",\"n_refused\":%" PRIu64 "}\n",
                r->n_refused == 0 ? "{\"refused\":[" : "", r->n_read, t->stored, t->duplicate, t->revised,
                r->n_refused);
}

/* Where sending came to an end before the file did. */
static void print_rest(const Report *r, uint64_t n_settled)
{
        if (r->n_read > n_settled)
                fprintf(r->ctl->out, ", %" PRIu64 " not acknowledged", r->n_read - n_settled);
        fputs("; no more were sent", r->ctl->out);
}

int report_end(Report *r, const SinkTotals *t, int result)
{
        FILE *to = r->ctl->out;

        if (r->dry) {
                /* On stdout may be the surveys themselves. */
                if (r->ctl->output == OUTPUT_TABLE)
                        fprintf(to,
                                "%" PRIu64 " surveys: %" PRIu64 " good, %" PRIu64
                                " refused; nothing was sent\n",
                                r->n_read, r->n_read - r->n_refused, r->n_refused);
        } else if (r->ctl->output == OUTPUT_TABLE) {
                fprintf(to,
                        "%" PRIu64 " surveys: %" PRIu64 " stored, %" PRIu64 " duplicate, %" PRIu64
                        " revised, %" PRIu64 " refused",
                        r->n_read, t->stored, t->duplicate, t->revised, r->n_refused);
                if (result == CTL_REFUSED || result == CTL_UNREACHABLE || result == CTL_INTERRUPTED)
                        print_rest(r, t->stored + t->duplicate + t->revised + r->n_refused);
                fputc('\n', to);
        } else if (r->ctl->output == OUTPUT_JSON) {
                print_json(r, t);
        } else {
                Table *s = table_new(sums, CX_ARRAY_LEN(sums), NULL);

                table_row(s);
                table_int(s, (int64_t)r->n_read);
                table_int(s, (int64_t)t->stored);
                table_int(s, (int64_t)t->duplicate);
                table_int(s, (int64_t)t->revised);
                table_int(s, (int64_t)r->n_refused);
                render_csv(s, to, true);
                table_free(s);
        }
        if (result != CTL_OK || r->n_refused == 0)
                return result;
        return r->n_refused < r->n_read ? CTL_PARTLY : CTL_REFUSED;
}

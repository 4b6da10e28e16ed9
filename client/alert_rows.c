/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/alert_rows.h"
#include "client/figure_rows.h"
#include "client/http.h"
#include "client/when.h"
#include "client/xalloc.h"

static const Column columns[] = {
        {"id", "ID"},
        {"severity", "SEVERITY"},
        {"state", "STATE"},
        {"reason", NULL},
        {"since", "SINCE", .below = true},
        {"scope", "SCOPE"},
        {"metric", "METRIC"},
        {"window", "WINDOW", .below = true},
        {"value", "VALUE", .right = true, .below = true},
        {"unit", NULL},
        {"n", "N", .right = true, .below = true},
        {"low", NULL},
        {"high", NULL},
        {"interval", "INTERVAL", .right = true, .people_only = true, .below = true},
        {"target", "TARGET", .right = true, .below = true},
        {"test", NULL},
        {"evidence", NULL},
        {"threshold", NULL},
        {"from", NULL},
        {"from_n", NULL},
        {"from_figure", NULL},
        {"lately", "LATELY", .people_only = true, .below = true},
        {"handled", "HANDLED BY", .people_only = true, .below = true},
        {"rule", "RULE", .below = true},
        {"by", NULL},
        {"until", NULL},
        {"outcome", NULL},
        {"note", NULL},
        {"advice", "ADVICE", .below = true},
};

Table *alert_table(void)
{
        return table_new(columns, CX_ARRAY_LEN(columns), "no alerts");
}

char *alert_advice(const json_t *alert)
{
        json_t *advice = json_object_get(alert, "advice"), *one;
        const char *role;
        char *all = NULL;

        if (json_is_string(advice))
                return xstrdup(json_string_value(advice));
        json_object_foreach (advice, role, one) {
                char *longer;

                if (!json_is_string(one))
                        continue;
                longer = xasprintf("%s%s%s: %s", all ? all : "", all ? " | " : "", role,
                                   json_string_value(one));
                free(all);
                all = longer;
        }
        return all;
}

char *alert_lately(const json_t *alert, const Me *me)
{
        const json_t *evidence = json_object_get(alert, "evidence");
        const char *from = member_string(evidence, "from"), *metric = member_string(alert, "metric");
        Cell figure = measure_value(me, metric, member_double(evidence, "figure"), NAN);
        CX_CLEANUP(xfreep) char *value = NULL;

        /* Without a figure the metric is not the one any more whose unit this was in. */
        if (!from || figure.kind == CELL_EMPTY || !json_object_get(alert, "figure"))
                return NULL;
        value = cell_display(&figure);
        return xasprintf("%s of %" PRId64 " since %.10s", value, member_integer(evidence, "n"), from);
}

/* Outcome and note have names: they stay when somebody else acts on the alert without saying anything. */
char *alert_handled(const json_t *alert)
{
        const char *by = member_string(alert, "by"), *until = member_string(alert, "until");
        const char *outcome = member_string(alert, "outcome"), *note = member_string(alert, "note");
        char time[WHEN_TEXT_MAX];
        usec_t t;

        if (!by)
                return NULL;
        if (until && usec_parse(until, strlen(until), false, &t) < 0)
                until = NULL;
        return xasprintf("%s%s%s%s%s%s%s", by, until ? " until " : "", until ? when_format(t, time) : "",
                         outcome ? "; outcome: " : "", outcome ? outcome : "", note ? "; note: " : "",
                         note ? note : "");
}

void alert_row(Table *t, const json_t *a, const Me *me)
{
        const json_t *figure = json_object_get(a, "figure"), *evidence = json_object_get(a, "evidence");
        const char *metric = member_string(a, "metric"), *state = member_string(a, "state");
        const char *severity = member_string(a, "severity");
        Cell target = measure_target(me, metric, member_double(a, "target"));
        CX_CLEANUP(xfreep)
        char *interval = figure_interval(figure, me, target.number), *advice = alert_advice(a);
        CX_CLEANUP(xfreep) char *lately = alert_lately(a, me), *handled = alert_handled(a);

        /* As in alert_lately(). */
        if (!figure)
                target.unit = NULL;
        table_row(t);
        if (json_is_integer(json_object_get(a, "id")))
                table_int(t, member_integer(a, "id"));
        else
                table_str(t, member_string(a, "id"));
        table_str(t, severity);
        table_style(t, figure_state_style(severity));
        table_str(t, state);
        table_style(t, figure_state_style(state));
        table_str(t, member_string(a, "reason"));
        table_time(t, member_string(a, "since"));
        table_str(t, member_string(a, "scope"));
        table_str(t, metric);
        table_str(t, member_string(figure, "window"));
        table_cell_put(t, figure_value(figure, me, target.number));
        table_str(t, me_unit(me, metric));
        table_int(t, member_integer(figure, "n"));
        table_number(t, member_double(figure, "low"), 1, NULL, false);
        table_number(t, member_double(figure, "high"), 1, NULL, false);
        table_str(t, interval);
        table_cell_put(t, target);
        table_str(t, member_string(evidence, "test"));
        table_number(t, member_double(evidence, "value"), 2, NULL, false);
        table_number(t, member_double(evidence, "threshold"), 2, NULL, false);
        table_str(t, member_string(evidence, "from"));
        table_number(t, member_double(evidence, "n"), 0, NULL, false);
        table_number(t, member_double(evidence, "figure"), 1, NULL, false);
        table_str(t, lately);
        table_str(t, handled);
        table_str(t, member_string(a, "rule"));
        table_str(t, member_string(a, "by"));
        table_time(t, member_string(a, "until"));
        table_str(t, member_string(a, "outcome"));
        table_str(t, member_string(a, "note"));
        table_str(t, advice);
}

int alert_command(Ctl *ctl, const char *id, const char *verb, json_t *body)
{
        CX_CLEANUP(json_freep) json_t *answer = NULL;
        CX_CLEANUP(xfreep) char *text = json_dumps(body, JSON_COMPACT), *path = NULL, *query;
        Buffer bytes;
        int r;

        /* The id as a part of the path, encoded like any other text from outside. */
        query = http_query("", "id", id, NULL);
        path = xasprintf("/v1/alerts/%s/%s", query + strlen("?id="), verb);
        if (!text)
                return ctl_usage(ctl, "the text is not well-formed UTF-8");
        r = api_call(ctl, path, text, &bytes);
        if (r != CTL_OK)
                return r;
        if (ctl->output == OUTPUT_JSON) {
                ctl_show_json(ctl, &bytes);
        } else {
                CX_CLEANUP(table_freep) Table *t = alert_table();
                Me me = {0};

                answer = api_parse(ctl, &bytes);
                r = answer ? me_load(ctl, &me) : CTL_REFUSED;
                if (r == CTL_OK) {
                        alert_row(t, json_object_get(answer, "alert"), &me);
                        ctl_show(ctl, t);
                }
                me_deinit(&me);
        }
        buffer_deinit(&bytes);
        return r;
}

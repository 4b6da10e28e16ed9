/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "client/alert_rows.h"
#include "client/cmd.h"
#include "client/figure_rows.h"
#include "client/xalloc.h"

static const Column columns[] = {
        {"name", "NAME"},
        {"metric", "METRIC"},
        {"scopes", "SCOPES"},
        {"window", "WINDOW"},
        {"test", "TEST"},
        {"below", "BELOW", .right = true},
        {"above", "ABOVE", .right = true},
        {"min_n", "MIN N", .right = true},
        {"false_alarms", "FALSE ALARMS"},
        {"severity", "SEVERITY"},
        {"advice", "ADVICE"},
};

/* A member that is a text, a number, or a number in a time, whichever the daemon sends. */
static void any_cell(Table *t, const json_t *object, const char *key)
{
        const json_t *v = json_object_get(object, key);

        if (json_is_number(v)) {
                table_number(t, json_number_value(v), json_is_integer(v) ? 0 : 2, NULL, false);
        } else if (json_is_object(v)) {
                /* false_alarms: so many in a time */
                CX_CLEANUP(xfreep)
                char *text = xasprintf("%g per %s", member_double(v, "count"), member_string(v, "per"));

                table_str(t, text);
        } else {
                table_str(t, json_string_value(v));
        }
}

static int run(Ctl *ctl, const Args *args)
{
        CX_CLEANUP(json_freep) json_t *answer = NULL;
        CX_CLEANUP(table_freep) Table *t = table_new(columns, CX_ARRAY_LEN(columns), "no rules");
        json_t *rule;
        Buffer body;
        size_t i;
        int r;

        (void)args;
        r = api_get(ctl, "/v1/rules", &answer, &body);
        if (r != CTL_OK)
                return r;
        json_array_foreach (json_object_get(answer, "rules"), i, rule) {
                CX_CLEANUP(xfreep) char *advice = alert_advice(rule);

                table_row(t);
                for (size_t c = 0; c + 1 < CX_ARRAY_LEN(columns); c++)
                        any_cell(t, rule, columns[c].id);
                table_style(t, figure_state_style(member_string(rule, "severity")));
                table_str(t, advice);
        }
        if (ctl->output == OUTPUT_JSON)
                ctl_show_json(ctl, &body);
        else
                ctl_show(ctl, t);
        buffer_deinit(&body);
        return CTL_OK;
}

const Cmd cmd_rules = {"rules", "", "the rules that raise alerts", NULL, 0, 0, run};

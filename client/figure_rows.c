/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/figure_rows.h"
#include "client/xalloc.h"

static const Column columns[] = {
        {"scope", "SCOPE"},
        {"metric", "METRIC"},
        {"window", "WINDOW"},
        {"at", NULL},
        {"n", "N", .right = true},
        {"value", "VALUE", .right = true},
        {"unit", NULL},
        {"low", NULL},
        {"high", NULL},
        {"interval", "INTERVAL", .right = true, .people_only = true},
        {"mean", NULL},
        {"target", "TARGET", .right = true},
        {"trend", "TREND", .right = true},
        {"state", "STATE"},
};

Table *figure_table(const char *empty)
{
        return table_new(columns, CX_ARRAY_LEN(columns), empty);
}

Cell figure_value(const json_t *figure, const Me *me, double target)
{
        return measure_value(me, member_string(figure, "metric"), member_double(figure, "value"), target);
}

char *figure_interval(const json_t *figure, const Me *me, double target)
{
        return measure_interval(me, member_string(figure, "metric"), member_double(figure, "low"),
                                member_double(figure, "high"), target);
}

CellStyle figure_state_style(const char *state)
{
        static const struct {
                const char *state;
                CellStyle style;
        } styles[] = {
                {"ok", STYLE_GOOD},       {"below", STYLE_BAD},          {"above", STYLE_BAD},
                {"no_data", STYLE_DIM},   {"insufficient", STYLE_DIM},   {"firing", STYLE_BAD},
                {"critical", STYLE_BAD},  {"warning", STYLE_WARN},       {"pending", STYLE_WARN},
                {"resolved", STYLE_GOOD}, {"acknowledged", STYLE_PLAIN}, {"snoozed", STYLE_DIM},
        };

        for (size_t i = 0; state && i < CX_ARRAY_LEN(styles); i++)
                if (strcmp(styles[i].state, state) == 0)
                        return styles[i].style;
        return STYLE_PLAIN;
}

void figure_row(Table *t, const json_t *f, const Me *me)
{
        const char *metric = member_string(f, "metric"), *state = member_string(f, "state");
        double target = member_double(f, "target");
        CX_CLEANUP(xfreep) char *interval = figure_interval(f, me, target);

        table_row(t);
        table_str(t, member_string(f, "scope"));
        table_str(t, metric);
        table_str(t, member_string(f, "window"));
        table_time(t, member_string(f, "at"));
        table_int(t, member_integer(f, "n"));
        table_cell_put(t, figure_value(f, me, target));
        table_str(t, me_unit(me, metric));
        table_number(t, member_double(f, "low"), 1, NULL, false);
        table_number(t, member_double(f, "high"), 1, NULL, false);
        table_str(t, interval);
        table_number(t, member_double(f, "mean"), 2, NULL, false);
        table_cell_put(t, measure_target(me, metric, target));
        table_cell_put(t, measure_step(me, metric, member_double(f, "trend")));
        table_str(t, state);
        table_style(t, figure_state_style(state));
}

int figure_list(Ctl *ctl, Me *me, const char *path, const char *key, bool named, const char *empty)
{
        CX_CLEANUP(json_freep) json_t *answer = NULL;
        const json_t *list;
        Buffer body;
        int r;

        r = api_get(ctl, path, &answer, &body);
        if (r != CTL_OK)
                return r;
        list = json_object_get(answer, key);
        if (ctl->output == OUTPUT_JSON)
                ctl_show_json(ctl, &body);
        else if (!me->json)
                r = me_load(ctl, me);
        if (ctl->output != OUTPUT_JSON && r == CTL_OK) {
                CX_CLEANUP(table_freep) Table *t = figure_table(empty);
                json_t *figure;
                size_t i;

                json_array_foreach (list, i, figure)
                        figure_row(t, figure, me);
                ctl_show(ctl, t);
        }
        buffer_deinit(&body);
        return r != CTL_OK ? r : named && json_array_size(list) == 0 ? CTL_NEGATIVE : CTL_OK;
}

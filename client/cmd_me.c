/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"
#include "client/display.h"
#include "client/measure.h"
#include "client/xalloc.h"

static const Column metric_columns[] = {
        {"metric", "METRIC"},
        {"kind", "KIND"},
        {"scale", "SCALE"},
        {"target", "TARGET", .right = true},
        {"min_n", "MIN N", .right = true},
        {"explains", "EXPLAINS"},
        {"influence", "CAN BE CHANGED BY"},
};

static const Column scope_columns[] = {
        {"scope", "SCOPE"},
        {"metrics", "METRICS THAT YOU SEE"},
};

/* The texts of a list with blanks between; malloc'ed; NULL: none. */
static char *joined(const json_t *list)
{
        char *all = NULL;
        json_t *item;
        size_t i;

        json_array_foreach (list, i, item) {
                const char *s = json_string_value(item);
                char *longer = xasprintf("%s%s%s", all ? all : "", all ? " " : "", s ? s : "?");

                free(all);
                all = longer;
        }
        return all;
}

static void line(const Ctl *ctl, const char *name, const char *value)
{
        fprintf(ctl->out, "%-10s ", name);
        display_write(text_of(value ? value : "-"), ctl->out);
        fputc('\n', ctl->out);
}

static void show_who(const Ctl *ctl, const json_t *me)
{
        CX_CLEANUP(xfreep) char *windows = joined(json_object_get(me, "windows"));
        json_t *grant;
        size_t i;

        line(ctl, "principal", member_string(me, "principal"));
        line(ctl, "admin", json_is_true(json_object_get(me, "admin")) ? "yes" : "no");
        json_array_foreach (json_object_get(me, "grants"), i, grant) {
                const char *role = member_string(grant, "role"), *scope = member_string(grant, "scope");
                CX_CLEANUP(xfreep) char *text = xasprintf("%s of %s", role ? role : "?", scope ? scope : "?");

                line(ctl, "grant", text);
        }
        line(ctl, "windows", windows);
}

static void show_metrics(const Ctl *ctl, const Me *me)
{
        CX_CLEANUP(table_freep) Table *t = table_new(metric_columns, CX_ARRAY_LEN(metric_columns), NULL);
        json_t *m;
        size_t i;

        json_array_foreach (json_object_get(me->json, "metrics"), i, m) {
                const json_t *scale = json_object_get(m, "scale");
                const char *name = member_string(m, "name");
                CX_CLEANUP(xfreep) char *explains = joined(json_object_get(m, "explains"));
                CX_CLEANUP(xfreep) char *influence = joined(json_object_get(m, "influence"));
                CX_CLEANUP(xfreep) char *range = NULL;

                if (json_array_size(scale) == 2)
                        range = xasprintf("%lld to %lld",
                                          (long long)json_integer_value(json_array_get(scale, 0)),
                                          (long long)json_integer_value(json_array_get(scale, 1)));
                table_row(t);
                table_str(t, name);
                table_str(t, member_string(m, "kind"));
                table_str(t, range);
                table_cell_put(t, measure_target(me, name, member_double(m, "target")));
                table_int(t, member_integer(m, "min_n"));
                table_str(t, explains);
                table_str(t, influence);
        }
        ctl_show(ctl, t);
}

static int run(Ctl *ctl, const Args *args)
{
        CX_CLEANUP(table_freep) Table *t = table_new(scope_columns, CX_ARRAY_LEN(scope_columns), "no scopes");
        Buffer body;
        json_t *scope;
        Me me;
        size_t i;
        int r;

        (void)args;
        r = api_get(ctl, "/v1/me", &me.json, &body);
        if (r != CTL_OK)
                return r;
        json_array_foreach (json_object_get(me.json, "scopes"), i, scope) {
                CX_CLEANUP(xfreep) char *metrics = joined(json_object_get(scope, "metrics"));

                table_row(t);
                table_str(t, member_string(scope, "scope"));
                table_str(t, metrics);
        }
        if (ctl->output == OUTPUT_JSON) {
                ctl_show_json(ctl, &body);
        } else {
                if (ctl->output == OUTPUT_TABLE) {
                        show_who(ctl, me.json);
                        fputc('\n', ctl->out);
                        show_metrics(ctl, &me);
                        fputc('\n', ctl->out);
                }
                ctl_show(ctl, t);
        }
        buffer_deinit(&body);
        me_deinit(&me);
        return CTL_OK;
}

const Cmd cmd_me = {"me", "", "who you are to the daemon and what you see", NULL, 0, 0, run};

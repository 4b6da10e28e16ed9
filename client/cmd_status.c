/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "client/api.h"
#include "client/cmd.h"
#include "client/when.h"
#include "client/xalloc.h"

static const Column columns[] = {{"name", "NAME"}, {"value", "VALUE"}};

static bool ends_in(const char *s, const char *end)
{
        size_t n = strlen(s), m = strlen(end);

        return n >= m && strcmp(s + n - m, end) == 0;
}

/* A number the way people read it, by what its name says it is. malloc'ed. */
static char *for_people(const char *name, double v)
{
        static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
        char text[WHEN_TEXT_MAX];

        if (ends_in(name, "uptime"))
                return xstrdup(when_span(v, text));
        if (ends_in(name, "bytes") && v >= 1024) {
                size_t u = 0;

                for (v /= 1024; v >= 1024 && u + 1 < CX_ARRAY_LEN(units); u++)
                        v /= 1024;
                return xasprintf("%.1f %s", v, units[u]);
        }
        text[number_format(v, text)] = '\0';
        return xstrdup(text);
}

/* Every member at whatever depth, as a dotted name. */
static void flatten(Table *t, const Ctl *ctl, const char *name, json_t *value)
{
        const char *key;
        json_t *member;
        size_t i;

        if (json_is_object(value)) {
                json_object_foreach (value, key, member) {
                        CX_CLEANUP(xfreep) char *dotted = xasprintf("%s%s%s", name, name[0] ? "." : "", key);

                        flatten(t, ctl, dotted, member);
                }
                return;
        }
        if (json_is_array(value)) {
                json_array_foreach (value, i, member) {
                        CX_CLEANUP(xfreep) char *dotted = xasprintf("%s.%zu", name, i);

                        flatten(t, ctl, dotted, member);
                }
                return;
        }
        table_row(t);
        table_str(t, name);
        if (json_is_boolean(value)) {
                table_bool(t, json_is_true(value));
        } else if (json_is_number(value) && ctl->output == OUTPUT_TABLE) {
                CX_CLEANUP(xfreep) char *text = for_people(name, json_number_value(value));

                table_str(t, text);
        } else if (json_is_number(value)) {
                table_number(t, json_number_value(value), 0, NULL, false);
        } else {
                table_time(t, json_string_value(value));
        }
        if (strcmp(name, "state") == 0 && json_is_string(value))
                table_style(t, strcmp(json_string_value(value), "ready") == 0 ? STYLE_GOOD : STYLE_BAD);
        if (json_is_true(value) && (strcmp(name, "store.full") == 0 || strcmp(name, "memory.short") == 0))
                table_style(t, STYLE_BAD);
}

static int run(Ctl *ctl, const Args *args)
{
        CX_CLEANUP(json_freep) json_t *answer = NULL;
        CX_CLEANUP(table_freep) Table *t = table_new(columns, CX_ARRAY_LEN(columns), NULL);
        Buffer body;
        int r;

        (void)args;
        r = api_get(ctl, "/v1/status", &answer, &body);
        if (r != CTL_OK)
                return r;
        flatten(t, ctl, "", answer);
        if (ctl->output == OUTPUT_JSON)
                ctl_show_json(ctl, &body);
        else
                ctl_show(ctl, t);
        buffer_deinit(&body);
        return CTL_OK;
}

const Cmd cmd_status = {"status", "", "how the daemon is", NULL, 0, 0, run};

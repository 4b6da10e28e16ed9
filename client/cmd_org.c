/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "client/api.h"
#include "client/cmd.h"
#include "client/xalloc.h"

static const Column columns[] = {
        {"scope", "SCOPE"},
        {"name", "NAME"},
        {"parents", "LIES UNDER"},
        {"assigned", "ASSIGNED"},
};

static char *joined(const json_t *parents)
{
        char *all = NULL;
        json_t *p;
        size_t i;

        json_array_foreach (parents, i, p) {
                const char *name = json_string_value(p);
                char *longer = xasprintf("%s%s%s", all ? all : "", all ? " " : "", name ? name : "");

                free(all);
                all = longer;
        }
        return all;
}

static bool wanted(const Args *args, const json_t *scope)
{
        const char *kind = args_get(args, "kind") ? args_get(args, "kind") : args_rest(args, 0);
        const char *name = member_string(scope, "scope");

        if (args_get(args, "unassigned") && !json_is_false(json_object_get(scope, "assigned")))
                return false;
        return !kind || (name && strncmp(name, kind, strlen(kind)) == 0 && strchr("/", name[strlen(kind)]));
}

static int run(Ctl *ctl, const Args *args)
{
        CX_CLEANUP(json_freep) json_t *answer = NULL;
        CX_CLEANUP(table_freep) Table *t = table_new(columns, CX_ARRAY_LEN(columns), "no scopes");
        json_t *scope;
        Buffer body;
        size_t i;
        int r;

        r = api_get(ctl, "/v1/org", &answer, &body);
        if (r != CTL_OK)
                return r;
        json_array_foreach (json_object_get(answer, "scopes"), i, scope) {
                bool assigned = !json_is_false(json_object_get(scope, "assigned"));
                CX_CLEANUP(xfreep) char *parents = joined(json_object_get(scope, "parents"));

                if (!wanted(args, scope))
                        continue;
                table_row(t);
                table_str(t, member_string(scope, "scope"));
                table_str(t, member_string(scope, "name"));
                table_str(t, parents);
                table_bool(t, assigned);
                table_style(t, assigned ? STYLE_PLAIN : STYLE_WARN);
        }
        if (ctl->output == OUTPUT_JSON)
                ctl_show_json(ctl, &body);
        else
                ctl_show(ctl, t);
        buffer_deinit(&body);
        return CTL_OK;
}

static const Flag flags[] = {
        {"kind", 'k', "agent|team|site|region|queue|line|org", "only scopes of this kind (not with -o json)"},
        {"unassigned", 'u', NULL, "only those that surveys name and the roster does not (not with -o json)"},
        {0},
};

const Cmd cmd_org = {"org", "[KIND]", "who and what figures are kept for", flags, 0, 1, run};

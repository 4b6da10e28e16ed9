/* SPDX-License-Identifier: Apache-2.0 */

#include "client/cmd.h"
#include "client/figure_rows.h"
#include "client/http.h"
#include "client/when.h"
#include "client/xalloc.h"

static int run(Ctl *ctl, const Args *args)
{
        const char *scope = args_get(args, "scope") ? args_get(args, "scope") : args_rest(args, 0);
        const char *metric = args_get(args, "metric") ? args_get(args, "metric") : args_rest(args, 1);
        CX_CLEANUP(xfreep) char *at = NULL, *path = NULL;
        bool named = scope || metric;
        Me me = {0};
        int r;

        r = args_time(args, ctl, "at", when_now(), &at);
        if (r == CTL_OK && !scope) {
                r = me_load(ctl, &me);
                scope = r == CTL_OK ? me_default_scope(&me) : NULL;
        }
        if (r == CTL_OK) {
                path = http_query("/v1/figures", "scope", scope, "metric", metric, "window",
                                  args_get(args, "window"), "at", at, NULL);
                r = figure_list(ctl, &me, path, "figures", named, "no figures");
        }
        me_deinit(&me);
        return r;
}

static const Flag flags[] = {
        {"scope", 's', "SCOPE", "which scope (agent/NAME, team/NAME, queue/NAME, ..., org)"},
        {"metric", 'm', "METRIC", "only this metric"},
        {"window", 'w', "WINDOW", "only this window"},
        {"at", 0, "TIME", "figures as of then; a date is the midnight before it"},
        {0},
};

const Cmd cmd_figures = {"figures", "[SCOPE [METRIC]]", "the figures of one scope", flags, 0, 2, run};

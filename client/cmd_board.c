/* SPDX-License-Identifier: Apache-2.0 */

#include "client/cmd.h"
#include "client/figure_rows.h"
#include "client/http.h"
#include "client/when.h"
#include "client/xalloc.h"

static int run(Ctl *ctl, const Args *args)
{
        const char *kind = args_get(args, "kind") ? args_get(args, "kind") : args_rest(args, 0);
        const char *metric = args_get(args, "metric"), *window = args_get(args, "window");
        CX_CLEANUP(xfreep) char *at = NULL, *path = NULL;
        Me me = {0};
        int r;

        r = args_time(args, ctl, "at", when_now(), &at);
        if (r == CTL_OK && (!metric || !window)) {
                r = me_load(ctl, &me);
                if (r == CTL_OK) {
                        metric = metric ? metric : me_default_metric(&me);
                        window = window ? window : me_default_window(&me);
                }
        }
        if (r == CTL_OK) {
                path = http_query("/v1/board", "kind", kind ? kind : "agent", "under",
                                  args_get(args, "under"), "metric", metric, "window", window, "at", at,
                                  NULL);
                r = figure_list(ctl, &me, path, "rows", args_get(args, "under"), "no scopes of that kind");
        }
        me_deinit(&me);
        return r;
}

static const Flag flags[] = {
        {"kind", 'k', "agent|team|site|region|queue|line|org", "scopes of which kind (default agent)"},
        {"under", 'u', "SCOPE", "only those that lie under this one"},
        {"metric", 'm', "METRIC", "which metric (default the first)"},
        {"window", 'w', "WINDOW", "which window (default 28d)"},
        {"at", 0, "TIME", "figures as of then; a date is the midnight before it"},
        {0},
};

const Cmd cmd_board = {"board", "[KIND]", "one metric of many scopes, side by side", flags, 0, 1, run};

/* SPDX-License-Identifier: Apache-2.0 */

#include "client/alert_rows.h"
#include "client/cmd.h"
#include "client/http.h"
#include "client/xalloc.h"

static int run(Ctl *ctl, const Args *args)
{
        const char *scope = args_get(args, "scope") ? args_get(args, "scope") : args_rest(args, 0);
        CX_CLEANUP(xfreep)
        char *path = http_query("/v1/alerts", "state", args_get(args, "state"), "scope", scope, NULL);
        CX_CLEANUP(json_freep) json_t *answer = NULL;
        Me me = {0};
        Buffer body;
        int r;

        r = api_get(ctl, path, &answer, &body);
        if (r != CTL_OK)
                return r;
        if (!json_is_array(json_object_get(answer, "alerts"))) {
                r = api_strange(ctl);
        } else if (ctl->output == OUTPUT_JSON) {
                ctl_show_json(ctl, &body);
        } else {
                r = me_load(ctl, &me);
                if (r == CTL_OK) {
                        CX_CLEANUP(table_freep) Table *t = alert_table();
                        json_t *alert;
                        size_t i;

                        json_array_foreach (json_object_get(answer, "alerts"), i, alert)
                                alert_row(t, alert, &me);
                        ctl_show(ctl, t);
                }
        }
        buffer_deinit(&body);
        me_deinit(&me);
        return r;
}

static const Flag flags[] = {
        {"state", 0, "pending|firing|acknowledged|snoozed|resolved|active|all",
         "only these (default: all but resolved); active: neither pending nor resolved"},
        {"scope", 's', "SCOPE", "only those of this scope itself"},
        {0},
};

const Cmd cmd_alerts = {"alerts", "[SCOPE]", "the alerts that you can do something about", flags, 0, 1, run};

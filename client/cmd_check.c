/* SPDX-License-Identifier: Apache-2.0 */

#include "client/alert_rows.h"
#include "client/cmd.h"
#include "client/http.h"
#include "client/xalloc.h"

/* CTL_OK if the daemon takes surveys and answers; said why not. */
static int ready(Ctl *ctl)
{
        Buffer body = BUFFER_NULL;
        long status = 0;
        int r;

        r = api_open(ctl);
        if (r == CTL_OK)
                r = http_request(ctl->http, "/readyz", NULL, NULL, &body, &status, NULL);
        if (r == CTL_UNREACHABLE)
                http_say_unreachable(ctl->http);
        if (r == CTL_OK && status != 200) {
                Text why = text_trim(buffer_text(&body));
                bool said = text_glob(TEXT("not ready: *"), why);

                ctl_error(ctl, "the daemon at %s is there, but " TEXT_FMT, ctl->host,
                          TEXT_ARG(said ? why : TEXT("not ready")));
                r = CTL_NEGATIVE;
        }
        buffer_deinit(&body);
        return r;
}

static int run(Ctl *ctl, const Args *args)
{
        CX_CLEANUP(xfreep)
        char *path = http_query("/v1/alerts", "state", "firing", "scope", args_get(args, "scope"), "metric",
                                args_get(args, "metric"), NULL);
        CX_CLEANUP(json_freep) json_t *answer = NULL;
        CX_CLEANUP(table_freep) Table *t = alert_table();
        Me me = {0};
        json_t *alert;
        Buffer body;
        size_t i;
        int r;

        r = ready(ctl);
        if (r == CTL_OK)
                r = api_get(ctl, path, &answer, &body);
        if (r != CTL_OK)
                return r;
        if (!json_is_array(json_object_get(answer, "alerts")))
                r = api_strange(ctl);
        else if (ctl->output != OUTPUT_JSON)
                r = me_load(ctl, &me);
        json_array_foreach (json_object_get(answer, "alerts"), i, alert)
                alert_row(t, alert, &me);
        if (r == CTL_OK) {
                t->empty = "ok: the daemon is ready and no alert is firing";
                if (ctl->output == OUTPUT_JSON)
                        ctl_show_json(ctl, &body);
                else
                        ctl_show(ctl, t);
                r = t->n_rows > 0 ? CTL_NEGATIVE : CTL_OK;
        }
        me_deinit(&me);
        buffer_deinit(&body);
        return r;
}

static const Flag flags[] = {
        {"scope", 's', "SCOPE", "only alerts of this scope itself"},
        {"metric", 'm', "METRIC", "only alerts about this metric"},
        {0},
};

const Cmd cmd_check = {"check", "", "for monitoring: is all well? (exit code 0, 1 or 3)", flags, 0, 0, run};

/* SPDX-License-Identifier: Apache-2.0 */

#include "client/alert_rows.h"
#include "client/cmd.h"

static int run(Ctl *ctl, const Args *args)
{
        CX_CLEANUP(json_freep) json_t *body = json_object();
        const char *note = args_get(args, "note");

        if (json_object_set_new(body, "outcome", json_string(args_rest(args, 1))) < 0 ||
            (note && json_object_set_new(body, "note", json_string(note)) < 0))
                return ctl_usage(ctl, "outcome: not well-formed UTF-8");
        return alert_command(ctl, args_rest(args, 0), "outcome", body);
}

static const Flag flags[] = {
        {"note", 'n', "TEXT", "more about it, in your own words"},
        {0},
};

const Cmd cmd_outcome = {"outcome", "ALERT OUTCOME", "say what came of an alert: \"it helped\"", flags, 2, 2,
                         run};

/* SPDX-License-Identifier: Apache-2.0 */

#include "client/alert_rows.h"
#include "client/cmd.h"

static int run(Ctl *ctl, const Args *args)
{
        CX_CLEANUP(json_freep) json_t *body = json_object();
        const char *note = args_get(args, "note");

        if (note && json_object_set_new(body, "note", json_string(note)) < 0)
                return ctl_usage(ctl, "--note: not well-formed UTF-8");
        return alert_command(ctl, args_rest(args, 0), "ack", body);
}

static const Flag flags[] = {
        {"note", 'n', "TEXT", "what you are going to do"},
        {0},
};

const Cmd cmd_ack = {"ack", "ALERT", "say that you have seen an alert", flags, 1, 1, run};

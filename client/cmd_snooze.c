/* SPDX-License-Identifier: Apache-2.0 */

#include "client/alert_rows.h"
#include "client/cmd.h"
#include "client/when.h"
#include "client/xalloc.h"

static int run(Ctl *ctl, const Args *args)
{
        CX_CLEANUP(json_freep) json_t *body = json_object();
        CX_CLEANUP(xfreep) char *until = NULL;
        const char *span = args_get(args, "for");
        usec_t d;
        int r;

        r = args_time(args, ctl, "until", when_now(), &until);
        if (r != CTL_OK)
                return r;
        if (!until == !span)
                return ctl_usage(ctl, "snooze: say either --for 8h or --until TIME");
        if (span && duration_parse(span, strlen(span), &d) < 0)
                return ctl_usage(ctl, "--for: \"%s\" is not a duration; right are 30m, 8h, 2d", span);
        if (json_object_set_new(body, span ? "for" : "until", json_string(span ? span : until)) < 0)
                return ctl_usage(ctl, "--for: not well-formed UTF-8");
        return alert_command(ctl, args_rest(args, 0), "snooze", body);
}

static const Flag flags[] = {
        {"for", 0, "DURATION", "for so long: 8h"},
        {"until", 0, "TIME", "until then"},
        {0},
};

const Cmd cmd_snooze = {"snooze", "ALERT", "put an alert aside for a while", flags, 1, 1, run};

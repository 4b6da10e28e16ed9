/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/sink_impl.h"
#include "client/xalloc.h"
#include "proto/fault.h"

bool sink_is_superseded(const SinkRefusal *r)
{
        return r->code && strcmp(r->code, fault_name(FAULT_STALE)) == 0;
}

bool sink_is_not_now(const char *code)
{
        return code && (strcmp(code, fault_name(FAULT_UNAVAILABLE)) == 0 ||
                        strcmp(code, fault_name(FAULT_BUSY)) == 0);
}

void sink_pause(unsigned i)
{
        usec_t span = 200 * USEC_MSEC << i;

        nanosleep(&(struct timespec){span / USEC_SEC, span % USEC_SEC * 1000}, NULL);
}

/*
 * The line socket lies beside the socket of the API, unless told otherwise. Of an API over TCP it is not known, and that of
 * this machine may be another daemon's: NULL. malloc'ed.
 */
static char *lines_address(const Ctl *ctl, const Args *args)
{
        const char *told = args_get(args, "lines"), *slash;

        if (!told)
                told = getenv("CXCTL_LINES");
        if (told && *told)
                return xstrdup(told);
        if (!ctl_host_is_unix(ctl))
                return NULL;
        slash = strrchr(ctl->host, '/');
        return slash ? xasprintf("%.*s/lines.sock", (int)(slash - ctl->host), ctl->host)
                     : xstrdup("unix:lines.sock");
}

int sink_open(Sink **ret, Ctl *ctl, const Args *args, SinkOnRefused on_refused, void *context)
{
        const char *file = args_get(args, "source-token-file");
        Sink base = {.ctl = ctl, .on_refused = on_refused, .context = context};
        CX_CLEANUP(xfreep) char *own = NULL, *address = NULL;
        const char *token;

        /* Not only when somebody is asked there: the surveys would be in another daemon by then. */
        if (ctl_check_host(ctl) != CTL_OK)
                return CTL_USAGE;
        if (!file && (file = getenv("CXCTL_SOURCE_TOKEN_FILE")) && !*file)
                file = NULL;
        if (file) {
                own = ctl_read_secret(ctl, file);
                if (!own)
                        return CTL_USAGE;
        }
        token = own ? own : ctl->token;
        if (args_get(args, "http"))
                return sink_http_open(ret, &base, token);
        address = lines_address(ctl, args);
        if (!address)
                return ctl_usage(
                        ctl,
                        "where do the surveys for the daemon at %s go: --lines ADDRESS (CXCTL_LINES), or "
                        "--http?",
                        ctl->host);
        return sink_lines_open(ret, &base, address, token);
}

Sink *sink_free(Sink *s)
{
        if (s)
                s->verbs->free(s);
        return NULL;
}

int sink_send(Sink *s, uint64_t tag, Text line)
{
        return s->verbs->send(s, tag, line);
}

int sink_pump(Sink *s, usec_t deadline)
{
        return s->verbs->pump(s, deadline);
}

int sink_wait(Sink *s, int fd)
{
        return s->verbs->wait(s, fd);
}

int sink_flush(Sink *s)
{
        return s->verbs->flush(s);
}

const SinkTotals *sink_totals(const Sink *s)
{
        return &s->totals;
}

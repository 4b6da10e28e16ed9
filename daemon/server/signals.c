/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <unistd.h>

#include "daemon/server/reload.h"
#include "daemon/server/signals.h"

static volatile sig_atomic_t is_starting;

/* Nothing has been taken yet, and the store bears an end at any time. */
static void end_start(int number CX_UNUSED)
{
        if (is_starting)
                _exit(SERVER_EXIT_OK);
}

static void on_signal(int number, void *user)
{
        if (number == SIGHUP)
                reload_start(user);
        else
                server_stop(user);
}

int signals_begin(Server *s)
{
        is_starting = true;
        (void)signal(SIGHUP, SIG_IGN);
        (void)signal(SIGTERM, end_start);
        (void)signal(SIGINT, end_start);
        return loop_signal_new(&s->signals[0], s->loop, SIGHUP, on_signal, s);
}

int signals_take(Server *s)
{
        int r = loop_signal_new(&s->signals[1], s->loop, SIGTERM, on_signal, s);

        if (r == 0)
                r = loop_signal_new(&s->signals[2], s->loop, SIGINT, on_signal, s);
        is_starting = false;
        return r;
}

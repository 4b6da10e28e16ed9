/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory runs short.
 *
 * The happy path is: once a second, and while surveys come every so many of them, it is looked how much memory is in use;
 * near limits.memory surveys are refused, so that their senders keep them, until there is room again. With a bound each
 * connection may leave less unread, too. Possible failure modes: the kernel does not tell (there is no /proc): then there is no bound, and
 * the log says so once.
 */

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/log.h"
#include "daemon/server/state.h"
#include "proto/base/plant.h"

/* Surveys between two looks. */
#define LOOK_EVERY 64
/* What many surveys that are under way may add to the ids that are known. */
#define UNDER_WAY 16384

/* 0: nobody knows. The second number in there counts pages. */
static size_t resident(void)
{
        /* It stays open: a crowd that leaves no descriptor is not to lift the bound. */
        static int fd = -1;
        char text[128], *second = NULL;
        ssize_t n;

        if (fd < 0)
                fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        n = pread(fd, text, sizeof(text) - 1, 0);
        if (n > 0) {
                text[n] = '\0';
                second = strchr(text, ' ');
        }
        return second ? (size_t)strtoull(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

/* @coming may be what keeps surveys out where much is free. */
static void tell(Server *s, size_t coming)
{
        if (s->ceiling.reached)
                log_warning("memory in_use=%zu coming=%zu limit=%zu, refusing surveys until there is room",
                            s->resident, coming, s->ceiling.max);
        else
                log_notice("memory in_use=%zu limit=%zu, surveys are taken", s->resident, s->ceiling.max);
        server_tell_status(s);
        server_wake(s, s->shed, 0);
}

static void look(Server *s)
{
        usec_t now = loop_monotonic(s->loop);
        size_t coming = seen_growth(&s->seen, UNDER_WAY);
        bool trim, changed;

        s->n_unlooked = 0;
        s->resident = resident();
        changed = ceiling_judge(&s->ceiling, s->resident, coming, now, &trim);
        if (trim) {
                (void)malloc_trim(0);
                s->resident = resident();
                changed = ceiling_judge(&s->ceiling, s->resident, coming, now, &trim);
        }
        if (changed)
                tell(s, coming);
}

bool shed_is_due(Server *s)
{
        if (PLANTED("memory-unbounded"))
                return false;
        if (s->ceiling.max && ++s->n_unlooked >= LOOK_EVERY)
                look(s);
        return s->ceiling.reached;
}

void shed_look(void *user)
{
        Server *s = user;

        if (!s->ceiling.max)
                return;
        look(s);
        server_wake(s, s->shed, s->ceiling.reached ? 100 * USEC_MSEC : USEC_SEC);
}

void shed_start(Server *s)
{
        s->ceiling.max = s->config->max_memory << 20;
        if (!s->ceiling.max && s->ceiling.reached) {
                s->ceiling.reached = false;
                tell(s, 0);
        }
        if (s->ceiling.max && !resident())
                log_warning("memory in use is not told by the kernel, going on without limits.memory");
        /* A sixteenth for what is posted and not yet taken. */
        http_server_limit_bodies(s->http, s->ceiling.max / 16);
        shed_look(s);
}

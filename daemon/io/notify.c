/* SPDX-License-Identifier: Apache-2.0 */

/*
 * systemd's notification and socket protocols.
 *
 * The happy path is: a datagram of NAME=VALUE lines to the socket named by NOTIFY_SOCKET; inherited
 * descriptors from 3 on. Possible failure modes are: an environment that makes no sense (refused, since a
 * service that guesses serves the wrong sockets); systemd does not take a datagram (reported, the service
 * goes on).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/io/notify.h"
#include "proto/base/text.h"

#define FIRST_FD 3

static const char *const variables[] = {
        "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
};

/* 1: it is not set. */
static int number_of(const char *variable, int64_t *ret)
{
        const char *value = getenv(variable);

        if (!value)
                return 1;
        return text_to_int64(text_of(value), ret) < 0 || *ret < 0 ? -EINVAL : 0;
}

/* Whether @variable names this process; without it everybody is meant. -EINVAL. */
static int is_for_us(const char *variable, bool *ret)
{
        int64_t pid;
        int r = number_of(variable, &pid);

        if (r < 0)
                return r;
        *ret = r > 0 || pid == getpid();
        return 0;
}

static int open_socket(Notify *n)
{
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        size_t length;
        int r;

        if (!path)
                return 0;
        length = strlen(path);
        if ((path[0] != '/' && path[0] != '@') || length < 2 || length >= sizeof(un.sun_path))
                return -EINVAL;
        memcpy(un.sun_path, path, length);
        if (path[0] == '@')
                un.sun_path[0] = 0;
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (n->fd < 0)
                return -errno;
        length += offsetof(struct sockaddr_un, sun_path) + (path[0] == '@' ? 0 : 1);
        if (connect(n->fd, (const struct sockaddr *)&un, (socklen_t)length) < 0) {
                r = -errno;
                close(n->fd);
                n->fd = -1;
                return r;
        }
        return 0;
}

static int take_watchdog(Notify *n)
{
        bool ours;
        int64_t value;
        int r;

        r = number_of("WATCHDOG_USEC", &value);
        if (r != 0)
                return r < 0 ? r : 0;
        if (value == 0)
                return -EINVAL;
        r = is_for_us("WATCHDOG_PID", &ours);
        if (r == 0 && ours)
                n->watchdog = value;
        return r;
}

static void copy_name(const char **names, char *ret)
{
        size_t n = *names ? strcspn(*names, ":") : 0;

        if (n == 0)
                snprintf(ret, NOTIFY_NAME_MAX, "unknown");
        else
                snprintf(ret, NOTIFY_NAME_MAX, "%.*s", (int)(n < NOTIFY_NAME_MAX ? n : NOTIFY_NAME_MAX - 1),
                         *names);
        if (*names)
                *names = (*names)[n] ? *names + n + 1 : NULL;
}

static int take_fds(Notify *n)
{
        const char *names = getenv("LISTEN_FDNAMES");
        int64_t count;
        bool ours;
        int r;

        r = number_of("LISTEN_FDS", &count);
        if (r != 0)
                return r < 0 ? r : 0;
        r = is_for_us("LISTEN_PID", &ours);
        if (r < 0 || !ours)
                return r;
        if (count > NOTIFY_FDS_MAX)
                return -E2BIG;
        for (int i = 0; i < (int)count; i++) {
                if (fcntl(FIRST_FD + i, F_SETFD, FD_CLOEXEC) < 0)
                        return -errno;
                copy_name(&names, n->fds[i].name);
                n->fds[i].fd = FIRST_FD + i;
                n->n_fds++;
        }
        return 0;
}

int notify_take_environment(Notify *ret)
{
        Notify n = NOTIFY_NULL;
        int r;

        /* The inherited descriptors first, lest the socket takes one of their numbers. */
        r = take_fds(&n);
        if (r == 0)
                r = take_watchdog(&n);
        if (r == 0)
                r = open_socket(&n);
        for (size_t i = 0; i < CX_ARRAY_LEN(variables); i++)
                unsetenv(variables[i]);
        if (r < 0) {
                notify_deinit(&n);
                return r;
        }
        *ret = n;
        return 0;
}

void notify_deinit(Notify *n)
{
        for (size_t i = 0; i < n->n_fds; i++)
                if (n->fds[i].fd >= 0)
                        close(n->fds[i].fd);
        if (n->fd >= 0)
                close(n->fd);
        *n = NOTIFY_NULL;
}

CX_PRINTF(2, 3) static int tell(Notify *n, const char *format, ...)
{
        char text[1024];
        va_list args;
        int length;

        if (n->fd < 0)
                return 0;
        va_start(args, format);
        length = vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        if (length < 0)
                return -EINVAL;
        if ((size_t)length >= sizeof(text))
                length = sizeof(text) - 1;
        return send(n->fd, text, (size_t)length, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* One line of at most 512 bytes. */
static const char *one_line(const char *status, char ret[512])
{
        snprintf(ret, 512, "%s", status ? status : "");
        for (char *c = ret; *c; c++)
                if (*c == '\n' || *c == '\r')
                        *c = ' ';
        return ret;
}

int notify_ready(Notify *n, const char *status)
{
        char line[512];

        return tell(n, "READY=1\nSTATUS=%s\n", one_line(status, line));
}

int notify_starting(Notify *n, usec_t extend, const char *status)
{
        char line[512];

        return tell(n, "EXTEND_TIMEOUT_USEC=%lld\nSTATUS=%s\n", (long long)extend, one_line(status, line));
}

int notify_reloading(Notify *n, usec_t monotonic)
{
        return tell(n, "RELOADING=1\nMONOTONIC_USEC=%lld\n", (long long)monotonic);
}

int notify_stopping(Notify *n)
{
        return tell(n, "STOPPING=1\n");
}

int notify_status(Notify *n, const char *status)
{
        char line[512];

        return tell(n, "STATUS=%s\n", one_line(status, line));
}

int notify_watchdog(Notify *n)
{
        return n->watchdog > 0 ? tell(n, "WATCHDOG=1\n") : 0;
}

usec_t notify_watchdog_interval(const Notify *n)
{
        return n->watchdog > 0 && n->fd >= 0 ? (n->watchdog + 1) / 2 : USEC_INFINITY;
}

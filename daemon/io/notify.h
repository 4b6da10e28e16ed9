#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What systemd and we tell each other: readiness, state, watchdog, inherited sockets.
 *
 * The happy path is: notify_take_environment() first thing in main(), before threads; notify_ready();
 * notify_watchdog() at half of notify_watchdog_interval() from the loop; notify_stopping(). Without systemd
 * all of it does nothing.
 */

#include <stddef.h>

#include "proto/base/def.h"
#include "proto/base/usec.h"

#define NOTIFY_FDS_MAX  32
#define NOTIFY_NAME_MAX 64

typedef struct NotifyFd {
        int fd;                     /* close-on-exec; now the caller's */
        char name[NOTIFY_NAME_MAX]; /* FileDescriptorName=, "unknown" without one */
} NotifyFd;

typedef struct Notify {
        int fd;          /* -1: nobody to tell */
        usec_t watchdog; /* 0: no watchdog */
        NotifyFd fds[NOTIFY_FDS_MAX];
        size_t n_fds;
} Notify;

#define NOTIFY_NULL ((Notify){.fd = -1})

/*
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES and removes them
 * from the environment. -EINVAL: one of them is malformed; -E2BIG: more than NOTIFY_FDS_MAX sockets; -errno
 * of socket().
 */
CX_MUST_CHECK int notify_take_environment(Notify *ret);
/* Closes the notification socket and those of fds[] that are not -1. */
void notify_deinit(Notify *n);

/* Each returns 0, or -errno when systemd could not be told; which is worth a log line, no more. */
/* It takes its time: within @extend from now comes another message. */
int notify_starting(Notify *n, usec_t extend, const char *status);
int notify_ready(Notify *n, const char *status);
int notify_reloading(Notify *n, usec_t monotonic);
int notify_stopping(Notify *n);
/* One line for `systemctl status`; newlines become blanks. */
int notify_status(Notify *n, const char *status);
int notify_watchdog(Notify *n);
/* How often to call notify_watchdog(): half of what systemd demands. USEC_INFINITY: never. */
usec_t notify_watchdog_interval(const Notify *n);

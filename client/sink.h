#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where surveys go: the daemon's line socket, or POST /v1/surveys. Either way each survey is handed over once
 * and is either taken durably or reported as refused; what was under way when a connection broke is sent
 * again (the daemon knows duplicates).
 */

#include <stdbool.h>

#include "client/cmd.h"
#include "proto/base/buffer.h"
#include "proto/base/usec.h"

typedef struct SinkTotals {
        uint64_t stored, duplicate, revised, refused;
} SinkTotals;

typedef struct SinkRefusal {
        uint64_t tag;                         /* as given to sink_send() */
        const char *id, *code, *field, *text; /* NULL: not said; borrowed, as it came */
} SinkRefusal;

typedef void (*SinkOnRefused)(void *context, const SinkRefusal *refusal);

typedef struct Sink Sink;

/* The flags that every command with a sink has: --lines, --http, --source-token-file. */
#define SINK_FLAGS                                                                                           \
        {"lines", 'l', "ADDRESS", "the line socket: unix:PATH or tcp://HOST:PORT (env CXCTL_LINES)"},        \
                {"http", 0, NULL, "send through HTTP (-H) instead of the line socket"},                      \
        {                                                                                                    \
                "source-token-file", 0, "FILE", "file with the token of the source, if not the same as ours" \
        }

/* Connects. CTL_OK, or the exit code, said why. */
int sink_open(Sink **ret, Ctl *ctl, const Args *args, SinkOnRefused on_refused, void *context);
Sink *sink_free(Sink *s);

/* Hands over one line of JSON without its end. @tag comes back if it is refused. Waits while too much is
 * under way. */
int sink_send(Sink *s, uint64_t tag, Text line);

/* Sends what is waiting, and reads answers until @deadline (real time); 0: does not wait. */
int sink_pump(Sink *s, usec_t deadline);

/* Sends what is waiting, and reads answers until all have come or there is something to read from @fd. */
int sink_wait(Sink *s, int fd);

/* Waits until everything is taken or refused. */
int sink_flush(Sink *s);

/* What has been answered so far. */
const SinkTotals *sink_totals(const Sink *s);

CX_DEFINE_CLEANUP(Sink, sink_free)

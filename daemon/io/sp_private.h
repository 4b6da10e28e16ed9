#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inside of SP sockets, for their own files: sp.c (sockets, peers, what comes in) and sp_send.c (what goes out).
 */

#include <sys/queue.h>

#include "daemon/io/sp.h"
#include "proto/base/buffer.h"

#define HELLO_N   8
#define IPC_MARK  0x01
#define BODY_KEEP ((size_t)64 * 1024) /* a larger buffer is given back after use */

struct SpRequest {
        LIST_ENTRY(SpRequest) link;
        SpPeer *peer; /* NULL: gone */
        size_t n_trace;
        char trace[4 * (SP_HOPS_LIMIT + 1)];
};

struct SpPeer {
        TAILQ_ENTRY(SpPeer) link;
        LIST_HEAD(, SpRequest) requests;
        unsigned n_requests;
        SpSocket *socket;
        Conn *conn;
        void *user;
        const char *reason; /* why we end it, or NULL */
        Buffer body;
        size_t body_left; /* of the message in @body; 0: none has begun */
        size_t skip_left; /* behind that, of a message that is too long */
        usec_t begun_at;  /* the message that is incomplete; USEC_INFINITY: none */
        size_t begun_n;   /* bytes of it that were seen */
        uint64_t dropped;
        bool hello; /* the headers are exchanged */
        bool ready; /* on_peer() wanted it */
        bool paused;
};

struct SpSocket {
        TAILQ_HEAD(, SpPeer) peers;
        Loop *loop;
        SpKind kind;
        SpLimits limits;
        ConnLimits conn_limits;
        const SpOps *ops;
        void *user;
        SpStats stats;
        Buffer out; /* the message that is sent */
};

/* Reads on or not, as it has paused or resumed, and requests were taken or answered. */
void sp_pause_if_due(SpPeer *p);

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* The inside of a connection, for its own files: conn.c (its life, and what comes) and conn_write.c (what goes). */

#include "daemon/io/conn.h"

struct bufferevent;
struct event;

struct Conn {
        Loop *loop;
        struct bufferevent *bev;
        struct event *tick;
        struct event *readable; /* NULL: the bufferevent reads, for TLS */
        Accepted from;          /* its fd is the bufferevent's */
        ConnLimits limits;
        const ConnOps *ops;
        void *user;

        usec_t deadline;
        usec_t active_at;   /* when something came or went last, as far as noticed */
        usec_t sent_at;     /* when something went last, or began to wait */
        usec_t linger_at;   /* USEC_INFINITY: not closing */
        usec_t armed_for;   /* of @tick; USEC_INFINITY: not armed */
        uint64_t queued;    /* bytes, ever */
        uint64_t sent_seen; /* bytes that were out at @sent_at */
        int queue_seen; /* bytes that the kernel had still to send when it was asked since then; -1: not yet */

        ConnReason reason;
        unsigned busy; /* inside a callback of the owner */
        bool dead;     /* conn_free() was called in there */
        bool paused;
        bool resuming;    /* with the next tick */
        bool choked;      /* too much output is unsent */
        bool brings_much; /* at least READ_LITTLE, last time */
        bool full;        /* as much input waits as may: it is not read from */
        bool eof;
        bool eof_told;
        bool reset;  /* by the peer, as an answer found out: an end that is read then is not its own */
        bool broken; /* nothing can be written; what has come still has its turn */
        bool closing;
        bool shut; /* our side is shut down */
        bool over;
        bool told; /* on_closed() was called */
};

/* Its end: on_closed() follows from the loop. */
void conn_finish(Conn *c, ConnReason reason);
/* One of its times may have become earlier. */
void conn_arm(Conn *c);
/* Output has moved. */
void conn_touch_sent(Conn *c);
/* Whether the peer has taken something out of the kernel's queue since the last question. */
bool conn_queue_shrinks(Conn *c);

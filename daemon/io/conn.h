#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A connection: bytes in, bytes out, within bounds of memory and time.
 *
 * The happy path is: conn_new() with an Accepted; on_data() for what arrives; conn_write(); conn_close(),
 * which sends what is left; on_closed(); conn_free(). Possible failure modes: the peer leaves or resets, a
 * deadline passes, nothing moves for too long, the peer does not read: each ends in on_closed() with its
 * reason.
 *
 * The caller owns the Conn. Callbacks come from the loop only, never out of a conn_ function. on_closed()
 * comes exactly once, unless conn_free() was called before; then none comes. conn_free() is allowed at any
 * time, also inside each of the callbacks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/io/listener.h"
#include "daemon/io/loop.h"
#include "daemon/io/peer.h"
#include "proto/base/def.h"
#include "proto/base/usec.h"

typedef struct Conn Conn;

typedef enum ConnReason {
        CONN_CLOSED,   /* by conn_close(), all was sent */
        CONN_EOF,      /* the peer closed its side, and the owner has no on_eof */
        CONN_ERROR,    /* the peer reset it, or the network did, or TLS failed */
        CONN_DEADLINE, /* conn_set_deadline() */
        CONN_IDLE,     /* nothing came or went for limits.idle */
        CONN_STALLED,  /* the peer took nothing of what is unsent for limits.stall, or not all of it after
                          conn_close() */
        CONN_OVERFLOW, /* more than limits.out_max unsent, or input that on_data() does not take */
        CONN_MEMORY,
        CONN_CUT, /* conn_cut() */
        _CONN_REASON_N,
} ConnReason;

/* "closed", "end of stream", ...: for the log. */
const char *conn_reason_text(ConnReason r);

/* 0 stands for the value in parentheses; USEC_INFINITY for never. */
typedef struct ConnLimits {
        size_t in_high;  /* unread input beyond which the socket is not read (128 KiB) */
        size_t out_high; /* unsent output beyond which on_data() rests (1 MiB) ... */
        size_t out_low;  /* ... until it is down to this; also the mark of on_drained() (256 KiB) */
        size_t out_max;  /* unsent output beyond which the connection is cut (4 MiB) */
        usec_t idle;     /* (never) */
        usec_t stall;    /* (never); what the peer takes out of the kernel's queue counts as well */
        usec_t linger;   /* for sending the rest after conn_close(), plus a second for each 8 KiB (5 s) */
} ConnLimits;

/* Puts the defaults in for zeros. */
void conn_limits_fill(ConnLimits *l);

typedef struct ConnOps {
        /*
         * All input that is not consumed yet, in one piece; returns how much of it is now. What is left comes
         * again, with more behind it. Must take something before there is in_high of it. Not called while
         * paused.
         */
        size_t (*on_data)(Conn *c, const char *data, size_t n, void *user);
        /*
         * The peer will send nothing more, but may still read; comes after the last on_data(), not while
         * paused.
         * @data: what on_data() left. The owner closes when it has answered. NULL: the connection ends with
         * CONN_EOF.
         */
        void (*on_eof)(Conn *c, const char *data, size_t n, void *user);
        /* The kernel took something and at most out_low is left unsent; may come without need. May be NULL.
         */
        void (*on_drained)(Conn *c, void *user);
        /* It is over. The owner calls conn_free(), here or later. */
        void (*on_closed)(Conn *c, ConnReason reason, void *user);
} ConnOps;

/*
 * Takes *a over in any case, also when it fails. @ops is borrowed, @limits (may be NULL) is copied. -ENOMEM;
 * -EIO if TLS cannot be set up. Reading starts in the next turn.
 */
CX_MUST_CHECK int conn_new(Conn **ret, Loop *l, Accepted *a, const ConnLimits *limits, const ConnOps *ops,
                           void *user);
Conn *conn_free(Conn *c);

/*
 * Queues a copy. Without memory or beyond out_max the connection is cut (on_closed() comes) and it returns
 * -ENOMEM or -ENOBUFS; -EPIPE if it is over or closing. A caller that needs nothing more from the connection
 * may ignore it.
 */
int conn_write(Conn *c, const void *data, size_t n);
/* The same, but what can go out at once does, without a turn of the loop; no on_drained() comes for that. */
int conn_write_now(Conn *c, const void *data, size_t n);
size_t conn_unsent(const Conn *c);
/* More than out_high was unsent, and it is not down to out_low yet: on_data() rests. */
bool conn_is_choked(const Conn *c);

/* While paused, on_data() rests, and the socket is not read beyond 32 KiB (or in_high, if that is less). Not nested. */
void conn_pause(Conn *c);
void conn_resume(Conn *c);

/* At @at of loop_monotonic() the connection is cut, whatever happens before. USEC_INFINITY: no deadline. */
void conn_set_deadline(Conn *c, usec_t at);

/*
 * No more on_data(). Sends what is unsent, then waits for the peer to close too, so that no reset overtakes
 * the last bytes; both within limits.linger plus a second for each 8 KiB unsent. Then on_closed() comes.
 */
void conn_close(Conn *c);
/* The same within @linger, whatever is unsent. */
void conn_close_within(Conn *c, usec_t linger);
/* Ends it now; on_closed() comes with @reason from the loop. */
void conn_cut(Conn *c, ConnReason reason);
/* conn_close() or conn_cut() was called or on_closed() came. */
bool conn_is_closing(const Conn *c);
/* Borrowed. */
const Peer *conn_peer(const Conn *c);

CX_DEFINE_CLEANUP(Conn, conn_free)

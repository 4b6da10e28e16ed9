#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * nanomsg's SP protocols, the server's side of PULL, REP and PUB, over TCP and Unix (ipc) sockets.
 *
 * The happy path is: sp_socket_new(); a Listener with sp_socket_accept and the socket as @user; the headers
 * are exchanged; on_peer(); messages, requests or sp_send(); on_gone(). Possible failure modes: a peer that
 * is silent, of the wrong protocol, sends a frame that is no SP, a message beyond the limit, or anything at
 * all to a publisher, is dropped; nobody else notices.
 *
 * An SpPeer belongs to the socket and is good until on_gone() returns. An SpRequest belongs to whoever got it
 * from on_request(), until sp_reply() or sp_request_free(), both of which are allowed after the peer or the
 * socket has gone.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/io/conn.h"
#include "proto/base/text.h"

typedef struct SpSocket SpSocket;
typedef struct SpPeer SpPeer;
typedef struct SpRequest SpRequest;

typedef enum SpKind {
        SP_PULL,
        SP_REP,
        SP_PUB,
} SpKind;

#define SP_MESSAGE_MAX ((size_t)1024 * 1024)
#define SP_HOPS_LIMIT  32

/* 0 stands for the value in parentheses. */
typedef struct SpLimits {
        size_t message_max; /* of a message from a peer, checked before memory is taken for it (1 MiB) */
        size_t queue_max; /* unsent bytes per peer: PUB drops beyond it (1 MiB), REP reads no further request
                           */
        usec_t handshake; /* for the 8 bytes of the peer's header (5 s) */
        usec_t message;   /* for a message once it has begun (10 s, plus a second for each 64 KiB received) */
        usec_t stall;     /* of a peer that takes nothing of what is unsent (10 s) */
        unsigned hops_max;     /* REP: devices that a request may have passed (8) */
        unsigned requests_max; /* REP: unanswered requests per peer beyond which it is not read (16) */
} SpLimits;

typedef struct SpOps {
        /* The headers are exchanged. *ret_peer_user is for the other callbacks. < 0: the peer is not wanted,
         * nothing else comes for it. May be NULL. */
        int (*on_peer)(SpPeer *p, void *socket_user, void **ret_peer_user);
        /* PULL: one message, borrowed for the call. TEXT_NULL: it was beyond message_max, and is passed over. */
        void (*on_message)(SpPeer *p, Text message, void *peer_user);
        /* REP: one request; @message likewise. */
        void (*on_request)(SpRequest *r, SpPeer *p, Text message, void *peer_user);
        /* PUB: some of what was queued went out. May be NULL. */
        void (*on_room)(SpPeer *p, void *peer_user);
        /* Exactly once for every on_peer() that returned 0. @reason is a sentence for the log. May be NULL.
         */
        void (*on_gone)(SpPeer *p, const char *reason, void *peer_user);
} SpOps;

typedef struct SpStats {
        uint64_t received;
        uint64_t sent;
        uint64_t dropped; /* PUB: messages that a full queue did not take, and those of sp_drop() */
        uint64_t refused; /* peers that were dropped for what they did, before or after the headers */
        unsigned peers;   /* at present */
} SpStats;

enum {
        _SP_OK,
        SP_E_FULL, /* the peer's queue is full: this message is not sent to it, and counted */
};

/* @limits may be NULL; it is copied, @ops borrowed. -ENOMEM. */
CX_MUST_CHECK int sp_socket_new(SpSocket **ret, Loop *l, SpKind kind, const SpLimits *limits,
                                const SpOps *ops, void *socket_user);
/* Ends every peer at once: on_gone() is called for each, from here. Not inside one of its callbacks. */
SpSocket *sp_socket_free(SpSocket *s);
/* A ListenerFn; @user is the SpSocket. */
void sp_socket_accept(Accepted *a, void *user);
/* Puts in what zeros stand for. */
void sp_limits_fill(SpLimits *l);
void sp_socket_stats(const SpSocket *s, SpStats *ret);

/* The peers whose headers are exchanged; NULL at the end. sp_send() and sp_peer_cut() do not disturb a walk.
 */
SpPeer *sp_socket_first(SpSocket *s);
SpPeer *sp_peer_next(SpPeer *p);
const Peer *sp_peer_peer(const SpPeer *p);
uint64_t sp_peer_dropped(const SpPeer *p);
/* Ends it; on_gone() comes in the next turn. @reason is a literal. */
void sp_peer_cut(SpPeer *p, const char *reason);
/* PULL, REP: while too much waits for the store nothing is read from it. */
void sp_peer_pause(SpPeer *p);
void sp_peer_resume(SpPeer *p);

/*
 * PUB: one message, to this peer only. Who may see what is the caller's business: the subscriber's topics are
 * known to nobody but the subscriber. 0, SP_E_FULL, -ENOMEM (the peer is cut).
 */
CX_MUST_CHECK int sp_send(SpPeer *p, Text message);
/* Whether a message of @n bytes would find room now, or never will. */
bool sp_has_room(const SpPeer *p, size_t n);
/* Bytes that the kernel has not taken yet. */
size_t sp_unsent(const SpPeer *p);
/* Counts a message that the peer is not sent, for want of room. */
void sp_drop(SpPeer *p);

/* Answers and frees @r. Without a peer any more it only frees. */
void sp_reply(SpRequest *r, Text reply);
/* No answer will come; the client asks again after its own time. NULL is accepted. */
SpRequest *sp_request_free(SpRequest *r);
/* NULL once the peer has gone. */
SpPeer *sp_request_peer(const SpRequest *r);

CX_DEFINE_CLEANUP(SpSocket, sp_socket_free)
CX_DEFINE_CLEANUP(SpRequest, sp_request_free)

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A listening socket: bound here, or inherited from systemd.
 *
 * The happy path is: listener_new() with the accept function of a server (line_server_accept,
 * sp_socket_accept, http_server_accept) and that server as @user; each connection is handed over as an
 * Accepted. The owner frees the listener before the server that it feeds; connections already taken live on.
 * Possible failure modes: out of descriptors or memory: accepting rests for 100 ms, one line is logged per
 * second; too many connections: the new one is closed at once and counted.
 */

#include <stdint.h>
#include <sys/types.h>

#include "daemon/io/address.h"
#include "daemon/io/conn_cap.h"
#include "daemon/io/loop.h"
#include "daemon/io/peer.h"
#include "proto/base/def.h"

typedef struct Listener Listener;
typedef struct Tls Tls;

/* A connection just taken. Whoever gets one passes it to conn_new() or to accepted_deinit(). */
typedef struct Accepted {
        int fd;
        Peer peer;
        ConnCap *cap; /* one place in it */
        Tls *tls;     /* one reference, or NULL */
} Accepted;

#define ACCEPTED_NULL ((Accepted){.fd = -1})

void accepted_deinit(Accepted *a);

/* Takes @a over by value: *a is ACCEPTED_NULL when it returns. */
typedef void (*ListenerFn)(Accepted *a, void *user);

typedef struct ListenerConfig {
        Address address; /* where to bind; not looked at with an inherited @fd */
        int fd;          /* inherited listening socket, taken over on success; < 0: bind */
        mode_t mode;     /* of a Unix socket's file, set race-free; 0: 0600 */
        gid_t gid;       /* of a Unix socket's file; (gid_t)-1: ours */
        unsigned max;    /* connections through this listener; 0: no limit */
        ConnCap *total;  /* limit in common with other listeners, or NULL; a reference is taken */
        Tls *tls;        /* TCP only, or NULL; a reference is taken */
} ListenerConfig;

#define LISTENER_CONFIG_NULL ((ListenerConfig){.fd = -1, .gid = (gid_t)-1})

typedef struct ListenerStats {
        uint64_t accepted;
        uint64_t refused; /* over a limit */
        uint64_t errors;  /* accept() failed */
        unsigned open;    /* connections at present */
} ListenerStats;

/*
 * -EADDRINUSE: somebody answers there already, or a file that is no socket has the path (it is left alone).
 * Otherwise -ENOMEM (an inherited @fd may be closed then) or the errno of socket(), bind(), chown(), chmod(),
 * listen(); -EINVAL: an inherited @fd that does not listen.
 */
CX_MUST_CHECK int listener_new(Listener **ret, Loop *l, const ListenerConfig *config, ListenerFn fn,
                               void *user);
/* Closes it; removes the file of a Unix socket that was bound here, if it is still ours. */
Listener *listener_free(Listener *l);

/* The address that it is bound to, with the port that the kernel chose. Borrowed. */
const Address *listener_address(const Listener *l);
void listener_stats(const Listener *l, ListenerStats *ret);

/* Closes the descriptor without looking at who connects; for shutting down. Idempotent. */
void listener_stop(Listener *l);

CX_DEFINE_CLEANUP(Listener, listener_free)

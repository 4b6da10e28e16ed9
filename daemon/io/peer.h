#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who is at the other end of a connection.
 *
 * On a Unix socket the kernel tells user, group and process as they were at connect() time (SO_PEERCRED).
 * Under PrivateUsers=yes it tells 65534 for everybody, which is why our unit does not use it. A plain value.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/io/address.h"
#include "proto/base/def.h"

typedef struct Peer {
        bool is_unix;  /* the three credentials are known */
        bool loopback; /* Unix, or an IP connection from this machine */
        bool tls;
        uid_t uid;
        gid_t gid;
        pid_t pid;
        char text[ADDRESS_TEXT_MAX]; /* for the log: "unix:uid=1000,pid=4711", "tcp://10.1.2.3:4711" */
} Peer;

/* -errno of getsockopt() or getpeername(). */
CX_MUST_CHECK int peer_of_fd(int fd, Peer *ret);

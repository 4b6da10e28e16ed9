#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where to listen: tcp://HOST:PORT, unix:///path, ipc:///path (the same as unix).
 *
 * HOST is a literal IPv4 address, an IPv6 address in brackets, `*` (every address of both families) or
 * `localhost` (127.0.0.1); names are not looked up. PORT 0 lets the kernel choose. A path is absolute and
 * short enough for a socket (107 bytes). A plain value.
 */

#include <stdbool.h>
#include <sys/socket.h>

#include "proto/base/def.h"
#include "proto/base/text.h"

#define ADDRESS_TEXT_MAX   128
#define ADDRESS_REASON_MAX 160

typedef struct Address {
        struct sockaddr_storage sockaddr;
        socklen_t n;
        bool any; /* "*": IPv6 that takes IPv4 too; IPv4 alone where the machine has no IPv6 */
} Address;

/* -EINVAL, and then @reason says what is wrong and what would be right. */
CX_MUST_CHECK int address_parse(Address *ret, Text t, char reason[ADDRESS_REASON_MAX]);

/* The local address of a socket. -errno; -EAFNOSUPPORT if it is neither IP nor Unix. */
CX_MUST_CHECK int address_of_fd(int fd, Address *ret);
/* The address of the other end. Unix: without a path. */
CX_MUST_CHECK int address_of_peer(int fd, Address *ret);

bool address_is_unix(const Address *a);
/* Reachable from this machine only: 127.0.0.0/8, ::1 (also mapped), or a Unix socket. */
bool address_is_loopback(const Address *a);
/* 0 for Unix. */
unsigned address_port(const Address *a);
/* The path of a Unix socket; "" if it has none, or for IP. Borrowed from @a. */
const char *address_path(const Address *a);

/* "tcp://127.0.0.1:8480", "tcp://[::1]:8480", "unix:///run/cxd/cxd.sock". Returns @ret. */
char *address_format(const Address *a, char ret[ADDRESS_TEXT_MAX]);

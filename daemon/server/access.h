#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who is asking, and which source is sending: from the credentials of a Unix peer, or from a token.
 *
 * Root and the daemon's own user are admin on Unix sockets. Nobody is anybody by default. Tokens are compared
 * by their SHA-256, all of them, in constant time.
 */

#include "daemon/config/config.h"
#include "daemon/io/peer.h"
#include "proto/base/text.h"
#include "proto/fault.h"

#define ACCESS_TOKEN_MAX 256

/* The principal called "admin" that root and our own user are. */
extern const Principal ACCESS_ADMIN;

/* NULL: a stranger. */
const Principal *access_of_peer(const Config *c, const Peer *peer);
const Principal *access_of_token(const Config *c, Text token);

/* Who proved to be @a would be @b, too. */
bool access_is_same(const Principal *a, const Principal *b);
/* Name and credentials, for what goes on over a reload. */
Principal access_keep(const Principal *p);
/* Who was kept, by the configuration of now; NULL: there is no such principal, or it is proved otherwise. */
const Principal *access_again(const Config *c, const Principal *kept);
bool access_is_still_admin(const Config *c, const Principal *kept);

/*
 * The source that may send through this connection: the one of @token, or without a token (TEXT_NULL) the
 * open one, if the peer is on this machine. 0, or 1 with @fault.
 */
CX_MUST_CHECK int access_source(const Config *c, const Peer *peer, Text token, const ConfigSource **ret,
                                Fault *fault);

/* Whether the source may send for this queue. */
bool access_source_covers(const ConfigSource *s, Text queue);

/* The token of an `Authorization: Bearer ...` header; TEXT_NULL without one. */
Text access_bearer(Text authorization);

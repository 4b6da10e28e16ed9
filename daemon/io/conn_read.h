#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads what a bufferevent leaves: up to version 2.1 libevent takes 4 KiB at once, whatever it is told, and asks the kernel
 * twice for that.
 *
 * Of who sends without a pause that is a fifth of all work.
 */

#include "proto/base/def.h"

struct bufferevent;

/*
 * Inside the bufferevent's callback for reading: more of what has come, up to 16 KiB in all. Not with TLS. 0, also at the
 * end, which the bufferevent finds by itself; -errno of the connection, which it would not be told any more.
 */
CX_MUST_CHECK int conn_read_more(struct bufferevent *bev);

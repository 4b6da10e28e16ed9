#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How many connections there may be: a counter with a ceiling, under an optional common one.
 *
 * Counted by reference, because a connection may outlive the listener that took it.
 */

#include <stdbool.h>

#include "proto/base/def.h"

typedef struct ConnCap ConnCap;

/* One reference for the caller; takes another one of @parent (may be NULL). @max 0: no limit. -ENOMEM. */
CX_MUST_CHECK int conn_cap_new(ConnCap **ret, unsigned max, ConnCap *parent);
ConnCap *conn_cap_ref(ConnCap *c);
ConnCap *conn_cap_unref(ConnCap *c);

/* One more, here and in the parent; false if either is full. With it goes a reference, given back by _give().
 */
bool conn_cap_take(ConnCap *c);
void conn_cap_give(ConnCap *c);

/* For a reload: takes effect for new connections. */
void conn_cap_set_max(ConnCap *c, unsigned max);
unsigned conn_cap_count(const ConnCap *c);

CX_DEFINE_CLEANUP(ConnCap, conn_cap_unref)

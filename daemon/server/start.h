#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Brings back what is stored: surveys into the engine and the table of known ids, alerts, feeds.
 */

#include "daemon/server/state.h"

/* Behind what is said of a store that is too damaged for a start. */
#define START_DAMAGED "; \"Damage on the disk\" in cxd(8) says what can be done"

/* To be called while a start reads: about once a second systemd learns that it goes on, and how far it is. */
void start_goes_on(Server *server);

/* Before the storage thread runs. < 0 after logging. Damaged rows are named in the log and left out. */
CX_MUST_CHECK int start_restore(Server *server, Store *store, uint64_t *ret_last_seq);

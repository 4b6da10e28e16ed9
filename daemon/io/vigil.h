#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Waiting awake, for what mostly comes within microseconds: a thread that sleeps is woken later than that.
 *
 * Between two looks the processor goes to whoever wants it. A thread that yields does not get it back as soon as one that
 * is woken: where the processors are busy with other things, waiting awake would take many times as long as asleep. So a
 * look that comes late ends the vigil, and for a while there is none.
 */

#include <stdbool.h>

#include "daemon/io/clock.h"

typedef struct Vigil {
        usec_t until;     /* on the monotonic clock */
        usec_t idle_from; /* there is none before that */
} Vigil;

/* From now on, for @length at most. Replaces the one before. The clock must go on. */
void vigil_begin(Vigil *v, const Clock *clock, usec_t length);
void vigil_end(Vigil *v);

/* Yields. Whether to look again: if not, sleep. */
bool vigil_goes_on(Vigil *v, const Clock *clock);

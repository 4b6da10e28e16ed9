#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where time comes from.
 *
 * The daemon asks its Loop (loop_realtime(), loop_monotonic()), which asks a Clock at most once per turn, so
 * that everything that happens in one turn happens at one moment. Tests put their own Clock in.
 */

#include "proto/base/usec.h"

typedef struct Clock {
        usec_t (*realtime)(void *user);  /* since the Unix epoch; may step in both directions */
        usec_t (*monotonic)(void *user); /* since some point in the past; never goes back */
        void *user;
} Clock;

/* The kernel's clocks. */
extern const Clock CLOCK_SYSTEM;

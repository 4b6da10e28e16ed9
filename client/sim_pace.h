#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * When the contacts of a simulated present come: at random, so many per second.
 *
 * Pure: time and chance come from the caller. Who falls behind, because surveys are not taken so fast or the machine
 * slept, leaves out what came in the meantime; else it would be ever more at once.
 */

#include <stdbool.h>

#include "client/sim_rng.h"
#include "proto/base/usec.h"

#define SIM_PACE_BEHIND_MAX USEC_SEC

typedef struct SimPace {
        double rate; /* per second */
        usec_t next;
} SimPace;

/* Once before all that is due at @now is asked for. */
void sim_pace_turn(SimPace *p, usec_t now);
/* Whether one more contact has come by @now. */
bool sim_pace_due(SimPace *p, Rng *rng, usec_t now);

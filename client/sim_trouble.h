#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What goes wrong in the present of a simulated centre: now and then an agent of a good team has a bad time,
 * and a queue keeps people waiting. Few at a time, so that the whole stays near what it was.
 */

#include "client/sim.h"

#define SIM_TROUBLES 3

typedef struct SimTroubles {
        bool on[SIM_TROUBLES];
        size_t who[SIM_TROUBLES]; /* index into agents or queues */
} SimTroubles;

/* Begins and ends what is due when the present is @age old. At first @t is all zero. */
void sim_troubles_turn(SimTroubles *t, SimWorld *w, usec_t age);

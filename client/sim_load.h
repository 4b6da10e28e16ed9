#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The centre of sim.h as a running daemon knows it: its agents, queues, metrics, and who has an alert
 * already.
 */

#include "client/ctl.h"
#include "client/sim.h"

/* CTL_OK, or the exit code, said why. Not settled yet. */
int sim_load(Ctl *ctl, SimWorld *ret);

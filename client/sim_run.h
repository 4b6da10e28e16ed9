#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sends what happens in a simulated centre: a past of many days at once, then the present as it goes by.
 */

#include "client/progress.h"
#include "client/report.h"
#include "client/sim.h"

typedef struct SimLater SimLater; /* something that is to be sent at a later time */

typedef struct SimRun {
        SimWorld *world;
        Sink *sink; /* borrowed */
        Report *report;
        Progress *progress;
        usec_t until; /* end of the past */
        double per_agent_day;
        double rate; /* of the present, per second */
        SimLater *later;
        size_t n_later, size_later;
        Buffer line;
} SimRun;

void sim_run_deinit(SimRun *run);

/* Everything from @since to run->until, and waits until it is stored. CTL_INTERRUPTED: until a signal (interrupt.h). */
int sim_run_history(SimRun *run, usec_t since);

/* Until a signal, with the troubles of sim_trouble.h. */
int sim_run_live(SimRun *run);

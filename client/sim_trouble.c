/* SPDX-License-Identifier: Apache-2.0 */

#include "client/sim_trouble.h"

#define PERIOD       (45 * USEC_MIN) /* then others have their turn */
#define RUSH         (35 * USEC_SEC) /* an agent's trouble begins with a rush of contacts */
#define RUSH_TRAFFIC 8

static const struct {
        bool queue;
        usec_t from, until;
        double depth;
} plan[SIM_TROUBLES] = {
        {false, 5 * USEC_SEC, 2 * USEC_MIN, 2.5},
        {true, 5 * USEC_SEC, 20 * USEC_MIN, 2},
        {false, 4 * USEC_MIN, 6 * USEC_MIN, 2.5},
};

/* Whoever had trouble once is spared as long as there are others. */
static void begin(SimTroubles *t, SimWorld *w, size_t i)
{
        if (plan[i].queue) {
                t->who[i] = sim_world_healthy_queue(w);
                w->queues[t->who[i]].alerting = true;
                w->queues[t->who[i]].trouble = plan[i].depth;
        } else {
                t->who[i] = sim_world_healthy_agent(w);
                w->agents[t->who[i]].alerting = true;
                w->agents[t->who[i]].trouble = plan[i].depth;
        }
}

static void end(const SimTroubles *t, SimWorld *w, size_t i)
{
        if (plan[i].queue)
                w->queues[t->who[i]].trouble = 0;
        else
                w->agents[t->who[i]].trouble = w->agents[t->who[i]].traffic = 0;
}

void sim_troubles_turn(SimTroubles *t, SimWorld *w, usec_t age)
{
        usec_t phase = age % PERIOD;

        for (size_t i = 0; i < SIM_TROUBLES; i++) {
                bool on = phase >= plan[i].from && phase < plan[i].until;

                if (on && !t->on[i])
                        begin(t, w, i);
                else if (!on && t->on[i])
                        end(t, w, i);
                t->on[i] = on;
                if (on && !plan[i].queue)
                        w->agents[t->who[i]].traffic = phase - plan[i].from < RUSH ? RUSH_TRAFFIC : 0;
        }
}

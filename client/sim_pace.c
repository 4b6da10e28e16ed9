/* SPDX-License-Identifier: Apache-2.0 */

#include "client/sim_pace.h"

void sim_pace_turn(SimPace *p, usec_t now)
{
        if (p->next < now - SIM_PACE_BEHIND_MAX)
                p->next = now - SIM_PACE_BEHIND_MAX;
}

bool sim_pace_due(SimPace *p, Rng *rng, usec_t now)
{
        if (p->next > now)
                return false;
        /* Rounded up as often as is right, so that high rates are not lower for it. */
        p->next += (usec_t)(1e6 / p->rate * rng_exponential(rng) + rng_unit(rng));
        return true;
}

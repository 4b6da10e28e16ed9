/* SPDX-License-Identifier: Apache-2.0 */

#include <sched.h>

#include "daemon/io/vigil.h"

/* Others of this daemon and its senders take less; somebody who computes gets milliseconds. */
#define LATE (USEC_MSEC / 2)
/* One late look in so long. */
#define REST (USEC_SEC / 4)

void vigil_begin(Vigil *v, const Clock *clock, usec_t length)
{
        usec_t now = clock->monotonic(clock->user);

        v->until = now < v->idle_from ? 0 : usec_after(now, length);
}

void vigil_end(Vigil *v)
{
        v->until = 0;
}

bool vigil_goes_on(Vigil *v, const Clock *clock)
{
        usec_t before, now;

        if (v->until == 0)
                return false;
        before = clock->monotonic(clock->user);
        (void)sched_yield();
        now = clock->monotonic(clock->user);
        if (now >= usec_after(before, LATE))
                v->idle_from = usec_after(now, REST);
        if (now >= v->until || now < v->idle_from)
                v->until = 0;
        return v->until;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "daemon/core/calendar.h"

void calendar_deinit(Calendar *c)
{
        free(c->steps);
        *c = CALENDAR_UTC;
}

/* The number of the step that holds at @t. */
static size_t step_at(const Calendar *c, usec_t t)
{
        size_t low = 0, high = c->n_steps;

        while (high - low > 1) {
                size_t middle = low + (high - low) / 2;

                if (c->steps[middle].from <= t)
                        low = middle;
                else
                        high = middle;
        }
        return low;
}

/* The number of the local day that @t lies in, with the offset of step @i. */
static int64_t day_in(const Calendar *c, size_t i, usec_t t)
{
        return usec_floor(t + c->steps[i].offset, USEC_DAY) / USEC_DAY;
}

/*
 * A day begins within a stretch of one offset, or with such a stretch when the clocks jump over midnight.
 * When they go back to midnight or before it, the day began in the stretch before: only its first instant
 * counts.
 */
usec_t calendar_midnight(const Calendar *c, usec_t t)
{
        size_t i;
        int64_t day;

        if (c->n_steps == 0)
                return usec_floor(t, USEC_DAY);
        i = step_at(c, t);
        day = day_in(c, i, t);
        for (;; i--) {
                usec_t midnight = day * USEC_DAY - c->steps[i].offset;

                if (i == 0 || midnight > c->steps[i].from)
                        return midnight;
                if (day_in(c, i - 1, c->steps[i].from - 1) < day)
                        return c->steps[i].from;
        }
}

usec_t calendar_next_midnight(const Calendar *c, usec_t t)
{
        size_t i;
        int64_t day;

        if (c->n_steps == 0)
                return usec_floor(t, USEC_DAY) + USEC_DAY;
        i = step_at(c, t);
        day = day_in(c, i, t);
        for (;; i++) {
                usec_t midnight = (day + 1) * USEC_DAY - c->steps[i].offset;

                if (i + 1 == c->n_steps || midnight < c->steps[i + 1].from)
                        return midnight > t ? midnight : t + 1;
                if (day_in(c, i + 1, c->steps[i + 1].from) > day)
                        return c->steps[i + 1].from;
        }
}

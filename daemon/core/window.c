/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/core/window.h"

#define LENGTH_MAX (3650 * USEC_DAY)

usec_t window_tier_width(WindowTier tier)
{
        static const usec_t widths[_WINDOW_TIER_N] = {
                [WINDOW_MINUTE] = USEC_MIN,
                [WINDOW_HOUR] = USEC_HOUR,
                [WINDOW_DAY] = USEC_DAY,
        };

        return widths[tier];
}

static WindowTier tier_for(usec_t length)
{
        if (length <= USEC_DAY)
                return WINDOW_MINUTE;
        return length <= 7 * USEC_DAY ? WINDOW_HOUR : WINDOW_DAY;
}

int window_init(Window *w, Text name)
{
        Window made = {0};
        int r;

        if (name.n == 0 || name.n > WINDOW_NAME_MAX)
                return -EINVAL;
        memcpy(made.name, name.at, name.n);
        if (text_is(name, "today")) {
                made.today = true;
                made.length = USEC_DAY;
                made.tier = WINDOW_MINUTE;
                *w = made;
                return 0;
        }
        r = duration_parse(name.at, name.n, &made.length);
        if (r)
                return r;
        if (made.length < USEC_MIN || made.length > LENGTH_MAX)
                return -ERANGE;
        made.tier = tier_for(made.length);
        if (made.length % window_tier_width(made.tier))
                return -ERANGE;
        *w = made;
        return 0;
}

void window_span(const Window *w, const Calendar *c, usec_t at, usec_t *ret_start, usec_t *ret_end)
{
        usec_t width = window_tier_width(w->tier);
        usec_t end = usec_ceil(at, width);

        *ret_start = w->today ? usec_floor(calendar_midnight(c, at - 1), width) : end - w->length;
        *ret_end = end;
}

void window_span_before(const Window *w, const Calendar *c, usec_t at, usec_t *ret_start, usec_t *ret_end)
{
        usec_t start, end;

        window_span(w, c, at, &start, &end);
        if (w->today)
                *ret_start = usec_floor(calendar_midnight(c, start - 1), window_tier_width(w->tier));
        else
                *ret_start = start - w->length;
        *ret_end = start;
}

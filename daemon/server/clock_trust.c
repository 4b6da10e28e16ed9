/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/server/clock_trust.h"

static const char seen_mark[] = "clock seen", doubted_mark[] = "clock doubted";

static bool is_far_ahead(usec_t now, usec_t of)
{
        return of != INT64_MIN && now - CLOCK_TRUST_AHEAD > of;
}

bool clock_trust_judge(ClockTrust *t, usec_t now)
{
        bool is_far = is_far_ahead(now, t->seen);

        if (is_far && (t->doubted == INT64_MIN || now < t->doubted || is_far_ahead(now, t->looked)))
                t->doubted = now;
        t->looked = now;
        if (is_far && now - CLOCK_TRUST_DOUBT < t->doubted)
                return false;
        t->seen = now;
        t->doubted = INT64_MIN;
        return true;
}

int clock_trust_read(ClockTrust *t, Store *store)
{
        int r = store_get_mark_or(store, seen_mark, INT64_MIN, &t->written);

        if (r == 0)
                r = store_get_mark_or(store, doubted_mark, INT64_MIN, &t->written_doubted);
        t->seen = t->written;
        t->doubted = t->looked = t->written_doubted;
        return r;
}

static bool is_news(const ClockTrust *t)
{
        return t->written == INT64_MIN || t->seen < t->written || t->seen - t->written >= USEC_HOUR ||
               t->doubted != t->written_doubted;
}

int clock_trust_write(const ClockTrust *t, Store *store)
{
        int r = 0;

        if (is_news(t))
                r = store_put_mark(store, seen_mark, t->seen);
        if (r == 0 && t->doubted != t->written_doubted)
                r = store_put_mark(store, doubted_mark, t->doubted);
        return r;
}

void clock_trust_written(ClockTrust *t)
{
        if (!is_news(t))
                return;
        t->written = t->seen;
        t->written_doubted = t->doubted;
}

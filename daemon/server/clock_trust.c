/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/server/clock_trust.h"

static const char seen_mark[] = "clock seen", doubted_mark[] = "clock doubted";

ClockVerdict clock_trust_judge(ClockTrust *t, usec_t now)
{
        bool is_far = t->seen != INT64_MIN && now - CLOCK_TRUST_AHEAD > t->seen;
        bool is_new = is_far && t->doubted == INT64_MIN;

        if (!is_far || (!is_new && now - CLOCK_TRUST_DOUBT >= t->doubted)) {
                t->seen = now;
                t->doubted = INT64_MIN;
                return CLOCK_BELIEVED;
        }
        if (is_new || now < t->doubted)
                t->doubted = now;
        return is_new ? CLOCK_DOUBTED : CLOCK_IN_DOUBT;
}

int clock_trust_read(ClockTrust *t, Store *store)
{
        int r = store_get_mark_or(store, seen_mark, INT64_MIN, &t->written);

        if (r == 0)
                r = store_get_mark_or(store, doubted_mark, INT64_MIN, &t->written_doubted);
        t->seen = t->written;
        t->doubted = t->written_doubted;
        return r;
}

int clock_trust_write(ClockTrust *t, Store *store)
{
        int r = 0;

        if (t->seen < t->written || t->written == INT64_MIN || t->seen - t->written >= USEC_HOUR) {
                r = store_put_mark(store, seen_mark, t->seen);
                t->written = t->seen;
        }
        if (r == 0 && t->doubted != t->written_doubted) {
                r = store_put_mark(store, doubted_mark, t->doubted);
                t->written_doubted = t->doubted;
        }
        return r;
}

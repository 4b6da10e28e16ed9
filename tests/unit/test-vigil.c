/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/io/vigil.h"
#include "tests/support/check_main.h"

static usec_t g_now;
static usec_t g_step; /* between two looks at the clock */

static usec_t now(void *user CX_UNUSED)
{
        g_now += g_step;
        return g_now;
}

static const Clock g_clock = {.realtime = now, .monotonic = now};

START_TEST(it_lasts_as_long_as_it_was_asked_for)
{
        Vigil v = {0};
        usec_t begin;
        int n = 0;

        ck_assert(!vigil_goes_on(&v, &g_clock));
        g_step = 1;
        vigil_begin(&v, &g_clock, 100);
        begin = g_now;
        while (vigil_goes_on(&v, &g_clock))
                n++;
        ck_assert_int_ge(n, 40);
        ck_assert_int_ge(g_now, begin + 100);
        ck_assert_int_le(g_now, begin + 102);
        ck_assert(!vigil_goes_on(&v, &g_clock));
        vigil_begin(&v, &g_clock, 100);
        ck_assert(vigil_goes_on(&v, &g_clock));
        vigil_end(&v);
        ck_assert(!vigil_goes_on(&v, &g_clock));
}
END_TEST

/* Somebody else had the processor: once, and then not for a while. */
START_TEST(a_late_look_ends_it_and_those_of_a_while)
{
        Vigil v = {0};

        g_step = USEC_MSEC / 2 - 1;
        vigil_begin(&v, &g_clock, USEC_SEC);
        ck_assert(vigil_goes_on(&v, &g_clock));
        g_step = USEC_MSEC / 2;
        ck_assert(!vigil_goes_on(&v, &g_clock));
        g_step = 1;
        ck_assert(!vigil_goes_on(&v, &g_clock));
        vigil_begin(&v, &g_clock, USEC_SEC);
        ck_assert(!vigil_goes_on(&v, &g_clock));
        g_now += USEC_SEC / 4 - 10;
        vigil_begin(&v, &g_clock, USEC_SEC);
        ck_assert(!vigil_goes_on(&v, &g_clock));
        g_now += 10;
        vigil_begin(&v, &g_clock, USEC_SEC);
        ck_assert(vigil_goes_on(&v, &g_clock));
}
END_TEST

CHECK_MAIN("vigil", it_lasts_as_long_as_it_was_asked_for, a_late_look_ends_it_and_those_of_a_while)

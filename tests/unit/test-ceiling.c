/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/server/ceiling.h"
#include "tests/support/check_main.h"

START_TEST(it_is_reached_below_the_bound_and_left_further_below)
{
        Ceiling c = CEILING_INIT(8000);
        bool trim;

        ck_assert(!ceiling_judge(&c, 6999, 0, 0, &trim) && !trim && !c.reached);
        /* What was freed is given back before anybody is refused. */
        ck_assert(!ceiling_judge(&c, 7000, 0, 0, &trim) && trim && !c.reached);
        ck_assert(!ceiling_judge(&c, 6500, 0, 0, &trim) && !trim && !c.reached);
        ck_assert(!ceiling_judge(&c, 7000, 0, 5 * USEC_SEC, &trim) && trim);
        ck_assert(ceiling_judge(&c, 7000, 0, 5 * USEC_SEC, &trim) && !trim && c.reached);
        ck_assert(!ceiling_judge(&c, 6001, 0, 5 * USEC_SEC, &trim) && c.reached);
        ck_assert(ceiling_judge(&c, 5999, 0, 5 * USEC_SEC, &trim) && !trim && !c.reached);
}
END_TEST

START_TEST(what_is_coming_counts)
{
        Ceiling c = CEILING_INIT(8000);
        bool trim;

        ck_assert(!ceiling_judge(&c, 3000, 3999, 0, &trim) && !trim);
        ck_assert(!ceiling_judge(&c, 3000, 4000, 0, &trim) && trim);
        ck_assert(ceiling_judge(&c, 3000, 4000, 0, &trim) && c.reached);
        ck_assert(ceiling_judge(&c, 3000, 0, 0, &trim) && !c.reached);
}
END_TEST

START_TEST(memory_is_given_back_less_and_less_often_while_it_does_not_help)
{
        Ceiling c = CEILING_INIT(8000);
        usec_t last = 0, pause = 0;
        unsigned n = 0;
        bool trim;

        for (usec_t now = 0; now < 600 * USEC_SEC; now += USEC_SEC / 10) {
                if (ceiling_judge(&c, 7500, 0, now, &trim) || !trim)
                        continue;
                ck_assert_int_ge(now - last, pause);
                pause = now - last;
                last = now;
                n++;
        }
        ck_assert_int_eq(pause, 60 * USEC_SEC);
        ck_assert_uint_lt(n, 20);
}
END_TEST

START_TEST(without_a_bound_it_is_never_reached)
{
        Ceiling c = CEILING_INIT(0);
        bool trim;

        ck_assert(!ceiling_judge(&c, SIZE_MAX, SIZE_MAX, 0, &trim) && !trim && !c.reached);
}
END_TEST

CHECK_MAIN("ceiling", it_is_reached_below_the_bound_and_left_further_below, what_is_coming_counts,
           memory_is_given_back_less_and_less_often_while_it_does_not_help,
           without_a_bound_it_is_never_reached)

/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/server/clock_trust.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

#define NOW (20000 * USEC_DAY)

START_TEST(time_that_goes_on_is_believed)
{
        ClockTrust t = CLOCK_TRUST_INIT;

        ck_assert_int_eq(clock_trust_judge(&t, NOW), CLOCK_BELIEVED);
        ck_assert_int_eq(clock_trust_judge(&t, NOW + USEC_MIN), CLOCK_BELIEVED);
        ck_assert_int_eq(clock_trust_judge(&t, NOW + USEC_MIN + CLOCK_TRUST_AHEAD), CLOCK_BELIEVED);
        ck_assert_int_eq(clock_trust_judge(&t, NOW - 100 * USEC_DAY), CLOCK_BELIEVED);
        ck_assert_int_eq(t.seen, NOW - 100 * USEC_DAY);
}
END_TEST

START_TEST(a_jump_is_doubted_for_a_day)
{
        const usec_t ahead = NOW + 500 * USEC_DAY;
        ClockTrust t = CLOCK_TRUST_INIT;

        ck_assert_int_eq(clock_trust_judge(&t, NOW), CLOCK_BELIEVED);
        ck_assert_int_eq(clock_trust_judge(&t, ahead), CLOCK_DOUBTED);
        ck_assert_int_eq(clock_trust_judge(&t, ahead + USEC_DAY - 1), CLOCK_IN_DOUBT);
        ck_assert_int_eq(t.seen, NOW);
        ck_assert_int_eq(clock_trust_judge(&t, ahead + USEC_DAY), CLOCK_BELIEVED);
        ck_assert_int_eq(t.seen, ahead + USEC_DAY);
        ck_assert_int_eq(clock_trust_judge(&t, ahead + USEC_DAY + USEC_MIN), CLOCK_BELIEVED);
}
END_TEST

START_TEST(a_doubt_ends_when_the_clock_is_set_right)
{
        const usec_t ahead = NOW + 500 * USEC_DAY;
        ClockTrust t = CLOCK_TRUST_INIT;

        ck_assert_int_eq(clock_trust_judge(&t, NOW), CLOCK_BELIEVED);
        ck_assert_int_eq(clock_trust_judge(&t, ahead), CLOCK_DOUBTED);
        ck_assert_int_eq(clock_trust_judge(&t, NOW + USEC_HOUR), CLOCK_BELIEVED);
        ck_assert_int_eq(clock_trust_judge(&t, ahead + USEC_DAY), CLOCK_DOUBTED);
        /* Still ahead, and less so: another time, which has not been told for a day. */
        ck_assert_int_eq(clock_trust_judge(&t, ahead - 100 * USEC_DAY), CLOCK_IN_DOUBT);
        ck_assert_int_eq(clock_trust_judge(&t, ahead - 100 * USEC_DAY + USEC_DAY - 1), CLOCK_IN_DOUBT);
        ck_assert_int_eq(clock_trust_judge(&t, ahead - 99 * USEC_DAY), CLOCK_BELIEVED);
}
END_TEST

static void write_down(ClockTrust *t, Store *s)
{
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(clock_trust_write(t, s), 0);
        ck_assert_int_eq(store_commit(s), 0);
}

BOTH(what_is_believed_and_doubted_is_known_after_a_restart)
{
        const usec_t ahead = NOW + 30 * USEC_DAY;
        ClockTrust t = CLOCK_TRUST_INIT, again = CLOCK_TRUST_INIT;

        ck_assert_int_eq(clock_trust_read(&t, s), 0);
        ck_assert_int_eq(clock_trust_judge(&t, NOW), CLOCK_BELIEVED);
        write_down(&t, s);
        /* A minute more is not worth a write. */
        ck_assert_int_eq(clock_trust_judge(&t, NOW + USEC_MIN), CLOCK_BELIEVED);
        write_down(&t, s);
        ck_assert_int_eq(clock_trust_read(&again, s), 0);
        ck_assert_int_eq(again.seen, NOW);
        ck_assert_int_eq(clock_trust_judge(&again, ahead), CLOCK_DOUBTED);
        write_down(&again, s);
        ck_assert_int_eq(clock_trust_read(&t, s), 0);
        ck_assert_int_eq(clock_trust_judge(&t, ahead + USEC_DAY / 2), CLOCK_IN_DOUBT);
        ck_assert_int_eq(clock_trust_judge(&t, ahead + USEC_DAY), CLOCK_BELIEVED);
        write_down(&t, s);
        ck_assert_int_eq(clock_trust_read(&again, s), 0);
        ck_assert_int_eq(again.seen, ahead + USEC_DAY);
        ck_assert_int_eq(again.doubted, INT64_MIN);
        /* Back by more than it takes to write it down. */
        ck_assert_int_eq(clock_trust_judge(&again, NOW), CLOCK_BELIEVED);
        write_down(&again, s);
        ck_assert_int_eq(clock_trust_read(&t, s), 0);
        ck_assert_int_eq(t.seen, NOW);
}

CHECK_MAIN("clock_trust", time_that_goes_on_is_believed, a_jump_is_doubted_for_a_day,
           a_doubt_ends_when_the_clock_is_set_right, what_is_believed_and_doubted_is_known_after_a_restart)

/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/server/clock_trust.h"
#include "tests/support/check_main.h"
#include "tests/support/store_fixture.h"

#define NOW (20000 * USEC_DAY)

START_TEST(time_that_goes_on_is_believed)
{
        ClockTrust t = CLOCK_TRUST_INIT;

        ck_assert(clock_trust_judge(&t, NOW));
        ck_assert(clock_trust_judge(&t, NOW + USEC_MIN));
        ck_assert(clock_trust_judge(&t, NOW + USEC_MIN + CLOCK_TRUST_AHEAD));
        ck_assert(clock_trust_judge(&t, NOW - 100 * USEC_DAY));
        ck_assert_int_eq(t.seen, NOW - 100 * USEC_DAY);
}
END_TEST

START_TEST(a_jump_is_doubted_for_a_day)
{
        const usec_t ahead = NOW + 500 * USEC_DAY;
        ClockTrust t = CLOCK_TRUST_INIT;

        ck_assert(clock_trust_judge(&t, NOW));
        ck_assert(!clock_trust_judge(&t, ahead));
        ck_assert(!clock_trust_judge(&t, ahead + USEC_DAY - 1));
        ck_assert_int_eq(t.seen, NOW);
        ck_assert(clock_trust_judge(&t, ahead + USEC_DAY));
        ck_assert_int_eq(t.seen, ahead + USEC_DAY);
        ck_assert(clock_trust_judge(&t, ahead + USEC_DAY + USEC_MIN));
}
END_TEST

START_TEST(a_doubt_ends_when_the_clock_is_set_right)
{
        const usec_t ahead = NOW + 500 * USEC_DAY;
        ClockTrust t = CLOCK_TRUST_INIT;

        ck_assert(clock_trust_judge(&t, NOW));
        ck_assert(!clock_trust_judge(&t, ahead));
        ck_assert(clock_trust_judge(&t, NOW + USEC_HOUR));
        ck_assert(!clock_trust_judge(&t, ahead + USEC_DAY));
        /* Still ahead, and less so: another time, which has not been told for a day. */
        ck_assert(!clock_trust_judge(&t, ahead - 100 * USEC_DAY));
        ck_assert(!clock_trust_judge(&t, ahead - 100 * USEC_DAY + USEC_DAY - 1));
        ck_assert(clock_trust_judge(&t, ahead - 99 * USEC_DAY));
}
END_TEST

START_TEST(another_jump_is_doubted_anew)
{
        const usec_t ahead = NOW + 10 * USEC_DAY, further = NOW + 3300 * USEC_DAY;
        ClockTrust t = CLOCK_TRUST_INIT;

        ck_assert(clock_trust_judge(&t, NOW));
        ck_assert(!clock_trust_judge(&t, ahead));
        ck_assert(!clock_trust_judge(&t, ahead + USEC_MIN));
        ck_assert(!clock_trust_judge(&t, further));
        ck_assert(!clock_trust_judge(&t, further + USEC_DAY - 1));
        ck_assert_int_eq(t.seen, NOW);
        ck_assert(clock_trust_judge(&t, further + USEC_DAY));
}
END_TEST

static void write_down(ClockTrust *t, Store *s)
{
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(clock_trust_write(t, s), 0);
        ck_assert_int_eq(store_commit(s), 0);
        clock_trust_written(t);
}

BOTH(what_is_believed_and_doubted_is_known_after_a_restart)
{
        const usec_t ahead = NOW + 30 * USEC_DAY;
        ClockTrust t = CLOCK_TRUST_INIT, again = CLOCK_TRUST_INIT;

        ck_assert_int_eq(clock_trust_read(&t, s), 0);
        ck_assert(clock_trust_judge(&t, NOW));
        write_down(&t, s);
        /* A minute more is not worth a write. */
        ck_assert(clock_trust_judge(&t, NOW + USEC_MIN));
        write_down(&t, s);
        ck_assert_int_eq(clock_trust_read(&again, s), 0);
        ck_assert_int_eq(again.seen, NOW);
        ck_assert(!clock_trust_judge(&again, ahead));
        write_down(&again, s);
        ck_assert_int_eq(clock_trust_read(&t, s), 0);
        ck_assert(!clock_trust_judge(&t, ahead + USEC_DAY / 2));
        ck_assert(clock_trust_judge(&t, ahead + USEC_DAY));
        write_down(&t, s);
        ck_assert_int_eq(clock_trust_read(&again, s), 0);
        ck_assert_int_eq(again.seen, ahead + USEC_DAY);
        ck_assert_int_eq(again.doubted, INT64_MIN);
        /* What was not committed is written with the next one. */
        ck_assert(!clock_trust_judge(&again, ahead + 30 * USEC_DAY));
        ck_assert_int_eq(store_begin(s), 0);
        ck_assert_int_eq(clock_trust_write(&again, s), 0);
        store_rollback(s);
        write_down(&again, s);
        ck_assert_int_eq(clock_trust_read(&t, s), 0);
        ck_assert_int_eq(t.doubted, ahead + 30 * USEC_DAY);
        /* Back by more than it takes to write it down. */
        ck_assert(clock_trust_judge(&again, NOW));
        write_down(&again, s);
        ck_assert_int_eq(clock_trust_read(&t, s), 0);
        ck_assert_int_eq(t.seen, NOW);
        ck_assert_int_eq(t.doubted, INT64_MIN);
}

CHECK_MAIN("clock_trust", time_that_goes_on_is_believed, a_jump_is_doubted_for_a_day,
           a_doubt_ends_when_the_clock_is_set_right, another_jump_is_doubted_anew,
           what_is_believed_and_doubted_is_known_after_a_restart)

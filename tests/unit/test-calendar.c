/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/core/calendar.h"
#include "tests/support/check_main.h"

static usec_t at(const char *text)
{
        usec_t t;

        ck_assert_int_eq(usec_parse(text, strlen(text), true, &t), 0);
        return t;
}

static void expect_day(const Calendar *c, const char *when, const char *start, const char *next)
{
        char text[USEC_TEXT_MAX];

        ck_assert_str_eq(usec_format(calendar_midnight(c, at(when)), text), start);
        ck_assert_str_eq(usec_format(calendar_next_midnight(c, at(when)), text), next);
}

START_TEST(without_a_table_days_are_those_of_utc)
{
        Calendar c = CALENDAR_UTC;

        expect_day(&c, "2026-03-29T00:00:00Z", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z");
        expect_day(&c, "2026-03-29T23:59:59Z", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z");
        ck_assert_int_eq(calendar_midnight(&c, -1), -USEC_DAY);
}
END_TEST

START_TEST(days_in_madrid_have_23_and_25_hours_when_the_clocks_change)
{
        CalendarStep steps[] = {
                {.from = 0, .offset = USEC_HOUR},
                {.from = at("2026-03-29T01:00:00Z"), .offset = 2 * USEC_HOUR},
                {.from = at("2026-10-25T01:00:00Z"), .offset = USEC_HOUR},
        };
        Calendar c = {.steps = steps, .n_steps = 3};

        expect_day(&c, "2026-01-10T12:00:00Z", "2026-01-09T23:00:00Z", "2026-01-10T23:00:00Z");
        expect_day(&c, "2026-03-29T00:30:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
        expect_day(&c, "2026-03-29T21:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
        expect_day(&c, "2026-03-29T22:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z");
        expect_day(&c, "2026-10-24T22:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
        expect_day(&c, "2026-10-25T22:59:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
        expect_day(&c, "2026-10-25T23:00:00Z", "2026-10-25T23:00:00Z", "2026-10-26T23:00:00Z");
}
END_TEST

START_TEST(a_day_without_midnight_begins_with_its_first_instant)
{
        /* Sao Paulo 2018: at 00:00 of November 4 the clocks went to 01:00. */
        CalendarStep steps[] = {
                {.from = 0, .offset = -3 * USEC_HOUR},
                {.from = at("2018-11-04T03:00:00Z"), .offset = -2 * USEC_HOUR},
        };
        Calendar c = {.steps = steps, .n_steps = 2};

        expect_day(&c, "2018-11-04T10:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z");
        expect_day(&c, "2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z");
}
END_TEST

START_TEST(a_day_with_two_midnights_begins_with_the_first)
{
        /* Havana 2026: at 01:00 of November 1 the clocks go back to 00:00. */
        CalendarStep steps[] = {
                {.from = 0, .offset = -4 * USEC_HOUR},
                {.from = at("2026-11-01T05:00:00Z"), .offset = -5 * USEC_HOUR},
        };
        Calendar c = {.steps = steps, .n_steps = 2};

        expect_day(&c, "2026-11-01T04:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z");
        expect_day(&c, "2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z");
        /* Back from midnight to 23:00: the last hour of the day comes twice. */
        steps[1].from = at("2026-11-01T04:00:00Z");
        expect_day(&c, "2026-11-01T04:30:00Z", "2026-10-31T04:00:00Z", "2026-11-01T05:00:00Z");
        expect_day(&c, "2026-11-01T03:30:00Z", "2026-10-31T04:00:00Z", "2026-11-01T05:00:00Z");
}
END_TEST

START_TEST(days_follow_each_other_without_a_gap)
{
        CalendarStep steps[] = {
                {.from = 0, .offset = USEC_HOUR},
                {.from = at("2026-03-29T01:00:00Z"), .offset = 2 * USEC_HOUR},
                {.from = at("2026-10-25T01:00:00Z"), .offset = USEC_HOUR},
        };
        Calendar c = {.steps = steps, .n_steps = 3};

        for (usec_t t = at("2026-01-01"); t < at("2027-01-01"); t += 17 * USEC_MIN) {
                usec_t start = calendar_midnight(&c, t), next = calendar_next_midnight(&c, t);

                ck_assert(start <= t && t < next);
                ck_assert_int_eq(calendar_midnight(&c, next), next);
                ck_assert_int_eq(calendar_next_midnight(&c, start), next);
        }
}
END_TEST

CHECK_MAIN("calendar", without_a_table_days_are_those_of_utc,
           days_in_madrid_have_23_and_25_hours_when_the_clocks_change,
           a_day_without_midnight_begins_with_its_first_instant,
           a_day_with_two_midnights_begins_with_the_first, days_follow_each_other_without_a_gap)

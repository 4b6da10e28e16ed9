/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/core/window.h"
#include "tests/support/check_main.h"

static usec_t at(const char *text)
{
        usec_t t;

        ck_assert_int_eq(usec_parse(text, strlen(text), true, &t), 0);
        return t;
}

static Window window(const char *name)
{
        Window w;

        ck_assert_int_eq(window_init(&w, text_of(name)), 0);
        ck_assert_str_eq(w.name, name);
        return w;
}

START_TEST(the_length_decides_the_width_of_buckets)
{
        ck_assert_int_eq(window("1m").tier, WINDOW_MINUTE);
        ck_assert_int_eq(window("24h").tier, WINDOW_MINUTE);
        ck_assert_int_eq(window("today").tier, WINDOW_MINUTE);
        ck_assert_int_eq(window("25h").tier, WINDOW_HOUR);
        ck_assert_int_eq(window("7d").tier, WINDOW_HOUR);
        ck_assert_int_eq(window("8d").tier, WINDOW_DAY);
        ck_assert_int_eq(window("90d").length, 90 * USEC_DAY);
        ck_assert(window("today").today);
        ck_assert_int_eq(window_tier_width(WINDOW_HOUR), USEC_HOUR);
}
END_TEST

START_TEST(what_is_no_window_is_refused)
{
        Window w = {.length = 7};

        ck_assert_int_eq(window_init(&w, TEXT("")), -EINVAL);
        ck_assert_int_eq(window_init(&w, TEXT("yesterday")), -EINVAL);
        ck_assert_int_eq(window_init(&w, TEXT("7x")), -EINVAL);
        ck_assert_int_eq(window_init(&w, TEXT("0000000000000001d")), -EINVAL);
        ck_assert_int_eq(window_init(&w, TEXT("59s")), -ERANGE);
        ck_assert_int_eq(window_init(&w, TEXT("90s")), -ERANGE);
        ck_assert_int_eq(window_init(&w, TEXT("25h30m")), -ERANGE);
        ck_assert_int_eq(window_init(&w, TEXT("8d1h")), -ERANGE);
        ck_assert_int_eq(window_init(&w, TEXT("3651d")), -ERANGE);
        ck_assert_int_eq(w.length, 7);
}
END_TEST

START_TEST(a_span_ends_with_the_bucket_of_the_last_instant)
{
        Window hour = window("1h"), month = window("28d");
        Calendar utc = CALENDAR_UTC;
        usec_t start, end;

        window_span(&hour, &utc, at("2026-11-21T10:20:30Z"), &start, &end);
        ck_assert_int_eq(start, at("2026-11-21T09:21:00Z"));
        ck_assert_int_eq(end, at("2026-11-21T10:21:00Z"));
        window_span(&hour, &utc, at("2026-11-21T10:20:00Z"), &start, &end);
        ck_assert_int_eq(end, at("2026-11-21T10:20:00Z"));
        window_span(&hour, &utc, at("2026-11-21T10:20:00Z") + 1, &start, &end);
        ck_assert_int_eq(end, at("2026-11-21T10:21:00Z"));
        window_span_before(&hour, &utc, at("2026-11-21T10:20:00Z"), &start, &end);
        ck_assert_int_eq(start, at("2026-11-21T08:20:00Z"));
        ck_assert_int_eq(end, at("2026-11-21T09:20:00Z"));
        window_span(&month, &utc, at("2026-11-21T10:20:00Z"), &start, &end);
        ck_assert_int_eq(start, at("2026-10-25"));
        ck_assert_int_eq(end, at("2026-11-22"));
}
END_TEST

START_TEST(today_is_the_local_day_also_when_it_has_25_hours)
{
        CalendarStep steps[] = {
                {.from = 0, .offset = 2 * USEC_HOUR},
                {.from = at("2026-10-25T01:00:00Z"), .offset = USEC_HOUR},
        };
        Calendar madrid = {.steps = steps, .n_steps = 2};
        Window today = window("today");
        usec_t start, end;

        window_span(&today, &madrid, at("2026-10-25T22:59:30Z"), &start, &end);
        ck_assert_int_eq(start, at("2026-10-24T22:00:00Z"));
        ck_assert_int_eq(end, at("2026-10-25T23:00:00Z"));
        window_span(&today, &madrid, at("2026-10-25T23:00:00Z"), &start, &end);
        ck_assert_int_eq(start, at("2026-10-24T22:00:00Z"));
        window_span(&today, &madrid, at("2026-10-25T23:00:00Z") + 1, &start, &end);
        ck_assert_int_eq(start, at("2026-10-25T23:00:00Z"));
        window_span_before(&today, &madrid, at("2026-10-25T23:00:00Z") + 1, &start, &end);
        ck_assert_int_eq(start, at("2026-10-24T22:00:00Z"));
        ck_assert_int_eq(end, at("2026-10-25T23:00:00Z"));
}
END_TEST

CHECK_MAIN("window", the_length_decides_the_width_of_buckets, what_is_no_window_is_refused,
           a_span_ends_with_the_bucket_of_the_last_instant, today_is_the_local_day_also_when_it_has_25_hours)

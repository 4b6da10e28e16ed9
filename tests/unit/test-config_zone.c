/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/config/zone.h"
#include "tests/support/check_main.h"

static Calendar calendar_of(const char *name)
{
        Calendar c = CALENDAR_UTC;

        ck_assert_msg(zone_calendar(&c, text_of(name)) == 0, "%s (is tzdata installed?)", name);
        return c;
}

/* Length in hours of the local day in which noon UTC of that date lies. */
static double day_hours(const Calendar *c, int64_t year, unsigned month, unsigned day)
{
        usec_t noon = civil_to_days(year, month, day) * USEC_DAY + 12 * USEC_HOUR;

        return (double)(calendar_next_midnight(c, noon) - calendar_midnight(c, noon)) / (double)USEC_HOUR;
}

START_TEST(madrid_has_a_short_day_in_march_and_a_long_one_in_october)
{
        Calendar c = calendar_of("Europe/Madrid");

        ck_assert_double_eq(day_hours(&c, 2026, 3, 29), 23);
        ck_assert_double_eq(day_hours(&c, 2026, 10, 25), 25);
        ck_assert_double_eq(day_hours(&c, 2026, 11, 21), 24);
        /* Beyond the tables of the zone file, by its rule. */
        ck_assert_double_eq(day_hours(&c, 2069, 3, 31), 23);
        ck_assert_int_eq(calendar_midnight(&c, civil_to_days(2026, 7, 1) * USEC_DAY),
                         civil_to_days(2026, 7, 1) * USEC_DAY - 2 * USEC_HOUR);
        calendar_deinit(&c);
}
END_TEST

START_TEST(every_change_is_found_to_the_second)
{
        Calendar c = calendar_of("Europe/Madrid");
        size_t n = 0;

        for (size_t i = 0; i < c.n_steps; i++) {
                if (c.steps[i].from < civil_to_days(2026, 1, 1) * USEC_DAY ||
                    c.steps[i].from >= civil_to_days(2027, 1, 1) * USEC_DAY)
                        continue;
                ck_assert_int_eq(c.steps[i].from,
                                 civil_to_days(2026, n ? 10 : 3, n ? 25 : 29) * USEC_DAY + USEC_HOUR);
                ck_assert_int_eq(c.steps[i].offset, (n ? 1 : 2) * USEC_HOUR);
                n++;
        }
        ck_assert_uint_eq(n, 2);
        calendar_deinit(&c);
}
END_TEST

/* The library itself is the reference, at times that the sampling does not hit. */
START_TEST(calendars_agree_with_the_c_library)
{
        static const char *const zones[] = {"Europe/Madrid",     "America/St_Johns", "Australia/Lord_Howe",
                                            "Africa/Casablanca", "Asia/Kathmandu",   "Pacific/Apia",
                                            "America/Sao_Paulo", "Asia/Gaza"};

        for (size_t i = 0; i < CX_ARRAY_LEN(zones); i++) {
                Calendar c = calendar_of(zones[i]);
                size_t step = 0;

                ck_assert_int_eq(setenv("TZ", zones[i], 1), 0);
                tzset();
                for (time_t t = 1234; t < 3155000000; t += 50021) {
                        struct tm tm;

                        while (step + 1 < c.n_steps && c.steps[step + 1].from <= t * USEC_SEC)
                                step++;
                        ck_assert_ptr_nonnull(localtime_r(&t, &tm));
                        ck_assert_msg(tm.tm_gmtoff * USEC_SEC == c.steps[step].offset, "%s at %lld", zones[i],
                                      (long long)t);
                }
                unsetenv("TZ");
                tzset();
                calendar_deinit(&c);
        }
}
END_TEST

START_TEST(a_date_begins_at_the_local_midnight)
{
        Calendar madrid = calendar_of("Europe/Madrid");
        Calendar apia = calendar_of("Pacific/Apia");
        usec_t day = civil_to_days(2026, 3, 30) * USEC_DAY;

        ck_assert_int_eq(zone_day_start(&madrid, day), day - 2 * USEC_HOUR);
        ck_assert_int_eq(zone_day_start(&madrid, day - USEC_DAY), day - USEC_DAY - USEC_HOUR);
        ck_assert_int_eq(zone_day_start(&apia, day), day - 13 * USEC_HOUR);
        ck_assert_int_eq(zone_day_start(&CALENDAR_UTC, day), day);
        calendar_deinit(&madrid);
        calendar_deinit(&apia);
}
END_TEST

/* In these zones the clocks jump over midnight on some days, or go back to it; the library itself is the reference. */
START_TEST(a_date_begins_with_its_first_moment_also_without_a_midnight)
{
        static const char *const zones[] = {"America/Havana",   "Asia/Beirut",       "Africa/Cairo",
                                            "America/Asuncion", "America/Sao_Paulo", "Pacific/Apia"};

        for (size_t i = 0; i < CX_ARRAY_LEN(zones); i++) {
                Calendar c = calendar_of(zones[i]);

                ck_assert_int_eq(setenv("TZ", zones[i], 1), 0);
                tzset();
                for (int64_t day = civil_to_days(1995, 1, 1); day < civil_to_days(2040, 1, 1); day++) {
                        time_t start = (time_t)(zone_day_start(&c, day * USEC_DAY) / USEC_SEC);
                        time_t earlier = start - 1;
                        struct tm tm, before;
                        int64_t first, last;

                        ck_assert_ptr_nonnull(localtime_r(&start, &tm));
                        ck_assert_ptr_nonnull(localtime_r(&earlier, &before));
                        first = civil_to_days(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1,
                                              (unsigned)tm.tm_mday);
                        last = civil_to_days(before.tm_year + 1900, (unsigned)before.tm_mon + 1,
                                             (unsigned)before.tm_mday);
                        /* Apia had no 2011-12-30. */
                        ck_assert_msg(last < day && (first == day || first == day + 1), "%s %04d-%02d-%02d",
                                      zones[i], tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
                }
                unsetenv("TZ");
                tzset();
                calendar_deinit(&c);
        }
}
END_TEST

START_TEST(tz_is_as_before)
{
        Calendar c;

        ck_assert_int_eq(setenv("TZ", "Asia/Tokyo", 1), 0);
        c = calendar_of("Europe/Madrid");
        calendar_deinit(&c);
        ck_assert_str_eq(getenv("TZ"), "Asia/Tokyo");
        ck_assert_int_eq(timezone, -9 * 3600);
        ck_assert_int_eq(unsetenv("TZ"), 0);
        c = calendar_of("Europe/Madrid");
        calendar_deinit(&c);
        ck_assert_ptr_null(getenv("TZ"));
}
END_TEST

START_TEST(names_that_are_no_zones_are_refused)
{
        static const struct {
                const char *name;
                int result;
        } cases[] = {
                {"", ZONE_E_NAME},
                {"/etc/localtime", ZONE_E_NAME},
                {"../zoneinfo/UTC", ZONE_E_NAME},
                {"Europe//Madrid", ZONE_E_NAME},
                {"Europe/", ZONE_E_NAME},
                {"Europe/../UTC", ZONE_E_NAME},
                {"zone.tab", ZONE_E_NAME},
                {"Europe", ZONE_E_UNKNOWN},
                {"Europe/Nowhere", ZONE_E_UNKNOWN},
                {"leapseconds", ZONE_E_UNKNOWN},
                {"<+03>-3", ZONE_E_NAME},
                {"EST5EDT4", ZONE_E_UNKNOWN},
        };
        Calendar c = CALENDAR_UTC;

        for (size_t i = 0; i < CX_ARRAY_LEN(cases); i++)
                ck_assert_msg(zone_calendar(&c, text_of(cases[i].name)) == cases[i].result, "%s",
                              cases[i].name);
        ck_assert_int_eq(zone_calendar(&c, TEXT("UTC")), 0);
        ck_assert_uint_eq(c.n_steps, 0);
}
END_TEST

CHECK_MAIN("config_zone", madrid_has_a_short_day_in_march_and_a_long_one_in_october,
           every_change_is_found_to_the_second, calendars_agree_with_the_c_library,
           a_date_begins_at_the_local_midnight, a_date_begins_with_its_first_moment_also_without_a_midnight,
           tz_is_as_before, names_that_are_no_zones_are_refused)

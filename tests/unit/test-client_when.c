/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "client/map.h"
#include "client/progress.h"
#include "client/when.h"
#include "tests/support/check_main.h"

static void zone(const char *name)
{
        ck_assert_int_eq(setenv("TZ", name, 1), 0);
        tzset();
}

static const char *mapped(const char *text, const char *format, const char *zone_name)
{
        static char ret[USEC_TEXT_MAX];
        MapZone z;
        usec_t t;

        ck_assert_int_eq(map_zone_parse(zone_name, &z), 0);
        return map_time_parse(text, format, &z, &t) < 0 ? "no time" : usec_format(t, ret);
}

START_TEST(people_write_times_in_many_ways)
{
        static const struct {
                const char *text, *expected;
        } cases[] = {
                {"7d", "2026-11-14T12:00:00Z"},
                {"1h30m", "2026-11-21T10:30:00Z"},
                {"2026-11-21", "2026-11-20T23:00:00Z"},
                {"2026-06-21 10:15", "2026-06-21T08:15:00Z"},
                {"2026-06-21T10:15:30", "2026-06-21T08:15:30Z"},
                {"2026-11-21T10:15:00.5Z", "2026-11-21T10:15:00.500Z"},
                {"2026-11-21T10:15:00+05:00", "2026-11-21T05:15:00Z"},
        };
        char text[USEC_TEXT_MAX];
        usec_t base, t;

        zone("Europe/Madrid");
        ck_assert_int_eq(usec_parse("2026-11-21T12:00:00Z", 20, false, &base), 0);
        for (size_t i = 0; i < CX_ARRAY_LEN(cases); i++) {
                ck_assert_msg(when_parse(cases[i].text, base, &t) == 0, "%s", cases[i].text);
                ck_assert_str_eq(usec_format(t, text), cases[i].expected);
        }
        ck_assert_int_eq(when_parse("now", base, &t), 0);
        ck_assert_int_ge(when_now(), t);
        t = 7;
        ck_assert_int_eq(when_parse("noon", base, &t), -EINVAL);
        ck_assert_int_eq(when_parse("2026-02-30", base, &t), -EINVAL);
        ck_assert_int_eq(when_parse("2026-11-21x", base, &t), -EINVAL);
        ck_assert_int_eq(when_parse("100y", base, &t), -EINVAL);
        ck_assert_int_eq(when_parse("", base, &t), -EINVAL);
        ck_assert_int_eq(t, 7);
}
END_TEST

START_TEST(times_are_shown_where_the_reader_is)
{
        char text[WHEN_TEXT_MAX];

        zone("Europe/Madrid");
        ck_assert_str_eq(when_format(1795256130 * USEC_SEC, text), "2026-11-21 11:15:30");
        zone("UTC");
        ck_assert_str_eq(when_format(1795256130 * USEC_SEC, text), "2026-11-21 10:15:30");
        ck_assert_str_eq(when_span(93784, text), "1d 2h");
        ck_assert_str_eq(when_span(3725, text), "1h 2m");
        ck_assert_str_eq(when_span(65, text), "1m 5s");
        ck_assert_str_eq(when_span(0.4, text), "0s");
        ck_assert_str_eq(when_span(-3, text), "0s");
}
END_TEST

START_TEST(times_of_exports_are_read_by_format_and_zone)
{
        ck_assert_str_eq(mapped("21.06.2026 09:30", "%d.%m.%Y %H:%M", "UTC"), "2026-06-21T09:30:00Z");
        ck_assert_str_eq(mapped("21.06.2026 09:30", "%d.%m.%Y %H:%M", "-03:30"), "2026-06-21T13:00:00Z");
        ck_assert_str_eq(mapped("21.06.2026 09:30", "%d.%m.%Y %H:%M", "Europe/Madrid"),
                         "2026-06-21T07:30:00Z");
        ck_assert_str_eq(mapped("21.12.2026 09:30", "%d.%m.%Y %H:%M", "Europe/Madrid"),
                         "2026-12-21T08:30:00Z");
        ck_assert_str_eq(mapped("2026-06-21 09:30:05.25", "%Y-%m-%d %H:%M:%S", "UTC"),
                         "2026-06-21T09:30:05.250Z");
        ck_assert_str_eq(mapped("2026-06-21 09:30:05 +0200", "%Y-%m-%d %H:%M:%S %z", "UTC"),
                         "2026-06-21T07:30:05Z");
        ck_assert_str_eq(mapped("1750000000.5", "unix", "UTC"), "2025-06-15T15:06:40.500Z");
        ck_assert_str_eq(mapped("1750000000500", "unix_ms", "UTC"), "2025-06-15T15:06:40.500Z");
        ck_assert_str_eq(mapped("2026-06-21T09:30:00+02:00", "rfc3339", "UTC"), "2026-06-21T07:30:00Z");
        ck_assert_str_eq(mapped("31.06.2026 09:30", "%d.%m.%Y %H:%M", "UTC"), "no time");
        ck_assert_str_eq(mapped("21.06.2026 09:30 x", "%d.%m.%Y %H:%M", "UTC"), "no time");
        ck_assert_str_eq(mapped("-5", "unix", "UTC"), "no time");
        ck_assert_str_eq(mapped("1e300", "unix", "UTC"), "no time");
}
END_TEST

START_TEST(zones_that_do_not_exist_are_refused)
{
        static const char *const bad[] = {
                "", "Europe/Atlantis", "../../etc/passwd", "+25:00", "+1", "+01:00x", "/etc"};
        MapZone z;

        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++)
                ck_assert_msg(map_zone_parse(bad[i], &z) == -EINVAL, "%s", bad[i]);
}
END_TEST

START_TEST(a_bar_shows_share_rate_and_time_left)
{
        char text[160];

        ck_assert_str_eq(progress_format(50, 200, 1000, 2 * USEC_SEC, text, sizeof(text)),
                         "[#######                       ]  25 %  1000  500/s  6s left");
        ck_assert_str_eq(progress_format(200, 200, 4000, 8 * USEC_SEC, text, sizeof(text)),
                         "[##############################] 100 %  4000  500/s  0s left");
        ck_assert_str_eq(progress_format(50, 0, 1000, 2 * USEC_SEC, text, sizeof(text)), "1000  500/s");
        ck_assert_str_eq(progress_format(0, 200, 0, 0, text, sizeof(text)),
                         "[                              ]   0 %  0  0/s  ? left");
}
END_TEST

CHECK_MAIN("client_when", people_write_times_in_many_ways, times_are_shown_where_the_reader_is,
           times_of_exports_are_read_by_format_and_zone, zones_that_do_not_exist_are_refused,
           a_bar_shows_share_rate_and_time_left)

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "proto/base/usec.h"
#include "tests/support/check_main.h"

static usec_t parsed(const char *text)
{
        usec_t t;

        ck_assert_int_eq(usec_parse(text, strlen(text), true, &t), 0);
        return t;
}

START_TEST(points_in_time_are_read_with_their_zone)
{
        ck_assert_int_eq(parsed("1970-01-01T00:00:00Z"), 0);
        ck_assert_int_eq(parsed("2000-02-29"), 951782400 * USEC_SEC);
        ck_assert_int_eq(parsed("2026-11-21T10:15:30.250Z"), 1795256130250 * USEC_MSEC);
        ck_assert_int_eq(parsed("2026-11-21T11:15:30.25+01:00"), 1795256130250 * USEC_MSEC);
        ck_assert_int_eq(parsed("2026-11-21 05:45:30.2500009-0430"), 1795256130250 * USEC_MSEC);
}
END_TEST

START_TEST(what_is_no_point_in_time_is_refused)
{
        static const char *const bad[] = {
                "",
                "2026-02-29T00:00:00Z",
                "2026-13-01T00:00:00Z",
                "2026-11-21T24:00:00Z",
                "2026-11-21T10:15:30",
                "2026-11-21T10:15:30.Z",
                "2026-11-21T10:15Z",
                "2026-11-21T10:15:30Zx",
                "1969-12-31T23:59:59Z",
                "2026-11-21T10:15:30+24:00",
                "1970-01-01T00:30:00+01:00",
                "9999-12-31T23:30:00-01:00",
        };
        usec_t t = 7;

        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++)
                ck_assert_msg(usec_parse(bad[i], strlen(bad[i]), true, &t) == -EINVAL, "%s", bad[i]);
        ck_assert_int_eq(usec_parse("2026-11-21", 10, false, &t), -EINVAL);
        ck_assert_int_eq(t, 7);
}
END_TEST

START_TEST(text_of_a_time_reads_back)
{
        char text[USEC_TEXT_MAX];

        ck_assert_str_eq(usec_format(1795256130250 * USEC_MSEC, text), "2026-11-21T10:15:30.250Z");
        ck_assert_str_eq(usec_format(1795256130 * USEC_SEC + 1, text), "2026-11-21T10:15:30.000001Z");
        for (usec_t t = 0; t < 60000 * USEC_DAY; t += 12345 * USEC_MIN + 6789)
                ck_assert_int_eq(parsed(usec_format(t, text)), t);
}
END_TEST

START_TEST(durations_read_and_write)
{
        static const struct {
                const char *text;
                usec_t d;
        } good[] = {
                {"90s", 90 * USEC_SEC}, {"28d", 28 * USEC_DAY},  {"1h30m", 90 * USEC_MIN},
                {"250ms", 250000},      {"5y", 1825 * USEC_DAY},
        };
        char text[USEC_TEXT_MAX];
        usec_t d;

        for (size_t i = 0; i < CX_ARRAY_LEN(good); i++) {
                ck_assert_int_eq(duration_parse(good[i].text, strlen(good[i].text), &d), 0);
                ck_assert_int_eq(d, good[i].d);
                duration_format(d, text);
                ck_assert_int_eq(duration_parse(text, strlen(text), &d), 0);
                ck_assert_int_eq(d, good[i].d);
        }
        ck_assert_str_eq(duration_format(400 * USEC_DAY, text), "400d");
        ck_assert_str_eq(duration_format(90 * USEC_MIN, text), "1h30m");
        ck_assert_int_eq(duration_parse("7x", 2, &d), -EINVAL);
        ck_assert_int_eq(duration_parse("7", 1, &d), -EINVAL);
        ck_assert_int_eq(duration_parse("-7d", 3, &d), -EINVAL);
        ck_assert_int_eq(duration_parse("9999999y", 8, &d), -ERANGE);
}
END_TEST

START_TEST(floor_and_ceil_hold_before_the_epoch)
{
        ck_assert_int_eq(usec_floor(-1, 10), -10);
        ck_assert_int_eq(usec_ceil(-1, 10), 0);
        ck_assert_int_eq(usec_floor(20, 10), 20);
        ck_assert_int_eq(usec_ceil(20, 10), 20);
        ck_assert_int_eq(usec_ceil(21, 10), 30);
}
END_TEST

START_TEST(numbers_are_exact_in_decimal)
{
        static const struct {
                const char *text;
                int64_t exponent;
                usec_t expected; /* -1: out of range */
        } all[] = {
                {"1750000000", 6, 1750000000000000},
                {"1750000000.1234567", 6, 1750000000123456},
                {"1750000000.9999999", 6, 1750000000999999},
                {"+1750000000123.4567", 3, 1750000000123456},
                {"1.75e9", 6, 1750000000000000},
                {"175E-2", 6, 1750000},
                {"253402300799.9999999", 6, USEC_CIVIL_MAX},
                {"253402300800", 6, -1},
                {"-0.0", 6, 0},
                {"-0.1", 6, -1},
                {"1e999999999999999999", 6, -1},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(all); i++) {
                usec_t found = -1;
                int r = usec_from_number(all[i].text, strlen(all[i].text), all[i].exponent, &found);

                ck_assert_int_eq(r, all[i].expected < 0 ? -ERANGE : 0);
                ck_assert_int_eq(found, all[i].expected);
        }
}
END_TEST

CHECK_MAIN("usec", points_in_time_are_read_with_their_zone, what_is_no_point_in_time_is_refused,
           text_of_a_time_reads_back, durations_read_and_write, floor_and_ceil_hold_before_the_epoch,
           numbers_are_exact_in_decimal)

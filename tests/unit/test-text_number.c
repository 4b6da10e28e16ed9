/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/text.h"
#include "tests/support/check_main.h"

START_TEST(whole_numbers_are_read_up_to_their_limits)
{
        int64_t value = 7;

        ck_assert_int_eq(text_to_int64(TEXT("-9223372036854775808"), &value), 0);
        ck_assert_int_eq(value, INT64_MIN);
        ck_assert_int_eq(text_to_int64(TEXT("+9223372036854775807"), &value), 0);
        ck_assert_int_eq(value, INT64_MAX);
        ck_assert_int_eq(text_to_int64(TEXT("9223372036854775808"), &value), -ERANGE);
        ck_assert_int_eq(text_to_int64(TEXT("-9223372036854775809"), &value), -ERANGE);
        ck_assert_int_eq(text_to_int64(TEXT(""), &value), -EINVAL);
        ck_assert_int_eq(text_to_int64(TEXT("-"), &value), -EINVAL);
        ck_assert_int_eq(text_to_int64(TEXT("1.0"), &value), -EINVAL);
        ck_assert_int_eq(text_to_int64(TEXT(" 1"), &value), -EINVAL);
        ck_assert_int_eq(value, INT64_MAX);
}
END_TEST

START_TEST(decimal_numbers_are_read_and_nothing_else)
{
        static const char *const bad[] = {"",   "-",  "+-5", "nan", "inf", "0x10",
                                          "1e", "1 ", " 1",  ".",   "1,5", "1e5+"};
        double value = 7;

        ck_assert_int_eq(text_to_double(TEXT("-1.5e3"), &value), 0);
        ck_assert(value == -1500);
        ck_assert_int_eq(text_to_double(TEXT("5e-324"), &value), 0);
        ck_assert(value == 5e-324);
        ck_assert_int_eq(text_to_double(TEXT("1e999"), &value), -ERANGE);
        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++)
                ck_assert_msg(text_to_double(text_of(bad[i]), &value) == -EINVAL, "%s", bad[i]);
        ck_assert(value == 5e-324);
        ck_assert(text_read_double("2.5,") == 2.5);
        ck_assert(isinf(text_read_double("1e999}")));
}
END_TEST

/* What printf() writes with as few digits as read back. */
static void check_number(double value)
{
        char text[NUMBER_TEXT_MAX], want[64];
        double back;

        ck_assert_uint_eq(number_format(value, text), strlen(text));
        ck_assert_int_eq(text_to_double(text_of(text), &back), 0);
        ck_assert_msg(back == value, "%a %s", value, text);
        if (fabs(value) < 1e15 && value == trunc(value)) {
                (void)snprintf(want, sizeof(want), "%" PRId64, (int64_t)value);
                ck_assert_str_eq(text, want);
                return;
        }
        for (int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
                (void)snprintf(want, sizeof(want), "%.*g", digits, value);
                if (strtod(want, NULL) == value)
                        break;
        }
        ck_assert_str_eq(text, want);
}

static uint64_t next_random(uint64_t *state)
{
        *state = *state * 6364136223846793005U + 1442695040888963407U;
        return *state >> 11;
}

START_TEST(a_written_number_is_the_shortest_that_reads_back_to_the_last_bit)
{
        static const struct {
                double value;
                const char *text;
        } known[] = {
                {0, "0"},
                {-7, "-7"},
                {78.5, "78.5"},
                {0.1, "0.1"},
                {-0.0001, "-0.0001"},
                {0.0001220703125, "0.0001220703125"},
                {1e15, "1e+15"},
                {123456789012345, "123456789012345"},
                {999999999999999.9, "999999999999999.9"},
                {5e-324, "5e-324"},
                {1.0 / 3, "0.3333333333333333"},
                {DBL_MAX, "1.7976931348623157e+308"},
        };
        uint64_t state = 1;

        for (size_t i = 0; i < CX_ARRAY_LEN(known); i++) {
                char text[NUMBER_TEXT_MAX];

                ck_assert_uint_eq(number_format(known[i].value, text), strlen(known[i].text));
                ck_assert_str_eq(text, known[i].text);
        }
        for (int i = 0; i < 50000; i++) {
                double any, share = (double)(next_random(&state) % 10000) /
                                    (double)(next_random(&state) % 999 + 1);
                uint64_t bits = next_random(&state) << 11 | next_random(&state) % 2048;

                memcpy(&any, &bits, sizeof(any));
                if (isfinite(any))
                        check_number(any);
                check_number(share);
                check_number(-share / 1e4);
                check_number(ldexp((double)next_random(&state), i % 70 - 70));
        }
}
END_TEST

/* Neighbours of where the way of writing, the number of digits, or the unit of the last bit changes. */
START_TEST(numbers_around_powers_of_ten_and_two_are_written_alike)
{
        for (int i = -20; i <= 60; i++) {
                double bounds[] = {ldexp(1, i), pow(10, trunc(i / 3.0))};

                for (size_t k = 0; k < CX_ARRAY_LEN(bounds); k++) {
                        double below = bounds[k], above = bounds[k];

                        for (int step = 0; step < 8; step++) {
                                check_number(below);
                                check_number(above);
                                below = nextafter(below, 0);
                                above = nextafter(above, INFINITY);
                        }
                }
        }
}
END_TEST

CHECK_MAIN("text_number", whole_numbers_are_read_up_to_their_limits,
           decimal_numbers_are_read_and_nothing_else,
           a_written_number_is_the_shortest_that_reads_back_to_the_last_bit,
           numbers_around_powers_of_ten_and_two_are_written_alike)

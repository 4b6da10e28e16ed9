/* SPDX-License-Identifier: Apache-2.0 */

#include "proto/base/buffer.h"
#include "tests/support/check_main.h"

START_TEST(appends_follow_each_other)
{
        Buffer b = BUFFER_NULL;

        buffer_append_str(&b, "ab");
        buffer_append_char(&b, 'c');
        buffer_append_text(&b, TEXT("de"));
        buffer_append_text(&b, TEXT_NULL);
        buffer_append_format(&b, "%d-%s", 7, "x");
        buffer_append(&b, "", 0);
        ck_assert(text_is(buffer_text(&b), "abcde7-x"));
        ck_assert_str_eq(buffer_str(&b), "abcde7-x");
        ck_assert_uint_eq(b.n, 8);
        buffer_deinit(&b);
        ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(an_empty_buffer_is_an_empty_string)
{
        Buffer b = BUFFER_NULL;

        ck_assert_str_eq(buffer_str(&b), "");
        ck_assert_uint_eq(b.n, 0);
        buffer_deinit(&b);
}
END_TEST

START_TEST(content_survives_growing)
{
        Buffer b = BUFFER_NULL;

        for (int i = 0; i < 100000; i++)
                buffer_append_char(&b, (char)('a' + i % 26));
        ck_assert_uint_eq(b.n, 100000);
        for (int i = 0; i < 100000; i++)
                ck_assert_int_eq(b.data[i], 'a' + i % 26);
        buffer_deinit(&b);
}
END_TEST

START_TEST(the_first_bytes_are_consumed)
{
        Buffer b = BUFFER_NULL;

        buffer_append_str(&b, "abcdef");
        buffer_consume(&b, 0);
        buffer_consume(&b, 4);
        ck_assert(text_is(buffer_text(&b), "ef"));
        buffer_consume(&b, 2);
        ck_assert_uint_eq(b.n, 0);
        buffer_deinit(&b);
}
END_TEST

START_TEST(a_failure_is_kept_until_the_reset)
{
        Buffer b = BUFFER_NULL;

        buffer_append_str(&b, "abc");
        ck_assert_ptr_null(buffer_reserve(&b, SIZE_MAX - 1));
        ck_assert(buffer_failed(&b));
        buffer_append_str(&b, "def");
        ck_assert_uint_eq(b.n, 3);
        ck_assert_ptr_null(buffer_str(&b));
        buffer_reset(&b);
        ck_assert(!buffer_failed(&b));
        buffer_append_str(&b, "x");
        ck_assert_str_eq(buffer_str(&b), "x");
        buffer_deinit(&b);
}
END_TEST

CHECK_MAIN("buffer", appends_follow_each_other, an_empty_buffer_is_an_empty_string, content_survives_growing,
           the_first_bytes_are_consumed, a_failure_is_kept_until_the_reset)

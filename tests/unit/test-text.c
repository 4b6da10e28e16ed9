/* SPDX-License-Identifier: Apache-2.0 */

#include "proto/base/text.h"
#include "tests/support/check_main.h"

START_TEST(order_is_by_bytes_and_a_prefix_comes_first)
{
        ck_assert_int_lt(text_compare(TEXT("ab"), TEXT("abc")), 0);
        ck_assert_int_gt(text_compare(TEXT("b"), TEXT("abc")), 0);
        ck_assert_int_gt(text_compare(TEXT("\xC3\xA9"), TEXT("z")), 0);
        ck_assert_int_eq(text_compare(TEXT("ab"), TEXT("ab")), 0);
        ck_assert_int_lt(text_compare(TEXT_NULL, TEXT("a")), 0);
        ck_assert(text_equal(TEXT_NULL, TEXT("")));
        ck_assert(text_is(TEXT("ab"), "ab"));
        ck_assert(!text_is(TEXT("ab"), "abc"));
}
END_TEST

START_TEST(blanks_at_both_ends_are_trimmed)
{
        ck_assert(text_is(text_trim(TEXT(" \t a b\r\n")), "a b"));
        ck_assert_uint_eq(text_trim(TEXT(" \t\r\n")).n, 0);
        ck_assert_uint_eq(text_trim(TEXT_NULL).n, 0);
}
END_TEST

START_TEST(a_copy_ends_in_nul)
{
        char *copy = text_dup(TEXT("abc")), *empty = text_dup(TEXT_NULL);

        ck_assert_str_eq(copy, "abc");
        ck_assert_str_eq(empty, "");
        free(copy);
        free(empty);
}
END_TEST

START_TEST(a_copy_that_does_not_fit_is_cut_between_characters)
{
        char to[5];

        text_copy_cut(to, sizeof(to), "abcd");
        ck_assert_str_eq(to, "abcd");
        text_copy_cut(to, sizeof(to), "abcde");
        ck_assert_str_eq(to, "abcd");
        text_copy_cut(to, sizeof(to), "ab\xE2\x82\xAC");
        ck_assert_str_eq(to, "ab");
        text_copy_cut(to, sizeof(to), to + 1);
        ck_assert_str_eq(to, "b");
}
END_TEST

static bool is_utf8(const char *s)
{
        return text_is_utf8(s, strlen(s));
}

START_TEST(utf8_is_well_formed_or_refused)
{
        static const char *const good[] = {
                "",
                "abc",
                "\xC2\x80",
                "\xDF\xBF",
                "\xE0\xA0\x80",
                "\xED\x9F\xBF",
                "\xEE\x80\x80",
                "\xEF\xBF\xBF",
                "\xF0\x90\x80\x80",
                "\xF4\x8F\xBF\xBF",
        };
        static const char *const bad[] = {
                "\x80",
                "\xBF",
                "\xC0\x80",
                "\xC1\xBF",
                "\xC2",
                "\xC2"
                "a",
                "\xE0\x9F\xBF",
                "\xE2\x82",
                "\xED\xA0\x80",
                "\xED\xBF\xBF",
                "\xF0\x8F\xBF\xBF",
                "\xF0\x90\x80",
                "\xF4\x90\x80\x80",
                "\xF5\x80\x80\x80",
                "\xFE",
                "\xFF",
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(good); i++)
                ck_assert_msg(is_utf8(good[i]), "%zu", i);
        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++) {
                ck_assert_msg(!is_utf8(bad[i]), "%zu", i);
                ck_assert_msg(!text_is_printable(text_of(bad[i])), "%zu", i);
        }
        ck_assert(text_is_utf8("a\0b", 3));
}
END_TEST

START_TEST(what_deceives_the_eye_is_not_printable)
{
        static const char *const bad[] = {
                "a\tb",         "a\nb", "\x1B[31m", "\x7F", "\xC2\x80", "\xC2\x9F", "\xD8\x9C", /* U+061C */
                "\xE2\x80\x8E",                                                                 /* U+200E */
                "\xE2\x80\xA8",                                                                 /* U+2028 */
                "\xE2\x80\xAE",                                                                 /* U+202E */
                "\xC2\xAD",                                                                     /* U+00AD */
                "\xE1\xA0\x8E",                                                                 /* U+180E */
                "\xE2\x80\x8B",                                                                 /* U+200B */
                "\xE2\x81\xA0",                                                                 /* U+2060 */
                "\xE2\x81\xA6",                                                                 /* U+2066 */
                "\xE2\x81\xAF",                                                                 /* U+206F */
                "\xEF\xBF\xB9",                                                                 /* U+FFF9 */
                "\xE2\x81\xA9",                                                                 /* U+2069 */
                "\xEF\xBB\xBF",                                                                 /* U+FEFF */
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++)
                ck_assert_msg(!text_is_printable(text_of(bad[i])), "%zu", i);
        ck_assert(!text_is_printable((Text){.at = "a\0b", .n = 3}));
        ck_assert(text_is_printable(TEXT("Ana Ruiz ~ \xC2\xA0 \xC3\xB1 \xE2\x82\xAC \xF0\x9F\x98\x80")));
        ck_assert(text_is_printable(TEXT("\xE2\x80\x8C\xE2\x80\x8D\xE2\x81\x9F\xE2\x81\xB0\xEF\xBF\xBD")));
        ck_assert(text_is_printable(TEXT_NULL));
}
END_TEST

START_TEST(asterisks_stand_for_any_run)
{
        ck_assert(text_glob(TEXT("*"), TEXT("")));
        ck_assert(text_glob(TEXT("agent/ana.*"), TEXT("agent/ana.ruiz")));
        ck_assert(text_glob(TEXT("a*b*c"), TEXT("aXbbYbc")));
        ck_assert(text_glob(TEXT("a**"), TEXT("a")));
        ck_assert(!text_glob(TEXT("a*b"), TEXT("abc")));
        ck_assert(!text_glob(TEXT("agent/*"), TEXT("agent")));
        ck_assert(!text_glob(TEXT(""), TEXT("a")));
        ck_assert(text_glob(TEXT_NULL, TEXT_NULL));
}
END_TEST

CHECK_MAIN("text", order_is_by_bytes_and_a_prefix_comes_first, blanks_at_both_ends_are_trimmed,
           a_copy_ends_in_nul, a_copy_that_does_not_fit_is_cut_between_characters,
           utf8_is_well_formed_or_refused, what_deceives_the_eye_is_not_printable,
           asterisks_stand_for_any_run)

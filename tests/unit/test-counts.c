/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/server/counts.h"
#include "tests/support/check_main.h"

static const char *sum(const char *a, const char *b)
{
        static Buffer to;

        buffer_reset(&to);
        ck_assert_int_eq(counts_add(text_of(a), text_of(b), &to), 0);
        return to.n ? buffer_str(&to) : "";
}

START_TEST(counts_of_the_same_answer_are_added)
{
        ck_assert_str_eq(sum("csat 1:2 5:3\n", "csat 1:40 5:1\n"), "csat 1:42 5:4\n");
        ck_assert_str_eq(sum("csat 1:2\n", "csat 1:2\n"), "csat 1:4\n");
}
END_TEST

START_TEST(what_only_one_side_has_stays)
{
        ck_assert_str_eq(sum("", ""), "");
        ck_assert_str_eq(sum("csat 1:2\n", ""), "csat 1:2\n");
        ck_assert_str_eq(sum("", "csat 1:2\nnps -3:1 10:2\n"), "csat 1:2\nnps -3:1 10:2\n");
        ck_assert_str_eq(sum("csat 1:2 4:1\nwait 3:1\n", "ces 7:7\ncsat 3:9 5:1\n"),
                         "ces 7:7\ncsat 1:2 3:9 4:1 5:1\nwait 3:1\n");
        ck_assert_str_eq(sum("a 1:1\n", "ab 1:1\n"), "a 1:1\nab 1:1\n");
}
END_TEST

START_TEST(what_is_read_is_what_was_written)
{
        const CountsItem items[] = {{TEXT("csat"), 1, 7}, {TEXT("csat"), 5, 1}, {TEXT("nps"), -1, INT64_MAX}};
        Buffer text = BUFFER_NULL;
        CountsWriter w = {.to = &text};
        CountsReader r;
        CountsItem item;

        for (size_t i = 0; i < CX_ARRAY_LEN(items); i++)
                counts_write(&w, &items[i]);
        counts_end(&w);
        ck_assert_str_eq(buffer_str(&text), "csat 1:7 5:1\nnps -1:9223372036854775807\n");
        r = COUNTS_READER(buffer_text(&text));
        for (size_t i = 0; i < CX_ARRAY_LEN(items); i++) {
                ck_assert_int_eq(counts_read(&r, &item), 1);
                ck_assert(text_equal(item.metric, items[i].metric));
                ck_assert_int_eq(item.answer, items[i].answer);
                ck_assert_uint_eq(item.n, items[i].n);
        }
        ck_assert_int_eq(counts_read(&r, &item), 0);
        buffer_deinit(&text);
}
END_TEST

START_TEST(another_text_is_refused)
{
        static const char *const bad[] = {
                "x",          "csat",           "csat\n", "csat 1\n", "csat 1:\n",   "csat :1\n",
                "csat 1:0\n", "csat 1:-1\n",    " 1:1\n", "csat 1:1", "csat 1:1 \n", "csat 1:1  2:1\n",
                "csat x:1\n", "csat 1:1\ncsat",
        };
        Buffer to = BUFFER_NULL;

        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++) {
                ck_assert_msg(counts_add(text_of(bad[i]), TEXT("a 1:1\n"), &to) == -EBADMSG, "%s", bad[i]);
                ck_assert_msg(counts_add(TEXT("z 1:1\n"), text_of(bad[i]), &to) == -EBADMSG, "%s", bad[i]);
        }
        buffer_deinit(&to);
}
END_TEST

CHECK_MAIN("counts", counts_of_the_same_answer_are_added, what_only_one_side_has_stays,
           what_is_read_is_what_was_written, another_text_is_refused)

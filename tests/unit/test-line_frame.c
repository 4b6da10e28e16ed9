/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "daemon/io/line_frame.h"
#include "proto/base/buffer.h"
#include "tests/support/check_main.h"

typedef struct Seen {
        char text[4096];
        size_t n;
        bool one_at_a_time;
} Seen;

static bool note(uint64_t number, Text line, void *user)
{
        Seen *s = user;

        s->n += (size_t)snprintf(s->text + s->n, sizeof(s->text) - s->n, "%llu=" TEXT_FMT ";",
                                 (unsigned long long)number, TEXT_ARG(line.at ? line : TEXT("too long")));
        return !s->one_at_a_time;
}

/* Feeds @input in pieces that end at @cut, or byte by byte with @cut 0. *ret_most: the most that was ever
 * kept. */
static void run(Seen *s, const char *input, size_t n, size_t limit, size_t cut, size_t *ret_most)
{
        LineFrame f = LINE_FRAME_INIT(limit);
        Buffer kept = BUFFER_NULL;
        size_t at = 0;

        *ret_most = 0;
        while (at < n) {
                size_t part = cut == 0 ? 1 : (at < cut && cut < n ? cut - at : n - at), used;

                buffer_append(&kept, input + at, part);
                at += part;
                do {
                        used = line_frame_feed(&f, kept.data, kept.n, note, s);
                        buffer_consume(&kept, used);
                } while (s->one_at_a_time && used > 0);
                if (kept.n > *ret_most)
                        *ret_most = kept.n;
        }
        line_frame_end(&f, kept.data, kept.n, note, s);
        buffer_deinit(&kept);
}

static const char input[] =
        "one\n\ntwo\r\n \t\r\n12345678\n12345678\r\n123456789\n1234567890123456789012345\nlast\nopen";
static const char expected[] = "1=one;3=two;5=12345678;6=12345678;7=too long;8=too long;9=last;10=open;";

START_TEST(lines_are_the_same_wherever_the_stream_is_cut)
{
        size_t n = sizeof(input) - 1, most;

        for (size_t cut = 0; cut <= n; cut++)
                for (int single = 0; single < 2; single++) {
                        Seen s = {.one_at_a_time = single};

                        run(&s, input, n, 8, cut, &most);
                        ck_assert_msg(strcmp(s.text, expected) == 0, "cut at %zu: %s", cut, s.text);
                }
}
END_TEST

START_TEST(an_endless_line_is_told_once_and_never_kept)
{
        LineFrame f = LINE_FRAME_INIT(8);
        Seen s = {0};

        ck_assert_uint_eq(line_frame_feed(&f, "123456789", 9, note, &s),
                          0); /* its last byte may be a CR ... */
        ck_assert_str_eq(s.text, "");
        ck_assert_uint_eq(line_frame_feed(&f, "1234567890", 10, note, &s), 10); /* ... and was not */
        ck_assert_str_eq(s.text, "1=too long;");
        for (int i = 0; i < 1000; i++)
                ck_assert_uint_eq(line_frame_feed(&f, "1234567890", 10, note, &s), 10);
        ck_assert_uint_eq(line_frame_feed(&f, "8\n", 2, note, &s), 2);
        ck_assert_uint_eq(line_frame_feed(&f, "ok\n", 3, note, &s), 3);
        ck_assert_str_eq(s.text, "1=too long;2=ok;");
}
END_TEST

START_TEST(an_end_without_bytes_delivers_nothing)
{
        LineFrame f = LINE_FRAME_INIT(0);
        Seen s = {0};

        line_frame_end(&f, "", 0, note, &s);
        ck_assert_str_eq(s.text, "");
        ck_assert_uint_eq(f.limit, LINE_MAX_DEFAULT);
}
END_TEST

CHECK_MAIN("line_frame", lines_are_the_same_wherever_the_stream_is_cut,
           an_endless_line_is_told_once_and_never_kept, an_end_without_bytes_delivers_nothing)

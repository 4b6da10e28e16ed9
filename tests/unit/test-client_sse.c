/* SPDX-License-Identifier: Apache-2.0 */

#include "client/sse.h"
#include "tests/support/check_main.h"

static Buffer seen;

static bool on_event(void *context, const char *event, const char *id, Text data)
{
        int *left = context;

        buffer_append_format(&seen, "%s#%s=" TEXT_FMT ";", event, id, TEXT_ARG(data));
        return --*left > 0;
}

static const char *feed(Sse *s, const char *text, size_t step, int limit)
{
        size_t n = strlen(text);

        buffer_reset(&seen);
        for (size_t i = 0; i < n; i += step)
                if (!sse_feed(s, text + i, n - i < step ? n - i : step, on_event, &limit))
                        break;
        return buffer_str(&seen);
}

START_TEST(events_are_read_however_they_are_cut)
{
        static const char text[] = ": hello\nevent: alert\nid: 7\ndata: {\"a\":\ndata:1}\n\n"
                                   "data: plain\r\n\r\nretry: 5\ndata\rid:8\r\rid: 9\n\n";

        for (size_t step = 1; step < sizeof(text); step++) {
                Sse s = SSE_NULL;

                ck_assert_str_eq(feed(&s, text, step, 100),
                                 "alert#7={\"a\":\n1};message#7=plain;message#8=;");
                ck_assert_str_eq(buffer_str(&s.id), "9");
                sse_deinit(&s);
        }
        buffer_deinit(&seen);
}
END_TEST

START_TEST(half_an_event_is_not_seen)
{
        Sse s = SSE_NULL;

        ck_assert_str_eq(feed(&s, "id: 1\ndata: a\n\nid: 2\ndata: b\n", 1000, 100), "message#1=a;");
        ck_assert_str_eq(buffer_str(&s.id), "1");
        sse_reset(&s);
        ck_assert_str_eq(feed(&s, "data: c\n\n", 1000, 100), "message#1=c;");
        sse_deinit(&s);
        buffer_deinit(&seen);
}
END_TEST

START_TEST(a_reader_that_has_enough_stops_at_once)
{
        Sse s = SSE_NULL;

        ck_assert_str_eq(feed(&s, "data: a\n\ndata: b\n\n", 1000, 1), "message#=a;");
        sse_deinit(&s);
        buffer_deinit(&seen);
}
END_TEST

START_TEST(an_event_without_end_is_given_up)
{
        static const char data[] = "data: 0123456789012345678901234567890123456789\n";
        Sse s = SSE_NULL;
        int limit = 100;
        size_t n = 0;

        while (sse_feed(&s, data, sizeof(data) - 1, on_event, &limit) && n <= 2 * SSE_BYTES_MAX)
                n += sizeof(data) - 1;
        ck_assert_uint_le(s.data.n + s.line.n, SSE_BYTES_MAX + sizeof(data));
        ck_assert_uint_gt(s.data.n + s.line.n, SSE_BYTES_MAX);
        sse_deinit(&s);
        buffer_deinit(&seen);
}
END_TEST

CHECK_MAIN("client_sse", events_are_read_however_they_are_cut, half_an_event_is_not_seen,
           a_reader_that_has_enough_stops_at_once, an_event_without_end_is_given_up)

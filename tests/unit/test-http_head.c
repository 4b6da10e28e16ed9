/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/io/http_chunk.h"
#include "daemon/io/http_head.h"
#include "tests/support/check_main.h"

#define H "Host: localhost\r\n"

static int status_of(const char *text, size_t n, HttpHead *ret)
{
        HttpRefusal refusal = {0};
        size_t scanned = 0, end;

        end = http_head_find(text, n, &scanned);
        ck_assert_msg(end > 0, "no end in: %s", text);
        return http_head_parse(text, end, ret, &refusal) == 0 ? 0 : refusal.status;
}

START_TEST(what_two_parsers_could_read_differently_is_refused)
{
        static const struct {
                int status;
                const char *text;
        } table[] = {
                {0, "GET / HTTP/1.1\r\n" H "\r\n"},
                {0, "\r\nGET / HTTP/1.1\r\n" H "\r\n"},
                {0, "GET / HTTP/1.0\r\n\r\n"},
                {0, "POST /v1/surveys?a=1 HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n"},
                {0, "POST / HTTP/1.1\r\n" H "transfer-encoding: Chunked\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Content-Length: 5 \x01\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n"},
                {400,
                 "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
                {400, "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n"},
                {400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n"},
                {400, "GET / HTTP/1.1\n" H "\r\n"},
                {400, "GET / HTTP/1.1\r\nHost: localhost\n\r\n"},
                {400, "GET / HTTP/1.1\r\n" H "\n"},
                {400, "GET / HTTP/1.1\n\n"},
                {400, "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"},
                {400, "GET / HTTP/1.1\r\n\tX: a\r\n" H "\r\n"},
                {400, "GET / HTTP/1.1\r\n" H ": empty\r\n\r\n"},
                {400, "GET / HTTP/1.1\r\n" H "no colon\r\n\r\n"},
                {400, "GET / HTTP/1.1\r\n" H "X\r\n\r\n"},
                {400, "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n"},
                {400, "GET / HTTP/1.1\r\n" H "X(y): a\r\n\r\n"},
                {400, "GET ftp://localhost/ HTTP/1.1\r\n" H "\r\n"},
                {400, "GET http:///x HTTP/1.1\r\n" H "\r\n"},
                {400, "GET http://me@localhost/ HTTP/1.1\r\n" H "\r\n"},
                {400, "GET http://localhost/ HTTP/1.1\r\n\r\n"},
                {400, "GET http://localhost/ HTTP/1.1\r\n" H H "\r\n"},
                {400, "GET http://localhost?x HTTP/1.1\r\n" H "\r\n"},
                {400, "GET /a%2fb HTTP/1.1\r\n" H "\r\n"},
                {400, "GET /a%2Fb?c HTTP/1.1\r\n" H "\r\n"},
                {400, "OPTIONS * HTTP/1.1\r\n" H "\r\n"},
                {400, "GET  / HTTP/1.1\r\n" H "\r\n"},
                {400, "GET /  HTTP/1.1\r\n" H "\r\n"},
                {400, "GET /a b HTTP/1.1\r\n" H "\r\n"},
                {400, "GET /#x HTTP/1.1\r\n" H "\r\n"},
                {400, "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n"},
                {400, " GET / HTTP/1.1\r\n" H "\r\n"},
                {400, "GET / HTTP/1.2\r\n" H "\r\n"},
                {400, "GET / http/1.1\r\n" H "\r\n"},
                {400, "GET /\r\n"},
                {400, "\x16\x03\x01\x02\x01\x01\n"},
                {505, "GET / HTTP/2.0\r\n" H "\r\n"},
                {400, "GET / HTTP/1.1\r\n\r\n"},
                {400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
                {400, "GET / HTTP/1.1\r\n" H H "\r\n"},
                {400, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"},
                {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
                {400, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"},
                {400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
                {400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"},
                {405, "BREW /pot HTTP/1.1\r\n" H "\r\n"},
                {405, "get / HTTP/1.1\r\n" H "\r\n"},
                {405, "CONNECT /a HTTP/1.1\r\n" H "\r\n"},
                {400, "G(T / HTTP/1.1\r\n" H "\r\n"},
                {417, "POST / HTTP/1.1\r\n" H "Expect: miracles\r\n\r\n"},
                {415, "POST / HTTP/1.1\r\n" H "Content-Encoding: gzip\r\n\r\n"},
                {415, "POST / HTTP/1.1\r\n" H "Content-Encoding: identity, gzip\r\n\r\n"},
        };
        static const char nul[] = "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n";
        HttpHead h;

        for (size_t i = 0; i < CX_ARRAY_LEN(table); i++) {
                int status = status_of(table[i].text, strlen(table[i].text), &h);

                ck_assert_msg(status == table[i].status, "%d and not %d: %s", status, table[i].status,
                              table[i].text);
        }
        ck_assert_int_eq(status_of(nul, sizeof(nul) - 1, &h), 400);
}
END_TEST

START_TEST(a_head_is_taken_apart)
{
        static const char text[] =
                "POST /v1/x%20y?a=b&c HTTP/1.1\r\nHost: [::1]:8480\r\nContent-Length: 17\r\n"
                "X-Empty:\r\nAccept:  a b \t\r\nExpect: 100-continue\r\nConnection: Foo, CLOSE\r\n\r\nrest";
        HttpHead h;

        ck_assert_int_eq(status_of(text, sizeof(text) - 1, &h), 0);
        ck_assert_int_eq(h.method, HTTP_POST);
        ck_assert(text_is(h.path, "/v1/x%20y"));
        ck_assert(text_is(h.query, "a=b&c"));
        ck_assert(text_is(h.host, "::1"));
        ck_assert_uint_eq(h.length, 17);
        ck_assert(!h.keep_alive && h.expect_continue && h.minor == 1);
        ck_assert(text_is(http_head_field(&h, "ACCEPT"), "a b"));
        ck_assert(http_head_field(&h, "x-empty").at && http_head_field(&h, "x-empty").n == 0);
        ck_assert(!http_head_field(&h, "accep").at);
}
END_TEST

START_TEST(of_a_target_with_a_host_that_host_counts)
{
        static const struct {
                const char *text, *path, *query, *host;
        } table[] = {
                {"GET http://a.example:80/x?y HTTP/1.1\r\n" H "\r\n", "/x", "y", "a.example"},
                {"GET HTTPS://[::1]:443 HTTP/1.1\r\n" H "\r\n", "/", NULL, "::1"},
                {"GET /x?y=%2F HTTP/1.1\r\n" H "\r\n", "/x", "y=%2F", "localhost"},
        };
        HttpHead h;

        for (size_t i = 0; i < CX_ARRAY_LEN(table); i++) {
                ck_assert_int_eq(status_of(table[i].text, strlen(table[i].text), &h), 0);
                ck_assert(text_is(h.path, table[i].path) && text_is(h.host, table[i].host));
                ck_assert(table[i].query ? text_is(h.query, table[i].query) : !h.query.at);
        }
}
END_TEST

START_TEST(the_end_is_found_wherever_the_stream_is_cut)
{
        static const char *const heads[] = {
                "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n",
                "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\n\n",
                "GET / HTTP/1.1\n\r\n",
                "GET /\r\n",
        };

        for (size_t k = 0; k < CX_ARRAY_LEN(heads); k++) {
                size_t n = strlen(heads[k]);

                for (size_t step = 1; step <= n; step++) {
                        size_t scanned = 0, have = 0, end = 0;

                        while (end == 0 && have < n) {
                                have = have + step < n ? have + step : n;
                                end = http_head_find(heads[k], have, &scanned);
                        }
                        /* A head that is wrong already may end early, but never later and never twice. */
                        ck_assert_msg(end == n || (k == 3 && end == n - 2), "head %zu step %zu: %zu", k, step,
                                      end);
                }
        }
}
END_TEST

START_TEST(too_many_fields_are_too_many)
{
        char text[4096] = "GET / HTTP/1.1\r\n" H;
        HttpHead h;

        for (int i = 1; i < HTTP_FIELDS_MAX; i++)
                strcat(text, "X: y\r\n");
        strcat(text, "\r\n");
        ck_assert_int_eq(status_of(text, strlen(text), &h), 0);
        text[strlen(text) - 2] = 0;
        strcat(text, "X: y\r\n\r\n");
        ck_assert_int_eq(status_of(text, strlen(text), &h), 431);
}
END_TEST

START_TEST(percent_encoding_is_decoded_or_refused)
{
        char out[64];
        size_t n;

        ck_assert_int_eq(http_decode(TEXT("a%2Fb+c%e9"), true, out, &n), 0);
        ck_assert(text_is((Text){out, n}, "a/b c\xe9"));
        ck_assert_int_eq(http_decode(TEXT("a+b"), false, out, &n), 0);
        ck_assert(text_is((Text){out, n}, "a+b"));
        ck_assert_int_eq(http_decode(TEXT("%"), true, out, &n), -EINVAL);
        ck_assert_int_eq(http_decode(TEXT("%4"), true, out, &n), -EINVAL);
        ck_assert_int_eq(http_decode(TEXT("%4g"), true, out, &n), -EINVAL);
        ck_assert_int_eq(http_decode(TEXT("a%00"), true, out, &n), -EINVAL);
}
END_TEST

static int chunked(const char *text, size_t n, size_t step, size_t max, Buffer *to, size_t *ret_used)
{
        HttpChunk c = HTTP_CHUNK_NULL;
        size_t at = 0, used;
        int r = 0;

        while (r == 0 && at < n) {
                r = http_chunk_feed(&c, text + at, n - at < step ? n - at : step, max, to, &used);
                at += used;
        }
        *ret_used = at;
        return r;
}

START_TEST(chunks_are_put_together_wherever_they_are_cut)
{
        static const char text[] =
                "4\r\nWiki\r\n00a;x=\"y\"\r\npedia in\r\n\r\n0;z\r\nA-B: c\r\nD:\r\n\r\nGET";
        size_t used;

        for (size_t step = 1; step < sizeof(text); step++) {
                Buffer b = BUFFER_NULL;

                ck_assert_int_eq(chunked(text, sizeof(text) - 1, step, 14, &b, &used), HTTP_CHUNK_E_DONE);
                ck_assert(text_is(buffer_text(&b), "Wikipedia in\r\n"));
                ck_assert_uint_eq(used, sizeof(text) - 1 - 3);
                buffer_deinit(&b);
        }
}
END_TEST

START_TEST(chunks_that_are_none_are_refused)
{
        static const struct {
                int r;
                const char *text;
        } table[] = {
                {HTTP_CHUNK_E_BAD, "4;ext=1\nWiki\r\n0\r\n\r\n"},
                {HTTP_CHUNK_E_BAD, "4;ext\rWiki\r\n0\r\n\r\n"},
                {HTTP_CHUNK_E_BAD, ";ext\r\n"},
                {HTTP_CHUNK_E_BAD, "+4\r\nWiki\r\n"},
                {HTTP_CHUNK_E_BAD, "0x4\r\nWiki\r\n"},
                {HTTP_CHUNK_E_BAD, "4\nWiki\r\n"},
                {HTTP_CHUNK_E_BAD, "4\r\nWikip\r\n"},
                {HTTP_CHUNK_E_BAD, "\r\n"},
                {HTTP_CHUNK_E_BAD, "4 \r\nWiki\r\n"},
                {HTTP_CHUNK_E_BAD, "0\r\nTrailer\r\n\r\n"},
                {HTTP_CHUNK_E_BAD, "0\r\n: x\r\n\r\n"},
                {HTTP_CHUNK_E_BAD, "0\r\nA: x\r\n b\r\n\r\n"},
                {HTTP_CHUNK_E_BAD, "0\r\nA: x\nB: y\r\n\r\n"},
                {HTTP_CHUNK_E_BAD, "0\r\nGET / HTTP/1.1\r\n\r\n"},
                {HTTP_CHUNK_E_BAD, "000000004\r\nWiki\r\n"},
                {HTTP_CHUNK_E_LARGE, "ffffffff\r\nx"},
                {HTTP_CHUNK_E_LARGE, "15\r\nx"},
                {HTTP_CHUNK_E_LARGE, "a\r\n0123456789\r\nb\r\nx"},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(table); i++) {
                Buffer b = BUFFER_NULL;
                size_t used;
                int r = chunked(table[i].text, strlen(table[i].text), 100, 20, &b, &used);

                ck_assert_msg(r == table[i].r, "%d: %s", r, table[i].text);
                buffer_deinit(&b);
        }
}
END_TEST

CHECK_MAIN("http_head", what_two_parsers_could_read_differently_is_refused, a_head_is_taken_apart,
           of_a_target_with_a_host_that_host_counts, the_end_is_found_wherever_the_stream_is_cut,
           too_many_fields_are_too_many, percent_encoding_is_decoded_or_refused,
           chunks_are_put_together_wherever_they_are_cut, chunks_that_are_none_are_refused)

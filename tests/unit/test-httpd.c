/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The HTTP server over real sockets: requests, strictness, slow and idle clients.
 */

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>

#include "daemon/io/log.h"
#include "tests/support/check_main.h"
#include "tests/support/http_world.h"

#define H HTTP_WORLD_HOST
#define C HTTP_WORLD_CLOSE

static int polite_client(const Address *a, const void *user CX_UNUSED)
{
        static const char two[] = "POST /echo?q=a%20b+c HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"
                                  "GET /echo HTTP/1.1\r\n" H C "\r\n";
        static const char chunked[] = "POST /echo HTTP/1.1\r\n" H C
                                      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        const char *got;
        int fd;

        got = http_world_exchange(a, two, sizeof(two) - 1);
        need(http_world_count(got, "HTTP/1.1 200 OK\r\n") == 2 &&
             http_world_count(got, "Connection: close") == 1);
        need(strstr(got, "\r\n\r\nPOST q=a b c body=hello\n") && strstr(got, "\r\n\r\nGET q= body=\n"));
        need(strstr(got, "X-Good: 1\r\n") && !strstr(got, "Injected") && strstr(got, "Date: "));
        /* The same, cut at every byte. */
        for (size_t cut = 1; cut < sizeof(chunked) - 1; cut++) {
                char all[1024];
                size_t n;

                fd = client_connect(a);
                client_send(fd, chunked, cut);
                if (cut % 4 == 0)
                        usleep(500);
                client_send(fd, chunked + cut, sizeof(chunked) - 1 - cut);
                n = client_read(fd, all, sizeof(all) - 1);
                all[n] = 0;
                need(strstr(all, "POST q= body=abcde\n"));
                close(fd);
        }
        return 0;
}

static int head_client(const Address *a, const void *user CX_UNUSED)
{
        static const char head[] = "HEAD /echo HTTP/1.1\r\n" H C "\r\n",
                          missing[] = "GET /none HTTP/1.1\r\n" H C "\r\n",
                          old[] = "GET /echo HTTP/1.0\r\n\r\n",
                          stream[] = "HEAD /stream HTTP/1.1\r\n" H C "\r\n",
                          drop[] = "GET /drop HTTP/1.1\r\n" H "\r\n",
                          half[] = "GET /later HTTP/1.1\r\n" H "\r\n",
                          brew[] = "BREW /echo HTTP/1.1\r\n" H "\r\n",
                          expect[] = "POST /echo HTTP/1.1\r\n" H C
                                     "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n";
        char all[1024];
        const char *got;
        size_t n;
        int fd;

        got = http_world_exchange(a, head, sizeof(head) - 1);
        need(http_world_status(got) == 200 && strstr(got, "Content-Length: 14\r\n"));
        need(strcmp(strstr(got, "\r\n\r\n"), "\r\n\r\n") == 0);
        got = http_world_exchange(a, missing, sizeof(missing) - 1);
        need(http_world_status(got) == 404 && strstr(got, "{\"code\":\"E_NOT_FOUND\",\"error\":\"") &&
             strstr(got, "\"field\":\"path\"}"));
        need(http_world_status(http_world_exchange(a, old, sizeof(old) - 1)) == 200);
        need(http_world_status(http_world_exchange(a, stream, sizeof(stream) - 1)) == 200);
        need(*http_world_exchange(a, drop, sizeof(drop) - 1) == 0);
        got = http_world_exchange(a, brew, sizeof(brew) - 1);
        need(http_world_status(got) == 405 && strstr(got, "\r\nAllow: ") &&
             strstr(got, "{\"code\":\"E_METHOD\""));
        /* Who closes the sending side after the request still gets the answer. */
        fd = client_connect(a);
        client_send(fd, half, sizeof(half) - 1);
        shutdown(fd, SHUT_WR);
        n = client_read(fd, all, sizeof(all) - 1);
        all[n] = 0;
        need(strstr(all, "\r\n\r\nlater\n"));
        fd = client_connect(a);
        client_send(fd, expect, sizeof(expect) - 1);
        need(client_read(fd, all, 25) == 25 && memcmp(all, "HTTP/1.1 100 Continue\r\n\r\n", 25) == 0);
        client_send(fd, "ok", 2);
        n = client_read(fd, all, sizeof(all) - 1);
        all[n] = 0;
        need(strstr(all, "POST q= body=ok\n"));
        return 0;
}

START_TEST(requests_are_answered_on_tcp_and_unix)
{
        http_world_begin(NULL);
        for (int tcp = 0; tcp < 2; tcp++) {
                world_spawn(&g_http.world, polite_client,
                            listener_address(tcp ? g_http.tcp : g_http.unix_socket), NULL);
                world_wait(&g_http.world);
                world_spawn(&g_http.world, head_client,
                            listener_address(tcp ? g_http.tcp : g_http.unix_socket), NULL);
                world_wait(&g_http.world);
        }
        ck_assert_ptr_null(g_http.later);
        http_world_finish();
}
END_TEST

/* Each is answered once, with this status, in JSON, and the connection ends, whatever stands behind it. */
static int strict_client(const Address *a, const void *user CX_UNUSED)
{
        static const struct {
                int status;
                const char *text;
        } table[] = {
                {400, "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
                {400, "POST /echo HTTP/1.1\r\n" H
                      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
                {400, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: xx\r\n\r\n0\r\n\r\n"},
                {400, "POST /echo HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\nhello"},
                {400, "GET /echo HTTP/1.1\n" H "\r\n"},
                {400, "GET /echo HTTP/1.1\r\nHost: localhost\n\r\n"},
                {400, "GET /echo HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"},
                {400, "GET /echo HTTP/1.1\r\n" H ": x\r\n\r\n"},
                {421, "GET http://evil.example/echo HTTP/1.1\r\n" H "\r\n"},
                {400, "GET /echo HTTP/1.1\r\n\r\n"},
                {400, "GET /echo\r\n"},
                {400, "GET /echo%00 HTTP/1.1\r\n" H "\r\n"},
                {400, "GET /echo?a=%zz HTTP/1.1\r\n" H "\r\n"},
                {400,
                 "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;x=y\nabc\r\n0\r\n\r\n"},
                {400, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nX y\r\n\r\n"},
                {413, "POST /echo HTTP/1.1\r\n" H "Content-Length: 1000000000\r\n\r\n"},
                {413, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3b9aca00\r\n"},
                {421, "GET /echo HTTP/1.1\r\nHost: evil.example\r\n\r\n"},
                {421, "GET /echo HTTP/1.1\r\nHost: localhost.evil.example:80\r\n\r\n"},
                {505, "GET /echo HTTP/2.0\r\n" H "\r\n"},
        };
        static const char behind[] = "GET /echo?q=smuggled HTTP/1.1\r\n" H "\r\n";
        static const char fine[][80] = {"Host: 127.0.0.1:99", "Host: [::1]:99", "Host: LOCALHOST",
                                        "Host: Our.Example:99"};
        char text[1024];
        const char *got;

        for (size_t i = 0; i < CX_ARRAY_LEN(table); i++)
                for (int more = 0; more < 2; more++) {
                        snprintf(text, sizeof(text), "%s%s", table[i].text, more ? behind : "");
                        got = http_world_exchange(a, text, strlen(text));
                        if (http_world_status(got) != table[i].status)
                                fprintf(stderr, "%s: %s\n", table[i].text, got);
                        need(http_world_status(got) == table[i].status);
                        need(http_world_count(got, "\r\nDate: ") == 1 &&
                             strstr(got, "Connection: close\r\n"));
                        need(strstr(got, "{\"code\":\"E_") &&
                             strstr(got, "Content-Type: application/json\r\n"));
                }
        for (size_t i = 0; i < CX_ARRAY_LEN(fine); i++) {
                snprintf(text, sizeof(text), "GET /echo HTTP/1.1\r\n%s\r\n" C "\r\n", fine[i]);
                need(http_world_status(http_world_exchange(a, text, strlen(text))) == 200);
        }
        /* A head that is too long, with and without an end. */
        for (int end = 0; end < 2; end++) {
                static char head[9000];

                snprintf(head, sizeof(head), "GET /echo HTTP/1.1\r\n" H "X: ");
                memset(head + strlen(head), 'x', sizeof(head) - strlen(head) - 5);
                memcpy(head + sizeof(head) - 5, end ? "\r\n\r\n" : "xxxx", 5);
                need(http_world_status(http_world_exchange(a, head, sizeof(head) - 1)) == 431);
        }
        return 0;
}

START_TEST(what_is_not_strictly_http_is_refused_and_smuggles_nothing)
{
        static const char *const hosts[] = {"our.example"};
        HttpConfig config = {.hosts = hosts, .n_hosts = 1};
        HttpStats stats;

        http_world_begin(&config);
        world_spawn(&g_http.world, strict_client, listener_address(g_http.tcp), NULL);
        world_wait(&g_http.world);
        http_server_stats(g_http.server, &stats);
        ck_assert_int_eq(g_http.requests, 4);
        ck_assert_uint_eq(stats.requests, 4);
        ck_assert_uint_ge(stats.refused, 42);
        ck_assert_uint_eq(stats.body_bytes, 0);
        http_world_finish();
}
END_TEST

/* Sends @text, then a byte every 20 ms; must be cut in the meantime. */
static int slow_client(const Address *a, const void *user)
{
        const char *text = user;
        int fd = client_connect(a);

        client_send(fd, text, strlen(text));
        for (int i = 0; i < 100; i++) {
                if (send(fd, "x", 1, MSG_NOSIGNAL) < 0)
                        return 0;
                usleep(20000);
        }
        return 1;
}

static int idle_client(const Address *a, const void *user)
{
        int fd = client_connect(a);
        char got[4096];
        const char *text = user;

        client_send(fd, text, strlen(text));
        need(client_read(fd, got, sizeof(got)) > 0); /* until it is closed */
        return 0;
}

/* From here on the log goes to a file; returns it. */
static int catch_log(void)
{
        int fd = memfd_create("log", MFD_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        log_init("test", fd);
        return fd;
}

/* What the log has so far; good until the next call. */
static const char *caught_log(int fd)
{
        static char text[4096];
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

        ck_assert_int_ge(n, 0);
        text[n] = '\0';
        return text;
}

START_TEST(slow_clients_are_cut_by_the_clock)
{
        HttpConfig config = {.limits = {.head = 200 * USEC_MSEC, .body = 200 * USEC_MSEC}};
        static const char *const slow[] = {
                "GET /echo HTTP/1.1\r\n" H "X: ", "POST /size HTTP/1.1\r\n" H "Content-Length: 9999\r\n\r\n",
                "POST /size HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nffff\r\n",
                "GET /echo HTTP/1.1\r\n" H "\r\nGET /echo HTTP/1.1\r\nX: "};
        HttpStats stats;
        int log;

        http_world_begin(&config);
        log = catch_log();
        for (size_t i = 0; i < CX_ARRAY_LEN(slow); i++)
                world_spawn(&g_http.world, slow_client, listener_address(g_http.tcp), slow[i]);
        world_wait(&g_http.world);
        world_pass(&g_http.world, 50 * USEC_MSEC);
        http_server_stats(g_http.server, &stats);
        ck_assert_uint_eq(stats.cut, CX_ARRAY_LEN(slow));
        ck_assert_uint_eq(stats.connections, 0);
        ck_assert_int_eq(g_http.requests, 1);
        ck_assert_ptr_nonnull(strstr(caught_log(log), ": deadline passed, cutting it"));
        http_world_finish();
}
END_TEST

/* Sends most of a body, which buys time by its length, and then nothing more. */
static int resting_client(const Address *a, const void *user CX_UNUSED)
{
        static const char head[] = "POST /size HTTP/1.1\r\n" H "Content-Length: 2000000\r\n\r\n";
        static char part[1000000];
        int fd = client_connect(a);
        char got[16];

        client_send(fd, head, sizeof(head) - 1);
        client_send(fd, part, sizeof(part));
        need(client_read(fd, got, sizeof(got)) == 0);
        return 0;
}

START_TEST(a_body_that_stands_still_is_cut_however_much_of_it_has_come)
{
        HttpConfig config = {.limits = {.body = 200 * USEC_MSEC}};
        usec_t begun = CLOCK_SYSTEM.monotonic(NULL);
        HttpStats stats;

        http_world_begin(&config);
        world_spawn(&g_http.world, resting_client, listener_address(g_http.tcp), NULL);
        world_wait(&g_http.world);
        ck_assert_int_lt(CLOCK_SYSTEM.monotonic(NULL) - begun, 5 * USEC_SEC);
        http_server_stats(g_http.server, &stats);
        ck_assert_uint_eq(stats.cut, 1);
        ck_assert_uint_eq(stats.body_bytes, 0);
        http_world_finish();
}
END_TEST

START_TEST(idle_clients_are_cut_by_the_clock)
{
        HttpConfig config = {.limits = {.idle = 200 * USEC_MSEC, .body = 200 * USEC_MSEC}};
        usec_t begun = CLOCK_SYSTEM.monotonic(NULL);
        HttpStats stats;
        int log;

        http_world_begin(&config);
        log = catch_log();
        world_spawn(&g_http.world, idle_client, listener_address(g_http.tcp),
                    "GET /echo HTTP/1.1\r\n" H "\r\n");
        world_wait(&g_http.world);
        ck_assert_int_lt(CLOCK_SYSTEM.monotonic(NULL) - begun, 2 * USEC_SEC);
        http_server_stats(g_http.server, &stats);
        ck_assert_uint_eq(stats.cut, 1);
        ck_assert_str_eq(caught_log(log), "");
        ck_assert_int_eq(g_http.requests, 1);
        http_world_finish();
}
END_TEST

CHECK_MAIN("httpd", requests_are_answered_on_tcp_and_unix,
           what_is_not_strictly_http_is_refused_and_smuggles_nothing, slow_clients_are_cut_by_the_clock,
           a_body_that_stands_still_is_cut_however_much_of_it_has_come, idle_clients_are_cut_by_the_clock)

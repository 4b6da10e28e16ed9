/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The HTTP server over real sockets.
 *
 * The handler of these tests answers /echo with method, parameter and body, /later from a timer, /never only
 * when the test lets it, /stream with an event stream, everything else with a fault.
 */

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>

#include "daemon/io/httpd.h"
#include "daemon/io/log.h"
#include "tests/support/check_main.h"
#include "tests/support/io_world.h"

static World g_world;
static HttpServer *g_server;
static Listener *g_tcp, *g_unix;
static HttpRequest *g_later;
static LoopTimer *g_timer;
static HttpStream *g_stream;
static int g_requests, g_gone, g_ready, g_stream_closed;
static ConnReason g_reason;
static size_t g_most_unsent, g_feed;
static usec_t g_delay;

static void on_ready(HttpStream *s, void *user)
{
        static char event[1000];

        ck_assert_ptr_eq(user, &g_world);
        g_ready++;
        memset(event, 'e', sizeof(event));
        for (size_t i = 0; i < g_feed; i++)
                (void)http_stream_write(s, (Text){event, sizeof(event)});
        if (http_stream_unsent(s) > g_most_unsent)
                g_most_unsent = http_stream_unsent(s);
}

static void on_stream_closed(HttpStream *s, ConnReason reason, void *user)
{
        ck_assert_ptr_eq(user, &g_world);
        ck_assert_ptr_eq(s, g_stream);
        g_stream = NULL;
        g_stream_closed++;
        g_reason = reason;
}

static const HttpStreamOps stream_ops = {.on_ready = on_ready, .on_closed = on_stream_closed};

static void on_gone(void *user)
{
        ck_assert_ptr_eq(user, &g_world);
        g_gone++;
}

static void answer_later(void *user CX_UNUSED)
{
        if (g_later)
                http_reply(g_later, 200, "text/plain", TEXT("later\n"), NULL, 0);
        g_later = NULL;
}

static void handler(HttpRequest *r, void *user)
{
        static const HttpHeader headers[] = {{"X-Good", "1"}, {"X-Bad", "a\r\nInjected: 1"}};
        Text path = http_path(r), q = http_param(r, "q");
        char text[256];

        ck_assert_ptr_eq(user, &g_world);
        g_requests++;
        if (text_is(path, "/echo")) {
                snprintf(text, sizeof(text), "%s q=" TEXT_FMT " body=" TEXT_FMT "\n",
                         http_method_name(http_method(r)), TEXT_ARG(q),
                         http_body(r).n < 100 ? (int)http_body(r).n : 100,
                         http_body(r).n ? http_body(r).at : "");
                http_reply(r, 200, "text/plain", text_of(text), headers, 2);
        } else if (text_is(path, "/size")) {
                snprintf(text, sizeof(text), "%zu\n", http_body(r).n);
                http_reply(r, 200, "text/plain", text_of(text), NULL, 0);
        } else if (text_is(path, "/large")) {
                static char large[3000000];

                memset(large, 'L', sizeof(large));
                http_reply(r, 200, "text/plain", (Text){large, sizeof(large)}, NULL, 0);
        } else if (text_is(path, "/later") || text_is(path, "/never")) {
                http_request_free(g_later);
                g_later = r;
                http_on_gone(r, on_gone, &g_world);
                if (text_is(path, "/later"))
                        ck_assert_int_eq(loop_timer_after(g_timer, g_delay), 0);
        } else if (text_is(path, "/stream")) {
                int k = http_stream_start(&g_stream, r, "text/event-stream", NULL, 0, &stream_ops, &g_world);

                ck_assert(k == 0 || k == HTTP_E_NO_STREAM);
        } else if (text_is(path, "/drop")) {
                http_request_free(r);
        } else {
                Fault f;

                fault_set(&f, FAULT_NOT_FOUND, "path", NULL);
                http_reply_fault(r, &f, NULL, 0);
        }
}

static void begin(const HttpConfig *config)
{
        g_requests = g_gone = g_ready = g_stream_closed = 0;
        g_most_unsent = g_feed = 0;
        g_delay = 50 * USEC_MSEC;
        log_init("test", open("/dev/null", O_WRONLY | O_CLOEXEC));
        world_open(&g_world);
        ck_assert_int_eq(loop_timer_new(&g_timer, g_world.loop, answer_later, NULL), 0);
        ck_assert_int_eq(http_server_new(&g_server, g_world.loop, config, handler, &g_world), 0);
        g_tcp = world_listen(&g_world, NULL, 0, http_server_accept, g_server);
        g_unix = world_listen(&g_world, "http.sock", 0, http_server_accept, g_server);
}

static void finish(void)
{
        listener_free(g_tcp);
        listener_free(g_unix);
        g_server = http_server_free(g_server);
        answer_later(NULL);
        loop_timer_free(g_timer);
        world_close(&g_world);
}

/* Sends, reads to the end; the answer as a string in static storage. */
static const char *exchange(const Address *a, const char *request, size_t n)
{
        static char got[4096];
        int fd = client_connect(a);

        client_send(fd, request, n);
        n = client_read(fd, got, sizeof(got) - 1);
        got[n] = 0;
        close(fd);
        return got;
}

static int status_in(const char *answer)
{
        return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

static int count_in(const char *text, const char *what)
{
        int n = 0;

        for (const char *at = text; (at = strstr(at, what)); at++)
                n++;
        return n;
}

#define H "Host: localhost\r\n"
#define C "Connection: close\r\n"

static int polite_client(const Address *a, const void *user CX_UNUSED)
{
        static const char two[] = "POST /echo?q=a%20b+c HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"
                                  "GET /echo HTTP/1.1\r\n" H C "\r\n";
        static const char chunked[] = "POST /echo HTTP/1.1\r\n" H C
                                      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        const char *got;
        int fd;

        got = exchange(a, two, sizeof(two) - 1);
        need(count_in(got, "HTTP/1.1 200 OK\r\n") == 2 && count_in(got, "Connection: close") == 1);
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

        got = exchange(a, head, sizeof(head) - 1);
        need(status_in(got) == 200 && strstr(got, "Content-Length: 14\r\n"));
        need(strcmp(strstr(got, "\r\n\r\n"), "\r\n\r\n") == 0);
        got = exchange(a, missing, sizeof(missing) - 1);
        need(status_in(got) == 404 && strstr(got, "{\"code\":\"E_NOT_FOUND\",\"error\":\"") &&
             strstr(got, "\"field\":\"path\"}"));
        need(status_in(exchange(a, old, sizeof(old) - 1)) == 200);
        need(status_in(exchange(a, stream, sizeof(stream) - 1)) == 200);
        need(*exchange(a, drop, sizeof(drop) - 1) == 0);
        got = exchange(a, brew, sizeof(brew) - 1);
        need(status_in(got) == 405 && strstr(got, "\r\nAllow: ") && strstr(got, "{\"code\":\"E_METHOD\""));
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
        begin(NULL);
        for (int tcp = 0; tcp < 2; tcp++) {
                world_spawn(&g_world, polite_client, listener_address(tcp ? g_tcp : g_unix), NULL);
                world_wait(&g_world);
                world_spawn(&g_world, head_client, listener_address(tcp ? g_tcp : g_unix), NULL);
                world_wait(&g_world);
        }
        ck_assert_ptr_null(g_later);
        finish();
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
                {400, "GET http://localhost/echo HTTP/1.1\r\n" H "\r\n"},
                {400, "GET /echo HTTP/1.1\r\n\r\n"},
                {400, "GET /echo\r\n"},
                {400, "GET /echo%00 HTTP/1.1\r\n" H "\r\n"},
                {400, "GET /echo?a=%zz HTTP/1.1\r\n" H "\r\n"},
                {400,
                 "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n"},
                {400, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n"},
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
                        got = exchange(a, text, strlen(text));
                        if (status_in(got) != table[i].status)
                                fprintf(stderr, "%s: %s\n", table[i].text, got);
                        need(status_in(got) == table[i].status);
                        need(count_in(got, "\r\nDate: ") == 1 && strstr(got, "Connection: close\r\n"));
                        need(strstr(got, "{\"code\":\"E_") &&
                             strstr(got, "Content-Type: application/json\r\n"));
                }
        for (size_t i = 0; i < CX_ARRAY_LEN(fine); i++) {
                snprintf(text, sizeof(text), "GET /echo HTTP/1.1\r\n%s\r\n" C "\r\n", fine[i]);
                need(status_in(exchange(a, text, strlen(text))) == 200);
        }
        /* A head that is too long, with and without an end. */
        for (int end = 0; end < 2; end++) {
                static char head[9000];

                snprintf(head, sizeof(head), "GET /echo HTTP/1.1\r\n" H "X: ");
                memset(head + strlen(head), 'x', sizeof(head) - strlen(head) - 5);
                memcpy(head + sizeof(head) - 5, end ? "\r\n\r\n" : "xxxx", 5);
                need(status_in(exchange(a, head, sizeof(head) - 1)) == 431);
        }
        return 0;
}

START_TEST(what_is_not_strictly_http_is_refused_and_smuggles_nothing)
{
        static const char *const hosts[] = {"our.example"};
        HttpConfig config = {.hosts = hosts, .n_hosts = 1};
        HttpStats stats;

        begin(&config);
        world_spawn(&g_world, strict_client, listener_address(g_tcp), NULL);
        world_wait(&g_world);
        http_server_stats(g_server, &stats);
        ck_assert_int_eq(g_requests, 4);
        ck_assert_uint_eq(stats.requests, 4);
        ck_assert_uint_ge(stats.refused, 42);
        ck_assert_uint_eq(stats.body_bytes, 0);
        finish();
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

START_TEST(slow_clients_are_cut_by_the_clock)
{
        HttpConfig config = {.limits = {.head = 200 * USEC_MSEC, .body = 200 * USEC_MSEC}};
        static const char *const slow[] = {
                "GET /echo HTTP/1.1\r\n" H "X: ", "POST /size HTTP/1.1\r\n" H "Content-Length: 9999\r\n\r\n",
                "POST /size HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nffff\r\n",
                "GET /echo HTTP/1.1\r\n" H "\r\nGET /echo HTTP/1.1\r\nX: "};
        HttpStats stats;

        begin(&config);
        for (size_t i = 0; i < CX_ARRAY_LEN(slow); i++)
                world_spawn(&g_world, slow_client, listener_address(g_tcp), slow[i]);
        world_wait(&g_world);
        world_pass(&g_world, 50 * USEC_MSEC);
        http_server_stats(g_server, &stats);
        ck_assert_uint_eq(stats.cut, CX_ARRAY_LEN(slow));
        ck_assert_uint_eq(stats.connections, 0);
        ck_assert_int_eq(g_requests, 1);
        finish();
}
END_TEST

START_TEST(idle_clients_are_cut_by_the_clock)
{
        HttpConfig config = {.limits = {.idle = 200 * USEC_MSEC, .body = 200 * USEC_MSEC}};
        usec_t begun = CLOCK_SYSTEM.monotonic(NULL);
        HttpStats stats;

        begin(&config);
        world_spawn(&g_world, idle_client, listener_address(g_tcp), "GET /echo HTTP/1.1\r\n" H "\r\n");
        world_wait(&g_world);
        ck_assert_int_lt(CLOCK_SYSTEM.monotonic(NULL) - begun, 2 * USEC_SEC);
        http_server_stats(g_server, &stats);
        ck_assert_uint_eq(stats.cut, 1);
        ck_assert_int_eq(g_requests, 1);
        finish();
}
END_TEST

/* Asks and leaves with a reset. */
static int leaving_client(const Address *a, const void *user)
{
        struct linger reset = {.l_onoff = 1};
        const char *text = user;
        int fd = client_connect(a);

        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        client_send(fd, text, strlen(text));
        usleep(50000);
        close(fd);
        return 0;
}

START_TEST(who_leaves_before_the_answer_is_noticed_and_the_request_stays)
{
        begin(NULL);
        g_delay = 200 * USEC_MSEC;
        world_spawn(&g_world, leaving_client, listener_address(g_tcp),
                    "POST /later HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab");
        world_wait(&g_world);
        world_pass(&g_world, 30 * USEC_MSEC);
        ck_assert_int_eq(g_gone, 1);
        ck_assert_ptr_nonnull(g_later);
        ck_assert(http_is_gone(g_later));
        ck_assert(text_is(http_body(g_later), "ab"));
        ck_assert(text_is(http_path(g_later), "/later"));
        world_pass(&g_world, 250 * USEC_MSEC);
        ck_assert_ptr_null(g_later);
        /* Held beyond the life of the server. */
        world_spawn(&g_world, leaving_client, listener_address(g_unix), "GET /never HTTP/1.1\r\n" H "\r\n");
        world_wait(&g_world);
        ck_assert_ptr_nonnull(g_later);
        finish();
        ck_assert_int_eq(g_gone, 2);
}
END_TEST

static int stream_client(const Address *a, const void *user)
{
        static const char text[] = "GET /stream HTTP/1.1\r\n" H "\r\n";
        int fd = client_connect(a), size = 4096;
        char got[300];

        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
        client_send(fd, text, sizeof(text) - 1);
        memset(got, 0, sizeof(got));
        need(client_read(fd, got, sizeof(got) - 1) > 0);
        need(status_in(got) == 200 && strstr(got, "Content-Type: text/event-stream\r\n"));
        need(strstr(got, "Transfer-Encoding: chunked\r\n") && strstr(got, "\r\n\r\n3e8\r\neeee"));
        if (user) { /* reads nothing more, until it is cut */
                usleep(900000);
                while (client_read(fd, got, sizeof(got)) == sizeof(got))
                        ;
        }
        close(fd);
        return 0;
}

START_TEST(a_stream_is_pulled_and_bounded)
{
        HttpConfig config = {.limits = {.stall = 200 * USEC_MSEC}};

        begin(&config);
        g_feed = 16;
        world_spawn(&g_world, stream_client, listener_address(g_tcp), NULL);
        world_wait(&g_world);
        world_pass(&g_world, 100 * USEC_MSEC);
        ck_assert_int_eq(g_stream_closed, 1);
        ck_assert_int_gt(g_ready, 0);
        world_spawn(&g_world, stream_client, listener_address(g_unix), &g_world);
        world_wait(&g_world);
        ck_assert_int_eq(g_stream_closed, 2);
        ck_assert_int_eq(g_reason, CONN_STALLED);
        ck_assert_uint_lt(g_most_unsent, 40000);
        finish();
}
END_TEST

static int ended_stream_client(const Address *a, const void *user CX_UNUSED)
{
        static const char text[] = "GET /stream HTTP/1.1\r\n" H "\r\n";
        const char *got = exchange(a, text, sizeof(text) - 1);

        need(status_in(got) == 200);
        need(strstr(got, "\r\n\r\n4\r\nlast\r\n0\r\n\r\n"));
        return 0;
}

static void end_stream(void *user CX_UNUSED)
{
        if (!g_stream) {
                ck_assert_int_eq(loop_timer_after(g_timer, 10 * USEC_MSEC), 0);
                return;
        }
        ck_assert_int_eq(http_stream_write(g_stream, TEXT("last")), 0);
        http_stream_end(g_stream);
        ck_assert_int_eq(g_stream_closed, 0); /* not out of our own call */
}

START_TEST(a_stream_ends_whole)
{
        begin(NULL);
        loop_timer_free(g_timer);
        ck_assert_int_eq(loop_timer_new(&g_timer, g_world.loop, end_stream, NULL), 0);
        ck_assert_int_eq(loop_timer_after(g_timer, 10 * USEC_MSEC), 0);
        world_spawn(&g_world, ended_stream_client, listener_address(g_tcp), NULL);
        world_wait(&g_world);
        world_pass(&g_world, 20 * USEC_MSEC);
        ck_assert_int_eq(g_stream_closed, 1);
        ck_assert_int_eq(g_reason, CONN_CLOSED);
        finish();
}
END_TEST

static int large_client(const Address *a, const void *user CX_UNUSED)
{
        static const char text[] = "GET /large HTTP/1.1\r\n" H C "\r\n",
                          post[] = "POST /size HTTP/1.1\r\n" H C "Content-Length: 3000000\r\n\r\n";
        static char all[3100000];
        int fd = client_connect(a);
        size_t n;

        client_send(fd, text, sizeof(text) - 1);
        usleep(100000);
        n = client_read(fd, all, sizeof(all));
        need(n > 3000000 && n < 3000400);
        fd = client_connect(a);
        client_send(fd, post, sizeof(post) - 1);
        client_send(fd, all, 3000000);
        n = client_read(fd, all, sizeof(all) - 1);
        all[n] = 0;
        need(strstr(all, "\r\n\r\n3000000\n"));
        return 0;
}

START_TEST(large_bodies_pass_both_ways)
{
        HttpStats stats;

        begin(NULL);
        world_spawn(&g_world, large_client, listener_address(g_tcp), NULL);
        world_spawn(&g_world, large_client, listener_address(g_unix), NULL);
        world_wait(&g_world);
        http_server_stats(g_server, &stats);
        ck_assert_uint_eq(stats.body_bytes, 0);
        finish();
}
END_TEST

static int crowd_client(const Address *a, const void *user CX_UNUSED)
{
        static const char *const texts[] = {
                "GET /stream HTTP/1.1\r\n" H "\r\n", "GET /echo HTTP/1.1\r\n" H "\r\n",
                "POST /size HTTP/1.1\r\n" H "Content-Length: 99\r\n\r\nhalf", "GET /ec"};

        for (size_t i = 0; i < 500; i++) {
                const char *text = texts[i % CX_ARRAY_LEN(texts)];
                int fd = client_connect(a);
                char got[64];

                client_send(fd, text, strlen(text));
                if (i % CX_ARRAY_LEN(texts) < 2)
                        need(client_read(fd, got, sizeof(got)) == sizeof(got));
                close(fd);
        }
        return 0;
}

START_TEST(a_thousand_disconnects_leave_nothing)
{
        HttpStats stats;
        size_t before, after;

        begin(NULL);
        g_feed = 1;
        world_spawn(&g_world, crowd_client, listener_address(g_tcp), NULL);
        world_wait(&g_world);
        world_pass(&g_world, 100 * USEC_MSEC);
        before = mallinfo2().uordblks;
        for (int i = 0; i < 2; i++) {
                world_spawn(&g_world, crowd_client, listener_address(g_tcp), NULL);
                world_wait(&g_world);
        }
        world_pass(&g_world, 100 * USEC_MSEC);
        after = mallinfo2().uordblks;
        http_server_stats(g_server, &stats);
        ck_assert_uint_eq(stats.connections, 0);
        ck_assert_uint_eq(stats.streams, 0);
        ck_assert_uint_eq(stats.body_bytes, 0);
        ck_assert_msg(after <= before + 20000, "%zu bytes more", after - before);
        finish();
}
END_TEST

static int draining_client(const Address *a, const void *user CX_UNUSED)
{
        static const char text[] = "GET /later HTTP/1.1\r\n" H "\r\n";
        int idle = client_connect(a);
        const char *got = exchange(a, text, sizeof(text) - 1); /* which waits for the end of the connection */

        need(strstr(got, "Connection: close\r\n") && strstr(got, "later\n"));
        need(client_sees_end(idle));
        return 0;
}

static void drain(void *user)
{
        http_server_drain(g_server);
        answer_later(user);
}

START_TEST(draining_answers_and_closes)
{
        begin(NULL);
        loop_timer_free(g_timer);
        ck_assert_int_eq(loop_timer_new(&g_timer, g_world.loop, drain, NULL), 0);
        world_spawn(&g_world, draining_client, listener_address(g_tcp), NULL);
        world_wait(&g_world);
        finish();
}
END_TEST

CHECK_MAIN("httpd", requests_are_answered_on_tcp_and_unix,
           what_is_not_strictly_http_is_refused_and_smuggles_nothing, slow_clients_are_cut_by_the_clock,
           idle_clients_are_cut_by_the_clock, who_leaves_before_the_answer_is_noticed_and_the_request_stays,
           a_stream_is_pulled_and_bounded, a_stream_ends_whole, large_bodies_pass_both_ways,
           a_thousand_disconnects_leave_nothing, draining_answers_and_closes)

/* SPDX-License-Identifier: Apache-2.0 */

/* Late replies, streams, large bodies, and the end of connections, with real clients. */

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>

#include "tests/support/check_main.h"
#include "tests/support/http_world.h"

#define H HTTP_WORLD_HOST
#define C HTTP_WORLD_CLOSE

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
        http_world_begin(NULL);
        g_http.delay = 200 * USEC_MSEC;
        world_spawn(&g_http.world, leaving_client, listener_address(g_http.tcp),
                    "POST /later HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab");
        world_wait(&g_http.world);
        world_pass(&g_http.world, 30 * USEC_MSEC);
        ck_assert_int_eq(g_http.gone, 1);
        ck_assert_ptr_nonnull(g_http.later);
        ck_assert(http_is_gone(g_http.later));
        ck_assert(text_is(http_body(g_http.later), "ab"));
        ck_assert(text_is(http_path(g_http.later), "/later"));
        world_pass(&g_http.world, 250 * USEC_MSEC);
        ck_assert_ptr_null(g_http.later);
        /* Held beyond the life of the server. */
        world_spawn(&g_http.world, leaving_client, listener_address(g_http.unix_socket),
                    "GET /never HTTP/1.1\r\n" H "\r\n");
        world_wait(&g_http.world);
        ck_assert_ptr_nonnull(g_http.later);
        http_world_finish();
        ck_assert_int_eq(g_http.gone, 2);
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
        need(http_world_status(got) == 200 && strstr(got, "Content-Type: text/event-stream\r\n"));
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

        http_world_begin(&config);
        g_http.feed = 16;
        world_spawn(&g_http.world, stream_client, listener_address(g_http.tcp), NULL);
        world_wait(&g_http.world);
        world_pass(&g_http.world, 100 * USEC_MSEC);
        ck_assert_int_eq(g_http.stream_closed, 1);
        ck_assert_int_gt(g_http.ready, 0);
        world_spawn(&g_http.world, stream_client, listener_address(g_http.unix_socket), &g_http.world);
        world_wait(&g_http.world);
        ck_assert_int_eq(g_http.stream_closed, 2);
        ck_assert_int_eq(g_http.reason, CONN_STALLED);
        ck_assert_uint_lt(g_http.most_unsent, 40000);
        http_world_finish();
}
END_TEST

static int ended_stream_client(const Address *a, const void *user CX_UNUSED)
{
        static const char text[] = "GET /stream HTTP/1.1\r\n" H "\r\n";
        const char *got = http_world_exchange(a, text, sizeof(text) - 1);

        need(http_world_status(got) == 200);
        need(strstr(got, "\r\n\r\n4\r\nlast\r\n0\r\n\r\n"));
        return 0;
}

static void end_stream(void *user CX_UNUSED)
{
        if (!g_http.stream) {
                ck_assert_int_eq(loop_timer_after(g_http.timer, 10 * USEC_MSEC), 0);
                return;
        }
        ck_assert_int_eq(http_stream_write(g_http.stream, TEXT("last")), 0);
        http_stream_end(g_http.stream);
        ck_assert_int_eq(g_http.stream_closed, 0); /* not out of our own call */
}

START_TEST(a_stream_ends_whole)
{
        http_world_begin(NULL);
        loop_timer_free(g_http.timer);
        ck_assert_int_eq(loop_timer_new(&g_http.timer, g_http.world.loop, end_stream, NULL), 0);
        ck_assert_int_eq(loop_timer_after(g_http.timer, 10 * USEC_MSEC), 0);
        world_spawn(&g_http.world, ended_stream_client, listener_address(g_http.tcp), NULL);
        world_wait(&g_http.world);
        world_pass(&g_http.world, 20 * USEC_MSEC);
        ck_assert_int_eq(g_http.stream_closed, 1);
        ck_assert_int_eq(g_http.reason, CONN_CLOSED);
        http_world_finish();
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

        http_world_begin(NULL);
        world_spawn(&g_http.world, large_client, listener_address(g_http.tcp), NULL);
        world_spawn(&g_http.world, large_client, listener_address(g_http.unix_socket), NULL);
        world_wait(&g_http.world);
        http_server_stats(g_http.server, &stats);
        ck_assert_uint_eq(stats.body_bytes, 0);
        http_world_finish();
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

        http_world_begin(NULL);
        g_http.feed = 1;
        world_spawn(&g_http.world, crowd_client, listener_address(g_http.tcp), NULL);
        world_wait(&g_http.world);
        world_pass(&g_http.world, 100 * USEC_MSEC);
        before = mallinfo2().uordblks;
        for (int i = 0; i < 2; i++) {
                world_spawn(&g_http.world, crowd_client, listener_address(g_http.tcp), NULL);
                world_wait(&g_http.world);
        }
        world_pass(&g_http.world, 100 * USEC_MSEC);
        after = mallinfo2().uordblks;
        http_server_stats(g_http.server, &stats);
        ck_assert_uint_eq(stats.connections, 0);
        ck_assert_uint_eq(stats.streams, 0);
        ck_assert_uint_eq(stats.body_bytes, 0);
        ck_assert_msg(after <= before + 20000, "%zu bytes more", after - before);
        http_world_finish();
}
END_TEST

static int draining_client(const Address *a, const void *user CX_UNUSED)
{
        static const char text[] = "GET /later HTTP/1.1\r\n" H "\r\n";
        int idle = client_connect(a);
        const char *got = http_world_exchange(
                a, text, sizeof(text) - 1); /* which waits for the end of the connection */

        need(strstr(got, "Connection: close\r\n") && strstr(got, "later\n"));
        need(client_sees_end(idle));
        return 0;
}

static void drain(void *user)
{
        http_server_drain(g_http.server);
        http_world_answer(user);
}

START_TEST(draining_answers_and_closes)
{
        http_world_begin(NULL);
        loop_timer_free(g_http.timer);
        ck_assert_int_eq(loop_timer_new(&g_http.timer, g_http.world.loop, drain, NULL), 0);
        world_spawn(&g_http.world, draining_client, listener_address(g_http.tcp), NULL);
        world_wait(&g_http.world);
        http_world_finish();
}
END_TEST

/* Reads a little again and again, so that the kernel has no room for more for longer than a stall may last. */
static int steady_client(const Address *a, const void *user CX_UNUSED)
{
        static const char request[] = "GET /large HTTP/1.1\r\n" H C "\r\n";
        static char got[65536];
        int fd = client_connect(a);
        size_t n, all = 0;

        client_send(fd, request, sizeof(request) - 1);
        for (int i = 0; i < 75; i++) {
                usleep(40 * 1000);
                all += client_read(fd, got, 4096);
        }
        while ((n = client_read(fd, got, sizeof(got))) > 0)
                all += n;
        need(all > 3000000);
        return 0;
}

START_TEST(who_reads_steadily_is_not_cut_however_slow)
{
        HttpConfig config = {.limits = {.stall = USEC_SEC}};
        HttpStats stats;

        http_world_begin(&config);
        world_spawn(&g_http.world, steady_client, listener_address(g_http.unix_socket), NULL);
        world_wait(&g_http.world);
        http_server_stats(g_http.server, &stats);
        ck_assert_uint_eq(stats.cut, 0);
        http_world_finish();
}
END_TEST

CHECK_MAIN("httpd_reply", who_reads_steadily_is_not_cut_however_slow,
           who_leaves_before_the_answer_is_noticed_and_the_request_stays, a_stream_is_pulled_and_bounded,
           a_stream_ends_whole, large_bodies_pass_both_ways, a_thousand_disconnects_leave_nothing,
           draining_answers_and_closes)

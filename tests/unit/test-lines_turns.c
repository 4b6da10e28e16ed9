/* SPDX-License-Identifier: Apache-2.0 */

/* Whose turn it is while one client has sent much, and what becomes of it. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "daemon/io/lines.h"
#include "tests/support/check_main.h"
#include "tests/support/io_world.h"

#define N_LINES 1000

static World g_world;
static LineServer *g_server;
static LoopWake *g_others;
static uint64_t g_handled, g_handled_before, g_most_at_once;
static uint64_t g_numbers; /* the sum of them */
static bool g_answers;
static int g_ended, g_closed;
static ConnReason g_reason;

static bool g_pauses;
static LineSession *g_paused;

static int on_open(LineSession *s, void *server_user, void **ret)
{
        if (g_pauses) {
                g_paused = s;
                line_pause(s);
        }
        *ret = server_user;
        return 0;
}

static void on_line(LineSession *s, uint64_t number, Text line CX_UNUSED, void *user CX_UNUSED)
{
        if (g_answers)
                (void)line_write(s, TEXT("y\n"));
        if (g_handled++ == g_handled_before)
                loop_wake_post(g_others);
        g_numbers += number;
}

static void on_too_long(LineSession *s CX_UNUSED, uint64_t number CX_UNUSED, void *user CX_UNUSED)
{
        ck_abort();
}

static void on_end(LineSession *s, uint64_t n_lines, void *user CX_UNUSED)
{
        ck_assert_uint_eq(n_lines, N_LINES);
        g_ended++;
        line_close(s);
}

static void on_closed(LineSession *s CX_UNUSED, ConnReason reason, void *user CX_UNUSED)
{
        g_closed++;
        g_reason = reason;
        if (g_answers)
                loop_stop(g_world.loop);
}

static const LineOps ops = {.on_open = on_open,
                            .on_line = on_line,
                            .on_too_long = on_too_long,
                            .on_end = on_end,
                            .on_closed = on_closed};

/* Somebody else wants something since the first line that was handled behind the last such turn. */
static void on_others(void *user CX_UNUSED)
{
        if (g_handled - g_handled_before > g_most_at_once)
                g_most_at_once = g_handled - g_handled_before;
        g_handled_before = g_handled;
}

static int send_lines(const Address *a)
{
        static char lines[2 * N_LINES];
        int fd = client_connect(a);

        for (size_t i = 0; i < sizeof(lines); i += 2)
                memcpy(lines + i, "x\n", 2);
        client_send(fd, lines, sizeof(lines));
        return fd;
}

static int hasty_client(const Address *a, const void *user CX_UNUSED)
{
        int fd = send_lines(a);

        shutdown(fd, SHUT_WR);
        need(client_sees_end(fd));
        return 0;
}

static Listener *begin(const char *name, bool answers)
{
        g_handled = g_handled_before = g_most_at_once = g_numbers = 0;
        g_answers = answers;
        g_ended = g_closed = 0;
        world_open(&g_world);
        ck_assert_int_eq(loop_wake_new(&g_others, g_world.loop, on_others, NULL), 0);
        ck_assert_int_eq(line_server_new(&g_server, g_world.loop, NULL, 0, &ops, NULL), 0);
        return world_listen(&g_world, name, 0, line_server_accept, g_server);
}

static void finish(Listener *listener)
{
        listener_free(listener);
        line_server_free(g_server);
        loop_wake_free(g_others);
        world_close(&g_world);
}

START_TEST(many_lines_of_one_client_are_handled_some_at_a_time)
{
        Listener *listener = begin(NULL, false);

        world_spawn(&g_world, hasty_client, listener_address(listener), NULL);
        world_wait(&g_world);
        ck_assert_uint_eq(g_handled, N_LINES);
        ck_assert_uint_eq(g_numbers, (uint64_t)N_LINES * (N_LINES + 1) / 2);
        ck_assert_uint_gt(g_most_at_once, 1);
        ck_assert_uint_le(g_most_at_once, 2 * 64);
        ck_assert_int_eq(g_ended, 1);
        ck_assert_int_eq(g_closed, 1);
        finish(listener);
}
END_TEST

START_TEST(with_many_clients_each_has_fewer_lines_at_a_time)
{
        Listener *listener = begin("lines.sock", false);
        int others[40];

        for (size_t i = 0; i < CX_ARRAY_LEN(others); i++)
                others[i] = client_connect(listener_address(listener));
        world_spawn(&g_world, hasty_client, listener_address(listener), NULL);
        world_wait(&g_world);
        ck_assert_uint_eq(line_server_count(g_server), CX_ARRAY_LEN(others));
        ck_assert_uint_eq(g_handled, N_LINES);
        ck_assert_uint_gt(g_most_at_once, 1);
        ck_assert_uint_le(g_most_at_once, 2 * 16);
        for (size_t i = 0; i < CX_ARRAY_LEN(others); i++)
                close(others[i]);
        finish(listener);
}
END_TEST

/* What is read while nobody wants it, and what the kernel has room for on a socket like this. */
#define TAKEN_MAX (64 * 1024)
#define LINE_SIZE 200

/* Whether there is room for more within a moment. */
static bool is_taken(int fd)
{
        struct pollfd p = {.fd = fd, .events = POLLOUT};

        return poll(&p, 1, 200) == 1;
}

static int patient_client(const Address *a, const void *user CX_UNUSED)
{
        static char lines[LINE_SIZE * N_LINES];
        int fd = client_connect(a), small = 4096;
        size_t n = 0;

        memset(lines, 'x', sizeof(lines));
        for (size_t i = LINE_SIZE - 1; i < sizeof(lines); i += LINE_SIZE)
                lines[i] = '\n';
        need(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) == 0);
        while (n < sizeof(lines) && is_taken(fd)) {
                ssize_t k = send(fd, lines + n, sizeof(lines) - n < 1000 ? sizeof(lines) - n : 1000,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);

                need(k > 0 || errno == EAGAIN);
                n += k > 0 ? (size_t)k : 0;
        }
        need(n >= 16 * 1024 && n <= TAKEN_MAX);
        need(kill(getppid(), SIGUSR1) == 0);
        client_send(fd, lines + n, sizeof(lines) - n);
        shutdown(fd, SHUT_WR);
        need(client_sees_end(fd));
        return 0;
}

static void go_on(int number CX_UNUSED, void *user CX_UNUSED)
{
        line_resume(g_paused);
}

/* A thousand senders that wait would have a thousand times of it. */
START_TEST(little_is_read_from_who_is_paused)
{
        Listener *listener = begin("lines.sock", false);
        LoopSignal *ready;

        g_pauses = true;
        ck_assert_int_eq(loop_signal_new(&ready, g_world.loop, SIGUSR1, go_on, NULL), 0);
        world_spawn(&g_world, patient_client, listener_address(listener), NULL);
        world_wait(&g_world);
        ck_assert_uint_eq(g_handled, N_LINES);
        ck_assert_int_eq(g_ended, 1);
        g_pauses = false;
        loop_signal_free(ready);
        finish(listener);
}
END_TEST

static void reset_behind(size_t n)
{
        static char lines[32 * 1024];
        static const struct linger at_once = {.l_onoff = 1};
        Listener *listener = begin(NULL, true);
        int fd = client_connect(listener_address(listener));

        while (line_server_count(g_server) == 0)
                world_pass(&g_world, USEC_MSEC);
        for (size_t i = 0; i < n; i++)
                lines[i] = i % 2 && i + 1 < n ? '\n' : 'x';
        client_send(fd, lines, n);
        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
        close(fd);
        ck_assert_int_eq(loop_run(g_world.loop), 0);
        ck_assert_uint_le(g_handled, n / 2 - 1);
        ck_assert_int_eq(g_ended, 0);
        ck_assert_int_eq(g_reason, CONN_ERROR);
        ck_assert_int_eq(g_closed, 1);
        finish(listener);
}

/* Less than is read at once has come, exactly that, or more, and then the client has reset the connection. */
START_TEST(who_resets_has_not_ended_the_last_line)
{
        reset_behind(4);
        reset_behind(1000);
        reset_behind(4096);
        reset_behind(16 * 1024);
        reset_behind(32 * 1024);
}
END_TEST

/* The first answer finds nobody, when most of the lines still wait for their turn. */
START_TEST(who_leaves_without_an_answer_has_said_it_all_the_same)
{
        Listener *listener = begin("lines.sock", true);

        close(send_lines(listener_address(listener)));
        ck_assert_int_eq(loop_run(g_world.loop), 0);
        ck_assert_uint_eq(g_handled, N_LINES);
        ck_assert_uint_lt(g_most_at_once, N_LINES / 4);
        ck_assert_int_eq(g_closed, 1);
        finish(listener);
}
END_TEST

CHECK_MAIN("lines_turns", many_lines_of_one_client_are_handled_some_at_a_time,
           with_many_clients_each_has_fewer_lines_at_a_time, little_is_read_from_who_is_paused,
           who_resets_has_not_ended_the_last_line, who_leaves_without_an_answer_has_said_it_all_the_same)

/* SPDX-License-Identifier: Apache-2.0 */

/* How the last bytes of a connection leave: to who reads slowly, and to who does not read. */

#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/io/lines.h"
#include "tests/support/check_main.h"
#include "tests/support/io_world.h"
#include "tests/support/long_answer.h"

#define LINGER (300 * USEC_MSEC)
#define STALL  USEC_SEC

static World g_world;
static ConnReason g_reason;

static int on_open(LineSession *s CX_UNUSED, void *server_user CX_UNUSED, void **ret CX_UNUSED)
{
        return 0;
}

static void on_too_long(LineSession *s, uint64_t number CX_UNUSED, void *user CX_UNUSED)
{
        line_cut(s, CONN_CUT);
}

static void on_closed(LineSession *s CX_UNUSED, ConnReason reason, void *user CX_UNUSED)
{
        g_reason = reason;
}

static const LineOps ops = {
        .on_open = on_open, .on_line = long_answer, .on_too_long = on_too_long, .on_closed = on_closed};

/* Takes its time, which is several times that of the lingering, but always takes something. */
static int slow_client(const Address *a, const void *user CX_UNUSED)
{
        char *got = malloc(LONG_ANSWER_N);
        int fd = client_connect(a);
        size_t n_got = 0, n = 1;

        client_send(fd, "hello\n", 6);
        shutdown(fd, SHUT_WR);
        while (n > 0) {
                usleep(25 * 1000);
                n = client_read(fd, got, LONG_ANSWER_N / 32);
                n_got += n;
        }
        need(n_got == LONG_ANSWER_N);
        free(got);
        return 0;
}

static int deaf_client(const Address *a, const void *user CX_UNUSED)
{
        int fd = client_connect(a);

        client_send(fd, "hello\n", 6);
        shutdown(fd, SHUT_WR);
        usleep(2500 * 1000);
        return 0;
}

static void serve(int (*client)(const Address *a, const void *user))
{
        const ConnLimits limits = {.linger = LINGER, .stall = STALL, .out_max = 2 * LONG_ANSWER_N};
        LineServer *server;
        Listener *l;

        world_open(&g_world);
        ck_assert_int_eq(line_server_new(&server, g_world.loop, &limits, 0, &ops, NULL), 0);
        l = world_listen(&g_world, "s", 0, line_server_accept, server);
        world_spawn(&g_world, client, listener_address(l), NULL);
        world_wait(&g_world);
        world_pass(&g_world, 50 * USEC_MSEC);
        ck_assert_uint_eq(line_server_count(server), 0);
        listener_free(l);
        line_server_free(server);
        world_close(&g_world);
}

START_TEST(who_reads_slowly_gets_all)
{
        serve(slow_client);
        ck_assert_int_eq(g_reason, CONN_CLOSED);
}
END_TEST

START_TEST(who_does_not_read_is_not_waited_for)
{
        g_reason = CONN_CLOSED;
        serve(deaf_client);
        ck_assert_int_eq(g_reason, CONN_STALLED);
}
END_TEST

CHECK_MAIN("linger", who_reads_slowly_gets_all, who_does_not_read_is_not_waited_for)

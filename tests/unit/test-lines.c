/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lines, and below them connections and listeners, over real sockets.
 *
 * The server of these tests answers each line with "number:length" and the end with "end:count".
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "daemon/io/lines.h"
#include "daemon/io/log.h"
#include "tests/support/check_main.h"
#include "tests/support/io_world.h"

static World g_world;
static int g_opened, g_closed, g_ended, g_drained;
static ConnReason g_reason;
static Peer g_peer;
static char g_last[64];
static size_t g_padding; /* more bytes per answer */
static usec_t g_deadline;
static size_t g_most_unsent;
static bool g_refuse;

static int on_open(LineSession *s, void *server_user, void **ret)
{
        if (g_refuse)
                return -EPERM;
        g_opened++;
        g_peer = *line_peer(s);
        if (g_deadline > 0)
                line_set_deadline(s, loop_monotonic(g_world.loop) + g_deadline);
        *ret = server_user;
        return 0;
}

static void answer(LineSession *s, const char *text)
{
        static char padded[100000];
        size_t n = strlen(text);

        memset(padded, '.', sizeof(padded));
        memcpy(padded, text, n);
        padded[n + g_padding] = '\n';
        (void)line_write(s, (Text){padded, n + g_padding + 1});
        if (line_unsent(s) > g_most_unsent)
                g_most_unsent = line_unsent(s);
}

static void on_line(LineSession *s, uint64_t number, Text line, void *user)
{
        char text[64];

        ck_assert_ptr_eq(user, &g_world);
        snprintf(g_last, sizeof(g_last), TEXT_FMT, line.n < 60 ? (int)line.n : 60, line.at);
        snprintf(text, sizeof(text), "%llu:%zu", (unsigned long long)number, line.n);
        answer(s, text);
}

static void on_too_long(LineSession *s, uint64_t number, void *user CX_UNUSED)
{
        char text[64];

        snprintf(text, sizeof(text), "%llu:too long", (unsigned long long)number);
        answer(s, text);
}

static void on_end(LineSession *s, uint64_t n_lines, void *user CX_UNUSED)
{
        char text[64];

        g_ended++;
        snprintf(text, sizeof(text), "end:%llu", (unsigned long long)n_lines);
        answer(s, text);
        line_close(s);
}

static void on_drained(LineSession *s CX_UNUSED, void *user CX_UNUSED)
{
        g_drained++;
}

static void on_closed(LineSession *s CX_UNUSED, ConnReason reason, void *user)
{
        ck_assert_ptr_eq(user, &g_world);
        g_closed++;
        g_reason = reason;
}

static const LineOps ops = {
        .on_open = on_open,
        .on_line = on_line,
        .on_too_long = on_too_long,
        .on_end = on_end,
        .on_drained = on_drained,
        .on_closed = on_closed,
};

static LineServer *g_server;
static Listener *g_listener;

static void begin(const char *name, unsigned max, const ConnLimits *limits, size_t line_max)
{
        g_opened = g_closed = g_ended = g_drained = 0;
        world_open(&g_world);
        ck_assert_int_eq(line_server_new(&g_server, g_world.loop, limits, line_max, &ops, &g_world), 0);
        g_listener = world_listen(&g_world, name, max, line_server_accept, g_server);
}

static void finish(void)
{
        listener_free(g_listener);
        line_server_free(g_server);
        ck_assert_int_eq(g_opened, g_closed);
        g_padding = g_most_unsent = 0;
        g_deadline = 0;
        g_refuse = false;
        world_close(&g_world);
}

static const char *const sent = "one\r\n\nthree\n123456789012345678901234567890\nlast";
static const char *const answered = "1:3\n3:5\n4:too long\n5:4\nend:5\n";

/* Connects once per place at which the text can be cut in two. */
static int cutting_client(const Address *a, const void *user CX_UNUSED)
{
        char got[200];

        for (size_t cut = 0; cut <= strlen(sent); cut++) {
                int fd = client_connect(a);
                size_t n;

                client_send(fd, sent, cut);
                if (cut % 8 == 3)
                        usleep(1000);
                client_send(fd, sent + cut, strlen(sent) - cut);
                shutdown(fd, SHUT_WR);
                n = client_read(fd, got, sizeof(got));
                need(n == strlen(answered) && memcmp(got, answered, n) == 0);
                close(fd);
        }
        return 0;
}

START_TEST(lines_are_answered_wherever_they_are_cut_on_tcp_and_unix)
{
        Listener *tcp;

        begin("lines.sock", 0, NULL, 20);
        tcp = world_listen(&g_world, NULL, 0, line_server_accept, g_server);
        world_spawn(&g_world, cutting_client, listener_address(g_listener), NULL);
        world_wait(&g_world);
        ck_assert(g_peer.is_unix && g_peer.loopback);
        ck_assert_uint_eq(g_peer.uid, getuid());
        ck_assert_uint_eq(g_peer.gid, getgid());
        ck_assert_int_gt(g_peer.pid, 0);
        ck_assert_uint_gt(address_port(listener_address(tcp)), 0);
        world_spawn(&g_world, cutting_client, listener_address(tcp), NULL);
        world_wait(&g_world);
        ck_assert(!g_peer.is_unix && g_peer.loopback);
        ck_assert_int_eq(strncmp(g_peer.text, "tcp://127.0.0.1:", 16), 0);
        ck_assert_int_eq(g_ended, 2 * ((int)strlen(sent) + 1));
        ck_assert_int_eq(g_closed, g_ended);
        ck_assert_int_eq(g_reason, CONN_CLOSED);
        listener_free(tcp);
        finish();
}
END_TEST

/* Sends for ever, reads nothing, until the server's side is full; then reads everything. */
static int greedy_client(const Address *a, const void *user CX_UNUSED)
{
        int fd = client_connect(a);
        static char got[1 << 20];
        size_t n_sent = 0, n_read = 0, n;
        char line[1000];
        ssize_t k;

        memset(line, 'x', sizeof(line));
        line[sizeof(line) - 1] = '\n';

        for (int idle = 0; idle < 20;) {
                k = send(fd, line + n_sent % sizeof(line), sizeof(line) - n_sent % sizeof(line),
                         MSG_DONTWAIT | MSG_NOSIGNAL);
                if (k > 0) {
                        n_sent += (size_t)k;
                        idle = 0;
                } else {
                        usleep(10000);
                        idle++;
                }
                need(n_sent < 100000000);
        }
        shutdown(fd, SHUT_WR);
        while ((n = client_read(fd, got, sizeof(got))) > 0)
                for (size_t i = 0; i < n; i++)
                        n_read += got[i] == '\n';
        need(n_read == (n_sent + sizeof(line) - 1) / sizeof(line) + 1);
        return 0;
}

START_TEST(a_client_that_does_not_read_is_not_read_from)
{
        begin(NULL, 0, NULL, 0);
        g_padding = 4000;
        world_spawn(&g_world, greedy_client, listener_address(g_listener), NULL);
        world_wait(&g_world);
        ck_assert_int_eq(g_ended, 1);
        ck_assert_uint_gt(g_most_unsent, 1024 * 1024);
        ck_assert_uint_lt(g_most_unsent, 1024 * 1024 + 10000);
        ck_assert_int_gt(g_drained, 0);
        finish();
}
END_TEST

static int silent_client(const Address *a, const void *user CX_UNUSED)
{
        int fd = client_connect(a);

        need(client_sees_end(fd));
        return 0;
}

static int trickling_client(const Address *a, const void *user CX_UNUSED)
{
        int fd = client_connect(a);

        for (int i = 0; i < 100; i++) {
                if (send(fd, "x", 1, MSG_NOSIGNAL) < 0)
                        return 0;
                usleep(20000);
        }
        return 1;
}

START_TEST(a_deadline_holds_for_who_trickles)
{
        g_deadline = 200 * USEC_MSEC;
        begin(NULL, 0, NULL, 0);
        world_spawn(&g_world, trickling_client, listener_address(g_listener), NULL);
        world_spawn(&g_world, silent_client, listener_address(g_listener), NULL);
        world_wait(&g_world);
        ck_assert_int_eq(g_closed, 2);
        ck_assert_int_eq(g_reason, CONN_DEADLINE);
        finish();
}
END_TEST

START_TEST(an_idle_client_is_cut)
{
        ConnLimits limits = {.idle = 100 * USEC_MSEC};

        begin(NULL, 0, &limits, 0);
        world_spawn(&g_world, silent_client, listener_address(g_listener), NULL);
        world_wait(&g_world);
        ck_assert_int_eq(g_reason, CONN_IDLE);
        finish();
}
END_TEST

/* Sends one line and never reads; ends when it is cut. */
static int stalling_client(const Address *a, const void *user CX_UNUSED)
{
        int fd = client_connect(a), size = 4096;

        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
        for (int i = 0; i < 200; i++, usleep(20000))
                if (send(fd, "x\n", 2, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
                        return 0;
        return 1;
}

START_TEST(a_client_that_takes_nothing_is_cut_if_asked_for)
{
        ConnLimits limits = {.stall = 200 * USEC_MSEC};

        begin("lines.sock", 0, &limits, 0);
        g_padding = 90000;
        world_spawn(&g_world, stalling_client, listener_address(g_listener), NULL);
        world_wait(&g_world);
        ck_assert_int_eq(g_reason, CONN_STALLED);
        finish();
}
END_TEST

/* Sends far more than is read from it, and takes nothing until it is cut. */
static int flooding_client(const Address *a, const void *user CX_UNUSED)
{
        static char lines[1 << 20];
        int fd = client_connect(a);

        memset(lines, 'x', sizeof(lines));
        for (size_t i = 99; i < sizeof(lines); i += 100)
                lines[i] = '\n';
        while (send(fd, lines, sizeof(lines), MSG_NOSIGNAL) > 0)
                continue;
        close(fd);
        return 0;
}

START_TEST(who_waits_with_full_input_costs_nothing)
{
        ConnLimits limits = {.stall = USEC_SEC};
        usec_t before;

        begin("lines.sock", 0, &limits, 0);
        g_padding = 90000;
        before = world_cpu_time();
        world_spawn(&g_world, flooding_client, listener_address(g_listener), NULL);
        world_wait(&g_world);
        ck_assert_int_eq(g_reason, CONN_STALLED);
        ck_assert_int_lt(world_cpu_time() - before, 500 * USEC_MSEC);
        finish();
}
END_TEST

static int refused_client(const Address *a, const void *user)
{
        int first = client_connect(a), second = client_connect(a), third;
        char got[8];

        client_send(first, "a\n", 2);
        client_send(second, "a\n", 2);
        need(client_read(first, got, 4) == 4 && client_read(second, got, 4) == 4);
        third = client_connect(a);
        need(client_sees_end(third));
        close(first);
        (void)user;
        for (int i = 0; i < 100; i++) {
                third = client_connect(a);
                if (send(third, "a\n", 2, MSG_NOSIGNAL) == 2 && client_read(third, got, 4) == 4)
                        return 0;
                close(third);
                usleep(10000);
        }
        return 1;
}

START_TEST(one_too_many_is_closed_at_once)
{
        ListenerStats stats;

        begin(NULL, 2, NULL, 0);
        world_spawn(&g_world, refused_client, listener_address(g_listener), NULL);
        world_wait(&g_world);
        listener_stats(g_listener, &stats);
        ck_assert_uint_ge(stats.refused, 1);
        ck_assert_uint_eq(stats.accepted, 3);
        finish();
}
END_TEST

START_TEST(a_session_that_is_not_wanted_ends)
{
        begin(NULL, 0, NULL, 0);
        g_refuse = true;
        world_spawn(&g_world, silent_client, listener_address(g_listener), NULL);
        world_wait(&g_world);
        ck_assert_int_eq(g_closed, 0);
        ck_assert_uint_eq(line_server_count(g_server), 0);
        finish();
}
END_TEST

static int crowd_client(const Address *a, const void *user CX_UNUSED)
{
        int fds[30];
        char got[8];

        for (size_t i = 0; i < CX_ARRAY_LEN(fds); i++)
                fds[i] = client_connect(a);
        usleep(700000);
        for (size_t i = 1; i < CX_ARRAY_LEN(fds); i++)
                close(fds[i]);
        usleep(300000);
        fds[1] = client_connect(a);
        client_send(fds[1], "a\n", 2);
        need(client_read(fds[1], got, 4) == 4);
        return 0;
}

START_TEST(without_descriptors_it_rests_and_recovers)
{
        struct rlimit saved, few;
        ListenerStats stats;
        usec_t cpu;
        int top;

        log_init("test", open("/dev/null", O_WRONLY));
        begin(NULL, 0, NULL, 0);
        world_spawn(&g_world, crowd_client, listener_address(g_listener), NULL);
        top = dup(0);
        close(top);
        getrlimit(RLIMIT_NOFILE, &saved);
        few = saved;
        few.rlim_cur = (rlim_t)top + 10;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        cpu = world_cpu_time();
        world_wait(&g_world);
        cpu = world_cpu_time() - cpu;
        setrlimit(RLIMIT_NOFILE, &saved);
        listener_stats(g_listener, &stats);
        ck_assert_msg(stats.errors >= 2 && stats.errors <= 15, "%llu errors",
                      (unsigned long long)stats.errors);
        ck_assert_msg(cpu < 300 * USEC_MSEC, "%lld us of processor time", (long long)cpu);
        ck_assert_uint_ge(stats.accepted, 11);
        finish();
}
END_TEST

START_TEST(a_unix_socket_gets_its_mode_and_only_a_dead_one_is_replaced)
{
        ListenerConfig config = LISTENER_CONFIG_NULL;
        char text[128], reason[ADDRESS_REASON_MAX];
        Listener *second;
        struct stat st;
        const char *path;
        mode_t mask;
        int fd;

        begin("lines.sock", 0, NULL, 0);
        path = address_path(listener_address(g_listener));
        ck_assert_int_eq(lstat(path, &st), 0);
        ck_assert_int_eq(st.st_mode & 07777, 0600);

        /* Somebody answers there. */
        config.address = *listener_address(g_listener);
        ck_assert_int_eq(listener_new(&second, g_world.loop, &config, line_server_accept, g_server),
                         -EADDRINUSE);
        ck_assert_int_eq(lstat(path, &st), 0);

        /* Left over from a process that died: a socket bound and closed. */
        snprintf(text, sizeof(text), "unix://%s/stale.sock", g_world.folder);
        ck_assert_int_eq(address_parse(&config.address, text_of(text), reason), 0);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&config.address.sockaddr, config.address.n), 0);
        close(fd);
        mask = umask(0777);
        config.mode = 0666;
        ck_assert_int_eq(listener_new(&second, g_world.loop, &config, line_server_accept, g_server), 0);
        umask(mask);
        ck_assert_int_eq(lstat(text + 7, &st), 0);
        ck_assert_int_eq(st.st_mode & 07777, 0666);
        listener_free(second);
        ck_assert_int_lt(lstat(text + 7, &st), 0);

        /* A file that is no socket is nobody's to delete. */
        fd = open(text + 7, O_CREAT | O_WRONLY, 0600);
        close(fd);
        ck_assert_int_eq(listener_new(&second, g_world.loop, &config, line_server_accept, g_server),
                         -EADDRINUSE);
        ck_assert_int_eq(lstat(text + 7, &st), 0);
        finish();
}
END_TEST

START_TEST(an_inherited_socket_serves_and_its_file_stays)
{
        ListenerConfig config = LISTENER_CONFIG_NULL;
        Listener *none = NULL;
        struct stat st;
        int pair[2];
        Address a;

        begin("x.sock", 0, NULL, 20);
        a = *listener_address(g_listener);
        listener_free(g_listener);
        config.fd = socket(AF_UNIX, SOCK_STREAM, 0);
        ck_assert_int_eq(bind(config.fd, (struct sockaddr *)&a.sockaddr, a.n), 0);
        ck_assert_int_eq(listen(config.fd, 10), 0);
        ck_assert_int_eq(listener_new(&g_listener, g_world.loop, &config, line_server_accept, g_server), 0);
        ck_assert_str_eq(address_path(listener_address(g_listener)), address_path(&a));
        world_spawn(&g_world, cutting_client, &a, NULL);
        world_wait(&g_world);

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        config.fd = pair[0];
        ck_assert_int_eq(listener_new(&none, g_world.loop, &config, line_server_accept, g_server), -EINVAL);
        ck_assert_int_ge(fcntl(pair[0], F_GETFD), 0); /* still the caller's */
        close(pair[0]);
        close(pair[1]);

        listener_stop(g_listener);
        ck_assert_int_eq(lstat(address_path(&a), &st), 0);
        finish();
}
END_TEST

CHECK_MAIN("lines", lines_are_answered_wherever_they_are_cut_on_tcp_and_unix,
           a_client_that_does_not_read_is_not_read_from, a_deadline_holds_for_who_trickles,
           an_idle_client_is_cut, a_client_that_takes_nothing_is_cut_if_asked_for,
           who_waits_with_full_input_costs_nothing, one_too_many_is_closed_at_once,
           a_session_that_is_not_wanted_ends, without_descriptors_it_rests_and_recovers,
           a_unix_socket_gets_its_mode_and_only_a_dead_one_is_replaced,
           an_inherited_socket_serves_and_its_file_stays)

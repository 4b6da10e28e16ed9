/* SPDX-License-Identifier: Apache-2.0 */

/*
 * SP sockets against the peers of the real world (nanocat of nanomsg, nngcat of nng) and against hostile
 * ones.
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>

#include "daemon/io/log.h"
#include "daemon/io/sp.h"
#include "tests/support/check_main.h"
#include "tests/support/io_world.h"

static World g_world;
static SpSocket *g_socket;
static Listener *g_ipc, *g_tcp;
static int g_peers, g_gone, g_messages, g_too_long;
static char g_last[256], g_reason[128];
static SpRequest *g_kept;
static bool g_keep;
static LoopTimer *g_publish;

static int on_peer(SpPeer *p, void *user, void **ret)
{
        g_peers++;
        *ret = user;
        if (sp_peer_peer(p)->is_unix)
                ck_assert_uint_eq(sp_peer_peer(p)->uid, getuid());
        return 0;
}

static void note(Text message)
{
        g_messages++;
        snprintf(g_last, sizeof(g_last), TEXT_FMT, message.n < 200 ? (int)message.n : 200, message.at);
}

static void on_message(SpPeer *p CX_UNUSED, Text message, void *user CX_UNUSED)
{
        if (message.at)
                note(message);
        else
                g_too_long++;
}

static void on_request(SpRequest *r, SpPeer *p, Text message, void *user CX_UNUSED)
{
        char reply[300];

        ck_assert_ptr_eq(sp_request_peer(r), p);
        note(message);
        if (g_keep) {
                ck_assert_ptr_null(g_kept);
                g_kept = r;
                return;
        }
        snprintf(reply, sizeof(reply), "re:%s", g_last);
        sp_reply(r, text_of(reply));
}

static void on_gone(SpPeer *p CX_UNUSED, const char *reason, void *user)
{
        ck_assert_ptr_eq(user, &g_world);
        g_gone++;
        snprintf(g_reason, sizeof(g_reason), "%s", reason);
}

static const SpOps ops = {
        .on_peer = on_peer, .on_message = on_message, .on_request = on_request, .on_gone = on_gone};

static void begin(SpKind kind)
{
        SpLimits limits = {.handshake = 200 * USEC_MSEC, .message = 200 * USEC_MSEC};

        g_peers = g_gone = g_messages = 0;
        g_keep = false;
        g_kept = NULL;
        log_init("test", open("/dev/null", O_WRONLY | O_CLOEXEC));
        world_open(&g_world);
        ck_assert_int_eq(sp_socket_new(&g_socket, g_world.loop, kind, &limits, &ops, &g_world), 0);
        g_ipc = world_listen(&g_world, "sp.ipc", 0, sp_socket_accept, g_socket);
        g_tcp = world_listen(&g_world, NULL, 0, sp_socket_accept, g_socket);
}

static void finish(void)
{
        listener_free(g_ipc);
        listener_free(g_tcp);
        sp_socket_free(g_socket);
        ck_assert_int_eq(g_peers, g_gone);
        world_close(&g_world);
}

/* The address as nanocat and nngcat write it. */
static const char *name_of(const Listener *l)
{
        static char text[ADDRESS_TEXT_MAX + 8];
        char plain[ADDRESS_TEXT_MAX];

        address_format(listener_address(l), plain);
        if (address_is_unix(listener_address(l)))
                snprintf(text, sizeof(text), "ipc%s", plain + 4);
        else
                snprintf(text, sizeof(text), "%s", plain);
        return text;
}

#define EXEC(_output, ...) world_exec(&g_world, _output, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(what_nanomsg_and_nng_push_arrives)
{
        begin(SP_PULL);
        for (int tcp = 0; tcp < 2; tcp++) {
                const char *name = name_of(tcp ? g_tcp : g_ipc);

                g_messages = 0;
                EXEC("a", "nanocat", "--push", "--connect", name, "--data", "from nanomsg");
                world_wait(&g_world);
                world_pass(&g_world, 50 * USEC_MSEC);
                ck_assert_int_eq(g_messages, 1);
                ck_assert_str_eq(g_last, "from nanomsg");
                EXEC("b", "nngcat", "--push", "--dial", name, "--data", "from nng");
                world_wait(&g_world);
                world_pass(&g_world, 50 * USEC_MSEC);
                ck_assert_int_eq(g_messages, 2);
                ck_assert_str_eq(g_last, "from nng");
        }
        ck_assert_int_eq(g_peers, 4);
        finish();
}
END_TEST

START_TEST(what_nanomsg_and_nng_request_is_answered)
{
        begin(SP_REP);
        for (int tcp = 0; tcp < 2; tcp++) {
                const char *name = name_of(tcp ? g_tcp : g_ipc);

                EXEC("a", "nanocat", "--req", "--connect", name, "--data", "one", "--ascii", "--recv-timeout",
                     "5");
                EXEC("b", "nngcat", "--req", "--dial", name, "--data", "two", "--raw", "--recv-timeout", "5");
                world_wait(&g_world);
                ck_assert_str_eq(world_file(&g_world, "a"), "re:one\n");
                ck_assert_int_eq(strncmp(world_file(&g_world, "b"), "re:two", 6), 0);
        }
        finish();
}
END_TEST

static int g_published;

static void publish(void *user CX_UNUSED)
{
        char text[64];

        g_published++;
        for (SpPeer *p = sp_socket_first(g_socket); p; p = sp_peer_next(p)) {
                snprintf(text, sizeof(text), "alert/a %d", g_published);
                ck_assert_int_eq(sp_send(p, text_of(text)), 0);
                snprintf(text, sizeof(text), "tick %d", g_published);
                ck_assert_int_eq(sp_send(p, text_of(text)), 0);
        }
        ck_assert_int_eq(loop_timer_after(g_publish, 50 * USEC_MSEC), 0);
}

START_TEST(nanomsg_and_nng_subscribe)
{
        static const char *const files[] = {"a", "b", "c", "d"};

        begin(SP_PUB);
        ck_assert_int_eq(loop_timer_new(&g_publish, g_world.loop, publish, NULL), 0);
        ck_assert_int_eq(loop_timer_after(g_publish, 0), 0);
        EXEC("a", "nngcat", "--sub", "--dial", name_of(g_ipc), "--subscribe", "alert/", "--ascii", "--count",
             "3");
        EXEC("b", "nngcat", "--sub", "--dial", name_of(g_tcp), "--subscribe", "alert/", "--ascii", "--count",
             "3");
        EXEC("c", "sh", "-c", "timeout 1 nanocat --sub --connect $0 --subscribe alert/ --ascii; exit 0",
             name_of(g_ipc));
        EXEC("d", "sh", "-c", "timeout 1 nanocat --sub --connect $0 --subscribe alert/ --ascii; exit 0",
             name_of(g_tcp));
        world_wait(&g_world);
        for (size_t i = 0; i < CX_ARRAY_LEN(files); i++) {
                const char *got = world_file(&g_world, files[i]);

                ck_assert_msg(strncmp(got, "alert/a ", 8) == 0, "%s: %s", files[i], got);
                ck_assert_msg(!strstr(got, "tick"), "%s: %s", files[i], got);
        }
        ck_assert_int_eq(g_peers, 4);
        loop_timer_free(g_publish);
        finish();
}
END_TEST

static const char hello_of[][8] = {
        [SP_PULL] = {0, 'S', 'P', 0, 0, 80, 0, 0},
        [SP_REP] = {0, 'S', 'P', 0, 0, 48, 0, 0},
        [SP_PUB] = {0, 'S', 'P', 0, 0, 33, 0, 0},
};
static SpKind g_kind;

static int hello(const Address *a, SpKind kind)
{
        int fd = client_connect(a);
        char theirs[8];

        client_send(fd, hello_of[kind], 8);
        need(client_read(fd, theirs, 8) == 8);
        need(memcmp(theirs, "\0SP\0\0", 5) == 0 && theirs[6] == 0 && theirs[7] == 0);
        return fd;
}

/* Its head in one piece with the beginning of what follows: who refuses the one may be gone before the other comes. */
static void frame(int fd, const Address *a, uint64_t announced, const void *data, size_t n)
{
        size_t ipc = address_is_unix(a), n_first = n < 256 ? n : 256;
        uint64_t length = htobe64(announced);
        char first[1 + sizeof(length) + 256] = {1};

        memcpy(first + ipc, &length, sizeof(length));
        memcpy(first + ipc + sizeof(length), data, n_first);
        client_send(fd, first, ipc + sizeof(length) + n_first);
        if (n > n_first)
                client_send(fd, (const char *)data + n_first, n - n_first);
}

/* The end, with or without the header that came before: a reset takes what was not read yet. */
static bool is_turned_away(int fd)
{
        char theirs[8];

        (void)client_read(fd, theirs, sizeof(theirs));
        return client_sees_end(fd);
}

static int hostile_client(const Address *a, const void *user CX_UNUSED)
{
        struct linger reset = {.l_onoff = 1};
        int fd;

        /* Not SP at all; another protocol; silence. */
        fd = client_connect(a);
        client_send(fd, "GET / HTTP/1.1\r\n\r\n", 18);
        need(is_turned_away(fd));
        fd = client_connect(a);
        client_send(fd, "\0SP\0\0\x20\0\0", 8);
        need(is_turned_away(fd));
        fd = client_connect(a);
        client_send(fd, "\0SP", 3);
        need(is_turned_away(fd));
        /* Lengths that nobody can mean. */
        fd = hello(a, g_kind);
        frame(fd, a, INT64_MAX, "xxxxxxxxxx", 10);
        need(client_sees_end(fd));
        fd = hello(a, g_kind);
        frame(fd, a, UINT64_MAX - 15, "xxxxxxxxxx", 10);
        need(client_sees_end(fd));
        fd = hello(a, g_kind);
        frame(fd, a, 16 * 1024 * 1024 + 1, "x", 1);
        need(client_sees_end(fd));
        if (address_is_unix(a)) {
                fd = hello(a, g_kind);
                client_send(fd, "\7\0\0\0\0\0\0\0\3abc", 12);
                need(client_sees_end(fd));
        }
        /* A message that never ends, from one who stays and from one who leaves. */
        fd = hello(a, g_kind);
        frame(fd, a, 100, "xxxxxxxxxx", 10);
        need(client_sees_end(fd));
        fd = hello(a, g_kind);
        frame(fd, a, 100, "xxxxxxxxxx", 10);
        shutdown(fd, SHUT_WR);
        need(client_sees_end(fd));
        /* Resets at every stage. */
        for (int i = 0; i < 100; i++) {
                fd = client_connect(a);
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
                if (i % 3 > 0)
                        client_send(fd, hello_of[g_kind], i % 3 == 1 ? 8 : 2);
                close(fd);
        }
        return 0;
}

static int hostile_to_pub(const Address *a, const void *user CX_UNUSED)
{
        int fd = hello(a, SP_PUB);

        frame(fd, a, 5, "hello", 5);
        need(client_sees_end(fd));
        fd = hello(a, SP_PUB);
        frame(fd, a, 0, "", 0);
        need(client_sees_end(fd));
        return 0;
}

static int hostile_to_rep(const Address *a, const void *user CX_UNUSED)
{
        static const char *const bad[] = {"", "\0\0", "\0\0\0\1\0\0\0\2"};
        static const size_t bad_n[] = {0, 3, 8};
        char many[160] = {0};
        int fd;

        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++) {
                fd = hello(a, SP_REP);
                frame(fd, a, bad_n[i], bad[i], bad_n[i]);
                need(client_sees_end(fd));
        }
        many[156] = (char)0x80;
        fd = hello(a, SP_REP);
        frame(fd, a, sizeof(many), many, sizeof(many));
        need(client_sees_end(fd));
        return 0;
}

static int honest_pusher(const Address *a, const void *user CX_UNUSED)
{
        static char large[1024 * 1024];
        int fd = hello(a, SP_PULL);
        char three[64];
        size_t n = 0;

        /* Byte by byte, and then the largest one that is allowed. */
        if (address_is_unix(a))
                three[n++] = 1;
        memcpy(three + n, "\0\0\0\0\0\0\0\5hello", 13);
        n += 13;
        for (size_t i = 0; i < n; i++) {
                client_send(fd, three + i, 1);
                usleep(300);
        }
        memset(large, 'L', sizeof(large));
        frame(fd, a, sizeof(large), large, sizeof(large));
        /* One that is not is passed over, and those behind it arrive. */
        frame(fd, a, sizeof(large) + 1, large, sizeof(large));
        client_send(fd, "L", 1);
        frame(fd, a, 0, "", 0);
        shutdown(fd, SHUT_WR);
        need(client_sees_end(fd));
        return 0;
}

START_TEST(a_hostile_peer_ends_and_nobody_else)
{
        SpStats stats;

        for (SpKind kind = SP_PULL; kind <= SP_PUB; kind++) {
                begin(kind);
                g_kind = kind;
                for (int tcp = 0; tcp < 2; tcp++) {
                        const Address *a = listener_address(tcp ? g_tcp : g_ipc);

                        world_spawn(&g_world, hostile_client, a, NULL);
                        if (kind == SP_PUB)
                                world_spawn(&g_world, hostile_to_pub, a, NULL);
                        if (kind == SP_REP)
                                world_spawn(&g_world, hostile_to_rep, a, NULL);
                        world_wait(&g_world);
                        if (kind == SP_PULL) {
                                g_messages = g_too_long = 0;
                                world_spawn(&g_world, honest_pusher, a, NULL);
                                world_wait(&g_world);
                                ck_assert_int_eq(g_messages, 3);
                                ck_assert_int_eq(g_too_long, 1);
                        }
                }
                world_pass(&g_world, 50 * USEC_MSEC);
                sp_socket_stats(g_socket, &stats);
                ck_assert_uint_eq(stats.peers, 0);
                ck_assert_uint_ge(stats.refused, 8);
                if (kind == SP_REP)
                        ck_assert_int_eq(g_messages, 0);
                finish();
        }
}
END_TEST

static int patient_requester(const Address *a, const void *user CX_UNUSED)
{
        int fd = hello(a, SP_REP);
        char got[64];
        size_t n = 9 + 8 + 5;

        /* Through one device: its word, then the id. */
        frame(fd, a, 11, "\0\0\0\7\x80\0\0\x2aone", 11);
        need(client_read(fd, got, n) == n);
        need(memcmp(got, "\1\0\0\0\0\0\0\0\xd\0\0\0\7\x80\0\0\x2alater", n) == 0);
        return 0;
}

static int impatient_requester(const Address *a, const void *user CX_UNUSED)
{
        int fd = hello(a, SP_REP);

        frame(fd, a, 7,
              "\x80\0\0\1"
              "two",
              7);
        usleep(20000);
        return 0;
}

static void answer_later(void *user CX_UNUSED)
{
        if (g_kept)
                sp_reply(g_kept, TEXT("later"));
        g_kept = NULL;
}

START_TEST(a_reply_may_come_later_or_too_late)
{
        begin(SP_REP);
        g_keep = true;
        ck_assert_int_eq(loop_timer_new(&g_publish, g_world.loop, answer_later, NULL), 0);
        ck_assert_int_eq(loop_timer_after(g_publish, 100 * USEC_MSEC), 0);
        world_spawn(&g_world, patient_requester, listener_address(g_ipc), NULL);
        world_wait(&g_world);
        ck_assert_ptr_null(g_kept);
        world_spawn(&g_world, impatient_requester, listener_address(g_ipc), NULL);
        world_wait(&g_world);
        world_pass(&g_world, 50 * USEC_MSEC);
        ck_assert_ptr_nonnull(g_kept);
        ck_assert_ptr_null(sp_request_peer(g_kept));
        answer_later(NULL);
        world_spawn(&g_world, impatient_requester, listener_address(g_tcp), NULL);
        world_wait(&g_world);
        loop_timer_free(g_publish);
        finish();
        /* The socket has gone too. */
        ck_assert_ptr_nonnull(g_kept);
        answer_later(NULL);
}
END_TEST

static int deaf_subscriber(const Address *a, const void *user CX_UNUSED)
{
        int fd = hello(a, SP_PUB);

        usleep(700000);
        close(fd);
        return 0;
}

static uint64_t g_full;

static void flood(void *user CX_UNUSED)
{
        static char message[1000];

        memset(message, 'm', sizeof(message));
        for (SpPeer *p = sp_socket_first(g_socket); p; p = sp_peer_next(p))
                for (int i = 0; i < 1000; i++) {
                        int r = sp_send(p, (Text){message, sizeof(message)});

                        ck_assert(r == 0 || r == SP_E_FULL);
                        g_full += r == SP_E_FULL;
                        ck_assert_uint_eq(sp_peer_dropped(p), g_full);
                }
        ck_assert_int_eq(loop_timer_after(g_publish, 10 * USEC_MSEC), 0);
}

START_TEST(what_a_deaf_subscriber_misses_is_counted)
{
        SpStats stats;

        begin(SP_PUB);
        g_full = 0;
        ck_assert_int_eq(loop_timer_new(&g_publish, g_world.loop, flood, NULL), 0);
        ck_assert_int_eq(loop_timer_after(g_publish, 0), 0);
        world_spawn(&g_world, deaf_subscriber, listener_address(g_ipc), NULL);
        world_wait(&g_world);
        loop_timer_free(g_publish);
        sp_socket_stats(g_socket, &stats);
        ck_assert_uint_gt(g_full, 1000);
        ck_assert_uint_eq(stats.dropped, g_full);
        /* One queue and what the kernel holds. */
        ck_assert_uint_lt(stats.sent, 3000);
        finish();
}
END_TEST

CHECK_MAIN("sp", what_nanomsg_and_nng_push_arrives, what_nanomsg_and_nng_request_is_answered,
           nanomsg_and_nng_subscribe, a_hostile_peer_ends_and_nobody_else, a_reply_may_come_later_or_too_late,
           what_a_deaf_subscriber_misses_is_counted)

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>

#include "tests/support/check_main.h"
#include "tests/support/http_world.h"

HttpWorld g_http;

static void on_ready(HttpStream *s, void *user)
{
        static char event[1000];

        ck_assert_ptr_eq(user, &g_http.world);
        g_http.ready++;
        memset(event, 'e', sizeof(event));
        for (size_t i = 0; i < g_http.feed; i++)
                (void)http_stream_write(s, (Text){event, sizeof(event)});
        if (http_stream_unsent(s) > g_http.most_unsent)
                g_http.most_unsent = http_stream_unsent(s);
}

static void on_stream_closed(HttpStream *s, ConnReason reason, void *user)
{
        ck_assert_ptr_eq(user, &g_http.world);
        ck_assert_ptr_eq(s, g_http.stream);
        g_http.stream = NULL;
        g_http.stream_closed++;
        g_http.reason = reason;
}

static const HttpStreamOps stream_ops = {.on_ready = on_ready, .on_closed = on_stream_closed};

static void on_gone(void *user)
{
        ck_assert_ptr_eq(user, &g_http.world);
        g_http.gone++;
}

void http_world_answer(void *user CX_UNUSED)
{
        if (g_http.later)
                http_reply(g_http.later, 200, "text/plain", TEXT("later\n"), NULL, 0);
        g_http.later = NULL;
}

static void handler(HttpRequest *r, void *user)
{
        static const HttpHeader headers[] = {{"X-Good", "1"}, {"X-Bad", "a\r\nInjected: 1"}};
        Text path = http_path(r), q = http_param(r, "q");
        char text[256];

        ck_assert_ptr_eq(user, &g_http.world);
        g_http.requests++;
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
                http_request_free(g_http.later);
                g_http.later = r;
                http_on_gone(r, on_gone, &g_http.world);
                if (text_is(path, "/later"))
                        ck_assert_int_eq(loop_timer_after(g_http.timer, g_http.delay), 0);
        } else if (text_is(path, "/stream")) {
                int k = http_stream_start(&g_http.stream, r, "text/event-stream", NULL, 0, &stream_ops,
                                          &g_http.world);

                ck_assert(k == 0 || k == HTTP_E_NO_STREAM);
        } else if (text_is(path, "/drop")) {
                http_request_free(r);
        } else {
                Fault f;

                fault_set(&f, FAULT_NOT_FOUND, "path", NULL);
                http_reply_fault(r, &f, NULL, 0);
        }
}

void http_world_begin(const HttpConfig *config)
{
        g_http.requests = g_http.gone = g_http.ready = g_http.stream_closed = 0;
        g_http.most_unsent = g_http.feed = 0;
        g_http.delay = 50 * USEC_MSEC;
        log_init("test", open("/dev/null", O_WRONLY | O_CLOEXEC));
        world_open(&g_http.world);
        ck_assert_int_eq(loop_timer_new(&g_http.timer, g_http.world.loop, http_world_answer, NULL), 0);
        ck_assert_int_eq(http_server_new(&g_http.server, g_http.world.loop, config, handler, &g_http.world),
                         0);
        g_http.tcp = world_listen(&g_http.world, NULL, 0, http_server_accept, g_http.server);
        g_http.unix_socket = world_listen(&g_http.world, "http.sock", 0, http_server_accept, g_http.server);
}

void http_world_finish(void)
{
        listener_free(g_http.tcp);
        listener_free(g_http.unix_socket);
        g_http.server = http_server_free(g_http.server);
        http_world_answer(NULL);
        loop_timer_free(g_http.timer);
        world_close(&g_http.world);
}

/* Sends, reads to the end; the answer as a string in static storage. */
const char *http_world_exchange(const Address *a, const char *request, size_t n)
{
        static char got[4096];
        int fd = client_connect(a);

        client_send(fd, request, n);
        n = client_read(fd, got, sizeof(got) - 1);
        got[n] = 0;
        close(fd);
        return got;
}

int http_world_status(const char *answer)
{
        return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

int http_world_count(const char *text, const char *what)
{
        int n = 0;

        for (const char *at = text; (at = strstr(at, what)); at++)
                n++;
        return n;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The connections of the HTTP server.
 *
 * The happy path is: HEAD until the empty line, checked as a whole before anything believes it; BODY, by
 * length or by chunks; REPLY while the handler has the request and input rests; HEAD again, or STREAM, or the
 * end. Possible failure modes are: the head is not strictly HTTP, or too long; the host is foreign; the body
 * is too large or there are too many (each: an answer in JSON, then the connection closes, because what
 * follows cannot be trusted to be a request); a phase takes too long (cut); the client leaves (a request that
 * the handler holds is told so and stays).
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "daemon/io/http_private.h"
#include "daemon/io/log.h"

/* A client that has all of its answers, and asks for nothing more, has so long to end its side when the server stops. */
#define DRAIN_LINGER (100 * USEC_MSEC)

static void conn_release(HttpConn *c)
{
        LIST_REMOVE(c, link);
        c->server->stats.connections--;
        conn_free(c->conn);
        free(c);
}

/* The connection is over, for @reason: tells whoever still has something of it. */
static void conn_end(HttpConn *c, ConnReason reason)
{
        HttpRequest *r = c->request;
        HttpStream *stream = c->stream;

        if (r && c->state == HTTP_STATE_REPLY) {
                r->conn = NULL;
                c->request = NULL;
                if (r->on_gone)
                        r->on_gone(r->on_gone_user);
                /* Careful: @r might be gone here. */
        } else if (r) {
                http_request_discard(r);
        }
        if (stream) {
                c->server->stats.streams--;
                stream->ops->on_closed(stream, reason, stream->user);
                free(stream);
        }
        conn_release(c);
}

/* It had its answer and nothing of a further request is there: its end is no news. */
static bool between_requests(const HttpConn *c)
{
        return c->state == HTTP_STATE_HEAD && c->served && !c->begun && conn_unsent(c->conn) == 0;
}

static void on_closed(Conn *conn CX_UNUSED, ConnReason reason, void *user)
{
        static LogLimit limit;
        HttpConn *c = user;

        if (reason == CONN_DEADLINE || reason == CONN_STALLED || reason == CONN_OVERFLOW) {
                c->server->stats.cut++;
                if (between_requests(c))
                        log_debug("http client %s: idle, cutting it", conn_peer(c->conn)->text);
                else
                        log_limited(&limit, LOG_LEVEL_INFO, "http client %s: %s, cutting it",
                                    conn_peer(c->conn)->text, conn_reason_text(reason));
        }
        conn_end(c, reason);
}

static bool host_is_ours(const HttpServer *s, Text host)
{
        if (http_host_is_plain(host))
                return true;
        for (size_t i = 0; i < s->n_hosts; i++)
                if (host.n == strlen(s->hosts[i]) && strncasecmp(host.at, s->hosts[i], host.n) == 0)
                        return true;
        return false;
}

static void hand_over(HttpConn *c)
{
        HttpServer *s = c->server;

        c->state = HTTP_STATE_REPLY;
        s->stats.requests++;
        conn_set_deadline(c->conn, USEC_INFINITY);
        conn_pause(c->conn);
        s->fn(c->request, s->user);
}

static void watch_body(HttpConn *c)
{
        const HttpLimits *l = &c->server->limits;
        usec_t whole = c->since + l->body + (usec_t)(c->request->body.n / l->rate) * USEC_SEC;

        conn_set_deadline(c->conn, usec_min(whole, loop_monotonic(c->server->loop) + l->body));
}

static void refuse_length(HttpConn *c, int status, const char *what, size_t max)
{
        char text[80];

        snprintf(text, sizeof(text), "the %s may have %zu bytes, this one has more", what, max);
        http_refuse(c, status, FAULT_TOO_LONG, text);
}

/* One that is alone has all the room that there is for bodies, and no more. */
static size_t body_max(const HttpServer *s)
{
        return s->limits.body_max < s->bodies_max ? s->limits.body_max : s->bodies_max;
}

static bool is_short(const HttpServer *s, size_t n)
{
        return n <= s->bodies_max / 1024;
}

/* False: it is answered already. */
static bool admit_long(HttpConn *c)
{
        HttpServer *s = c->server;
        HttpRequest *r = c->request;
        bool keep_alive = r->head.keep_alive;

        /* Behind a body that is not taken nothing can be told from it. */
        r->head.keep_alive = false;
        if (s->admit && !s->admit(r, s->user))
                return false;
        r->head.keep_alive = keep_alive;
        r->is_long = true;
        s->long_bytes += r->body.n;
        return true;
}

static void begin_body(HttpConn *c, bool nothing_yet)
{
        const HttpHead *h = &c->request->head;

        if (h->length > body_max(c->server)) {
                refuse_length(c, 413, "body", body_max(c->server));
                return;
        }
        if (!h->chunked && h->length == 0) {
                hand_over(c);
                return;
        }
        c->state = HTTP_STATE_BODY;
        c->chunk = HTTP_CHUNK_NULL;
        c->since = loop_monotonic(c->server->loop);
        if (!is_short(c->server, (size_t)h->length) && !admit_long(c))
                return;
        if (h->expect_continue && nothing_yet)
                (void)conn_write(c->conn, TEXT("HTTP/1.1 100 Continue\r\n\r\n").at, 25);
        watch_body(c);
}

static FaultCode code_of(int status)
{
        if (status == 405)
                return FAULT_METHOD;
        return status == 431 ? FAULT_TOO_LONG : FAULT_HTTP;
}

static size_t take_head(HttpConn *c, const char *data, size_t n)
{
        HttpServer *s = c->server;
        HttpRefusal refusal = {0};
        size_t end = c->begun ? 0 : http_head_blank(data, n);
        int r;

        /* Some clients send an empty line behind a body: with it no further request begins. */
        if (end > 0)
                return end;
        if (!c->begun && n == 1 && *data == '\r')
                return 0; /* half of one */
        if (!c->begun && c->served)
                conn_set_deadline(c->conn, loop_monotonic(s->loop) + s->limits.head);
        c->begun = true;
        end = http_head_find(data, n, &c->scanned);
        if (end == 0 ? n > s->limits.head_max : end > s->limits.head_max) {
                refuse_length(c, 431, "header", s->limits.head_max);
                return n;
        }
        if (end == 0)
                return 0;
        r = http_request_new(&c->request, s, c, (Text){data, end}, &refusal);
        if (r < 0) {
                conn_cut(c->conn, CONN_MEMORY);
                return n;
        }
        if (r > 0) {
                http_refuse(c, refusal.status, code_of(refusal.status), refusal.text);
                return n;
        }
        if (!c->request->peer.is_unix && c->request->head.host.at &&
            !host_is_ours(s, c->request->head.host)) {
                http_refuse(c, 421, FAULT_HTTP, "this server does not go by that host name");
                return n;
        }
        begin_body(c, end == n);
        return end;
}

/* Some of the body by length. 0, -ENOMEM, HTTP_CHUNK_E_DONE. */
static int take_plain(HttpRequest *r, const char *data, size_t n, size_t *ret_n)
{
        size_t left = (size_t)r->head.length - r->body.n;

        *ret_n = n < left ? n : left;
        buffer_append(&r->body, data, *ret_n);
        if (buffer_failed(&r->body))
                return -ENOMEM;
        return *ret_n == left ? HTTP_CHUNK_E_DONE : 0;
}

static size_t take_body(HttpConn *c, const char *data, size_t n)
{
        HttpServer *s = c->server;
        HttpRequest *r = c->request;
        size_t before = r->body.n, used;
        int k;

        if (r->head.chunked)
                k = http_chunk_feed(&c->chunk, data, n, body_max(s), &r->body, &used);
        else
                k = take_plain(r, data, n, &used);
        s->stats.body_bytes += r->body.n - before;
        s->long_bytes += r->is_long ? r->body.n - before : 0;
        if (k < 0) {
                conn_cut(c->conn, CONN_MEMORY);
        } else if (k == HTTP_CHUNK_E_BAD) {
                http_refuse(c, 400, FAULT_HTTP, "the body is not properly chunked");
        } else if (k == HTTP_CHUNK_E_LARGE) {
                refuse_length(c, 413, "body", body_max(s));
        } else if (!r->is_long && !is_short(s, r->body.n) && !admit_long(c)) {
                return n;
        } else if (s->long_bytes > s->bodies_max) {
                http_refuse(c, 503, FAULT_UNAVAILABLE, "too many large requests at one time; try again");
        } else if (k == HTTP_CHUNK_E_DONE) {
                hand_over(c);
                return used;
        } else {
                watch_body(c);
                return used;
        }
        return n;
}

static size_t on_data(Conn *conn CX_UNUSED, const char *data, size_t n, void *user)
{
        HttpConn *c = user;

        if (c->state == HTTP_STATE_HEAD)
                return take_head(c, data, n);
        if (c->state == HTTP_STATE_BODY)
                return take_body(c, data, n);
        return n; /* nothing is expected beside a stream */
}

static void on_eof(Conn *conn, const char *data CX_UNUSED, size_t n, void *user)
{
        HttpConn *c = user;

        if (c->state == HTTP_STATE_STREAM && c->stream->ops->has_end)
                return; /* who does not read either is noticed by what is written */
        if (c->state == HTTP_STATE_STREAM)
                conn_cut(conn, CONN_EOF);
        else if (n > 0 || c->state == HTTP_STATE_BODY)
                http_refuse(c, 400, FAULT_HTTP, "the request ended too early");
        else
                conn_close(conn);
}

static void on_drained(Conn *conn, void *user)
{
        HttpConn *c = user;

        if (c->stream && !conn_is_closing(conn) && c->stream->ops->on_ready)
                c->stream->ops->on_ready(c->stream, c->stream->user);
}

static const ConnOps conn_ops = {
        .on_data = on_data, .on_eof = on_eof, .on_drained = on_drained, .on_closed = on_closed};

static void limits_fill(HttpLimits *l)
{
        const HttpLimits defaults = {
                .head_max = 8192,
                .body_max = (size_t)16 * 1024 * 1024,
                .bodies_max = (size_t)64 * 1024 * 1024,
                .head = 5 * USEC_SEC,
                .body = 10 * USEC_SEC,
                .rate = 65536,
                .idle = 60 * USEC_SEC,
                .stall = 10 * USEC_SEC,
                .out_max = (size_t)64 * 1024 * 1024,
                .stream_low = 16384,
        };

        l->head_max = l->head_max ? l->head_max : defaults.head_max;
        l->body_max = l->body_max ? l->body_max : defaults.body_max;
        l->bodies_max = l->bodies_max ? l->bodies_max : defaults.bodies_max;
        l->head = l->head ? l->head : defaults.head;
        l->body = l->body ? l->body : defaults.body;
        l->rate = l->rate ? l->rate : defaults.rate;
        l->idle = l->idle ? l->idle : defaults.idle;
        l->stall = l->stall ? l->stall : defaults.stall;
        l->out_max = l->out_max ? l->out_max : defaults.out_max;
        l->stream_low = l->stream_low ? l->stream_low : defaults.stream_low;
}

static int copy_hosts(HttpServer *s, const HttpConfig *config)
{
        s->hosts = calloc(config->n_hosts ? config->n_hosts : 1, sizeof(*s->hosts));
        if (!s->hosts)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_hosts; i++) {
                s->hosts[i] = strdup(config->hosts[i]);
                if (!s->hosts[i])
                        return -ENOMEM;
                s->n_hosts++;
        }
        return 0;
}

int http_server_new(HttpServer **ret, Loop *l, const HttpConfig *config, HttpHandlerFn fn, void *user)
{
        CX_CLEANUP(http_server_freep) HttpServer *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        *s = (HttpServer){.loop = l, .fn = fn, .user = user};
        LIST_INIT(&s->conns);
        LIST_INIT(&s->requests);
        if (config) {
                s->limits = config->limits;
                s->admit = config->admit;
                if (copy_hosts(s, config) < 0)
                        return -ENOMEM;
        }
        limits_fill(&s->limits);
        s->bodies_max = s->limits.bodies_max;
        s->conn_limits = (ConnLimits){
                .out_low = s->limits.stream_low,
                .out_high = (size_t)1024 * 1024,
                .out_max = s->limits.out_max,
                .stall = s->limits.stall,
                .in_high = (size_t)128 * 1024 + s->limits.head_max,
        };
        *ret = s;
        s = NULL;
        return 0;
}

HttpServer *http_server_free(HttpServer *s)
{
        HttpRequest *r;
        HttpConn *c;

        if (!s)
                return NULL;
        while ((c = LIST_FIRST(&s->conns)))
                conn_end(c, CONN_CUT);
        while ((r = LIST_FIRST(&s->requests))) {
                LIST_REMOVE(r, link);
                r->server = NULL;
        }
        for (size_t i = 0; i < s->n_hosts; i++)
                free(s->hosts[i]);
        free(s->hosts);
        free(s);
        return NULL;
}

void http_server_accept(Accepted *a, void *user)
{
        static LogLimit limit;
        HttpServer *s = user;
        HttpConn *c = calloc(1, sizeof(*c));

        if (!c) {
                accepted_deinit(a);
                log_limited(&limit, LOG_LEVEL_ERR, "no memory for a new connection, closing it");
                return;
        }
        c->server = s;
        if (conn_new(&c->conn, s->loop, a, &s->conn_limits, &conn_ops, c) < 0) {
                free(c);
                log_limited(&limit, LOG_LEVEL_ERR, "no memory for a new connection, closing it");
                return;
        }
        LIST_INSERT_HEAD(&s->conns, c, link);
        s->stats.connections++;
        conn_set_deadline(c->conn, loop_monotonic(s->loop) + s->limits.head);
}

void http_server_stats(const HttpServer *s, HttpStats *ret)
{
        *ret = s->stats;
}

void http_server_drain(HttpServer *s)
{
        HttpConn *c;

        s->draining = true;
        /* Closing does not unlink: that happens from the loop. */
        LIST_FOREACH (c, &s->conns, link) {
                if (c->state != HTTP_STATE_HEAD || c->begun)
                        continue;
                if (conn_unsent(c->conn) == 0)
                        conn_close_within(c->conn, DRAIN_LINGER);
                else
                        conn_close(c->conn);
        }
}

void http_server_limit_bodies(HttpServer *s, size_t bytes)
{
        s->bodies_max = bytes && bytes < s->limits.bodies_max ? bytes : s->limits.bodies_max;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What goes back to an HTTP client.
 *
 * The happy path is: status line and fields into one buffer, the body behind it, then the next request or the
 * end. Possible failure modes are: the client has gone (nothing is written); no memory (the connection is
 * cut, since a reply that is half written cannot be mended).
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/io/http_private.h"
#include "proto/base/json_out.h"

#define JSON_TYPE "application/json"

static const char *status_text(int status)
{
        static const struct {
                int status;
                const char *text;
        } texts[] = {
                {200, "OK"},
                {201, "Created"},
                {202, "Accepted"},
                {204, "No Content"},
                {304, "Not Modified"},
                {400, "Bad Request"},
                {401, "Unauthorized"},
                {403, "Forbidden"},
                {404, "Not Found"},
                {405, "Method Not Allowed"},
                {406, "Not Acceptable"},
                {409, "Conflict"},
                {413, "Content Too Large"},
                {415, "Unsupported Media Type"},
                {417, "Expectation Failed"},
                {421, "Misdirected Request"},
                {422, "Unprocessable Content"},
                {429, "Too Many Requests"},
                {431, "Request Header Fields Too Large"},
                {500, "Internal Server Error"},
                {503, "Service Unavailable"},
                {505, "HTTP Version Not Supported"},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(texts); i++)
                if (texts[i].status == status)
                        return texts[i].text;
        return "Status";
}

static void append_date(Buffer *b, usec_t now)
{
        static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        time_t seconds = (time_t)(now / USEC_SEC);
        struct tm tm;

        if (!gmtime_r(&seconds, &tm))
                return;
        buffer_append_format(b, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday,
                             months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void append_head(Buffer *b, HttpServer *s, int status, const char *content_type, bool keep_alive,
                        const HttpHeader *headers, size_t n_headers)
{
        buffer_append_format(b, "HTTP/1.1 %d %s\r\n", status, status_text(status));
        append_date(b, loop_realtime(s->loop));
        if (content_type)
                buffer_append_format(b, "Content-Type: %s\r\n", content_type);
        if (!keep_alive)
                buffer_append_str(b, "Connection: close\r\n");
        if (status == 429 || status == 503)
                buffer_append_str(b, "Retry-After: 1\r\n");
        for (size_t i = 0; i < n_headers; i++)
                if (headers[i].value && !strpbrk(headers[i].value, "\r\n"))
                        buffer_append_format(b, "%s: %s\r\n", headers[i].name, headers[i].value);
}

/* How long a client may take for what is unsent. */
static usec_t time_to_take(const HttpConn *c)
{
        const HttpLimits *l = &c->server->limits;

        return l->body + (usec_t)(conn_unsent(c->conn) / l->rate) * USEC_SEC;
}

static void close_conn(HttpConn *c)
{
        c->state = HTTP_STATE_END;
        conn_close_within(c->conn, time_to_take(c));
}

void http_conn_next(HttpConn *c)
{
        c->state = HTTP_STATE_HEAD;
        c->begun = false;
        c->served = true;
        c->scanned = 0;
        conn_set_deadline(c->conn,
                          loop_monotonic(c->server->loop) + c->server->limits.idle + time_to_take(c));
        conn_resume(c->conn);
}

/* conn_write() or conn_write_now(). */
typedef int (*WriteFn)(Conn *c, const void *data, size_t n);

static void write_buffer(HttpConn *c, Buffer *b, WriteFn write)
{
        if (buffer_failed(b))
                conn_cut(c->conn, CONN_MEMORY);
        else
                (void)write(c->conn, b->data, b->n); /* what fails here ends the connection by itself */
        buffer_deinit(b);
}

static bool has_body(int status)
{
        return status != 204 && status != 304;
}

void http_reply(HttpRequest *r, int status, const char *content_type, Text body, const HttpHeader *headers,
                size_t n_headers)
{
        HttpConn *c = r->conn;
        bool keep_alive = c && r->head.keep_alive && !c->server->draining;
        bool head_only = r->head.method == HTTP_HEAD || !has_body(status);
        Buffer b = BUFFER_NULL;

        if (c) {
                c->request = NULL;
                append_head(&b, c->server, status, has_body(status) ? content_type : NULL, keep_alive,
                            headers, n_headers);
                if (has_body(status))
                        buffer_append_format(&b, "Content-Length: %zu\r\n", body.n);
                buffer_append_str(&b, "\r\n");
                if (!head_only && body.n < 16 * 1024) {
                        /* One packet. */
                        buffer_append_text(&b, body);
                        head_only = true;
                }
                write_buffer(c, &b, conn_write_now);
                if (!head_only)
                        (void)conn_write_now(c->conn, body.at, body.n);
        }
        /* @body may belong to the request. */
        http_request_discard(r);
        if (c && keep_alive)
                http_conn_next(c);
        else if (c)
                close_conn(c);
}

static void fault_json(Buffer *b, const char *code, const char *text, const char *field)
{
        JsonOut j = JSON_OUT_INIT(b);

        json_begin_object(&j);
        json_member_str(&j, "code", code);
        json_member_str(&j, "error", text);
        if (field && *field)
                json_member_str(&j, "field", field);
        json_end_object(&j);
        buffer_append_char(b, '\n');
}

void http_reply_fault(HttpRequest *r, const Fault *f, const HttpHeader *headers, size_t n_headers)
{
        Buffer b = BUFFER_NULL;

        fault_json(&b, fault_name(f->code), f->text, f->field);
        if (buffer_failed(&b))
                http_request_free(r);
        else
                http_reply(r, fault_status(f->code), JSON_TYPE, buffer_text(&b), headers, n_headers);
        buffer_deinit(&b);
}

HttpRequest *http_request_free(HttpRequest *r)
{
        HttpConn *c;

        if (!r)
                return NULL;
        c = r->conn;
        http_request_discard(r);
        if (c) {
                c->request = NULL;
                c->state = HTTP_STATE_END;
                conn_cut(c->conn, CONN_CUT);
        }
        return NULL;
}

void http_refuse(HttpConn *c, int status, FaultCode code, const char *text)
{
        static const HttpHeader allow = {"Allow", "GET, HEAD, POST"};
        Buffer b = BUFFER_NULL, json = BUFFER_NULL;
        bool head_only = c->request && c->request->head.method == HTTP_HEAD;

        if (c->request)
                http_request_discard(c->request);
        c->request = NULL;
        c->server->stats.refused++;
        fault_json(&json, fault_name(code), text, NULL);
        append_head(&b, c->server, status, JSON_TYPE, false, &allow, status == 405);
        buffer_append_format(&b, "Content-Length: %zu\r\n\r\n", json.n);
        if (!head_only)
                buffer_append_text(&b, buffer_text(&json));
        if (buffer_failed(&json))
                b.failed = true;
        buffer_deinit(&json);
        write_buffer(c, &b, conn_write_now);
        close_conn(c);
}

int http_stream_start(HttpStream **ret, HttpRequest *r, const char *content_type, const HttpHeader *headers,
                      size_t n_headers, const HttpStreamOps *ops, void *user)
{
        HttpConn *c = r->conn;
        bool chunked = r->head.minor == 1;
        Buffer b = BUFFER_NULL;
        HttpStream *stream;

        if (!c) {
                http_request_discard(r);
                return HTTP_E_NO_STREAM;
        }
        append_head(&b, c->server, 200, content_type, false, headers, n_headers);
        buffer_append_str(&b, chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
        if (r->head.method == HTTP_HEAD) {
                c->request = NULL;
                http_request_discard(r);
                write_buffer(c, &b, conn_write_now);
                close_conn(c);
                return HTTP_E_NO_STREAM;
        }
        stream = calloc(1, sizeof(*stream));
        if (!stream) {
                buffer_deinit(&b);
                http_request_free(r);
                return -ENOMEM;
        }
        *stream = (HttpStream){.conn = c, .ops = ops, .user = user, .chunked = chunked};
        c->request = NULL;
        c->stream = stream;
        c->state = HTTP_STATE_STREAM;
        c->server->stats.streams++;
        http_request_discard(r);
        write_buffer(c, &b, conn_write); /* with what comes first */
        /* From now on input is only watched for its end. */
        conn_set_deadline(c->conn, USEC_INFINITY);
        conn_resume(c->conn);
        *ret = stream;
        return 0;
}

static int write_chunk(HttpStream *s, Text data, WriteFn write)
{
        char head[2 * sizeof(data.n) + sizeof("\r\n")], few[4096];
        Buffer b = BUFFER_NULL;
        size_t n_head;
        int r;

        if (data.n == 0)
                return 0;
        if (!s->chunked)
                return write(s->conn->conn, data.at, data.n);
        n_head = (size_t)snprintf(head, sizeof(head), "%zx\r\n", data.n);
        /* Most are small, and there are many. */
        if (n_head + data.n + 2 <= sizeof(few)) {
                memcpy(few, head, n_head);
                memcpy(few + n_head, data.at, data.n);
                memcpy(few + n_head + data.n, "\r\n", 2);
                return write(s->conn->conn, few, n_head + data.n + 2);
        }
        buffer_append(&b, head, n_head);
        buffer_append_text(&b, data);
        buffer_append_str(&b, "\r\n");
        if (buffer_failed(&b)) {
                conn_cut(s->conn->conn, CONN_MEMORY);
                r = -ENOMEM;
        } else {
                r = write(s->conn->conn, b.data, b.n);
        }
        buffer_deinit(&b);
        return r;
}

int http_stream_write(HttpStream *s, Text data)
{
        return write_chunk(s, data, conn_write);
}

int http_stream_write_now(HttpStream *s, Text data)
{
        return write_chunk(s, data, conn_write_now);
}

size_t http_stream_unsent(const HttpStream *s)
{
        return conn_unsent(s->conn->conn);
}

const Peer *http_stream_peer(const HttpStream *s)
{
        return conn_peer(s->conn->conn);
}

void http_stream_end(HttpStream *s)
{
        if (s->chunked)
                (void)conn_write(s->conn->conn, "0\r\n\r\n", 5);
        conn_close_within(s->conn->conn, time_to_take(s->conn));
}

void http_stream_cut(HttpStream *s, ConnReason reason)
{
        conn_cut(s->conn->conn, reason);
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The line server.
 *
 * The happy path is: a connection becomes a session in the list; LineFrame cuts its input; at its end
 * on_end(); the owner closes; on_closed() and the session goes. Possible failure modes are those of Conn,
 * plus an owner that does not want the client (on_open() fails).
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "daemon/io/lines.h"
#include "daemon/io/log.h"

/*
 * Lines of one client that are handled before it is the turn of the others: much may have gathered while it was paused. Of
 * all clients together it should not be many more than LINES_A_TURN: half a millisecond, with surveys.
 */
#define LINES_A_TURN 320
#define LINES_LEAST  16
#define LINES_MOST   64

struct LineSession {
        LIST_ENTRY(LineSession) link;
        LineServer *server;
        Conn *conn;
        LineFrame frame;
        void *user;
        bool paused;
        unsigned n_at_once;
};

struct LineServer {
        LIST_HEAD(, LineSession) sessions;
        unsigned n_sessions;
        Loop *loop;
        ConnLimits limits;
        size_t line_max;
        const LineOps *ops;
        void *user;
};

static void session_free(LineSession *s)
{
        LIST_REMOVE(s, link);
        s->server->n_sessions--;
        conn_free(s->conn);
        free(s);
}

static unsigned lines_at_once(const LineServer *s)
{
        unsigned n = LINES_A_TURN / s->n_sessions;

        return n < LINES_LEAST ? LINES_LEAST : n > LINES_MOST ? LINES_MOST : n;
}

static bool on_frame(uint64_t number, Text line, void *user)
{
        LineSession *s = user;

        if (line.at)
                s->server->ops->on_line(s, number, line, s->user);
        else
                s->server->ops->on_too_long(s, number, s->user);
        if (++s->n_at_once >= lines_at_once(s->server) && !s->paused) {
                conn_pause(s->conn);
                conn_resume(s->conn);
                return false;
        }
        return !s->paused && !conn_is_closing(s->conn) && !conn_is_choked(s->conn);
}

static size_t on_data(Conn *c CX_UNUSED, const char *data, size_t n, void *user)
{
        LineSession *s = user;

        s->n_at_once = 0;
        return line_frame_feed(&s->frame, data, n, on_frame, s);
}

static void on_eof(Conn *c, const char *data, size_t n, void *user)
{
        LineSession *s = user;

        line_frame_end(&s->frame, data, n, on_frame, s);
        if (s->server->ops->on_end)
                s->server->ops->on_end(s, s->frame.number, s->user);
        else
                conn_close(c);
}

static void on_drained(Conn *c CX_UNUSED, void *user)
{
        LineSession *s = user;

        if (s->server->ops->on_drained)
                s->server->ops->on_drained(s, s->user);
}

static void on_closed(Conn *c CX_UNUSED, ConnReason reason, void *user)
{
        LineSession *s = user;

        s->server->ops->on_closed(s, reason, s->user);
        session_free(s);
}

static const ConnOps conn_ops = {
        .on_data = on_data, .on_eof = on_eof, .on_drained = on_drained, .on_closed = on_closed};

int line_server_new(LineServer **ret, Loop *l, const ConnLimits *limits, size_t line_max, const LineOps *ops,
                    void *server_user)
{
        LineServer *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        *s = (LineServer){.loop = l,
                          .line_max = line_max ? line_max : LINE_MAX_DEFAULT,
                          .ops = ops,
                          .user = server_user};
        if (limits)
                s->limits = *limits;
        /* A line must fit into the input that may gather. */
        if (s->limits.in_high < 2 * s->line_max)
                s->limits.in_high = 2 * s->line_max;
        LIST_INIT(&s->sessions);
        *ret = s;
        return 0;
}

LineServer *line_server_free(LineServer *s)
{
        LineSession *session;

        if (!s)
                return NULL;
        while ((session = LIST_FIRST(&s->sessions))) {
                s->ops->on_closed(session, CONN_CUT, session->user);
                session_free(session);
        }
        free(s);
        return NULL;
}

void line_server_accept(Accepted *a, void *user)
{
        static LogLimit limit;
        LineServer *server = user;
        LineSession *s = calloc(1, sizeof(*s));

        if (!s) {
                accepted_deinit(a);
                log_limited(&limit, LOG_LEVEL_ERR, "no memory for a new connection, closing it");
                return;
        }
        s->server = server;
        s->frame = LINE_FRAME_INIT(server->line_max);
        if (conn_new(&s->conn, server->loop, a, &server->limits, &conn_ops, s) < 0) {
                free(s);
                log_limited(&limit, LOG_LEVEL_ERR, "no memory for a new connection, closing it");
                return;
        }
        LIST_INSERT_HEAD(&server->sessions, s, link);
        server->n_sessions++;
        if (server->ops->on_open(s, server->user, &s->user) < 0)
                session_free(s);
}

unsigned line_server_count(const LineServer *s)
{
        return s->n_sessions;
}

void line_server_each(LineServer *server, void (*fn)(LineSession *s, void *session_user))
{
        LineSession *s;

        /* Closing does not unlink: that happens from the loop. */
        LIST_FOREACH (s, &server->sessions, link)
                fn(s, s->user);
}

int line_write(LineSession *s, Text lines)
{
        return conn_write_now(s->conn, lines.at, lines.n);
}

size_t line_unsent(const LineSession *s)
{
        return conn_unsent(s->conn);
}

void line_pause(LineSession *s)
{
        s->paused = true;
        conn_pause(s->conn);
}

void line_resume(LineSession *s)
{
        s->paused = false;
        conn_resume(s->conn);
}

void line_close(LineSession *s)
{
        conn_close(s->conn);
}

void line_cut(LineSession *s, ConnReason reason)
{
        conn_cut(s->conn, reason);
}

void line_set_deadline(LineSession *s, usec_t monotonic)
{
        conn_set_deadline(s->conn, monotonic);
}

const Peer *line_peer(const LineSession *s)
{
        return conn_peer(s->conn);
}

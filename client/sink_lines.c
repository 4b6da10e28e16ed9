/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Surveys through the line socket (cx-survey(7)), many under way at once.
 *
 * The happy path is: lines are queued and written as fast as the daemon reads; it answers with refused lines
 * and with cumulative acknowledgements, which take lines off the queue. Possible failure modes are: the
 * connection breaks or says nothing for a long time (a new one is made, and all that is not acknowledged is
 * sent again; a few times in a row, then we give up), the token is refused (we give up).
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/api.h"
#include "client/lines_addr.h"
#include "client/sink_impl.h"
#include "client/when.h"
#include "client/xalloc.h"
#include "proto/base/json_out.h"

#define UNDER_WAY_BYTES  (1U << 20)
#define SILENCE_MAX      (60 * USEC_SEC)
#define ANSWER_BYTES_MAX (1U << 20) /* one line */
#define TRY_AGAIN        (-1)       /* the daemon does not take surveys at present */

typedef struct Pending {
        uint64_t tag;
        uint32_t n_bytes;
        bool reported;
        bool again; /* it went out on an earlier connection, and may be stored */
} Pending;

typedef struct LinesSink {
        Sink base;
        char *address, *token;
        int fd;
        unsigned n_tries; /* since the last acknowledgement */
        char *not_now;    /* why it took nothing, if it said so since then; NULL: it has not */
        usec_t heard;     /* when there last was an answer, room for lines, or nothing to be answered */

        Buffer out;              /* the lines that are not acknowledged, from out_head on */
        size_t out_head, n_sent; /* both from the beginning of out */
        Pending *pending;        /* the same lines, from head on */
        size_t head, n_pending, size_pending;

        Buffer in;
        uint64_t first_line; /* the number of pending[head] in this connection */
        SinkTotals before;   /* totals of the earlier connections */
        SinkTotals here;     /* of this one */
} LinesSink;

static size_t n_under_way(const LinesSink *s)
{
        return s->n_pending - s->head;
}

/* Takes the oldest @n lines off the queue. */
static void drop(LinesSink *s, uint64_t n)
{
        size_t done;

        for (; n > 0 && n_under_way(s) > 0; n--) {
                s->out_head += s->pending[s->head++].n_bytes;
                s->first_line++;
        }
        if (s->head > s->n_pending / 2) {
                memmove(s->pending, s->pending + s->head, n_under_way(s) * sizeof(*s->pending));
                s->n_pending -= s->head;
                s->head = 0;
        }
        /* A line that is too long is refused before its end, which is still to be written. */
        done = s->out_head < s->n_sent ? s->out_head : s->n_sent;
        if (done > s->out.n / 2) {
                buffer_consume(&s->out, done);
                s->n_sent -= done;
                s->out_head -= done;
        }
}

/*
 * Of a lost connection. Takes off what was refused: a new connection need not judge it again, and might judge
 * otherwise.
 */
static void drop_refused(LinesSink *s)
{
        size_t n = 0, at = s->out_head, to = 0;

        for (size_t i = s->head; i < s->n_pending; i++) {
                Pending p = s->pending[i];

                p.again |= at < s->n_sent;
                if (!p.reported) {
                        memmove(s->out.data + to, s->out.data + at, p.n_bytes);
                        to += p.n_bytes;
                        s->pending[n++] = p;
                }
                at += p.n_bytes;
        }
        s->out.n = to;
        s->out_head = s->head = 0;
        s->n_pending = n;
}

static int take_refusal(LinesSink *s, const json_t *j)
{
        int64_t line = member_integer(j, "line");
        SinkRefusal r = {.code = member_string(j, "code"),
                         .id = member_string(j, "id"),
                         .field = member_string(j, "field"),
                         .text = member_string(j, "error")};
        Pending *p;

        if (sink_is_not_now(r.code)) {
                free(s->not_now);
                s->not_now = xstrdup(r.text ? r.text : r.code);
                return TRY_AGAIN;
        }
        if (!r.code || strcmp(r.code, "E_TOKEN") == 0) {
                ctl_error(s->base.ctl, "%s: %s: %s", s->address, r.code ? r.code : "refused",
                          r.text ? r.text : "");
                return CTL_REFUSED;
        }
        if (line < (int64_t)s->first_line || line - (int64_t)s->first_line >= (int64_t)n_under_way(s))
                return CTL_OK;
        p = &s->pending[s->head + (size_t)line - s->first_line];
        r.tag = p->tag;
        if (!p->reported && p->again && sink_is_superseded(&r)) {
                s->before.duplicate++;
                s->base.totals.duplicate++;
        } else if (!p->reported)
                s->base.on_refused(s->base.context, &r);
        p->reported = true;
        return CTL_OK;
}

/* Whether the oldest @n lines are there and were written; of the last one a beginning, for it may be too long. */
static bool are_sent(const LinesSink *s, uint64_t n)
{
        size_t begin = s->out_head;

        if (n > n_under_way(s))
                return false;
        for (size_t i = 0; i + 1 < n; i++)
                begin += s->pending[s->head + i].n_bytes;
        return begin < s->n_sent;
}

static int take_ack(LinesSink *s, const json_t *j)
{
        uint64_t ack = (uint64_t)member_integer(j, "ack");

        if (ack >= s->first_line && !are_sent(s, ack - s->first_line + 1)) {
                ctl_error(s->base.ctl, "%s acknowledges lines that it was not sent; is that cxd?",
                          s->address);
                return CTL_REFUSED;
        }
        s->here = (SinkTotals){
                .stored = (uint64_t)member_integer(j, "stored"),
                .duplicate = (uint64_t)member_integer(j, "duplicate"),
                .revised = (uint64_t)member_integer(j, "revised"),
                .refused = (uint64_t)member_integer(j, "refused"),
        };
        s->base.totals = (SinkTotals){
                .stored = s->before.stored + s->here.stored,
                .duplicate = s->before.duplicate + s->here.duplicate,
                .revised = s->before.revised + s->here.revised,
                .refused = s->before.refused + s->here.refused,
        };
        if (ack >= s->first_line) {
                drop(s, ack - s->first_line + 1);
                s->n_tries = 0;
                free(s->not_now);
                s->not_now = NULL;
        }
        return CTL_OK;
}

static int take_answers(LinesSink *s)
{
        size_t done = 0;
        int r = CTL_OK;

        while (r == CTL_OK && done < s->in.n) {
                const char *at = s->in.data + done, *end = memchr(at, '\n', s->in.n - done);
                CX_CLEANUP(json_freep) json_t *j = NULL;

                if (!end)
                        break;
                j = json_loadb(at, (size_t)(end - at), 0, NULL);
                if (json_is_integer(json_object_get(j, "ack"))) {
                        r = take_ack(s, j);
                } else if (json_is_object(j)) {
                        r = take_refusal(s, j);
                } else {
                        ctl_error(s->base.ctl, "%s answers in no JSON; is that cxd?", s->address);
                        r = CTL_REFUSED;
                }
                done = (size_t)(end + 1 - s->in.data);
        }
        buffer_consume(&s->in, done);
        if (r == CTL_OK && s->in.n > ANSWER_BYTES_MAX) {
                ctl_error(s->base.ctl, "%s answers without an end; is that cxd?", s->address);
                r = CTL_REFUSED;
        }
        return r;
}

/* The first bytes on a new connection: they fit into its buffer. */
static bool send_token(int fd, const char *token)
{
        Buffer line = BUFFER_NULL;
        JsonOut j = JSON_OUT_INIT(&line);
        bool sent;

        json_begin_object(&j);
        json_member_str(&j, "token", token);
        json_end_object(&j);
        buffer_append_char(&line, '\n');
        if (buffer_failed(&line))
                abort();
        sent = send(fd, line.data, line.n, MSG_NOSIGNAL) == (ssize_t)line.n;
        buffer_deinit(&line);
        return sent;
}

/* Begins on a new connection, which is taken over. False: it is lost already. */
static bool attach(LinesSink *s, int fd)
{
        s->fd = fd;
        s->n_sent = s->out_head;
        s->first_line = s->token ? 2 : 1;
        s->heard = when_now();
        return !s->token || send_token(fd, s->token);
}

/* @why: what became of the connection that was there. */
static int reconnect(LinesSink *s, const char *why)
{
        int r = 0, fd;

        if (s->fd >= 0)
                close(s->fd);
        s->fd = -1;
        s->before = s->base.totals;
        s->here = (SinkTotals){0};
        buffer_reset(&s->in);
        for (;;) {
                if (s->n_tries == SINK_TRIES && s->not_now) {
                        ctl_error(s->base.ctl,
                                  "%s does not take surveys now: %s; giving up, %zu are not acknowledged",
                                  s->address, s->not_now, n_under_way(s));
                        return CTL_REFUSED;
                }
                if (s->n_tries == SINK_TRIES && r < 0)
                        return lines_say_unreachable(s->base.ctl, s->address, r);
                if (s->n_tries == SINK_TRIES) {
                        ctl_error(s->base.ctl,
                                  "%s takes connections, but no surveys: %s; giving up, %zu are not "
                                  "acknowledged; "
                                  "if it wants TLS, use --http",
                                  s->address, why, n_under_way(s));
                        return CTL_UNREACHABLE;
                }
                sink_pause(s->n_tries++);
                r = lines_connect(s->address, &fd);
                if (r == 0 && attach(s, fd))
                        return CTL_OK;
                if (s->fd >= 0)
                        close(s->fd);
                s->fd = -1;
        }
}

static int lose(LinesSink *s, const char *why)
{
        drop_refused(s);
        ctl_error(s->base.ctl, "the connection to %s is lost (%s); sending %zu surveys again", s->address,
                  why, n_under_way(s));
        return reconnect(s, why);
}

/*
 * Writes and reads what goes, after waiting for at most @msec, or until there is something to read from @other: *ret_other.
 */
static int turn_beside(LinesSink *s, int msec, int other, bool *ret_other)
{
        struct pollfd all[] = {{.fd = s->fd, .events = POLLIN}, {.fd = other, .events = POLLIN}}, *p = all;
        ssize_t n;
        char *room;
        int r;

        if (s->n_sent < s->out.n)
                p->events |= POLLOUT;
        r = poll(all, CX_ARRAY_LEN(all), msec);
        *ret_other = r > 0 && all[1].revents != 0;
        if (r < 0)
                return errno == EINTR ? CTL_OK : lose(s, strerror(errno));
        if (p->revents & POLLOUT) {
                n = send(s->fd, s->out.data + s->n_sent, s->out.n - s->n_sent, MSG_NOSIGNAL);
                if (n > 0) {
                        s->n_sent += (size_t)n;
                        s->heard = when_now();
                }
        }
        if (p->revents & (POLLIN | POLLHUP | POLLERR)) {
                room = buffer_reserve(&s->in, 65536);
                if (!room)
                        abort();
                n = recv(s->fd, room, 65536, 0);
                if (n == 0)
                        return lose(s, "closed by the daemon");
                if (n < 0)
                        return errno == EAGAIN || errno == EINTR ? CTL_OK : lose(s, strerror(errno));
                s->in.n += (size_t)n;
                s->heard = when_now();
                r = take_answers(s);
                return r == TRY_AGAIN ? lose(s, "not taking surveys at present") : r;
        }
        if (n_under_way(s) == 0)
                s->heard = when_now();
        else if (when_now() - s->heard > SILENCE_MAX)
                return lose(s, "no answer");
        return CTL_OK;
}

static int turn(LinesSink *s, int msec)
{
        bool unused;

        return turn_beside(s, msec, -1, &unused);
}

static int lines_sink_send(Sink *base, uint64_t tag, Text line)
{
        LinesSink *s = CX_CONTAINER_OF(base, LinesSink, base);
        int r = CTL_OK;

        if (n_under_way(s) == 0)
                s->heard = when_now();
        XGROW(s->pending, s->n_pending, s->size_pending);
        s->pending[s->n_pending++] = (Pending){.tag = tag, .n_bytes = (uint32_t)line.n + 1};
        buffer_append_text(&s->out, line);
        buffer_append_char(&s->out, '\n');
        if (buffer_failed(&s->out))
                abort();
        /* Writing in larger pieces costs less; answers are looked at as often. */
        if (s->out.n - s->n_sent >= 65536)
                r = turn(s, 0);
        while (r == CTL_OK && s->out.n - s->out_head > UNDER_WAY_BYTES)
                r = turn(s, 1000);
        return r;
}

static int lines_sink_pump(Sink *base, usec_t deadline)
{
        LinesSink *s = CX_CONTAINER_OF(base, LinesSink, base);
        int r;

        do {
                usec_t left = deadline > 0 ? deadline - when_now() : 0;

                left = left < 0 ? 0 : left > USEC_SEC ? USEC_SEC : left;
                r = turn(s, (int)((left + USEC_MSEC - 1) / USEC_MSEC));
        } while (r == CTL_OK && deadline > when_now());
        return r;
}

/* Where nothing is under way, a connection that is lost will be missed when there is something to send. */
static int lines_sink_wait(Sink *base, int fd)
{
        LinesSink *s = CX_CONTAINER_OF(base, LinesSink, base);
        bool is_ready = false;
        int r = CTL_OK;

        while (r == CTL_OK && !is_ready && n_under_way(s) > 0)
                r = turn_beside(s, 1000, fd, &is_ready);
        return r;
}

static int lines_sink_flush(Sink *base)
{
        LinesSink *s = CX_CONTAINER_OF(base, LinesSink, base);
        int r = CTL_OK;

        while (r == CTL_OK && n_under_way(s) > 0)
                r = turn(s, 1000);
        return r;
}

static void lines_sink_free(Sink *base)
{
        LinesSink *s = CX_CONTAINER_OF(base, LinesSink, base);

        if (s->fd >= 0)
                close(s->fd);
        buffer_deinit(&s->out);
        buffer_deinit(&s->in);
        free(s->pending);
        free(s->address);
        free(s->token);
        free(s->not_now);
        free(s);
}

static const SinkVerbs verbs = {lines_sink_send, lines_sink_pump, lines_sink_wait, lines_sink_flush,
                                lines_sink_free};

int sink_lines_open(Sink **ret, const Sink *base, const char *address, const char *token)
{
        LinesSink *s;
        int fd, r;

        r = lines_connect(address, &fd);
        if (r < 0)
                return lines_say_unreachable(base->ctl, address, r);
        s = xcalloc(1, sizeof(*s));
        s->base = *base;
        s->base.verbs = &verbs;
        s->address = xstrdup(address);
        s->token = token ? xstrdup(token) : NULL;
        r = attach(s, fd) ? CTL_OK : reconnect(s, "closed by the daemon");
        if (r != CTL_OK) {
                lines_sink_free(&s->base);
                return r;
        }
        *ret = &s->base;
        return CTL_OK;
}

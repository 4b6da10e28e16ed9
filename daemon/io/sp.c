/* SPDX-License-Identifier: Apache-2.0 */

/*
 * SP sockets.
 *
 * On the wire each side first sends 8 bytes, 00 'S' 'P' 00, its protocol (16 bits), 00 00; then messages, each a
 * length (64 bits) and so many bytes, all big-endian. On a Unix socket a byte 01 stands before the length. The body
 * of a request begins with words of 32 bits: the devices that it passed, last the request's id, which alone has its
 * high bit set; the reply carries the same words.
 *
 * The happy path is: accept, send our 8 bytes, check theirs, on_peer(), then messages one after the other. A
 * message that lies whole in the input is handed out from there; a longer one gathers in @body. Possible failure
 * modes are: anything that is not as above (refuse()), a peer that leaves or stops, no memory: in each case this
 * peer ends and no other.
 */

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/io/log.h"
#include "daemon/io/sp_private.h"

#define RATE     ((usec_t)64 * 1024)        /* bytes that buy a message another second */
#define SKIP_MAX ((size_t)16 * 1024 * 1024) /* of a message that is too long; a longer one ends its peer */
#define OUT_MAX  ((size_t)64 * 1024 * 1024)

static const struct {
        uint16_t ours, theirs;
        const char *name;
} protocols[] = {
        [SP_PULL] = {.ours = 81, .theirs = 80, .name = "pull"},
        [SP_REP] = {.ours = 49, .theirs = 48, .name = "rep"},
        [SP_PUB] = {.ours = 32, .theirs = 33, .name = "pub"},
};

/* 0, for who takes nothing more of it. */
static size_t refuse(SpPeer *p, const char *reason)
{
        static LogLimit limit = {.burst = 5};

        if (p->reason)
                return 0;
        p->reason = reason;
        p->socket->stats.refused++;
        log_limited(&limit, LOG_LEVEL_NOTICE, "%s peer %s %s, dropping it", protocols[p->socket->kind].name,
                    conn_peer(p->conn)->text, reason);
        conn_cut(p->conn, CONN_CUT);
        return 0;
}

static void peer_free(SpPeer *p)
{
        SpRequest *r;

        while ((r = LIST_FIRST(&p->requests))) {
                LIST_REMOVE(r, link);
                r->peer = NULL;
        }
        TAILQ_REMOVE(&p->socket->peers, p, link);
        if (p->ready)
                p->socket->stats.peers--;
        conn_free(p->conn);
        buffer_deinit(&p->body);
        free(p);
}

static void end(SpPeer *p, const char *reason)
{
        if (p->ready && p->socket->ops->on_gone)
                p->socket->ops->on_gone(p, reason, p->user);
        peer_free(p);
}

static void on_closed(Conn *c CX_UNUSED, ConnReason reason, void *user)
{
        SpPeer *p = user;

        end(p, p->reason ? p->reason : conn_reason_text(reason));
}

static bool resting(const SpPeer *p)
{
        return p->paused || p->n_requests >= p->socket->limits.requests_max || conn_is_closing(p->conn) ||
               conn_is_choked(p->conn);
}

/* How many bytes of @message are the words before the payload; 0: it is no request. */
static size_t trace_length(const SpSocket *s, Text message)
{
        for (size_t n = 4; n <= message.n && n <= 4 * ((size_t)s->limits.hops_max + 1); n += 4)
                if ((unsigned char)message.at[n - 4] & 0x80)
                        return n;
        return 0;
}

static void take_request(SpPeer *p, Text message)
{
        SpSocket *s = p->socket;
        size_t n = trace_length(s, message);
        SpRequest *r;

        if (n == 0) {
                (void)refuse(p, "sent a request without an id");
                return;
        }
        r = calloc(1, sizeof(*r));
        if (!r) {
                conn_cut(p->conn, CONN_MEMORY);
                return;
        }
        r->peer = p;
        r->n_trace = n;
        memcpy(r->trace, message.at, n);
        LIST_INSERT_HEAD(&p->requests, r, link);
        p->n_requests++;
        sp_pause_if_due(p);
        s->ops->on_request(r, p, p->skip_left ? TEXT_NULL : (Text){message.at + n, message.n - n}, p->user);
}

static void take_message(SpPeer *p, Text message)
{
        SpSocket *s = p->socket;

        s->stats.received++;
        if (s->kind == SP_REP)
                take_request(p, message);
        else
                s->ops->on_message(p, p->skip_left ? TEXT_NULL : message, p->user);
}

static size_t take_hello(SpPeer *p, const char *data, size_t n)
{
        SpSocket *s = p->socket;
        uint16_t protocol;

        if (n < HELLO_N)
                return 0;
        if (memcmp(data, "\0SP\0", 4) != 0 || data[6] != 0 || data[7] != 0)
                return refuse(p, "does not speak SP");
        memcpy(&protocol, data + 4, sizeof(protocol));
        if (be16toh(protocol) != protocols[s->kind].theirs)
                return refuse(p, "is of another protocol");
        p->hello = true;
        conn_set_deadline(p->conn, USEC_INFINITY);
        if (s->ops->on_peer && s->ops->on_peer(p, s->user, &p->user) < 0)
                return refuse(p, "is not allowed here");
        p->ready = true;
        s->stats.peers++;
        return HELLO_N;
}

/* Fills @body further, which holds the beginning of a message. */
static size_t take_body(SpPeer *p, const char *data, size_t n)
{
        size_t part = n < p->body_left ? n : p->body_left;

        buffer_append(&p->body, data, part);
        if (buffer_failed(&p->body)) {
                conn_cut(p->conn, CONN_MEMORY);
                return 0;
        }
        p->body_left -= part;
        if (p->body_left == 0) {
                take_message(p, buffer_text(&p->body));
                if (p->body.size > BODY_KEEP)
                        buffer_deinit(&p->body);
                else
                        buffer_reset(&p->body);
        }
        return part;
}

static size_t skip_rest(SpPeer *p, const char *data CX_UNUSED, size_t n)
{
        size_t part = n < p->skip_left ? n : p->skip_left;

        p->skip_left -= part;
        return part;
}

/* The start of a message: its length, and all of it if it is there. */
static size_t take_frame(SpPeer *p, const char *data, size_t n)
{
        size_t mark = conn_peer(p->conn)->is_unix ? 1 : 0;
        uint64_t length;

        if (p->socket->kind == SP_PUB)
                return refuse(p, "is a subscriber and sent something");
        if (mark && (unsigned char)data[0] != IPC_MARK)
                return refuse(p, "sent a frame of an unknown type");
        if (n < mark + sizeof(length))
                return 0;
        memcpy(&length, data + mark, sizeof(length));
        length = be64toh(length);
        if (length > SKIP_MAX)
                return refuse(p, "sent a message that is too long");
        if (length > p->socket->limits.message_max) {
                /* Who sent it is told, by the words before the payload. */
                p->body_left = sizeof(((SpRequest *)0)->trace);
                p->skip_left = (size_t)length - p->body_left;
                return mark + sizeof(length);
        }
        data += mark + sizeof(length);
        n -= mark + sizeof(length);
        if (n >= length) {
                take_message(p, (Text){data, (size_t)length});
                return mark + sizeof(length) + (size_t)length;
        }
        p->body_left = (size_t)length;
        return mark + sizeof(length);
}

/* A message that has begun must end within its time. */
static void watch_message(SpPeer *p, size_t n_left, size_t n_used, bool complete)
{
        bool partial = n_left > 0 || p->body_left > 0 || p->skip_left > 0;

        if (!partial || complete || resting(p)) {
                if (p->begun_at != USEC_INFINITY)
                        conn_set_deadline(p->conn, USEC_INFINITY);
                p->begun_at = USEC_INFINITY;
                p->begun_n = 0;
        }
        if (!partial || resting(p))
                return;
        if (p->begun_at == USEC_INFINITY)
                p->begun_at = loop_monotonic(p->socket->loop);
        else
                p->begun_n += n_used;
        conn_set_deadline(p->conn,
                          p->begun_at + p->socket->limits.message + (usec_t)p->begun_n * USEC_SEC / RATE);
}

static size_t on_data(Conn *c CX_UNUSED, const char *data, size_t n, void *user)
{
        SpPeer *p = user;
        size_t used = 0, part = 1;
        uint64_t before = p->socket->stats.received;

        if (!p->hello)
                used = take_hello(p, data, n);
        while (p->ready && part > 0 && used < n && !resting(p)) {
                part = (p->body_left > 0   ? take_body
                        : p->skip_left > 0 ? skip_rest
                                           : take_frame)(p, data + used, n - used);
                used += part;
        }
        if (p->ready)
                watch_message(p, n - used, used, p->socket->stats.received != before);
        return used;
}

static void on_drained(Conn *c CX_UNUSED, void *user)
{
        SpPeer *p = user;

        if (p->ready && p->socket->ops->on_room)
                p->socket->ops->on_room(p, p->user);
}

static const ConnOps conn_ops = {.on_data = on_data, .on_drained = on_drained, .on_closed = on_closed};

int sp_socket_new(SpSocket **ret, Loop *l, SpKind kind, const SpLimits *limits, const SpOps *ops,
                  void *socket_user)
{
        SpSocket *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        *s = (SpSocket){.loop = l, .kind = kind, .ops = ops, .user = socket_user, .out = BUFFER_NULL};
        if (limits)
                s->limits = *limits;
        sp_limits_fill(&s->limits);
        s->conn_limits = (ConnLimits){.out_high = s->limits.queue_max,
                                      .out_low = s->limits.queue_max / 4 + 1,
                                      .stall = s->limits.stall};
        s->conn_limits.out_max = kind == SP_REP ? OUT_MAX : s->limits.queue_max + HELLO_N;
        TAILQ_INIT(&s->peers);
        *ret = s;
        return 0;
}

SpSocket *sp_socket_free(SpSocket *s)
{
        SpPeer *p;

        if (!s)
                return NULL;
        while ((p = TAILQ_FIRST(&s->peers)))
                end(p, "the socket is closed");
        buffer_deinit(&s->out);
        free(s);
        return NULL;
}

static int peer_start(SpPeer *p, Accepted *a)
{
        SpSocket *s = p->socket;
        uint16_t protocol = htobe16(protocols[s->kind].ours);
        char hello[HELLO_N] = {0, 'S', 'P', 0};
        int r = conn_new(&p->conn, s->loop, a, &s->conn_limits, &conn_ops, p);

        if (r < 0)
                return r;
        conn_set_deadline(p->conn, loop_monotonic(s->loop) + s->limits.handshake);
        memcpy(hello + 4, &protocol, sizeof(protocol));
        return conn_write(p->conn, hello, sizeof(hello));
}

void sp_socket_accept(Accepted *a, void *user)
{
        static LogLimit limit;
        SpSocket *s = user;
        SpPeer *p = calloc(1, sizeof(*p));

        if (!p) {
                accepted_deinit(a);
                log_limited(&limit, LOG_LEVEL_ERR, "no memory for a new connection, closing it");
                return;
        }
        *p = (SpPeer){.socket = s, .body = BUFFER_NULL, .begun_at = USEC_INFINITY};
        LIST_INIT(&p->requests);
        TAILQ_INSERT_TAIL(&s->peers, p, link);
        if (peer_start(p, a) < 0) {
                peer_free(p);
                log_limited(&limit, LOG_LEVEL_ERR, "no memory for a new connection, closing it");
        }
}

void sp_socket_stats(const SpSocket *s, SpStats *ret)
{
        *ret = s->stats;
}

static SpPeer *first_ready(SpPeer *p)
{
        while (p && !p->ready)
                p = TAILQ_NEXT(p, link);
        return p;
}

SpPeer *sp_socket_first(SpSocket *s)
{
        return first_ready(TAILQ_FIRST(&s->peers));
}

SpPeer *sp_peer_next(SpPeer *p)
{
        return first_ready(TAILQ_NEXT(p, link));
}

const Peer *sp_peer_peer(const SpPeer *p)
{
        return conn_peer(p->conn);
}

uint64_t sp_peer_dropped(const SpPeer *p)
{
        return p->dropped;
}

void sp_peer_cut(SpPeer *p, const char *reason)
{
        if (!p->reason)
                p->reason = reason;
        conn_cut(p->conn, CONN_CUT);
}

void sp_peer_pause(SpPeer *p)
{
        p->paused = true;
        sp_pause_if_due(p);
}

void sp_peer_resume(SpPeer *p)
{
        p->paused = false;
        sp_pause_if_due(p);
}

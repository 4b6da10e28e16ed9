/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One connection, on a bufferevent.
 *
 * The happy path is: bytes arrive (bev_read), deliver() offers them to the owner, conn_write() queues the answer,
 * conn_close() lets it go out, shuts down our side, waits for the peer's end, and finish() has on_closed() called.
 * Possible failure modes are: each of ConnReason; all of them end in finish(), which only notes the reason and makes @tick
 * active: the owner hears of it from the loop and never out of its own call.
 *
 * Everything that depends on time is one event, @tick. It is armed for the earliest thing that may be due and looks at all
 * of them when it fires; activity only moves the times. libevent's own timeouts would start anew with every byte.
 *
 * bufferevent_free() keeps the descriptor until the loop's next turn; nothing here depends on when it closes.
 */

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/io/conn_private.h"
#include "daemon/io/conn_read.h"
#include "daemon/io/tls.h"

/* In one turn of the loop (READ_MAX: of TLS). A turn is to be short, and an answer is to go out in few of them. */
#define READ_MAX  ((size_t)64 * 1024)
#define WRITE_MAX ((size_t)256 * 1024)
/* Input that gathers while the owner takes nothing: some turns' work, for there may be a thousand senders. */
#define IN_PAUSED ((size_t)32 * 1024)
/* Bytes that buy another second for sending the rest. */
#define LINGER_RATE ((usec_t)8 * 1024)

static void release(Conn *c)
{
        if (c->tick)
                event_free(c->tick);
        if (c->readable)
                event_free(c->readable);
        if (c->bev)
                bufferevent_free(c->bev);
        c->from.fd = -1;
        accepted_deinit(&c->from);
        free(c);
}

/* False if @c is gone. */
static bool leave(Conn *c)
{
        if (--c->busy > 0 || !c->dead)
                return true;
        release(c);
        return false;
}

static void stop_reading(Conn *c)
{
        if (c->readable)
                event_del(c->readable);
        else
                bufferevent_disable(c->bev, EV_READ);
}

/* < 0: no memory. */
static int start_reading(Conn *c)
{
        return c->readable ? event_add(c->readable, NULL) : bufferevent_enable(c->bev, EV_READ);
}

void conn_finish(Conn *c, ConnReason reason)
{
        if (c->over)
                return;
        c->over = true;
        c->reason = reason;
        stop_reading(c);
        bufferevent_disable(c->bev, EV_WRITE);
        event_active(c->tick, EV_TIMEOUT, 1);
}

/* The earliest moment at which one of the times may be up. */
static usec_t due(const Conn *c)
{
        usec_t at = usec_min(c->deadline, c->linger_at);

        at = usec_min(at, usec_after(c->active_at, c->limits.idle));
        if (conn_unsent(c) > 0 && c->limits.stall != USEC_INFINITY)
                at = usec_min(at, c->sent_at + c->limits.stall / (c->queue_seen < 0 ? 2 : 1));
        return at;
}

void conn_arm(Conn *c)
{
        usec_t at = due(c), delay;
        struct timeval tv;

        if (c->over || at >= c->armed_for)
                return;
        delay = usec_max(0, usec_min(at - loop_monotonic(c->loop), USEC_DAY));
        tv = (struct timeval){.tv_sec = delay / USEC_SEC, .tv_usec = delay % USEC_SEC};
        if (event_add(c->tick, &tv) < 0)
                conn_finish(c, CONN_MEMORY);
        else
                c->armed_for = at;
}

void conn_touch_sent(Conn *c)
{
        c->active_at = c->sent_at = loop_monotonic(c->loop);
        c->sent_seen = c->queued - conn_unsent(c);
        c->queue_seen = -1;
}

/* All output is out: say so to the peer, and wait for the same from there. */
static void flushed(Conn *c)
{
        static const struct timeval soon = {.tv_usec = 10000};

        if (c->shut || c->over)
                return;
        /* The kernel may be full of the answer; until c->linger_at it is tried again. */
        if (c->from.tls && !tls_say_goodbye(c->bev)) {
                if (event_add(c->tick, &soon) < 0)
                        conn_finish(c, CONN_MEMORY);
                else
                        c->armed_for = 0;
                return;
        }
        c->shut = true;
        if (c->eof || shutdown(bufferevent_getfd(c->bev), SHUT_WR) < 0)
                conn_finish(c, CONN_CLOSED);
}

static bool may_deliver(const Conn *c)
{
        return !c->paused && !c->choked && !c->closing && !c->over && !c->dead;
}

/*
 * Reading stops by our own hand, and not by a high mark of the bufferevent: at its mark it calls bev_read() again and again,
 * as long as nobody takes anything, and setting one crashes without memory.
 */
static void set_reading(Conn *c)
{
        size_t n = evbuffer_get_length(bufferevent_get_input(c->bev));
        bool full = !c->closing && (n >= c->limits.in_high || (c->paused && n >= IN_PAUSED));

        if (c->over || c->dead || full == c->full)
                return;
        c->full = full;
        if (full)
                stop_reading(c);
        else if (start_reading(c) < 0)
                conn_finish(c, CONN_MEMORY);
}

/* Offers to the owner what it has not taken yet, and then the end. False if @c is gone. */
static bool deliver(Conn *c)
{
        struct evbuffer *in = bufferevent_get_input(c->bev);
        size_t n, used = 1;
        const char *data;

        c->busy++;
        while (used > 0 && may_deliver(c) && (n = evbuffer_get_length(in)) > 0) {
                data = (const char *)evbuffer_pullup(in, -1);
                if (!data) {
                        conn_finish(c, CONN_MEMORY);
                        break;
                }
                used = c->ops->on_data(c, data, n, c->user);
                if (!c->dead && evbuffer_drain(in, used) < 0)
                        conn_finish(c, CONN_ERROR);
        }
        if (may_deliver(c) && evbuffer_get_length(in) >= c->limits.in_high)
                conn_finish(c, CONN_OVERFLOW);
        if (may_deliver(c) && c->eof && !c->eof_told) {
                c->eof_told = true;
                n = evbuffer_get_length(in);
                data = n > 0 ? (const char *)evbuffer_pullup(in, -1) : "";
                if (!data)
                        conn_finish(c, CONN_MEMORY);
                else if (c->reset)
                        conn_finish(c, CONN_ERROR);
                else if (c->ops->on_eof)
                        c->ops->on_eof(c, data, n, c->user);
                else
                        conn_finish(c, CONN_EOF);
        }
        set_reading(c);
        if (c->broken && !c->resuming)
                conn_finish(c, CONN_ERROR);
        return leave(c);
}

static void bev_write(struct bufferevent *bev CX_UNUSED, void *user)
{
        Conn *c = user;

        if (c->over)
                return;
        conn_touch_sent(c);
        if (c->closing) {
                if (conn_unsent(c) == 0)
                        flushed(c);
                return;
        }
        c->busy++;
        if (c->ops->on_drained)
                c->ops->on_drained(c, c->user);
        if (!leave(c))
                return;
        if (c->choked && conn_unsent(c) <= c->limits.out_low) {
                c->choked = false;
                if (!deliver(c))
                        return;
        }
        conn_arm(c);
}

static void bev_event(struct bufferevent *bev, short what, void *user)
{
        Conn *c = user;

        if (what & BEV_EVENT_EOF && what & BEV_EVENT_READING) {
                c->eof = true;
                /* An error of what is written may be told together with it. */
                c->broken = c->broken || what & BEV_EVENT_ERROR;
                /* With TLS libevent stops writing, too, but the peer may still read. */
                if (c->from.tls && bufferevent_enable(bev, EV_WRITE) < 0)
                        conn_finish(c, CONN_MEMORY);
                if (!c->closing && !deliver(c))
                        return;
                if (c->shut || (c->closing && c->broken))
                        conn_finish(c, c->shut ? CONN_CLOSED : CONN_ERROR);
                conn_arm(c);
        } else if (what & (BEV_EVENT_ERROR | BEV_EVENT_EOF)) {
                c->broken = c->resuming && !c->closing;
                if (!c->broken)
                        conn_finish(c, c->shut ? CONN_CLOSED : CONN_ERROR);
        }
}

static void bev_read(struct bufferevent *bev, void *user)
{
        struct evbuffer *in = bufferevent_get_input(bev);
        Conn *c = user;

        c->active_at = loop_monotonic(c->loop);
        if (c->closing)
                (void)evbuffer_drain(in, evbuffer_get_length(in));
        else if (deliver(c))
                conn_arm(c);
}

/* What the bufferevent would do, and tell. */
static void on_readable(evutil_socket_t fd CX_UNUSED, short what CX_UNUSED, void *user)
{
        Conn *c = user;
        ssize_t n = conn_read(c->bev, c->brings_much);

        if (n > 0) {
                c->brings_much = (size_t)n >= READ_LITTLE;
                bev_read(c->bev, c);
        } else if (n == -ENOMEM) {
                conn_finish(c, CONN_MEMORY);
        } else if (n != -EAGAIN && n != -EINTR) {
                stop_reading(c);
                bev_event(c->bev, BEV_EVENT_READING | (n == 0 ? BEV_EVENT_EOF : BEV_EVENT_ERROR), c);
        }
}

/*
 * The kernel takes more only when a good part of its queue is free. What a slow reader takes is seen in that queue, which
 * is looked at half way to where it would be cut, and there.
 */
static void look_at_queue(Conn *c, usec_t now)
{
        usec_t stall = c->limits.stall;

        if (conn_unsent(c) == 0 || now < usec_after(c->sent_at, stall / (c->queue_seen < 0 ? 2 : 1)))
                return;
        if (conn_queue_shrinks(c))
                c->active_at = c->sent_at = now;
}

static void look_at_times(Conn *c)
{
        usec_t now = loop_monotonic(c->loop);

        if (c->queued - conn_unsent(c) != c->sent_seen)
                conn_touch_sent(c);
        if (c->limits.stall != USEC_INFINITY)
                look_at_queue(c, now);
        if (now >= c->deadline)
                conn_finish(c, CONN_DEADLINE);
        else if (now >= c->linger_at)
                conn_finish(c, c->shut ? CONN_CLOSED : CONN_STALLED);
        else if (conn_unsent(c) > 0 && now >= usec_after(c->sent_at, c->limits.stall))
                conn_finish(c, CONN_STALLED);
        else if (now >= usec_after(c->active_at, c->limits.idle))
                conn_finish(c, CONN_IDLE);
}

static void on_tick(evutil_socket_t fd CX_UNUSED, short what CX_UNUSED, void *user)
{
        Conn *c = user;

        if (c->over) {
                if (c->told)
                        return;
                c->told = true;
                event_del(c->tick);
                c->busy++;
                c->ops->on_closed(c, c->reason, c->user);
                leave(c);
                return;
        }
        /* event_active() does not disarm it. */
        event_del(c->tick);
        c->armed_for = USEC_INFINITY;
        if (c->resuming)
                c->paused = c->resuming = false;
        look_at_times(c);
        if (c->closing && conn_unsent(c) == 0)
                flushed(c);
        if (deliver(c))
                conn_arm(c);
}

static int start(Conn *c)
{
        int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
        struct event_base *base = loop_base(c->loop);

        c->tick = event_new(base, -1, 0, on_tick, c);
        if (!c->tick)
                return -ENOMEM;
        if (c->from.tls) {
                c->bev = tls_accept(c->from.tls, base, c->from.fd, options);
                c->from.fd = -1;
        } else {
                c->bev = bufferevent_socket_new(base, c->from.fd, options);
        }
        if (!c->bev)
                return -ENOMEM;
        c->from.fd = -1;
        bufferevent_setcb(c->bev, bev_read, bev_write, bev_event, c);
        bufferevent_setwatermark(c->bev, EV_WRITE, c->limits.out_low, 0);
        (void)bufferevent_set_max_single_read(c->bev, READ_MAX);
        (void)bufferevent_set_max_single_write(c->bev, WRITE_MAX);
        if (!c->from.tls) {
                c->readable =
                        event_new(base, bufferevent_getfd(c->bev), EV_READ | EV_PERSIST, on_readable, c);
                if (!c->readable)
                        return -ENOMEM;
        }
        if (bufferevent_enable(c->bev, EV_WRITE) < 0 || start_reading(c) < 0)
                return -EIO;
        conn_arm(c);
        return 0;
}

int conn_new(Conn **ret, Loop *loop, Accepted *a, const ConnLimits *limits, const ConnOps *ops, void *user)
{
        Conn *c = calloc(1, sizeof(*c));
        int r;

        if (!c) {
                accepted_deinit(a);
                return -ENOMEM;
        }
        *c = (Conn){.loop = loop, .ops = ops, .user = user, .from = *a};
        *a = ACCEPTED_NULL;
        c->from.peer.tls = c->from.tls != NULL;
        if (limits)
                c->limits = *limits;
        conn_limits_fill(&c->limits);
        c->deadline = c->linger_at = c->armed_for = USEC_INFINITY;
        c->active_at = loop_monotonic(loop);
        c->queue_seen = -1;
        r = start(c);
        if (r < 0) {
                int fd = c->from.fd;

                release(c);
                if (fd >= 0)
                        evutil_closesocket(fd);
                return r;
        }
        *ret = c;
        return 0;
}

Conn *conn_free(Conn *c)
{
        if (!c || c->dead)
                return NULL;
        if (c->busy > 0) {
                c->dead = true;
                c->told = true;
                c->over = true;
                event_del(c->tick);
                stop_reading(c);
                bufferevent_disable(c->bev, EV_WRITE);
        } else {
                release(c);
        }
        return NULL;
}

void conn_pause(Conn *c)
{
        c->paused = true;
        c->resuming = false;
}

void conn_resume(Conn *c)
{
        static const struct timeval next_round = {0};

        if (!c->paused || c->resuming || c->over)
                return;
        if (c->busy == 0) {
                c->paused = false;
                event_active(c->tick, EV_TIMEOUT, 1);
                return;
        }
        /* By the owner that paused it for this piece of input. After each piece it is the turn of the others. */
        c->resuming = true;
        if (event_add(c->tick, &next_round) < 0)
                conn_finish(c, CONN_MEMORY);
        else
                c->armed_for = 0;
}

void conn_set_deadline(Conn *c, usec_t at)
{
        c->deadline = at;
        conn_arm(c);
}

void conn_close(Conn *c)
{
        /* Who reads, if slowly, gets all. */
        conn_close_within(c, usec_after(c->limits.linger, (usec_t)conn_unsent(c) / LINGER_RATE * USEC_SEC));
}

void conn_close_within(Conn *c, usec_t linger)
{
        struct evbuffer *in = bufferevent_get_input(c->bev);

        if (c->closing || c->over)
                return;
        c->closing = true;
        c->deadline = USEC_INFINITY;
        c->linger_at = usec_after(loop_monotonic(c->loop), linger);
        /* Inside on_data() the input is still looked at; deliver() drains what was taken of it. */
        if (c->busy == 0)
                (void)evbuffer_drain(in, evbuffer_get_length(in));
        bufferevent_setwatermark(c->bev, EV_WRITE, 0, 0);
        set_reading(c);
        if (conn_unsent(c) == 0)
                flushed(c);
        conn_arm(c);
}

void conn_cut(Conn *c, ConnReason reason)
{
        conn_finish(c, reason);
}

bool conn_is_closing(const Conn *c)
{
        return c->closing || c->over;
}

const Peer *conn_peer(const Conn *c)
{
        return &c->from.peer;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/io/conn_private.h"

int conn_write(Conn *c, const void *data, size_t n)
{
        size_t unsent = conn_unsent(c);

        if (c->closing || c->over)
                return -EPIPE;
        if (n > c->limits.out_max || unsent > c->limits.out_max - n) {
                conn_finish(c, CONN_OVERFLOW);
                return -ENOBUFS;
        }
        /* The time for taking it starts now if nothing else was waiting. */
        if (unsent == 0)
                conn_touch_sent(c);
        if (bufferevent_write(c->bev, data, n) < 0) {
                conn_finish(c, CONN_MEMORY);
                return -ENOMEM;
        }
        c->queued += n;
        if (unsent + n > c->limits.out_high)
                c->choked = true;
        conn_arm(c);
        return 0;
}

/*
 * What of it the kernel takes; the bufferevent finds out what is wrong if it takes none. But the kernel tells of a reset only
 * once: who reads behind that finds an end.
 */
static size_t send_now(Conn *c, const void *data, size_t n)
{
        ssize_t k;

        if (c->from.tls || conn_unsent(c) > 0)
                return 0;
        k = send(bufferevent_getfd(c->bev), data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        c->reset = c->reset || (k < 0 && errno == ECONNRESET);
        return k > 0 ? (size_t)k : 0;
}

int conn_write_now(Conn *c, const void *data, size_t n)
{
        size_t sent = c->closing || c->over ? 0 : send_now(c, data, n);

        if (sent) {
                c->queued += sent;
                conn_touch_sent(c);
        }
        return n > sent ? conn_write(c, (const char *)data + sent, n - sent) : 0;
}

bool conn_queue_shrinks(Conn *c)
{
        int before = c->queue_seen, n;

        if (ioctl(bufferevent_getfd(c->bev), SIOCOUTQ, &n) < 0)
                return false;
        c->queue_seen = n;
        return n < before;
}

size_t conn_unsent(const Conn *c)
{
        return evbuffer_get_length(bufferevent_get_output(c->bev));
}

bool conn_is_choked(const Conn *c)
{
        return c->choked;
}

/* SPDX-License-Identifier: Apache-2.0 */

/* What goes out to SP peers, and what is known of the room for it. */

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/io/sp_private.h"

void sp_pause_if_due(SpPeer *p)
{
        if (p->paused || p->n_requests >= p->socket->limits.requests_max)
                conn_pause(p->conn);
        else
                conn_resume(p->conn);
}

/* Sends or queues one message of two parts. */
static int send_parts(SpPeer *p, Text first, Text second)
{
        uint64_t length = htobe64((uint64_t)first.n + second.n);
        Buffer *b = &p->socket->out;
        int r = -ENOMEM;

        buffer_reset(b);
        if (conn_peer(p->conn)->is_unix)
                buffer_append_char(b, IPC_MARK);
        buffer_append(b, &length, sizeof(length));
        buffer_append_text(b, first);
        buffer_append_text(b, second);
        if (buffer_failed(b))
                conn_cut(p->conn, CONN_MEMORY);
        else
                r = conn_write_now(p->conn, b->data, b->n);
        if (b->size > BODY_KEEP)
                buffer_deinit(b);
        p->socket->stats.sent += r == 0;
        return r;
}

/* Of the queue, by a message of @n bytes. */
static size_t needed(size_t n)
{
        return n + 1 + sizeof(uint64_t);
}

bool sp_has_room(const SpPeer *p, size_t n)
{
        size_t max = p->socket->limits.queue_max;

        return needed(n) > max || conn_unsent(p->conn) + needed(n) <= max;
}

size_t sp_unsent(const SpPeer *p)
{
        return conn_unsent(p->conn);
}

void sp_drop(SpPeer *p)
{
        p->dropped++;
        p->socket->stats.dropped++;
}

int sp_send(SpPeer *p, Text message)
{
        int r;

        if (conn_is_closing(p->conn))
                return 0; /* on_gone() is on its way */
        if (conn_unsent(p->conn) + needed(message.n) > p->socket->limits.queue_max) {
                sp_drop(p);
                return SP_E_FULL;
        }
        r = send_parts(p, message, TEXT_NULL);
        return r == -EPIPE ? 0 : r;
}

void sp_reply(SpRequest *r, Text reply)
{
        /* What fails here ends the peer, and the request with it. */
        if (r->peer)
                (void)send_parts(r->peer, (Text){r->trace, r->n_trace}, reply);
        sp_request_free(r);
}

SpRequest *sp_request_free(SpRequest *r)
{
        SpPeer *p;

        if (!r)
                return NULL;
        p = r->peer;
        if (p) {
                LIST_REMOVE(r, link);
                p->n_requests--;
                sp_pause_if_due(p);
        }
        free(r);
        return NULL;
}

SpPeer *sp_request_peer(const SpRequest *r)
{
        return r->peer;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <sys/socket.h>

#include "daemon/io/conn_read.h"

/* About what one client's lines are handled of in one turn (lines.c). With what libevent adds, a power of two: it takes one. */
#define READ_MOST ((size_t)16 * 1024 - 64)
/* Where so much waits already: so that it grows, but slowly. */
#define READ_LEAST ((size_t)4 * 1024)

static size_t room_for_much(size_t waiting)
{
        return waiting + READ_LEAST < READ_MOST ? READ_MOST - waiting : READ_LEAST;
}

ssize_t conn_read(struct bufferevent *bev, bool much)
{
        struct evbuffer *in = bufferevent_get_input(bev);
        size_t n = much ? room_for_much(evbuffer_get_length(in)) : READ_LITTLE;
        struct evbuffer_iovec v;
        ssize_t k = -ENOMEM;

        /* The bufferevent lets nobody else append. */
        (void)evbuffer_unfreeze(in, 0);
        if (evbuffer_reserve_space(in, (ev_ssize_t)n, &v, 1) == 1) {
                k = recv(bufferevent_getfd(bev), v.iov_base, n, MSG_DONTWAIT);
                if (k < 0)
                        k = -errno;
                v.iov_len = k > 0 ? (size_t)k : 0;
                (void)evbuffer_commit_space(in, &v, 1);
        }
        (void)evbuffer_freeze(in, 0);
        return k;
}

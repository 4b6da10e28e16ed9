/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <sys/socket.h>

#include "daemon/io/conn_read.h"

/* What the bufferevent takes: with less the kernel has no more. */
#define READ_FIRST ((size_t)4 * 1024)
/* About what one client's lines are handled of in one turn (lines.c). */
#define READ_MOST ((size_t)16 * 1024)

static int read_into(struct evbuffer *in, int fd, size_t n)
{
        struct evbuffer_iovec v;
        ssize_t k;
        int error;

        if (evbuffer_reserve_space(in, (ev_ssize_t)n, &v, 1) < 1)
                return 0; /* without memory it comes as before */
        k = recv(fd, v.iov_base, n, MSG_DONTWAIT);
        error = errno;
        v.iov_len = k > 0 ? (size_t)k : 0;
        (void)evbuffer_commit_space(in, &v, 1);
        return k >= 0 || error == EAGAIN || error == EINTR ? 0 : -error;
}

int conn_read_more(struct bufferevent *bev)
{
        struct evbuffer *in = bufferevent_get_input(bev);
        size_t n = evbuffer_get_length(in);
        int r;

        if (n < READ_FIRST || n >= READ_MOST)
                return 0;
        /* The bufferevent lets nobody else append. */
        (void)evbuffer_unfreeze(in, 0);
        r = read_into(in, bufferevent_getfd(bev), READ_MOST - n);
        (void)evbuffer_freeze(in, 0);
        return r;
}

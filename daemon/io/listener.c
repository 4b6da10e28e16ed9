/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Listening sockets.
 *
 * The happy path is: socket, bind, listen (or an inherited descriptor), then libevent accepts and each
 * connection is handed over together with who it is. Possible failure modes are: the path is taken; no
 * descriptors or memory when accepting (it rests, since the kernel would report the same readiness again at
 * once); a limit is reached; the peer has gone before it was looked at (closed without a word).
 */

#include <errno.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/io/listener.h"
#include "daemon/io/log.h"
#include "daemon/io/tls.h"
#include "proto/base/plant.h"

#define BACKLOG 4096
#define REST    (100 * USEC_MSEC)
/* libevent accepts as long as anybody comes; after so many others have their turn. */
#define AT_ONCE 32

struct Listener {
        struct evconnlistener *ev; /* NULL: stopped */
        LoopTimer *rest;
        Address address;
        ConnCap *cap;
        Tls *tls;
        ListenerFn fn;
        void *user;
        ListenerStats stats;
        unsigned n_row;  /* accepted without a rest */
        bool bound_path; /* the file at the path is the one that we made ... */
        dev_t dev;       /* ... and it is this one */
        ino_t ino;
};

void accepted_deinit(Accepted *a)
{
        if (a->fd >= 0)
                close(a->fd);
        if (a->cap)
                conn_cap_give(a->cap);
        tls_unref(a->tls);
        *a = ACCEPTED_NULL;
}

/* Beyond what a peer has room for. */
#define UNSENT_IN_KERNEL (64 * 1024)

static void set_socket_options(int fd)
{
        int on = 1, unsent = UNSENT_IN_KERNEL;

        /*
         * Answers are written whole; a dead peer is found by the kernel; the kernel does not take megabytes for a peer
         * that reads nothing, which would hide for minutes that it does not. None is worth failing for.
         */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void on_accept(struct evconnlistener *ev, evutil_socket_t fd, struct sockaddr *from CX_UNUSED,
                      int n CX_UNUSED, void *user)
{
        static LogLimit limit;
        char text[ADDRESS_TEXT_MAX];
        Listener *l = user;
        Accepted a = {.fd = (int)fd};

        if (++l->n_row >= AT_ONCE && loop_timer_after(l->rest, 0) == 0)
                evconnlistener_disable(ev);
        if (!conn_cap_take(l->cap)) {
                l->stats.refused++;
                close(fd);
                log_limited(&limit, LOG_LEVEL_WARNING,
                            "listener %s has too many connections, closing a new one",
                            address_format(&l->address, text));
                return;
        }
        a.cap = l->cap;
        if (peer_of_fd(a.fd, &a.peer) < 0) {
                accepted_deinit(&a);
                return;
        }
        if (!a.peer.is_unix)
                set_socket_options(a.fd);
        l->stats.accepted++;
        a.tls = tls_ref(l->tls);
        l->fn(&a, l->user);
        /* Careful: @l might be gone here. */
}

static void on_error(struct evconnlistener *ev, void *user)
{
        static LogLimit limit;
        char text[ADDRESS_TEXT_MAX];
        Listener *l = user;
        int error = errno;

        l->stats.errors++;
        log_limited(&limit, LOG_LEVEL_WARNING, "listener %s cannot accept: %s, resting for 100 ms",
                    address_format(&l->address, text), strerror(error));
        /* Without the timer it would rest for ever; then rather ask the kernel again at once. */
        if (loop_timer_after(l->rest, REST) == 0 && !PLANTED("no-rest-without-descriptors"))
                evconnlistener_disable(ev);
}

/* Now, or after a rest if there is no memory for it. */
static int accept_on(Listener *l)
{
        return evconnlistener_enable(l->ev) == 0 ? 0 : loop_timer_after(l->rest, REST);
}

static void on_rested(void *user)
{
        char text[ADDRESS_TEXT_MAX];
        Listener *l = user;

        l->n_row = 0;
        if (l->ev && accept_on(l) < 0)
                log_err("listener %s is out of memory and stays closed", address_format(&l->address, text));
}

/* Removes the file of a socket that nobody serves any more. 0: the path is free. */
static int clear_path(const Address *a)
{
        const char *path = address_path(a);
        struct stat st;
        int fd, r;

        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EADDRINUSE;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        r = connect(fd, (const struct sockaddr *)&a->sockaddr, a->n) < 0 ? errno : 0;
        close(fd);
        if (r != ECONNREFUSED)
                return r == ENOENT ? 0 : -EADDRINUSE;
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_unix(Listener *l, int fd, const ListenerConfig *config)
{
        const char *path = address_path(&config->address);
        mode_t mode = config->mode ? config->mode : 0600;
        struct stat st;
        int r;

        l->address = config->address;
        r = clear_path(&config->address);
        if (r < 0)
                return r;
        /* The file takes the mode of the descriptor: closed to others until it has its group. */
        if (fchmod(fd, 0600) < 0 ||
            bind(fd, (const struct sockaddr *)&config->address.sockaddr, config->address.n) < 0)
                return -errno;
        if (lstat(path, &st) < 0)
                return -errno;
        l->bound_path = true;
        l->dev = st.st_dev;
        l->ino = st.st_ino;
        if (config->gid != (gid_t)-1 && lchown(path, (uid_t)-1, config->gid) < 0)
                return -errno;
        return chmod(path, mode) < 0 ? -errno : 0;
}

static int bind_ip(int fd, const Address *a)
{
        int only = !a->any, on = 1;

        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
                return -errno;
        if (a->sockaddr.ss_family == AF_INET6 &&
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0)
                return -errno;
        return bind(fd, (const struct sockaddr *)&a->sockaddr, a->n) < 0 ? -errno : 0;
}

static int open_socket(Address *a)
{
        int fd = socket(a->sockaddr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (fd < 0 && errno == EAFNOSUPPORT && a->any) {
                struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)address_port(a))};

                *a = (Address){.n = sizeof(in)};
                memcpy(&a->sockaddr, &in, sizeof(in));
                fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        }
        return fd < 0 ? -errno : fd;
}

static int bind_new(Listener *l, const ListenerConfig *config)
{
        ListenerConfig c = *config;
        int fd, r;

        fd = open_socket(&c.address);
        if (fd < 0)
                return fd;
        r = address_is_unix(&c.address) ? bind_unix(l, fd, &c) : bind_ip(fd, &c.address);
        if (r == 0 && listen(fd, BACKLOG) < 0)
                r = -errno;
        if (r == 0)
                r = address_of_fd(fd, &l->address);
        if (r < 0) {
                close(fd);
                return r;
        }
        l->address.any = c.address.any;
        return fd;
}

/* Of IPv4, too. */
static bool is_for_any(int fd, const Address *a)
{
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->sockaddr;
        int only = 1;
        socklen_t n = sizeof(only);

        return in6->sin6_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr) &&
               getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &n) == 0 && !only;
}

static int check_inherited(Listener *l, int fd)
{
        int listens = 0, flags, r;
        socklen_t n = sizeof(listens);

        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) < 0 || !listens)
                return -EINVAL;
        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;
        r = address_of_fd(fd, &l->address);
        if (r == 0)
                l->address.any = is_for_any(fd, &l->address);
        return r;
}

static int start(Listener *l, Loop *loop, const ListenerConfig *config)
{
        int fd = config->fd, r;

        r = conn_cap_new(&l->cap, config->max, config->total);
        if (r < 0)
                return r;
        r = loop_timer_new(&l->rest, loop, on_rested, l);
        if (r < 0)
                return r;
        if (fd >= 0) {
                r = check_inherited(l, fd);
                if (r < 0)
                        return r;
        } else {
                fd = bind_new(l, config);
                if (fd < 0)
                        return fd;
        }
        /* By itself it would not say when it cannot be enabled. */
        l->ev = evconnlistener_new(loop_base(loop), on_accept, l,
                                   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_DISABLED, 0, fd);
        if (!l->ev) {
                if (config->fd < 0)
                        close(fd);
                return -ENOMEM;
        }
        evconnlistener_set_error_cb(l->ev, on_error);
        return accept_on(l);
}

int listener_new(Listener **ret, Loop *loop, const ListenerConfig *config, ListenerFn fn, void *user)
{
        Listener *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        l->fn = fn;
        l->user = user;
        l->tls = tls_ref(config->tls);
        r = start(l, loop, config);
        if (r < 0) {
                listener_free(l);
                return r;
        }
        *ret = l;
        return 0;
}

void listener_stop(Listener *l)
{
        struct stat st;

        if (l->rest)
                loop_timer_cancel(l->rest);
        if (l->ev)
                evconnlistener_free(l->ev);
        l->ev = NULL;
        if (l->bound_path && lstat(address_path(&l->address), &st) == 0 && st.st_dev == l->dev &&
            st.st_ino == l->ino)
                unlink(address_path(&l->address));
        l->bound_path = false;
}

Listener *listener_free(Listener *l)
{
        if (!l)
                return NULL;
        listener_stop(l);
        loop_timer_free(l->rest);
        conn_cap_unref(l->cap);
        tls_unref(l->tls);
        free(l);
        return NULL;
}

const Address *listener_address(const Listener *l)
{
        return &l->address;
}

void listener_stats(const Listener *l, ListenerStats *ret)
{
        *ret = l->stats;
        ret->open = conn_cap_count(l->cap);
}

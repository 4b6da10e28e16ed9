/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/un.h>

#include "daemon/io/address.h"

typedef union SockaddrView {
        struct sockaddr_storage storage;
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
} SockaddrView;

/* A copy, so that no pointer of one type looks at an object of another. */
static SockaddrView view(const Address *a)
{
        return (SockaddrView){.storage = a->sockaddr};
}

CX_PRINTF(2, 3) static int refuse(char *reason, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(reason, ADDRESS_REASON_MAX, format, args);
        va_end(args);
        return -EINVAL;
}

static bool strip(Text *t, const char *prefix)
{
        size_t n = strlen(prefix);

        if (t->n < n || memcmp(t->at, prefix, n) != 0)
                return false;
        t->at += n;
        t->n -= n;
        return true;
}

static int parse_path(Address *ret, Text path, char *reason)
{
        SockaddrView v = {0};

        if (path.n == 0 || path.at[0] != '/')
                return refuse(reason, "a socket's path must be absolute: unix:///run/cxd/cxd.sock");
        if (path.n >= sizeof(v.un.sun_path))
                return refuse(reason, "a socket's path may have at most %zu bytes, this one has %zu",
                              sizeof(v.un.sun_path) - 1, path.n);
        if (memchr(path.at, 0, path.n))
                return refuse(reason, "a path cannot hold a NUL byte");
        v.un.sun_family = AF_UNIX;
        memcpy(v.un.sun_path, path.at, path.n);
        *ret = (Address){.sockaddr = v.storage,
                         .n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1)};
        return 0;
}

static int parse_port(Text t, in_port_t *ret, char *reason)
{
        unsigned port = 0;

        if (t.n == 0 || t.n > 5)
                return refuse(reason, "a port is needed, 0 to 65535: tcp://127.0.0.1:8480");
        for (size_t i = 0; i < t.n; i++) {
                if (t.at[i] < '0' || t.at[i] > '9')
                        return refuse(reason, "the port is not a number: " TEXT_FMT, TEXT_ARG(t));
                port = port * 10 + (unsigned)(t.at[i] - '0');
        }
        if (port > 65535)
                return refuse(reason, "a port is at most 65535, not " TEXT_FMT, TEXT_ARG(t));
        *ret = htons((uint16_t)port);
        return 0;
}

static int parse_tcp(Address *ret, Text t, char *reason)
{
        const char *colon = memrchr(t.at ? t.at : "", ':', t.n);
        char host[INET6_ADDRSTRLEN] = "";
        SockaddrView v = {0};
        in_port_t port = 0;
        bool any, brackets;
        Text name;
        int r;

        if (!colon)
                return refuse(reason, "a port is needed: tcp://127.0.0.1:8480");
        name = (Text){t.at, (size_t)(colon - t.at)};
        r = parse_port((Text){colon + 1, t.n - name.n - 1}, &port, reason);
        if (r < 0)
                return r;
        any = text_is(name, "*");
        brackets = name.n >= 2 && name.at[0] == '[' && name.at[name.n - 1] == ']';
        if (brackets)
                name = (Text){name.at + 1, name.n - 2};
        if (text_is(name, "localhost") && !brackets)
                name = TEXT("127.0.0.1");
        if (name.n < sizeof(host) && name.n > 0 && !memchr(name.at, 0, name.n))
                memcpy(host, name.at, name.n);
        if (any || (brackets && inet_pton(AF_INET6, host, &v.in6.sin6_addr) == 1)) {
                v.in6.sin6_family = AF_INET6; /* "any" is all zeroes */
                v.in6.sin6_port = port;
                *ret = (Address){.sockaddr = v.storage, .n = sizeof(v.in6), .any = any};
                return 0;
        }
        if (!brackets && inet_pton(AF_INET, host, &v.in.sin_addr) == 1) {
                v.in.sin_family = AF_INET;
                v.in.sin_port = port;
                *ret = (Address){.sockaddr = v.storage, .n = sizeof(v.in)};
                return 0;
        }
        return refuse(reason,
                      "the host must be an IPv4 address, an IPv6 address in brackets, localhost or *, "
                      "not " TEXT_FMT,
                      TEXT_ARG(name));
}

int address_parse(Address *ret, Text t, char reason[ADDRESS_REASON_MAX])
{
        if (strip(&t, "unix://") || strip(&t, "ipc://"))
                return parse_path(ret, t, reason);
        if (strip(&t, "tcp://"))
                return parse_tcp(ret, t, reason);
        return refuse(reason, "an address begins with tcp://, unix:// or ipc://, not " TEXT_FMT, TEXT_ARG(t));
}

static int address_of(int fd, bool peer, Address *ret)
{
        SockaddrView v = {0};
        socklen_t n = sizeof(v);

        if ((peer ? getpeername(fd, &v.any, &n) : getsockname(fd, &v.any, &n)) < 0)
                return -errno;
        if (v.any.sa_family != AF_INET && v.any.sa_family != AF_INET6 && v.any.sa_family != AF_UNIX)
                return -EAFNOSUPPORT;
        if (n > sizeof(v))
                n = sizeof(v);
        if (v.any.sa_family == AF_UNIX && peer) {
                /* What a client may have bound itself to says nothing about it. */
                v = (SockaddrView){.un.sun_family = AF_UNIX};
                n = sizeof(sa_family_t);
        }
        *ret = (Address){.sockaddr = v.storage, .n = n};
        return 0;
}

int address_of_fd(int fd, Address *ret)
{
        return address_of(fd, false, ret);
}

int address_of_peer(int fd, Address *ret)
{
        return address_of(fd, true, ret);
}

bool address_is_unix(const Address *a)
{
        return a->sockaddr.ss_family == AF_UNIX;
}

static bool ipv4_is_loopback(uint32_t network_order)
{
        return ntohl(network_order) >> 24 == 127;
}

bool address_is_loopback(const Address *a)
{
        SockaddrView v = view(a);
        uint32_t mapped;

        switch (a->sockaddr.ss_family) {
        case AF_UNIX:
                return true;
        case AF_INET:
                return ipv4_is_loopback(v.in.sin_addr.s_addr);
        case AF_INET6:
                memcpy(&mapped, v.in6.sin6_addr.s6_addr + 12, sizeof(mapped));
                return IN6_IS_ADDR_LOOPBACK(&v.in6.sin6_addr) ||
                       (IN6_IS_ADDR_V4MAPPED(&v.in6.sin6_addr) && ipv4_is_loopback(mapped));
        default:
                return false;
        }
}

unsigned address_port(const Address *a)
{
        SockaddrView v = view(a);

        if (a->sockaddr.ss_family == AF_INET)
                return ntohs(v.in.sin_port);
        if (a->sockaddr.ss_family == AF_INET6)
                return ntohs(v.in6.sin6_port);
        return 0;
}

const char *address_path(const Address *a)
{
        /* sockaddr_storage is longer than sockaddr_un and was zeroed, so that the path ends with a NUL. */
        if (!address_is_unix(a) || a->n <= offsetof(struct sockaddr_un, sun_path))
                return "";
        return (const char *)&a->sockaddr + offsetof(struct sockaddr_un, sun_path);
}

char *address_format(const Address *a, char ret[ADDRESS_TEXT_MAX])
{
        SockaddrView v = view(a);
        char host[INET6_ADDRSTRLEN] = "";

        switch (a->sockaddr.ss_family) {
        case AF_UNIX:
                snprintf(ret, ADDRESS_TEXT_MAX, "unix://%s", address_path(a));
                break;
        case AF_INET:
                inet_ntop(AF_INET, &v.in.sin_addr, host, sizeof(host));
                snprintf(ret, ADDRESS_TEXT_MAX, "tcp://%s:%u", host, address_port(a));
                break;
        case AF_INET6:
                inet_ntop(AF_INET6, &v.in6.sin6_addr, host, sizeof(host));
                if (a->any)
                        snprintf(ret, ADDRESS_TEXT_MAX, "tcp://*:%u", address_port(a));
                else
                        snprintf(ret, ADDRESS_TEXT_MAX, "tcp://[%s]:%u", host, address_port(a));
                break;
        default:
                snprintf(ret, ADDRESS_TEXT_MAX, "?");
        }
        return ret;
}

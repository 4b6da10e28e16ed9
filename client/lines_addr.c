/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/lines_addr.h"

#define CONNECT_MSEC 5000

static int connect_one(int family, const struct sockaddr *to, socklen_t n, int *ret)
{
        int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0;
        socklen_t size = sizeof(error);

        if (fd < 0)
                return -errno;
        if (connect(fd, to, n) < 0) {
                error = errno;
                if (error == EINPROGRESS) {
                        struct pollfd p = {.fd = fd, .events = POLLOUT};

                        if (poll(&p, 1, CONNECT_MSEC) <= 0)
                                error = ETIMEDOUT;
                        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                                error = errno;
                }
        }
        if (error) {
                close(fd);
                return -error;
        }
        *ret = fd;
        return 0;
}

static int connect_unix(const char *path, int *ret)
{
        struct sockaddr_un sun = {.sun_family = AF_UNIX};

        if (strlen(path) >= sizeof(sun.sun_path))
                return -ENAMETOOLONG;
        memcpy(sun.sun_path, path, strlen(path) + 1);
        return connect_one(AF_UNIX, (const struct sockaddr *)&sun, sizeof(sun), ret);
}

static int connect_tcp(const char *host_port, int *ret)
{
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
        const char *colon = strrchr(host_port, ':'), *host = host_port;
        char name[256];
        size_t n;
        int r = -EINVAL;

        if (!colon || !colon[1])
                return -EINVAL;
        n = (size_t)(colon - host);
        if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
                host++;
                n -= 2;
        }
        if (n == 0 || n >= sizeof(name))
                return -EINVAL;
        memcpy(name, host, n);
        name[n] = '\0';
        if (getaddrinfo(name, colon + 1, &hints, &list) != 0)
                return -EHOSTUNREACH;
        for (struct addrinfo *a = list; a; a = a->ai_next) {
                r = connect_one(a->ai_family, a->ai_addr, a->ai_addrlen, ret);
                if (r == 0)
                        break;
        }
        freeaddrinfo(list);
        return r;
}

int lines_connect(const char *address, int *ret)
{
        if (strncmp(address, "unix:///", 8) == 0)
                return connect_unix(address + 7, ret);
        if (strncmp(address, "unix:", 5) == 0 && address[5])
                return connect_unix(address + 5, ret);
        if (strncmp(address, "tcp://", 6) == 0)
                return connect_tcp(address + 6, ret);
        return -EINVAL;
}

int lines_say_unreachable(const Ctl *ctl, const char *address, int error)
{
        if (error == -EINVAL)
                return ctl_usage(ctl,
                                 "--lines: \"%s\" is no address; right are unix:/run/cxd/lines.sock and "
                                 "tcp://127.0.0.1:7480",
                                 address);
        ctl_error(ctl, "no daemon takes surveys at %s: %s", address, strerror(-error));
        if (error == -EACCES)
                ctl_error(ctl, "your user may not open that socket; ask for the group of cxd, or try sudo");
        else
                ctl_error(ctl, "is it running? try: systemctl status cxd; elsewhere: --lines unix:PATH, "
                               "--lines tcp://HOST:PORT, CXCTL_LINES, or --http");
        return CTL_UNREACHABLE;
}

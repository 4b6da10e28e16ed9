/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/text.h"
#include "tests/bench/bench_tool.h"

void tool_die(const char *what)
{
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
        exit(1);
}

static double read_clock(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double tool_seconds(void)
{
        return read_clock(CLOCK_MONOTONIC);
}

double tool_cpu_seconds(void)
{
        return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void tool_sleep_until(double seconds)
{
        struct timespec t = {.tv_sec = (time_t)seconds};

        t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
                ;
}

double tool_number(const char *text, double min, double max)
{
        double value = 0;

        if (text_to_double(text_of(text), &value) < 0 || value < min || value > max)
                tool_die("a number is wrong");
        return value;
}

static int connect_to(int family, const struct sockaddr *to, socklen_t n)
{
        int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, to, n) < 0)
                tool_die("cannot connect");
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
                tool_die("cannot make a socket non-blocking");
        return fd;
}

int tool_connect_tcp(uint16_t port)
{
        const struct sockaddr_in to = {
                .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
        int fd = connect_to(AF_INET, (const struct sockaddr *)&to, sizeof(to)), one = 1;

        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        return fd;
}

int tool_connect_unix(const char *path)
{
        struct sockaddr_un to = {.sun_family = AF_UNIX};

        if (strlen(path) >= sizeof(to.sun_path))
                tool_die("the path of a socket is too long");
        memcpy(to.sun_path, path, strlen(path) + 1);
        return connect_to(AF_UNIX, (const struct sockaddr *)&to, sizeof(to));
}

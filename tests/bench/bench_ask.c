/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Asks for the same path over and over on one HTTP connection to a Unix socket.
 *
 * usage: bench-ask SOCKET PATH SECONDS RATE
 *
 * RATE is in requests per second, 0 for one right behind the other. Prints "asked" (requests per second), "bytes" (of
 * the last answer), and "answer_p50", "answer_p99" and "answer_max" in microseconds. Anything but status 200 ends it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/buffer.h"
#include "tests/bench/bench_samples.h"
#include "tests/bench/bench_tool.h"

/* Reads until there are @n bytes, and, with @n 0, until the header is complete. */
static void read_until(int fd, Buffer *in, size_t n)
{
        while (n ? in->n < n : !(in->n && memmem(in->data, in->n, "\r\n\r\n", 4))) {
                char *at = buffer_reserve(in, 65536);
                ssize_t got = at ? recv(fd, at, 65536, 0) : -1;

                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        tool_die("the answer broke off");
                in->n += (size_t)got;
        }
}

/* Returns the length of the body. */
static size_t ask(int fd, const char *request, Buffer *in)
{
        const char *length;
        size_t n_head, n_body;

        buffer_reset(in);
        if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
                tool_die("cannot ask");
        read_until(fd, in, 0);
        if (strncmp(buffer_str(in), "HTTP/1.1 200 ", 13) != 0)
                tool_die(buffer_str(in));
        length = strcasestr(buffer_str(in), "\r\nContent-Length:");
        if (!length)
                tool_die("the answer has no length");
        n_body = strtoull(length + 17, NULL, 10);
        n_head = (size_t)((const char *)memmem(in->data, in->n, "\r\n\r\n", 4) - in->data) + 4;
        read_until(fd, in, n_head + n_body);
        return n_body;
}

int main(int argc, char **argv)
{
        Samples samples = SAMPLES_NULL;
        Buffer request = BUFFER_NULL, in = BUFFER_NULL;
        double limit, rate, start, next;
        size_t n_bytes = 0;
        int fd;

        if (argc != 5) {
                fprintf(stderr, "usage: bench-ask SOCKET PATH SECONDS RATE\n");
                return 2;
        }
        limit = tool_number(argv[3], 0.001, 3600);
        rate = tool_number(argv[4], 0, 1e6);
        buffer_append_format(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[2]);
        if (!buffer_str(&request))
                tool_die("no memory");
        fd = tool_connect_unix(argv[1]);
        if (fcntl(fd, F_SETFL, 0) < 0)
                tool_die("cannot make a socket blocking");
        start = next = tool_seconds();
        while (next - start < limit) {
                double before;

                tool_sleep_until(next);
                before = tool_seconds();
                n_bytes = ask(fd, buffer_str(&request), &in);
                samples_add(&samples, tool_seconds() - before);
                next = rate > 0 && next + 1 / rate > tool_seconds() ? next + 1 / rate : tool_seconds();
        }
        printf("asked %.1f\nbytes %zu\n", (double)samples.n / (tool_seconds() - start), n_bytes);
        samples_print(&samples, "answer");
        samples_deinit(&samples);
        buffer_deinit(&request);
        buffer_deinit(&in);
        close(fd);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the machine could do with the same surveys if nobody had to understand them.
 *
 * usage: bench-limits FILE DIRECTORY SECONDS
 *
 * Prints, in surveys per second, "loopback" (sent over TCP on 127.0.0.1 to a process that only counts lines), "disk"
 * (written to a file as they are, with fdatasync after each 1,000), and "memory" (copied from one place to another).
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench_tool.h"
#include "tests/bench/bench_workload.h"

#define PER_SYNC  ((size_t)1000)
#define FILE_SIZE ((off_t)64 << 20) /* then it is written from its start again, as logs are */

/* --- loopback ------------------------------------------------------------------------------------------------- */

static int listen_somewhere(uint16_t *ret_port)
{
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t n = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 1) < 0 ||
            getsockname(fd, (struct sockaddr *)&at, &n) < 0)
                tool_die("cannot listen");
        *ret_port = ntohs(at.sin_port);
        return fd;
}

/* Counts the lines that come on the first connection, and says at its end how many there were. */
static void __attribute__((noreturn)) sink(int listener)
{
        static char in[1 << 18];
        int fd = accept(listener, NULL, NULL);
        uint64_t n_lines = 0;
        ssize_t n = fd < 0 ? -1 : 0;

        while (fd >= 0 && (n = recv(fd, in, sizeof(in), 0)) > 0) {
                const char *at = in, *end = in + n;

                while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
                        n_lines++;
                        at++;
                }
        }
        if (n == 0)
                n = send(fd, &n_lines, sizeof(n_lines), MSG_NOSIGNAL);
        _exit(n == (ssize_t)sizeof(n_lines) ? 0 : 1);
}

static void send_all(int fd, const char *bytes, size_t n)
{
        while (n) {
                ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

                if (sent < 0 && errno != EINTR)
                        tool_die("the connection broke");
                if (sent > 0) {
                        bytes += sent;
                        n -= (size_t)sent;
                }
        }
}

static double measure_loopback(const Workload *w, double limit)
{
        uint16_t port;
        int listener = listen_somewhere(&port), fd, status;
        uint64_t n_lines = 0;
        double start, took;
        pid_t child = fork();

        if (child < 0)
                tool_die("cannot fork");
        if (child == 0)
                sink(listener);
        fd = tool_connect_tcp(port);
        if (fcntl(fd, F_SETFL, 0) < 0)
                tool_die("cannot make a socket blocking");
        start = tool_seconds();
        while (tool_seconds() - start < limit)
                send_all(fd, w->bytes.data, w->bytes.n);
        (void)shutdown(fd, SHUT_WR);
        if (recv(fd, &n_lines, sizeof(n_lines), MSG_WAITALL) != (ssize_t)sizeof(n_lines))
                tool_die("the other side did not count");
        took = tool_seconds() - start;
        close(fd);
        close(listener);
        if (waitpid(child, &status, 0) != child || status != 0)
                tool_die("the other side failed");
        return (double)n_lines / took;
}

/* --- disk and memory ------------------------------------------------------------------------------------------ */

static void write_all(int fd, const char *bytes, size_t n, off_t at)
{
        while (n) {
                ssize_t written = pwrite(fd, bytes, n, at);

                if (written < 0 && errno != EINTR)
                        tool_die("cannot write");
                if (written > 0) {
                        bytes += written;
                        n -= (size_t)written;
                        at += written;
                }
        }
}

static double measure_disk(const Workload *w, const char *directory, double limit)
{
        char path[4096];
        size_t n_bytes = w->ends[PER_SYNC - 1];
        uint64_t n = 0;
        double start, took = 0;
        int fd;

        snprintf(path, sizeof(path), "%s/bench-limits.XXXXXX", directory);
        fd = mkstemp(path);
        if (fd < 0)
                tool_die("cannot make a file");
        (void)unlink(path);
        for (off_t at = 0; at < FILE_SIZE; at += (off_t)n_bytes)
                write_all(fd, w->bytes.data, n_bytes, at);
        if (fsync(fd) != 0)
                tool_die("cannot write");
        start = tool_seconds();
        for (off_t at = 0; took < limit; at = at < FILE_SIZE ? at + (off_t)n_bytes : 0) {
                write_all(fd, w->bytes.data, n_bytes, at);
                if (fdatasync(fd) != 0)
                        tool_die("cannot write");
                n += PER_SYNC;
                took = tool_seconds() - start;
        }
        close(fd);
        return (double)n / took;
}

static double measure_memory(const Workload *w, double limit)
{
        char *to = malloc(w->bytes.n);
        uint64_t n = 0;
        double start, took = 0;

        if (!to)
                tool_die("no memory");
        start = tool_seconds();
        while (took < limit) {
                memcpy(to, w->bytes.data, w->bytes.n);
                __asm__ volatile("" : : "r"(to) : "memory"); /* it is wanted, although nobody looks at it */
                n += w->n;
                took = tool_seconds() - start;
        }
        free(to);
        return (double)n / took;
}

int main(int argc, char **argv)
{
        Workload w;
        double limit;
        int r;

        if (argc != 4) {
                fprintf(stderr, "usage: bench-limits FILE DIRECTORY SECONDS\n");
                return 2;
        }
        limit = tool_number(argv[3], 0.001, 3600) / 3;
        r = workload_load(&w, argv[1]);
        if (r < 0)
                tool_die(strerror(-r));
        if (w.n < PER_SYNC)
                tool_die("the workload is too small");
        printf("loopback %.0f\n", measure_loopback(&w, limit));
        printf("disk %.0f\n", measure_disk(&w, argv[2], limit));
        printf("memory %.0f\n", measure_memory(&w, limit));
        workload_deinit(&w);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How long does the disk take to make 4 KiB durable: written behind the end of a file, which then grows, and within
 * one that has its size already, as logs do that are used again?
 *
 * usage: bench-disk DIRECTORY SECONDS
 *
 * Prints "grow_p50", "grow_p99", "grow_max" and the same for "sync", the second one, in microseconds.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/bench_samples.h"
#include "tests/bench/bench_tool.h"

#define PAGE      4096
#define FILE_SIZE ((off_t)4 << 20) /* of the one that does not grow */

static const char page[PAGE] = {1};

static void sync_page(int fd, off_t at)
{
        if (pwrite(fd, page, PAGE, at) != PAGE || fdatasync(fd) != 0)
                tool_die("cannot write");
}

/* Writes one page after the other, and begins again at @size; 0: never. */
static void measure(int fd, off_t size, double limit, const char *name)
{
        Samples samples = SAMPLES_NULL;
        double start = tool_seconds(), before = start;
        off_t at = 0;

        while (before - start < limit) {
                double after;

                sync_page(fd, at);
                at += PAGE;
                if (size && at >= size)
                        at = 0;
                after = tool_seconds();
                samples_add(&samples, after - before);
                before = after;
        }
        samples_print(&samples, name);
        samples_deinit(&samples);
}

int main(int argc, char **argv)
{
        char path[4096];
        double limit;
        int fd;

        if (argc != 3) {
                fprintf(stderr, "usage: bench-disk DIRECTORY SECONDS\n");
                return 2;
        }
        limit = tool_number(argv[2], 0.001, 3600) / 2;
        snprintf(path, sizeof(path), "%s/bench-disk.XXXXXX", argv[1]);
        fd = mkstemp(path);
        if (fd < 0)
                tool_die("cannot make a file");
        (void)unlink(path);
        measure(fd, 0, limit, "grow");
        for (off_t at = 0; at < FILE_SIZE; at += PAGE)
                if (pwrite(fd, page, PAGE, at) != PAGE)
                        tool_die("cannot write");
        if (fsync(fd) != 0)
                tool_die("cannot write");
        measure(fd, FILE_SIZE, limit, "sync");
        close(fd);
        return 0;
}

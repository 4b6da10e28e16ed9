/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/server/reserve.h"

/* A copy of the folder may have a hole in its place, which takes no space. */
static bool is_whole(const struct stat *st)
{
        return st->st_size == RESERVE_BYTES && st->st_blocks * 512 >= RESERVE_BYTES;
}

static int make(const char *path, off_t spare)
{
        struct stat st;
        int r, fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) == 0 && is_whole(&st)) {
                close(fd);
                return 0;
        }
        r = posix_fallocate(fd, 0, RESERVE_BYTES + spare);
        if (r == 0 && ftruncate(fd, RESERVE_BYTES) < 0)
                r = errno;
        close(fd);
        if (r != 0)
                unlink(path);
        return -r;
}

bool reserve_is_missing(const char *path)
{
        struct stat st;

        return lstat(path, &st) < 0 && errno == ENOENT;
}

int reserve_make(const char *path)
{
        return make(path, 0);
}

int reserve_make_again(const char *path)
{
        return make(path, RESERVE_SPARE);
}

void reserve_give_up(const char *path)
{
        unlink(path);
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/server/reserve.h"

static int make(const char *path, off_t spare)
{
        struct stat st;
        int r, fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) == 0 && st.st_size == RESERVE_BYTES) {
                close(fd);
                return 0;
        }
        r = posix_fallocate(fd, 0, RESERVE_BYTES + spare);
        if (r == 0 && spare && ftruncate(fd, RESERVE_BYTES) < 0)
                r = errno;
        close(fd);
        if (r != 0)
                unlink(path);
        return -r;
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

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/server/reserve.h"

int reserve_make(const char *path)
{
        struct stat st;
        int r, fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) == 0 && st.st_size == RESERVE_BYTES) {
                close(fd);
                return 0;
        }
        r = posix_fallocate(fd, 0, RESERVE_BYTES);
        close(fd);
        if (r != 0)
                unlink(path);
        return -r;
}

void reserve_give_up(const char *path)
{
        unlink(path);
}

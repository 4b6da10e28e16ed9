/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/file.h"

static int fail(const char *path, const char *what, Diag *diag)
{
        int r = -errno;

        diag_set(diag, path, 0, NULL, "cannot be %s: %s", what, strerror(-r));
        return r;
}

static int read_all(Buffer *to, int fd, const char *path, size_t max, Diag *diag)
{
        size_t total = 0;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return fail(path, "read", diag);
        if (!S_ISREG(st.st_mode))
                return diag_set(diag, path, 0, NULL, "not a regular file");
        for (;;) {
                char *room = buffer_reserve(to, 65536);
                ssize_t n;

                if (!room)
                        return -ENOMEM;
                n = read(fd, room, 65536);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return fail(path, "read", diag);
                if (n == 0)
                        return 0;
                to->n += (size_t)n;
                total += (size_t)n;
                if (total > max)
                        return diag_set(diag, path, 0, NULL, "larger than %zu MiB", max >> 20);
        }
}

int file_read(Buffer *to, const char *path, size_t max, Diag *diag)
{
        int fd, r;

        /* Without O_NONBLOCK a pipe in that place would make us wait for a writer. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return fail(path, "opened", diag);
        r = read_all(to, fd, path, max, diag);
        close(fd);
        return r;
}

char *file_join(const char *folder, Text name)
{
        bool absolute = name.n && name.at[0] == '/';
        char *path;

        if (absolute || strcmp(folder, ".") == 0)
                return text_dup(name);
        if (asprintf(&path, "%s%s" TEXT_FMT, folder, strcmp(folder, "/") == 0 ? "" : "/", TEXT_ARG(name)) < 0)
                return NULL;
        return path;
}

char *file_folder(const char *path)
{
        const char *slash = strrchr(path, '/');

        if (!slash)
                return strdup(".");
        return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

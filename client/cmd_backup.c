/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/api.h"
#include "client/cmd.h"
#include "client/http.h"
#include "client/xalloc.h"

/* What a file of SQLite begins with, up to the number of its pages. */
#define HEADER_BYTES 32

typedef struct Backup {
        int fd;
        int error; /* of the file */
        uint64_t n;
        unsigned char header[HEADER_BYTES];
} Backup;

static bool on_data(void *context, const char *data, size_t n)
{
        Backup *b = context;

        if (b->n < HEADER_BYTES)
                memcpy(b->header + b->n, data, n < HEADER_BYTES - b->n ? n : HEADER_BYTES - (size_t)b->n);
        b->n += n;
        while (n > 0) {
                ssize_t done = write(b->fd, data, n);

                if (done < 0 && errno == EINTR)
                        continue;
                if (done < 0) {
                        b->error = errno;
                        return false;
                }
                data += done;
                n -= (size_t)done;
        }
        return true;
}

static uint64_t number_at(const unsigned char *p, int n)
{
        uint64_t v = 0;

        for (int i = 0; i < n; i++)
                v = v << 8 | p[i];
        return v;
}

/* The image says itself how long it is. */
static bool is_whole(const Backup *b)
{
        uint64_t page = number_at(b->header + 16, 2);

        return b->n >= 512 && memcmp(b->header, "SQLite format 3", 16) == 0 &&
               b->n == (page == 1 ? 65536 : page) * number_at(b->header + 28, 4);
}

/* What was written is there after a power cut, too, under its name. */
static int sync_folder(const char *file)
{
        CX_CLEANUP(xfreep) char *copy = xstrdup(file);
        int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

        if (fd < 0)
                return -1;
        r = fsync(fd);
        close(fd);
        return r;
}

/* A rename that replaces nothing, for file systems that cannot do so: the name is taken before, by an empty file. */
static int take_free_name(const char *temporary, const char *file)
{
        int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error;

        if (fd < 0)
                return -1;
        close(fd);
        if (rename(temporary, file) == 0)
                return 0;
        error = errno;
        (void)unlink(file);
        errno = error;
        return -1;
}

/* Gives @temporary its name; what has that name is replaced with @force only. */
static int take_name(const char *temporary, const char *file, bool force)
{
        if (force)
                return rename(temporary, file);
        if (link(temporary, file) == 0) {
                (void)unlink(temporary);
                return 0;
        }
        /* A file system without hard links, as that of many a memory stick. */
        if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
                return -1;
        if (renameat2(AT_FDCWD, temporary, AT_FDCWD, file, RENAME_NOREPLACE) == 0)
                return 0;
        /* Many of those in user space, and shared folders of virtual machines, have no such rename, either. */
        return errno == EINVAL || errno == ENOSYS ? take_free_name(temporary, file) : -1;
}

/* All of it takes its name, or nothing does. */
static int put_in_place(const Ctl *ctl, Backup *b, const char *temporary, const char *file, bool force)
{
        if (fsync(b->fd) < 0)
                return ctl_usage(ctl, "cannot write %s: %s", temporary, strerror(errno));
        if (take_name(temporary, file, force) < 0)
                return ctl_usage(ctl, "cannot make %s: %s%s", file, strerror(errno),
                                 errno == EEXIST ? "; --force replaces it" : "");
        if (sync_folder(file) < 0)
                return ctl_usage(ctl, "cannot make %s durable: %s", file, strerror(errno));
        return CTL_OK;
}

static int receive(Ctl *ctl, Backup *b)
{
        Buffer error = BUFFER_NULL;
        long status = 0;
        HttpEnd end = http_stream(ctl->http, "/v1/backup", "application/vnd.sqlite3", USEC_INFINITY, on_data,
                                  b, &error, &status);
        int r = CTL_OK;

        if (b->error) {
                ctl_error(ctl, "cannot write the backup: %s", strerror(b->error));
                r = CTL_USAGE;
        } else if (end == HTTP_SILENT) {
                r = http_say_silent(ctl->http);
                ctl_error(ctl, "the backup is not complete");
        } else if (status == 0) {
                r = http_say_unreachable(ctl->http);
        } else if (status != 200) {
                r = api_refusal(ctl, status, &error);
        } else if (end != HTTP_END || !is_whole(b)) {
                ctl_error(ctl, "the connection to %s broke: the backup is not complete", ctl->host);
                r = CTL_UNREACHABLE;
        }
        buffer_deinit(&error);
        return r;
}

/* What a signal must not leave behind. */
static const char *volatile unfinished;

static void on_signal(int number)
{
        (void)unlink(unfinished);
        (void)raise(number);
}

/* Those that are not ignored, as under nohup(1). */
static void catch_signals(void)
{
        static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}, before;

        sigemptyset(&action.sa_mask);
        for (size_t i = 0; i < CX_ARRAY_LEN(numbers); i++) {
                sigaction(numbers[i], NULL, &before);
                if (before.sa_handler != SIG_IGN)
                        sigaction(numbers[i], &action, NULL);
        }
}

static int run(Ctl *ctl, const Args *args)
{
        const char *file = args_rest(args, 0);
        bool force = args_get(args, "force") != NULL;
        CX_CLEANUP(xfreep) char *temporary = xasprintf("%s.XXXXXX", file);
        Backup b = {.fd = -1};
        struct stat st;
        int r = CTL_OK;

        if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
                return ctl_usage(ctl, "%s is not a regular file", file);
        if (!force && access(file, F_OK) == 0)
                return ctl_usage(ctl, "there is a %s already; --force replaces it", file);
        r = api_open_patient(ctl, args);
        if (r != CTL_OK)
                return r;
        b.fd = mkostemp(temporary, O_CLOEXEC); /* for its owner alone */
        if (b.fd < 0)
                return ctl_usage(ctl, "cannot make %s: %s", temporary, strerror(errno));
        unfinished = temporary;
        catch_signals();
        r = receive(ctl, &b);
        if (r == CTL_OK)
                r = put_in_place(ctl, &b, temporary, file, force);
        if (r != CTL_OK)
                (void)unlink(temporary);
        unfinished = NULL;
        close(b.fd);
        return r;
}

static const Flag flags[] = {
        {"force", 0, NULL, "replace the file if there is one"},
        {"timeout", 't', "SECONDS", API_TIMEOUT_HELP},
        {0},
};

const Cmd cmd_backup = {"backup", "FILE", "a copy of the whole store, while the daemon runs", flags, 1,
                        1,        run};

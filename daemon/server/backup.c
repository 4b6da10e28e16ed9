/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/io/log.h"
#include "daemon/server/access.h"
#include "daemon/server/backup.h"
#include "daemon/server/state.h"

#define STEP_PAGES 256                 /* copied at once */
#define SEND_BYTES ((size_t)128 << 10) /* read at once */

typedef enum Phase {
        PHASE_IDLE,
        PHASE_BEGIN,
        PHASE_COPY,
        PHASE_SEND,
        PHASE_END, /* clears up after an error, or because nobody wants it any more */
} Phase;

struct Backup {
        JournalJob job; /* first: a job is its backup */
        Server *server;
        char *path;
        Phase phase;
        bool busy;        /* the job is on its way */
        bool more;        /* pages are left to be copied */
        Principal reader; /* who asked */
        HttpRequest *request;
        HttpStream *stream;
        usec_t begun;
        int fd;
        off_t size, at;
        char *bytes;
        size_t n_bytes;
        char error[200];
};

/* --- on the storage thread ------------------------------------------------------------------------------ */

static int keep_error(Backup *b, Store *store, int r)
{
        if (r < 0)
                (void)snprintf(b->error, sizeof(b->error), "%s", store_error(store));
        return r;
}

/* A copy that cannot become whole is not to take what surveys need, either. */
static int check_room(Backup *b, Store *store, int fd)
{
        struct statvfs fs;
        StoreInfo info;
        int r = store_info(store, &info);

        if (r < 0)
                return keep_error(b, store, r);
        if (fstatvfs(fd, &fs) < 0)
                return -errno;
        if ((uint64_t)fs.f_bavail * fs.f_frsize >= info.bytes)
                return 0;
        (void)snprintf(b->error, sizeof(b->error), "%s: a copy takes %llu bytes, and only %llu are free",
                       b->path, (unsigned long long)info.bytes,
                       (unsigned long long)fs.f_bavail * fs.f_frsize);
        return -ENOSPC;
}

static int begin(Backup *b, Store *store)
{
        int fd, r;

        (void)unlink(b->path);
        fd = open(b->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0) {
                r = -errno;
                (void)snprintf(b->error, sizeof(b->error), "%s: %s", b->path, strerrordesc_np(-r));
                return r;
        }
        r = check_room(b, store, fd);
        (void)close(fd);
        if (r < 0)
                return r;
        b->more = true;
        return keep_error(b, store, store_copy_begin(store, b->path));
}

static int copy(Backup *b, Store *store)
{
        struct stat st;
        int r = store_copy_step(store, STEP_PAGES);

        if (r != 0)
                return r < 0 ? keep_error(b, store, r) : 0;
        b->more = false;
        b->fd = open(b->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (b->fd < 0 || fstat(b->fd, &st) < 0)
                return -errno;
        b->size = st.st_size;
        (void)unlink(b->path);
        return 0;
}

static int load(Backup *b)
{
        off_t left = b->size - b->at;
        size_t n = left < (off_t)SEND_BYTES ? (size_t)left : SEND_BYTES;
        ssize_t got = pread(b->fd, b->bytes, n, b->at);

        if (got < 0)
                return -errno;
        b->n_bytes = (size_t)got;
        b->at += got;
        return got == 0 && left > 0 ? -EIO : 0;
}

static int backup_run(JournalJob *job, Store *store)
{
        Backup *b = (Backup *)job;

        switch (b->phase) {
        case PHASE_BEGIN:
                return begin(b, store);
        case PHASE_COPY:
                return copy(b, store);
        case PHASE_SEND:
                return load(b);
        default:
                store_copy_end(store);
                (void)unlink(b->path);
                return 0;
        }
}

/* --- on the loop's thread ------------------------------------------------------------------------------- */

static void backup_done(JournalJob *job, int result);

static void submit(Backup *b, Phase phase)
{
        b->phase = phase;
        b->busy = true;
        b->job = (JournalJob){.run = backup_run, .done = backup_done};
        journal_submit(b->server->journal, &b->job);
}

static void forget(Backup *b)
{
        if (b->fd >= 0)
                (void)close(b->fd);
        b->fd = -1;
        b->phase = PHASE_IDLE;
        b->at = b->size = 0;
}

static void on_ready(HttpStream *stream, void *user)
{
        Backup *b = user;

        (void)stream;
        if (!b->busy && b->phase == PHASE_SEND && b->at < b->size)
                submit(b, PHASE_SEND);
}

static void on_closed(HttpStream *stream, ConnReason reason, void *user)
{
        Backup *b = user;

        (void)stream;
        (void)reason;
        if (b->at < b->size)
                log_warning("backup was not taken to its end bytes=%lld sent=%lld", (long long)b->size,
                            (long long)b->at);
        b->stream = NULL;
        if (!b->busy)
                forget(b);
}

static void on_gone(void *user)
{
        (void)user; /* the next slice sees it */
}

static void start_sending(Backup *b)
{
        static const HttpStreamOps ops = {.has_end = true, .on_ready = on_ready, .on_closed = on_closed};
        HttpRequest *request = b->request;

        log_info("backup bytes=%lld copy_ms=%lld", (long long)b->size,
                 (long long)((loop_monotonic(b->server->loop) - b->begun) / USEC_MSEC));
        b->request = NULL;
        b->phase = PHASE_SEND;
        if (http_stream_start(&b->stream, request, "application/vnd.sqlite3", NULL, 0, &ops, b) != 0) {
                b->stream = NULL;
                forget(b);
        }
}

static void refuse(Backup *b, int result)
{
        bool full = result == -ENOSPC || result == -EDQUOT || result == -EFBIG;
        Fault fault;

        log_err("backup failed: %s", b->error[0] ? b->error : strerror(-result));
        fault_set(&fault, full ? FAULT_UNAVAILABLE : FAULT_INTERNAL, NULL, "%s",
                  full ? "there is no space for a copy of the store beside it"
                       : "the store could not be copied");
        http_reply_fault(b->request, &fault, NULL, 0);
        b->request = NULL;
        submit(b, PHASE_END);
}

/* A reload may have taken the right away. */
static bool may_read(const Backup *b)
{
        return access_is_still_admin(b->server->config, &b->reader);
}

static void forbid(Backup *b)
{
        Fault fault;

        fault_set(&fault, FAULT_FORBIDDEN, NULL, "you are no admin any more");
        http_reply_fault(b->request, &fault, NULL, 0);
        b->request = NULL;
        submit(b, PHASE_END);
}

static void copied(Backup *b, int result)
{
        if (result < 0) {
                refuse(b, result);
        } else if (http_is_gone(b->request)) {
                b->request = http_request_free(b->request);
                submit(b, PHASE_END);
        } else if (!may_read(b)) {
                forbid(b);
        } else if (b->more) {
                submit(b, PHASE_COPY);
        } else {
                start_sending(b);
        }
}

static void loaded(Backup *b, int result)
{
        if (!b->stream) {
                forget(b);
                return;
        }
        if (result < 0) {
                log_err("backup cannot be read back: %s, cutting it short", strerror(-result));
                b->at = 0;
                http_stream_cut(b->stream, CONN_ERROR);
                return;
        }
        if (!may_read(b)) {
                log_err("backup: the reader is no admin any more, cutting it short");
                http_stream_cut(b->stream, CONN_ERROR);
                return;
        }
        (void)http_stream_write(
                b->stream, (Text){.at = b->bytes, .n = b->n_bytes}); /* on_closed() follows if it fails */
        if (b->at == b->size)
                http_stream_end(b->stream);
}

static void backup_done(JournalJob *job, int result)
{
        Backup *b = (Backup *)job;

        b->busy = false;
        if (result == -ECANCELED) {
                b->request = http_request_free(b->request);
                return;
        }
        if (b->phase == PHASE_SEND)
                loaded(b, result);
        else if (b->phase == PHASE_END)
                forget(b);
        else
                copied(b, result);
}

bool backup_start(Backup *b, HttpRequest *r, const Principal *who)
{
        if (b->phase != PHASE_IDLE || b->busy || b->stream || b->server->state != SERVER_READY)
                return false;
        b->request = r;
        b->reader = access_keep(who);
        b->error[0] = '\0';
        b->begun = loop_monotonic(b->server->loop);
        http_on_gone(r, on_gone, b);
        submit(b, PHASE_BEGIN);
        return true;
}

int backup_new(Backup **ret, Server *s)
{
        Backup *b = calloc(1, sizeof(*b));

        if (!b)
                return -ENOMEM;
        b->server = s;
        b->fd = -1;
        b->bytes = malloc(SEND_BYTES);
        if (asprintf(&b->path, "%s.copying", s->config->store) < 0)
                b->path = NULL;
        if (!b->bytes || !b->path) {
                backup_free(b);
                return -ENOMEM;
        }
        (void)unlink(b->path);
        *ret = b;
        return 0;
}

Backup *backup_free(Backup *b)
{
        if (!b)
                return NULL;
        if (b->path && b->phase != PHASE_IDLE)
                (void)unlink(b->path);
        if (b->fd >= 0)
                (void)close(b->fd);
        free(b->path);
        free(b->bytes);
        free(b);
        return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/core/snapshot.h"
#include "daemon/io/log.h"
#include "daemon/server/snapshots.h"
#include "daemon/server/state.h"
#include "daemon/store/image_file.h"
#include "proto/base/hash.h"

/* To be raised when the layout of an image changes within a version. */
#define LAYOUT 1

#define LOOK_TIME  (10 * USEC_SEC)
#define RETRY_TIME (10 * USEC_MIN)
/* Writing them takes at most this part of the time; where much more has changed than was asked for, this part. */
#define SHARE      20
#define SHARE_BUSY 4
#define BUSY       3
/* At a stop, less than this part of what asks for a snapshot is left to be read by the start. */
#define SMALL 10
/* What goes from the store in one transaction. */
#define SLICE_MAX 10000
/* So much stays free at least. */
#define ROOM ((uint64_t)1 << 20)
/* The first descriptor that is neither input nor output. */
#define CHILD_FD 3

typedef struct Snapshots {
        JournalJob job; /* first: a job is its snapshots */
        Server *server;
        LoopTimer *timer;
        LoopSignal *child_ended;
        char *path;
        pid_t child; /* 0: none */
        ImageFile *file;
        SnapshotHead head; /* of the one that is being made */
        SnapshotMarks marks;
        bool busy;                 /* the job is on its way */
        bool asked;                /* for a cut */
        bool given_up;             /* the one under way may hold what was never stored */
        bool due;                  /* without regard to how much has changed */
        bool failed;               /* the last one; said once */
        usec_t begun, took, tried; /* monotonic */
        uint64_t counted;          /* changes at the cut ... */
        uint64_t counted_live;     /* ... and at that of the one in place */
        size_t n_expired;
        SnapshotStats stats;
} Snapshots;

int snapshots_path(const Server *s, char **ret)
{
        if (asprintf(ret, "%s.snapshot", s->config->store) >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

int snapshots_head(const Server *s, SnapshotHead *ret)
{
        *ret = (SnapshotHead){0};
        (void)snprintf(ret->program, sizeof(ret->program), "%s %d", CX_VERSION, LAYOUT);
        return config_digest(s->engine_config, ret->digest);
}

int snapshots_put_marks(Store *store, const SnapshotMarks *marks)
{
        int r = store_put_mark(store, "snapshot", marks->live);

        if (r == 0)
                r = store_put_mark(store, "snapshot next", marks->next);
        return r < 0 ? r : store_put_mark(store, "snapshot epoch", (int64_t)marks->epoch);
}

static int commit_marks(Store *store, const SnapshotMarks *marks)
{
        int r = store_begin(store);

        if (r == 0)
                r = snapshots_put_marks(store, marks);
        if (r == 0)
                r = store_commit(store);
        if (r < 0)
                store_rollback(store);
        return r;
}

/* --- when ----------------------------------------------------------------------------------------------- */

static uint64_t count_changes(const Snapshots *s)
{
        IntakeStats intake;
        UpkeepStats upkeep;

        intake_stats(s->server->intake, &intake);
        upkeep_stats(s->server->upkeep, &upkeep);
        return s->marks.behind + intake.counts.stored + intake.counts.revised + upkeep.surveys;
}

static bool is_due(const Snapshots *s, usec_t now)
{
        uint64_t after = s->server->config->snapshot_after, n = count_changes(s) - s->counted_live;
        usec_t since = now - s->tried;

        if (after == 0 || (s->failed && since < RETRY_TIME))
                return false;
        if (s->due)
                return true;
        return n >= after && since >= s->took * (n >= BUSY * after ? SHARE_BUSY : SHARE);
}

void snapshots_look(Snapshots *s)
{
        Server *server = s->server;

        if (s->asked || s->child || s->busy || server->state != SERVER_READY ||
            intake_is_starved(server->intake) || !is_due(s, loop_monotonic(server->loop)))
                return;
        s->asked = true;
        intake_want_cut(server->intake);
}

static void on_timer(void *user)
{
        Snapshots *s = user;
        Server *server = s->server;

        snapshots_look(s);
        if (loop_timer_after(s->timer, LOOK_TIME) < 0)
                server_fail(server, SERVER_EXIT_INTERNAL);
}

static void note_failure(Snapshots *s, const char *what, int error)
{
        if (!s->failed)
                log_warning("snapshot %s: %s, going on without; a start would take longer", what,
                            strerror(error));
        s->failed = true;
}

/* --- the file ------------------------------------------------------------------------------------------- */

static int begin_file(Snapshots *s)
{
        Server *server = s->server;
        const IntakeParts *parts = intake_parts(server->intake);
        uint64_t nonce, size = seen_size(&server->seen);
        int r = snapshots_head(server, &s->head);

        /* The store must not run out of space for what is only a cache. */
        if (s->stats.bytes > size)
                size = s->stats.bytes;
        if (r == 0)
                r = image_file_new(&s->file, s->path, ROOM + 2 * size);
        if (r < 0)
                return r;
        s->head.epoch = s->marks.epoch + 1;
        s->head.last_seq = parts->last_seq;
        s->head.at = loop_realtime(server->loop);
        nonce = hash_bytes(&server->key, &s->head, sizeof(s->head)) >> 1;
        s->head.nonce = nonce ? (int64_t)nonce : 1;
        return 0;
}

static int write_image(const Snapshots *s, bool sync)
{
        ImageWriter to = image_file_writer(s->file);

        image_put(&to, &s->head, sizeof(s->head));
        seen_save(&s->server->seen, &to);
        snapshot_save(s->server->engine, &to);
        return image_file_finish(s->file, sync);
}

/*
 * The child: what it may do is write, with what is there. It keeps no socket and no lock of the daemon open, and does not
 * outlive it.
 */
static void run_child(Snapshots *s, pid_t parent)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(ESRCH);
        if (image_file_fd(s->file) != CHILD_FD && dup2(image_file_fd(s->file), CHILD_FD) < 0)
                _exit(EBADF);
        closefrom(CHILD_FD + 1);
        image_file_set_fd(s->file, CHILD_FD);
        _exit(-write_image(s, true) & 0x7f);
}

static pid_t fork_child(Snapshots *s)
{
        static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
        pid_t parent = getpid(), child;
        sigset_t all, before;

        /* No handler of the loop may run in the child: it would ring the daemon's bell. */
        sigfillset(&all);
        (void)sigprocmask(SIG_SETMASK, &all, &before);
        child = fork();
        if (child == 0) {
                for (size_t i = 0; i < CX_ARRAY_LEN(numbers); i++)
                        (void)signal(numbers[i], SIG_DFL);
                (void)sigprocmask(SIG_SETMASK, &before, NULL);
                run_child(s, parent);
        }
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        return child;
}

void snapshots_take(Snapshots *s)
{
        Server *server = s->server;
        int r;

        s->asked = false;
        /* What upkeep has deleted is still in the engine until its job has come back: at the next look, then. */
        if (upkeep_is_busy(server->upkeep) || server->state != SERVER_READY)
                return;
        s->begun = s->tried = loop_monotonic(server->loop);
        r = begin_file(s);
        if (r == 0) {
                s->child = fork_child(s);
                if (s->child < 0) {
                        r = -errno;
                        s->child = 0;
                }
        }
        if (r < 0) {
                s->file = image_file_free(s->file);
                note_failure(s, "cannot be begun", -r);
                return;
        }
        s->due = s->given_up = false;
        s->counted = count_changes(s);
        s->marks.epoch = s->head.epoch;
        s->marks.until = s->head.last_seq;
        s->marks.next = s->head.nonce;
        intake_keep(server->intake, s->marks.epoch, s->marks.until);
}

/* --- into place ----------------------------------------------------------------------------------------- */

/* All on the storage thread: behind the batches that the snapshot has, which were submitted before its child was forked. */
static int place_run(JournalJob *job, Store *store)
{
        Snapshots *s = (Snapshots *)job;
        SnapshotMarks marks = s->marks;
        int r;

        if (intake_store_stopped(s->server->intake))
                return -ENOSPC;
        r = commit_marks(store, &marks);
        if (r == 0)
                r = image_file_place(s->file);
        if (r < 0)
                return r;
        marks.live = marks.next;
        return commit_marks(store, &marks);
}

static int expire_run(JournalJob *job, Store *store)
{
        Snapshots *s = (Snapshots *)job;
        int r = store_begin(store);

        if (r == 0)
                r = store_expire_revised(store, s->head.epoch, SLICE_MAX, &s->n_expired);
        if (r == 0)
                r = store_commit(store);
        if (r < 0)
                store_rollback(store);
        return r;
}

static void expire_done(JournalJob *job, int result)
{
        Snapshots *s = (Snapshots *)job;

        s->busy = false;
        if (result == -EIO)
                server_fail_store(s->server, result, "snapshot");
        /* What does not go now goes with the next one. */
        if (result < 0 || s->n_expired < SLICE_MAX)
                return;
        s->busy = true;
        s->job = (JournalJob){.run = expire_run, .done = expire_done};
        journal_submit(s->server->journal, &s->job);
}

static void note_placed(Snapshots *s, usec_t now)
{
        struct stat st;

        s->marks.live = s->head.nonce;
        s->counted_live = s->counted;
        s->took = now - s->begun;
        s->failed = false;
        s->stats.at = s->head.at;
        s->stats.bytes = stat(s->path, &st) == 0 ? (uint64_t)st.st_size : 0;
        s->stats.n++;
        log_info("snapshot surveys_until=%llu bytes=%llu ms=%lld", (unsigned long long)s->head.last_seq,
                 (unsigned long long)s->stats.bytes, (long long)(s->took / USEC_MSEC));
}

static void place_done(JournalJob *job, int result)
{
        Snapshots *s = (Snapshots *)job;

        s->busy = false;
        s->file = image_file_free(s->file);
        if (result == -ECANCELED)
                return;
        if (result == -EIO) {
                server_fail_store(s->server, result, "snapshot");
                return;
        }
        if (result < 0) {
                note_failure(s, "cannot be put into place", -result);
                return;
        }
        note_placed(s, loop_monotonic(s->server->loop));
        s->busy = true;
        s->job = (JournalJob){.run = expire_run, .done = expire_done};
        journal_submit(s->server->journal, &s->job);
}

static void on_child_ended(int number CX_UNUSED, void *user)
{
        Snapshots *s = user;
        int status;

        if (!s->child || waitpid(s->child, &status, WNOHANG) != s->child)
                return;
        s->child = 0;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || s->given_up) {
                s->file = image_file_free(s->file);
                if (!s->given_up)
                        note_failure(s, "cannot be written", WIFEXITED(status) ? WEXITSTATUS(status) : EINTR);
                return;
        }
        s->busy = true;
        s->job = (JournalJob){.run = place_run, .done = place_done};
        journal_submit(s->server->journal, &s->job);
}

static void end_child(Snapshots *s)
{
        if (s->child) {
                (void)kill(s->child, SIGKILL);
                while (waitpid(s->child, NULL, 0) < 0 && errno == EINTR)
                        ;
                s->child = 0;
        }
        s->file = image_file_free(s->file);
}

void snapshots_give_up(Snapshots *s)
{
        if (s->child) {
                s->given_up = true;
                (void)kill(s->child, SIGKILL);
        }
}

/* --- life ----------------------------------------------------------------------------------------------- */

int snapshots_new(Snapshots **ret, Server *server)
{
        Snapshots *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->server = server;
        s->marks = server->snapshot_marks;
        r = snapshots_path(server, &s->path);
        if (r == 0)
                r = loop_timer_new(&s->timer, server->loop, on_timer, s);
        if (r == 0)
                r = loop_signal_new(&s->child_ended, server->loop, SIGCHLD, on_child_ended, s);
        if (r < 0) {
                snapshots_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

Snapshots *snapshots_free(Snapshots *s)
{
        if (!s)
                return NULL;
        end_child(s);
        loop_signal_free(s->child_ended);
        loop_timer_free(s->timer);
        free(s->path);
        free(s);
        return NULL;
}

void snapshots_start(Snapshots *s)
{
        /* Without one the next start would be as long as this one. */
        s->due = s->marks.live == 0 && s->server->store_info.n_surveys >= s->server->config->snapshot_after;
        s->tried = loop_monotonic(s->server->loop);
        on_timer(s);
}

void snapshots_reconfigure(Snapshots *s)
{
        s->due = s->server->store_info.n_surveys >= s->server->config->snapshot_after;
        /* What is being written is of the engine before. */
        snapshots_give_up(s);
}

void snapshots_finish(Snapshots *s, Store *store)
{
        uint64_t after = s->server->config->snapshot_after, n = count_changes(s) - s->counted_live;
        SnapshotMarks marks;
        int r;

        end_child(s);
        if (after == 0 || n == 0 || n < after / SMALL || s->failed)
                return;
        s->begun = CLOCK_SYSTEM.monotonic(CLOCK_SYSTEM.user);
        r = begin_file(s);
        marks = (SnapshotMarks){.epoch = s->head.epoch, .live = s->marks.live, .next = s->head.nonce};
        if (r == 0)
                r = write_image(s, false);
        if (r == 0)
                r = commit_marks(store, &marks);
        if (r == 0)
                r = image_file_place(s->file);
        s->counted = count_changes(s);
        if (r == 0)
                note_placed(s, CLOCK_SYSTEM.monotonic(CLOCK_SYSTEM.user));
        else
                note_failure(s, "cannot be written", -r);
        s->file = image_file_free(s->file);
}

void snapshots_stats(const Snapshots *s, SnapshotStats *ret)
{
        *ret = s->stats;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/io/log.h"
#include "daemon/server/snapshots_private.h"

#define LOOK_TIME  (10 * USEC_SEC)
#define RETRY_TIME (10 * USEC_MIN)
/* Writing them takes at most this part of the time; where much more has changed than was asked for, this part. */
#define SHARE      40
#define SHARE_BUSY 4
#define BUSY       3
/* At a stop, less than this part of what asks for a snapshot is left to be read by the start. */
#define SMALL 10
/* What goes from the store in one transaction. */
#define SLICE_MAX 10000

int snapshots_put_marks(Store *store, const SnapshotMarks *marks)
{
        int r = store_put_mark(store, "snapshot", marks->live);

        if (r == 0)
                r = store_put_mark(store, "snapshot next", marks->next);
        if (r == 0)
                r = store_put_mark(store, STORE_MARK_REPAIRED, 0); /* this engine has used no older one */
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

/* --- none wanted any more ------------------------------------------------------------------------------- */

static int forget_run(JournalJob *job, Store *store)
{
        Snapshots *s = (Snapshots *)job;
        int r = store_begin(store);

        if (r == 0)
                r = snapshots_put_marks(store, &(SnapshotMarks){.epoch = s->marks.epoch});
        if (r == 0)
                r = store_expire_revised(store, INT64_MAX, SLICE_MAX, &s->n_expired);
        if (r == 0)
                r = store_commit(store);
        if (r < 0)
                store_rollback(store);
        return r;
}

static void forget(Snapshots *s);

static void forget_done(JournalJob *job, int result)
{
        Snapshots *s = (Snapshots *)job;

        s->busy = false;
        if (result == -EIO)
                server_fail(s->server, result, "snapshot");
        if (result < 0)
                return; /* the next start, or the next look, does it */
        if (s->n_expired == SLICE_MAX) {
                forget(s);
                return;
        }
        (void)unlink(s->path);
        s->outdated = false;
        s->counted_live = 0;
        s->marks = (SnapshotMarks){.epoch = s->marks.epoch};
        intake_keep(s->server->intake, 0, 0);
}

/* Until it is done, what changes is kept as before. */
static void forget(Snapshots *s)
{
        s->busy = true;
        s->job = (JournalJob){.run = forget_run, .done = forget_done};
        journal_submit(s->server->journal, &s->job);
}

/* --- while a child writes it ---------------------------------------------------------------------------- */

/*
 * While a child has the memory, too, each page that a survey changes is copied first, and the other thread's processor is
 * told: 5 to 15 us a page, some hundred us a survey. Where they come so fast that a core is busy with them, or that much more
 * has changed than was asked for, they are counted sooner if none is until the child has ended; and what time or a reader asks
 * for need not wait behind them.
 */
#define HOLD_RATE 50000 /* surveys a second */
#define HOLD_MAX  (50 * USEC_MSEC)

static bool is_in_the_way(const Snapshots *s, usec_t now)
{
        uint64_t after = s->server->config->snapshot_after, changes = count_changes(s);
        uint64_t n = changes > s->counted ? changes - s->counted : 0;

        return n >= BUSY * after || n > (uint64_t)((now - s->tried) / USEC_MSEC) * (HOLD_RATE / 1000);
}

static void hold_senders(Snapshots *s)
{
        face_lines_pause(s->server);
        face_sp_pause(s->server);
        intake_hold(s->server->intake);
        server_wake(s->server, s->release, HOLD_MAX);
}

static void release_senders(void *user)
{
        Snapshots *s = user;

        loop_timer_cancel(s->release);
        intake_release(s->server->intake);
}

void snapshots_look(Snapshots *s)
{
        Server *server = s->server;
        usec_t now;

        if (s->asked || s->child || s->busy || server->state != SERVER_READY ||
            intake_is_starved(server->intake) || upkeep_is_busy(server->upkeep))
                return;
        if (s->outdated ||
            (server->config->snapshot_after == 0 && intake_parts(server->intake)->kept_epoch)) {
                forget(s);
                return;
        }
        now = loop_monotonic(server->loop);
        if (!is_due(s, now))
                return;
        if (is_in_the_way(s, now)) {
                log_debug("snapshot senders wait");
                hold_senders(s);
        }
        s->asked = true;
        intake_want_cut(server->intake);
}

static void on_timer(void *user)
{
        Snapshots *s = user;

        snapshots_look(s);
        server_wake(s->server, s->timer, LOOK_TIME);
}

static void note_failure(Snapshots *s, const char *what, int error)
{
        if (!s->failed)
                log_warning("snapshot %s: %s, going on without; a start would take longer", what,
                            strerror(error));
        s->failed = true;
}

void snapshots_take(Snapshots *s)
{
        Server *server = s->server;
        int r;

        s->asked = false;
        /* What upkeep has deleted is still in the engine until its job has come back: at the next look, then. */
        if (s->busy || upkeep_is_busy(server->upkeep) || server->state != SERVER_READY) {
                release_senders(s);
                return;
        }
        s->begun = s->tried = loop_monotonic(server->loop);
        s->counted = count_changes(s);
        r = snapshots_begin_file(s);
        if (r == 0) {
                s->child = snapshots_fork_child(s);
                if (s->child < 0) {
                        r = -errno;
                        s->child = 0;
                }
        }
        if (r < 0) {
                s->file = image_file_free(s->file);
                note_failure(s, "cannot be begun", -r);
                release_senders(s);
                return;
        }
        s->given_up = false;
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

static void expire(Snapshots *s);

static void expire_done(JournalJob *job, int result)
{
        Snapshots *s = (Snapshots *)job;

        s->busy = false;
        if (result == -EIO)
                server_fail(s->server, result, "snapshot");
        if (s->outdated)
                forget(s);
        /* What does not go now goes with the next one. */
        else if (result == 0 && s->n_expired == SLICE_MAX)
                expire(s);
}

static void expire(Snapshots *s)
{
        s->busy = true;
        s->job = (JournalJob){.run = expire_run, .done = expire_done};
        journal_submit(s->server->journal, &s->job);
}

static void note_placed(Snapshots *s, usec_t now)
{
        struct stat st;

        s->marks.live = s->head.nonce;
        s->due = false;
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
                server_fail(s->server, result, "snapshot");
                return;
        }
        if (result < 0)
                note_failure(s, "cannot be put into place", -result);
        else
                note_placed(s, loop_monotonic(s->server->loop));
        if (s->outdated)
                forget(s);
        else if (result == 0)
                expire(s);
}

static void on_child_ended(int number CX_UNUSED, void *user)
{
        Snapshots *s = user;
        int status;

        if (!s->child || waitpid(s->child, &status, WNOHANG) != s->child)
                return;
        s->child = 0;
        release_senders(s);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || s->given_up) {
                s->file = image_file_free(s->file);
                if (!s->given_up && WIFSIGNALED(status))
                        log_warning("snapshot process was killed by signal %d, going on without",
                                    WTERMSIG(status));
                else if (!s->given_up)
                        note_failure(s, "cannot be written", WEXITSTATUS(status));
                s->failed = true;
                return;
        }
        s->busy = true;
        s->job = (JournalJob){.run = place_run, .done = place_done};
        journal_submit(s->server->journal, &s->job);
}

void snapshots_give_up(Snapshots *s)
{
        if (s->child) {
                s->given_up = true;
                (void)kill(s->child, SIGKILL);
        }
}

void snapshots_distrust(Snapshots *s)
{
        s->distrusted = true;
        /* While the job is on its way the file is the storage thread's, which may still put it into place. */
        if (!s->busy)
                snapshots_end_child(s);
        if (unlink(s->path) == 0)
                log_notice("snapshot is thrown away: the next start reads every survey");
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
                r = loop_timer_new(&s->release, server->loop, release_senders, s);
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
        snapshots_end_child(s);
        if (s->distrusted || s->outdated)
                (void)unlink(s->path);
        loop_signal_free(s->child_ended);
        loop_timer_free(s->timer);
        loop_timer_free(s->release);
        free(s->path);
        free(s);
        return NULL;
}

void snapshots_start(Snapshots *s)
{
        /* Without one the next start would be as long as this one. */
        s->due = s->marks.live == 0 && s->server->store_info.n_surveys >= s->server->config->snapshot_after;
        s->tried = loop_monotonic(s->server->loop);
        s->counted = count_changes(s);
        on_timer(s);
}

void snapshots_reconfigure(Snapshots *s)
{
        /*
         * What is being written is of the engine before, and so is what is in place: were that configuration to come back,
         * it would not have what is deleted from now on where a start that reads everything has it.
         */
        snapshots_give_up(s);
        s->outdated = s->marks.live || s->marks.next;
        if (s->outdated && !s->busy)
                forget(s);
        s->due = s->server->store_info.n_surveys >= s->server->config->snapshot_after;
        s->failed = false;
}

void snapshots_finish(Snapshots *s, Store *store)
{
        uint64_t after = s->server->config->snapshot_after, n = count_changes(s) - s->counted_live;
        SnapshotMarks marks;
        int r;

        snapshots_end_child(s);
        if (after == 0 || (!s->due && (n == 0 || n < after / SMALL)))
                return;
        s->begun = CLOCK_SYSTEM.monotonic(CLOCK_SYSTEM.user);
        r = snapshots_begin_file(s);
        marks = (SnapshotMarks){.epoch = s->head.epoch, .live = s->marks.live, .next = s->head.nonce};
        if (r == 0)
                r = snapshots_write_image(s, false);
        if (r == 0)
                r = commit_marks(store, &marks);
        if (r == 0)
                r = image_file_place(s->file);
        s->counted = count_changes(s);
        if (r == 0) {
                s->outdated = false;
                note_placed(s, CLOCK_SYSTEM.monotonic(CLOCK_SYSTEM.user));
        } else {
                note_failure(s, "cannot be written", -r);
        }
        s->file = image_file_free(s->file);
}

void snapshots_stats(const Snapshots *s, SnapshotStats *ret)
{
        *ret = s->stats;
}

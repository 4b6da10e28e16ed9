/* SPDX-License-Identifier: Apache-2.0 */

/* What the store knows of snapshots: one is put into place, older ones and what was kept for them go. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/log.h"
#include "daemon/server/snapshots_private.h"

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

int snapshots_commit_marks(Store *store, const SnapshotMarks *marks)
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

void snapshots_note_failure(Snapshots *s, const char *what, int error)
{
        if (!s->failed)
                log_warning("snapshot %s: %s, going on without; a start would take longer", what,
                            strerror(error));
        s->failed = true;
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

static void forget_done(JournalJob *job, int result)
{
        Snapshots *s = (Snapshots *)job;

        s->busy = false;
        if (result == -EIO)
                server_fail(s->server, result, "snapshot");
        if (result < 0)
                return; /* the next start, or the next look, does it */
        if (s->n_expired == SLICE_MAX) {
                snapshots_forget(s);
                return;
        }
        (void)unlink(s->path);
        s->outdated = false;
        s->counted_live = 0;
        s->marks = (SnapshotMarks){.epoch = s->marks.epoch};
        intake_keep(s->server->intake, 0, 0);
        snapshots_look(s);
}

/* Until it is done, what changes is kept as before. */
void snapshots_forget(Snapshots *s)
{
        s->busy = true;
        s->job = (JournalJob){.run = forget_run, .done = forget_done};
        journal_submit(s->server->journal, &s->job);
}

/* --- into place ----------------------------------------------------------------------------------------- */

/* All on the storage thread: behind the batches that the snapshot has, which were submitted before its cut. */
static int place_run(JournalJob *job, Store *store)
{
        Snapshots *s = (Snapshots *)job;
        SnapshotMarks marks = s->marks;
        int r;

        if (intake_store_stopped(s->server->intake))
                return -ENOSPC;
        r = snapshots_commit_marks(store, &marks);
        if (r == 0)
                r = image_file_place(s->file);
        if (r < 0)
                return r;
        marks.live = marks.next;
        return snapshots_commit_marks(store, &marks);
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
                snapshots_forget(s);
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

void snapshots_note_placed(Snapshots *s, usec_t now)
{
        struct stat st;

        s->marks.live = s->head.nonce;
        s->due = false;
        s->counted_live = s->counted;
        s->took = now - s->begun;
        s->failed = false;
        s->stats.at = s->cut.at;
        s->stats.bytes = stat(s->path, &st) == 0 ? (uint64_t)st.st_size : 0;
        s->stats.n++;
        log_info("snapshot surveys_until=%llu bytes=%llu ms=%lld", (unsigned long long)s->cut.last_seq,
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
                snapshots_note_failure(s, "cannot be put into place", -result);
        else
                snapshots_note_placed(s, loop_monotonic(s->server->loop));
        if (s->outdated)
                snapshots_forget(s);
        else if (result == 0)
                expire(s);
}

void snapshots_place(Snapshots *s)
{
        s->busy = true;
        s->job = (JournalJob){.run = place_run, .done = place_done};
        journal_submit(s->server->journal, &s->job);
}

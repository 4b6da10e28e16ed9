/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
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

/* The one that is being made. @error 0: nothing is wrong with it, but it is not wanted. */
static void give_up(Snapshots *s, const char *what, int error)
{
        snapshots_abandon(s);
        if (error < 0)
                snapshots_note_failure(s, what, -error);
}

static void end_under_way(Snapshots *s)
{
        s->given_up = true;
        if (!s->busy)
                snapshots_abandon(s);
}

/* --- part by part --------------------------------------------------------------------------------------- */

static int part_run(JournalJob *job, Store *store CX_UNUSED)
{
        return snapshots_write_part((Snapshots *)job);
}

static void go_on(Snapshots *s);

static void part_done(JournalJob *job, int result)
{
        Snapshots *s = (Snapshots *)job;

        s->busy = false;
        if (result == -ECANCELED)
                return;
        if (result < 0 || s->given_up) {
                give_up(s, "cannot be written", result);
                if (s->outdated) /* a look might have to wait for upkeep */
                        snapshots_forget(s);
        } else if (s->stage == SNAPSHOT_WHOLE) {
                buffer_deinit(&s->gathered);
                buffer_deinit(&s->part);
                snapshots_place(s);
        } else {
                go_on(s);
        }
}

/* One at a time: senders and questions have their turn between them. */
static void go_on(Snapshots *s)
{
        if (!snapshots_gather(s)) {
                snapshots_look(s);
                return;
        }
        s->busy = true;
        s->job = (JournalJob){.run = part_run, .done = part_done};
        journal_submit(s->writer, &s->job);
        snapshots_release_senders(s);
}

static void begin(Snapshots *s, usec_t now)
{
        int r;

        s->tried = now;
        s->given_up = false;
        r = snapshots_begin_file(s);
        if (r < 0)
                give_up(s, "cannot be begun", r);
        else
                go_on(s);
}

static void ask(Snapshots *s)
{
        if (seen_save_failed(&s->server->seen)) {
                give_up(s, "cannot be brought to its end", -ENOMEM);
                return;
        }
        s->asked = true;
        intake_want_cut(s->server->intake);
}

void snapshots_look(Snapshots *s)
{
        Server *server = s->server;
        usec_t now = loop_monotonic(server->loop);

        if (s->asked || s->busy || server->state != SERVER_READY || intake_is_starved(server->intake) ||
            upkeep_is_busy(server->upkeep))
                return;
        if (s->outdated ||
            (server->config->snapshot_after == 0 && intake_parts(server->intake)->kept_epoch)) {
                snapshots_abandon(s);
                snapshots_forget(s);
        } else if (s->file) {
                ask(s);
        } else if (is_due(s, now)) {
                begin(s, now);
        }
}

static void on_timer(void *user)
{
        Snapshots *s = user;

        snapshots_look(s);
        server_wake(s->server, s->timer, LOOK_TIME);
}

void snapshots_take(Snapshots *s)
{
        Server *server = s->server;

        s->asked = false;
        /* What upkeep has deleted is still in the engine until its job has come back: at the next look, then. */
        if (!s->file || seen_save_failed(&server->seen) || upkeep_is_busy(server->upkeep) ||
            server->state != SERVER_READY)
                return;
        s->begun = loop_monotonic(server->loop);
        s->counted = count_changes(s);
        snapshots_gather_cut(s);
        s->marks.epoch = s->head.epoch;
        s->marks.until = s->cut.last_seq;
        s->marks.next = s->head.nonce;
        intake_keep(server->intake, s->marks.epoch, s->marks.until);
        go_on(s);
}

void snapshots_give_up(Snapshots *s)
{
        s->failed = s->failed || s->file;
        end_under_way(s);
}

void snapshots_distrust(Snapshots *s)
{
        s->distrusted = s->given_up = true;
        /* While the job is on its way the file is another thread's, and may still get into place. */
        if (!s->busy)
                snapshots_abandon(s);
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
                r = loop_timer_new(&s->release, server->loop, snapshots_release_senders, s);
        if (r == 0)
                r = journal_new(&s->writer, NULL, server_ring, server);
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
        snapshots_stop(s);
        if (s->distrusted || s->outdated)
                (void)unlink(s->path);
        s->writer = journal_free(s->writer);
        loop_timer_free(s->timer);
        loop_timer_free(s->release);
        free(s->path);
        free(s);
        return NULL;
}

void snapshots_stop(Snapshots *s)
{
        s->given_up = true;
        if (s->writer)
                journal_stop(s->writer);
        snapshots_abandon(s);
}

void snapshots_deliver(Snapshots *s)
{
        journal_deliver(s->writer);
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
        end_under_way(s);
        s->outdated = s->marks.live || s->marks.next;
        if (s->outdated && !s->busy)
                snapshots_forget(s);
        s->due = s->server->store_info.n_surveys >= s->server->config->snapshot_after;
        s->failed = false;
}

void snapshots_finish(Snapshots *s, Store *store)
{
        uint64_t after = s->server->config->snapshot_after, n = count_changes(s) - s->counted_live;
        SnapshotMarks marks;
        int r;

        if (after == 0 || (!s->due && (n == 0 || n < after / SMALL)))
                return;
        s->begun = CLOCK_SYSTEM.monotonic(CLOCK_SYSTEM.user);
        r = snapshots_begin_file(s);
        marks = (SnapshotMarks){.epoch = s->head.epoch, .live = s->marks.live, .next = s->head.nonce};
        if (r == 0)
                r = snapshots_write_all(s);
        if (r == 0)
                r = snapshots_commit_marks(store, &marks);
        if (r == 0)
                r = image_file_place(s->file);
        s->counted = count_changes(s);
        if (r == 0) {
                s->outdated = false;
                snapshots_note_placed(s, CLOCK_SYSTEM.monotonic(CLOCK_SYSTEM.user));
        } else {
                snapshots_note_failure(s, "cannot be written", -r);
        }
        snapshots_abandon(s);
}

void snapshots_stats(const Snapshots *s, SnapshotStats *ret)
{
        *ret = s->stats;
}

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
        if (s->child)
                (void)kill(s->child, SIGKILL);
        else if (!s->busy)
                snapshots_abandon(s);
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

static uint64_t count_since(const Snapshots *s)
{
        uint64_t changes = count_changes(s);

        return changes > s->counted ? changes - s->counted : 0;
}

static bool has_changed_much(const Snapshots *s)
{
        return count_since(s) >= BUSY * (uint64_t)s->server->config->snapshot_after;
}

static bool is_in_the_way(const Snapshots *s, usec_t now)
{
        return has_changed_much(s) ||
               count_since(s) > (uint64_t)((now - s->tried) / USEC_MSEC) * (HOLD_RATE / 1000);
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

/* --- the known ids -------------------------------------------------------------------------------------- */

static int part_run(JournalJob *job, Store *store CX_UNUSED)
{
        return snapshots_write_part((Snapshots *)job);
}

static void take_part(Snapshots *s);

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
                return;
        }
        take_part(s);
}

/* One at a time: senders and questions have their turn between them. */
static void take_part(Snapshots *s)
{
        if (!snapshots_take_part(s)) {
                snapshots_look(s);
                return;
        }
        s->busy = true;
        s->job = (JournalJob){.run = part_run, .done = part_done};
        journal_submit(s->server->journal, &s->job);
}

static void begin(Snapshots *s, usec_t now)
{
        int r;

        s->in_the_way = is_in_the_way(s, now);
        s->tried = now;
        s->given_up = false;
        r = snapshots_begin_file(s);
        if (r < 0)
                give_up(s, "cannot be begun", r);
        else
                take_part(s);
}

static void ask(Snapshots *s)
{
        if (seen_save_failed(&s->server->seen)) {
                give_up(s, "cannot be brought to its end", -ENOMEM);
                return;
        }
        if (s->in_the_way || has_changed_much(s)) {
                log_debug("snapshot senders wait");
                hold_senders(s);
        }
        s->asked = true;
        intake_want_cut(s->server->intake);
}

void snapshots_look(Snapshots *s)
{
        Server *server = s->server;
        usec_t now = loop_monotonic(server->loop);

        if (s->asked || s->child || s->busy || server->state != SERVER_READY ||
            intake_is_starved(server->intake) || upkeep_is_busy(server->upkeep))
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
            server->state != SERVER_READY) {
                release_senders(s);
                return;
        }
        s->begun = loop_monotonic(server->loop);
        s->counted = count_changes(s);
        s->cut = snapshots_cut(server);
        s->cut.last_seq = intake_parts(server->intake)->last_seq;
        s->child = snapshots_fork_child(s);
        if (s->child < 0) {
                int error = errno;

                s->child = 0;
                give_up(s, "cannot be begun", -error);
                release_senders(s);
                return;
        }
        seen_save_end(&server->seen);
        s->marks.epoch = s->head.epoch;
        s->marks.until = s->cut.last_seq;
        s->marks.next = s->head.nonce;
        intake_keep(server->intake, s->marks.epoch, s->marks.until);
}

/* --- its end ------------------------------------------------------------------------------------------- */

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
                        snapshots_note_failure(s, "cannot be written", WEXITSTATUS(status));
                s->failed = s->failed || !s->given_up;
                snapshots_look(s);
                return;
        }
        snapshots_place(s);
}

void snapshots_give_up(Snapshots *s)
{
        s->failed = s->failed || s->file;
        end_under_way(s);
}

void snapshots_distrust(Snapshots *s)
{
        s->distrusted = s->given_up = true;
        /* While the job is on its way the file is the storage thread's, which may still put it into place. */
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
        snapshots_abandon(s);
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

        snapshots_abandon(s);
        if (after == 0 || (!s->due && (n == 0 || n < after / SMALL)))
                return;
        s->begun = CLOCK_SYSTEM.monotonic(CLOCK_SYSTEM.user);
        r = snapshots_begin_file(s);
        if (r == 0)
                snapshots_write_ids(s);
        s->cut = snapshots_cut(s->server);
        s->cut.last_seq = intake_parts(s->server->intake)->last_seq;
        marks = (SnapshotMarks){.epoch = s->head.epoch, .live = s->marks.live, .next = s->head.nonce};
        if (r == 0)
                r = snapshots_write_image(s, false);
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

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What has gathered goes on: to the look-up of earlier versions where it needs one, into figures, and to the commit.
 */

#include <errno.h>

#include "daemon/server/alert_json.h"
#include "daemon/server/intake_private.h"

/* Batches that may wait for the storage thread: one at work, one ready behind it. */
#define COMMITS_MAX 2
/* With so many surveys in flight senders may wait for each of theirs; who sends more at a time does not. */
#define AWAITED_MAX 2
/* Surveys that had to wait for a look-up and are counted in one turn of the loop: questions are answered between them. */
#define RESOLVED_AT_ONCE 256

void intake_go_on(Intake *i)
{
        if (i->resting && intake_is_idle(i))
                i->ops->rested(i->user);
        else if (!i->resolver && !batch_is_empty(i->gathering)) /* it goes on in the next turn of the loop */
                intake_turn(i);
}

/* The storage thread has, or gets, what somebody may wait for. */
static void await_result(Intake *i)
{
        if (i->n_entries && i->n_entries <= AWAITED_MAX)
                i->ops->awaited(i->user);
}

static int commit_run(JournalJob *job, Store *store)
{
        Batch *b = (Batch *)job;
        int r;

        /* Order: nothing is written behind a batch that failed; until it has been given up, if it found no space. */
        if (b->intake->store_stopped)
                return -ENOSPC;
        r = batch_commit(b, store);
        if (r < 0)
                b->intake->store_stopped = true;
        return r;
}

static void commit_done(JournalJob *job, int result)
{
        Batch *b = (Batch *)job;
        Intake *i = b->intake;

        i->n_commits--;
        if ((result == -ENOSPC || result == -ESTALE) && !i->failed) {
                starve_take(i, b, result);
                return;
        }
        if (result < 0 || i->failed) {
                /* Nothing after a failed commit is acknowledged, not even what might be durable. */
                intake_fail(i, result, b->error);
                batch_free(b);
                return;
        }
        i->stats.batches++;
        i->stats.stages.nsec[STAGE_COMMIT] += (uint64_t)b->commit_usec * 1000;
        i->stats.last_stored = i->ops->now(i->user);
        intake_settle(i, b);
        intake_give_batch(i, b);
        if (i->n_commits)
                await_result(i);
        intake_go_on(i);
}

static int write_alerts(Intake *i, Batch *b)
{
        const Settings *settings = engine_settings(i->parts.engine);
        usec_t now = i->ops->now(i->user);
        int r;

        for (size_t k = 0; k < b->effects.n_alerts; k++) {
                const Alert *a = &b->effects.alerts[k];

                alert_encode(a, alert_metric(a, settings), &b->alerts);
                buffer_append_char(&b->alerts, '\0');
                r = feeds_prepare(i->parts.feeds, i->parts.engine, a, now, &b->feed);
                if (r < 0)
                        return r;
        }
        return buffer_failed(&b->alerts) ? -ENOMEM : 0;
}

static bool needs_commit(const Batch *b)
{
        return b->effects.n_alerts || batch_has_surveys(b);
}

/* Every entry has its verdict. */
static void commit(Intake *i, Batch *b)
{
        int r = write_alerts(i, b);

        if (r < 0) {
                intake_fail(i, r, "writing alerts");
                batch_free(b);
                return;
        }
        /* Order per sender: what needs no commit still waits for what was offered before it. */
        if (!needs_commit(b) && i->n_commits == 0) {
                intake_settle(i, b);
                intake_give_batch(i, b);
                intake_go_on(i);
                return;
        }
        b->job = (JournalJob){.run = commit_run, .done = commit_done};
        b->kept_epoch = i->parts.kept_epoch;
        i->n_commits++;
        await_result(i);
        journal_submit(i->parts.journal, &b->job);
}

static int look_up_run(JournalJob *job, Store *store)
{
        return batch_look_up((Batch *)job, store);
}

/*
 * Alerts are stored with the surveys that caused them, and in the order of the engine's steps: what time or a command
 * wanted done meanwhile comes behind what is in this batch already, and before what its next hits want. No survey was
 * counted meanwhile.
 */
static int resolve_some(Intake *i, Batch *b)
{
        Effects *meanwhile = &i->gathering->effects;
        int r = 0;

        for (size_t k = 0; k < meanwhile->n_alerts && r == 0; k++)
                r = effects_add_alert(&b->effects, &meanwhile->alerts[k]);
        effects_reset(meanwhile);
        return r < 0 ? r : resolver_step(i->resolver, i->ops->now(i->user), RESOLVED_AT_ONCE);
}

static void end_resolving(Intake *i)
{
        i->resolver = resolver_free(i->resolver);
        i->resolving = NULL;
}

/* Counts some of what had to wait; all of it is handed over. @result of what was done up to now. */
static void go_on_resolving(Intake *i, int result)
{
        bool kept_waiting = i->resolver;
        Batch *b = i->resolving;

        if (result == 0 && i->starved && !i->failed) {
                end_resolving(i);
                starve_take(i, b, -ENOSPC);
                if (kept_waiting)
                        intake_tell_room(i);
                return;
        }
        if (result == 0 && !i->failed && !i->resolver) {
                i->resolver = resolver_new(b, &i->parts);
                result = i->resolver ? 0 : -ENOMEM;
        }
        if (result == 0 && !i->failed)
                result = resolve_some(i, b);
        intake_weigh(i, b);
        i->ops->stepped(i->user);
        if (result == RESOLVER_MORE) {
                i->ops->wanted(i->user);
                return;
        }
        end_resolving(i);
        if (result < 0 || i->failed) {
                intake_fail(i, result, b->error[0] ? b->error : "looking earlier versions up");
                batch_free(b);
                return;
        }
        commit(i, b);
        cut_look(i);
        if (kept_waiting)
                intake_tell_room(i);
}

void intake_resolve_all(Intake *i)
{
        while (i->resolver)
                go_on_resolving(i, 0);
}

static void look_up_done(JournalJob *job, int result)
{
        Intake *i = ((Batch *)job)->intake;

        go_on_resolving(i, result);
        if (!i->failed && !i->resolver && !batch_is_empty(i->gathering))
                intake_turn(i);
}

/* With what the batches before it have numbered since its surveys were offered. False: there is nothing to look up. */
static bool find_candidates(const Intake *i, Batch *b)
{
        bool any = false;

        for (size_t k = 0; k < b->n_hits; k++) {
                Hit *hit = &b->hits[k];

                hit->n_seqs = seen_find(i->parts.seen, hit->hash, hit->seqs);
                any = any || hit->n_seqs > 0;
        }
        return any;
}

void intake_turn(Intake *i)
{
        Batch *b = i->gathering, *next;

        if (i->resolver) {
                go_on_resolving(i, 0);
                b = i->gathering;
        }
        if (i->failed || i->resolving || i->unwritten || i->n_commits >= COMMITS_MAX || batch_is_empty(b))
                return;
        if (i->alerts_wait) {
                /* Refusals are told; alerts and who waits for them stay. */
                settle_entries(i, b);
                batch_drop_entries(b);
                return;
        }
        next = intake_take_batch(i);
        if (!next) {
                intake_fail(i, -ENOMEM, "gathering surveys");
                return;
        }
        i->gathering = next;
        if (b->n_hits == 0) {
                commit(i, b);
                cut_look(i);
                return;
        }
        i->resolving = b;
        if (!find_candidates(i, b)) {
                go_on_resolving(i, 0);
                return;
        }
        b->job = (JournalJob){.run = look_up_run, .done = look_up_done};
        await_result(i);
        journal_submit(i->parts.journal, &b->job);
}

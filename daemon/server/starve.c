/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A full disk.
 *
 * The happy path is: a commit finds no space; everything that was not written leaves the figures again and is refused,
 * so that its senders keep it; the reserve file is given up, which makes room for the alerts; once a second the reserve
 * is tried anew, and when there is space for it, surveys are taken again. Possible failure modes: not even alerts can be
 * written (they wait, in their order, until there is space). A store whose file somebody has moved, removed or replaced
 * is as good as full: what would be written into it is lost when it is closed.
 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/server/intake_private.h"
#include "daemon/server/reserve.h"
#include "proto/base/plant.h"
#include "proto/survey_json.h"

typedef struct Undo {
        Survey now, before;
        char scratch[SURVEY_SCRATCH_BYTES];
} Undo;

void starve_fault(const Intake *i, Fault *ret)
{
        fault_set(ret, FAULT_UNAVAILABLE, NULL, "%s; nothing of this was stored, send it again later",
                  intake_obstacle(i));
}

/* @hit: that of the entry; NULL: its id was new. */
static int undo_entry(Undo *u, Intake *i, const Batch *b, const Entry *e, const Hit *hit, Effects *to)
{
        Input in = {
                .kind = INPUT_SURVEY, .now = i->ops->now(i->user), .survey = &u->before, .earlier = &u->now};

        if ((e->verdict != VERDICT_STORED && e->verdict != VERDICT_REVISED) || PLANTED("full-not-taken-back"))
                return 0;
        batch_survey(b, e, &u->now);
        if (e->verdict == VERDICT_REVISED) {
                if (batch_version(b, &hit->before, &u->before, u->scratch) < 0)
                        return -EBADMSG;
        } else {
                /* As if it had been retracted, and forgotten. */
                u->before = u->now;
                u->before.status = SURVEY_RETRACTED;
                u->before.n_answers = 0;
                seen_remove(i->parts.seen, seen_hash(i->parts.seen, text_of(e->source->name), u->now.id),
                            e->seq);
        }
        return engine_step(i->parts.engine, &in, to);
}

static int undo_batch(Undo *u, Intake *i, const Batch *b, Effects *to)
{
        size_t h = b->n_hits;
        int r = 0;

        for (size_t k = b->n_entries; k-- > 0 && r == 0;) {
                const Hit *hit = h > 0 && b->hits[h - 1].entry == k ? &b->hits[--h] : NULL;

                r = undo_entry(u, i, b, &b->entries[k], hit, to);
        }
        return r;
}

/* Last in, first out. */
static int undo_all(Undo *u, Intake *i, const Batch *first, Effects *to)
{
        int r;

        if (!first)
                return 0;
        r = undo_all(u, i, first->next, to);
        return r < 0 ? r : undo_batch(u, i, first, to);
}

/* Alerts and calls of @from go on waiting in @to; what was numbered for the feeds is numbered anew later. */
static int carry_over(Batch *to, Batch *from)
{
        int r = 0;

        for (size_t k = 0; k < from->effects.n_alerts && r == 0; k++)
                r = effects_add_alert(&to->effects, &from->effects.alerts[k]);
        for (size_t k = 0; k < from->n_calls && r == 0; k++)
                r = batch_add_call(to, from->calls[k].fn, from->calls[k].user);
        effects_reset(&from->effects);
        feed_rows_reset(&from->feed);
        from->n_calls = 0;
        return r;
}

/* What became of alerts meanwhile, and by the undoing. */
static int give_back(Engine *e, Effects *effects)
{
        size_t n = effects->n_alerts;
        int r = 0;

        for (size_t k = 0; k < n && r == 0; k++)
                r = engine_give_back(e, &effects->alerts[k], effects);
        return r;
}

static int refuse_all(const Intake *i, Batch *b)
{
        Fault fault;
        int r = 0;

        starve_fault(i, &fault);
        for (size_t k = 0; k < b->n_entries && r == 0; k++) {
                Entry *e = &b->entries[k];
                Text id = TEXT_NULL;

                if (e->refusal) {
                        /* What is stale may be so beside one that is refused now. */
                        if (e->refusal->fault.code != FAULT_STALE)
                                continue;
                        id = text_of(e->refusal->id);
                }
                r = batch_refuse(b, e, id, &fault);
        }
        return r;
}

static int give_up_unwritten(Intake *i, Undo *u, Batch *kept)
{
        Batch *b;
        int r = 0;

        *i->unwritten_end = i->gathering;
        i->gathering->next = NULL;
        for (b = i->unwritten; b && r == 0; b = b->next)
                r = carry_over(kept, b);
        if (r == 0)
                r = undo_all(u, i, i->unwritten, &kept->effects);
        if (r == 0)
                r = give_back(i->parts.engine, &kept->effects);
        for (b = i->unwritten; b && r == 0; b = b->next)
                r = refuse_all(i, b);
        if (r < 0) {
                *i->unwritten_end = NULL; /* what gathers is not one of them */
                return r;
        }
        feeds_unprepare(i->parts.feeds);
        b = i->unwritten;
        i->unwritten = NULL;
        i->unwritten_end = &i->unwritten;
        i->gathering = kept;
        while (b) {
                Batch *next = b->next;

                intake_settle(i, b);
                intake_give_batch(i, b);
                b = next;
        }
        return 0;
}

static int release_run(JournalJob *job, Store *store)
{
        Intake *i = CX_CONTAINER_OF(job, Intake, release);

        (void)store;
        i->store_stopped = false;
        i->store_full = true;
        if (!PLANTED("reserve-kept"))
                reserve_give_up(i->parts.reserve);
        return 0;
}

static void release_done(JournalJob *job, int result)
{
        (void)job;
        (void)result;
}

void starve_take(Intake *i, Batch *b, int error)
{
        Batch *kept;
        Undo *u;
        int r;

        b->next = NULL;
        *i->unwritten_end = b;
        i->unwritten_end = &b->next;
        if (!batch_has_surveys(b))
                i->alerts_wait = true;
        if (!i->starved) {
                i->starved = true;
                i->gone = error == -ESTALE;
                i->ops->starved(i->user, b->error);
        }
        if (i->n_commits || i->resolving)
                return; /* they come here, too */
        /* Nothing is under way, so this job is free. */
        i->release = (JournalJob){.run = release_run, .done = release_done};
        journal_submit(i->parts.journal, &i->release);
        u = malloc(sizeof(*u));
        kept = intake_take_batch(i);
        r = u && kept ? give_up_unwritten(i, u, kept) : -ENOMEM;
        free(u);
        if (r < 0) {
                batch_free(kept);
                intake_fail(i, r, "taking back what found no space");
                return;
        }
        i->ops->stepped(i->user);
        intake_go_on(i);
}

static int retry_run(JournalJob *job, Store *store)
{
        Intake *i = CX_CONTAINER_OF(job, Intake, retry);
        int r = PLANTED("full-for-ever") ? -ENOSPC : reserve_make_again(i->parts.reserve);

        /* Also where no reserve can be made, because the whole folder is gone. */
        if (store_begin(store) == -ESTALE)
                r = -ESTALE;
        store_rollback(store);
        i->store_full = r < 0;
        return r;
}

static void retry_done(JournalJob *job, int result)
{
        Intake *i = CX_CONTAINER_OF(job, Intake, retry);

        i->retry_busy = false;
        if (result == -ECANCELED)
                return;
        i->alerts_wait = false;
        if (result == 0) {
                i->starved = false;
                i->ops->recovered(i->user);
        } else {
                i->gone = result == -ESTALE;
                i->ops->starved(i->user, NULL);
        }
        intake_go_on(i);
}

void intake_retry(Intake *i)
{
        if (!i->starved)
                return;
        if (i->n_commits || i->unwritten || i->retry_busy) {
                i->ops->starved(i->user, NULL); /* not now: again in a second */
                return;
        }
        i->retry_busy = true;
        i->retry = (JournalJob){.run = retry_run, .done = retry_done};
        journal_submit(i->parts.journal, &i->retry);
}

bool intake_is_starved(const Intake *i)
{
        return i->starved;
}

bool intake_is_gone(const Intake *i)
{
        return i->gone;
}

const char *intake_obstacle(const Intake *i)
{
        if (!i->starved)
                return NULL;
        return i->gone ? INTAKE_NO_STORE : "the disk is full";
}

bool intake_store_full(const Intake *i)
{
        return i->store_stopped || i->store_full;
}

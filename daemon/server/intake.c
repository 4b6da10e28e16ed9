/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/access.h"
#include "daemon/server/intake_private.h"
#include "proto/base/plant.h"
#include "proto/survey_json.h"

/* Memory that an idle batch may keep. */
#define KEEP_MAX ((size_t)8 << 20)

int intake_new(Intake **ret, const IntakeParts *parts, const IntakeOps *ops, void *user)
{
        Intake *i = calloc(1, sizeof(*i));

        if (!i)
                return -ENOMEM;
        i->parts = *parts;
        i->parts.gone_before = i->parts.mute_before = INT64_MIN;
        i->ops = ops;
        i->user = user;
        i->scratch = malloc(SURVEY_BYTES_MAX);
        i->gathering = batch_new(i);
        i->unwritten_end = &i->unwritten;
        if (!i->scratch || !i->gathering) {
                intake_free(i);
                return -ENOMEM;
        }
        *ret = i;
        return 0;
}

Intake *intake_free(Intake *i)
{
        if (!i)
                return NULL;
        while (i->unwritten) {
                Batch *b = i->unwritten;

                i->unwritten = b->next;
                batch_free(b);
        }
        if (i->resolver)
                batch_free(i->resolving);
        resolver_free(i->resolver);
        batch_free(i->gathering);
        batch_free(i->spare);
        free(i->scratch);
        free(i);
        return NULL;
}

void intake_fail(Intake *i, int error, const char *what)
{
        if (i->failed)
                return;
        i->failed = true;
        if (error != -ECANCELED) /* that only means that the daemon is ending */
                i->ops->failed(i->user, error, what);
}

Batch *intake_take_batch(Intake *i)
{
        Batch *b = i->spare;

        i->spare = NULL;
        return b ? b : batch_new(i);
}

void intake_give_batch(Intake *i, Batch *b)
{
        batch_reset(b);
        if (i->spare || batch_room(b) > KEEP_MAX)
                batch_free(b);
        else
                i->spare = b;
}

bool intake_has_failed(const Intake *i)
{
        return i->failed;
}

bool intake_is_full(const Intake *i)
{
        return i->full || i->resting || i->failed;
}

bool intake_must_wait(const Intake *i)
{
        return intake_is_full(i) || i->held || i->resolver;
}

void intake_tell_room(Intake *i)
{
        if (!intake_must_wait(i))
                i->ops->room(i->user);
}

void intake_hold(Intake *i)
{
        i->held = true;
}

void intake_release(Intake *i)
{
        if (!i->held)
                return;
        i->held = false;
        intake_tell_room(i);
}

bool intake_is_above(const Intake *i, size_t part)
{
        size_t max = i->parts.config->max_memory << 20, bytes = INTAKE_BYTES_MAX;

        if (max && bytes > max / INTAKE_SHARE)
                bytes = max / INTAKE_SHARE;
        return i->n_bytes >= bytes / part || i->n_entries >= INTAKE_ENTRIES_MAX / part;
}

void intake_weigh(Intake *i, Batch *b)
{
        size_t load = batch_size(b);

        i->n_bytes += load - b->load;
        b->load = load;
        if (intake_is_above(i, 1))
                i->full = true;
}

static void grow_load(Intake *i)
{
        i->n_entries++;
        intake_weigh(i, i->gathering);
        i->ops->wanted(i->user);
}

/* A new entry of @s at the end of what gathers; NULL after fail(). */
static Entry *add_entry(Intake *i, IntakeSink *s, uint64_t index, const ConfigSource *source)
{
        Entry *e = i->failed ? NULL : batch_add_entry(i->gathering);

        if (!e) {
                intake_fail(i, -ENOMEM, "gathering surveys");
                return NULL;
        }
        e->sink = s;
        e->index = index;
        e->source = source;
        s->n_pending++;
        return e;
}

/* It is refused, or it may turn out later that it is. */
static void doubt(Entry *e)
{
        e->doubtful = true;
        e->sink->n_doubtful++;
}

static void refuse_entry(Intake *i, Entry *e, Text id, const Fault *fault)
{
        int r = batch_refuse(i->gathering, e, id, fault);

        doubt(e);
        if (r < 0)
                intake_fail(i, r, "refusing a survey");
}

void intake_refuse(Intake *i, IntakeSink *s, uint64_t index, Text id, const Fault *fault)
{
        Entry *e = add_entry(i, s, index, NULL);

        if (!e)
                return;
        refuse_entry(i, e, id, fault);
        grow_load(i);
}

int intake_step(Intake *i, const Input *in)
{
        int r = i->failed ? -ENOMEM : engine_step(i->parts.engine, in, &i->gathering->effects);

        if (r < 0)
                intake_fail(i, r, "computing figures");
        i->ops->stepped(i->user);
        if (i->gathering->effects.n_alerts)
                i->ops->wanted(i->user);
        return r;
}

int intake_after_commit(Intake *i, void (*fn)(void *user), void *user)
{
        int r = batch_add_call(i->gathering, fn, user);

        if (r == 0)
                i->ops->wanted(i->user);
        return r;
}

/* A survey whose id is new: numbered and counted at once. */
static int take_new(Intake *i, Batch *b, size_t entry, uint64_t hash, usec_t now)
{
        Input in = {.kind = INPUT_SURVEY,
                    .now = now,
                    .survey = &i->survey,
                    .values = &i->values,
                    .names = &i->names};
        Entry *e = &b->entries[entry];
        int r;

        e->seq = ++i->parts.last_seq;
        e->verdict = VERDICT_STORED;
        r = batch_add_fresh(b, entry);
        if (r == 0)
                r = seen_add(i->parts.seen, hash, e->seq);
        if (r == 0)
                r = engine_step(i->parts.engine, &in, &b->effects);
        return r;
}

/*
 * Whether a survey whose id is new is counted now. Not during a look-up, nor while a cut is awaited: it would be counted
 * before what was offered earlier, and its alerts might be stored with another batch. Nor behind one in this batch that
 * was put off, for it might be the same once more.
 */
static bool counts_at_once(const Intake *i)
{
        return !i->resolving && !i->cut_wanted && !i->gathering->deferred;
}

static int take_survey(Intake *i, size_t entry, const ConfigSource *source, usec_t now)
{
        Batch *b = i->gathering;
        Entry *e = &b->entries[entry];
        uint64_t known[SEEN_CANDIDATES_MAX];
        uint64_t hash = seen_hash(i->parts.seen, text_of(source->name), i->survey.id);
        size_t n_known;
        Hit *hit;
        int r;

        seen_prefetch(i->parts.seen, hash);
        if (i->survey.ts < i->parts.mute_before)
                i->survey.comment = TEXT_NULL;
        r = batch_add_survey(b, e, &i->survey);
        if (r < 0)
                return r;
        n_known = seen_find(i->parts.seen, hash, known);
        if ((n_known == 0 && counts_at_once(i) && e->ts >= i->parts.forgotten_before) || PLANTED("no-dedupe"))
                return take_new(i, b, entry, hash, now);
        b->deferred = b->deferred || n_known == 0;
        hit = batch_add_hit(b);
        if (!hit)
                return -ENOMEM;
        hit->entry = entry;
        hit->hash = hash;
        hit->n_seqs = n_known;
        memcpy(hit->seqs, known, n_known * sizeof(known[0]));
        doubt(e);
        return 0;
}

void intake_offer(Intake *i, IntakeSink *s, uint64_t index, const ConfigSource *source, Text json)
{
        const Config *c = i->parts.config;
        SurveyRules rules = {
                .metrics = c->metrics,
                .n_metrics = c->n_metrics,
                .strict = c->strict,
                .future_skew = c->future_skew,
                .retention = c->keep_surveys,
        };
        size_t n_ignored = 0;
        usec_t now = i->ops->now(i->user);
        Entry *e = add_entry(i, s, index, source);
        uint64_t since;
        Fault fault;
        int r;

        if (!e)
                return;
        since = stages_sample(&i->stats.stages);
        if (i->starved) {
                i->survey.id = TEXT_NULL;
                starve_fault(i, &fault);
                r = 1;
        } else if (i->ops->crowded(i->user)) {
                i->survey.id = TEXT_NULL;
                r = fault_set(&fault, FAULT_UNAVAILABLE, NULL, INTAKE_CROWDED);
        } else if (json.n > SURVEY_BYTES_MAX) {
                i->survey.id = TEXT_NULL;
                r = fault_set(&fault, FAULT_TOO_LONG, NULL, "a survey may have %d bytes, this one has %zu",
                              SURVEY_BYTES_MAX, json.n);
        } else {
                r = survey_decode(&i->survey, json.at, json.n, i->scratch, c->strict, &fault, &n_ignored);
        }
        if (r == 0)
                r = survey_check(&i->survey, &rules, now, &fault, &i->values);
        if (r == 0 && i->survey.ts < i->parts.gone_before)
                r = fault_set(&fault, FAULT_TOO_OLD, "ts", INTAKE_GONE);
        if (r == 0 && !access_source_covers(source, i->survey.queue))
                r = fault_set(&fault, FAULT_SOURCE_QUEUE, "queue", "source %s may not send for this queue",
                              source->name);
        since = stages_note(&i->stats.stages, STAGE_DECODE, since);
        if (r == 0) {
                engine_expect(i->parts.engine, &i->survey, &i->names);
                i->stats.ignored += n_ignored;
                i->stats.unknown += i->values.n_unknown;
                r = take_survey(i, i->gathering->n_entries - 1, source, now);
                if (r < 0)
                        intake_fail(i, r, "taking a survey");
                (void)stages_note(&i->stats.stages, STAGE_ENGINE, since);
                i->ops->stepped(i->user);
        } else {
                refuse_entry(i, e, i->survey.id, &fault);
        }
        if (!i->failed)
                grow_load(i);
}

void intake_sink_detach(Intake *i, IntakeSink *s)
{
        (void)i;
        s->detached = true;
        if (s->n_pending == 0)
                s->on_idle(s);
}

void intake_set_limits(Intake *i, usec_t gone, usec_t mute)
{
        /* Of what is too old now no version is counted that who deletes it does not find in the store. */
        intake_resolve_all(i);
        i->parts.gone_before = gone;
        i->parts.mute_before = mute;
}

void intake_forget_before(Intake *i, usec_t before)
{
        i->parts.forgotten_before = before;
}

bool intake_is_idle(const Intake *i)
{
        return !i->resolving && i->n_commits == 0 &&
               (batch_is_empty(i->gathering) || (i->alerts_wait && i->gathering->n_entries == 0));
}

void intake_rest(Intake *i)
{
        i->resting = true;
        if (intake_is_idle(i))
                i->ops->rested(i->user);
        else
                intake_turn(i);
}

void intake_resume(Intake *i, const IntakeParts *parts)
{
        i->parts = *parts;
        i->resting = false;
        intake_tell_room(i);
}

const IntakeParts *intake_parts(const Intake *i)
{
        return &i->parts;
}

void intake_stats(const Intake *i, IntakeStats *ret)
{
        *ret = i->stats;
        ret->in_flight = i->n_entries;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/access.h"
#include "daemon/server/alert_json.h"
#include "daemon/server/batch.h"
#include "daemon/server/intake.h"
#include "daemon/server/intake_private.h"
#include "daemon/server/resolve.h"
#include "proto/base/plant.h"
#include "proto/survey_json.h"

/* Batches that may wait for the storage thread: one at work, one ready behind it. */
#define COMMITS_MAX 2
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
        if (i->spare || b->bytes.size > KEEP_MAX)
                batch_free(b);
        else
                i->spare = b;
}

bool intake_is_full(const Intake *i)
{
        return i->full || i->resting || i->failed;
}

bool intake_is_above(const Intake *i, size_t part)
{
        size_t max = i->parts.config->max_memory << 20, bytes = INTAKE_BYTES_MAX,
               entries = INTAKE_ENTRIES_MAX;

        if (max && bytes > max / INTAKE_SHARE)
                bytes = max / INTAKE_SHARE;
        if (max && entries > max / INTAKE_SHARE / sizeof(Entry))
                entries = max / INTAKE_SHARE / sizeof(Entry);
        return i->n_bytes >= bytes / part || i->n_entries >= entries / part;
}

static void grow_load(Intake *i, size_t n_bytes)
{
        i->n_bytes += n_bytes;
        i->n_entries++;
        if (intake_is_above(i, 1))
                i->full = true;
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

static void refuse_entry(Intake *i, Entry *e, Text id, const Fault *fault)
{
        e->verdict = VERDICT_REFUSED;
        e->fault = malloc(sizeof(*fault));
        e->id = id.at ? text_dup(id) : NULL;
        if (!e->fault || (id.at && !e->id)) {
                intake_fail(i, -ENOMEM, "refusing a survey");
                return;
        }
        *e->fault = *fault;
}

void intake_refuse(Intake *i, IntakeSink *s, uint64_t index, Text id, const Fault *fault)
{
        Entry *e = add_entry(i, s, index, NULL);

        if (!e)
                return;
        refuse_entry(i, e, id, fault);
        grow_load(i, 0);
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

static int take_survey(Intake *i, size_t entry, const ConfigSource *source, usec_t now)
{
        Batch *b = i->gathering;
        Entry *e = &b->entries[entry];
        uint64_t known[SEEN_CANDIDATES_MAX];
        uint64_t hash = seen_hash(i->parts.seen, text_of(source->name), i->survey.id);
        size_t n_known;
        Hit *hit;

        seen_prefetch(i->parts.seen, hash);
        e->json_at = b->bytes.n;
        if (i->survey.ts < i->parts.mute_before)
                i->survey.comment = TEXT_NULL;
        survey_encode(&i->survey, &b->bytes);
        if (buffer_failed(&b->bytes))
                return -ENOMEM;
        e->json_n = b->bytes.n - e->json_at;
        e->ts = i->survey.ts;
        n_known = seen_find(i->parts.seen, hash, known);
        if ((n_known == 0 && cut_counts_at_once(i, hash)) || PLANTED("no-dedupe"))
                return take_new(i, b, entry, hash, now);
        if (n_known == 0 && seen_find(&b->unknown, hash, known) == 0 &&
            seen_add(&b->unknown, hash, entry + 1) < 0)
                return -ENOMEM;
        hit = batch_add_hit(b);
        if (!hit)
                return -ENOMEM;
        hit->entry = entry;
        hit->hash = hash;
        hit->n_seqs = n_known;
        memcpy(hit->seqs, known, n_known * sizeof(known[0]));
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
                starve_fault(&fault);
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
                r = fault_set(&fault, FAULT_TOO_OLD, "ts", "surveys of that time have been deleted already");
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
                grow_load(i, i->gathering->entries[i->gathering->n_entries - 1].json_n);
}

void intake_sink_detach(Intake *i, IntakeSink *s)
{
        (void)i;
        s->detached = true;
        if (s->n_pending == 0)
                s->on_idle(s);
}

void intake_go_on(Intake *i)
{
        if (i->resting && intake_is_idle(i))
                i->ops->rested(i->user);
        else if (!batch_is_empty(i->gathering))
                intake_turn(i);
}

static int commit_run(JournalJob *job, Store *store)
{
        Batch *b = (Batch *)job;
        int r;

        /* Order: nothing is written behind a batch that found no space, until that one has been given up. */
        if (b->intake->store_stopped)
                return -ENOSPC;
        r = batch_commit(b, store);
        if (r == -ENOSPC)
                b->intake->store_stopped = true;
        return r;
}

static void commit_done(JournalJob *job, int result)
{
        Batch *b = (Batch *)job;
        Intake *i = b->intake;

        i->n_commits--;
        if (result == -ENOSPC && !i->failed) {
                starve_take(i, b);
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
        journal_submit(i->parts.journal, &b->job);
}

static int look_up_run(JournalJob *job, Store *store)
{
        return batch_look_up((Batch *)job, store);
}

/*
 * Alerts are stored in the order of the engine's steps. What it wanted done during the look-up stands with the batch
 * that gathers by now; what it wants next comes after that, and so stands there, too.
 */
static int resolve(Intake *i, Batch *b)
{
        Effects own = b->effects;
        bool later = i->gathering->effects.n_alerts > 0;
        int r;

        if (later)
                b->effects = i->gathering->effects;
        r = resolve_hits(b, &i->parts, i->ops->now(i->user));
        if (later) {
                i->gathering->effects = b->effects;
                b->effects = own;
        }
        return r;
}

static void look_up_done(JournalJob *job, int result)
{
        Batch *b = (Batch *)job;
        Intake *i = b->intake;

        i->resolving = NULL;
        if (result == 0 && i->starved && !i->failed) {
                starve_take(i, b);
                return;
        }
        if (result == 0 && !i->failed)
                result = resolve(i, b);
        if (result < 0 || i->failed) {
                intake_fail(i, result, b->error[0] ? b->error : "looking earlier versions up");
                batch_free(b);
                return;
        }
        i->ops->stepped(i->user);
        commit(i, b);
        cut_look(i);
        if (!batch_is_empty(i->gathering))
                intake_turn(i);
}

void intake_turn(Intake *i)
{
        Batch *b = i->gathering, *next;

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
        /* With what the batches before it have numbered since its surveys were offered. */
        for (size_t k = 0; k < b->n_hits; k++)
                b->hits[k].n_seqs = seen_find(i->parts.seen, b->hits[k].hash, b->hits[k].seqs);
        i->resolving = b;
        b->job = (JournalJob){.run = look_up_run, .done = look_up_done};
        journal_submit(i->parts.journal, &b->job);
}

void intake_set_limits(Intake *i, usec_t gone, usec_t mute)
{
        i->parts.gone_before = gone;
        i->parts.mute_before = mute;
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
        if (!intake_is_full(i))
                i->ops->room(i->user);
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

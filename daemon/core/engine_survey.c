/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a survey does to the counts: in with the new version, out with the earlier one, on every scope of each
 * one's own chain. Its answers are matched with the metrics once.
 */

#include <math.h>

#include "daemon/core/engine_internal.h"
#include "proto/base/plant.h"

/* One version of a survey, worked out. */
typedef struct Version {
        const Survey *survey;
        ScopeId chain[ORG_CHAIN_MAX];
        size_t n_chain;
        const SurveyValues *values;
        SurveyValues own;
        int32_t buckets[_WINDOW_TIER_N];
        Told told[ORG_CHAIN_MAX]; /* what the rules of each scope said of the answers */
        FreshAnswers answers;     /* for scopes that know these metrics, ... */
        uint64_t answers_known;   /* ... or none yet */
        bool has_id;
        uint32_t id; /* in the pool, once something remembers it */
} Version;

static void find_names(const Engine *e, const Survey *s, EngineNames *ret)
{
        ret->agent = s->agent.n ? org_find(e->org, SCOPE_AGENT, s->agent) : SCOPE_NONE;
        ret->queue = s->queue.n ? org_find(e->org, SCOPE_QUEUE, s->queue) : SCOPE_NONE;
}

/* A name that is new is let in only while there is room. */
static int let_in(Engine *e, ScopeKind kind, Text name, size_t max, bool is_new, uint64_t *overflow,
                  ScopeId *id)
{
        int r;

        if (*id != SCOPE_NONE || name.n == 0 || !is_new)
                return 0;
        if (org_n_kind(e->org, kind) >= max && !PLANTED("names-uncapped")) {
                ++*overflow;
                return 0;
        }
        r = org_intern(e->org, kind, name, id);
        return r ? r : engine_cover_scopes(e);
}

/* The numbers of engine_bucket() for all tiers; an hour is 60 minutes and a day 24 hours in them, too. */
static void find_buckets(usec_t ts, int32_t ret[_WINDOW_TIER_N])
{
        int64_t minute = usec_floor(ts, USEC_MIN) / USEC_MIN;

        if (minute <= INT32_MIN || minute >= INT32_MAX - 1) {
                for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                        ret[tier] = engine_bucket(ts, window_tier_width(tier));
                return;
        }
        ret[WINDOW_MINUTE] = (int32_t)minute;
        ret[WINDOW_HOUR] = (int32_t)((minute - (minute < 0 ? 59 : 0)) / 60);
        ret[WINDOW_DAY] = (int32_t)((minute - (minute < 0 ? 1439 : 0)) / 1440);
}

/* So much of a scope's counts is fetched: as a rule all of its guards. */
#define PREFETCH_BYTES 640
#define CACHE_LINE     64

/* An agent's counts have mostly left the cache since the last survey: fetch those of all scopes at once. */
static void prefetch_counts(const Engine *e, const ScopeId *chain, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const char *counts = (const char *)e->scopes[chain[i]].counts;

                for (size_t at = 0; counts && at < PREFETCH_BYTES; at += CACHE_LINE)
                        cx_prefetch(counts + at);
        }
}

/* @in: what is known about @s already; NULL: nothing. */
static int version_init(Engine *e, Version *v, const Survey *s, const Input *in, bool is_new)
{
        EngineNames names = {.agent = SCOPE_NONE, .queue = SCOPE_NONE};
        int r;

        if (in && in->names)
                names = *in->names;
        else
                find_names(e, s, &names);
        r = let_in(e, SCOPE_AGENT, s->agent, e->settings->max_agents, is_new, &e->stats.overflow_agents,
                   &names.agent);
        if (r == 0)
                r = let_in(e, SCOPE_QUEUE, s->queue, e->settings->max_queues, is_new,
                           &e->stats.overflow_queues, &names.queue);
        if (r)
                return r;
        v->survey = s;
        v->n_chain = org_chain(e->org, names.agent, names.queue, s->ts, v->chain);
        memset(v->told, 0, sizeof(v->told));
        v->answers_known = 0;
        v->has_id = false;
        v->values = in && in->values ? in->values : &v->own;
        if (v->values == &v->own)
                survey_values(s, e->settings->metrics, e->settings->n_metrics, &v->own);
        find_buckets(PLANTED("late-into-now") ? e->now : s->ts, v->buckets);
        if (!in || !in->names)
                prefetch_counts(e, v->chain, v->n_chain);
        if (is_new)
                e->stats.unknown_answers += v->values->n_unknown;
        return 0;
}

/* The lowest metric of a set. */
static unsigned first_of(uint64_t metrics)
{
        return (unsigned)__builtin_ctzll(metrics);
}

/* What is answered for a scope that has not been seen with it gets its cell. */
static int make_cells(Engine *e, ScopeId scope, uint64_t metrics)
{
        Cell *cell;
        int r = 0;

        for (; metrics && r == 0; metrics &= metrics - 1)
                r = engine_cell_get(e, scope, first_of(metrics), &cell);
        return r;
}

/* Tells the rules of a scope of the answers, before they are counted there (or no more). */
static int tell_scope(Engine *e, Version *v, size_t place, int delta)
{
        ScopeId scope = v->chain[place];
        const ScopeCounts *counts = e->scopes[scope].counts;
        uint64_t rest = v->values->answered, missing = counts ? rest & ~counts->known : rest;
        int r = missing && delta > 0 ? make_cells(e, scope, missing) : 0;

        if (r)
                return r;
        rest = engine_watched(e, scope, rest);
        if (rest)
                v->told[place] = engine_tell(e, e->scopes[scope].counts, rest, v->values, delta, v->buckets);
        return 0;
}

/* Which answers are on the wrong side is kept for the rule that may have to name them. */
static int remember_wrong(Engine *e, Pair *p, Version *v, int delta)
{
        int r;

        if (delta < 0) {
                recent_remove(&p->recent, &e->ids, v->survey->ts, v->survey->id);
                return 0;
        }
        if (!v->has_id) {
                r = idpool_add(&e->ids, v->survey->id, &v->id);
                if (r)
                        return r;
                v->has_id = true;
        }
        return recent_add(&p->recent, &e->ids, v->survey->ts, v->id);
}

static int remember_in_scope(Engine *e, Version *v, size_t place, int delta)
{
        ScopeCounts *counts = e->scopes[v->chain[place]].counts;
        int r = 0;

        for (uint64_t rest = v->told[place].wrong; rest; rest &= rest - 1) {
                unsigned metric = first_of(rest), value = v->values->values[metric];

                for (unsigned i = counts->guard_at[metric]; i < counts->guard_at[metric + 1] && r == 0; i++)
                        if (counts->guards[i].watch->evidence.wrong >> value & 1)
                                r = remember_wrong(e, counts->guards[i].pair, v, delta);
        }
        return r;
}

/* Rare enough for the grids to have it at once. */
static int take_out(Engine *e, ScopeCounts *counts, const Version *v, const FreshAnswers *a)
{
        int r = fresh_settle(&counts->fresh, engine_grids(e, counts));

        for (unsigned tier = 0; tier < _WINDOW_TIER_N && r == 0; tier++)
                if (e->tier_used[tier])
                        r = grid_count(&counts->grids[tier], v->buckets[tier], a->columns, a->n, -1,
                                       e->kept[tier]);
        return r;
}

/* The answers in the columns of a scope. Nearly all scopes of a survey know the same metrics, and have the same columns. */
static const FreshAnswers *answers_for(const Engine *e, Version *v, const ScopeCounts *counts)
{
        if (v->answers_known == counts->known)
                return &v->answers;
        v->answers_known = counts->known;
        fresh_answers_init(&v->answers, engine_n_columns(e, counts, counts->known));
        for (uint64_t rest = v->values->answered & counts->known; rest; rest &= rest - 1)
                fresh_answers_add(&v->answers, counts->first[first_of(rest)] +
                                                       (unsigned)v->values->values[first_of(rest)]);
        return &v->answers;
}

static int count_in_scope(Engine *e, Version *v, size_t place, int delta)
{
        ScopeCounts *counts = e->scopes[v->chain[place]].counts;
        const FreshAnswers *a;
        int r = remember_in_scope(e, v, place, delta);

        if (r || !counts || !(v->values->answered & counts->known))
                return r;
        a = answers_for(e, v, counts);
        r = delta < 0 ? take_out(e, counts, v, a)
                      : fresh_count(&counts->fresh, engine_grids(e, counts), v->buckets, a);
        if (r == 0 && (delta < 0 || !e->scopes[v->chain[place]].covered))
                engine_recount(e, v->chain[place]);
        return r;
}

/* What the counts point to. */
static void prefetch_sheets(const Engine *e, const Version *v)
{
        for (size_t i = 0; i < v->n_chain; i++) {
                const ScopeCounts *counts = e->scopes[v->chain[i]].counts;

                if (counts)
                        fresh_prefetch(&counts->fresh, counts->grids, v->buckets);
        }
}

/* The same for the lists of wrong answers. */
static void prefetch_recent(const Engine *e, const Version *v)
{
        for (size_t i = 0; i < v->n_chain; i++) {
                const ScopeCounts *counts = e->scopes[v->chain[i]].counts;

                for (uint64_t rest = v->told[i].wrong; rest; rest &= rest - 1) {
                        unsigned metric = first_of(rest);

                        for (unsigned k = counts->guard_at[metric]; k < counts->guard_at[metric + 1]; k++)
                                recent_prefetch(&counts->guards[k].pair->recent, &e->ids);
                }
        }
}

void engine_expect(const Engine *e, const Survey *survey, EngineNames *ret)
{
        ScopeId chain[ORG_CHAIN_MAX];

        find_names(e, survey, ret);
        prefetch_counts(e, chain, org_chain(e->org, ret->agent, ret->queue, survey->ts, chain));
}

static bool leaves_out(const Version *v, size_t place, int delta)
{
        return delta < 0 && place + 1 == v->n_chain && PLANTED("revision-left-in-one-ancestor");
}

static int count_version(Engine *e, Version *v, int delta)
{
        int r = 0;

        prefetch_sheets(e, v);
        for (size_t i = 0; i < v->n_chain; i++) {
                engine_before_change(e, v->chain[i]);
                if (delta > 0)
                        e->scopes[v->chain[i]].has_data = true;
        }
        if (v->values->answered == 0)
                return 0;
        for (size_t i = 0; i < v->n_chain && r == 0; i++) {
                engine_mark_changed(e, v->chain[i], v->values->answered);
                if (!leaves_out(v, i, delta))
                        r = tell_scope(e, v, i, delta);
        }
        if (r == 0 && delta > 0)
                prefetch_recent(e, v);
        for (size_t i = 0; i < v->n_chain && r == 0; i++)
                if (!leaves_out(v, i, delta))
                        r = count_in_scope(e, v, i, delta);
        if (v->has_id)
                idpool_unref(&e->ids, v->id);
        return r;
}

/* What active alerts rest on, before the answers are taken out. */
static void remember_version(Engine *e, const Version *v)
{
        for (size_t i = 0; i < v->n_chain; i++) {
                uint64_t rest = engine_watched(e, v->chain[i], v->values->answered);

                for (; rest; rest &= rest - 1) {
                        Cell *cell = engine_cell_find(e, v->chain[i], first_of(rest));

                        for (size_t p = 0; p < cell->n_pairs; p++)
                                engine_remember(e, &cell->pairs[p]);
                }
        }
}

static int look_at_version(Engine *e, const Version *v, bool removed, Effects *out)
{
        for (size_t i = 0; i < v->n_chain; i++) {
                for (uint64_t rest = v->told[i].wanted; rest; rest &= rest - 1) {
                        Cell *cell = engine_cell_find(e, v->chain[i], first_of(rest));

                        if (cell->stamp == e->step)
                                continue;
                        cell->stamp = e->step;
                        for (size_t p = 0; p < cell->n_pairs; p++) {
                                int r = engine_is_calm(cell->pairs[p].guard)
                                                ? 0
                                                : engine_look(e, &cell->pairs[p], removed, out);

                                if (r)
                                        return r;
                        }
                }
        }
        return 0;
}

int engine_apply(Engine *e, const Input *in, Effects *out)
{
        const Survey *survey = in->survey, *earlier = in->earlier;
        Version before, after;
        int r;

        if (earlier) {
                r = version_init(e, &before, earlier, NULL, false);
                if (r)
                        return r;
                if (out)
                        remember_version(e, &before);
                r = count_version(e, &before, -1);
                if (r)
                        return r;
                if (earlier->status != SURVEY_RETRACTED && e->stats.surveys > 0)
                        e->stats.surveys--;
        }
        if (survey->status != SURVEY_RETRACTED)
                e->stats.surveys++;
        r = version_init(e, &after, survey, in, survey->status != SURVEY_RETRACTED);
        if (r == 0)
                r = count_version(e, &after, 1);
        if (r || !out)
                return r;
        if (earlier)
                r = look_at_version(e, &before, true, out);
        return r ? r : look_at_version(e, &after, false, out);
}

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
        uint64_t wanted[ORG_CHAIN_MAX]; /* bit per metric: a rule of the scope must look at it */
        bool has_id;
        uint32_t id; /* in the pool, once something remembers it */
} Version;

/* A name that is new is let in only while there is room. */
static int find_name(Engine *e, ScopeKind kind, Text name, size_t max, bool is_new, uint64_t *overflow,
                     ScopeId *ret)
{
        ScopeId id = SCOPE_NONE;
        int r;

        if (name.n)
                id = org_find(e->org, kind, name);
        if (name.n && id == SCOPE_NONE && is_new) {
                if (org_n_kind(e->org, kind) >= max && !PLANTED("names-uncapped")) {
                        ++*overflow;
                } else {
                        r = org_intern(e->org, kind, name, &id);
                        if (r == 0)
                                r = engine_cover_scopes(e);
                        if (r)
                                return r;
                }
        }
        *ret = id;
        return 0;
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

/* @values: of @s, if they are known. */
static int version_init(Engine *e, Version *v, const Survey *s, const SurveyValues *values, bool is_new)
{
        ScopeId agent, queue;
        int r;

        r = find_name(e, SCOPE_AGENT, s->agent, e->settings->max_agents, is_new, &e->stats.overflow_agents,
                      &agent);
        if (r == 0)
                r = find_name(e, SCOPE_QUEUE, s->queue, e->settings->max_queues, is_new,
                              &e->stats.overflow_queues, &queue);
        if (r)
                return r;
        v->survey = s;
        v->n_chain = org_chain(e->org, agent, queue, s->ts, v->chain);
        memset(v->wanted, 0, sizeof(v->wanted));
        v->has_id = false;
        v->values = values ? values : &v->own;
        if (!values)
                survey_values(s, e->settings->metrics, e->settings->n_metrics, &v->own);
        find_buckets(PLANTED("late-into-now") ? e->now : s->ts, v->buckets);
        if (is_new)
                e->stats.unknown_answers += v->values->n_unknown;
        return 0;
}

/* Which answers are on the wrong side is kept for the rules that may have to name them. */
static int remember_wrong(Engine *e, Cell *cell, Version *v, unsigned value, int delta)
{
        int r = 0;

        for (size_t i = 0; i < cell->n_pairs && r == 0; i++) {
                Pair *p = &cell->pairs[i];

                if (!(p->watch->evidence.wrong >> value & 1))
                        continue;
                if (delta < 0) {
                        recent_remove(&p->recent, &e->ids, v->survey->ts, v->survey->id);
                        continue;
                }
                if (!v->has_id) {
                        r = idpool_add(&e->ids, v->survey->id, &v->id);
                        if (r)
                                return r;
                        v->has_id = true;
                }
                r = recent_add(&p->recent, &e->ids, v->survey->ts, v->id);
        }
        return r;
}

static void mark_changed(Engine *e, ScopeId scope)
{
        if (!e->scopes[scope].changed) {
                e->scopes[scope].changed = true;
                e->changed[e->n_changed++] = scope;
        }
}

/* The lowest metric of a set. */
static unsigned first_of(uint64_t metrics)
{
        return (unsigned)__builtin_ctzll(metrics);
}

/* Tells the rules of a scope of the answers in @metrics, before they are counted there (or no more). */
static int tell_scope(Engine *e, Version *v, size_t place, uint64_t metrics, int delta)
{
        ScopeId scope = v->chain[place];
        uint64_t rest = engine_watched(e, scope, metrics);
        int r = 0;

        for (; rest && r == 0; rest &= rest - 1) {
                unsigned metric = first_of(rest), value = v->values->values[metric];
                Cell *cell = e->scopes[scope].counts->cells[metric];

                if (engine_tell(e, cell, value, delta, v->buckets))
                        v->wanted[place] |= UINT64_C(1) << metric;
                r = remember_wrong(e, cell, v, value, delta);
        }
        return r;
}

/* Rare enough for the grids to have it at once. */
static int take_out(Engine *e, ScopeCounts *counts, const Version *v, const uint16_t *columns, size_t n)
{
        int r = fresh_settle(&counts->fresh, engine_grids(e, counts));

        for (unsigned tier = 0; tier < _WINDOW_TIER_N && r == 0 && n > 0; tier++)
                if (e->tier_used[tier])
                        r = grid_count(&counts->grids[tier], v->buckets[tier], columns, n, -1, e->kept[tier]);
        return r;
}

static int count_in_scope(Engine *e, Version *v, size_t place, int delta)
{
        ScopeId scope = v->chain[place];
        ScopeCounts *counts = e->scopes[scope].counts;
        uint64_t answered = v->values->answered, missing = counts ? answered & ~counts->known : answered,
                 rest;
        uint16_t columns[METRICS_MAX];
        size_t n = 0;
        Cell *cell;
        int r = 0;

        if (missing && delta < 0)
                answered &= ~missing;
        else
                for (rest = missing; rest && r == 0; rest &= rest - 1)
                        r = engine_cell_get(e, scope, first_of(rest), &cell);
        if (r == 0)
                r = tell_scope(e, v, place, answered, delta);
        if (r || !answered)
                return r;
        counts = e->scopes[scope].counts;
        for (rest = answered; rest; rest &= rest - 1)
                columns[n++] = (uint16_t)(counts->first[first_of(rest)] + v->values->values[first_of(rest)]);
        return delta < 0 ? take_out(e, counts, v, columns, n)
                         : fresh_count(&counts->fresh, engine_grids(e, counts), v->buckets, columns, n);
}

/* An agent's counts have mostly left the cache since the last survey: fetch those of all scopes at once. */
static void prefetch_scopes(const Engine *e, const Version *v)
{
        for (size_t i = 0; i < v->n_chain; i++) {
                const ScopeCounts *counts = e->scopes[v->chain[i]].counts;

                if (counts) {
                        __builtin_prefetch(counts);
                        __builtin_prefetch(counts->cells);
                        __builtin_prefetch(counts->cells + e->settings->n_metrics);
                }
        }
        for (size_t i = 0; i < v->n_chain; i++) {
                const ScopeCounts *counts = e->scopes[v->chain[i]].counts;
                uint64_t rest = engine_watched(e, v->chain[i], v->values->answered);

                if (counts)
                        fresh_prefetch(&counts->fresh);
                for (; rest; rest &= rest - 1) {
                        const Cell *cell = counts->cells[first_of(rest)];

                        __builtin_prefetch(&cell->stamp);
                        __builtin_prefetch(&cell->pairs[0].watch);
                        __builtin_prefetch(&cell->pairs[0].past);
                        __builtin_prefetch(&cell->pairs[0].recent);
                }
        }
}

static int count_version(Engine *e, Version *v, int delta)
{
        int r = 0;

        prefetch_scopes(e, v);
        for (size_t i = 0; i < v->n_chain && r == 0; i++) {
                ScopeId scope = v->chain[i];

                if (delta > 0)
                        e->scopes[scope].has_data = true;
                if (v->values->answered == 0)
                        continue;
                mark_changed(e, scope);
                if (delta < 0 && i + 1 == v->n_chain && PLANTED("revision-left-in-one-ancestor"))
                        continue;
                r = count_in_scope(e, v, i, delta);
        }
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
                for (uint64_t rest = v->wanted[i]; rest; rest &= rest - 1) {
                        Cell *cell = engine_cell_find(e, v->chain[i], first_of(rest));

                        if (cell->stamp == e->step)
                                continue;
                        cell->stamp = e->step;
                        for (size_t p = 0; p < cell->n_pairs; p++) {
                                int r = engine_is_calm(&cell->pairs[p])
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
        r = version_init(e, &after, survey, in->values, survey->status != SURVEY_RETRACTED);
        if (r == 0)
                r = count_version(e, &after, 1);
        if (r || !out)
                return r;
        if (earlier)
                r = look_at_version(e, &before, true, out);
        return r ? r : look_at_version(e, &after, false, out);
}

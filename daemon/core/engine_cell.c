/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/core/engine_internal.h"

void engine_cell_free(Engine *e, Cell *cell)
{
        for (size_t i = 0; i < cell->n_pairs; i++)
                recent_deinit(&cell->pairs[i].recent, &e->ids);
        free(cell);
}

void engine_counts_free(Engine *e, ScopeCounts *counts)
{
        if (!counts)
                return;
        for (uint64_t rest = counts->known; rest; rest &= rest - 1)
                engine_cell_free(e, counts->cells[__builtin_ctzll(rest)]);
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                grid_deinit(&counts->grids[tier]);
        fresh_deinit(&counts->fresh);
        free(counts);
}

static bool watch_covers(const Watch *w, size_t metric, const ScopeInfo *info)
{
        return w->rule->metric == metric && rule_covers(w->rule, info->kind, info->name);
}

static size_t n_covering(const Engine *e, const ScopeInfo *info)
{
        size_t n = 0;

        for (size_t i = 0; i < e->settings->n_rules; i++)
                n += rule_covers(e->watches[i].rule, info->kind, info->name);
        return n;
}

static void set_up_guards(const Engine *e, const ScopeInfo *info, ScopeCounts *counts)
{
        size_t n = 0, metric;

        for (metric = 0; metric < e->settings->n_metrics; metric++) {
                counts->guard_at[metric] = (uint16_t)n;
                for (size_t i = 0; i < e->settings->n_rules; i++)
                        if (watch_covers(&e->watches[i], metric, info))
                                counts->guards[n++] = (Guard){
                                        .watch = &e->watches[i], .bound = INFINITY, .begun = INT32_MAX};
        }
        counts->guard_at[metric] = (uint16_t)n;
}

static int make_counts(const Engine *e, ScopeId scope, ScopeCounts **ret)
{
        const ScopeInfo *info = org_scope(e->org, scope);
        size_t n = e->settings->n_metrics, n_guards = n_covering(e, info);
        ScopeCounts *counts;

        assert(n_guards <= UINT16_MAX);
        counts = calloc(1, sizeof(*counts) + n_guards * sizeof(Guard) + n * sizeof(Cell *) +
                                   (2 * n + 1) * sizeof(uint16_t));
        if (!counts)
                return -ENOMEM;
        counts->cells = (Cell **)(counts->guards + n_guards);
        counts->first = (uint16_t *)(counts->cells + n);
        counts->guard_at = counts->first + n;
        set_up_guards(e, info, counts);
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                counts->grids[tier] = GRID_NULL;
        *ret = counts;
        return 0;
}

/*
 * The newest alert says from which day on there are starts again; the one before, what held for the newest. One that the
 * rule made of another metric has only used up its number.
 */
void engine_take_over(Pair *p, bool is_same, uint32_t ordinal, int32_t restart)
{
        if (is_same)
                used_up_add(&p->used, ordinal, restart);
        if (ordinal > p->ordinal)
                p->ordinal = ordinal;
        p->past.valid = false;
        p->guard->calm = false;
}

uint64_t engine_kin(const Engine *e, const Pair *p)
{
        return alertbook_kin(p->guard->watch->rule->name, org_scope(e->org, p->cell->scope)->text);
}

void engine_take_over_dropped(const Engine *e, Pair *p)
{
        const char *metric = p->guard->watch->metric->name;
        uint64_t kin = engine_kin(e, p);
        UsedUp used = alertbook_trace(&e->book, kin, metric);

        engine_take_over(p, false, alertbook_trace(&e->book, kin, "").ordinal, INT32_MIN);
        engine_take_over(p, true, used.ordinal_before, used.restart_before);
        engine_take_over(p, true, used.ordinal, used.restart);
}

/* From alerts of the same rule and scope that came back before there was the pair. */
static void inherit(const Engine *e, Pair *p)
{
        uint64_t kin = engine_kin(e, p);

        engine_take_over_dropped(e, p);
        for (size_t i = 0; e->n_orphans && i < e->book.n; i++) {
                const BookEntry *entry = e->book.entries[i];

                if (!entry->pair && entry->kin == kin)
                        engine_take_over(p, alert_is_of(&entry->alert, p->guard->watch->metric),
                                         entry->alert.ordinal, entry->alert.restart);
        }
}

static int make_cell(Engine *e, ScopeId scope, size_t metric, Cell **ret)
{
        ScopeCounts *counts = e->scopes[scope].counts;
        Guard *guards = counts->guards + counts->guard_at[metric];
        size_t n = (size_t)(counts->guard_at[metric + 1] - counts->guard_at[metric]);
        Cell *cell = calloc(1, sizeof(*cell) + n * sizeof(cell->pairs[0]));

        if (!cell)
                return -ENOMEM;
        cell->scope = scope;
        cell->metric = (uint16_t)metric;
        cell->n_values = (uint16_t)metric_n_values(&e->settings->metrics[metric]);
        cell->counts = counts;
        cell->n_pairs = (uint16_t)n;
        for (size_t i = 0; i < n; i++) {
                Pair *p = &cell->pairs[i];

                *p = (Pair){
                        .item = SCHEDULE_ITEM_NULL,
                        .cell = cell,
                        .guard = &guards[i],
                        .used = USED_UP_NULL,
                };
                guards[i].pair = p;
                inherit(e, p);
        }
        *ret = cell;
        return 0;
}

/* In the order of the metrics, so that scopes with the same metrics have the same columns. */
static int make_series(Engine *e, const Cell *cell)
{
        ScopeCounts *counts = cell->counts;
        uint64_t higher = counts->known & ~((UINT64_C(2) << cell->metric) - 1);
        unsigned first = engine_n_columns(e, counts, counts->known & ~higher);

        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++) {
                int r;

                if (!e->tier_used[tier])
                        continue;
                r = grid_add_columns(&counts->grids[tier], first, cell->n_values);
                if (r)
                        return r;
                e->stats.n_series++;
        }
        counts->first[cell->metric] = (uint16_t)first;
        for (uint64_t rest = higher; rest; rest &= rest - 1)
                counts->first[__builtin_ctzll(rest)] += cell->n_values;
        return 0;
}

int engine_cell_get(Engine *e, ScopeId scope, size_t metric, Cell **ret)
{
        ScopeData *data = &e->scopes[scope];
        Cell *cell;
        int r;

        if (!data->counts) {
                r = make_counts(e, scope, &data->counts);
                if (r)
                        return r;
        }
        if (data->counts->cells[metric]) {
                *ret = data->counts->cells[metric];
                return 0;
        }
        r = fresh_settle(&data->counts->fresh, engine_grids(e, data->counts));
        if (r == 0)
                r = make_cell(e, scope, metric, &cell);
        if (r)
                return r;
        r = make_series(e, cell);
        if (r) {
                engine_cell_free(e, cell);
                return r;
        }
        data->counts->cells[metric] = cell;
        data->counts->known |= UINT64_C(1) << metric;
        if (cell->n_pairs)
                data->counts->watched |= UINT64_C(1) << metric;
        *ret = cell;
        return 0;
}

Pair *engine_pair_find(const Engine *e, ScopeId scope, const Watch *watch)
{
        Cell *cell = engine_cell_find(e, scope, watch->rule->metric);

        for (size_t i = 0; cell && i < cell->n_pairs; i++)
                if (cell->pairs[i].guard->watch == watch)
                        return &cell->pairs[i];
        return NULL;
}

Cell *engine_cell_next(const Engine *e, size_t *at)
{
        for (; *at / METRICS_MAX < e->n_scopes; *at = (*at / METRICS_MAX + 1) * METRICS_MAX) {
                const ScopeCounts *counts = e->scopes[*at / METRICS_MAX].counts;
                uint64_t rest = counts ? counts->known >> *at % METRICS_MAX : 0;

                if (rest) {
                        size_t metric = *at % METRICS_MAX + (size_t)__builtin_ctzll(rest);

                        *at = *at / METRICS_MAX * METRICS_MAX + metric + 1;
                        return counts->cells[metric];
                }
        }
        return NULL;
}

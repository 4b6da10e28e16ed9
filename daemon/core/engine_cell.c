/* SPDX-License-Identifier: Apache-2.0 */

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

void engine_counts_free(ScopeCounts *counts)
{
        if (!counts)
                return;
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                grid_deinit(&counts->grids[tier]);
        fresh_deinit(&counts->fresh);
        free(counts);
}

static int make_counts(const Engine *e, ScopeCounts **ret)
{
        size_t n = e->settings->n_metrics;
        ScopeCounts *counts = calloc(1, sizeof(*counts) + n * (sizeof(Cell *) + sizeof(counts->first[0])));

        if (!counts)
                return -ENOMEM;
        counts->first = (uint16_t *)(counts->cells + n);
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                counts->grids[tier] = GRID_INIT(e->n_cursors[tier]);
        *ret = counts;
        return 0;
}

static bool watch_covers(const Watch *w, const Cell *cell, const ScopeInfo *info)
{
        return w->rule->metric == cell->metric && rule_covers(w->rule, info->kind, info->name);
}

/* Alerts of the same rule and scope that came back without a pair have used up their numbers. */
static void inherit_ordinal(const Engine *e, Pair *p)
{
        for (size_t i = 0; e->n_orphans && i < e->book.n; i++) {
                const BookEntry *entry = e->book.entries[i];

                if (!entry->pair && entry->kin == p->kin && entry->alert.ordinal > p->ordinal)
                        p->ordinal = entry->alert.ordinal;
        }
}

static int make_cell(Engine *e, ScopeId scope, size_t metric, Cell **ret)
{
        Cell key = {.scope = scope, .metric = (uint32_t)metric}, *cell;
        const ScopeInfo *info = org_scope(e->org, scope);
        size_t n_rules = e->settings->n_rules, n = 0;

        for (size_t i = 0; i < n_rules; i++)
                n += watch_covers(&e->watches[i], &key, info);
        cell = calloc(1, sizeof(*cell) + n * sizeof(cell->pairs[0]));
        if (!cell)
                return -ENOMEM;
        cell->scope = scope;
        cell->metric = (uint32_t)metric;
        for (size_t i = 0; i < n_rules; i++) {
                const Watch *w = &e->watches[i];
                Pair *p = &cell->pairs[cell->n_pairs];

                if (!watch_covers(w, cell, info))
                        continue;
                cell->n_pairs++;
                *p = (Pair){
                        .item = SCHEDULE_ITEM_NULL,
                        .cell = cell,
                        .watch = w,
                        .kin = alertbook_kin(w->rule->name, info->text),
                        .restart = INT64_MIN,
                        .restart_before = INT64_MIN,
                        .bound = INFINITY,
                };
                inherit_ordinal(e, p);
        }
        *ret = cell;
        return 0;
}

static int make_series(Engine *e, ScopeCounts *counts, Cell *cell)
{
        unsigned n_values = metric_n_values(&e->settings->metrics[cell->metric]);

        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++) {
                int r;

                if (!e->tier_used[tier])
                        continue;
                r = series_init(&cell->series[tier], &counts->grids[tier], n_values);
                if (r)
                        return r;
                counts->first[cell->metric] = cell->series[tier].first;
                e->stats.n_series++;
        }
        return 0;
}

int engine_cell_get(Engine *e, ScopeId scope, size_t metric, Cell **ret)
{
        ScopeData *data = &e->scopes[scope];
        Cell *cell;
        int r;

        if (!data->counts) {
                r = make_counts(e, &data->counts);
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
        r = make_series(e, data->counts, cell);
        if (r) {
                engine_cell_free(e, cell);
                return r;
        }
        cell->next = e->cells;
        e->cells = cell;
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
                if (cell->pairs[i].watch == watch)
                        return &cell->pairs[i];
        return NULL;
}

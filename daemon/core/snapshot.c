/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Scopes lie in the image in the order of their numbers, which loading gives them again; the metrics of a scope in the
 * order of their columns, likewise. Everything else finds its place by that.
 */

#include <errno.h>

#include "daemon/core/engine_internal.h"
#include "daemon/core/snapshot.h"

#define HAS_DATA   1U
#define HAS_COUNTS 2U

/* --- out ------------------------------------------------------------------------------------------------ */

/* The metric whose first column is the next one behind @column (-1: the first of all); SIZE_MAX: there is none. */
static size_t next_metric(const Engine *e, const ScopeCounts *counts, int column)
{
        size_t found = SIZE_MAX;

        for (size_t m = 0; m < e->settings->n_metrics; m++)
                if (counts->cells[m] && counts->first[m] > column &&
                    (found == SIZE_MAX || counts->first[m] < counts->first[found]))
                        found = m;
        return found;
}

static void save_counts(const Engine *e, const ScopeCounts *counts, const ImageWriter *to)
{
        int column = -1;
        size_t metric;

        image_put_number(to, (uint64_t)__builtin_popcountll(counts->known));
        while ((metric = next_metric(e, counts, column)) != SIZE_MAX) {
                const Cell *cell = counts->cells[metric];

                column = counts->first[metric];
                image_put_number(to, metric);
                image_put_number(to, cell->n_pairs);
                for (size_t i = 0; i < cell->n_pairs; i++)
                        recent_save(&cell->pairs[i].recent, to);
        }
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                if (e->tier_used[tier])
                        grid_save(&counts->grids[tier], to);
}

static void save_scope(const Engine *e, ScopeId id, const ImageWriter *to)
{
        const ScopeInfo *info = org_scope(e->org, id);
        const ScopeData *data = &e->scopes[id];

        image_put_number(to, info->kind);
        image_put_text(to, info->name);
        image_put_number(to, (data->has_data ? HAS_DATA : 0) | (data->counts ? HAS_COUNTS : 0));
        if (data->counts)
                save_counts(e, data->counts, to);
}

void snapshot_save(const Engine *e, const ImageWriter *to)
{
        image_put_number(to, (uint64_t)e->now);
        image_put_number(to, e->stats.surveys);
        image_put_number(to, e->stats.overflow_agents);
        image_put_number(to, e->stats.overflow_queues);
        image_put_number(to, e->stats.unknown_answers);
        idpool_save(&e->ids, to);
        image_put_number(to, e->n_scopes);
        for (size_t i = 0; i < e->n_scopes; i++)
                save_scope(e, (ScopeId)i, to);
}

/* --- in ------------------------------------------------------------------------------------------------- */

static int load_cell(Engine *e, ScopeId scope, ImageReader *from)
{
        size_t metric = image_get_below(from, e->settings->n_metrics);
        uint64_t n_pairs = image_get_number(from);
        Cell *cell = NULL;
        int r = from->failed ? -EBADMSG : engine_cell_get(e, scope, metric, &cell);

        if (r)
                return r;
        if (cell->n_pairs != n_pairs)
                return -EBADMSG;
        for (size_t i = 0; i < n_pairs && r == 0; i++)
                r = recent_load(&cell->pairs[i].recent, &e->ids, from);
        return r;
}

static int load_counts(Engine *e, ScopeId scope, ImageReader *from)
{
        size_t n = image_get_below(from, e->settings->n_metrics + 1);
        int r = n ? 0 : -EBADMSG;

        for (size_t i = 0; i < n && r == 0; i++)
                r = load_cell(e, scope, from);
        for (unsigned tier = 0; tier < _WINDOW_TIER_N && r == 0; tier++)
                if (e->tier_used[tier])
                        r = grid_load(&e->scopes[scope].counts->grids[tier], from);
        return r;
}

static int load_scope(Engine *e, size_t number, ImageReader *from)
{
        ScopeKind kind = (ScopeKind)image_get_below(from, _SCOPE_KIND_N);
        Text name = image_get_text(from);
        uint64_t has = image_get_number(from);
        ScopeId id = SCOPE_NONE;
        int r = from->failed ? -EBADMSG : org_intern(e->org, kind, name, &id);

        if (r == 0)
                r = engine_cover_scopes(e);
        if (r)
                return r;
        if (id != number)
                return -EBADMSG;
        e->scopes[id].has_data = has & HAS_DATA;
        if (!(has & HAS_COUNTS))
                return 0;
        r = load_counts(e, id, from);
        if (r)
                return r;
        if (e->scopes[id].counts->known)
                engine_mark_changed(e, id, e->scopes[id].counts->known);
        engine_recount(e, id);
        return 0;
}

int snapshot_load(Engine *e, ImageReader *from)
{
        usec_t now = (usec_t)image_get_number(from);
        size_t n_scopes;
        int r;

        e->stats.surveys = image_get_number(from);
        e->stats.overflow_agents = image_get_number(from);
        e->stats.overflow_queues = image_get_number(from);
        e->stats.unknown_answers = image_get_number(from);
        r = from->failed || e->n_changed ? -EBADMSG : idpool_load(&e->ids, from);
        if (r)
                return r;
        if (now != INT64_MIN)
                engine_advance(e, now);
        e->look_at_all = true;
        n_scopes = image_get_below(from, SCOPE_NONE);
        for (size_t i = 0; i < n_scopes && r == 0; i++)
                r = load_scope(e, i, from);
        return r == 0 && (from->failed || n_scopes < e->n_scopes) ? -EBADMSG : r;
}

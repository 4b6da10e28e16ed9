/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An image begins with the names of all scopes in the order of their numbers, which loading gives them again. Their counts
 * follow in any order, as they came to be saved.
 */

#include <errno.h>

#include "daemon/core/engine_internal.h"
#include "daemon/core/snapshot.h"

#define HAS_DATA   1U
#define HAS_COUNTS 2U

/* --- out ------------------------------------------------------------------------------------------------ */

static void save_counts(const Engine *e, const ScopeCounts *counts, const ImageWriter *to)
{
        image_put_number(to, (uint64_t)__builtin_popcountll(counts->known));
        for (uint64_t rest = counts->known; rest; rest &= rest - 1) {
                const Cell *cell = counts->cells[__builtin_ctzll(rest)];

                image_put_number(to, cell->metric);
                image_put_number(to, cell->n_pairs);
                for (size_t i = 0; i < cell->n_pairs; i++)
                        recent_save(&cell->pairs[i].recent, &e->ids, to);
        }
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                if (e->tier_used[tier])
                        grid_save(&counts->grids[tier], to);
}

void engine_save_scope(Engine *e, ScopeId id)
{
        const ImageWriter *to = &e->saving;
        ScopeData *data = &e->scopes[id];

        data->saved = true;
        image_put_number(to, id);
        image_put_number(to, (data->has_data ? HAS_DATA : 0) | (data->counts ? HAS_COUNTS : 0));
        if (data->counts)
                save_counts(e, data->counts, to);
}

void snapshot_begin(Engine *e, const ImageWriter *to)
{
        e->saving = *to;
        e->save_next = 0;
        image_put_number(to, (uint64_t)e->now);
        image_put_number(to, e->stats.surveys);
        image_put_number(to, e->stats.overflow_agents);
        image_put_number(to, e->stats.overflow_queues);
        image_put_number(to, e->stats.unknown_answers);
        image_put_number(to, idpool_end(&e->ids));
        image_put_number(to, e->n_scopes);
        for (size_t i = 0; i < e->n_scopes; i++) {
                const ScopeInfo *info = org_scope(e->org, (ScopeId)i);

                image_put_number(to, info->kind);
                image_put_text(to, info->name);
                e->scopes[i].saved = false;
        }
}

bool snapshot_next(Engine *e)
{
        while (e->save_next < e->n_scopes && e->scopes[e->save_next].saved)
                e->save_next++;
        if (e->save_next < e->n_scopes) {
                engine_save_scope(e, (ScopeId)e->save_next++);
                return true;
        }
        snapshot_end(e);
        return false;
}

void snapshot_end(Engine *e)
{
        e->saving = (ImageWriter){0};
}

void snapshot_save(Engine *e, const ImageWriter *to)
{
        snapshot_begin(e, to);
        while (snapshot_next(e))
                ;
}

/* --- in ------------------------------------------------------------------------------------------------- */

typedef struct Load {
        Engine *engine;
        ImageReader *from;
        IdPoolGuide ids;
} Load;

static int load_cell(Load *l, ScopeId scope)
{
        Engine *e = l->engine;
        size_t metric = image_get_below(l->from, e->settings->n_metrics);
        uint64_t n_pairs = image_get_number(l->from);
        Cell *cell = NULL;
        int r;

        if (l->from->failed || engine_cell_find(e, scope, metric))
                return -EBADMSG;
        r = engine_cell_get(e, scope, metric, &cell);
        if (r)
                return r;
        if (cell->n_pairs != n_pairs)
                return -EBADMSG;
        for (size_t i = 0; i < n_pairs && r == 0; i++)
                r = recent_load(&cell->pairs[i].recent, &e->ids, &l->ids, l->from);
        return r;
}

static int load_counts(Load *l, ScopeId scope)
{
        Engine *e = l->engine;
        size_t n = image_get_below(l->from, e->settings->n_metrics + 1);
        int r = n ? 0 : -EBADMSG;

        for (size_t i = 0; i < n && r == 0; i++)
                r = load_cell(l, scope);
        for (unsigned tier = 0; tier < _WINDOW_TIER_N && r == 0; tier++)
                if (e->tier_used[tier])
                        r = grid_load(&e->scopes[scope].counts->grids[tier], l->from);
        return r;
}

static int load_name(Load *l, size_t number)
{
        Engine *e = l->engine;
        ScopeKind kind = (ScopeKind)image_get_below(l->from, _SCOPE_KIND_N);
        Text name = image_get_text(l->from);
        ScopeId id = SCOPE_NONE;
        int r = l->from->failed ? -EBADMSG : org_intern(e->org, kind, name, &id);

        if (r == 0)
                r = engine_cover_scopes(e);
        if (r)
                return r;
        e->scopes[id].saved = false;
        return id == number ? 0 : -EBADMSG;
}

static int load_scope(Load *l)
{
        Engine *e = l->engine;
        ScopeId id = (ScopeId)image_get_below(l->from, e->n_scopes);
        uint64_t has = image_get_number(l->from);
        int r;

        if (l->from->failed || e->scopes[id].saved)
                return -EBADMSG;
        e->scopes[id].saved = true;
        e->scopes[id].has_data = has & HAS_DATA;
        if (!(has & HAS_COUNTS))
                return 0;
        r = load_counts(l, id);
        if (r)
                return r;
        if (e->scopes[id].counts->known)
                engine_mark_changed(e, id, e->scopes[id].counts->known);
        engine_recount(e, id);
        return 0;
}

static int load_scopes(Load *l)
{
        size_t n = image_get_below(l->from, SCOPE_NONE);
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++)
                r = load_name(l, i);
        if (r == 0 && n < l->engine->n_scopes)
                return -EBADMSG;
        for (size_t i = 0; i < n && r == 0; i++)
                r = load_scope(l);
        return r;
}

int snapshot_load(Engine *e, ImageReader *from)
{
        Load l = {.engine = e, .from = from};
        usec_t now = (usec_t)image_get_number(from);
        uint64_t handles;
        int r;

        e->stats.surveys = image_get_number(from);
        e->stats.overflow_agents = image_get_number(from);
        e->stats.overflow_queues = image_get_number(from);
        e->stats.unknown_answers = image_get_number(from);
        handles = image_get_number(from);
        if (from->failed || e->n_changed)
                return -EBADMSG;
        /* Of few ids in a large pool, and by the word of an image that lies, not all have a place in it. */
        r = idpool_guide_init(&l.ids, handles < from->n ? handles : from->n);
        if (r < 0)
                return r;
        if (now != INT64_MIN)
                engine_advance(e, now);
        e->look_at_all = true;
        r = load_scopes(&l);
        idpool_guide_deinit(&l.ids);
        return r == 0 && from->failed ? -EBADMSG : r;
}

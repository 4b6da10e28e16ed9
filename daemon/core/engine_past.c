/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Surveys that are no longer stored: what becomes of them, and how they come back as counts by the day.
 */

#include <math.h>

#include "daemon/core/engine_internal.h"

/* SCOPE_NONE: there is no such scope, or no room for it. */
static int find_scope(Engine *e, ScopeKind kind, Text name, ScopeId *ret)
{
        ScopeId id = org_find(e->org, kind, name);
        size_t max = kind == SCOPE_AGENT   ? e->settings->max_agents
                     : kind == SCOPE_QUEUE ? e->settings->max_queues
                                           : 0;
        int r;

        if (id == SCOPE_NONE && org_n_kind(e->org, kind) < max) {
                r = org_intern(e->org, kind, name, &id);
                if (r == 0)
                        r = engine_cover_scopes(e);
                if (r)
                        return r;
        }
        *ret = id;
        return 0;
}

static void forget_looks(Cell *cell)
{
        for (size_t i = 0; i < cell->n_pairs; i++) {
                cell->pairs[i].past.valid = false;
                cell->pairs[i].guard->calm = false;
                cell->pairs[i].guard->bound = INFINITY;
        }
}

int engine_replay_tally(Engine *e, ScopeKind kind, Text name, int32_t day, size_t metric, const Tally *counts)
{
        Series days;
        ScopeId scope;
        Cell *cell;
        int r;

        if (day < e->kept[WINDOW_DAY])
                return 0;
        r = find_scope(e, kind, name, &scope);
        if (r || scope == SCOPE_NONE)
                return r;
        e->look_at_all = true;
        e->scopes[scope].has_data = true;
        if (metric == SIZE_MAX)
                return 0;
        r = engine_cell_get(e, scope, metric, &cell);
        if (r)
                return r;
        forget_looks(cell);
        days = cell_series(cell, WINDOW_DAY);
        for (unsigned v = 0; v < days.n_values && r == 0; v++)
                r = grid_add(days.grid, day, (uint16_t)(days.first + v), counts->counts[v],
                             e->kept[WINDOW_DAY]);
        if (r == 0)
                engine_recount(e, scope);
        return r;
}

void engine_place(const Engine *e, const Survey *survey, EnginePlace *ret)
{
        ScopeId agent = survey->agent.n ? org_find(e->org, SCOPE_AGENT, survey->agent) : SCOPE_NONE;
        ScopeId queue = survey->queue.n ? org_find(e->org, SCOPE_QUEUE, survey->queue) : SCOPE_NONE;

        ret->n_scopes = org_chain(e->org, agent, queue, survey->ts, ret->scopes);
        ret->day = engine_bucket(survey->ts, USEC_DAY);
        survey_values(survey, e->settings->metrics, e->settings->n_metrics, &ret->values);
}

void engine_set_forgotten(Engine *e, usec_t ts, int32_t day)
{
        e->forgotten_before = ts;
        e->forgotten_days = day;
}

void engine_forget(Engine *e, const Survey *survey)
{
        EnginePlace place;

        engine_place(e, survey, &place);
        for (size_t i = 0; i < place.n_scopes; i++) {
                uint64_t rest = engine_watched(e, place.scopes[i], place.values.answered);

                if (rest)
                        engine_before_change(e, place.scopes[i]);
                for (; rest; rest &= rest - 1) {
                        Cell *cell = engine_cell_find(e, place.scopes[i], (size_t)__builtin_ctzll(rest));

                        for (size_t p = 0; p < cell->n_pairs; p++)
                                recent_remove(&cell->pairs[p].recent, &e->ids, survey->ts, survey->id);
                }
        }
        if (survey->status != SURVEY_RETRACTED && e->stats.surveys > 0)
                e->stats.surveys--;
}

void engine_forget_before(Engine *e, usec_t ts)
{
        size_t at = 0;
        Cell *cell;

        while ((cell = engine_cell_next(e, &at)))
                for (size_t i = 0; i < cell->n_pairs; i++)
                        recent_forget(&cell->pairs[i].recent, &e->ids, ts);
}

void engine_forget_count(Engine *e, uint64_t n)
{
        e->stats.surveys -= n < e->stats.surveys ? n : e->stats.surveys;
}

usec_t engine_now(const Engine *e)
{
        return e->now;
}

int32_t engine_kept_day(const Engine *e)
{
        return e->kept[WINDOW_DAY];
}

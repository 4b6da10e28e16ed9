/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How many scopes a rule watches (K), and the limit of evidence that follows from it.
 *
 * Counted are the scopes that the roster or the queue table names, and of the others those with an answer that is kept:
 * so K is a function of what is stored, and a name whose only survey was retracted, or is forgotten by now, does not make
 * the limit of all others higher.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/core/engine_internal.h"

bool engine_set_limit(Watch *w)
{
        double before = w->limit;

        w->limit = fmax((double)w->n_covered * w->budget, 10. * w->n_days);
        w->far_below = w->limit * WATCH_NEARLY - w->n_days;
        w->moved |= w->limit != before;
        w->fell |= w->limit < before;
        return w->moved;
}

static bool has_answers(const Engine *e, const ScopeData *data)
{
        const Grid *days = data->counts ? &data->counts->grids[WINDOW_DAY] : NULL;

        return days && days->n > 0 && days->newest >= e->kept[WINDOW_DAY];
}

void engine_recount(Engine *e, ScopeId scope)
{
        ScopeData *data = &e->scopes[scope];
        const ScopeInfo *info = org_scope(e->org, scope);
        bool covered = data->assigned || has_answers(e, data);

        if (covered == data->covered)
                return;
        data->covered = covered;
        if (!data->assigned)
                e->n_passing = covered ? e->n_passing + 1 : e->n_passing - 1;
        for (size_t i = 0; i < e->settings->n_rules; i++) {
                Watch *w = &e->watches[i];

                if (!w->is_evidence || !rule_covers(w->rule, info->kind, info->name))
                        continue;
                w->n_covered = covered ? w->n_covered + 1 : w->n_covered - 1;
                e->limits_moved |= engine_set_limit(w);
        }
}

void engine_recount_all(Engine *e)
{
        for (size_t i = 0; i < e->n_scopes; i++)
                if (!e->scopes[i].assigned)
                        engine_recount(e, (ScopeId)i);
}

int engine_cover_scopes(Engine *e)
{
        size_t n = org_n_scopes(e->org);

        if (n > e->scopes_size) {
                size_t size = 2 * e->scopes_size > n ? 2 * e->scopes_size : n;
                ScopeData *scopes = realloc(e->scopes, size * sizeof(*scopes));
                ScopeId *changed;

                if (!scopes)
                        return -ENOMEM;
                e->scopes = scopes;
                changed = realloc(e->changed, size * sizeof(*changed));
                if (!changed)
                        return -ENOMEM;
                e->changed = changed;
                e->scopes_size = size;
        }
        for (; e->n_scopes < n; e->n_scopes++) {
                ScopeId scope = (ScopeId)e->n_scopes;

                e->scopes[scope] = (ScopeData){.assigned = org_scope(e->org, scope)->assigned, .saved = true};
                engine_recount(e, scope);
        }
        return 0;
}

void engine_limits_seen(Engine *e)
{
        for (size_t i = 0; e->limits_moved && i < e->settings->n_rules; i++)
                e->watches[i].moved = e->watches[i].fell = false;
        e->limits_moved = false;
}

/* Below a limit that rose, evidence that was too little is so all the more. */
static int look_at_scope(Engine *e, ScopeId scope, Effects *out)
{
        ScopeCounts *counts = e->scopes[scope].counts;
        unsigned n = counts ? counts->guard_at[e->settings->n_metrics] : 0;
        int r = 0;

        for (unsigned i = 0; i < n && r == 0; i++) {
                const Guard *g = &counts->guards[i];

                if (!g->watch->fell || !g->pair || g->pair->open || engine_is_calm(g))
                        continue;
                r = engine_look(e, g->pair, false, out);
                /* The figures are the same, but not their state. */
                if (g->pair->open)
                        engine_mark_changed(e, scope, UINT64_C(1) << g->pair->cell->metric);
        }
        return r;
}

int engine_look_at_fallen(Engine *e, Effects *out)
{
        bool fell = false;
        int r = 0;

        for (size_t i = 0; i < e->settings->n_rules; i++)
                fell |= e->watches[i].fell;
        for (size_t i = 0; fell && i < e->n_scopes && r == 0; i++)
                r = look_at_scope(e, (ScopeId)i, out);
        engine_limits_seen(e);
        return r;
}

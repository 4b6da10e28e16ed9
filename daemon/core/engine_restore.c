/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Alerts of another engine, or from a store: which of them go on, and what the others leave.
 */

#include <errno.h>
#include <math.h>

#include "daemon/core/engine_internal.h"

/* The rule of the alert's name, if it covers the scope; NULL: there is none any more. */
static const Watch *watch_of(const Engine *e, const Alert *a)
{
        for (size_t i = 0; i < e->settings->n_rules; i++) {
                const Watch *w = &e->watches[i];

                if (strcmp(w->rule->name, a->rule) == 0)
                        return rule_covers(w->rule, a->scope_kind, text_of(a->scope_name)) ? w : NULL;
        }
        return NULL;
}

/* The pair that looks after the alert; *ret NULL: there is none (any more). */
static int find_heir(Engine *e, const Alert *a, Pair **ret)
{
        const Watch *w = watch_of(e, a);
        ScopeId scope = org_find(e->org, a->scope_kind, text_of(a->scope_name));
        bool is_same = w && alert_is_of(a, w->metric);
        Cell *cell;
        Pair *p;
        int r = is_same && scope != SCOPE_NONE ? engine_cell_get(e, scope, w->rule->metric, &cell) : 0;

        if (r)
                return r;
        p = w ? engine_pair_find(e, scope, w) : NULL;
        if (p)
                engine_take_over(p, is_same, a->ordinal, a->restart);
        *ret = is_same ? p : NULL;
        return 0;
}

/* Whether its rule still asks what it was raised by; how far the figure may go is another matter. */
static bool goes_on(const Engine *e, const Pair *p, const Alert *a)
{
        const Rule *rule = p->guard->watch->rule;

        return a->test == rule->test && a->above == rule->above &&
               strcmp(a->window, e->settings->windows[rule->window].name) == 0;
}

/* As long as an engine may have taken to be made, while another one went on. */
#define AHEAD_MAX USEC_HOUR

/* By a clock that was ahead; else time would stand still until it is there again, and evidence count for nothing. */
static void set_back(const Engine *e, Alert *a)
{
        if (a->until)
                a->until -= a->changed - e->now;
        a->changed = e->now;
        a->since = usec_min(a->since, e->now);
        a->fired = usec_min(a->fired, e->now);
        if (a->restart > e->today + 1)
                a->restart = e->today + 1;
}

int engine_restore(Engine *e, const Alert *stored)
{
        Alert own = *stored, *alert = &own;
        bool is_open = alert->state != ALERT_RESOLVED;
        Pair *p = NULL;
        BookEntry *entry;
        int r;

        e->look_at_all = true;
        if (e->step > 0 && alert->changed > e->stepped + AHEAD_MAX)
                set_back(e, alert);
        else
                engine_advance(e, alert->changed);
        r = find_heir(e, alert, &p);
        if (r)
                return r;
        if (p && is_open && !goes_on(e, p, alert))
                p = NULL;
        r = alertbook_add(&e->book, alert, &entry);
        if (r)
                return r;
        if (!p)
                e->n_orphans++;
        if (!is_open)
                return 0;
        if (p && !p->open) {
                p->open = entry;
                entry->pair = p;
        } else if (p) {
                e->n_orphans++;
        }
        if (alert->state == ALERT_PENDING)
                e->stats.n_alerts_pending++;
        else
                e->stats.n_alerts_active++;
        return 0;
}

int engine_give_back(Engine *e, Alert *alert, Effects *out)
{
        BookEntry *entry = alertbook_find(&e->book, text_of(alert->id));
        Pair *p = NULL;
        int32_t restart;
        int r;

        if (!entry || alert->state != ALERT_RESOLVED || alert->reason == ALERT_WITHDRAWN)
                return 0;
        r = find_heir(e, alert, &p);
        if (r || !p || p->open || !p->guard->watch->is_evidence || p->used.ordinal != alert->ordinal)
                return r;
        restart = p->used.restart;
        p->used.restart = p->used.restart_before;
        p->past.valid = false;
        entry->alert.restart = alert->restart = p->used.restart;
        p->guard->bound = INFINITY;
        r = engine_look(e, p, false, out);
        /* It may have ended by what is stored, or by the time: then what it rested on is no evidence any more. */
        if (r == 0 && !p->open) {
                p->used.restart = restart;
                p->past.valid = false;
                entry->alert.restart = alert->restart = restart;
        }
        return r;
}

int engine_carry_over(Engine *e, const Engine *before)
{
        /* What pairs know of alerts is all in the book: they may be of another metric now. */
        int r = alertbook_put_traces(&e->book, &before->book);
        size_t at = 0;
        Cell *cell;

        while (r == 0 && (cell = engine_cell_next(e, &at)))
                for (size_t i = 0; i < cell->n_pairs; i++)
                        engine_take_over_dropped(e, &cell->pairs[i]);
        for (size_t i = 0; i < engine_n_alerts(before) && r == 0; i++)
                r = engine_restore(e, engine_alert(before, i));
        return r;
}

/* Its rule or scope is gone, or is another one: what it has used up is there again. */
static int expire(Engine *e, BookEntry *entry, Effects *out)
{
        Pair *p;
        int r;

        entry->alert.restart = alertbook_restart_before(&e->book, entry);
        r = find_heir(e, &entry->alert, &p);
        return r ? r : engine_resolve(e, entry, ALERT_EXPIRED, out);
}

static int expire_orphans(Engine *e, Effects *out)
{
        for (size_t i = 0; i < e->book.n;) {
                BookEntry *entry = e->book.entries[i];
                int r;

                if (entry->pair || entry->alert.state == ALERT_RESOLVED) {
                        i++;
                        continue;
                }
                r = expire(e, entry, out);
                if (r)
                        return r;
                /* It has gone to the end, and one before it may have been dropped. */
                if (i > 0)
                        i--;
        }
        return 0;
}

static int follow_rules(Engine *e, Effects *out)
{
        int r = 0;

        for (size_t i = 0; i < e->book.n && r == 0; i++) {
                const Pair *p = e->book.entries[i]->pair;
                Alert *a = &e->book.entries[i]->alert;

                if (!p || a->severity == p->guard->watch->rule->severity)
                        continue;
                a->severity = p->guard->watch->rule->severity;
                r = effects_add_alert(out, a);
        }
        return r;
}

int engine_settle_alerts(Engine *e, Effects *out)
{
        int r = e->n_orphans ? expire_orphans(e, out) : 0;

        return r ? r : follow_rules(e, out);
}

/* Whether M by another threshold than that of the rule would hold the open alert. */
static bool would_hold(const Engine *e, const Pair *p, double threshold)
{
        const Alert *a = &p->open->alert;
        Evidence other;

        return evidence_init(&other, p->guard->watch->metric, threshold, a->above) == 0 &&
               engine_sum_by(e, p, &other, p->used.restart_before) >= a->limit * ENGINE_RECOVERED;
}

bool engine_is_ended_by_rule(const Engine *e, const Pair *p, const Look *look)
{
        const Alert *a = &p->open->alert;
        double value = look->score.value;

        if (!e->look_at_all || a->asked == p->guard->watch->rule->threshold)
                return false;
        return (a->above ? value > a->asked : value < a->asked) ||
               (p->guard->watch->is_evidence && would_hold(e, p, a->asked));
}

int engine_follow_threshold(const Engine *e, const Pair *p, Effects *out)
{
        Alert *a = &p->open->alert;

        if (!e->look_at_all || a->asked == p->guard->watch->rule->threshold)
                return 0;
        a->asked = p->guard->watch->rule->threshold;
        return effects_add_alert(out, a);
}

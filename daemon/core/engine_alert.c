/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The transitions of an alert, each of which is an effect, and what people may do with it.
 */

#include <math.h>

#include "daemon/core/engine_internal.h"

static void copy_text(char *to, size_t size, Text from)
{
        size_t n = from.n < size ? from.n : size - 1;

        /* Not in the middle of a character. */
        while (n < from.n && n > 0 && ((unsigned char)from.at[n] & 0xc0) == 0x80)
                n--;
        if (n)
                memcpy(to, from.at, n);
        to[n] = '\0';
}

static size_t *counter_of(Engine *e, AlertState state)
{
        return state == ALERT_PENDING ? &e->stats.n_alerts_pending : &e->stats.n_alerts_active;
}

/* A transition of an entry that is in the book. */
static int go(Engine *e, BookEntry *entry, AlertState state, Effects *out)
{
        --*counter_of(e, entry->alert.state);
        if (state != ALERT_RESOLVED)
                ++*counter_of(e, state);
        alertbook_change(&e->book, entry, state, e->now);
        return effects_add_alert(out, &entry->alert);
}

/* Since when it looks worst: a long window may still be good on the whole when a fall has just begun. */
static void refresh_start(const Engine *e, const Pair *p, Alert *a)
{
        Tally counts;
        int32_t day = engine_best_start(e, p, &counts);
        Score score;

        if (day == SERIES_NEVER)
                return;
        score = score_of(p->guard->watch->metric, &counts);
        a->from = (usec_t)day * USEC_DAY;
        a->from_n = score.n;
        a->from_value = score.value;
}

void engine_refresh(Engine *e, Pair *p, const Look *look)
{
        const Rule *rule = p->guard->watch->rule;
        const Span *span = &e->spans[rule->window];
        Text ids[ALERT_SURVEYS_MAX];
        Alert *a = &p->open->alert;
        Figure f;

        a->at = span->end * span->width;
        engine_fill_figure(e, p->cell, rule->window, a->at, &look->counts, &f);
        a->n = f.n;
        memcpy(a->counts, f.counts, sizeof(a->counts));
        a->value = f.value;
        a->low = f.low;
        a->high = f.high;
        a->mean = f.mean;
        a->trend = f.trend;
        a->trend_low = f.trend_low;
        a->trend_high = f.trend_high;
        a->threshold_value = rule->threshold;
        a->test = rule->test;
        a->evidence = look->evidence;
        a->limit = look->limit;
        if (rule->test == RULE_EVIDENCE)
                refresh_start(e, p, a);
        a->n_surveys =
                recent_list(&p->recent, &e->ids, span->start * span->width, a->at, ids, ALERT_SURVEYS_MAX);
        memset(a->surveys, 0, sizeof(a->surveys));
        for (size_t i = 0; i < a->n_surveys; i++)
                copy_text(a->surveys[i], sizeof(a->surveys[i]), ids[i]);
}

/* A new entry in the book, in @state as of now. */
static int begin(Engine *e, Pair *p, AlertState state)
{
        const Rule *rule = p->guard->watch->rule;
        const ScopeInfo *info = org_scope(e->org, p->cell->scope);
        Alert a;
        int r;

        memset(&a, 0, sizeof(a));
        a.ordinal = p->ordinal + 1;
        alertbook_id(engine_kin(e, p), a.ordinal, a.id);
        copy_text(a.rule, sizeof(a.rule), text_of(rule->name));
        a.scope_kind = info->kind;
        copy_text(a.scope_name, sizeof(a.scope_name), info->name);
        copy_text(a.metric, sizeof(a.metric), text_of(p->guard->watch->metric->name));
        copy_text(a.window, sizeof(a.window), text_of(e->settings->windows[rule->window].name));
        a.severity = rule->severity;
        a.state = state;
        a.since = e->now;
        a.changed = e->now;
        a.restart = p->used.restart;
        r = alertbook_add(&e->book, &a, &p->open);
        if (r)
                return r;
        p->open->pair = p;
        p->guard->calm = false;
        p->ordinal = a.ordinal;
        used_up_add(&p->used, a.ordinal, a.restart);
        ++*counter_of(e, state);
        return 0;
}

int engine_open(Engine *e, Pair *p, const Look *look, Effects *out)
{
        int r;

        if (p->guard->watch->rule->hold == 0)
                return engine_fire(e, p, look, out);
        r = begin(e, p, ALERT_PENDING);
        if (r)
                return r;
        engine_refresh(e, p, look);
        return effects_add_alert(out, &p->open->alert);
}

static void restart_tomorrow(Engine *e, Pair *p, Alert *a)
{
        p->used.restart = (int64_t)e->today + 1;
        p->past.valid = false;
        a->restart = p->used.restart;
}

int engine_fire(Engine *e, Pair *p, const Look *look, Effects *out)
{
        bool is_new = !p->open;
        int r = is_new ? begin(e, p, ALERT_FIRING) : 0;

        if (r)
                return r;
        engine_refresh(e, p, look);
        p->open->alert.fired = e->now;
        if (p->guard->watch->rule->test == RULE_EVIDENCE)
                restart_tomorrow(e, p, &p->open->alert);
        return is_new ? effects_add_alert(out, &p->open->alert) : go(e, p->open, ALERT_FIRING, out);
}

int engine_resolve(Engine *e, BookEntry *entry, AlertReason reason, Effects *out)
{
        Pair *p = entry->pair;

        entry->alert.reason = reason;
        entry->alert.until = 0;
        if (p) {
                p->guard->bound = INFINITY;
                p->guard->bound_day = e->today;
                if (entry->alert.fired && p->guard->watch->rule->test == RULE_EVIDENCE)
                        restart_tomorrow(e, p, &entry->alert);
                p->open = NULL;
                entry->pair = NULL;
        }
        return go(e, entry, ALERT_RESOLVED, out);
}

int engine_unsnooze(Engine *e, Pair *p, Effects *out)
{
        p->open->alert.until = 0;
        return go(e, p->open, ALERT_FIRING, out);
}

static void note(Alert *a, const Command *command)
{
        copy_text(a->by, sizeof(a->by), command->by);
        if (command->note.at)
                copy_text(a->note, sizeof(a->note), command->note);
}

int engine_command(Engine *e, const Command *command, Effects *out)
{
        BookEntry *entry = alertbook_find(&e->book, command->alert);
        AlertState next = ALERT_ACKNOWLEDGED;
        Alert *a;
        int r;

        if (!entry)
                return ENGINE_E_NO_ALERT;
        a = &entry->alert;
        switch (command->verb) {
        case COMMAND_ACK:
                if (a->state != ALERT_FIRING && a->state != ALERT_SNOOZED)
                        return ENGINE_E_STATE;
                a->until = 0;
                break;
        case COMMAND_SNOOZE:
                if ((a->state != ALERT_FIRING && a->state != ALERT_ACKNOWLEDGED) || command->until <= e->now)
                        return ENGINE_E_STATE;
                a->until = command->until;
                next = ALERT_SNOOZED;
                break;
        default:
                if (!alert_is_active(a) && a->state != ALERT_RESOLVED)
                        return ENGINE_E_STATE;
                copy_text(a->outcome, sizeof(a->outcome), command->outcome);
                if (a->state == ALERT_RESOLVED) {
                        note(a, command);
                        return effects_add_alert(out, a);
                }
                a->until = 0;
                break;
        }
        note(a, command);
        r = go(e, entry, next, out);
        return r || !entry->pair ? r : engine_schedule(e, entry->pair);
}

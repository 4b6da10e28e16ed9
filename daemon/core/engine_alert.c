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

/* What is to be in an alert, until it is copied. */
typedef struct Draft {
        Alert alert; /* its texts are borrowed, those of surveys from here */
        char surveys[ALERT_SURVEYS_MAX][SURVEY_TEXT_MAX + 1];
} Draft;

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

/* What the pair's alert rests on. */
static void fill_in(const Engine *e, const Pair *p, const Look *look, Draft *d)
{
        const Rule *rule = p->guard->watch->rule;
        const Span *span = &e->spans[rule->window];
        Text ids[ALERT_SURVEYS_MAX];
        Alert *a = &d->alert;
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
        a->above = rule->above;
        a->asked = rule->threshold;
        a->test = rule->test;
        a->evidence = look->evidence;
        a->limit = look->limit;
        if (rule->test == RULE_EVIDENCE)
                refresh_start(e, p, a);
        a->n_surveys =
                recent_list(&p->recent, &e->ids, span->start * span->width, a->at, ids, ALERT_SURVEYS_MAX);
        for (size_t i = 0; i < a->n_surveys; i++) {
                copy_text(d->surveys[i], sizeof(d->surveys[i]), ids[i]);
                a->surveys[i] = d->surveys[i];
        }
}

int engine_refresh(Engine *e, Pair *p, const Look *look)
{
        Draft d = {.alert = p->open->alert};

        fill_in(e, p, look, &d);
        return alert_copy(&p->open->alert, &d.alert);
}

/* A new entry in the book, in @state as of now. */
static int begin(Engine *e, Pair *p, const Look *look, AlertState state)
{
        const Rule *rule = p->guard->watch->rule;
        const ScopeInfo *info = org_scope(e->org, p->cell->scope);
        Draft d = {.alert = ALERT_NULL};
        Alert *a = &d.alert;
        char scope_name[SCOPE_NAME_MAX + 1];
        int r;

        copy_text(scope_name, sizeof(scope_name), info->name);
        a->ordinal = p->ordinal + 1;
        alertbook_id(engine_kin(e, p), a->ordinal, a->id);
        a->rule = rule->name;
        a->scope_kind = info->kind;
        a->scope_name = scope_name;
        a->metric = p->guard->watch->metric->name;
        a->window = e->settings->windows[rule->window].name;
        a->severity = rule->severity;
        a->state = state;
        a->since = e->now;
        a->changed = e->now;
        a->restart = p->used.restart;
        fill_in(e, p, look, &d);
        r = alertbook_add(&e->book, a, &p->open);
        if (r)
                return r;
        p->open->pair = p;
        p->guard->calm = false;
        p->ordinal = a->ordinal;
        used_up_add(&p->used, a->ordinal, a->restart);
        ++*counter_of(e, state);
        return 0;
}

int engine_open(Engine *e, Pair *p, const Look *look, Effects *out)
{
        int r;

        if (p->guard->watch->rule->hold == 0)
                return engine_fire(e, p, look, out);
        r = begin(e, p, look, ALERT_PENDING);
        return r ? r : effects_add_alert(out, &p->open->alert);
}

/* @day is the first that may be a start again. */
static void restart_on(Pair *p, Alert *a, int32_t day)
{
        p->used.restart = day;
        p->past.valid = false;
        a->restart = day;
}

int engine_fire(Engine *e, Pair *p, const Look *look, Effects *out)
{
        bool is_new = !p->open;
        int r = is_new ? begin(e, p, look, ALERT_FIRING) : engine_refresh(e, p, look);

        if (r)
                return r;
        p->open->alert.fired = e->now;
        if (p->guard->watch->rule->test == RULE_EVIDENCE)
                restart_on(p, &p->open->alert, e->today + 1);
        return is_new ? effects_add_alert(out, &p->open->alert) : go(e, p->open, ALERT_FIRING, out);
}

/* @day is the first that may be a start again, if it has used something up. */
static int end(Engine *e, BookEntry *entry, AlertReason reason, int32_t day, Effects *out)
{
        Pair *p = entry->pair;

        entry->alert.reason = reason;
        entry->alert.until = 0;
        if (p) {
                p->guard->bound = INFINITY;
                p->guard->bound_day = e->today;
                if (entry->alert.fired && p->guard->watch->rule->test == RULE_EVIDENCE)
                        restart_on(p, &entry->alert, day);
                p->open = NULL;
                entry->pair = NULL;
        }
        return go(e, entry, ALERT_RESOLVED, out);
}

int engine_resolve(Engine *e, BookEntry *entry, AlertReason reason, Effects *out)
{
        return end(e, entry, reason, e->today + 1, out);
}

int engine_call_off(Engine *e, BookEntry *entry, AlertReason reason, Effects *out)
{
        return end(e, entry, reason, entry->pair ? entry->pair->used.restart_before : INT32_MIN, out);
}

int engine_unsnooze(Engine *e, Pair *p, Effects *out)
{
        p->open->alert.until = 0;
        return go(e, p->open, ALERT_FIRING, out);
}

/* Writes down who says what. -ENOMEM: nothing changed. */
static int write_down(Alert *a, const Command *command)
{
        char by[METRIC_NAME_MAX + 1], note[ALERT_NOTE_MAX + 1], outcome[METRIC_NAME_MAX + 1];
        Alert next = *a;

        copy_text(by, sizeof(by), command->by);
        next.by = by;
        if (command->note.at) {
                copy_text(note, sizeof(note), command->note);
                next.note = note;
        }
        if (command->verb == COMMAND_OUTCOME) {
                copy_text(outcome, sizeof(outcome), command->outcome);
                next.outcome = outcome;
        }
        return alert_copy(a, &next);
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
                break;
        case COMMAND_SNOOZE:
                if ((a->state != ALERT_FIRING && a->state != ALERT_ACKNOWLEDGED) || command->until <= e->now)
                        return ENGINE_E_STATE;
                next = ALERT_SNOOZED;
                break;
        default:
                if (!alert_is_active(a) && a->state != ALERT_RESOLVED)
                        return ENGINE_E_STATE;
                break;
        }
        r = write_down(a, command);
        if (r)
                return r;
        if (a->state == ALERT_RESOLVED)
                return effects_add_alert(out, a);
        a->until = next == ALERT_SNOOZED ? command->until : 0;
        r = go(e, entry, next, out);
        return r || !entry->pair ? r : engine_schedule(e, entry->pair);
}

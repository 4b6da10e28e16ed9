/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The engine's life, its time and its one entry.
 *
 * A step is always the same: time goes on, what has become due is looked at, then the input is carried out
 * and what it touched is looked at. After a tick the condition of every rule on every scope has been seen as
 * of this moment, by a look or because nothing that it depends on has changed since the last one; that is why
 * an engine that was given the same surveys and alerts by replay stands where the first one stands. A step of another
 * kind leaves only limits that moved with the number of scopes to the next tick, which it asks for at once.
 */

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/core/engine_internal.h"

int32_t engine_bucket(usec_t t, usec_t width)
{
        int64_t number = usec_floor(t, width) / width;

        if (number >= INT32_MAX)
                return INT32_MAX - 1;
        return number < INT32_MIN ? INT32_MIN : (int32_t)number;
}

static usec_t longest_window(const Settings *s)
{
        usec_t longest = USEC_DAY;

        for (size_t i = 0; i < s->n_windows; i++)
                if (s->windows[i].length > longest)
                        longest = s->windows[i].length;
        return longest;
}

/* How far back the buckets of a tier are kept: the window before the longest one, and for days what is configured, in
 * whole days: evidence is looked at again at midnight. */
static usec_t keep_of(const Settings *s, WindowTier tier)
{
        usec_t twice = 2 * longest_window(s) + USEC_DAY;

        switch (tier) {
        case WINDOW_MINUTE:
                return USEC_DAY + CALENDAR_DAY_MAX;
        case WINDOW_HOUR:
                return 14 * USEC_DAY + USEC_HOUR;
        default:
                return usec_ceil(usec_max(s->keep, twice), USEC_DAY);
        }
}

/*
 * Windows of up to 7 days are computed from the surveys: what they are no longer stored for would be another figure after a
 * restart.
 */
static int32_t first_kept(const Engine *e, WindowTier tier)
{
        int32_t first;
        usec_t width = window_tier_width(tier), from = e->now - keep_of(e->settings, tier);
        usec_t stored = e->settings->keep_surveys;

        if (tier != WINDOW_DAY && stored) {
                usec_t oldest = usec_ceil(e->now - usec_max(stored, ENGINE_STORED_MIN), width);

                from = usec_max(from, oldest);
        }
        /* They may have been stored for a shorter time once. */
        if (tier != WINDOW_DAY && e->forgotten_before != INT64_MIN)
                from = usec_max(from, usec_ceil(e->forgotten_before, width));
        first = engine_bucket(from, width);
        return tier == WINDOW_DAY && first < e->forgotten_days ? e->forgotten_days : first;
}

void engine_advance(Engine *e, usec_t now)
{
        const Settings *s = e->settings;
        int32_t kept;

        if (now > e->now)
                e->now = now;
        if (e->now < e->live_until)
                return;
        e->live_until = usec_floor(e->now, USEC_MIN) + USEC_MIN;
        e->today = engine_bucket(e->now, USEC_DAY);
        e->late_before = USEC_INFINITY;
        kept = e->kept[WINDOW_DAY];
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                e->kept[tier] = first_kept(e, tier);
        if (e->kept[WINDOW_DAY] != kept)
                engine_recount_all(e);
        for (size_t i = 0; i < s->n_windows; i++) {
                Span *span = &e->spans[i];
                usec_t start, end;

                window_span(&s->windows[i], s->calendar, e->now + 1, &start, &end);
                span->start = engine_bucket(start, span->width);
                span->end = engine_bucket(end, span->width);
                if (s->windows[i].today)
                        span->turns = calendar_next_midnight(s->calendar, e->now);
                if (start < e->late_before)
                        e->late_before = start;
        }
}

static void set_up_windows(Engine *e)
{
        for (size_t i = 0; i < e->settings->n_windows; i++) {
                WindowTier tier = e->settings->windows[i].tier;

                e->spans[i] = (Span){
                        .tier = tier,
                        .cursor = e->n_cursors[tier]++,
                        .width = window_tier_width(tier),
                        .turns = USEC_INFINITY,
                };
                e->tier_used[tier] = true;
        }
}

static void set_up_rule(Engine *e, Watch *w, const Rule *rule)
{
        const Window *window = &e->settings->windows[rule->window];

        w->rule = rule;
        w->metric = &e->settings->metrics[rule->metric];
        w->is_evidence = rule->test == RULE_EVIDENCE;
        w->usable = evidence_init(&w->evidence, w->metric, rule->threshold, rule->above) == 0;
        w->n_days = (int32_t)(usec_ceil(window->length, USEC_DAY) / USEC_DAY);
        w->budget = rule->false_alarms > 0
                            ? (double)rule->false_alarms_per / (double)USEC_DAY / rule->false_alarms
                            : INFINITY;
        engine_set_limit(w);
        if (w->is_evidence)
                e->tier_used[WINDOW_DAY] = true;
}

int engine_new(Engine **ret, const Settings *settings, Org *org)
{
        CX_CLEANUP(engine_freep) Engine *e = calloc(1, sizeof(*e));
        int r;

        assert(settings->n_windows <= WINDOWS_MAX && settings->n_metrics <= METRICS_MAX);
        if (!e)
                return -ENOMEM;
        e->settings = settings;
        e->now = INT64_MIN;
        e->live_until = INT64_MIN;
        e->late_before = INT64_MIN;
        e->forgotten_before = INT64_MIN;
        e->forgotten_days = INT32_MIN;
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                e->kept[tier] = INT32_MIN;
        set_up_windows(e);
        e->watches = calloc(settings->n_rules ? settings->n_rules : 1, sizeof(*e->watches));
        if (!e->watches)
                return -ENOMEM;
        for (size_t i = 0; i < settings->n_rules; i++)
                set_up_rule(e, &e->watches[i], &settings->rules[i]);
        e->org = org;
        r = engine_cover_scopes(e);
        if (r) {
                e->org = NULL;
                return r;
        }
        engine_limits_seen(e);
        *ret = e;
        e = NULL;
        return 0;
}

Engine *engine_free(Engine *e)
{
        if (!e)
                return NULL;
        for (size_t i = 0; i < e->n_scopes; i++)
                engine_counts_free(e, e->scopes[i].counts);
        free(e->scopes);
        free(e->changed);
        free(e->wanted);
        free(e->watches);
        idpool_deinit(&e->ids);
        schedule_deinit(&e->schedule);
        alertbook_deinit(&e->book);
        org_free(e->org);
        free(e);
        return NULL;
}

/* Alerts whose rule or scope is gone. */
static int expire_orphans(Engine *e, Effects *out)
{
        for (size_t i = 0; i < e->book.n;) {
                BookEntry *entry = e->book.entries[i];
                int r;

                if (entry->pair || entry->alert.state == ALERT_RESOLVED) {
                        i++;
                        continue;
                }
                r = engine_resolve(e, entry, ALERT_EXPIRED, out);
                if (r)
                        return r;
                /* It has gone to the end, and one before it may have been dropped. */
                if (i > 0)
                        i--;
        }
        return 0;
}

static int look_at_all(Engine *e, Effects *out)
{
        int r = e->n_orphans ? expire_orphans(e, out) : 0;
        size_t at = 0;
        Cell *cell;

        while (r == 0 && (cell = engine_cell_next(e, &at)))
                for (size_t i = 0; i < cell->n_pairs && r == 0; i++)
                        r = engine_look(e, &cell->pairs[i], false, out);
        e->look_at_all = false;
        engine_limits_seen(e);
        return r;
}

static int look_at_due(Engine *e, Effects *out)
{
        ScheduleItem *item;

        while ((item = schedule_first(&e->schedule)) && item->due <= e->now) {
                Pair *p = CX_CONTAINER_OF(item, Pair, item);
                int r;

                engine_mark_changed(e, p->cell->scope, UINT64_C(1) << p->cell->metric);
                r = engine_look(e, p, false, out);
                if (r)
                        return r;
        }
        return 0;
}

/* Pending alerts show the figures of the last tick. Active ones end by their limit, too. */
static bool is_wanted(const BookEntry *entry)
{
        return entry->pair && (entry->alert.state == ALERT_PENDING || entry->pair->guard->watch->moved);
}

static int look_at_open(Engine *e, Effects *out)
{
        size_t n = 0;

        if (e->wanted_size < e->book.n) {
                Pair **wanted = realloc(e->wanted, 2 * e->book.n * sizeof(Pair *));

                if (!wanted)
                        return -ENOMEM;
                e->wanted = wanted;
                e->wanted_size = 2 * e->book.n;
        }
        for (size_t i = 0; i < e->book.n; i++)
                if (is_wanted(e->book.entries[i]))
                        e->wanted[n++] = e->book.entries[i]->pair;
        for (size_t i = 0; i < n; i++) {
                Pair *p = e->wanted[i];
                int r = engine_look(e, p, false, out);

                if (r)
                        return r;
                /* The figures are the same, but not their state. */
                if (!p->open)
                        engine_mark_changed(e, p->cell->scope, UINT64_C(1) << p->cell->metric);
        }
        return 0;
}

static int tick(Engine *e, Effects *out)
{
        int r = e->stats.n_alerts_pending || e->limits_moved ? look_at_open(e, out) : 0;

        return r || !e->limits_moved ? r : engine_look_at_fallen(e, out);
}

int engine_step(Engine *e, const Input *in, Effects *out)
{
        int r;

        e->step++;
        e->stepped = in->now;
        engine_advance(e, in->now);
        r = e->look_at_all ? look_at_all(e, out) : 0;
        if (r == 0)
                r = look_at_due(e, out);
        if (r)
                return r;
        switch (in->kind) {
        case INPUT_SURVEY:
                if (in->survey->ts < e->late_before)
                        e->stats.late++;
                return engine_apply(e, in, out);
        case INPUT_COMMAND:
                return engine_command(e, in->command, out);
        default:
                return tick(e, out);
        }
}

int engine_replay(Engine *e, const Survey *survey)
{
        const Input in = {.kind = INPUT_SURVEY, .survey = survey};

        e->look_at_all = true;
        return engine_apply(e, &in, NULL);
}

int engine_replay_change(Engine *e, const Survey *survey, const Survey *earlier)
{
        const Input in = {.kind = INPUT_SURVEY, .survey = survey, .earlier = earlier};

        e->look_at_all = true;
        return engine_apply(e, &in, NULL);
}

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

usec_t engine_deadline(const Engine *e)
{
        const ScheduleItem *first = schedule_first(&e->schedule);
        usec_t due = first ? first->due : USEC_INFINITY;

        if (e->look_at_all)
                return e->now;
        if (e->limits_moved)
                return e->now + 1;
        /* At midnight a day is forgotten, and maybe a scope with it. */
        return e->n_passing ? usec_min(due, (e->today + 1) * USEC_DAY) : due;
}

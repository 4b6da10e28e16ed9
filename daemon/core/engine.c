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

static int look_at_all(Engine *e, Effects *out)
{
        int r = engine_settle_alerts(e, out);
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

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A rule on a scope: whether its test holds, what that makes of its alert, and when it must be looked at
 * again.
 */

#include <float.h>
#include <math.h>

#include "daemon/core/engine_internal.h"

/* A value this close to its threshold, as a sum of scaled answers, is worked out anew: far above all rounding. */
#define SLACK_MIN 1e-3

static bool is_past(const Rule *rule, double value)
{
        return rule->above ? value > rule->threshold : value < rule->threshold;
}

/*
 * The first day that is a start for the window that ends with @day; SERIES_NEVER: there is none. Days that are no longer
 * kept are none, whether the grid has dropped them yet or not.
 */
static int32_t first_start(const Engine *e, const Watch *w, const Series *days, int32_t day, int32_t restart)
{
        int32_t first = series_next(days, e->kept[WINDOW_DAY]), window = day - w->n_days + 1;
        int32_t start = first > window ? first : window;

        if (restart > start)
                start = restart;
        return first == SERIES_NEVER || start > day ? SERIES_NEVER : start;
}

/* M as of @end, without the answers of its day that came behind it, as far as the buckets of the window tell them apart. */
static double sum_at(const Engine *e, const Pair *p, usec_t end, int32_t restart)
{
        const Series days = cell_series(p->cell, WINDOW_DAY);
        const Span *span = &e->spans[p->guard->watch->rule->window];
        const Series series = cell_series(p->cell, span->tier);
        int32_t day = engine_bucket(end - 1, USEC_DAY);
        int32_t start = first_start(e, p->guard->watch, &days, day, restart);
        EvidencePast past;
        Tally counts, later;

        if (start == SERIES_NEVER)
                return 0;
        evidence_past(&p->guard->watch->evidence, &days, start, day, &past);
        series_sum(&days, day, day + 1, &counts);
        series_sum(&series, engine_bucket(end, span->width), engine_bucket((day + 1) * USEC_DAY, span->width),
                   &later);
        for (unsigned v = 0; v < p->guard->watch->evidence.n_values; v++)
                counts.counts[v] -= later.counts[v];
        return evidence_sum(&p->guard->watch->evidence, &past, &counts);
}

/* M as of now, from @restart on. The same arithmetic as in sum_at(), with the days before today remembered. */
static double sum_live(const Engine *e, const Pair *p, int32_t restart, EvidenceCache *cache)
{
        const Series days = cell_series(p->cell, WINDOW_DAY);
        int32_t start = first_start(e, p->guard->watch, &days, e->today, restart);
        Tally counts;

        if (start == SERIES_NEVER)
                return 0;
        if (!cache->valid || cache->day != e->today) {
                evidence_past(&p->guard->watch->evidence, &days, start, e->today, &cache->past);
                cache->valid = true;
                cache->day = e->today;
        }
        series_sum(&days, e->today, e->today + 1, &counts);
        return evidence_sum(&p->guard->watch->evidence, &cache->past, &counts);
}

double engine_sum_by(const Engine *e, const Pair *p, const Evidence *by, int32_t restart)
{
        const Series days = cell_series(p->cell, WINDOW_DAY);
        int32_t start = first_start(e, p->guard->watch, &days, e->today, restart);
        EvidencePast past;
        Tally counts;

        if (start == SERIES_NEVER)
                return 0;
        evidence_past(by, &days, start, e->today, &past);
        series_sum(&days, e->today, e->today + 1, &counts);
        return evidence_sum(by, &past, &counts);
}

int32_t engine_best_start(const Engine *e, const Pair *p, Tally *ret)
{
        const Series days = cell_series(p->cell, WINDOW_DAY);
        int32_t start = first_start(e, p->guard->watch, &days, e->today, p->used.restart), best = start;

        if (start == SERIES_NEVER)
                return SERIES_NEVER;
        evidence_best(&p->guard->watch->evidence, &days, start, e->today, &best);
        series_sum(&days, best, e->today + 1, ret);
        return best;
}

/* @sum is M, for the evidence test. */
static Look look_on(const Watch *w, const Tally *counts, double sum)
{
        const Rule *rule = w->rule;
        Look look = {
                .counts = *counts,
                .score = score_of(w->metric, counts),
                .evidence = NAN,
                .limit = rule->threshold,
        };
        Interval interval;

        look.is_past = is_past(rule, look.score.value);
        switch (rule->test) {
        case RULE_EVIDENCE:
                look.evidence = sum;
                look.limit = w->limit;
                /* A window in hours may have none of the answers of today yet. */
                look.holds = w->usable && sum >= w->limit && look.score.n > 0;
                break;
        case RULE_INTERVAL:
                if (look.is_past) {
                        interval = score_interval(w->metric, counts);
                        look.evidence = rule->above ? interval.low : interval.high;
                        look.holds = look.score.n >= rule->min_n && is_past(rule, look.evidence);
                }
                break;
        default:
                look.evidence = look.score.value;
                look.holds = look.score.n >= rule->min_n && look.is_past;
                break;
        }
        return look;
}

/* As of now, from the cursor of its window. The evidence test holds only @with_sum. */
static Look look_live(const Engine *e, Pair *p, bool with_sum)
{
        const Span *span = &e->spans[p->guard->watch->rule->window];
        const Series series = cell_series(p->cell, span->tier);
        Tally counts;

        with_sum = with_sum && p->guard->watch->is_evidence && p->guard->watch->usable;
        series_total(&series, span->cursor, span->start, span->end, e->kept[span->tier], &counts);
        return look_on(p->guard->watch, &counts, with_sum ? sum_live(e, p, p->used.restart, &p->past) : 0);
}

Look engine_look_at(const Engine *e, const Pair *p, const Tally *counts, usec_t end)
{
        bool wants_sum = p->guard->watch->is_evidence && p->guard->watch->usable;
        double sum = 0;

        if (wants_sum)
                sum = sum_at(e, p, end, INT32_MIN);
        return look_on(p->guard->watch, counts, sum);
}

/* M of the day on which the open alert fired, as the answers are now. */
static double fired_sum(const Engine *e, const Pair *p)
{
        int32_t day = engine_bucket(p->open->alert.fired, USEC_DAY);

        return sum_at(e, p, (day + 1) * USEC_DAY, p->used.restart_before);
}

void engine_remember(Engine *e, Pair *p)
{
        if (!p->open || !alert_is_active(&p->open->alert))
                return;
        if (p->guard->watch->is_evidence)
                p->open->held_evidence = fired_sum(e, p);
        else
                p->open->held = look_live(e, p, true).holds;
}

/* Whether what was taken out just now is what the alert rested on. */
static bool is_withdrawn(const Engine *e, const Pair *p, const Look *look)
{
        double sum;

        if (!p->guard->watch->is_evidence)
                return p->open->held && !look->holds;
        sum = fired_sum(e, p);
        return p->open->held_evidence >= p->open->alert.limit && sum < p->open->alert.limit;
}

/*
 * The value is back where it should be. While the evidence of all starts, its own ones included, still
 * stands, the alert stays: after a sudden fall the value of a long window says so last.
 */
static bool is_recovered(const Engine *e, const Pair *p, const Look *look)
{
        if (look->is_past)
                return false;
        if (!p->guard->watch->is_evidence || !p->guard->watch->usable)
                return true;
        return sum_live(e, p, p->used.restart_before, &p->open->past) <
               p->guard->watch->limit * ENGINE_RECOVERED;
}

static int look_at_pending(Engine *e, Pair *p, Effects *out)
{
        Look look = look_live(e, p, true);

        if (!look.holds)
                return engine_resolve(e, p->open,
                                      engine_is_ended_by_rule(e, p, &look) ? ALERT_EXPIRED : ALERT_RECOVERED,
                                      out);
        if (e->now - p->open->alert.since >= p->guard->watch->rule->hold)
                return engine_fire(e, p, &look, out);
        return engine_refresh(e, p, &look);
}

/* What M is not above today: without a new answer it gains at most 1 a day, for the new start, and not longer than the
 * window is. */
static double bound_today(const Engine *e, const Guard *g)
{
        int32_t days = e->today - g->bound_day;

        return days == 0 ? g->bound : g->bound + (days > g->watch->n_days ? g->watch->n_days : days);
}

/* As of today. Below the smallest normal number a product is rounded by more than a factor: it would bound nothing. */
static void set_bound(const Engine *e, Guard *g, double bound)
{
        g->bound = bound > DBL_MIN ? bound : DBL_MIN;
        g->bound_day = e->today;
}

/* Most looks at evidence need no logarithm. */
static bool is_far_off(const Engine *e, const Pair *p)
{
        if (!p->guard->watch->is_evidence)
                return false;
        return !p->guard->watch->usable || bound_today(e, p->guard) < p->guard->watch->limit * WATCH_NEARLY;
}

/* Whether there are answers of @day or before it that are kept, so that one more on that day is no new start. */
static bool begins_by(const Engine *e, Guard *g, int32_t day)
{
        int32_t kept = e->kept[WINDOW_DAY];

        if (g->begun < kept) /* those of back then may be gone */
                g->begun = INT32_MAX;
        if (g->begun > day) {
                const Series days = cell_series(g->pair->cell, WINDOW_DAY);

                if (series_begins_by(&days, day, kept))
                        g->begun = day;
        }
        return g->begun <= day;
}

/* An answer multiplies each E_j whose start is not after it, by at most the largest factor of any bet. */
static void move_bound(const Engine *e, Guard *g, unsigned value, int32_t day)
{
        double most = g->watch->evidence.most[value];

        /* A start more may be anything. */
        if (day > e->today || !begins_by(e, g, day)) {
                g->bound = INFINITY;
                g->calm = false;
        } else if (most > 1 || day == e->today) {
                set_bound(e, g, bound_today(e, g) * most);
        }
}

/* What was summed up of the days before a day after @day no longer holds. */
static void forget_past(Pair *p, int32_t day)
{
        if (day < p->past.day)
                p->past.valid = false;
        if (p->open && day < p->open->past.day)
                p->open->past.valid = false;
}

/* So may an answer less. */
static void forget_all(Guard *g)
{
        forget_past(g->pair, INT32_MIN);
        g->bound = INFINITY;
        g->begun = INT32_MAX;
        g->calm = false;
}

static void tell_evidence(const Engine *e, Guard *g, unsigned value, int delta, int32_t day)
{
        if (delta < 0) {
                forget_all(g);
                return;
        }
        if (day < e->today) /* no later day was ever summed up to */
                forget_past(g->pair, day);
        move_bound(e, g, value, day);
}

/* How far the sum of the scaled answers is above that of as many at the target. */
static double slack_of(const Evidence *e, const Tally *counts)
{
        double slack = 0;

        for (unsigned v = 0; v < e->n_values; v++)
                slack += (double)counts->counts[v] * (e->scaled[v] - e->target);
        return slack;
}

/*
 * With a value that is not on the wrong side, an answer on the right side keeps it there, and one on the wrong side does
 * if there is slack; and if it does not leave its window before the next look is due, it changes nothing about that
 * either.
 */
static bool stays_calm(const Engine *e, Guard *g, unsigned value, int delta, int32_t bucket)
{
        const Evidence *evidence = &g->watch->evidence;
        const Span *span = &e->spans[g->watch->rule->window];
        const Window *window = &e->settings->windows[g->watch->rule->window];

        if (delta < 0 || bucket >= span->end)
                return false;
        if (bucket < span->start)
                return true;
        g->slack += evidence->scaled[value] - evidence->target;
        if (evidence->scaled[value] <= evidence->target && g->slack < SLACK_MIN)
                return false;
        return g->pair->item.due <= (window->today ? span->turns : bucket * span->width + window->length);
}

static inline bool is_calm(const Guard *g)
{
        return g->calm && (!g->watch->is_evidence || g->bound < g->watch->far_below || !g->watch->usable);
}

bool engine_is_calm(const Guard *g)
{
        return is_calm(g);
}

Told engine_tell(const Engine *e, ScopeCounts *counts, uint64_t metrics, const SurveyValues *values,
                 int delta, const int32_t buckets[_WINDOW_TIER_N])
{
        uint64_t wanted = 0, wrong = 0;

        for (; metrics; metrics &= metrics - 1) {
                unsigned metric = (unsigned)__builtin_ctzll(metrics), value = values->values[metric];
                uint64_t bit = metrics & -metrics;
                Guard *g = counts->guards + counts->guard_at[metric];
                const Guard *end = counts->guards + counts->guard_at[metric + 1];

                for (; g < end; g++) {
                        const Watch *w = g->watch;

                        if (w->is_evidence)
                                tell_evidence(e, g, value, delta, buckets[WINDOW_DAY]);
                        else if (g->calm)
                                g->calm = stays_calm(e, g, value, delta,
                                                     buckets[e->spans[w->rule->window].tier]);
                        if (!is_calm(g))
                                wanted |= bit;
                        if (w->evidence.wrong >> value & 1) {
                                wrong |= bit;
                                cx_prefetch(&g->pair->recent);
                        }
                }
        }
        return (Told){.wanted = wanted, .wrong = wrong};
}

/* Behind today; SERIES_NEVER: there is none. */
static int32_t next_day_with_answers(const Engine *e, const Pair *p)
{
        const Series days = cell_series(p->cell, WINDOW_DAY);

        return series_next(&days, e->today + 1);
}

static int look_at_inactive(Engine *e, Pair *p, Effects *out)
{
        Guard *g = p->guard;
        Look look;

        if (is_far_off(e, p)) {
                g->calm = true;
                return 0;
        }
        look = look_live(e, p, true);
        if (p->guard->watch->is_evidence) {
                g->calm = true;
                /* What lies in days to come will count without any further look at it. */
                set_bound(e, g, next_day_with_answers(e, p) == SERIES_NEVER ? look.evidence : INFINITY);
                if (look.evidence == 0) /* without a start: its days may be gone */
                        g->begun = INT32_MAX;
        } else {
                g->calm = !look.is_past;
                g->slack = slack_of(&p->guard->watch->evidence, &look.counts);
        }
        return look.holds ? engine_open(e, p, &look, out) : 0;
}

static int look_at_active(Engine *e, Pair *p, bool removed, Effects *out)
{
        Look look = look_live(e, p, false);
        int r;

        if (removed && is_withdrawn(e, p, &look)) {
                r = engine_call_off(e, p->open, ALERT_WITHDRAWN, out);
                /* What is left, and what has come since, may be evidence of its own. */
                return r ? r : look_at_inactive(e, p, out);
        }
        if (look.score.n == 0)
                return engine_resolve(e, p->open, ALERT_EXPIRED, out);
        if (is_recovered(e, p, &look))
                return engine_is_ended_by_rule(e, p, &look)
                               ? engine_call_off(e, p->open, ALERT_EXPIRED, out)
                               : engine_resolve(e, p->open, ALERT_RECOVERED, out);
        r = engine_follow_threshold(e, p, out);
        if (r == 0 && p->open->alert.state == ALERT_SNOOZED && p->open->alert.until <= e->now)
                return engine_unsnooze(e, p, out);
        return r;
}

int engine_look(Engine *e, Pair *p, bool removed, Effects *out)
{
        int r;

        if (!p->open)
                r = look_at_inactive(e, p, out);
        else if (p->open->alert.state == ALERT_PENDING)
                r = look_at_pending(e, p, out);
        else
                r = look_at_active(e, p, removed, out);
        return r ? r : engine_schedule(e, p);
}

/* When an answer leaves the window or comes into it. */
static usec_t next_turn(const Engine *e, const Pair *p)
{
        const Span *span = &e->spans[p->guard->watch->rule->window];
        const Window *window = &e->settings->windows[p->guard->watch->rule->window];
        const Series series = cell_series(p->cell, span->tier);
        int32_t first = series_next(&series, span->start), coming = series_next(&series, span->end);
        usec_t due = USEC_INFINITY;

        if (first < span->end)
                due = window->today ? span->turns : first * span->width + window->length;
        if (coming != SERIES_NEVER)
                due = usec_min(due, coming * span->width);
        return due;
}

/* When M may come to the limit although nothing new has arrived. */
static usec_t next_day(const Engine *e, const Pair *p)
{
        int32_t coming = next_day_with_answers(e, p);
        usec_t due = coming == SERIES_NEVER ? USEC_INFINITY : coming * USEC_DAY;
        const Guard *g = p->guard;
        double days;

        if (p->open)
                return (e->today + 1) * USEC_DAY;
        if (!p->guard->watch->usable)
                return USEC_INFINITY;
        days = ceil(p->guard->watch->limit * WATCH_NEARLY - g->bound) + g->bound_day - e->today;
        if (days < 1)
                days = 1;
        if (days + e->today - g->bound_day <= p->guard->watch->n_days)
                due = usec_min(due, (e->today + (int32_t)days) * USEC_DAY);
        return due;
}

int engine_schedule(Engine *e, Pair *p)
{
        const Alert *alert = p->open ? &p->open->alert : NULL;
        bool is_evidence = p->guard->watch->is_evidence;
        usec_t due = USEC_INFINITY;

        /* Enough evidence without an alert waits for the window to have its answers. */
        if (!is_evidence || alert || p->guard->bound >= p->guard->watch->limit * WATCH_NEARLY)
                due = next_turn(e, p);
        if (is_evidence)
                due = usec_min(due, next_day(e, p));
        if (alert && alert->state == ALERT_PENDING)
                due = usec_min(due, alert->since + p->guard->watch->rule->hold);
        if (alert && alert->state == ALERT_SNOOZED)
                due = usec_min(due, alert->until);
        return schedule_set(&e->schedule, &p->item, due > e->now ? due : e->now + 1);
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>

#include "daemon/core/engine_internal.h"

/* The counts of a span; false: it begins before what is kept. */
static bool sum_span(const Engine *e, const Cell *cell, WindowTier tier, usec_t start, usec_t end, Tally *ret)
{
        const Series series = cell_series(cell, tier);
        usec_t width = window_tier_width(tier);
        int32_t first = engine_bucket(start, width);

        if (first < e->kept[tier])
                return false;
        series_sum(&series, first, engine_bucket(end, width), ret);
        return true;
}

/* What the window of @f has more than the one before it; nothing where either of them alone says nothing. */
static void fill_trend(const Engine *e, const Cell *cell, const Window *w, usec_t at, Figure *f)
{
        const Metric *m = &e->settings->metrics[cell->metric];
        Interval difference;
        usec_t start, end;
        Tally counts;
        Score before;

        f->trend = f->trend_low = f->trend_high = NAN;
        if (f->n == 0 || f->n < m->min_n)
                return;
        window_span_before(w, e->settings->calendar, at, &start, &end);
        if (!sum_span(e, cell, w->tier, start, end, &counts))
                return;
        before = score_of(m, &counts);
        if (before.n == 0 || before.n < m->min_n)
                return;
        difference = interval_difference(f->value, (Interval){.low = f->low, .high = f->high}, before.value,
                                         score_interval(m, &counts));
        f->trend = f->value - before.value;
        f->trend_low = difference.low;
        f->trend_high = difference.high;
}

void engine_fill_figure(const Engine *e, const Cell *cell, size_t window, usec_t at, const Tally *counts,
                        Figure *f)
{
        const Metric *m = &e->settings->metrics[cell->metric];
        Score score = score_of(m, counts);
        Interval interval = score_interval(m, counts);

        f->n = score.n;
        memcpy(f->counts, counts->counts, sizeof(f->counts));
        f->value = score.value;
        f->mean = score.mean;
        f->low = interval.low;
        f->high = interval.high;
        fill_trend(e, cell, &e->settings->windows[window], at, f);
}

/* What the rules on a cell say of a figure. */
typedef struct Verdict {
        bool any;   /* a rule looks at this window */
        bool holds; /* one of them has an alert then */
        bool above;
} Verdict;

/* Until a pair is due nothing happens to its alert, however much time has gone on since the last step. */
static bool is_live(const Engine *e, const Pair *p, usec_t at)
{
        return !e->look_at_all && at > e->now && at <= p->item.due;
}

static Verdict verdict_of(const Engine *e, const Cell *cell, size_t window, usec_t at, const Tally *counts,
                          const Figure *f)
{
        Verdict ret = {0};

        for (size_t i = 0; i < cell->n_pairs && !ret.holds; i++) {
                const Pair *p = &cell->pairs[i];

                if (p->guard->watch->rule->window != window)
                        continue;
                ret.any = true;
                ret.holds = is_live(e, p, at) ? p->open != NULL : engine_look_at(e, p, counts, f->at).holds;
                ret.above = p->guard->watch->rule->above;
        }
        return ret;
}

static FigureState state_of(const Engine *e, const Cell *cell, size_t window, usec_t at, const Tally *counts,
                            const Figure *f)
{
        const Metric *m = f->metric;
        Verdict rules;

        if (f->n == 0)
                return FIGURE_NO_DATA;
        rules = verdict_of(e, cell, window, at, counts, f);
        if (rules.holds)
                return rules.above ? FIGURE_ABOVE : FIGURE_BELOW;
        if (f->n < m->min_n)
                return FIGURE_INSUFFICIENT;
        if (rules.any || !m->has_target)
                return FIGURE_OK;
        if (score_wrong_is_above(m))
                return f->low > m->target ? FIGURE_ABOVE : FIGURE_OK;
        return f->high < m->target ? FIGURE_BELOW : FIGURE_OK;
}

int engine_figure(const Engine *e, ScopeId scope, size_t metric, size_t window, usec_t at, Figure *ret)
{
        const ScopeInfo *info = org_scope(e->org, scope);
        const Window *w = &e->settings->windows[window];
        const Span *span = &e->spans[window];
        Cell *cell = engine_cell_find(e, scope, metric);
        usec_t start, end;
        int32_t first, last;
        Series series;
        bool has_cursor;
        Tally counts = TALLY_NULL;

        window_span(w, e->settings->calendar, at, &start, &end);
        first = engine_bucket(start, span->width);
        last = engine_bucket(end, span->width);
        has_cursor = e->now != INT64_MIN && first == span->start && last == span->end;
        /* What is going on now is known from what is kept, which is what rules look at, too. */
        if (!has_cursor && first < e->kept[span->tier]) {
                if (at <= e->now)
                        return ENGINE_E_HISTORY;
                first = e->kept[span->tier];
        }
        *ret = (Figure){
                .scope_kind = info->kind,
                .scope_name = info->name,
                .metric = &e->settings->metrics[metric],
                .window = text_of(w->name),
                .at = end,
                .value = NAN,
                .low = NAN,
                .high = NAN,
                .mean = NAN,
                .trend = NAN,
                .trend_low = NAN,
                .trend_high = NAN,
                .state = FIGURE_NO_DATA,
        };
        if (!cell)
                return 0;
        series = cell_series(cell, span->tier);
        if (has_cursor)
                series_total(&series, span->cursor, first, last, e->kept[span->tier], &counts);
        else
                series_sum(&series, first, last, &counts);
        engine_fill_figure(e, cell, window, at, &counts, ret);
        ret->state = state_of(e, cell, window, has_cursor ? e->now + 1 : at, &counts, ret);
        return 0;
}

const Org *engine_org(const Engine *e)
{
        return e->org;
}

const Settings *engine_settings(const Engine *e)
{
        return e->settings;
}

void engine_stats(const Engine *e, EngineStats *ret)
{
        *ret = e->stats;
        ret->n_scopes = e->n_scopes;
}

bool engine_has_data(const Engine *e, ScopeId scope)
{
        return scope < e->n_scopes && e->scopes[scope].has_data;
}

size_t engine_n_alerts(const Engine *e)
{
        return e->book.n;
}

const Alert *engine_alert(const Engine *e, size_t index)
{
        return &e->book.entries[index]->alert;
}

const Alert *engine_find_alert(const Engine *e, Text id)
{
        const BookEntry *entry = alertbook_find(&e->book, id);

        return entry ? &entry->alert : NULL;
}

size_t engine_take_changed(Engine *e, EngineChange *ret, size_t max)
{
        size_t n = e->n_changed < max ? e->n_changed : max;

        for (size_t i = 0; i < n; i++) {
                ScopeData *data = &e->scopes[e->changed[i]];

                ret[i] = (EngineChange){.scope = e->changed[i], .metrics = data->changed};
                data->changed = 0;
        }
        e->n_changed -= n;
        memmove(e->changed, e->changed + n, e->n_changed * sizeof(*e->changed));
        return n;
}

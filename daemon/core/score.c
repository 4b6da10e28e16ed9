/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>

#include "daemon/core/score.h"

static bool has_boxes(const Metric *m)
{
        return m->kind == METRIC_TOP1 || m->kind == METRIC_TOP2 || m->kind == METRIC_TOP3;
}

/* How many answers make up the share. */
static uint64_t share_count(const Metric *m, const Tally *t)
{
        uint64_t yes = 0;

        unsigned n_values = metric_n_values(m);
        unsigned n_boxes = m->kind == METRIC_TOP3 ? 3 : m->kind == METRIC_TOP2 ? 2 : 1;

        for (unsigned i = 0; i < n_boxes && i < n_values; i++)
                yes += t->counts[has_boxes(m) && m->lower_is_better ? i : n_values - 1 - i];
        return yes;
}

static void nps_counts(const Metric *m, const Tally *t, uint64_t *ret_promoters, uint64_t *ret_detractors)
{
        uint64_t promoters = 0, detractors = 0;

        for (unsigned i = 0; i < metric_n_values(m); i++) {
                int value = m->lo + (int)i;

                if (value >= 9)
                        promoters += t->counts[i];
                else if (value <= 6)
                        detractors += t->counts[i];
        }
        *ret_promoters = promoters;
        *ret_detractors = detractors;
}

static double mean_of(const Metric *m, const Tally *t, uint64_t n)
{
        int64_t sum = 0;

        for (unsigned i = 0; i < metric_n_values(m); i++)
                sum += (int64_t)t->counts[i] * (m->lo + (int)i);
        return (double)sum / (double)n;
}

Score score_of(const Metric *m, const Tally *t)
{
        Score s = {.n = tally_n(t), .value = NAN, .mean = NAN};
        uint64_t promoters, detractors;

        if (s.n == 0)
                return s;
        s.mean = mean_of(m, t, s.n);
        switch (m->kind) {
        case METRIC_NPS:
                nps_counts(m, t, &promoters, &detractors);
                s.value = 100 * (double)((int64_t)promoters - (int64_t)detractors) / (double)s.n;
                break;
        case METRIC_MEAN:
                s.value = s.mean;
                break;
        default:
                s.value = 100 * (double)share_count(m, t) / (double)s.n;
                break;
        }
        return s;
}

/*
 * Sheppard: what a scale rounds to whole numbers has been moved by a variance of 1/12. Where all answers are the same, their
 * own says that nothing can be otherwise.
 */
#define ROUNDING (1. / 12)

static Interval mean_interval(const Metric *m, const Tally *t, uint64_t n)
{
        double squares = 0, mean = n ? mean_of(m, t, n) : NAN;
        Interval i;

        if (n < 2)
                return (Interval){.low = NAN, .high = NAN};
        for (unsigned k = 0; k < metric_n_values(m); k++) {
                double distance = m->lo + (int)k - mean;

                squares += (double)t->counts[k] * distance * distance;
        }
        i = interval_mean(mean, fmax(squares, ROUNDING * (double)(n - 1)), n);
        return (Interval){.low = fmax(i.low, m->lo), .high = fmin(i.high, m->hi)};
}

Interval score_interval(const Metric *m, const Tally *t)
{
        uint64_t n = tally_n(t), promoters, detractors;
        Interval i;

        switch (m->kind) {
        case METRIC_NPS:
                nps_counts(m, t, &promoters, &detractors);
                i = interval_nps(promoters, n - promoters - detractors, detractors);
                break;
        case METRIC_MEAN:
                return mean_interval(m, t, n);
        default:
                i = interval_share(share_count(m, t), n);
                break;
        }
        return (Interval){.low = 100 * i.low, .high = 100 * i.high};
}

bool score_wrong_is_above(const Metric *m)
{
        return m->lower_is_better && !has_boxes(m);
}

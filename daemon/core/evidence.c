/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>

#include "daemon/core/evidence.h"

static const double bets[EVIDENCE_BETS] = {.05, .15, .35, .65};

/* exp() of more would be infinite; a sum of so much evidence says no more than this. */
#define LOG_MAX 700.

int evidence_init(Evidence *e, const Metric *m, double threshold, bool above)
{
        double low, high;
        bool flip;

        metric_bounds(m, &low, &high);
        /* Scaled answers grow with what is good; the wrong side must be the low one. */
        flip = above == (metric_scaled_target(m, high) > metric_scaled_target(m, low));
        e->n_values = metric_n_values(m);
        e->wrong = 0;
        e->target = metric_scaled_target(m, threshold);
        if (flip)
                e->target = 1 - e->target;
        for (unsigned v = 0; v < e->n_values; v++) {
                double x = metric_scaled(m, m->lo + (int)v), most = -INFINITY;

                e->scaled[v] = flip ? 1 - x : x;
                e->wrong |= (uint32_t)(e->scaled[v] < e->target) << v;
                for (unsigned k = 0; k < EVIDENCE_BETS; k++)
                        e->logs[k][v] = log1p(bets[k] / (1 - e->target) * (e->target - e->scaled[v]));
                for (unsigned k = 0; k < EVIDENCE_BETS; k++)
                        most = fmax(most, e->logs[k][v]);
                e->most[v] = exp(most);
        }
        return e->target > 0 && e->target < 1 ? 0 : EVIDENCE_E_TARGET;
}

static void add_day(const Evidence *e, const Tally *day, double sums[EVIDENCE_BETS])
{
        for (unsigned k = 0; k < EVIDENCE_BETS; k++)
                for (unsigned v = 0; v < e->n_values; v++)
                        if (day->counts[v])
                                sums[k] += (double)day->counts[v] * e->logs[k][v];
}

/* A sum of exponentials, kept as the largest exponent and the rest relative to it. */
typedef struct LogSum {
        double largest, rest;
} LogSum;

static void log_sum_add(LogSum *s, double exponent, double times)
{
        if (times <= 0)
                return;
        if (exponent <= s->largest) {
                s->rest += times * exp(exponent - s->largest);
        } else {
                s->rest = s->rest * exp(s->largest - exponent) + times;
                s->largest = exponent;
        }
}

/* Backwards from today: all starts between two days with answers have the same product. */
void evidence_past(const Evidence *e, const Series *days, int32_t start, int32_t today, EvidencePast *ret)
{
        LogSum sums[EVIDENCE_BETS];
        double products[EVIDENCE_BETS] = {0};
        int32_t open = today; /* starts from here on are done */
        uint32_t at = UINT32_MAX;

        for (unsigned k = 0; k < EVIDENCE_BETS; k++)
                sums[k] = (LogSum){.largest = -INFINITY};
        while (open > start) {
                Tally day;
                int32_t number = series_previous(days, today, &at, &day);
                int32_t after = number == SERIES_NEVER || number < start ? start : number + 1;

                for (unsigned k = 0; k < EVIDENCE_BETS; k++)
                        log_sum_add(&sums[k], products[k], open - after);
                open = after;
                if (open == start)
                        break;
                add_day(e, &day, products);
                open--;
                for (unsigned k = 0; k < EVIDENCE_BETS; k++)
                        log_sum_add(&sums[k], products[k], 1);
        }
        for (unsigned k = 0; k < EVIDENCE_BETS; k++)
                ret->logs[k] = sums[k].largest + log(sums[k].rest);
}

double evidence_sum(const Evidence *e, const EvidencePast *past, const Tally *now)
{
        double today[EVIDENCE_BETS] = {0}, sum = 0;

        add_day(e, now, today);
        for (unsigned k = 0; k < EVIDENCE_BETS; k++) {
                sum += exp(fmin(today[k], LOG_MAX));
                if (past->logs[k] > -INFINITY)
                        sum += exp(fmin(today[k] + past->logs[k], LOG_MAX));
        }
        return sum / EVIDENCE_BETS;
}

/* The log of E_j, which itself may be more than a number can be. */
static double log_mixture(const double products[EVIDENCE_BETS])
{
        LogSum sum = {.largest = -INFINITY};

        for (unsigned k = 0; k < EVIDENCE_BETS; k++)
                log_sum_add(&sum, products[k], 1. / EVIDENCE_BETS);
        return sum.largest + log(sum.rest);
}

double evidence_best(const Evidence *e, const Series *days, int32_t start, int32_t today, int32_t *ret_day)
{
        double products[EVIDENCE_BETS] = {0}, best = -INFINITY;
        int32_t day = today, number;
        uint32_t at = UINT32_MAX;
        Tally counts;

        if (start > today)
                return 0;
        number = series_previous(days, today + 1, &at, &counts);
        for (;; day--) {
                double value;

                if (number == day) {
                        add_day(e, &counts, products);
                        number = series_previous(days, today + 1, &at, &counts);
                }
                value = log_mixture(products);
                if (value >= best) {
                        best = value;
                        *ret_day = day;
                }
                if (day == start)
                        return exp(fmin(best, LOG_MAX));
        }
}

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The evidence test: a windowed e-detector (Shiryaev-Roberts) with a mixture of bets against "the target is
 * met".
 *
 * Every day in the window is a start; E_j is what the bets since start j have made, and M their sum. M stays
 * below a threshold A for at least A days on average if the target is met, however often one looks. All of it
 * is a function of the counts by the day; products are sums of logarithms.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/series.h"
#include "proto/metric.h"

#define EVIDENCE_BETS 4

enum {
        _EVIDENCE_OK,
        EVIDENCE_E_TARGET, /* the target is not strictly between the worst and the best */
};

typedef struct Evidence {
        unsigned n_values;
        uint32_t wrong;                                /* bit per answer: it is on the wrong side */
        double target;                                 /* m, scaled so that 1 is the right side */
        double scaled[METRIC_VALUES_MAX];              /* x of each answer, on the same scale */
        double logs[EVIDENCE_BETS][METRIC_VALUES_MAX]; /* log of the factor that an answer is */
        double most[METRIC_VALUES_MAX]; /* no bet, and so no E_j, is multiplied by more than this */
} Evidence;

/* The starts before the current day: per bet the log of the sum of their products, without the current day.
 */
typedef struct EvidencePast {
        double logs[EVIDENCE_BETS];
} EvidencePast;

/* The same, remembered for one day. Whoever changes a day before it or the first start marks it as not valid. */
typedef struct EvidenceCache {
        bool valid;
        int32_t day;
        EvidencePast past;
} EvidenceCache;

/* @threshold is in the display unit; @above: the wrong side is above it. Filled in also with
 * EVIDENCE_E_TARGET. */
CX_MUST_CHECK int evidence_init(Evidence *e, const Metric *m, double threshold, bool above);

/* Of the starts [start, today) in @days, a series by the day. */
void evidence_past(const Evidence *e, const Series *days, int32_t start, int32_t today, EvidencePast *ret);

/* M as of the end of the current day, whose counts are @now; it is a start, too. */
double evidence_sum(const Evidence *e, const EvidencePast *past, const Tally *now);

/* The largest E_j of the starts [start, today], and the first day that has it. 0 without any start. */
double evidence_best(const Evidence *e, const Series *days, int32_t start, int32_t today, int32_t *ret_day);

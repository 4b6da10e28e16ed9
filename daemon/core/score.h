#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The value of a metric from its counts, in the display unit: one division of whole numbers, so that the same
 * counts are the same figure on every path.
 */

#include "daemon/core/interval.h"
#include "daemon/core/tally.h"
#include "proto/metric.h"

typedef struct Score {
        uint64_t n;
        double value, mean; /* NaN without answers */
} Score;

Score score_of(const Metric *m, const Tally *t);

/* The 95 % interval of the value; NaN where there is none. */
Interval score_interval(const Metric *m, const Tally *t);

/* Whether the wrong side of a target is above it. The share of the best boxes is good when it is high,
 * always. */
bool score_wrong_is_above(const Metric *m);

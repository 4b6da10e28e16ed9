#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The definition of a metric: what its answers may be, and how a figure is computed from their counts.
 *
 * Answers are whole numbers from lo to hi; a Tally has one counter for each of them. `nps`, `top1..3` and `yes` are
 * shown in points or percent, `mean` on the answers' own scale. `response` is the share of surveys that were answered
 * among those that are no longer open; its "answers" come from the survey's status (0: expired or opted out, 1:
 * answered), never from `answers`.
 */

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/def.h"
#include "proto/base/text.h"

typedef enum MetricKind {
        METRIC_NPS,      /* 0..10; 100 (promoters - detractors) / n */
        METRIC_TOP1,     /* share of the best answer, percent */
        METRIC_TOP2,     /* share of the two best answers (CSAT) */
        METRIC_TOP3,     /* share of the three best answers (CES 5..7) */
        METRIC_MEAN,     /* mean on the scale of the answers */
        METRIC_YES,      /* 0/1 or false/true; share of yes (FCR) */
        METRIC_RESPONSE, /* response rate, from the status */
        _METRIC_KIND_N,
} MetricKind;

#define METRIC_NAME_MAX   64
#define METRIC_VALUES_MAX 11 /* widest scale: 0..10 */
#define METRICS_MAX       64 /* in one configuration */
#define METRIC_LIST_MAX   16 /* names in `explains` and in `influence` */

typedef struct Metric {
        char name[METRIC_NAME_MAX + 1];
        MetricKind kind;
        int lo, hi;           /* smallest and largest answer */
        bool lower_is_better; /* `top` boxes are the lowest answers then; of a mean the wrong side is above */
        bool has_target;
        double target;  /* in the display unit: points, percent, mean */
        unsigned min_n; /* below it a figure's state is `insufficient` */
        size_t n_explains;
        char explains[METRIC_LIST_MAX][METRIC_NAME_MAX + 1]; /* outcomes that this driver explains */
        size_t n_influence;
        char influence[METRIC_LIST_MAX][METRIC_NAME_MAX + 1]; /* roles that can change it */
} Metric;

const char *metric_kind_name(MetricKind kind);
CX_MUST_CHECK int metric_kind_parse(Text t, MetricKind *ret); /* also the alias `ces`: top3. -EINVAL */

static inline unsigned metric_n_values(const Metric *m)
{
        return (unsigned)(m->hi - m->lo + 1);
}

/* "points", "%", or "" for a mean. */
const char *metric_unit(MetricKind kind);

/* 1 to 64 bytes of a-z, A-Z, 0-9, '_', '-', '.', beginning with a letter. */
bool metric_name_ok(Text name);

/*
 * The lowest and highest value that a figure of this metric can have, in the display unit: -100..100, 0..100, lo..hi.
 */
void metric_bounds(const Metric *m, double *ret_low, double *ret_high);

/*
 * An answer scaled to [0, 1] where 1 is best, as the evidence test wants it (STATISTICS: means and `mean` scale
 * linearly, shares are 0 or 1, NPS categories 0, .5, 1). @value is lo..hi.
 */
double metric_scaled(const Metric *m, int value);

/* A target in the display unit on the same scale as metric_scaled(): NPS (t / 100 + 1) / 2, shares t / 100, ... */
double metric_scaled_target(const Metric *m, double target);

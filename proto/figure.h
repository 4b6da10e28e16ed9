#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A figure as everybody sees it: one metric of one scope in one window, with its evidence; and its JSON.
 */

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/json_out.h"
#include "proto/base/usec.h"
#include "proto/metric.h"
#include "proto/scope.h"

typedef enum FigureState {
        FIGURE_NO_DATA,
        FIGURE_INSUFFICIENT, /* answers, but not enough to tell */
        FIGURE_OK,
        FIGURE_BELOW, /* the wrong side of the target, by the rule's test or else by the interval */
        FIGURE_ABOVE,
        _FIGURE_STATE_N,
} FigureState;

typedef struct Figure {
        ScopeKind scope_kind;
        Text scope_name; /* borrowed from the org; empty for org */
        const Metric *metric;
        Text window; /* name, borrowed from the settings */
        usec_t at;   /* the exclusive end of the window */
        uint64_t n;
        uint64_t counts[METRIC_VALUES_MAX]; /* per answer lo..hi */
        double value, low, high,
                mean; /* display unit; NaN (JSON null) where there is none. low and high: 95 % */
        FigureState state;
        /* Value minus the value of the window just before, and the 95 % interval of that; NaN: one of the two has too few
         * answers, or is not kept. */
        double trend, trend_low, trend_high;
} Figure;

const char *figure_state_name(FigureState state);

/* Writes the object of DESIGN 5.4: scope, metric, window, at, n, value, low, high, mean, target, state, trend with its bounds, counts. */
void figure_write(const Figure *f, JsonOut *out);

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An alert: one firing instance of a rule on a scope, as a value that can be stored, sent and restored.
 *
 * inactive -> pending -> firing -> resolved; a person may put a firing one into acknowledged or snoozed and back. What
 * it rested on is frozen in it when it fires.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/org.h"
#include "daemon/core/rule.h"
#include "proto/base/usec.h"
#include "proto/metric.h"
#include "proto/survey.h"

#define ALERT_ID_MAX      16
#define ALERT_SURVEYS_MAX 5
#define ALERT_NOTE_MAX    500

typedef enum AlertState {
        ALERT_INACTIVE, /* there is none; never stored or shown */
        ALERT_PENDING,
        ALERT_FIRING,
        ALERT_ACKNOWLEDGED, /* somebody is on it; otherwise like firing */
        ALERT_SNOOZED,      /* quiet until `until`, then firing again; otherwise like firing */
        ALERT_RESOLVED,
        _ALERT_STATE_N,
} AlertState;

typedef enum AlertReason {
        ALERT_NO_REASON,
        ALERT_RECOVERED, /* the figure is back on the right side */
        ALERT_WITHDRAWN, /* a revision or retraction took the evidence away */
        ALERT_EXPIRED,   /* no answers are left in the window, or the rule or its metric is another one */
        _ALERT_REASON_N,
} AlertReason;

typedef struct Alert {
        char id[ALERT_ID_MAX + 1]; /* stable: a hash of rule, scope and ordinal */
        char rule[RULE_NAME_MAX + 1];
        ScopeKind scope_kind;
        char scope_name[SCOPE_NAME_MAX + 1];
        char metric[METRIC_NAME_MAX + 1];
        char window[16];
        Severity severity;
        AlertState state;
        AlertReason reason;
        uint32_t ordinal; /* of this rule on this scope, from 1 */
        usec_t since;     /* when it became pending */
        usec_t fired;     /* 0: not yet */
        usec_t changed;   /* last transition */

        /* The evidence, as it was when the alert fired (while pending: at the last look). */
        usec_t at; /* end of the window */
        uint64_t n;
        uint64_t counts[METRIC_VALUES_MAX];
        double value, low, high, mean, trend, trend_low, trend_high; /* NaN: none */
        double threshold_value;                                      /* of the figure, display unit */
        RuleTest test;
        usec_t from;       /* evidence: the day since which it is strongest; 0 for the other tests ... */
        uint64_t from_n;   /* ... answers since then ... */
        double from_value; /* ... and their figure, display unit */
        double evidence;   /* evidence: M; interval: the bound that was compared; point: the value */
        double limit;      /* what it was compared with: A, or the threshold */
        int64_t restart; /* evidence: number of the first day that may be a start again; INT64_MIN: no restriction */
        char surveys[ALERT_SURVEYS_MAX]
                    [SURVEY_TEXT_MAX + 1]; /* ids of the last wrong-side answers, newest first */
        size_t n_surveys;

        /* What people said. */
        char by[METRIC_NAME_MAX + 1];
        char note[ALERT_NOTE_MAX + 1];
        char outcome[METRIC_NAME_MAX + 1];
        usec_t until; /* snoozed until then */
} Alert;

const char *alert_state_name(AlertState state);
CX_MUST_CHECK int alert_state_parse(Text t, AlertState *ret); /* -EINVAL */
const char *alert_reason_name(AlertReason reason);            /* NULL for none */
CX_MUST_CHECK int alert_reason_parse(Text t, AlertReason *ret);

/* Whether its figure is one of @metric: not where another kind, scale or good side is configured since it fired. */
bool alert_is_of(const Alert *a, const Metric *metric);

/* Firing, acknowledged or snoozed: the condition holds. */
static inline bool alert_is_active(const Alert *a)
{
        return a->state == ALERT_FIRING || a->state == ALERT_ACKNOWLEDGED || a->state == ALERT_SNOOZED;
}

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An alert: one firing instance of a rule on a scope, as a value that can be stored, sent and restored.
 *
 * inactive -> pending -> firing -> resolved; a person may put a firing one into acknowledged or snoozed and back. What
 * it rested on is frozen in it when it fires.
 *
 * Most of its texts are much shorter than they may be, or empty. One that alert_copy() made owns them all, in one block as
 * long as they are; one that was put together by hand borrows them, and so does a plain assignment. None is NULL.
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
        ALERT_EXPIRED, /* no answers are left in the window, or the rule, its metric or scope is another one */
        _ALERT_REASON_N,
} AlertReason;

typedef struct Alert {
        char id[ALERT_ID_MAX + 1]; /* stable: a hash of rule, scope and ordinal */
        ScopeKind scope_kind;
        const char *scope_name; /* at most SCOPE_NAME_MAX bytes; empty for org */
        const char *rule;       /* RULE_NAME_MAX */
        const char *metric;     /* METRIC_NAME_MAX */
        const char *window;     /* WINDOW_NAME_MAX */
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
        bool above; /* the wrong side is above the threshold */
        double asked; /* the threshold that its rule looked at it with last; the rule may have got another one */
        usec_t from;       /* evidence: the day since which it is strongest; 0 for the other tests ... */
        uint64_t from_n;   /* ... answers since then ... */
        double from_value; /* ... and their figure, display unit */
        double evidence;   /* evidence: M; interval: the bound that was compared; point: the value */
        double limit;      /* what it was compared with: A, or the threshold */
        int32_t restart; /* evidence: number of the first day that may be a start again; INT32_MIN: no restriction */
        /* Ids of the last wrong-side answers, newest first; SURVEY_TEXT_MAX. */
        const char *surveys[ALERT_SURVEYS_MAX];
        size_t n_surveys;

        /* What people said. */
        const char *by;      /* METRIC_NAME_MAX */
        const char *note;    /* ALERT_NOTE_MAX */
        const char *outcome; /* METRIC_NAME_MAX */
        usec_t until;        /* snoozed until then */

        char *texts; /* the block of so many bytes in which all texts are. Owned; NULL: they are borrowed */
        size_t texts_size;
} Alert;

#define ALERT_NULL                                                                                           \
        ((Alert){.rule = "",                                                                                 \
                 .scope_name = "",                                                                           \
                 .metric = "",                                                                               \
                 .window = "",                                                                               \
                 .by = "",                                                                                   \
                 .note = "",                                                                                 \
                 .outcome = ""})

/*
 * Makes @to the same as @from, with texts of its own. @to is ALERT_NULL or has texts of its own already, some of which
 * @from may borrow; where the new ones fit in, nothing is allocated. -ENOMEM: nothing changed.
 */
CX_MUST_CHECK int alert_copy(Alert *to, const Alert *from);
void alert_deinit(Alert *a);

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

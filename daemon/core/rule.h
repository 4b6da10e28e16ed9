#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A rule: when a figure on some scopes is an alert, and what each role is advised to do then.
 */

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/usec.h"
#include "proto/metric.h"
#include "proto/scope.h"

#define RULE_NAME_MAX   64
#define RULE_ADVICE_MAX 8
#define ADVICE_TEXT_MAX 300
#define RULES_MAX       4096

typedef enum RuleTest {
        RULE_EVIDENCE, /* e-detector, valid however often one looks (STATISTICS.md) */
        RULE_INTERVAL, /* the 95 % interval lies past the threshold, and n >= min_n */
        RULE_POINT,    /* the value lies past the threshold, and n >= min_n */
        _RULE_TEST_N,
} RuleTest;

typedef enum Severity {
        SEVERITY_INFO,
        SEVERITY_WARNING,
        SEVERITY_CRITICAL,
        _SEVERITY_N,
} Severity;

typedef struct Advice {
        char role[METRIC_NAME_MAX + 1];
        char text[ADVICE_TEXT_MAX + 1];
} Advice;

typedef struct Rule {
        char name[RULE_NAME_MAX + 1];
        size_t metric;                   /* index into the metrics of the settings */
        ScopeKind kind;                  /* of the scopes that the rule watches */
        char scopes[SCOPE_NAME_MAX + 1]; /* glob over their names, an asterisk for all; empty for org */
        size_t window;                   /* index into the windows of the settings */
        RuleTest test;
        bool above;              /* the wrong side is above the threshold */
        bool at_target;          /* the threshold is the metric's target */
        double threshold;        /* in the display unit; with at_target a copy of the target */
        unsigned min_n;          /* 0: the evidence test, which has none */
        double false_alarms;     /* evidence: at most so many ... */
        usec_t false_alarms_per; /* ... in this time, for the whole rule */
        usec_t hold;             /* pending for so long before it fires; 0: at once */
        Severity severity;
        size_t n_advice;
        Advice advice[RULE_ADVICE_MAX];
} Rule;

const char *rule_test_name(RuleTest test);
const char *severity_name(Severity severity);

/* Whether the rule watches this scope. */
bool rule_covers(const Rule *r, ScopeKind kind, Text name);

/* The advice for @role; the first one for NULL or an unknown role; NULL if the rule has none. */
const char *rule_advice(const Rule *r, const char *role);

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The scopes that a survey counts for, by the rule by which centre.py lays the organisation out: teams of 20, sites of
 * 200, regions of 1,000; 10 queues in a line. For peers that count on all levels, as cxd does.
 */

#include "tests/bench/bench_workload.h"

enum {
        LEVELS_LEAVES = 2, /* the first two: agent and queue */
        LEVELS = 7,
        LEVELS_NAME_MAX = 24,
};

/* In their order; the leaves as the survey has them. */
extern const char *const levels_names[LEVELS];

typedef struct Levels {
        Text scopes[LEVELS]; /* borrowed from the survey, or from @names */
        char names[LEVELS][LEVELS_NAME_MAX];
} Levels;

/* @l stays where it is as long as its scopes are used. -EBADMSG: not an agent or a queue of the workload. */
CX_MUST_CHECK int levels_of(Levels *l, const WorkloadSurvey *s);

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The surveys of the benchmark as a file, the same for everything that is measured.
 *
 * The file is NDJSON, one survey a line (cx-survey(7)), so that cxd takes it as it is. Each line begins with {"id":"
 * and five digits, which are those of the pass, and has the date of "ts" at the same place of that member: so one file
 * can be sent again and again with ids, and on days, of its own.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/base/buffer.h"
#include "proto/base/usec.h"

enum {
        WORKLOAD_METRICS = 6,
        WORKLOAD_PASSES = 100000,
};

/* In the order in which peers that count fewer take them. */
extern const char *const workload_metrics[WORKLOAD_METRICS];

/* What is generated: surveys of agents and queues drawn at random, from @start on, over @span. */
typedef struct WorkloadPlan {
        unsigned n_agents, n_queues;
        size_t n_surveys;
        usec_t start, span;
} WorkloadPlan;

/* What a survey says, for clients that count for themselves. Borrowed. */
typedef struct WorkloadSurvey {
        Text agent, queue;
        int values[WORKLOAD_METRICS]; /* < 0: not answered */
} WorkloadSurvey;

typedef struct Workload {
        Buffer bytes;
        size_t *ends;  /* ends[i]: where line i ends, its LF included */
        size_t *dates; /* dates[i]: where its date is */
        size_t n;
        char *scratch;
} Workload;

#define WORKLOAD_NULL ((Workload){0})

/* -ENOMEM, -EIO. */
CX_MUST_CHECK int workload_write(const WorkloadPlan *plan, FILE *to);

/* The same without a file. -ENOMEM. */
CX_MUST_CHECK int workload_init(Workload *w, const WorkloadPlan *plan);
/* -errno; -EBADMSG: not such a file. */
CX_MUST_CHECK int workload_load(Workload *w, const char *path);
/* Every @n_parts'th survey of @all, from @part on. -ENOMEM. */
CX_MUST_CHECK int workload_take(Workload *w, const Workload *all, size_t part, size_t n_parts);
void workload_deinit(Workload *w);

/* Changes every id to that of pass @pass (below WORKLOAD_PASSES). */
void workload_set_pass(Workload *w, unsigned pass);
/* Moves every survey to the day of @at; the time of day stays. */
void workload_set_day(Workload *w, usec_t at);

/* Line @i without its LF. */
Text workload_line(const Workload *w, size_t i);
/* What line @i says; valid until the next call. -EBADMSG. */
CX_MUST_CHECK int workload_survey(Workload *w, size_t i, WorkloadSurvey *ret);

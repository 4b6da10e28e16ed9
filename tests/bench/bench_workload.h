#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The surveys of the benchmark: 2,000 agents, 50 queues, 6 metrics; the same for everything that is measured.
 *
 * A workload is a run of NDJSON lines. It may be used again and again: each pass has ids of its own.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/base/buffer.h"
#include "proto/base/usec.h"

enum {
        WORKLOAD_AGENTS = 2000,
        WORKLOAD_QUEUES = 50,
        WORKLOAD_METRICS = 6,
};

extern const char *const workload_metrics[WORKLOAD_METRICS];

/* What a survey says, for clients that count for themselves. value < 0: not answered. */
typedef struct WorkloadSurvey {
        unsigned agent, queue;
        int values[WORKLOAD_METRICS];
} WorkloadSurvey;

typedef struct Workload {
        Buffer bytes;
        size_t *ends; /* ends[i]: where line i ends, its LF included */
        WorkloadSurvey *surveys;
        size_t n;
} Workload;

#define WORKLOAD_NULL ((Workload){0})

/* @n surveys of @part, whose ids no other part has, from @start on, @step apart. -ENOMEM. */
CX_MUST_CHECK int workload_init(Workload *w, unsigned part, size_t n, usec_t start, usec_t step);
void workload_deinit(Workload *w);

/* Changes every id to that of pass @pass (0..99999). */
void workload_set_pass(Workload *w, unsigned pass);

/* Line @i without its LF. */
Text workload_line(const Workload *w, size_t i);

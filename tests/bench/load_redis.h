#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A survey as commands for Redis: RPUSH of it, and HINCRBY per agent, per queue, and with more levels per scope above
 * them, for each answered metric and for the survey itself.
 */

#include "proto/base/buffer.h"
#include "tests/bench/bench_workload.h"

/*
 * Appends them for survey @i, with the first @n_metrics of its metrics and the first @n_levels of its scopes
 * (bench_levels.h). Returns how many there are.
 */
unsigned load_redis_write(Buffer *to, Workload *w, size_t i, unsigned n_metrics, unsigned n_levels);

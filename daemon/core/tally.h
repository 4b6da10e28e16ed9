#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Counts per answer value, lowest answer first: everything else is computed from them, and they add and
 * subtract exactly.
 */

#include <stdint.h>
#include <string.h>

#include "proto/metric.h"

typedef struct Tally {
        uint64_t counts[METRIC_VALUES_MAX];
} Tally;

#define TALLY_NULL ((Tally){0})

static inline uint64_t tally_n(const Tally *t)
{
        uint64_t n = 0;

        for (size_t i = 0; i < METRIC_VALUES_MAX; i++)
                n += t->counts[i];
        return n;
}

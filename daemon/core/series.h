#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The counts of one metric on one scope over time: its columns of a Grid, read by the bucket.
 *
 * A bucket of the series is one in which this metric was answered.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/core/grid.h"
#include "daemon/core/tally.h"
#include "proto/base/def.h"

/* Borrows the grid, which must stay where it is. */
typedef struct Series {
        Grid *grid;
        uint16_t first; /* column of the lowest answer */
        uint8_t n_values;
} Series;

/* "No such bucket"; no survey lies there. */
#define SERIES_NEVER INT32_MAX

/* The total of buckets [start, end), counted bucket by bucket. */
void series_sum(const Series *s, int32_t start, int32_t end, Tally *ret);

/* The same from cursor @i, which is moved there. @kept as for grid_count(). */
void series_total(const Series *s, unsigned i, int32_t start, int32_t end, int32_t kept, Tally *ret);

/* The number of the first bucket at or after @from; SERIES_NEVER: none. */
int32_t series_next(const Series *s, int32_t from);

/* Whether there is a bucket at or before @number, and not before @kept. */
bool series_begins_by(const Series *s, int32_t number, int32_t kept);

/*
 * Walks backwards: fills in the last bucket before @before and returns its number; SERIES_NEVER: there is
 * none. *at is the walk's memory; it starts as UINT32_MAX, and the series must not change meanwhile.
 */
int32_t series_previous(const Series *s, int32_t before, uint32_t *at, Tally *ret);

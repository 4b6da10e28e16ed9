#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Counts of one metric on one scope over time, in sparse buckets of one width, with a running total per
 * window.
 *
 * A bucket is known by its number (start divided by width); only those with an answer exist. Counts take one
 * byte each until one of them needs two, or four. A cursor keeps the total of a span of buckets up to date:
 * adding is exact wherever it lands, and moving on costs what left and what came in.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/core/tally.h"
#include "proto/base/def.h"

typedef struct Series {
        unsigned char *data; /* per bucket: its number, then the counts */
        uint32_t *cursors;   /* per cursor: start, end, totals */
        uint32_t head, n, size;
        uint8_t n_values, n_cursors;
        uint8_t width; /* bytes of a count */
} Series;

#define SERIES_NULL ((Series){0})
/* "No such bucket"; no survey lies there. */
#define SERIES_NEVER INT32_MAX

/* -ENOMEM. */
CX_MUST_CHECK int series_init(Series *s, unsigned n_values, unsigned n_cursors);
void series_deinit(Series *s);

/*
 * One answer more (@delta 1) or less (-1), @value counted from 0. Buckets before @kept are dropped; an answer
 * there, and the removal of one that is not there, does nothing. -ENOMEM: nothing changed.
 */
CX_MUST_CHECK int series_add(Series *s, int32_t bucket, unsigned value, int delta, int32_t kept);

/* The total of buckets [start, end), counted bucket by bucket. */
void series_sum(const Series *s, int32_t start, int32_t end, Tally *ret);

/* The same from cursor @i, which is moved there. @kept as for series_add(). */
void series_total(Series *s, unsigned i, int32_t start, int32_t end, int32_t kept, Tally *ret);

/* The number of the first bucket at or after @from; SERIES_NEVER: none. */
int32_t series_next(const Series *s, int32_t from);

/*
 * Walks backwards: fills in the last bucket before @before and returns its number; SERIES_NEVER: there is
 * none. *at is the walk's memory; it starts as UINT32_MAX, and the series must not change meanwhile.
 */
int32_t series_previous(const Series *s, int32_t before, uint32_t *at, Tally *ret);

static inline bool series_is_used(const Series *s)
{
        return s->n_values > 0;
}

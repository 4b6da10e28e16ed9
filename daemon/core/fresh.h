#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What was answered on a scope just now, before its grids have it: one small count for each answer.
 *
 * Surveys come about in the order of time, and a busy scope has many of them in a minute. So a bucket that comes twice
 * in a row is lent by its grid to a sheet, where counting costs next to nothing; the row, and the cursors that it lies
 * in, have their turn when another bucket does. The grids by the hour and by the day share a sheet. Figures are the same
 * at any moment, because whoever reads a grid reads its sheet with it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/core/grid.h"
#include "daemon/core/window.h"

typedef struct FreshSheet {
        bool open;      /* lent by all of its grids that keep the bucket */
        int32_t bucket; /* of the first of its tiers */
        int32_t missed; /* the last one that was counted without it */
} FreshSheet;

typedef enum FreshPart {
        FRESH_MINUTE, /* for WINDOW_MINUTE */
        FRESH_HOUR,   /* for WINDOW_HOUR and WINDOW_DAY */
        _FRESH_PART_N,
} FreshPart;

/* The counts of some columns, a byte each. They are added at once. */
typedef uint8_t FreshLane __attribute__((vector_size(16)));

#define FRESH_LANES_MAX ((METRICS_MAX * METRIC_VALUES_MAX + sizeof(FreshLane) - 1) / sizeof(FreshLane))

typedef struct Fresh {
        FreshSheet sheets[_FRESH_PART_N];
        FreshLane *counts; /* of all sheets, n_lanes each. NULL: none yet. Owned */
        uint16_t n_lanes;
} Fresh;

#define FRESH_NULL ((Fresh){0})

void fresh_deinit(Fresh *f);

/* What a scope counts in: a grid per tier, one without columns where nothing wants the tier. Borrowed. */
typedef struct FreshGrids {
        Grid *grids;         /* _WINDOW_TIER_N of them, with the same columns */
        const int32_t *kept; /* per tier: the first bucket that is kept */
} FreshGrids;

/* The answers of one survey, for every scope with the same columns. */
typedef struct FreshAnswers {
        FreshLane ones[FRESH_LANES_MAX]; /* as on a sheet: 1 where there is one */
        uint16_t n_lanes;
        uint16_t n;
        uint16_t columns[METRICS_MAX];
} FreshAnswers;

/* None yet, in @n_columns. */
void fresh_answers_init(FreshAnswers *a, unsigned n_columns);

/* One more, in a column that has none. */
static inline void fresh_answers_add(FreshAnswers *a, unsigned column)
{
        ((uint8_t *)a->ones)[column] = 1;
        a->columns[a->n++] = (uint16_t)column;
}

/*
 * Counts the answers in the @buckets that one moment lies in. The grids have the columns that @a was made for. -ENOMEM,
 * -EOVERFLOW: the grids are to be given up.
 */
CX_MUST_CHECK int fresh_count(Fresh *f, FreshGrids g, const int32_t buckets[_WINDOW_TIER_N],
                              const FreshAnswers *a);

/*
 * The grids get all of it, so that they may be changed by themselves: before answers are taken out, columns added, or
 * rows saved. As fresh_count().
 */
CX_MUST_CHECK int fresh_settle(Fresh *f, FreshGrids g);

/* Brings what fresh_count() will touch closer. */
static inline void fresh_prefetch(const Fresh *f, const Grid *grids, const int32_t buckets[_WINDOW_TIER_N])
{
        const FreshSheet *minute = &f->sheets[FRESH_MINUTE];

        if (f->counts)
                cx_prefetch(f->counts + f->n_lanes);
        if (f->counts && minute->open && minute->bucket == buckets[WINDOW_MINUTE])
                cx_prefetch(f->counts);
        else
                grid_prefetch(&grids[WINDOW_MINUTE], buckets[WINDOW_MINUTE]);
}

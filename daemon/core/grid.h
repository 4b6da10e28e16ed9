#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Counts of all metrics of one scope over time, in sparse buckets of one width, with running totals per window.
 *
 * A bucket is one row: a count for each column, then its number (start divided by width). A column is one answer value
 * of one metric; a metric gets its columns once it comes up (grid_add_columns()), and series.h reads those of one metric. So
 * a survey finds its bucket once and counts all of its answers next to each other: the look-up and the memory that it
 * touches are what counting costs.
 *
 * Only buckets with an answer exist. Counts take two bits each until one of them needs four, then eight, and so on up to
 * 64: most scopes have few answers in a minute. A cursor keeps the totals of a span of buckets up to date: adding is exact
 * wherever it lands, and moving on costs what left and what came in. A cursor takes memory once it, or one behind it, is
 * asked for. Totals take one byte each until one of them needs two, then four, then eight; cursors that are too narrow go,
 * and the next question counts anew.
 *
 * One bucket may be lent: what its borrower counts on a sheet of his own is read as if it were in the row, which gets it
 * when the sheet is taken in (fresh.h).
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/core/image.h"
#include "daemon/core/tally.h"
#include "proto/base/def.h"

typedef struct Grid {
        unsigned char *rows;    /* oldest first, from `head` on */
        unsigned char *cursors; /* of those that were asked for (grid_cursor.c) */
        const uint8_t *sheet;   /* a count per column; NULL: no bucket is lent. Borrowed */
        int32_t lent;           /* the bucket that it is of */
        int32_t oldest,
                newest; /* numbers of the first and the last row: rows themselves are seldom in the cache */
        int32_t base;   /* rows have the distance from it, or GRID_NO_BASE */
        uint32_t head, n, size;
        uint16_t n_columns;
        uint8_t n_cursors : 4;
        uint8_t total_size : 4; /* bytes of a total of a cursor: 1, 2, 4, 8 */
        uint8_t bits;           /* of a count: 2, 4, 8, 16, 32, 64 */
} Grid;

/* A base reaches so many buckets: 179 years of days, seven of hours, 45 days of minutes. */
#define GRID_SPAN     (INT64_C(1) << 16)
#define GRID_BASE_MAX (INT32_MAX - (GRID_SPAN - 1))
/* There is none: buckets lie further apart (a clock was far ahead once), and rows have their numbers in full. */
#define GRID_NO_BASE INT32_MAX

#define GRID_NULL ((Grid){.bits = 2, .total_size = 1})

void grid_deinit(Grid *g);

/*
 * Columns for a metric with @n_values answers, all 0, from @first on; those that were there move up. Not while a bucket is
 * lent. -ENOMEM: nothing changed.
 */
CX_MUST_CHECK int grid_add_columns(Grid *g, unsigned first, unsigned n_values);

/*
 * One answer more (@delta 1) or less (-1) in each of @n different columns. Buckets before @kept are dropped; an answer
 * there, and the removal of one that is not there, does nothing. -ENOMEM, -EOVERFLOW: nothing is counted.
 */
CX_MUST_CHECK int grid_count(Grid *g, int32_t bucket, const uint16_t *columns, size_t n, int delta,
                             int32_t kept);

/* @count answers more in one column. Errors as for grid_count(). */
CX_MUST_CHECK int grid_add(Grid *g, int32_t bucket, uint16_t column, uint64_t count, int32_t kept);

/*
 * Lends @bucket: from now on @sheet, a count for each column, counts there, too, and its owner may count up on it. A
 * bucket before @kept is not lent. -ENOMEM: nothing changed.
 */
CX_MUST_CHECK int grid_lend(Grid *g, int32_t bucket, const uint8_t *sheet, int32_t kept);
/*
 * Takes in what is on the sheet, which its owner clears next; it is no longer looked at. Nothing happens without one.
 * -ENOMEM, -EOVERFLOW: nothing changed.
 */
CX_MUST_CHECK int grid_take_in(Grid *g, int32_t kept);

/* Index of the first row at or after @number; g->n: none. */
uint32_t grid_find(const Grid *g, int32_t number);

/*
 * The totals of @n columns from @first on in [start, end), without what is on a sheet, from cursor @i, which is moved
 * there. @kept as for grid_count(). -ENOMEM: there is no such cursor.
 */
CX_MUST_CHECK int grid_totals(Grid *g, unsigned i, int32_t start, int32_t end, int32_t kept, unsigned first,
                              unsigned n, uint64_t *ret);

/* The rows and what is on a sheet, without the cursors. */
void grid_save(const Grid *g, const ImageWriter *to);
/* Into a grid that has the same columns and no rows; the rows have all of it. -ENOMEM; -EBADMSG: not what was saved. */
CX_MUST_CHECK int grid_load(Grid *g, ImageReader *from);

/* A row begins with its counts. */
static inline size_t grid_counts_size(const Grid *g)
{
        return ((size_t)g->n_columns * g->bits + 7) / 8;
}

/* The number follows: in two bytes from the base on, or in full. */
static inline size_t grid_stride(const Grid *g)
{
        return grid_counts_size(g) + (g->base == GRID_NO_BASE ? sizeof(int32_t) : sizeof(uint16_t));
}

/* Row @i, counted from the oldest. */
static inline unsigned char *grid_row(const Grid *g, uint32_t i)
{
        return g->rows + (size_t)(g->head + i) * grid_stride(g);
}

static inline int32_t grid_number(const Grid *g, uint32_t i)
{
        const unsigned char *at = grid_row(g, i) + grid_counts_size(g);
        uint16_t distance;
        int32_t number;

        if (g->base == GRID_NO_BASE) {
                memcpy(&number, at, sizeof(number));
                return number;
        }
        memcpy(&distance, at, sizeof(distance));
        return g->base + distance;
}

static inline uint64_t grid_get(const unsigned char *row, unsigned bits, unsigned column)
{
        const unsigned char *at = row + (size_t)column * bits / 8;
        uint16_t narrow;
        uint32_t middle;
        uint64_t wide;

        if (bits < 8)
                return *at >> column * bits % 8 & ((1U << bits) - 1);
        if (bits == 8)
                return *at;
        if (bits == 16) {
                memcpy(&narrow, at, sizeof(narrow));
                return narrow;
        }
        if (bits == 32) {
                memcpy(&middle, at, sizeof(middle));
                return middle;
        }
        memcpy(&wide, at, sizeof(wide));
        return wide;
}

/* The sheet of row @i, whose counts are to be added to those of the row; NULL: none. */
static inline const uint8_t *grid_sheet(const Grid *g, uint32_t i)
{
        return g->sheet && grid_number(g, i) == g->lent ? g->sheet : NULL;
}

/* Brings the row of a bucket behind the newest one closer, if it lies where it mostly does (grid_find()). */
static inline void grid_prefetch(const Grid *g, int32_t bucket)
{
        uint32_t behind = (uint32_t)g->newest - (uint32_t)bucket;

        if (behind < g->n)
                cx_prefetch(grid_row(g, g->n - 1 - behind));
}

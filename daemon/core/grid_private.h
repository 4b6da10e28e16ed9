#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* The inside of a grid's cursors, for its own files: grid.c (rows) and grid_cursor.c. */

#include <stdbool.h>

#include "daemon/core/grid.h"

/* The totals of all columns in [start, end). */
typedef struct GridCursor {
        int32_t start, end;
        uint64_t totals[];
} GridCursor;

static inline size_t grid_cursor_size(unsigned n_columns)
{
        return sizeof(GridCursor) + n_columns * sizeof(uint64_t);
}

static inline GridCursor *grid_cursor(const Grid *g, unsigned i)
{
        return (GridCursor *)(g->cursors + i * grid_cursor_size(g->n_columns));
}

static inline bool grid_cursor_has(const GridCursor *c, int32_t bucket)
{
        return c->start <= bucket && bucket < c->end;
}

/* *ret: the cursors with @n_new columns more from @first on, for the caller to put in their place. -ENOMEM. */
CX_MUST_CHECK int grid_widen_cursors(const Grid *g, unsigned first, unsigned n_new, unsigned char **ret);

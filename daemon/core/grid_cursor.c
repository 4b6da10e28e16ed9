/* SPDX-License-Identifier: Apache-2.0 */

/* The cursors of a grid, which keep the totals of a span of buckets while it moves on. */

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/grid_private.h"

int grid_widen_cursors(const Grid *g, unsigned first, unsigned n_new, unsigned char **ret)
{
        size_t size = grid_cursor_size(g->n_columns + n_new);
        unsigned char *cursors;

        *ret = NULL;
        if (!g->cursors)
                return 0;
        cursors = calloc(g->n_cursors, size);
        if (!cursors)
                return -ENOMEM;
        for (unsigned i = 0; i < g->n_cursors; i++) {
                const GridCursor *from = grid_cursor(g, i);
                GridCursor *to = (GridCursor *)(cursors + i * size);

                memcpy(to, from, grid_cursor_size(first));
                memcpy(to->totals + first + n_new, from->totals + first,
                       (g->n_columns - first) * sizeof(from->totals[0]));
        }
        *ret = cursors;
        return 0;
}

/* Adds (@sign 1) or subtracts (all bits set) what lies in [start, end). */
static void apply(const Grid *g, GridCursor *cursor, int32_t start, int32_t end, uint64_t sign)
{
        for (uint32_t i = grid_find(g, start); i < g->n && grid_number(g, i) < end; i++) {
                const unsigned char *row = grid_row(g, i);

                for (unsigned c = 0; c < g->n_columns; c++)
                        cursor->totals[c] += sign * grid_get(row, g->bits, c);
        }
}

static void move(const Grid *g, GridCursor *cursor, int32_t start, int32_t end, int32_t kept)
{
        int32_t from = cursor->start, to = cursor->end;

        /* Where buckets of the old span may be gone, or where nothing is shared, it is counted anew. */
        if (from < kept || start < from || end < to || start >= to) {
                memset(cursor->totals, 0, g->n_columns * sizeof(cursor->totals[0]));
                apply(g, cursor, start, end, 1);
        } else {
                apply(g, cursor, from, start, UINT64_MAX);
                apply(g, cursor, to, end, 1);
        }
        cursor->start = start;
        cursor->end = end;
}

static int add(Grid *g, unsigned n)
{
        unsigned char *cursors = calloc(n, grid_cursor_size(g->n_columns)); /* of empty spans */

        if (!cursors)
                return -ENOMEM;
        if (g->cursors)
                memcpy(cursors, g->cursors, g->n_cursors * grid_cursor_size(g->n_columns));
        free(g->cursors);
        g->cursors = cursors;
        g->n_cursors = (uint8_t)n;
        return 0;
}

const uint64_t *grid_totals(Grid *g, unsigned i, int32_t start, int32_t end, int32_t kept)
{
        GridCursor *cursor;

        if (i >= g->n_cursors && add(g, i + 1))
                return NULL;
        cursor = grid_cursor(g, i);
        if (cursor->start != start || cursor->end != end)
                move(g, cursor, start, end, kept);
        return cursor->totals;
}

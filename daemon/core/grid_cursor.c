/* SPDX-License-Identifier: Apache-2.0 */

/* The cursors of a grid, which keep the totals of a span of buckets while it moves on. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/core/grid_private.h"

/* The totals of all columns in [start, end). */
typedef struct Cursor {
        int32_t start, end;
        unsigned char totals[]; /* Grid.total_size bytes each */
} Cursor;

static size_t cursor_size(const Grid *g)
{
        size_t align = sizeof(int32_t);

        return (sizeof(Cursor) + (size_t)g->n_columns * g->total_size + align - 1) / align * align;
}

static Cursor *cursor_at(const Grid *g, unsigned i)
{
        return (Cursor *)(void *)(g->cursors + i * cursor_size(g));
}

/* False: the sum has no room there. */
static inline bool total_add(unsigned char *totals, unsigned bits, unsigned column, uint64_t by)
{
        uint64_t sum = grid_get(totals, bits, column) + by;

        grid_put(totals, bits, column, sum);
        return sum <= grid_count_max(bits);
}

void grid_cursors_drop(Grid *g)
{
        free(g->cursors);
        g->cursors = NULL;
        g->n_cursors = 0;
}

static void drop_narrow(Grid *g)
{
        grid_cursors_drop(g);
        g->total_size = (2u * g->total_size) & 15u;
}

/* Inlined once per width, which is a constant then. False: there is no room for a sum. */
static inline bool add_to_totals(unsigned char *totals, unsigned bits, const uint16_t *columns, size_t n,
                                 uint64_t by, const uint8_t *sheet)
{
        bool room = true;

        for (size_t k = 0; k < n; k++)
                room &= total_add(totals, bits, columns[k], sheet ? sheet[columns[k]] : by);
        return room;
}

void grid_cursors_add(Grid *g, int32_t bucket, const uint16_t *columns, size_t n, uint64_t by,
                      const uint8_t *sheet)
{
        for (unsigned i = 0; i < g->n_cursors; i++) {
                Cursor *c = cursor_at(g, i);
                bool room = bucket < c->start || bucket >= c->end ? true
                            : g->total_size == 1 ? add_to_totals(c->totals, 8, columns, n, by, sheet)
                            : g->total_size == 2 ? add_to_totals(c->totals, 16, columns, n, by, sheet)
                            : g->total_size == 4 ? add_to_totals(c->totals, 32, columns, n, by, sheet)
                                                 : add_to_totals(c->totals, 64, columns, n, by, sheet);

                if (!room) {
                        drop_narrow(g);
                        return;
                }
        }
}

/* Adds (@sign 1) or subtracts (all bits set) what lies in [start, end). False: there is no room for a sum. */
static bool apply(const Grid *g, Cursor *cursor, int32_t start, int32_t end, uint64_t sign)
{
        bool room = true;

        for (uint32_t i = grid_find(g, start); i < g->n && grid_number(g, i) < end; i++) {
                const unsigned char *row = grid_row(g, i);

                for (unsigned c = 0; c < g->n_columns; c++) {
                        uint64_t count = grid_get(row, g->bits, c);

                        if (count)
                                room &= total_add(cursor->totals, 8u * g->total_size, c, sign * count);
                }
        }
        return room;
}

/* False: its totals are too narrow for that. */
static bool move(const Grid *g, Cursor *cursor, int32_t start, int32_t end, int32_t kept)
{
        int32_t from = cursor->start, to = cursor->end;

        cursor->start = start;
        cursor->end = end;
        /* Where buckets of the old span may be gone, or where nothing is shared, it is counted anew. */
        if (from < kept || start < from || end < to || start >= to) {
                memset(cursor->totals, 0, (size_t)g->n_columns * g->total_size);
                return apply(g, cursor, start, end, 1);
        }
        return apply(g, cursor, from, start, UINT64_MAX) && apply(g, cursor, to, end, 1);
}

static int add(Grid *g, unsigned n)
{
        unsigned char *cursors = calloc(n, cursor_size(g)); /* of empty spans */

        if (!cursors)
                return -ENOMEM;
        if (g->cursors)
                memcpy(cursors, g->cursors, g->n_cursors * cursor_size(g));
        free(g->cursors);
        g->cursors = cursors;
        g->n_cursors = n & 15u;
        return 0;
}

int grid_totals(Grid *g, unsigned i, int32_t start, int32_t end, int32_t kept, unsigned first, unsigned n,
                uint64_t *ret)
{
        const Cursor *cursor;

        for (;;) {
                int r = i < g->n_cursors ? 0 : add(g, i + 1);

                if (r)
                        return r;
                cursor = cursor_at(g, i);
                if ((cursor->start == start && cursor->end == end) ||
                    move(g, cursor_at(g, i), start, end, kept))
                        break;
                drop_narrow(g);
        }
        for (unsigned k = 0; k < n; k++)
                ret[k] = grid_get(cursor->totals, 8u * g->total_size, first + k);
        return 0;
}

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* What the files of a grid share: counts side by side, in rows (grid.c) and in the totals of cursors (grid_cursor.c). */

#include "daemon/core/grid.h"

static inline uint64_t grid_count_max(unsigned bits)
{
        return UINT64_MAX >> (64 - bits);
}

static inline unsigned char *grid_at(unsigned char *row, unsigned bits, unsigned column)
{
        return row + (size_t)column * bits / 8;
}

/* The counterpart of grid_get(). */
static inline void grid_put(unsigned char *row, unsigned bits, unsigned column, uint64_t count)
{
        unsigned char *at = grid_at(row, bits, column);
        unsigned shift = column * bits % 8, mask = (1U << bits % 8) - 1;
        uint16_t narrow = (uint16_t)count;
        uint32_t middle = (uint32_t)count;

        if (bits < 8)
                *at = (unsigned char)((*at & ~(mask << shift)) | (middle & mask) << shift);
        else if (bits == 8)
                *at = (unsigned char)count;
        else if (bits == 16)
                memcpy(at, &narrow, sizeof(narrow));
        else if (bits == 32)
                memcpy(at, &middle, sizeof(middle));
        else
                memcpy(at, &count, sizeof(count));
}

/*
 * @bucket has @by answers more (UINT64_MAX: one less) in each of @n columns, or as many as are on @sheet, unless that is
 * NULL.
 */
void grid_cursors_add(Grid *g, int32_t bucket, const uint16_t *columns, size_t n, uint64_t by,
                      const uint8_t *sheet);

/* Counts are others now; cursors come anew once they are asked for. */
void grid_cursors_drop(Grid *g);

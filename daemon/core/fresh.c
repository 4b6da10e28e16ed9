/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/fresh.h"

/* The tiers of each part: from the first one, whose buckets lie in those of the others, up to before the last one. */
static const struct {
        WindowTier first, end;
} tiers[_FRESH_PART_N] = {
        [FRESH_MINUTE] = {WINDOW_MINUTE, WINDOW_HOUR},
        [FRESH_HOUR] = {WINDOW_HOUR, _WINDOW_TIER_N},
};

void fresh_deinit(Fresh *f)
{
        free(f->counts);
        *f = FRESH_NULL;
}

static uint8_t *counts_of(const Fresh *f, FreshPart part)
{
        return f->counts + (size_t)part * f->n_columns;
}

static int settle(Fresh *f, FreshGrids g, FreshPart part)
{
        FreshSheet *sheet = &f->sheets[part];

        if (!sheet->open)
                return 0;
        for (unsigned tier = tiers[part].first; tier < tiers[part].end; tier++) {
                int r = grid_take_in(&g.grids[tier], g.kept[tier]);

                if (r)
                        return r;
        }
        memset(counts_of(f, part), 0, f->n_columns);
        sheet->open = false;
        return 0;
}

int fresh_settle(Fresh *f, FreshGrids g)
{
        int r = 0;

        for (FreshPart part = 0; part < _FRESH_PART_N && r == 0; part++)
                r = settle(f, g, part);
        return r;
}

/* With columns that came since the last time, of which no sheet that is open knows. */
static int make_room(Fresh *f, FreshGrids g)
{
        uint16_t n = 0;
        uint8_t *counts;

        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                if (g.grids[tier].n_columns > n)
                        n = g.grids[tier].n_columns;
        if (n == f->n_columns || n == 0)
                return 0;
        counts = calloc(_FRESH_PART_N, n);
        if (!counts)
                return -ENOMEM;
        free(f->counts);
        f->counts = counts;
        f->n_columns = n;
        return 0;
}

CX_SELDOM static int open_sheet(Fresh *f, FreshGrids g, FreshPart part, const int32_t buckets[_WINDOW_TIER_N])
{
        FreshSheet *sheet = &f->sheets[part];
        int r = settle(f, g, part);

        if (r == 0)
                r = make_room(f, g);
        for (unsigned tier = tiers[part].first; tier < tiers[part].end && r == 0; tier++)
                if (g.grids[tier].n_columns)
                        r = grid_lend(&g.grids[tier], buckets[tier], counts_of(f, part), g.kept[tier]);
        sheet->open = r == 0;
        sheet->bucket = buckets[tiers[part].first];
        return r;
}

static int count_beside(FreshGrids g, FreshPart part, const int32_t buckets[_WINDOW_TIER_N],
                        const uint16_t *columns, size_t n)
{
        int r = 0;

        for (unsigned tier = tiers[part].first; tier < tiers[part].end && r == 0; tier++)
                if (g.grids[tier].n_columns)
                        r = grid_count(&g.grids[tier], buckets[tier], columns, n, 1, g.kept[tier]);
        return r;
}

/* A sheet is taken in when one of its counts has this bit. */
#define FULL 0x80U

/* False: one of them is full now. */
static inline bool count_up(uint8_t *restrict counts, const uint16_t *restrict columns, size_t n)
{
        unsigned all = 0;

        for (size_t k = 0; k < n; k++)
                all |= ++counts[columns[k]];
        return !(all & FULL);
}

static int count(Fresh *f, FreshGrids g, FreshPart part, const int32_t buckets[_WINDOW_TIER_N],
                 const uint16_t *columns, size_t n)
{
        FreshSheet *sheet = &f->sheets[part];
        int32_t bucket = buckets[tiers[part].first];

        if (!sheet->open || sheet->bucket != bucket) {
                int r;

                if (sheet->missed != bucket) {
                        sheet->missed = bucket;
                        return count_beside(g, part, buckets, columns, n);
                }
                r = open_sheet(f, g, part, buckets);
                if (r)
                        return r;
        }
        return count_up(counts_of(f, part), columns, n) ? 0 : settle(f, g, part);
}

int fresh_count(Fresh *f, FreshGrids g, const int32_t buckets[_WINDOW_TIER_N], const uint16_t *columns,
                size_t n)
{
        int r = count(f, g, FRESH_MINUTE, buckets, columns, n);

        return r ? r : count(f, g, FRESH_HOUR, buckets, columns, n);
}

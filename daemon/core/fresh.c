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

static size_t lanes_for(unsigned n_columns)
{
        return (n_columns + sizeof(FreshLane) - 1) / sizeof(FreshLane);
}

void fresh_answers_init(FreshAnswers *a, unsigned n_columns)
{
        a->n = 0;
        a->n_lanes = (uint16_t)lanes_for(n_columns);
        memset(a->ones, 0, a->n_lanes * sizeof(a->ones[0]));
}

static FreshLane *counts_of(const Fresh *f, FreshPart part)
{
        return f->counts + (size_t)part * f->n_lanes;
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
        memset(counts_of(f, part), 0, f->n_lanes * sizeof(f->counts[0]));
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
        unsigned n_columns = 0;
        FreshLane *counts;
        size_t n;

        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                if (g.grids[tier].n_columns > n_columns)
                        n_columns = g.grids[tier].n_columns;
        n = lanes_for(n_columns);
        if (n == f->n_lanes || n == 0)
                return 0;
        counts = calloc(_FRESH_PART_N, n * sizeof(*counts));
        if (!counts)
                return -ENOMEM;
        free(f->counts);
        f->counts = counts;
        f->n_lanes = (uint16_t)n;
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
                        r = grid_lend(&g.grids[tier], buckets[tier], (const uint8_t *)counts_of(f, part),
                                      g.kept[tier]);
        sheet->open = r == 0;
        sheet->bucket = buckets[tiers[part].first];
        return r;
}

static int count_beside(FreshGrids g, FreshPart part, const int32_t buckets[_WINDOW_TIER_N],
                        const FreshAnswers *a)
{
        int r = 0;

        for (unsigned tier = tiers[part].first; tier < tiers[part].end && r == 0; tier++)
                if (g.grids[tier].n_columns)
                        r = grid_count(&g.grids[tier], buckets[tier], a->columns, a->n, 1, g.kept[tier]);
        return r;
}

/* False: one of them is full now, and would run over soon. */
static inline bool count_up(FreshLane *restrict counts, const FreshAnswers *restrict a)
{
        union {
                FreshLane lane;
                uint64_t words[sizeof(FreshLane) / sizeof(uint64_t)];
        } all = {.words = {0}};
        const FreshLane *end = a->ones + a->n_lanes;

        for (const FreshLane *ones = a->ones; ones < end; ones++)
                all.lane |= *counts++ += *ones;
        return !((all.words[0] | all.words[1]) & UINT64_C(0x8080808080808080));
}

/* Where the bucket has no sheet. True: it has one now, and the answers are to be counted there. */
static int count_elsewhere(Fresh *f, FreshGrids g, FreshPart part, const int32_t buckets[_WINDOW_TIER_N],
                           const FreshAnswers *a)
{
        FreshSheet *sheet = &f->sheets[part];
        int32_t bucket = buckets[tiers[part].first];
        int r;

        if (sheet->missed != bucket) {
                sheet->missed = bucket;
                return count_beside(g, part, buckets, a);
        }
        r = open_sheet(f, g, part, buckets);
        return r ? r : 1;
}

static inline int count(Fresh *f, FreshGrids g, FreshPart part, const int32_t buckets[_WINDOW_TIER_N],
                        const FreshAnswers *a)
{
        const FreshSheet *sheet = &f->sheets[part];

        if (!sheet->open || sheet->bucket != buckets[tiers[part].first]) {
                int r = count_elsewhere(f, g, part, buckets, a);

                if (r <= 0)
                        return r;
        }
        return count_up(counts_of(f, part), a) ? 0 : settle(f, g, part);
}

int fresh_count(Fresh *f, FreshGrids g, const int32_t buckets[_WINDOW_TIER_N], const FreshAnswers *a)
{
        int r = count(f, g, FRESH_MINUTE, buckets, a);

        return r ? r : count(f, g, FRESH_HOUR, buckets, a);
}

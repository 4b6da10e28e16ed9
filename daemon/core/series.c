/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/core/series.h"

/* Adds the counts of row @i to @ret. */
static void add_row(const Series *s, uint32_t i, Tally *ret)
{
        const unsigned char *row = grid_row(s->grid, i);
        const uint8_t *sheet = grid_sheet(s->grid, i);

        for (unsigned v = 0; v < s->n_values; v++)
                ret->counts[v] += grid_get(row, s->grid->bits, s->first + v);
        for (unsigned v = 0; sheet && v < s->n_values; v++)
                ret->counts[v] += sheet[s->first + v];
}

/* Whether this metric was answered in row @i. */
static bool has_row(const Series *s, uint32_t i)
{
        const unsigned char *counts = grid_row(s->grid, i);
        const uint8_t *sheet = grid_sheet(s->grid, i);
        size_t bits = s->grid->bits, begin = s->first * bits, end = begin + s->n_values * bits;

        /* Byte by byte; a part of the first and of the last one may be another metric's. */
        for (size_t at = begin / 8; at < (end + 7) / 8; at++) {
                size_t from = at == begin / 8 ? begin % 8 : 0, to = 8 * at + 8 > end ? end - 8 * at : 8;

                if (counts[at] & ((1U << to) - (1U << from)))
                        return true;
        }
        for (size_t v = 0; sheet && v < s->n_values; v++)
                if (sheet[s->first + v])
                        return true;
        return false;
}

void series_sum(const Series *s, int32_t start, int32_t end, Tally *ret)
{
        const Grid *g = s->grid;

        *ret = TALLY_NULL;
        for (uint32_t i = grid_find(g, start); i < g->n && grid_number(g, i) < end; i++)
                add_row(s, i, ret);
}

void series_total(const Series *s, unsigned i, int32_t start, int32_t end, int32_t kept, Tally *ret)
{
        const Grid *g = s->grid;

        *ret = TALLY_NULL;
        if (grid_totals(s->grid, i, start, end, kept, s->first, s->n_values, ret->counts)) {
                series_sum(s, start, end, ret); /* no memory for cursors: slower, and the same */
                return;
        }
        for (unsigned v = 0; g->sheet && start <= g->lent && g->lent < end && v < s->n_values; v++)
                ret->counts[v] += g->sheet[s->first + v];
}

int32_t series_next(const Series *s, int32_t from)
{
        const Grid *g = s->grid;

        for (uint32_t i = g->n > 0 && from <= g->oldest ? 0 : grid_find(g, from); i < g->n; i++)
                if (has_row(s, i))
                        return grid_number(g, i);
        return SERIES_NEVER;
}

bool series_begins_by(const Series *s, int32_t number, int32_t kept)
{
        const Grid *g = s->grid;
        uint32_t at;

        if (g->n == 0 || number < g->oldest || number < kept)
                return false;
        /* Mostly it is in the bucket of that number, which is the one that everybody looks at. */
        at = grid_find(g, number);
        if (at < g->n && grid_number(g, at) == number && has_row(s, at))
                return true;
        for (uint32_t i = kept <= g->oldest ? 0 : grid_find(g, kept); i < at; i++)
                if (has_row(s, i))
                        return true;
        return false;
}

int32_t series_previous(const Series *s, int32_t before, uint32_t *at, Tally *ret)
{
        if (*at == UINT32_MAX)
                *at = grid_find(s->grid, before);
        while (*at > 0) {
                --*at;
                if (!has_row(s, *at))
                        continue;
                *ret = TALLY_NULL;
                add_row(s, *at, ret);
                return grid_number(s->grid, *at);
        }
        return SERIES_NEVER;
}

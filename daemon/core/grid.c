/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/core/grid_private.h"

uint32_t grid_find(const Grid *g, int32_t number)
{
        uint32_t low = 0, high = g->n, behind;

        /* Nearly all answers are for the newest bucket or behind it. */
        if (high == 0 || number <= g->oldest)
                return 0;
        if (number >= g->newest)
                return high - (number == g->newest);
        /* No more rows lie behind it than there are numbers; often exactly so many. */
        behind = (uint32_t)g->newest - (uint32_t)number;
        if (behind < high) {
                low = high - 1 - behind;
                if (grid_number(g, low) == number)
                        return low;
        }
        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (grid_number(g, middle) < number)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

void grid_deinit(Grid *g)
{
        free(g->rows);
        grid_cursors_drop(g);
        *g = GRID_NULL;
}

static void put_number(Grid *g, uint32_t i, int32_t number)
{
        unsigned char *at = grid_row(g, i) + grid_counts_size(g);
        uint16_t distance = (uint16_t)(number - g->base);

        if (g->base == GRID_NO_BASE)
                memcpy(at, &number, sizeof(number));
        else
                memcpy(at, &distance, sizeof(distance));
}

/* The same rows with @n_new columns more from @first on, wider counts, or whole numbers. */
static int reshape(Grid *g, unsigned first, unsigned n_new, unsigned bits, int32_t base)
{
        Grid made = *g;

        made.n_columns = (uint16_t)(g->n_columns + n_new);
        made.bits = (uint8_t)bits;
        made.base = base;
        made.head = 0;
        if (g->size) {
                made.rows = calloc(g->size, grid_stride(&made));
                if (!made.rows)
                        return -ENOMEM;
        }
        for (uint32_t i = 0; i < g->n; i++) {
                const unsigned char *from = grid_row(g, i);
                unsigned char *to = grid_row(&made, i);

                put_number(&made, i, grid_number(g, i));
                for (unsigned c = 0; c < g->n_columns; c++) {
                        uint64_t count = grid_get(from, g->bits, c);

                        if (count)
                                grid_put(to, bits, c < first ? c : c + n_new, count);
                }
        }
        free(g->rows);
        *g = made;
        return 0;
}

static int widen(Grid *g)
{
        return g->bits == 64 ? -EOVERFLOW : reshape(g, g->n_columns, 0, 2u * g->bits, g->base);
}

int grid_add_columns(Grid *g, unsigned first, unsigned n_values)
{
        int r;

        assert(n_values > 0 && n_values <= METRIC_VALUES_MAX && g->n_columns + n_values <= UINT16_MAX &&
               first <= g->n_columns && !g->sheet);
        r = reshape(g, first, n_values, g->bits, g->base);
        if (r == 0)
                grid_cursors_drop(g);
        return r;
}

/* Room for one more row behind the last one. */
static int reserve(Grid *g)
{
        size_t stride = grid_stride(g);
        uint32_t size = g->size + g->size / 8 + 4;
        unsigned char *rows;

        if (g->head + g->n < g->size)
                return 0;
        if (g->head > g->size / 16) {
                memmove(g->rows, grid_row(g, 0), g->n * stride);
                g->head = 0;
                return 0;
        }
        rows = realloc(g->rows, size * stride);
        if (!rows)
                return -ENOMEM;
        g->rows = rows;
        g->size = size;
        return 0;
}

/* For a bucket that its base does not reach: another one, with as much room before all buckets as behind them; or none. */
CX_SELDOM static int move_base(Grid *g, int32_t number)
{
        int64_t low = g->n && g->oldest < number ? g->oldest : number;
        int64_t high = g->n && g->newest > number ? g->newest : number;
        int64_t base = low - (GRID_SPAN - 1 - (high - low)) / 2;

        if (high - low >= GRID_SPAN)
                base = GRID_NO_BASE;
        else
                base = base < INT32_MIN ? INT32_MIN : base > GRID_BASE_MAX ? GRID_BASE_MAX : base;
        if (g->base == base)
                return 0;
        if (g->n)
                return reshape(g, g->n_columns, 0, g->bits, (int32_t)base);
        g->base = (int32_t)base;
        return 0;
}

static int insert(Grid *g, uint32_t i, int32_t number)
{
        bool is_reached = (uint32_t)number - (uint32_t)g->base < GRID_SPAN && g->base != GRID_NO_BASE;
        int r = is_reached ? 0 : move_base(g, number);
        size_t stride = grid_stride(g);

        if (r == 0)
                r = reserve(g);
        if (r)
                return r;
        if (i < g->n)
                memmove(grid_row(g, i + 1), grid_row(g, i), (g->n - i) * stride);
        memset(grid_row(g, i), 0, stride);
        put_number(g, i, number);
        g->n++;
        if (i == 0)
                g->oldest = number;
        if (i + 1 == g->n)
                g->newest = number;
        return 0;
}

static void note_ends(Grid *g)
{
        if (g->n > 0) {
                g->oldest = grid_number(g, 0);
                g->newest = grid_number(g, g->n - 1);
        }
}

static void drop_if_empty(Grid *g, uint32_t i)
{
        size_t stride = grid_stride(g);
        const unsigned char *row = grid_row(g, i);

        if (grid_sheet(g, i))
                return;
        for (size_t k = 0; k < grid_counts_size(g); k++)
                if (row[k])
                        return;
        memmove(grid_row(g, i), grid_row(g, i + 1), (g->n - i - 1) * stride);
        g->n--;
        note_ends(g);
}

/* A count that is full runs over, maybe into its neighbour; taking the same away again restores both. */
static void bump(unsigned char *row, unsigned bits, unsigned column, uint64_t by)
{
        unsigned char *at = grid_at(row, bits, column);

        if (bits < 8)
                *at = (unsigned char)(*at + (by << column * bits % 8));
        else
                grid_put(row, bits, column, grid_get(row, bits, column) + by);
}

/* Inlined once per width, which is a constant then. False: a count is full, and nothing has changed. */
static inline bool add_to_row(unsigned char *row, unsigned bits, const uint16_t *columns, size_t n)
{
        bool full = false;

        for (size_t k = 0; k < n; k++) {
                full |= grid_get(row, bits, columns[k]) == grid_count_max(bits);
                bump(row, bits, columns[k], 1);
        }
        for (size_t k = 0; k < n && full; k++)
                bump(row, bits, columns[k], UINT64_MAX);
        return !full;
}

/* Counts become wider where one of them is full. */
static int count_up(Grid *g, int32_t bucket, uint32_t at, const uint16_t *columns, size_t n)
{
        unsigned char *row = grid_row(g, at);
        bool done = g->bits == 2    ? add_to_row(row, 2, columns, n)
                    : g->bits == 4  ? add_to_row(row, 4, columns, n)
                    : g->bits == 8  ? add_to_row(row, 8, columns, n)
                    : g->bits == 16 ? add_to_row(row, 16, columns, n)
                    : g->bits == 32 ? add_to_row(row, 32, columns, n)
                                    : add_to_row(row, 64, columns, n);

        if (!done) {
                int r = widen(g);

                return r ? r : count_up(g, bucket, at, columns, n);
        }
        grid_cursors_add(g, bucket, columns, n, 1, NULL);
        return 0;
}

static void count_down(Grid *g, int32_t bucket, unsigned char *row, const uint16_t *columns, size_t n)
{
        for (size_t k = 0; k < n; k++) {
                uint64_t count = grid_get(row, g->bits, columns[k]);

                if (count == 0)
                        continue;
                grid_put(row, g->bits, columns[k], count - 1);
                grid_cursors_add(g, bucket, &columns[k], 1, UINT64_MAX, NULL);
        }
}

static void drop_before(Grid *g, int32_t kept)
{
        while (g->n > 0 && g->oldest < kept) {
                g->head++;
                g->n--;
                note_ends(g);
        }
}

int grid_count(Grid *g, int32_t bucket, const uint16_t *columns, size_t n, int delta, int32_t kept)
{
        uint32_t i;
        bool found;
        int r;

        drop_before(g, kept);
        if (bucket < kept || n == 0)
                return 0;
        i = grid_find(g, bucket);
        found = i < g->n && grid_number(g, i) == bucket;
        if (delta < 0) {
                if (found) {
                        count_down(g, bucket, grid_row(g, i), columns, n);
                        drop_if_empty(g, i);
                }
                return 0;
        }
        r = found ? 0 : insert(g, i, bucket);
        return r ? r : count_up(g, bucket, i, columns, n);
}

int grid_add(Grid *g, int32_t bucket, uint16_t column, uint64_t count, int32_t kept)
{
        uint64_t sum;
        uint32_t i = grid_find(g, bucket);
        int r;

        if (bucket < kept || count == 0)
                return 0;
        r = i < g->n && grid_number(g, i) == bucket ? 0 : insert(g, i, bucket);
        if (r)
                return r;
        if (__builtin_add_overflow(count, grid_get(grid_row(g, i), g->bits, column), &sum))
                sum = UINT64_MAX;
        while (r == 0 && sum > grid_count_max(g->bits))
                r = widen(g);
        if (r) {
                drop_if_empty(g, i);
                return r;
        }
        grid_put(grid_row(g, i), g->bits, column, sum);
        grid_cursors_add(g, bucket, &column, 1, count, NULL);
        return 0;
}

int grid_lend(Grid *g, int32_t bucket, const uint8_t *sheet, int32_t kept)
{
        uint32_t i;
        int r = 0;

        assert(!g->sheet);
        drop_before(g, kept);
        if (bucket < kept)
                return 0;
        i = grid_find(g, bucket);
        if (i == g->n || grid_number(g, i) != bucket)
                r = insert(g, i, bucket);
        if (r)
                return r;
        g->lent = bucket;
        g->sheet = sheet;
        return 0;
}

/* The columns that have something on the sheet: most scopes have few answers in a minute. */
static unsigned find_filled(const uint8_t *sheet, unsigned n, uint16_t *ret)
{
        unsigned k = 0;

        for (unsigned c = 0; c < n; c++) {
                ret[k] = (uint16_t)c;
                k += sheet[c] != 0;
        }
        return k;
}

/* Inlined once per width, as above. False: a count has no room for that of the sheet, and nothing has changed. */
static inline bool add_sheet_to_row(unsigned char *row, unsigned bits, const uint8_t *sheet,
                                    const uint16_t *columns, unsigned n)
{
        const uint64_t most = grid_count_max(bits);
        bool room = true;

        for (unsigned k = 0; k < n; k++)
                room &= grid_get(row, bits, columns[k]) + sheet[columns[k]] <= most;
        for (unsigned k = 0; k < n && room; k++)
                bump(row, bits, columns[k], sheet[columns[k]]);
        return room;
}

static int add_sheet(Grid *g, uint32_t i, const uint16_t *columns, unsigned n)
{
        unsigned char *row = grid_row(g, i);
        bool done = g->bits == 2    ? add_sheet_to_row(row, 2, g->sheet, columns, n)
                    : g->bits == 4  ? add_sheet_to_row(row, 4, g->sheet, columns, n)
                    : g->bits == 8  ? add_sheet_to_row(row, 8, g->sheet, columns, n)
                    : g->bits == 16 ? add_sheet_to_row(row, 16, g->sheet, columns, n)
                    : g->bits == 32 ? add_sheet_to_row(row, 32, g->sheet, columns, n)
                                    : add_sheet_to_row(row, 64, g->sheet, columns, n);

        if (!done) {
                int r = widen(g);

                return r ? r : add_sheet(g, i, columns, n);
        }
        grid_cursors_add(g, g->lent, columns, n, 0, g->sheet);
        return 0;
}

int grid_take_in(Grid *g, int32_t kept)
{
        uint16_t columns[METRICS_MAX * METRIC_VALUES_MAX + 1];
        uint32_t i = g->sheet && g->lent >= kept ? grid_find(g, g->lent) : g->n;
        int r = i < g->n ? add_sheet(g, i, columns, find_filled(g->sheet, g->n_columns, columns)) : 0;

        if (r == 0)
                g->sheet = NULL;
        return r;
}

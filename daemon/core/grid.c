/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/grid.h"

static uint64_t count_max(unsigned bits)
{
        return (UINT64_C(1) << bits) - 1;
}

static unsigned char *count_at(unsigned char *row, unsigned bits, unsigned column)
{
        return row + (size_t)column * bits / 8;
}

static void put(unsigned char *row, unsigned bits, unsigned column, uint32_t count)
{
        unsigned char *at = count_at(row, bits, column);
        unsigned shift = column * bits % 8, mask = (1U << bits % 8) - 1;
        uint16_t narrow = (uint16_t)count;

        if (bits < 8)
                *at = (unsigned char)((*at & ~(mask << shift)) | (count & mask) << shift);
        else if (bits == 8)
                *at = (unsigned char)count;
        else if (bits == 16)
                memcpy(at, &narrow, sizeof(narrow));
        else
                memcpy(at, &count, sizeof(count));
}

static uint32_t *cursor_at(const Grid *g, unsigned i)
{
        return g->cursors + (size_t)i * (2u + g->n_columns);
}

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
        free(g->cursors);
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

/* The same rows with other columns, wider counts, or whole numbers. */
static int reshape(Grid *g, unsigned n_columns, unsigned bits, int32_t base)
{
        Grid made = *g;

        made.n_columns = (uint16_t)n_columns;
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
                        uint32_t count = grid_get(from, g->bits, c);

                        if (count)
                                put(to, bits, c, count);
                }
        }
        free(g->rows);
        *g = made;
        return 0;
}

static int widen(Grid *g)
{
        return g->bits == 32 ? -EOVERFLOW : reshape(g, g->n_columns, 2u * g->bits, g->base);
}

static size_t cursor_bytes(unsigned n_columns)
{
        return (2u + n_columns) * sizeof(uint32_t);
}

int grid_add_columns(Grid *g, unsigned n_values, uint16_t *ret)
{
        unsigned before = g->n_columns, after = before + n_values;
        uint32_t *cursors = NULL;
        int r;

        assert(n_values > 0 && n_values <= METRIC_VALUES_MAX && after <= UINT16_MAX && !g->sheet);
        if (g->cursors) {
                cursors = calloc(g->n_cursors, cursor_bytes(after));
                if (!cursors)
                        return -ENOMEM;
                for (unsigned i = 0; i < g->n_cursors; i++)
                        memcpy(cursors + (size_t)i * (2u + after), cursor_at(g, i), cursor_bytes(before));
        }
        r = reshape(g, after, g->bits, g->base);
        if (r) {
                free(cursors);
                return r;
        }
        free(g->cursors);
        g->cursors = cursors;
        *ret = (uint16_t)before;
        return 0;
}

/* Room for one more row behind the last one. */
static int reserve(Grid *g)
{
        size_t stride = grid_stride(g);
        uint32_t size = g->size + g->size / 8 + 4;
        unsigned char *rows;

        if (g->head + g->n < g->size)
                return 0;
        if (g->head > g->size / 4) {
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
                return reshape(g, g->n_columns, g->bits, (int32_t)base);
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
static void bump(unsigned char *row, unsigned bits, unsigned column, uint32_t by)
{
        unsigned char *at = count_at(row, bits, column);

        if (bits < 8)
                *at = (unsigned char)(*at + (by << column * bits % 8));
        else
                put(row, bits, column, grid_get(row, bits, column) + by);
}

/* Inlined once per width, which is a constant then. False: a count is full, and nothing has changed. */
static inline bool add_to_row(unsigned char *row, unsigned bits, const uint16_t *columns, size_t n)
{
        bool full = false;

        for (size_t k = 0; k < n; k++) {
                full |= grid_get(row, bits, columns[k]) == count_max(bits);
                bump(row, bits, columns[k], 1);
        }
        for (size_t k = 0; k < n && full; k++)
                bump(row, bits, columns[k], UINT32_MAX);
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
                                    : add_to_row(row, 32, columns, n);

        if (!done) {
                int r = widen(g);

                return r ? r : count_up(g, bucket, at, columns, n);
        }
        for (unsigned i = 0; i < g->n_cursors; i++) {
                uint32_t *cursor = cursor_at(g, i);

                if ((int32_t)cursor[0] <= bucket && bucket < (int32_t)cursor[1])
                        for (size_t k = 0; k < n; k++)
                                cursor[2 + columns[k]]++;
        }
        return 0;
}

static void count_down(Grid *g, int32_t bucket, unsigned char *row, const uint16_t *columns, size_t n)
{
        for (size_t k = 0; k < n; k++) {
                uint32_t count = grid_get(row, g->bits, columns[k]);

                if (count == 0)
                        continue;
                put(row, g->bits, columns[k], count - 1);
                for (unsigned i = 0; i < g->n_cursors; i++) {
                        uint32_t *cursor = cursor_at(g, i);

                        if ((int32_t)cursor[0] <= bucket && bucket < (int32_t)cursor[1])
                                cursor[2 + columns[k]]--;
                }
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
        while (r == 0 && sum > count_max(g->bits))
                r = widen(g);
        if (r) {
                drop_if_empty(g, i);
                return r;
        }
        put(grid_row(g, i), g->bits, column, (uint32_t)sum);
        for (unsigned k = 0; k < g->n_cursors; k++) {
                uint32_t *cursor = cursor_at(g, k);

                if ((int32_t)cursor[0] <= bucket && bucket < (int32_t)cursor[1])
                        cursor[2 + column] += (uint32_t)count;
        }
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

/* Inlined once per width, as above. Whether all counts of the row have room for those of the sheet. */
static inline bool has_room(const unsigned char *row, unsigned bits, const uint8_t *sheet, unsigned n)
{
        const uint64_t most = count_max(bits);
        bool room = true;

        for (unsigned c = 0; c < n; c++)
                room &= (uint64_t)grid_get(row, bits, c) + sheet[c] <= most;
        return room;
}

static inline bool add_sheet_to_row(unsigned char *row, unsigned bits, const uint8_t *sheet, unsigned n)
{
        if (!has_room(row, bits, sheet, n))
                return false;
        for (unsigned c = 0; c < n; c++)
                put(row, bits, c, grid_get(row, bits, c) + sheet[c]);
        return true;
}

static int add_sheet(Grid *g, uint32_t i)
{
        unsigned char *row = grid_row(g, i);
        bool done = g->bits == 2    ? add_sheet_to_row(row, 2, g->sheet, g->n_columns)
                    : g->bits == 4  ? add_sheet_to_row(row, 4, g->sheet, g->n_columns)
                    : g->bits == 8  ? add_sheet_to_row(row, 8, g->sheet, g->n_columns)
                    : g->bits == 16 ? add_sheet_to_row(row, 16, g->sheet, g->n_columns)
                                    : add_sheet_to_row(row, 32, g->sheet, g->n_columns);

        if (!done) {
                int r = widen(g);

                return r ? r : add_sheet(g, i);
        }
        for (unsigned k = 0; k < g->n_cursors; k++) {
                uint32_t *cursor = cursor_at(g, k);

                if ((int32_t)cursor[0] <= g->lent && g->lent < (int32_t)cursor[1])
                        for (unsigned c = 0; c < g->n_columns; c++)
                                cursor[2 + c] += g->sheet[c];
        }
        return 0;
}

int grid_take_in(Grid *g, int32_t kept)
{
        uint32_t i = g->sheet && g->lent >= kept ? grid_find(g, g->lent) : g->n;
        int r = i < g->n ? add_sheet(g, i) : 0;

        if (r == 0)
                g->sheet = NULL;
        return r;
}

/* Adds (@sign 1) or subtracts (all bits set) what lies in [start, end). */
static void cursor_apply(const Grid *g, uint32_t *cursor, int32_t start, int32_t end, uint32_t sign)
{
        for (uint32_t i = grid_find(g, start); i < g->n && grid_number(g, i) < end; i++) {
                const unsigned char *row = grid_row(g, i);

                for (unsigned c = 0; c < g->n_columns; c++)
                        cursor[2 + c] += sign * grid_get(row, g->bits, c);
        }
}

static void cursor_move(const Grid *g, uint32_t *cursor, int32_t start, int32_t end, int32_t kept)
{
        int32_t from = (int32_t)cursor[0], to = (int32_t)cursor[1];

        /* Where buckets of the old span may be gone, or where nothing is shared, it is counted anew. */
        if (from < kept || start < from || end < to || start >= to) {
                memset(cursor + 2, 0, g->n_columns * sizeof(*cursor));
                cursor_apply(g, cursor, start, end, 1);
        } else {
                cursor_apply(g, cursor, from, start, UINT32_MAX);
                cursor_apply(g, cursor, to, end, 1);
        }
        cursor[0] = (uint32_t)start;
        cursor[1] = (uint32_t)end;
}

static int add_cursors(Grid *g, unsigned n)
{
        uint32_t *cursors = calloc(n, cursor_bytes(g->n_columns)); /* of empty spans */

        if (!cursors)
                return -ENOMEM;
        if (g->cursors)
                memcpy(cursors, g->cursors, g->n_cursors * cursor_bytes(g->n_columns));
        free(g->cursors);
        g->cursors = cursors;
        g->n_cursors = (uint8_t)n;
        return 0;
}

const uint32_t *grid_totals(Grid *g, unsigned i, int32_t start, int32_t end, int32_t kept)
{
        uint32_t *cursor;

        if (i >= g->n_cursors && add_cursors(g, i + 1))
                return NULL;
        cursor = cursor_at(g, i);
        if ((int32_t)cursor[0] != start || (int32_t)cursor[1] != end)
                cursor_move(g, cursor, start, end, kept);
        return cursor + 2;
}

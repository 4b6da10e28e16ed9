/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/series.h"

static const uint64_t width_max[] = {[1] = UINT8_MAX, [2] = UINT16_MAX, [4] = UINT32_MAX};

static size_t stride_for(const Series *s, unsigned width)
{
        return sizeof(int32_t) + (size_t)s->n_values * width;
}

/* Bucket @i, counted from the oldest. */
static unsigned char *bucket_at(const Series *s, uint32_t i)
{
        return s->data + (size_t)(s->head + i) * stride_for(s, s->width);
}

static int32_t number_at(const Series *s, uint32_t i)
{
        int32_t number;

        memcpy(&number, bucket_at(s, i), sizeof(number));
        return number;
}

static uint32_t count_get(const unsigned char *bucket, unsigned width, unsigned value)
{
        const unsigned char *at = bucket + sizeof(int32_t) + (size_t)value * width;
        uint32_t wide;
        uint16_t narrow;

        if (width == 1)
                return *at;
        if (width == 2) {
                memcpy(&narrow, at, sizeof(narrow));
                return narrow;
        }
        memcpy(&wide, at, sizeof(wide));
        return wide;
}

static void count_set(unsigned char *bucket, unsigned width, unsigned value, uint32_t count)
{
        unsigned char *at = bucket + sizeof(int32_t) + (size_t)value * width;
        uint16_t narrow = (uint16_t)count;

        if (width == 1)
                *at = (unsigned char)count;
        else if (width == 2)
                memcpy(at, &narrow, sizeof(narrow));
        else
                memcpy(at, &count, sizeof(count));
}

static uint32_t *cursor_at(const Series *s, unsigned i)
{
        return s->cursors + (size_t)i * (2u + s->n_values);
}

/* Index of the first bucket at or after @number. */
static uint32_t lower_bound(const Series *s, int32_t number)
{
        uint32_t low = 0, high = s->n;

        /* Nearly all answers are for the newest bucket or behind it. */
        if (high > 0 && number_at(s, high - 1) <= number)
                return high - (number_at(s, high - 1) == number);
        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (number_at(s, middle) < number)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

int series_init(Series *s, unsigned n_values, unsigned n_cursors)
{
        uint32_t *cursors = calloc(n_cursors ? n_cursors : 1, (2u + n_values) * sizeof(*cursors));

        assert(n_values > 0 && n_values <= METRIC_VALUES_MAX);
        if (!cursors)
                return -ENOMEM;
        *s = (Series){
                .cursors = cursors,
                .n_values = (uint8_t)n_values,
                .n_cursors = (uint8_t)n_cursors,
                .width = 1,
        };
        return 0;
}

void series_deinit(Series *s)
{
        free(s->data);
        free(s->cursors);
        *s = SERIES_NULL;
}

static int widen(Series *s)
{
        unsigned width = 2u * s->width;
        size_t stride = stride_for(s, width);
        unsigned char *data = malloc((size_t)s->size * stride);

        if (!data)
                return -ENOMEM;
        for (uint32_t i = 0; i < s->n; i++) {
                const unsigned char *from = bucket_at(s, i);
                unsigned char *to = data + i * stride;

                memcpy(to, from, sizeof(int32_t));
                for (unsigned v = 0; v < s->n_values; v++)
                        count_set(to, width, v, count_get(from, s->width, v));
        }
        free(s->data);
        s->data = data;
        s->head = 0;
        s->width = (uint8_t)width;
        return 0;
}

/* Room for one more bucket behind the last one. */
static int reserve(Series *s)
{
        size_t stride = stride_for(s, s->width);
        uint32_t size = s->size + s->size / 2 + 2;
        unsigned char *data;

        if (s->head + s->n < s->size)
                return 0;
        if (s->head > s->size / 4) {
                memmove(s->data, bucket_at(s, 0), s->n * stride);
                s->head = 0;
                return 0;
        }
        data = realloc(s->data, size * stride);
        if (!data)
                return -ENOMEM;
        s->data = data;
        s->size = size;
        return 0;
}

static int insert(Series *s, uint32_t i, int32_t number)
{
        size_t stride = stride_for(s, s->width);
        int r = reserve(s);

        if (r)
                return r;
        memmove(bucket_at(s, i + 1), bucket_at(s, i), (s->n - i) * stride);
        memset(bucket_at(s, i), 0, stride);
        memcpy(bucket_at(s, i), &number, sizeof(number));
        s->n++;
        return 0;
}

static void drop_if_empty(Series *s, uint32_t i)
{
        for (unsigned v = 0; v < s->n_values; v++)
                if (count_get(bucket_at(s, i), s->width, v))
                        return;
        memmove(bucket_at(s, i), bucket_at(s, i + 1), (s->n - i - 1) * stride_for(s, s->width));
        s->n--;
}

int series_add(Series *s, int32_t bucket, unsigned value, int delta, int32_t kept)
{
        uint32_t i, count;
        bool found;
        int r;

        assert(value < s->n_values);
        while (s->n > 0 && number_at(s, 0) < kept) {
                s->head++;
                s->n--;
        }
        if (bucket < kept)
                return 0;
        i = lower_bound(s, bucket);
        found = i < s->n && number_at(s, i) == bucket;
        if (!found && delta < 0)
                return 0;
        if (!found) {
                r = insert(s, i, bucket);
                if (r)
                        return r;
        }
        count = count_get(bucket_at(s, i), s->width, value);
        if (delta < 0 && count == 0)
                return 0;
        if (delta > 0 && count == width_max[s->width]) {
                r = s->width == 4 ? -EOVERFLOW : widen(s);
                if (r)
                        return r;
        }
        count_set(bucket_at(s, i), s->width, value, delta > 0 ? count + 1 : count - 1);
        if (delta < 0)
                drop_if_empty(s, i);
        for (unsigned k = 0; k < s->n_cursors; k++) {
                uint32_t *cursor = cursor_at(s, k);

                if ((int32_t)cursor[0] <= bucket && bucket < (int32_t)cursor[1])
                        cursor[2 + value] += delta > 0 ? 1u : UINT32_MAX;
        }
        return 0;
}

void series_sum(const Series *s, int32_t start, int32_t end, Tally *ret)
{
        *ret = TALLY_NULL;
        for (uint32_t i = lower_bound(s, start); i < s->n && number_at(s, i) < end; i++)
                for (unsigned v = 0; v < s->n_values; v++)
                        ret->counts[v] += count_get(bucket_at(s, i), s->width, v);
}

/* Adds (@sign 1) or subtracts (all bits set) what lies in [start, end). */
static void cursor_apply(const Series *s, uint32_t *cursor, int32_t start, int32_t end, uint32_t sign)
{
        for (uint32_t i = lower_bound(s, start); i < s->n && number_at(s, i) < end; i++)
                for (unsigned v = 0; v < s->n_values; v++)
                        cursor[2 + v] += sign * count_get(bucket_at(s, i), s->width, v);
}

static void cursor_move(const Series *s, uint32_t *cursor, int32_t start, int32_t end, int32_t kept)
{
        int32_t from = (int32_t)cursor[0], to = (int32_t)cursor[1];

        /* Where buckets of the old span may be gone, or where nothing is shared, it is counted anew. */
        if (from < kept || start < from || end < to || start >= to) {
                memset(cursor + 2, 0, s->n_values * sizeof(*cursor));
                cursor_apply(s, cursor, start, end, 1);
        } else {
                cursor_apply(s, cursor, from, start, UINT32_MAX);
                cursor_apply(s, cursor, to, end, 1);
        }
        cursor[0] = (uint32_t)start;
        cursor[1] = (uint32_t)end;
}

void series_total(Series *s, unsigned i, int32_t start, int32_t end, int32_t kept, Tally *ret)
{
        uint32_t *cursor = cursor_at(s, i);

        assert(i < s->n_cursors);
        if ((int32_t)cursor[0] != start || (int32_t)cursor[1] != end)
                cursor_move(s, cursor, start, end, kept);
        *ret = TALLY_NULL;
        for (unsigned v = 0; v < s->n_values; v++)
                ret->counts[v] = cursor[2 + v];
}

int32_t series_next(const Series *s, int32_t from)
{
        uint32_t i = lower_bound(s, from);

        return i < s->n ? number_at(s, i) : SERIES_NEVER;
}

int32_t series_previous(const Series *s, int32_t before, uint32_t *at, Tally *ret)
{
        if (*at == UINT32_MAX)
                *at = lower_bound(s, before);
        if (*at == 0)
                return SERIES_NEVER;
        --*at;
        *ret = TALLY_NULL;
        for (unsigned v = 0; v < s->n_values; v++)
                ret->counts[v] = count_get(bucket_at(s, *at), s->width, v);
        return number_at(s, *at);
}

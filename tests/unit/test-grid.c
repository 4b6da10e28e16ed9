/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/support/series_case.h"

#define N_METRICS 3
#define N_BUCKETS 300

static const unsigned n_values[N_METRICS] = {11, 2, 5};

static void count(Grid *g, int32_t bucket, const uint16_t *columns, size_t n, int delta)
{
        ck_assert_int_eq(grid_count(g, bucket, columns, n, delta, 0), 0);
}

static uint64_t count_at(const Series *s, int32_t bucket, unsigned value)
{
        Tally t;

        series_sum(s, bucket, bucket + 1, &t);
        return t.counts[value];
}

START_TEST(a_metric_that_comes_later_finds_room_beside_the_others)
{
        Grid g = GRID_NULL;
        Series first, second;
        Tally t;

        ck_assert_int_eq(series_init(&first, &g, 5), 0);
        series_count(&first, 7, 4, 1, 0);
        series_count(&first, 9, 0, 1, 0);
        series_total(&first, 0, 0, 9, 0, &t);
        ck_assert_uint_eq(t.counts[4], 1);
        ck_assert_int_eq(series_init(&second, &g, 2), 0);
        ck_assert_int_eq(second.first, 5);
        series_count(&second, 7, 1, 1, 0);
        ck_assert_uint_eq(count_at(&first, 7, 4), 1);
        ck_assert_uint_eq(count_at(&second, 7, 1), 1);
        /* The cursor has room for both. */
        series_total(&first, 0, 0, 9, 0, &t);
        ck_assert_uint_eq(tally_n(&t), 1);
        series_total(&second, 0, 0, 9, 0, &t);
        ck_assert_uint_eq(t.counts[1], 1);
        ck_assert_uint_eq(tally_n(&t), 1);
        grid_deinit(&g);
}
END_TEST

START_TEST(a_metric_between_two_others_moves_the_higher_one_up)
{
        Grid g = GRID_NULL;
        Series low, high, between;
        Tally t;

        ck_assert_int_eq(series_init(&low, &g, 3), 0);
        ck_assert_int_eq(series_init(&high, &g, 4), 0);
        series_count(&low, 7, 2, 1, 0);
        series_count(&high, 7, 0, 1, 0);
        series_count(&high, 9, 3, 1, 0);
        series_total(&low, 0, 0, 9, 0, &t);
        series_total(&high, 1, 0, 10, 0, &t);
        ck_assert_int_eq(grid_add_columns(&g, 3, 2), 0);
        between = (Series){.grid = &g, .first = 3, .n_values = 2};
        high.first += 2;
        ck_assert_uint_eq(count_at(&low, 7, 2), 1);
        ck_assert_uint_eq(count_at(&high, 7, 0), 1);
        ck_assert_uint_eq(count_at(&high, 9, 3), 1);
        series_count(&between, 7, 1, 1, 0);
        ck_assert_uint_eq(count_at(&between, 7, 1), 1);
        /* The cursors have moved with them. */
        series_total(&low, 0, 0, 9, 0, &t);
        ck_assert(t.counts[2] == 1 && tally_n(&t) == 1);
        series_total(&between, 0, 0, 9, 0, &t);
        ck_assert(t.counts[1] == 1 && tally_n(&t) == 1);
        series_total(&high, 1, 0, 10, 0, &t);
        ck_assert(t.counts[0] == 1 && t.counts[3] == 1 && tally_n(&t) == 2);
        grid_deinit(&g);
}
END_TEST

START_TEST(a_bucket_of_another_metric_is_none_of_this_one)
{
        Grid g = GRID_NULL;
        Series one, other;
        uint32_t at = UINT32_MAX;
        Tally t;

        ck_assert_int_eq(series_init(&one, &g, 5), 0);
        ck_assert_int_eq(series_init(&other, &g, 5), 0);
        series_count(&other, 3, 0, 1, 0);
        series_count(&one, 5, 0, 1, 0);
        series_count(&other, 8, 4, 1, 0);
        ck_assert_int_eq(series_next(&one, INT32_MIN), 5);
        ck_assert_int_eq(series_next(&one, 6), SERIES_NEVER);
        ck_assert(!series_begins_by(&one, 4, 0));
        ck_assert(series_begins_by(&one, 5, 0));
        ck_assert(series_begins_by(&one, 8, 0));
        ck_assert(series_begins_by(&other, 4, 0));
        ck_assert(!series_begins_by(&other, 2, 0));
        ck_assert(series_begins_by(&one, 8, 5));
        ck_assert(!series_begins_by(&one, 8, 6));
        ck_assert(!series_begins_by(&one, 5, 6));
        ck_assert_int_eq(series_previous(&one, 9, &at, &t), 5);
        ck_assert_int_eq(series_previous(&one, 9, &at, &t), SERIES_NEVER);
        grid_deinit(&g);
}
END_TEST

START_TEST(where_one_count_is_full_all_become_wider_and_none_is_lost)
{
        static const uint16_t both[] = {1, 6};
        Grid g = GRID_NULL;
        Series one, other;
        Tally t;

        ck_assert_int_eq(series_init(&one, &g, 5), 0);
        ck_assert_int_eq(series_init(&other, &g, 2), 0);
        series_total(&one, 0, 0, 10, 0, &t);
        series_count(&other, 4, 0, 1, 0);
        for (unsigned i = 0; i < 65600; i++) {
                /* The second column is full first; the first must not be counted twice then. */
                if (i % 3 == 0)
                        series_count(&other, 4, 1, 1, 0);
                count(&g, 4, both, 2, 1);
        }
        ck_assert_int_eq(g.bits, 32);
        ck_assert_uint_eq(count_at(&one, 4, 1), 65600);
        ck_assert_uint_eq(count_at(&other, 4, 1), 65600 + 21867);
        ck_assert_uint_eq(count_at(&other, 4, 0), 1);
        series_total(&other, 0, 0, 10, 0, &t);
        ck_assert_uint_eq(t.counts[1], 65600 + 21867);
        grid_deinit(&g);
}
END_TEST

/* Whole surveys in and out, some metrics of which are not there, against plain arrays. */
START_TEST(surveys_in_and_out_agree_with_plain_arrays)
{
        static uint32_t model[N_BUCKETS][N_METRICS][METRIC_VALUES_MAX];
        Series series[N_METRICS];
        Grid g = GRID_NULL;
        uint64_t random = 7;
        int32_t kept = 0;

        memset(model, 0, sizeof(model));
        for (unsigned m = 0; m < N_METRICS; m++)
                ck_assert_int_eq(series_init(&series[m], &g, n_values[m]), 0);
        for (unsigned round = 0; round < 100000; round++) {
                uint16_t columns[N_METRICS];
                int32_t bucket;
                size_t n = 0;
                int delta;

                random = random * 6364136223846793005ULL + 1442695040888963407ULL;
                kept = (int32_t)(round / 500);
                bucket = kept - 3 + (int32_t)(random >> 60) * 5;
                delta = random >> 40 & 3 ? 1 : -1;
                for (unsigned m = 0; m < N_METRICS; m++) {
                        unsigned value = (unsigned)(random >> (20 + 5 * m) & 31) % n_values[m];
                        uint32_t *count = bucket >= kept ? &model[bucket][m][value] : NULL;

                        if (random >> (50 + m) & 1)
                                continue;
                        columns[n++] = (uint16_t)(series[m].first + value);
                        if (count && (delta > 0 || *count > 0))
                                *count += (uint32_t)delta;
                }
                ck_assert_int_eq(grid_count(&g, bucket, columns, n, delta, kept), 0);
                for (unsigned m = 0; m < N_METRICS && round % 50 == 0; m++) {
                        Tally want = TALLY_NULL, is, total;
                        int32_t next = SERIES_NEVER;

                        for (int32_t b = kept; b < N_BUCKETS && b < kept + 40; b++)
                                for (unsigned v = 0; v < n_values[m]; v++) {
                                        want.counts[v] += model[b][m][v];
                                        if (model[b][m][v] && next == SERIES_NEVER)
                                                next = b;
                                }
                        ck_assert_int_eq(series_next(&series[m], kept), next);
                        series_sum(&series[m], kept, kept + 40, &is);
                        series_total(&series[m], 0, kept, kept + 40, kept, &total);
                        ck_assert_mem_eq(&is, &want, sizeof(is));
                        ck_assert_mem_eq(&total, &want, sizeof(is));
                }
        }
        grid_deinit(&g);
}
END_TEST

/* Counts at up to @most numbers from @at on, each behind the one before by up to 4, and by up to @gap here and there. */
static void check_find(int32_t at, size_t most, int32_t gap, uint64_t *random)
{
        int32_t numbers[40];
        uint16_t column = 0;
        Grid g = GRID_NULL;
        size_t n = 0;

        ck_assert_uint_le(most, CX_ARRAY_LEN(numbers));
        ck_assert_int_eq(grid_add_columns(&g, 0, 1), 0);
        for (; n < most && at < INT32_MAX - gap; n++) {
                *random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
                numbers[n] = at;
                ck_assert_int_eq(grid_count(&g, at, &column, 1, 1, INT32_MIN), 0);
                at += 1 + (int32_t)(*random >> 33 & (*random >> 62 == 0 ? (uint64_t)gap - 1 : 3));
        }
        for (size_t i = 0; i <= n; i++) {
                if (i < n)
                        ck_assert_uint_eq(grid_find(&g, numbers[i]), i);
                if (i > 0 && numbers[i - 1] + 1 < (i < n ? numbers[i] : INT32_MAX))
                        ck_assert_uint_eq(grid_find(&g, numbers[i - 1] + 1), i);
                if (i < n && (i == 0 ? numbers[i] > INT32_MIN : numbers[i] - 1 > numbers[i - 1]))
                        ck_assert_uint_eq(grid_find(&g, numbers[i] - 1), i);
        }
        grid_deinit(&g);
}

/* Rows close together, far apart, and at the ends of what a number may be. */
START_TEST(every_bucket_is_found_wherever_it_lies)
{
        uint64_t random = 3;

        for (unsigned round = 0; round < 300; round++)
                check_find(round % 3 == 0 ? INT32_MIN : (int32_t)(round * 1000) - 150000, 1 + round % 40,
                           1 << 26, &random);
}
END_TEST

/* The same where a base reaches all of them. */
START_TEST(every_bucket_near_the_others_is_found)
{
        static const int32_t begins[] = {INT32_MIN, INT32_MAX - 40 * (1 << 10), -1000, 150000};
        uint64_t random = 3;

        for (unsigned round = 0; round < 300; round++)
                check_find(begins[round % 4], 1 + round % 39, 1 << 10, &random);
}
END_TEST

#define FAR_ROWS 64

typedef struct FarModel {
        int32_t numbers[FAR_ROWS];
        uint32_t counts[FAR_ROWS];
        size_t n;
} FarModel;

static size_t far_find(const FarModel *m, int32_t number)
{
        size_t i = 0;

        while (i < m->n && m->numbers[i] < number)
                i++;
        return i;
}

static void far_count(FarModel *m, int32_t number)
{
        size_t i = far_find(m, number);

        if (i == m->n || m->numbers[i] != number) {
                memmove(m->numbers + i + 1, m->numbers + i, (m->n - i) * sizeof(m->numbers[0]));
                memmove(m->counts + i + 1, m->counts + i, (m->n - i) * sizeof(m->counts[0]));
                m->numbers[i] = number;
                m->counts[i] = 0;
                m->n++;
        }
        m->counts[i]++;
}

static void far_drop(FarModel *m, int32_t kept)
{
        size_t i = far_find(m, kept);

        m->n -= i;
        memmove(m->numbers, m->numbers + i, m->n * sizeof(m->numbers[0]));
        memmove(m->counts, m->counts + i, m->n * sizeof(m->counts[0]));
}

/* Time that goes on, back and in leaps: rows get another base under way, or none, and none is lost. */
START_TEST(rows_follow_wherever_the_buckets_lie)
{
        uint64_t random = 11;
        size_t n_with = 0, n_without = 0, n_moved = 0, n_back = 0;

        for (unsigned round = 0; round < 200; round++) {
                static const int32_t begins[] = {INT32_MIN, INT32_MAX - 300000, -150000, 1000000};
                int64_t at = begins[round % 4], end = at + 300000;
                int32_t kept = INT32_MIN;
                FarModel model = {.n = 0};
                uint16_t columns[] = {0, 2};
                Grid g = GRID_NULL;

                ck_assert_int_eq(grid_add_columns(&g, 0, 3), 0);
                for (unsigned step = 0; step < 300; step++) {
                        int32_t number, base = g.base;

                        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
                        at += (int64_t)(random >> 40) % (step % 16 ? 2000 : 120000) -
                              (step % 16 ? 900 : 50000);
                        at = at < begins[round % 4] ? begins[round % 4] : at > end ? end : at;
                        number = (int32_t)at;
                        if (step % 8 == 0 || model.n == FAR_ROWS)
                                kept = model.n ? model.numbers[model.n / 2] : number;
                        far_drop(&model, kept);
                        if (number >= kept)
                                far_count(&model, number);
                        ck_assert_int_eq(grid_count(&g, number, columns, 2, 1, kept), 0);
                        ck_assert_uint_eq(g.n, model.n);
                        for (uint32_t i = 0; i < g.n; i++) {
                                ck_assert_int_eq(grid_number(&g, i), model.numbers[i]);
                                ck_assert_uint_eq(grid_get(grid_row(&g, i), g.bits, 0), model.counts[i]);
                                ck_assert_uint_eq(grid_get(grid_row(&g, i), g.bits, 1), 0);
                                ck_assert_uint_eq(grid_get(grid_row(&g, i), g.bits, 2), model.counts[i]);
                        }
                        n_without += g.base == GRID_NO_BASE;
                        n_with += g.base != GRID_NO_BASE;
                        n_moved += g.base != base && g.base != GRID_NO_BASE && base != GRID_NO_BASE;
                        n_back += g.base != base && base == GRID_NO_BASE;
                }
                grid_deinit(&g);
        }
        ck_assert_uint_gt(n_with, 10000);
        ck_assert_uint_gt(n_without, 300);
        ck_assert_uint_gt(n_moved, 100);
        ck_assert_uint_gt(n_back, 20);
}
END_TEST

START_TEST(a_base_reaches_exactly_so_far)
{
        static const int32_t begins[] = {INT32_MIN, -70000, 0, INT32_MAX - 70000};

        for (int64_t far = GRID_SPAN - 3; far < GRID_SPAN + 3; far++) {
                for (size_t k = 0; k < 2 * CX_ARRAY_LEN(begins); k++) {
                        int32_t low = begins[k / 2], high = (int32_t)(low + far);
                        uint16_t column = 0;
                        Grid g = GRID_NULL;

                        ck_assert_int_eq(grid_add_columns(&g, 0, 1), 0);
                        ck_assert_int_eq(grid_count(&g, k % 2 ? low : high, &column, 1, 1, INT32_MIN), 0);
                        ck_assert_int_eq(grid_count(&g, k % 2 ? high : low, &column, 1, 1, INT32_MIN), 0);
                        ck_assert_int_eq(grid_number(&g, 0), low);
                        ck_assert_int_eq(grid_number(&g, 1), high);
                        ck_assert_int_eq(g.base == GRID_NO_BASE, far >= GRID_SPAN);
                        grid_deinit(&g);
                }
        }
}
END_TEST

/* A cursor that is asked for later leaves those before it where they are. */
START_TEST(cursors_come_as_they_are_asked_for)
{
        Grid g = GRID_NULL;
        Series s;
        Tally t;

        ck_assert_int_eq(series_init(&s, &g, 5), 0);
        for (int32_t bucket = 0; bucket < 10; bucket++)
                series_count(&s, bucket, 4, 1, 0);
        ck_assert_ptr_null(g.cursors);
        series_total(&s, 1, 2, 6, 0, &t);
        ck_assert_uint_eq(t.counts[4], 4);
        ck_assert_uint_eq(g.n_cursors, 2);
        series_total(&s, 4, 0, 10, 0, &t);
        ck_assert_uint_eq(t.counts[4], 10);
        ck_assert_uint_eq(g.n_cursors, 5);
        series_count(&s, 5, 3, 1, 0);
        series_total(&s, 1, 2, 6, 0, &t);
        ck_assert_uint_eq(t.counts[3], 1);
        series_total(&s, 0, 5, 7, 0, &t);
        ck_assert_uint_eq(t.counts[3], 1);
        ck_assert_uint_eq(t.counts[4], 2);
        ck_assert_uint_eq(g.n_cursors, 5);
        /* One far ahead leaves all others where they are. */
        series_count(&s, 7 + (1 << 16), 4, 1, 0);
        ck_assert_uint_eq(g.n, 11);
        series_total(&s, 4, 0, 10, 0, &t);
        ck_assert_uint_eq(t.counts[4], 10);
        series_total(&s, 4, 9, 8 + (1 << 16), 0, &t);
        ck_assert_uint_eq(t.counts[4], 2);
        grid_deinit(&g);
}
END_TEST

/* Two cursors over the same bucket, and one over none of it, have the totals that counting bucket by bucket gives. */
static void check_totals(const Series *s)
{
        static const int32_t spans[][2] = {{0, 10}, {4, 6}, {20, 30}};

        for (unsigned i = 0; i < CX_ARRAY_LEN(spans); i++) {
                Tally is, want;

                series_total(s, i, spans[i][0], spans[i][1], 0, &is);
                series_sum(s, spans[i][0], spans[i][1], &want);
                ck_assert_mem_eq(&is, &want, sizeof(is));
        }
}

/* Up to what a total of @size bytes can hold in bucket 5, and beyond it in each of the ways that there are. */
static void go_beyond(unsigned size, unsigned way)
{
        const uint64_t most = UINT64_MAX >> (64 - 8 * size);
        uint8_t sheet[] = {0, 0, 2, 255, 0};
        Grid g = GRID_NULL;
        Tally t;
        Series s;

        ck_assert_int_eq(series_init(&s, &g, CX_ARRAY_LEN(sheet)), 0);
        ck_assert_int_eq(grid_add(&g, 5, 2, most - 1, 0), 0);
        ck_assert_int_eq(grid_add(&g, 5, 3, 9, 0), 0);
        check_totals(&s);
        series_count(&s, 5, 2, 1, 0);
        check_totals(&s);
        ck_assert_uint_eq(g.total_size, size);
        ck_assert_uint_eq(g.n_cursors, 3);
        switch (way) {
        case 0:
                series_count(&s, 5, 2, 1, 0);
                series_count(&s, 5, 2, 1, 0);
                break;
        case 1:
                ck_assert_int_eq(grid_add(&g, 5, 2, 2, 0), 0);
                break;
        case 2:
                ck_assert_int_eq(grid_lend(&g, 5, sheet, 0), 0);
                ck_assert_int_eq(grid_take_in(&g, 0), 0);
                break;
        default: /* another bucket comes into the span */
                ck_assert_int_eq(grid_add(&g, 11, 2, 2, 0), 0);
                series_total(&s, 0, 0, 12, 0, &t);
                ck_assert_uint_eq(t.counts[2], most + 2);
                break;
        }
        ck_assert_uint_eq(g.total_size, 2 * size);
        check_totals(&s);
        series_total(&s, 1, 0, 12, 0, &t);
        ck_assert_uint_eq(t.counts[2], most + 2);
        ck_assert_uint_eq(t.counts[3], way == 2 ? 264 : 9);
        series_count(&s, 5, 2, -1, 0);
        check_totals(&s);
        series_total(&s, 1, 0, 12, 0, &t);
        ck_assert_uint_eq(t.counts[2], most + 1);
        grid_deinit(&g);
}

START_TEST(a_total_beyond_what_its_cursor_can_hold_is_right)
{
        for (unsigned size = 1; size < 8; size *= 2)
                for (unsigned way = 0; way < 4; way++)
                        go_beyond(size, way);
}
END_TEST

/* A span that moves on has never more than before: what leaves it goes first. */
START_TEST(a_span_that_moves_on_needs_no_more_room_on_the_way)
{
        Grid g = GRID_NULL;
        Series s;
        Tally t;

        ck_assert_int_eq(series_init(&s, &g, 2), 0);
        for (int32_t bucket = 0; bucket < 50; bucket++)
                ck_assert_int_eq(grid_add(&g, bucket, 1, 51, 0), 0);
        for (int32_t bucket = 0; bucket < 45; bucket++) {
                series_total(&s, 0, bucket, bucket + 5, 0, &t);
                ck_assert_uint_eq(t.counts[1], 255);
                ck_assert_uint_eq(g.total_size, 1);
        }
        grid_deinit(&g);
}
END_TEST

CHECK_MAIN("grid", every_bucket_is_found_wherever_it_lies, every_bucket_near_the_others_is_found,
           rows_follow_wherever_the_buckets_lie, a_base_reaches_exactly_so_far,
           cursors_come_as_they_are_asked_for, a_metric_that_comes_later_finds_room_beside_the_others,
           a_metric_between_two_others_moves_the_higher_one_up,
           a_bucket_of_another_metric_is_none_of_this_one,
           where_one_count_is_full_all_become_wider_and_none_is_lost,
           a_total_beyond_what_its_cursor_can_hold_is_right,
           a_span_that_moves_on_needs_no_more_room_on_the_way, surveys_in_and_out_agree_with_plain_arrays)

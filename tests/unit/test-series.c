/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/support/series_case.h"

#define N_BUCKETS 200
#define N_VALUES  5

static uint64_t total(const Series *s, int32_t start, int32_t end)
{
        Tally t;

        series_sum(s, start, end, &t);
        return tally_n(&t);
}

START_TEST(answers_land_in_their_bucket_in_any_order)
{
        Series s;
        Grid g = GRID_NULL;

        ck_assert_int_eq(series_init(&s, &g, N_VALUES), 0);
        series_count(&s, 10, 4, 1, 0);
        series_count(&s, 30, 0, 1, 0);
        series_count(&s, 20, 1, 1, 0);
        series_count(&s, -5, 2, 1, INT32_MIN);
        series_count(&s, 20, 1, 1, INT32_MIN);
        ck_assert_uint_eq(total(&s, INT32_MIN, 100), 5);
        ck_assert_uint_eq(total(&s, 10, 30), 3);
        ck_assert_uint_eq(total(&s, 11, 20), 0);
        ck_assert_int_eq(series_next(&s, INT32_MIN), -5);
        ck_assert_int_eq(series_next(&s, 11), 20);
        ck_assert_int_eq(series_next(&s, 31), SERIES_NEVER);
        grid_deinit(&g);
}
END_TEST

START_TEST(an_empty_bucket_is_no_bucket)
{
        Series s;
        Grid g = GRID_NULL;

        ck_assert_int_eq(series_init(&s, &g, N_VALUES), 0);
        series_count(&s, 10, 4, 1, 0);
        series_count(&s, 11, 3, 1, 0);
        series_count(&s, 10, 4, -1, 0);
        ck_assert_int_eq(series_next(&s, 0), 11);
        /* What is not there cannot be taken out. */
        series_count(&s, 10, 4, -1, 0);
        series_count(&s, 11, 4, -1, 0);
        ck_assert_uint_eq(total(&s, 0, 100), 1);
        grid_deinit(&g);
}
END_TEST

START_TEST(what_is_not_kept_is_left_out_on_both_sides)
{
        Series s;
        Grid g = GRID_NULL;
        Tally t;

        ck_assert_int_eq(series_init(&s, &g, N_VALUES), 0);
        series_count(&s, 10, 4, 1, 0);
        series_count(&s, 12, 4, 1, 0);
        series_total(&s, 0, 0, 20, 0, &t);
        series_count(&s, 9, 4, 1, 11);
        series_count(&s, 10, 4, -1, 11);
        ck_assert_int_eq(series_next(&s, 0), 12);
        series_total(&s, 0, 11, 20, 11, &t);
        ck_assert_uint_eq(tally_n(&t), 1);
        grid_deinit(&g);
}
END_TEST

START_TEST(counts_grow_beyond_one_and_two_bytes)
{
        Series s;
        Grid g = GRID_NULL;
        Tally t;

        ck_assert_int_eq(series_init(&s, &g, 2), 0);
        series_count(&s, 7, 0, 1, 0);
        series_count(&s, 8, 1, 1, 0);
        series_total(&s, 0, 0, 10, 0, &t);
        for (unsigned i = 0; i < 70000; i++) {
                series_count(&s, 8, 0, 1, 0);
                if (i == 255 || i == 256 || i == 65535 || i == 65536) {
                        series_sum(&s, 8, 9, &t);
                        ck_assert_uint_eq(t.counts[0], i + 1);
                        ck_assert_uint_eq(t.counts[1], 1);
                        ck_assert_uint_eq(total(&s, 0, 10), i + 3);
                }
        }
        series_total(&s, 0, 0, 10, 0, &t);
        ck_assert_uint_eq(t.counts[0], 70001);
        for (unsigned i = 0; i < 70000; i++)
                series_count(&s, 8, 0, -1, 0);
        ck_assert_uint_eq(total(&s, 0, 10), 2);
        grid_deinit(&g);
}
END_TEST

/* Four bytes hold what is answered in most buckets, but not in a window of them, nor in the busiest day. */
START_TEST(totals_and_counts_grow_beyond_four_bytes)
{
        const uint64_t many = UINT64_C(3000000000);
        uint16_t column = 0;
        Series s;
        Grid g = GRID_NULL;
        Tally t;

        ck_assert_int_eq(series_init(&s, &g, 2), 0);
        series_total(&s, 0, 0, 10, 0, &t);
        ck_assert_int_eq(grid_add(&g, 7, column, many, 0), 0);
        ck_assert_int_eq(grid_add(&g, 8, column, many, 0), 0);
        series_total(&s, 0, 0, 10, 0, &t);
        ck_assert_uint_eq(t.counts[0], 2 * many);
        series_total(&s, 1, 0, 10, 0, &t);
        ck_assert_uint_eq(t.counts[0], 2 * many);
        ck_assert_int_eq(grid_add(&g, 7, column, UINT32_MAX - many, 0), 0);
        series_count(&s, 7, 0, 1, 0);
        series_sum(&s, 7, 8, &t);
        ck_assert_uint_eq(t.counts[0], UINT64_C(1) << 32);
        series_count(&s, 7, 0, -1, 0);
        series_total(&s, 0, 0, 10, 0, &t);
        ck_assert_uint_eq(t.counts[0], UINT32_MAX + many);
        grid_deinit(&g);
}
END_TEST

START_TEST(a_walk_goes_back_from_the_newest)
{
        Series s;
        Grid g = GRID_NULL;
        Tally t;
        uint32_t at = UINT32_MAX;

        ck_assert_int_eq(series_init(&s, &g, N_VALUES), 0);
        series_count(&s, 3, 1, 1, 0);
        series_count(&s, 5, 2, 1, 0);
        series_count(&s, 9, 3, 1, 0);
        ck_assert_int_eq(series_previous(&s, 9, &at, &t), 5);
        ck_assert_uint_eq(t.counts[2], 1);
        ck_assert_int_eq(series_previous(&s, 9, &at, &t), 3);
        ck_assert_int_eq(series_previous(&s, 9, &at, &t), SERIES_NEVER);
        grid_deinit(&g);
}
END_TEST

/* Each metric has buckets of its own, one for each of its answers, in which no other one was answered. */
START_TEST(a_bucket_in_which_another_metric_was_answered_is_none)
{
        static const unsigned sizes[] = {2, 5, 11, 2, 3, 10};
        Series s[CX_ARRAY_LEN(sizes)];
        Grid g = GRID_NULL;

        for (size_t k = 0; k < CX_ARRAY_LEN(sizes); k++)
                ck_assert_int_eq(series_init(&s[k], &g, sizes[k]), 0);
        for (size_t k = 0; k < CX_ARRAY_LEN(sizes); k++)
                for (unsigned v = 0; v < sizes[k]; v++)
                        series_count(&s[k], (int32_t)(20 * k + v), v, 1, 0);
        for (size_t k = 0; k < CX_ARRAY_LEN(sizes); k++) {
                int32_t begin = (int32_t)(20 * k), end = begin + (int32_t)sizes[k];
                uint32_t at = UINT32_MAX;
                Tally t;

                for (int32_t n = 0; n < 120; n++) {
                        ck_assert_int_eq(series_next(&s[k], n), n < begin ? begin
                                                                : n < end ? n
                                                                          : SERIES_NEVER);
                        ck_assert(series_begins_by(&s[k], n, 0) == (n >= begin));
                        ck_assert(series_begins_by(&s[k], n, end - 1) == (n >= end - 1));
                        ck_assert(!series_begins_by(&s[k], n, end));
                }
                for (int32_t n = end; n-- > begin;) {
                        ck_assert_int_eq(series_previous(&s[k], 120, &at, &t), n);
                        ck_assert_uint_eq(t.counts[n - begin], 1);
                        ck_assert_uint_eq(tally_n(&t), 1);
                }
                ck_assert_int_eq(series_previous(&s[k], 120, &at, &t), SERIES_NEVER);
        }
        grid_deinit(&g);
}
END_TEST

static void check_total(const Series *s, int32_t start, int32_t end)
{
        Tally total, sum;

        series_total(s, 0, start, end, 0, &total);
        series_sum(s, start, end, &sum);
        ck_assert_mem_eq(&total, &sum, sizeof(sum));
}

START_TEST(a_cursor_may_go_anywhere_and_another_metric_come_in)
{
        static const int32_t spans[][2] = {{0, 40}, {10, 20}, {5, 25}, {12, 15}, {8, 15}, {12, 30}, {0, 5}};
        Series first, between, last;
        Grid g = GRID_NULL;

        ck_assert_int_eq(series_init(&first, &g, 2), 0);
        ck_assert_int_eq(series_init(&last, &g, 3), 0);
        for (int32_t b = 0; b < 40; b++) {
                series_count(&first, b, (unsigned)b % 2, 1, 0);
                series_count(&last, b, (unsigned)b % 3, 1, 0);
        }
        for (size_t i = 0; i < CX_ARRAY_LEN(spans); i++) {
                check_total(&first, spans[i][0], spans[i][1]);
                check_total(&last, spans[i][0], spans[i][1]);
        }
        ck_assert_int_eq(grid_add_columns(&g, 2, 4), 0);
        between = (Series){.grid = &g, .first = 2, .n_values = 4};
        last.first = 6;
        series_count(&between, 3, 1, 1, 0);
        check_total(&first, 0, 5);
        check_total(&between, 0, 5);
        check_total(&last, 0, 5);
        grid_deinit(&g);
}
END_TEST

/* Two cursors against plain arrays: adding, removing, moving on, jumping, and forgetting what is old. */
START_TEST(cursors_agree_with_counting_anew)
{
        uint64_t model[N_BUCKETS][N_VALUES] = {{0}};
        uint64_t random = 12345;
        int32_t kept = 0, now = 0;
        Series s;
        Grid g = GRID_NULL;

        ck_assert_int_eq(series_init(&s, &g, N_VALUES), 0);
        for (unsigned round = 0; round < 200000; round++) {
                static const int32_t lengths[] = {7, 40};
                int32_t bucket;
                unsigned value, what;

                random = random * 6364136223846793005ULL + 1442695040888963407ULL;
                what = (unsigned)(random >> 60);
                bucket = now + 2 - (int32_t)((random >> 40) % 50);
                value = (unsigned)((random >> 33) % N_VALUES);
                if (round % 1500 == 1499 && now < N_BUCKETS - 60)
                        now += what == 0 ? 50 : 1;
                kept = now > 90 ? now - 90 : 0;
                if (bucket < 0)
                        bucket = 0;
                if (what < 10) {
                        series_count(&s, bucket, value, 1, kept);
                        model[bucket][value]++;
                } else if (model[bucket][value] > 0) {
                        series_count(&s, bucket, value, -1, kept);
                        model[bucket][value]--;
                }
                for (unsigned i = 0; i < 2 && what % 3 == 0; i++) {
                        int32_t start = now + 1 - lengths[i] > kept ? now + 1 - lengths[i] : kept;
                        Tally is, want = TALLY_NULL, summed;

                        series_total(&s, i, start, now + 1, kept, &is);
                        series_sum(&s, start, now + 1, &summed);
                        for (int32_t b = start; b <= now; b++)
                                for (unsigned v = 0; v < N_VALUES; v++)
                                        want.counts[v] += model[b][v];
                        ck_assert_mem_eq(&is, &want, sizeof(is));
                        ck_assert_mem_eq(&summed, &want, sizeof(is));
                }
        }
        ck_assert_int_gt(now, 90);
        grid_deinit(&g);
}
END_TEST

CHECK_MAIN("series", answers_land_in_their_bucket_in_any_order, an_empty_bucket_is_no_bucket,
           what_is_not_kept_is_left_out_on_both_sides, counts_grow_beyond_one_and_two_bytes,
           totals_and_counts_grow_beyond_four_bytes, a_walk_goes_back_from_the_newest,
           a_bucket_in_which_another_metric_was_answered_is_none,
           a_cursor_may_go_anywhere_and_another_metric_come_in, cursors_agree_with_counting_anew)

/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "daemon/core/fresh.h"
#include "proto/base/buffer.h"
#include "tests/support/series_case.h"

#define N_METRICS 3

static const unsigned n_values[N_METRICS] = {11, 2, 5};

/* The same answers in grids of their own: with a sheet, and one by one. */
typedef struct Pairs {
        Grid lazy[_WINDOW_TIER_N], plain[_WINDOW_TIER_N];
        Series lazy_series[_WINDOW_TIER_N][N_METRICS], plain_series[_WINDOW_TIER_N][N_METRICS];
        Fresh fresh;
        int32_t kept[_WINDOW_TIER_N];
} Pairs;

static FreshGrids lazy_grids(Pairs *p)
{
        return (FreshGrids){.grids = p->lazy, .kept = p->kept};
}

static void pairs_init(Pairs *p)
{
        memset(p, 0, sizeof(*p));
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++) {
                p->lazy[tier] = p->plain[tier] = GRID_NULL;
                for (unsigned m = 0; m < N_METRICS; m++) {
                        ck_assert_int_eq(series_init(&p->lazy_series[tier][m], &p->lazy[tier], n_values[m]),
                                         0);
                        ck_assert_int_eq(series_init(&p->plain_series[tier][m], &p->plain[tier], n_values[m]),
                                         0);
                }
        }
}

static void pairs_deinit(Pairs *p)
{
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++) {
                grid_deinit(&p->lazy[tier]);
                grid_deinit(&p->plain[tier]);
        }
        fresh_deinit(&p->fresh);
}

static void buckets_of(int32_t minute, int32_t ret[_WINDOW_TIER_N])
{
        ret[WINDOW_MINUTE] = minute;
        ret[WINDOW_HOUR] = minute / 60;
        ret[WINDOW_DAY] = minute / 1440;
}

static void count(Pairs *p, int32_t minute, const uint16_t *columns, size_t n, int delta)
{
        int32_t buckets[_WINDOW_TIER_N];
        FreshAnswers answers;

        fresh_answers_init(&answers, p->lazy[0].n_columns);
        for (size_t i = 0; i < n; i++)
                fresh_answers_add(&answers, columns[i]);

        buckets_of(minute, buckets);
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                ck_assert_int_eq(grid_count(&p->plain[tier], buckets[tier], columns, n, delta, p->kept[tier]),
                                 0);
        if (delta > 0) {
                ck_assert_int_eq(fresh_count(&p->fresh, lazy_grids(p), buckets, &answers), 0);
                return;
        }
        ck_assert_int_eq(fresh_settle(&p->fresh, lazy_grids(p)), 0);
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                ck_assert_int_eq(grid_count(&p->lazy[tier], buckets[tier], columns, n, delta, p->kept[tier]),
                                 0);
}

/* Everything that can be read, about @minute. */
static void compare(Pairs *p, int32_t minute)
{
        int32_t buckets[_WINDOW_TIER_N];

        buckets_of(minute, buckets);
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++) {
                for (unsigned m = 0; m < N_METRICS; m++) {
                        const Series *a = &p->lazy_series[tier][m], *b = &p->plain_series[tier][m];
                        int32_t kept = p->kept[tier], end = buckets[tier] + 1;
                        int32_t start = end - 30 > kept ? end - 30 : kept, from, until;
                        uint32_t at = UINT32_MAX, plain_at = UINT32_MAX;
                        Tally is, want;

                        series_sum(a, start, end, &is);
                        series_sum(b, start, end, &want);
                        ck_assert_mem_eq(&is, &want, sizeof(is));
                        series_total(a, m % 2, start, end, kept, &is);
                        ck_assert_mem_eq(&is, &want, sizeof(is));
                        ck_assert_int_eq(series_next(a, start), series_next(b, start));
                        ck_assert_int_eq(series_next(a, end), series_next(b, end));
                        ck_assert_int_eq(series_begins_by(a, end, start), series_begins_by(b, end, start));
                        do {
                                from = series_previous(a, end + 2, &at, &is);
                                until = series_previous(b, end + 2, &plain_at, &want);
                                if (from != SERIES_NEVER && from < kept)
                                        from = SERIES_NEVER;
                                if (until != SERIES_NEVER && until < kept)
                                        until = SERIES_NEVER;
                                ck_assert_int_eq(from, until);
                                if (from != SERIES_NEVER)
                                        ck_assert_mem_eq(&is, &want, sizeof(is));
                        } while (from != SERIES_NEVER);
                }
        }
}

static unsigned columns_for(const Pairs *p, uint64_t random, uint16_t ret[N_METRICS])
{
        unsigned n = 0;

        for (unsigned m = 0; m < N_METRICS; m++)
                if (random >> (50 + m) & 3)
                        ret[n++] = (uint16_t)(p->lazy_series[0][m].first +
                                              (random >> (20 + 5 * m) & 31) % n_values[m]);
        return n;
}

START_TEST(a_sheet_is_read_as_if_it_were_counted)
{
        uint64_t random = 11;
        int32_t now = 100000;
        Pairs p;

        pairs_init(&p);
        for (unsigned round = 0; round < 12000; round++) {
                uint16_t columns[N_METRICS];
                int32_t minute;
                unsigned n, what;

                random = random * 6364136223846793005ULL + 1442695040888963407ULL;
                what = (unsigned)(random >> 60);
                now += round % 40 == 0;
                now += round % 9000 == 8999 ? 2000 : 0;
                /* Most are of the present minute, some late, some from the future, some much too late. */
                minute = what < 11   ? now
                         : what < 13 ? now - (int32_t)(random >> 8 & 63)
                         : what < 14 ? now + (int32_t)(random >> 8 & 3)
                                     : now - (int32_t)(random >> 8 & 4095);
                buckets_of(now - 600, p.kept);
                p.kept[WINDOW_HOUR] -= 40;
                p.kept[WINDOW_DAY] -= 10;
                n = columns_for(&p, random, columns);
                if (n)
                        count(&p, minute, columns, n, (random >> 16 & 31) == 0 ? -1 : 1);
                if (round % 13 == 0)
                        compare(&p, now);
        }
        ck_assert_int_eq(fresh_settle(&p.fresh, lazy_grids(&p)), 0);
        compare(&p, now);
        pairs_deinit(&p);
}
END_TEST

START_TEST(more_in_a_minute_than_a_sheet_holds_is_counted)
{
        uint16_t columns[] = {3, 12};
        Pairs p;

        pairs_init(&p);
        for (unsigned i = 0; i < 70000; i++) {
                count(&p, 5000, columns, 1 + i % 2, 1);
                if (i % 5003 == 0)
                        compare(&p, 5000);
        }
        compare(&p, 5000);
        pairs_deinit(&p);
}
END_TEST

START_TEST(a_bucket_that_comes_twice_in_a_row_gets_the_sheet)
{
        const FreshSheet *minute, *hour;
        uint16_t column = 0;
        Pairs p;

        pairs_init(&p);
        minute = &p.fresh.sheets[FRESH_MINUTE];
        hour = &p.fresh.sheets[FRESH_HOUR];
        count(&p, 5010, &column, 1, 1);
        ck_assert(!minute->open && !hour->open);
        count(&p, 5000, &column, 1, 1);
        ck_assert(!minute->open && hour->open);
        count(&p, 5000, &column, 1, 1);
        ck_assert(minute->open && minute->bucket == 5000);
        compare(&p, 5010);
        /* One that comes late, or from the future, does not take it away. */
        count(&p, 5010, &column, 1, 1);
        count(&p, 5000, &column, 1, 1);
        count(&p, 4000, &column, 1, 1);
        ck_assert(minute->open && minute->bucket == 5000);
        ck_assert(hour->open && hour->bucket == 5000 / 60);
        count(&p, 4000, &column, 1, 1);
        ck_assert(minute->open && minute->bucket == 4000);
        compare(&p, 5010);
        pairs_deinit(&p);
}
END_TEST

START_TEST(a_metric_that_comes_later_gets_its_columns_after_settling)
{
        uint16_t column = 4;
        Pairs p;

        pairs_init(&p);
        count(&p, 5000, &column, 1, 1);
        ck_assert_int_eq(fresh_settle(&p.fresh, lazy_grids(&p)), 0);
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++) {
                column = p.lazy[tier].n_columns;
                ck_assert_int_eq(grid_add_columns(&p.lazy[tier], column, 2), 0);
                ck_assert_int_eq(grid_add_columns(&p.plain[tier], column, 2), 0);
        }
        count(&p, 5000, &column, 1, 1);
        count(&p, 5000, &column, 1, 1);
        compare(&p, 5000);
        ck_assert_int_eq(fresh_settle(&p.fresh, lazy_grids(&p)), 0);
        ck_assert_uint_eq(grid_get(grid_row(&p.lazy[WINDOW_DAY], 0), p.lazy[WINDOW_DAY].bits, column), 2);
        pairs_deinit(&p);
}
END_TEST

static void write_image(void *user, const void *data, size_t n)
{
        buffer_append(user, data, n);
}

/* Also where the counts have to become wider for it. */
START_TEST(what_is_on_a_sheet_is_saved_with_its_grid)
{
        CX_CLEANUP(buffer_deinit) Buffer image = BUFFER_NULL;
        uint16_t columns[] = {3, 12};
        ImageReader from;
        Pairs p;

        pairs_init(&p);
        count(&p, 9000, columns, 2, 1);
        for (unsigned i = 0; i < 200; i++)
                count(&p, 5000, columns, 1 + i % 2, 1);
        count(&p, 4000, columns, 1, 1);
        count(&p, 4000, columns, 1, 1);
        for (unsigned i = 0; i < 100; i++)
                count(&p, 5000, columns, 1 + i % 2, 1);
        ck_assert(p.fresh.sheets[FRESH_MINUTE].open && p.fresh.sheets[FRESH_HOUR].open);
        ck_assert_uint_eq(p.lazy[WINDOW_MINUTE].bits, 8);
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++) {
                grid_save(&p.lazy[tier], &(ImageWriter){.write = write_image, .user = &image});
                grid_deinit(&p.lazy[tier]);
                for (unsigned m = 0; m < N_METRICS; m++)
                        ck_assert_int_eq(series_init(&p.lazy_series[tier][m], &p.lazy[tier], n_values[m]), 0);
        }
        ck_assert(!buffer_failed(&image));
        fresh_deinit(&p.fresh);
        from = (ImageReader){.at = (const unsigned char *)image.data, .n = image.n};
        for (unsigned tier = 0; tier < _WINDOW_TIER_N; tier++)
                ck_assert_int_eq(grid_load(&p.lazy[tier], &from), 0);
        ck_assert(!from.failed && from.n == 0);
        ck_assert_uint_eq(p.lazy[WINDOW_MINUTE].bits, 16);
        compare(&p, 5000);
        compare(&p, 9000);
        pairs_deinit(&p);
}
END_TEST

CHECK_MAIN("fresh", a_sheet_is_read_as_if_it_were_counted, more_in_a_minute_than_a_sheet_holds_is_counted,
           a_bucket_that_comes_twice_in_a_row_gets_the_sheet,
           a_metric_that_comes_later_gets_its_columns_after_settling,
           what_is_on_a_sheet_is_saved_with_its_grid)

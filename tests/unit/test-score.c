/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "daemon/core/score.h"
#include "tests/support/check_main.h"

static const Metric nps = {.name = "nps", .kind = METRIC_NPS, .lo = 0, .hi = 10};
static const Metric csat = {.name = "csat", .kind = METRIC_TOP2, .lo = 1, .hi = 5};
static const Metric mean = {.name = "mean", .kind = METRIC_MEAN, .lo = 1, .hi = 5};
static const Metric yes = {.name = "fcr", .kind = METRIC_YES, .lo = 0, .hi = 1};

static Tally nps_tally(uint64_t promoters, uint64_t passives, uint64_t detractors)
{
        return (Tally){{[10] = promoters, [7] = passives, [3] = detractors}};
}

START_TEST(nps_counts_promoters_less_detractors)
{
        Tally t = nps_tally(60, 25, 15), edges = {{[9] = 1, [8] = 1, [6] = 1, [10] = 1}};

        ck_assert(score_of(&nps, &t).value == 45);
        ck_assert(score_of(&nps, &edges).value == 25);
        t = nps_tally(3, 1, 4);
        ck_assert(score_of(&nps, &t).value == -12.5);
        t = nps_tally(100, 99, 101);
        ck_assert(score_of(&nps, &t).value == -100. / 300);
        ck_assert_double_eq_tol(score_interval(&nps, &t).low, 100 * interval_nps(100, 99, 101).low, 1e-12);
}
END_TEST

START_TEST(shares_count_the_best_boxes)
{
        Metric top3 = csat, top1 = csat, wait = csat;
        Tally t = {{1, 2, 4, 8, 16}};
        Tally answers = {{3, 9}};

        top1.kind = METRIC_TOP1;
        top3.kind = METRIC_TOP3;
        wait.lower_is_better = true;
        ck_assert(score_of(&csat, &t).value == 100. * 24 / 31);
        ck_assert(score_of(&top1, &t).value == 100. * 16 / 31);
        ck_assert(score_of(&top3, &t).value == 100. * 28 / 31);
        ck_assert(score_of(&wait, &t).value == 100. * 3 / 31);
        ck_assert(score_of(&yes, &answers).value == 75);
        ck_assert(score_of(&yes, &answers).mean == .75);
        ck_assert(score_of(&csat, &t).mean == (1 + 4 + 12 + 32 + 80) / 31.);
        ck_assert(score_interval(&csat, &t).low == 100 * interval_share(24, 31).low);
}
END_TEST

START_TEST(a_mean_is_on_the_scale_of_the_answers)
{
        Tally t = {{1, 2, 4, 8, 16}};
        double squares = 0, m = 129. / 31;

        for (int v = 0; v < 5; v++)
                squares += (double)t.counts[v] * (v + 1 - m) * (v + 1 - m);
        ck_assert(score_of(&mean, &t).value == m);
        ck_assert_double_eq_tol(score_interval(&mean, &t).high, interval_mean(m, squares, 31).high, 1e-12);
}
END_TEST

START_TEST(an_interval_of_a_mean_stays_on_the_scale_and_has_a_width)
{
        Tally apart = {{1, 0, 0, 0, 1}}, same = {{0, 0, 5}}, worst = {{5}}, one = {{0, 1}};
        /* t(.975, 4) = 2.776445; s = sqrt(1/12) */
        double width = 2.776445105 * sqrt(1. / 12) / sqrt(5);
        Interval i = score_interval(&mean, &apart);

        ck_assert(i.low == 1 && i.high == 5);
        i = score_interval(&mean, &same);
        ck_assert_double_eq_tol(i.low, 3 - width, 1e-8);
        ck_assert_double_eq_tol(i.high, 3 + width, 1e-8);
        i = score_interval(&mean, &worst);
        ck_assert(i.low == 1);
        ck_assert_double_eq_tol(i.high, 1 + width, 1e-8);
        ck_assert(isnan(score_interval(&mean, &one).low));
}
END_TEST

START_TEST(no_answers_make_no_value)
{
        const Metric *all[] = {&nps, &csat, &mean, &yes};
        Tally none = TALLY_NULL;

        for (size_t i = 0; i < CX_ARRAY_LEN(all); i++) {
                Score s = score_of(all[i], &none);
                Interval bounds = score_interval(all[i], &none);

                ck_assert(s.n == 0 && isnan(s.value) && isnan(s.mean));
                ck_assert(isnan(bounds.low) && isnan(bounds.high));
        }
}
END_TEST

START_TEST(the_wrong_side_of_what_is_better_when_low_is_above)
{
        Metric wait = mean, boxes = csat;

        wait.lower_is_better = true;
        boxes.lower_is_better = true;
        ck_assert(!score_wrong_is_above(&mean));
        ck_assert(score_wrong_is_above(&wait));
        ck_assert(!score_wrong_is_above(&boxes));
}
END_TEST

static unsigned n_vectors;

static void check_vector(const char *line)
{
        uint64_t p, n, d;
        double want;
        Tally t;

        if (sscanf(line, "nps,P=%" SCNu64 " N=%" SCNu64 " D=%" SCNu64 ",nps100,%lf", &p, &n, &d, &want) != 4)
                return;
        t = nps_tally(p, n, d);
        ck_assert_double_eq_tol(score_of(&nps, &t).value, want, 1e-9 * fabs(want) + 1e-300);
        n_vectors++;
}

START_TEST(every_nps_vector_is_met)
{
        if (shared_lines("data/test_vectors.csv", check_vector))
                ck_assert_uint_eq(n_vectors, 7);
}
END_TEST

CHECK_MAIN("score", nps_counts_promoters_less_detractors, shares_count_the_best_boxes,
           a_mean_is_on_the_scale_of_the_answers, an_interval_of_a_mean_stays_on_the_scale_and_has_a_width,
           no_answers_make_no_value, the_wrong_side_of_what_is_better_when_low_is_above,
           every_nps_vector_is_met)

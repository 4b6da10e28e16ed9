/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "daemon/core/interval.h"
#include "proto/base/text.h"
#include "tests/support/check_main.h"

static void expect(double is, double want)
{
        ck_assert_msg(fabs(is - want) <= 1e-9 * fabs(want), "%.17g, not %.17g", is, want);
}

/* Within half of the last printed digit. */
static void expect_rounded(double is, double want, double unit)
{
        ck_assert_msg(fabs(is - want) <= .5000001 * unit, "%.17g, not %.17g", is, want);
}

START_TEST(published_wilson_intervals_are_met)
{
        Interval i = interval_share(81, 263);

        expect_rounded(i.low, .2553, 1e-4);
        expect_rounded(i.high, .3662, 1e-4);
        i = interval_share(0, 20);
        ck_assert(i.low == 0);
        expect_rounded(i.high, .1611, 1e-4);
        i = interval_share(18, 18);
        ck_assert(i.high == 1);
        i = interval_share(0, 0);
        ck_assert(isnan(i.low) && isnan(i.high));
}
END_TEST

START_TEST(published_nps_intervals_are_met)
{
        Interval i = interval_nps(60, 25, 15);

        expect_rounded(i.low, .293431, 1e-6);
        expect_rounded(i.high, .580355, 1e-6);
        i = interval_nps(3, 0, 0);
        expect_rounded(i.low, -.065793, 1e-6);
        ck_assert(i.high == 1);
        i = interval_nps(0, 0, 0);
        ck_assert(isnan(i.low) && isnan(i.high));
}
END_TEST

START_TEST(quantiles_of_t_are_those_of_the_tables)
{
        static const struct {
                double p, df, t;
        } rows[] = {
                {.975, 1, 12.706204736174698},
                {.975, 2, 4.302652729749464},
                {.975, 3, 3.182446305283709},
                {.975, 5, 2.570581835636315},
                {.975, 10, 2.2281388519649385},
                {.975, 30, 2.0422724563012373},
                {.975, 100, 1.9839715185235518},
                {.975, 120, 1.979930405082422},
                {.95, 4, 2.13184678632665},
                {.995, 10, 3.1692726726169518},
                {.9, 1, 3.0776835371752527},
                {.999, 2, 22.327124770119873},
                {.975, 1000, 1.9623390808264078},
                {.025, 5, -2.570581835636315},
                {.5, 7, 0},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++)
                expect(interval_t_quantile(rows[i].p, rows[i].df), rows[i].t);
        ck_assert(isnan(interval_t_quantile(1, 3)));
        ck_assert(isnan(interval_t_quantile(.9, 0)));
}
END_TEST

/* For 1 and 2 degrees the quantile has a closed form; both methods meet at the seam of 1000. */
START_TEST(quantiles_of_t_agree_with_closed_forms)
{
        for (int i = 0; i < 100; i++) {
                double p = .51 + .0049 * i, a = 2 * p - 1;

                expect(interval_t_quantile(p, 1), tan(M_PI * (p - .5)));
                expect(interval_t_quantile(p, 2), a * sqrt(2 / (1 - a * a)));
                expect(interval_t_quantile(1 - p, 2), -a * sqrt(2 / (1 - a * a)));
        }
        for (int df = 1; df < 3000; df++)
                ck_assert(interval_t_quantile(.975, df) > interval_t_quantile(.975, df + 1));
        ck_assert_double_eq_tol(interval_t_quantile(.975, 999.999999), interval_t_quantile(.975, 1000),
                                1e-11);
        expect(interval_t_quantile(.975, 1e15), 1.959963984540054);
}
END_TEST

START_TEST(a_mean_has_an_interval_from_two_answers_on)
{
        Interval i = interval_mean(3, 2, 3); /* 2, 3, 4: s = 1 */

        expect(i.low, 3 - 4.302652729749464 / sqrt(3));
        expect(i.high, 3 + 4.302652729749464 / sqrt(3));
        i = interval_mean(4, 0, 2);
        ck_assert(i.low == 4 && i.high == 4);
        i = interval_mean(4, 0, 1);
        ck_assert(isnan(i.low) && isnan(i.high));
}
END_TEST

START_TEST(published_intervals_of_differences_are_met)
{
        /* Newcombe 1998, table II, method 10. */
        static const struct {
                uint64_t k1, n1, k2, n2;
                double low, high;
        } rows[] = {
                {56, 70, 48, 80, .0524, .3339}, {9, 10, 3, 10, .1705, .8090},  {6, 7, 2, 7, .0582, .8062},
                {5, 56, 0, 29, -.0381, .1926},  {0, 10, 0, 20, -.1611, .2775}, {0, 10, 0, 10, -.2775, .2775},
                {10, 10, 0, 20, .6791, 1.},     {10, 10, 0, 10, .6075, 1.},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++) {
                Interval d = interval_difference(
                        (double)rows[i].k1 / (double)rows[i].n1, interval_share(rows[i].k1, rows[i].n1),
                        (double)rows[i].k2 / (double)rows[i].n2, interval_share(rows[i].k2, rows[i].n2));

                ck_assert_double_eq_tol(d.low, rows[i].low, 5.1e-5);
                ck_assert_double_eq_tol(d.high, rows[i].high, 5.1e-5);
        }
}
END_TEST

static unsigned n_shares, n_nps;

static void check_vector(const char *line)
{
        uint64_t k, n, p, d;
        char bound[16];
        double want;
        Interval i;

        if (sscanf(line, "wilson95,k=%" SCNu64 " n=%" SCNu64 ",%15[a-z],%lf", &k, &n, bound, &want) == 4) {
                i = interval_share(k, n);
                n_shares++;
        } else if (sscanf(line, "nps_adjwald95,P=%" SCNu64 " N=%" SCNu64 " D=%" SCNu64 ",%15[a-z],%lf", &p,
                          &n, &d, bound, &want) == 5) {
                double total = (double)(p + n + d) + 3;
                double centre = ((double)p - (double)d) / total;

                i = interval_nps(p, n, d);
                n_nps++;
                if (strcmp(bound, "centre") == 0)
                        i = (Interval){.low = centre, .high = centre};
                else if (strcmp(bound, "se") == 0)
                        i.low = (centre - i.low) / 1.959963984540054;
        } else {
                return;
        }
        expect(strcmp(bound, "upper") == 0 ? i.high : i.low, want);
}

START_TEST(every_vector_of_wilson_and_nps_is_met)
{
        if (!shared_lines("data/test_vectors.csv", check_vector))
                return;
        ck_assert_uint_eq(n_shares, 24);
        ck_assert_uint_eq(n_nps, 28);
}
END_TEST

CHECK_MAIN("interval", published_wilson_intervals_are_met, published_nps_intervals_are_met,
           quantiles_of_t_are_those_of_the_tables, quantiles_of_t_agree_with_closed_forms,
           a_mean_has_an_interval_from_two_answers_on, published_intervals_of_differences_are_met,
           every_vector_of_wilson_and_nps_is_met)

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The score and its spread against the published numbers of other methods, and the interval that is shown beside them:
 * it must lie where the best of them (the score interval, which needs an iteration) lies, also where the simple ones have
 * no width at all.
 */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "daemon/core/score.h"
#include "tests/support/check_main.h"

static const Metric nps = {.name = "nps", .kind = METRIC_NPS, .lo = 0, .hi = 10};

static const double z = 1.959963984540054, simultaneous = 2.447746830680816; /* sqrt(-2 log(.05)) */

typedef struct Row {
        uint64_t p, n, d;
        double s, variance, se; /* from the score as it is shown */
} Row;

static void fill(Row *r)
{
        Tally t = TALLY_NULL;
        double total = (double)(r->p + r->n + r->d);

        t.counts[10] = r->p;
        t.counts[8] = r->n;
        t.counts[3] = r->d;
        r->s = score_of(&nps, &t).value / 100;
        r->variance = (double)(r->p + r->d) / total - r->s * r->s;
        r->se = sqrt(r->variance / total);
}

/* The share of detractors that makes the answers likeliest if the true score is @s. */
static double likeliest(const Row *r, double s)
{
        double low = s < 0 ? -s : 0, high = (1 - s) / 2;

        for (int i = 0; i < 200; i++) {
                double d = low + (high - low) / 2;
                double slope = (double)r->p / (d + s) + (double)r->d / d - 2 * (double)r->n / (1 - 2 * d - s);

                if (slope > 0)
                        low = d;
                else
                        high = d;
        }
        return low + (high - low) / 2;
}

/* How many standard errors the true score @s lies above what was seen. */
static double distance(const Row *r, double s)
{
        double total = (double)(r->p + r->n + r->d), d = likeliest(r, s);

        return (s - r->s) / sqrt((2 * d + s - s * s) / total);
}

static double score_bound(const Row *r, bool upper)
{
        double inner = r->s, outer = upper ? 1 : -1;

        for (int i = 0; i < 200; i++) {
                double s = inner + (outer - inner) / 2;

                if (fabs(distance(r, s)) < z)
                        inner = s;
                else
                        outer = s;
        }
        return inner;
}

static void expect(const char *line, double is, double want, double relative)
{
        ck_assert_msg(fabs(is - want) <= fmax(relative * fabs(want), 1e-15), "%s: %.17g", line, is);
}

static unsigned n_plain, n_wald, n_goodman, n_score;

static void check_width(const char *line)
{
        Row r = {.p = 100, .n = 100, .d = 100};
        double want;

        fill(&r);
        ck_assert_int_eq(sscanf(line, "%*[^,],%*[^,],points,%lf", &want), 1);
        expect(line, 2 * z * r.se * 100 * sqrt(300), want, 1e-9);
        n_wald++;
}

static void check_score(const char *line, const Row *r, bool upper, double want)
{
        Interval ours = interval_nps(r->p, r->n, r->d);

        expect(line, score_bound(r, upper), want, 1e-6);
        ck_assert_msg(fabs((upper ? ours.high : ours.low) - want) < .3 / sqrt((double)(r->p + r->n + r->d)),
                      "%s: far off", line);
        n_score++;
}

static void check_vector(const char *line)
{
        char method[32], quantity[32];
        double sign, want;
        bool upper;
        Row r;

        if (strncmp(line, "nps_wald95 width,", 17) == 0) {
                check_width(line);
                return;
        }
        if (sscanf(line, "%31[a-z0-9_],P=%" SCNu64 " N=%" SCNu64 " D=%" SCNu64 ",%31[a-z0-9],%lf", method,
                   &r.p, &r.n, &r.d, quantity, &want) != 6)
                return;
        fill(&r);
        upper = strcmp(quantity, "upper") == 0;
        sign = upper ? 1 : -1;
        if (strcmp(method, "nps") == 0) {
                n_plain++;
                expect(line,
                       strcmp(quantity, "nps100") == 0     ? 100 * r.s
                       : strcmp(quantity, "variance") == 0 ? r.variance
                                                           : r.se,
                       want, 1e-9);
        } else if (strcmp(method, "nps_wald95") == 0) {
                n_wald++;
                expect(line, r.s + sign * z * r.se, want, 1e-9);
        } else if (strcmp(method, "nps_goodman95") == 0) {
                n_goodman++;
                expect(line, r.s + sign * simultaneous * r.se, want, 1e-9);
        } else if (strcmp(method, "nps_score95") == 0) {
                check_score(line, &r, upper, want);
        }
}

START_TEST(every_other_vector_of_nps_is_met)
{
        if (!shared_lines("data/test_vectors.csv", check_vector))
                return;
        ck_assert_uint_eq(n_plain, 21);
        ck_assert_uint_eq(n_wald, 15);
        ck_assert_uint_eq(n_goodman, 14);
        ck_assert_uint_eq(n_score, 14);
}
END_TEST

CHECK_MAIN("nps_vectors", every_other_vector_of_nps_is_met)

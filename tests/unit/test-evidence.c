/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "daemon/core/evidence.h"
#include "tests/support/check_main.h"
#include "tests/support/series_case.h"

static const Metric nps = {.name = "nps", .kind = METRIC_NPS, .lo = 0, .hi = 10};
static const Metric csat = {.name = "csat", .kind = METRIC_MEAN, .lo = 1, .hi = 5};
static const Metric yes = {.name = "fcr", .kind = METRIC_YES, .lo = 0, .hi = 1};

static void expect(double is, double want)
{
        ck_assert_msg(fabs(is - want) <= 1e-9 * fabs(want), "%.17g, not %.17g", is, want);
}

/* E of one start with all answers on its day. */
static double e_value(const Metric *m, double target, bool above, Tally t)
{
        EvidencePast past = {{-INFINITY, -INFINITY, -INFINITY, -INFINITY}};
        Evidence e;

        ck_assert_int_eq(evidence_init(&e, m, target, above), 0);
        return evidence_sum(&e, &past, &t);
}

START_TEST(published_e_values_are_met)
{
        expect(e_value(&yes, 80, false, (Tally){{15, 15}}), 232.1256862482834);
        expect(e_value(&yes, 80, false, (Tally){{10, 20}}), 1.907685389266634);
        expect(e_value(&yes, 80, false, (Tally){{6, 24}}), .30437652276195165);
        expect(e_value(&yes, 70, false, (Tally){{350, 650}}), 49.2874734805542);
        expect(e_value(&nps, 20, false, (Tally){{[9] = 30, [8] = 20, [0] = 50}}), 4926.134694332857);
        expect(e_value(&csat, 4, false, (Tally){{20, 10, 15, 30, 25}}), 183873.63920655817);
}
END_TEST

START_TEST(too_high_is_the_mirror_image_of_too_low)
{
        Metric wait = csat;

        expect(e_value(&yes, 20, true, (Tally){{15, 15}}), 232.1256862482834);
        expect(e_value(&csat, 2, true, (Tally){{25, 30, 15, 10, 20}}), 183873.63920655817);
        /* Where low is good, too high is the wrong side of the same answers. */
        wait.lower_is_better = true;
        expect(e_value(&wait, 2, true, (Tally){{25, 30, 15, 10, 20}}), 183873.63920655817);
        expect(e_value(&wait, 4, false, (Tally){{20, 10, 15, 30, 25}}), 183873.63920655817);
}
END_TEST

START_TEST(a_target_at_the_end_of_the_scale_is_none)
{
        Evidence e;

        ck_assert_int_eq(evidence_init(&e, &yes, 100, false), EVIDENCE_E_TARGET);
        ck_assert_int_eq(evidence_init(&e, &yes, 0, false), EVIDENCE_E_TARGET);
        ck_assert_int_eq(evidence_init(&e, &nps, -100, false), EVIDENCE_E_TARGET);
        ck_assert_int_eq(evidence_init(&e, &csat, 1, true), EVIDENCE_E_TARGET);
        ck_assert_int_eq(evidence_init(&e, &csat, 3, true), 0);
}
END_TEST

/* x = 0 0 1 0 0 0 1 0 0 0 with m = .8, one answer after the other, as in alert_hand_m080.csv. */
static void walk_by_hand(const double want[10])
{
        static const unsigned x[10] = {0, 0, 1, 0, 0, 0, 1, 0, 0, 0};
        Tally t = TALLY_NULL;

        for (unsigned i = 0; i < 10; i++) {
                t.counts[x[i]]++;
                expect(e_value(&yes, 80, false, t), want[i]);
        }
}

START_TEST(ten_answers_by_hand)
{
        const double want[10] = {2.2,
                                 5.68,
                                 2.956,
                                 7.6096,
                                 21.97312,
                                 68.6663680000001,
                                 29.3837056,
                                 90.5533081600002,
                                 294.091927552001,
                                 988.959890636802};

        walk_by_hand(want);
}
END_TEST

static double by_hand[10];
static unsigned n_by_hand;

/* The last column, behind the line with the names. */
static void take_by_hand(const char *line)
{
        const char *last = strrchr(line, ',');

        ck_assert_ptr_nonnull(last);
        if (n_by_hand > 0 && n_by_hand <= 10)
                by_hand[n_by_hand - 1] = strtod(last + 1, NULL);
        n_by_hand++;
}

START_TEST(the_file_of_hand_numbers_is_met)
{
        if (!shared_lines("data/alert_hand_m080.csv", take_by_hand))
                return;
        ck_assert_uint_gt(n_by_hand, 10);
        walk_by_hand(by_hand);
}
END_TEST

static unsigned n_vectors;

static void check_vector(const char *line)
{
        uint64_t k, n, c[5];
        double m, want;

        if (strncmp(line, "e_value,", 8) != 0)
                return;
        if (sscanf(line, "e_value,binary k=%" SCNu64 " n=%" SCNu64 " m=%lf,E,%lf", &k, &n, &m, &want) == 4)
                expect(e_value(&yes, 100 * m, false, (Tally){{n - k, k}}), want);
        else if (sscanf(line,
                        "e_value,\"CSAT hist 1..5 = %" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64
                        " target mean %lf (m=.75)\",E,%lf",
                        &c[0], &c[1], &c[2], &c[3], &c[4], &m, &want) == 7)
                expect(e_value(&csat, m, false, (Tally){{c[0], c[1], c[2], c[3], c[4]}}), want);
        else if (sscanf(line,
                        "e_value,NPS P=%" SCNu64 " N=%" SCNu64 " D=%" SCNu64 " target NPS +%lf (m=.60),E,%lf",
                        &c[0], &c[1], &c[2], &m, &want) == 5)
                expect(e_value(&nps, m, false, (Tally){{[10] = c[0], [7] = c[1], [6] = c[2]}}), want);
        else if (sscanf(line, "e_value,m=.8 x=0010001000 (8 fails of 10) see alert_hand_m080.csv,E,%lf",
                        &want) == 1)
                expect(e_value(&yes, 80, false, (Tally){{8, 2}}), want);
        else
                ck_abort_msg("not understood: %s", line);
        n_vectors++;
}

START_TEST(every_e_value_vector_is_met)
{
        if (shared_lines("data/test_vectors.csv", check_vector))
                ck_assert_uint_eq(n_vectors, 8);
}
END_TEST

/* The sum over starts, term by term, with gaps between the days. */
START_TEST(the_sum_over_starts_is_that_of_its_terms)
{
        uint64_t random = 99;
        Evidence e;

        ck_assert_int_eq(evidence_init(&e, &csat, 3.6, false), 0);
        for (unsigned round = 0; round < 300; round++) {
                Tally days[40] = {0};
                double want = 0, best = 0, is;
                int32_t best_day = 0, is_day = -1;
                EvidencePast past;
                Series s;
                Grid g = GRID_NULL;

                ck_assert_int_eq(series_init(&s, &g, 5), 0);
                for (unsigned i = 0; i < round; i++) {
                        unsigned day, value;

                        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
                        day = (unsigned)(random >> 33) % 40;
                        value = (unsigned)(random >> 50) % 5;
                        if (day % 3 != 1) {
                                days[day].counts[value]++;
                                series_count(&s, (int32_t)day, value, 1, 0);
                        }
                }
                for (int32_t start = 5; start < 40; start++) {
                        Tally t = TALLY_NULL;
                        double value;

                        for (int32_t d = start; d < 40; d++)
                                for (unsigned v = 0; v < 5; v++)
                                        t.counts[v] += days[d].counts[v];
                        value = e_value(&csat, 3.6, false, t);
                        want += value;
                        if (value > best * (1 + 1e-12)) {
                                best = value;
                                best_day = start;
                        }
                }
                evidence_past(&e, &s, 5, 39, &past);
                expect(evidence_sum(&e, &past, &days[39]), want);
                is = evidence_best(&e, &s, 5, 39, &is_day);
                expect(is, best);
                ck_assert_int_eq(is_day, best_day);
                grid_deinit(&g);
        }
}
END_TEST

/* Ten days that meet the target, and ten that do not. */
START_TEST(overwhelming_evidence_still_begins_where_it_begins)
{
        Evidence e;
        Series s;
        Grid g = GRID_NULL;
        int32_t day = -1;

        ck_assert_int_eq(evidence_init(&e, &yes, 80, false), 0);
        ck_assert_int_eq(series_init(&s, &g, 2), 0);
        for (int32_t d = 0; d < 20; d++)
                for (unsigned i = 0; i < 2000; i++)
                        series_count(&s, d, d < 10 ? i % 20 >= 3 : i % 2, 1, 0);
        ck_assert(evidence_best(&e, &s, 0, 19, &day) > 1e300);
        ck_assert_int_eq(day, 10);
        grid_deinit(&g);
}
END_TEST

START_TEST(overwhelming_evidence_stays_a_number)
{
        EvidencePast past;
        Tally none = TALLY_NULL;
        Evidence e;
        Series s;
        Grid g = GRID_NULL;
        double sum;

        ck_assert_int_eq(evidence_init(&e, &yes, 80, false), 0);
        ck_assert_int_eq(series_init(&s, &g, 2), 0);
        for (unsigned i = 0; i < 20000; i++)
                series_count(&s, (int32_t)(i % 20), 0, 1, 0);
        evidence_past(&e, &s, 0, 20, &past);
        sum = evidence_sum(&e, &past, &none);
        ck_assert(isfinite(sum) && sum > 1e300);
        /* And good answers bring it down again, by as much as they should. */
        none.counts[1] = 60000;
        ck_assert(evidence_sum(&e, &past, &none) < sum);
        grid_deinit(&g);
}
END_TEST

CHECK_MAIN("evidence", published_e_values_are_met, too_high_is_the_mirror_image_of_too_low,
           a_target_at_the_end_of_the_scale_is_none, ten_answers_by_hand, the_file_of_hand_numbers_is_met,
           every_e_value_vector_is_met, the_sum_over_starts_is_that_of_its_terms,
           overwhelming_evidence_still_begins_where_it_begins, overwhelming_evidence_stays_a_number)

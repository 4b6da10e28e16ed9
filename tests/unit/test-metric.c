/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <math.h>

#include "proto/metric.h"
#include "tests/support/check_main.h"

START_TEST(kinds_read_back_and_ces_is_the_best_three)
{
        MetricKind kind;

        for (MetricKind k = 0; k < _METRIC_KIND_N; k++) {
                ck_assert_int_eq(metric_kind_parse(text_of(metric_kind_name(k)), &kind), 0);
                ck_assert_int_eq(kind, k);
        }
        ck_assert_int_eq(metric_kind_parse(TEXT("ces"), &kind), 0);
        ck_assert_int_eq(kind, METRIC_TOP3);
        ck_assert_int_eq(metric_kind_parse(TEXT("top4"), &kind), -EINVAL);
        ck_assert_str_eq(metric_unit(METRIC_NPS), "points");
        ck_assert_str_eq(metric_unit(METRIC_MEAN), "");
        ck_assert_str_eq(metric_unit(METRIC_YES), "%");
}
END_TEST

START_TEST(names_begin_with_a_letter)
{
        static const char *const good[] = {"nps", "N", "first_call-resolved.v2", "azAZ09"};
        static const char *const bad[] = {"",   "1nps", "_nps", ".x", "a b",      "a/b",      "a:",
                                          "a@", "a[",   "a`",   "a{", "\xC3\xB1", "a\xC3\xB1"};
        char longest[METRIC_NAME_MAX + 1];

        for (size_t i = 0; i < CX_ARRAY_LEN(good); i++)
                ck_assert_msg(metric_name_ok(text_of(good[i])), "%s", good[i]);
        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++)
                ck_assert_msg(!metric_name_ok(text_of(bad[i])), "%s", bad[i]);
        memset(longest, 'x', sizeof(longest));
        ck_assert(metric_name_ok((Text){.at = longest, .n = METRIC_NAME_MAX}));
        ck_assert(!metric_name_ok((Text){.at = longest, .n = METRIC_NAME_MAX + 1}));
}
END_TEST

static void expect(MetricKind kind, int lo, int hi, bool lower, const double *scaled, double target,
                   double scaled_target)
{
        const Metric m = {.kind = kind, .lo = lo, .hi = hi, .lower_is_better = lower};

        for (int v = lo; v <= hi; v++)
                ck_assert_msg(fabs(metric_scaled(&m, v) - scaled[v - lo]) < 1e-15, "%s %d: %g",
                              metric_kind_name(kind), v, metric_scaled(&m, v));
        ck_assert_msg(fabs(metric_scaled_target(&m, target) - scaled_target) < 1e-15, "%s target: %g",
                      metric_kind_name(kind), metric_scaled_target(&m, target));
}

START_TEST(answers_and_targets_share_one_scale_where_1_is_best)
{
        expect(METRIC_NPS, 0, 10, false, (double[]){0, 0, 0, 0, 0, 0, 0, .5, .5, 1, 1}, 20, .6);
        expect(METRIC_TOP1, 1, 5, false, (double[]){0, 0, 0, 0, 1}, 30, .3);
        expect(METRIC_TOP2, 1, 5, false, (double[]){0, 0, 0, 1, 1}, 85, .85);
        expect(METRIC_TOP3, 1, 7, false, (double[]){0, 0, 0, 0, 1, 1, 1}, 75, .75);
        expect(METRIC_TOP2, 1, 5, true, (double[]){1, 1, 0, 0, 0}, 85, .85);
        expect(METRIC_MEAN, 1, 5, false, (double[]){0, .25, .5, .75, 1}, 4, .75);
        expect(METRIC_MEAN, 1, 5, true, (double[]){1, .75, .5, .25, 0}, 2, .75);
        expect(METRIC_YES, 0, 1, false, (double[]){0, 1}, 75, .75);
        expect(METRIC_YES, 0, 1, true, (double[]){1, 0}, 10, .9);
        expect(METRIC_RESPONSE, 0, 1, false, (double[]){0, 1}, 20, .2);
}
END_TEST

START_TEST(the_scaled_bounds_of_a_figure_are_0_and_1)
{
        for (MetricKind kind = 0; kind < _METRIC_KIND_N; kind++) {
                const Metric m = {
                        .kind = kind, .lo = kind == METRIC_MEAN ? 1 : 0, .hi = kind == METRIC_MEAN ? 5 : 1};
                double low, high;

                metric_bounds(&m, &low, &high);
                ck_assert_double_eq(metric_scaled_target(&m, low), 0);
                ck_assert_double_eq(metric_scaled_target(&m, high), 1);
        }
}
END_TEST

CHECK_MAIN("metric", kinds_read_back_and_ces_is_the_best_three, names_begin_with_a_letter,
           answers_and_targets_share_one_scale_where_1_is_best, the_scaled_bounds_of_a_figure_are_0_and_1)

/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>

#include "proto/figure.h"
#include "tests/support/check_main.h"

static void expect(const Figure *f, const char *json)
{
        Buffer b = BUFFER_NULL;
        JsonOut out = JSON_OUT_INIT(&b);

        figure_write(f, &out);
        ck_assert_str_eq(buffer_str(&b), json);
        buffer_deinit(&b);
}

START_TEST(a_figure_is_written_as_the_manual_says)
{
        const Metric csat = {
                .name = "csat", .kind = METRIC_TOP2, .lo = 1, .hi = 5, .has_target = true, .target = 85};
        const Figure f = {
                .scope_kind = SCOPE_QUEUE,
                .scope_name = TEXT("billing-es"),
                .metric = &csat,
                .window = TEXT("28d"),
                .at = 1795256400 * USEC_SEC,
                .n = 214,
                .counts = {12, 9, 25, 78, 90},
                .value = 78.5,
                .low = 72.5,
                .high = 83.5,
                .mean = 4.05,
                .state = FIGURE_BELOW,
                .trend = -3.1,
                .trend_low = -9.8,
                .trend_high = 3.9,
        };

        expect(&f, "{\"scope\":\"queue/"
                   "billing-es\",\"metric\":\"csat\",\"window\":\"28d\",\"at\":\"2026-11-21T10:20:00Z\","
                   "\"n\":214,\"value\":78.5,\"low\":72.5,\"high\":83.5,\"mean\":4.05,\"target\":85,"
                   "\"state\":\"below\","
                   "\"trend\":-3.1,\"trend_low\":-9.8,\"trend_high\":3.9,\"counts\":{\"1\":12,\"2\":9,\"3\":"
                   "25,\"4\":78,\"5\":90}}");
}
END_TEST

START_TEST(what_there_is_not_is_null_and_the_scale_is_complete)
{
        const Metric fcr = {.name = "fcr", .kind = METRIC_YES, .lo = 0, .hi = 1};
        const Figure f = {
                .scope_kind = SCOPE_ORG,
                .metric = &fcr,
                .window = TEXT("1h"),
                .value = (double)NAN,
                .low = (double)NAN,
                .high = (double)NAN,
                .mean = (double)NAN,
                .trend = (double)NAN,
                .trend_low = (double)NAN,
                .trend_high = (double)NAN,
        };

        expect(&f, "{\"scope\":\"org\",\"metric\":\"fcr\",\"window\":\"1h\",\"at\":\"1970-01-01T00:00:00Z\","
                   "\"n\":0,"
                   "\"value\":null,\"low\":null,\"high\":null,\"mean\":null,\"target\":null,\"state\":\"no_"
                   "data\","
                   "\"trend\":null,\"trend_low\":null,\"trend_high\":null,\"counts\":{\"no\":0,\"yes\":0}}");
}
END_TEST

START_TEST(the_longest_scope_name_is_written_whole)
{
        const Metric m = {.name = "m", .kind = METRIC_RESPONSE, .lo = 0, .hi = 1};
        char name[SCOPE_NAME_MAX];
        Buffer b = BUFFER_NULL;
        JsonOut out = JSON_OUT_INIT(&b);
        Figure f = {.scope_kind = SCOPE_REGION, .metric = &m, .window = TEXT("1h")};

        memset(name, 'x', sizeof(name));
        f.scope_name = (Text){.at = name, .n = sizeof(name)};
        figure_write(&f, &out);
        ck_assert_int_eq(strncmp(buffer_str(&b), "{\"scope\":\"region/xxx", 19), 0);
        ck_assert_uint_eq(strspn(b.data + 17, "x"), SCOPE_NAME_MAX);
        ck_assert_int_eq(b.data[17 + SCOPE_NAME_MAX], '"');
        buffer_deinit(&b);
}
END_TEST

START_TEST(states_have_names)
{
        static const char *const names[] = {"no_data", "insufficient", "ok", "below", "above"};

        for (FigureState s = 0; s < _FIGURE_STATE_N; s++)
                ck_assert_str_eq(figure_state_name(s), names[s]);
}
END_TEST

CHECK_MAIN("figure", a_figure_is_written_as_the_manual_says,
           what_there_is_not_is_null_and_the_scale_is_complete, the_longest_scope_name_is_written_whole,
           states_have_names)

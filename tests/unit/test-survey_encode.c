/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/support/survey_case.h"

static void expect_canonical(const char *json, const char *canonical)
{
        Buffer b = BUFFER_NULL, again = BUFFER_NULL;
        Survey s = good(json);

        survey_encode(&s, &b);
        ck_assert_str_eq(buffer_str(&b), canonical);
        s = good(buffer_str(&b));
        survey_encode(&s, &again);
        ck_assert_str_eq(buffer_str(&again), canonical);
        buffer_deinit(&b);
        buffer_deinit(&again);
}

START_TEST(the_canonical_form_does_not_depend_on_how_it_was_sent)
{
        static const char canonical[] =
                "{\"id\":\"1\",\"ts\":\"2026-11-21T10:15:30.250Z\",\"agent\":\"ana\",\"queue\":\"q\",\"rev\":"
                "2,"
                "\"answers\":{\"B\":null,\"a\":0.1,\"ab\":true,\"b\":5},\"comment\":\"x\\ny\"}";

        expect_canonical(canonical, canonical);
        expect_canonical(
                "{\"comment\":\"x\\u000ay\",\"answers\":{\"b\":5.0,\"ab\":true,\"a\":1e-1,\"B\":null},"
                "\"rev\":2.0,"
                "\"x\":1,\"status\":\"answered\",\"queue\":\"\\u0071\",\"agent\":\"ana\",\"customer\":null,"
                "\"ts\":1795256130.25,\"id\":\"1\"}",
                canonical);
        expect_canonical(
                WITH(",\"answers\":{},\"status\":\"opted_out\""),
                "{\"id\":\"1\",\"ts\":\"1970-01-01T00:00:00Z\",\"queue\":\"q\",\"status\":\"opted_out\"}");
        expect_canonical(
                WITH(",\"answers\":{\"a\":-0.0}"),
                "{\"id\":\"1\",\"ts\":\"1970-01-01T00:00:00Z\",\"queue\":\"q\",\"answers\":{\"a\":0}}");
}
END_TEST

START_TEST(all_fields_are_written_in_their_order)
{
        static const char all[] =
                "{\"id\":\"1\",\"ts\":\"9999-12-31T23:59:59.999999Z\",\"contact\":\"c\",\"agent\":\"a\","
                "\"queue\":\"q\","
                "\"customer\":\"k\",\"channel\":\"v\",\"reason\":\"r\",\"status\":\"expired\",\"rev\":0,"
                "\"answers\":{\"n\":1,\"o\":9,\"p\":10,\"q\":-1,\"r\":99.5},\"comment\":\"t\"}";

        expect_canonical(all, all);
}
END_TEST

CHECK_MAIN("survey_encode", the_canonical_form_does_not_depend_on_how_it_was_sent,
           all_fields_are_written_in_their_order)

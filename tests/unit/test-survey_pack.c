/* SPDX-License-Identifier: Apache-2.0 */

#include "proto/survey_pack.h"
#include "tests/support/survey_case.h"

/* What was read of a line, in memory that goes. */
static void pack_line(const char *json, Buffer *to)
{
        size_t n = strlen(json);
        char *line = strdup(json), *scratch = malloc(n);
        Fault fault;
        Survey s;

        ck_assert_msg(survey_decode(&s, line, n, scratch, false, &fault, NULL) == 0, "%s", fault.text);
        survey_pack(&s, to);
        ck_assert(!buffer_failed(to));
        memset(&s, 0xA5, sizeof(s));
        memset(line, '?', n);
        memset(scratch, '?', n);
        free(line);
        free(scratch);
}

static void expect_packed(const Buffer *packed, size_t at, const char *canonical)
{
        Buffer b = BUFFER_NULL;
        Survey s;

        memset(&s, 0xA5, sizeof(s));
        survey_unpack(packed, at, &s);
        survey_encode(&s, &b);
        ck_assert_msg(strcmp(buffer_str(&b), canonical) == 0, "%.300s", b.data);
        buffer_deinit(&b);
}

START_TEST(surveys_come_back_whole)
{
        static const char *const lines[] = {
                "{\"id\":\"1\",\"ts\":\"2026-11-21T10:15:30.250Z\",\"contact\":\"c\",\"agent\":\"ana\","
                "\"queue\":\"q\","
                "\"customer\":\"kk\",\"channel\":\"voice\",\"reason\":\"r\",\"status\":\"expired\",\"rev\":"
                "12,"
                "\"answers\":{\"n\":null,\"o\":9,\"pp\":true,\"q\":-1,\"r\":99.5,\"s\":false},\"comment\":"
                "\"one\\nmore\"}",
                "{\"id\":\"2\",\"ts\":\"1970-01-01T00:00:00Z\",\"queue\":\"q\"}",
                "{\"id\":\"3\",\"ts\":\"9999-12-31T23:59:59.999999Z\",\"queue\":\"\xC3\xB1\",\"rev\":0,"
                "\"comment\":\"the last\"}",
        };
        Buffer packed = BUFFER_NULL;
        size_t at[CX_ARRAY_LEN(lines)];

        for (size_t i = 0; i < CX_ARRAY_LEN(lines); i++) {
                at[i] = packed.n;
                pack_line(lines[i], &packed);
        }
        for (size_t i = CX_ARRAY_LEN(lines); i-- > 0;)
                expect_packed(&packed, at[i], lines[i]);
        buffer_deinit(&packed);
}
END_TEST

START_TEST(what_is_absent_stays_absent)
{
        Buffer packed = BUFFER_NULL;
        Survey s;

        pack_line("{\"id\":\"1\",\"ts\":0,\"queue\":\"q\"}", &packed);
        survey_unpack(&packed, 0, &s);
        ck_assert_ptr_null(s.contact.at);
        ck_assert_ptr_null(s.agent.at);
        ck_assert_ptr_null(s.customer.at);
        ck_assert_ptr_null(s.channel.at);
        ck_assert_ptr_null(s.reason.at);
        ck_assert_ptr_null(s.comment.at);
        ck_assert_int_eq(s.rev, -1);
        ck_assert_uint_eq(s.n_answers, 0);
        ck_assert_int_eq(s.status, SURVEY_ANSWERED);
        buffer_deinit(&packed);
}
END_TEST

/* As long, and as many, as they may be. */
START_TEST(the_largest_survey_comes_back_whole)
{
        Buffer line = BUFFER_NULL, packed = BUFFER_NULL;
        char text[SURVEY_TEXT_MAX + 1], comment[SURVEY_COMMENT_MAX + 1];

        memset(text, 'x', SURVEY_TEXT_MAX);
        text[SURVEY_TEXT_MAX] = '\0';
        memset(comment, 'y', SURVEY_COMMENT_MAX);
        comment[SURVEY_COMMENT_MAX] = '\0';
        buffer_append_format(&line, "{\"id\":\"%s\",\"ts\":\"2026-11-21T10:15:30Z\"", text);
        for (size_t i = 0; i < 6; i++)
                buffer_append_format(
                        &line, ",\"%s\":\"%s\"",
                        (const char *[]){"contact", "agent", "queue", "customer", "channel", "reason"}[i],
                        text);
        buffer_append_str(&line, ",\"answers\":{");
        for (int i = 0; i < SURVEY_ANSWERS_MAX; i++)
                buffer_append_format(&line, "%s\"%02d%.*s\":%d", i ? "," : "", i, METRIC_NAME_MAX - 2, text,
                                     i);
        buffer_append_format(&line, "},\"comment\":\"%s\"}", comment);
        pack_line("{\"id\":\"1\",\"ts\":\"1970-01-01T00:00:00Z\",\"queue\":\"q\"}", &packed);
        pack_line(buffer_str(&line), &packed);
        expect_packed(&packed, 0, "{\"id\":\"1\",\"ts\":\"1970-01-01T00:00:00Z\",\"queue\":\"q\"}");
        buffer_reset(&packed);
        pack_line(buffer_str(&line), &packed);
        expect_packed(&packed, 0, buffer_str(&line));
        buffer_deinit(&line);
        buffer_deinit(&packed);
}
END_TEST

CHECK_MAIN("survey_pack", surveys_come_back_whole, what_is_absent_stays_absent,
           the_largest_survey_comes_back_whole)

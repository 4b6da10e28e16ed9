/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "tests/support/survey_case.h"

START_TEST(every_field_is_read)
{
        Survey s = good(
                "{\"id\":\"sv-8812\",\"ts\":\"2026-11-21T10:15:30.250Z\",\"contact\":\"c-7731\",\"agent\":"
                "\"ana.ruiz\","
                "\"queue\":\"billing-es\",\"customer\":\"k1\",\"channel\":\"voice\",\"reason\":\"invoice\","
                "\"status\":\"started\",\"rev\":12,\"answers\":{\"nps\":10,\"csat\":-2.5e1,\"fcr\":false,"
                "\"ok\":true,\"knowledge\":null},\"comment\":\"third call\\nabout \\u00F1\\ud83d\\ude00\"}");

        ck_assert(text_is(s.id, "sv-8812"));
        ck_assert_int_eq(s.ts, 1795256130250 * USEC_MSEC);
        ck_assert(text_is(s.contact, "c-7731"));
        ck_assert(text_is(s.agent, "ana.ruiz"));
        ck_assert(text_is(s.queue, "billing-es"));
        ck_assert(text_is(s.customer, "k1"));
        ck_assert(text_is(s.channel, "voice"));
        ck_assert(text_is(s.reason, "invoice"));
        ck_assert_int_eq(s.status, SURVEY_STARTED);
        ck_assert_int_eq(s.rev, 12);
        ck_assert_uint_eq(s.n_answers, 5);
        ck_assert(text_is(s.answers[0].metric, "nps"));
        ck_assert(s.answers[0].kind == ANSWER_NUMBER && s.answers[0].value == 10);
        ck_assert(s.answers[1].kind == ANSWER_NUMBER && s.answers[1].value == -25);
        ck_assert(s.answers[2].kind == ANSWER_BOOL && s.answers[2].value == 0);
        ck_assert(s.answers[3].kind == ANSWER_BOOL && s.answers[3].value == 1);
        ck_assert(s.answers[4].kind == ANSWER_NULL && text_is(s.answers[4].metric, "knowledge"));
        ck_assert(text_is(s.comment, "third call\nabout \xC3\xB1\xF0\x9F\x98\x80"));
}
END_TEST

START_TEST(optional_fields_may_be_absent_null_or_empty)
{
        Survey a = good(WITH("")),
               b = good(WITH(",\"agent\":null,\"comment\":\"\",\"status\":null,\"rev\":null,"
                             "\"answers\":null,\"reason\":\"\""));

        ck_assert_ptr_null(a.agent.at);
        ck_assert_ptr_null(a.comment.at);
        ck_assert_int_eq(a.status, SURVEY_ANSWERED);
        ck_assert_int_eq(a.rev, -1);
        ck_assert_uint_eq(a.n_answers, 0);
        ck_assert_ptr_null(b.agent.at);
        ck_assert_ptr_null(b.comment.at);
        ck_assert_ptr_null(b.reason.at);
        ck_assert_int_eq(b.status, SURVEY_ANSWERED);
        ck_assert_int_eq(b.rev, -1);
        ck_assert_uint_eq(b.n_answers, 0);
        good(" \t\r\n{ \"id\" : \"1\" , \"ts\" : 0 , \"queue\" : \"q\" , \"answers\" : { } } \r\n");
}
END_TEST

START_TEST(required_fields_are_named)
{
        bad("{}", FAULT_MISSING, "id");
        bad("{\"ts\":0,\"queue\":\"q\"}", FAULT_MISSING, "id");
        bad("{\"id\":\"\",\"ts\":0,\"queue\":\"q\"}", FAULT_MISSING, "id");
        bad("{\"id\":null,\"ts\":0,\"queue\":\"q\"}", FAULT_MISSING, "id");
        bad("{\"id\":\"1\",\"queue\":\"q\"}", FAULT_MISSING, "ts");
        bad("{\"id\":\"1\",\"ts\":null,\"queue\":\"q\"}", FAULT_MISSING, "ts");
        bad("{\"id\":\"1\",\"ts\":\"\",\"queue\":\"q\"}", FAULT_MISSING, "ts");
        bad("{\"id\":\"1\",\"ts\":0}", FAULT_MISSING, "queue");
        bad("{\"id\":\"1\",\"ts\":0,\"queue\":\"\"}", FAULT_MISSING, "queue");
}
END_TEST

START_TEST(a_wrong_type_is_named)
{
        bad("{\"id\":1,\"ts\":0,\"queue\":\"q\"}", FAULT_TYPE, "id");
        bad("{\"id\":\"1\",\"ts\":true,\"queue\":\"q\"}", FAULT_TYPE, "ts");
        bad("{\"id\":\"1\",\"ts\":\"yesterday\",\"queue\":\"q\"}", FAULT_TYPE, "ts");
        bad("{\"id\":\"1\",\"ts\":\"2026-11-21\",\"queue\":\"q\"}", FAULT_TYPE, "ts");
        bad(WITH(",\"agent\":{\"name\":\"x\"}"), FAULT_TYPE, "agent");
        bad(WITH(",\"comment\":[]"), FAULT_TYPE, "comment");
        bad(WITH(",\"status\":1"), FAULT_TYPE, "status");
        bad(WITH(",\"status\":\"done\""), FAULT_RANGE, "status");
        bad(WITH(",\"rev\":\"1\""), FAULT_TYPE, "rev");
        bad(WITH(",\"answers\":[1]"), FAULT_TYPE, "answers");
        bad(WITH(",\"answers\":{\"nps\":\"9\"}"), FAULT_TYPE, "answers.nps");
        bad(WITH(",\"answers\":{\"csat\":5,\"nps\":{\"v\":9}}"), FAULT_TYPE, "answers.nps");
        bad("[]", FAULT_TYPE, "");
        bad("5", FAULT_TYPE, "");
        bad("\"x\"", FAULT_TYPE, "");
}
END_TEST

START_TEST(revisions_are_whole_numbers_from_0)
{
        ck_assert_int_eq(good(WITH(",\"rev\":0")).rev, 0);
        ck_assert_int_eq(good(WITH(",\"rev\":-0")).rev, 0);
        ck_assert_int_eq(good(WITH(",\"rev\":9223372036854775807")).rev, INT64_MAX);
        ck_assert_int_eq(good(WITH(",\"rev\":3.0")).rev, 3);
        ck_assert_int_eq(good(WITH(",\"rev\":1e3")).rev, 1000);
        ck_assert_int_eq(good(WITH(",\"rev\":0.0")).rev, 0);
        ck_assert_int_eq(good(WITH(",\"rev\":-0.0")).rev, 0);
        ck_assert_int_eq(good(WITH(",\"rev\":9007199254740993")).rev, 9007199254740993);
        bad(WITH(",\"rev\":-1.0"), FAULT_RANGE, "rev");
        bad(WITH(",\"rev\":-0.5"), FAULT_RANGE, "rev");
        bad(WITH(",\"rev\":-1e300"), FAULT_RANGE, "rev");
        bad(WITH(",\"rev\":-1"), FAULT_RANGE, "rev");
        bad(WITH(",\"rev\":1.5"), FAULT_RANGE, "rev");
        bad(WITH(",\"rev\":9223372036854775808"), FAULT_RANGE, "rev");
        bad(WITH(",\"rev\":9223372036854775808.0"), FAULT_RANGE, "rev");
        bad(WITH(",\"rev\":1e999"), FAULT_RANGE, "rev");
}
END_TEST

static void expect_ts(const char *number, usec_t ts)
{
        char json[256];

        snprintf(json, sizeof(json), "{\"id\":\"1\",\"ts\":%s,\"queue\":\"q\"}", number);
        if (ts >= 0)
                ck_assert_int_eq(good(json).ts, ts);
        else
                bad(json, FAULT_RANGE, "ts");
}

START_TEST(unix_seconds_are_exact_to_the_microsecond)
{
        expect_ts("0", 0);
        expect_ts("-0", 0);
        expect_ts("-0.0e5", 0);
        expect_ts("1795256130", 1795256130 * USEC_SEC);
        expect_ts("1795256130.25", 1795256130250 * USEC_MSEC);
        expect_ts("1795256130.000001", 1795256130 * USEC_SEC + 1);
        expect_ts("1795256130.0000019999999999999999999", 1795256130 * USEC_SEC + 1);
        expect_ts("253402300799.999999", USEC_CIVIL_MAX);
        expect_ts("253402300799.9999999999", USEC_CIVIL_MAX);
        expect_ts("200000000000.123457", 200000000000123457);
        expect_ts("1.795256130250001e9", 1795256130250001);
        expect_ts("1795256130250001E-6", 1795256130250001);
        expect_ts("0.000001", 1);
        expect_ts("0.0000009", 0);
        expect_ts("1e-400", 0);
        expect_ts("0e99999999999999999999", 0);
        expect_ts("0.00000000000000000000000000001795256130e38", 1795256130 * USEC_SEC);
        expect_ts("17952561300000000000000000000e-19", 1795256130 * USEC_SEC);
        expect_ts("253402300800", -1);
        expect_ts("1795256130250", -1);
        expect_ts("-1", -1);
        expect_ts("-0.000001", -1);
        expect_ts("1e12", -1);
        expect_ts("1e999", -1);
        expect_ts("99999999999999999999999999", -1);
}
END_TEST

START_TEST(names_have_1_to_128_printable_bytes)
{
        char json[512], name[SURVEY_TEXT_MAX + 2];

        memset(name, 'x', sizeof(name));
        snprintf(json, sizeof(json), WITH(",\"agent\":\"%.*s\""), SURVEY_TEXT_MAX, name);
        ck_assert_uint_eq(good(json).agent.n, SURVEY_TEXT_MAX);
        snprintf(json, sizeof(json), WITH(",\"agent\":\"%.*s\""), SURVEY_TEXT_MAX + 1, name);
        bad(json, FAULT_RANGE, "agent");
        bad(WITH(",\"agent\":\"a\\u0007b\""), FAULT_RANGE, "agent");
        bad(WITH(",\"agent\":\"a\\nb\""), FAULT_RANGE, "agent");
        bad(WITH(",\"agent\":\"a\x7F\""), FAULT_RANGE, "agent");
        for (unsigned i = 0; i < 24; i++) { /* wherever it stands in a word */
                snprintf(json, sizeof(json), WITH(",\"agent\":\"%.*s\x7F%.*s\""), (int)i, name, (int)(24 - i),
                         name);
                bad(json, FAULT_RANGE, "agent");
        }
        bad(WITH(",\"agent\":\"\xE2\x80\xAE\""), FAULT_RANGE, "agent");
        ck_assert(text_is(good(WITH(",\"agent\":\"Bego\xC3\xB1"
                                    "a \\\"B\\\"\""))
                                  .agent,
                          "Bego\xC3\xB1"
                          "a \"B\""));
        bad(WITH(",\"answers\":{\"\":1}"), FAULT_RANGE, "answers");
        bad(WITH(",\"answers\":{\"\\u001b\":1}"), FAULT_RANGE, "answers");
        snprintf(json, sizeof(json), WITH(",\"answers\":{\"%.*s\":1}"), METRIC_NAME_MAX, name);
        good(json);
        snprintf(json, sizeof(json), WITH(",\"answers\":{\"%.*s\":1}"), METRIC_NAME_MAX + 1, name);
        bad(json, FAULT_RANGE, "answers");
}
END_TEST

START_TEST(comments_may_have_lines_but_no_controls)
{
        static char json[2 * SURVEY_COMMENT_MAX], text[SURVEY_COMMENT_MAX + 2];

        ck_assert(text_is(good(WITH(",\"comment\":\"a\\tb\\r\\nc \xE2\x80\x8E\"")).comment,
                          "a\tb\r\nc \xE2\x80\x8E"));
        bad(WITH(",\"comment\":\"\\u0001\""), FAULT_RANGE, "comment");
        bad(WITH(",\"comment\":\"\\u007f\""), FAULT_RANGE, "comment");
        bad(WITH(",\"comment\":\"\xC2\x85\""), FAULT_RANGE, "comment");
        bad(WITH(",\"comment\":\"\xC2\x80\""), FAULT_RANGE, "comment");
        bad(WITH(",\"comment\":\"ab\xC2\x9F\""), FAULT_RANGE, "comment");
        bad(WITH(",\"comment\":\"ab\xC2\x9Fzz\""), FAULT_RANGE, "comment");
        bad(WITH(",\"comment\":\"several words\\u001f and more\""), FAULT_RANGE, "comment");
        good(WITH(",\"comment\":\"several words\xC2\xA0 and more~\""));
        ck_assert_ptr_null(good(WITH(",\"comment\":null")).comment.at);
        bad(WITH(",\"comment\":null,\"rev\":-1"), FAULT_RANGE, "rev");
        memset(text, 'x', sizeof(text));
        snprintf(json, sizeof(json), WITH(",\"comment\":\"%.*s\""), SURVEY_COMMENT_MAX, text);
        ck_assert_uint_eq(good(json).comment.n, SURVEY_COMMENT_MAX);
        snprintf(json, sizeof(json), WITH(",\"comment\":\"%.*s\""), SURVEY_COMMENT_MAX + 1, text);
        bad(json, FAULT_RANGE, "comment");
}
END_TEST

START_TEST(unknown_fields_are_counted_or_refused)
{
        char json[512], name[SURVEY_TEXT_MAX + 1];
        size_t n_ignored = 9;
        Survey s;
        Fault f;

        ck_assert_int_eq(decode_as(TEXT(WITH(",\"x\":1,\"Agent\":\"a\"")), false, &s, &f, &n_ignored), 0);
        ck_assert_uint_eq(n_ignored, 2);
        ck_assert_int_eq(decode_as(TEXT(WITH(",\"x\":1")), true, &s, &f, &n_ignored), 1);
        ck_assert_int_eq(f.code, FAULT_FIELD);
        ck_assert_str_eq(f.field, "x");
        ck_assert_uint_eq(n_ignored, 2);
        ck_assert_int_eq(decode_as(TEXT(WITH(",\"\\u001b\":1")), true, &s, &f, NULL), 1);
        ck_assert_int_eq(f.code, FAULT_FIELD);
        ck_assert_str_eq(f.field, "");
        ck_assert_int_eq(decode_as(TEXT(WITH(",\"\":1")), true, &s, &f, NULL), 1);
        ck_assert_int_eq(f.code, FAULT_FIELD);
        ck_assert_str_eq(f.field, "");
        /* Its name is shown as long as a name may be. */
        memset(name, 'x', sizeof(name));
        for (int n = SURVEY_TEXT_MAX; n <= SURVEY_TEXT_MAX + 1; n++) {
                snprintf(json, sizeof(json), WITH(",\"%.*s\":1"), n, name);
                ck_assert_int_eq(decode_as(text_of(json), true, &s, &f, NULL), 1);
                ck_assert_int_eq(f.code, FAULT_FIELD);
                ck_assert_uint_eq(strlen(f.field), n == SURVEY_TEXT_MAX ? SURVEY_TEXT_MAX : 0);
        }
        ck_assert_int_eq(decode_as(TEXT(WITH("")), true, &s, &f, &n_ignored), 0);
        ck_assert_uint_eq(n_ignored, 0);
}
END_TEST

START_TEST(of_several_faults_the_first_is_reported)
{
        bad("{\"id\":1,\"ts\":true,\"answers\":{\"nps\":[]}}", FAULT_TYPE, "id");
        bad("{\"answers\":{\"csat\":1e999,\"nps\":1e999},\"rev\":1,\"x\":1}", FAULT_RANGE, "answers.csat");
        bad("{\"answers\":{\"csat\":[1e999],\"nps\":5},\"rev\":1,\"x\":1}", FAULT_TYPE, "answers.csat");
        bad("{\"x\":1e999,\"y\":1e999,\"rev\":-1}", FAULT_RANGE, "x");
        bad("{\"rev\":1e999,\"answers\":{\"nps\":5}}", FAULT_RANGE, "rev");
        bad("{\"ts\":1e999,\"rev\":5,\"x\":1}", FAULT_RANGE, "ts");
        bad("{\"queue\":null,\"agent\":[]}", FAULT_TYPE, "agent");
}
END_TEST

/* It may have fields that a later version wrote. */
START_TEST(what_is_stored_is_read_or_said_to_be_broken)
{
        static char scratch[SURVEY_SCRATCH_BYTES];
        Survey s;

        ck_assert_int_eq(survey_decode_stored(&s, TEXT(WITH(",\"later\":[1],\"rev\":3")), scratch), 0);
        ck_assert_int_eq(s.rev, 3);
        ck_assert_int_eq(survey_decode_stored(&s, TEXT("{\"id\":\"1\",\"ts\":0}"), scratch), -EBADMSG);
        ck_assert_int_eq(survey_decode_stored(&s, TEXT("{"), scratch), -EBADMSG);
        ck_assert_int_eq(survey_decode_stored(&s, TEXT(""), scratch), -EBADMSG);
}
END_TEST

START_TEST(the_id_is_known_for_the_report)
{
        Survey s;
        Fault f;

        ck_assert_int_eq(decode(TEXT("{\"id\":\"sv-1\",\"ts\":-1,\"queue\":\"q\"}"), &s, &f), 1);
        ck_assert(text_is(s.id, "sv-1"));
        ck_assert_int_eq(decode(TEXT("{\"id\":\"sv-1\",\"ts\":"), &s, &f), 1);
        ck_assert(text_is(s.id, "sv-1"));
        ck_assert_int_eq(decode(TEXT("{\"id\":[\"sv-1\"]}"), &s, &f), 1);
        ck_assert_ptr_null(s.id.at);
}
END_TEST

START_TEST(a_survey_of_more_than_64_kib_is_too_long)
{
        static char json[SURVEY_BYTES_MAX + 1];

        memset(json, ' ', sizeof(json));
        memcpy(json, WITH(""), sizeof(WITH("")) - 1);
        bad_text((Text){.at = json, .n = sizeof(json)}, FAULT_TOO_LONG, "");
        Survey s;
        Fault f;
        ck_assert_int_eq(decode((Text){.at = json, .n = sizeof(json) - 1}, &s, &f), 0);
}
END_TEST

CHECK_MAIN("survey_decode", every_field_is_read, optional_fields_may_be_absent_null_or_empty,
           required_fields_are_named, a_wrong_type_is_named, revisions_are_whole_numbers_from_0,
           unix_seconds_are_exact_to_the_microsecond, names_have_1_to_128_printable_bytes,
           comments_may_have_lines_but_no_controls, unknown_fields_are_counted_or_refused,
           of_several_faults_the_first_is_reported, what_is_stored_is_read_or_said_to_be_broken,
           the_id_is_known_for_the_report, a_survey_of_more_than_64_kib_is_too_long)

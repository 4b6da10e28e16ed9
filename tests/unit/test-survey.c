/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>

#include "proto/survey.h"
#include "tests/support/check_main.h"

#define NOW (1795256130 * USEC_SEC)

static const Metric metrics[] = {
        {.name = "nps", .kind = METRIC_NPS, .lo = 0, .hi = 10},
        {.name = "csat", .kind = METRIC_TOP2, .lo = 1, .hi = 5},
        {.name = "fcr", .kind = METRIC_YES, .lo = 0, .hi = 1},
        {.name = "rr", .kind = METRIC_RESPONSE, .lo = 0, .hi = 1},
        {.name = "np", .kind = METRIC_MEAN, .lo = -3, .hi = 3},
};

static const SurveyRules lenient = {
        .metrics = metrics,
        .n_metrics = CX_ARRAY_LEN(metrics),
        .future_skew = 5 * USEC_MIN,
        .retention = 400 * USEC_DAY,
};

static Survey survey_of(const char *metric, AnswerKind kind, double value)
{
        Survey s = {.id = TEXT("1"), .queue = TEXT("q"), .ts = NOW, .rev = -1, .n_answers = 1};

        s.answers[0] = (Answer){.metric = text_of(metric), .kind = kind, .value = value};
        return s;
}

START_TEST(statuses_read_back)
{
        SurveyStatus back;

        for (SurveyStatus status = 0; status < _SURVEY_STATUS_N; status++) {
                ck_assert_int_eq(survey_status_parse(text_of(survey_status_name(status)), &back), 0);
                ck_assert_int_eq(back, status);
        }
        ck_assert_int_eq(survey_status_parse(TEXT("Answered"), &back), -EINVAL);
        ck_assert_int_eq(survey_status_parse(TEXT_NULL, &back), -EINVAL);
}
END_TEST

START_TEST(answers_are_found_by_their_whole_name)
{
        Survey s = survey_of("nps", ANSWER_NUMBER, 7);

        ck_assert_ptr_eq(survey_answer(&s, TEXT("nps")), &s.answers[0]);
        ck_assert_ptr_null(survey_answer(&s, TEXT("np")));
        ck_assert_ptr_null(survey_answer(&s, TEXT("npsx")));
}
END_TEST

START_TEST(answers_outside_the_scale_are_refused_with_their_field)
{
        static const struct {
                const char *metric;
                AnswerKind kind;
                double value;
                FaultCode code;
        } rows[] = {
                {"nps", ANSWER_NUMBER, 0, FAULT_NONE},       {"nps", ANSWER_NUMBER, 10, FAULT_NONE},
                {"nps", ANSWER_NUMBER, 11, FAULT_RANGE},     {"nps", ANSWER_NUMBER, -1, FAULT_RANGE},
                {"nps", ANSWER_NUMBER, 5.5, FAULT_RANGE},    {"nps", ANSWER_NUMBER, 1e300, FAULT_RANGE},
                {"nps", ANSWER_NUMBER, -1e300, FAULT_RANGE}, {"nps", ANSWER_BOOL, 1, FAULT_TYPE},
                {"nps", ANSWER_NULL, 0, FAULT_NONE},         {"csat", ANSWER_NUMBER, 0, FAULT_RANGE},
                {"csat", ANSWER_NUMBER, 6, FAULT_RANGE},     {"csat", ANSWER_NULL, 0, FAULT_NONE},
                {"np", ANSWER_NUMBER, -3, FAULT_NONE},       {"np", ANSWER_NUMBER, -3.5, FAULT_RANGE},
                {"fcr", ANSWER_BOOL, 0, FAULT_NONE},         {"fcr", ANSWER_BOOL, 1, FAULT_NONE},
                {"fcr", ANSWER_NUMBER, 1, FAULT_NONE},       {"fcr", ANSWER_NUMBER, 2, FAULT_RANGE},
                {"fcr", ANSWER_NUMBER, .5, FAULT_RANGE},     {"rr", ANSWER_NUMBER, 1, FAULT_METRIC},
                {"rr", ANSWER_NULL, 0, FAULT_METRIC},        {"other", ANSWER_NUMBER, 1e300, FAULT_NONE},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++) {
                Survey s = survey_of(rows[i].metric, rows[i].kind, rows[i].value);
                Fault f = FAULT_NULL;
                char field[32];
                int r = survey_check(&s, &lenient, NOW, &f, NULL);

                ck_assert_msg(r == (rows[i].code != FAULT_NONE) && f.code == rows[i].code, "row %zu: %s", i,
                              fault_name(f.code));
                snprintf(field, sizeof(field), "answers.%s", rows[i].metric);
                if (r)
                        ck_assert_str_eq(f.field, field);
        }
}
END_TEST

START_TEST(a_sentence_names_the_scale)
{
        Survey s = survey_of("csat", ANSWER_NUMBER, 7);
        Fault f;

        ck_assert_int_eq(survey_check(&s, &lenient, NOW, &f, NULL), 1);
        ck_assert_str_eq(f.text, "must be a whole number from 1 to 5, or null");
}
END_TEST

START_TEST(unknown_metrics_are_counted_or_refused)
{
        Survey s = survey_of("unheard", ANSWER_NUMBER, 1);
        SurveyRules strict = lenient, none = {.retention = USEC_DAY};
        SurveyValues values = {.n_unknown = 99};
        Fault f;

        strict.strict = true;
        s.answers[s.n_answers++] = (Answer){.metric = TEXT("nps"), .kind = ANSWER_NUMBER, .value = 3};
        s.answers[s.n_answers++] = (Answer){.metric = TEXT("n"), .kind = ANSWER_NULL};
        ck_assert_int_eq(survey_check(&s, &lenient, NOW, &f, &values), 0);
        ck_assert_uint_eq(values.n_unknown, 2);
        ck_assert_int_eq(survey_check(&s, &none, NOW, &f, &values), 0);
        ck_assert_uint_eq(values.n_unknown, 3);
        ck_assert_int_eq(survey_check(&s, &strict, NOW, &f, &values), 1);
        ck_assert_int_eq(f.code, FAULT_METRIC);
        ck_assert_str_eq(f.field, "answers.unheard");
}
END_TEST

/* Whatever the order of the answers, each finds its own metric. */
START_TEST(the_order_of_answers_does_not_matter)
{
        static const char *const names[] = {"nps", "csat", "fcr", "np"};

        for (unsigned order = 0; order < 256; order++) {
                Survey s = survey_of("nps", ANSWER_NUMBER, 1);
                SurveyValues values;
                Fault f;

                s.n_answers = 4;
                for (unsigned i = 0; i < 4; i++)
                        s.answers[i] = (Answer){text_of(names[order >> 2 * i & 3]), ANSWER_NUMBER, 1};
                ck_assert_int_eq(survey_check(&s, &lenient, NOW, &f, &values), 0);
                ck_assert_uint_eq(values.n_unknown, 0);
        }
}
END_TEST

START_TEST(time_must_lie_between_retention_and_skew)
{
        Survey s = survey_of("nps", ANSWER_NUMBER, 1);
        SurveyRules endless = lenient;
        Fault f;

        s.ts = NOW + lenient.future_skew;
        ck_assert_int_eq(survey_check(&s, &lenient, NOW, &f, NULL), 0);
        s.ts++;
        ck_assert_int_eq(survey_check(&s, &lenient, NOW, &f, NULL), 1);
        ck_assert_int_eq(f.code, FAULT_FUTURE);
        ck_assert_str_eq(f.field, "ts");
        ck_assert_ptr_nonnull(strstr(f.text, "5m"));
        s.ts = NOW - lenient.retention;
        ck_assert_int_eq(survey_check(&s, &lenient, NOW, &f, NULL), 0);
        s.ts--;
        ck_assert_int_eq(survey_check(&s, &lenient, NOW, &f, NULL), 1);
        ck_assert_int_eq(f.code, FAULT_TOO_OLD);
        ck_assert_ptr_nonnull(strstr(f.text, "400d"));
        endless.retention = endless.future_skew = USEC_INFINITY;
        s.ts = 0;
        ck_assert_int_eq(survey_check(&s, &endless, NOW, &f, NULL), 0);
        s.ts = USEC_CIVIL_MAX;
        ck_assert_int_eq(survey_check(&s, &endless, NOW, &f, NULL), 0);
}
END_TEST

START_TEST(values_count_only_in_answered_surveys)
{
        Survey s = survey_of("csat", ANSWER_NUMBER, 4);
        int value = -1;

        ck_assert(survey_value(&s, &metrics[1], &value));
        ck_assert_int_eq(value, 4);
        ck_assert(!survey_value(&s, &metrics[0], &value));
        s.status = SURVEY_STARTED;
        ck_assert(!survey_value(&s, &metrics[1], &value));
        s = survey_of("csat", ANSWER_NULL, 0);
        ck_assert(!survey_value(&s, &metrics[1], &value));
        s = survey_of("csat", ANSWER_NUMBER, 9); /* the scale was 1..10 when it was stored */
        ck_assert(!survey_value(&s, &metrics[1], &value));
        s = survey_of("csat", ANSWER_NUMBER, 4.5);
        ck_assert(!survey_value(&s, &metrics[1], &value));
        s = survey_of("csat", ANSWER_BOOL, 1);
        ck_assert(!survey_value(&s, &metrics[1], &value));
        s = survey_of("fcr", ANSWER_BOOL, 0);
        ck_assert(survey_value(&s, &metrics[2], &value));
        ck_assert_int_eq(value, 0);
}
END_TEST

START_TEST(the_response_comes_from_the_status)
{
        static const struct {
                SurveyStatus status;
                bool counts;
                int value;
        } rows[] = {
                {SURVEY_ANSWERED, true, 1}, {SURVEY_EXPIRED, true, 0},  {SURVEY_OPTED_OUT, true, 0},
                {SURVEY_OFFERED, false, 0}, {SURVEY_STARTED, false, 0}, {SURVEY_RETRACTED, false, 0},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++) {
                Survey s = survey_of("nps", ANSWER_NUMBER, 1);
                int value = -1;

                s.status = rows[i].status;
                ck_assert_int_eq(survey_value(&s, &metrics[3], &value), rows[i].counts);
                ck_assert_int_eq(value, rows[i].counts ? rows[i].value : -1);
        }
}
END_TEST

START_TEST(many_values_at_once_are_those_asked_for_one_by_one)
{
        static const struct {
                const char *metric;
                AnswerKind kind;
                double value;
        } answers[] = {
                {"fcr", ANSWER_BOOL, 1},   {"nps", ANSWER_NUMBER, 10},   {"other", ANSWER_NUMBER, 3},
                {"np", ANSWER_NUMBER, -3}, {"csat", ANSWER_NUMBER, 2.5}, {"nps", ANSWER_NULL, 0},
                {"rr", ANSWER_NUMBER, 1},  {"csat", ANSWER_BOOL, 1},     {"csat", ANSWER_NUMBER, 5},
        };

        for (unsigned set = 0; set < 1U << CX_ARRAY_LEN(answers); set++) {
                Survey s = survey_of("none", ANSWER_NULL, 0);
                size_t n_unknown = 0;
                SurveyValues values, checked;
                Fault f;

                s.n_answers = 0;
                s.ts = NOW;
                s.status = (SurveyStatus)(set % _SURVEY_STATUS_N);
                for (size_t i = 0; i < CX_ARRAY_LEN(answers); i++) {
                        Text name = text_of(answers[i].metric);

                        if (!(set & 1U << i) || survey_answer(&s, name))
                                continue;
                        s.answers[s.n_answers++] =
                                (Answer){.metric = name, .kind = answers[i].kind, .value = answers[i].value};
                        n_unknown += i == 2;
                }
                survey_values(&s, metrics, CX_ARRAY_LEN(metrics), &values);
                ck_assert_uint_eq(values.n_unknown, n_unknown);
                if (survey_check(&s, &lenient, NOW, &f, &checked) == 0) {
                        ck_assert_uint_eq(checked.answered, values.answered);
                        ck_assert_uint_eq(checked.n_unknown, values.n_unknown);
                }
                for (size_t m = 0; m < CX_ARRAY_LEN(metrics); m++) {
                        int value;
                        bool has = survey_value(&s, &metrics[m], &value);

                        ck_assert_int_eq(has, values.answered >> m & 1);
                        if (has) {
                                ck_assert_int_eq(value, metrics[m].lo + values.values[m]);
                                if (survey_check(&s, &lenient, NOW, &f, &checked) == 0)
                                        ck_assert_int_eq(checked.values[m], values.values[m]);
                        }
                }
        }
}
END_TEST

CHECK_MAIN("survey", statuses_read_back, answers_are_found_by_their_whole_name,
           answers_outside_the_scale_are_refused_with_their_field, a_sentence_names_the_scale,
           unknown_metrics_are_counted_or_refused, the_order_of_answers_does_not_matter,
           time_must_lie_between_retention_and_skew, values_count_only_in_answered_surveys,
           the_response_comes_from_the_status, many_values_at_once_are_those_asked_for_one_by_one)

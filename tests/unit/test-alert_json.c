/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/server/alert_json.h"
#include "tests/support/alert_case.h"
#include "tests/support/check_main.h"

/* A text of so many bytes; it lives while one alert is put together. */
static const char *text_long(size_t n)
{
        static char texts[7 + ALERT_SURVEYS_MAX][1024];
        static size_t n_texts;
        char *text = texts[n_texts++ % CX_ARRAY_LEN(texts)];

        memset(text, 'x', n);
        text[n] = '\0';
        return text;
}

static Alert firing(void)
{
        Alert a = ALERT_NULL;

        memcpy(a.id, "0123456789abcdef", sizeof(a.id));
        a.rule = "low";
        a.scope_kind = SCOPE_AGENT;
        a.scope_name = "ana";
        a.metric = "csat";
        a.window = "28d";
        a.state = ALERT_FIRING;
        a.since = a.fired = a.changed = a.at = USEC_DAY;
        a.ordinal = 7;
        a.n = a.counts[1] = 3;
        return a;
}

/* What is read is what was written, and is written the same again. */
static void there_and_back(const Alert *a)
{
        Buffer first = BUFFER_NULL, second = BUFFER_NULL;
        Alert back;

        alert_encode(a, NULL, &first);
        ck_assert_int_eq(alert_decode(buffer_text(&first), &back), 0);
        ck_assert(alert_same(a, &back));
        alert_encode(&back, NULL, &second);
        ck_assert(text_equal(buffer_text(&first), buffer_text(&second)));
        alert_deinit(&back);
        buffer_deinit(&first);
        buffer_deinit(&second);
}

START_TEST(what_is_stored_is_read_the_same)
{
        Alert a = firing();

        there_and_back(&a);
        a.surveys[a.n_surveys++] = "s2";
        a.surveys[a.n_surveys++] = "s1";
        a.note = text_long(ALERT_NOTE_MAX);
        a.by = text_long(METRIC_NAME_MAX);
        a.outcome = text_long(METRIC_NAME_MAX);
        a.scope_name = text_long(SCOPE_NAME_MAX);
        there_and_back(&a);
        a.scope_kind = SCOPE_ORG;
        a.scope_name = "";
        for (a.n_surveys = 0; a.n_surveys < ALERT_SURVEYS_MAX; a.n_surveys++)
                a.surveys[a.n_surveys] = text_long(SURVEY_TEXT_MAX);
        there_and_back(&a);
}
END_TEST

START_TEST(the_side_of_one_that_was_stored_without_is_told_by_its_figure)
{
        Alert a = firing(), back;

        a.threshold_value = 80;
        for (int i = 0; i < 4; i++) {
                Buffer json = BUFFER_NULL;
                char *above;

                a.from = i & 2 ? USEC_DAY : 0;
                a.value = (i == 1 || i == 2) ? 90 : 70;
                a.from_value = i & 1 ? 90 : 70;
                alert_encode(&a, NULL, &json);
                above = strstr(buffer_str(&json), "\"above\"");
                ck_assert_ptr_nonnull(above);
                above[1] = 'A'; /* no version writes that */
                ck_assert_int_eq(alert_decode(buffer_text(&json), &back), 0);
                ck_assert(back.above == (i & 1));
                alert_deinit(&back);
                buffer_deinit(&json);
        }
        a.above = true;
        a.value = 0;
        there_and_back(&a);
}
END_TEST

START_TEST(what_is_too_long_is_cut_or_left_out)
{
        Alert a = firing(), back;
        Buffer json = BUFFER_NULL;

        a.surveys[a.n_surveys++] = text_long(SURVEY_TEXT_MAX + 1);
        a.note = text_long(ALERT_NOTE_MAX + 1);
        a.by = text_long(METRIC_NAME_MAX + 1);
        alert_encode(&a, NULL, &json);
        ck_assert_int_eq(alert_decode(buffer_text(&json), &back), 0);
        ck_assert_uint_eq(strlen(back.surveys[0]), SURVEY_TEXT_MAX);
        ck_assert_str_eq(back.note, "");
        ck_assert_str_eq(back.by, "");
        alert_deinit(&back);
        /* Names that nothing has are a mistake. */
        for (int i = 0; i < 2; i++) {
                a = firing();
                if (i == 0)
                        a.rule = text_long(RULE_NAME_MAX + 1);
                else
                        a.scope_name = text_long(SCOPE_NAME_MAX + 1);
                buffer_reset(&json);
                alert_encode(&a, NULL, &json);
                ck_assert_int_eq(alert_decode(buffer_text(&json), &back), -EINVAL);
        }
        buffer_deinit(&json);
}
END_TEST

CHECK_MAIN("alert_json", what_is_stored_is_read_the_same,
           the_side_of_one_that_was_stored_without_is_told_by_its_figure, what_is_too_long_is_cut_or_left_out)

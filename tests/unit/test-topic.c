/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "proto/topic.h"
#include "tests/support/check_main.h"

static void round_trip(const char *scope, const char *topic)
{
        char read[SCOPE_TEXT_MAX + 1];
        Buffer b = BUFFER_NULL;
        Text metric;

        topic_write(&b, "alert", text_of(scope), "csat");
        ck_assert_str_eq(buffer_str(&b), topic);
        ck_assert_int_eq(topic_parse(buffer_text(&b), read, &metric), 0);
        ck_assert_str_eq(read, scope);
        ck_assert(text_is(metric, "csat"));
        buffer_deinit(&b);
}

START_TEST(a_topic_reads_back_as_the_scope_and_metric_that_it_was_made_of)
{
        round_trip("org", "alert/org/csat");
        round_trip("agent/ana.ruiz", "alert/agent/ana.ruiz/csat");
        round_trip("queue/Admin Support", "alert/queue/Admin%20Support/csat");
        round_trip("queue/100 % a/b", "alert/queue/100%20%25%20a/b/csat");
        round_trip("agent/%41", "alert/agent/%2541/csat");
        round_trip("agent/Zo\xc3\xab", "alert/agent/Zo\xc3\xab/csat");
}
END_TEST

START_TEST(what_is_no_topic_of_a_scope_is_refused)
{
        static const char *const bad[] = {"", "tick", "alert/org"};
        char scope[SCOPE_TEXT_MAX + 1], large[2 * SCOPE_TEXT_MAX];
        Text metric;

        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++)
                ck_assert_int_eq(topic_parse(text_of(bad[i]), scope, &metric), -EINVAL);
        memset(large, 'x', sizeof(large));
        large[5] = large[sizeof(large) - 2] = '/';
        ck_assert_int_eq(topic_parse((Text){.at = large, .n = sizeof(large)}, scope, &metric), -EINVAL);
}
END_TEST

CHECK_MAIN("topic", a_topic_reads_back_as_the_scope_and_metric_that_it_was_made_of,
           what_is_no_topic_of_a_scope_is_refused)

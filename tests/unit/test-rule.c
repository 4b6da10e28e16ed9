/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/core/alert.h"
#include "daemon/core/rule.h"
#include "tests/support/check_main.h"

START_TEST(a_rule_covers_scopes_of_its_kind_by_name)
{
        Rule r = {.kind = SCOPE_AGENT, .scopes = "a*"}, org = {.kind = SCOPE_ORG};

        ck_assert(rule_covers(&r, SCOPE_AGENT, TEXT("ana")));
        ck_assert(!rule_covers(&r, SCOPE_AGENT, TEXT("bob")));
        ck_assert(!rule_covers(&r, SCOPE_TEAM, TEXT("ana")));
        ck_assert(rule_covers(&org, SCOPE_ORG, TEXT_NULL));
}
END_TEST

START_TEST(advice_is_that_of_the_role_or_the_first)
{
        Rule r = {.n_advice = 2, .advice = {{"lead", "listen"}, {"planner", "staff"}}},
             none = {.n_advice = 0};

        ck_assert_str_eq(rule_advice(&r, "planner"), "staff");
        ck_assert_str_eq(rule_advice(&r, "director"), "listen");
        ck_assert_str_eq(rule_advice(&r, NULL), "listen");
        ck_assert_ptr_null(rule_advice(&none, "lead"));
}
END_TEST

START_TEST(names_of_states_and_reasons_read_back)
{
        AlertReason reason;
        AlertState state;

        for (AlertState i = 0; i < _ALERT_STATE_N; i++) {
                ck_assert_int_eq(alert_state_parse(text_of(alert_state_name(i)), &state), 0);
                ck_assert_int_eq(state, i);
        }
        for (AlertReason i = ALERT_RECOVERED; i < _ALERT_REASON_N; i++) {
                ck_assert_int_eq(alert_reason_parse(text_of(alert_reason_name(i)), &reason), 0);
                ck_assert_int_eq(reason, i);
        }
        ck_assert_ptr_null(alert_reason_name(ALERT_NO_REASON));
        ck_assert_int_eq(alert_state_parse(TEXT("burning"), &state), -EINVAL);
        ck_assert_int_eq(alert_reason_parse(TEXT(""), &reason), -EINVAL);
        ck_assert_str_eq(rule_test_name(RULE_INTERVAL), "interval");
        ck_assert_str_eq(severity_name(SEVERITY_CRITICAL), "critical");
}
END_TEST

CHECK_MAIN("rule", a_rule_covers_scopes_of_its_kind_by_name, advice_is_that_of_the_role_or_the_first,
           names_of_states_and_reasons_read_back)

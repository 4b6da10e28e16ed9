/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "proto/scope.h"
#include "tests/support/check_main.h"

START_TEST(kinds_read_back)
{
        for (ScopeKind kind = 0; kind < _SCOPE_KIND_N; kind++) {
                ScopeKind back;

                ck_assert_int_eq(scope_kind_parse(text_of(scope_kind_name(kind)), &back), 0);
                ck_assert_int_eq(back, kind);
        }
}
END_TEST

START_TEST(a_scope_is_a_kind_and_a_name)
{
        ScopeKind kind;
        Text name;

        ck_assert_int_eq(scope_parse(TEXT("agent/ana.ruiz"), &kind, &name), 0);
        ck_assert_int_eq(kind, SCOPE_AGENT);
        ck_assert(text_is(name, "ana.ruiz"));
        ck_assert_int_eq(scope_parse(TEXT("queue/a/b"), &kind, &name), 0);
        ck_assert_int_eq(kind, SCOPE_QUEUE);
        ck_assert(text_is(name, "a/b"));
        ck_assert_int_eq(scope_parse(TEXT("team/a"), &kind, &name), 0);
        ck_assert(text_is(name, "a"));
        ck_assert_int_eq(scope_parse(TEXT("org"), &kind, &name), 0);
        ck_assert_int_eq(kind, SCOPE_ORG);
        ck_assert_uint_eq(name.n, 0);
}
END_TEST

START_TEST(what_is_no_scope_is_refused)
{
        static const char *const bad[] = {"",        "agent",    "agent/", "org/",     "org/x",
                                          "Agent/x", "agents/x", "/x",     "team/a\nb"};
        ScopeKind kind = SCOPE_LINE;
        Text name = TEXT("untouched");
        char longest[SCOPE_NAME_MAX + 6];

        for (size_t i = 0; i < CX_ARRAY_LEN(bad); i++)
                ck_assert_msg(scope_parse(text_of(bad[i]), &kind, &name) == -EINVAL, "%s", bad[i]);
        ck_assert_int_eq(scope_parse(TEXT_NULL, &kind, &name), -EINVAL);
        ck_assert_int_eq(kind, SCOPE_LINE);
        ck_assert(text_is(name, "untouched"));
        memset(longest, 'x', sizeof(longest));
        memcpy(longest, "site/", 5);
        ck_assert_int_eq(scope_parse((Text){.at = longest, .n = sizeof(longest)}, &kind, &name), -EINVAL);
        ck_assert_int_eq(scope_parse((Text){.at = longest, .n = sizeof(longest) - 1}, &kind, &name), 0);
        ck_assert_uint_eq(name.n, SCOPE_NAME_MAX);
}
END_TEST

CHECK_MAIN("scope", kinds_read_back, a_scope_is_a_kind_and_a_name, what_is_no_scope_is_refused)

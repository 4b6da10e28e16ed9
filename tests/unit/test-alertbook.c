/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "daemon/core/alertbook.h"
#include "tests/support/check_main.h"

static Alert alert(const char *scope, uint32_t ordinal, AlertState state, usec_t changed)
{
        Alert a = ALERT_NULL;
        char text[64];

        a.rule = "low";
        a.scope_name = scope;
        snprintf(text, sizeof(text), "agent/%s", scope);
        a.ordinal = ordinal;
        a.state = state;
        a.changed = changed;
        alertbook_id(alertbook_kin("low", text_of(text)), ordinal, a.id);
        return a;
}

START_TEST(ids_differ_by_rule_scope_and_ordinal_and_never_change)
{
        Alert a = alert("ana", 1, ALERT_FIRING, 0), b = alert("ana", 2, ALERT_FIRING, 0);
        Alert c = alert("bob", 1, ALERT_FIRING, 0);

        ck_assert_uint_eq(strlen(a.id), ALERT_ID_MAX);
        ck_assert_str_ne(a.id, b.id);
        ck_assert_str_ne(a.id, c.id);
        ck_assert(alertbook_kin("low", TEXT("agent/ana")) != alertbook_kin("lower", TEXT("agent/ana")));
        /* Stored alerts are found by it. */
        ck_assert_str_eq(a.id, "e5f99782506667b6");
}
END_TEST

START_TEST(entries_are_in_the_order_of_their_last_change)
{
        AlertBook b = ALERTBOOK_NULL;
        BookEntry *ana, *bob, *eve;
        Alert a = alert("ana", 1, ALERT_FIRING, 30), second = alert("bob", 1, ALERT_PENDING, 10);
        Alert third = alert("eve", 1, ALERT_FIRING, 20);

        ck_assert_int_eq(alertbook_add(&b, &a, &ana), 0);
        ck_assert_int_eq(alertbook_add(&b, &second, &bob), 0);
        ck_assert_int_eq(alertbook_add(&b, &third, &eve), 0);
        ck_assert(b.entries[0] == bob && b.entries[1] == eve && b.entries[2] == ana);
        alertbook_change(&b, eve, ALERT_ACKNOWLEDGED, 30);
        ck_assert_int_eq(eve->alert.state, ALERT_ACKNOWLEDGED);
        ck_assert_int_eq(eve->alert.changed, 30);
        ck_assert(b.entries[0] == bob && b.entries[1] == ana && b.entries[2] == eve);
        alertbook_change(&b, ana, ALERT_RESOLVED, 30);
        ck_assert(b.entries[1] == eve && b.entries[2] == ana);
        ck_assert_uint_eq(b.n_resolved, 1);
        ck_assert_ptr_eq(alertbook_find(&b, text_of(bob->alert.id)), bob);
        ck_assert_ptr_null(alertbook_find(&b, TEXT("0123456789abcdef")));
        alertbook_deinit(&b);
}
END_TEST

START_TEST(only_so_many_resolved_ones_are_remembered)
{
        AlertBook b = ALERTBOOK_NULL;
        Alert a = alert("open", 1, ALERT_FIRING, 0);
        BookEntry *open, *entry;

        ck_assert_int_eq(alertbook_add(&b, &a, &open), 0);
        for (uint32_t i = 0; i < ALERTBOOK_RESOLVED_MAX + 5; i++) {
                a = alert("ana", i + 1, ALERT_FIRING, i);
                ck_assert_int_eq(alertbook_add(&b, &a, &entry), 0);
                alertbook_change(&b, entry, ALERT_RESOLVED, i);
        }
        ck_assert_uint_eq(b.n, ALERTBOOK_RESOLVED_MAX + 1);
        ck_assert_ptr_eq(b.entries[0], open);
        ck_assert_uint_eq(b.entries[1]->alert.ordinal, 6);
        /* Also when those before it have gone away. */
        alertbook_change(&b, open, ALERT_ACKNOWLEDGED, ALERTBOOK_RESOLVED_MAX + 5);
        for (uint32_t i = 7; i < 9; i++) {
                a = alert("bob", i, ALERT_RESOLVED, ALERTBOOK_RESOLVED_MAX + i);
                ck_assert_int_eq(alertbook_add(&b, &a, &entry), 0);
                ck_assert_uint_eq(b.entries[0]->alert.ordinal, i);
        }
        alertbook_deinit(&b);
}
END_TEST

/* The oldest resolved one goes, wherever those lie that are open. */
START_TEST(resolved_ones_are_dropped_in_the_order_of_their_last_change)
{
        AlertBook b = ALERTBOOK_NULL;
        BookEntry *entries[400], *other;
        uint32_t n = 0;
        usec_t now = 0;
        Alert a;

        for (uint32_t i = 0; i < ALERTBOOK_RESOLVED_MAX; i++) {
                a = alert("old", i + 1, ALERT_RESOLVED, ++now);
                ck_assert_int_eq(alertbook_add(&b, &a, &other), 0);
                if (i % 25 == 0) {
                        a = alert("open", i + 1, ALERT_FIRING, (usec_t)(i * 7919 % (now + 1)));
                        ck_assert_int_eq(alertbook_add(&b, &a, &entries[n++]), 0);
                }
        }
        for (uint32_t i = 0; i < n; i++) {
                BookEntry *entry = entries[i * 7 % n];
                size_t n_older = 0;

                if (i % 3 == 0) { /* one behind which all are open */
                        a = alert("late", i + 1, ALERT_FIRING, (usec_t)i);
                        ck_assert_int_eq(alertbook_add(&b, &a, &other), 0);
                }
                alertbook_change(&b, entry, ALERT_RESOLVED, ++now);
                /* Each check of the framework writes to a file: one is enough. */
                for (size_t k = 0; k < b.n; k++)
                        n_older += strcmp(b.entries[k]->alert.scope_name, "old") == 0 &&
                                   b.entries[k]->alert.ordinal <= i + 1;
                ck_assert_uint_eq(n_older, 0);
                ck_assert_uint_eq(b.n_resolved, ALERTBOOK_RESOLVED_MAX);
        }
        ck_assert_uint_eq(b.n, ALERTBOOK_RESOLVED_MAX + (n + 2) / 3);
        alertbook_deinit(&b);
}
END_TEST

START_TEST(the_restart_before_is_known_also_when_its_alert_was_dropped)
{
        static const struct {
                const char *scope, *metric;
                int32_t restart;
        } cases[] = {{"ana", "csat", 100}, {"bob", "csat", 400}, {"ana", "nps", 300}, {"ana", "csat", 200}};
        AlertBook b = ALERTBOOK_NULL;
        BookEntry *other, *open;
        Alert a;

        for (uint32_t i = 0; i < CX_ARRAY_LEN(cases); i++) {
                a = alert(cases[i].scope, i + 1, ALERT_RESOLVED, i);
                a.metric = cases[i].metric;
                a.restart = cases[i].restart;
                ck_assert_int_eq(alertbook_add(&b, &a, &other), 0);
        }
        a = alert("ana", 9, ALERT_FIRING, 9);
        a.metric = "csat";
        a.restart = 500;
        ck_assert_int_eq(alertbook_add(&b, &a, &open), 0);
        ck_assert_int_eq(alertbook_restart_before(&b, open), 200);
        for (uint32_t i = 0; i < ALERTBOOK_RESOLVED_MAX; i++) {
                a = alert("eve", i + 1, ALERT_RESOLVED, 10 + i);
                ck_assert_int_eq(alertbook_add(&b, &a, &other), 0);
        }
        ck_assert_uint_eq(b.n, ALERTBOOK_RESOLVED_MAX + 1);
        ck_assert_int_eq(alertbook_restart_before(&b, open), 200);
        alertbook_change(&b, open, ALERT_RESOLVED, 20000);
        a = alert("eve", 1, ALERT_FIRING, 20001);
        a.metric = "csat";
        ck_assert_int_eq(alertbook_add(&b, &a, &open), 0);
        ck_assert_int_eq(alertbook_restart_before(&b, open), INT32_MIN);
        alertbook_deinit(&b);
}
END_TEST

CHECK_MAIN("alertbook", the_restart_before_is_known_also_when_its_alert_was_dropped,
           ids_differ_by_rule_scope_and_ordinal_and_never_change,
           entries_are_in_the_order_of_their_last_change, only_so_many_resolved_ones_are_remembered,
           resolved_ones_are_dropped_in_the_order_of_their_last_change)

/* SPDX-License-Identifier: Apache-2.0 */

/* Alerts by evidence that another engine made, with metrics and rules as they are by now. */

#include "tests/support/evidence_case.h"

/* For a while the rule is one of another metric, which is answered, too. */
static Engine *carry_over_to_metric(size_t metric, const Engine *before, const Survey *care)
{
        Engine *e;

        rules[0].metric = metric;
        e = make(1);
        ck_assert_int_eq(engine_replay(e, care), 0);
        ck_assert_int_eq(engine_carry_over(e, before), 0);
        return e;
}

START_TEST(evidence_is_used_up_by_an_alert_of_its_own_metric)
{
        Engine *e, *other, *again, *last, *restored;
        Survey good = survey("0", "ana", day0, 5), care = good;
        Alert first, second;

        care.answers[0].metric = TEXT("care");
        use_evidence(USEC_DAY);
        e = make(1);
        answer_badly(e, day0, 8);
        ck_assert_uint_eq(out.n_alerts, 1);
        other = carry_over_to_metric(1, e, &care);
        ck_assert_int_eq(step(other, day0, NULL, NULL), 0); /* it expires */
        again = carry_over_to_metric(0, other, &care);
        ck_assert_int_eq(step(again, day0, &good, NULL), 0);
        answer_badly(again, day0, 8);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_uint_eq(out.alerts[0].ordinal, 2);
        /* One that ended by answers stays used up meanwhile. */
        answer_well(again, day0, 200, false);
        ck_assert_int_eq(engine_alert(again, 1)->reason, ALERT_RECOVERED);
        engine_free(other);
        other = carry_over_to_metric(1, again, &care);
        ck_assert_int_eq(step(other, day0, NULL, NULL), 0);
        last = carry_over_to_metric(0, other, &care);
        answer_badly(last, day0, 8);
        ck_assert_uint_eq(out.n_alerts, 0);
        /* Both changed at the same moment, and the newer one is read first. */
        restored = make(1);
        first = *engine_alert(e, 0);
        first.state = ALERT_RESOLVED;
        second = first;
        second.ordinal = 2;
        second.metric = "xsat";
        ck_assert_int_eq(engine_replay(restored, &good), 0);
        ck_assert_int_eq(engine_restore(restored, &second), 0);
        ck_assert_int_eq(engine_restore(restored, &first), 0);
        answer_badly(restored, day0, 8);
        ck_assert_uint_eq(out.n_alerts, 0);
        rules[0].test = RULE_POINT;
        engine_free(e);
        engine_free(other);
        engine_free(again);
        engine_free(last);
        engine_free(restored);
        effects_deinit(&out);
}
END_TEST

/* The metric is one of this kind from now on. */
static Engine *carry_over_to_kind(MetricKind kind, bool lower_is_better, const Engine *before)
{
        Survey bad = survey("1", "ana", day0, 1);
        Engine *e;

        metrics[0].kind = kind;
        metrics[0].lower_is_better = lower_is_better;
        e = make(1);
        for (int i = 0; i < 8; i++)
                ck_assert_int_eq(engine_replay(e, &bad), 0);
        ck_assert_int_eq(engine_carry_over(e, before), 0);
        ck_assert_int_eq(step(e, day0, NULL, NULL), 0);
        return e;
}

/* Its figure is none of the metric as it is now, and would be shown as one. */
START_TEST(an_alert_ends_when_its_metric_is_computed_otherwise)
{
        Engine *e[4];

        use_evidence(USEC_DAY);
        e[0] = make(1);
        answer_badly(e[0], day0, 8);
        ck_assert_uint_eq(out.n_alerts, 1);
        e[1] = carry_over_to_kind(METRIC_TOP1, false, e[0]);
        ck_assert_uint_eq(out.n_alerts, 0); /* both kinds say the same of these answers */
        e[2] = carry_over_to_kind(METRIC_TOP1, true, e[1]);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].state, ALERT_RESOLVED);
        ck_assert_int_eq(out.alerts[0].reason, ALERT_EXPIRED);
        /* What it rested on has not been used up by the metric as it is. */
        e[3] = carry_over_to_kind(METRIC_TOP2, false, e[2]);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].state, ALERT_FIRING);
        rules[0].test = RULE_POINT;
        for (size_t i = 0; i < CX_ARRAY_LEN(e); i++)
                engine_free(e[i]);
        effects_deinit(&out);
}
END_TEST

/* The same surveys (eight bad ones of today) and alerts with the rules as they are by now. */
static Engine *carry_over(size_t n_rules, const Engine *before)
{
        Survey bad = survey("1", "ana", day0, 1);
        Engine *e = make(n_rules);

        for (int i = 0; i < 8; i++)
                ck_assert_int_eq(engine_replay(e, &bad), 0);
        ck_assert_int_eq(engine_carry_over(e, before), 0);
        ck_assert_int_eq(step(e, day0, NULL, NULL), 0);
        return e;
}

START_TEST(a_mistake_in_a_rule_that_is_put_right_uses_nothing_up)
{
        for (int mistake = 0; mistake < 5; mistake++) {
                Engine *e, *wrong, *right;

                use_evidence(USEC_DAY);
                e = make(1);
                answer_badly(e, day0, 8);
                ck_assert_uint_eq(out.n_alerts, 1);
                rules[0].threshold = mistake == 0 ? -1 : 80; /* not even the worst figure is below that */
                rules[0].above = mistake == 1;
                memcpy(rules[0].scopes, mistake == 2 ? "b" : "*", 2);
                rules[0].test = mistake == 3 ? RULE_INTERVAL : RULE_EVIDENCE;
                wrong = carry_over(mistake != 4, e);
                ck_assert_uint_ge(out.n_alerts, 1);
                ck_assert_int_eq(out.alerts[0].state, ALERT_RESOLVED);
                ck_assert_int_eq(out.alerts[0].reason, ALERT_EXPIRED);
                ck_assert_int_eq(out.alerts[0].restart, INT32_MIN);
                rules[0].threshold = 80;
                rules[0].above = false;
                memcpy(rules[0].scopes, "*", 2);
                use_evidence(USEC_DAY);
                right = carry_over(1, wrong);
                ck_assert_uint_eq(engine_n_alerts(right), mistake == 3 ? 3 : 2);
                ck_assert_int_eq(out.alerts[out.n_alerts - 1].state, ALERT_FIRING);
                engine_free(e);
                engine_free(wrong);
                engine_free(right);
        }
        rules[0].test = RULE_POINT;
        effects_deinit(&out);
}
END_TEST

/* The alert of six bad answers on @day, behind twenty days of ten good ones, with the rule's threshold as it is by now. */
static Engine *carry_over_fall(usec_t day, const Engine *before)
{
        Survey bad = survey("1", "ana", day, 1);
        Engine *e = make(1);

        for (int i = 0; i < 200; i++) {
                Survey good = survey("0", "ana", day - (1 + i / 10) * USEC_DAY, 5);

                ck_assert_int_eq(engine_replay(e, &good), 0);
        }
        for (int i = 0; i < 6; i++)
                ck_assert_int_eq(engine_replay(e, &bad), 0);
        if (before)
                ck_assert_int_eq(engine_carry_over(e, before), 0);
        ck_assert_int_eq(step(e, day, NULL, NULL), 0);
        return e;
}

START_TEST(so_does_one_behind_which_only_the_evidence_shows_the_fall)
{
        const usec_t day = day0 + 20 * USEC_DAY;
        Engine *e, *wrong, *right;

        use_evidence(USEC_DAY);
        e = carry_over_fall(day, NULL);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].state, ALERT_FIRING);
        ck_assert(out.alerts[0].value > 80);
        rules[0].threshold = 8;
        wrong = carry_over_fall(day, e);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].reason, ALERT_EXPIRED);
        ck_assert_int_eq(out.alerts[0].restart, INT32_MIN);
        rules[0].threshold = 80;
        right = carry_over_fall(day, wrong);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].state, ALERT_FIRING);
        rules[0].test = RULE_POINT;
        engine_free(e);
        engine_free(wrong);
        engine_free(right);
        effects_deinit(&out);
}
END_TEST

/* An alert has gone on by the new threshold; what ends it while nobody looks, over a restart, is no change any more. */
START_TEST(a_rule_that_changed_once_does_not_end_an_alert_later)
{
        Survey good = survey("0", "ana", day0, 5), bad = survey("1", "ana", day0, 1);
        Engine *e[3];

        use_evidence(USEC_DAY);
        e[0] = make(1);
        answer_badly(e[0], day0, 8);
        rules[0].threshold = 60;
        e[1] = carry_over(1, e[0]);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].state, ALERT_FIRING);
        ck_assert(out.alerts[0].threshold_value == 80 && out.alerts[0].asked == 60);
        e[2] = make(1);
        for (int i = 0; i < 32; i++)
                ck_assert_int_eq(engine_replay(e[2], i < 8 ? &bad : &good), 0);
        ck_assert_int_eq(engine_carry_over(e[2], e[1]), 0);
        ck_assert_int_eq(step(e[2], day0, NULL, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].reason, ALERT_RECOVERED);
        ck_assert_int_eq(out.alerts[0].restart, day0 / USEC_DAY + 1);
        rules[0].threshold = 80;
        rules[0].test = RULE_POINT;
        for (size_t i = 0; i < CX_ARRAY_LEN(e); i++)
                engine_free(e[i]);
        effects_deinit(&out);
}
END_TEST

/* It would have ended by the old threshold, too. */
START_TEST(answers_end_an_alert_also_while_its_rule_changes)
{
        Survey good = survey("0", "ana", day0, 5), bad = survey("1", "ana", day0, 1);
        Engine *e[2];

        use_evidence(USEC_DAY);
        e[0] = make(1);
        answer_badly(e[0], day0, 8);
        rules[0].threshold = 60;
        e[1] = make(1);
        for (int i = 0; i < 208; i++)
                ck_assert_int_eq(engine_replay(e[1], i < 8 ? &bad : &good), 0);
        ck_assert_int_eq(engine_carry_over(e[1], e[0]), 0);
        ck_assert_int_eq(step(e[1], day0, NULL, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].reason, ALERT_RECOVERED);
        ck_assert_int_eq(out.alerts[0].restart, day0 / USEC_DAY + 1);
        rules[0].threshold = 80;
        rules[0].test = RULE_POINT;
        engine_free(e[0]);
        engine_free(e[1]);
        effects_deinit(&out);
}
END_TEST

START_TEST(answers_use_evidence_up_also_behind_a_change_of_the_rule)
{
        Engine *e[3];

        use_evidence(USEC_DAY);
        e[0] = make(1);
        answer_badly(e[0], day0, 8);
        rules[0].threshold = 70;
        e[1] = carry_over(1, e[0]);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].state, ALERT_FIRING);
        answer_well(e[1], day0, 200, false);
        ck_assert_int_eq(engine_alert(e[1], 0)->reason, ALERT_RECOVERED);
        ck_assert_int_eq(engine_alert(e[1], 0)->restart, day0 / USEC_DAY + 1);
        /* Nor does a change give back what was used up before it. */
        rules[0].threshold = 80;
        e[2] = carry_over(1, e[1]);
        ck_assert_uint_eq(out.n_alerts, 0);
        rules[0].test = RULE_POINT;
        for (size_t i = 0; i < CX_ARRAY_LEN(e); i++)
                engine_free(e[i]);
        effects_deinit(&out);
}
END_TEST

/* Stored by a clock that was a month ahead, as @state, and read at day0. */
static Engine *restore_from_ahead(const Alert *stored)
{
        Survey bad = survey("1", "ana", day0, 1);
        Engine *e = make(1);

        ck_assert_int_eq(step(e, day0, NULL, NULL), 0);
        ck_assert_int_eq(engine_replay(e, &bad), 0);
        ck_assert_int_eq(engine_restore(e, stored), 0);
        ck_assert_int_eq(engine_now(e), day0);
        ck_assert_int_eq(step(e, day0, NULL, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 0);
        return e;
}

START_TEST(an_alert_of_a_clock_that_was_ahead_goes_on_by_the_one_that_is_right)
{
        const usec_t ahead = day0 + 30 * USEC_DAY;
        Survey bad = survey("1", "ana", ahead, 1);
        Command snooze = {.verb = COMMAND_SNOOZE, .by = TEXT("maria"), .until = ahead + 2 * USEC_HOUR};
        Input in = {.kind = INPUT_COMMAND, .now = ahead, .command = &snooze};
        Engine *before = make(1), *e;
        const Alert *a;

        ck_assert_int_eq(step(before, ahead, &bad, NULL), 0);
        for (int snoozed = 0; snoozed < 2; snoozed++) {
                e = restore_from_ahead(engine_alert(before, 0));
                a = engine_alert(e, 0);
                ck_assert_int_eq(a->state, snoozed ? ALERT_SNOOZED : ALERT_FIRING);
                ck_assert_int_eq(a->changed, day0);
                ck_assert_int_eq(a->since, day0);
                ck_assert_int_eq(a->fired, day0);
                ck_assert_int_eq(a->until, snoozed ? day0 + 2 * USEC_HOUR : 0);
                ck_assert_int_eq(step(e, day0 + 2 * USEC_HOUR, NULL, NULL), 0);
                ck_assert_uint_eq(out.n_alerts, snoozed);
                engine_free(e);
                snooze.alert = text_of(engine_alert(before, 0)->id);
                ck_assert_int_eq(snoozed ? 0 : engine_step(before, &in, &out), 0);
        }
        engine_free(before);
        effects_deinit(&out);
}
END_TEST

START_TEST(what_it_used_up_is_used_up_until_tomorrow)
{
        const usec_t ahead[] = {day0 + USEC_DAY, day0 + 30 * USEC_DAY};

        use_evidence(USEC_DAY);
        for (size_t i = 0; i < CX_ARRAY_LEN(ahead); i++) {
                Engine *before = make(1), *e;

                answer_badly(before, ahead[i], 8);
                answer_well(before, ahead[i], 200, false);
                ck_assert_int_eq(engine_alert(before, 0)->restart, ahead[i] / USEC_DAY + 1);
                e = restore_from_ahead(engine_alert(before, 0));
                ck_assert_int_eq(engine_alert(e, 0)->restart, day0 / USEC_DAY + 1);
                answer_badly(e, day0, 8);
                ck_assert_uint_eq(out.n_alerts, 0);
                answer_badly(e, day0 + USEC_DAY, 8);
                ck_assert_uint_eq(out.n_alerts, 1);
                engine_free(before);
                engine_free(e);
        }
        rules[0].test = RULE_POINT;
        effects_deinit(&out);
}
END_TEST

static void expect_open(const Engine *e, size_t n_pending, size_t n_active)
{
        EngineStats stats;

        engine_stats(e, &stats);
        ck_assert_uint_eq(stats.n_alerts_pending, n_pending);
        ck_assert_uint_eq(stats.n_alerts_active, n_active);
}

/* The rule is gone; or it has an alert on that scope already. */
START_TEST(every_alert_that_nobody_looks_after_ends)
{
        Survey of_ana = survey("1", "ana", day0, 1), of_bob = survey("2", "bob", day0, 1);
        Engine *before = make(1), *without = make(0), *e = make(1);
        Alert second;

        ck_assert_int_eq(step(before, day0, &of_ana, NULL), 0);
        ck_assert_int_eq(step(before, day0, &of_bob, NULL), 0);
        ck_assert_int_eq(engine_carry_over(without, before), 0);
        ck_assert_int_eq(step(without, day0, NULL, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 2);
        expect_open(without, 0, 0);
        second = *engine_alert(before, 0);
        second.ordinal = 2;
        second.id[0] ^= 1;
        ck_assert_int_eq(engine_replay(e, &of_ana), 0);
        ck_assert_int_eq(engine_restore(e, engine_alert(before, 0)), 0);
        ck_assert_int_eq(engine_restore(e, &second), 0);
        ck_assert_int_eq(step(e, day0, NULL, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_str_eq(out.alerts[0].id, second.id);
        ck_assert_int_eq(out.alerts[0].reason, ALERT_EXPIRED);
        expect_open(e, 0, 1);
        engine_free(before);
        engine_free(without);
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

/* The other engine went on while this one was made. */
START_TEST(an_alert_of_a_moment_ago_keeps_its_times)
{
        const usec_t later = day0 + 59 * USEC_MIN;
        Survey bad = survey("1", "ana", later, 1);
        Engine *before = make(1), *e = make(1);

        ck_assert_int_eq(step(before, later, &bad, NULL), 0);
        ck_assert_int_eq(step(e, day0, NULL, NULL), 0);
        ck_assert_int_eq(engine_restore(e, engine_alert(before, 0)), 0);
        ck_assert_int_eq(engine_now(e), later);
        ck_assert_int_eq(engine_alert(e, 0)->changed, later);
        ck_assert_int_eq(engine_alert(e, 0)->fired, later);
        engine_free(before);
        engine_free(e);
}
END_TEST

START_TEST(alerts_are_counted_by_whether_they_are_open_behind_a_restart_too)
{
        Survey bad = survey("1", "ana", day0, 1), good = survey("1", "ana", day0, 5);
        Engine *before, *e;

        rules[0].hold = USEC_HOUR;
        before = make(1);
        ck_assert_int_eq(step(before, day0, &bad, NULL), 0);
        expect_open(before, 1, 0);
        for (int pending = 1; pending >= 0; pending--) {
                e = make(1);
                ck_assert_int_eq(engine_replay(e, &bad), 0);
                ck_assert_int_eq(engine_carry_over(e, before), 0);
                expect_open(e, pending, 1 - pending);
                ck_assert_int_eq(step(e, day0 + USEC_HOUR, NULL, NULL), 0);
                expect_open(e, 0, 1);
                ck_assert_int_eq(step(e, day0 + USEC_HOUR, &good, &bad), 0);
                expect_open(e, 0, 0);
                engine_free(e);
                ck_assert_int_eq(step(before, day0 + USEC_HOUR, NULL, NULL), 0);
        }
        rules[0].hold = 0;
        engine_free(before);
        effects_deinit(&out);
}
END_TEST

CHECK_MAIN("engine_restore", evidence_is_used_up_by_an_alert_of_its_own_metric,
           an_alert_ends_when_its_metric_is_computed_otherwise,
           a_mistake_in_a_rule_that_is_put_right_uses_nothing_up,
           so_does_one_behind_which_only_the_evidence_shows_the_fall,
           a_rule_that_changed_once_does_not_end_an_alert_later,
           answers_end_an_alert_also_while_its_rule_changes,
           an_alert_of_a_clock_that_was_ahead_goes_on_by_the_one_that_is_right,
           what_it_used_up_is_used_up_until_tomorrow, every_alert_that_nobody_looks_after_ends,
           an_alert_of_a_moment_ago_keeps_its_times,
           alerts_are_counted_by_whether_they_are_open_behind_a_restart_too,
           answers_use_evidence_up_also_behind_a_change_of_the_rule)

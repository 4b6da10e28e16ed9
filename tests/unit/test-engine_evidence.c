/* SPDX-License-Identifier: Apache-2.0 */

/* The evidence test in the engine: its limit, its guards, and what was used up. */

#include "tests/support/engine_case.h"

static void use_evidence(usec_t per)
{
        rules[0].test = RULE_EVIDENCE;
        rules[0].false_alarms = 1;
        rules[0].false_alarms_per = per;
}

static const char *const ids[] = {"1", "2", "3", "4", "5", "6", "7", "8"};

/* As many on the wrong side as make an alert by evidence. */
static void answer_badly(Engine *e, usec_t now, size_t n)
{
        effects_reset(&out);
        for (size_t i = 0; i < n; i++) {
                Survey s = survey(ids[i], "ana", now, 1);
                Input in = {.kind = INPUT_SURVEY, .now = now, .survey = &s};

                ck_assert_int_eq(engine_step(e, &in, &out), 0);
        }
}

START_TEST(evidence_that_was_used_up_stays_so_when_its_scope_is_not_known_yet)
{
        Engine *e, *again;
        Alert alert = ALERT_NULL;

        use_evidence(USEC_DAY);
        e = make(1);
        again = make(1);
        answer_badly(e, day0, 8);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(alert_copy(&alert, &out.alerts[0]), 0);
        alert.state = ALERT_RESOLVED;
        alert.reason = ALERT_RECOVERED;
        ck_assert_int_eq(engine_restore(again, &alert), 0);
        alert_deinit(&alert);
        answer_badly(again, day0, 8);
        ck_assert_uint_eq(out.n_alerts, 0);
        answer_badly(again, day0 + USEC_DAY, 8);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_uint_eq(out.alerts[0].ordinal, 2);
        rules[0].test = RULE_POINT;
        engine_free(e);
        engine_free(again);
        effects_deinit(&out);
}
END_TEST

/* What answer_badly() gave is retracted, the last one first, or (@back) comes back. */
static void retract(Engine *e, usec_t now, size_t n, bool back)
{
        effects_reset(&out);
        while (n-- > 0) {
                Survey s = survey(ids[n], "ana", now, 1), none = s;

                none.status = SURVEY_RETRACTED;
                ck_assert_int_eq(back ? step(e, now, &s, &none) : step(e, now, &none, &s), 0);
        }
}

START_TEST(an_alert_that_was_withdrawn_has_used_nothing_up)
{
        Alert withdrawn = ALERT_NULL;
        Engine *e, *again;

        use_evidence(USEC_DAY);
        e = make(1);
        again = make(1);
        answer_badly(e, day0, 8);
        ck_assert_uint_eq(out.n_alerts, 1);
        retract(e, day0, 8, false);
        ck_assert_int_eq(alert_copy(&withdrawn, engine_alert(e, 0)), 0);
        ck_assert_int_eq(withdrawn.reason, ALERT_WITHDRAWN);
        /* Not here, ... */
        retract(e, day0, 8, true);
        ck_assert_uint_eq(engine_n_alerts(e), 2);
        effects_reset(&out);
        ck_assert_int_eq(engine_give_back(e, &withdrawn, &out), 0);
        ck_assert_uint_eq(out.n_alerts, 0);
        /* ... and not behind a restart. */
        ck_assert_int_eq(engine_restore(again, &withdrawn), 0);
        answer_badly(again, day0, 8);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_uint_eq(out.alerts[0].ordinal, 2);
        alert_deinit(&withdrawn);
        rules[0].test = RULE_POINT;
        engine_free(e);
        engine_free(again);
        effects_deinit(&out);
}
END_TEST

/* So many good answers, or (@undo) none of them any more. */
static void answer_well(Engine *e, usec_t now, size_t n, bool undo)
{
        effects_reset(&out);
        while (n-- > 0) {
                Survey s = survey("good", "ana", now, 5), none = s;

                none.status = SURVEY_RETRACTED;
                ck_assert_int_eq(undo ? step(e, now, &none, &s) : step(e, now, &s, NULL), 0);
        }
}

START_TEST(an_alert_that_good_answers_ended_is_there_again_when_they_are_undone)
{
        enum { N = 200 };

        for (size_t undone = 0; undone < 2; undone++) {
                Alert recovered = ALERT_NULL;
                Engine *e;

                use_evidence(USEC_DAY);
                e = make(1);
                answer_badly(e, day0, 8);
                answer_well(e, day0, N, false);
                ck_assert_int_eq(alert_copy(&recovered, engine_alert(e, 0)), 0);
                ck_assert_int_eq(recovered.reason, ALERT_RECOVERED);
                if (undone)
                        answer_well(e, day0, N, true);
                effects_reset(&out);
                ck_assert_int_eq(engine_give_back(e, &recovered, &out), 0);
                ck_assert_uint_eq(out.n_alerts, undone);
                /* Of what was stored it is as before: nothing begins anew today. */
                if (!undone) {
                        ck_assert_int_eq(recovered.restart, day0 / USEC_DAY + 1);
                        ck_assert_int_eq(engine_alert(e, 0)->restart, recovered.restart);
                        for (size_t i = 0; i < N; i++)
                                answer_badly(e, day0, 8);
                        ck_assert_uint_eq(engine_n_alerts(e), 1);
                }
                alert_deinit(&recovered);
                rules[0].test = RULE_POINT;
                engine_free(e);
                effects_deinit(&out);
        }
}
END_TEST

/* With two scopes under the rule the limit is above the evidence of six bad answers, with one below it. */
static Engine *make_two_scopes(usec_t ts, const Survey *of_bob)
{
        Engine *e;

        use_evidence(400 * USEC_DAY);
        e = make(1);
        ck_assert_int_eq(step(e, day0, of_bob, NULL), 0);
        answer_badly(e, ts, 6);
        ck_assert_uint_eq(out.n_alerts, 0);
        return e;
}

static void expect_alert_with_next_tick(Engine *e, usec_t due)
{
        ck_assert_int_eq(engine_deadline(e), due);
        ck_assert_int_eq(step(e, due, NULL, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_str_eq(out.alerts[0].scope_name, "ana");
        ck_assert(out.alerts[0].limit == 400);
        ck_assert_int_gt(engine_deadline(e), due);
        engine_free(e);
        effects_deinit(&out);
}

START_TEST(a_scope_without_answers_is_no_longer_counted)
{
        const usec_t last = day0 + 57 * USEC_DAY; /* of those on which bob's answer is kept */
        Survey bob = survey("0", "bob", day0, 5), retracted = bob;
        Engine *e = make_two_scopes(day0, &bob);

        retracted.status = SURVEY_RETRACTED;
        ck_assert_int_eq(step(e, day0, &retracted, &bob), 0);
        ck_assert_uint_eq(out.n_alerts, 0);
        expect_alert_with_next_tick(e, day0 + 1);
        e = make_two_scopes(last, &bob);
        ck_assert_int_eq(step(e, last + USEC_HOUR, NULL, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 0);
        expect_alert_with_next_tick(e, last + USEC_DAY);
        rules[0].test = RULE_POINT;
}
END_TEST

START_TEST(a_limit_that_moved_is_no_news_of_a_figure)
{
        Survey bob = survey("0", "bob", day0, 5), retracted = bob;
        EngineChange changes[8];
        Engine *e;

        use_evidence(400 * USEC_DAY);
        e = make(1);
        answer_badly(e, day0, 8);
        (void)engine_take_changed(e, changes, CX_ARRAY_LEN(changes));
        ck_assert_int_eq(step(e, day0, &bob, NULL), 0);
        ck_assert_int_eq(step(e, day0 + 1, NULL, NULL), 0);
        ck_assert_uint_eq(engine_take_changed(e, changes, CX_ARRAY_LEN(changes)), 3); /* none of ana */
        engine_free(e);
        /* One that falls closely above the evidence. */
        use_evidence(600 * USEC_DAY);
        e = make(1);
        ck_assert_int_eq(step(e, day0, &bob, NULL), 0);
        answer_badly(e, day0, 6);
        (void)engine_take_changed(e, changes, CX_ARRAY_LEN(changes));
        retracted.status = SURVEY_RETRACTED;
        ck_assert_int_eq(step(e, day0, &retracted, &bob), 0);
        ck_assert_int_eq(step(e, day0 + 1, NULL, NULL), 0);
        ck_assert_uint_eq(engine_take_changed(e, changes, CX_ARRAY_LEN(changes)), 3);
        rules[0].test = RULE_POINT;
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

/* After so many good ones all evidence is smaller than a number can be. */
START_TEST(a_bad_half_of_a_day_is_seen_behind_a_good_one)
{
        Engine *e[2];

        use_evidence(USEC_DAY);
        rules[0].threshold = 40;
        for (int k = 0; k < 2; k++) {
                bool found = false;

                e[k] = make(1);
                for (int i = 0; i < 65000; i++) {
                        Survey s = survey("1", "ana", day0, i < 20000 ? 5 : 1);

                        if (k == 1 && i < 20000)
                                ck_assert_int_eq(engine_replay(e[k], &s), 0);
                        else
                                ck_assert_int_eq(step(e[k], day0, &s, NULL), 0);
                        found |= out.n_alerts > 0;
                }
                ck_assert(found);
                engine_free(e[k]);
                effects_reset(&out);
        }
        rules[0].test = RULE_POINT;
        rules[0].threshold = 80;
        effects_deinit(&out);
}
END_TEST

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

START_TEST(answers_use_evidence_up_also_behind_a_change_of_the_rule)
{
        Engine *e[3];

        use_evidence(USEC_DAY);
        e[0] = make(1);
        answer_badly(e[0], day0, 8);
        rules[0].threshold = 70;
        e[1] = carry_over(1, e[0]);
        ck_assert_uint_eq(out.n_alerts, 0);
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

START_TEST(a_figure_as_of_noon_knows_nothing_of_the_evening)
{
        Survey good = survey("0", "ana", day0 + USEC_HOUR, 5);
        const usec_t evening = day0 + 18 * USEC_HOUR;
        Figure f;
        Engine *e;

        use_evidence(USEC_DAY);
        window = "7d";
        e = make(1);
        ck_assert_int_eq(step(e, good.ts, &good, NULL), 0);
        answer_badly(e, evening, 8);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(step(e, evening + 3 * USEC_DAY, NULL, NULL), 0);
        ck_assert_int_eq(engine_figure(e, 1, 0, 0, day0 + 12 * USEC_HOUR, &f), 0);
        ck_assert_uint_eq(f.n, 1);
        ck_assert_int_eq(f.state, FIGURE_OK);
        ck_assert_int_eq(engine_figure(e, 1, 0, 0, evening + USEC_HOUR, &f), 0);
        ck_assert_uint_eq(f.n, 9);
        ck_assert_int_eq(f.state, FIGURE_BELOW);
        ck_assert_int_eq(engine_figure(e, 1, 0, 0, day0 + 2 * USEC_DAY, &f), 0);
        ck_assert_int_eq(f.state, FIGURE_BELOW);
        engine_free(e);
        effects_deinit(&out);
        window = "28d";
        rules[0].test = RULE_POINT;
}
END_TEST

CHECK_MAIN("engine_evidence", evidence_that_was_used_up_stays_so_when_its_scope_is_not_known_yet,
           an_alert_that_was_withdrawn_has_used_nothing_up,
           an_alert_that_good_answers_ended_is_there_again_when_they_are_undone,
           a_scope_without_answers_is_no_longer_counted, a_limit_that_moved_is_no_news_of_a_figure,
           a_bad_half_of_a_day_is_seen_behind_a_good_one, evidence_is_used_up_by_an_alert_of_its_own_metric,
           an_alert_ends_when_its_metric_is_computed_otherwise,
           a_mistake_in_a_rule_that_is_put_right_uses_nothing_up,
           answers_use_evidence_up_also_behind_a_change_of_the_rule,
           a_figure_as_of_noon_knows_nothing_of_the_evening)

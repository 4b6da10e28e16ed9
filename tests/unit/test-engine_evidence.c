/* SPDX-License-Identifier: Apache-2.0 */

/* The evidence test in the engine: its limit, its guards, and what was used up. */

#include "tests/support/evidence_case.h"

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

/* On the next day, on which evidence had begun anew. */
START_TEST(an_alert_is_there_again_also_on_a_later_day)
{
        const usec_t next = day0 + USEC_DAY;
        const int32_t today = (int32_t)(next / USEC_DAY);
        Alert recovered = ALERT_NULL;
        Survey good = survey("good", "ana", day0, 5), none = good;
        Engine *e;

        none.status = SURVEY_RETRACTED;
        use_evidence(USEC_DAY);
        e = make(1);
        answer_badly(e, day0, 8);
        answer_well(e, day0, 200, false);
        ck_assert_int_eq(alert_copy(&recovered, engine_alert(e, 0)), 0);
        for (int i = 0; i < 200; i++)
                ck_assert_int_eq(step(e, next, &none, &good), 0);
        ck_assert_uint_eq(engine_n_alerts(e), 1);
        effects_reset(&out);
        ck_assert_int_eq(engine_give_back(e, &recovered, &out), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].state, ALERT_FIRING);
        ck_assert_int_eq(recovered.restart, INT32_MIN);
        ck_assert_int_eq(engine_alert(e, 0)->restart, INT32_MIN);
        ck_assert_int_eq(engine_alert(e, 1)->restart, today + 1);
        /* Not a second time, also when the one that it made has ended. */
        answer_well(e, next, 200, false);
        ck_assert_int_eq(engine_alert(e, 1)->reason, ALERT_RECOVERED);
        answer_well(e, next, 200, true);
        effects_reset(&out);
        ck_assert_int_eq(engine_give_back(e, &recovered, &out), 0);
        ck_assert_uint_eq(out.n_alerts, 0);
        alert_deinit(&recovered);
        rules[0].test = RULE_POINT;
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

START_TEST(what_did_not_fire_or_was_no_evidence_uses_nothing_up)
{
        for (int evidence = 0; evidence < 2; evidence++) {
                Engine *e;

                if (evidence)
                        use_evidence(USEC_DAY);
                rules[0].hold = evidence ? USEC_HOUR : 0;
                e = make(1);
                answer_badly(e, day0, 8);
                ck_assert_int_eq(engine_alert(e, 0)->state, evidence ? ALERT_PENDING : ALERT_FIRING);
                ck_assert_int_eq(engine_alert(e, 0)->from, evidence ? day0 : 0);
                answer_well(e, day0, 200, false);
                ck_assert_int_eq(engine_alert(e, 0)->reason, ALERT_RECOVERED);
                ck_assert_int_eq(engine_alert(e, 0)->restart, INT32_MIN);
                engine_free(e);
        }
        rules[0].hold = 0;
        rules[0].test = RULE_POINT;
        effects_deinit(&out);
}
END_TEST

START_TEST(an_alert_says_since_when_its_figure_is_bad)
{
        const usec_t fall = day0 + 3 * USEC_DAY;
        const Alert *a;
        Figure now;
        Engine *e;

        use_evidence(USEC_DAY);
        e = make(1);
        answer_well(e, day0, 40, false);
        answer_badly(e, fall, 2);
        ck_assert_uint_eq(engine_n_alerts(e), 0);
        answer_badly(e, fall + USEC_DAY, 3);
        ck_assert_uint_eq(engine_n_alerts(e), 1);
        a = engine_alert(e, 0);
        /* The day after the last good ones. */
        ck_assert_int_eq(a->from, day0 + USEC_DAY);
        ck_assert_uint_eq(a->from_n, 5);
        ck_assert(a->from_value == 0);
        /* The figure is that of the window all the same. */
        ck_assert_int_eq(engine_figure(e, 1, 0, 0, fall + USEC_DAY + 1, &now), 0);
        ck_assert_uint_eq(a->n, 45);
        ck_assert(a->value == now.value && a->mean == now.mean && a->low == now.low && a->high == now.high);
        ck_assert_mem_eq(a->counts, now.counts, sizeof(now.counts));
        ck_assert_int_eq(a->at, now.at);
        ck_assert(a->threshold_value == 80 && a->asked == 80 && !a->above);
        rules[0].test = RULE_POINT;
        engine_free(e);
        effects_deinit(&out);
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
           an_alert_that_was_withdrawn_has_used_nothing_up, an_alert_says_since_when_its_figure_is_bad,
           what_did_not_fire_or_was_no_evidence_uses_nothing_up,
           an_alert_that_good_answers_ended_is_there_again_when_they_are_undone,
           an_alert_is_there_again_also_on_a_later_day, a_scope_without_answers_is_no_longer_counted,
           a_limit_that_moved_is_no_news_of_a_figure, a_bad_half_of_a_day_is_seen_behind_a_good_one,
           a_figure_as_of_noon_knows_nothing_of_the_evening)

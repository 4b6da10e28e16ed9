/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdio.h>

#include "daemon/core/engine.h"
#include "tests/support/check_main.h"

static const Metric metrics[] = {{.name = "csat", .kind = METRIC_TOP2, .lo = 1, .hi = 5},
                                 {.name = "care", .kind = METRIC_TOP2, .lo = 1, .hi = 5}};
static Window windows[1];
static const Calendar utc;
static Rule rules[] = {
        {.name = "low", .kind = SCOPE_AGENT, .scopes = "*", .test = RULE_POINT, .threshold = 80, .min_n = 1}};
static const usec_t day0 = 20000 * USEC_DAY;
static Effects out;
static const char *window = "28d";
static usec_t keep_surveys;

static Engine *make(size_t n_rules)
{
        static Settings all[8];
        static size_t n_all;
        Settings *settings = &all[n_all++ % CX_ARRAY_LEN(all)];
        Engine *e;
        Org *org;

        ck_assert_int_eq(window_init(&windows[0], text_of(window)), 0);
        *settings = (Settings){
                .metrics = metrics,
                .n_metrics = CX_ARRAY_LEN(metrics),
                .windows = windows,
                .n_windows = 1,
                .calendar = &utc,
                .rules = rules,
                .n_rules = n_rules,
                .keep_surveys = keep_surveys,
                .max_agents = 2,
                .max_queues = 2,
        };
        ck_assert_int_eq(org_new(&org, &settings->key), 0);
        ck_assert_int_eq(engine_new(&e, settings, org), 0);
        return e;
}

static Survey survey(const char *id, const char *agent, usec_t ts, int csat)
{
        Survey s = {.id = text_of(id), .agent = text_of(agent), .queue = TEXT("q"), .ts = ts, .rev = -1};

        s.n_answers = 1;
        s.answers[0] = (Answer){.metric = TEXT("csat"), .kind = ANSWER_NUMBER, .value = csat};
        return s;
}

static int step(Engine *e, usec_t now, const Survey *s, const Survey *earlier)
{
        effects_reset(&out);
        return engine_step(
                e,
                &(Input){.kind = s ? INPUT_SURVEY : INPUT_TICK, .now = now, .survey = s, .earlier = earlier},
                &out);
}

START_TEST(statistics_count_what_came)
{
        Engine *e = make(0);
        Survey a = survey("1", "ana", day0, 5), late = survey("2", "ana", day0 - 40 * USEC_DAY, 5);
        Survey other = survey("3", "bob", day0, 5), third = survey("4", "eve", day0, 5), gone = a;
        EngineStats stats;

        other.answers[1] = (Answer){.metric = TEXT("mood"), .kind = ANSWER_NUMBER, .value = 1};
        other.n_answers = 2;
        gone.status = SURVEY_RETRACTED;
        ck_assert_int_eq(step(e, day0, &a, NULL), 0);
        ck_assert_int_eq(step(e, day0, &late, NULL), 0);
        ck_assert_int_eq(step(e, day0, &other, NULL), 0);
        ck_assert_int_eq(step(e, day0, &third, NULL), 0);
        ck_assert_int_eq(step(e, day0, &gone, &a), 0);
        engine_stats(e, &stats);
        ck_assert_uint_eq(stats.surveys, 3);
        ck_assert_uint_eq(stats.late, 1);
        ck_assert_uint_eq(stats.overflow_agents, 1);
        ck_assert_uint_eq(stats.overflow_queues, 0);
        ck_assert_uint_eq(stats.unknown_answers, 1);
        ck_assert_uint_eq(stats.n_scopes, 4); /* org, ana, q, bob */
        ck_assert_uint_eq(stats.n_series, 4);
        ck_assert(engine_has_data(e, SCOPE_ID_ORG));
        ck_assert(!engine_has_data(e, SCOPE_NONE));
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

START_TEST(changed_scopes_are_told_once)
{
        Engine *e = make(0);
        Survey a = survey("1", "ana", day0, 5);
        EngineChange ids[8];

        ck_assert_uint_eq(engine_take_changed(e, ids, 8), 0);
        ck_assert_int_eq(step(e, day0, &a, NULL), 0);
        ck_assert_int_eq(step(e, day0, &a, &a), 0);
        ck_assert_uint_eq(engine_take_changed(e, ids, 2), 2);
        ck_assert_uint_eq(ids[0].metrics, 1); /* of the only one that was answered */
        ck_assert_uint_eq(engine_take_changed(e, ids, 8), 1);
        ck_assert_uint_eq(engine_take_changed(e, ids, 8), 0);
        ck_assert_int_eq(step(e, day0, &a, &a), 0);
        ck_assert_uint_eq(engine_take_changed(e, ids, 8), 3);
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

START_TEST(an_alert_without_its_rule_expires_and_keeps_its_number)
{
        Engine *e = make(1), *without = make(0), *again = make(1);
        Survey a = survey("1", "ana", day0, 1);
        Alert alert;

        ck_assert_int_eq(step(e, day0, &a, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        alert = out.alerts[0];
        ck_assert_int_eq(engine_restore(without, &alert), 0);
        ck_assert_uint_eq(engine_n_alerts(without), 1);
        ck_assert_int_eq(step(without, day0, NULL, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].state, ALERT_RESOLVED);
        ck_assert_int_eq(out.alerts[0].reason, ALERT_EXPIRED);
        ck_assert_int_eq(step(without, day0, NULL, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 0);
        /* The agent is not known yet when the alert comes back; the next alert is number 2 all the same. */
        alert.state = ALERT_RESOLVED;
        ck_assert_int_eq(engine_restore(again, &alert), 0);
        ck_assert_int_eq(step(again, day0, &a, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_uint_eq(out.alerts[0].ordinal, 2);
        ck_assert_ptr_nonnull(engine_find_alert(again, text_of(out.alerts[0].id)));
        engine_free(e);
        engine_free(without);
        engine_free(again);
        effects_deinit(&out);
}
END_TEST

static void use_evidence(usec_t per)
{
        rules[0].test = RULE_EVIDENCE;
        rules[0].false_alarms = 1;
        rules[0].false_alarms_per = per;
}

/* As many on the wrong side as make an alert by evidence. */
static void answer_badly(Engine *e, usec_t now, size_t n)
{
        static const char *const ids[] = {"1", "2", "3", "4", "5", "6", "7", "8"};

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
        Alert alert;

        use_evidence(USEC_DAY);
        e = make(1);
        again = make(1);
        answer_badly(e, day0, 8);
        ck_assert_uint_eq(out.n_alerts, 1);
        alert = out.alerts[0];
        /* All of it was retracted. */
        alert.state = ALERT_RESOLVED;
        alert.reason = ALERT_WITHDRAWN;
        ck_assert_int_eq(engine_restore(again, &alert), 0);
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

START_TEST(a_rule_with_another_metric_does_not_use_its_numbers_again)
{
        Engine *e = make(1);
        Survey good = survey("1", "ana", day0, 5), bad = survey("2", "ana", day0, 1);
        Alert alert = {.id = "f", .rule = "low", .scope_name = "ana", .metric = "nps", .ordinal = 7};

        alert.scope_kind = SCOPE_AGENT;
        alert.state = ALERT_RESOLVED;
        alert.restart = 30000;
        ck_assert_int_eq(engine_replay(e, &good), 0);
        ck_assert_int_eq(engine_restore(e, &alert), 0);
        ck_assert_int_eq(step(e, day0, &bad, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_uint_eq(out.alerts[0].ordinal, 8);
        ck_assert_int_eq(out.alerts[0].restart, INT64_MIN);
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

START_TEST(numbers_of_alerts_that_were_dropped_are_carried_over)
{
        Engine *e = make(1), *again = make(1);
        Survey bad = survey("1", "ana", day0, 1), good = survey("1", "ana", day0, 5);
        Alert other = {.rule = "other", .scope_kind = SCOPE_ORG, .state = ALERT_RESOLVED};
        char id[ALERT_ID_MAX + 1];

        ck_assert_int_eq(step(e, day0, &bad, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        memcpy(id, out.alerts[0].id, sizeof(id));
        ck_assert_int_eq(step(e, day0, &good, &bad), 0);
        for (other.ordinal = 1; engine_find_alert(e, text_of(id)); other.ordinal++) {
                other.changed = day0 + other.ordinal;
                ck_assert_int_eq(engine_restore(e, &other), 0);
        }
        ck_assert_int_eq(engine_replay(again, &good), 0);
        ck_assert_int_eq(engine_carry_over(again, e), 0);
        ck_assert_uint_eq(engine_n_alerts(again), engine_n_alerts(e));
        ck_assert_int_eq(step(again, day0 + USEC_DAY, &bad, &good), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_uint_eq(out.alerts[0].ordinal, 2);
        ck_assert_str_ne(out.alerts[0].id, id);
        engine_free(e);
        engine_free(again);
        effects_deinit(&out);
}
END_TEST

/* More than the book holds, all of which change after @a. */
static void restore_with_many_others(Engine *e, const Alert *a)
{
        Alert other = {
                .rule = "other", .scope_kind = SCOPE_ORG, .state = ALERT_RESOLVED, .changed = a->changed};

        ck_assert_int_eq(engine_restore(e, a), 0);
        for (other.ordinal = 1; engine_find_alert(e, text_of(a->id)); other.ordinal++) {
                other.changed++;
                ck_assert_int_eq(engine_restore(e, &other), 0);
        }
}

START_TEST(numbers_of_alerts_that_were_dropped_without_an_heir_are_not_used_again)
{
        Engine *e = make(1), *unknown = make(1), *without = make(0), *again = make(1);
        Survey bad = survey("1", "ana", day0, 1);
        Alert alert;

        ck_assert_int_eq(step(e, day0, &bad, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        alert = out.alerts[0];
        alert.state = ALERT_RESOLVED;
        /* The agent is not known until much later. */
        restore_with_many_others(unknown, &alert);
        ck_assert_int_eq(step(unknown, day0 + USEC_DAY, &bad, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_uint_eq(out.alerts[0].ordinal, 2);
        /* The rule is not there for a while. */
        restore_with_many_others(without, &alert);
        ck_assert_int_eq(engine_carry_over(again, without), 0);
        ck_assert_int_eq(step(again, day0 + USEC_DAY, &bad, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_uint_eq(out.alerts[0].ordinal, 2);
        ck_assert_str_ne(out.alerts[0].id, alert.id);
        engine_free(e);
        engine_free(unknown);
        engine_free(without);
        engine_free(again);
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

START_TEST(evidence_stays_used_up_while_a_rule_has_another_metric)
{
        Engine *e, *other, *again, *restored;
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
        answer_badly(again, day0, 8);
        ck_assert_uint_eq(out.n_alerts, 0);
        /* Both changed at the same moment, and the newer one is read first. */
        restored = make(1);
        first = *engine_alert(e, 0);
        first.state = ALERT_RESOLVED;
        second = first;
        second.ordinal = 2;
        second.metric[0] = 'x';
        ck_assert_int_eq(engine_replay(restored, &good), 0);
        ck_assert_int_eq(engine_restore(restored, &second), 0);
        ck_assert_int_eq(engine_restore(restored, &first), 0);
        answer_badly(restored, day0, 8);
        ck_assert_uint_eq(out.n_alerts, 0);
        rules[0].test = RULE_POINT;
        engine_free(e);
        engine_free(other);
        engine_free(again);
        engine_free(restored);
        effects_deinit(&out);
}
END_TEST

START_TEST(what_surveys_are_no_longer_stored_for_is_not_known)
{
        const usec_t now = day0 + 30 * USEC_MIN;
        Survey old = survey("1", "ana", now - 8 * USEC_DAY - USEC_HOUR, 1), a = survey("2", "ana", now, 5),
               before = survey("3", "ana", now - 7 * USEC_DAY - 2 * USEC_HOUR, 5);
        Figure f;
        Engine *e;
        ScopeId ana;

        window = "7d";
        keep_surveys = 8 * USEC_DAY;
        e = make(0);
        ck_assert_int_eq(step(e, now - 2 * USEC_HOUR, &old, NULL), 0);
        ck_assert_int_eq(step(e, now - 2 * USEC_HOUR, &before, NULL), 0);
        ck_assert_int_eq(step(e, now, &a, NULL), 0);
        ana = org_find(engine_org(e), SCOPE_AGENT, TEXT("ana"));
        ck_assert_int_eq(engine_figure(e, ana, 0, 0, now + 1, &f), 0);
        ck_assert_uint_eq(f.n, 1);
        ck_assert(isnan(f.trend));
        /* All that is stored by now is one of the two answers of that time. */
        ck_assert_int_eq(engine_figure(e, ana, 0, 0, now - 26 * USEC_HOUR, &f), ENGINE_E_HISTORY);
        ck_assert_int_eq(engine_figure(e, ana, 0, 0, now - 23 * USEC_HOUR, &f), 0);
        ck_assert_uint_eq(f.n, 1);
        engine_free(e);
        /* Stored for longer, both are known. */
        keep_surveys = 15 * USEC_DAY;
        e = make(0);
        ck_assert_int_eq(engine_replay(e, &old), 0);
        ck_assert_int_eq(engine_replay(e, &before), 0);
        ck_assert_int_eq(step(e, now, &a, NULL), 0);
        ck_assert_int_eq(engine_figure(e, ana, 0, 0, now + 1, &f), 0);
        ck_assert(f.trend == 50);
        engine_free(e);
        effects_deinit(&out);
        window = "28d";
        keep_surveys = 0;
}
END_TEST

START_TEST(an_unknown_alert_takes_no_command)
{
        Engine *e = make(1);
        Command c = {.verb = COMMAND_ACK, .alert = TEXT("0123456789abcdef"), .by = TEXT("maria")};

        ck_assert_int_eq(engine_step(e, &(Input){.kind = INPUT_COMMAND, .now = day0, .command = &c}, &out),
                         ENGINE_E_NO_ALERT);
        ck_assert_int_eq(engine_deadline(e), USEC_INFINITY);
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

START_TEST(time_does_not_run_backwards)
{
        Engine *e = make(1);
        Survey a = survey("1", "ana", day0, 1);

        ck_assert_int_eq(step(e, day0 + USEC_DAY, NULL, NULL), 0);
        ck_assert_int_eq(step(e, day0, &a, NULL), 0);
        ck_assert_int_eq(out.alerts[0].changed, day0 + USEC_DAY);
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

CHECK_MAIN("engine", statistics_count_what_came, changed_scopes_are_told_once,
           an_alert_without_its_rule_expires_and_keeps_its_number,
           evidence_that_was_used_up_stays_so_when_its_scope_is_not_known_yet,
           a_scope_without_answers_is_no_longer_counted, a_limit_that_moved_is_no_news_of_a_figure,
           a_bad_half_of_a_day_is_seen_behind_a_good_one,
           a_rule_with_another_metric_does_not_use_its_numbers_again,
           numbers_of_alerts_that_were_dropped_are_carried_over,
           numbers_of_alerts_that_were_dropped_without_an_heir_are_not_used_again,
           evidence_stays_used_up_while_a_rule_has_another_metric,
           what_surveys_are_no_longer_stored_for_is_not_known, an_unknown_alert_takes_no_command,
           time_does_not_run_backwards)

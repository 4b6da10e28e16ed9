/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>

#include "tests/support/engine_case.h"

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
        Alert alert = ALERT_NULL;

        ck_assert_int_eq(step(e, day0, &a, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(alert_copy(&alert, &out.alerts[0]), 0);
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
        alert_deinit(&alert);
        engine_free(e);
        engine_free(without);
        engine_free(again);
        effects_deinit(&out);
}
END_TEST

START_TEST(a_rule_with_another_metric_does_not_use_its_numbers_again)
{
        Engine *e = make(1);
        Survey good = survey("1", "ana", day0, 5), bad = survey("2", "ana", day0, 1);
        Alert alert = ALERT_NULL;

        memcpy(alert.id, "f", 2);
        alert.rule = "low";
        alert.scope_name = "ana";
        alert.metric = "nps";
        alert.ordinal = 7;
        alert.scope_kind = SCOPE_AGENT;
        alert.state = ALERT_RESOLVED;
        alert.restart = 30000;
        ck_assert_int_eq(engine_replay(e, &good), 0);
        ck_assert_int_eq(engine_restore(e, &alert), 0);
        ck_assert_int_eq(step(e, day0, &bad, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_uint_eq(out.alerts[0].ordinal, 8);
        ck_assert_int_eq(out.alerts[0].restart, INT32_MIN);
        engine_free(e);
        effects_deinit(&out);
}
END_TEST

START_TEST(numbers_of_alerts_that_were_dropped_are_carried_over)
{
        Engine *e = make(1), *again = make(1);
        Survey bad = survey("1", "ana", day0, 1), good = survey("1", "ana", day0, 5);
        Alert other = ALERT_NULL;
        char id[ALERT_ID_MAX + 1];

        other.rule = "other";
        other.scope_kind = SCOPE_ORG;
        other.state = ALERT_RESOLVED;
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

/* The same bad answer of ana and the alerts, with the rules as they are by now. */
static Engine *carry_over(const Engine *before)
{
        Survey bad = survey("1", "ana", day0, 1);
        Engine *e = make(1);

        ck_assert_int_eq(engine_replay(e, &bad), 0);
        ck_assert_int_eq(engine_carry_over(e, before), 0);
        ck_assert_int_eq(step(e, day0, NULL, NULL), 0);
        return e;
}

START_TEST(an_alert_ends_when_its_rule_asks_something_else)
{
        const Survey bad = survey("1", "ana", day0, 1);

        for (int pending = 0; pending < 2; pending++) {
                for (int other = 0; other < 3; other++) {
                        Engine *e, *again;

                        rules[0].hold = pending ? USEC_HOUR : 0;
                        e = make(1);
                        ck_assert_int_eq(step(e, day0, &bad, NULL), 0);
                        window = other == 0 ? "7d" : "28d";
                        rules[0].above = other == 1;
                        rules[0].test = other == 2 ? RULE_INTERVAL : RULE_POINT;
                        again = carry_over(e);
                        ck_assert_uint_eq(out.n_alerts, other == 1 ? 1 : 2);
                        ck_assert_int_eq(out.alerts[0].state, ALERT_RESOLVED);
                        ck_assert_int_eq(out.alerts[0].reason, ALERT_EXPIRED);
                        ck_assert_str_eq(out.alerts[0].window, "28d");
                        if (other != 1) {
                                ck_assert_int_eq(out.alerts[1].state, pending ? ALERT_PENDING : ALERT_FIRING);
                                ck_assert_str_eq(out.alerts[1].window, window);
                                ck_assert_int_eq(out.alerts[1].test, rules[0].test);
                        }
                        window = "28d";
                        rules[0].above = false;
                        rules[0].test = RULE_POINT;
                        rules[0].hold = 0;
                        engine_free(e);
                        engine_free(again);
                }
        }
        effects_deinit(&out);
}
END_TEST

START_TEST(an_alert_has_the_severity_of_its_rule_as_it_is_now)
{
        const Survey bad = survey("1", "ana", day0, 1);
        Engine *e = make(1), *again, *last;

        ck_assert_int_eq(step(e, day0, &bad, NULL), 0);
        rules[0].severity = SEVERITY_CRITICAL;
        again = carry_over(e);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(out.alerts[0].state, ALERT_FIRING);
        ck_assert_int_eq(out.alerts[0].severity, SEVERITY_CRITICAL);
        last = carry_over(again);
        ck_assert_uint_eq(out.n_alerts, 0);
        ck_assert_int_eq(engine_alert(last, 0)->severity, SEVERITY_CRITICAL);
        rules[0].severity = SEVERITY_INFO;
        engine_free(e);
        engine_free(again);
        engine_free(last);
        effects_deinit(&out);
}
END_TEST

/* More than the book holds, all of which change after @a. */
static void restore_with_many_others(Engine *e, const Alert *a)
{
        Alert other = ALERT_NULL;

        other.rule = "other";
        other.scope_kind = SCOPE_ORG;
        other.state = ALERT_RESOLVED;
        other.changed = a->changed;
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
        Alert alert = ALERT_NULL;

        ck_assert_int_eq(step(e, day0, &bad, NULL), 0);
        ck_assert_uint_eq(out.n_alerts, 1);
        ck_assert_int_eq(alert_copy(&alert, &out.alerts[0]), 0);
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
        alert_deinit(&alert);
        engine_free(e);
        engine_free(unknown);
        engine_free(without);
        engine_free(again);
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
        ck_assert_int_eq(engine_figure(e, ana, 0, 0, now - 25 * USEC_HOUR, &f), ENGINE_E_HISTORY);
        ck_assert_int_eq(engine_figure(e, ana, 0, 0, now - 24 * USEC_HOUR, &f), 0);
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

/* What the window of now lacks keeps nobody from asking for it, nor for that of an hour to come. */
START_TEST(what_was_forgotten_is_missing_from_now_on_and_not_known_of_before)
{
        Survey forgotten = survey("1", "ana", day0 - 3 * USEC_DAY, 1), kept = survey("2", "ana", day0, 5);
        Figure f;
        Engine *e;

        window = "7d";
        e = make(0);
        engine_set_forgotten(e, day0 - 2 * USEC_DAY, INT32_MIN);
        ck_assert_int_eq(step(e, day0, &forgotten, NULL), 0);
        ck_assert_int_eq(step(e, day0, &kept, NULL), 0);
        for (usec_t at = day0 + 1; at < day0 + 3 * USEC_HOUR; at += USEC_HOUR) {
                ck_assert_int_eq(engine_figure(e, SCOPE_ID_ORG, 0, 0, at, &f), 0);
                ck_assert_uint_eq(f.n, 1);
        }
        ck_assert_int_eq(engine_figure(e, SCOPE_ID_ORG, 0, 0, day0, &f), ENGINE_E_HISTORY);
        ck_assert_int_eq(engine_figure(e, SCOPE_ID_ORG, 1, 0, day0 + 1, &f), 0);
        ck_assert_int_eq(f.state, FIGURE_NO_DATA);
        engine_free(e);
        effects_deinit(&out);
        window = "28d";
}
END_TEST

static FigureState state_with(MetricKind kind, bool lower_is_better, double target, int answer)
{
        Metric before = metrics[0];
        Engine *e;
        Figure f;

        metrics[0].kind = kind;
        metrics[0].lo = kind == METRIC_NPS ? 0 : 1;
        metrics[0].hi = kind == METRIC_NPS ? 10 : 5;
        metrics[0].lower_is_better = lower_is_better;
        metrics[0].has_target = !isnan(target);
        metrics[0].target = metrics[0].has_target ? target : 0;
        e = make(0);
        for (int i = 0; i < 20; i++) {
                Survey s = survey("1", "ana", day0, answer);

                ck_assert_int_eq(step(e, day0, &s, NULL), 0);
        }
        ck_assert_int_eq(engine_figure(e, SCOPE_ID_ORG, 0, 0, day0 + 1, &f), 0);
        engine_free(e);
        effects_deinit(&out);
        metrics[0] = before;
        return f.state;
}

START_TEST(without_a_rule_a_figure_is_bad_when_its_interval_is_beyond_the_target)
{
        ck_assert_int_eq(state_with(METRIC_MEAN, true, 3, 5), FIGURE_ABOVE);
        ck_assert_int_eq(state_with(METRIC_MEAN, true, 3, 3), FIGURE_OK);
        ck_assert_int_eq(state_with(METRIC_MEAN, true, 3, 1), FIGURE_OK);
        ck_assert_int_eq(state_with(METRIC_MEAN, true, 1, 1), FIGURE_OK);
        ck_assert_int_eq(state_with(METRIC_MEAN, false, 3, 1), FIGURE_BELOW);
        ck_assert_int_eq(state_with(METRIC_MEAN, false, 5, 5), FIGURE_OK);
        ck_assert_int_eq(state_with(METRIC_TOP2, true, 80, 5), FIGURE_BELOW);
        /* No target is not one of 0. */
        ck_assert_int_eq(state_with(METRIC_NPS, false, 0, 0), FIGURE_BELOW);
        ck_assert_int_eq(state_with(METRIC_NPS, false, NAN, 0), FIGURE_OK);
        ck_assert_int_eq(state_with(METRIC_MEAN, true, NAN, 5), FIGURE_OK);
}
END_TEST

/* In Antarctica/Troll, where clocks go back by two hours. */
START_TEST(today_has_26_hours)
{
        CalendarStep steps[] = {{.from = 0, .offset = 2 * USEC_HOUR},
                                {.from = day0 + 3 * USEC_HOUR, .offset = 0}};
        Survey yesterday = survey("1", "ana", day0 - 2 * USEC_HOUR - USEC_DAY, 5);
        Survey first = survey("2", "ana", day0 - 2 * USEC_HOUR, 5);
        usec_t late = day0 + 24 * USEC_HOUR - USEC_MSEC;
        Figure f;
        Engine *e;

        window = "today";
        keep_surveys = USEC_DAY;
        calendar = (Calendar){.steps = steps, .n_steps = CX_ARRAY_LEN(steps)};
        for (int i = 0; i < 2; i++, keep_surveys = 0) {
                e = make(0);
                ck_assert_int_eq(step(e, late - 25 * USEC_HOUR, &yesterday, NULL), 0);
                ck_assert_int_eq(step(e, late - 25 * USEC_HOUR, &first, NULL), 0);
                ck_assert_int_eq(step(e, late, NULL, NULL), 0);
                ck_assert_int_eq(engine_figure(e, SCOPE_ID_ORG, 0, 0, late + 1, &f), 0);
                ck_assert_uint_eq(f.n, 1);
                /* Of the day before it is as long ago as surveys are stored. */
                ck_assert(isnan(f.trend) == (keep_surveys > 0));
                engine_free(e);
        }
        effects_deinit(&out);
        calendar = CALENDAR_UTC;
        window = "28d";
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
           a_rule_with_another_metric_does_not_use_its_numbers_again,
           an_alert_ends_when_its_rule_asks_something_else,
           an_alert_has_the_severity_of_its_rule_as_it_is_now,
           numbers_of_alerts_that_were_dropped_are_carried_over,
           numbers_of_alerts_that_were_dropped_without_an_heir_are_not_used_again,
           what_surveys_are_no_longer_stored_for_is_not_known,
           what_was_forgotten_is_missing_from_now_on_and_not_known_of_before,
           without_a_rule_a_figure_is_bad_when_its_interval_is_beyond_the_target, today_has_26_hours,
           an_unknown_alert_takes_no_command, time_does_not_run_backwards)

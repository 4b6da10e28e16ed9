/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/scenario/world.h"
#include "tests/support/check_main.h"

SCENARIO(a_point_rule_fires_with_enough_answers_and_recovers)
{
        world_rule("low csat agent/* 1h point below 80 min_n=5");
        world_answers(4, "ana billing csat=1");
        world_expect("");
        world_answer("ana billing csat=1");
        world_expect("[d0 00:00] low agent/ana: inactive -> firing n=5 value=0 evidence=0/80\n");
        world_answers(19, "ana billing csat=5");
        world_expect("");
        world_answer("ana billing csat=5");
        world_expect("[d0 00:00] low agent/ana: firing -> resolved recovered n=5 value=0 evidence=0/80\n");
}

SCENARIO(an_interval_rule_waits_until_the_whole_interval_is_past)
{
        world_rule("low csat queue/* 7d interval below 80 min_n=3");
        world_answers(2, "ana billing csat=1");
        world_expect("");
        world_answer("ana billing csat=5");
        world_expect("[d0 00:00] low queue/billing: inactive -> firing n=3 value=33.33 evidence=79.23/80\n");
        world_answers(3, "ana billing csat=2");
        world_expect("");
}

SCENARIO(a_rule_may_watch_for_too_much)
{
        world_rule("slow wait org 1h interval above 2 min_n=3");
        world_answer("ana billing wait=3");
        world_answer("ana billing wait=3");
        world_answer("ana billing wait=4");
        world_expect("");
        world_answer("ana billing wait=4");
        world_expect("[d0 00:00] slow org: inactive -> firing n=4 value=3.5 evidence=2.581/2\n");
}

SCENARIO(a_value_at_the_threshold_is_not_past_it)
{
        world_rule("low csat agent/* 1h point below 50");
        world_rule("slow wait agent/* 1h point above 3");
        world_answer("ana billing csat=5 wait=3");
        world_answer("ana billing csat=1 wait=3");
        world_expect("");
        world_answer("ana billing csat=1 wait=4");
        world_expect("[d0 00:00] low agent/ana: inactive -> firing n=3 value=33.33 evidence=33.33/50\n"
                     "[d0 00:00] slow agent/ana: inactive -> firing n=3 value=3.333 evidence=3.333/3\n");
}

SCENARIO(hold_keeps_an_alert_pending_and_a_recovery_ends_it)
{
        world_rule("low csat agent/* 1h point below 80 hold=10m");
        world_answer("ana billing csat=1");
        world_elapse("5m");
        world_answers(3, "ana billing csat=5");
        world_expect("[d0 00:00] low agent/ana: inactive -> pending n=1 value=0 evidence=0/80\n");
        world_answer("ana billing csat=5");
        world_expect("[d0 00:05] low agent/ana: pending -> resolved recovered n=4 value=75 evidence=75/80\n");
        world_answers(5, "ana billing csat=1");
        world_elapse("9m");
        world_expect("[d0 00:05] low agent/ana: inactive -> pending n=6 value=66.67 evidence=66.67/80\n");
        world_elapse("5m");
        world_expect("[d0 00:15] low agent/ana: pending -> firing n=10 value=40 evidence=40/80\n");
}

SCENARIO(evidence_fires_once_and_recovers)
{
        world_rule("csat-low csat agent/* 28d evidence below 80");
        for (unsigned day = 0; day < 6; day++) {
                world_answers(2, "ana billing csat=2");
                world_answer("ana billing csat=5");
                world_elapse("1d");
        }
        world_show("agent/ana", "csat", "28d");
        world_expect("[d3 00:00] csat-low agent/ana: inactive -> firing n=11 value=27.27 evidence=503.7/280\n"
                     "[d6 00:00] agent/ana csat 28d: n=18 value=33.33 [16.28, 56.25] trend=nan below\n");
        world_answers(20, "ana billing csat=2");
        world_expect("");
        for (unsigned day = 0; day < 9; day++) {
                world_elapse("1d");
                world_answers(16, "ana billing csat=5");
        }
        world_expect("[d14 00:00] csat-low agent/ana: firing -> resolved recovered n=11 value=27.27 "
                     "evidence=503.7/280\n");
        /* The same old answers are no evidence again. */
        world_answers(3, "ana billing csat=2");
        world_elapse("2d");
        world_expect("");
}

SCENARIO(the_false_alarm_budget_is_that_of_all_scopes_together)
{
        world_roster("ana,alpha,madrid,emea");
        world_roster("bob,alpha,madrid,emea");
        world_roster("eve,alpha,madrid,emea");
        world_rule("csat-low csat agent/* 7d evidence below 80 alarms=2/90d");
        world_answers(6, "ana billing csat=2");
        world_answers(6, "zoe billing csat=2");
        world_expect("[d0 00:00] csat-low agent/ana: inactive -> firing n=5 value=0 evidence=174.3/135\n"
                     "[d0 00:00] csat-low agent/zoe: inactive -> firing n=6 value=0 evidence=596.9/180\n");
}

/* What the late answers lower is the evidence of the starts before them only. */
SCENARIO(good_answers_of_long_ago_do_not_hide_bad_ones_of_today)
{
        world_rule("csat-low csat agent/* 28d evidence below 80");
        world_answer("ana billing csat=5");
        world_elapse("20d");
        world_answer("ana billing csat=1");
        for (unsigned i = 0; i < 100; i++)
                world_answer_late("10d", "ana billing csat=5");
        world_answers(2, "ana billing csat=1");
        world_expect("");
        world_answer("ana billing csat=1");
        world_expect(
                "[d20 00:00] csat-low agent/ana: inactive -> firing n=105 value=96.19 evidence=524.4/280\n");
}

SCENARIO(late_answers_count_for_an_alert_that_is_open)
{
        world_rule("csat-low csat agent/* 28d evidence below 80");
        world_answers(99, "ana billing csat=5");
        world_elapse("5d");
        world_answers(8, "ana billing csat=1");
        world_expect(
                "[d5 00:00] csat-low agent/ana: inactive -> firing n=104 value=95.19 evidence=871.6/280\n");
        world_elapse("1d");
        world_answer("ana billing csat=5");
        world_expect("");
        for (unsigned i = 0; i < 60; i++)
                world_answer_late("1d", "ana billing csat=5");
        world_expect("[d6 00:00] csat-low agent/ana: firing -> resolved recovered n=104 value=95.19 "
                     "evidence=871.6/280\n");
}

SCENARIO(a_sudden_fall_is_not_recovered_while_the_evidence_stands)
{
        world_rule("csat-low csat agent/* 28d evidence below 80");
        world_answers(99, "ana billing csat=5");
        world_elapse("5d");
        world_answers(8, "ana billing csat=1");
        world_expect(
                "[d5 00:00] csat-low agent/ana: inactive -> firing n=104 value=95.19 evidence=871.6/280\n");
        world_show("agent/ana", "csat", "28d");
        world_answer("ana billing csat=5");
        world_expect("[d5 00:00] agent/ana csat 28d: n=107 value=92.52 [85.94, 96.16] trend=nan below\n");
        /* M is below the threshold again now, but not by so much that the next bad answer would not fire anew. */
        world_answers(5, "ana billing csat=5");
        world_expect("");
        world_answers(10, "ana billing csat=5");
        world_expect("[d5 00:00] csat-low agent/ana: firing -> resolved recovered n=104 value=95.19 "
                     "evidence=871.6/280\n");
}

SCENARIO(an_answer_from_before_the_first_day_adds_starts)
{
        world_rule("csat-low csat agent/* 28d evidence below 80");
        world_elapse("30d");
        world_answers(5, "ana billing csat=1");
        world_expect("");
        world_answer_late("5d", "ana billing csat=5");
        world_expect(
                "[d30 00:00] csat-low agent/ana: inactive -> firing n=6 value=16.67 evidence=940.2/280\n");
}

SCENARIO(a_window_that_runs_empty_ends_the_alert)
{
        world_rule("low csat agent/* 1h point below 80");
        world_rule("long csat agent/* 28d evidence below 80");
        world_answers(12, "ana billing csat=1");
        world_expect("[d0 00:00] low agent/ana: inactive -> firing n=1 value=0 evidence=0/80\n"
                     "[d0 00:00] long agent/ana: inactive -> firing n=6 value=0 evidence=596.9/280\n");
        world_elapse("40d");
        world_expect(
                "[d0 01:00] low agent/ana: firing -> resolved expired n=1 value=0 evidence=0/80\n"
                "[d28 00:00] long agent/ana: firing -> resolved expired n=6 value=0 evidence=596.9/280\n");
        /* When the answers are no longer kept, there is nothing to wait for. */
        world_elapse("400d");
        world_expect("");
        ck_assert_int_eq(engine_deadline(world_engine()), USEC_INFINITY);
}

SCENARIO(a_bucket_that_leaves_can_make_an_alert)
{
        world_rule("low csat agent/* 1h point below 80");
        world_answers(9, "ana billing csat=5");
        world_elapse("30m");
        world_answer("ana billing csat=1");
        world_expect("");
        world_elapse("31m");
        world_expect("[d0 01:00] low agent/ana: inactive -> firing n=1 value=0 evidence=0/80\n");
}

/* Each day without an answer is one more start. */
SCENARIO(evidence_close_below_its_limit_comes_to_it_with_the_days)
{
        world_rule("low csat agent/* 7d evidence below 80 alarms=1/176d");
        world_answers(5, "ana billing csat=1");
        world_elapse("47h");
        world_expect("");
        world_elapse("2h");
        world_expect("[d2 00:00] low agent/ana: inactive -> firing n=5 value=0 evidence=176.3/176\n");
}

SCENARIO(good_answers_to_come_do_not_make_up_for_bad_ones_of_now)
{
        world_rule("low csat agent/* 1h point below 80");
        world_answers(4, "ana billing csat=5");
        for (unsigned i = 0; i < 10; i++)
                world_answer_late("-1m", "ana billing csat=5");
        world_answers(2, "ana billing csat=1");
        world_expect("[d0 00:00] low agent/ana: inactive -> firing n=6 value=66.67 evidence=66.67/80\n");
}

SCENARIO(a_late_answer_counts_where_it_belongs)
{
        world_rule("low csat agent/* 7d point below 80");
        world_elapse("10d");
        world_answer("ana billing csat=5");
        world_answer_late("8d", "ana billing csat=1");
        world_expect("");
        world_answer_late("6d", "ana billing csat=1");
        world_expect("[d10 00:00] low agent/ana: inactive -> firing n=2 value=50 evidence=50/80\n");
        /* The bad answer leaves a day after it came. */
        world_elapse("1d");
        world_expect("[d11 00:00] low agent/ana: firing -> resolved recovered n=2 value=50 evidence=50/80\n");
}

SCENARIO(an_answer_from_the_future_counts_when_its_time_has_come)
{
        world_rule("low csat agent/* 1h point below 80");
        world_rule("long csat agent/* 28d evidence below 80 alarms=1/1d");
        world_elapse("23h58m");
        for (unsigned i = 0; i < 12; i++)
                world_answer_late("-4m", "ana billing csat=1");
        world_expect("");
        world_elapse("5m");
        world_expect("[d1 00:00] long agent/ana: inactive -> firing n=12 value=0 evidence=1.194e+06/280\n"
                     "[d1 00:02] low agent/ana: inactive -> firing n=12 value=0 evidence=0/80\n");
}

SCENARIO(a_revision_takes_the_evidence_away)
{
        world_rule("low csat agent/* 1h point below 80 min_n=2");
        world_answer("ana billing csat=1");
        world_answer("ana billing csat=5");
        world_expect("[d0 00:00] low agent/ana: inactive -> firing n=2 value=50 evidence=50/80\n");
        world_revise("s1", "ana billing csat=4");
        world_expect("[d0 00:00] low agent/ana: firing -> resolved withdrawn n=2 value=50 evidence=50/80\n");
        world_revise("s1", "ana billing csat=3");
        world_expect("[d0 00:00] low agent/ana: inactive -> firing n=2 value=50 evidence=50/80\n");
        /* Given to another agent, it is that one's. */
        world_revise("s1", "bob billing csat=3");
        world_answer("bob billing csat=3");
        world_expect("[d0 00:00] low agent/ana: firing -> resolved withdrawn n=2 value=50 evidence=50/80\n"
                     "[d0 00:00] low agent/bob: inactive -> firing n=2 value=0 evidence=0/80\n");
}

SCENARIO(a_retraction_takes_the_evidence_away)
{
        world_rule("csat-low csat agent/* 28d evidence below 80");
        world_answers(9, "ana billing csat=2");
        world_expect("[d0 00:00] csat-low agent/ana: inactive -> firing n=6 value=0 evidence=596.9/280\n");
        world_show_surveys("csat-low");
        world_expect("[d0 00:00] csat-low surveys: s6 s5 s4 s3 s2\n");
        /* One of nine is enough left for the threshold, until it is not. */
        world_answers(2, "ana billing csat=5");
        world_retract("s10");
        world_expect("");
        world_retract("s3");
        world_retract("s4");
        world_expect("");
        world_retract("s5");
        world_expect("[d0 00:00] csat-low agent/ana: firing -> resolved withdrawn n=6 value=0 "
                     "evidence=596.9/280\n");
        /* What is left counts as if there had been no alert. */
        world_answer("ana billing csat=2");
        world_expect("[d0 00:00] csat-low agent/ana: inactive -> firing n=8 value=12.5 evidence=766.8/280\n");
        /* That of this one is used up: evidence begins anew the day after. */
        world_answers(60, "ana billing csat=5");
        world_answers(20, "ana billing csat=2");
        world_expect("[d0 00:00] csat-low agent/ana: firing -> resolved recovered n=8 value=12.5 "
                     "evidence=766.8/280\n");
        world_elapse("1d");
        world_answers(5, "ana billing csat=2");
        world_expect("");
        world_answer("ana billing csat=2");
        world_expect(
                "[d1 00:00] csat-low agent/ana: inactive -> firing n=94 value=64.89 evidence=596.9/280\n");
}

SCENARIO(what_came_since_an_alert_that_is_withdrawn_may_make_another)
{
        world_rule("csat-low csat agent/* 28d evidence below 80");
        world_answers(6, "ana billing csat=2");
        world_expect("[d0 00:00] csat-low agent/ana: inactive -> firing n=6 value=0 evidence=596.9/280\n");
        world_elapse("3d");
        world_answers(6, "ana billing csat=2");
        world_expect("");
        world_retract("s2");
        world_expect(
                "[d3 00:00] csat-low agent/ana: firing -> resolved withdrawn n=6 value=0 evidence=596.9/280\n"
                "[d3 00:00] csat-low agent/ana: inactive -> firing n=11 value=0 evidence=3.347e+05/280\n");
}

/* The tallies by the day are kept for 400 days. */
SCENARIO(a_day_that_is_no_longer_kept_is_no_start)
{
        world_rule("low csat agent/* 7d evidence below 80 alarms=1/7d hold=2h");
        world_answer("ana billing csat=5");
        world_elapse("400d");
        world_elapse("23h");
        world_answers(3, "ana billing csat=1");
        world_expect("[d400 23:00] low agent/ana: inactive -> pending n=3 value=0 evidence=116/70\n");
        /* Midnight takes the first answer away, and with it the days before yesterday. */
        world_elapse("2h");
        world_expect(
                "[d401 00:00] low agent/ana: pending -> resolved recovered n=3 value=0 evidence=116/70\n");
}

SCENARIO(an_answer_from_before_the_first_day_that_is_kept_adds_starts)
{
        world_rule("low csat agent/* 28d evidence below 80 alarms=1/28d");
        world_answers(2, "ana billing csat=5");
        world_elapse("500d");
        world_answers(3, "ana billing csat=1");
        world_expect("");
        world_answer_late("27d", "ana billing csat=1");
        world_expect("[d500 00:00] low agent/ana: inactive -> firing n=4 value=0 evidence=500/280\n");
}

/* Windows of up to 7 days are cut in hours, and evidence in days. */
SCENARIO(evidence_of_an_hour_to_come_waits_until_its_window_has_it)
{
        world_rule("low csat agent/* 7d evidence below 80 alarms=1/7d");
        world_elapse("58m");
        for (unsigned i = 0; i < 5; i++)
                world_answer_late("-4m", "ana billing csat=1");
        world_expect("");
        world_elapse("10m");
        world_expect("[d0 01:00] low agent/ana: inactive -> firing n=5 value=0 evidence=174.3/70\n");
}

/* Good answers of the same day took the evidence below the limit already, and that is no withdrawal. */
SCENARIO(a_revision_after_better_answers_withdraws_nothing)
{
        world_rule("csat-low csat agent/* 28d evidence below 80");
        world_answers(9, "ana billing csat=2");
        world_expect("[d0 00:00] csat-low agent/ana: inactive -> firing n=6 value=0 evidence=596.9/280\n");
        world_answers(10, "ana billing csat=5");
        world_revise("s3", "ana billing csat=4");
        world_expect("");
}

SCENARIO(a_retraction_that_changes_nothing_leaves_the_alert)
{
        world_rule("low csat agent/* 1h point below 80 min_n=2");
        world_answers(5, "ana billing csat=1");
        world_retract("s1");
        world_expect("[d0 00:00] low agent/ana: inactive -> firing n=2 value=0 evidence=0/80\n");
        world_retract("s2");
        world_retract("s3");
        world_expect("");
        world_retract("s4");
        world_expect("[d0 00:00] low agent/ana: firing -> resolved withdrawn n=2 value=0 evidence=0/80\n");
}

SCENARIO(people_acknowledge_snooze_and_say_what_came_of_it)
{
        world_rule("low csat agent/* 1h point below 80 hold=5m");
        world_answer("ana billing csat=1");
        world_ack("low", "maria");
        world_expect("[d0 00:00] low agent/ana: inactive -> pending n=1 value=0 evidence=0/80\n"
                     "[d0 00:00] low: refused\n");
        world_elapse("5m");
        world_ack("low", "maria");
        world_ack("low", "maria");
        world_expect("[d0 00:05] low agent/ana: pending -> firing n=1 value=0 evidence=0/80\n"
                     "[d0 00:05] low agent/ana: firing -> acknowledged n=1 value=0 evidence=0/80\n"
                     "[d0 00:05] low: refused\n");
        world_snooze("low", "maria", "10m");
        world_expect("[d0 00:05] low agent/ana: acknowledged -> snoozed n=1 value=0 evidence=0/80\n");
        world_elapse("10m");
        world_expect("[d0 00:15] low agent/ana: snoozed -> firing n=1 value=0 evidence=0/80\n");
        world_outcome("low", "maria", "coached", "listened to two calls");
        ck_assert_str_eq(engine_alert(world_engine(), 0)->outcome, "coached");
        ck_assert_str_eq(engine_alert(world_engine(), 0)->note, "listened to two calls");
        world_expect("[d0 00:15] low agent/ana: firing -> acknowledged n=1 value=0 evidence=0/80\n");
        world_elapse("1h");
        world_outcome("low", "maria", "helped", "");
        world_ack("low", "maria");
        world_snooze("low", "maria", "10m");
        world_expect("[d0 01:00] low agent/ana: acknowledged -> resolved expired n=1 value=0 evidence=0/80\n"
                     "[d0 01:15] low agent/ana: resolved -> resolved expired n=1 value=0 evidence=0/80\n"
                     "[d0 01:15] low: refused\n"
                     "[d0 01:15] low: refused\n");
}

SCENARIO(a_snoozed_alert_may_recover_in_its_sleep)
{
        world_rule("low csat agent/* 1h point below 80");
        world_answer("ana billing csat=1");
        world_snooze("low", "maria", "10m");
        world_answers(4, "ana billing csat=5");
        world_elapse("20m");
        world_expect("[d0 00:00] low agent/ana: inactive -> firing n=1 value=0 evidence=0/80\n"
                     "[d0 00:00] low agent/ana: firing -> snoozed n=1 value=0 evidence=0/80\n"
                     "[d0 00:00] low agent/ana: snoozed -> resolved recovered n=1 value=0 evidence=0/80\n");
}

SCENARIO(every_covered_scope_has_its_own_alert)
{
        world_roster("ana,alpha,madrid,emea");
        world_roster("bob,alpha,madrid,emea");
        world_queue("billing,service");
        world_rule("team csat team/a* 1h point below 80 min_n=2");
        world_rule("agent csat agent/b* 1h point below 80");
        world_rule("line csat line/* 1h point below 80 min_n=3");
        world_answer("ana billing csat=1");
        world_expect("");
        world_answer("bob billing csat=1");
        world_expect("[d0 00:00] agent agent/bob: inactive -> firing n=1 value=0 evidence=0/80\n"
                     "[d0 00:00] team team/alpha: inactive -> firing n=2 value=0 evidence=0/80\n");
        /* Not on the roster, and no agent at all: only the queue's side. */
        world_answer("zoe billing csat=1");
        world_answer("- billing csat=1");
        world_expect("[d0 00:00] line line/service: inactive -> firing n=3 value=0 evidence=0/80\n");
}

CHECK_MAIN("alerts", a_point_rule_fires_with_enough_answers_and_recovers,
           an_interval_rule_waits_until_the_whole_interval_is_past, a_rule_may_watch_for_too_much,
           a_value_at_the_threshold_is_not_past_it, hold_keeps_an_alert_pending_and_a_recovery_ends_it,
           evidence_fires_once_and_recovers, the_false_alarm_budget_is_that_of_all_scopes_together,
           good_answers_of_long_ago_do_not_hide_bad_ones_of_today,
           late_answers_count_for_an_alert_that_is_open,
           a_sudden_fall_is_not_recovered_while_the_evidence_stands,
           an_answer_from_before_the_first_day_adds_starts, a_window_that_runs_empty_ends_the_alert,
           evidence_close_below_its_limit_comes_to_it_with_the_days,
           good_answers_to_come_do_not_make_up_for_bad_ones_of_now, a_bucket_that_leaves_can_make_an_alert,
           a_late_answer_counts_where_it_belongs, an_answer_from_the_future_counts_when_its_time_has_come,
           a_revision_takes_the_evidence_away, a_retraction_takes_the_evidence_away,
           what_came_since_an_alert_that_is_withdrawn_may_make_another,
           a_revision_after_better_answers_withdraws_nothing,
           a_retraction_that_changes_nothing_leaves_the_alert, a_day_that_is_no_longer_kept_is_no_start,
           an_answer_from_before_the_first_day_that_is_kept_adds_starts,
           evidence_of_an_hour_to_come_waits_until_its_window_has_it,
           people_acknowledge_snooze_and_say_what_came_of_it, a_snoozed_alert_may_recover_in_its_sleep,
           every_covered_scope_has_its_own_alert)

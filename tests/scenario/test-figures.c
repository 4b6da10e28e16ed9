/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/scenario/world.h"
#include "tests/support/check_main.h"

SCENARIO(a_figure_says_how_sure_it_is)
{
        world_answers(9, "ana billing csat=2");
        world_show("agent/ana", "csat", "28d");
        world_answer("ana billing csat=5");
        world_show("agent/ana", "csat", "28d");
        world_show("agent/ana", "csat", "1h");
        world_show("agent/ana", "nps", "28d");
        world_show("queue/billing", "csat", "28d");
        world_show("org", "response", "28d");
        world_show("agent/bob", "csat", "28d");
        world_expect("[d0 00:00] agent/ana csat 28d: n=9 value=0 [0, 29.91] trend=nan insufficient\n"
                     "[d0 00:00] agent/ana csat 28d: n=10 value=10 [1.788, 40.42] trend=nan below\n"
                     "[d0 00:00] agent/ana csat 1h: n=10 value=10 [1.788, 40.42] trend=nan below\n"
                     "[d0 00:00] agent/ana nps 28d: n=0 value=nan [nan, nan] trend=nan no_data\n"
                     "[d0 00:00] queue/billing csat 28d: n=10 value=10 [1.788, 40.42] trend=nan below\n"
                     "[d0 00:00] org response 28d: n=10 value=100 [72.25, 100] trend=nan ok\n"
                     "[d0 00:00] agent/bob: unknown\n");
        world_answers(40, "ana billing csat=5");
        world_show("agent/ana", "csat", "28d");
        world_expect("[d0 00:00] agent/ana csat 28d: n=50 value=82 [69.2, 90.23] trend=nan ok\n");
}

SCENARIO(a_figure_follows_the_rule_that_watches_it)
{
        world_rule("low csat agent/* 28d evidence below 80");
        world_answers(4, "ana billing csat=2");
        world_show("agent/ana", "csat", "28d");
        world_answers(6, "ana billing csat=5");
        world_show("agent/ana", "csat", "28d");
        world_expect("[d0 00:00] agent/ana csat 28d: n=4 value=0 [0, 48.99] trend=nan insufficient\n"
                     "[d0 00:00] agent/ana csat 28d: n=10 value=60 [31.27, 83.18] trend=nan ok\n");
        world_answers(8, "ana billing csat=2");
        world_show("agent/ana", "csat", "28d");
        world_show("agent/ana", "csat", "7d");
        world_expect("[d0 00:00] low agent/ana: inactive -> firing n=16 value=37.5 evidence=299.1/280\n"
                     "[d0 00:00] agent/ana csat 28d: n=18 value=33.33 [16.28, 56.25] trend=nan below\n"
                     "[d0 00:00] agent/ana csat 7d: n=18 value=33.33 [16.28, 56.25] trend=nan below\n");
        world_elapse("3d");
        world_show_at("agent/ana", "csat", "28d", "2026-03-03T00:00:00Z");
        world_expect("[d3 00:00] agent/ana csat 28d: n=18 value=33.33 [16.28, 56.25] trend=nan below\n");
}

/* Midnight ends the window of the day before. */
SCENARIO(evidence_of_the_first_day_of_a_window_counts_until_it_ends)
{
        world_rule("low csat agent/* 28d evidence below 80");
        world_answers(8, "ana billing csat=1");
        world_elapse("40d");
        world_show_at("agent/ana", "csat", "28d", "2026-03-30T00:00:00Z");
        world_expect("[d0 00:00] low agent/ana: inactive -> firing n=6 value=0 evidence=596.9/280\n"
                     "[d28 00:00] low agent/ana: firing -> resolved expired n=6 value=0 evidence=596.9/280\n"
                     "[d40 00:00] agent/ana csat 28d: n=8 value=0 [0, 32.44] trend=nan below\n");
}

/* The rule asks for less than the target does. */
SCENARIO(a_figure_that_its_rule_has_nothing_against_is_ok)
{
        world_rule("low csat agent/* 28d point below 20");
        world_answers(5, "ana billing csat=5");
        world_answers(15, "ana billing csat=1");
        world_show("agent/ana", "csat", "28d");
        world_show("queue/billing", "csat", "28d");
        world_expect("[d0 00:00] agent/ana csat 28d: n=20 value=25 [11.19, 46.87] trend=nan ok\n"
                     "[d0 00:00] queue/billing csat 28d: n=20 value=25 [11.19, 46.87] trend=nan below\n");
}

/* The evidence would make no alert any more, and does not end this one. */
SCENARIO(a_figure_of_the_day_that_goes_on_is_what_its_alert_is)
{
        world_rule("low csat agent/* 28d evidence below 80");
        world_answers(99, "ana billing csat=5");
        world_elapse("132h");
        world_answers(8, "ana billing csat=1");
        world_answers(6, "ana billing csat=5");
        world_show_at("agent/ana", "csat", "28d", "2026-03-07T11:00:00Z");
        world_expect("[d5 12:00] low agent/ana: inactive -> firing n=104 value=95.19 evidence=871.6/280\n"
                     "[d5 12:00] agent/ana csat 28d: n=113 value=92.92 [86.65, 96.37] trend=nan below\n");
}

SCENARIO(a_figure_is_what_its_alert_is_while_nothing_comes)
{
        world_rule("now csat queue/* 1h point below 80 min_n=5");
        world_answer("ana billing csat=1");
        world_elapse("10m");
        world_answers(4, "ana billing csat=1");
        world_elapse("51m");
        world_show("queue/billing", "csat", "1h");
        /* No answer has left since, and nobody has looked. */
        world_show_at("queue/billing", "csat", "1h", "2026-03-02T01:05:00Z");
        world_show_at("queue/billing", "csat", "1h", "2026-03-02T01:09:59Z");
        world_expect("[d0 00:10] now queue/billing: inactive -> firing n=5 value=0 evidence=0/80\n"
                     "[d0 01:01] queue/billing csat 1h: n=4 value=0 [0, 48.99] trend=nan below\n"
                     "[d0 01:01] queue/billing csat 1h: n=4 value=0 [0, 48.99] trend=nan below\n"
                     "[d0 01:01] queue/billing csat 1h: n=4 value=0 [0, 48.99] trend=nan below\n");
        /* A moment that was looked at is as its counts were. */
        world_show_at("queue/billing", "csat", "1h", "2026-03-02T00:59:00Z");
        world_show_at("queue/billing", "csat", "1h", "2026-03-02T00:09:00Z");
        world_expect("[d0 01:01] queue/billing csat 1h: n=5 value=0 [0, 43.45] trend=nan below\n"
                     "[d0 01:01] queue/billing csat 1h: n=1 value=0 [0, 79.35] trend=nan insufficient\n");
}

SCENARIO(any_rule_that_holds_makes_a_figure_bad)
{
        world_rule("slow csat queue/* 7d evidence below 80");
        world_rule("quick csat queue/* 7d point below 60 min_n=5");
        world_answers(3, "ana billing csat=5");
        world_answers(3, "ana billing csat=1");
        world_show("queue/billing", "csat", "7d");
        world_elapse("1d");
        world_answers(20, "ana billing csat=5");
        world_show("queue/billing", "csat", "7d");
        world_show_at("queue/billing", "csat", "7d", "2026-03-02T12:00:00Z");
        world_expect(
                "[d0 00:00] quick queue/billing: inactive -> firing n=6 value=50 evidence=50/60\n"
                "[d0 00:00] queue/billing csat 7d: n=6 value=50 [18.76, 81.24] trend=nan below\n"
                "[d1 00:00] quick queue/billing: firing -> resolved recovered n=6 value=50 evidence=50/60\n"
                "[d1 00:00] queue/billing csat 7d: n=26 value=88.46 [71.02, 96] trend=nan ok\n"
                "[d1 00:00] queue/billing csat 7d: n=6 value=50 [18.76, 81.24] trend=nan below\n");
}

SCENARIO(a_trend_compares_with_the_window_before)
{
        world_answers(5, "ana billing csat=2");
        world_answers(5, "ana billing csat=5");
        world_show("org", "csat", "7d");
        world_elapse("7d");
        world_answers(8, "ana billing csat=5");
        world_answer("ana billing csat=1");
        world_show("org", "csat", "7d");
        world_answer("ana billing csat=1");
        world_show("org", "csat", "7d");
        world_expect("[d0 00:00] org csat 7d: n=10 value=50 [23.66, 76.34] trend=nan below\n"
                     "[d7 00:00] org csat 7d: n=9 value=88.89 [56.5, 98.01] trend=nan insufficient\n"
                     "[d7 00:00] org csat 7d: n=10 value=80 [49.02, 94.33] trend=30 ok\n");
}

SCENARIO(people_move_and_their_answers_stay_where_they_were)
{
        world_roster("ana,alpha,madrid,emea,2026-01-01,2026-03-05T00:00:00Z");
        world_roster("ana,beta,lisboa,emea,2026-03-05T00:00:00Z");
        world_elapse("2d");
        world_answers(3, "ana billing csat=1");
        world_elapse("2d");
        world_answers(5, "ana billing csat=5");
        world_show("team/alpha", "csat", "7d");
        world_show("team/beta", "csat", "7d");
        world_show("site/madrid", "csat", "7d");
        world_show("region/emea", "csat", "7d");
        world_show("agent/ana", "csat", "7d");
        world_expect("[d4 00:00] team/alpha csat 7d: n=3 value=0 [0, 56.15] trend=nan insufficient\n"
                     "[d4 00:00] team/beta csat 7d: n=5 value=100 [56.55, 100] trend=nan insufficient\n"
                     "[d4 00:00] site/madrid csat 7d: n=3 value=0 [0, 56.15] trend=nan insufficient\n"
                     "[d4 00:00] region/emea csat 7d: n=8 value=62.5 [30.57, 86.32] trend=nan insufficient\n"
                     "[d4 00:00] agent/ana csat 7d: n=8 value=62.5 [30.57, 86.32] trend=nan insufficient\n");
        /* Late, from the time before the move; then taken back. */
        world_answer_late("2d", "ana billing csat=5");
        world_show("team/alpha", "csat", "7d");
        world_retract("s9");
        world_show("team/alpha", "csat", "7d");
        world_show("team/beta", "csat", "7d");
        world_expect("[d4 00:00] team/alpha csat 7d: n=4 value=25 [4.559, 69.94] trend=nan insufficient\n"
                     "[d4 00:00] team/alpha csat 7d: n=3 value=0 [0, 56.15] trend=nan insufficient\n"
                     "[d4 00:00] team/beta csat 7d: n=5 value=100 [56.55, 100] trend=nan insufficient\n");
}

SCENARIO(today_begins_at_local_midnight_when_the_clocks_change)
{
        world_in_madrid();
        world_rule("low csat agent/* today point below 80");
        world_go_to("2026-03-28T22:59:00Z");
        world_answers(10, "ana billing csat=5");
        world_show("agent/ana", "csat", "today");
        world_go_to("2026-03-28T23:00:00Z");
        world_show("agent/ana", "csat", "today");
        world_answers(10, "ana billing csat=1");
        world_go_to("2026-03-29T21:59:00Z");
        world_show("agent/ana", "csat", "today");
        world_go_to("2026-03-29T22:00:00Z");
        world_show("agent/ana", "csat", "today");
        world_expect("[d26 22:59] agent/ana csat today: n=10 value=100 [72.25, 100] trend=nan ok\n"
                     "[d26 23:00] agent/ana csat today: n=0 value=nan [nan, nan] trend=nan no_data\n"
                     "[d26 23:00] low agent/ana: inactive -> firing n=1 value=0 evidence=0/80\n"
                     "[d27 21:59] agent/ana csat today: n=10 value=0 [0, 27.75] trend=-100 below\n"
                     "[d27 22:00] low agent/ana: firing -> resolved expired n=1 value=0 evidence=0/80\n"
                     "[d27 22:00] agent/ana csat today: n=0 value=nan [nan, nan] trend=nan no_data\n");
        world_go_to("2026-10-24T22:00:00Z");
        world_answers(10, "ana billing csat=5");
        world_go_to("2026-10-25T22:59:00Z");
        world_answers(10, "ana billing csat=5");
        world_show("agent/ana", "csat", "today");
        world_go_to("2026-10-25T23:30:00Z");
        world_answers(10, "ana billing csat=4");
        world_show("agent/ana", "csat", "today");
        world_expect("[d237 22:59] agent/ana csat today: n=20 value=100 [83.89, 100] trend=nan ok\n"
                     "[d237 23:30] agent/ana csat today: n=10 value=100 [72.25, 100] trend=0 ok\n");
}

SCENARIO(old_minutes_are_refused_and_old_days_are_not)
{
        world_answers(3, "ana billing csat=5");
        world_elapse("10d");
        world_show_at("agent/ana", "csat", "1h", "2026-03-02T00:30:00Z");
        world_show_at("agent/ana", "csat", "7d", "2026-03-05T00:00:00Z");
        world_show_at("agent/ana", "csat", "28d", "2026-03-05T00:00:00Z");
        world_show_at("agent/ana", "csat", "28d", "2026-03-02T00:00:00Z");
        world_expect("[d10 00:00] agent/ana csat 1h: not kept\n"
                     "[d10 00:00] agent/ana csat 7d: n=3 value=100 [43.85, 100] trend=nan insufficient\n"
                     "[d10 00:00] agent/ana csat 28d: n=3 value=100 [43.85, 100] trend=nan insufficient\n"
                     "[d10 00:00] agent/ana csat 28d: n=0 value=nan [nan, nan] trend=nan no_data\n");
        world_elapse("10d");
        world_show_at("agent/ana", "csat", "7d", "2026-03-05T00:00:00Z");
        world_expect("[d20 00:00] agent/ana csat 7d: not kept\n");
}

SCENARIO(names_beyond_the_limit_count_only_in_the_rollups)
{
        EngineStats stats;

        world_limit_agents(1);
        world_answer("ana billing csat=5");
        world_answer("bob billing csat=1");
        world_answer("ana billing csat=1");
        world_show("agent/ana", "csat", "1h");
        world_show("agent/bob", "csat", "1h");
        world_show("queue/billing", "csat", "1h");
        world_show("org", "csat", "1h");
        world_revise("s2", "bob billing csat=5");
        world_show("org", "csat", "1h");
        world_expect(
                "[d0 00:00] agent/ana csat 1h: n=2 value=50 [9.453, 90.55] trend=nan insufficient\n"
                "[d0 00:00] agent/bob: unknown\n"
                "[d0 00:00] queue/billing csat 1h: n=3 value=33.33 [6.149, 79.23] trend=nan insufficient\n"
                "[d0 00:00] org csat 1h: n=3 value=33.33 [6.149, 79.23] trend=nan insufficient\n"
                "[d0 00:00] org csat 1h: n=3 value=66.67 [20.77, 93.85] trend=nan insufficient\n");
        engine_stats(world_engine(), &stats);
        ck_assert_uint_ge(stats.overflow_agents, 1);
        ck_assert_uint_eq(stats.surveys, 3);
}

CHECK_MAIN("figures", a_figure_says_how_sure_it_is, a_figure_follows_the_rule_that_watches_it,
           evidence_of_the_first_day_of_a_window_counts_until_it_ends,
           a_figure_that_its_rule_has_nothing_against_is_ok,
           a_figure_of_the_day_that_goes_on_is_what_its_alert_is,
           a_figure_is_what_its_alert_is_while_nothing_comes, any_rule_that_holds_makes_a_figure_bad,
           a_trend_compares_with_the_window_before, people_move_and_their_answers_stay_where_they_were,
           today_begins_at_local_midnight_when_the_clocks_change,
           old_minutes_are_refused_and_old_days_are_not, names_beyond_the_limit_count_only_in_the_rollups)

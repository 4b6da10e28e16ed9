/* SPDX-License-Identifier: Apache-2.0 */

/* What goes into one transaction. The order of answers, and what a failed commit does, is for the tests in system and faults. */

#include "tests/support/intake_world.h"

START_TEST(an_alert_is_stored_with_the_survey_that_caused_it)
{
        set_up();
        offer("bad-1", "billing-es", 1);
        finish();
        ck_assert_uint_eq(n_alerts, 1);
        ck_assert_uint_eq(n_ahead, 0);
        tear_down();
}
END_TEST

START_TEST(also_while_an_earlier_version_is_looked_up)
{
        Input tick = {.kind = INPUT_TICK, .now = NOW};
        Hold h;

        set_up();
        hold_look_up(&h);
        /* What comes now is for a batch behind it, whatever time brings meanwhile. */
        offer("bad-1", "billing-es", 1);
        ck_assert_int_eq(intake_step(world.intake, &tick), 0);
        offer("bad-2", "tech-es", 1);
        intake_turn(world.intake);
        sem_post(&h.released);
        finish();
        ck_assert_uint_ge(n_alerts, 1);
        ck_assert_uint_eq(n_ahead, 0);
        ck_assert_ptr_nonnull(strstr(stored, "bad-2"));
        tear_down();
        sem_destroy(&h.released);
}
END_TEST

/* A round of retention begins while it is on its way, and the survey is just past it. */
START_TEST(what_is_past_retention_meanwhile_is_not_taken_once_more)
{
        EngineStats stats;
        Hold h;

        set_up();
        offer("same", "tech-es", 4);
        finish();
        hold(&h);
        offer("same", "tech-es", 4);
        intake_turn(world.intake);
        intake_set_limits(world.intake, NOW, INT64_MIN);
        world.expected = FAULT_TOO_OLD;
        sem_post(&h.released);
        finish();
        engine_stats(world.engine, &stats);
        ck_assert_uint_eq(stats.surveys, 1);
        ck_assert_uint_eq(world.n_refused, 1);
        tear_down();
        sem_destroy(&h.released);
}
END_TEST

START_TEST(an_id_is_its_sources_own)
{
        uint64_t hash, known[SEEN_CANDIDATES_MAX];
        EngineStats stats;

        set_up();
        offer_from(0, "same", "tech-es", 4);
        hash = seen_hash(&world.seen, text_of(world.config->sources[1].name), TEXT("same"));
        ck_assert_uint_eq(seen_find(&world.seen, hash, known), 1);
        /* In the batch that has the other one, and when both are stored. */
        for (unsigned i = 0; i < 2; i++) {
                offer_from(1, "same", "tech-es", 5);
                offer_from(1, "same", "tech-es", 5);
                offer_from(0, "same", "tech-es", 4);
                finish();
        }
        engine_stats(world.engine, &stats);
        ck_assert_uint_eq(stats.surveys, 2);
        ck_assert_uint_eq(intake_parts(world.intake)->last_seq, 2);
        ck_assert_uint_eq(world.n_revised, 0);
        ck_assert_str_eq(stored, "same same ");
        tear_down();
}
END_TEST

/* A sender that is told so sends it no more. */
START_TEST(nothing_is_stale_beside_what_found_no_space)
{
        set_up();
        is_full = true;
        world.expected = FAULT_UNAVAILABLE;
        offer_version("one", 2);
        offer_version("one", 1);
        finish();
        ck_assert_uint_eq(world.n_refused, 2);
        tear_down();
}
END_TEST

START_TEST(what_is_refused_counts_also_while_alerts_wait)
{
        IntakeStats stats;

        set_up();
        is_full = true;
        world.expected = FAULT_UNAVAILABLE;
        /* The alert that it caused is withdrawn with it, and neither finds space. */
        offer("bad-1", "billing-es", 1);
        finish();
        while (!intake_is_idle(world.intake)) {
                sem_wait(&world.rung);
                journal_deliver(world.journal);
        }
        offer("bad-2", "billing-es", 1);
        finish();
        intake_stats(world.intake, &stats);
        ck_assert_uint_eq(stats.counts.refused, 2);
        tear_down();
}
END_TEST

START_TEST(there_is_room_for_as_much_again_once_it_is_settled)
{
        char id[100];
        unsigned first = 0;
        IntakeStats stats;

        memset(id, 'x', sizeof(id) - 1);
        id[sizeof(id) - 1] = '\0';
        set_up();
        world.config->max_memory = 1;
        for (unsigned round = 0; round < 3; round++) {
                unsigned n = 0, n_room = world.n_room;

                for (; !intake_is_full(world.intake); n++)
                        offer(id, "tech-es", 4);
                first = first ? first : n;
                ck_assert_uint_eq(n, first);
                while (world.settled < world.n_offered) {
                        intake_turn(world.intake);
                        if (sem_trywait(&world.rung) == 0)
                                journal_deliver(world.journal);
                }
                ck_assert(!intake_is_full(world.intake));
                ck_assert_uint_gt(world.n_room, n_room);
        }
        intake_stats(world.intake, &stats);
        ck_assert_uint_eq(stats.counts.stored, 1);
        ck_assert_uint_eq(stats.counts.duplicate, 3 * first - 1);
        tear_down();
}
END_TEST

static int delete_run(JournalJob *job CX_UNUSED, Store *store)
{
        static const uint64_t seqs[] = {1};
        int r = store_begin(store);

        if (r == 0)
                r = store_drop_surveys(store, USEC_INFINITY, seqs, 1);
        return r < 0 ? r : store_commit(store);
}

static void delete_done(JournalJob *job CX_UNUSED, int result)
{
        ck_assert_int_eq(result, 0);
}

/* Its id is known until somebody asks for it. */
START_TEST(a_survey_that_was_deleted_is_a_new_one)
{
        JournalJob job = {.run = delete_run, .done = delete_done};

        set_up();
        offer("same", "tech-es", 4);
        offer("other", "tech-es", 4);
        finish();
        journal_submit(world.journal, &job);
        for (unsigned i = 0; i < 2; i++) {
                offer("other", "tech-es", 4);
                offer("same", "tech-es", 5);
                finish();
        }
        ck_assert_uint_eq(intake_parts(world.intake)->last_seq, 3);
        ck_assert_uint_eq(world.n_revised, 0);
        tear_down();
}
END_TEST

CHECK_MAIN("intake", an_alert_is_stored_with_the_survey_that_caused_it,
           also_while_an_earlier_version_is_looked_up, there_is_room_for_as_much_again_once_it_is_settled,
           a_survey_that_was_deleted_is_a_new_one, what_is_past_retention_meanwhile_is_not_taken_once_more,
           an_id_is_its_sources_own, nothing_is_stale_beside_what_found_no_space,
           what_is_refused_counts_also_while_alerts_wait)

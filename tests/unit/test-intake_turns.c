/* SPDX-License-Identifier: Apache-2.0 */

/* Senders that wait, and whose turn it is while much is to be counted. */

#include "tests/support/intake_world.h"

/* So many surveys that they are counted in several turns when they had to wait. */
#define N_MANY 700

static void offer_many(void)
{
        char id[16];

        for (int i = 0; i < N_MANY; i++) {
                snprintf(id, sizeof(id), "n%d", i);
                offer(id, "tech-es", 5);
        }
}

START_TEST(many_that_had_to_wait_are_counted_some_at_a_time)
{
        Input tick = {.kind = INPUT_TICK, .now = NOW + 15 * USEC_MIN};
        EngineStats before, between;
        char expected[16];
        size_t at = 0;
        Hold h;

        set_up();
        /* Its alert goes with the tick in between: an hour behind it. */
        offer_at(NOW - 50 * USEC_MIN, 0, "bad-0", "billing-es", 1);
        hold_look_up(&h);
        ck_assert_uint_eq(n_alerts, 1);
        /* All of these wait behind the look-up. */
        offer_many();
        offer("bad-1", "billing-es", 1);
        ck_assert(!intake_must_wait(world.intake));
        sem_post(&h.released);
        engine_stats(world.engine, &before);
        while (!intake_must_wait(world.intake)) {
                sem_wait(&world.rung);
                journal_deliver(world.journal);
        }
        ck_assert_uint_eq(world.n_room, 0);
        ck_assert(!intake_is_full(world.intake) && !intake_is_idle(world.intake));
        engine_stats(world.engine, &between);
        ck_assert(between.surveys > before.surveys && between.surveys < before.surveys + N_MANY / 2);
        world.now = tick.now;
        ck_assert_int_eq(intake_step(world.intake, &tick), 0);
        /* What comes all the same is counted behind them. */
        offer("bad-2", "tech-es", 1);
        intake_turn(world.intake);
        finish();
        ck_assert_uint_eq(world.n_room, 1);
        ck_assert_uint_ge(n_alerts, 2);
        ck_assert_uint_eq(n_resolved, 1);
        ck_assert_uint_eq(n_ahead, 0);
        engine_stats(world.engine, &between);
        ck_assert_uint_eq(between.surveys, before.surveys + N_MANY + 2);
        for (int i = 0; i < N_MANY; i++) {
                const char *found;

                snprintf(expected, sizeof(expected), " n%d ", i);
                found = strstr(stored + at, expected);
                ck_assert_ptr_nonnull(found);
                at = (size_t)(found - stored) + 1;
        }
        ck_assert_ptr_nonnull(strstr(stored + at, " bad-1 bad-2 "));
        tear_down();
        sem_destroy(&h.released);
}
END_TEST

/*
 * A batch of which the first must be looked up, and many behind it wait with it: until some of them are counted. What comes
 * meanwhile gathers. Returns how many surveys came in all.
 */
static uint64_t count_some(void)
{
        Hold h;

        hold_look_up(&h);
        offer("good", "tech-es", 3);
        offer_many();
        sem_post(&h.released);
        for (int i = 0; !intake_must_wait(world.intake); i++) {
                char id[16];

                snprintf(id, sizeof(id), "late-%d", i);
                offer(id, "tech-es", 5);
                sem_wait(&world.rung);
                journal_deliver(world.journal);
        }
        sem_destroy(&h.released);
        return world.n_offered - 2;
}

START_TEST(one_turn_has_its_share_also_when_others_have_gathered)
{
        EngineStats stats;
        uint64_t n;

        set_up();
        n = count_some();
        engine_stats(world.engine, &stats);
        ck_assert(stats.surveys > 1 && stats.surveys < N_MANY / 2);
        finish();
        engine_stats(world.engine, &stats);
        ck_assert_uint_eq(stats.surveys, n);
        ck_assert_uint_eq(world.n_revised, 2);
        tear_down();
}
END_TEST

typedef struct Read {
        JournalJob job;
        unsigned n_earlier, n_revised;
} Read;

static int read_one(void *user, const StoreSurvey *row)
{
        bool revised = memmem(row->json.at, row->json.n, "\"csat\":3", 8);
        Read *r = user;

        if (memmem(row->json.at, row->json.n, "\"good\"", 6)) {
                r->n_earlier += !revised;
                r->n_revised += revised;
        }
        return 0;
}

static int read_run(JournalJob *job, Store *store)
{
        return ram->scan_surveys(store, 0, 0, read_one, job);
}

static void read_done(JournalJob *job CX_UNUSED, int result)
{
        ck_assert_int_eq(result, 0);
}

/* It folds and deletes what it reads, so that must be what was counted. */
START_TEST(a_round_of_retention_reads_what_was_counted)
{
        Read r = {.job = {.run = read_run, .done = read_done}};

        set_up();
        (void)count_some();
        intake_set_limits(world.intake, NOW, INT64_MIN);
        journal_submit(world.journal, &r.job);
        world.expected = FAULT_TOO_OLD;
        finish();
        journal_stop(world.journal);
        ck_assert_uint_eq(r.n_earlier, 0);
        ck_assert_uint_eq(r.n_revised, 1);
        tear_down();
}
END_TEST

START_TEST(a_stop_in_the_middle_leaves_nothing_in_flight)
{
        set_up();
        (void)count_some();
        ck_assert_uint_gt(world.sink.n_pending, N_MANY);
        intake_rest(world.intake);
        ck_assert(!intake_is_idle(world.intake) && intake_must_wait(world.intake));
        journal_stop(world.journal);
        world.intake = intake_free(world.intake);
        ck_assert_uint_eq(world.sink.n_pending, 0);
        ck_assert_uint_eq(world.n_refused, 0);
        tear_down();
}
END_TEST

/* The batch before them finds no space when some of them are counted. */
START_TEST(many_that_had_to_wait_leave_the_figures_again_on_a_full_disk)
{
        EngineStats stats;
        Hold h;

        set_up();
        hold(&h);
        offer("first", "tech-es", 5);
        intake_turn(world.intake);
        is_full = true;
        world.expected = FAULT_UNAVAILABLE;
        offer("second", "tech-es", 5);
        intake_want_cut(world.intake);
        offer_many();
        intake_turn(world.intake);
        ck_assert(intake_must_wait(world.intake));
        engine_stats(world.engine, &stats);
        ck_assert(stats.surveys > 2 && stats.surveys < N_MANY);
        sem_post(&h.released);
        while (!intake_is_starved(world.intake)) {
                sem_wait(&world.rung);
                journal_deliver(world.journal);
        }
        finish();
        engine_stats(world.engine, &stats);
        ck_assert_uint_eq(stats.surveys, 0);
        ck_assert_uint_eq(world.n_refused, N_MANY + 2);
        ck_assert_uint_eq(world.n_room, 1);
        tear_down();
        sem_destroy(&h.released);
}
END_TEST

START_TEST(senders_are_held_and_what_comes_all_the_same_is_taken)
{
        set_up();
        intake_release(world.intake);
        ck_assert_uint_eq(world.n_room, 0);
        intake_hold(world.intake);
        ck_assert(intake_must_wait(world.intake) && !intake_is_full(world.intake));
        offer("good", "tech-es", 5);
        intake_turn(world.intake);
        while (world.settled < world.n_offered) {
                sem_wait(&world.rung);
                journal_deliver(world.journal);
        }
        ck_assert_str_eq(stored, "good ");
        ck_assert_uint_eq(world.n_room, 0);
        intake_release(world.intake);
        ck_assert_uint_eq(world.n_room, 1);
        ck_assert(!intake_must_wait(world.intake));
        tear_down();
}
END_TEST

/* One or two surveys, as from senders who wait for each of theirs; not what many send, nor what time brings about. */
START_TEST(a_commit_of_few_is_awaited)
{
        Input tick = {.kind = INPUT_TICK, .now = NOW + 15 * USEC_MIN};

        set_up();
        /* Its alert goes with the tick: an hour behind it. */
        offer_at(NOW - 50 * USEC_MIN, 0, "bad-0", "billing-es", 1);
        ck_assert_uint_eq(world.n_awaited, 0);
        finish();
        ck_assert_uint_eq(world.n_awaited, 1);
        offer("first", "tech-es", 5);
        offer("second", "tech-es", 5);
        finish();
        ck_assert_uint_eq(world.n_awaited, 2);
        for (int i = 0; i < 3; i++) {
                static const char *const ids[] = {"third", "fourth", "fifth"};

                offer(ids[i], "tech-es", 5);
        }
        finish();
        ck_assert_uint_eq(world.n_awaited, 2);
        world.now = tick.now;
        ck_assert_int_eq(intake_step(world.intake, &tick), 0);
        intake_turn(world.intake);
        ck_assert(!intake_is_idle(world.intake));
        sem_wait(&world.rung);
        journal_deliver(world.journal);
        ck_assert(intake_is_idle(world.intake));
        ck_assert_uint_eq(n_resolved, 1);
        ck_assert_uint_eq(world.n_awaited, 2);
        /* A look-up, without a commit behind it. */
        offer("first", "tech-es", 5);
        finish();
        ck_assert_uint_eq(world.n_awaited, 3);
        tear_down();
}
END_TEST

START_TEST(the_second_of_two_commits_is_awaited_again)
{
        Hold h;

        set_up();
        hold(&h);
        offer("first", "tech-es", 5);
        intake_turn(world.intake);
        offer("second", "tech-es", 5);
        intake_turn(world.intake);
        ck_assert_uint_eq(world.n_awaited, 2);
        sem_post(&h.released);
        finish();
        /* When the first one had rung. */
        ck_assert_uint_eq(world.n_awaited, 3);
        tear_down();
        sem_destroy(&h.released);
}
END_TEST

CHECK_MAIN("intake_turns", many_that_had_to_wait_are_counted_some_at_a_time,
           one_turn_has_its_share_also_when_others_have_gathered, a_round_of_retention_reads_what_was_counted,
           a_stop_in_the_middle_leaves_nothing_in_flight,
           many_that_had_to_wait_leave_the_figures_again_on_a_full_disk,
           senders_are_held_and_what_comes_all_the_same_is_taken, a_commit_of_few_is_awaited,
           the_second_of_two_commits_is_awaited_again)

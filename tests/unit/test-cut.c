/* SPDX-License-Identifier: Apache-2.0 */

/* The moment at which exactly what was handed over is counted. */

#include "tests/support/intake_world.h"

static uint64_t n_counted(void)
{
        EngineStats stats;

        engine_stats(world.engine, &stats);
        return stats.surveys;
}

START_TEST(with_nothing_under_way_it_is_now)
{
        set_up();
        intake_want_cut(world.intake);
        ck_assert_uint_eq(world.n_cuts, 1);
        offer("one", "tech-es", 5);
        finish();
        ck_assert_uint_eq(world.n_cuts, 1);
        world.n_cuts_more = 2;
        intake_want_cut(world.intake);
        ck_assert_uint_eq(world.n_cuts, 4);
        finish();
        ck_assert_uint_eq(world.n_cuts, 4);
        tear_down();
}
END_TEST

START_TEST(what_is_counted_is_handed_over_first_and_what_comes_is_not_counted)
{
        Hold h;

        set_up();
        offer("one", "tech-es", 5);
        ck_assert_uint_eq(n_counted(), 1);
        intake_want_cut(world.intake);
        ck_assert_uint_eq(world.n_cuts, 0);
        offer("two", "tech-es", 5);
        ck_assert_uint_eq(n_counted(), 1);
        hold(&h);
        intake_turn(world.intake);
        /* It need not be stored yet. */
        ck_assert_uint_eq(world.n_cuts, 1);
        ck_assert_uint_eq(n_counted(), 2);
        ck_assert_uint_eq(world.settled, 0);
        offer("three", "tech-es", 5);
        ck_assert_uint_eq(n_counted(), 3);
        sem_post(&h.released);
        finish();
        ck_assert_uint_eq(world.n_cuts, 1);
        ck_assert_str_eq(stored, "one two three ");
        tear_down();
        sem_destroy(&h.released);
}
END_TEST

START_TEST(what_is_looked_up_is_counted_first)
{
        Hold h;

        set_up();
        hold_look_up(&h);
        intake_want_cut(world.intake);
        ck_assert_uint_eq(world.n_cuts, 0);
        offer("two", "tech-es", 5);
        intake_turn(world.intake);
        ck_assert_uint_eq(world.n_cuts, 0);
        sem_post(&h.released);
        while (!world.n_cuts) {
                ck_assert_uint_eq(n_counted(), 1);
                ck_assert_uint_eq(world.n_revised, 0);
                sem_wait(&world.rung);
                journal_deliver(world.journal);
        }
        finish();
        ck_assert_uint_eq(world.n_cuts, 1);
        ck_assert_uint_eq(world.n_revised, 1);
        ck_assert_uint_eq(n_counted(), 2);
        tear_down();
        sem_destroy(&h.released);
}
END_TEST

typedef struct Ask {
        JournalJob job;
        bool behind;
} Ask;

static int ask_run(JournalJob *job, Store *store CX_UNUSED)
{
        ((Ask *)job)->behind = intake_store_stopped(world.intake);
        return 0;
}

static void ask_done(JournalJob *job CX_UNUSED, int result)
{
        ck_assert_int_eq(result, 0);
}

START_TEST(there_is_none_while_the_disk_is_full)
{
        Ask first = {.job = {.run = ask_run, .done = ask_done}}, second = first;

        set_up();
        is_full = true;
        world.expected = FAULT_UNAVAILABLE;
        journal_submit(world.journal, &first.job);
        offer("one", "tech-es", 5);
        intake_want_cut(world.intake);
        ck_assert_uint_eq(world.n_cuts, 0);
        intake_turn(world.intake);
        ck_assert_uint_eq(world.n_cuts, 1); /* nobody knows yet */
        journal_submit(world.journal, &second.job);
        finish();
        intake_want_cut(world.intake);
        ck_assert_uint_eq(world.n_cuts, 1);
        offer("two", "tech-es", 5);
        finish();
        ck_assert_uint_eq(world.n_cuts, 1);
        ck_assert_uint_eq(world.n_refused, 2);
        ck_assert_uint_eq(n_counted(), 0);
        journal_stop(world.journal);
        ck_assert(!first.behind);
        ck_assert(second.behind);
        tear_down();
}
END_TEST

CHECK_MAIN("cut", with_nothing_under_way_it_is_now,
           what_is_counted_is_handed_over_first_and_what_comes_is_not_counted,
           what_is_looked_up_is_counted_first, there_is_none_while_the_disk_is_full)

/* SPDX-License-Identifier: Apache-2.0 */

/* Memory runs out at each place where some is asked for: the daemon gives up, and nobody was told what is not so. */

#include "tests/support/failing_malloc.h"
#include "tests/support/intake_world.h"

#define N_BEFORE 5

static void offer_numbered(char letter, int n)
{
        char id[16];

        for (int i = 0; i < n; i++) {
                snprintf(id, sizeof(id), "%c%d", letter, i);
                offer_version(id, 3);
        }
}

static unsigned count_stored(void)
{
        unsigned n = 0;

        for (const char *at = stored; *at; at++)
                n += *at == ' ';
        return n;
}

/* What is known and what is new, revised, stale, the same again, twice in one batch, and not even a survey. */
static void offer_some_of_all(void)
{
        Fault fault;

        offer_version("b0", 4);
        offer_version("b0", 5);
        offer_version("b1", 3);
        offer_version("b2", 1);
        offer_version("f0", 4);
        offer_version("new", 1);
        offer_version("new", 2);
        offer_version("b0", 2);
        offer("low", "billing-es", 1);
        fault_set(&fault, FAULT_TOO_LONG, NULL, "a line that is too long");
        intake_refuse(world.intake, &world.sink, ++world.n_offered, TEXT("id"), &fault);
}

static void go_on_to_the_end(void)
{
        intake_turn(world.intake);
        while (world.settled < world.n_offered && !intake_has_failed(world.intake)) {
                while (intake_must_wait(world.intake) && !intake_has_failed(world.intake))
                        intake_turn(world.intake);
                if (world.settled == world.n_offered || intake_has_failed(world.intake))
                        break;
                sem_wait(&world.rung);
                journal_deliver(world.journal);
        }
}

/* Allocation number @n fails, and then all of them, if they are to. False: there are not so many. */
static bool run_short_at(long n, bool full, bool for_good)
{
        EngineStats stats;
        Hold h;

        set_up();
        world.may_fail = true;
        offer_numbered('b', N_BEFORE);
        finish();
        ck_assert_uint_eq(world.n_stored, N_BEFORE);
        hold(&h);
        is_full = full;
        failed = false;
        stays_short = for_good;
        countdown = n;
        offer_numbered('f', 20);
        intake_turn(world.intake); /* they are on their way to the store */
        offer_some_of_all();
        intake_turn(world.intake); /* so is their look-up */
        offer_numbered('l', 10);
        sem_post(&h.released);
        go_on_to_the_end();
        journal_stop(world.journal); /* who gave up did not wait for it */
        countdown = -1;
        ck_assert(failed || !intake_has_failed(world.intake));
        ck_assert_uint_le(world.n_stored, count_stored());
        if (!intake_has_failed(world.intake) && full) {
                engine_stats(world.engine, &stats);
                ck_assert_uint_eq(stats.surveys, N_BEFORE);
                ck_assert_uint_eq(world.n_stored, N_BEFORE);
                ck_assert_uint_eq(count_stored(), N_BEFORE);
        }
        tear_down();
        sem_destroy(&h.released);
        return failed;
}

static void run_short_everywhere(bool full, bool for_good)
{
        long n = 0;

        while (run_short_at(n, full, for_good))
                n++;
        ck_assert_int_gt(n, 50);
}

START_TEST(nothing_is_acknowledged_that_is_not_stored)
{
        run_short_everywhere(false, false);
        run_short_everywhere(false, true);
}
END_TEST

START_TEST(a_full_disk_is_left_as_it_was_or_given_up)
{
        run_short_everywhere(true, false);
        run_short_everywhere(true, true);
}
END_TEST

CHECK_MAIN("intake_memory", nothing_is_acknowledged_that_is_not_stored,
           a_full_disk_is_left_as_it_was_or_given_up)

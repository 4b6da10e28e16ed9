/* SPDX-License-Identifier: Apache-2.0 */

/* What goes into one transaction. The order of answers, and what a failed commit does, is for the tests in system and faults. */

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/intake.h"
#include "daemon/store/store_impl.h"
#include "tests/support/check_main.h"
#include "tests/support/config_case.h"

#define NOW (20000 * USEC_DAY)

/* For both of these sources "same" has the same hash, as far as it is kept. */
#define SOURCES                                                                                              \
        "s852042: {open: true}, s2460633: {token_sha256: "                                                   \
        "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}"

static const char yaml[] = "roster: roster.csv\nqueues: queues.csv\nsources: {" SOURCES "}\n"
                           "metrics:\n  csat: {kind: top2, scale: [1, 5], target: 70%}\n"
                           "rules:\n  - {name: low, metric: csat, scopes: queue/*, window: 1h, below: 50%,"
                           " test: point, min_n: 1}\n";

typedef struct World {
        Config *config;
        Engine *engine;
        Feeds *feeds;
        Seen seen;
        Journal *journal;
        Intake *intake;
        IntakeSink sink;
        uint64_t n_offered, settled;
        FaultCode expected; /* of what is refused */
        uint64_t n_refused, n_revised;
        unsigned n_room; /* times that senders were told to go on */
        sem_t rung;
} World;

static World world;

/* --- the store, which looks at itself after each commit --------------------------------------------------- */

static const StoreVerbs *ram;
static StoreVerbs watched;
static char stored[8192]; /* the ids of surveys */
static unsigned n_alerts, n_ahead;
static bool is_full;

static int note_survey(void *user CX_UNUSED, const StoreSurvey *row)
{
        static const char name[] = "\"id\":\"";
        const char *id = memmem(row->json.at, row->json.n, name, strlen(name)),
                   *end = row->json.at + row->json.n;

        ck_assert_ptr_nonnull(id);
        id += strlen(name);
        end = memchr(id, '"', (size_t)(end - id));
        ck_assert_ptr_nonnull(end);
        strncat(stored, id, (size_t)(end - id));
        strcat(stored, " ");
        return 0;
}

/* Whether it names a survey that is not stored. */
static int note_alert(void *user CX_UNUSED, const StoreAlert *row)
{
        static const char *const ids[] = {"bad-1", "bad-2"};

        n_alerts++;
        for (size_t i = 0; i < CX_ARRAY_LEN(ids); i++)
                if (memmem(row->json.at, row->json.n, ids[i], strlen(ids[i])) && !strstr(stored, ids[i]))
                        n_ahead++;
        return 0;
}

static int watched_commit(Store *s)
{
        int r = is_full ? -ENOSPC : ram->commit(s);

        stored[0] = '\0';
        n_alerts = 0;
        if (r == 0)
                r = ram->scan_surveys(s, 0, 0, note_survey, NULL, NULL);
        return r ? r : ram->scan_alerts(s, note_alert, NULL);
}

static Store *watched_store(void)
{
        Store *s;

        ck_assert_int_eq(store_open_ram(&s), 0);
        ram = s->verbs;
        watched = *ram;
        watched.commit = watched_commit;
        s->verbs = &watched;
        return s;
}

/* --- around the intake ---------------------------------------------------------------------------------- */

static usec_t now(void *user CX_UNUSED)
{
        return NOW;
}

static void nothing(void *user CX_UNUSED)
{
}

static void room(void *user CX_UNUSED)
{
        ck_assert(!intake_must_wait(world.intake));
        world.n_room++;
}

static bool crowded(void *user CX_UNUSED)
{
        return false;
}

static void failed(void *user CX_UNUSED, int error, const char *what)
{
        ck_abort_msg("%s: %s", what, strerror(-error));
}

static void starved(void *user CX_UNUSED, const char *error)
{
        ck_assert_msg(is_full, "no space: %s", error);
}

static const IntakeOps intake_ops = {
        .now = now,
        .wanted = nothing,
        .room = room,
        .telling = nothing,
        .rested = nothing,
        .failed = failed,
        .starved = starved,
        .recovered = nothing,
        .stepped = nothing,
        .cut = nothing,
        .crowded = crowded,
};

static void on_refused(IntakeSink *s CX_UNUSED, uint64_t index CX_UNUSED, Text id CX_UNUSED,
                       const Fault *fault)
{
        ck_assert_msg(fault->code == world.expected, "refused: %s", fault->text);
        world.n_refused++;
}

static void on_settled(IntakeSink *s CX_UNUSED, uint64_t last_index, const IntakeCounts *counts)
{
        world.n_revised += counts->revised;
        world.settled = last_index;
}

static void on_idle(IntakeSink *s CX_UNUSED)
{
}

static void ring(void *user CX_UNUSED)
{
        sem_post(&world.rung);
}

static void set_up(void)
{
        IntakeParts parts;
        const char *message;

        world = (World){.sink = {.on_refused = on_refused, .on_settled = on_settled, .on_idle = on_idle}};
        n_ahead = 0;
        is_full = false;
        sem_init(&world.rung, 0, 0);
        world.config = config_case_load(yaml, &message);
        ck_assert_msg(world.config, "%s", message);
        ck_assert_int_eq(engine_new(&world.engine, &world.config->settings, world.config->org), 0);
        world.config->org = NULL;
        ck_assert_int_eq(feeds_new(&world.feeds), 0);
        ck_assert_int_eq(feeds_configure(world.feeds, world.config), 0);
        ck_assert_int_eq(journal_new(&world.journal, watched_store(), ring, NULL), 0);
        parts = (IntakeParts){.config = world.config,
                              .engine = world.engine,
                              .feeds = world.feeds,
                              .seen = &world.seen,
                              .journal = world.journal,
                              .reserve = "/nowhere/reserve"};
        ck_assert_int_eq(intake_new(&world.intake, &parts, &intake_ops, NULL), 0);
}

static void tear_down(void)
{
        journal_stop(world.journal);
        intake_free(world.intake);
        feeds_free(world.feeds);
        engine_free(world.engine);
        journal_free(world.journal);
        seen_deinit(&world.seen);
        config_free(world.config);
        sem_destroy(&world.rung);
}

static void offer_from(size_t source, const char *id, const char *queue, int csat)
{
        char json[256], ts[USEC_TEXT_MAX];

        snprintf(json, sizeof(json),
                 "{\"id\":\"%s\",\"ts\":\"%s\",\"queue\":\"%s\",\"answers\":{\"csat\":%d}}", id,
                 usec_format(NOW - USEC_MIN, ts), queue, csat);
        intake_offer(world.intake, &world.sink, ++world.n_offered, &world.config->sources[source],
                     text_of(json));
}

static void offer_version(const char *id, int rev)
{
        char json[256], ts[USEC_TEXT_MAX];

        snprintf(json, sizeof(json), "{\"id\":\"%s\",\"ts\":\"%s\",\"queue\":\"tech-es\",\"rev\":%d}", id,
                 usec_format(NOW - USEC_MIN, ts), rev);
        intake_offer(world.intake, &world.sink, ++world.n_offered, &world.config->sources[0], text_of(json));
}

static void offer(const char *id, const char *queue, int csat)
{
        offer_from(0, id, queue, csat);
}

/* Until all that was offered is settled. */
static void finish(void)
{
        intake_turn(world.intake);
        while (world.settled < world.n_offered) {
                /* Some at a time; then it waits for nothing but the next turn. */
                while (intake_must_wait(world.intake))
                        intake_turn(world.intake);
                if (world.settled == world.n_offered)
                        break;
                sem_wait(&world.rung);
                journal_deliver(world.journal);
        }
}

/* Keeps the storage thread from going on with what is submitted next. */
typedef struct Hold {
        JournalJob job;
        sem_t released;
} Hold;

static int hold_run(JournalJob *job, Store *store CX_UNUSED)
{
        return sem_wait(&((Hold *)job)->released);
}

static void hold_done(JournalJob *job CX_UNUSED, int result)
{
        ck_assert_int_eq(result, 0);
}

static void hold(Hold *h)
{
        *h = (Hold){.job = {.run = hold_run, .done = hold_done}};
        sem_init(&h->released, 0, 0);
        journal_submit(world.journal, &h->job);
}

/* --- the tests ------------------------------------------------------------------------------------------ */

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
        offer("good", "tech-es", 5);
        finish();
        hold(&h);
        offer("good", "tech-es", 4);
        intake_turn(world.intake);
        /* Its look-up waits now. What comes is for a batch behind it, whatever time brings meanwhile. */
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
        Input tick = {.kind = INPUT_TICK, .now = NOW};
        EngineStats before, between;
        char expected[16];
        size_t at = 0;
        Hold h;

        set_up();
        offer("good", "tech-es", 5);
        finish();
        hold(&h);
        offer("good", "tech-es", 4);
        intake_turn(world.intake);
        /* Its look-up waits now, and all of these behind it. */
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
        ck_assert_int_eq(intake_step(world.intake, &tick), 0);
        /* What comes all the same is counted behind them. */
        offer("bad-2", "tech-es", 1);
        intake_turn(world.intake);
        finish();
        ck_assert_uint_eq(world.n_room, 1);
        ck_assert_uint_ge(n_alerts, 1);
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

CHECK_MAIN("intake", an_alert_is_stored_with_the_survey_that_caused_it,
           also_while_an_earlier_version_is_looked_up, many_that_had_to_wait_are_counted_some_at_a_time,
           many_that_had_to_wait_leave_the_figures_again_on_a_full_disk,
           senders_are_held_and_what_comes_all_the_same_is_taken,
           what_is_past_retention_meanwhile_is_not_taken_once_more, an_id_is_its_sources_own,
           nothing_is_stale_beside_what_found_no_space, what_is_refused_counts_also_while_alerts_wait)

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* An intake on a store in memory that looks at itself after each commit. */

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
        uint64_t n_stored, n_refused, n_revised;
        bool may_fail;
        usec_t now;
        unsigned n_room; /* times that senders were told to go on */
        unsigned n_awaited;
        unsigned n_cuts, n_cuts_more; /* so many times more it is asked for within it */
        sem_t rung;
} World;

static World world;

/* For what is called while memory may be short: a check of Check's takes some. */
#define NEED(_what) ((_what) ? (void)0 : need_failed(__LINE__, #_what))

static inline _Noreturn void need_failed(int line, const char *what)
{
        fprintf(stderr, "line %d: not so: %s\n", line, what);
        abort();
}

/* --- the store, which looks at itself after each commit --------------------------------------------------- */

static const StoreVerbs *ram;
static StoreVerbs watched;
static char stored[8192]; /* the ids of surveys */
static unsigned n_alerts, n_resolved, n_ahead;
static bool is_full;

static inline int note_survey(void *user CX_UNUSED, const StoreSurvey *row)
{
        static const char name[] = "\"id\":\"";
        const char *id = memmem(row->json.at, row->json.n, name, strlen(name)),
                   *end = row->json.at + row->json.n;

        NEED(id);
        id += strlen(name);
        end = memchr(id, '"', (size_t)(end - id));
        NEED(end);
        strncat(stored, id, (size_t)(end - id));
        strcat(stored, " ");
        return 0;
}

/* Whether it names a survey that is not stored. */
static inline int note_alert(void *user CX_UNUSED, const StoreAlert *row)
{
        static const char *const ids[] = {"bad-1", "bad-2"};

        n_alerts++;
        n_resolved += memmem(row->json.at, row->json.n, "\"resolved\"", 10) != NULL;
        for (size_t i = 0; i < CX_ARRAY_LEN(ids); i++)
                if (memmem(row->json.at, row->json.n, ids[i], strlen(ids[i])) && !strstr(stored, ids[i]))
                        n_ahead++;
        return 0;
}

static inline int watched_commit(Store *s)
{
        int r = is_full ? -ENOSPC : ram->commit(s);

        if (r < 0)
                return r;
        stored[0] = '\0';
        n_alerts = n_resolved = 0;
        r = ram->scan_surveys(s, 0, 0, note_survey, NULL);
        return r ? r : ram->scan_alerts(s, note_alert, NULL);
}

static inline Store *watched_store(void)
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

static inline usec_t now(void *user CX_UNUSED)
{
        return world.now;
}

static inline void nothing(void *user CX_UNUSED)
{
}

static inline void awaited(void *user CX_UNUSED)
{
        world.n_awaited++;
}

static inline void room(void *user CX_UNUSED)
{
        NEED(!intake_must_wait(world.intake));
        world.n_room++;
}

static inline void cut(void *user CX_UNUSED)
{
        world.n_cuts++;
        if (world.n_cuts_more) {
                world.n_cuts_more--;
                intake_want_cut(world.intake);
        }
}

static inline bool crowded(void *user CX_UNUSED)
{
        return false;
}

static inline void give_up(void *user CX_UNUSED, int error, const char *what)
{
        if (!world.may_fail)
                ck_abort_msg("%s: %s", what, strerror(-error));
}

static inline void starved(void *user CX_UNUSED, const char *error)
{
        if (!is_full)
                ck_abort_msg("no space: %s", error);
}

static const IntakeOps intake_ops = {
        .now = now,
        .wanted = nothing,
        .room = room,
        .awaited = awaited,
        .telling = nothing,
        .rested = nothing,
        .failed = give_up,
        .starved = starved,
        .recovered = nothing,
        .stepped = nothing,
        .cut = cut,
        .crowded = crowded,
};

static inline void on_refused(IntakeSink *s CX_UNUSED, uint64_t index CX_UNUSED, Text id CX_UNUSED,
                              const Fault *fault)
{
        if (fault->code != world.expected && !world.may_fail)
                ck_abort_msg("refused: %s", fault->text);
        world.n_refused++;
}

static inline void on_settled(IntakeSink *s CX_UNUSED, uint64_t last_index, const IntakeCounts *counts)
{
        world.n_stored += counts->stored;
        world.n_revised += counts->revised;
        world.settled = last_index;
}

static inline void on_idle(IntakeSink *s CX_UNUSED)
{
}

static inline void ring(void *user CX_UNUSED)
{
        sem_post(&world.rung);
}

static inline void set_up(void)
{
        IntakeParts parts;
        const char *message;

        world = (World){.now = NOW,
                        .sink = {.on_refused = on_refused, .on_settled = on_settled, .on_idle = on_idle}};
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

static inline void tear_down(void)
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

static inline void offer_at(usec_t ts, size_t source, const char *id, const char *queue, int csat)
{
        char json[256], text[USEC_TEXT_MAX];

        snprintf(json, sizeof(json),
                 "{\"id\":\"%s\",\"ts\":\"%s\",\"queue\":\"%s\",\"answers\":{\"csat\":%d}}", id,
                 usec_format(ts, text), queue, csat);
        intake_offer(world.intake, &world.sink, ++world.n_offered, &world.config->sources[source],
                     text_of(json));
}

static inline void offer_from(size_t source, const char *id, const char *queue, int csat)
{
        offer_at(NOW - USEC_MIN, source, id, queue, csat);
}

static inline void offer_version(const char *id, int rev)
{
        char json[256], ts[USEC_TEXT_MAX];

        snprintf(json, sizeof(json), "{\"id\":\"%s\",\"ts\":\"%s\",\"queue\":\"tech-es\",\"rev\":%d}", id,
                 usec_format(NOW - USEC_MIN, ts), rev);
        intake_offer(world.intake, &world.sink, ++world.n_offered, &world.config->sources[0], text_of(json));
}

static inline void offer(const char *id, const char *queue, int csat)
{
        offer_from(0, id, queue, csat);
}

/* Until all that was offered is settled. */
static inline void finish(void)
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

static inline int hold_run(JournalJob *job, Store *store CX_UNUSED)
{
        return sem_wait(&((Hold *)job)->released);
}

static inline void hold_done(JournalJob *job CX_UNUSED, int result)
{
        NEED(result == 0);
}

static inline void hold(Hold *h)
{
        *h = (Hold){.job = {.run = hold_run, .done = hold_done}};
        sem_init(&h->released, 0, 0);
        journal_submit(world.journal, &h->job);
}

/* "good" is stored, and the look-up of a newer version of it waits until h->released. */
static inline void hold_look_up(Hold *h)
{
        offer("good", "tech-es", 5);
        finish();
        hold(h);
        offer("good", "tech-es", 4);
        intake_turn(world.intake);
}

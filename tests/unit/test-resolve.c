/* SPDX-License-Identifier: Apache-2.0 */

/* What becomes of a survey whose id may be known. */

#include "tests/support/intake_world.h"

/* For one source these two have the same hash, as far as it is kept. */
#define TWIN_A "i22637"
#define TWIN_B "i422767"

static Fault refused; /* the last one */
static char refused_id[160];

static void note_refused(IntakeSink *s CX_UNUSED, uint64_t index CX_UNUSED, Text id, const Fault *fault)
{
        refused = *fault;
        snprintf(refused_id, sizeof(refused_id), TEXT_FMT, TEXT_ARG(id));
        world.n_refused++;
}

static void set_up_noting(void)
{
        set_up();
        world.sink.on_refused = note_refused;
        refused = FAULT_NULL;
        refused_id[0] = '\0';
}

static void send_at(usec_t ts, const char *id, const char *more)
{
        char json[512], text[USEC_TEXT_MAX];

        snprintf(json, sizeof(json), "{\"id\":\"%s\",\"ts\":\"%s\",\"queue\":\"tech-es\"%s}", id,
                 usec_format(ts, text), more);
        intake_offer(world.intake, &world.sink, ++world.n_offered, &world.config->sources[0], text_of(json));
}

static void send(const char *id, const char *more)
{
        send_at(NOW - USEC_MIN, id, more);
}

/* --- what is stored ------------------------------------------------------------------------------------- */

typedef struct Look {
        JournalJob job;
        bool done;
        Buffer rows, revised; /* "number json" for each */
} Look;

static int note_row(void *user, const StoreSurvey *row)
{
        buffer_append_format(&((Look *)user)->rows, "%d " TEXT_FMT "\n", (int)row->seq, TEXT_ARG(row->json));
        return 0;
}

static int note_revised(void *user, const StoreRevised *row)
{
        buffer_append_format(&((Look *)user)->revised, "%d %d " TEXT_FMT "\n", (int)row->epoch, (int)row->seq,
                             TEXT_ARG(row->json));
        return 0;
}

static int look_run(JournalJob *job, Store *store)
{
        int r = ram->scan_surveys(store, 0, 0, note_row, job);

        return r ? r : ram->scan_revised(store, note_revised, job);
}

static void look_done(JournalJob *job, int result)
{
        ck_assert_int_eq(result, 0);
        ((Look *)job)->done = true;
}

static Look look(void)
{
        Look l = {.job = {.run = look_run, .done = look_done}, .rows = BUFFER_NULL, .revised = BUFFER_NULL};

        finish();
        journal_submit(world.journal, &l.job);
        while (!l.done) {
                sem_wait(&world.rung);
                journal_deliver(world.journal);
        }
        return l;
}

static void unlook(Look *l)
{
        buffer_deinit(&l->rows);
        buffer_deinit(&l->revised);
}

static bool is_stored(const char *part)
{
        Look l = look();
        bool found = strstr(buffer_str(&l.rows), part);

        unlook(&l);
        return found;
}

/* How many surveys count, and how many of them say 1, and 5. */
static void assert_counted(unsigned n, unsigned n_1, unsigned n_5)
{
        ScopeId queue = org_find(engine_org(world.engine), SCOPE_QUEUE, TEXT("tech-es"));
        EngineStats stats;
        Figure f;

        finish();
        engine_stats(world.engine, &stats);
        ck_assert_uint_eq(stats.surveys, n);
        ck_assert_int_eq(engine_figure(world.engine, queue, 0, 0, NOW + 1, &f), 0);
        ck_assert_uint_eq(f.counts[0], n_1);
        ck_assert_uint_eq(f.counts[4], n_5);
}

static void assert_counts(uint64_t n_stored, uint64_t n_duplicate, uint64_t n_revised, uint64_t n_refused)
{
        IntakeStats stats;

        finish();
        intake_stats(world.intake, &stats);
        ck_assert_uint_eq(stats.counts.stored, n_stored);
        ck_assert_uint_eq(stats.counts.duplicate, n_duplicate);
        ck_assert_uint_eq(stats.counts.revised, n_revised);
        ck_assert_uint_eq(stats.counts.refused, n_refused);
}

#define ONE  ",\"answers\":{\"csat\":1}"
#define FIVE ",\"answers\":{\"csat\":5}"

/* --- tests ---------------------------------------------------------------------------------------------- */

START_TEST(a_revision_takes_the_place_of_what_was_counted)
{
        for (unsigned together = 0; together < 2; together++) {
                set_up_noting();
                send("same", ONE);
                if (!together)
                        finish();
                send("same", FIVE);
                send("same", FIVE);
                send("other", FIVE);
                assert_counted(2, 0, 2);
                assert_counts(2, 1, 1, 0);
                send("same", ONE);
                send("same", FIVE);
                send("same", ONE);
                assert_counted(2, 1, 1);
                assert_counts(2, 1, 4, 0);
                ck_assert(is_stored(
                        "1 {\"id\":\"same\",\"ts\":\"2024-10-03T23:59:00Z\",\"queue\":\"tech-es\"" ONE
                        "}\n"));
                ck_assert_uint_eq(intake_parts(world.intake)->last_seq, 2);
                tear_down();
        }
}
END_TEST

START_TEST(a_revision_that_found_no_space_leaves_the_figures_as_they_were)
{
        for (unsigned together = 0; together < 2; together++) {
                set_up_noting();
                send("same", ONE);
                finish();
                is_full = true;
                if (together)
                        send("same", ",\"answers\":{\"csat\":2}");
                send("same", FIVE);
                assert_counts(1, 0, 0, 1 + together);
                ck_assert_int_eq(refused.code, FAULT_UNAVAILABLE);
                assert_counted(1, 1, 0);
                ck_assert(is_stored(ONE));
                tear_down();
        }
}
END_TEST

START_TEST(revisions_count_up)
{
        enum { NEW = -2, SAME = -1, STALE = 0, TAKEN = 1 };
        static const struct {
                const char *before, *after;
                int expected;
                const char *text;
        } rows[] = {
                {FIVE, ONE, TAKEN, NULL},
                {FIVE, FIVE, SAME, NULL},
                {FIVE, ",\"rev\":0" ONE, TAKEN, NULL},
                {",\"rev\":1" FIVE, ONE, TAKEN, NULL},
                {",\"rev\":0" FIVE, ONE, TAKEN, NULL},
                {",\"rev\":0" FIVE, ",\"rev\":1" ONE, TAKEN, NULL},
                {",\"rev\":1" FIVE, ",\"rev\":2" FIVE, TAKEN, NULL},
                {",\"rev\":1" FIVE, ",\"rev\":1" FIVE, SAME, NULL},
                {",\"rev\":0" FIVE, ",\"rev\":0" ONE, STALE,
                 "revision 0 is stored with other content; a change needs more than 0"},
                {",\"rev\":3" FIVE, ",\"rev\":3" ONE, STALE,
                 "revision 3 is stored with other content; a change needs more than 3"},
                {",\"rev\":3" FIVE, ",\"rev\":2" FIVE, STALE, "revision 3 is stored, this is 2"},
                {",\"rev\":3" FIVE, ",\"rev\":0" ONE, STALE, "revision 3 is stored, this is 0"},
        };

        for (size_t i = 0; i < 2 * CX_ARRAY_LEN(rows); i++) {
                const char *after = rows[i / 2].after;
                int expected = rows[i / 2].expected;

                set_up_noting();
                send("same", rows[i / 2].before);
                if (i % 2)
                        finish();
                send("same", after);
                assert_counts(1, expected == SAME, expected == TAKEN, expected == STALE);
                ck_assert_int_eq(is_stored(after), expected != STALE);
                assert_counted(1, expected == TAKEN && strstr(after, ONE),
                               !strstr(after, ONE) || expected != TAKEN);
                if (rows[i / 2].text) {
                        ck_assert_int_eq(refused.code, FAULT_STALE);
                        ck_assert_str_eq(refused.field, "rev");
                        ck_assert_str_eq(refused.text, rows[i / 2].text);
                        ck_assert_str_eq(refused_id, "same");
                }
                tear_down();
        }
}
END_TEST

/* Whatever of it is still stored, or was on its way when its time came. */
START_TEST(without_their_comments_they_are_compared_without_them)
{
        Hold h;

        set_up_noting();
        send("same", ",\"comment\":\"a\"" ONE);
        send("other", ",\"comment\":\"a\"" ONE);
        finish();
        intake_set_limits(world.intake, INT64_MIN, NOW - USEC_MIN);
        send("same", ",\"comment\":\"b\"" ONE);
        assert_counts(2, 0, 1, 0);
        hold(&h);
        send("same", ",\"comment\":\"c\"" ONE);
        send("other", ",\"comment\":\"c\"" FIVE);
        send("none", ",\"comment\":\"c\"" ONE);
        intake_turn(world.intake);
        intake_set_limits(world.intake, INT64_MIN, NOW - USEC_MIN + 1);
        sem_post(&h.released);
        assert_counts(3, 1, 2, 0);
        assert_counted(3, 2, 1);
        send("same", ",\"comment\":\"d\"" ONE);
        send("same", ONE);
        assert_counts(3, 3, 2, 0);
        send("same", ",\"comment\":\"d\"" FIVE);
        assert_counts(3, 3, 3, 0);
        assert_counted(3, 1, 2);
        tear_down();
        sem_destroy(&h.released);
}
END_TEST

START_TEST(what_a_snapshot_has_counted_is_kept_before_it_changes)
{
        Look l;

        set_up_noting();
        send("one", ",\"contact\":\"c\",\"comment\":\"x\"" ONE);
        send("two", ONE);
        send("three", ONE);
        finish();
        intake_keep(world.intake, 7, 2);
        send("one", ",\"contact\":\"c\",\"comment\":\"x\"" ONE);
        finish();
        send("one", FIVE);
        send("two", FIVE);
        send("three", FIVE);
        l = look();
        ck_assert_str_eq(buffer_str(&l.revised),
                         "7 1 {\"id\":\"one\",\"ts\":\"2024-10-03T23:59:00Z\",\"queue\":\"tech-es\"" ONE "}\n"
                         "7 2 {\"id\":\"two\",\"ts\":\"2024-10-03T23:59:00Z\",\"queue\":\"tech-es\"" ONE
                         "}\n");
        unlook(&l);
        assert_counted(3, 0, 3);
        tear_down();
}
END_TEST

START_TEST(one_hash_is_not_one_survey)
{
        uint64_t hash, known[SEEN_CANDIDATES_MAX];

        for (unsigned together = 0; together < 2; together++) {
                set_up_noting();
                send(TWIN_A, ",\"answers\":{\"csat\":2}");
                if (!together)
                        finish();
                send(TWIN_B, FIVE);
                send(TWIN_B, FIVE);
                hash = seen_hash(&world.seen, text_of(world.config->sources[0].name), TEXT(TWIN_A));
                assert_counts(2, 1, 0, 0);
                ck_assert_uint_eq(seen_find(&world.seen, hash, known), 2);
                /* Each is found, and none in place of the other. */
                send(TWIN_B, ONE);
                send(TWIN_A, FIVE);
                send(TWIN_A, FIVE);
                assert_counts(2, 2, 2, 0);
                assert_counted(2, 1, 1);
                ck_assert(is_stored("\"" TWIN_B
                                    "\",\"ts\":\"2024-10-03T23:59:00Z\",\"queue\":\"tech-es\"" ONE));
                ck_assert(is_stored("\"" TWIN_A
                                    "\",\"ts\":\"2024-10-03T23:59:00Z\",\"queue\":\"tech-es\"" FIVE));
                ck_assert_uint_eq(intake_parts(world.intake)->last_seq, 2);
                tear_down();
        }
}
END_TEST

/* Of those that had to wait: the first of each is new, and no second one is. */
START_TEST(twins_that_wait_are_told_apart)
{
        Hold h;

        set_up_noting();
        hold_look_up(&h);
        send(TWIN_A, ONE);
        send(TWIN_B, FIVE);
        send(TWIN_A, ONE);
        send(TWIN_B, ONE);
        offer_from(1, TWIN_A, "tech-es", 5);
        sem_post(&h.released);
        assert_counts(4, 1, 2, 0); /* "good" and its revision among them */
        assert_counted(4, 2, 1);
        tear_down();
        sem_destroy(&h.released);
}
END_TEST

static int delete_first(JournalJob *job CX_UNUSED, Store *store)
{
        static const uint64_t seqs[] = {1};
        int r = store_begin(store);

        if (r == 0)
                r = store_drop_surveys(store, USEC_INFINITY, seqs, 1);
        return r < 0 ? r : store_commit(store);
}

/* Or whoever is sent again and again would have ever more of them. */
START_TEST(the_number_of_what_is_stored_no_more_is_forgotten)
{
        Look job = {.job = {.run = delete_first, .done = look_done}};
        uint64_t hash, known[SEEN_CANDIDATES_MAX];

        set_up_noting();
        send("same", ONE);
        send("other", ONE);
        finish();
        journal_submit(world.journal, &job.job);
        send("other", ONE);
        send("same", FIVE);
        assert_counts(3, 1, 0, 0);
        hash = seen_hash(&world.seen, text_of(world.config->sources[0].name), TEXT("same"));
        ck_assert_uint_eq(seen_find(&world.seen, hash, known), 1);
        ck_assert_uint_eq(known[0], 3);
        tear_down();
}
END_TEST

/* Two rows of one id: the earlier one is as good as deleted, and the later one is what a third one is compared with. */
START_TEST(past_retention_an_id_is_free_again)
{
        const usec_t old = NOW - 10 * USEC_DAY;

        set_up_noting();
        send_at(old, "same", ONE);
        send_at(old + 1, "edge", ONE);
        finish();
        intake_set_limits(world.intake, old + 1, INT64_MIN);
        send("same", ONE);
        send_at(old + 1, "edge", FIVE);
        assert_counts(3, 0, 1, 0);
        ck_assert_uint_eq(intake_parts(world.intake)->last_seq, 3);
        send("same", ONE);
        assert_counts(3, 1, 1, 0);
        send("same", FIVE);
        assert_counts(3, 1, 2, 0);
        ck_assert(is_stored("3 {\"id\":\"same\""));
        ck_assert(is_stored("1 {\"id\":\"same\",\"ts\":\"2024-09-24T00:00:00Z\",\"queue\":\"tech-es\"" ONE
                            "}\n"));
        assert_counted(3, 0, 1);
        send_at(old, "late", ONE);
        assert_counts(3, 1, 2, 1);
        ck_assert_int_eq(refused.code, FAULT_TOO_OLD);
        /* Both are there, should retention have grown: the newer one is what it is. */
        intake_set_limits(world.intake, INT64_MIN, INT64_MIN);
        send("same", FIVE);
        assert_counts(3, 2, 2, 1);
        tear_down();
}
END_TEST

START_TEST(of_a_time_of_which_some_were_deleted_nothing_new_is_taken)
{
        const usec_t then = NOW - 10 * USEC_DAY;
        Hold h;

        set_up_noting();
        send_at(then - 1, "known", ONE);
        finish();
        intake_forget_before(world.intake, then);
        send_at(then - 1, "known", ONE);
        assert_counts(1, 1, 0, 0);
        send_at(then, "new", ONE);
        assert_counts(2, 1, 0, 0);
        send_at(then - 1, "unknown", ONE);
        assert_counts(2, 1, 0, 1);
        ck_assert_int_eq(refused.code, FAULT_TOO_OLD);
        ck_assert_str_eq(refused.field, "ts");
        ck_assert_str_eq(refused.text, INTAKE_GONE);
        ck_assert_str_eq(refused_id, "unknown");
        ck_assert(!is_stored("unknown"));
        /* So it is where they have to wait. */
        hold_look_up(&h);
        send_at(then, "edge", ONE);
        send_at(then - 1, "unknown", ONE);
        sem_post(&h.released);
        assert_counts(4, 1, 1, 2);
        ck_assert(is_stored("edge"));
        tear_down();
        sem_destroy(&h.released);
}
END_TEST

CHECK_MAIN("resolve", a_revision_takes_the_place_of_what_was_counted,
           a_revision_that_found_no_space_leaves_the_figures_as_they_were, revisions_count_up,
           without_their_comments_they_are_compared_without_them,
           what_a_snapshot_has_counted_is_kept_before_it_changes, one_hash_is_not_one_survey,
           twins_that_wait_are_told_apart, the_number_of_what_is_stored_no_more_is_forgotten,
           past_retention_an_id_is_free_again, of_a_time_of_which_some_were_deleted_nothing_new_is_taken)

/* SPDX-License-Identifier: Apache-2.0 */

/* Who is told of messages, and when. What is in them, and who may see it, is for the tests in system and scenario. */

#include <stdlib.h>
#include <string.h>

#include "daemon/server/feeds.h"
#include "tests/support/check_main.h"
#include "tests/support/config_case.h"

#define N_MANY 200
#define RING   16

static const char yaml[] =
        "roster: roster.csv\nqueues: queues.csv\nsources: {local: {open: true}}\n"
        "metrics:\n  csat: {kind: top2, scale: [1, 5], target: 70%, influence: [director]}\n"
        "feed: {ring: 16}\n"
        "principals: {ben: {uid: 1000, admin: true}}\n";

typedef struct Reader {
        FeedSubscriber subscriber;
        uint64_t read;   /* up to this message */
        unsigned n_lost; /* messages that were not kept any more */
        unsigned n_ticks, n_figures, n_revoked;
        bool leaves; /* when it is told */
} Reader;

static Config *config;
static Engine *engine;
static Feeds *feeds;
static Feed *crowd, *circle;
static Reader many[N_MANY], few[2];

static void on_alert(FeedSubscriber *s)
{
        Reader *r = CX_CONTAINER_OF(s, Reader, subscriber);
        FeedMessage message;

        for (; r->read < feed_last_seq(s->feed); r->read++)
                r->n_lost += !feed_message(s->feed, r->read + 1, &message);
        if (r->leaves)
                feed_unsubscribe(s);
}

static void on_state(FeedSubscriber *s, const char *event, Text topic CX_UNUSED, Text json CX_UNUSED)
{
        Reader *r = CX_CONTAINER_OF(s, Reader, subscriber);

        r->n_ticks += strcmp(event, "tick") == 0;
        r->n_figures += strcmp(event, "figure") == 0;
}

static void on_revoked(FeedSubscriber *s)
{
        CX_CONTAINER_OF(s, Reader, subscriber)->n_revoked++;
}

static void join(Feed *feed, Reader *r)
{
        *r = (Reader){.read = feed_last_seq(feed)};
        r->subscriber =
                (FeedSubscriber){.on_alert = on_alert, .on_state = on_state, .on_revoked = on_revoked};
        feed_subscribe(feed, &r->subscriber);
}

/* The feed of @many has N_MANY subscribers. */
static void set_up_as(const char *of_many, const char *of_few)
{
        const char *message;

        config = config_case_load(yaml, &message);
        ck_assert_msg(config, "%s", message);
        ck_assert_int_eq(engine_new(&engine, &config->settings, config->org), 0);
        config->org = NULL;
        ck_assert_int_eq(feeds_new(&feeds), 0);
        ck_assert_int_eq(feeds_configure(feeds, config), 0);
        crowd = feeds_find(feeds, text_of(of_many));
        circle = feeds_find(feeds, text_of(of_few));
        ck_assert(crowd && circle);
        for (size_t i = 0; i < N_MANY; i++)
                join(crowd, &many[i]);
        for (size_t i = 0; i < CX_ARRAY_LEN(few); i++)
                join(circle, &few[i]);
}

static void set_up(void)
{
        set_up_as("admin", "ben");
}

static void tear_down(void)
{
        feeds_free(feeds);
        engine_free(engine);
        config_free(config);
}

static void publish(Feed *feed, unsigned n)
{
        FeedRows rows = {0};

        rows.rows = calloc(n, sizeof(*rows.rows));
        ck_assert_ptr_nonnull(rows.rows);
        for (rows.n = 0; rows.n < n; rows.n++)
                rows.rows[rows.n] = (FeedRow){.feed = feed,
                                              .seq = feed_last_seq(feed) + 1 + rows.n,
                                              .at = 1,
                                              .text = strdup("alert/org/csat {}"),
                                              .n = strlen("alert/org/csat {}")};
        feeds_publish(&rows);
        feed_rows_deinit(&rows);
}

static unsigned n_told(uint64_t seq)
{
        unsigned n = 0;

        for (size_t i = 0; i < N_MANY; i++)
                n += many[i].read == seq;
        return n;
}

static void nobody_lost_any(void)
{
        for (size_t i = 0; i < N_MANY; i++)
                ck_assert_uint_eq(many[i].n_lost, 0);
}

START_TEST(many_are_told_some_at_a_time)
{
        unsigned turns = 1, before = 0;

        set_up();
        publish(crowd, 1);
        while (feeds_tell(feeds)) {
                ck_assert_uint_gt(n_told(1), before);
                ck_assert_uint_lt(n_told(1), N_MANY);
                before = n_told(1);
                turns++;
        }
        ck_assert_uint_eq(n_told(1), N_MANY);
        ck_assert_uint_ge(turns, 3);
        ck_assert(!feeds_tell(feeds));
        tear_down();
}
END_TEST

START_TEST(what_comes_meanwhile_is_told_too)
{
        set_up();
        publish(crowd, 1);
        ck_assert(feeds_tell(feeds));
        publish(crowd, 2);
        while (feeds_tell(feeds))
                ;
        ck_assert_uint_eq(n_told(3), N_MANY);
        nobody_lost_any();
        tear_down();
}
END_TEST

START_TEST(who_comes_or_goes_meanwhile_disturbs_nobody)
{
        Reader late;

        set_up();
        publish(crowd, 1);
        ck_assert(feeds_tell(feeds));
        join(crowd, &late);
        /* Among them whoever would be told next. */
        for (size_t i = 0; i < N_MANY; i += 2)
                if (many[i].read == 0)
                        feed_unsubscribe(&many[i].subscriber);
                else
                        many[i].leaves = true;
        publish(crowd, 1);
        while (feeds_tell(feeds))
                ;
        for (size_t i = 1; i < N_MANY; i += 2)
                ck_assert_uint_eq(many[i].read, 2);
        ck_assert_uint_eq(late.read, 2);
        ck_assert_uint_eq(feeds_n_subscribers(feeds), N_MANY / 2 + 1 + CX_ARRAY_LEN(few));
        feed_unsubscribe(&late.subscriber);
        tear_down();
}
END_TEST

START_TEST(a_small_ring_loses_nothing_for_who_is_told)
{
        set_up();
        publish(crowd, 3 * RING);
        while (feeds_tell(feeds))
                ;
        ck_assert_uint_eq(n_told(3 * RING), N_MANY);
        nobody_lost_any();
        tear_down();
}
END_TEST

/* Whichever of them comes first. */
START_TEST(a_busy_feed_does_not_hold_up_another)
{
        const char *names[] = {"admin", "ben"};

        for (size_t i = 0; i < CX_ARRAY_LEN(names); i++) {
                set_up_as(names[i], names[1 - i]);
                publish(crowd, 1);
                publish(circle, 1);
                for (int turn = 0; turn < 3; turn++) {
                        (void)feeds_tell(feeds);
                        publish(crowd, 1);
                }
                ck_assert_uint_eq(few[0].read, 1);
                ck_assert_uint_eq(few[1].read, 1);
                tear_down();
        }
}
END_TEST

START_TEST(a_tick_waits_for_alerts_but_not_for_ever)
{
        int n = 0;

        set_up();
        publish(crowd, 1);
        ck_assert(feeds_tell(feeds));
        ck_assert_int_eq(feeds_tick(feeds, engine, 1), FEEDS_E_WAIT);
        while (feeds_tell(feeds))
                ;
        ck_assert_int_eq(feeds_tick(feeds, engine, 1), 0);
        ck_assert_uint_eq(many[0].n_ticks, 1);
        publish(crowd, 1);
        while (feeds_tick(feeds, engine, 1) == FEEDS_E_WAIT)
                ck_assert_int_lt(n++, 100);
        ck_assert_uint_eq(many[0].n_ticks, 2);
        ck_assert_uint_eq(few[0].n_ticks, 2);
        tear_down();
}
END_TEST

START_TEST(before_a_reload_all_are_told)
{
        set_up();
        publish(crowd, 1);
        ck_assert_int_eq(feeds_configure(feeds, config), 0);
        ck_assert_uint_eq(n_told(1), N_MANY);
        tear_down();
}
END_TEST

/* Takes a configuration with other principals, which is to live as long as the feeds; the engine stays. */
static Config *reload(const char *principals)
{
        CX_CLEANUP(buffer_deinit) Buffer text = BUFFER_NULL;
        const char *message;
        Config *next;

        buffer_append_format(&text, "metrics: {csat: {kind: top2, scale: [1, 5]}}\nprincipals: %s\n",
                             principals);
        next = config_case_load(buffer_str(&text), &message);
        ck_assert_msg(next, "%s", message);
        ck_assert_int_eq(feeds_configure(feeds, next), 0);
        return next;
}

/* Whoever came by proof that holds no more may be somebody else. */
START_TEST(a_reload_cuts_who_proved_to_be_somebody_by_what_is_no_proof_now)
{
        static const struct {
                const char *principals;
                unsigned n_revoked;
        } rows[] = {
                {"{ben: {uid: 1000, admin: true}, eve: {uid: 2, admin: true}}", 0},
                {"{ben: {uid: 1000, role: director, scope: org}}", 0},
                {"{ben: {uid: 1001, admin: true}}", 1},
                {"{ben: {admin: true}, eve: {uid: 1000, admin: true}}", 1},
                {"{eve: {uid: 1000, admin: true}}", 1},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++) {
                Config *next[2];

                set_up();
                ck_assert_uint_eq(feeds_n_reloads(feeds), 0);
                next[0] = reload(rows[i].principals);
                ck_assert_uint_eq(feeds_n_reloads(feeds), 1);
                for (size_t k = 0; k < CX_ARRAY_LEN(few); k++)
                        ck_assert_uint_eq(few[k].n_revoked, rows[i].n_revoked);
                ck_assert_uint_eq(many[0].n_revoked, 0);
                ck_assert_uint_eq(feeds_n_subscribers(feeds),
                                  N_MANY + (rows[i].n_revoked ? 0 : CX_ARRAY_LEN(few)));
                /* What it was before does not count with the next one. */
                next[1] = reload(rows[i].principals);
                ck_assert_uint_eq(few[0].n_revoked, rows[i].n_revoked);
                tear_down();
                config_free(next[0]);
                config_free(next[1]);
        }
}
END_TEST

static void count_survey(const char *id)
{
        Survey survey = {
                .id = text_of(id), .agent = TEXT("ana"), .queue = TEXT("tech"), .ts = USEC_DAY, .rev = -1};
        Effects effects = {0};

        survey.answers[survey.n_answers++] =
                (Answer){.metric = TEXT("csat"), .kind = ANSWER_NUMBER, .value = 5};
        ck_assert_int_eq(engine_step(engine,
                                     &(Input){.kind = INPUT_SURVEY, .now = USEC_DAY, .survey = &survey},
                                     &effects),
                         0);
        effects_deinit(&effects);
}

START_TEST(a_tick_that_a_reload_ended_takes_nothing_from_the_next)
{
        unsigned n_all;

        set_up_as("ben", "admin"); /* the first in turn, and so many that figures go one at a time */
        count_survey("one");
        while (feeds_tick(feeds, engine, USEC_DAY) == FEEDS_E_MORE)
                ;
        n_all = many[0].n_figures;
        ck_assert_uint_gt(n_all, 2);
        count_survey("two");
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(feeds_tick(feeds, engine, USEC_DAY), FEEDS_E_MORE);
        ck_assert_int_eq(feeds_configure(feeds, config), 0);
        count_survey("three");
        many[0].n_figures = 0;
        while (feeds_tick(feeds, engine, USEC_DAY) == FEEDS_E_MORE)
                ;
        ck_assert_uint_eq(many[0].n_figures, n_all);
        tear_down();
}
END_TEST

START_TEST(numbers_go_on_where_all_messages_are_past_their_retention)
{
        set_up();
        ck_assert_int_eq(
                feeds_restore(feeds,
                              &(StoreFeed){.principal = TEXT("ben"), .seq = 5, .at = 1, .json = TEXT("")}),
                0);
        ck_assert_uint_eq(feed_last_seq(circle), 5);
        ck_assert_uint_eq(feed_first_seq(circle), 6); /* whoever asks for an earlier one is told of a gap */
        publish(circle, 1);
        ck_assert_uint_eq(feed_last_seq(circle), 6);
        tear_down();
}
END_TEST

START_TEST(a_message_past_its_retention_is_gone_as_after_a_restart)
{
        FeedMessage message;

        set_up();
        publish(circle, 3);
        ck_assert(feed_message(circle, 1, &message));
        feeds_forget(feeds, 1); /* they are of that time */
        ck_assert(feed_message(circle, 1, &message));
        feeds_forget(feeds, 2);
        ck_assert(!feed_message(circle, 1, &message) && !feed_message(circle, 3, &message));
        ck_assert_uint_eq(feed_first_seq(circle), 4);
        ck_assert_uint_eq(feed_last_seq(circle), 3);
        publish(circle, 1);
        ck_assert(!feed_message(circle, 3, &message) && feed_message(circle, 4, &message));
        tear_down();
}
END_TEST

/* As a team after a reload with another roster: its alert expires, and that is told, too. */
START_TEST(an_alert_of_a_scope_that_is_gone_is_told_to_who_sees_everything)
{
        Alert gone = ALERT_NULL;
        FeedRows rows = {0};

        set_up();
        gone.rule = "low";
        gone.scope_kind = SCOPE_TEAM;
        gone.scope_name = "gone";
        gone.metric = "csat";
        gone.state = ALERT_RESOLVED;
        gone.fired = 1;
        ck_assert_int_eq(feeds_prepare(feeds, engine, &gone, 1, &rows), 0);
        ck_assert_uint_eq(rows.n, 2);
        ck_assert_ptr_nonnull(memmem(rows.rows[0].text, rows.rows[0].n, "alert/team/gone/csat {", 22));
        feed_rows_deinit(&rows);
        tear_down();
}
END_TEST

static void expect_told(ScopeKind kind, const char *scope, const char *metric, size_t n)
{
        Alert alert = ALERT_NULL;
        FeedRows rows = {0};

        alert.rule = "low";
        alert.scope_kind = kind;
        alert.scope_name = scope;
        alert.metric = metric;
        alert.state = ALERT_FIRING;
        ck_assert_int_eq(feeds_prepare(feeds, engine, &alert, 1, &rows), 0);
        ck_assert_uint_eq(rows.n, 0); /* pending, which may come to nothing */
        alert.fired = 1;
        ck_assert_int_eq(feeds_prepare(feeds, engine, &alert, 1, &rows), 0);
        ck_assert_uint_eq(rows.n, n);
        for (size_t i = 0; i < n; i++)
                ck_assert_ptr_nonnull(memmem(rows.rows[i].text, rows.rows[i].n, "\"seq\":1,", 8));
        feed_rows_deinit(&rows);
        feeds_unprepare(feeds);
}

/* Beside who sees everything, in whose feed all of them are. */
START_TEST(an_alert_is_told_to_who_can_influence_its_metric_and_sees_its_scope)
{
        Config *next[2];

        set_up();
        next[0] = reload("{ben: {uid: 1000, role: director, scope: org}}");
        expect_told(SCOPE_ORG, "", "csat", 2);
        expect_told(SCOPE_ORG, "", "response", 2);
        expect_told(SCOPE_ORG, "", "gone", 1);
        expect_told(SCOPE_TEAM, "gone", "csat", 1);
        expect_told(SCOPE_TEAM, "gone", "gone", 1);
        /* Nobody is called ben any more; his feed is kept. */
        next[1] = reload("{eve: {uid: 1, role: planner, scope: org}}");
        expect_told(SCOPE_ORG, "", "csat", 1);
        expect_told(SCOPE_ORG, "", "response", 2);
        tear_down();
        config_free(next[0]);
        config_free(next[1]);
}
END_TEST

CHECK_MAIN("feeds", many_are_told_some_at_a_time, what_comes_meanwhile_is_told_too,
           who_comes_or_goes_meanwhile_disturbs_nobody, a_small_ring_loses_nothing_for_who_is_told,
           a_busy_feed_does_not_hold_up_another, a_tick_waits_for_alerts_but_not_for_ever,
           before_a_reload_all_are_told, a_reload_cuts_who_proved_to_be_somebody_by_what_is_no_proof_now,
           a_tick_that_a_reload_ended_takes_nothing_from_the_next,
           numbers_go_on_where_all_messages_are_past_their_retention,
           a_message_past_its_retention_is_gone_as_after_a_restart,
           an_alert_of_a_scope_that_is_gone_is_told_to_who_sees_everything,
           an_alert_is_told_to_who_can_influence_its_metric_and_sees_its_scope)

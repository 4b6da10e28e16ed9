/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Surveys that are deleted stay in the figures: an engine whose surveys go when they are old, and that is made anew from
 * what is stored again and again, beside one that keeps everything.
 */

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/server/fold.h"
#include "proto/survey_json.h"
#include "tests/support/check_main.h"
#include "tests/support/model_case.h"
#include "tests/support/store_fixture.h"

#define N_METRICS 4
#define N_AGENTS  7
#define KEEP_DAYS 100
#define N_DAYS    330
#define LIVE_MAX  6000

static const Metric metrics[N_METRICS] = {
        {.name = "nps", .kind = METRIC_NPS, .lo = 0, .hi = 10, .has_target = true, .target = 30, .min_n = 5},
        {.name = "csat", .kind = METRIC_TOP2, .lo = 1, .hi = 5, .has_target = true, .target = 70},
        {.name = "Wait", .kind = METRIC_MEAN, .lo = 1, .hi = 5, .lower_is_better = true},
        {.name = "response", .kind = METRIC_RESPONSE, .lo = 0, .hi = 1},
};
static const Stay roster[] = {
        {"a0", "t0", "s0", 0, 9999},   {"a1", "t0", "s0", 0, 60},   {"a1", "t1", "s0", 60, 150},
        {"a1", "t2", "s1", 150, 9999}, {"a2", "t1", "s0", 0, 9999}, {"a3", "t2", "s1", 20, 9999},
};
static Window windows[5];
static const Calendar utc;
static Rule rules[1];
static Settings settings;
static usec_t beginning;

static void set_up(uint64_t seed)
{
        static const char *const names[] = {"1h", "7d", "28d", "90d", "300d"};

        random_state = seed;
        beginning = 20000 * USEC_DAY;
        for (size_t i = 0; i < CX_ARRAY_LEN(names); i++)
                ck_assert_int_eq(window_init(&windows[i], text_of(names[i])), 0);
        rules[0] = (Rule){.name = "low",
                          .metric = 1,
                          .kind = SCOPE_AGENT,
                          .scopes = "*",
                          .window = 3,
                          .test = RULE_EVIDENCE,
                          .threshold = 70,
                          .min_n = 3,
                          .false_alarms = 1,
                          .false_alarms_per = 20 * USEC_DAY};
        settings = (Settings){
                .metrics = metrics,
                .n_metrics = N_METRICS,
                .windows = windows,
                .n_windows = CX_ARRAY_LEN(names),
                .calendar = &utc,
                .rules = rules,
                .n_rules = 1,
                .keep = 3650 * USEC_DAY,
                .max_agents = 100,
                .max_queues = 100,
        };
}

static Engine *make_engine(void)
{
        Org *org = make_org(&settings.key, beginning, roster, CX_ARRAY_LEN(roster));
        Engine *e = NULL;

        ck_assert_int_eq(org_add_queue(org, TEXT("q0"), TEXT("l0")), 0);
        ck_assert_int_eq(engine_new(&e, &settings, org), 0);
        return e;
}

/* --- surveys -------------------------------------------------------------------------------------------- */

typedef struct Live {
        char json[400];
        usec_t ts;
} Live;

static Live live[LIVE_MAX]; /* by number, from 1 */
static size_t n_live;

static Survey decoded(const char *json, char *scratch)
{
        Survey s;
        Fault f;

        ck_assert_msg(survey_decode(&s, json, strlen(json), scratch, false, &f, NULL) == 0, "%s: %s", json,
                      f.text);
        return s;
}

static void draw_survey(Live *to, size_t number, usec_t ts)
{
        static const char *const states[] = {"answered", "answered", "answered",
                                             "answered", "expired",  "retracted"};
        char agent[32] = "", extra[120] = "";

        if (draw(8))
                snprintf(agent, sizeof(agent), "\"agent\":\"a%u\",", draw(N_AGENTS));
        if (draw(6))
                snprintf(extra, sizeof(extra), "\"nps\":%u,\"csat\":%u,\"Wait\":%u,\"other\":3", draw(11),
                         1 + draw(5), 1 + draw(5));
        else if (draw(2))
                snprintf(extra, sizeof(extra), "\"csat\":null,\"nps\":%u", draw(11));
        to->ts = ts;
        snprintf(
                to->json, sizeof(to->json),
                "{\"id\":\"i%zu\",\"ts\":%lld.%06lld,%s\"queue\":\"q%u\",\"status\":\"%s\",\"answers\":{%s}}",
                number, (long long)(ts / USEC_SEC), (long long)(ts % USEC_SEC), agent, draw(3),
                states[draw(6)], extra);
}

/* --- one that forgets, one that does not ---------------------------------------------------------------- */

typedef struct Pair2 {
        StoreDir dir;
        Store *store;
        Engine *live, *reference;
} Pair2;

static void step(Engine *e, const Survey *s, const Survey *earlier, usec_t now)
{
        Input in = {.kind = s ? INPUT_SURVEY : INPUT_TICK, .now = now, .survey = s, .earlier = earlier};
        Effects none = EFFECTS_NULL;

        ck_assert_int_eq(engine_step(e, &in, &none), 0);
        effects_deinit(&none);
}

static void put(Pair2 *p, size_t number, const Live *l)
{
        const StoreSurvey row = {.seq = number, .ts = l->ts, .source = TEXT("ivr"), .json = text_of(l->json)};

        ck_assert_int_eq(store_begin(p->store), 0);
        ck_assert_int_eq(store_put_survey(p->store, &row), 0);
        ck_assert_int_eq(store_commit(p->store), 0);
}

static void arrive(Pair2 *p, usec_t now)
{
        char scratch[2][800];
        bool again = n_live > 0 && draw(10) == 0;
        size_t number = again ? n_live - draw(n_live < 50 ? (uint32_t)n_live : 50) : n_live + 1;
        Live next, *l = &live[number];
        usec_t ts = now - (usec_t)draw(10) * (usec_t)draw(10) * USEC_HOUR * 5;
        Survey survey, earlier;

        ck_assert_uint_lt(number, LIVE_MAX);
        if (again && l->ts < now - (KEEP_DAYS - 1) * USEC_DAY)
                return;
        draw_survey(&next, number, ts);
        survey = decoded(next.json, scratch[0]);
        if (again)
                earlier = decoded(l->json, scratch[1]);
        step(p->live, &survey, again ? &earlier : NULL, now);
        step(p->reference, &survey, again ? &earlier : NULL, now);
        if (!again)
                n_live++;
        *l = next;
        put(p, number, l);
}

typedef struct Old {
        uint64_t seqs[300];
        Buffer texts[300];
        size_t n;
} Old;

static Old old;

static int take_old(void *user CX_UNUSED, const StoreSurvey *row)
{
        old.seqs[old.n] = row->seq;
        buffer_reset(&old.texts[old.n]);
        buffer_append_text(&old.texts[old.n], row->json);
        old.n++;
        return 0;
}

/* A slice as the daemon does it. False: nothing is old enough. */
static bool expire_slice(Store *s, Engine *e, usec_t before)
{
        CX_CLEANUP(fold_freep) Fold *f = NULL;
        uint64_t at = 0;
        char scratch[800];

        old.n = 0;
        ck_assert_int_eq(store_scan_span(s, INT64_MIN, before, &at, CX_ARRAY_LEN(old.seqs), take_old, NULL),
                         0);
        ck_assert_int_eq(fold_new(&f, e), 0);
        for (size_t i = 0; i < old.n; i++) {
                Survey survey = decoded(buffer_str(&old.texts[i]), scratch);

                ck_assert_int_eq(fold_add(f, &survey), 0);
        }
        ck_assert_int_eq(fold_seal(f), 0);
        ck_assert_int_eq(fold_delete(f, s, &(FoldDeletion){.before = before, .seqs = old.seqs, .n = old.n}),
                         0);
        for (size_t i = 0; i < old.n; i++) {
                Survey survey = decoded(buffer_str(&old.texts[i]), scratch);

                engine_forget(e, &survey);
        }
        return old.n > 0;
}

static int replay_survey(void *user, const StoreSurvey *row)
{
        static char scratch[800];
        char json[800];
        Survey s;

        snprintf(json, sizeof(json), TEXT_FMT, TEXT_ARG(row->json));
        s = decoded(json, scratch);
        return engine_replay(user, &s);
}

static int replay_tally(void *user, const StoreTally *row)
{
        return fold_replay(user, row);
}

/* From what is stored, with the alerts of the one before. */
static void restart(Pair2 *p, usec_t now)
{
        Engine *e = make_engine();

        step(e, NULL, NULL, now);
        ck_assert_int_eq(store_scan_tallies(p->store, INT32_MIN, TEXT(""), 0, replay_tally, e), 0);
        ck_assert_int_eq(store_scan_surveys(p->store, 0, 0, replay_survey, e), 0);
        for (size_t i = 0; i < engine_n_alerts(p->live); i++)
                ck_assert_int_eq(engine_restore(e, engine_alert(p->live, i)), 0);
        step(e, NULL, NULL, now);
        engine_free(p->live);
        p->live = e;
}

static void compare_figure(const Pair2 *p, ScopeId a, ScopeId b, size_t metric, size_t window, usec_t at)
{
        Figure x, y;
        int r = engine_figure(p->live, a, metric, window, at, &x);

        ck_assert_int_eq(engine_figure(p->reference, b, metric, window, at, &y), r);
        if (r != 0)
                return;
        ck_assert_msg(x.n == y.n && memcmp(x.counts, y.counts, sizeof(x.counts)) == 0,
                      "%s/" TEXT_FMT " %s %s: n %llu, should be %llu", scope_kind_name(x.scope_kind),
                      TEXT_ARG(x.scope_name), metrics[metric].name, windows[window].name,
                      (unsigned long long)x.n, (unsigned long long)y.n);
        ck_assert_mem_eq(&x.value, &y.value, sizeof(double));
        ck_assert_mem_eq(&x.low, &y.low, sizeof(double));
        ck_assert_mem_eq(&x.trend, &y.trend, sizeof(double));
        ck_assert_mem_eq(&x.trend_low, &y.trend_low, sizeof(double));
        ck_assert_mem_eq(&x.trend_high, &y.trend_high, sizeof(double));
        ck_assert_int_eq(x.state, y.state);
}

/* Every figure of windows that are cut in days, as of now and as of any time before. Returns how many had answers. */
static size_t compare(Pair2 *p, usec_t now)
{
        const Org *org = engine_org(p->reference);
        size_t n = 0;

        step(p->live, NULL, NULL, now);
        step(p->reference, NULL, NULL, now);
        for (ScopeId b = 0; b < org_n_scopes(org); b++) {
                const ScopeInfo *info = org_scope(org, b);
                ScopeId a = org_find(engine_org(p->live), info->kind, info->name);

                if (!engine_has_data(p->reference, b))
                        continue;
                n++;
                ck_assert_msg(a != SCOPE_NONE && engine_has_data(p->live, a), TEXT_FMT, TEXT_ARG(info->text));
                for (size_t metric = 0; metric < N_METRICS; metric++)
                        for (size_t window = 2; window < settings.n_windows; window++) {
                                compare_figure(p, a, b, metric, window, now + 1);
                                compare_figure(p, a, b, metric, window, now - (usec_t)draw(200) * USEC_DAY);
                        }
        }
        ck_assert_uint_eq(engine_n_alerts(p->live), engine_n_alerts(p->reference));
        for (size_t i = 0; i < engine_n_alerts(p->live); i++) {
                const Alert *theirs = engine_find_alert(p->reference, text_of(engine_alert(p->live, i)->id));

                ck_assert_ptr_nonnull(theirs);
                ck_assert_int_eq(theirs->state, engine_alert(p->live, i)->state);
        }
        return n;
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static void live_through(uint64_t seed, void (*deletion)(Pair2 *p, usec_t before))
{
        Pair2 p = {0};
        StoreInfo info;
        size_t n = 0;

        set_up(seed);
        n_live = 0;
        p.store = store_dir_open(&p.dir);
        p.live = make_engine();
        p.reference = make_engine();
        for (usec_t day = 0; day < N_DAYS; day++) {
                usec_t now = beginning + day * USEC_DAY + (usec_t)draw(86400) * USEC_SEC;

                for (uint32_t k = draw(16); k > 0; k--)
                        arrive(&p, now);
                if (draw(6) == 0)
                        deletion(&p, now - KEEP_DAYS * USEC_DAY);
                if (draw(9) == 0)
                        restart(&p, now);
                if (draw(5) == 0)
                        n = compare(&p, now);
        }
        ck_assert_uint_gt(n, 10);
        ck_assert_uint_gt(engine_n_alerts(p.reference), 0);
        ck_assert_int_eq(store_info(p.store, &info), 0);
        ck_assert_uint_lt(info.n_surveys, n_live * 2 / 3); /* something did go */
        ck_assert_uint_gt(info.n_tallies, 1000);
        ck_assert_uint_eq(info.n_damaged, 0);
        store_close(p.store);
        engine_free(p.live);
        engine_free(p.reference);
        store_dir_remove(&p.dir);
}

static void delete_all(Pair2 *p, usec_t before)
{
        while (expire_slice(p->store, p->live, before))
                ;
}

START_TEST(figures_are_the_same_before_and_after_deletion_and_restarts)
{
        for (uint64_t seed = 1; seed <= 4; seed++)
                live_through(seed, delete_all);
}
END_TEST

/* A process that ends at the n-th time that it would change a file. */
static int writes_left = -1;

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at);

/* SQLite finds this before the one of the C library. */
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
        if (writes_left >= 0 && writes_left-- == 0)
                _exit(99);
        return (ssize_t)syscall(SYS_pwrite64, fd, data, n, at);
}

/* Every try dies a little later, until one comes through. */
static void delete_and_die(Pair2 *p, usec_t before)
{
        int status = 0;

        store_close(p->store);
        for (int n = (int)draw(3); n == 0 || WEXITSTATUS(status) == 99; n += 1 + n / 2) {
                pid_t pid = fork();

                ck_assert_int_ge(pid, 0);
                if (pid == 0) {
                        p->store = store_dir_open(&p->dir);
                        writes_left = n;
                        while (expire_slice(p->store, p->live, before))
                                ;
                        _exit(0);
                }
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 99));
        }
        p->store = store_dir_open(&p->dir);
        restart(p, before + KEEP_DAYS * USEC_DAY);
}

START_TEST(a_death_at_any_write_of_a_deletion_changes_no_figure)
{
        for (uint64_t seed = 11; seed <= 12; seed++)
                live_through(seed, delete_and_die);
}
END_TEST

START_TEST(tallies_that_the_configuration_does_not_know_are_left_out)
{
        const StoreTally row = {
                .day = 20000, .scope = TEXT("agent/new"), .counts = TEXT("csat 0:3 5:2 9:1\ngone 1:1\n")};
        Engine *e;
        Figure f;

        set_up(1);
        e = make_engine();
        step(e, NULL, NULL, beginning + USEC_DAY);
        ck_assert_int_eq(fold_replay(e, &row), 0);
        ck_assert_int_eq(
                fold_replay(e, &(StoreTally){.day = 20000, .scope = TEXT("team/gone"), .counts = row.counts}),
                0);
        ck_assert_int_eq(
                fold_replay(e, &(StoreTally){.day = 20000, .scope = TEXT("x/y"), .counts = row.counts}),
                -EBADMSG);
        ck_assert_int_eq(
                fold_replay(e, &(StoreTally){.day = 20000, .scope = TEXT("org"), .counts = TEXT("csat")}),
                -EBADMSG);
        ck_assert_uint_eq(org_find(engine_org(e), SCOPE_TEAM, TEXT("gone")), SCOPE_NONE);
        ck_assert_int_eq(engine_figure(e, org_find(engine_org(e), SCOPE_AGENT, TEXT("new")), 1, 2,
                                       beginning + USEC_DAY, &f),
                         0);
        ck_assert_uint_eq(f.n, 2);
        engine_free(e);
}
END_TEST

CHECK_MAIN("fold", figures_are_the_same_before_and_after_deletion_and_restarts,
           a_death_at_any_write_of_a_deletion_changes_no_figure,
           tallies_that_the_configuration_does_not_know_are_left_out)

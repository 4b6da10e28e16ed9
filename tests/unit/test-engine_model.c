/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The engine against a model that keeps the list of live surveys and counts them one by one; and against itself, when one
 * of two engines is thrown away and made anew again and again, from surveys or from a snapshot and what changed since.
 */

#include <math.h>
#include <stdio.h>

#include "daemon/core/engine.h"
#include "daemon/core/score.h"
#include "daemon/core/snapshot.h"
#include "tests/support/alert_case.h"
#include "tests/support/check_main.h"
#include "tests/support/image_case.h"
#include "tests/support/model_case.h"

#define N_AGENTS    6
#define N_QUEUES    3
#define N_METRICS   4
#define SURVEYS_MAX 4000

static const Metric metrics[N_METRICS] = {
        {.name = "nps", .kind = METRIC_NPS, .lo = 0, .hi = 10, .has_target = true, .target = 30, .min_n = 5},
        {.name = "csat", .kind = METRIC_TOP2, .lo = 1, .hi = 5, .has_target = true, .target = 70},
        {.name = "wait", .kind = METRIC_MEAN, .lo = 1, .hi = 5, .lower_is_better = true},
        {.name = "response", .kind = METRIC_RESPONSE, .lo = 0, .hi = 1},
};
static Window windows[5];
static const Calendar utc;
static Rule rules[8];
static Settings settings;

static const Stay roster[] = {
        {"a0", "t0", "s0", 0, 100000}, {"a1", "t0", "s0", 0, 30},     {"a1", "t1", "s0", 30, 60},
        {"a1", "t2", "s1", 70, 10000}, {"a2", "t1", "s0", 0, 100000}, {"a3", "t2", "s1", 20, 100000},
        {"a4", NULL, "s1", 0, 100000},
};
static const char *const lines[N_QUEUES] = {"l0", "l0", NULL};

typedef struct Live {
        char id[16], agent[4], queue[4];
        Survey survey;
        bool gone;
} Live;

static usec_t beginning, now;
static Live live[SURVEYS_MAX];
static size_t n_live;

static void rule(const char *name, size_t metric, ScopeKind kind, size_t window, RuleTest test,
                 double threshold, bool above, usec_t hold)
{
        Rule *r = &rules[settings.n_rules++];

        *r = (Rule){
                .metric = metric,
                .kind = kind,
                .scopes = "*",
                .window = window,
                .test = test,
                .threshold = threshold,
                .above = above,
                .min_n = 3,
                .false_alarms = 1,
                .false_alarms_per = 40 * USEC_DAY,
                .hold = hold,
        };
        snprintf(r->name, sizeof(r->name), "%s", name);
}

static void set_up(void)
{
        static const char *const names[] = {"1h", "today", "7d", "28d", "90d"};

        beginning = 20000 * USEC_DAY;
        now = beginning;
        n_live = 0;
        for (size_t i = 0; i < 5; i++)
                ck_assert_int_eq(window_init(&windows[i], text_of(names[i])), 0);
        settings = (Settings){
                .metrics = metrics,
                .n_metrics = N_METRICS,
                .windows = windows,
                .n_windows = 5,
                .calendar = &utc,
                .rules = rules,
                .keep = 190 * USEC_DAY,
                .max_agents = 100,
                .max_queues = 100,
        };
        rule("evidence", 0, SCOPE_AGENT, 3, RULE_EVIDENCE, 30, false, 0);
        rule("evidence-held", 1, SCOPE_QUEUE, 2, RULE_EVIDENCE, 60, false, 2 * USEC_HOUR);
        rule("evidence-above", 2, SCOPE_SITE, 3, RULE_EVIDENCE, 2.6, true, 0);
        rule("interval", 1, SCOPE_TEAM, 2, RULE_INTERVAL, 70, false, 0);
        rule("point", 1, SCOPE_ORG, 0, RULE_POINT, 50, false, 5 * USEC_MIN);
        rule("today", 2, SCOPE_AGENT, 1, RULE_POINT, 3.5, true, 0);
        rule("line", 2, SCOPE_LINE, 3, RULE_INTERVAL, 2.5, true, 0);
}

static Engine *make_engine(void)
{
        Org *org = make_org(&settings.key, beginning, roster, CX_ARRAY_LEN(roster));
        Engine *e;

        for (size_t i = 0; i < N_QUEUES; i++) {
                char name[4];

                snprintf(name, sizeof(name), "q%zu", i);
                if (lines[i])
                        ck_assert_int_eq(org_add_queue(org, text_of(name), text_of(lines[i])), 0);
        }
        ck_assert_int_eq(engine_new(&e, &settings, org), 0);
        return e;
}

static void fill(Live *l)
{
        Survey *s = &l->survey;

        if (draw(12))
                snprintf(l->agent, sizeof(l->agent), "a%u", draw(N_AGENTS));
        else /* mostly the only one of his */
                snprintf(l->agent, sizeof(l->agent), "v%u", draw(40));
        snprintf(l->queue, sizeof(l->queue), "q%u", draw(N_QUEUES));
        s->agent = draw(20) ? text_of(l->agent) : TEXT_NULL;
        s->queue = text_of(l->queue);
        s->status = draw(6) ? SURVEY_ANSWERED : draw(2) ? SURVEY_EXPIRED : SURVEY_OFFERED;
        s->n_answers = 0;
        for (size_t m = 0; m < 3; m++) {
                Answer *a = &s->answers[s->n_answers];

                if (draw(5) == 0)
                        continue;
                a->metric = text_of(metrics[m].name);
                a->kind = draw(15) ? ANSWER_NUMBER : ANSWER_NULL;
                a->value = metrics[m].lo + (int)draw(metric_n_values(&metrics[m]));
                s->n_answers++;
        }
}

/* --- the model --- */

static bool is_under(const Live *l, const ScopeInfo *scope)
{
        size_t queue = (size_t)(l->queue[1] - '0');

        switch (scope->kind) {
        case SCOPE_ORG:
                return true;
        case SCOPE_QUEUE:
                return text_is(scope->name, l->queue);
        case SCOPE_LINE:
                return lines[queue] && text_is(scope->name, lines[queue]);
        case SCOPE_AGENT:
                return l->survey.agent.at && text_is(scope->name, l->agent);
        default:
                break;
        }
        for (size_t i = 0; l->survey.agent.at && i < CX_ARRAY_LEN(roster); i++) {
                const char *unit = scope->kind == SCOPE_TEAM ? roster[i].team : roster[i].site;

                if (strcmp(roster[i].agent, l->agent) == 0 && unit && text_is(scope->name, unit) &&
                    beginning + roster[i].from * USEC_DAY <= l->survey.ts &&
                    l->survey.ts < beginning + roster[i].to * USEC_DAY)
                        return true;
        }
        return false;
}

static Tally count(const ScopeInfo *scope, const Metric *m, usec_t start, usec_t end)
{
        Tally t = TALLY_NULL;
        int value;

        for (size_t i = 0; i < n_live; i++)
                if (!live[i].gone && start <= live[i].survey.ts && live[i].survey.ts < end &&
                    is_under(&live[i], scope) && survey_value(&live[i].survey, m, &value))
                        t.counts[value - m->lo]++;
        return t;
}

/* Check writes down each of its assertions that holds, and here are millions of them. */
static void want(bool holds, const Figure *f, const char *what)
{
        if (!holds)
                ck_abort_msg("%s/" TEXT_FMT " %s " TEXT_FMT ": n=%d, another %s",
                             scope_kind_name(f->scope_kind), TEXT_ARG(f->scope_name), f->metric->name,
                             TEXT_ARG(f->window), (int)f->n, what);
}

static void compare_figure(const Engine *e, ScopeId id, size_t m, size_t w, usec_t at)
{
        const ScopeInfo *scope = org_scope(engine_org(e), id);
        Interval own, earlier;
        usec_t start, end;
        Score score, before;
        Tally t;
        Figure f;

        if (engine_figure(e, id, m, w, at, &f) != 0)
                ck_abort_msg(TEXT_FMT " %s %s: not known", TEXT_ARG(scope->text), metrics[m].name,
                             windows[w].name);
        window_span(&windows[w], &utc, at, &start, &end);
        t = count(scope, &metrics[m], start, end);
        score = score_of(&metrics[m], &t);
        own = score_interval(&metrics[m], &t);
        want(memcmp(t.counts, f.counts, sizeof(t.counts)) == 0 && f.n == score.n && f.at == end, &f,
             "counts");
        want(number_same(f.value, score.value) && number_same(f.mean, score.mean), &f, "value");
        want(number_same(f.low, own.low) && number_same(f.high, own.high), &f, "interval");
        window_span_before(&windows[w], &utc, at, &start, &end);
        t = count(scope, &metrics[m], start, end);
        before = score_of(&metrics[m], &t);
        earlier = score_interval(&metrics[m], &t);
        if (score.n < metrics[m].min_n || before.n < metrics[m].min_n || score.n == 0 || before.n == 0)
                before.value = earlier.low = earlier.high = NAN;
        own = interval_difference(score.value, own, before.value, earlier);
        want(number_same(f.trend, score.value - before.value), &f, "trend");
        want(number_same(f.trend_low, own.low) && number_same(f.trend_high, own.high), &f,
             "trend's interval");
}

static void compare_all(const Engine *e)
{
        for (ScopeId id = 0; id < org_n_scopes(engine_org(e)); id++)
                for (size_t m = 0; m < N_METRICS; m++)
                        for (size_t w = 0; w < 5; w++)
                                compare_figure(e, id, m, w, now + 1);
}

/* --- two engines --- */

static Engine *steady, *fragile;
static void compare_stats(void)
{
        EngineStats a, b;

        engine_stats(steady, &a);
        engine_stats(fragile, &b);
        ck_assert_uint_eq(a.surveys, b.surveys);
        /* What once had data may have been forgotten by an earlier restart. */
        for (ScopeId id = 0; id < org_n_scopes(engine_org(steady)); id++)
                ck_assert(engine_has_data(steady, id) || !engine_has_data(fragile, id));
        ck_assert(engine_has_data(fragile, SCOPE_ID_ORG) == (b.surveys > 0));
}

static void both(const Input *in)
{
        Effects first = EFFECTS_NULL, second = EFFECTS_NULL;

        ck_assert_int_eq(engine_step(steady, in, &first), 0);
        ck_assert_int_eq(engine_step(fragile, in, &second), 0);
        ck_assert_uint_eq(first.n_alerts, second.n_alerts);
        effects_deinit(&first);
        effects_deinit(&second);
}

/* A snapshot of the fragile one, and the surveys as they were then; and those of the next one, while it is taken. */
static ImageTaking taking;
static Live imaged[SURVEYS_MAX], begun[SURVEYS_MAX];
static size_t n_imaged, n_begun;
static unsigned n_overtaken; /* steps while one was taken */

/* Surveys point into their own Live. */
static void copy_live(Live *to, const Live *from)
{
        *to = *from;
        to->survey.id.at = to->id;
        to->survey.agent.at = from->survey.agent.at ? to->agent : NULL;
        to->survey.queue.at = to->queue;
}

static void begin_image(void)
{
        both(&(Input){.kind = INPUT_TICK, .now = now});
        image_case_begin(fragile, &taking);
        for (n_begun = 0; n_begun < n_live; n_begun++)
                copy_live(&begun[n_begun], &live[n_begun]);
}

/* Some more of it, mostly with much left: it is overtaken by what comes meanwhile. */
static void go_on_with_image(void)
{
        n_overtaken++;
        if (!image_case_go_on(fragile, &taking, draw(8) ? draw(2) : UINT32_MAX))
                return;
        for (n_imaged = 0; n_imaged < n_begun; n_imaged++)
                copy_live(&imaged[n_imaged], &begun[n_imaged]);
}

static bool is_changed(const Live *a, const Live *b)
{
        return a->gone != b->gone || a->survey.ts != b->survey.ts || a->survey.status != b->survey.status ||
               !text_equal(a->survey.agent, b->survey.agent) ||
               !text_equal(a->survey.queue, b->survey.queue) || a->survey.n_answers != b->survey.n_answers ||
               memcmp(a->survey.answers, b->survey.answers, a->survey.n_answers * sizeof(Answer)) != 0;
}

/* The snapshot, brought up to date: in any order. */
static void load_image(void)
{
        ImageReader from = {.at = (const unsigned char *)taking.whole.data, .n = taking.whole.n};

        ck_assert_int_eq(snapshot_load(fragile, &from), 0);
        ck_assert_uint_eq(from.n, 0);
        for (size_t i = n_live; i-- > n_imaged;)
                if (!live[i].gone)
                        ck_assert_int_eq(engine_replay(fragile, &live[i].survey), 0);
        for (size_t i = 0; i < n_imaged; i++)
                if (is_changed(&live[i], &imaged[i]))
                        ck_assert_int_eq(engine_replay_change(fragile, &live[i].survey, &imaged[i].survey),
                                         0);
}

static void load_surveys(void)
{
        size_t order[SURVEYS_MAX];

        for (size_t i = 0; i < n_live; i++) {
                size_t k = draw((uint32_t)i + 1);

                order[i] = order[k];
                order[k] = i;
        }
        for (size_t i = 0; i < n_live; i++)
                if (!live[order[i]].gone)
                        ck_assert_int_eq(engine_replay(fragile, &live[order[i]].survey), 0);
}

static unsigned n_from_image;

static void restart_fragile(void)
{
        bool from_image = taking.whole.n && draw(2);
        Engine *before = fragile;
        Effects out = EFFECTS_NULL;

        both(&(Input){.kind = INPUT_TICK, .now = now});
        fragile = make_engine();
        /* In any order, with or without knowing the time beforehand. */
        if (draw(2))
                ck_assert_int_eq(engine_step(fragile, &(Input){.kind = INPUT_TICK, .now = now}, &out), 0);
        if (from_image) {
                load_image();
                n_from_image++;
        } else {
                load_surveys();
        }
        for (size_t i = 0; i < engine_n_alerts(before); i++)
                ck_assert_int_eq(engine_restore(fragile, engine_alert(before, i)), 0);
        ck_assert_int_eq(engine_step(fragile, &(Input){.kind = INPUT_TICK, .now = now}, &out), 0);
        ck_assert_uint_eq(out.n_alerts, 0);
        effects_deinit(&out);
        engine_free(before);
        taking.on = false;
        alerts_compare(steady, fragile);
        compare_all(fragile);
        if (from_image)
                compare_stats();
}

static void new_survey(void)
{
        Live *l = &live[n_live++];

        memset(l, 0, sizeof(*l));
        ck_assert_uint_lt(n_live, SURVEYS_MAX);
        snprintf(l->id, sizeof(l->id), "s%zu", n_live);
        l->survey.id = text_of(l->id);
        l->survey.rev = -1;
        l->survey.ts = now - (usec_t)draw(90) * USEC_SEC;
        if (draw(5) == 0)
                l->survey.ts -= (usec_t)draw(100 * 24 * 60) * USEC_MIN;
        else if (draw(20) == 0)
                l->survey.ts = now + (usec_t)draw(300) * USEC_SEC;
        fill(l);
        both(&(Input){.kind = INPUT_SURVEY, .now = now, .survey = &l->survey});
}

static void change_survey(bool retract)
{
        Live *l, before;

        if (n_live == 0)
                return;
        l = &live[draw(4) ? n_live - 1 - draw(n_live < 60 ? (uint32_t)n_live : 60) : draw((uint32_t)n_live)];
        if (l->gone)
                return;
        copy_live(&before, l);
        if (retract) {
                l->survey.status = SURVEY_RETRACTED;
                l->gone = true;
        } else {
                fill(l);
                if (draw(3) == 0)
                        l->survey.ts -= (usec_t)draw(3000) * USEC_MIN;
        }
        both(&(Input){.kind = INPUT_SURVEY, .now = now, .survey = &l->survey, .earlier = &before.survey});
}

/* Time goes on; a live figure must be what a question about that time says later. */
static void go_on(void)
{
        static const usec_t steps[] = {7 * USEC_SEC, 2 * USEC_MIN, 50 * USEC_MIN, 9 * USEC_HOUR,
                                       3 * USEC_DAY};
        ScopeId id = draw((uint32_t)org_n_scopes(engine_org(steady)));
        usec_t until = now + 1 + draw(1000) + steps[draw(draw(3) ? 3 : 5)], then = now;
        size_t m = draw(N_METRICS), w = draw(5);
        Figure before, after;
        int r;

        ck_assert_int_eq(engine_figure(steady, id, m, w, then + 1, &before), 0);
        while (engine_deadline(steady) <= until) {
                ck_assert_int_gt(engine_deadline(steady), now);
                now = engine_deadline(steady);
                both(&(Input){.kind = INPUT_TICK, .now = now});
        }
        now = until;
        r = engine_figure(steady, id, m, w, then + 1, &after);
        ck_assert_int_ge(r, 0);
        if (r == 0) {
                ck_assert_mem_eq(before.counts, after.counts, sizeof(before.counts));
                ck_assert(number_same(before.value, after.value) && number_same(before.low, after.low) &&
                          before.at == after.at);
        }
}

static unsigned n_fired[8], n_reasons[_ALERT_REASON_N];

static void run(uint64_t seed, unsigned n_steps)
{
        random_state = seed;
        set_up();
        steady = make_engine();
        fragile = make_engine();
        for (unsigned i = 0; i < n_steps; i++) {
                uint32_t what = draw(100);

                if (what < 60)
                        new_survey();
                else if (what < 70)
                        change_survey(false);
                else if (what < 75)
                        change_survey(true);
                else if (what < 96)
                        go_on();
                else if (what < 98)
                        begin_image();
                else
                        restart_fragile();
                if (taking.on)
                        go_on_with_image();
                if (i % 100 == 99) {
                        both(&(Input){.kind = INPUT_TICK, .now = now});
                        compare_all(i % 200 == 99 ? steady : fragile);
                        alerts_compare(steady, fragile);
                }
        }
        for (size_t i = 0; i < engine_n_alerts(steady); i++) {
                const Alert *a = engine_alert(steady, i);

                for (size_t k = 0; k < settings.n_rules; k++)
                        n_fired[k] += a->fired && strcmp(a->rule, rules[k].name) == 0;
                n_reasons[a->reason]++;
        }
        steady = engine_free(steady);
        fragile = engine_free(fragile);
        buffer_deinit(&taking.whole);
        buffer_deinit(&taking.bytes);
        taking.on = false;
}

START_TEST(figures_and_alerts_are_a_function_of_what_is_stored)
{
        const char *wanted = getenv("CX_SEED");

        if (wanted)
                run(strtoull(wanted, NULL, 10), 1500);
        for (uint64_t seed = 1; seed <= 12; seed++)
                run(seed, 1500);
        /* The test is worth something only if all of it happened. */
        ck_assert_uint_gt(n_from_image, 50);
        ck_assert_uint_gt(n_overtaken, 1000);
        for (size_t i = 0; i < settings.n_rules; i++)
                ck_assert_msg(n_fired[i] > 0, "rule %s never fired", rules[i].name);
        for (size_t i = ALERT_RECOVERED; i < _ALERT_REASON_N; i++)
                ck_assert_msg(n_reasons[i] > 0, "no alert was ever %s", alert_reason_name((AlertReason)i));
}
END_TEST

CHECK_MAIN("engine_model", figures_and_alerts_are_a_function_of_what_is_stored)

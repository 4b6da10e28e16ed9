#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* An engine with one rule and nobody in its organisation, for tests of what it does step by step. */

#include "daemon/core/engine.h"
#include "tests/support/check_main.h"

static Metric metrics[] = {{.name = "csat", .kind = METRIC_TOP2, .lo = 1, .hi = 5},
                           {.name = "care", .kind = METRIC_TOP2, .lo = 1, .hi = 5}};
static Window windows[1];
static Calendar calendar; /* UTC */
static Rule rules[] = {
        {.name = "low", .kind = SCOPE_AGENT, .scopes = "*", .test = RULE_POINT, .threshold = 80, .min_n = 1}};
static const usec_t day0 = 20000 * USEC_DAY;
static Effects out;
static const char *window = "28d";
static usec_t keep_surveys;

static inline Engine *make(size_t n_rules)
{
        static Settings all[8];
        static size_t n_all;
        Settings *settings = &all[n_all++ % CX_ARRAY_LEN(all)];
        Engine *e;
        Org *org;

        ck_assert_int_eq(window_init(&windows[0], text_of(window)), 0);
        *settings = (Settings){
                .metrics = metrics,
                .n_metrics = CX_ARRAY_LEN(metrics),
                .windows = windows,
                .n_windows = 1,
                .calendar = &calendar,
                .rules = rules,
                .n_rules = n_rules,
                .keep_surveys = keep_surveys,
                .max_agents = 2,
                .max_queues = 2,
        };
        ck_assert_int_eq(org_new(&org, &settings->key), 0);
        ck_assert_int_eq(engine_new(&e, settings, org), 0);
        return e;
}

static inline Survey survey(const char *id, const char *agent, usec_t ts, int csat)
{
        Survey s = {.id = text_of(id), .agent = text_of(agent), .queue = TEXT("q"), .ts = ts, .rev = -1};

        s.n_answers = 1;
        s.answers[0] = (Answer){.metric = TEXT("csat"), .kind = ANSWER_NUMBER, .value = csat};
        return s;
}

static inline int step(Engine *e, usec_t now, const Survey *s, const Survey *earlier)
{
        effects_reset(&out);
        return engine_step(
                e,
                &(Input){.kind = s ? INPUT_SURVEY : INPUT_TICK, .now = now, .survey = s, .earlier = earlier},
                &out);
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Nanoseconds per engine_step() with a survey: 40 agents, 6 queues, 6 metrics, 5 windows, 10 rules, in time order.
 *
 * The history of 90 days goes in first; what is timed is one more day, and then answers that are up to 80 days late.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/core/engine.h"

#define N_HISTORY 100000
#define N_TIMED   200000

static Metric metrics[6] = {
        {.name = "nps", .kind = METRIC_NPS, .lo = 0, .hi = 10, .has_target = true, .target = 40},
        {.name = "csat", .kind = METRIC_TOP2, .lo = 1, .hi = 5, .has_target = true, .target = 60},
        {.name = "ces", .kind = METRIC_TOP3, .lo = 1, .hi = 7},
        {.name = "fcr", .kind = METRIC_YES, .lo = 0, .hi = 1},
        {.name = "courtesy", .kind = METRIC_TOP2, .lo = 1, .hi = 5},
        {.name = "wait", .kind = METRIC_MEAN, .lo = 1, .hi = 5},
};
static const char *const names[] = {"1h", "today", "7d", "28d", "90d"};
static Window windows[5];
static Rule rules[10];
static const Calendar utc;
static Settings settings;
static uint64_t random_state = 1;

static unsigned draw(unsigned below)
{
        random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (unsigned)(random_state >> 33) % below;
}

static int set_up(Engine **ret)
{
        static const ScopeKind kinds[] = {SCOPE_AGENT, SCOPE_TEAM, SCOPE_QUEUE, SCOPE_SITE, SCOPE_ORG};
        CX_CLEANUP(org_freep) Org *org = NULL;
        int r = 0;

        for (size_t i = 0; i < 5 && r == 0; i++)
                r = window_init(&windows[i], text_of(names[i]));
        for (size_t i = 0; i < 10; i++)
                rules[i] = (Rule){
                        .scopes = "*",
                        .kind = kinds[i % 5],
                        .metric = i % 6,
                        .window = i < 6 ? 3 + i % 2 : i % 3,
                        .test = i < 6   ? RULE_EVIDENCE
                                : i < 8 ? RULE_INTERVAL
                                        : RULE_POINT,
                        .threshold = i % 6 == 5   ? 2.5
                                     : i % 6 == 0 ? -40
                                                  : 30,
                        .min_n = 10,
                        .false_alarms = 1,
                        .false_alarms_per = 90 * USEC_DAY,
                };
        for (size_t i = 0; i < 10; i++)
                snprintf(rules[i].name, sizeof(rules[i].name), "rule-%zu", i);
        settings = (Settings){.metrics = metrics,
                              .n_metrics = 6,
                              .windows = windows,
                              .n_windows = 5,
                              .calendar = &utc,
                              .rules = rules,
                              .n_rules = 10,
                              .keep = 1825 * USEC_DAY,
                              .max_agents = 1000,
                              .max_queues = 1000};
        if (r == 0)
                r = org_new(&org, &settings.key);
        for (unsigned i = 0; i < 40 && r == 0; i++) {
                char agent[16], team[16], site[16];

                snprintf(agent, sizeof(agent), "agent.%u", i);
                snprintf(team, sizeof(team), "team-%u", i / 8);
                snprintf(site, sizeof(site), "site-%u", i / 20);
                r = org_add_agent(org, &(RosterRow){.agent = text_of(agent),
                                                    .team = text_of(team),
                                                    .site = text_of(site),
                                                    .region = TEXT("emea"),
                                                    .to = USEC_INFINITY});
        }
        for (unsigned i = 0; i < 6 && r == 0; i++) {
                char queue[16];

                snprintf(queue, sizeof(queue), "queue-%u", i);
                r = org_add_queue(org, text_of(queue), i < 3 ? TEXT("service") : TEXT("sales"));
        }
        if (r == 0)
                r = engine_new(ret, &settings, org);
        if (r == 0)
                org = NULL;
        return r;
}

static int feed(Engine *e, Effects *out, usec_t now, usec_t ts, unsigned number)
{
        char id[24], agent[16], queue[16];
        Survey s = {.ts = ts, .rev = -1};

        snprintf(id, sizeof(id), "sv-%u", number);
        snprintf(agent, sizeof(agent), "agent.%u", draw(40));
        snprintf(queue, sizeof(queue), "queue-%u", draw(6));
        s.id = text_of(id);
        s.agent = text_of(agent);
        s.queue = text_of(queue);
        for (size_t i = 0; i < 6; i++) {
                unsigned n = metric_n_values(&metrics[i]);
                unsigned best = draw(n), other = draw(n);

                s.answers[i] = (Answer){.metric = text_of(metrics[i].name), .kind = ANSWER_NUMBER};
                s.answers[i].value = metrics[i].lo + (int)(best > other ? best : other);
        }
        s.n_answers = 6;
        effects_reset(out);
        return engine_step(e, &(Input){.kind = INPUT_SURVEY, .now = now, .survey = &s}, out);
}

static double seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
        CX_CLEANUP(engine_freep) Engine *e = NULL;
        Effects out = EFFECTS_NULL;
        usec_t now = 20000 * USEC_DAY;
        unsigned number = 0;
        double start;
        int r = set_up(&e);

        for (unsigned i = 0; i < N_HISTORY && r == 0; i++, now += 90 * USEC_DAY / N_HISTORY)
                r = feed(e, &out, now, now, number++);
        start = seconds();
        for (unsigned i = 0; i < N_TIMED && r == 0; i++, now += USEC_DAY / N_TIMED)
                r = feed(e, &out, now, now, number++);
        printf("engine: %.0f ns per survey in time order\n", (seconds() - start) / N_TIMED * 1e9);
        start = seconds();
        for (unsigned i = 0; i < N_TIMED / 10 && r == 0; i++, now += USEC_DAY / N_TIMED)
                r = feed(e, &out, now, now - (usec_t)draw(80 * 24) * USEC_HOUR, number++);
        printf("engine: %.0f ns per survey up to 80 days late\n", (seconds() - start) / (N_TIMED / 10) * 1e9);
        printf("engine: %zu alerts\n", engine_n_alerts(e));
        effects_deinit(&out);
        return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

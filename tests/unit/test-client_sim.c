/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/sim.h"
#include "proto/survey_json.h"
#include "tests/support/check_main.h"

static SimWorld centre(size_t n_agents, size_t n_queues)
{
        static const SimMetric metrics[] = {
                {"csat", METRIC_TOP2, 1, 5, .target = 85},
                {"nps", METRIC_NPS, 0, 10, .target = 40},
                {"fcr", METRIC_YES, 0, 1, .target = 75},
                {"effort", METRIC_TOP3, 1, 7, .lower_is_better = true, .target = 70},
                {"wait", METRIC_MEAN, 1, 5, .target = 4, .driver = true},
                {"courtesy", METRIC_TOP1, 1, 5, .target = NAN, .driver = true},
        };
        SimWorld w = {
                .seed = 1, .n_metrics = CX_ARRAY_LEN(metrics), .n_agents = n_agents, .n_queues = n_queues};

        memcpy(w.metrics, metrics, sizeof(metrics));
        w.agents = calloc(n_agents, sizeof(*w.agents));
        w.queues = calloc(n_queues, sizeof(*w.queues));
        ck_assert(w.agents && w.queues);
        for (size_t i = 0; i < n_agents; i++) {
                ck_assert_int_gt(asprintf(&w.agents[i].name, "agent%zu", i), 0);
                ck_assert_int_gt(asprintf(&w.agents[i].team, "team/%zu", i % 4), 0);
        }
        for (size_t i = 0; i < n_queues; i++)
                ck_assert_int_gt(asprintf(&w.queues[i].name, "queue%zu", i), 0);
        sim_world_settle(&w);
        return w;
}

START_TEST(chance_is_repeatable_and_fair)
{
        Rng a = rng_new(1, "x", 2), b = rng_new(1, "x", 2), c = rng_new(1, "x", 3);
        double sum = 0, squares = 0, waits = 0;
        unsigned counts = 0;

        ck_assert_uint_eq(rng_next(&a), rng_next(&b));
        ck_assert_uint_ne(rng_next(&a), rng_next(&c));
        for (int i = 0; i < 100000; i++) {
                double z = rng_normal(&a);

                sum += z;
                squares += z * z;
                waits += rng_exponential(&a);
                counts += rng_poisson(&a, 12);
                ck_assert_uint_lt(rng_below(&a, 7), 7);
        }
        ck_assert_double_lt(fabs(sum / 100000), 0.02);
        ck_assert_double_lt(fabs(squares / 100000 - 1), 0.02);
        ck_assert_double_lt(fabs(waits / 100000 - 1), 0.02);
        ck_assert_double_lt(fabs(counts / 100000.0 - 12), 0.1);
}
END_TEST

START_TEST(every_simulated_survey_is_a_good_one)
{
        SimWorld w = centre(12, 5);
        Buffer b = BUFFER_NULL;
        Rng rng = rng_new(1, "t", 0);
        char scratch[4096];

        for (int i = 0; i < 20000; i++) {
                SimText text;
                Survey s, back;
                Fault fault;

                snprintf(text.id, sizeof(text.id), "t%d", i);
                sim_survey(&w, &rng, rng_below(&rng, 12), sim_time_of_day(&rng, 20000 * USEC_DAY),
                           i % 2 ? 2.5 : 0, &text, &s);
                if (i % 3 == 0)
                        sim_revise(&w, &rng, &s);
                buffer_reset(&b);
                survey_encode(&s, &b);
                ck_assert(!buffer_failed(&b) && b.n <= sizeof(scratch));
                ck_assert_msg(survey_decode(&back, b.data, b.n, scratch, true, &fault, NULL) == 0, "%s",
                              fault.text);
                for (size_t k = 0; k < s.n_answers; k++) {
                        const Answer *a = &s.answers[k];

                        for (size_t m = 0; m < w.n_metrics; m++)
                                if (text_is(a->metric, w.metrics[m].name) && a->kind != ANSWER_NULL)
                                        ck_assert(a->value >= w.metrics[m].lo && a->value <= w.metrics[m].hi);
                }
        }
        buffer_deinit(&b);
        sim_world_deinit(&w);
}
END_TEST

START_TEST(one_agent_in_eight_and_one_queue_are_weak)
{
        SimWorld w = centre(40, 6);
        size_t agents = 0, queues = 0, healthy = sim_world_healthy_agent(&w);

        for (size_t i = 0; i < 40; i++)
                agents += w.agents[i].weak;
        for (size_t i = 0; i < 6; i++)
                queues += w.queues[i].weak;
        ck_assert_uint_eq(agents, 5);
        ck_assert_uint_eq(queues, 1);
        ck_assert(!w.agents[healthy].weak);
        w.agents[healthy].alerting = true;
        ck_assert_uint_ne(sim_world_healthy_agent(&w), healthy);
        sim_world_deinit(&w);
}
END_TEST

START_TEST(strengths_do_not_hang_on_the_order_of_names)
{
        SimWorld w = centre(10, 3), v = centre(10, 3);
        char *name = v.agents[0].name;

        v.agents[0].name = v.agents[9].name;
        v.agents[9].name = name;
        sim_world_settle(&v);
        ck_assert(w.agents[0].quality == v.agents[9].quality && w.agents[9].weak == v.agents[0].weak);
        sim_world_deinit(&w);
        sim_world_deinit(&v);
}
END_TEST

START_TEST(trouble_makes_customers_unhappy)
{
        SimWorld w = centre(8, 3);
        Rng rng = rng_new(1, "t", 0);
        size_t n = 0, bad = 0, answered = 0, healthy = sim_world_healthy_agent(&w);
        double csat[2] = {0, 0}, count[2] = {0, 0};

        for (int i = 0; i < 4000; i++) {
                SimText text = {.id = "x"};
                const Answer *a;
                Survey s;

                sim_survey(&w, &rng, healthy, 20000 * USEC_DAY, i % 2 ? 2.5 : 0, &text, &s);
                answered += i % 2 && s.status == SURVEY_ANSWERED;
                n += i % 2;
                a = survey_answer(&s, TEXT("csat"));
                if (a) {
                        csat[i % 2] += a->value >= 4;
                        count[i % 2]++;
                        bad += i % 2 && a->value <= 3;
                }
        }
        ck_assert_double_gt(csat[0] / count[0], 0.8);
        ck_assert_double_lt(csat[1] / count[1], 0.2);
        ck_assert_double_gt((double)answered / (double)n, 0.9);
        ck_assert_uint_gt(bad, 1000);
        sim_world_deinit(&w);
}
END_TEST

CHECK_MAIN("client_sim", chance_is_repeatable_and_fair, every_simulated_survey_is_a_good_one,
           one_agent_in_eight_and_one_queue_are_weak, strengths_do_not_hang_on_the_order_of_names,
           trouble_makes_customers_unhappy)

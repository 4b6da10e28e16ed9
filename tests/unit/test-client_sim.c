/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/sim_pace.h"
#include "client/sim_trouble.h"
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
                w.agents[3].trouble = i % 2 ? 2.5 : 0;
                w.queues[2].trouble = i % 3 ? 1.6 : 0;
                sim_survey(&w, &rng, sim_world_next_agent(&w, &rng), sim_time_of_day(&rng, 20000 * USEC_DAY),
                           &text, &s);
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

/* @ret_teams: bit per team with an agent in trouble. */
static unsigned in_trouble(const SimWorld *w, unsigned *ret_teams, unsigned *ret_queues)
{
        unsigned n = 0;

        *ret_teams = *ret_queues = 0;
        for (size_t i = 0; i < w->n_agents; i++) {
                if (w->agents[i].trouble > 0)
                        *ret_teams |= 1U << i % 4;
                n += w->agents[i].trouble > 0;
                ck_assert(w->agents[i].trouble <= 0 || !w->agents[i].weak);
        }
        for (size_t i = 0; i < w->n_queues; i++) {
                *ret_queues += w->queues[i].trouble > 0;
                ck_assert(w->queues[i].trouble <= 0 || !w->queues[i].weak);
        }
        return n;
}

START_TEST(troubles_come_and_go_and_are_few)
{
        SimWorld w = centre(40, 6);
        SimTroubles t = {0};
        unsigned teams, queues, most = 0;

        sim_troubles_turn(&t, &w, 0);
        ck_assert_uint_eq(in_trouble(&w, &teams, &queues) + queues, 0);
        sim_troubles_turn(&t, &w, 30 * USEC_SEC);
        ck_assert_uint_eq(in_trouble(&w, &teams, &queues), 1);
        ck_assert_uint_eq(queues, 1);
        for (usec_t age = USEC_MIN; age < 3 * USEC_HOUR; age += 10 * USEC_SEC) {
                unsigned n;

                sim_troubles_turn(&t, &w, age);
                n = in_trouble(&w, &teams, &queues);
                ck_assert_int_eq(n, __builtin_popcount(teams));
                ck_assert_uint_le(queues, 1);
                most = n > most ? n : most;
        }
        ck_assert_uint_eq(most, 1);
        sim_troubles_turn(&t, &w, 3 * USEC_HOUR - USEC_MIN);
        ck_assert_uint_eq(in_trouble(&w, &teams, &queues) + queues, 0);
        sim_world_deinit(&w);
}
END_TEST

/* What the answers of eight minutes come to, with troubles or without; @ret_n: surveys by agent. */
static void eight_minutes(bool with_troubles, double *ret_nps, double *ret_csat, unsigned ret_n[40])
{
        SimWorld w = centre(40, 6);
        Rng rng = rng_new(1, "t", 0);
        SimTroubles t = {0};
        double nps = 0, csat = 0, n = 0;

        for (usec_t age = 0; age < 8 * USEC_MIN; age += 5 * USEC_MSEC) {
                SimText text = {.id = "x"};
                const Answer *a;
                size_t agent;
                Survey s;

                if (with_troubles)
                        sim_troubles_turn(&t, &w, age);
                agent = sim_world_next_agent(&w, &rng);
                ret_n[agent]++;
                sim_survey(&w, &rng, agent, 20000 * USEC_DAY, &text, &s);
                a = survey_answer(&s, TEXT("nps"));
                if (!a)
                        continue;
                nps += a->value >= 9 ? 100 : a->value <= 6 ? -100 : 0;
                csat += survey_answer(&s, TEXT("csat"))->value >= 4 ? 100 : 0;
                n++;
        }
        *ret_nps = nps / n;
        *ret_csat = csat / n;
        sim_world_deinit(&w);
}

START_TEST(troubles_leave_the_whole_centre_near_what_it_was)
{
        unsigned n[2][40] = {0}, most[2] = {0, 0};
        double nps[2], csat[2];

        for (int i = 0; i < 2; i++) {
                eight_minutes(i, &nps[i], &csat[i], n[i]);
                for (size_t k = 0; k < 40; k++)
                        most[i] = n[i][k] > most[i] ? n[i][k] : most[i];
        }
        /* 96000 surveys, 2400 of each agent. */
        ck_assert_uint_lt(most[0], 2600);
        ck_assert_uint_lt(most[1], 3800);
        ck_assert_double_gt(nps[1], nps[0] - 6);
        ck_assert_double_gt(csat[1], csat[0] - 3);
        ck_assert_double_lt(nps[1], nps[0] - 1);
}
END_TEST

START_TEST(a_queue_in_trouble_keeps_people_waiting)
{
        SimWorld w = centre(8, 1);
        Rng rng = rng_new(1, "t", 0);
        double wait[2] = {0, 0}, courtesy[2] = {0, 0}, n[2] = {0, 0};

        w.metrics[5].of_agents = true;
        for (int i = 0; i < 8000; i++) {
                SimText text = {.id = "x"};
                const Answer *a, *b;
                Survey s;

                w.queues[0].trouble = i % 2 ? 1.6 : 0;
                sim_survey(&w, &rng, (size_t)i / 2 % 8, 20000 * USEC_DAY, &text, &s);
                a = survey_answer(&s, TEXT("wait"));
                b = survey_answer(&s, TEXT("courtesy"));
                if (!a || !b || a->kind == ANSWER_NULL || b->kind == ANSWER_NULL)
                        continue;
                wait[i % 2] += a->value;
                courtesy[i % 2] += b->value;
                n[i % 2]++;
        }
        ck_assert_double_lt(wait[1] / n[1], wait[0] / n[0] - 0.8);
        ck_assert_double_gt(courtesy[1] / n[1], courtesy[0] / n[0] - 0.1);
        sim_world_deinit(&w);
}
END_TEST

START_TEST(trouble_makes_customers_unhappy)
{
        SimWorld w = centre(8, 3);
        Rng rng = rng_new(1, "t", 0);
        size_t bad = 0, healthy = sim_world_healthy_agent(&w);
        double csat[2] = {0, 0}, count[2] = {0, 0};

        for (int i = 0; i < 4000; i++) {
                SimText text = {.id = "x"};
                const Answer *a;
                Survey s;

                w.agents[healthy].trouble = i % 2 ? 2.5 : 0;
                sim_survey(&w, &rng, healthy, 20000 * USEC_DAY, &text, &s);
                a = survey_answer(&s, TEXT("csat"));
                if (a) {
                        csat[i % 2] += a->value >= 4;
                        count[i % 2]++;
                        bad += i % 2 && a->value <= 3;
                }
        }
        ck_assert_double_gt(csat[0] / count[0], 0.8);
        ck_assert_double_lt(csat[1] / count[1], 0.2);
        ck_assert_uint_gt(bad, 500);
        sim_world_deinit(&w);
}
END_TEST

/* The mean answer to a metric whose lowest answers are the best, of an agent with @quality. */
static double lower_metric(MetricKind kind, double quality)
{
        SimWorld w = centre(1, 1);
        Rng rng = rng_new(1, "t", 0);
        double sum = 0, n = 0;

        w.n_metrics = 1;
        w.metrics[0] = (SimMetric){"m", kind, 0, kind == METRIC_YES ? 1 : 10, .lower_is_better = true};
        w.metrics[0].target = kind == METRIC_YES ? 20 : 4;
        w.agents[0].quality = quality;
        w.queues[0].quality = 0;
        for (int i = 0; i < 20000; i++) {
                SimText text = {.id = "x"};
                const Answer *a;
                Survey s;

                sim_survey(&w, &rng, 0, 20000 * USEC_DAY, &text, &s);
                a = survey_answer(&s, TEXT("m"));
                if (!a)
                        continue;
                sum += a->value;
                n++;
        }
        sim_world_deinit(&w);
        return sum / n;
}

START_TEST(where_lower_is_better_the_good_have_the_low_answers)
{
        /* Somewhat on the good side of the target, as with any other metric. */
        ck_assert_double_lt(lower_metric(METRIC_YES, 0), 0.2);
        ck_assert_double_gt(lower_metric(METRIC_YES, 0), 0.1);
        ck_assert_double_lt(lower_metric(METRIC_MEAN, 0), 4);
        ck_assert_double_gt(lower_metric(METRIC_MEAN, 0), 3.5);
        ck_assert_double_gt(lower_metric(METRIC_YES, -1), 0.3);
        ck_assert_double_lt(lower_metric(METRIC_YES, 1), 0.1);
        ck_assert_double_gt(lower_metric(METRIC_MEAN, -1), 5);
        ck_assert_double_lt(lower_metric(METRIC_MEAN, 1), 3);
}
END_TEST

static unsigned contacts(SimPace *p, Rng *rng, usec_t now)
{
        unsigned n = 0;

        sim_pace_turn(p, now);
        while (sim_pace_due(p, rng, now))
                n++;
        return n;
}

START_TEST(the_present_comes_at_its_rate_and_is_not_caught_up_with)
{
        static const double rates[] = {2, 50, 1000, 100000};
        Rng rng = rng_new(1, "t", 0);

        for (size_t i = 0; i < CX_ARRAY_LEN(rates); i++) {
                SimPace p = {.rate = rates[i], .next = 0};
                double n = 0, seconds = 100000 / rates[i];
                usec_t end = (usec_t)(seconds * 1e6);

                for (usec_t now = 0; now < end; now += 200 * USEC_MSEC)
                        n += contacts(&p, &rng, now);
                n += contacts(&p, &rng, end);
                ck_assert_double_lt(fabs(n / 100000 - 1), 0.015);
        }
        for (usec_t gap = USEC_SEC; gap < USEC_DAY; gap *= 10) {
                SimPace p = {.rate = 100000, .next = 0};
                unsigned n = contacts(&p, &rng, gap);

                ck_assert_uint_gt(n, 98000);
                ck_assert_uint_lt(n, 102000);
                ck_assert_int_gt(p.next, gap);
        }
}
END_TEST

CHECK_MAIN("client_sim", the_present_comes_at_its_rate_and_is_not_caught_up_with,
           where_lower_is_better_the_good_have_the_low_answers, chance_is_repeatable_and_fair,
           every_simulated_survey_is_a_good_one, one_agent_in_eight_and_one_queue_are_weak,
           strengths_do_not_hang_on_the_order_of_names, troubles_come_and_go_and_are_few,
           troubles_leave_the_whole_centre_near_what_it_was, a_queue_in_trouble_keeps_people_waiting,
           trouble_makes_customers_unhappy)

/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/sim.h"
#include "client/xalloc.h"

#define WEAK_AGENT_IN 8

static size_t pick_driver(const SimWorld *w, Rng *rng)
{
        size_t drivers[METRICS_MAX], n = 0;

        for (size_t i = 0; i < w->n_metrics; i++)
                if (w->metrics[i].driver)
                        drivers[n++] = i;
        return n > 0 ? drivers[rng_below(rng, n)] : 0;
}

static uint64_t number_of(uint64_t seed, const char *what, const char *name)
{
        return rng_new(seed, name, (uint64_t)what[0]).state;
}

static int by_number(const void *a, const void *b)
{
        const uint64_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/*
 * Those whose names have the @n_lowest lowest numbers drawn for @what are weak; so who it is does not hang on the order
 * of a list. They are below this number.
 */
static uint64_t weak_below(uint64_t seed, const char *what, char *const *names, size_t n, size_t n_lowest)
{
        uint64_t *numbers = xcalloc(n + 1, sizeof(*numbers)), found;

        for (size_t i = 0; i < n; i++)
                numbers[i] = number_of(seed, what, names[i]);
        numbers[n] = UINT64_MAX;
        qsort(numbers, n, sizeof(*numbers), by_number);
        found = numbers[n_lowest];
        free(numbers);
        return found;
}

static void settle_agents(SimWorld *w)
{
        char **names = xcalloc(w->n_agents, sizeof(*names));
        size_t n_weak = (w->n_agents + WEAK_AGENT_IN / 2) / WEAK_AGENT_IN;
        uint64_t below;

        for (size_t i = 0; i < w->n_agents; i++)
                names[i] = w->agents[i].name;
        below = weak_below(w->seed, "agent", names, w->n_agents, n_weak);
        for (size_t i = 0; i < w->n_agents; i++) {
                SimAgent *a = &w->agents[i];
                Rng rng = rng_new(w->seed, a->name, 1);

                a->weak = number_of(w->seed, "agent", a->name) < below;
                a->quality = 0.08 + 0.1 * rng_normal(&rng) - (a->weak ? 0.55 : 0);
                for (size_t m = 0; m < w->n_metrics; m++)
                        a->skills[m] = 0.05 + 0.12 * rng_normal(&rng);
                if (a->weak && w->n_metrics > 0)
                        a->skills[pick_driver(w, &rng)] -= 0.9;
        }
        free(names);
}

static void settle_queues(SimWorld *w)
{
        char **names = xcalloc(w->n_queues, sizeof(*names));
        uint64_t below;

        for (size_t i = 0; i < w->n_queues; i++)
                names[i] = w->queues[i].name;
        below = weak_below(w->seed, "queue", names, w->n_queues, w->n_queues > 1);
        for (size_t i = 0; i < w->n_queues; i++) {
                SimQueue *q = &w->queues[i];
                Rng rng = rng_new(w->seed, q->name, 2);

                q->weak = number_of(w->seed, "queue", q->name) < below;
                q->quality = 0.04 * rng_normal(&rng) - (q->weak ? 0.3 : 0);
                q->weak_driver = pick_driver(w, &rng);
                q->response = 0.32 + 0.26 * rng_unit(&rng);
        }
        free(names);
}

void sim_world_settle(SimWorld *w)
{
        Rng rng = rng_new(w->seed, "drivers", 3);
        size_t weak = pick_driver(w, &rng);

        for (size_t i = 0; i < w->n_metrics; i++)
                w->metrics[i].shift = w->metrics[i].driver && i == weak ? -0.2 : 0.05;
        settle_agents(w);
        settle_queues(w);
}

void sim_world_deinit(SimWorld *w)
{
        for (size_t i = 0; i < w->n_agents; i++) {
                free(w->agents[i].name);
                free(w->agents[i].team);
        }
        for (size_t i = 0; i < w->n_queues; i++)
                free(w->queues[i].name);
        free(w->agents);
        free(w->queues);
        *w = (SimWorld){0};
}

static bool same_team(const SimAgent *a, const SimAgent *b)
{
        return a->team && b->team && strcmp(a->team, b->team) == 0;
}

size_t sim_world_healthy_agent(const SimWorld *w)
{
        size_t best = 0;
        double best_trouble = INFINITY;

        for (size_t i = 0; i < w->n_agents; i++) {
                const SimAgent *a = &w->agents[i];
                double members = 0, bad = 0, trouble;

                for (size_t k = 0; k < w->n_agents; k++) {
                        if (k == i || !same_team(a, &w->agents[k]))
                                continue;
                        members++;
                        bad += w->agents[k].weak || w->agents[k].alerting;
                }
                trouble = (a->weak || a->alerting ? 10 : 0) + (members > 0 ? bad / members : 0) -
                          0.01 * a->quality;
                if (trouble < best_trouble) {
                        best_trouble = trouble;
                        best = i;
                }
        }
        return best;
}

size_t sim_world_healthy_queue(const SimWorld *w)
{
        size_t best = 0;
        double best_score = -INFINITY;

        for (size_t i = 0; i < w->n_queues; i++) {
                const SimQueue *q = &w->queues[i];
                double score = q->response - (q->weak || q->alerting ? 10 : 0);

                if (score > best_score) {
                        best_score = score;
                        best = i;
                }
        }
        return best;
}

size_t sim_world_next_agent(const SimWorld *w, Rng *rng)
{
        double sum = 0, at;
        size_t i = 0;

        for (size_t k = 0; k < w->n_agents; k++)
                sum += 1 + w->agents[k].traffic;
        at = rng_unit(rng) * sum;
        for (; i + 1 < w->n_agents; i++) {
                at -= 1 + w->agents[i].traffic;
                if (at < 0)
                        break;
        }
        return i;
}

double sim_day_factor(usec_t day)
{
        /* From Thursday on, the first day of the epoch. */
        static const double by_weekday[7] = {1.05, 0.95, 0.5, 0.3, 1.25, 1.1, 1.05};
        size_t weekday = (size_t)(usec_floor(day, USEC_DAY) / USEC_DAY % 7);

        return by_weekday[weekday];
}

usec_t sim_time_of_day(Rng *rng, usec_t day)
{
        static const double hours[24] = {0.1, 0.05, 0.05, 0.05, 0.05, 0.1, 0.3, 1, 3,   6, 8,   7.5,
                                         5.5, 4,    4.5,  6,    7,    6.5, 5,   3, 1.5, 1, 0.5, 0.2};
        double sum = 0, at;
        size_t h = 0;

        for (size_t i = 0; i < 24; i++)
                sum += hours[i];
        at = rng_unit(rng) * sum;
        while (h < 23 && at >= hours[h])
                at -= hours[h++];
        return day + (usec_t)h * USEC_HOUR + (usec_t)(rng_unit(rng) * 3600e3) * USEC_MSEC;
}

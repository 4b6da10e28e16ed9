#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A believable contact centre: who is good at what, when people call, and how they answer.
 *
 * Pure: time and chance come from the caller. Every agent, queue and driver has strengths that follow from
 * the seed and its name; about one agent in eight, one queue, and one driver are really worse.
 */

#include <stdbool.h>

#include "client/sim_rng.h"
#include "proto/survey.h"

typedef struct SimMetric {
        char name[METRIC_NAME_MAX + 1];
        MetricKind kind;
        int lo, hi;
        bool lower_is_better;
        double target;  /* NaN: none */
        bool driver;    /* explains others */
        bool of_agents; /* agents can change it */
        double shift;   /* of this driver everywhere */
} SimMetric;

typedef struct SimAgent {
        char *name;
        char *team; /* NULL: none */
        bool weak;
        bool alerting; /* there is an alert on this agent already */
        double quality;
        double skills[METRICS_MAX]; /* for each metric that is a driver */
        double trouble;             /* at present; > 0: his customers are unhappy */
        double traffic;             /* at present, beyond the ordinary: 1 is twice as many contacts */
} SimAgent;

typedef struct SimQueue {
        char *name;
        bool weak;
        bool alerting; /* there is an alert on this queue already */
        double quality;
        size_t weak_driver; /* index into metrics */
        double response;    /* share of surveys that are answered */
        double trouble;     /* at present; > 0: a driver that agents cannot change is bad */
} SimQueue;

typedef struct SimWorld {
        uint64_t seed;
        SimMetric metrics[METRICS_MAX];
        size_t n_metrics;
        SimAgent *agents;
        size_t n_agents;
        SimQueue *queues;
        size_t n_queues;
} SimWorld;

/* Gives everybody strengths, once agents, queues and metrics are there. */
void sim_world_settle(SimWorld *w);
void sim_world_deinit(SimWorld *w);

/* An agent who does well, in a team where all do: whose sudden trouble will be seen. n_agents > 0. */
size_t sim_world_healthy_agent(const SimWorld *w);
/* A queue that does well, and whose customers answer. n_queues > 0. */
size_t sim_world_healthy_queue(const SimWorld *w);
/* Whose the next contact is. */
size_t sim_world_next_agent(const SimWorld *w, Rng *rng);

/* How many contacts there are at that time compared with the average; a day's average on working days is
 * about 1. */
double sim_day_factor(usec_t day);
/* A time on the day that begins at @day (UTC), in office hours mostly. */
usec_t sim_time_of_day(Rng *rng, usec_t day);

typedef struct SimText {
        char id[64], contact[32], customer[32];
} SimText;

/*
 * One survey of @agent at @ts. The texts are borrowed from @w, @text and constants. s->id and text->id must be
 * set by the caller.
 */
void sim_survey(const SimWorld *w, Rng *rng, size_t agent, usec_t ts, SimText *text, Survey *s);

/* The same customer thinks again: other answers to the same survey. */
void sim_revise(const SimWorld *w, Rng *rng, Survey *s);

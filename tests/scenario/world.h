#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A small contact centre in virtual time around one engine: what the tests say happens to it, and a
 * transcript of what it made of that.
 *
 * There is one world at a time. It begins on 2026-03-02 (a Monday) at 00:00 UTC. It plays the shell: it keeps
 * every survey and alert, hands in the earlier version of an id that comes again, and ticks when the engine
 * asks for it. In a fragile world (world_make_fragile()) the engine is thrown away after every input and made
 * anew from what is kept.
 */

#include "daemon/core/engine.h"

void world_begin(void);
void world_end(void);
void world_make_fragile(void);

/* Before the first input. "ana,alpha,madrid,emea" with ",FROM,TO" as RFC 3339 behind it; "billing,service".
 */
void world_roster(const char *line);
void world_queue(const char *line);
/* Madrid, 2026: the clocks go forward on March 29 and back on October 25. */
void world_in_madrid(void);
/* "NAME METRIC SCOPE WINDOW evidence|interval|point below|above VALUE [min_n=N] [hold=10m] [alarms=1/90d]" */
void world_rule(const char *text);
void world_limit_agents(size_t max);

/* Metrics: nps (target 40), csat (top2, 1..5, target 80), wait (mean, 1..5, low is better, target 2),
 * response. */

/* Time goes on; the engine is called whenever it wants to be. "2026-03-29T10:00:00Z" goes to a point in time.
 */
void world_elapse(const char *duration);
void world_go_to(const char *when);

/* An answered survey as of now: "AGENT QUEUE METRIC=VALUE ..." ("-": no agent). It is given the next id, s1,
 * s2, ... */
void world_answer(const char *text);
/* The same, so much earlier (or later, with a minus sign) than now. */
void world_answer_late(const char *ago, const char *text);
void world_answers(unsigned n, const char *text);
void world_revise(const char *id, const char *text);
void world_retract(const char *id);

/* On the newest alert of that rule. Writes "refused" into the transcript if it is. */
void world_ack(const char *rule, const char *by);
void world_snooze(const char *rule, const char *by, const char *duration);
void world_outcome(const char *rule, const char *by, const char *outcome, const char *note);

/* Writes a figure, or what alerts there are, into the transcript. */
void world_show(const char *scope, const char *metric, const char *window);
void world_show_at(const char *scope, const char *metric, const char *window, const char *when);
void world_show_surveys(const char *rule);

/* The transcript since the last time is exactly this. */
void world_expect(const char *transcript);

Engine *world_engine(void);

/* A scenario, played twice: as it is, and with a restart after every input. The transcripts must be the same.
 */
#define SCENARIO(_name)                                                                                      \
        static void play_##_name(void);                                                                      \
        START_TEST(_name)                                                                                    \
        {                                                                                                    \
                for (int fragile = 0; fragile < 2; fragile++) {                                              \
                        world_begin();                                                                       \
                        if (fragile)                                                                         \
                                world_make_fragile();                                                        \
                        play_##_name();                                                                      \
                        world_end();                                                                         \
                }                                                                                            \
        }                                                                                                    \
        END_TEST                                                                                             \
        static void play_##_name(void)

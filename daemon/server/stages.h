#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the time of surveys goes, stage by stage.
 *
 * What is done for a whole batch is timed as a whole. What is done for each survey is timed for one in STAGES_SAMPLE,
 * which stands for the others, so that measuring costs next to nothing. All times are on the clock: that of a thread's
 * processor time is a system call, which takes longer than a survey does.
 */

#include <stdint.h>
#include <time.h>

#include "proto/base/def.h"

/* A prime: it does not keep step with the size of batches. */
#define STAGES_SAMPLE 257

typedef enum Stage {
        STAGE_DECODE, /* from the text to a checked survey */
        STAGE_ENGINE, /* look for duplicates, encode, compute */
        STAGE_COMMIT, /* on the storage thread; it waits for the disk */
        STAGE_ACK,    /* tell the senders */
        STAGE_FANOUT, /* tell the subscribers */
        _STAGE_N,
} Stage;

typedef struct Stages {
        uint64_t nsec[_STAGE_N];
        unsigned n_skip; /* surveys until the next one is timed */
} Stages;

const char *stage_name(Stage stage);

static inline uint64_t stages_now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The next survey: since when, if it is one to be timed; else 0. */
static inline uint64_t stages_sample(Stages *s)
{
        if (s->n_skip) {
                s->n_skip--;
                return 0;
        }
        s->n_skip = STAGES_SAMPLE - 1;
        return stages_now();
}

/* @stage of a survey ends, which began at @since. When the next one begins: now, or 0 if it is not timed. */
static inline uint64_t stages_note(Stages *s, Stage stage, uint64_t since)
{
        uint64_t now = since ? stages_now() : 0;

        s->nsec[stage] += (now - since) * STAGES_SAMPLE;
        return now;
}

/* The same of a whole batch. */
static inline uint64_t stages_add(Stages *s, Stage stage, uint64_t since)
{
        uint64_t now = stages_now();

        s->nsec[stage] += now - since;
        return now;
}

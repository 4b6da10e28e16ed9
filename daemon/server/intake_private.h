#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inside of the intake, for its own files: intake.c (what is offered), intake_turn.c (what has gathered), settle.c
 * (what is told), cut.c (snapshots) and starve.c (a full disk).
 */

#include "daemon/server/batch.h"
#include "daemon/server/intake.h"
#include "daemon/server/resolve.h"

struct Intake {
        IntakeParts parts;
        const IntakeOps *ops;
        void *user;
        IntakeStats stats;
        Batch *gathering;
        Batch *resolving; /* its look-up is with the storage thread, or done, with @resolver at work; NULL: none */
        Resolver *resolver; /* NULL: the look-up is not done */
        Batch *spare;
        unsigned n_commits;
        size_t n_bytes, n_entries; /* in flight, gathering included */
        bool full;
        bool resting;
        bool held;       /* senders wait, though there is room */
        bool cut_wanted; /* what is new is not counted when it is offered, but with its batch */
        bool failed;
        bool starved;       /* the disk is full: what is offered is refused until there is space */
        bool gone;          /* likewise; not for want of space, but of the file */
        bool alerts_wait;   /* not even alerts could be committed since the last try */
        bool store_stopped; /* the storage thread's: nothing is written behind what failed */
        bool store_full;    /* likewise: what the reserve has left is for alerts */
        Batch *unwritten, **unwritten_end; /* batches that found the disk full, in their order */
        JournalJob release, retry;
        bool retry_busy;
        char *scratch;       /* for the decoder: SURVEY_BYTES_MAX */
        Survey survey;       /* the one that is offered just now, ... */
        SurveyValues values; /* ... what it is worth, ... */
        EngineNames names;   /* ... and whose it is */
};

/* Nothing may be acknowledged any more. */
void intake_fail(Intake *i, int error, const char *what);
/* So much may gather and be in flight before senders are paused; they go on at half of it. */
#define INTAKE_BYTES_MAX   ((size_t)32 << 20)
#define INTAKE_ENTRIES_MAX ((size_t)200000)
/* The first is at most this part of limits.memory. */
#define INTAKE_SHARE 16

/* Calls room() if there is. */
void intake_tell_room(Intake *i);
/* At least a @part-th of that is in flight. */
bool intake_is_above(const Intake *i, size_t part);

/* @b, which has not been handed over, has grown. */
void intake_weigh(Intake *i, Batch *b);

/* Tells the senders of the entries; every one has its final verdict. */
void settle_entries(Intake *i, Batch *b);
/* The same, and publishes and calls back. */
void intake_settle(Intake *i, Batch *b);
void intake_give_batch(Intake *i, Batch *b);
Batch *intake_take_batch(Intake *i);
void intake_go_on(Intake *i);
/* What is counted in part is counted to its end, and handed over. */
void intake_resolve_all(Intake *i);

/* Whether this is the cut that is awaited. */
void cut_look(Intake *i);

/* @b found the disk full. Takes it over. */
void starve_take(Intake *i, Batch *b, int error);
/* What is offered meanwhile is refused with this. */
void starve_fault(const Intake *i, Fault *ret);

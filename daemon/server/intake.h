#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The way of a survey from a connection into figures, the store, and back as an acknowledgement.
 *
 * Surveys that are offered gather in a batch. One whose id is new goes through the engine at once; one whose
 * id may be known waits until the storage thread has looked its earlier version up, and so does what is offered
 * meanwhile. Then the batch is committed with all that the engine wanted done for it, and only after that its senders
 * are told and its alerts published. While one batch is being committed the next one gathers, so batches grow with the
 * load and are small without it. Order is kept per sender.
 *
 * Everything here happens on the loop's thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/config/config.h"
#include "daemon/core/engine.h"
#include "daemon/core/seen.h"
#include "daemon/server/feeds.h"
#include "daemon/server/journal.h"
#include "daemon/server/stages.h"
#include "proto/fault.h"

typedef struct Intake Intake;
typedef struct IntakeSink IntakeSink;

typedef struct IntakeCounts {
        uint64_t stored, duplicate, revised, refused;
} IntakeCounts;

/*
 * Whoever offers surveys, embedded in the owner's session. Its memory stays in place until on_idle() after
 * intake_sink_detach().
 */
struct IntakeSink {
        /* One of the offered was refused; comes in the order of offering, before the on_settled() that covers
         * it. */
        void (*on_refused)(IntakeSink *s, uint64_t index, Text id, const Fault *fault);
        /* Everything up to @last_index is durable or was refused; @counts since the last call. */
        void (*on_settled)(IntakeSink *s, uint64_t last_index, const IntakeCounts *counts);
        /* Detached, and nothing of it is in flight any more: the memory is the owner's again. */
        void (*on_idle)(IntakeSink *s);

        /* What is in flight of it; the other members are private. */
        unsigned n_pending;
        unsigned n_doubtful; /* of these, what is refused or may come to be, apart from a full disk */
        bool detached;
        bool touched;
        uint64_t last_index;
        IntakeCounts counts;
        IntakeSink *next_touched;
};

typedef struct IntakeStats {
        IntakeCounts counts; /* since the start */
        uint64_t unknown;    /* answers for metrics that are not configured */
        uint64_t ignored;    /* top-level fields that surveys do not have */
        uint64_t batches;
        uint64_t in_flight; /* surveys */
        Stages stages;
        usec_t last_stored; /* real time; 0: none yet */
} IntakeStats;

/* What the intake works on. Borrowed; may be replaced while the intake rests. */
typedef struct IntakeParts {
        const Config *config;
        Engine *engine;
        Feeds *feeds;
        Seen *seen;
        Journal *journal;
        const char *reserve; /* path of the reserve file */
        uint64_t last_seq;   /* highest number of a stored survey */
        usec_t gone_before; /* surveys before this are past retention, whether they are deleted already or not */
        usec_t mute_before; /* surveys before this have no comment */
        usec_t forgotten_before; /* of the surveys before this some were deleted: nobody knows which ids they had */
        /* Before a survey with a number up to kept_until is changed, what was counted of it is kept under this epoch. */
        uint64_t kept_epoch, kept_until;
} IntakeParts;

/* What is said to whoever is refused for want of memory, or because a survey is past retention. */
#define INTAKE_CROWDED "memory is short; nothing of this was stored, send it again later"
#define INTAKE_GONE    "surveys of that time have been deleted already"
/* Why the store takes nothing. */
#define INTAKE_NO_STORE "the file of the store was moved, removed or replaced"

typedef struct IntakeOps {
        usec_t (*now)(void *user);
        void (*wanted)(void *user); /* call intake_turn() in the next turn of the loop */
        void (*room)(void *user);   /* intake_must_wait() has become false */
        /* The storage thread is to ring soon, and so little is in flight that somebody may wait for it. */
        void (*awaited)(void *user);
        void (*telling)(void *user); /* call intake_tell() in the next turn of the loop */
        void (*rested)(void *user);  /* intake_rest() is complete */
        void (*failed)(void *user, int error, const char *what); /* nothing more may be acknowledged: exit */
        void (*starved)(void *user,
                        const char *error); /* the disk is full; call intake_retry() in a second. @error
                                                         * the first time, then NULL */
        void (*recovered)(void *user);      /* there is space again */
        void (*stepped)(void *user);        /* the engine's deadline may have changed */
        void (*cut)(void *user);            /* what intake_want_cut() asked for */
        bool (*crowded)(void *user);        /* there is no memory for one more survey: it is refused */
} IntakeOps;

CX_MUST_CHECK int intake_new(Intake **ret, const IntakeParts *parts, const IntakeOps *ops, void *user);
/* Drops what was not committed; of sinks only on_idle() is still called. */
Intake *intake_free(Intake *i);

/*
 * One survey as JSON, from @source. What is wrong with it comes back through the sink. @index counts what the
 * sink offers, ascending.
 */
void intake_offer(Intake *i, IntakeSink *s, uint64_t index, const ConfigSource *source, Text json);
/* Something that was refused before it became a survey; reported and counted in its turn. */
void intake_refuse(Intake *i, IntakeSink *s, uint64_t index, Text id, const Fault *fault);
void intake_sink_detach(Intake *i, IntakeSink *s);

/* Time or a command for the engine. 0, a condition of engine_step(), or -ENOMEM (failed() was called). */
CX_MUST_CHECK int intake_step(Intake *i, const Input *in);

/* After what was offered or stepped up to now is durable. @fn is called from the loop, in order. -ENOMEM. */
CX_MUST_CHECK int intake_after_commit(Intake *i, void (*fn)(void *user), void *user);

/* failed() was called: what is offered since then is not even in flight, and nobody may be told that it was settled. */
bool intake_has_failed(const Intake *i);

/* So much is in flight that senders should be paused until room(). */
bool intake_is_full(const Intake *i);

/*
 * Senders wait from now on, as if it were full, until intake_release(): then, if it is not, room() is called. What is offered
 * all the same is taken.
 */
void intake_hold(Intake *i);
void intake_release(Intake *i);
/* So is it: full, or held, or some of what had to wait for a look-up is still to be counted. */
bool intake_must_wait(const Intake *i);

/* The disk is full: what is offered is refused with FAULT_UNAVAILABLE. */
bool intake_is_starved(const Intake *i);
/* The last time not for want of space: the path of the store leads to another file than the open one, or to none. */
bool intake_is_gone(const Intake *i);
/* Why it is starved; NULL: it is not. */
const char *intake_obstacle(const Intake *i);
/* Looks whether there is space again. */
void intake_retry(Intake *i);

/* Sends on what has gathered, if its turn has come. */
void intake_turn(Intake *i);
/* Goes on with telling subscribers of alerts. */
void intake_tell(Intake *i);

/*
 * From now on surveys before @gone are refused, and unknown if they are stored; those before @mute lose their comment. What was
 * revised of them is with the storage thread by then.
 */
void intake_set_limits(Intake *i, usec_t gone, usec_t mute);

/* As in IntakeParts, from now on. */
void intake_forget_before(Intake *i, usec_t before);

/*
 * Asks for cut(), which comes once, at a moment when the engine has counted exactly the surveys that were handed to the
 * storage thread (or are stored already). Taking goes on. Asked again within cut(): comes again.
 */
void intake_want_cut(Intake *i);
/* From a cut on: as in IntakeParts. */
void intake_keep(Intake *i, uint64_t epoch, uint64_t until);
/* On the storage thread: a batch failed or found no space, and those behind it are not written. */
bool intake_store_stopped(const Intake *i);
/* On the storage thread: that is so, or the room that there is was made for alerts. */
bool intake_store_full(const Intake *i);

/* Stops taking: intake_is_full() holds, and rested() is called once nothing is in flight. */
void intake_rest(Intake *i);
/* Goes on with these parts. */
void intake_resume(Intake *i, const IntakeParts *parts);
bool intake_is_idle(const Intake *i);

const IntakeParts *intake_parts(const Intake *i);
void intake_stats(const Intake *i, IntakeStats *ret);

CX_DEFINE_CLEANUP(Intake, intake_free)

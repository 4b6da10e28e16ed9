#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is committed in one transaction: surveys, the alerts that they caused, the messages about these.
 *
 * The loop's thread fills it; the storage thread looks up earlier versions and writes it; never both at one
 * time. The loop's thread is the busier one: surveys gather packed, and the other writes their canonical form.
 */

#include <stdint.h>

#include "daemon/core/effect.h"
#include "daemon/core/engine.h"
#include "daemon/core/seen.h"
#include "daemon/server/feeds.h"
#include "daemon/server/intake.h"
#include "daemon/server/journal.h"
#include "proto/base/buffer.h"
#include "proto/survey_pack.h"

typedef enum Verdict {
        VERDICT_OPEN, /* its earlier version is being looked up */
        VERDICT_STORED,
        VERDICT_REVISED,
        VERDICT_DUPLICATE,
        VERDICT_REFUSED,
} Verdict;

/* Why an entry is refused. */
typedef struct Refusal {
        Fault fault;
        char *id; /* if it is known */
        struct Refusal *next;
} Refusal;

/* As many as there are surveys, and looked at by both threads: no more than a line of the processor's cache. */
typedef struct Entry {
        IntakeSink *sink;
        uint64_t index;
        const ConfigSource *source;
        uint64_t seq; /* stored, revised */
        usec_t ts;
        const Refusal *refusal; /* refused: one of the batch's */
        size_t packed_at;       /* in packed, unless it was refused before it became a survey */
        Verdict verdict : 8;
        bool doubtful : 1; /* counted as such with its sink */
} Entry;

/* A version of a survey: of this batch, or as it was stored. Neither: there is none. */
typedef struct Version {
        const Entry *entry;
        Text json; /* in found */
} Version;

/* An entry whose id may be known. */
typedef struct Hit {
        size_t entry;
        uint64_t hash;
        uint64_t seqs[SEEN_CANDIDATES_MAX];
        size_t n_seqs;
        size_t json_at[SEEN_CANDIDATES_MAX], json_n[SEEN_CANDIDATES_MAX]; /* in found; 0: not stored */
        bool is_others[SEEN_CANDIDATES_MAX]; /* of another source, whatever its id is */
        Version before;                      /* the entry is a revision: of this */
} Hit;

/* A revision of a survey that a snapshot has: what was counted of it before. */
typedef struct Kept {
        uint64_t seq;
        size_t json_at, json_n; /* in Batch.kept_bytes */
} Kept;

typedef struct BatchCall {
        void (*fn)(void *user);
        void *user;
} BatchCall;

typedef struct Batch {
        JournalJob job; /* first: a job is its batch */
        Intake *intake;
        Entry *entries;
        size_t n_entries, entries_size;
        Buffer packed; /* the surveys */
        Buffer json;   /* some of them, on their way into the store */
        size_t *fresh; /* entries that got a number when they were offered, ascending by it */
        size_t n_fresh, fresh_size;
        Refusal *refusals;
        size_t n_refusals;
        Hit *hits; /* ascending by their entries */
        size_t n_hits, hits_size;
        bool deferred; /* some of them were new, but are counted with the batch only */
        Buffer found;
        Kept *kept;
        size_t n_kept, kept_size;
        Buffer kept_bytes;
        uint64_t kept_epoch;
        Effects effects;
        Buffer alerts; /* the effects' stored forms, each with a NUL behind */
        FeedRows feed;
        BatchCall *calls;
        size_t n_calls, calls_size;
        size_t load; /* what Intake.n_bytes has of it */
        usec_t commit_usec;
        char error[160]; /* of the store */
        struct Batch *next;
} Batch;

Batch *batch_new(Intake *i);
/* Entries that are still in it are told to nobody. */
Batch *batch_free(Batch *b);
/* Empty, but keeps its memory. */
void batch_reset(Batch *b);
bool batch_is_empty(const Batch *b);
/* Bytes that its entries, and what belongs to them, take, and that it has room for. */
size_t batch_size(const Batch *b);
size_t batch_room(const Batch *b);
/* Whether anything in it is to be written to the table of surveys. */
bool batch_has_surveys(const Batch *b);
/* Forgets the entries; alerts and calls stay. */
void batch_drop_entries(Batch *b);

/* Each appends one; NULL without memory. */
Entry *batch_add_entry(Batch *b);
Hit *batch_add_hit(Batch *b);
/* Its verdict is that, for this reason; if there was another one already, for this one instead. @id may be absent. */
CX_MUST_CHECK int batch_refuse(Batch *b, Entry *e, Text id, const Fault *fault);
/* What the entry is about. */
CX_MUST_CHECK int batch_add_survey(Batch *b, Entry *e, const Survey *s);
/* The entry has its number already. */
CX_MUST_CHECK int batch_add_fresh(Batch *b, size_t entry);
/* What was counted of the survey up to now, without what no figure needs. */
CX_MUST_CHECK int batch_keep(Batch *b, uint64_t seq, const Survey *earlier);
CX_MUST_CHECK int batch_add_call(Batch *b, void (*fn)(void *user), void *user);

/* Borrows from the batch. */
static inline void batch_survey(const Batch *b, const Entry *e, Survey *ret)
{
        survey_unpack(&b->packed, e->packed_at, ret);
}

/* The same of a version that there is. @scratch: SURVEY_SCRATCH_BYTES. 0, -EBADMSG. */
CX_MUST_CHECK int batch_version(const Batch *b, const Version *v, Survey *ret, char *scratch);

/* The entry of this batch that @seq was given to, or NULL. */
Entry *batch_fresh(Batch *b, uint64_t seq);

/* On the storage thread: fills hits[].json_at, json_n and is_others. */
CX_MUST_CHECK int batch_look_up(Batch *b, Store *store);
/* On the storage thread: writes everything in one transaction. */
CX_MUST_CHECK int batch_commit(Batch *b, Store *store);

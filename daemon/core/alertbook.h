#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All alerts that are open, and the resolved ones of late, in the order of their last change; of those that were dropped
 * only what the next alert of their rule on their scope must know.
 */

#include "daemon/core/alert.h"
#include "daemon/core/evidence.h"

/* Of the resolved ones only so many are remembered; the store has the others. */
#define ALERTBOOK_RESOLVED_MAX 10000

typedef struct Pair Pair;

typedef struct BookEntry {
        Alert alert;
        uint64_t kin;       /* the same for all alerts of one rule on one scope */
        Pair *pair;         /* that looks after it while it is open; NULL: nobody (any more) */
        EvidenceCache past; /* of the starts as they were when it fired */
        /* Of an active one before an answer was taken out: whether the test held, and the evidence. */
        bool held;
        double held_evidence;
} BookEntry;

typedef struct BookTraceNode BookTraceNode;

typedef struct AlertBook {
        BookEntry **entries; /* oldest change first. Owned */
        size_t n, size;
        size_t n_resolved;
        size_t n_ahead;        /* none of the first so many is resolved */
        BookTraceNode *traces; /* a hash table by kin and metric. Owned */
} AlertBook;

/* What alerts of one rule, scope and metric have used up: the newest, and the one before it. */
typedef struct UsedUp {
        uint32_t ordinal, ordinal_before; /* 0: there is none */
        int32_t restart, restart_before;
} UsedUp;

#define USED_UP_NULL ((UsedUp){.restart = INT32_MIN, .restart_before = INT32_MIN})

/* One alert more, in any order; the same one again with what it used up since. */
void used_up_add(UsedUp *u, uint32_t ordinal, int32_t restart);

#define ALERTBOOK_NULL ((AlertBook){0})

void alertbook_deinit(AlertBook *b);

/*
 * Copies @a, texts included. If it is resolved, the oldest resolved one may be dropped, which may be this one (without
 * memory for its trace it stays). -ENOMEM.
 */
CX_MUST_CHECK int alertbook_add(AlertBook *b, const Alert *a, BookEntry **ret);

/*
 * Writes down a transition: @state since @now, which is not before any other change. Resolving may drop the
 * oldest resolved one, never this one.
 */
void alertbook_change(AlertBook *b, BookEntry *entry, AlertState state, usec_t now);

/* Of the dropped ones of a kin: those of @metric; with an empty name all, for the sake of the number alone. */
UsedUp alertbook_trace(const AlertBook *b, uint64_t kin, const char *metric);
/* All that another book knows of those that it has dropped. -ENOMEM. */
CX_MUST_CHECK int alertbook_put_traces(AlertBook *b, const AlertBook *other);

/* The restart of the alert before @entry, of the same kin and metric; INT32_MIN: there is none. */
int32_t alertbook_restart_before(const AlertBook *b, const BookEntry *entry);

BookEntry *alertbook_find(const AlertBook *b, Text id);

/* The kinship of all alerts of @rule on @scope ("agent/ana.ruiz"), and the id of one of them. */
uint64_t alertbook_kin(const char *rule, Text scope);
void alertbook_id(uint64_t kin, uint32_t ordinal, char ret[ALERT_ID_MAX + 1]);

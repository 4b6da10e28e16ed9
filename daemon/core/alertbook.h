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
} BookEntry;

typedef struct BookTraceNode BookTraceNode;

typedef struct AlertBook {
        BookEntry **entries; /* oldest change first. Owned */
        size_t n, size;
        size_t n_resolved;
        BookTraceNode *traces; /* a hash table by kin. Owned */
} AlertBook;

/* What the alerts of one kin that are no longer in the book have used up. */
typedef struct BookTrace {
        uint64_t kin;
        char metric[METRIC_NAME_MAX + 1];
        uint32_t ordinal;                /* of the newest */
        int64_t restart, restart_before; /* of the newest, and of the one before it on the same metric */
} BookTrace;

#define ALERTBOOK_NULL ((AlertBook){0})

void alertbook_deinit(AlertBook *b);

/*
 * Copies @a. If it is resolved, the oldest resolved one may be dropped, which may be this one (without memory for its
 * trace it stays). -ENOMEM.
 */
CX_MUST_CHECK int alertbook_add(AlertBook *b, const Alert *a, BookEntry **ret);

/*
 * Writes down a transition: @state since @now, which is not before any other change. Resolving may drop the
 * oldest resolved one, never this one.
 */
void alertbook_change(AlertBook *b, BookEntry *entry, AlertState state, usec_t now);

/* Replaces what is known of its kin; all that another book knows. -ENOMEM. */
CX_MUST_CHECK int alertbook_put_trace(AlertBook *b, const BookTrace *t);
CX_MUST_CHECK int alertbook_put_traces(AlertBook *b, const AlertBook *other);
/* False: none of this kin was dropped. */
bool alertbook_trace(const AlertBook *b, uint64_t kin, BookTrace *ret);

BookEntry *alertbook_find(const AlertBook *b, Text id);

/* The kinship of all alerts of @rule on @scope ("agent/ana.ruiz"), and the id of one of them. */
uint64_t alertbook_kin(const char *rule, Text scope);
void alertbook_id(uint64_t kin, uint32_t ordinal, char ret[ALERT_ID_MAX + 1]);

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Surveys that are about to be deleted, turned into counts by scope and day: what stays of them.
 *
 * Their scopes are the engine's knowledge, so the loop's thread adds them up; the storage thread writes the sums in the
 * transaction that deletes the surveys. Figures of windows that are cut in days are the same before and after, and after
 * a restart.
 */

#include "daemon/core/engine.h"
#include "daemon/store/store.h"

typedef struct Fold Fold;

/* Borrows @engine for fold_add(). -ENOMEM. */
CX_MUST_CHECK int fold_new(Fold **ret, const Engine *engine);
Fold *fold_free(Fold *f);

/* Adds one survey. Days that the engine no longer keeps are left out. -ENOMEM. */
CX_MUST_CHECK int fold_add(Fold *f, const Survey *survey);

/* After the last one; from then on the engine is not needed. -ENOMEM. */
CX_MUST_CHECK int fold_seal(Fold *f);

/* Which surveys are to be deleted: @n of them, all older than @before. */
typedef struct FoldDeletion {
        usec_t before;
        const uint64_t *seqs;
        const bool *counted; /* by the engine, as surveys that were not retracted */
        size_t n;
        uint64_t epoch;          /* that a snapshot learns of it under; 0: there is none */
        usec_t forgotten_before; /* what fold_forgotten() says from then on */
} FoldDeletion;

/*
 * In one transaction: adds the sums to those that are stored, and deletes these surveys. Where one of the stored sums is
 * damaged, what it held is lost. As the store.
 */
CX_MUST_CHECK int fold_delete(const Fold *f, Store *store, const FoldDeletion *which);

/* Of the surveys before *ret some were deleted; INT64_MIN: none was yet. As the store. */
CX_MUST_CHECK int fold_forgotten(Store *store, usec_t *ret);

/* The same of the tallies before day *ret; INT32_MIN: none was yet. */
CX_MUST_CHECK int fold_forgotten_days(Store *store, int32_t *ret);
/* In a transaction of the caller: that those before @day are deleted, as far as there were any. As the store. */
CX_MUST_CHECK int fold_forget_days(Store *store, int32_t day);

/* A stored row into an engine. Metrics and answers that are not configured are left out. -EBADMSG; -ENOMEM. */
CX_MUST_CHECK int fold_replay(Engine *e, const StoreTally *row);

CX_DEFINE_CLEANUP(Fold, fold_free)

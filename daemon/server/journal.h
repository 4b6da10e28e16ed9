#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The storage thread: the only one that touches the store once the daemon runs. (Or one that writes another file.)
 *
 * Jobs are carried out one at a time, in the order in which they were submitted; their results come back to
 * the loop in the same order. Who has much to do (a long scan) submits it in slices, so that commits are not
 * held up.
 */

#include "daemon/store/store.h"
#include "proto/base/def.h"

typedef struct Journal Journal;
typedef struct JournalJob JournalJob;

/* Embedded in the owner's job. The owner keeps it untouched from submit until done. */
struct JournalJob {
        int (*run)(JournalJob *job, Store *store); /* on the storage thread */
        void (*done)(JournalJob *job, int result); /* on the loop's thread; may free the job */
        int result;
        JournalJob *next;
};

/*
 * Starts the thread and takes @store over; NULL: its jobs have none. @ring is called on that thread whenever results are waiting
 * for journal_deliver(). -ENOMEM, -errno of the thread.
 */
CX_MUST_CHECK int journal_new(Journal **ret, Store *store, void (*ring)(void *user), void *user);

/* Carries out and delivers what is waiting and ends the thread. What is submitted later comes back as
 * -ECANCELED. */
void journal_stop(Journal *j);
/* The store, once it is stopped; borrowed. */
Store *journal_store(Journal *j);
/* Has what is in the log of a stopped store written back; < 0 after logging why that did not work. */
CX_MUST_CHECK int journal_flush(Journal *j);
/* Stops it if need be, and closes the store. */
Journal *journal_free(Journal *j);

void journal_submit(Journal *j, JournalJob *job);

/* On the loop's thread: calls done() of everything that has finished. */
void journal_deliver(Journal *j);

CX_DEFINE_CLEANUP(Journal, journal_free)

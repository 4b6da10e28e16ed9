#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Snapshots of the engine and of the known ids, so that a start need not read every stored survey.
 *
 * The happy path is: after enough changes the known ids go into a file, part by part, which a thread of its own writes; then
 * the intake is asked for a cut; what has changed of the ids meanwhile goes behind them, and then the engine as it is at the
 * cut, scope by scope: one that a survey is about to change goes first. Behind everything that the cut has counted, the
 * storage thread notes in the store which snapshot it is, moves the file into place, and forgets what older ones needed. Surveys that are
 * changed or deleted after the cut leave what was counted of them in the store, in the same transaction. A start takes the
 * snapshot, applies these changes, and counts the surveys that came after it.
 *
 * Possible failure modes: no memory or space for a snapshot (there is an older one, or none: the start takes longer); a
 * file that is not whole, not the one that the store knows, of another configuration or program, or a change that cannot
 * be read (the snapshot is thrown away, and every survey is read); a survey that was counted and is damaged by now (likewise,
 * with the next start). It is a cache: nothing but time is lost with it.
 */

#include "daemon/server/server.h"
#include "daemon/store/store.h"
#include "proto/base/usec.h"

typedef struct Snapshots Snapshots;

/* Which snapshot the store knows. */
typedef struct SnapshotMarks {
        uint64_t
                epoch; /* of the newest one, tried ones included: what is changed now is kept under it. 0: none */
        uint64_t until;     /* highest number of a survey in it */
        int64_t live, next; /* what the file in place says of itself is one of these */
        uint64_t behind;    /* changes that it was behind at the start */
} SnapshotMarks;

typedef struct SnapshotStats {
        usec_t at;      /* of the newest that is in place; 0: none */
        uint64_t bytes; /* of that file */
        uint64_t n;     /* taken since the start */
} SnapshotStats;

/* -ENOMEM. */
CX_MUST_CHECK int snapshots_new(Snapshots **ret, Server *s);
/* When the storage thread has ended. */
Snapshots *snapshots_free(Snapshots *s);
/* Likewise, but the engine is still there: ends what is under way. Nothing but snapshots_finish() may follow. */
void snapshots_stop(Snapshots *s);
/* On the loop's thread: what was written is told. */
void snapshots_deliver(Snapshots *s);

void snapshots_start(Snapshots *s);
/* Asks the intake for a cut if one is due. For whenever something may have changed. */
void snapshots_look(Snapshots *s);
/* The engine is another one: what is under way is given up, and a snapshot is due. */
void snapshots_reconfigure(Snapshots *s);
/* At a cut. */
void snapshots_take(Snapshots *s);
/* The disk is full: one that is under way is given up, and for a while none is tried. */
void snapshots_give_up(Snapshots *s);
/* What is stored is not what the snapshot was made of: no start may use it. */
void snapshots_distrust(Snapshots *s);
/* When everything is stored and both threads have ended: takes a last one, if there is something new. */
void snapshots_finish(Snapshots *s, Store *store);

void snapshots_stats(const Snapshots *s, SnapshotStats *ret);

/* snapshots_load.c: at the start, before anything is counted. */

/*
 * Into the engine and the known ids of @s: what is stored, up to survey *ret_last_seq. 1; 0: there is no snapshot that can
 * be used, and none will be; < 0: as the store, or the engine is to be freed only.
 */
CX_MUST_CHECK int snapshots_load(Server *s, Store *store, uint64_t *ret_last_seq);

/* The path of the file. -ENOMEM. */
CX_MUST_CHECK int snapshots_path(const Server *s, char **ret);

/* What a file says of itself at its beginning. Then come the known ids. */
typedef struct SnapshotHead {
        char program[48];
        unsigned char digest[32];
        int64_t nonce;
        uint64_t epoch;
} SnapshotHead;

/* What it says behind them, and before the engine. */
typedef struct SnapshotCut {
        uint64_t last_seq;
        usec_t at;
        uint64_t n_agents, n_queues; /* names that are known */
} SnapshotCut;

/* Without nonce and epoch. -ENOMEM. */
CX_MUST_CHECK int snapshots_head(const Server *s, SnapshotHead *ret);
/* As of now, without a number. */
SnapshotCut snapshots_cut(const Server *s);
/* Within a transaction. */
CX_MUST_CHECK int snapshots_put_marks(Store *store, const SnapshotMarks *marks);

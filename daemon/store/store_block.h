#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the table of surveys must hold: for each run of 1,024 numbers which of them are there, and between
 * which times their surveys lie.
 *
 * It is kept in memory and stored beside the rows. It tells a row that was lost from one that never was (a
 * checksum in the row cannot), answers for a number without a look at the disk, and finds the surveys of a
 * time without an index, which would cost a third of the insert rate. Changes belong to a transaction: they
 * are kept or undone together.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/def.h"
#include "proto/base/usec.h"

#define BLOCK_SHIFT 10
#define BLOCK_ROWS  ((uint64_t)1 << BLOCK_SHIFT)
#define BLOCK_BYTES (BLOCK_ROWS / 8)

typedef struct Block {
        uint64_t no;           /* seq >> BLOCK_SHIFT */
        uint64_t last;         /* the highest seq that was ever in it */
        usec_t min_ts, max_ts; /* every row lies between them; they may be wider than that */
        unsigned n;            /* rows */
        bool changed;          /* in this transaction */
        bool stored;           /* has a row of its own on disk */
        unsigned char *bad;    /* a bit for each row that was found damaged; NULL: none */
        unsigned char bits[BLOCK_BYTES];
} Block;

typedef struct Blocks {
        Block *at; /* ascending by number */
        size_t n, size;
        size_t hint; /* where the last look-up ended */
        uint64_t n_rows;
        Block *saved; /* the changed blocks as they were before the transaction */
        size_t n_saved, size_saved;
        uint64_t saved_rows;
} Blocks;

#define BLOCKS_NULL ((Blocks){0})

void blocks_deinit(Blocks *b);

/* The block of @seq, or NULL. Valid until a block is added. */
Block *blocks_find(Blocks *b, uint64_t seq);
bool blocks_has(Blocks *b, uint64_t seq);
/* The smallest number above @after that is there; UINT64_MAX: none. */
uint64_t blocks_next(Blocks *b, uint64_t after);
/* The highest number that was ever there. */
uint64_t blocks_last(const Blocks *b);

/* A block as it was read from disk. Blocks come in ascending order: -EBADMSG for one that does not. -ENOMEM.
 */
CX_MUST_CHECK int blocks_load(Blocks *b, const Block *block);

/* Keeps a copy of @block for an undo, before its first change in a transaction; it will be written. -ENOMEM.
 */
CX_MUST_CHECK int blocks_touch(Blocks *b, Block *block);
/* Notes that @seq is there now (it may have been before) with that time. -ENOMEM: nothing changed. */
CX_MUST_CHECK int blocks_put(Blocks *b, uint64_t seq, usec_t ts);
/* Notes that @seq is gone. -ENOMEM: nothing changed. */
CX_MUST_CHECK int blocks_drop(Blocks *b, uint64_t seq);
/* Narrows the time of a block. -ENOMEM. */
CX_MUST_CHECK int blocks_set_min(Blocks *b, Block *block, usec_t min_ts);

/* An empty block is not kept, except the last one, which knows the highest number. */
bool blocks_is_dead(const Blocks *b, const Block *block);

/* End of the transaction. */
void blocks_commit(Blocks *b);
void blocks_rollback(Blocks *b);

/* Marks @seq as damaged; false if it was marked before. */
bool blocks_mark_bad(Blocks *b, uint64_t seq);
/* Whether it was; a new version of the row is sound again. */
bool blocks_is_bad(Blocks *b, uint64_t seq);

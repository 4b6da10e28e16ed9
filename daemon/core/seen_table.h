#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The places of known ids, for seen.c (ids come and go) and seen_save.c (they are saved) alone.
 *
 * A place is, from its lowest bit: the rest of the hash, the number of the survey. Whose it is, seen_marks.h tells.
 */

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/core/seen_marks.h"

#define SEQ_BITS 34
/* A table begins with so many homes. */
#define SIZE_LEAST 30 /* 2^16 */
#define SIZE_END   (2 * (SEEN_BITS_KEPT - 1))
/* Bytes of a place; the widest one has room for any number. Who reads a place reads eight. */
#define WIDTH_LEAST 5
#define WIDTH_MAX   7

/*
 * Homes of an earlier table for each id that is added: it is gone before its last part has 1/32 more than the table was made
 * for, 94 % of its places; with much more than that runs of ids become long.
 */
#define TAKEN_AT_ONCE 32

/* So many bits of the hash are in a place: so many hashes have the same home at most. */
static inline unsigned seen_table_rest_bits(const SeenTable *t)
{
        return SEEN_BITS_KEPT - 1 - t->size / 2;
}

/* Numbers below this fit into its places. */
static inline uint64_t seen_table_seq_end(const SeenTable *t)
{
        return UINT64_C(1) << (8U * t->width - seen_table_rest_bits(t));
}

/* So many ids at most. */
static inline size_t seen_table_limit(const SeenTable *t)
{
        return t->size ? seen_n_homes(t) / 32 * 29 : 0;
}

static inline size_t seen_table_n_places(const SeenTable *t)
{
        return t->size ? seen_n_homes(t) + OVERHANG : 0;
}

static inline size_t seen_table_bytes(const SeenTable *t)
{
        size_t n = seen_table_n_places(t);

        return n / 64 * (sizeof(t->marks[0]) + sizeof(t->pushed[0])) +
               (t->size ? n * t->width + sizeof(uint64_t) : 0);
}

static inline uint64_t seen_table_packed_at(const SeenTable *t, size_t at)
{
        uint64_t packed;

        memcpy(&packed, t->places + at * t->width, sizeof(packed));
        return le64toh(packed) & UINT64_MAX >> (64 - 8 * t->width);
}

static inline uint64_t seen_table_seq_at(const SeenTable *t, size_t at)
{
        return seen_table_packed_at(t, at) >> seen_table_rest_bits(t);
}

static inline uint32_t seen_table_rest_at(const SeenTable *t, size_t at)
{
        uint32_t packed;

        memcpy(&packed, t->places + at * t->width, sizeof(packed));
        return le32toh(packed) & ((1U << seen_table_rest_bits(t)) - 1);
}

/* What is kept of the first hash that has this home. */
static inline uint64_t seen_table_first_of(const SeenTable *t, size_t home)
{
        uint64_t scaled = (uint64_t)home << (SEEN_BITS_KEPT - t->size / 2);

        return t->size % 2 ? (scaled + 2) / 3 : scaled / 2;
}

static inline uint32_t seen_table_rest_of(const SeenTable *t, size_t home, uint64_t hash)
{
        return (uint32_t)((hash >> (64 - SEEN_BITS_KEPT)) - seen_table_first_of(t, home));
}

/* What is known of the hash whose rest lies at @at, and whose home this is. */
static inline uint64_t seen_table_hash_at(const SeenTable *t, size_t home, size_t at)
{
        return (seen_table_first_of(t, home) + seen_table_rest_at(t, at)) << (64 - SEEN_BITS_KEPT);
}

/* Whether it is time for another table when there are @n ids, @newest the largest number. */
bool seen_table_is_outgrown(const SeenTable *t, size_t n, uint64_t newest);

/*
 * The next table for then, without its places: with more homes, or with wider places alone if all that is added until @t is
 * taken over leaves some free.
 */
SeenTable seen_table_next(const SeenTable *t, size_t n, uint64_t newest);

/* Places for a table whose size and width are set. -ENOMEM. */
CX_MUST_CHECK int seen_table_make(SeenTable *t);
void seen_table_free(SeenTable *t);

/* Behind all that have the same home or an earlier one. False: something would lie too far from home, or not fit in. */
bool seen_table_put(SeenTable *t, uint64_t hash, uint64_t seq);
/* What is not at home behind it moves closer. False: it is not there. */
bool seen_table_take_out(SeenTable *t, uint64_t hash, uint64_t seq);

/* seen_save.c: what seen_add() and seen_remove() have changed. */
void seen_take_note(Seen *s, uint64_t hash, uint64_t seq, bool added);

/* The hashes in so many parts of one size, of which each has its own homes in a table of any size. */
#define PART_BITS 15
#define PARTS     (1U << PART_BITS)

static inline void seen_note_change(Seen *s, uint64_t hash, uint64_t seq, bool added)
{
        if (hash >> (64 - PART_BITS) < s->saving.n_parts)
                seen_take_note(s, hash, seq, added);
}

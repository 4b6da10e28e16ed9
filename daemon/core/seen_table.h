#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The places of known ids, for seen.c (ids come and go) and seen_save.c (they are saved) alone.
 *
 * A place is, from its lowest bit: the rest of the hash, the distance from its home, the number of the survey.
 */

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/core/seen.h"

#define SHIFT_BITS 8
#define SEQ_BITS   34
#define SHIFT_MAX  ((1U << SHIFT_BITS) - 1)
/* A table begins with so many places, and has as many behind the last home as one may be shifted. */
#define SIZE_LEAST 30 /* 2^16 */
#define SIZE_END   (2 * (SEEN_BITS_KEPT - 1))
#define OVERHANG   (SHIFT_MAX + 1U)
/* Bytes of a place. Whoever reads one reads the most: behind the last one there is another. */
#define WIDTH_LEAST 6
#define WIDTH_MAX   8

/*
 * Places of an earlier table for each id that is added: it is gone before its last part has 1/16 more than the table was
 * made for. (With twice that, places there lay too far from home once it had ten million.)
 */
#define TAKEN_AT_ONCE 16

typedef struct Place {
        uint64_t seq;
        unsigned shift;
        uint32_t rest;
} Place;

/* So many hashes have the same home at most. */
static inline unsigned seen_table_rest_bits(const SeenTable *t)
{
        return SEEN_BITS_KEPT - 1 - t->size / 2;
}

/* Numbers below this fit into its places. */
static inline uint64_t seen_table_seq_end(const SeenTable *t)
{
        return UINT64_C(1) << (8U * t->width - SHIFT_BITS - seen_table_rest_bits(t));
}

/* So many ids at most. */
static inline size_t seen_table_limit(const SeenTable *t)
{
        return t->size ? seen_n_homes(t) / 8 * 7 : 0;
}

static inline size_t seen_table_n_places(const SeenTable *t)
{
        return t->size ? seen_n_homes(t) + OVERHANG : 0;
}

static inline size_t seen_table_bytes(const SeenTable *t)
{
        return t->size ? (seen_table_n_places(t) + 1) * t->width : 0;
}

/* 0: it is free. */
static inline uint64_t seen_table_packed_at(const SeenTable *t, size_t i)
{
        uint64_t packed;

        memcpy(&packed, t->places + i * t->width, sizeof(packed));
        return le64toh(packed) & UINT64_MAX >> (64 - 8 * t->width);
}

static inline Place seen_table_place_at(const SeenTable *t, size_t i)
{
        uint64_t packed = seen_table_packed_at(t, i);

        return (Place){
                .seq = packed >> (seen_table_rest_bits(t) + SHIFT_BITS),
                .shift = (unsigned)(packed >> seen_table_rest_bits(t)) & SHIFT_MAX,
                .rest = (uint32_t)packed & ((1U << seen_table_rest_bits(t)) - 1),
        };
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

/* What is known of the hash of @p, whose home this is. */
static inline uint64_t seen_table_hash_of(const SeenTable *t, size_t home, Place p)
{
        return (seen_table_first_of(t, home) + p.rest) << (64 - SEEN_BITS_KEPT);
}

/* Whether what has its home there may lie at @i or behind it. */
static inline bool seen_table_may_follow(const SeenTable *t, size_t home, size_t i)
{
        return seen_table_packed_at(t, i) && seen_table_place_at(t, i).shift >= i - home;
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
/* What is not at home behind it moves closer. */
void seen_table_take_out(SeenTable *t, size_t i);

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

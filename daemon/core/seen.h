#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which surveys are known: from the hash of source and id to the number of the stored survey.
 *
 * A hit is a candidate that the caller compares with what is stored: two ids may share the 38 bits of a hash that are
 * kept (one pair among half a million ids). A place takes 6 bytes: the number, part of the hash, and how far the place
 * lies behind the one that the first bits of the hash say, which is the rest of it. Places lie in the order of the
 * hashes, so that a look-up ends early, and a table that is 7/8 full is taken over into a larger one from its first place
 * to its last: a few with each id that is added, so that no survey waits for all of them. So is one whose places are soon
 * too narrow for the numbers, once most surveys that had lower ones are gone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/core/image.h"
#include "proto/base/def.h"
#include "proto/base/hash.h"
#include "proto/base/text.h"

typedef struct SeenTable {
        unsigned char *places;
        uint8_t size;  /* see seen_n_homes(); 0: there is no table yet */
        uint8_t width; /* bytes of a place */
} SeenTable;

/* What was added or removed where it was saved already. */
typedef struct SeenChange {
        uint64_t hash;
        uint64_t seq; /* the highest bit: it is there now */
} SeenChange;

typedef struct SeenSaving {
        uint32_t
                n_parts; /* parts of the hashes that are saved, from the lowest on; see seen_save.c. 0: none is */
        bool lost;       /* not all changes are there */
        SeenChange *changes;
        size_t n_changes, changes_size;
} SeenSaving;

typedef struct Seen {
        HashKey key;
        SeenTable table;
        SeenTable earlier;                /* what @table is the next one of, until all of it is taken over */
        size_t taken_homes, taken_places; /* so much of it is */
        size_t n;
        uint64_t newest; /* the largest number that was added */
        SeenSaving saving;
} Seen;

#define SEEN_CANDIDATES_MAX 4
/* Of a hash. */
#define SEEN_BITS_KEPT 38

#define SEEN_INIT(_key) ((Seen){.key = (_key)})

void seen_deinit(Seen *s);

uint64_t seen_hash(const Seen *s, Text source, Text id);

/* Places to begin at, in steps of a half and of a third: 2^k, 3 * 2^(k-1), 2^(k+1). */
static inline size_t seen_n_homes(const SeenTable *t)
{
        return (size_t)(2 + t->size % 2) << t->size / 2;
}

/* The place that @hash has if it is alone; they are in the order of the hashes. */
static inline size_t seen_home(const SeenTable *t, uint64_t hash)
{
        uint64_t kept = hash >> (64 - SEEN_BITS_KEPT);

        return (size_t)(kept * (2U + t->size % 2) >> (SEEN_BITS_KEPT - t->size / 2));
}

/* For a seen_find() that is soon to come: the place is hardly ever in the cache. */
static inline void seen_prefetch(const Seen *s, uint64_t hash)
{
        if (s->earlier.places)
                cx_prefetch(s->earlier.places + seen_home(&s->earlier, hash) * s->earlier.width);
        if (s->table.places)
                cx_prefetch(s->table.places + seen_home(&s->table, hash) * s->table.width);
}

/* The numbers stored under @hash, oldest first. Returns how many; usually 0 or 1. */
size_t seen_find(const Seen *s, uint64_t hash, uint64_t ret[SEEN_CANDIDATES_MAX]);

/*
 * Nothing happens if (hash, seq) is there. -ENOMEM. A fifth number under one hash is refused with -EEXIST (that takes some
 * hundred million surveys, or a broken hash); one of 2^34 or more with -ERANGE.
 */
CX_MUST_CHECK int seen_add(Seen *s, uint64_t hash, uint64_t seq);

/*
 * Saves them in parts, between which ids may come and go: seen_save_begin(), which also ends what was begun before;
 * seen_save_part() until it returns false; then seen_save_rest() with what has changed meanwhile where it was saved already;
 * seen_save_end(). The key goes with them, without which the hashes mean nothing.
 */
void seen_save_begin(Seen *s, const ImageWriter *to);
/* The next one, of about @n bytes, but at least one 32768th of all. False: there is none. */
bool seen_save_part(Seen *s, size_t n, const ImageWriter *to);
/* Allocates nothing and changes nothing. */
void seen_save_rest(const Seen *s, const ImageWriter *to);
void seen_save_end(Seen *s);
/* There was no memory for what has changed, or it is far too much: what is saved is not to be used. */
bool seen_save_failed(const Seen *s);
/* All at once. */
void seen_save(Seen *s, const ImageWriter *to);

/* Replaces an empty table and its key. -ENOMEM; -EBADMSG: that is not what was saved. */
CX_MUST_CHECK int seen_load(Seen *s, ImageReader *from);

/*
 * Takes over the next @n places of an earlier table, so that its memory is given back also where few are added. Nothing
 * happens where there is none; what goes wrong is told by the next seen_add().
 */
void seen_tidy(Seen *s, size_t n);

/* Bytes of the tables. */
size_t seen_size(const Seen *s);
/* Bytes that adding @n more takes at once; 0: there is room for them. */
size_t seen_growth(const Seen *s, size_t n);

/* Forgets (hash, seq); nothing happens if it is not there. */
void seen_remove(Seen *s, uint64_t hash, uint64_t seq);

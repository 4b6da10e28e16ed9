#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which surveys are known: from the hash of source and id to the number of the stored survey.
 *
 * A hit is a candidate that the caller compares with what is stored: two ids may share the 38 bits of a hash that are
 * kept (one pair among half a million ids). The first bits of the hash say where its home is among the places of a table; a
 * place takes 5 bytes, the number and the rest of the hash, and two bits that say which home it belongs to. Places lie in the
 * order of the homes, and a look-up sees in one bit whether anything has its home. A table that is 9/10 full is taken over
 * into a larger one from its first home to its last: a few with each id that is added, so that no survey waits for all of
 * them. So is one whose places are soon too narrow for the numbers (they become wider then, 6 bytes or 7), once most surveys
 * that had lower ones are gone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/core/image.h"
#include "proto/base/def.h"
#include "proto/base/hash.h"
#include "proto/base/text.h"

/* Of 64 places a bit each; all but the last few places of a table are homes, too. */
typedef struct SeenMarks {
        uint64_t homes; /* what some id has for its home */
        uint64_t ends;  /* where the last id of a home lies */
} SeenMarks;

typedef struct SeenTable {
        SeenMarks *marks; /* for each 64 places */
        uint8_t *pushed;  /* likewise: so many ids lie there or behind that have their homes before them */
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
        SeenTable earlier;  /* what @table is the next one of, until all of it is taken over */
        size_t taken_homes; /* so much of it is */
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

/* Homes, in steps of a half and of a third: 2^k, 3 * 2^(k-1), 2^(k+1). */
static inline size_t seen_n_homes(const SeenTable *t)
{
        return (size_t)(2 + t->size % 2) << t->size / 2;
}

/* The place that @hash has if nothing is pushed there; homes are in the order of the hashes. */
static inline size_t seen_home(const SeenTable *t, uint64_t hash)
{
        uint64_t kept = hash >> (64 - SEEN_BITS_KEPT);

        return (size_t)(kept * (2U + t->size % 2) >> (SEEN_BITS_KEPT - t->size / 2));
}

static inline void seen_prefetch_home(const SeenTable *t, uint64_t hash)
{
        size_t home = seen_home(t, hash);

        cx_prefetch(t->marks + home / 64);
        cx_prefetch(t->places + home * t->width);
}

/* For a seen_find() that is soon to come: the place is hardly ever in the cache. */
static inline void seen_prefetch(const Seen *s, uint64_t hash)
{
        if (s->earlier.places)
                seen_prefetch_home(&s->earlier, hash);
        if (s->table.places)
                seen_prefetch_home(&s->table, hash);
}

/* The numbers stored under @hash, oldest first. Returns how many; usually 0 or 1. */
size_t seen_find(const Seen *s, uint64_t hash, uint64_t ret[SEEN_CANDIDATES_MAX]);

/*
 * Nothing happens if (hash, seq) is there. -ENOMEM. A fifth number under one hash is refused with -EEXIST (that takes some
 * hundred million surveys, or a broken hash), and so are ids that lie so close together that only a table of more than a
 * thousand homes for each one would spread them; a number of 2^34 or more with -ERANGE.
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
 * Takes over the next @n homes of an earlier table, so that its memory is given back also where few are added. Nothing
 * happens where there is none; what goes wrong is told by the next seen_add().
 */
void seen_tidy(Seen *s, size_t n);

/* Bytes of the tables. */
size_t seen_size(const Seen *s);
/* Bytes that adding @n more takes at once; 0: there is room for them. */
size_t seen_growth(const Seen *s, size_t n);

/* Forgets (hash, seq); nothing happens if it is not there. */
void seen_remove(Seen *s, uint64_t hash, uint64_t seq);

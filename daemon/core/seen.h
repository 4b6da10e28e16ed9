#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which surveys are known: from the hash of source and id to the number of the stored survey.
 *
 * Two ids may share a hash, so a hit is a candidate that the caller compares with what is stored. 16 bytes
 * for each place of an open-addressing table that is at most 3/4 full.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/core/image.h"
#include "proto/base/def.h"
#include "proto/base/hash.h"
#include "proto/base/text.h"

typedef struct SeenPlace {
        uint64_t hash;
        uint64_t seq; /* 0: free */
} SeenPlace;

typedef struct Seen {
        HashKey key;
        SeenPlace *places;
        size_t n_places; /* a power of two, or 0 */
        size_t n;
} Seen;

#define SEEN_CANDIDATES_MAX 4

#define SEEN_INIT(_key) ((Seen){.key = (_key)})

void seen_deinit(Seen *s);

uint64_t seen_hash(const Seen *s, Text source, Text id);

/* For a seen_find() that is soon to come: the place is hardly ever in the cache. */
static inline void seen_prefetch(const Seen *s, uint64_t hash)
{
        if (s->n_places)
                __builtin_prefetch(&s->places[hash & (s->n_places - 1)]);
}

/* The numbers stored under @hash, oldest first. Returns how many; usually 0 or 1. */
size_t seen_find(const Seen *s, uint64_t hash, uint64_t ret[SEEN_CANDIDATES_MAX]);

/* -ENOMEM. A fifth number under one hash is refused with -EEXIST (that takes 2^40 surveys, or a broken hash).
 */
CX_MUST_CHECK int seen_add(Seen *s, uint64_t hash, uint64_t seq);

/* With the key, without which the hashes mean nothing. -ENOMEM; -EBADMSG: that is not what was saved. */
void seen_save(const Seen *s, const ImageWriter *to);
/* Replaces an empty table and its key. */
CX_MUST_CHECK int seen_load(Seen *s, ImageReader *from);

/* Bytes that adding @n more takes at once; 0: there is room for them. */
size_t seen_growth(const Seen *s, size_t n);

/* Forgets (hash, seq); nothing happens if it is not there. */
void seen_remove(Seen *s, uint64_t hash, uint64_t seq);

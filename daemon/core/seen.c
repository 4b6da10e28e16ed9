/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/core/seen.h"

/* A place, from its lowest bit: the rest of the hash, the distance from its home, the number. */
#define REST_BITS  22
#define SHIFT_BITS 8
#define SEQ_BITS   34
#define SHIFT_MAX  ((1U << SHIFT_BITS) - 1)
/* A table begins with so many places, and has as many behind the last home as one may be shifted. */
#define HOME_BITS_LEAST 16
#define OVERHANG        (SHIFT_MAX + 1U)

typedef struct Place {
        uint64_t seq;
        unsigned shift;
        uint32_t rest;
} Place;

static Place unpack(uint64_t packed)
{
        return (Place){
                .seq = packed >> (REST_BITS + SHIFT_BITS),
                .shift = (unsigned)(packed >> REST_BITS) & SHIFT_MAX,
                .rest = (uint32_t)packed & ((1U << REST_BITS) - 1),
        };
}

static uint64_t pack(Place p)
{
        return p.seq << (REST_BITS + SHIFT_BITS) | (uint64_t)p.shift << REST_BITS | p.rest;
}

static size_t home_of(const Seen *s, uint64_t hash)
{
        return (size_t)(hash >> (64 - s->home_bits));
}

static uint32_t rest_of(const Seen *s, uint64_t hash)
{
        return (uint32_t)(hash << s->home_bits >> (64 - s->rest_bits));
}

static size_t n_homes(const Seen *s)
{
        return s->home_bits ? (size_t)1 << s->home_bits : 0;
}

static size_t limit(size_t homes)
{
        return homes / 8 * 7;
}

static size_t bytes_of(size_t homes)
{
        return homes ? (homes + OVERHANG) * sizeof(uint64_t) : 0;
}

void seen_deinit(Seen *s)
{
        free(s->places);
        *s = SEEN_INIT(s->key);
}

uint64_t seen_hash(const Seen *s, Text source, Text id)
{
        HashKey key = {.k0 = s->key.k0 ^ hash_bytes(&s->key, source.at, source.n), .k1 = s->key.k1};

        return hash_bytes(&key, id.at, id.n);
}

/* Whether what has its home there may lie at @i or behind it. */
static bool may_follow(const Seen *s, size_t home, size_t i)
{
        return s->places[i] && unpack(s->places[i]).shift >= i - home;
}

size_t seen_find(const Seen *s, uint64_t hash, uint64_t ret[SEEN_CANDIDATES_MAX])
{
        size_t n = 0, home;
        uint32_t rest;

        if (!s->places)
                return 0;
        home = home_of(s, hash);
        rest = rest_of(s, hash);
        for (size_t i = home; may_follow(s, home, i); i++) {
                Place p = unpack(s->places[i]);

                if (p.shift == i - home && p.rest == rest && n < SEEN_CANDIDATES_MAX)
                        ret[n++] = p.seq;
        }
        return n;
}

/* Behind all that have this home or an earlier one. False: something would lie too far from home. */
static bool insert(Seen *s, size_t home, uint32_t rest, uint64_t seq)
{
        size_t at = home, end;

        while (may_follow(s, home, at))
                at++;
        if (at - home > SHIFT_MAX)
                return false;
        for (end = at; s->places[end]; end++)
                if (unpack(s->places[end]).shift == SHIFT_MAX)
                        return false;
        for (; end > at; end--) {
                Place p = unpack(s->places[end - 1]);

                p.shift++;
                s->places[end] = pack(p);
        }
        s->places[at] = pack((Place){.seq = seq, .shift = (unsigned)(at - home), .rest = rest});
        return true;
}

/* In one pass from the first to the last: the first bit of the rest becomes the last one of the home. */
static int grow(Seen *s)
{
        Seen larger = *s;
        size_t n = n_homes(s);

        larger.home_bits = s->home_bits ? (uint8_t)(s->home_bits + 1) : HOME_BITS_LEAST;
        larger.rest_bits = s->home_bits ? (uint8_t)(s->rest_bits - 1) : REST_BITS;
        if (larger.rest_bits == 0)
                return -ENOMEM;
        larger.places = calloc(((size_t)1 << larger.home_bits) + OVERHANG, sizeof(uint64_t));
        if (!larger.places)
                return -ENOMEM;
        for (size_t i = 0; i < bytes_of(n) / sizeof(uint64_t); i++) {
                Place p = unpack(s->places[i]);

                if (!s->places[i])
                        continue;
                if (!insert(&larger, 2 * (i - p.shift) + (p.rest >> larger.rest_bits),
                            p.rest & ((1U << larger.rest_bits) - 1), p.seq)) {
                        free(larger.places);
                        return -EEXIST;
                }
        }
        free(s->places);
        *s = larger;
        return 0;
}

int seen_add(Seen *s, uint64_t hash, uint64_t seq)
{
        uint64_t known[SEEN_CANDIDATES_MAX];
        size_t n = seen_find(s, hash, known);
        int r = 0;

        if (seq >> SEQ_BITS)
                return -ERANGE;
        for (size_t i = 0; i < n; i++)
                if (known[i] == seq)
                        return 0;
        if (n == SEEN_CANDIDATES_MAX)
                return -EEXIST;
        if (s->n + 1 > limit(n_homes(s)))
                r = grow(s);
        while (r == 0 && !insert(s, home_of(s, hash), rest_of(s, hash), seq))
                r = grow(s);
        s->n += r == 0;
        return r;
}

size_t seen_size(const Seen *s)
{
        return bytes_of(n_homes(s));
}

size_t seen_growth(const Seen *s, size_t n)
{
        return s->n + n > limit(n_homes(s)) ? bytes_of(2 * n_homes(s)) : 0;
}

void seen_remove(Seen *s, uint64_t hash, uint64_t seq)
{
        size_t home, i;
        uint32_t rest;

        if (!s->places)
                return;
        home = home_of(s, hash);
        rest = rest_of(s, hash);
        for (i = home;; i++) {
                Place p = unpack(s->places[i]);

                if (!may_follow(s, home, i))
                        return;
                if (p.shift == i - home && p.rest == rest && p.seq == seq)
                        break;
        }
        /* What is not at home behind it moves closer. */
        for (; s->places[i + 1] && unpack(s->places[i + 1]).shift > 0; i++) {
                Place p = unpack(s->places[i + 1]);

                p.shift--;
                s->places[i] = pack(p);
        }
        s->places[i] = 0;
        s->n--;
}

void seen_save(const Seen *s, const ImageWriter *to)
{
        image_put(to, &s->key, sizeof(s->key));
        image_put_number(to, s->home_bits);
        image_put_number(to, s->n);
        image_put(to, s->places, bytes_of(n_homes(s)));
}

int seen_load(Seen *s, ImageReader *from)
{
        const unsigned char *key = image_get(from, sizeof(s->key)), *places;
        size_t home_bits = image_get_below(from, HOME_BITS_LEAST + REST_BITS);
        Seen loaded = {.home_bits = (uint8_t)home_bits,
                       .rest_bits = (uint8_t)(HOME_BITS_LEAST + REST_BITS - home_bits)};

        if (from->failed || s->n || (home_bits && home_bits < HOME_BITS_LEAST))
                return -EBADMSG;
        loaded.n = image_get_below(from, limit(n_homes(&loaded)) + 1);
        places = image_get(from, bytes_of(n_homes(&loaded)));
        if (from->failed)
                return -EBADMSG;
        memcpy(&loaded.key, key, sizeof(loaded.key));
        if (home_bits == 0) {
                loaded.rest_bits = 0;
        } else {
                loaded.places = malloc((((size_t)1 << home_bits) + OVERHANG) * sizeof(uint64_t));
                if (!loaded.places)
                        return -ENOMEM;
                memcpy(loaded.places, places, seen_size(&loaded));
        }
        free(s->places);
        *s = loaded;
        return 0;
}

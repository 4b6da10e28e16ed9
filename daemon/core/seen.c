/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/seen.h"

/* A place, from its lowest bit: the rest of the hash, the distance from its home, the number. */
#define REST_BITS  22
#define SHIFT_BITS 8
#define SEQ_BITS   34
#define SHIFT_MAX  ((1U << SHIFT_BITS) - 1)
/* A table begins with so many places, and has as many behind the last home as one may be shifted. */
#define HOME_BITS_LEAST 16
#define OVERHANG        (SHIFT_MAX + 1U)
/* Places of an earlier table for each id that is added: it is gone long before the larger one is full. */
#define TAKEN_AT_ONCE 8

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

static size_t home_of(const SeenTable *t, uint64_t hash)
{
        return (size_t)(hash >> (64 - t->home_bits));
}

static uint32_t rest_of(const SeenTable *t, uint64_t hash)
{
        return (uint32_t)(hash << t->home_bits >> (64 - t->rest_bits));
}

static size_t n_homes(const SeenTable *t)
{
        return t->home_bits ? (size_t)1 << t->home_bits : 0;
}

static size_t limit(size_t homes)
{
        return homes / 8 * 7;
}

static size_t n_places(const SeenTable *t)
{
        return t->home_bits ? n_homes(t) + OVERHANG : 0;
}

static size_t bytes_of(const SeenTable *t)
{
        return n_places(t) * sizeof(uint64_t);
}

/* Whether @hash is, or would be, in the earlier table. */
static bool is_earlier(const Seen *s, uint64_t hash)
{
        return s->earlier.places && home_of(&s->earlier, hash) >= s->taken_homes;
}

void seen_deinit(Seen *s)
{
        free(s->table.places);
        free(s->earlier.places);
        *s = SEEN_INIT(s->key);
}

uint64_t seen_hash(const Seen *s, Text source, Text id)
{
        HashKey key = {.k0 = s->key.k0 ^ hash_bytes(&s->key, source.at, source.n), .k1 = s->key.k1};

        return hash_bytes(&key, id.at, id.n);
}

/* Whether what has its home there may lie at @i or behind it. */
static bool may_follow(const SeenTable *t, size_t home, size_t i)
{
        return t->places[i] && unpack(t->places[i]).shift >= i - home;
}

size_t seen_find(const Seen *s, uint64_t hash, uint64_t ret[SEEN_CANDIDATES_MAX])
{
        const SeenTable *t = is_earlier(s, hash) ? &s->earlier : &s->table;
        size_t n = 0, home;
        uint32_t rest;

        if (!t->places)
                return 0;
        home = home_of(t, hash);
        rest = rest_of(t, hash);
        for (size_t i = home; may_follow(t, home, i); i++) {
                Place p = unpack(t->places[i]);

                if (p.shift == i - home && p.rest == rest && n < SEEN_CANDIDATES_MAX)
                        ret[n++] = p.seq;
        }
        return n;
}

/* Behind all that have this home or an earlier one. False: something would lie too far from home. */
static bool insert(SeenTable *t, size_t home, uint32_t rest, uint64_t seq)
{
        size_t at = home, end;

        while (may_follow(t, home, at))
                at++;
        if (at - home > SHIFT_MAX)
                return false;
        for (end = at; t->places[end]; end++)
                if (unpack(t->places[end]).shift == SHIFT_MAX)
                        return false;
        for (; end > at; end--) {
                Place p = unpack(t->places[end - 1]);

                p.shift++;
                t->places[end] = pack(p);
        }
        t->places[at] = pack((Place){.seq = seq, .shift = (unsigned)(at - home), .rest = rest});
        return true;
}

/* The next size, without its places. */
static SeenTable larger_than(const SeenTable *t)
{
        if (t->home_bits == 0)
                return (SeenTable){.home_bits = HOME_BITS_LEAST, .rest_bits = REST_BITS};
        return (SeenTable){.home_bits = (uint8_t)(t->home_bits + 1),
                           .rest_bits = (uint8_t)(t->rest_bits - 1)};
}

/* A larger table, into which the one that there is will be taken over. */
static int begin_growth(Seen *s)
{
        SeenTable larger = larger_than(&s->table);

        if (larger.rest_bits == 0)
                return -ENOMEM;
        larger.places = calloc(n_places(&larger), sizeof(uint64_t));
        if (!larger.places)
                return -ENOMEM;
        s->earlier = s->table;
        s->table = larger;
        s->taken_homes = s->taken_places = 0;
        return 0;
}

/*
 * The next @n places of the earlier table are taken over, and what else has the last one's home: the first bit of the rest
 * becomes the last one of the home. What is left there is looked at no more, but keeps others from its places.
 */
static int take_over(Seen *s, size_t n)
{
        size_t end = n_places(&s->earlier), at = s->taken_places;
        size_t until = end - at > n ? at + n : end;

        for (; at < end; at++) {
                Place p = unpack(s->earlier.places[at]);
                size_t home = at - p.shift;

                if (at >= until && (!s->earlier.places[at] || home >= s->taken_homes))
                        break;
                if (!s->earlier.places[at])
                        continue;
                if (!insert(&s->table, 2 * home + (p.rest >> s->table.rest_bits),
                            p.rest & ((1U << s->table.rest_bits) - 1), p.seq))
                        return -EEXIST;
                s->taken_homes = home + 1;
        }
        s->taken_places = at;
        if (at < end) { /* also homes whose places were free: what came there now would never be taken over */
                size_t home = at - unpack(s->earlier.places[at]).shift;

                s->taken_homes = home < n_homes(&s->earlier) ? home : n_homes(&s->earlier);
        } else {
                free(s->earlier.places);
                s->earlier = (SeenTable){0};
                s->taken_homes = s->taken_places = 0;
        }
        return 0;
}

static int make_room(Seen *s)
{
        if (s->earlier.places)
                return take_over(s, TAKEN_AT_ONCE);
        return s->n + 1 > limit(n_homes(&s->table)) ? begin_growth(s) : 0;
}

static bool put(Seen *s, uint64_t hash, uint64_t seq)
{
        SeenTable *t = is_earlier(s, hash) ? &s->earlier : &s->table;

        return insert(t, home_of(t, hash), rest_of(t, hash), seq);
}

int seen_add(Seen *s, uint64_t hash, uint64_t seq)
{
        uint64_t known[SEEN_CANDIDATES_MAX];
        size_t n = seen_find(s, hash, known);
        int r;

        if (seq >> SEQ_BITS)
                return -ERANGE;
        for (size_t i = 0; i < n; i++)
                if (known[i] == seq)
                        return 0;
        if (n == SEEN_CANDIDATES_MAX)
                return -EEXIST;
        r = make_room(s);
        while (r == 0 && !put(s, hash, seq))
                r = s->earlier.places ? take_over(s, SIZE_MAX) : begin_growth(s);
        s->n += r == 0;
        return r;
}

size_t seen_size(const Seen *s)
{
        return bytes_of(&s->table) + bytes_of(&s->earlier);
}

size_t seen_growth(const Seen *s, size_t n)
{
        const SeenTable larger = larger_than(&s->table);

        return s->n + n > limit(n_homes(&s->table)) ? bytes_of(&larger) : 0;
}

void seen_remove(Seen *s, uint64_t hash, uint64_t seq)
{
        SeenTable *t = is_earlier(s, hash) ? &s->earlier : &s->table;
        size_t home, i;
        uint32_t rest;

        if (!t->places)
                return;
        home = home_of(t, hash);
        rest = rest_of(t, hash);
        for (i = home;; i++) {
                Place p = unpack(t->places[i]);

                if (!may_follow(t, home, i))
                        return;
                if (p.shift == i - home && p.rest == rest && p.seq == seq)
                        break;
        }
        /* What is not at home behind it moves closer. */
        for (; t->places[i + 1] && unpack(t->places[i + 1]).shift > 0; i++) {
                Place p = unpack(t->places[i + 1]);

                p.shift--;
                t->places[i] = pack(p);
        }
        t->places[i] = 0;
        s->n--;
}

static void save_table(const SeenTable *t, const ImageWriter *to)
{
        image_put_number(to, t->home_bits);
        image_put(to, t->places, bytes_of(t));
}

static int load_table(SeenTable *t, ImageReader *from)
{
        size_t home_bits = image_get_below(from, HOME_BITS_LEAST + REST_BITS);
        const unsigned char *places;

        if (from->failed || home_bits == 0)
                return from->failed ? -EBADMSG : 0;
        if (home_bits < HOME_BITS_LEAST)
                return -EBADMSG;
        t->home_bits = (uint8_t)home_bits;
        t->rest_bits = (uint8_t)(HOME_BITS_LEAST + REST_BITS - home_bits);
        places = image_get(from, bytes_of(t));
        if (!places)
                return -EBADMSG;
        t->places = malloc(bytes_of(t));
        if (!t->places)
                return -ENOMEM;
        memcpy(t->places, places, bytes_of(t));
        return 0;
}

void seen_save(const Seen *s, const ImageWriter *to)
{
        image_put(to, &s->key, sizeof(s->key));
        image_put_number(to, s->n);
        save_table(&s->table, to);
        save_table(&s->earlier, to);
        image_put_number(to, s->taken_homes);
        image_put_number(to, s->taken_places);
}

int seen_load(Seen *s, ImageReader *from)
{
        const unsigned char *key = image_get(from, sizeof(s->key));
        Seen loaded = {.n = image_get_number(from)};
        int r = s->n || !key ? -EBADMSG : load_table(&loaded.table, from);

        if (r == 0)
                r = load_table(&loaded.earlier, from);
        loaded.taken_homes = image_get_number(from);
        loaded.taken_places = image_get_number(from);
        if (r == 0 && (from->failed || loaded.n > limit(n_homes(&loaded.table)) ||
                       loaded.taken_homes > n_homes(&loaded.earlier) ||
                       loaded.taken_places > n_places(&loaded.earlier) ||
                       (loaded.earlier.places && loaded.earlier.home_bits + 1 != loaded.table.home_bits)))
                r = -EBADMSG;
        if (r < 0) {
                seen_deinit(&loaded);
                return r;
        }
        memcpy(&loaded.key, key, sizeof(loaded.key));
        seen_deinit(s);
        *s = loaded;
        return 0;
}

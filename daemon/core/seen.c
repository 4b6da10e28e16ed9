/* SPDX-License-Identifier: Apache-2.0 */

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/seen.h"

/* A place, from its lowest bit: the rest of the hash, the distance from its home, the number. */
#define SHIFT_BITS 8
#define SEQ_BITS   34
#define SHIFT_MAX  ((1U << SHIFT_BITS) - 1)
/* A table begins with so many places, and has as many behind the last home as one may be shifted. */
#define SIZE_LEAST 30 /* 2^16 */
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
static unsigned rest_bits(const SeenTable *t)
{
        return SEEN_BITS_KEPT - 1 - t->size / 2;
}

/* Numbers below this fit into its places. */
static uint64_t seq_end(const SeenTable *t)
{
        return UINT64_C(1) << (8U * t->width - SHIFT_BITS - rest_bits(t));
}

/* 0: it is free. */
static uint64_t packed_at(const SeenTable *t, size_t i)
{
        uint64_t packed;

        memcpy(&packed, t->places + i * t->width, sizeof(packed));
        return le64toh(packed) & UINT64_MAX >> (64 - 8 * t->width);
}

static Place place_at(const SeenTable *t, size_t i)
{
        uint64_t packed = packed_at(t, i);

        return (Place){
                .seq = packed >> (rest_bits(t) + SHIFT_BITS),
                .shift = (unsigned)(packed >> rest_bits(t)) & SHIFT_MAX,
                .rest = (uint32_t)packed & ((1U << rest_bits(t)) - 1),
        };
}

static void put_packed(SeenTable *t, size_t i, uint64_t packed)
{
        packed = htole64(packed);
        memcpy(t->places + i * t->width, &packed, t->width);
}

static void put_place(SeenTable *t, size_t i, Place p)
{
        put_packed(t, i, p.seq << (rest_bits(t) + SHIFT_BITS) | (uint64_t)p.shift << rest_bits(t) | p.rest);
}

/* What is kept of the first hash that has this home. */
static uint64_t first_of(const SeenTable *t, size_t home)
{
        uint64_t scaled = (uint64_t)home << (SEEN_BITS_KEPT - t->size / 2);

        return t->size % 2 ? (scaled + 2) / 3 : scaled / 2;
}

static uint32_t rest_of(const SeenTable *t, size_t home, uint64_t hash)
{
        return (uint32_t)((hash >> (64 - SEEN_BITS_KEPT)) - first_of(t, home));
}

static size_t limit(const SeenTable *t)
{
        return t->size ? seen_n_homes(t) / 8 * 7 : 0;
}

static size_t n_places(const SeenTable *t)
{
        return t->size ? seen_n_homes(t) + OVERHANG : 0;
}

static size_t bytes_of(const SeenTable *t)
{
        return t->size ? (n_places(t) + 1) * t->width : 0;
}

/* Whether @hash is, or would be, in the earlier table. */
static bool is_earlier(const Seen *s, uint64_t hash)
{
        return s->earlier.places && seen_home(&s->earlier, hash) >= s->taken_homes;
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
        return packed_at(t, i) && place_at(t, i).shift >= i - home;
}

size_t seen_find(const Seen *s, uint64_t hash, uint64_t ret[SEEN_CANDIDATES_MAX])
{
        const SeenTable *t = is_earlier(s, hash) ? &s->earlier : &s->table;
        size_t n = 0, home;
        uint32_t rest;

        if (!t->places)
                return 0;
        home = seen_home(t, hash);
        rest = rest_of(t, home, hash);
        for (size_t i = home; may_follow(t, home, i); i++) {
                Place p = place_at(t, i);

                if (p.shift == i - home && p.rest == rest && n < SEEN_CANDIDATES_MAX)
                        ret[n++] = p.seq;
        }
        return n;
}

/* Behind all that have this home or an earlier one. False: something would lie too far from home, or not fit in. */
static bool insert(SeenTable *t, size_t home, uint32_t rest, uint64_t seq)
{
        size_t at = home, end;

        if (seq >= seq_end(t))
                return false;
        while (may_follow(t, home, at))
                at++;
        if (at - home > SHIFT_MAX)
                return false;
        for (end = at; packed_at(t, end); end++)
                if (place_at(t, end).shift == SHIFT_MAX)
                        return false;
        for (; end > at; end--) {
                Place p = place_at(t, end - 1);

                p.shift++;
                put_place(t, end, p);
        }
        put_place(t, at, (Place){.seq = seq, .shift = (unsigned)(at - home), .rest = rest});
        return true;
}

static bool put(SeenTable *t, uint64_t hash, uint64_t seq)
{
        size_t home = seen_home(t, hash);

        return insert(t, home, rest_of(t, home, hash), seq);
}

/* Soon numbers will not fit into its places. */
static bool is_narrow(const SeenTable *t, uint64_t newest)
{
        return t->width < WIDTH_MAX && newest >= seq_end(t) / 4 * 3;
}

/* Whether it is time for another table when there are @n ids, @newest the largest number. */
static bool is_outgrown(const SeenTable *t, size_t n, uint64_t newest)
{
        return n > limit(t) || is_narrow(t, newest);
}

/*
 * The next table, without its places: with more homes, or with wider places alone if all that is added until it is
 * taken over leaves some free.
 */
static SeenTable next_table(const SeenTable *t, size_t n, uint64_t newest)
{
        bool is_wider = t->size && is_narrow(t, newest) && n + n_places(t) / TAKEN_AT_ONCE <= limit(t);
        SeenTable next = {.width = WIDTH_LEAST};

        next.size = !t->size ? SIZE_LEAST : (uint8_t)(t->size + !is_wider);
        while (next.width < WIDTH_MAX && newest >= seq_end(&next) / 2)
                next.width++;
        return next;
}

/* Another table, into which the one that there is will be taken over. */
static int begin_growth(Seen *s)
{
        SeenTable next = next_table(&s->table, s->n + 1, s->newest);

        if (rest_bits(&next) == 0)
                return -ENOMEM;
        next.places = calloc(n_places(&next) + 1, next.width);
        if (!next.places)
                return -ENOMEM;
        s->earlier = s->table;
        s->table = next;
        s->taken_homes = s->taken_places = 0;
        return 0;
}

/*
 * What else has the home of the last one is taken over, too. What is left in those places is looked at no more, but keeps
 * others from them.
 */
static int take_over(Seen *s, size_t n)
{
        size_t end = n_places(&s->earlier), at = s->taken_places;
        size_t until = end - at > n ? at + n : end;

        for (; at < end; at++) {
                Place p = place_at(&s->earlier, at);
                size_t home = at - p.shift;
                bool is_free = packed_at(&s->earlier, at) == 0;

                if (at >= until && (is_free || home >= s->taken_homes))
                        break;
                if (is_free)
                        continue;
                if (!put(&s->table, (first_of(&s->earlier, home) + p.rest) << (64 - SEEN_BITS_KEPT), p.seq)) {
                        s->taken_places = at;
                        return -EEXIST;
                }
                s->taken_homes = home + 1;
        }
        s->taken_places = at;
        if (at < end) { /* also homes whose places were free: what came there now would never be taken over */
                size_t home = at - place_at(&s->earlier, at).shift;

                s->taken_homes = home < seen_n_homes(&s->earlier) ? home : seen_n_homes(&s->earlier);
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
        return is_outgrown(&s->table, s->n + 1, s->newest) ? begin_growth(s) : 0;
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
        if (seq > s->newest)
                s->newest = seq;
        r = make_room(s);
        while (r == 0 && !put(is_earlier(s, hash) ? &s->earlier : &s->table, hash, seq))
                r = s->earlier.places ? take_over(s, SIZE_MAX) : begin_growth(s);
        s->n += r == 0;
        return r;
}

void seen_tidy(Seen *s, size_t n)
{
        if (s->earlier.places)
                (void)take_over(s, n);
}

size_t seen_size(const Seen *s)
{
        return bytes_of(&s->table) + bytes_of(&s->earlier);
}

size_t seen_growth(const Seen *s, size_t n)
{
        const SeenTable next = next_table(&s->table, s->n + n, s->newest + n);

        return is_outgrown(&s->table, s->n + n, s->newest + n) ? bytes_of(&next) : 0;
}

void seen_remove(Seen *s, uint64_t hash, uint64_t seq)
{
        SeenTable *t = is_earlier(s, hash) ? &s->earlier : &s->table;
        size_t home, i;
        uint32_t rest;

        if (!t->places)
                return;
        home = seen_home(t, hash);
        rest = rest_of(t, home, hash);
        for (i = home;; i++) {
                Place p = place_at(t, i);

                if (!may_follow(t, home, i))
                        return;
                if (p.shift == i - home && p.rest == rest && p.seq == seq)
                        break;
        }
        /* What is not at home behind it moves closer. */
        for (; packed_at(t, i + 1) && place_at(t, i + 1).shift > 0; i++) {
                Place p = place_at(t, i + 1);

                p.shift--;
                put_place(t, i, p);
        }
        put_packed(t, i, 0);
        s->n--;
}

static void save_table(const SeenTable *t, const ImageWriter *to)
{
        image_put_number(to, t->size);
        image_put_number(to, t->width);
        image_put(to, t->places, bytes_of(t));
}

static int load_table(SeenTable *t, ImageReader *from)
{
        size_t size = image_get_below(from, 2 * (SEEN_BITS_KEPT - 1));
        size_t width = image_get_below(from, WIDTH_MAX + 1);
        const unsigned char *places;

        if (from->failed || size == 0)
                return from->failed ? -EBADMSG : 0;
        if (size < SIZE_LEAST || width < WIDTH_LEAST)
                return -EBADMSG;
        t->size = (uint8_t)size;
        t->width = (uint8_t)width;
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
        image_put_number(to, s->newest);
        save_table(&s->table, to);
        save_table(&s->earlier, to);
        image_put_number(to, s->taken_homes);
        image_put_number(to, s->taken_places);
}

static bool follows(const SeenTable *t, const SeenTable *earlier)
{
        return t->size == earlier->size + 1 || (t->size == earlier->size && t->width > earlier->width);
}

int seen_load(Seen *s, ImageReader *from)
{
        const unsigned char *key = image_get(from, sizeof(s->key));
        Seen loaded = {.n = image_get_number(from)};
        int r = s->n || !key ? -EBADMSG : 0;

        loaded.newest = image_get_number(from);
        if (r == 0)
                r = load_table(&loaded.table, from);
        if (r == 0)
                r = load_table(&loaded.earlier, from);
        loaded.taken_homes = image_get_number(from);
        loaded.taken_places = image_get_number(from);
        if (r == 0 && (from->failed || loaded.n > limit(&loaded.table) ||
                       loaded.taken_homes > seen_n_homes(&loaded.earlier) ||
                       loaded.taken_places > n_places(&loaded.earlier) ||
                       (loaded.earlier.places && !follows(&loaded.table, &loaded.earlier))))
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

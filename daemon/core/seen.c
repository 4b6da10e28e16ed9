/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/core/seen.h"

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

static size_t next_place(const Seen *s, size_t i)
{
        return (i + 1) & (s->n_places - 1);
}

size_t seen_find(const Seen *s, uint64_t hash, uint64_t ret[SEEN_CANDIDATES_MAX])
{
        size_t n = 0;

        if (s->n_places == 0)
                return 0;
        for (size_t i = hash & (s->n_places - 1); s->places[i].seq; i = next_place(s, i))
                if (s->places[i].hash == hash && n < SEEN_CANDIDATES_MAX)
                        ret[n++] = s->places[i].seq;
        return n;
}

static void put(Seen *s, uint64_t hash, uint64_t seq)
{
        size_t i = hash & (s->n_places - 1);

        while (s->places[i].seq)
                i = next_place(s, i);
        s->places[i] = (SeenPlace){.hash = hash, .seq = seq};
}

static int grow(Seen *s)
{
        Seen larger = {.key = s->key, .n_places = s->n_places ? s->n_places * 2 : 1024, .n = s->n};

        larger.places = calloc(larger.n_places, sizeof(SeenPlace));
        if (!larger.places)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_places; i++)
                if (s->places[i].seq)
                        put(&larger, s->places[i].hash, s->places[i].seq);
        free(s->places);
        *s = larger;
        return 0;
}

int seen_add(Seen *s, uint64_t hash, uint64_t seq)
{
        uint64_t known[SEEN_CANDIDATES_MAX];
        int r;

        if (seen_find(s, hash, known) == SEEN_CANDIDATES_MAX)
                return -EEXIST;
        if (s->n_places == 0 || s->n + 1 > s->n_places / 4 * 3) {
                r = grow(s);
                if (r < 0)
                        return r;
        }
        put(s, hash, seq);
        s->n++;
        return 0;
}

size_t seen_growth(const Seen *s, size_t n)
{
        return s->n + n > s->n_places / 4 * 3 ? 2 * s->n_places * sizeof(SeenPlace) : 0;
}

void seen_remove(Seen *s, uint64_t hash, uint64_t seq)
{
        size_t i, hole;

        if (s->n_places == 0)
                return;
        for (i = hash & (s->n_places - 1); s->places[i].hash != hash || s->places[i].seq != seq;
             i = next_place(s, i))
                if (!s->places[i].seq)
                        return;
        /* Move back what would no longer be found across the hole. */
        for (hole = i, i = next_place(s, i); s->places[i].seq; i = next_place(s, i)) {
                size_t home = s->places[i].hash & (s->n_places - 1);

                if (((i - home) & (s->n_places - 1)) >= ((i - hole) & (s->n_places - 1))) {
                        s->places[hole] = s->places[i];
                        hole = i;
                }
        }
        s->places[hole] = (SeenPlace){0};
        s->n--;
}

void seen_save(const Seen *s, const ImageWriter *to)
{
        image_put(to, &s->key, sizeof(s->key));
        image_put_number(to, s->n_places);
        image_put_number(to, s->n);
        image_put(to, s->places, s->n_places * sizeof(SeenPlace));
}

int seen_load(Seen *s, ImageReader *from)
{
        const unsigned char *key = image_get(from, sizeof(s->key)), *places;
        size_t n_places = image_get_below(from, from->n / sizeof(SeenPlace) + 1);
        size_t n = image_get_below(from, n_places / 4 * 3 + 1);

        places = image_get(from, n_places * sizeof(SeenPlace));
        if (from->failed || (n_places & (n_places - 1)) || s->n)
                return -EBADMSG;
        if (n_places) {
                SeenPlace *copy = malloc(n_places * sizeof(SeenPlace));

                if (!copy)
                        return -ENOMEM;
                memcpy(copy, places, n_places * sizeof(SeenPlace));
                free(s->places);
                s->places = copy;
        }
        memcpy(&s->key, key, sizeof(s->key));
        s->n_places = n_places;
        s->n = n;
        return 0;
}

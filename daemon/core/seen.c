/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/core/seen_table.h"

/* Whether @hash is, or would be, in the earlier table. */
static bool is_earlier(const Seen *s, uint64_t hash)
{
        return s->earlier.places && seen_home(&s->earlier, hash) >= s->taken_homes;
}

void seen_deinit(Seen *s)
{
        seen_table_free(&s->table);
        seen_table_free(&s->earlier);
        seen_save_end(s);
        *s = SEEN_INIT(s->key);
}

uint64_t seen_hash(const Seen *s, Text source, Text id)
{
        HashKey key = {.k0 = s->key.k0 ^ hash_bytes(&s->key, source.at, source.n), .k1 = s->key.k1};

        return hash_bytes(&key, id.at, id.n);
}

size_t seen_find(const Seen *s, uint64_t hash, uint64_t ret[SEEN_CANDIDATES_MAX])
{
        const SeenTable *t = is_earlier(s, hash) ? &s->earlier : &s->table;
        size_t n = 0, home;
        uint32_t rest;

        if (!t->places)
                return 0;
        home = seen_home(t, hash);
        rest = seen_table_rest_of(t, home, hash);
        for (size_t i = home; seen_table_may_follow(t, home, i); i++) {
                Place p = seen_table_place_at(t, i);

                if (p.shift == i - home && p.rest == rest && n < SEEN_CANDIDATES_MAX)
                        ret[n++] = p.seq;
        }
        return n;
}

/* Another table, into which the one that there is will be taken over. */
static int begin_growth(Seen *s)
{
        SeenTable next = seen_table_next(&s->table, s->n + 1, s->newest);

        if (seen_table_rest_bits(&next) == 0)
                return -ENOMEM;
        if (seen_table_make(&next) < 0)
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
        size_t end = seen_table_n_places(&s->earlier), at = s->taken_places;
        size_t until = end - at > n ? at + n : end;

        for (; at < end; at++) {
                Place p = seen_table_place_at(&s->earlier, at);
                size_t home = at - p.shift;
                bool is_free = seen_table_packed_at(&s->earlier, at) == 0;

                if (at >= until && (is_free || home >= s->taken_homes))
                        break;
                if (is_free)
                        continue;
                if (!seen_table_put(&s->table, seen_table_hash_of(&s->earlier, home, p), p.seq)) {
                        s->taken_places = at;
                        return -EEXIST;
                }
                s->taken_homes = home + 1;
        }
        s->taken_places = at;
        if (at < end) { /* also homes whose places were free: what came there now would never be taken over */
                size_t home = at - seen_table_place_at(&s->earlier, at).shift;

                s->taken_homes = home < seen_n_homes(&s->earlier) ? home : seen_n_homes(&s->earlier);
        } else {
                seen_table_free(&s->earlier);
                s->taken_homes = s->taken_places = 0;
        }
        return 0;
}

static int make_room(Seen *s)
{
        if (s->earlier.places)
                return take_over(s, TAKEN_AT_ONCE);
        return seen_table_is_outgrown(&s->table, s->n + 1, s->newest) ? begin_growth(s) : 0;
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
        while (r == 0 && !seen_table_put(is_earlier(s, hash) ? &s->earlier : &s->table, hash, seq))
                r = s->earlier.places ? take_over(s, SIZE_MAX) : begin_growth(s);
        if (r < 0)
                return r;
        s->n++;
        seen_note_change(s, hash, seq, true);
        return 0;
}

void seen_tidy(Seen *s, size_t n)
{
        if (s->earlier.places)
                (void)take_over(s, n);
}

size_t seen_size(const Seen *s)
{
        return seen_table_bytes(&s->table) + seen_table_bytes(&s->earlier);
}

size_t seen_growth(const Seen *s, size_t n)
{
        const SeenTable next = seen_table_next(&s->table, s->n + n, s->newest + n);

        return seen_table_is_outgrown(&s->table, s->n + n, s->newest + n) ? seen_table_bytes(&next) : 0;
}

void seen_remove(Seen *s, uint64_t hash, uint64_t seq)
{
        SeenTable *t = is_earlier(s, hash) ? &s->earlier : &s->table;
        size_t home, i;
        uint32_t rest;

        if (!t->places)
                return;
        home = seen_home(t, hash);
        rest = seen_table_rest_of(t, home, hash);
        for (i = home;; i++) {
                Place p = seen_table_place_at(t, i);

                if (!seen_table_may_follow(t, home, i))
                        return;
                if (p.shift == i - home && p.rest == rest && p.seq == seq)
                        break;
        }
        seen_table_take_out(t, i);
        s->n--;
        seen_note_change(s, hash, seq, false);
}

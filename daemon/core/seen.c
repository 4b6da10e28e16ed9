/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/core/seen_table.h"

/* A table that grows has no more homes than this for each id, whatever their hashes. */
#define HOMES_FOR_EACH 1024

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
        size_t n = 0, home, at;
        uint32_t rest;

        if (!t->places)
                return 0;
        home = seen_home(t, hash);
        if (!seen_marks_has(t, home))
                return 0;
        rest = seen_table_rest_of(t, home, hash);
        at = seen_marks_begin(t, home);
        do {
                if (seen_table_rest_at(t, at) == rest && n < SEEN_CANDIDATES_MAX)
                        ret[n++] = seen_table_seq_at(t, at);
        } while (!seen_marks_ends(t, at++));
        return n;
}

/* Another table, into which the one that there is will be taken over. */
static int begin_growth(Seen *s)
{
        SeenTable next = seen_table_next(&s->table, s->n + 1, s->newest);

        if (seen_table_rest_bits(&next) == 0)
                return -ENOMEM;
        if (s->table.size && next.size > s->table.size && seen_n_homes(&next) / HOMES_FOR_EACH > s->n + 1)
                return -EEXIST;
        if (seen_table_make(&next) < 0)
                return -ENOMEM;
        s->earlier = s->table;
        s->table = next;
        s->taken_homes = 0;
        return 0;
}

/* All from @at on that has this home, which is the next one. False: none of it. */
static bool take_over_home(Seen *s, size_t home, size_t at, size_t *ret_end)
{
        const SeenTable *t = &s->earlier;
        size_t begin = at;

        do {
                if (!seen_table_put(&s->table, seen_table_hash_at(t, home, at), seen_table_seq_at(t, at))) {
                        while (at-- > begin)
                                (void)seen_table_take_out(&s->table, seen_table_hash_at(t, home, at),
                                                          seen_table_seq_at(t, at));
                        return false;
                }
        } while (!seen_marks_ends(t, at++));
        *ret_end = at;
        return true;
}

/* What is left in their places is looked at no more, but keeps others from them. */
static int take_over(Seen *s, size_t n)
{
        size_t home = s->taken_homes, end = seen_n_homes(&s->earlier);
        size_t until = end - home > n ? home + n : end, at = seen_marks_begin(&s->earlier, home);

        for (; home < until; home++) {
                if (!seen_marks_has(&s->earlier, home))
                        continue;
                if (!take_over_home(s, home, at > home ? at : home, &at)) {
                        s->taken_homes = home;
                        return -EEXIST;
                }
        }
        s->taken_homes = home;
        if (home == end) {
                seen_table_free(&s->earlier);
                s->taken_homes = 0;
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

        if (!t->places || !seen_table_take_out(t, hash, seq))
                return;
        s->n--;
        seen_note_change(s, hash, seq, false);
}

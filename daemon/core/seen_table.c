/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/core/pages.h"
#include "daemon/core/seen_table.h"

static void put_packed(SeenTable *t, size_t i, uint64_t packed)
{
        packed = htole64(packed);
        memcpy(t->places + i * t->width, &packed, t->width);
}

static void put_place(SeenTable *t, size_t i, Place p)
{
        unsigned rest_bits = seen_table_rest_bits(t);

        put_packed(t, i, p.seq << (rest_bits + SHIFT_BITS) | (uint64_t)p.shift << rest_bits | p.rest);
}

/* Soon numbers will not fit into its places. */
static bool is_narrow(const SeenTable *t, uint64_t newest)
{
        return t->width < WIDTH_MAX && newest >= seen_table_seq_end(t) / 4 * 3;
}

bool seen_table_is_outgrown(const SeenTable *t, size_t n, uint64_t newest)
{
        return n > seen_table_limit(t) || is_narrow(t, newest);
}

SeenTable seen_table_next(const SeenTable *t, size_t n, uint64_t newest)
{
        bool is_wider = t->size && is_narrow(t, newest) &&
                        n + seen_table_n_places(t) / TAKEN_AT_ONCE <= seen_table_limit(t);
        SeenTable next = {.width = WIDTH_LEAST};

        next.size = !t->size ? SIZE_LEAST : (uint8_t)(t->size + !is_wider);
        while (next.width < WIDTH_MAX && newest >= seen_table_seq_end(&next) / 2)
                next.width++;
        return next;
}

int seen_table_make(SeenTable *t)
{
        t->places = pages_new(seen_table_bytes(t));
        return t->places ? 0 : -ENOMEM;
}

void seen_table_free(SeenTable *t)
{
        t->places = pages_free(t->places, seen_table_bytes(t));
        *t = (SeenTable){0};
}

bool seen_table_put(SeenTable *t, uint64_t hash, uint64_t seq)
{
        size_t home = seen_home(t, hash), at = home, end;

        if (seq >= seen_table_seq_end(t))
                return false;
        while (seen_table_may_follow(t, home, at))
                at++;
        if (at - home > SHIFT_MAX)
                return false;
        for (end = at; seen_table_packed_at(t, end); end++)
                if (seen_table_place_at(t, end).shift == SHIFT_MAX)
                        return false;
        for (; end > at; end--) {
                Place p = seen_table_place_at(t, end - 1);

                p.shift++;
                put_place(t, end, p);
        }
        put_place(t, at,
                  (Place){.seq = seq,
                          .shift = (unsigned)(at - home),
                          .rest = seen_table_rest_of(t, home, hash)});
        return true;
}

void seen_table_take_out(SeenTable *t, size_t i)
{
        for (; seen_table_packed_at(t, i + 1) && seen_table_place_at(t, i + 1).shift > 0; i++) {
                Place p = seen_table_place_at(t, i + 1);

                p.shift--;
                put_place(t, i, p);
        }
        put_packed(t, i, 0);
}

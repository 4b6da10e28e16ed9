/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/core/pages.h"
#include "daemon/core/seen_table.h"

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
        bool is_wider =
                t->size && is_narrow(t, newest) && n + seen_n_homes(t) / TAKEN_AT_ONCE <= seen_table_limit(t);
        SeenTable next = {.width = WIDTH_LEAST};

        next.size = !t->size ? SIZE_LEAST : (uint8_t)(t->size + !is_wider);
        while (next.width < WIDTH_MAX && newest >= seen_table_seq_end(&next) / 2)
                next.width++;
        return next;
}

int seen_table_make(SeenTable *t)
{
        size_t n_marks = seen_table_n_places(t) / 64;

        t->marks = pages_new(seen_table_bytes(t));
        if (!t->marks)
                return -ENOMEM;
        t->pushed = (uint8_t *)(t->marks + n_marks);
        t->places = t->pushed + n_marks;
        return 0;
}

void seen_table_free(SeenTable *t)
{
        pages_free(t->marks, seen_table_bytes(t));
        *t = (SeenTable){0};
}

/*
 * From @at, which is behind all with a home before @home, on: the first place that nothing with an earlier home lies in. With
 * @is_free: the first one in which nothing lies.
 */
static size_t behind_pushed(const SeenTable *t, size_t home, size_t at, bool is_free)
{
        size_t block = home / 64, block_of_end = at / 64;
        uint64_t homes = t->marks[block].homes & seen_marks_from(home),
                 ends = t->marks[block_of_end].ends & seen_marks_from(at);

        for (;;) {
                while (!homes) {
                        if ((block + 1) * 64 >= at + is_free)
                                return at;
                        homes = t->marks[++block].homes;
                }
                if (block * 64 + (size_t)__builtin_ctzll(homes) >= at + is_free)
                        return at;
                homes &= homes - 1;
                while (!ends)
                        ends = t->marks[++block_of_end].ends;
                at = block_of_end * 64 + (size_t)__builtin_ctzll(ends) + 1;
                ends &= ends - 1;
        }
}

/* In two halves that overlap: a copy of so many bytes as it has would be a call. */
static void put_packed(SeenTable *t, size_t at, uint64_t packed)
{
        unsigned char *place = t->places + at * t->width;
        size_t behind = t->width - sizeof(uint32_t);
        uint32_t low = htole32((uint32_t)packed), high = htole32((uint32_t)(packed >> 8 * behind));

        memcpy(place, &low, sizeof(low));
        memcpy(place + behind, &high, sizeof(high));
}

/* What ends from @at on, and before the free place, ends one place further up. */
static void move_ends_up(SeenTable *t, size_t at, size_t gap)
{
        for (size_t block = gap / 64;; block--) {
                uint64_t ends = t->marks[block].ends, moved = ends << 1, mask = UINT64_MAX;

                if (block == gap / 64)
                        mask &= seen_marks_up_to(gap);
                if (block == at / 64)
                        mask &= seen_marks_from(at);
                else
                        moved |= t->marks[block - 1].ends >> 63;
                t->marks[block].ends = (ends & ~mask) | (moved & mask);
                if (block == at / 64)
                        break;
        }
        t->marks[at / 64].ends &= ~seen_marks_bit(at);
}

/*
 * Moves up what lies from @at on, for one that is to have this home; where another @has it already, that one's end moves along.
 * False: something would lie too far from home.
 */
static bool make_place(SeenTable *t, size_t home, size_t at, bool has)
{
        size_t gap = behind_pushed(t, home + 1, at, true);
        unsigned char *place = t->places + at * t->width;

        for (size_t block = home / 64 + 1; block <= gap / 64; block++)
                if (t->pushed[block] == PUSHED_MAX)
                        return false;
        for (size_t block = home / 64 + 1; block <= gap / 64; block++)
                t->pushed[block]++;
        move_ends_up(t, at - has, gap);
        memmove(place + t->width, place, (gap - at) * t->width);
        return true;
}

/* What lies behind @at moves down, and frees the last one. */
static void move_down(SeenTable *t, size_t at, size_t last)
{
        unsigned char *places = t->places + at * t->width;

        memmove(places, places + t->width, (last - at) * t->width);
        for (size_t block = at / 64; block <= last / 64; block++) {
                uint64_t ends = t->marks[block].ends, moved = ends >> 1, mask = UINT64_MAX;

                if (block == at / 64)
                        mask &= seen_marks_from(at);
                if (block == last / 64)
                        mask &= seen_marks_up_to(last);
                else
                        moved |= t->marks[block + 1].ends << 63;
                t->marks[block].ends = (ends & ~mask) | (moved & mask);
        }
        t->marks[last / 64].ends &= ~seen_marks_bit(last);
}

bool seen_table_put(SeenTable *t, uint64_t hash, uint64_t seq)
{
        size_t home = seen_home(t, hash), at;
        SeenMarks *marks = &t->marks[home / 64];

        if (seq >= seen_table_seq_end(t))
                return false;
        at = seen_marks_behind_homes(t, home, marks->homes & seen_marks_up_to(home));
        if (at > home && !make_place(t, home, at, seen_marks_has(t, home)))
                return false;
        marks->homes |= seen_marks_bit(home);
        t->marks[at / 64].ends |= seen_marks_bit(at);
        put_packed(t, at, seq << seen_table_rest_bits(t) | seen_table_rest_of(t, home, hash));
        return true;
}

bool seen_table_take_out(SeenTable *t, uint64_t hash, uint64_t seq)
{
        size_t home = seen_home(t, hash), begin, at, last;
        uint64_t packed = seq << seen_table_rest_bits(t) | seen_table_rest_of(t, home, hash);
        bool is_last;

        if (seq >= seen_table_seq_end(t) || !seen_marks_has(t, home))
                return false;
        begin = at = seen_marks_begin(t, home);
        while (seen_table_packed_at(t, at) != packed)
                if (seen_marks_ends(t, at++))
                        return false;
        is_last = seen_marks_ends(t, at);
        last = behind_pushed(t, home + 1, seen_marks_behind_ends(t, at, 1), false) - 1;
        move_down(t, at, last);
        if (is_last && at == begin)
                t->marks[home / 64].homes &= ~seen_marks_bit(home);
        else if (is_last)
                t->marks[(at - 1) / 64].ends |= seen_marks_bit(at - 1);
        for (size_t block = home / 64 + 1; block <= last / 64; block++)
                t->pushed[block]--;
        return true;
}

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which home what lies in a place of known ids has, for seen.c and the other files of it alone.
 *
 * Ids of one home lie side by side in the order in which they came, from the home on, or behind those of earlier homes. Two
 * bits for each place tell whose it is, as in a quotient filter with rank and select (Pandey and others, 2017): one says that
 * some id has its home there, the other that the last id of some home lies there, so that the nth end is that of the nth home.
 * Counts begin anew with each 64 places, for which it is known how many ids with homes before them lie there and behind.
 *
 * No loop needs a bound of its own: each home that is marked has an end, and what is pushed behind the last home ends before
 * the last place.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/seen.h"

/* At most so many ids lie in a block of 64 places or behind it that have their homes before it. */
#define PUSHED_MAX UINT8_MAX
/* Places behind the last home, in whole blocks: the last one is always free. */
#define OVERHANG (PUSHED_MAX + 1U)

/* Bits of the word that has one for @at. */
static inline uint64_t seen_marks_bit(size_t at)
{
        return UINT64_C(1) << at % 64;
}

static inline uint64_t seen_marks_below(size_t at)
{
        return (UINT64_C(1) << at % 64) - 1;
}

static inline uint64_t seen_marks_up_to(size_t at)
{
        return UINT64_MAX >> (63 - at % 64);
}

static inline uint64_t seen_marks_from(size_t at)
{
        return UINT64_MAX << at % 64;
}

/* __builtin_popcountll() is a call where the processor is not known to count bits. */
static inline size_t seen_marks_count(uint64_t bits)
{
        bits -= bits >> 1 & UINT64_C(0x5555555555555555);
        bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
        bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
        return (size_t)(bits * UINT64_C(0x0101010101010101) >> 56);
}

/* Whether some id has this home. */
static inline bool seen_marks_has(const SeenTable *t, size_t home)
{
        return t->marks[home / 64].homes >> home % 64 & 1;
}

/* Whether what lies at @at is the last one that has its home. */
static inline bool seen_marks_ends(const SeenTable *t, size_t at)
{
        return t->marks[at / 64].ends >> at % 64 & 1;
}

/* Behind the @n ends that come next from @at on, which are there. */
static inline size_t seen_marks_behind_ends(const SeenTable *t, size_t at, size_t n)
{
        size_t block = at / 64;
        uint64_t ends = t->marks[block].ends & seen_marks_from(at);

        for (; n > 0; n--) {
                while (!ends)
                        ends = t->marks[++block].ends;
                at = block * 64 + (size_t)__builtin_ctzll(ends) + 1;
                ends &= ends - 1;
        }
        return at;
}

/* The first place from @home on that is behind all with an earlier block's home and with these of its own. */
static inline size_t seen_marks_behind_homes(const SeenTable *t, size_t home, uint64_t homes)
{
        size_t block = home / 64, at = block * 64 + t->pushed[block], n = seen_marks_count(homes);

        if (at < home) { /* what ends before it is not in the way */
                n -= seen_marks_count(t->marks[block].ends & seen_marks_from(at) & seen_marks_below(home));
                at = home;
        }
        return seen_marks_behind_ends(t, at, n);
}

/* The first place of what has this home, or where it would be. */
static inline size_t seen_marks_begin(const SeenTable *t, size_t home)
{
        return seen_marks_behind_homes(t, home, t->marks[home / 64].homes & seen_marks_below(home));
}

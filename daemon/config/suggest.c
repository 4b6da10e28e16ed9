/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "daemon/config/suggest.h"

/* Longer words are not compared. */
#define WORD_MAX 64

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
        unsigned m = a < b ? a : b;

        return m < c ? m : c;
}

static char lower(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/*
 * Edit distance in which exchanging two neighbours is one step, too. Three rows of the table are enough: row
 * i looks back to i - 1 and, for the exchange, to i - 2.
 */
static unsigned distance(Text a, Text b)
{
        unsigned rows[3][WORD_MAX + 1];

        for (size_t j = 0; j <= b.n; j++)
                rows[0][j] = (unsigned)j;
        for (size_t i = 1; i <= a.n; i++) {
                unsigned *row = rows[i % 3];
                const unsigned *above = rows[(i + 2) % 3];
                const unsigned *above2 = rows[(i + 1) % 3];

                row[0] = (unsigned)i;
                for (size_t j = 1; j <= b.n; j++) {
                        bool same = lower(a.at[i - 1]) == lower(b.at[j - 1]);

                        row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
                        if (i > 1 && j > 1 && lower(a.at[i - 1]) == lower(b.at[j - 2]) &&
                            lower(a.at[i - 2]) == lower(b.at[j - 1]) && above2[j - 2] + 1 < row[j])
                                row[j] = above2[j - 2] + 1;
                }
        }
        return rows[a.n % 3][b.n];
}

void suggest_offer(Suggest *s, Text word)
{
        unsigned d;

        if (s->wrong.n == 0 || s->wrong.n > WORD_MAX || word.n == 0 || word.n > WORD_MAX)
                return;
        d = distance(s->wrong, word);
        if (s->best.at && d >= s->distance)
                return;
        s->best = word;
        s->distance = d;
}

const char *suggest_text(const Suggest *s, char ret[SUGGEST_MAX])
{
        size_t shorter = s->wrong.n < s->best.n ? s->wrong.n : s->best.n;
        unsigned allowed = shorter >= 8 ? 3 : shorter >= 5 ? 2 : 1;

        ret[0] = '\0';
        if (s->best.at && s->distance <= allowed)
                snprintf(ret, SUGGEST_MAX, "; did you mean \"" TEXT_FMT "\"?", TEXT_ARG(s->best));
        return ret;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/store_ram_table.h"

static char *put_text(char *to, Text t, Text *ret)
{
        if (t.n)
                memcpy(to, t.at, t.n);
        *ret = (Text){.at = to, .n = t.n};
        return to + t.n;
}

RamRow *ram_row_new(const RamRow *from)
{
        RamRow *row = malloc(sizeof(*row) + from->name.n + from->source.n + from->json.n + 1);
        char *to;

        if (!row)
                return NULL;
        *row = *from;
        to = put_text((char *)(row + 1), from->name, &row->name);
        to = put_text(to, from->source, &row->source);
        put_text(to, from->json, &row->json);
        return row;
}

static size_t row_bytes(const RamRow *row)
{
        return sizeof(*row) + row->name.n + row->source.n + row->json.n;
}

static int compare(const RamRow *row, Text name, uint64_t seq)
{
        int order = text_compare(row->name, name);

        return order ? order : (row->seq > seq) - (row->seq < seq);
}

/* The index of the first row that is not before the key. */
size_t ram_table_place(const RamTable *t, Text name, uint64_t seq)
{
        size_t low = 0, high = t->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (compare(t->rows[middle], name, seq) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

bool ram_table_is_at(const RamTable *t, size_t i, const RamRow *key)
{
        return i < t->n && compare(t->rows[i], key->name, key->seq) == 0;
}

int ram_table_reserve(RamTable *t)
{
        if (t->n == t->size) {
                size_t size = t->size ? t->size * 2 : 64;
                RamRow **p = reallocarray(t->rows, size, sizeof(RamRow *));

                if (!p)
                        return -ENOMEM;
                t->rows = p;
                t->size = size;
        }
        return 0;
}

/* Puts @row, which becomes the table's, in its place. There is room. Returns the row that it replaced, or
 * NULL. */
RamRow *ram_table_set(RamTable *t, RamRow *row)
{
        size_t i = ram_table_place(t, row->name, row->seq);
        RamRow *before = NULL;

        if (ram_table_is_at(t, i, row)) {
                before = t->rows[i];
                t->bytes -= row_bytes(before);
        } else {
                memmove(&t->rows[i + 1], &t->rows[i], (t->n - i) * sizeof(RamRow *));
                t->n++;
        }
        t->rows[i] = row;
        t->bytes += row_bytes(row);
        return before;
}

void ram_table_remove(RamTable *t, const RamRow *row)
{
        size_t i = ram_table_place(t, row->name, row->seq);

        t->bytes -= row_bytes(row);
        t->n--;
        memmove(&t->rows[i], &t->rows[i + 1], (t->n - i) * sizeof(RamRow *));
}

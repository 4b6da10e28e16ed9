/* SPDX-License-Identifier: Apache-2.0 */

/* The store in memory: tallies, marks, and what surveys were before they changed. */

#include <stdlib.h>

#include "daemon/store/store_ram.h"

/* The day is the time of the row; the key is the scope with the day, so that it is one row for each. */
static RamRow tally_row(const StoreTally *t)
{
        return (RamRow){.name = t->scope, .seq = (uint64_t)(int64_t)t->day, .at = t->day, .json = t->counts};
}

int ram_put_tally(Store *base, const StoreTally *row)
{
        RamRow values = tally_row(row);

        return ram_put(store_ram(base), TABLE_TALLY, &values);
}

int ram_expire_tallies(Store *base, int32_t day, size_t max, size_t *ret_n)
{
        return ram_expire(store_ram(base), TABLE_TALLY, day, max, ret_n);
}

/* The epoch is the time of the row, and its bytes, most significant first, are the name: so they sort by it. */
typedef struct EpochName {
        char bytes[sizeof(uint64_t)];
} EpochName;

static RamRow revised_row(const StoreRevised *r, EpochName *name)
{
        for (size_t i = 0; i < sizeof(name->bytes); i++)
                name->bytes[i] = (char)(r->epoch >> 8 * (sizeof(name->bytes) - 1 - i));
        return (RamRow){
                .name = {.at = name->bytes, .n = sizeof(name->bytes)},
                .seq = r->seq,
                .at = (usec_t)r->epoch,
                .json = r->json,
        };
}

int ram_put_revised(Store *base, const StoreRevised *row)
{
        StoreRam *s = store_ram(base);
        const RamTable *t = &s->tables[TABLE_REVISED];
        EpochName name;
        RamRow values = revised_row(row, &name);

        if (ram_table_is_at(t, ram_table_place(t, values.name, values.seq), &values))
                return 0;
        return ram_put(s, TABLE_REVISED, &values);
}

int ram_scan_revised(Store *base, StoreRevisedFn fn, void *user)
{
        const RamTable *t = &store_ram(base)->tables[TABLE_REVISED];
        int r = 0;

        for (size_t i = 0; i < t->n && r == 0; i++) {
                StoreRevised row = {
                        .epoch = (uint64_t)t->rows[i]->at, .seq = t->rows[i]->seq, .json = t->rows[i]->json};

                r = fn(user, &row);
        }
        return r;
}

int ram_expire_revised(Store *base, uint64_t epoch, size_t max, size_t *ret_n)
{
        return ram_expire(store_ram(base), TABLE_REVISED, (usec_t)epoch, max, ret_n);
}

int ram_put_mark(Store *base, Text name, int64_t value)
{
        return ram_put(store_ram(base), TABLE_MARK, &(RamRow){.name = name, .at = value});
}

int ram_get_tally(Store *base, int32_t day, Text scope, Buffer *ret)
{
        const RamTable *t = &store_ram(base)->tables[TABLE_TALLY];
        const StoreTally wanted = {.day = day, .scope = scope};
        RamRow key = tally_row(&wanted);
        size_t i = ram_table_place(t, key.name, key.seq);

        if (!ram_table_is_at(t, i, &key))
                return STORE_E_NOT_FOUND;
        buffer_append_text(ret, t->rows[i]->json);
        return buffer_failed(ret) ? ram_no_memory(base) : 0;
}

int ram_scan_tallies(Store *base, int32_t after_day, Text after_scope, size_t max, StoreTallyFn fn,
                     void *user)
{
        const RamTable *t = &store_ram(base)->tables[TABLE_TALLY];
        RamRow **rows = ram_sorted(t, ram_oldest_first);
        size_t n = 0;
        int r = 0;

        if (!rows)
                return ram_no_memory(base);
        for (size_t i = 0; i < t->n && r == 0 && (max == 0 || n < max); i++) {
                StoreTally row = {
                        .day = (int32_t)rows[i]->at, .scope = rows[i]->name, .counts = rows[i]->json};

                if (row.day < after_day ||
                    (row.day == after_day && text_compare(row.scope, after_scope) <= 0))
                        continue;
                n++;
                r = fn(user, &row);
        }
        free(rows);
        return r;
}

int ram_get_mark(Store *base, Text name, int64_t *ret)
{
        const RamTable *t = &store_ram(base)->tables[TABLE_MARK];
        RamRow key = {.name = name};
        size_t i = ram_table_place(t, name, 0);

        if (!ram_table_is_at(t, i, &key))
                return STORE_E_NOT_FOUND;
        *ret = t->rows[i]->at;
        return 0;
}

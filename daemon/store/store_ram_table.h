#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One table of the store in memory: rows sorted by name and number.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/def.h"
#include "proto/base/text.h"
#include "proto/base/usec.h"

/* A row of any table. Texts lie behind it. */
typedef struct RamRow {
        Text name;    /* alert: id; feed: principal; tally: scope; mark: name; survey: empty */
        uint64_t seq; /* alert: 0 */
        usec_t at;
        bool is_open;
        Text source;
        Text json;
} RamRow;

/* Sorted by (name, seq). */
typedef struct RamTable {
        RamRow **rows;
        size_t n, size;
        size_t bytes;
} RamTable;

/* A malloc'ed copy with its texts; NULL without memory. */
RamRow *ram_row_new(const RamRow *from);

/* The index of the first row that is not before the key. */
size_t ram_table_place(const RamTable *t, Text name, uint64_t seq);
bool ram_table_is_at(const RamTable *t, size_t i, const RamRow *key);

/* Room for one more row. -ENOMEM. */
CX_MUST_CHECK int ram_table_reserve(RamTable *t);
/* Puts @row, which becomes the table's, in its place; there is room. Returns the row that it replaced, or NULL. */
RamRow *ram_table_set(RamTable *t, RamRow *row);
/* Takes @row out; it is the caller's again. */
void ram_table_remove(RamTable *t, const RamRow *row);

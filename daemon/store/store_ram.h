#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The store in memory, as its own files share it. Private to daemon/store.
 */

#include "daemon/store/store_impl.h"
#include "daemon/store/store_ram_table.h"

typedef enum TableKind {
        TABLE_SURVEY,
        TABLE_ALERT,
        TABLE_FEED,
        TABLE_TALLY,
        TABLE_MARK,
        TABLE_REVISED,
        _TABLE_N,
} TableKind;

/* Before the change there was @row at that key, or no row; then @name and @seq say which one was added. */
typedef struct Undo {
        TableKind table;
        RamRow *row;
        RamRow *added; /* as it was in the table; NULL: the change was a deletion */
} Undo;

typedef struct StoreRam {
        Store base;
        RamTable tables[_TABLE_N];
        Undo *undo;
        size_t n_undo, size_undo;
        uint64_t last_seq, last_seq_before;
} StoreRam;

static inline StoreRam *store_ram(Store *s)
{
        return CX_CONTAINER_OF(s, StoreRam, base);
}

/* store_ram.c */

/* -ENOMEM, with the sentence. */
int ram_no_memory(Store *s);
/* Inserts or replaces. -ENOMEM. */
CX_MUST_CHECK int ram_put(StoreRam *s, TableKind kind, const RamRow *values);
/* Deletes up to @max rows whose time is before @before. -ENOMEM. */
CX_MUST_CHECK int ram_expire(StoreRam *s, TableKind kind, usec_t before, size_t max, size_t *ret_n);
int ram_oldest_first(const void *a, const void *b);
/* The rows in that order, to be freed; NULL without memory. */
RamRow **ram_sorted(const RamTable *t, int (*order)(const void *a, const void *b));

/* store_ram_tally.c */
int ram_put_tally(Store *base, const StoreTally *row);
int ram_expire_tallies(Store *base, int32_t day, size_t max, size_t *ret_n);
int ram_put_revised(Store *base, const StoreRevised *row);
int ram_scan_revised(Store *base, StoreRevisedFn fn, void *user);
int ram_expire_revised(Store *base, uint64_t epoch, size_t max, size_t *ret_n);
int ram_put_mark(Store *base, Text name, int64_t value);
int ram_get_tally(Store *base, int32_t day, Text scope, Buffer *ret);
int ram_scan_tallies(Store *base, int32_t after_day, Text after_scope, size_t max, StoreTallyFn fn,
                     void *user);
int ram_get_mark(Store *base, Text name, int64_t *ret);

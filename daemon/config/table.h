#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A CSV file with a header: finds its columns by name and checks every row against them.
 */

#include <stdbool.h>

#include "daemon/config/csv.h"
#include "proto/base/def.h"
#include "proto/base/diag.h"
#include "proto/base/text.h"

#define TABLE_COLUMNS_MAX 8

typedef struct TableColumn {
        const char *name;
        bool required; /* in the header */
} TableColumn;

typedef struct Table {
        Csv csv;
        const TableColumn *columns;
        size_t n_columns;
        size_t place[TABLE_COLUMNS_MAX]; /* of the column in the rows; SIZE_MAX: the file does not have it */
        size_t n_header;
} Table;

/* Reads the header. Borrows everything. -ENOMEM; -EINVAL with @diag. */
CX_MUST_CHECK int table_init(Table *t, const TableColumn *columns, size_t n_columns, Text csv,
                             const char *file, Diag *diag);
void table_deinit(Table *t);

/* Like csv_next(): 0, CSV_E_END, -ENOMEM, -EINVAL. */
CX_MUST_CHECK int table_next(Table *t, Diag *diag);

/* The cell without blanks around it; absent if it is empty or the file has no such column. Valid until
 * table_next(). */
Text table_cell(const Table *t, size_t column);

/* Says what is wrong with a cell of the present row. Returns -EINVAL. */
CX_PRINTF(4, 5) int table_fail(const Table *t, size_t column, Diag *diag, const char *format, ...);

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads CSV as spreadsheets and personnel systems write it (RFC 4180): quoted fields, CRLF or LF, a byte
 * order mark.
 *
 * Bytes in, rows out; no file. Empty lines are skipped. A field that is quoted may hold commas and line
 * breaks.
 */

#include <stddef.h>

#include "proto/base/buffer.h"
#include "proto/base/def.h"
#include "proto/base/diag.h"
#include "proto/base/text.h"

#define CSV_FIELDS_MAX 64
#define CSV_FIELD_MAX  4096 /* bytes */

typedef struct Csv {
        Text rest;
        const char *file; /* for messages; borrowed */
        unsigned next_line;
        Buffer unquoted; /* the fields of the present row that had doubled quotes */

        /* The present row. Texts are valid until the next call. */
        unsigned line; /* where it begins */
        size_t n_fields;
        Text fields[CSV_FIELDS_MAX];
} Csv;

enum {
        _CSV_OK,
        CSV_E_END, /* there are no more rows */
};

/* Borrows @text and @file. */
void csv_init(Csv *c, Text text, const char *file);
void csv_deinit(Csv *c);

/* 0: the next row is there; CSV_E_END; -ENOMEM; -EINVAL with @diag. */
CX_MUST_CHECK int csv_next(Csv *c, Diag *diag);

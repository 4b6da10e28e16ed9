#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads CSV (RFC 4180): quoted fields with doubled quotes and line ends in them, CRLF or LF, a byte order
 * mark. A NUL breaks its record: no text has one, and UTF-16 is full of them. Files of gzip and zip (.xlsx) are
 * told by their first bytes.
 *
 * A stray quote takes the rows that follow into its field. Where a field over several lines turns out to be broken, reading
 * goes on at the line after the one in which it began.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/base/buffer.h"
#include "proto/base/def.h"
#include "proto/base/text.h"

#define CSV_FIELDS_MAX 1024
#define CSV_BYTES_MAX  (1U << 20) /* one record */

enum {
        _CSV_OK,
        CSV_E_END,    /* no more records */
        CSV_E_BROKEN, /* csv.broken says how; the next record can be read */
};

typedef struct Csv {
        FILE *from; /* borrowed */
        char delimiter;
        uint64_t line, last_line; /* of the present record, from 1 */
        uint64_t again_line;      /* within it, where reading goes on; 0: behind it */
        uint64_t n_read;          /* bytes */
        const char *broken;

        size_t n_fields;
        Buffer bytes;
        size_t starts[CSV_FIELDS_MAX], ends[CSV_FIELDS_MAX];
        uint64_t next_line;
        int latest; /* byte that was read */

        Buffer kept;                   /* bytes of the file that are read again, or may have to be */
        size_t kept_at;                /* the next one */
        bool marked;                   /* the present field has several lines, and the second begins here: */
        size_t mark;                   /* in kept */
        uint64_t mark_line, mark_read; /* next_line and n_read there */
} Csv;

void csv_init(Csv *c, FILE *from, char delimiter);
void csv_deinit(Csv *c);

/* The next record; records without any byte are skipped. 0, a condition from above, -ENOMEM, or what reading failed with. */
CX_MUST_CHECK int csv_next(Csv *c);

/* Borrowed until the next record, without NUL. A field that is not there is empty. */
Text csv_field(const Csv *c, size_t i);

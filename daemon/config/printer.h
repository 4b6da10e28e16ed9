#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes YAML of the kind that node.h reads: blocks for sections, one line for each value.
 *
 * Failure is the buffer's.
 */

#include <stddef.h>

#include "daemon/config/config.h"
#include "proto/base/buffer.h"
#include "proto/base/text.h"

typedef struct Printer {
        Buffer *to;
        unsigned depth; /* of blocks */
        bool item;      /* the next line begins an item of a list */
        const Config *c;
} Printer;

/* Indentation and "key:"; the caller goes on with a value and printer_end(), or begins a block. */
void printer_key(Printer *p, Text key);
void printer_text(Printer *p, Text t); /* quoted where it must be */
void printer_end(Printer *p);

/* "key: [a, b]" */
void printer_texts(Printer *p, const char *key, char *const *texts, size_t n);

/* After printer_key(): what is printed up to printer_close() lies below that key. */
void printer_open(Printer *p);
void printer_close(Printer *p);

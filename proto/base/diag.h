#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What was wrong with a file, and where: "rules.yaml:14: rules.nps-drop.window: ...".
 *
 * Parsers fill one in and return -EINVAL; the caller prints it. The sentence says what is wrong and what would be
 * right. Filling a Diag never fails: text that is too long is cut.
 */

#include <stddef.h>

#include "proto/base/def.h"

typedef struct Diag {
        char file[256];
        unsigned line;   /* from 1; 0: not known */
        char field[192]; /* dotted path of the key or column; may be empty */
        char text[512];
} Diag;

#define DIAG_NULL ((Diag){0})

/* Fills in all of it; @file and @field may be NULL (empty). Always returns -EINVAL. */
CX_PRINTF(5, 6)
int diag_set(Diag *d, const char *file, unsigned line, const char *field, const char *format, ...);

/* Writes "file:line: field: text" without what is empty, cut to @size. Returns @ret. */
char *diag_format(const Diag *d, char *ret, size_t size);

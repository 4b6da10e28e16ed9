#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Allocation for a short-lived program: it succeeds, or the program says so and ends.
 */

#include <stddef.h>

#include "proto/base/def.h"

void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
CX_PRINTF(1, 2) char *xasprintf(const char *format, ...);

/* For CX_CLEANUP on a char * or any other malloc'ed pointer. */
void xfreep(void *p);

/* Grows an array so that it has room for one more: XGROW(items, n, size). */
#define XGROW(_items, _n, _size)                                                                             \
        do {                                                                                                 \
                if ((_n) == (_size)) {                                                                       \
                        (_size) = (_size) ? 2 * (_size) : 16;                                                \
                        (_items) = xrealloc((_items), (_size), sizeof(*(_items)));                           \
                }                                                                                            \
        } while (0)

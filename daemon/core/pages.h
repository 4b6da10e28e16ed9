#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory in whole pages, for what is large: it takes memory as it is used, and gives it back when it is freed.
 */

#include <stddef.h>

/* @n bytes of zeros. NULL without memory. */
void *pages_new(size_t n);
/* As many as it was made with; NULL is nothing. */
void *pages_free(void *pages, size_t n);

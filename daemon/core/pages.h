#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory in whole pages, for what is large and changes all over: a forked child does not get it.
 *
 * While a child has a page, too, the first change of it takes a copy of the page. What the child has no use for need not
 * be copied.
 */

#include <stddef.h>

/* @n bytes of zeros, which take memory as they are used. NULL without memory. */
void *pages_new(size_t n);
/* As many as it was made with; NULL is nothing. */
void *pages_free(void *pages, size_t n);

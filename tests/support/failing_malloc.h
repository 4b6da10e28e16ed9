#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* Allocations that fail, for a test that is linked with dep_wrap_malloc: what it defines may be in one file only. */

#include <stdbool.h>
#include <stdlib.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static long countdown = -1; /* the allocation after so many fails; < 0: none */
static bool stays_short;    /* then all of them do */
static bool failed;         /* one did */

/* Whether this allocation is to fail. */
static inline bool fails(void)
{
        if (countdown < 0 || countdown > 0) {
                countdown -= countdown > 0;
                return false;
        }
        countdown -= !stays_short;
        failed = true;
        return true;
}

void *__wrap_malloc(size_t n)
{
        return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
        return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return fails() ? NULL : __real_reallocarray(p, n, size);
}

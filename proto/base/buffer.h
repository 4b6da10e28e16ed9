#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A growing run of bytes.
 *
 * An append that finds no memory marks the buffer as failed and every later append does nothing, so a writer
 * checks once, at the end, with buffer_failed(). Embedded in the caller's memory.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "proto/base/def.h"
#include "proto/base/text.h"

typedef struct Buffer {
        char *data;
        size_t n;
        size_t size;
        bool failed;
} Buffer;

#define BUFFER_NULL ((Buffer){0})

void buffer_deinit(Buffer *b);

/* Empty, but keeps its memory; forgets a failure. */
void buffer_reset(Buffer *b);

static inline void buffer_append(Buffer *b, const void *data, size_t n);
static inline void buffer_append_char(Buffer *b, char c);
void buffer_append_text(Buffer *b, Text t);
void buffer_append_str(Buffer *b, const char *s);
CX_PRINTF(2, 3) void buffer_append_format(Buffer *b, const char *format, ...);

/* Room for @n more bytes, to be filled by the caller, who then adds to b->n; NULL if failed. */
char *buffer_reserve(Buffer *b, size_t n);

/* Drops the first @n bytes. */
void buffer_consume(Buffer *b, size_t n);

/* The content as a C string (NUL is not counted in n), or NULL if failed. Borrowed until the next call. */
const char *buffer_str(Buffer *b);

/* For buffer_append() only: where there is no room yet. */
void buffer_append_slow(Buffer *b, const void *data, size_t n);

static inline void buffer_append(Buffer *b, const void *data, size_t n)
{
        if (b->failed || b->size - b->n < n || n == 0) {
                buffer_append_slow(b, data, n);
                return;
        }
        memcpy(b->data + b->n, data, n);
        b->n += n;
}

static inline void buffer_append_char(Buffer *b, char c)
{
        buffer_append(b, &c, 1);
}

static inline bool buffer_failed(const Buffer *b)
{
        return b->failed;
}

static inline Text buffer_text(const Buffer *b)
{
        return (Text){.at = b->data, .n = b->n};
}

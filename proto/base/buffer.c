/* SPDX-License-Identifier: Apache-2.0 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/buffer.h"

void buffer_deinit(Buffer *b)
{
        free(b->data);
        *b = BUFFER_NULL;
}

void buffer_reset(Buffer *b)
{
        b->n = 0;
        b->failed = false;
}

char *buffer_reserve(Buffer *b, size_t n)
{
        size_t need, size = b->size ? b->size : 256;
        char *data;

        if (b->failed)
                return NULL;
        if (__builtin_add_overflow(b->n, n, &need) || need > SIZE_MAX / 2) {
                b->failed = true;
                return NULL;
        }
        if (need > b->size) {
                while (size < need)
                        size *= 2;
                data = realloc(b->data, size);
                if (!data) {
                        b->failed = true;
                        return NULL;
                }
                b->data = data;
                b->size = size;
        }
        return b->data ? b->data + b->n : NULL;
}

void buffer_append_slow(Buffer *b, const void *data, size_t n)
{
        char *to = n ? buffer_reserve(b, n) : NULL;

        if (!to)
                return;
        memcpy(to, data, n);
        b->n += n;
}

void buffer_append_text(Buffer *b, Text t)
{
        buffer_append(b, t.at, t.n);
}

void buffer_append_str(Buffer *b, const char *s)
{
        buffer_append(b, s, strlen(s));
}

void buffer_append_format(Buffer *b, const char *format, ...)
{
        va_list args, again;
        char *to;
        int n;

        va_start(args, format);
        va_copy(again, args);
        n = vsnprintf(NULL, 0, format, args);
        va_end(args);
        if (n < 0) {
                b->failed = true;
        } else {
                to = buffer_reserve(b, (size_t)n + 1);
                if (to) {
                        vsnprintf(to, (size_t)n + 1, format, again);
                        b->n += (size_t)n;
                }
        }
        va_end(again);
}

void buffer_consume(Buffer *b, size_t n)
{
        if (n == 0)
                return;
        memmove(b->data, b->data + n, b->n - n);
        b->n -= n;
}

const char *buffer_str(Buffer *b)
{
        char *end = buffer_reserve(b, 1);

        if (!end)
                return NULL;
        *end = '\0';
        return b->data;
}

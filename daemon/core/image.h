#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory written out as bytes, to be read back by the same program on the same kind of machine.
 *
 * Whoever hands bytes to a reader has made sure that they are what was written (a checksum), and by a program that lays
 * them out alike; a reader that comes to their end fails, and then yields zeros.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/text.h"

typedef struct ImageWriter {
        void (*write)(void *user, const void *data, size_t n); /* keeps its errors for itself */
        void *user;
} ImageWriter;

typedef struct ImageReader {
        const unsigned char *at;
        size_t n; /* bytes that are left */
        bool failed;
} ImageReader;

static inline void image_put(const ImageWriter *w, const void *data, size_t n)
{
        if (n)
                w->write(w->user, data, n);
}

static inline void image_put_number(const ImageWriter *w, uint64_t number)
{
        image_put(w, &number, sizeof(number));
}

static inline void image_put_text(const ImageWriter *w, Text t)
{
        image_put_number(w, t.n);
        image_put(w, t.at, t.n);
}

/* The next @n bytes, borrowed; NULL: there are no more so many. */
static inline const unsigned char *image_get(ImageReader *r, size_t n)
{
        const unsigned char *at = r->at;

        if (r->failed || n > r->n) {
                r->failed = true;
                return NULL;
        }
        r->at += n;
        r->n -= n;
        return at;
}

static inline uint64_t image_get_number(ImageReader *r)
{
        const unsigned char *at = image_get(r, sizeof(uint64_t));
        uint64_t number = 0;

        if (at)
                memcpy(&number, at, sizeof(number));
        return number;
}

/* An index or a count that is below @limit; else the reader fails. */
static inline size_t image_get_below(ImageReader *r, size_t limit)
{
        uint64_t number = image_get_number(r);

        if (number >= limit)
                r->failed = true;
        return r->failed ? 0 : (size_t)number;
}

static inline Text image_get_text(ImageReader *r)
{
        size_t n = image_get_below(r, r->n + 1);

        return (Text){.at = (const char *)image_get(r, n), .n = r->failed ? 0 : n};
}

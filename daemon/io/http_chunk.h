#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decodes a chunked request body, strictly.
 *
 * Pure. Chunk extensions and trailers are passed over, up to HTTP_CHUNK_EXTRA_MAX bytes of them in one body. A plain value.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/base/buffer.h"

typedef struct HttpChunk {
        int state;
        unsigned digits;
        unsigned extra; /* bytes of extensions and trailers so far */
        uint64_t left;
} HttpChunk;

#define HTTP_CHUNK_EXTRA_MAX 4096
#define HTTP_CHUNK_NULL      ((HttpChunk){0})

enum {
        _HTTP_CHUNK_OK,     /* more is needed */
        HTTP_CHUNK_E_DONE,  /* the body is complete */
        HTTP_CHUNK_E_BAD,   /* not a chunked body */
        HTTP_CHUNK_E_LARGE, /* @to would hold more than @max */
};

/* Consumes from @data, appends to @to. *ret_n: how much was consumed, whatever it returns. -ENOMEM. */
int http_chunk_feed(HttpChunk *c, const char *data, size_t n, size_t max, Buffer *to, size_t *ret_n);

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/io/http_chunk.h"

enum {
        SIZE,    /* hexadecimal digits */
        SIZE_LF, /* the LF behind them */
        DATA,    /* @left bytes */
        DATA_CR,
        DATA_LF,
        LAST_CR, /* after the chunk of size 0: the empty line; a trailer would begin otherwise */
        LAST_LF,
        DONE,
};

#define DIGITS_MAX 8

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* One byte outside of DATA. */
static int step(HttpChunk *c, char byte)
{
        int digit = hex_value(byte);

        switch (c->state) {
        case SIZE:
                if (digit >= 0 && c->digits < DIGITS_MAX) {
                        c->left = c->left * 16 + (uint64_t)digit;
                        c->digits++;
                        return 0;
                }
                if (byte != '\r' || c->digits == 0)
                        return HTTP_CHUNK_E_BAD;
                c->state = SIZE_LF;
                return 0;
        case SIZE_LF:
                c->state = c->left > 0 ? DATA : LAST_CR;
                c->digits = 0;
                return byte == '\n' ? 0 : HTTP_CHUNK_E_BAD;
        case DATA_CR:
                c->state = DATA_LF;
                return byte == '\r' ? 0 : HTTP_CHUNK_E_BAD;
        case DATA_LF:
                c->state = SIZE;
                return byte == '\n' ? 0 : HTTP_CHUNK_E_BAD;
        case LAST_CR:
                c->state = LAST_LF;
                return byte == '\r' ? 0 : HTTP_CHUNK_E_BAD;
        default:
                c->state = DONE;
                return byte == '\n' ? HTTP_CHUNK_E_DONE : HTTP_CHUNK_E_BAD;
        }
}

int http_chunk_feed(HttpChunk *c, const char *data, size_t n, size_t max, Buffer *to, size_t *ret_n)
{
        size_t i = 0;
        int r = 0;

        while (r == 0 && i < n) {
                size_t part = n - i;

                if (c->state != DATA) {
                        r = step(c, data[i++]);
                        /* Told before anything of the chunk is there. */
                        if (r == 0 && c->state == DATA && (c->left > max || to->n > max - (size_t)c->left))
                                r = HTTP_CHUNK_E_LARGE;
                        continue;
                }
                if (part > c->left)
                        part = (size_t)c->left;
                buffer_append(to, data + i, part);
                if (buffer_failed(to)) {
                        r = -ENOMEM;
                        break;
                }
                i += part;
                c->left -= part;
                if (c->left == 0)
                        c->state = DATA_CR;
        }
        *ret_n = i;
        return r;
}

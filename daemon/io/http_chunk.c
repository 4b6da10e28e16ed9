/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/io/http_chunk.h"
#include "daemon/io/http_head.h"

enum {
        SIZE,      /* hexadecimal digits */
        EXTENSION, /* what may stand behind them */
        SIZE_LF,   /* the LF behind that */
        DATA,      /* @left bytes */
        DATA_CR,
        DATA_LF,
        LAST_CR, /* after the chunk of size 0: the empty line, or the first byte of a trailer's name */
        LAST_LF,
        NAME,  /* of a trailer */
        VALUE, /* of it */
        VALUE_LF,
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

/* Up to the CR of this line everything is passed over but control characters. */
static int pass_over(HttpChunk *c, char byte, int next)
{
        if (byte == '\r') {
                c->state = next;
                return 0;
        }
        if (((unsigned char)byte < ' ' && byte != '\t') || byte == 0x7f)
                return HTTP_CHUNK_E_BAD;
        return ++c->extra > HTTP_CHUNK_EXTRA_MAX ? HTTP_CHUNK_E_BAD : 0;
}

static int take_name(HttpChunk *c, char byte)
{
        bool is_end = byte == ':' && c->state == NAME;

        c->state = is_end ? VALUE : NAME;
        if (!is_end && !http_is_token_char(byte))
                return HTTP_CHUNK_E_BAD;
        return ++c->extra > HTTP_CHUNK_EXTRA_MAX ? HTTP_CHUNK_E_BAD : 0;
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
                if ((byte != '\r' && byte != ';') || c->digits == 0)
                        return HTTP_CHUNK_E_BAD;
                c->state = EXTENSION;
                return pass_over(c, byte, SIZE_LF);
        case EXTENSION:
                return pass_over(c, byte, SIZE_LF);
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
                if (byte != '\r')
                        return take_name(c, byte);
                c->state = LAST_LF;
                return 0;
        case NAME:
                return take_name(c, byte);
        case VALUE:
                return pass_over(c, byte, VALUE_LF);
        case VALUE_LF:
                c->state = LAST_CR;
                return byte == '\n' ? 0 : HTTP_CHUNK_E_BAD;
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

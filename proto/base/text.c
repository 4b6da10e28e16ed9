/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "proto/base/text.h"

int text_compare(Text a, Text b)
{
        size_t n = a.n < b.n ? a.n : b.n;
        int order = n ? memcmp(a.at, b.at, n) : 0;

        return order ? order : (a.n > b.n) - (a.n < b.n);
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

Text text_trim(Text t)
{
        while (t.n && is_blank(t.at[0])) {
                t.at++;
                t.n--;
        }
        while (t.n && is_blank(t.at[t.n - 1]))
                t.n--;
        return t;
}

bool text_take_line(Text *rest, Text *ret)
{
        while (rest->n) {
                const char *end = memchr(rest->at, '\n', rest->n);
                size_t n = end ? (size_t)(end - rest->at) : rest->n;
                Text line = text_trim((Text){.at = rest->at, .n = n});

                n += end ? 1 : 0;
                *rest = (Text){.at = rest->at + n, .n = rest->n - n};
                if (line.n) {
                        *ret = line;
                        return true;
                }
        }
        return false;
}

char *text_dup(Text t)
{
        char *copy = malloc(t.n + 1);

        if (!copy)
                return NULL;
        if (t.n)
                memcpy(copy, t.at, t.n);
        copy[t.n] = '\0';
        return copy;
}

void text_copy_cut(char *to, size_t size, const char *from)
{
        size_t n = strlen(from);

        if (n >= size) {
                n = size - 1;
                while (n > 0 && ((unsigned char)from[n] & 0xC0) == 0x80)
                        n--;
        }
        memmove(to, from, n);
        to[n] = '\0';
}

/* Reads one code point of well-formed UTF-8; 0 if there is none. Else its length. */
static size_t utf8_take(const unsigned char *p, size_t n, uint32_t *ret)
{
        uint32_t code;
        size_t len;

        if (p[0] < 0x80) {
                *ret = p[0];
                return 1;
        }
        if (p[0] >= 0xC2 && p[0] <= 0xDF) {
                len = 2;
                code = p[0] & 0x1FU;
        } else if ((p[0] & 0xF0) == 0xE0) {
                len = 3;
                code = p[0] & 0x0FU;
        } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
                len = 4;
                code = p[0] & 0x07U;
        } else {
                return 0;
        }
        if (n < len)
                return 0;
        for (size_t i = 1; i < len; i++) {
                if ((p[i] & 0xC0) != 0x80)
                        return 0;
                code = code << 6 | (p[i] & 0x3FU);
        }
        if ((len == 3 && (code < 0x800 || (code >= 0xD800 && code <= 0xDFFF))) ||
            (len == 4 && (code < 0x10000 || code > 0x10FFFF)))
                return 0;
        *ret = code;
        return len;
}

bool text_is_utf8(const char *at, size_t n)
{
        const unsigned char *p = (const unsigned char *)at;
        uint32_t code;

        for (size_t len; n; p += len, n -= len) {
                len = utf8_take(p, n, &code);
                if (len == 0)
                        return false;
        }
        return true;
}

/* U+200C and U+200D join and part letters in scripts that need them, and make emoji: they show. */
static bool is_unprintable(uint32_t c)
{
        return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x061C || c == 0x180E ||
               c == 0x200B || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
               (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB);
}

bool text_is_printable(Text t)
{
        const unsigned char *p = (const unsigned char *)t.at;
        uint32_t code;

        for (size_t n = t.n, len; n; p += len, n -= len) {
                len = utf8_take(p, n, &code);
                if (len == 0 || is_unprintable(code))
                        return false;
        }
        return true;
}

bool text_glob(Text pattern, Text t)
{
        size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

        while (i < t.n) {
                if (p < pattern.n && pattern.at[p] == '*') {
                        star = p++;
                        mark = i;
                } else if (p < pattern.n && pattern.at[p] == t.at[i]) {
                        p++;
                        i++;
                } else if (star != SIZE_MAX) {
                        p = star + 1;
                        i = ++mark;
                } else {
                        return false;
                }
        }
        while (p < pattern.n && pattern.at[p] == '*')
                p++;
        return p == pattern.n;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <wchar.h>

#include "client/display.h"
#include "client/xalloc.h"

/* The code point at @at and its length in bytes; 0: the first byte is no UTF-8. */
static size_t decode(const char *at, size_t n, uint32_t *ret)
{
        const unsigned char *s = (const unsigned char *)at;
        size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
        uint32_t c;

        if (len > n || !text_is_utf8(at, len))
                return 0;
        c = len == 1 ? s[0] : s[0] & (0x7fU >> len);
        for (size_t i = 1; i < len; i++)
                c = c << 6 | (s[i] & 0x3f);
        *ret = c;
        return len;
}

/* @marks: also what does not show itself, as marks that steer the direction of writing. */
static void write_harmless(Text t, bool marks, FILE *to)
{
        uint32_t c;
        size_t len;

        for (size_t i = 0; i < t.n; i += len) {
                len = decode(t.at + i, t.n - i, &c);
                if (len == 0) {
                        fprintf(to, "\\x%02x", (unsigned char)t.at[i]);
                        len = 1;
                } else if ((marks && c >= 0xa0) || text_is_printable((Text){t.at + i, len})) {
                        fwrite(t.at + i, 1, len, to);
                } else if (c == '\n') {
                        fputs("\\n", to);
                } else if (c == '\t') {
                        fputs("\\t", to);
                } else if (c == '\r') {
                        fputs("\\r", to);
                } else if (c < 0x80) {
                        fprintf(to, "\\x%02x", c);
                } else {
                        fprintf(to, "\\u{%x}", c);
                }
        }
}

void display_write(Text t, FILE *to)
{
        write_harmless(t, false, to);
}

void display_write_data(Text t, FILE *to)
{
        write_harmless(t, true, to);
}

char *display_dup(Text t)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return xstrdup("");
        display_write(t, f);
        if (fclose(f) != 0) {
                free(text);
                return xstrdup("");
        }
        return text;
}

static size_t columns_of(uint32_t c)
{
        static locale_t utf8;
        locale_t before;
        int w;

        if (c < 0x80)
                return 1;
        if (!utf8)
                utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
        if (!utf8)
                return 1;
        before = uselocale(utf8);
        w = wcwidth((wchar_t)c);
        uselocale(before);
        return w < 0 ? 1 : (size_t)w;
}

size_t display_width(Text t)
{
        size_t width = 0, len;
        uint32_t c;

        for (size_t i = 0; i < t.n; i += len ? len : 1) {
                len = decode(t.at + i, t.n - i, &c);
                width += len ? columns_of(c) : 1;
        }
        return width;
}

Text display_cut(Text t, size_t columns)
{
        size_t width = 0, len, i;
        uint32_t c;

        for (i = 0; i < t.n; i += len ? len : 1) {
                len = decode(t.at + i, t.n - i, &c);
                width += len ? columns_of(c) : 1;
                if (width > columns)
                        break;
        }
        return (Text){t.at, i};
}

/* Above this a double has no decimals. */
#define WHOLE_MIN 1e15

char *display_number(double value, int decimals, bool sign)
{
        /* An answer of half a step is seldom exactly that as a double: 62.35 is a little less. */
        const double step = pow(10, decimals), nearly = 1e-9;

        if (fabs(value) < WHOLE_MIN)
                value = copysign(floor(fabs(value) * step + 0.5 + nearly) / step, value);
        return xasprintf(sign && value != 0 ? "%+.*f" : "%.*f", decimals, value == 0 ? 0.0 : value);
}

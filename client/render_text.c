/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "client/display.h"
#include "client/table.h"
#include "client/when.h"
#include "client/xalloc.h"

#define GAP      2
#define BOLD     "\033[1m"
#define ELLIPSIS "\xe2\x80\xa6"

const char *style_escape(CellStyle style)
{
        static const char *const escapes[_STYLE_N] = {
                [STYLE_PLAIN] = "",         [STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m",
                [STYLE_BAD] = "\033[1;31m", [STYLE_DIM] = "\033[2m",
        };

        return escapes[style];
}

char *cell_display(const Cell *c)
{
        char time[WHEN_TEXT_MAX];

        switch (c->kind) {
        case CELL_TEXT:
                return display_dup(text_of(c->text));
        case CELL_NUMBER: {
                double v = c->number;
                char *digits = xasprintf(c->sign ? "%+.*f" : "%.*f", c->decimals, v), *with_unit, *ret;

                /* What rounds to zero has no sign. */
                if (digits[0] == '-' && strspn(digits, "-0.") == strlen(digits)) {
                        free(digits);
                        digits = xasprintf("%.*f", c->decimals, 0.0);
                }
                if (!c->unit || !c->unit[0])
                        return digits;
                with_unit = xasprintf("%s %s", digits, c->unit);
                ret = display_dup(text_of(with_unit));
                free(with_unit);
                free(digits);
                return ret;
        }
        case CELL_BOOL:
                return xstrdup(c->number != 0 ? "yes" : "no");
        case CELL_TIME:
                return xstrdup(when_format(c->time, time));
        case CELL_EMPTY:
                break;
        }
        return xstrdup("-");
}

static void pad(FILE *to, size_t n)
{
        while (n--)
                fputc(' ', to);
}

typedef struct Line {
        FILE *to;
        bool color;
        size_t width;  /* of the terminal; 0: any */
        size_t column; /* where we are */
        size_t owed;   /* blanks not written yet, so that no line ends in them */
} Line;

static void line_put(Line *l, const char *s, size_t width, bool right, bool last, const char *escape)
{
        Text t = text_of(s);
        size_t own = display_width(t), fill = width > own ? width - own : 0;
        bool cut = false;

        if (t.n == 0) { /* nothing to write, so the blanks may still turn out to end the line */
                l->owed += width + GAP;
                return;
        }
        l->owed += right ? fill : 0;
        if (last && l->width > 0 && l->column + l->owed + own > l->width &&
            l->column + l->owed + 8 < l->width) {
                t = display_cut(t, l->width - l->column - l->owed - 1);
                cut = true;
        }
        pad(l->to, l->owed);
        l->column += l->owed + own;
        if (l->color && escape[0])
                fputs(escape, l->to);
        fwrite(t.at, 1, t.n, l->to);
        if (cut)
                fputs(ELLIPSIS, l->to);
        if (l->color && escape[0])
                fputs(STYLE_RESET, l->to);
        l->owed = GAP + (right ? 0 : fill);
}

void render_text(const Table *t, FILE *to, bool color, size_t width)
{
        size_t *widths, n_shown = 0, last = 0;
        char **texts;

        if (t->n_rows == 0) {
                if (t->empty)
                        fprintf(to, "%s\n", t->empty);
                return;
        }
        widths = xcalloc(t->n_columns, sizeof(*widths));
        texts = xcalloc(t->n_rows * t->n_columns, sizeof(*texts));
        for (size_t c = 0; c < t->n_columns; c++) {
                if (!t->columns[c].title)
                        continue;
                widths[c] = display_width(text_of(t->columns[c].title));
                last = c;
                n_shown++;
                for (size_t r = 0; r < t->n_rows; r++) {
                        char *s = texts[r * t->n_columns + c] = cell_display(table_cell(t, r, c));
                        size_t w = display_width(text_of(s));

                        if (w > widths[c])
                                widths[c] = w;
                }
        }
        for (size_t r = 0; r <= t->n_rows && n_shown > 0; r++) {
                Line l = {.to = to, .color = color, .width = width};

                for (size_t c = 0; c < t->n_columns; c++) {
                        const Column *column = &t->columns[c];

                        if (!column->title)
                                continue;
                        if (r == 0)
                                line_put(&l, column->title, widths[c], column->right, c == last, BOLD);
                        else
                                line_put(&l, texts[(r - 1) * t->n_columns + c], widths[c], column->right,
                                         c == last, style_escape(table_cell(t, r - 1, c)->style));
                }
                fputc('\n', to);
        }
        for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
                free(texts[i]);
        free(texts);
        free(widths);
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "client/display.h"
#include "client/table.h"
#include "client/when.h"
#include "client/xalloc.h"

#define GAP             2
#define INDENT          4 /* of what stands below */
#define BOLD            "\033[1m"
#define BELOW_WIDTH_MIN 40 /* no columns stand below in a terminal that is narrower than this */
#define ELLIPSIS        "\xe2\x80\xa6"

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
                CX_CLEANUP(xfreep)
                char *digits = display_number(c->number, c->decimals, c->sign), *all = NULL;

                if (c->unit && c->unit[0])
                        all = xasprintf("%s %s", digits, c->unit);
                return display_dup(text_of(all ? all : digits));
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

static void line_put(Line *l, const char *s, size_t width, bool right, bool may_cut, const char *escape)
{
        Text t = text_of(s);
        size_t own = display_width(t), fill = width > own ? width - own : 0;
        bool cut = false;

        if (t.n == 0) { /* nothing to write, so the blanks may still turn out to end the line */
                l->owed += width + GAP;
                return;
        }
        l->owed += right ? fill : 0;
        if (may_cut && l->width > 0 && l->column + l->owed + own > l->width &&
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

/* What is shown of a table: all texts, and how wide each column is. */
typedef struct View {
        const Table *t;
        char **texts;   /* NULL where a column has no title */
        size_t *widths; /* of columns */
        size_t width;   /* of all columns in one line */
        bool below;     /* some columns stand below */
} View;

static void view_init(View *v, const Table *t, size_t width)
{
        bool any = false;

        *v = (View){.t = t,
                    .texts = xcalloc(t->n_rows * t->n_columns, sizeof(*v->texts)),
                    .widths = xcalloc(t->n_columns, sizeof(*v->widths))};
        for (size_t c = 0; c < t->n_columns; c++) {
                if (!t->columns[c].title)
                        continue;
                v->widths[c] = display_width(text_of(t->columns[c].title));
                for (size_t r = 0; r < t->n_rows; r++) {
                        char *s = v->texts[r * t->n_columns + c] = cell_display(table_cell(t, r, c));
                        size_t w = display_width(text_of(s));

                        if (w > v->widths[c])
                                v->widths[c] = w;
                }
                v->width += v->widths[c] + (v->width ? GAP : 0);
                any = any || t->columns[c].below;
        }
        v->below = any && width >= BELOW_WIDTH_MIN && v->width > width;
}

static void view_deinit(View *v)
{
        for (size_t i = 0; i < v->t->n_rows * v->t->n_columns; i++)
                free(v->texts[i]);
        free(v->texts);
        free(v->widths);
}

/* The titles if @r is 0, else a row. */
static void put_row(const View *v, Line *l, size_t r)
{
        const Table *t = v->t;
        size_t last = 0;

        for (size_t c = 0; c < t->n_columns; c++)
                if (t->columns[c].title && !(v->below && t->columns[c].below))
                        last = c;
        for (size_t c = 0; c <= last; c++) {
                const Column *column = &t->columns[c];
                bool may_cut = c == last && !v->below;

                if (!column->title || (v->below && column->below))
                        continue;
                if (r == 0)
                        line_put(l, column->title, v->widths[c], column->right, may_cut, BOLD);
                else
                        line_put(l, v->texts[(r - 1) * t->n_columns + c], v->widths[c], column->right,
                                 may_cut, style_escape(table_cell(t, r - 1, c)->style));
        }
        fputc('\n', l->to);
}

static void next_line(Line *l)
{
        fputc('\n', l->to);
        pad(l->to, INDENT);
        l->column = INDENT;
}

/* In as many lines as it needs. A word that is longer than a line is broken where that ends. */
static void put_wrapped(Line *l, Text t)
{
        for (;;) {
                Text part = display_cut(t, l->width - l->column), shown;
                size_t n = part.n;

                if (part.n < t.n) {
                        while (n > 0 && t.at[n] != ' ')
                                n--;
                        part.n = n ? n : part.n;
                }
                shown = text_trim(part);
                fwrite(shown.at, 1, shown.n, l->to);
                l->column += display_width(shown);
                t = text_trim((Text){t.at + part.n, t.n - part.n});
                if (t.n == 0)
                        return;
                next_line(l);
        }
}

/* The columns that stand below a row, with their titles; what is empty is left out. */
static void put_below(const View *v, Line *l, size_t r)
{
        const Table *t = v->t;

        l->column = 0;
        for (size_t c = 0; c < t->n_columns; c++) {
                const char *title = t->columns[c].title;
                Text text = text_trim(text_of(v->texts[r * t->n_columns + c]));
                size_t own;

                if (!title || !t->columns[c].below || table_cell(t, r, c)->kind == CELL_EMPTY || text.n == 0)
                        continue;
                own = display_width(text_of(title)) + 1 + display_width(text);
                if (l->column == 0) {
                        pad(l->to, INDENT);
                        l->column = INDENT;
                } else if (l->column + GAP + own > l->width) {
                        next_line(l);
                } else {
                        pad(l->to, GAP);
                        l->column += GAP;
                }
                fprintf(l->to, "%s%s%s ", l->color ? BOLD : "", title, l->color ? STYLE_RESET : "");
                l->column += display_width(text_of(title)) + 1;
                put_wrapped(l, text);
        }
        if (l->column > 0)
                fputc('\n', l->to);
}

void render_text(const Table *t, FILE *to, bool color, size_t width)
{
        View v;

        if (t->n_rows == 0) {
                if (t->empty)
                        fprintf(to, "%s\n", t->empty);
                return;
        }
        view_init(&v, t, width);
        for (size_t r = 0; r <= t->n_rows && v.width > 0; r++) {
                Line l = {.to = to, .color = color, .width = width};

                put_row(&v, &l, r);
                if (r > 0 && v.below)
                        put_below(&v, &l, r - 1);
        }
        view_deinit(&v);
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/table.h"
#include "client/xalloc.h"

Table *table_new(const Column *columns, size_t n_columns, const char *empty)
{
        Table *t = xcalloc(1, sizeof(*t));

        t->columns = columns;
        t->n_columns = n_columns;
        t->empty = empty;
        return t;
}

void table_clear(Table *t)
{
        for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
                free(t->cells[i].text);
        t->n_rows = 0;
}

Table *table_free(Table *t)
{
        if (!t)
                return NULL;
        table_clear(t);
        free(t->cells);
        free(t);
        return NULL;
}

void table_row(Table *t)
{
        if (t->n_rows == t->size_rows) {
                t->size_rows = t->size_rows ? 2 * t->size_rows : 16;
                t->cells = xrealloc(t->cells, t->size_rows * t->n_columns, sizeof(Cell));
        }
        memset(t->cells + t->n_rows * t->n_columns, 0, t->n_columns * sizeof(Cell));
        t->n_rows++;
        t->at = 0;
}

static Cell *next(Table *t)
{
        assert(t->n_rows > 0 && t->at < t->n_columns);
        return &t->cells[(t->n_rows - 1) * t->n_columns + t->at++];
}

void table_none(Table *t)
{
        next(t);
}

void table_text(Table *t, Text text)
{
        Cell *c = next(t);

        if (!text.at)
                return;
        c->kind = CELL_TEXT;
        c->text = xstrndup(text.at, text.n);
}

void table_str(Table *t, const char *text)
{
        table_text(t, text_of(text));
}

void table_cell_put(Table *t, Cell cell)
{
        *next(t) = cell;
}

void table_number(Table *t, double value, int decimals, const char *unit, bool sign)
{
        Cell *c = next(t);

        if (!isfinite(value))
                return;
        c->kind = CELL_NUMBER;
        c->number = value;
        c->decimals = decimals;
        c->unit = unit;
        c->sign = sign;
}

void table_int(Table *t, int64_t value)
{
        table_number(t, (double)value, 0, NULL, false);
}

void table_bool(Table *t, bool value)
{
        Cell *c = next(t);

        c->kind = CELL_BOOL;
        c->number = value;
}

void table_time(Table *t, const char *rfc3339)
{
        usec_t time;

        if (rfc3339 && usec_parse(rfc3339, strlen(rfc3339), false, &time) == 0) {
                Cell *c = next(t);

                c->kind = CELL_TIME;
                c->text = xstrdup(rfc3339);
                c->time = time;
        } else {
                table_str(t, rfc3339);
        }
}

void table_style(Table *t, CellStyle style)
{
        assert(t->at > 0);
        t->cells[(t->n_rows - 1) * t->n_columns + t->at - 1].style = style;
}

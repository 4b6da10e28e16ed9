#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a command answers: rows of typed cells. Commands fill tables, renderers print them.
 *
 * A row is begun by table_row() and its cells are added from left to right; cells that are not added are
 * empty.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/base/text.h"
#include "proto/base/usec.h"

typedef enum CellStyle {
        STYLE_PLAIN,
        STYLE_GOOD,
        STYLE_WARN,
        STYLE_BAD,
        STYLE_DIM,
        _STYLE_N,
} CellStyle;

typedef enum CellKind {
        CELL_EMPTY,
        CELL_TEXT,
        CELL_NUMBER,
        CELL_BOOL,
        CELL_TIME,
} CellKind;

typedef struct Cell {
        CellKind kind;
        CellStyle style;
        char *text;       /* CELL_TEXT: as it came, possibly harmful; CELL_TIME: RFC 3339 */
        double number;    /* CELL_NUMBER, CELL_BOOL */
        int decimals;     /* for people; programs get all digits */
        bool sign;        /* for people: also "+" */
        const char *unit; /* for people; borrowed, may be NULL */
        usec_t time;
} Cell;

typedef struct Column {
        const char *id;    /* for programs: "value" */
        const char *title; /* for people: "VALUE"; NULL: not shown to people */
        bool right;        /* aligned to the right */
        bool people_only;  /* not part of CSV and JSON */
        bool below; /* where a terminal is too narrow, in lines of its own below the row, and not in it */
} Column;

typedef struct Table {
        const Column *columns;
        size_t n_columns;
        Cell *cells; /* n_rows * n_columns */
        size_t n_rows, size_rows;
        size_t at;         /* next column in the last row */
        const char *empty; /* what to tell people if there are no rows */
} Table;

/* Borrows @columns and @empty. */
Table *table_new(const Column *columns, size_t n_columns, const char *empty);
Table *table_free(Table *t);
void table_clear(Table *t);

void table_row(Table *t);
void table_none(Table *t);
/* @text NULL: an empty cell. Copies. */
void table_str(Table *t, const char *text);
void table_text(Table *t, Text text);
void table_int(Table *t, int64_t value);
void table_bool(Table *t, bool value);
/* Without a style yet; what it borrows stays borrowed. */
void table_cell_put(Table *t, Cell cell);
/* NaN: an empty cell. @unit is borrowed. */
void table_number(Table *t, double value, int decimals, const char *unit, bool sign);
/* RFC 3339, as the daemon writes it; text that is none stays as it is. NULL: an empty cell. */
void table_time(Table *t, const char *rfc3339);
/* How the cell that was added last looks. */
void table_style(Table *t, CellStyle style);

static inline const Cell *table_cell(const Table *t, size_t row, size_t column)
{
        return &t->cells[row * t->n_columns + column];
}

/*
 * For people: aligned columns. @width: of the terminal, to which the last column is cut, unless some stand below; 0: any.
 */
void render_text(const Table *t, FILE *to, bool color, size_t width);
/* RFC 4180 with LF; @header: with a line of column ids. */
void render_csv(const Table *t, FILE *to, bool header);
/* An array of objects, or one object if @single. No newline. */
void render_json(const Table *t, FILE *to, bool single);

/* What a cell says to people: malloc'ed, harmless. */
char *cell_display(const Cell *c);
/* "\033[31m", or "" for STYLE_PLAIN. */
const char *style_escape(CellStyle style);
#define STYLE_RESET "\033[0m"

CX_DEFINE_CLEANUP(Table, table_free)

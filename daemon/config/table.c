/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/suggest.h"
#include "daemon/config/table.h"

static size_t find_column(const Table *t, Text name, Suggest *s)
{
        for (size_t i = 0; i < t->n_columns; i++) {
                if (text_is(name, t->columns[i].name))
                        return i;
                suggest_offer(s, text_of(t->columns[i].name));
        }
        return SIZE_MAX;
}

/* A mistyped column has one that it was meant to be; for any other name all are told. */
static int refuse_column(const Table *t, const char *shown, const Suggest *s, Diag *diag)
{
        char hint[SUGGEST_MAX], all[256] = "";
        size_t n = 0;

        if (t->n_header == 1 && s->wrong.n && memchr(s->wrong.at, ';', s->wrong.n))
                return diag_set(diag, t->csv.file, t->csv.line, NULL,
                                "has semicolons between the columns; save the file with commas");
        if (t->n_header == 1 && s->wrong.n && memchr(s->wrong.at, '\t', s->wrong.n))
                return diag_set(diag, t->csv.file, t->csv.line, NULL,
                                "has tabs between the columns; save the file with commas");
        if (suggest_text(s, hint)[0])
                return diag_set(diag, t->csv.file, t->csv.line, shown, "there is no such column%s", hint);
        for (size_t i = 0; i < t->n_columns && n < sizeof(all); i++)
                n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "", t->columns[i].name);
        return diag_set(diag, t->csv.file, t->csv.line, shown, "there is no such column; there are %s", all);
}

static int read_header(Table *t, Diag *diag)
{
        int r = csv_next(&t->csv, diag);

        if (r == CSV_E_END)
                return diag_set(diag, t->csv.file, 1, NULL, "is empty; the first line names the columns");
        if (r < 0)
                return r;
        t->n_header = t->csv.n_fields;
        for (size_t i = 0; i < t->n_header; i++) {
                Text name = text_trim(t->csv.fields[i]);
                Suggest s = SUGGEST_INIT(name);
                char shown[sizeof(diag->field)];
                size_t column = find_column(t, name, &s);

                snprintf(shown, sizeof(shown), TEXT_FMT,
                         TEXT_ARG(text_is_printable(name) ? name : TEXT_NULL));
                if (column == SIZE_MAX)
                        return refuse_column(t, shown, &s, diag);
                if (t->place[column] != SIZE_MAX)
                        return diag_set(diag, t->csv.file, t->csv.line, shown, "this column is there twice");
                t->place[column] = i;
        }
        for (size_t i = 0; i < t->n_columns; i++) {
                if (t->columns[i].required && t->place[i] == SIZE_MAX)
                        return diag_set(diag, t->csv.file, t->csv.line, t->columns[i].name,
                                        "this column is missing in the header");
        }
        return 0;
}

int table_init(Table *t, const TableColumn *columns, size_t n_columns, Text csv, const char *file, Diag *diag)
{
        int r;

        assert(n_columns <= TABLE_COLUMNS_MAX);
        *t = (Table){.columns = columns, .n_columns = n_columns};
        for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++)
                t->place[i] = SIZE_MAX;
        csv_init(&t->csv, csv, file);
        r = read_header(t, diag);
        if (r < 0)
                table_deinit(t);
        return r;
}

void table_deinit(Table *t)
{
        csv_deinit(&t->csv);
}

int table_next(Table *t, Diag *diag)
{
        int r = csv_next(&t->csv, diag);

        if (r == 0 && t->csv.n_fields != t->n_header)
                return diag_set(diag, t->csv.file, t->csv.line, NULL, "has %zu columns; the header has %zu",
                                t->csv.n_fields, t->n_header);
        return r;
}

Text table_cell(const Table *t, size_t column)
{
        Text cell;

        if (t->place[column] == SIZE_MAX)
                return TEXT_NULL;
        cell = text_trim(t->csv.fields[t->place[column]]);
        return cell.n ? cell : TEXT_NULL;
}

int table_fail(const Table *t, size_t column, Diag *diag, const char *format, ...)
{
        char text[sizeof(diag->text)];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        return diag_set(diag, t->csv.file, t->csv.line, t->columns[column].name, "%s", text);
}

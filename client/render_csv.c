/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "client/display.h"
#include "client/table.h"

/*
 * Line ends and tabs in a quoted field are data, and marks that do not show belong to their text; other controls are
 * made harmless as everywhere.
 */
static void field(const char *s, FILE *to)
{
        size_t n = strlen(s);

        if (!strpbrk(s, ",\"\r\n\t")) {
                display_write_data((Text){s, n}, to);
                return;
        }
        fputc('"', to);
        while (n > 0) {
                size_t run = strcspn(s, "\"\r\n\t");

                display_write_data((Text){s, run}, to);
                s += run;
                n -= run;
                if (n > 0) {
                        if (*s == '"')
                                fputc('"', to);
                        fputc(*s++, to);
                        n--;
                }
        }
        fputc('"', to);
}

static void cell(const Cell *c, FILE *to)
{
        char number[NUMBER_TEXT_MAX];

        switch (c->kind) {
        case CELL_EMPTY:
                break;
        case CELL_TEXT:
        case CELL_TIME:
                field(c->text, to);
                break;
        case CELL_NUMBER:
                fwrite(number, 1, number_format(c->number, number), to);
                break;
        case CELL_BOOL:
                fputs(c->number != 0 ? "true" : "false", to);
                break;
        }
}

void render_csv(const Table *t, FILE *to, bool header)
{
        for (size_t r = header ? 0 : 1; r <= t->n_rows; r++) {
                bool comma = false;

                for (size_t c = 0; c < t->n_columns; c++) {
                        if (t->columns[c].people_only)
                                continue;
                        if (comma)
                                fputc(',', to);
                        comma = true;
                        if (r == 0)
                                fputs(t->columns[c].id, to);
                        else
                                cell(table_cell(t, r - 1, c), to);
                }
                fputc('\n', to);
        }
}

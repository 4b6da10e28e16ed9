/* SPDX-License-Identifier: Apache-2.0 */

#include "client/table.h"
#include "client/xalloc.h"
#include "proto/base/json_out.h"

static void member(JsonOut *j, const char *id, const Cell *c)
{
        switch (c->kind) {
        case CELL_EMPTY:
                json_member_null(j, id);
                break;
        case CELL_TEXT:
        case CELL_TIME:
                json_member_str(j, id, c->text);
                break;
        case CELL_NUMBER:
                json_member_number(j, id, c->number);
                break;
        case CELL_BOOL:
                json_member_bool(j, id, c->number != 0);
                break;
        }
}

void render_json(const Table *t, FILE *to, bool single)
{
        Buffer b = BUFFER_NULL;
        JsonOut j = JSON_OUT_INIT(&b);

        if (!single)
                json_begin_array(&j);
        for (size_t r = 0; r < (single && t->n_rows > 1 ? 1 : t->n_rows); r++) {
                json_begin_object(&j);
                for (size_t c = 0; c < t->n_columns; c++)
                        if (!t->columns[c].people_only)
                                member(&j, t->columns[c].id, table_cell(t, r, c));
                json_end_object(&j);
        }
        if (!single)
                json_end_array(&j);
        if (!buffer_failed(&b))
                fwrite(b.data, 1, b.n, to);
        buffer_deinit(&b);
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Surveys into the SQLite store, all of a batch in one statement.
 *
 * The happy path is: SQLite reads the rows from where the caller has them, as if they were a table ("given", in no file),
 * and its place at the end of the stored ones stays the same from row to row. By themselves, each row would have a statement
 * begun and ended and its place looked for, which takes as long again. Possible failure modes are those of any
 * change: no space or no memory, and then the transaction is rolled back as a whole; the disk fails.
 */

#include <sqlite3.h>

#include "daemon/store/store_sqlite.h"

typedef struct GivenTable {
        sqlite3_vtab base;
        const StoreSqlite *store;
} GivenTable;

typedef struct GivenCursor {
        sqlite3_vtab_cursor base;
        const StoreSurvey *at, *end;
} GivenCursor;

enum {
        GIVEN_SEQ,
        GIVEN_TS,
        GIVEN_SOURCE,
        GIVEN_CRC,
        GIVEN_JSON,
};

static int given_connect(sqlite3 *db, void *store, int argc CX_UNUSED, const char *const *argv CX_UNUSED,
                         sqlite3_vtab **ret, char **error CX_UNUSED)
{
        int rc = sqlite3_declare_vtab(db, "CREATE TABLE given (seq, ts, source, crc, json)");
        GivenTable *t;

        /* Nothing in a file that somebody has tampered with may read it. */
        if (rc == SQLITE_OK)
                rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
        if (rc != SQLITE_OK)
                return rc;
        t = sqlite3_malloc64(sizeof(*t));
        if (!t)
                return SQLITE_NOMEM;
        *t = (GivenTable){.store = store};
        *ret = &t->base;
        return SQLITE_OK;
}

static int given_disconnect(sqlite3_vtab *base)
{
        sqlite3_free(CX_CONTAINER_OF(base, GivenTable, base));
        return SQLITE_OK;
}

/* There is one way: from the first to the last. */
static int given_best_index(sqlite3_vtab *base CX_UNUSED, sqlite3_index_info *info CX_UNUSED)
{
        return SQLITE_OK;
}

static int given_open(sqlite3_vtab *base CX_UNUSED, sqlite3_vtab_cursor **ret)
{
        GivenCursor *c = sqlite3_malloc64(sizeof(*c));

        if (!c)
                return SQLITE_NOMEM;
        *c = (GivenCursor){0};
        *ret = &c->base;
        return SQLITE_OK;
}

static int given_close(sqlite3_vtab_cursor *base)
{
        sqlite3_free(CX_CONTAINER_OF(base, GivenCursor, base));
        return SQLITE_OK;
}

static int given_filter(sqlite3_vtab_cursor *base, int plan CX_UNUSED, const char *text CX_UNUSED,
                        int argc CX_UNUSED, sqlite3_value **argv CX_UNUSED)
{
        GivenCursor *c = CX_CONTAINER_OF(base, GivenCursor, base);
        const StoreSqlite *s = CX_CONTAINER_OF(base->pVtab, GivenTable, base)->store;

        c->at = s->given;
        c->end = s->given + s->n_given;
        return SQLITE_OK;
}

static int given_next(sqlite3_vtab_cursor *base)
{
        CX_CONTAINER_OF(base, GivenCursor, base)->at++;
        return SQLITE_OK;
}

static int given_eof(sqlite3_vtab_cursor *base)
{
        const GivenCursor *c = CX_CONTAINER_OF(base, GivenCursor, base);

        return c->at == c->end;
}

static int given_column(sqlite3_vtab_cursor *base, sqlite3_context *ret, int column)
{
        const StoreSurvey *row = CX_CONTAINER_OF(base, GivenCursor, base)->at;
        void (*free_it)(void *);
        Text json;

        switch (column) {
        case GIVEN_SEQ:
                sqlite3_result_int64(ret, (int64_t)row->seq);
                break;
        case GIVEN_TS:
                sqlite3_result_int64(ret, row->ts);
                break;
        case GIVEN_SOURCE:
                sqlite3_result_text64(ret, row->source.n ? row->source.at : "", row->source.n, SQLITE_STATIC,
                                      SQLITE_UTF8);
                break;
        case GIVEN_CRC:
                sqlite3_result_int64(ret, crc_survey(row));
                break;
        default:
                json = sql_blob(row->json, &free_it);
                sqlite3_result_blob64(ret, json.at, json.n, free_it);
                break;
        }
        return SQLITE_OK;
}

static int given_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
        *ret = (int64_t)CX_CONTAINER_OF(base, GivenCursor, base)->at->seq;
        return SQLITE_OK;
}

int sql_add_given(StoreSqlite *s)
{
        static const sqlite3_module module = {
                .xConnect = given_connect,
                .xDisconnect = given_disconnect,
                .xBestIndex = given_best_index,
                .xOpen = given_open,
                .xClose = given_close,
                .xFilter = given_filter,
                .xNext = given_next,
                .xEof = given_eof,
                .xColumn = given_column,
                .xRowid = given_rowid,
        };
        int rc = sqlite3_create_module_v2(s->db, "given", &module, s, NULL);

        return rc == SQLITE_OK ? 0 : sql_fail(s, rc, "open the store");
}

int sqlite_put_surveys(Store *base, const StoreSurvey *rows, size_t n)
{
        StoreSqlite *s = store_sqlite(base);
        int r;

        s->given = rows;
        s->n_given = n;
        r = sql_step(s, SQL_PUT_SURVEYS, "write surveys");
        s->given = NULL;
        s->n_given = 0;
        if (r < 0)
                return r;
        /* Surveys come again only when there is space. */
        s->no_space = false;
        for (size_t i = 0; i < n && r == 0; i++)
                r = blocks_put(&s->blocks, rows[i].seq, rows[i].ts);
        return r < 0 ? store_fail(base, r, "no memory to write surveys") : 0;
}

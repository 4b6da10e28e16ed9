/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: counts of surveys that are no longer stored, and numbers to remember.
 */

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

#include "daemon/store/store_sqlite.h"

/* --- tallies -------------------------------------------------------------------------------------------- */

StoreTally sql_tally(StoreSqlite *s, StoreSql which)
{
        return (StoreTally){
                .day = (int32_t)sql_int(s, which, 0),
                .scope = sql_text(s, which, 1),
                .counts = sql_text(s, which, 3),
        };
}

int sqlite_put_tally(Store *base, const StoreTally *row)
{
        StoreSqlite *s = store_sqlite(base);
        int64_t crc = crc_tally(row), day = row->day;
        int r;

        r = sql_run(s, SQL_UPDATE_TALLY, "write a tally", "ibit", crc, row->counts, day, row->scope);
        if (r < 0 || sqlite3_changes64(s->db) > 0)
                return r;
        r = sql_run(s, SQL_INSERT_TALLY, "write a tally", "ibit", crc, row->counts, day, row->scope);
        if (r == 0)
                s->counts.tallies++;
        return r;
}

int sqlite_get_tally(Store *base, int32_t day, Text scope, Buffer *ret)
{
        StoreSqlite *s = store_sqlite(base);
        StoreTally row;
        int r;

        r = sql_bind(s, SQL_GET_TALLY, "it", (int64_t)day, scope);
        if (r == 0)
                r = sql_step(s, SQL_GET_TALLY, "read a tally");
        if (r <= 0)
                return r < 0 ? r : STORE_E_NOT_FOUND;
        row = sql_tally(s, SQL_GET_TALLY);
        r = sql_row_ok(s, SQL_GET_TALLY, 2, crc_tally(&row));
        if (r > 0)
                buffer_append_text(ret, row.counts);
        sql_done(s, SQL_GET_TALLY);
        if (r < 0)
                return r;
        if (r == 0) {
                sql_damage(s, NULL, NULL, "tally %d " TEXT_FMT, day, TEXT_ARG(scope));
                return store_fail(base, -EBADMSG, "the tally of day %d for " TEXT_FMT " is damaged", day,
                                  TEXT_ARG(scope));
        }
        return buffer_failed(ret) ? store_fail(base, -ENOMEM, "no memory to read a tally") : 0;
}

/* Whether the row is behind (day, scope): pages that are damaged lead anywhere. */
static bool is_behind(const StoreTally *row, int32_t day, Text scope)
{
        return row->day != day ? row->day > day : text_compare(row->scope, scope) > 0;
}

int sqlite_scan_tallies(Store *base, int32_t after_day, Text after_scope, size_t max, StoreTallyFn fn,
                        void *user)
{
        StoreSqlite *s = store_sqlite(base);
        CX_CLEANUP(buffer_deinit) Buffer scope = BUFFER_NULL;
        bool whole = max == 0 && after_day == INT32_MIN && after_scope.n == 0;
        uint64_t n = 0, n_given = 0;
        int r;

        buffer_append_text(&scope, after_scope);
        r = buffer_failed(&scope) ? -ENOMEM
                                  : sql_bind(s, SQL_SCAN_TALLIES, "it", (int64_t)after_day, after_scope);
        while (r == 0 && (r = sql_step(s, SQL_SCAN_TALLIES, "read tallies")) > 0) {
                StoreTally row = sql_tally(s, SQL_SCAN_TALLIES);
                int ok = sql_row_ok(s, SQL_SCAN_TALLIES, 2, crc_tally(&row));

                n++;
                if (ok > 0 && !is_behind(&row, after_day, buffer_text(&scope)))
                        ok = 0;
                if (ok == 0) {
                        sql_damage(s, NULL, NULL, "tally %d " TEXT_FMT, row.day, TEXT_ARG(row.scope));
                        r = 0;
                        continue;
                }
                after_day = row.day;
                buffer_reset(&scope);
                buffer_append_text(&scope, row.scope);
                n_given++;
                r = ok < 0 ? ok : buffer_failed(&scope) ? -ENOMEM : fn(user, &row);
                if (r != 0 || n_given == max) {
                        sql_done(s, SQL_SCAN_TALLIES);
                        break;
                }
        }
        if (r == -ENOMEM)
                return store_fail(base, r, "no memory to read tallies");
        if (r != 0)
                return r;
        if (whole && n < s->counts.tallies)
                sql_damage(s, NULL, NULL, "%llu tallies that are lost",
                           (unsigned long long)(s->counts.tallies - n));
        return 0;
}

typedef struct OldTallies {
        int32_t before;
        size_t n;
        Buffer keys; /* day, length of the scope, scope */
} OldTallies;

static int take_old(void *user, const StoreTally *row)
{
        OldTallies *o = user;

        if (row->day >= o->before)
                return 1;
        o->n++;
        buffer_append(&o->keys, &row->day, sizeof(row->day));
        buffer_append(&o->keys, &row->scope.n, sizeof(row->scope.n));
        buffer_append_text(&o->keys, row->scope);
        return buffer_failed(&o->keys) ? -ENOMEM : 0;
}

int sqlite_expire_tallies(Store *base, int32_t day, size_t max, size_t *ret_n)
{
        StoreSqlite *s = store_sqlite(base);
        OldTallies o = {.before = day};
        size_t at = 0;
        int r = max ? sqlite_scan_tallies(base, INT32_MIN, TEXT(""), max, take_old, &o) : 0;

        r = r > 0 ? 0 : r;
        while (r == 0 && at < o.keys.n) {
                Text scope;
                int32_t of;

                memcpy(&of, o.keys.data + at, sizeof(of));
                memcpy(&scope.n, o.keys.data + at + sizeof(of), sizeof(scope.n));
                at += sizeof(of) + sizeof(scope.n);
                scope.at = o.keys.data + at;
                at += scope.n;
                r = sql_run(s, SQL_DROP_TALLY, "delete a tally", "it", (int64_t)of, scope);
        }
        buffer_deinit(&o.keys);
        if (r < 0)
                return r == -ENOMEM ? store_fail(base, r, "no memory to delete old tallies") : r;
        s->counts.tallies -= o.n;
        *ret_n = o.n;
        return 0;
}

/* --- marks ---------------------------------------------------------------------------------------------- */

#define KEY_MAX 64

/* Marks share a table with the numbers of rows. */
static Text key_of(Text name, char buffer[KEY_MAX])
{
        int n = snprintf(buffer, KEY_MAX, "mark " TEXT_FMT, TEXT_ARG(name));

        return (Text){.at = buffer, .n = n < KEY_MAX ? (size_t)n : KEY_MAX - 1};
}

int sqlite_put_mark(Store *base, Text name, int64_t value)
{
        char buffer[KEY_MAX];
        Text key = key_of(name, buffer);

        return sql_run(store_sqlite(base), SQL_PUT_META, "write a mark", "tii", key, value,
                       crc_meta(key, (uint64_t)value));
}

int sqlite_get_mark(Store *base, Text name, int64_t *ret)
{
        StoreSqlite *s = store_sqlite(base);
        char buffer[KEY_MAX];
        Text key = key_of(name, buffer);
        uint64_t value;
        bool damaged = false;
        int r = sql_get_meta(s, key, &value, &damaged);

        if (damaged)
                sql_damage(s, NULL, NULL, "number " TEXT_FMT, TEXT_ARG(key));
        if (r <= 0)
                return r < 0 ? r : STORE_E_NOT_FOUND;
        *ret = (int64_t)value;
        return 0;
}

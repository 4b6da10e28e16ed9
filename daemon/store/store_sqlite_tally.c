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

        if (row->day < s->oldest_tally)
                s->oldest_tally = row->day;
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

typedef struct TallyScan {
        StoreTallyFn fn;
        void *user;
        size_t max, n_given;
        uint64_t n;
        int32_t day;  /* of the last one that was given, ... */
        Buffer scope; /* ... or those where it begins */
} TallyScan;

static bool is_full(const TallyScan *t)
{
        return t->max && t->n_given == t->max;
}

static int give(TallyScan *t, const StoreTally *row)
{
        t->day = row->day;
        buffer_reset(&t->scope);
        buffer_append_text(&t->scope, row->scope);
        t->n_given++;
        return buffer_failed(&t->scope) ? -ENOMEM : t->fn(t->user, row);
}

/* Those behind the given ones. */
static int scan(StoreSqlite *s, TallyScan *t, int32_t day, Text scope)
{
        int r = sql_bind(s, SQL_SCAN_TALLIES, "it", (int64_t)day, scope);

        while (r == 0 && (r = sql_step(s, SQL_SCAN_TALLIES, "read tallies")) > 0) {
                StoreTally row = sql_tally(s, SQL_SCAN_TALLIES);
                int ok = sql_row_ok(s, SQL_SCAN_TALLIES, 2, crc_tally(&row));

                t->n++;
                if (ok > 0 && !is_behind(&row, t->day, buffer_text(&t->scope)))
                        ok = 0;
                if (ok == 0) {
                        sql_damage(s, NULL, NULL, "tally %d " TEXT_FMT, row.day, TEXT_ARG(row.scope));
                        r = 0;
                        continue;
                }
                r = ok < 0 ? ok : give(t, &row);
                if (r != 0 || is_full(t)) {
                        sql_done(s, SQL_SCAN_TALLIES);
                        break;
                }
        }
        return r;
}

/* Less than any byte of a name: SQLite looks at a page again that lies before a row, but not if it looks for more than that. */
#define BEHIND_SCOPE '\1'

/*
 * The first row behind a page that cannot be read, found from the other end. 1: there is one. Its scope has BEHIND_SCOPE behind
 * it in @bytes.
 */
static int find_behind(StoreSqlite *s, const TallyScan *t, StoreTally *ret, Buffer *bytes)
{
        int r = sql_bind(s, SQL_SCAN_TALLIES_BACK, "it", (int64_t)t->day, buffer_text(&t->scope));
        bool found = false;

        while (r == 0 && (r = sql_step(s, SQL_SCAN_TALLIES_BACK, "read tallies")) > 0) {
                StoreTally row = sql_tally(s, SQL_SCAN_TALLIES_BACK);

                r = sql_row_ok(s, SQL_SCAN_TALLIES_BACK, 2, crc_tally(&row));
                if (r < 0)
                        sql_done(s, SQL_SCAN_TALLIES_BACK);
                if (r <= 0)
                        continue;
                found = true;
                *ret = row;
                buffer_reset(bytes);
                buffer_append_text(bytes, row.scope);
                buffer_append_char(bytes, BEHIND_SCOPE);
                buffer_append_text(bytes, row.counts);
                r = 0;
        }
        if (buffer_failed(bytes))
                return -ENOMEM;
        ret->scope.at = bytes->data;
        ret->counts.at = bytes->data + ret->scope.n + 1;
        return r < 0 && r != -EBADMSG ? r : found;
}

/* Around a page that cannot be read, to which @t has come. */
static int scan_behind(StoreSqlite *s, TallyScan *t)
{
        CX_CLEANUP(buffer_deinit) Buffer bytes = BUFFER_NULL;
        StoreTally row = {0};
        int r;

        sql_damage(s, NULL, NULL, "table of tallies");
        r = find_behind(s, t, &row, &bytes);
        if (r <= 0)
                return r;
        t->n++;
        r = give(t, &row);
        row.scope.n++;
        return r != 0 || is_full(t) ? r : scan(s, t, row.day, row.scope);
}

int sqlite_scan_tallies(Store *base, int32_t after_day, Text after_scope, size_t max, StoreTallyFn fn,
                        void *user)
{
        StoreSqlite *s = store_sqlite(base);
        TallyScan t = {.fn = fn, .user = user, .max = max, .day = after_day};
        int r;

        buffer_append_text(&t.scope, after_scope);
        r = buffer_failed(&t.scope) ? -ENOMEM : scan(s, &t, after_day, after_scope);
        if (r == -EBADMSG)
                r = scan_behind(s, &t);
        buffer_deinit(&t.scope);
        if (r == -ENOMEM)
                return store_fail(base, r, "no memory to read tallies");
        if (r == 0 && max == 0 && after_day == INT32_MIN && after_scope.n == 0 && t.n < s->counts.tallies)
                sql_damage(s, NULL, NULL, "%llu tallies that are lost",
                           (unsigned long long)(s->counts.tallies - t.n));
        return r;
}

typedef struct OldTallies {
        int32_t before, oldest; /* of those that stay */
        size_t n;
        Buffer keys; /* day, length of the scope, scope */
} OldTallies;

static int take_old(void *user, const StoreTally *row)
{
        OldTallies *o = user;

        if (row->day >= o->before) {
                o->oldest = row->day;
                return 1;
        }
        o->n++;
        buffer_append(&o->keys, &row->day, sizeof(row->day));
        buffer_append(&o->keys, &row->scope.n, sizeof(row->scope.n));
        buffer_append_text(&o->keys, row->scope);
        return buffer_failed(&o->keys) ? -ENOMEM : 0;
}

int sqlite_expire_tallies(Store *base, int32_t day, size_t max, size_t *ret_n)
{
        StoreSqlite *s = store_sqlite(base);
        OldTallies o = {.before = day, .oldest = INT32_MAX};
        size_t at = 0;
        int r;

        *ret_n = 0;
        if (max == 0 || s->oldest_tally >= day)
                return 0;
        r = sqlite_scan_tallies(base, INT32_MIN, TEXT(""), max, take_old, &o);
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
        if (o.n < max)
                s->oldest_tally = o.oldest;
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

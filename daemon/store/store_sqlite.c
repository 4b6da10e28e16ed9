/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: statements, transactions and changes.
 */

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store/store_crc.h"
#include "daemon/store/store_sqlite.h"
#include "proto/base/plant.h"

/* SQLite reports a full disk, a quota and a limit of the process in different ways. */
static bool is_no_space(const StoreSqlite *s, int rc)
{
        if ((rc & 0xff) == SQLITE_FULL)
                return true;
        /* Not a failed fsync, whatever its reason: what the disk holds is not known then. */
        if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
                return false;
        if ((rc & 0xff) != SQLITE_IOERR && (rc & 0xff) != SQLITE_CANTOPEN)
                return false;
        return s->os_error == ENOSPC || s->os_error == EDQUOT || s->os_error == EFBIG;
}

static int errno_of(const StoreSqlite *s, int rc)
{
        if (is_no_space(s, rc))
                return -ENOSPC;
        switch (rc & 0xff) {
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_BUSY:
                return -EBUSY; /* while opening only: the file is ours from then on */
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_FORMAT:
                return -EBADMSG;
        case SQLITE_IOERR:
                return rc == SQLITE_IOERR_NOMEM ? -ENOMEM : -EIO;
        default:
                return -EIO;
        }
}

int sql_fail(StoreSqlite *s, int rc, const char *what)
{
        bool by_system = s->os_error && ((rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN);
        int r = errno_of(s, rc);

        if (r == -ENOSPC)
                s->no_space = true;
        store_fail(&s->base, r, "cannot %s: %s", what, sqlite3_errstr(rc));
        if (r == -EIO)
                store_fail(&s->base, r, "cannot %s: %s (%d%s%s)", what, sqlite3_errstr(rc), rc,
                           by_system ? ", " : "", by_system ? strerrordesc_np(s->os_error) : "");
        /* Some errors undo the transaction by themselves; then the caller's is gone, too. */
        if (s->base.in_transaction && sqlite3_get_autocommit(s->db))
                store_rollback(&s->base);
        return r;
}

Text sql_blob(Text value, void (**ret_free)(void *))
{
        char *copy;

        *ret_free = SQLITE_STATIC;
        if (value.n == 0)
                return TEXT("");
        if (!PLANTED("bind-unchecked"))
                return value;
        /* A value for which there is no memory is left empty (NULL the tables would refuse), and nobody looks. */
        copy = sqlite3_malloc64(value.n);
        if (!copy)
                return TEXT("");
        *ret_free = sqlite3_free;
        return (Text){.at = memcpy(copy, value.at, value.n), .n = value.n};
}

static int bind_list(StoreSqlite *s, StoreSql which, const char *types, va_list args)
{
        sqlite3_stmt *sql = s->sql[which];
        int rc = SQLITE_OK;

        for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
                void (*free_it)(void *);
                Text t;

                if (types[i] == 'i') {
                        rc = sqlite3_bind_int64(sql, i + 1, va_arg(args, int64_t));
                        continue;
                }
                t = va_arg(args, Text);
                if (types[i] == 't') {
                        rc = sqlite3_bind_text64(sql, i + 1, t.n ? t.at : "", t.n, SQLITE_STATIC,
                                                 SQLITE_UTF8);
                } else {
                        t = sql_blob(t, &free_it);
                        rc = sqlite3_bind_blob64(sql, i + 1, t.at, t.n, free_it);
                }
        }
        return rc == SQLITE_OK ? 0 : sql_fail(s, rc, "hand a value to SQLite");
}

int sql_bind(StoreSqlite *s, StoreSql which, const char *types, ...)
{
        va_list args;
        int r;

        va_start(args, types);
        r = bind_list(s, which, types, args);
        va_end(args);
        return r;
}

void sql_done(StoreSqlite *s, StoreSql which)
{
        (void)sqlite3_reset(s->sql[which]); /* repeats the error of the last step, which was dealt with */
}

int sql_step(StoreSqlite *s, StoreSql which, const char *what)
{
        int rc;

        errno = 0;
        rc = sqlite3_step(s->sql[which]);
        s->os_error = errno; /* sqlite3_system_errno() does not know it when it is the commit that fails */
        if (rc == SQLITE_ROW)
                return 1;
        if (rc == SQLITE_DONE) {
                rc = sqlite3_reset(s->sql[which]);
                return rc == SQLITE_OK ? 0 : sql_fail(s, rc, what);
        }
        sql_done(s, which);
        return sql_fail(s, rc, what);
}

int sql_run(StoreSqlite *s, StoreSql which, const char *what, const char *types, ...)
{
        va_list args;
        int r;

        va_start(args, types);
        r = bind_list(s, which, types, args);
        va_end(args);
        return r < 0 ? r : sql_step(s, which, what);
}

int64_t sql_int(StoreSqlite *s, StoreSql which, int column)
{
        return sqlite3_column_int64(s->sql[which], column);
}

Text sql_text(StoreSqlite *s, StoreSql which, int column)
{
        const char *at = sqlite3_column_blob(s->sql[which], column);
        int n = sqlite3_column_bytes(s->sql[which], column);

        return at && n > 0 ? (Text){.at = at, .n = (size_t)n} : TEXT("");
}

/* --- checksums ------------------------------------------------------------------------------------------ */

/* Each table begins with a letter of its own, so that a row never passes for one of another table. Stored
 * signed: it takes four bytes then. */
static uint32_t crc_begin(char table)
{
        return store_crc(0, &table, 1);
}

int64_t crc_survey(const StoreSurvey *row)
{
        uint32_t crc = crc_begin('s');

        crc = store_crc_number(crc, row->seq);
        crc = store_crc_number(crc, (uint64_t)row->ts);
        crc = store_crc_text(crc, row->source);
        return (int32_t)store_crc_text(crc, row->json);
}

int64_t crc_alert(const StoreAlert *row)
{
        uint32_t crc = crc_begin('a');

        crc = store_crc_text(crc, row->id);
        crc = store_crc_number(crc, (uint64_t)row->changed);
        crc = store_crc_number(crc, row->is_open);
        return (int32_t)store_crc_text(crc, row->json);
}

int64_t crc_feed(const StoreFeed *row)
{
        uint32_t crc = crc_begin('f');

        crc = store_crc_text(crc, row->principal);
        crc = store_crc_number(crc, row->seq);
        crc = store_crc_number(crc, (uint64_t)row->at);
        return (int32_t)store_crc_text(crc, row->json);
}

int64_t crc_block(const Block *block)
{
        uint32_t crc = crc_begin('b');

        crc = store_crc_number(crc, block->no);
        crc = store_crc_number(crc, block->last);
        crc = store_crc_number(crc, (uint64_t)block->min_ts);
        crc = store_crc_number(crc, (uint64_t)block->max_ts);
        return (int32_t)store_crc(crc, block->bits, sizeof(block->bits));
}

int64_t crc_tally(const StoreTally *row)
{
        uint32_t crc = crc_begin('t');

        crc = store_crc_number(crc, (uint64_t)row->day);
        crc = store_crc_text(crc, row->scope);
        return (int32_t)store_crc_text(crc, row->counts);
}

int64_t crc_revised(const StoreRevised *row)
{
        uint32_t crc = crc_begin('r');

        crc = store_crc_number(crc, row->epoch);
        crc = store_crc_number(crc, row->seq);
        return (int32_t)store_crc_text(crc, row->json);
}

int64_t crc_meta(Text key, uint64_t value)
{
        return (int32_t)store_crc_number(store_crc_text(crc_begin('m'), key), value);
}

/* --- transactions --------------------------------------------------------------------------------------- */

/* What is written into a file that its path does not lead to is lost as soon as it is closed. */
static bool is_gone(StoreSqlite *s)
{
        int moved = 0;

        (void)sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
        return moved;
}

static int sqlite_begin(Store *base)
{
        StoreSqlite *s = store_sqlite(base);
        int r;

        log_bound(s);
        if (s->broken)
                return sql_refuse(s);
        if (is_gone(s)) {
                /* The log stays where it is, and would be taken for that of the file that comes into this place. */
                (void)sqlite_erase(base);
                return store_fail(base, -ESTALE, "%s was moved, removed or replaced", s->path);
        }
        r = log_keep(s);
        return r < 0 ? r : sql_step(s, SQL_BEGIN, "begin a transaction");
}

static void sqlite_rollback(Store *base)
{
        StoreSqlite *s = store_sqlite(base);

        if (!sqlite3_get_autocommit(s->db)) {
                int rc = sqlite3_step(s->sql[SQL_ROLLBACK]);

                sql_done(s, SQL_ROLLBACK);
                if (rc != SQLITE_DONE && !sqlite3_get_autocommit(s->db))
                        sql_break(s);
        }
        blocks_rollback(&s->blocks);
        s->counts = s->stored_counts;
        s->oldest_feed = INT64_MIN; /* what had gone is there again */
        s->oldest_tally = INT32_MIN;
}

static int write_block(StoreSqlite *s, Block *block)
{
        Text bits = {.at = (const char *)block->bits, .n = sizeof(block->bits)};
        int r;

        if (!blocks_is_dead(&s->blocks, block)) {
                r = sql_run(s, SQL_PUT_BLOCK, "write a block", "iiiiib", (int64_t)block->no,
                            (int64_t)block->last, block->min_ts, block->max_ts, crc_block(block), bits);
                if (r == 0 && !block->stored)
                        s->counts.blocks++;
                block->stored = true;
                return r;
        }
        if (!block->stored)
                return 0;
        s->counts.blocks--;
        block->stored = false;
        return sql_run(s, SQL_DROP_BLOCK, "delete a block", "i", (int64_t)block->no);
}

static int write_count(StoreSqlite *s, Text key, uint64_t now, uint64_t before)
{
        if (now == before)
                return 0;
        return sql_run(s, SQL_PUT_META, "write a count", "tii", key, (int64_t)now, crc_meta(key, now));
}

/* What is kept in memory about the rows goes into the same transaction. */
static int write_blocks_and_counts(StoreSqlite *s)
{
        int r;

        for (size_t i = 0; i < s->blocks.n_saved; i++) {
                r = write_block(s, blocks_find(&s->blocks, s->blocks.saved[i].no << BLOCK_SHIFT));
                if (r < 0)
                        return r;
        }
        r = write_count(s, TEXT("blocks"), s->counts.blocks, s->stored_counts.blocks);
        if (r == 0)
                r = write_count(s, TEXT("alerts"), s->counts.alerts, s->stored_counts.alerts);
        if (r == 0)
                r = write_count(s, TEXT("feeds"), s->counts.feeds, s->stored_counts.feeds);
        if (r == 0)
                r = write_count(s, TEXT("tallies"), s->counts.tallies, s->stored_counts.tallies);
        if (r == 0)
                r = write_count(s, TEXT("revised"), s->counts.revised, s->stored_counts.revised);
        return r;
}

static int sqlite_commit(Store *base)
{
        StoreSqlite *s = store_sqlite(base);
        int r;

        r = write_blocks_and_counts(s);
        if (r < 0)
                return r;
        r = sql_step(s, SQL_COMMIT, "commit");
        if (r < 0) {
                /* After a failed fsync the kernel may call pages clean that the disk never got: no second
                 * try. */
                if (r == -EIO)
                        sql_break(s);
                return r;
        }
        blocks_commit(&s->blocks);
        s->stored_counts = s->counts;
        return 0;
}

/* --- changes -------------------------------------------------------------------------------------------- */

static int sqlite_put_alert(Store *base, const StoreAlert *row)
{
        StoreSqlite *s = store_sqlite(base);
        int64_t crc = crc_alert(row), is_open = row->is_open;
        int r;

        r = sql_run(s, SQL_UPDATE_ALERT, "write an alert", "iiibt", row->changed, is_open, crc, row->json,
                    row->id);
        if (r < 0 || sqlite3_changes64(s->db) > 0)
                return r;
        r = sql_run(s, SQL_INSERT_ALERT, "write an alert", "iiibt", row->changed, is_open, crc, row->json,
                    row->id);
        if (r == 0)
                s->counts.alerts++;
        return r;
}

static int sqlite_put_feed(Store *base, const StoreFeed *row)
{
        StoreSqlite *s = store_sqlite(base);
        int64_t crc = crc_feed(row), seq = (int64_t)row->seq;
        int r;

        if (row->at < s->oldest_feed)
                s->oldest_feed = row->at;
        r = sql_run(s, SQL_UPDATE_FEED, "write a message", "iibti", row->at, crc, row->json, row->principal,
                    seq);
        if (r < 0 || sqlite3_changes64(s->db) > 0)
                return r;
        r = sql_run(s, SQL_INSERT_FEED, "write a message", "iibti", row->at, crc, row->json, row->principal,
                    seq);
        if (r == 0)
                s->counts.feeds++;
        return r;
}

/* --- information ---------------------------------------------------------------------------------------- */

static uint64_t file_bytes(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

static int sqlite_info(Store *base, StoreInfo *ret)
{
        StoreSqlite *s = store_sqlite(base);
        uint64_t bytes =
                file_bytes(s->path) + file_bytes(sqlite3_filename_wal(sqlite3_db_filename(s->db, "main")));

        *ret = (StoreInfo){
                .n_surveys = s->blocks.n_rows,
                .n_tallies = s->counts.tallies,
                .last_seq = blocks_last(&s->blocks),
                .bytes = bytes,
                .n_damaged = s->n_damaged,
        };
        return 0;
}

const StoreVerbs store_sqlite_verbs = {
        .close = sqlite_close,
        .begin = sqlite_begin,
        .commit = sqlite_commit,
        .rollback = sqlite_rollback,
        .put_surveys = sqlite_put_surveys,
        .put_alert = sqlite_put_alert,
        .put_feed = sqlite_put_feed,
        .get_survey = sqlite_get_survey,
        .scan_surveys = sqlite_scan_surveys,
        .scan_recent = sqlite_scan_recent,
        .scan_alerts = sqlite_scan_alerts,
        .scan_feeds = sqlite_scan_feeds,
        .scan_span = sqlite_scan_span,
        .drop_surveys = sqlite_drop_surveys,
        .expire_feeds = sqlite_expire_feeds,
        .put_tally = sqlite_put_tally,
        .get_tally = sqlite_get_tally,
        .scan_tallies = sqlite_scan_tallies,
        .expire_tallies = sqlite_expire_tallies,
        .put_revised = sqlite_put_revised,
        .scan_revised = sqlite_scan_revised,
        .expire_revised = sqlite_expire_revised,
        .put_mark = sqlite_put_mark,
        .get_mark = sqlite_get_mark,
        .erase = sqlite_erase,
        .log = sqlite_log,
        .write_back = sqlite_write_back,
        .scrub = sqlite_scrub,
        .copy_begin = sqlite_copy_begin,
        .copy_step = sqlite_copy_step,
        .copy_end = sqlite_copy_end,
        .info = sqlite_info,
};

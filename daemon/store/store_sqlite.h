#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store, as its own files share it. Private to daemon/store.
 *
 * One connection with the file locked for itself; every statement is prepared once, when the store is opened.
 * A row carries a checksum over all its columns, and the blocks know which surveys must be there, so that
 * neither a changed nor a lost row goes unnoticed.
 */

#include "daemon/store/store_block.h"
#include "daemon/store/store_impl.h"

struct sqlite3;
struct sqlite3_stmt;

/* name, text */
#define STORE_SQL_TABLE(_x)                                                                                  \
        _x(BEGIN, "BEGIN IMMEDIATE") _x(COMMIT, "COMMIT") _x(ROLLBACK, "ROLLBACK") _x(                       \
                PUT_SURVEY,                                                                                  \
                "INSERT OR REPLACE INTO survey (seq, ts, source, crc, json) VALUES (?, ?, ?, "               \
                "?, ?)") _x(GET_SURVEY, "SELECT seq, ts, source, crc, json FROM survey WHERE "               \
                                        "seq = ?") _x(SCAN_SURVEYS,                                          \
                                                      "SELECT seq, ts, source, crc, json FROM "              \
                                                      "survey WHERE seq > ? AND seq <= ? "                   \
                                                      "ORDER BY seq") _x(DROP_SURVEY,                        \
                                                                         "DELETE FROM survey WHERE seq = ?") \
                _x(PUT_BLOCK, "INSERT OR REPLACE INTO block (no, last, min_ts, max_ts, crc, bits)"           \
                              " VALUES (?, ?, ?, ?, ?, ?)") _x(DROP_BLOCK, "DELETE FROM block WHERE no = ?") \
                        _x(SCAN_BLOCKS, "SELECT no, last, min_ts, max_ts, crc, bits FROM block ORDER "       \
                                        "BY no") _x(UPDATE_ALERT, "UPDATE alert SET changed = ?, "           \
                                                                  "is_open = ?, crc = ?, json "              \
                                                                  "= ? WHERE id = ?")                        \
                                _x(INSERT_ALERT,                                                             \
                                   "INSERT INTO alert (changed, is_open, crc, json, id) VALUES (?, ?, "      \
                                   "?, ?, ?)") _x(SCAN_ALERTS, "SELECT id, changed, is_open, crc, "          \
                                                               "json FROM alert ORDER BY changed, id")       \
                                        _x(UPDATE_FEED,                                                      \
                                           "UPDATE feed SET at = ?, crc = ?, json = ? WHERE "                \
                                           "principal = ? AND seq = ?") _x(INSERT_FEED,                      \
                                                                           "INSERT INTO feed (at, crc, "     \
                                                                           "json, principal, "               \
                                                                           "seq) VALUES (?, ?, ?, ?, ?)")    \
                                                _x(SCAN_FEEDS, "SELECT principal, seq, at, crc, json FROM "  \
                                                               "feed ORDER BY principal, seq")               \
                                                        _x(DROP_FEED,                                        \
                                                           "DELETE FROM feed WHERE principal = ? AND seq = " \
                                                           "?") _x(PUT_META,                                 \
                                                                   "INSERT OR REPLACE INTO meta (key, "      \
                                                                   "value, crc) VALUES (?, ?, ?)")           \
                                                                _x(GET_META, "SELECT value, crc FROM meta "  \
                                                                             "WHERE key = ?")

typedef enum StoreSql {
#define STORE_SQL_ENUM(_name, _text) SQL_##_name,
        STORE_SQL_TABLE(STORE_SQL_ENUM)
#undef STORE_SQL_ENUM
                _SQL_N,
} StoreSql;

/* How many rows the tables must have (surveys: see the blocks). */
typedef struct StoreCounts {
        uint64_t blocks, alerts, feeds;
} StoreCounts;

typedef struct StoreSqlite {
        Store base;
        char *path;
        struct sqlite3 *db;
        struct sqlite3_stmt *sql[_SQL_N];
        Blocks blocks;
        StoreCounts counts;
        StoreCounts stored_counts; /* as they are on disk */
        uint64_t n_damaged;
        usec_t oldest_feed; /* no message is older; INT64_MIN: not known */
        int os_error;       /* errno of the last step */
        bool is_open;       /* opened successfully */
        bool broken; /* a commit failed on the disk: what it holds is not known, nothing more is written */
} StoreSqlite;

static inline StoreSqlite *store_sqlite(Store *s)
{
        return CX_CONTAINER_OF(s, StoreSqlite, base);
}

/* store_sqlite.c: statements. */

/* The negative errno for a result of SQLite, with its sentence: "cannot <what>: ...". */
int sql_fail(StoreSqlite *s, int rc, const char *what);

/* Binds in order: 'i' an int64_t, 't' a Text as text, 'b' a Text as a blob. The texts are borrowed until
 * sql_done(). */
CX_MUST_CHECK int sql_bind(StoreSqlite *s, StoreSql which, const char *types, ...);
/* 1: there is a row; 0: done, and the statement is ready for the next use; < 0 likewise. */
CX_MUST_CHECK int sql_step(StoreSqlite *s, StoreSql which, const char *what);
/* Ends a statement that has more rows. */
void sql_done(StoreSqlite *s, StoreSql which);
/* All of it, for statements without rows. */
CX_MUST_CHECK int sql_run(StoreSqlite *s, StoreSql which, const char *what, const char *types, ...);

int64_t sql_int(StoreSqlite *s, StoreSql which, int column);
Text sql_text(StoreSqlite *s, StoreSql which, int column);

/* Checksums of rows. */
int64_t crc_survey(const StoreSurvey *row);
int64_t crc_alert(const StoreAlert *row);
int64_t crc_feed(const StoreFeed *row);
int64_t crc_block(const Block *block);
int64_t crc_meta(Text key, uint64_t value);

/* store_sqlite_scan.c: reading. */

/*
 * Whether a row's checksum is right: 1; 0: damaged; -ENOMEM, if it is only memory that was short.
 */
CX_MUST_CHECK int sql_row_ok(StoreSqlite *s, StoreSql which, int crc_column, int64_t crc);

/*
 * All surveys with @after < seq <= @until in ascending order; rows that are damaged or lost are counted and
 * given to
 * @damaged (may be NULL). -EBADMSG when the table itself is out of order.
 */
CX_MUST_CHECK int sql_walk(StoreSqlite *s, uint64_t after, uint64_t until, StoreSurveyFn fn, void *user,
                           void (*damaged)(void *user, uint64_t seq));

int sqlite_get_survey(Store *base, uint64_t seq, Buffer *ret_json);
int sqlite_scan_surveys(Store *base, uint64_t after, size_t max, StoreSurveyFn fn, void *user,
                        void (*damaged)(void *user, uint64_t seq));
int sqlite_scan_recent(Store *base, usec_t since, usec_t until, StoreSurveyFn fn, void *user);
int sqlite_scan_alerts(Store *base, StoreAlertFn fn, void *user);
int sqlite_scan_feeds(Store *base, StoreFeedFn fn, void *user);

/* store_sqlite_expire.c */
int sqlite_expire(Store *base, usec_t before, size_t max, size_t *ret_n);

/* store_sqlite_load.c */
/* Fills in the blocks; lost or damaged ones are made anew and written. */
CX_MUST_CHECK int sqlite_load_blocks(StoreSqlite *s);
CX_MUST_CHECK int sqlite_load_counts(StoreSqlite *s);

/* store_sqlite_open.c */
/* Statements that are needed once. */
CX_MUST_CHECK int sql_execute(StoreSqlite *s, const char *text);

extern const StoreVerbs store_sqlite_verbs;

/* Closes whatever is open, frees @s. */
void sqlite_close(Store *base);

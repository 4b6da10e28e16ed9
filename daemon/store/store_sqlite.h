#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store, as its own files share it. Private to daemon/store.
 *
 * One connection with the file locked for itself; every statement is prepared once, when the store is opened.
 * A row carries a checksum over all its columns, and the blocks know which surveys must be there, so that
 * neither a changed nor a lost row goes unnoticed.
 */

#include <sys/types.h>

#include "daemon/store/store_block.h"
#include "daemon/store/store_impl.h"

struct sqlite3;
struct sqlite3_backup;
struct sqlite3_stmt;

typedef enum StoreSql {
        SQL_BEGIN,
        SQL_COMMIT,
        SQL_ROLLBACK,
        SQL_PUT_SURVEYS,
        SQL_GET_SURVEY,
        SQL_SCAN_SURVEYS,
        SQL_DROP_SURVEY,
        SQL_PUT_BLOCK,
        SQL_DROP_BLOCK,
        SQL_SCAN_BLOCKS,
        SQL_UPDATE_ALERT,
        SQL_INSERT_ALERT,
        SQL_SCAN_ALERTS,
        SQL_UPDATE_FEED,
        SQL_INSERT_FEED,
        SQL_SCAN_FEEDS,
        SQL_DROP_FEED,
        SQL_PUT_META,
        SQL_GET_META,
        SQL_SCRUB_ALERTS,
        SQL_SCRUB_FEEDS,
        SQL_SCRUB_META,
        /* From here on: of the table that came with version 2. */
        SQL_UPDATE_TALLY,
        SQL_INSERT_TALLY,
        SQL_GET_TALLY,
        SQL_SCAN_TALLIES,
        SQL_SCAN_TALLIES_BACK,
        SQL_DROP_TALLY,
        /* From here on: of the table that came with version 3. */
        SQL_PUT_REVISED,
        SQL_SCAN_REVISED,
        SQL_DROP_REVISED,
        _SQL_N,
        _SQL_N_VERSION_1 = SQL_UPDATE_TALLY,
        _SQL_N_VERSION_2 = SQL_PUT_REVISED,
} StoreSql;

/* store_sqlite_statements.c */
extern const char *const sql_texts[_SQL_N];

/* How many rows the tables must have (surveys: see the blocks). */
typedef struct StoreCounts {
        uint64_t blocks, alerts, feeds, tallies, revised;
} StoreCounts;

typedef struct StoreSqlite {
        Store base;
        char *path;
        struct sqlite3 *db;
        struct sqlite3_stmt *sql[_SQL_N];
        const StoreSurvey *given; /* while they are written. Borrowed */
        size_t n_given;
        Blocks blocks;
        StoreCounts counts;
        StoreCounts stored_counts; /* as they are on disk */
        StoreCounts lost;          /* so many of them were counted as damaged, of alerts and feeds */
        uint64_t n_damaged;
        usec_t oldest_feed;   /* no message is older; INT64_MIN: not known */
        int32_t oldest_tally; /* no tally that can be read is of a day before; INT32_MIN: not known */
        int os_error;         /* errno of the last step */
        bool is_open;         /* opened successfully */
        int log_pages;        /* as of the last commit; 0: it was written back since, or that failed */
        int log_commits;      /* since then */
        ino_t log_inode;      /* 0: not known yet */
        bool no_space;        /* the log is not written back: that would fill what was given up for alerts */
        bool broken;          /* the disk failed: what it holds is not known, nothing more is written */
        int broken_by;        /* errno of that */
        bool read_only;
        int version; /* of the file */
        StoreDamageFn damaged;
        void *damaged_user;
        uint64_t *told; /* a table of what @damaged was told, by hashes; of surveys the blocks know */
        size_t n_told, told_size;
        struct sqlite3 *copy;
        struct sqlite3_backup *copying;
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

/* A blob as SQLite wants it: not NULL where it is empty. *@ret_free goes with it. */
Text sql_blob(Text value, void (**ret_free)(void *));

int64_t sql_int(StoreSqlite *s, StoreSql which, int column);
Text sql_text(StoreSqlite *s, StoreSql which, int column);

/* Checksums of rows. */
int64_t crc_survey(const StoreSurvey *row);
int64_t crc_alert(const StoreAlert *row);
int64_t crc_feed(const StoreFeed *row);
int64_t crc_block(const Block *block);
int64_t crc_meta(Text key, uint64_t value);
int64_t crc_tally(const StoreTally *row);
int64_t crc_revised(const StoreRevised *row);

/* store_sqlite_scan.c: reading. */

/*
 * Whether a row's checksum is right: 1; 0: damaged; -ENOMEM, if it is only memory that was short.
 */
CX_MUST_CHECK int sql_row_ok(StoreSqlite *s, StoreSql which, int crc_column, int64_t crc);

/*
 * All surveys with @after < seq <= @until in ascending order; rows that are damaged or lost are counted and told, and given
 * to @damaged (may be NULL), also those that were told before.
 */
CX_MUST_CHECK int sql_walk(StoreSqlite *s, uint64_t after, uint64_t until, StoreSurveyFn fn, void *user,
                           void (*damaged)(void *user, uint64_t seq));

int sqlite_get_survey(Store *base, uint64_t seq, Buffer *ret_json, Buffer *ret_source);
int sqlite_scan_surveys(Store *base, uint64_t after, size_t max, StoreSurveyFn fn, void *user);
int sqlite_scan_recent(Store *base, StoreRecent *at, StoreSurveyFn fn, void *user);
int sqlite_scan_alerts(Store *base, StoreAlertFn fn, void *user);
int sqlite_scan_feeds(Store *base, StoreFeedFn fn, void *user);

int sqlite_scan_span(Store *base, usec_t since, usec_t until, uint64_t *at, size_t max, StoreSurveyFn fn,
                     void *user);

/* Rows as the statements of scans and checks give them. */
StoreAlert sql_alert(StoreSqlite *s, StoreSql which);
StoreFeed sql_feed(StoreSqlite *s, StoreSql which);
StoreTally sql_tally(StoreSqlite *s, StoreSql which);

/* store_sqlite_survey.c */
/* Before its statement is prepared. */
CX_MUST_CHECK int sql_add_given(StoreSqlite *s);
int sqlite_put_surveys(Store *base, const StoreSurvey *rows, size_t n);

/* store_sqlite_expire.c */
int sqlite_drop_surveys(Store *base, usec_t before, const uint64_t *seqs, size_t n);
int sqlite_expire_feeds(Store *base, usec_t before, size_t max, size_t *ret_n);

/* store_sqlite_tally.c */
int sqlite_put_tally(Store *base, const StoreTally *row);
int sqlite_get_tally(Store *base, int32_t day, Text scope, Buffer *ret);
int sqlite_scan_tallies(Store *base, int32_t after_day, Text after_scope, size_t max, StoreTallyFn fn,
                        void *user);
int sqlite_expire_tallies(Store *base, int32_t day, size_t max, size_t *ret_n);
int sqlite_put_mark(Store *base, Text name, int64_t value);
int sqlite_get_mark(Store *base, Text name, int64_t *ret);

/* store_sqlite_revised.c */
int sqlite_put_revised(Store *base, const StoreRevised *row);
int sqlite_scan_revised(Store *base, StoreRevisedFn fn, void *user);
int sqlite_expire_revised(Store *base, uint64_t epoch, size_t max, size_t *ret_n);

/* store_sqlite_damage.c */
/* A row other than a survey is damaged: it is counted and told the first time. @met (may be NULL) gets it each time. */
CX_PRINTF(4, 5) void sql_damage(StoreSqlite *s, StoreDamageFn met, void *user, const char *format, ...);
void sql_damage_survey(StoreSqlite *s, uint64_t seq);
/* @n more rows are gone, @total in all. */
void sql_damage_lost(StoreSqlite *s, uint64_t n, uint64_t total, const char *rows);
void sql_damage_free(StoreSqlite *s);

/* store_sqlite_scrub.c */
int sqlite_scrub(Store *base, StoreScrub *at, StoreDamageFn damaged, void *user);

/* store_sqlite_log.c */
void log_watch(StoreSqlite *s);
/* Whether the file and its log, or the folder that it comes into, may be written. */
CX_MUST_CHECK int log_check_access(StoreSqlite *s);
/* Before a transaction: an end to it if nobody writes it back. */
void log_bound(StoreSqlite *s);
/* Likewise: another log where this one was moved, removed or replaced. */
CX_MUST_CHECK int log_keep(StoreSqlite *s);
/* From now on nothing is written. */
void sql_break(StoreSqlite *s);
/* -EIO, with a sentence: it is broken. */
int sql_refuse(StoreSqlite *s);
StoreLog sqlite_log(const Store *base);
int sqlite_write_back(Store *base);
int sqlite_erase(Store *base);

/* store_sqlite_copy.c */
int sqlite_copy_begin(Store *base, const char *path);
int sqlite_copy_step(Store *base, size_t n_pages);
void sqlite_copy_end(Store *base);

/* store_sqlite_load.c */
/* Fills in the blocks; lost or damaged ones are made anew and written. */
CX_MUST_CHECK int sqlite_load_blocks(StoreSqlite *s);
CX_MUST_CHECK int sqlite_load_counts(StoreSqlite *s);
/*
 * The value under @key in the table of numbers: 1; 0: lost, or damaged, and *ret_damaged (false before, may be NULL) is true
 * then. Nobody is told: what it means that it is not known is the caller's to say.
 */
CX_MUST_CHECK int sql_get_meta(StoreSqlite *s, Text key, uint64_t *ret, bool *ret_damaged);

/* store_sqlite_open.c */
/* Statements that are needed once. */
CX_MUST_CHECK int sql_execute(StoreSqlite *s, const char *text);
/* A setting that must have been taken. */
CX_MUST_CHECK int sql_set(StoreSqlite *s, const char *text, const char *expected);
CX_MUST_CHECK int sql_query_number(StoreSqlite *s, const char *text, int64_t *ret);
/* Everything of opening a file that writes nothing: of a store that is opened to be verified. */
CX_MUST_CHECK int sqlite_open_to_read(StoreSqlite *s, const char *path);

extern const StoreVerbs store_sqlite_verbs;

/* Closes whatever is open, frees @s. */
void sqlite_close(Store *base);

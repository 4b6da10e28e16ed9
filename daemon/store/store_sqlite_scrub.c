/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: reading everything, bit by bit, to find what has rotted.
 *
 * A damaged row is quarantined by what it is: whoever reads it sees that its checksum is wrong and leaves it out. Here it
 * is found early, while there is a backup with it.
 */

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/store/store_sqlite.h"

#define SCRUB_ROWS 1000

enum {
        SCRUB_SURVEYS,
        SCRUB_BLOCKS,
        SCRUB_ALERTS,
        SCRUB_FEEDS,
        SCRUB_TALLIES,
        SCRUB_META,
        _SCRUB_N,
};

typedef struct Scrub {
        StoreSqlite *s;
        StoreScrub *at;
        StoreDamageFn damaged;
        void *user;
        size_t n; /* rows of this slice */
        size_t n_good;
} Scrub;

static void tell(void *user, const char *what)
{
        Scrub *c = user;

        c->at->n_damaged++;
        if (c->damaged)
                c->damaged(c->user, what);
}

static void next_table(StoreScrub *at)
{
        at->table++;
        at->number = INT64_MIN;
        buffer_reset(&at->key);
        at->complete = at->table == _SCRUB_N;
}

static int count_survey(void *user, const StoreSurvey *row CX_UNUSED)
{
        ((Scrub *)user)->at->n_rows++;
        return 0;
}

static void tell_survey(void *user, uint64_t seq)
{
        Scrub *c = user;
        char what[40];

        (void)snprintf(what, sizeof(what), "survey %llu", (unsigned long long)seq);
        tell(c, what);
}

/* One block of surveys. */
static int scrub_surveys(Scrub *c)
{
        uint64_t from = c->at->number > 0 ? (uint64_t)c->at->number : 0, first, last;
        Blocks *b = &c->s->blocks;
        size_t i = 0;
        int r;

        while (i < b->n && (b->at[i].n == 0 || b->at[i].no < from))
                i++;
        if (i == b->n) {
                next_table(c->at);
                return 0;
        }
        first = b->at[i].no << BLOCK_SHIFT;
        last = first + BLOCK_ROWS - 1;
        c->at->number = (int64_t)b->at[i].no + 1;
        r = sql_walk(c->s, first ? first - 1 : 0, last, count_survey, c, tell_survey);
        if (r == -EBADMSG || r == -EIO) {
                sql_damage(c->s, tell, c, "table of surveys between %llu and %llu", (unsigned long long)first,
                           (unsigned long long)last);
                return 0;
        }
        return r;
}

/* All at once: there is one for a thousand surveys. */
static int scrub_blocks(Scrub *c)
{
        uint64_t n = 0;
        int r;

        while ((r = sql_step(c->s, SQL_SCAN_BLOCKS, "read the blocks")) > 0) {
                Text bits = sql_text(c->s, SQL_SCAN_BLOCKS, 5);
                Block block = {
                        .no = (uint64_t)sql_int(c->s, SQL_SCAN_BLOCKS, 0),
                        .last = (uint64_t)sql_int(c->s, SQL_SCAN_BLOCKS, 1),
                        .min_ts = sql_int(c->s, SQL_SCAN_BLOCKS, 2),
                        .max_ts = sql_int(c->s, SQL_SCAN_BLOCKS, 3),
                };
                int ok;

                if (bits.n == sizeof(block.bits))
                        memcpy(block.bits, bits.at, sizeof(block.bits));
                ok = sql_row_ok(c->s, SQL_SCAN_BLOCKS, 4, crc_block(&block));
                if (ok < 0) {
                        sql_done(c->s, SQL_SCAN_BLOCKS);
                        return ok;
                }
                if (ok == 0)
                        sql_damage(c->s, tell, c, "block %llu", (unsigned long long)block.no);
                n++;
                c->at->n_rows++;
        }
        if (r == 0 && n < c->s->counts.blocks)
                sql_damage(c->s, tell, c, "%llu blocks that are lost",
                           (unsigned long long)(c->s->counts.blocks - n));
        if (r == -EBADMSG || r == -EIO) {
                sql_damage(c->s, tell, c, "table of blocks");
                r = 0;
        }
        if (r == 0)
                next_table(c->at);
        return r;
}

/* Where the next slice begins: behind a row that is @ok, for what a damaged one says of itself may be anything. */
static int go_on_behind(Scrub *c, int ok, Text key, int64_t number)
{
        c->at->n_rows++;
        c->n++;
        if (ok <= 0)
                return ok;
        c->n_good++;
        buffer_reset(&c->at->key);
        buffer_append_text(&c->at->key, key);
        c->at->number = number;
        return buffer_failed(&c->at->key) ? store_fail(&c->s->base, -ENOMEM, "no memory to check rows") : 0;
}

static int take_alert(Scrub *c)
{
        StoreAlert row = sql_alert(c->s, SQL_SCRUB_ALERTS);
        int ok = sql_row_ok(c->s, SQL_SCRUB_ALERTS, 3, crc_alert(&row));

        if (ok == 0)
                sql_damage(c->s, tell, c, "alert " TEXT_FMT, TEXT_ARG(row.id));
        return go_on_behind(c, ok, row.id, 0);
}

static int take_feed(Scrub *c)
{
        StoreFeed row = sql_feed(c->s, SQL_SCRUB_FEEDS);
        int ok = sql_row_ok(c->s, SQL_SCRUB_FEEDS, 3, crc_feed(&row));

        if (ok == 0)
                sql_damage(c->s, tell, c, "feed " TEXT_FMT " %llu", TEXT_ARG(row.principal),
                           (unsigned long long)row.seq);
        return go_on_behind(c, ok, row.principal, (int64_t)row.seq);
}

static int take_tally(Scrub *c)
{
        StoreTally row = sql_tally(c->s, SQL_SCAN_TALLIES);
        int ok = sql_row_ok(c->s, SQL_SCAN_TALLIES, 2, crc_tally(&row));

        if (ok == 0)
                sql_damage(c->s, tell, c, "tally %d " TEXT_FMT, row.day, TEXT_ARG(row.scope));
        return go_on_behind(c, ok, row.scope, row.day);
}

static const char *const names[] = {
        [SCRUB_ALERTS] = "alerts",
        [SCRUB_FEEDS] = "feed messages",
        [SCRUB_TALLIES] = "tallies",
};

/* Rows that are gone are in no table; whoever read all of it has counted them. */
static void tell_lost(Scrub *c)
{
        const StoreCounts *lost = &c->s->lost;
        uint64_t n = c->at->table == SCRUB_ALERTS  ? lost->alerts
                     : c->at->table == SCRUB_FEEDS ? lost->feeds
                                                   : 0;
        char what[48];

        if (n == 0)
                return;
        (void)snprintf(what, sizeof(what), "%llu %s that are lost", (unsigned long long)n,
                       names[c->at->table]);
        tell(c, what);
}

/* A slice of a table with a statement that was given its beginning. */
static int scrub_rows(Scrub *c, StoreSql which, int (*take)(Scrub *c))
{
        int r = 0;

        while (c->n < SCRUB_ROWS && (r = sql_step(c->s, which, "check rows")) > 0) {
                r = take(c);
                if (r < 0)
                        break;
        }
        if (c->n == SCRUB_ROWS || r < 0)
                sql_done(c->s, which);
        if (r < 0)
                return r;
        if (c->n < SCRUB_ROWS) {
                tell_lost(c);
                next_table(c->at);
        }
        return c->n < SCRUB_ROWS || c->n_good ? 0 : -EBADMSG; /* nothing to go on behind */
}

static int scrub_keyed(Scrub *c)
{
        Text key = buffer_text(&c->at->key);
        StoreSql which = c->at->table == SCRUB_ALERTS  ? SQL_SCRUB_ALERTS
                         : c->at->table == SCRUB_FEEDS ? SQL_SCRUB_FEEDS
                                                       : SQL_SCAN_TALLIES;
        CX_CLEANUP(buffer_deinit)
        Buffer from = BUFFER_NULL; /* what is bound must stay while the key moves on */
        int r;

        if (which == SQL_SCAN_TALLIES && c->s->version < 2) {
                next_table(c->at);
                return 0;
        }
        buffer_append_text(&from, key);
        if (buffer_failed(&from))
                return store_fail(&c->s->base, -ENOMEM, "no memory to check rows");
        key = buffer_text(&from);
        if (which == SQL_SCRUB_ALERTS)
                r = sql_bind(c->s, which, "ti", key, (int64_t)SCRUB_ROWS);
        else if (which == SQL_SCRUB_FEEDS)
                r = sql_bind(c->s, which, "tii", key, c->at->number, (int64_t)SCRUB_ROWS);
        else
                r = sql_bind(c->s, which, "it", c->at->number, key);
        if (r == 0)
                r = scrub_rows(c, which,
                               which == SQL_SCRUB_ALERTS  ? take_alert
                               : which == SQL_SCRUB_FEEDS ? take_feed
                                                          : take_tally);
        if (r == -EBADMSG || r == -EIO) {
                sql_damage(c->s, tell, c, "table of %s", names[c->at->table]);
                next_table(c->at);
                return 0;
        }
        return r;
}

/* Counts of rows, and marks: all at once. Where one is lost nobody knows that it was there. */
static int scrub_meta(Scrub *c)
{
        int r;

        while ((r = sql_step(c->s, SQL_SCRUB_META, "read the numbers")) > 0) {
                Text key = sql_text(c->s, SQL_SCRUB_META, 0);
                int ok = sql_row_ok(c->s, SQL_SCRUB_META, 2,
                                    crc_meta(key, (uint64_t)sql_int(c->s, SQL_SCRUB_META, 1)));

                if (ok < 0) {
                        sql_done(c->s, SQL_SCRUB_META);
                        return ok;
                }
                if (ok == 0)
                        sql_damage(c->s, tell, c, "number " TEXT_FMT, TEXT_ARG(key));
                c->at->n_rows++;
        }
        if (r == -EBADMSG || r == -EIO) {
                sql_damage(c->s, tell, c, "table of numbers");
                r = 0;
        }
        if (r == 0)
                next_table(c->at);
        return r;
}

int sqlite_scrub(Store *base, StoreScrub *at, StoreDamageFn damaged, void *user)
{
        Scrub c = {.s = store_sqlite(base), .at = at, .damaged = damaged, .user = user};

        /* What is in memory says nothing about the disk. */
        (void)sqlite3_db_release_memory(c.s->db);
        if (at->table == SCRUB_SURVEYS)
                return scrub_surveys(&c);
        if (at->table == SCRUB_META)
                return scrub_meta(&c);
        return at->table == SCRUB_BLOCKS ? scrub_blocks(&c) : scrub_keyed(&c);
}

/* --- a whole file --------------------------------------------------------------------------------------- */

/* What SQLite finds in its own structure. */
static int check_integrity(StoreSqlite *s)
{
        sqlite3_stmt *sql = NULL;
        int rc = sqlite3_prepare_v2(s->db, "PRAGMA integrity_check", -1, &sql, NULL);

        while (rc == SQLITE_OK && (rc = sqlite3_step(sql)) == SQLITE_ROW) {
                const char *text = (const char *)sqlite3_column_text(sql, 0);

                rc = SQLITE_OK;
                if (!text || strcmp(text, "ok") != 0)
                        sql_damage(s, NULL, NULL, "structure: %s", text ? text : "unreadable");
        }
        (void)sqlite3_finalize(sql);
        if (rc == SQLITE_DONE)
                return 0;
        if ((rc & 0xff) == SQLITE_CORRUPT) {
                sql_damage(s, NULL, NULL, "structure: %s", sqlite3_errstr(rc));
                return 0;
        }
        return sql_fail(s, rc, "check the structure");
}

/* Rows that are gone are in no table; their number is. */
static int check_number(StoreSqlite *s, const char *what, const char *text, uint64_t expected)
{
        int64_t n = 0;
        int r = sql_query_number(s, text, &n);

        if (r == 0 && (uint64_t)n < expected)
                sql_damage(s, NULL, NULL, "%llu %s that are lost",
                           (unsigned long long)(expected - (uint64_t)n), what);
        return r == -EBADMSG ? 0 : r; /* the check of the rows has said so */
}

static int verify(StoreSqlite *s, const char *path, StoreScrub *at)
{
        int r = sqlite_open_to_read(s, path);

        if (r != 0)
                return r;
        while (r == 0 && !at->complete)
                r = store_scrub(&s->base, at, NULL, NULL);
        if (r == 0)
                r = check_number(s, "alerts", "SELECT count(*) FROM alert", s->counts.alerts);
        if (r == 0)
                r = check_number(s, "feed messages", "SELECT count(*) FROM feed", s->counts.feeds);
        if (r == 0 && s->version > 1)
                r = check_number(s, "tallies", "SELECT count(*) FROM tally", s->counts.tallies);
        return r == 0 ? check_integrity(s) : r;
}

int store_verify_sqlite(const char *path, StoreDamageFn damaged, void *user, StoreVerified *ret, char *error,
                        size_t size)
{
        StoreSqlite *s = calloc(1, sizeof(*s));
        StoreScrub at = STORE_SCRUB_NULL;
        int r = -ENOMEM;

        if (s) {
                s->damaged = damaged;
                s->damaged_user = user;
                r = verify(s, path, &at);
        }
        if (r != 0 && size)
                (void)snprintf(error, size, "%s", s && s->base.error[0] ? s->base.error : strerror(ENOMEM));
        if (r == 0)
                *ret = (StoreVerified){.n_rows = at.n_rows, .n_damaged = s->n_damaged, .version = s->version};
        store_scrub_deinit(&at);
        if (s)
                sqlite_close(&s->base);
        return r;
}

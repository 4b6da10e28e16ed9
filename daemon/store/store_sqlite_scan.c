/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: reading.
 *
 * The happy path is: rows come in the order of their key, each with its checksum, and they are those that the
 * blocks and counts say. Possible failure modes are: a row was changed (its checksum is wrong); rows are gone
 * or appear twice, because a page that leads to them was changed (the blocks and counts tell); SQLite itself
 * stumbles over the page (then surveys of that block are looked up one by one, and other tables are -EBADMSG).
 */

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "daemon/store/store_sqlite.h"
#include "proto/base/plant.h"

int sql_row_ok(StoreSqlite *s, StoreSql which, int crc_column, int64_t crc)
{
        if (sql_int(s, which, crc_column) == crc || PLANTED("checksum-ignored"))
                return 1;
        if (sqlite3_errcode(s->db) == SQLITE_NOMEM)
                return store_fail(&s->base, -ENOMEM, "no memory to read a row");
        return 0;
}

/* --- surveys -------------------------------------------------------------------------------------------- */

static StoreSurvey survey_row(StoreSqlite *s, StoreSql which)
{
        return (StoreSurvey){
                .seq = (uint64_t)sql_int(s, which, 0),
                .ts = sql_int(s, which, 1),
                .source = sql_text(s, which, 2),
                .json = sql_text(s, which, 4),
        };
}

typedef struct Walk {
        StoreSqlite *s;
        void (*damaged)(void *user, uint64_t seq);
        void *user;
        uint64_t reached; /* all up to this number came, or were told */
        bool torn;        /* what leads to those behind it is damaged */
} Walk;

static void report(const Walk *w, uint64_t seq)
{
        sql_damage_survey(w->s, seq);
        if (w->damaged)
                w->damaged(w->user, seq);
}

static int tear(Walk *w)
{
        w->torn = true;
        return store_fail(&w->s->base, -EBADMSG, "the table of surveys is damaged after number %llu",
                          (unsigned long long)w->reached);
}

/*
 * Positions SQL_GET_SURVEY on a row that the blocks know; the caller ends the statement if the result is 0.
 * -EBADMSG: damaged or lost.
 */
static int fetch(const Walk *w, uint64_t seq, StoreSurvey *ret)
{
        StoreSqlite *s = w->s;
        bool is_bad = blocks_is_bad(&s->blocks, seq);
        int r = is_bad ? 0 : sql_bind(s, SQL_GET_SURVEY, "i", (int64_t)seq);

        if (r < 0)
                return r;
        r = is_bad ? 0 : sql_step(s, SQL_GET_SURVEY, "read a survey");
        if (r > 0) {
                *ret = survey_row(s, SQL_GET_SURVEY);
                r = ret->seq == seq ? sql_row_ok(s, SQL_GET_SURVEY, 3, crc_survey(ret)) : 0;
                if (r > 0)
                        return 0;
                sql_done(s, SQL_GET_SURVEY);
        }
        if (r < 0 && r != -EBADMSG)
                return r;
        report(w, seq);
        return store_fail(&s->base, -EBADMSG, "survey number %llu is damaged", (unsigned long long)seq);
}

/* One by one, those up to @until that should be there: around what is damaged, others can be found. */
static int walk_singly(Walk *w, uint64_t until, StoreSurveyFn fn, void *user)
{
        for (uint64_t seq = blocks_next(&w->s->blocks, w->reached); seq <= until;
             seq = blocks_next(&w->s->blocks, seq)) {
                StoreSurvey row;
                int r = fetch(w, seq, &row);

                w->reached = seq;
                if (r == -EBADMSG)
                        continue;
                if (r == 0) {
                        r = fn(user, &row);
                        sql_done(w->s, SQL_GET_SURVEY);
                }
                if (r != 0)
                        return r;
        }
        w->reached = until;
        return 0;
}

/* Those that should be before it did not come; they may be somewhere else. */
static int take_in_turn(Walk *w, const StoreSurvey *row, StoreSurveyFn fn, void *user)
{
        int r = walk_singly(w, row->seq - 1, fn, user);

        if (r != 0)
                return r;
        w->reached = row->seq;
        return fn(user, row);
}

/*
 * A row as it lies in the table. What a damaged one says of its number may be anything: it is told as one that did not come
 * where it should have.
 */
static int take(Walk *w, const StoreSurvey *row, uint64_t until, StoreSurveyFn fn, void *user)
{
        int ok = sql_row_ok(w->s, SQL_SCAN_SURVEYS, 3, crc_survey(row));

        if (ok < 0)
                return ok;
        if (!blocks_has(&w->s->blocks, row->seq)) {
                report(w, row->seq);
                return 0;
        }
        /* SQLite may find a row at a second look that it did not find at the first; it stays out. */
        if (ok == 0 || blocks_is_bad(&w->s->blocks, row->seq))
                return 0;
        if (row->seq <= w->reached || row->seq > until)
                return tear(w);
        return take_in_turn(w, row, fn, user);
}

static int walk_in_order(Walk *w, uint64_t until, StoreSurveyFn fn, void *user)
{
        StoreSqlite *s = w->s;
        int r;

        r = sql_bind(s, SQL_SCAN_SURVEYS, "ii", (int64_t)w->reached, (int64_t)until);
        if (r < 0)
                return r;
        while ((r = sql_step(s, SQL_SCAN_SURVEYS, "read surveys")) > 0) {
                StoreSurvey row = survey_row(s, SQL_SCAN_SURVEYS);

                r = take(w, &row, until, fn, user);
                if (r != 0) {
                        sql_done(s, SQL_SCAN_SURVEYS);
                        return r;
                }
        }
        if (r == -EBADMSG)
                return tear(w);
        return r < 0 ? r : walk_singly(w, until, fn, user);
}

int sql_walk(StoreSqlite *s, uint64_t after, uint64_t until, StoreSurveyFn fn, void *user,
             void (*damaged)(void *user, uint64_t seq))
{
        Walk w = {.s = s, .damaged = damaged, .user = user, .reached = after};

        if (until > INT64_MAX - 1)
                until = INT64_MAX - 1;
        while (w.reached < until) {
                int r = walk_in_order(&w, until, fn, user);
                uint64_t next;

                if (!w.torn)
                        return r;
                w.torn = false;
                next = blocks_next(&s->blocks, w.reached);
                if (next > until)
                        return 0;
                /* The next block may be whole. */
                next |= BLOCK_ROWS - 1;
                r = walk_singly(&w, next < until ? next : until, fn, user);
                if (r != 0)
                        return r;
        }
        return 0;
}

int sqlite_get_survey(Store *base, uint64_t seq, Buffer *ret_json, Buffer *ret_source)
{
        StoreSqlite *s = store_sqlite(base);
        const Walk w = {.s = s};
        StoreSurvey row;
        int r;

        if (!blocks_has(&s->blocks, seq))
                return STORE_E_NOT_FOUND;
        r = fetch(&w, seq, &row);
        if (r < 0)
                return r;
        buffer_append_text(ret_json, row.json);
        if (ret_source)
                buffer_append_text(ret_source, row.source);
        sql_done(s, SQL_GET_SURVEY);
        return buffer_failed(ret_json) || (ret_source && buffer_failed(ret_source))
                       ? store_fail(base, -ENOMEM, "no memory to read a survey")
                       : 0;
}

typedef struct Slice {
        StoreSurveyFn fn;
        void *user;
        size_t left;
        bool full;
} Slice;

static int slice_row(void *user, const StoreSurvey *row)
{
        Slice *slice = user;
        int r;

        r = slice->fn(slice->user, row);
        if (r != 0)
                return r;
        slice->full = --slice->left == 0;
        return slice->full;
}

int sqlite_scan_surveys(Store *base, uint64_t after, size_t max, StoreSurveyFn fn, void *user)
{
        Slice slice = {.fn = fn, .user = user, .left = max ? max : SIZE_MAX};
        int r;

        r = sql_walk(store_sqlite(base), after, UINT64_MAX, slice_row, &slice, NULL);
        return slice.full ? 0 : r;
}

/* --- alerts and feeds ----------------------------------------------------------------------------------- */

/* Ends a scan that came to the end of a table: @n of @expected rows were there, @known are known to be lost. */
static int count_lost(StoreSqlite *s, uint64_t n, uint64_t expected, uint64_t *known, const char *rows)
{
        if (n + *known < expected) {
                sql_damage_lost(s, expected - n - *known, expected - n, rows);
                *known = expected - n;
        }
        return 0;
}

static int remember(StoreSqlite *s, Buffer *previous, Text key)
{
        buffer_reset(previous);
        buffer_append_text(previous, key);
        return buffer_failed(previous) ? store_fail(&s->base, -ENOMEM, "no memory to read a row") : 0;
}

StoreAlert sql_alert(StoreSqlite *s, StoreSql which)
{
        return (StoreAlert){
                .id = sql_text(s, which, 0),
                .changed = sql_int(s, which, 1),
                .is_open = sql_int(s, which, 2) != 0,
                .json = sql_text(s, which, 4),
        };
}

StoreFeed sql_feed(StoreSqlite *s, StoreSql which)
{
        return (StoreFeed){
                .principal = sql_text(s, which, 0),
                .seq = (uint64_t)sql_int(s, which, 1),
                .at = sql_int(s, which, 2),
                .json = sql_text(s, which, 4),
        };
}

int sqlite_scan_alerts(Store *base, StoreAlertFn fn, void *user)
{
        StoreSqlite *s = store_sqlite(base);
        CX_CLEANUP(buffer_deinit) Buffer previous = BUFFER_NULL;
        uint64_t n = 0;
        int r;

        while ((r = sql_step(s, SQL_SCAN_ALERTS, "read alerts")) > 0) {
                StoreAlert row = sql_alert(s, SQL_SCAN_ALERTS);
                int ok = sql_row_ok(s, SQL_SCAN_ALERTS, 3, crc_alert(&row));

                /* In this order a row that comes twice comes at once again. */
                if (ok > 0 && previous.n && text_equal(buffer_text(&previous), row.id)) {
                        sql_damage(s, NULL, NULL, "alert " TEXT_FMT " again", TEXT_ARG(row.id));
                        continue;
                }
                n++;
                if (ok == 0) {
                        sql_damage(s, NULL, NULL, "alert " TEXT_FMT, TEXT_ARG(row.id));
                        continue;
                }
                r = ok < 0 ? ok : remember(s, &previous, row.id);
                if (r == 0)
                        r = fn(user, &row);
                if (r != 0) {
                        sql_done(s, SQL_SCAN_ALERTS);
                        return r;
                }
        }
        return r < 0 ? r : count_lost(s, n, s->counts.alerts, &s->lost.alerts, "alerts");
}

int sqlite_scan_feeds(Store *base, StoreFeedFn fn, void *user)
{
        StoreSqlite *s = store_sqlite(base);
        CX_CLEANUP(buffer_deinit) Buffer previous = BUFFER_NULL;
        uint64_t n = 0, previous_seq = 0;
        int r;

        while ((r = sql_step(s, SQL_SCAN_FEEDS, "read messages")) > 0) {
                StoreFeed row = sql_feed(s, SQL_SCAN_FEEDS);
                int ok = sql_row_ok(s, SQL_SCAN_FEEDS, 3, crc_feed(&row));
                int order = text_compare(buffer_text(&previous), row.principal);

                if (ok > 0 && (order > 0 || (order == 0 && row.seq <= previous_seq))) {
                        sql_damage(s, NULL, NULL, "feed " TEXT_FMT " %llu again", TEXT_ARG(row.principal),
                                   (unsigned long long)row.seq);
                        continue;
                }
                n++;
                if (ok == 0) {
                        sql_damage(s, NULL, NULL, "feed " TEXT_FMT " %llu", TEXT_ARG(row.principal),
                                   (unsigned long long)row.seq);
                        continue;
                }
                previous_seq = row.seq;
                r = ok < 0 ? ok : remember(s, &previous, row.principal);
                if (r == 0)
                        r = fn(user, &row);
                if (r != 0) {
                        sql_done(s, SQL_SCAN_FEEDS);
                        return r;
                }
        }
        return r < 0 ? r : count_lost(s, n, s->counts.feeds, &s->lost.feeds, "feed messages");
}

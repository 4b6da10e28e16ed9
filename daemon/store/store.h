#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is kept: surveys, alerts with every transition, and the numbering of the feeds. A table of verbs with
 * two implementations: SQLite, and memory for tests; one contract test runs against both.
 *
 * A store belongs to one thread at a time. Changes happen between begin and commit; what a commit has
 * returned 0 for survives a power cut. After a failed commit or write the transaction is gone as a whole. All
 * verbs return < 0 on errors: -ENOSPC when the disk (or quota) is full, -ESTALE from begin when the path leads to
 * another file than the open one, or to none, -EBADMSG for a damaged row, -EIO for everything else that the disk did,
 * -EINVAL for a change outside a transaction; store_error() has the sentence.
 *
 * After a commit that failed with -EIO nothing is written any more, because a second fsync could succeed and
 * mean nothing: store_begin() returns -EIO from then on. Only opening the store again tells whether that
 * transaction is there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "proto/base/buffer.h"
#include "proto/base/def.h"
#include "proto/base/text.h"
#include "proto/base/usec.h"

typedef struct Store Store;

enum {
        _STORE_OK,
        STORE_E_NOT_FOUND,
        STORE_E_NEWER,  /* open: written by a newer version; the file was not touched */
        STORE_E_LOCKED, /* open: another process has it */
};

/* One stored survey. @json is its canonical form (survey_encode()); borrowed. */
typedef struct StoreSurvey {
        uint64_t seq; /* from 1, in the order of first arrival; a revision keeps its number */
        usec_t ts;
        Text source; /* name of the source that owns the id */
        Text json;
} StoreSurvey;

/* One alert, complete, after a transition. */
typedef struct StoreAlert {
        Text id;
        Text json;
        bool is_open; /* not resolved */
        usec_t changed;
} StoreAlert;

/* One message of a principal's feed: the alert as it was sent. */
typedef struct StoreFeed {
        Text principal;
        uint64_t seq; /* of this principal, from 1 */
        usec_t at;
        Text json;
} StoreFeed;

/* Answers of one scope on one day (UTC, counted from 1970) whose surveys are no longer stored. */
typedef struct StoreTally {
        int32_t day;
        Text scope;  /* "team/alpha" */
        Text counts; /* the store does not look into it */
} StoreTally;

/*
 * What a survey was when a snapshot was taken that it has been changed after. Not part of the truth: it brings a snapshot
 * up to date.
 */
typedef struct StoreRevised {
        uint64_t epoch; /* of the snapshot that was the newest when the survey was changed */
        uint64_t seq;
        Text json; /* what was counted of it; empty: it was deleted */
} StoreRevised;

typedef struct StoreInfo {
        uint64_t n_surveys;
        uint64_t n_tallies;
        uint64_t last_seq;
        uint64_t bytes;     /* on disk */
        uint64_t n_damaged; /* rows that were found damaged or lost since open, each once */
} StoreInfo;

/* Where a check of all rows is. Begins as STORE_SCRUB_NULL; store_scrub_deinit() at any time. */
typedef struct StoreScrub {
        int table;
        int64_t number; /* of the row before, and for some tables ... */
        Buffer key;     /* ... its text */
        uint64_t n_rows;
        uint64_t n_damaged;
        bool complete;
} StoreScrub;

#define STORE_SCRUB_NULL ((StoreScrub){0})

/* Surveys that lie together, and the time of the latest one. */
typedef struct StoreSpan {
        usec_t latest;
        uint64_t no;
} StoreSpan;

/* Where a reading of the latest surveys of a time is. Begins as STORE_RECENT(); store_recent_deinit() at any time. */
typedef struct StoreRecent {
        usec_t since, until;
        usec_t rest;      /* none that is still to come is later than this; INT64_MIN: none is to come */
        StoreSpan *spans; /* the latest first. NULL: it has not begun. Owned */
        size_t n, next;
        uint64_t after; /* of the next one, this survey has come */
} StoreRecent;

#define STORE_RECENT(_since, _until) ((StoreRecent){.since = (_since), .until = (_until), .rest = INT64_MAX})

/*
 * Return 0 to go on, anything else to stop; that value is what the scan returns. Texts live during the call,
 * in which the store must not be used.
 */
typedef int (*StoreSurveyFn)(void *user, const StoreSurvey *row);
typedef int (*StoreAlertFn)(void *user, const StoreAlert *row);
typedef int (*StoreFeedFn)(void *user, const StoreFeed *row);
typedef int (*StoreTallyFn)(void *user, const StoreTally *row);
typedef int (*StoreRevisedFn)(void *user, const StoreRevised *row);

/*
 * A damaged or lost row: "survey 17", "alert ...", "tally 20000 team/alpha". Called on the thread that the store belongs to;
 * the store must not be used then.
 */
typedef void (*StoreDamageFn)(void *user, const char *what);

/*
 * Creates the file if it is not there. -errno; STORE_E_NEWER; STORE_E_LOCKED. @error (of @size) gets the sentence.
 * @damaged (may be NULL) is told of each damaged row once, from now until the store is closed, whichever verb meets it.
 */
CX_MUST_CHECK int store_open_sqlite(Store **ret, const char *path, StoreDamageFn damaged, void *user,
                                    char *error, size_t size);
CX_MUST_CHECK int store_open_ram(Store **ret);
Store *store_close(Store *s);
const char *store_error(const Store *s); /* of the last failed verb; never NULL */

CX_MUST_CHECK int store_begin(Store *s);
CX_MUST_CHECK int store_commit(Store *s);
void store_rollback(Store *s);

/*
 * Inserts each, or replaces the row of that number, in this order. Many at once take far less than each by itself. Borrows
 * the texts for the call.
 */
CX_MUST_CHECK int store_put_surveys(Store *s, const StoreSurvey *rows, size_t n);
static inline int store_put_survey(Store *s, const StoreSurvey *row)
{
        return store_put_surveys(s, row, 1);
}
CX_MUST_CHECK int store_put_alert(Store *s, const StoreAlert *row);
CX_MUST_CHECK int store_put_feed(Store *s, const StoreFeed *row);

/* Appends the json of survey @seq to @ret_json, the name of its source to @ret_source (may be NULL). STORE_E_NOT_FOUND. */
CX_MUST_CHECK int store_get_survey(Store *s, uint64_t seq, Buffer *ret_json, Buffer *ret_source);

/*
 * Surveys with seq > @after, ascending, at most @max (0: all) of them. Damaged and lost rows, also those that a damaged page
 * of the table has taken along, are counted, told and skipped; they do not count for @max. Nothing stays open between two
 * calls.
 */
CX_MUST_CHECK int store_scan_surveys(Store *s, uint64_t after, size_t max, StoreSurveyFn fn, void *user);
/*
 * About a thousand more surveys with since <= ts < until, as of the first call, where the latest of those that are left may
 * be; in any order. Which are left ends with @at->rest. One that @fn stopped at comes again. Of what is stored, changed or
 * deleted between two calls some may be missing. Damaged rows as above.
 */
CX_MUST_CHECK int store_scan_recent(Store *s, StoreRecent *at, StoreSurveyFn fn, void *user);
static inline void store_recent_deinit(StoreRecent *at)
{
        free(at->spans);
        *at = (StoreRecent){0};
}
/* All alerts, by the time of their last change, ascending. */
CX_MUST_CHECK int store_scan_alerts(Store *s, StoreAlertFn fn, void *user);
/* Feed messages of all principals, ascending by seq within each. */
CX_MUST_CHECK int store_scan_feeds(Store *s, StoreFeedFn fn, void *user);

/*
 * Surveys with seq > *@at and @since <= ts < @until, ascending by number: at most @max, of some thousands that are looked at.
 * *@at moves to the last one that was looked at, and at the end to UINT64_MAX. Where no survey of that time can be, nothing
 * is read. Damaged rows as for store_scan_surveys(), whatever their time.
 */
CX_MUST_CHECK int store_scan_span(Store *s, usec_t since, usec_t until, uint64_t *at, size_t max,
                                  StoreSurveyFn fn, void *user);

/*
 * Deletes these @n surveys, all with ts < @before; one that is not there is -ENOENT. A damaged row goes when everything
 * near it is that old; @n 0 sees to it that none of those is left over.
 */
CX_MUST_CHECK int store_drop_surveys(Store *s, usec_t before, const uint64_t *seqs, size_t n);
/*
 * Deletes up to @max feed messages that are older. The last one of a principal stays with its number and an empty text, so
 * that no number is given twice.
 */
CX_MUST_CHECK int store_expire_feeds(Store *s, usec_t before, size_t max, size_t *ret_n);

/* Inserts, or replaces the row of that day and scope. */
CX_MUST_CHECK int store_put_tally(Store *s, const StoreTally *row);
/* Appends the counts to @ret. STORE_E_NOT_FOUND. */
CX_MUST_CHECK int store_get_tally(Store *s, int32_t day, Text scope, Buffer *ret);
/*
 * Tallies behind (@after_day, @after_scope), ascending by both, at most @max (0: all). Damaged ones, also those that a damaged
 * page of the table has taken along, are counted, told and skipped; they do not count for @max.
 */
CX_MUST_CHECK int store_scan_tallies(Store *s, int32_t after_day, Text after_scope, size_t max,
                                     StoreTallyFn fn, void *user);
/* Deletes up to @max tallies of days before @day. */
CX_MUST_CHECK int store_expire_tallies(Store *s, int32_t day, size_t max, size_t *ret_n);

/* Inserts; nothing happens if there is a row of that epoch and number: the first one is what the snapshot has. */
CX_MUST_CHECK int store_put_revised(Store *s, const StoreRevised *row);
/* All of them, ascending by epoch and number. -EBADMSG if any is damaged or lost. */
CX_MUST_CHECK int store_scan_revised(Store *s, StoreRevisedFn fn, void *user);
/* Deletes up to @max of those of epochs before @epoch. */
CX_MUST_CHECK int store_expire_revised(Store *s, uint64_t epoch, size_t max, size_t *ret_n);

/* A number under a name, for what must be known again after a restart. STORE_E_NOT_FOUND, also for a damaged one. */
CX_MUST_CHECK int store_put_mark(Store *s, const char *name, int64_t value);
/*
 * 1 once the record of which surveys there are was made anew of those that could be found. Whoever goes by what was lost
 * puts 0 there.
 */
#define STORE_MARK_REPAIRED "repaired"
CX_MUST_CHECK int store_get_mark(Store *s, const char *name, int64_t *ret);
static inline int store_get_mark_or(Store *s, const char *name, int64_t or_else, int64_t *ret)
{
        int r = store_get_mark(s, name, ret);

        if (r == STORE_E_NOT_FOUND)
                *ret = or_else;
        return r < 0 ? r : 0;
}

/*
 * Commits gather in a log, which is to be written back into the file: when nobody waits for the store if it is long (of many
 * small commits), at once if it is full. It stays short for a while after an attempt that failed.
 */
typedef enum StoreLog {
        STORE_LOG_SHORT,
        STORE_LOG_LONG,
        STORE_LOG_FULL,
} StoreLog;
StoreLog store_log(const Store *s);
/*
 * Takes milliseconds; not within a transaction. A failure loses nothing: without space or memory the log stays as it is,
 * and after -EIO no transaction begins.
 */
CX_MUST_CHECK int store_write_back(Store *s);

/* What was deleted or replaced up to now leaves the disk, logs included. Not within a transaction. */
CX_MUST_CHECK int store_erase(Store *s);

/*
 * Checks about a thousand more rows. @damaged (may be NULL) gets the damaged ones, also those that were told before. So it
 * does where a table itself is damaged, and the check goes on behind it.
 */
CX_MUST_CHECK int store_scrub(Store *s, StoreScrub *at, StoreDamageFn damaged, void *user);
static inline void store_scrub_deinit(StoreScrub *at)
{
        buffer_deinit(&at->key);
}

/*
 * Copies the whole store into a new file, in steps: what is committed between two of them is in the copy, too. 1: more
 * steps are to be made; 0: complete. An error ends the copy (-ENOSPC and -EIO are about the new file), and no change of
 * the store fails because of it. store_copy_end() at any time; the file is the caller's. -EOPNOTSUPP: not this kind.
 */
CX_MUST_CHECK int store_copy_begin(Store *s, const char *path);
CX_MUST_CHECK int store_copy_step(Store *s, size_t n_pages);
void store_copy_end(Store *s);

CX_MUST_CHECK int store_info(Store *s, StoreInfo *ret);

/* What store_verify_sqlite() found. */
typedef struct StoreVerified {
        uint64_t n_rows;
        uint64_t n_damaged;
        int version;
} StoreVerified;

/*
 * Reads a whole file without changing a byte of it: every row's checksum, whether rows are missing, and what SQLite
 * itself finds. 0, also with damaged rows, each of which @damaged (may be NULL) gets once; else as store_open_sqlite().
 */
CX_MUST_CHECK int store_verify_sqlite(const char *path, StoreDamageFn damaged, void *user, StoreVerified *ret,
                                      char *error, size_t size);

CX_DEFINE_CLEANUP(Store, store_close)

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is kept: surveys, alerts with every transition, and the numbering of the feeds. A table of verbs with
 * two implementations: SQLite, and memory for tests; one contract test runs against both.
 *
 * A store belongs to one thread at a time. Changes happen between begin and commit; what a commit has
 * returned 0 for survives a power cut. After a failed commit or write the transaction is gone as a whole. All
 * verbs return < 0 on errors: -ENOSPC when the disk (or quota) is full, -EBADMSG for a damaged row, -EIO for
 * everything else that the disk did, -EINVAL for a change outside a transaction; store_error() has the
 * sentence.
 *
 * After a commit that failed with -EIO nothing is written any more, because a second fsync could succeed and
 * mean nothing: store_begin() returns -EIO from then on. Only opening the store again tells whether that
 * transaction is there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

typedef struct StoreInfo {
        uint64_t n_surveys;
        uint64_t last_seq;
        uint64_t bytes;     /* on disk */
        uint64_t n_damaged; /* rows that were found damaged or lost since open; each survey once */
} StoreInfo;

/*
 * Return 0 to go on, anything else to stop; that value is what the scan returns. Texts live during the call,
 * in which the store must not be used.
 */
typedef int (*StoreSurveyFn)(void *user, const StoreSurvey *row);
typedef int (*StoreAlertFn)(void *user, const StoreAlert *row);
typedef int (*StoreFeedFn)(void *user, const StoreFeed *row);

/* Creates the file if it is not there. -errno; STORE_E_NEWER; STORE_E_LOCKED. @error (of @size) gets the
 * sentence. */
CX_MUST_CHECK int store_open_sqlite(Store **ret, const char *path, char *error, size_t size);
CX_MUST_CHECK int store_open_ram(Store **ret);
Store *store_close(Store *s);
const char *store_error(const Store *s); /* of the last failed verb; never NULL */

CX_MUST_CHECK int store_begin(Store *s);
CX_MUST_CHECK int store_commit(Store *s);
void store_rollback(Store *s);

/* Inserts, or replaces the row of that number. */
CX_MUST_CHECK int store_put_survey(Store *s, const StoreSurvey *row);
CX_MUST_CHECK int store_put_alert(Store *s, const StoreAlert *row);
CX_MUST_CHECK int store_put_feed(Store *s, const StoreFeed *row);

/* Appends the json of survey @seq to @ret_json. STORE_E_NOT_FOUND. */
CX_MUST_CHECK int store_get_survey(Store *s, uint64_t seq, Buffer *ret_json);

/*
 * Surveys with seq > @after, ascending, at most @max (0: all) of them. Damaged and lost rows are counted,
 * skipped and reported to @damaged (may be NULL) by number; they do not count for @max. The table itself may
 * be damaged: -EBADMSG. Nothing stays open between two calls.
 */
CX_MUST_CHECK int store_scan_surveys(Store *s, uint64_t after, size_t max, StoreSurveyFn fn, void *user,
                                     void (*damaged)(void *user, uint64_t seq));
/* Surveys with since <= ts < until, newest first. */
CX_MUST_CHECK int store_scan_recent(Store *s, usec_t since, usec_t until, StoreSurveyFn fn, void *user);
/* All alerts, by the time of their last change, ascending. */
CX_MUST_CHECK int store_scan_alerts(Store *s, StoreAlertFn fn, void *user);
/* Feed messages of all principals, ascending by seq within each. */
CX_MUST_CHECK int store_scan_feeds(Store *s, StoreFeedFn fn, void *user);

/* Deletes up to @max surveys with ts < @before, and feed messages older than that; *ret_n: how many surveys.
 */
CX_MUST_CHECK int store_expire(Store *s, usec_t before, size_t max, size_t *ret_n);

CX_MUST_CHECK int store_info(Store *s, StoreInfo *ret);

CX_DEFINE_CLEANUP(Store, store_close)

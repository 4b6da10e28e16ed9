#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Helpers for tests of the store: a directory of its own, rows that are easy to recognise, and dumps as text.
 *
 * Everything that goes wrong fails the test. A dump is borrowed until the next one.
 */

#include "daemon/store/store.h"

typedef struct StoreDir {
        char path[64]; /* empty: not made yet */
        char file[80];
        Buffer told; /* the damaged rows that stores opened here told of: "survey 17\n" */
} StoreDir;

#define STORE_DIR_INIT ((StoreDir){0})

/* Makes a new directory with the path of a store in it. */
void store_dir_make(StoreDir *d);
/* Opens the store, in a directory that is made if need be. */
Store *store_dir_open(StoreDir *d);
/* Removes the directory and what is in it. */
void store_dir_remove(StoreDir *d);

/* Commits surveys @first .. @first + @n - 1: ts 1000 seq, source "ivr", json {"n":seq}. */
void store_put_rows(Store *s, uint64_t first, size_t n);
void store_put_alert_text(Store *s, const char *id, usec_t changed, bool is_open, const char *json);
void store_put_feed_text(Store *s, const char *principal, uint64_t seq, usec_t at, const char *json);
void store_put_tally_text(Store *s, int32_t day, const char *scope, const char *counts);
void store_put_revised_text(Store *s, uint64_t epoch, uint64_t seq, const char *json);

/*
 * Within a transaction: deletes up to @max surveys (at most 10,000) and feed messages that are older, as the daemon does
 * it. What a store says of it.
 */
CX_MUST_CHECK int store_expire_old(Store *s, usec_t before, size_t max, size_t *ret_n);

/* "seq ts source json\n" for each. */
const char *store_dump(Store *s);
const char *store_dump_recent(Store *s, usec_t since, usec_t until); /* the newest first */
/* "id changed open|resolved json\n" */
const char *store_dump_alerts(Store *s);
/* "principal seq at json\n" */
const char *store_dump_feeds(Store *s);

/* "day scope counts\n" */
const char *store_dump_tallies(Store *s);

/* "epoch seq json\n" */
const char *store_dump_revised(Store *s);

/* store_scan_recent() to its end, or until @fn stops it; none comes that is later than what was to come. */
CX_MUST_CHECK int store_read_recent(Store *s, usec_t since, usec_t until, StoreSurveyFn fn, void *user);

/* Whether the store holds exactly this one survey. */
bool store_holds(Store *s, const StoreSurvey *row);

/* Runs SQL on a store's file behind the store's back. */
void store_run_sql(const char *file, const char *text);

/* The page of a store's file that has this text on it is none any more. */
void store_spoil_page(const char *file, const char *text);

/* Runs a test on an open, empty store of each kind. */
void store_on_both(void (*test)(Store *s));

/* Defines a test of that sort. */
#define BOTH(_name)                                                                                          \
        static void _name##_in(Store *s);                                                                    \
        START_TEST(_name)                                                                                    \
        {                                                                                                    \
                store_on_both(_name##_in);                                                                   \
        }                                                                                                    \
        END_TEST                                                                                             \
        static void _name##_in(Store *s)

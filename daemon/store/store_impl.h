#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a kind of store implements: the verbs behind store.h. Private to daemon/store.
 *
 * store.c checks what is common to all kinds (a transaction is open where one is needed, numbers are in
 * range) and rolls back after a failed change; a verb just fails.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/store.h"

typedef struct StoreVerbs {
        void (*close)(Store *s); /* frees @s */
        int (*begin)(Store *s);
        int (*commit)(Store *s);
        void (*rollback)(Store *s);
        int (*put_surveys)(Store *s, const StoreSurvey *rows, size_t n);
        int (*put_alert)(Store *s, const StoreAlert *row);
        int (*put_feed)(Store *s, const StoreFeed *row);
        int (*get_survey)(Store *s, uint64_t seq, Buffer *ret_json, Buffer *ret_source);
        int (*scan_surveys)(Store *s, uint64_t after, size_t max, StoreSurveyFn fn, void *user);
        int (*scan_recent)(Store *s, StoreRecent *at, StoreSurveyFn fn, void *user);
        int (*scan_alerts)(Store *s, StoreAlertFn fn, void *user);
        int (*scan_feeds)(Store *s, StoreFeedFn fn, void *user);
        int (*scan_span)(Store *s, usec_t since, usec_t until, uint64_t *at, size_t max, StoreSurveyFn fn,
                         void *user);
        int (*drop_surveys)(Store *s, usec_t before, const uint64_t *seqs, size_t n);
        int (*expire_feeds)(Store *s, usec_t before, size_t max, size_t *ret_n);
        int (*put_tally)(Store *s, const StoreTally *row);
        int (*get_tally)(Store *s, int32_t day, Text scope, Buffer *ret);
        int (*scan_tallies)(Store *s, int32_t after_day, Text after_scope, size_t max, StoreTallyFn fn,
                            void *user);
        int (*expire_tallies)(Store *s, int32_t day, size_t max, size_t *ret_n);
        int (*put_revised)(Store *s, const StoreRevised *row);
        int (*scan_revised)(Store *s, StoreRevisedFn fn, void *user);
        int (*expire_revised)(Store *s, uint64_t epoch, size_t max, size_t *ret_n);
        int (*put_mark)(Store *s, Text name, int64_t value);
        int (*get_mark)(Store *s, Text name, int64_t *ret);
        int (*erase)(Store *s);
        StoreLog (*log)(const Store *s);
        int (*write_back)(Store *s);
        int (*scrub)(Store *s, StoreScrub *at, StoreDamageFn damaged, void *user);
        int (*copy_begin)(Store *s, const char *path);
        int (*copy_step)(Store *s, size_t n_pages);
        void (*copy_end)(Store *s);
        int (*info)(Store *s, StoreInfo *ret);
} StoreVerbs;

struct Store {
        const StoreVerbs *verbs;
        bool in_transaction;
        char error[512];
};

/* Sets the sentence of store_error(). Returns @r. */
CX_PRINTF(3, 4) int store_fail(Store *s, int r, const char *format, ...);

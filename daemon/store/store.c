/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/store_impl.h"
#include "proto/base/plant.h"

int store_fail(Store *s, int r, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void)vsnprintf(s->error, sizeof(s->error), format, args);
        va_end(args);
        return r;
}

const char *store_error(const Store *s)
{
        return s->error;
}

Store *store_close(Store *s)
{
        if (!s)
                return NULL;
        store_rollback(s);
        s->verbs->close(s);
        return NULL;
}

int store_begin(Store *s)
{
        int r;

        if (s->in_transaction && PLANTED("ack-before-commit"))
                return 0;
        if (s->in_transaction)
                return store_fail(s, -EINVAL, "a transaction is open already");
        r = s->verbs->begin(s);
        if (r == 0)
                s->in_transaction = true;
        return r;
}

void store_rollback(Store *s)
{
        if (!s->in_transaction)
                return;
        s->verbs->rollback(s);
        s->in_transaction = false;
}

/* The result of a change: one that failed takes the whole transaction with it, and the sentence says so. */
static int changed(Store *s, int r)
{
        size_t n;

        if (r >= 0)
                return r;
        store_rollback(s);
        n = strlen(s->error);
        (void)snprintf(s->error + n, sizeof(s->error) - n, "; the transaction was rolled back");
        return r;
}

static int needs_transaction(Store *s)
{
        return s->in_transaction ? 0 : store_fail(s, -EINVAL, "no transaction is open");
}

int store_commit(Store *s)
{
        static unsigned n_planted;
        int r;

        r = needs_transaction(s);
        if (r < 0)
                return r;
        if (PLANTED("ack-before-commit") && n_planted++ % 8)
                return 0;
        r = changed(s, s->verbs->commit(s));
        s->in_transaction = false;
        return r;
}

/* Numbers begin with 1 and fit into a signed 64-bit integer. */
static int check_seq(Store *s, uint64_t seq)
{
        if (seq == 0 || seq >= INT64_MAX)
                return store_fail(s, -EINVAL, "%llu is no number of a row", (unsigned long long)seq);
        return 0;
}

int store_put_surveys(Store *s, const StoreSurvey *rows, size_t n)
{
        int r;

        r = needs_transaction(s);
        if (r < 0 || n == 0)
                return r;
        for (size_t i = 0; i < n && r == 0; i++)
                r = check_seq(s, rows[i].seq);
        if (r == 0)
                r = s->verbs->put_surveys(s, rows, n);
        return changed(s, r);
}

int store_put_alert(Store *s, const StoreAlert *row)
{
        int r;

        r = needs_transaction(s);
        if (r < 0)
                return r;
        return changed(s, s->verbs->put_alert(s, row));
}

int store_put_feed(Store *s, const StoreFeed *row)
{
        int r;

        r = needs_transaction(s);
        if (r < 0)
                return r;
        r = check_seq(s, row->seq);
        if (r == 0)
                r = s->verbs->put_feed(s, row);
        return changed(s, r);
}

int store_drop_surveys(Store *s, usec_t before, const uint64_t *seqs, size_t n)
{
        int r;

        r = needs_transaction(s);
        if (r < 0)
                return r;
        return changed(s, s->verbs->drop_surveys(s, before, seqs, n));
}

int store_expire_feeds(Store *s, usec_t before, size_t max, size_t *ret_n)
{
        int r;

        r = needs_transaction(s);
        if (r < 0)
                return r;
        return changed(s, s->verbs->expire_feeds(s, before, max, ret_n));
}

int store_put_tally(Store *s, const StoreTally *row)
{
        int r;

        r = needs_transaction(s);
        if (r < 0)
                return r;
        return changed(s, s->verbs->put_tally(s, row));
}

int store_expire_tallies(Store *s, int32_t day, size_t max, size_t *ret_n)
{
        int r;

        r = needs_transaction(s);
        if (r < 0)
                return r;
        return changed(s, s->verbs->expire_tallies(s, day, max, ret_n));
}

int store_put_revised(Store *s, const StoreRevised *row)
{
        int r;

        r = needs_transaction(s);
        if (r < 0)
                return r;
        r = check_seq(s, row->seq);
        if (r == 0)
                r = s->verbs->put_revised(s, row);
        return changed(s, r);
}

int store_scan_revised(Store *s, StoreRevisedFn fn, void *user)
{
        return s->verbs->scan_revised(s, fn, user);
}

int store_expire_revised(Store *s, uint64_t epoch, size_t max, size_t *ret_n)
{
        int r;

        r = needs_transaction(s);
        if (r < 0)
                return r;
        return changed(s, s->verbs->expire_revised(s, epoch, max, ret_n));
}

int store_put_mark(Store *s, const char *name, int64_t value)
{
        int r;

        r = needs_transaction(s);
        if (r < 0)
                return r;
        return changed(s, s->verbs->put_mark(s, text_of(name), value));
}

int store_get_mark(Store *s, const char *name, int64_t *ret)
{
        return s->verbs->get_mark(s, text_of(name), ret);
}

StoreLog store_log(const Store *s)
{
        return s->verbs->log(s);
}

int store_write_back(Store *s)
{
        if (s->in_transaction)
                return store_fail(s, -EINVAL, "a transaction is open");
        return s->verbs->write_back(s);
}

int store_erase(Store *s)
{
        if (s->in_transaction)
                return store_fail(s, -EINVAL, "a transaction is open");
        return s->verbs->erase(s);
}

int store_get_tally(Store *s, int32_t day, Text scope, Buffer *ret)
{
        return s->verbs->get_tally(s, day, scope, ret);
}

int store_scan_tallies(Store *s, int32_t after_day, Text after_scope, size_t max, StoreTallyFn fn, void *user)
{
        return s->verbs->scan_tallies(s, after_day, after_scope, max, fn, user);
}

int store_scan_span(Store *s, usec_t since, usec_t until, uint64_t *at, size_t max, StoreSurveyFn fn,
                    void *user)
{
        return s->verbs->scan_span(s, since, until, at, max, fn, user);
}

int store_scrub(Store *s, StoreScrub *at, StoreDamageFn damaged, void *user)
{
        return at->complete ? 0 : s->verbs->scrub(s, at, damaged, user);
}

int store_copy_begin(Store *s, const char *path)
{
        return s->verbs->copy_begin(s, path);
}

int store_copy_step(Store *s, size_t n_pages)
{
        return s->verbs->copy_step(s, n_pages);
}

void store_copy_end(Store *s)
{
        s->verbs->copy_end(s);
}

int store_get_survey(Store *s, uint64_t seq, Buffer *ret_json, Buffer *ret_source)
{
        return s->verbs->get_survey(s, seq, ret_json, ret_source);
}

int store_scan_surveys(Store *s, uint64_t after, size_t max, StoreSurveyFn fn, void *user)
{
        return s->verbs->scan_surveys(s, after, max, fn, user);
}

int store_scan_recent(Store *s, StoreRecent *at, StoreSurveyFn fn, void *user)
{
        return s->verbs->scan_recent(s, at, fn, user);
}

int store_scan_alerts(Store *s, StoreAlertFn fn, void *user)
{
        return s->verbs->scan_alerts(s, fn, user);
}

int store_scan_feeds(Store *s, StoreFeedFn fn, void *user)
{
        return s->verbs->scan_feeds(s, fn, user);
}

int store_info(Store *s, StoreInfo *ret)
{
        return s->verbs->info(s, ret);
}

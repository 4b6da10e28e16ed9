/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: deleting what is older than its retention.
 *
 * Surveys are named by the caller, who has read them. A damaged one goes when everything in its block is old
 * enough.
 */

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/store_sqlite.h"

/* A block, once no survey that is too old should be left in it. */
typedef struct Tidy {
        usec_t before;
        bool more;     /* but there is */
        usec_t min_ts; /* of what stays */
        size_t n_damaged;
        uint64_t damaged[BLOCK_ROWS];
} Tidy;

static int tidy_row(void *user, const StoreSurvey *row)
{
        Tidy *t = user;

        if (row->ts < t->before)
                t->more = true;
        else if (row->ts < t->min_ts)
                t->min_ts = row->ts;
        return 0;
}

static void tidy_damaged(void *user, uint64_t seq)
{
        Tidy *t = user;

        if (t->n_damaged < BLOCK_ROWS)
                t->damaged[t->n_damaged++] = seq;
}

static int drop_survey(StoreSqlite *s, uint64_t seq)
{
        int r = sql_run(s, SQL_DROP_SURVEY, "delete a survey", "i", (int64_t)seq);

        return r < 0 ? r : blocks_drop(&s->blocks, seq);
}

static int tidy(StoreSqlite *s, Block *block, usec_t before)
{
        uint64_t first = block->no << BLOCK_SHIFT;
        Tidy t = {.before = before, .min_ts = INT64_MAX};
        int r;

        r = sql_walk(s, first ? first - 1 : 0, first + BLOCK_ROWS - 1, tidy_row, &t, tidy_damaged);
        if (r < 0 || t.more)
                return r;
        for (size_t i = 0; block->max_ts < before && i < t.n_damaged && r == 0; i++)
                r = drop_survey(s, t.damaged[i]);
        return r < 0 ? r
                     : blocks_set_min(&s->blocks, block, t.min_ts < block->max_ts ? t.min_ts : block->max_ts);
}

static int drop_surveys(StoreSqlite *s, usec_t before, const uint64_t *seqs, size_t n)
{
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++)
                r = blocks_has(&s->blocks, seqs[i])
                            ? drop_survey(s, seqs[i])
                            : store_fail(&s->base, -ENOENT, "survey number %llu is not there",
                                         (unsigned long long)seqs[i]);
        for (size_t i = 0; i < n && r == 0; i++)
                if (i == 0 || seqs[i] >> BLOCK_SHIFT != seqs[i - 1] >> BLOCK_SHIFT)
                        r = tidy(s, blocks_find(&s->blocks, seqs[i]), before);
        for (size_t i = 0; n == 0 && i < s->blocks.n && r == 0; i++)
                if (s->blocks.at[i].n && s->blocks.at[i].min_ts < before)
                        r = tidy(s, &s->blocks.at[i], before);
        return r;
}

int sqlite_drop_surveys(Store *base, usec_t before, const uint64_t *seqs, size_t n)
{
        int r = drop_surveys(store_sqlite(base), before, seqs, n);

        return r == -ENOMEM ? store_fail(base, r, "no memory to delete old surveys") : r;
}

typedef struct OldFeed {
        uint64_t seq;
        usec_t at;
        size_t name_at, name_n; /* of its principal, in TakeFeeds.names */
        bool is_last;           /* of its principal: it is emptied, and its number stays */
        bool is_empty;          /* already */
} OldFeed;

typedef struct TakeFeeds {
        usec_t before, oldest;
        size_t max;
        OldFeed *old;
        size_t n, size;
        Buffer names;
} TakeFeeds;

static Text name_of(const TakeFeeds *t, const OldFeed *old)
{
        return (Text){.at = t->names.data + old->name_at, .n = old->name_n};
}

/* What the next row says of the one before: it is not the last one, or there is nothing to be done about it. */
static void judge_previous(TakeFeeds *t, Text principal)
{
        OldFeed *previous = &t->old[t->n - 1];

        if (text_equal(name_of(t, previous), principal))
                previous->is_last = false;
        else if (previous->is_last && previous->is_empty)
                t->n--;
}

/* They come by principal and number. */
static int take_feed(void *user, const StoreFeed *row)
{
        TakeFeeds *t = user;

        if (t->n)
                judge_previous(t, row->principal);
        if (row->at >= t->before || t->n == t->max) {
                if (row->at < t->oldest)
                        t->oldest = row->at;
                return 0;
        }
        if (t->n == t->size) {
                size_t size = t->size ? t->size * 2 : 64;
                OldFeed *old = reallocarray(t->old, size, sizeof(*old));

                if (!old)
                        return -ENOMEM;
                t->old = old;
                t->size = size;
        }
        t->old[t->n++] = (OldFeed){.seq = row->seq,
                                   .at = row->at,
                                   .name_at = t->names.n,
                                   .name_n = row->principal.n,
                                   .is_last = true,
                                   .is_empty = row->json.n == 0};
        buffer_append_text(&t->names, row->principal);
        return buffer_failed(&t->names) ? -ENOMEM : 0;
}

static int expire_feed(StoreSqlite *s, const TakeFeeds *t, const OldFeed *old, size_t *n)
{
        StoreFeed empty = {.principal = name_of(t, old), .seq = old->seq, .at = old->at, .json = TEXT("")};
        int r;

        if (old->is_last && old->is_empty)
                return 0;
        ++*n;
        if (old->is_last)
                return sql_run(s, SQL_UPDATE_FEED, "empty a message", "iibti", empty.at, crc_feed(&empty),
                               empty.json, empty.principal, (int64_t)empty.seq);
        r = sql_run(s, SQL_DROP_FEED, "delete a message", "ti", empty.principal, (int64_t)empty.seq);
        if (r == 0)
                s->counts.feeds--;
        return r;
}

int sqlite_expire_feeds(Store *base, usec_t before, size_t max, size_t *ret_n)
{
        StoreSqlite *s = store_sqlite(base);
        TakeFeeds t = {.before = before, .oldest = INT64_MAX, .max = max};
        int r;

        *ret_n = 0;
        if (s->oldest_feed >= before)
                return 0;
        r = sqlite_scan_feeds(&s->base, take_feed, &t);
        for (size_t i = 0; i < t.n && r == 0; i++)
                r = expire_feed(s, &t, &t.old[i], ret_n);
        buffer_deinit(&t.names);
        free(t.old);
        if (r < 0)
                return r == -ENOMEM ? store_fail(base, r, "no memory to delete old messages") : r;
        s->oldest_feed = t.oldest;
        return 0;
}

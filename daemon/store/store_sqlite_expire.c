/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: deleting what is older than its retention.
 *
 * Only rows whose checksum is right are deleted by their own time. A damaged one goes when everything in its
 * block is old enough.
 */

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "daemon/store/store_sqlite.h"

/* What is to go from one block. */
typedef struct Take {
        usec_t before;
        bool all;  /* whatever is in this block is old enough */
        bool more; /* there is more to take than @left */
        size_t n, left;
        usec_t min_ts; /* of what stays */
        uint64_t seqs[BLOCK_ROWS];
} Take;

static void take(Take *t, uint64_t seq)
{
        if (t->n < t->left && t->n < BLOCK_ROWS)
                t->seqs[t->n++] = seq;
        else
                t->more = true;
}

static int take_row(void *user, const StoreSurvey *row)
{
        Take *t = user;

        if (row->ts < t->before)
                take(t, row->seq);
        else if (row->ts < t->min_ts)
                t->min_ts = row->ts;
        return 0;
}

static void take_damaged(void *user, uint64_t seq)
{
        Take *t = user;

        if (t->all)
                take(t, seq);
}

static int expire_block(StoreSqlite *s, Block *block, Take *t)
{
        uint64_t first = block->no << BLOCK_SHIFT;
        int r;

        r = sql_walk(s, first ? first - 1 : 0, first + BLOCK_ROWS - 1, take_row, t, take_damaged);
        for (size_t i = 0; i < t->n && r == 0; i++) {
                r = sql_run(s, SQL_DROP_SURVEY, "delete a survey", "i", (int64_t)t->seqs[i]);
                if (r == 0)
                        r = blocks_drop(&s->blocks, t->seqs[i]);
        }
        if (r < 0 || t->more)
                return r;
        return blocks_set_min(&s->blocks, block, t->min_ts < block->max_ts ? t->min_ts : block->max_ts);
}

static int expire_surveys(StoreSqlite *s, usec_t before, size_t max, size_t *ret_n)
{
        size_t n = 0;

        for (size_t i = 0; i < s->blocks.n && n < max; i++) {
                Block *block = &s->blocks.at[i];
                Take t = {.before = before, .left = max - n, .min_ts = INT64_MAX};
                int r;

                if (block->n == 0 || block->min_ts >= before)
                        continue;
                t.all = block->max_ts < before;
                r = expire_block(s, block, &t);
                if (r < 0)
                        return r;
                n += t.n;
        }
        *ret_n = n;
        return 0;
}

/* Messages to delete: for each its number, the length of its principal's name, and the name. */
typedef struct TakeFeeds {
        usec_t before, oldest;
        size_t n, left;
        Buffer keys;
} TakeFeeds;

static int take_feed(void *user, const StoreFeed *row)
{
        TakeFeeds *t = user;

        if (row->at >= t->before || t->n >= t->left) {
                if (row->at < t->oldest)
                        t->oldest = row->at;
                return 0;
        }
        t->n++;
        buffer_append(&t->keys, &row->seq, sizeof(row->seq));
        buffer_append(&t->keys, &row->principal.n, sizeof(row->principal.n));
        buffer_append_text(&t->keys, row->principal);
        return buffer_failed(&t->keys) ? -ENOMEM : 0;
}

static int expire_feeds(StoreSqlite *s, usec_t before, size_t max)
{
        TakeFeeds t = {.before = before, .oldest = INT64_MAX, .left = max};
        size_t at = 0;
        int r;

        if (s->oldest_feed >= before)
                return 0;
        r = sqlite_scan_feeds(&s->base, take_feed, &t);
        while (r == 0 && at < t.keys.n) {
                Text principal;
                uint64_t seq;

                memcpy(&seq, t.keys.data + at, sizeof(seq));
                memcpy(&principal.n, t.keys.data + at + sizeof(seq), sizeof(principal.n));
                at += sizeof(seq) + sizeof(principal.n);
                principal.at = t.keys.data + at;
                at += principal.n;
                r = sql_run(s, SQL_DROP_FEED, "delete a message", "ti", principal, (int64_t)seq);
        }
        buffer_deinit(&t.keys);
        if (r < 0)
                return r;
        s->counts.feeds -= t.n;
        s->oldest_feed = t.oldest;
        return 0;
}

int sqlite_expire(Store *base, usec_t before, size_t max, size_t *ret_n)
{
        StoreSqlite *s = store_sqlite(base);
        size_t n = 0;
        int r;

        r = expire_surveys(s, before, max, &n);
        if (r == 0)
                r = expire_feeds(s, before, max);
        if (r < 0)
                return r == -ENOMEM ? store_fail(base, r, "no memory to delete old surveys") : r;
        *ret_n = n;
        return 0;
}

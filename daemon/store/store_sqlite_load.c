/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: what is kept in memory about the rows, read when the file is opened.
 */

#include <sqlite3.h>
#include <string.h>

#include "daemon/store/store_sqlite.h"

int sql_get_meta(StoreSqlite *s, Text key, uint64_t *ret, bool *ret_damaged)
{
        uint64_t value;
        int r;

        r = sql_bind(s, SQL_GET_META, "t", key);
        if (r == 0)
                r = sql_step(s, SQL_GET_META, "read a count");
        if (r <= 0)
                return r;
        value = (uint64_t)sql_int(s, SQL_GET_META, 0);
        r = sql_row_ok(s, SQL_GET_META, 1, crc_meta(key, value));
        sql_done(s, SQL_GET_META);
        if (r > 0)
                *ret = value;
        if (ret_damaged)
                *ret_damaged = r == 0;
        return r;
}

static int load_block(StoreSqlite *s, Block *ret)
{
        Text bits = sql_text(s, SQL_SCAN_BLOCKS, 5);
        Block block = {
                .no = (uint64_t)sql_int(s, SQL_SCAN_BLOCKS, 0),
                .last = (uint64_t)sql_int(s, SQL_SCAN_BLOCKS, 1),
                .min_ts = sql_int(s, SQL_SCAN_BLOCKS, 2),
                .max_ts = sql_int(s, SQL_SCAN_BLOCKS, 3),
                .stored = true,
        };

        if (bits.n == sizeof(block.bits))
                memcpy(block.bits, bits.at, sizeof(block.bits));
        for (size_t i = 0; i < sizeof(block.bits); i++)
                block.n += (unsigned)__builtin_popcount(block.bits[i]);
        *ret = block;
        return sql_row_ok(s, SQL_SCAN_BLOCKS, 4, crc_block(&block));
}

static int load_blocks(StoreSqlite *s, bool *ret_any_bad)
{
        int r;

        *ret_any_bad = false;
        while ((r = sql_step(s, SQL_SCAN_BLOCKS, "read the blocks")) > 0) {
                Block block;

                r = load_block(s, &block);
                if (r > 0)
                        r = blocks_load(&s->blocks, &block);
                else if (r == 0)
                        *ret_any_bad = true;
                if (r < 0) {
                        sql_done(s, SQL_SCAN_BLOCKS);
                        return store_fail(&s->base, r, "the blocks of %s cannot be read", s->path);
                }
        }
        return r;
}

/* Makes the blocks that were lost from the surveys that are there. */
static int rebuild_blocks(StoreSqlite *s)
{
        int r;

        r = sql_bind(s, SQL_SCAN_SURVEYS, "ii", (int64_t)0, (int64_t)(INT64_MAX - 1));
        if (r < 0)
                return r;
        while ((r = sql_step(s, SQL_SCAN_SURVEYS, "read surveys")) > 0) {
                uint64_t seq = (uint64_t)sql_int(s, SQL_SCAN_SURVEYS, 0);
                const Block *block = blocks_find(&s->blocks, seq);

                if (block && block->stored)
                        continue;
                r = blocks_put(&s->blocks, seq, sql_int(s, SQL_SCAN_SURVEYS, 1));
                if (r < 0) {
                        sql_done(s, SQL_SCAN_SURVEYS);
                        return store_fail(&s->base, r, "no memory to make the blocks anew");
                }
        }
        return r;
}

/* The table of blocks is written again as a whole, from what could be read of it and from the surveys. */
static int repair_blocks(StoreSqlite *s)
{
        int r;

        r = rebuild_blocks(s);
        if (r < 0)
                return r;
        sql_damage(s, NULL, NULL, "index of what is stored");
        if (s->blocks.n_saved)
                s->n_damaged += s->blocks.n_saved - 1;
        if (s->read_only) {
                blocks_commit(&s->blocks);
                return 0;
        }
        r = store_begin(&s->base);
        if (r == 0)
                r = sql_execute(s, "DELETE FROM block");
        for (size_t i = 0; i < s->blocks.n && r == 0; i++) {
                r = blocks_touch(&s->blocks, &s->blocks.at[i]);
                s->blocks.at[i].stored = false;
        }
        s->counts.blocks = 0;
        s->stored_counts.blocks = UINT64_MAX; /* so that it is written */
        /* Who opens it next sees no damage any more. */
        if (r == 0)
                r = store_put_mark(&s->base, STORE_MARK_REPAIRED, 1);
        return r < 0 ? r : store_commit(&s->base);
}

int sqlite_load_blocks(StoreSqlite *s)
{
        bool any_bad;
        int r;

        r = load_blocks(s, &any_bad);
        if (r < 0)
                return r;
        r = sql_get_meta(s, TEXT("blocks"), &s->counts.blocks, NULL);
        if (r < 0)
                return r;
        s->stored_counts.blocks = s->counts.blocks;
        return r == 0 || any_bad || s->counts.blocks != s->blocks.n ? repair_blocks(s) : 0;
}

static int count_alert(void *user, const StoreAlert *row CX_UNUSED)
{
        ++*(uint64_t *)user;
        return 0;
}

static int count_tally(void *user, const StoreTally *row CX_UNUSED)
{
        ++*(uint64_t *)user;
        return 0;
}

static int count_feed(void *user, const StoreFeed *row CX_UNUSED)
{
        ++*(uint64_t *)user;
        return 0;
}

/* Where a count itself is damaged, what can be read is all that is known. It is written with the next change.
 */
int sqlite_load_counts(StoreSqlite *s)
{
        StoreCounts lost = {.blocks = s->stored_counts.blocks};
        int r;

        r = sql_get_meta(s, TEXT("alerts"), &s->counts.alerts, NULL);
        if (r == 0) {
                sql_damage(s, NULL, NULL, "number alerts");
                r = sqlite_scan_alerts(&s->base, count_alert, &lost.alerts);
                s->counts.alerts = lost.alerts;
        }
        if (r < 0)
                return r;
        r = sql_get_meta(s, TEXT("feeds"), &s->counts.feeds, NULL);
        if (r == 0) {
                sql_damage(s, NULL, NULL, "number feeds");
                r = sqlite_scan_feeds(&s->base, count_feed, &lost.feeds);
                s->counts.feeds = lost.feeds;
        }
        if (r < 0)
                return r;
        r = s->version > 1 ? sql_get_meta(s, TEXT("tallies"), &s->counts.tallies, NULL) : 1;
        if (r == 0) {
                sql_damage(s, NULL, NULL, "number tallies");
                r = sqlite_scan_tallies(&s->base, INT32_MIN, TEXT(""), 0, count_tally, &lost.tallies);
                s->counts.tallies = lost.tallies;
        }
        if (r < 0)
                return r;
        /* These are no truth that could be lost; where their number is not known they are of no use. */
        r = s->version > 2 ? sql_get_meta(s, TEXT("revised"), &s->counts.revised, NULL) : 1;
        if (r == 0)
                s->counts.revised = UINT64_MAX / 2;
        s->stored_counts = s->counts;
        return r < 0 ? r : 0;
}

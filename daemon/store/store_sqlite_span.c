/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQLite store: the surveys of a span of time.
 *
 * There is no index by time: a block says of what time its surveys are, and is read whole. Where surveys are stored in
 * about the order of time these are few blocks.
 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/store/store_sqlite.h"

static bool may_have(const Block *block, usec_t since, usec_t until)
{
        return block->n && block->min_ts < until && block->max_ts >= since;
}

static uint64_t first_of(uint64_t no)
{
        return no << BLOCK_SHIFT;
}

/* --- the newest ----------------------------------------------------------------------------------------- */

static int latest_first(const void *a, const void *b)
{
        const StoreSpan *x = a, *y = b;

        return x->latest != y->latest ? (x->latest < y->latest) - (x->latest > y->latest)
                                      : (x->no < y->no) - (x->no > y->no);
}

static int begin(StoreRecent *at, const Blocks *b)
{
        at->spans = calloc(b->n + 1, sizeof(*at->spans));
        if (!at->spans)
                return -ENOMEM;
        for (size_t i = 0; i < b->n; i++)
                if (may_have(&b->at[i], at->since, at->until))
                        at->spans[at->n++] = (StoreSpan){.latest = b->at[i].max_ts, .no = b->at[i].no};
        qsort(at->spans, at->n, sizeof(*at->spans), latest_first);
        return 0;
}

typedef struct RecentRead {
        StoreRecent *at;
        StoreSurveyFn fn;
        void *user;
} RecentRead;

static int give(void *user, const StoreSurvey *row)
{
        RecentRead *read = user;
        StoreRecent *at = read->at;
        int r = row->ts >= at->since && row->ts < at->until ? read->fn(read->user, row) : 0;

        if (r == 0)
                at->after = row->seq;
        return r;
}

int sqlite_scan_recent(Store *base, StoreRecent *at, StoreSurveyFn fn, void *user)
{
        StoreSqlite *s = store_sqlite(base);
        RecentRead read = {.at = at, .fn = fn, .user = user};

        if (!at->spans && begin(at, &s->blocks) < 0)
                return store_fail(base, -ENOMEM, "no memory to look for surveys");
        if (at->next < at->n) {
                uint64_t first = first_of(at->spans[at->next].no), before = first ? first - 1 : 0;
                int r;

                at->rest = at->spans[at->next].latest;
                r = sql_walk(s, at->after > before ? at->after : before, first + BLOCK_ROWS - 1, give, &read,
                             NULL);
                if (r != 0)
                        return r;
                at->next++;
                at->after = 0;
        }
        at->rest = at->next < at->n ? at->spans[at->next].latest : INT64_MIN;
        return 0;
}

/* --- by number ------------------------------------------------------------------------------------------ */

/* That are read at one go, whether there is anything of the time in them or not. */
#define SPAN_BLOCKS 4

typedef struct SpanSlice {
        StoreSurveyFn fn;
        void *user;
        size_t left;
        usec_t since, until;
        uint64_t *at;
} SpanSlice;

/* 1: full. */
static int span_row(void *user, const StoreSurvey *row)
{
        SpanSlice *span = user;
        int r;

        if (row->ts >= span->since && row->ts < span->until) {
                r = span->fn(span->user, row);
                if (r != 0)
                        return r;
                span->left--;
        }
        *span->at = row->seq;
        return span->left == 0;
}

int sqlite_scan_span(Store *base, usec_t since, usec_t until, uint64_t *at, size_t max, StoreSurveyFn fn,
                     void *user)
{
        StoreSqlite *s = store_sqlite(base);
        SpanSlice span = {.fn = fn, .user = user, .left = max, .since = since, .until = until, .at = at};
        size_t n_read = 0;

        for (size_t i = 0; i < s->blocks.n; i++) {
                const Block *block = &s->blocks.at[i];
                uint64_t first = first_of(block->no), last = first + BLOCK_ROWS - 1;
                int r;

                if (last <= *at || !may_have(block, since, until))
                        continue;
                if (n_read++ == SPAN_BLOCKS)
                        return 0;
                r = sql_walk(s, first > *at ? first - 1 : *at, last, span_row, &span, NULL);
                if (r != 0)
                        return span.left == 0 ? 0 : r;
                *at = last;
        }
        *at = UINT64_MAX;
        return 0;
}

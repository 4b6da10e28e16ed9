/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The store in memory: the same verbs without a disk, for tests.
 *
 * Changes are made at once; each leaves behind what it replaced, and a rollback puts that back in reverse
 * order.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/store_ram.h"

int ram_no_memory(Store *s)
{
        return store_fail(s, -ENOMEM, "no memory");
}

/* Room for one more row and one more undo, so that what follows cannot fail. */
static int reserve(StoreRam *s, RamTable *t)
{
        if (ram_table_reserve(t) < 0)
                return -ENOMEM;
        if (s->n_undo == s->size_undo) {
                size_t size = s->size_undo ? s->size_undo * 2 : 64;
                Undo *p = reallocarray(s->undo, size, sizeof(*p));

                if (!p)
                        return -ENOMEM;
                s->undo = p;
                s->size_undo = size;
        }
        return 0;
}

int ram_put(StoreRam *s, TableKind kind, const RamRow *values)
{
        RamTable *t = &s->tables[kind];
        RamRow *row, *before;

        if (reserve(s, t) < 0)
                return ram_no_memory(&s->base);
        row = ram_row_new(values);
        if (!row)
                return ram_no_memory(&s->base);
        before = ram_table_set(t, row);
        s->undo[s->n_undo++] = (Undo){.table = kind, .row = before, .added = row};
        return 0;
}

static int drop(StoreRam *s, TableKind kind, RamRow *row)
{
        RamTable *t = &s->tables[kind];

        if (reserve(s, t) < 0)
                return ram_no_memory(&s->base);
        ram_table_remove(t, row);
        s->undo[s->n_undo++] = (Undo){.table = kind, .row = row};
        return 0;
}

static int ram_begin(Store *base)
{
        StoreRam *s = store_ram(base);

        s->last_seq_before = s->last_seq;
        return 0;
}

static int ram_commit(Store *base)
{
        StoreRam *s = store_ram(base);

        while (s->n_undo)
                free(s->undo[--s->n_undo].row);
        return 0;
}

static void ram_rollback(Store *base)
{
        StoreRam *s = store_ram(base);

        while (s->n_undo) {
                Undo *u = &s->undo[--s->n_undo];
                RamTable *t = &s->tables[u->table];

                if (u->row)
                        ram_table_set(t, u->row); /* there was room for it before */
                else
                        ram_table_remove(t, u->added);
                free(u->added);
        }
        s->last_seq = s->last_seq_before;
}

static void ram_close(Store *base)
{
        StoreRam *s = store_ram(base);

        for (int kind = 0; kind < _TABLE_N; kind++) {
                for (size_t i = 0; i < s->tables[kind].n; i++)
                        free(s->tables[kind].rows[i]);
                free(s->tables[kind].rows);
        }
        free(s->undo);
        free(s);
}

static int ram_put_surveys(Store *base, const StoreSurvey *rows, size_t n)
{
        StoreRam *s = store_ram(base);
        int r = 0;

        for (const StoreSurvey *row = rows; row < rows + n && r == 0; row++) {
                r = ram_put(
                        s, TABLE_SURVEY,
                        &(RamRow){.seq = row->seq, .at = row->ts, .source = row->source, .json = row->json});
                if (r == 0 && row->seq > s->last_seq)
                        s->last_seq = row->seq;
        }
        return r;
}

static int ram_put_alert(Store *base, const StoreAlert *row)
{
        return ram_put(
                store_ram(base), TABLE_ALERT,
                &(RamRow){.name = row->id, .at = row->changed, .is_open = row->is_open, .json = row->json});
}

static int ram_put_feed(Store *base, const StoreFeed *row)
{
        return ram_put(store_ram(base), TABLE_FEED,
                       &(RamRow){.name = row->principal, .seq = row->seq, .at = row->at, .json = row->json});
}

/* Deletes up to @max rows that are older. */
int ram_expire(StoreRam *s, TableKind kind, usec_t before, size_t max, size_t *ret_n)
{
        RamTable *t = &s->tables[kind];
        size_t i = 0, n = 0;

        while (i < t->n && n < max) {
                int r;

                if (t->rows[i]->at >= before) {
                        i++;
                        continue;
                }
                r = drop(s, kind, t->rows[i]);
                if (r < 0)
                        return r;
                n++;
        }
        *ret_n = n;
        return 0;
}

static int ram_drop_surveys(Store *base, usec_t before CX_UNUSED, const uint64_t *seqs, size_t n)
{
        StoreRam *s = store_ram(base);
        RamTable *t = &s->tables[TABLE_SURVEY];
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++) {
                size_t at = ram_table_place(t, TEXT_NULL, seqs[i]);

                if (at == t->n || t->rows[at]->seq != seqs[i])
                        r = store_fail(base, -ENOENT, "survey number %llu is not there",
                                       (unsigned long long)seqs[i]);
                else
                        r = drop(s, TABLE_SURVEY, t->rows[at]);
        }
        return r;
}

static int ram_expire_feeds(Store *base, usec_t before, size_t max, size_t *ret_n)
{
        StoreRam *s = store_ram(base);
        RamTable *t = &s->tables[TABLE_FEED];
        size_t i = 0, n = 0;

        while (i < t->n && n < max) {
                RamRow *row = t->rows[i];
                bool is_last = i + 1 == t->n || !text_equal(t->rows[i + 1]->name, row->name);
                int r;

                if (row->at >= before || (is_last && row->json.n == 0)) {
                        i++;
                        continue;
                }
                if (is_last)
                        r = ram_put(s, TABLE_FEED,
                                    &(RamRow){.name = row->name, .seq = row->seq, .at = row->at});
                else
                        r = drop(s, TABLE_FEED, row);
                if (r < 0)
                        return r;
                n++;
        }
        *ret_n = n;
        return 0;
}

static int ram_erase(Store *base CX_UNUSED)
{
        return 0;
}

static StoreLog ram_log(const Store *base CX_UNUSED)
{
        return STORE_LOG_SHORT;
}

static StoreSurvey survey_of(const RamRow *row)
{
        return (StoreSurvey){.seq = row->seq, .ts = row->at, .source = row->source, .json = row->json};
}

static int ram_get_survey(Store *base, uint64_t seq, Buffer *ret_json, Buffer *ret_source)
{
        const RamTable *t = &store_ram(base)->tables[TABLE_SURVEY];
        size_t i = ram_table_place(t, TEXT_NULL, seq);

        if (i == t->n || t->rows[i]->seq != seq)
                return STORE_E_NOT_FOUND;
        buffer_append_text(ret_json, t->rows[i]->json);
        if (ret_source)
                buffer_append_text(ret_source, t->rows[i]->source);
        return buffer_failed(ret_json) || (ret_source && buffer_failed(ret_source)) ? ram_no_memory(base) : 0;
}

static int ram_scan_surveys(Store *base, uint64_t after, size_t max, StoreSurveyFn fn, void *user)
{
        const RamTable *t = &store_ram(base)->tables[TABLE_SURVEY];
        size_t first = ram_table_place(t, TEXT_NULL, after + 1);

        for (size_t i = first; i < t->n && (max == 0 || i - first < max); i++) {
                StoreSurvey row = survey_of(t->rows[i]);
                int r = fn(user, &row);

                if (r != 0)
                        return r;
        }
        return 0;
}

int ram_oldest_first(const void *a, const void *b)
{
        const RamRow *x = *(RamRow *const *)a, *y = *(RamRow *const *)b;

        return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : text_compare(x->name, y->name);
}

/* The rows of a table in another order; NULL without memory. */
RamRow **ram_sorted(const RamTable *t, int (*order)(const void *a, const void *b))
{
        RamRow **rows = calloc(t->n + 1, sizeof(RamRow *));

        if (!rows)
                return NULL;
        if (t->n)
                memcpy(rows, t->rows, t->n * sizeof(RamRow *));
        qsort(rows, t->n, sizeof(RamRow *), order);
        return rows;
}

/* All at once. */
static int ram_scan_recent(Store *base, StoreRecent *at, StoreSurveyFn fn, void *user)
{
        const RamTable *t = &store_ram(base)->tables[TABLE_SURVEY];

        for (size_t i = ram_table_place(t, TEXT_NULL, at->after + 1); i < t->n; i++) {
                StoreSurvey row = survey_of(t->rows[i]);
                int r = row.ts >= at->since && row.ts < at->until ? fn(user, &row) : 0;

                if (r != 0)
                        return r;
                at->after = row.seq;
        }
        at->rest = INT64_MIN;
        return 0;
}

static int ram_scan_alerts(Store *base, StoreAlertFn fn, void *user)
{
        const RamTable *t = &store_ram(base)->tables[TABLE_ALERT];
        RamRow **rows = ram_sorted(t, ram_oldest_first);
        int r = 0;

        if (!rows)
                return ram_no_memory(base);
        for (size_t i = 0; i < t->n && r == 0; i++)
                r = fn(user, &(StoreAlert){.id = rows[i]->name,
                                           .json = rows[i]->json,
                                           .is_open = rows[i]->is_open,
                                           .changed = rows[i]->at});
        free(rows);
        return r;
}

static int ram_scan_feeds(Store *base, StoreFeedFn fn, void *user)
{
        const RamTable *t = &store_ram(base)->tables[TABLE_FEED];
        int r = 0;

        for (size_t i = 0; i < t->n && r == 0; i++) {
                const RamRow *row = t->rows[i];

                r = fn(user,
                       &(StoreFeed){
                               .principal = row->name, .seq = row->seq, .at = row->at, .json = row->json});
        }
        return r;
}

static int ram_scan_span(Store *base, usec_t since, usec_t until, uint64_t *at, size_t max, StoreSurveyFn fn,
                         void *user)
{
        const RamTable *t = &store_ram(base)->tables[TABLE_SURVEY];
        size_t n = 0;

        for (size_t i = ram_table_place(t, TEXT_NULL, *at + 1); i < t->n; i++) {
                StoreSurvey row = survey_of(t->rows[i]);

                if (row.ts >= since && row.ts < until) {
                        int r = fn(user, &row);

                        if (r != 0)
                                return r;
                        n++;
                }
                *at = row.seq;
                if (n == max)
                        return 0;
        }
        *at = UINT64_MAX;
        return 0;
}

/* Memory does not rot: one step to the end. */
static int ram_scrub(Store *base, StoreScrub *at, StoreDamageFn damaged CX_UNUSED, void *user CX_UNUSED)
{
        for (int kind = 0; kind < TABLE_MARK; kind++)
                at->n_rows += store_ram(base)->tables[kind].n;
        at->complete = true;
        return 0;
}

static int ram_copy_begin(Store *base, const char *path CX_UNUSED)
{
        return store_fail(base, -EOPNOTSUPP, "a store in memory has no file to copy");
}

static int ram_copy_step(Store *base, size_t n_pages CX_UNUSED)
{
        return store_fail(base, -EINVAL, "no copy is being made");
}

static void ram_copy_end(Store *base CX_UNUSED)
{
}

static int ram_info(Store *base, StoreInfo *ret)
{
        const StoreRam *s = store_ram(base);
        uint64_t bytes = 0;

        for (int kind = 0; kind < _TABLE_N; kind++)
                bytes += s->tables[kind].bytes;
        *ret = (StoreInfo){
                .n_surveys = s->tables[TABLE_SURVEY].n,
                .n_tallies = s->tables[TABLE_TALLY].n,
                .last_seq = s->last_seq,
                .bytes = bytes,
        };
        return 0;
}

static const StoreVerbs store_ram_verbs = {
        .close = ram_close,
        .begin = ram_begin,
        .commit = ram_commit,
        .rollback = ram_rollback,
        .put_surveys = ram_put_surveys,
        .put_alert = ram_put_alert,
        .put_feed = ram_put_feed,
        .get_survey = ram_get_survey,
        .scan_surveys = ram_scan_surveys,
        .scan_recent = ram_scan_recent,
        .scan_alerts = ram_scan_alerts,
        .scan_feeds = ram_scan_feeds,
        .scan_span = ram_scan_span,
        .drop_surveys = ram_drop_surveys,
        .expire_feeds = ram_expire_feeds,
        .put_tally = ram_put_tally,
        .get_tally = ram_get_tally,
        .scan_tallies = ram_scan_tallies,
        .expire_tallies = ram_expire_tallies,
        .put_revised = ram_put_revised,
        .scan_revised = ram_scan_revised,
        .expire_revised = ram_expire_revised,
        .put_mark = ram_put_mark,
        .get_mark = ram_get_mark,
        .erase = ram_erase,
        .log = ram_log,
        .write_back = ram_erase,
        .scrub = ram_scrub,
        .copy_begin = ram_copy_begin,
        .copy_step = ram_copy_step,
        .copy_end = ram_copy_end,
        .info = ram_info,
};

int store_open_ram(Store **ret)
{
        StoreRam *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->base.verbs = &store_ram_verbs;
        *ret = &s->base;
        return 0;
}

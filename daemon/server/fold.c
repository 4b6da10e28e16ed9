/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Without memory an entry is not added, and a variable in sight of HASH_ADD says so; the default is to exit. */
#define HASH_NONFATAL_OOM       1
#define uthash_nonfatal_oom(_e) (no_memory = true)
#include <uthash.h>

#include "daemon/io/log.h"
#include "daemon/server/counts.h"
#include "daemon/server/fold.h"

/* One scope on one day. */
typedef struct FoldKey {
        ScopeId scope;
        int32_t day;
} FoldKey;

typedef struct FoldRow {
        FoldKey key;
        UT_hash_handle hh;
        size_t scope_at, scope_n, counts_at, counts_n; /* in Fold.texts, once it is sealed */
        uint32_t counts[];                             /* METRIC_VALUES_MAX for each metric */
} FoldRow;

struct Fold {
        const Engine *engine;
        const Metric *metrics;
        size_t n_metrics;
        size_t *order; /* of the metrics by name */
        FoldRow *rows;
        int32_t lost_before; /* of the days before this answers are kept no more */
        Buffer texts;
};

static int compare_names(const void *a, const void *b, void *metrics)
{
        const Metric *m = metrics;

        return strcmp(m[*(const size_t *)a].name, m[*(const size_t *)b].name);
}

int fold_new(Fold **ret, const Engine *engine)
{
        const Settings *settings = engine_settings(engine);
        Fold *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        f->engine = engine;
        f->metrics = settings->metrics;
        f->n_metrics = settings->n_metrics;
        f->lost_before = INT32_MIN;
        f->order = calloc(f->n_metrics + 1, sizeof(*f->order));
        if (!f->order) {
                fold_free(f);
                return -ENOMEM;
        }
        for (size_t i = 0; i < f->n_metrics; i++)
                f->order[i] = i;
        qsort_r(f->order, f->n_metrics, sizeof(*f->order), compare_names, (void *)f->metrics);
        *ret = f;
        return 0;
}

Fold *fold_free(Fold *f)
{
        FoldRow *row, *next;

        if (!f)
                return NULL;
        HASH_ITER (hh, f->rows, row, next) {
                HASH_DEL(f->rows, row);
                free(row);
        }
        buffer_deinit(&f->texts);
        free(f->order);
        free(f);
        return NULL;
}

static FoldRow *row_for(Fold *f, ScopeId scope, int32_t day)
{
        FoldKey key = {.scope = scope, .day = day};
        bool no_memory = false;
        FoldRow *row;

        HASH_FIND(hh, f->rows, &key, sizeof(key), row);
        if (row)
                return row;
        row = calloc(1, sizeof(*row) + f->n_metrics * METRIC_VALUES_MAX * sizeof(row->counts[0]));
        if (!row)
                return NULL;
        row->key = key;
        HASH_ADD(hh, f->rows, key, sizeof(row->key), row);
        if (no_memory) {
                free(row);
                return NULL;
        }
        return row;
}

int fold_add(Fold *f, const Survey *survey)
{
        EnginePlace place;

        engine_place(f->engine, survey, &place);
        if (place.day < engine_kept_day(f->engine)) {
                if (place.values.answered && place.day >= f->lost_before)
                        f->lost_before = place.day + 1;
                return 0;
        }
        for (size_t i = 0; i < place.n_scopes; i++) {
                FoldRow *row = row_for(f, place.scopes[i], place.day);

                if (!row)
                        return -ENOMEM;
                for (uint64_t rest = place.values.answered; rest; rest &= rest - 1) {
                        size_t metric = (size_t)__builtin_ctzll(rest);

                        row->counts[metric * METRIC_VALUES_MAX + place.values.values[metric]]++;
                }
        }
        return 0;
}

/* Neighbours on disk are written together. */
static int compare_rows(const FoldRow *a, const FoldRow *b)
{
        if (a->key.day != b->key.day)
                return a->key.day < b->key.day ? -1 : 1;
        return (a->key.scope > b->key.scope) - (a->key.scope < b->key.scope);
}

int fold_seal(Fold *f)
{
        FoldRow *row, *next;

        HASH_SORT(f->rows, compare_rows);
        HASH_ITER (hh, f->rows, row, next) {
                Text scope = org_scope(engine_org(f->engine), row->key.scope)->text;
                CountsWriter writer = {.to = &f->texts};

                row->scope_at = f->texts.n;
                row->scope_n = scope.n;
                buffer_append_text(&f->texts, scope);
                row->counts_at = f->texts.n;
                for (size_t i = 0; i < f->n_metrics; i++) {
                        const Metric *m = &f->metrics[f->order[i]];

                        for (unsigned v = 0; v < metric_n_values(m); v++) {
                                CountsItem item = {
                                        .metric = text_of(m->name),
                                        .answer = m->lo + (int)v,
                                        .n = row->counts[f->order[i] * METRIC_VALUES_MAX + v],
                                };

                                if (item.n)
                                        counts_write(&writer, &item);
                        }
                }
                counts_end(&writer);
                row->counts_n = f->texts.n - row->counts_at;
        }
        f->engine = NULL;
        f->metrics = NULL;
        return buffer_failed(&f->texts) ? -ENOMEM : 0;
}

static int add_stored(const StoreTally *row, Text before, Buffer *sum)
{
        int r = counts_add(before, row->counts, sum);

        if (buffer_failed(sum))
                return -ENOMEM;
        if (r == -EBADMSG)
                log_err("store tally of day=%d scope=%s cannot be read; what it held is lost", row->day,
                        LOG_QUOTE(row->scope));
        return r;
}

static int store_row(Store *store, StoreTally *row, Buffer *before, Buffer *sum)
{
        int r;

        buffer_reset(before);
        buffer_reset(sum);
        r = store_get_tally(store, row->day, row->scope, before);
        if (r == 0)
                r = add_stored(row, buffer_text(before), sum);
        if (r < 0 && r != -EBADMSG)
                return r;
        if (r == 0)
                row->counts = buffer_text(sum);
        return store_put_tally(store, row);
}

static int store_rows(const Fold *f, Store *store)
{
        CX_CLEANUP(buffer_deinit) Buffer before = BUFFER_NULL, sum = BUFFER_NULL;
        const FoldRow *one;
        int r = 0;

        for (one = f->rows; one && r == 0; one = one->hh.next) {
                StoreTally row = {
                        .day = one->key.day,
                        .scope = {.at = f->texts.data + one->scope_at, .n = one->scope_n},
                        .counts = {.at = f->texts.data + one->counts_at, .n = one->counts_n},
                };

                r = store_row(store, &row, &before, &sum);
        }
        return r;
}

static int note_deleted(Store *store, const FoldDeletion *which)
{
        int r = 0;

        for (size_t i = 0; which->epoch && i < which->n && r == 0; i++)
                if (which->counted[i])
                        r = store_put_revised(store, &(StoreRevised){.epoch = which->epoch,
                                                                     .seq = which->seqs[i],
                                                                     .json = TEXT("")});
        return r;
}

static const char forgotten_mark[] = "surveys forgotten", days_mark[] = "days forgotten";

static int take_day(void *user, const StoreTally *row)
{
        usec_t *until = user;

        *until = ((usec_t)row->day + 1) * USEC_DAY;
        return 0;
}

/* Where the mark is damaged, what was deleted has left its days: they come in their order. */
int fold_forgotten(Store *store, usec_t *ret)
{
        int r = store_get_mark(store, forgotten_mark, ret);

        if (r != STORE_E_NOT_FOUND)
                return r;
        *ret = INT64_MIN;
        return store_scan_tallies(store, INT32_MIN, TEXT(""), 0, take_day, ret);
}

int fold_forgotten_days(Store *store, int32_t *ret)
{
        int64_t day = INT32_MIN;
        int r = store_get_mark_or(store, days_mark, INT32_MIN, &day);

        *ret = (int32_t)day;
        return r;
}

int fold_forget_days(Store *store, int32_t day)
{
        int32_t before;
        usec_t surveys;
        int r = fold_forgotten_days(store, &before);

        if (r == 0)
                r = fold_forgotten(store, &surveys);
        if (r < 0 || surveys == INT64_MIN)
                return r;
        /* There were none of later days; a clock that was years ahead is not to count. */
        if (day > usec_ceil(surveys, USEC_DAY) / USEC_DAY)
                day = (int32_t)(usec_ceil(surveys, USEC_DAY) / USEC_DAY);
        return day > before ? store_put_mark(store, days_mark, day) : 0;
}

int fold_delete(const Fold *f, Store *store, const FoldDeletion *which)
{
        int r = store_begin(store);

        if (r < 0)
                return r;
        r = store_rows(f, store);
        if (r == 0)
                r = store_drop_surveys(store, which->before, which->seqs, which->n);
        if (r == 0)
                r = note_deleted(store, which);
        if (r == 0)
                r = store_put_mark(store, forgotten_mark, which->forgotten_before);
        if (r == 0)
                r = fold_forget_days(store, f->lost_before);
        if (r == 0)
                r = store_commit(store);
        if (r < 0)
                store_rollback(store);
        return r;
}

/* --- back into an engine -------------------------------------------------------------------------------- */

static size_t find_metric(const Settings *settings, Text name)
{
        for (size_t i = 0; i < settings->n_metrics; i++)
                if (text_is(name, settings->metrics[i].name))
                        return i;
        return SIZE_MAX;
}

int fold_replay(Engine *e, const StoreTally *row)
{
        const Settings *settings = engine_settings(e);
        CountsReader reader = COUNTS_READER(row->counts);
        Text metric = TEXT_NULL, name;
        size_t at = SIZE_MAX;
        Tally tally = TALLY_NULL;
        CountsItem item;
        ScopeKind kind;
        int r = scope_parse(row->scope, &kind, &name) < 0 ? -EBADMSG : 0, more = 0;

        if (r == 0)
                r = engine_replay_tally(e, kind, name, row->day, SIZE_MAX, NULL);
        while (r == 0 && (more = counts_read(&reader, &item)) > 0) {
                if (!metric.at || !text_equal(metric, item.metric)) {
                        if (at != SIZE_MAX)
                                r = engine_replay_tally(e, kind, name, row->day, at, &tally);
                        metric = item.metric;
                        at = find_metric(settings, metric);
                        tally = TALLY_NULL;
                }
                if (at != SIZE_MAX && item.answer >= settings->metrics[at].lo &&
                    item.answer <= settings->metrics[at].hi)
                        tally.counts[item.answer - settings->metrics[at].lo] += item.n;
        }
        if (r == 0 && at != SIZE_MAX)
                r = engine_replay_tally(e, kind, name, row->day, at, &tally);
        return r == 0 && more < 0 ? more : r;
}

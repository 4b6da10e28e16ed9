/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/server/batch.h"
#include "proto/base/plant.h"
#include "proto/survey_json.h"

/* Surveys that the store gets in one call. */
#define ROWS_AT_ONCE 256

_Static_assert(sizeof(Entry) <= 64, "an entry is larger than a line of the cache");

Batch *batch_new(Intake *i)
{
        Batch *b = calloc(1, sizeof(*b));

        if (b)
                b->intake = i;
        return b;
}

void batch_drop_entries(Batch *b)
{
        while (b->refusals) {
                Refusal *r = b->refusals;

                b->refusals = r->next;
                free(r->id);
                free(r);
        }
        b->n_entries = b->n_fresh = b->n_hits = b->n_kept = 0;
        b->deferred = false;
        b->load = b->n_refusals = 0;
        buffer_reset(&b->kept_bytes);
        buffer_reset(&b->packed);
        buffer_reset(&b->json);
        buffer_reset(&b->found);
}

void batch_reset(Batch *b)
{
        batch_drop_entries(b);
        b->n_calls = 0;
        b->error[0] = '\0';
        buffer_reset(&b->alerts);
        effects_reset(&b->effects);
        feed_rows_reset(&b->feed);
}

bool batch_has_surveys(const Batch *b)
{
        for (size_t i = 0; i < b->n_entries; i++)
                if (b->entries[i].verdict == VERDICT_STORED || b->entries[i].verdict == VERDICT_REVISED)
                        return true;
        return false;
}

/* Entries that nobody will be told about: who waits for the last of his has his memory back. */
static void let_go_of_sinks(Batch *b)
{
        for (size_t i = 0; i < b->n_entries; i++) {
                IntakeSink *s = b->entries[i].sink;

                if (--s->n_pending == 0 && s->detached)
                        s->on_idle(s);
        }
}

Batch *batch_free(Batch *b)
{
        if (!b)
                return NULL;
        let_go_of_sinks(b);
        batch_reset(b);
        buffer_deinit(&b->packed);
        buffer_deinit(&b->json);
        buffer_deinit(&b->found);
        buffer_deinit(&b->kept_bytes);
        buffer_deinit(&b->alerts);
        effects_deinit(&b->effects);
        feed_rows_deinit(&b->feed);
        free(b->entries);
        free(b->fresh);
        free(b->hits);
        free(b->kept);
        free(b->calls);
        free(b);
        return NULL;
}

size_t batch_size(const Batch *b)
{
        return b->packed.n + b->found.n + b->n_entries * sizeof(Entry) + b->n_hits * sizeof(Hit) +
               b->n_refusals * sizeof(Refusal);
}

size_t batch_room(const Batch *b)
{
        return b->packed.size + b->found.size + b->json.size + b->kept_bytes.size +
               b->entries_size * sizeof(Entry) + b->hits_size * sizeof(Hit);
}

bool batch_is_empty(const Batch *b)
{
        return b->n_entries == 0 && b->effects.n_alerts == 0 && b->n_calls == 0;
}

/* Room for one more in an array of @width bytes each. */
static bool make_room(void **array, size_t n, size_t *size, size_t width)
{
        size_t more = *size ? *size * 2 : 64;
        void *grown;

        if (n < *size)
                return true;
        grown = reallocarray(*array, more, width);
        if (!grown)
                return false;
        *array = grown;
        *size = more;
        return true;
}

Entry *batch_add_entry(Batch *b)
{
        if (!make_room((void **)&b->entries, b->n_entries, &b->entries_size, sizeof(*b->entries)))
                return NULL;
        b->entries[b->n_entries] = (Entry){0};
        return &b->entries[b->n_entries++];
}

Hit *batch_add_hit(Batch *b)
{
        if (!make_room((void **)&b->hits, b->n_hits, &b->hits_size, sizeof(*b->hits)))
                return NULL;
        b->hits[b->n_hits] = (Hit){0};
        return &b->hits[b->n_hits++];
}

int batch_refuse(Batch *b, Entry *e, Text id, const Fault *fault)
{
        Refusal *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->fault = *fault;
        r->next = b->refusals;
        b->refusals = r;
        b->n_refusals++;
        r->id = id.at ? text_dup(id) : NULL;
        if (id.at && !r->id)
                return -ENOMEM;
        e->verdict = VERDICT_REFUSED;
        e->refusal = r;
        return 0;
}

int batch_add_survey(Batch *b, Entry *e, const Survey *s)
{
        e->packed_at = b->packed.n;
        e->ts = s->ts;
        survey_pack(s, &b->packed);
        return buffer_failed(&b->packed) ? -ENOMEM : 0;
}

int batch_version(const Batch *b, const Version *v, Survey *ret, char *scratch)
{
        if (!v->entry)
                return survey_decode_stored(ret, v->json, scratch);
        batch_survey(b, v->entry, ret);
        return 0;
}

int batch_add_fresh(Batch *b, size_t entry)
{
        if (!make_room((void **)&b->fresh, b->n_fresh, &b->fresh_size, sizeof(*b->fresh)))
                return -ENOMEM;
        b->fresh[b->n_fresh++] = entry;
        return 0;
}

int batch_keep(Batch *b, uint64_t seq, const Survey *earlier)
{
        Survey counted = *earlier;
        Kept *kept;

        if (!make_room((void **)&b->kept, b->n_kept, &b->kept_size, sizeof(*b->kept)))
                return -ENOMEM;
        kept = &b->kept[b->n_kept++];
        *kept = (Kept){.seq = seq, .json_at = b->kept_bytes.n};
        counted.contact = counted.customer = counted.channel = counted.reason = counted.comment = TEXT_NULL;
        survey_encode(&counted, &b->kept_bytes);
        kept->json_n = b->kept_bytes.n - kept->json_at;
        return buffer_failed(&b->kept_bytes) ? -ENOMEM : 0;
}

int batch_add_call(Batch *b, void (*fn)(void *user), void *user)
{
        if (!make_room((void **)&b->calls, b->n_calls, &b->calls_size, sizeof(*b->calls)))
                return -ENOMEM;
        b->calls[b->n_calls++] = (BatchCall){.fn = fn, .user = user};
        return 0;
}

Entry *batch_fresh(Batch *b, uint64_t seq)
{
        size_t low = 0, high = b->n_fresh;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                Entry *e = &b->entries[b->fresh[middle]];

                if (e->seq == seq)
                        return e;
                if (e->seq < seq)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

static int keep_error(Batch *b, Store *store, int r)
{
        if (!b->error[0])
                snprintf(b->error, sizeof(b->error), "%s", store_error(store));
        return r;
}

int batch_look_up(Batch *b, Store *store)
{
        CX_CLEANUP(buffer_deinit) Buffer source = BUFFER_NULL;

        for (size_t i = 0; i < b->n_hits; i++) {
                Hit *hit = &b->hits[i];
                const Entry *e = &b->entries[hit->entry];

                for (size_t k = 0; k < hit->n_seqs; k++) {
                        int r;

                        hit->json_at[k] = b->found.n;
                        hit->json_n[k] = 0;
                        if (batch_fresh(b, hit->seqs[k]))
                                continue; /* it is in this batch */
                        buffer_reset(&source);
                        r = store_get_survey(store, hit->seqs[k], &b->found, &source);
                        if (r < 0)
                                return keep_error(b, store, r);
                        if (r == 0)
                                hit->json_n[k] = b->found.n - hit->json_at[k];
                        hit->is_others[k] = !text_is(buffer_text(&source), e->source->name);
                }
        }
        return buffer_failed(&b->found) ? -ENOMEM : 0;
}

static int put_rows(Batch *b, Store *store, const Entry *const entries[], size_t n)
{
        StoreSurvey rows[ROWS_AT_ONCE];
        size_t end[ROWS_AT_ONCE];
        Survey survey;

        buffer_reset(&b->json);
        for (size_t i = 0; i < n; i++) {
                batch_survey(b, entries[i], &survey);
                survey_encode(&survey, &b->json);
                end[i] = b->json.n;
        }
        if (buffer_failed(&b->json)) {
                snprintf(b->error, sizeof(b->error), "no memory for surveys on their way to the store");
                return -ENOMEM;
        }
        for (size_t i = 0, begin = 0; i < n; begin = end[i++])
                rows[i] = (StoreSurvey){
                        .seq = entries[i]->seq,
                        .ts = entries[i]->ts,
                        .source = text_of(entries[i]->source->name),
                        .json = {.at = b->json.data + begin, .n = end[i] - begin},
                };
        return store_put_surveys(store, rows, n);
}

static int put_surveys(Batch *b, Store *store)
{
        const Entry *entries[ROWS_AT_ONCE];
        size_t n = 0;
        int r = 0;

        for (size_t i = 0; i < b->n_entries && r == 0; i++) {
                const Entry *e = &b->entries[i];

                if (e->verdict != VERDICT_STORED && e->verdict != VERDICT_REVISED)
                        continue;
                entries[n++] = e;
                if (n == ROWS_AT_ONCE) {
                        r = put_rows(b, store, entries, n);
                        n = 0;
                }
        }
        return r < 0 || n == 0 ? r : put_rows(b, store, entries, n);
}

static int put_kept(Batch *b, Store *store)
{
        for (size_t i = 0; i < b->n_kept; i++) {
                StoreRevised row = {
                        .epoch = b->kept_epoch,
                        .seq = b->kept[i].seq,
                        .json = {.at = b->kept_bytes.data + b->kept[i].json_at, .n = b->kept[i].json_n},
                };
                int r = PLANTED("revision-behind-snapshot") ? 0 : store_put_revised(store, &row);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int put_alerts(Batch *b, Store *store)
{
        const char *json = b->alerts.data;

        for (size_t i = 0; i < b->effects.n_alerts; i++) {
                const Alert *a = &b->effects.alerts[i];
                StoreAlert row = {
                        .id = text_of(a->id),
                        .json = text_of(json),
                        .is_open = a->state != ALERT_RESOLVED,
                        .changed = a->changed,
                };
                int r = store_put_alert(store, &row);

                if (r < 0)
                        return r;
                json += row.json.n + 1;
        }
        for (size_t i = 0; i < b->feed.n; i++) {
                const FeedRow *f = &b->feed.rows[i];
                StoreFeed row = {
                        .principal = feed_name(f->feed),
                        .seq = f->seq,
                        .at = f->at,
                        .json = {.at = f->text, .n = f->n},
                };
                int r = store_put_feed(store, &row);

                if (r < 0)
                        return r;
        }
        return 0;
}

static usec_t now_usec(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * USEC_SEC + t.tv_nsec / 1000;
}

int batch_commit(Batch *b, Store *store)
{
        usec_t start = now_usec();
        int r = store_begin(store);

        if (r < 0)
                return keep_error(b, store, r);
        r = put_surveys(b, store);
        if (r == 0)
                r = put_kept(b, store);
        if (r == 0)
                r = put_alerts(b, store);
        if (r == 0)
                r = store_commit(store);
        if (PLANTED("commit-error-ignored"))
                r = 0;
        if (r < 0) {
                keep_error(b, store, r);
                store_rollback(store);
        }
        b->commit_usec = now_usec() - start;
        return r;
}

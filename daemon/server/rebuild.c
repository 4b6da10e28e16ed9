/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/fold.h"
#include "daemon/server/rebuild.h"
#include "daemon/server/survey_slice.h"
#include "proto/survey_json.h"

#define TALLIES_MAX 4000 /* in a slice */

/* A stored tally, followed by its scope and its counts. */
typedef struct TallyRow {
        int32_t day;
        size_t scope_n, counts_n;
} TallyRow;

struct Rebuild {
        SurveySlice slice; /* first: a slice is its rebuild */
        JournalJob tally_job;
        Buffer tallies;
        size_t n_tallies;
        int32_t day; /* of the last tally read ... */
        Buffer scope;
        Journal *journal;
        RebuildHead head;
        bool begun;
        const Engine *before;
        Engine *engine;
        char *scratch;
        Survey survey;
        RebuildFn fn;
        void *user;
};

static void rebuild_free(Rebuild *r)
{
        survey_slice_deinit(&r->slice);
        buffer_deinit(&r->tallies);
        buffer_deinit(&r->scope);
        engine_free(r->engine);
        free(r->scratch);
        free(r);
}

int rebuild_read_head(Store *store, RebuildHead *ret)
{
        int r = fold_forgotten(store, &ret->forgotten_before);

        return r == 0 ? fold_forgotten_days(store, &ret->forgotten_days) : r;
}

int rebuild_begin(Engine *e, const RebuildHead *head)
{
        Input in = {.kind = INPUT_TICK, .now = head->now};
        Effects none = EFFECTS_NULL;
        int r;

        engine_set_forgotten(e, head->forgotten_before, head->forgotten_days);
        r = engine_step(e, &in, &none);
        effects_deinit(&none);
        return r;
}

int rebuild_take(Engine *e, Survey *survey, Text json, char *scratch)
{
        int r = survey_decode_stored(survey, json, scratch);

        return r < 0 ? r : engine_replay(e, survey);
}

static void finish(Rebuild *r, int result)
{
        RebuildFn fn = r->fn;
        void *user = r->user;
        Engine *engine = NULL;

        if (result == 0)
                result = engine_carry_over(r->engine, r->before);
        if (result == 0) {
                engine = r->engine;
                r->engine = NULL;
        }
        rebuild_free(r);
        fn(user, result, engine);
}

static void take_slice(SurveySlice *slice, int result)
{
        Rebuild *r = (Rebuild *)slice;

        for (size_t i = 0; i < slice->n_rows && result == 0; i++) {
                slice->after = slice->rows[i].seq;
                result = rebuild_take(r->engine, &r->survey, survey_slice_json(slice, &slice->rows[i]),
                                      r->scratch);
                if (result == -EBADMSG)
                        result = 0; /* was passed over at the start, too, and said so */
        }
        if (result < 0 || slice->complete)
                finish(r, result);
        else
                survey_slice_submit(slice, r->journal);
}

/* --- tallies of surveys that are not stored any more come first ------------------------------------------- */

static int take_tally(void *user, const StoreTally *row)
{
        const TallyRow head = {.day = row->day, .scope_n = row->scope.n, .counts_n = row->counts.n};
        Rebuild *r = user;

        r->n_tallies++;
        r->day = row->day;
        buffer_reset(&r->scope);
        buffer_append_text(&r->scope, row->scope);
        buffer_append(&r->tallies, &head, sizeof(head));
        buffer_append_text(&r->tallies, row->scope);
        buffer_append_text(&r->tallies, row->counts);
        return buffer_failed(&r->tallies) || buffer_failed(&r->scope) ? -ENOMEM : 0;
}

static int tallies_run(JournalJob *job, Store *store)
{
        Rebuild *r = CX_CONTAINER_OF(job, Rebuild, tally_job);
        CX_CLEANUP(buffer_deinit) Buffer after = BUFFER_NULL;
        int result = r->begun ? 0 : rebuild_read_head(store, &r->head);

        r->n_tallies = 0;
        buffer_reset(&r->tallies);
        buffer_append_text(&after, buffer_text(&r->scope));
        if (buffer_failed(&after))
                return -ENOMEM;
        return result ? result
                      : store_scan_tallies(store, r->day, buffer_text(&after), TALLIES_MAX, take_tally, r);
}

static void submit_tallies(Rebuild *r);

static void tallies_done(JournalJob *job, int result)
{
        Rebuild *r = CX_CONTAINER_OF(job, Rebuild, tally_job);

        if (result == 0 && !r->begun) {
                r->begun = true;
                result = rebuild_begin(r->engine, &r->head);
        }
        for (size_t at = 0; at < r->tallies.n && result == 0;) {
                StoreTally row;
                TallyRow head;

                memcpy(&head, r->tallies.data + at, sizeof(head));
                at += sizeof(head);
                row.day = head.day;
                row.scope = (Text){.at = r->tallies.data + at, .n = head.scope_n};
                row.counts = (Text){.at = r->tallies.data + at + head.scope_n, .n = head.counts_n};
                at += head.scope_n + head.counts_n;
                result = fold_replay(r->engine, &row);
                if (result == -EBADMSG)
                        result = 0; /* was passed over at the start, too, and said so */
        }
        if (result < 0)
                finish(r, result);
        else if (r->n_tallies == TALLIES_MAX)
                submit_tallies(r);
        else
                survey_slice_submit(&r->slice, r->journal);
}

static void submit_tallies(Rebuild *r)
{
        r->tally_job = (JournalJob){.run = tallies_run, .done = tallies_done};
        journal_submit(r->journal, &r->tally_job);
}

int rebuild_start(Rebuild **ret, Config *config, const Engine *before, Journal *journal, usec_t now,
                  RebuildFn fn, void *user)
{
        Rebuild *r = calloc(1, sizeof(*r));
        int result;

        if (!r)
                return -ENOMEM;
        r->journal = journal;
        r->head.now = now;
        r->before = before;
        r->fn = fn;
        r->user = user;
        r->slice.done = take_slice;
        r->scratch = malloc(SURVEY_SCRATCH_BYTES);
        result = r->scratch ? engine_new(&r->engine, &config->settings, config->org) : -ENOMEM;
        if (result < 0) {
                rebuild_free(r);
                return result;
        }
        config->org = NULL;
        r->day = INT32_MIN;
        submit_tallies(r);
        *ret = r;
        return 0;
}

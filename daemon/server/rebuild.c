/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/server/rebuild.h"
#include "daemon/server/survey_slice.h"
#include "proto/survey_json.h"

struct Rebuild {
        SurveySlice slice; /* first: a slice is its rebuild */
        Journal *journal;
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
        engine_free(r->engine);
        free(r->scratch);
        free(r);
}

int rebuild_begin(Engine *e, usec_t now)
{
        Input in = {.kind = INPUT_TICK, .now = now};
        Effects none = EFFECTS_NULL;
        int r = engine_step(e, &in, &none);

        effects_deinit(&none);
        return r;
}

int rebuild_take(Engine *e, Survey *survey, Text json, char *scratch)
{
        Fault fault;

        if (survey_decode(survey, json.at, json.n, scratch, false, &fault, NULL) != 0)
                return -EBADMSG;
        return engine_replay(e, survey);
}

static int carry_alerts_over(Rebuild *r)
{
        for (size_t i = 0; i < engine_n_alerts(r->before); i++) {
                int result = engine_restore(r->engine, engine_alert(r->before, i));

                if (result < 0)
                        return result;
        }
        return 0;
}

static void finish(Rebuild *r, int result)
{
        RebuildFn fn = r->fn;
        void *user = r->user;
        Engine *engine = NULL;

        if (result == 0)
                result = carry_alerts_over(r);
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

int rebuild_start(Rebuild **ret, Config *config, const Engine *before, Journal *journal, usec_t now,
                  RebuildFn fn, void *user)
{
        Rebuild *r = calloc(1, sizeof(*r));
        int result;

        if (!r)
                return -ENOMEM;
        r->journal = journal;
        r->before = before;
        r->fn = fn;
        r->user = user;
        r->slice.done = take_slice;
        r->scratch = malloc((size_t)2 * SURVEY_BYTES_MAX);
        result = r->scratch ? engine_new(&r->engine, &config->settings, config->org) : -ENOMEM;
        if (result < 0) {
                rebuild_free(r);
                return result;
        }
        config->org = NULL;
        result = rebuild_begin(r->engine, now);
        if (result < 0) {
                rebuild_free(r);
                return result;
        }
        survey_slice_submit(&r->slice, journal);
        *ret = r;
        return 0;
}

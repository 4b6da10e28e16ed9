/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The newest surveys behind a figure.
 *
 * Slices of surveys come where the latest may be; of those that are wanted the newest are kept, as many as are asked for,
 * until there are so many that nothing which is still to come can be newer.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/access.h"
#include "daemon/server/api.h"
#include "daemon/server/survey_slice.h"
#include "proto/survey_json.h"

/* A survey as the reader may see it. */
typedef struct Found {
        usec_t ts;
        uint64_t seq;
        Buffer json;
} Found;

/* A drill-down on its way. */
typedef struct Drill {
        SurveySlice slice; /* first: a slice is its drill-down */
        Server *server;
        HttpRequest *request;
        Principal reader; /* as of the question */
        uint64_t reloads; /* as of the question, too */
        ScopeId scope;
        const Org *org;      /* the org that the scope's number belongs to */
        size_t metric;       /* SIZE_MAX: any */
        double below, above; /* NAN: whatever the answer is */
        StoreRecent at;
        Found *found; /* a heap, the oldest on top */
        size_t n, limit;
        char *scratch;
        Survey survey;
} Drill;

static void drill_free(Drill *d)
{
        survey_slice_deinit(&d->slice);
        store_recent_deinit(&d->at);
        for (size_t i = 0; i < d->n; i++)
                buffer_deinit(&d->found[i].json);
        free(d->found);
        free(d->scratch);
        free(d);
}

static void drill_fault(Drill *d, FaultCode code, const char *text)
{
        Fault fault;

        fault_set(&fault, code, NULL, "%s", text);
        http_reply_fault(d->request, &fault, NULL, 0);
        drill_free(d);
}

static bool in_scope(const Drill *d, const Survey *s)
{
        const Org *org = engine_org(d->server->engine);
        ScopeId chain[ORG_CHAIN_MAX];
        ScopeId agent = s->agent.at ? org_find(org, SCOPE_AGENT, s->agent) : SCOPE_NONE;
        size_t n = org_chain(org, agent, org_find(org, SCOPE_QUEUE, s->queue), s->ts, chain);

        for (size_t i = 0; i < n; i++)
                if (chain[i] == d->scope)
                        return true;
        return false;
}

static bool wanted(const Drill *d, const Survey *s)
{
        int value;

        if (s->status == SURVEY_RETRACTED || !in_scope(d, s))
                return false;
        if (d->metric == SIZE_MAX)
                return true;
        if (!survey_value(s, &d->server->config->metrics[d->metric], &value))
                return false;
        return !(value >= d->below) && !(value <= d->above);
}

/*
 * A reader who is no admin sees of a survey what the drill-down is about: the answers to metrics that it may
 * see here, and no customer; and where there is none of these, nothing that was said beside them either.
 */
static void cut_to_reader(const Drill *d, const Principal *who, Survey *s)
{
        const Config *c = d->server->config;
        size_t n = 0;

        if (who->admin)
                return;
        for (size_t i = 0; i < s->n_answers; i++) {
                for (size_t m = 0; m < c->n_metrics; m++) {
                        if (text_is(s->answers[i].metric, c->metrics[m].name) &&
                            policy_sees(&c->policy, engine_org(d->server->engine), who, &c->metrics[m],
                                        d->scope, loop_realtime(d->server->loop)))
                                s->answers[n++] = s->answers[i];
                }
        }
        s->n_answers = n;
        s->customer = TEXT_NULL;
        if (n == 0)
                s->comment = s->contact = s->reason = s->channel = TEXT_NULL;
        /* Who was spoken to is shown only where the reader sees that agent. */
        if (s->agent.at) {
                const Org *org = engine_org(d->server->engine);
                ScopeId agent = org_find(org, SCOPE_AGENT, s->agent);

                if (agent == SCOPE_NONE || !policy_sees_scope(&c->policy, org, who, c->metrics, c->n_metrics,
                                                              agent, loop_realtime(d->server->loop)))
                        s->agent = TEXT_NULL;
        }
}

static bool is_older(const Found *a, const Found *b)
{
        return a->ts != b->ts ? a->ts < b->ts : a->seq < b->seq;
}

static int newest_first(const void *a, const void *b)
{
        return is_older(a, b) - is_older(b, a);
}

/* The place that is free at @i goes to where @one belongs, from there down or up. */
static void sift(Drill *d, size_t i, Found one)
{
        size_t child;

        for (; i > 0 && is_older(&one, &d->found[(i - 1) / 2]); i = (i - 1) / 2)
                d->found[i] = d->found[(i - 1) / 2];
        for (; (child = 2 * i + 1) < d->n; i = child) {
                if (child + 1 < d->n && is_older(&d->found[child + 1], &d->found[child]))
                        child++;
                if (!is_older(&d->found[child], &one))
                        break;
                d->found[i] = d->found[child];
        }
        d->found[i] = one;
}

static int take_survey(Drill *d, const Principal *who, const SliceRow *row)
{
        Text json = survey_slice_json(&d->slice, row);
        Found one = {.ts = row->ts, .seq = row->seq, .json = BUFFER_NULL};

        if (d->n == d->limit && is_older(&one, &d->found[0]))
                return 0;
        if (survey_decode_stored(&d->survey, json, d->scratch) < 0 || !wanted(d, &d->survey))
                return 0;
        cut_to_reader(d, who, &d->survey);
        survey_encode(&d->survey, &one.json);
        if (buffer_failed(&one.json)) {
                buffer_deinit(&one.json);
                return -ENOMEM;
        }
        if (d->n == d->limit) {
                buffer_deinit(&d->found[0].json);
                sift(d, 0, one);
        } else {
                d->n++;
                sift(d, d->n - 1, one);
        }
        return 0;
}

/* Nothing that is still to come would be in the answer. */
static bool is_complete(const Drill *d)
{
        return d->slice.complete || (d->n == d->limit && d->found[0].ts > d->at.rest);
}

static void drill_reply(Drill *d)
{
        Buffer out = BUFFER_NULL;
        JsonOut json = JSON_OUT_INIT(&out);

        qsort(d->found, d->n, sizeof(*d->found), newest_first);
        json_begin_object(&json);
        json_key(&json, TEXT("surveys"));
        json_begin_array(&json);
        for (size_t i = 0; i < d->n; i++)
                json_raw(&json, buffer_text(&d->found[i].json));
        json_end_array(&json);
        json_end_object(&json);
        if (buffer_failed(&out)) {
                drill_fault(d, FAULT_INTERNAL, "no memory for the answer");
        } else {
                http_reply(d->request, 200, "application/json", buffer_text(&out), NULL, 0);
                drill_free(d);
        }
        buffer_deinit(&out);
}

/*
 * What was found by an earlier configuration may be more than the reader sees now, and the scope itself may be. Who still sees
 * everything can go on, as long as the scope's number means the same.
 */
static bool is_outdated(const Drill *d, const Principal *who)
{
        return !who || d->org != engine_org(d->server->engine) ||
               (!who->admin && d->reloads != feeds_n_reloads(d->server->feeds));
}

static void drill_slice(SurveySlice *slice, int result)
{
        Drill *d = (Drill *)slice;
        const Principal *who = access_again(d->server->config, &d->reader);
        int r = 0;

        if (result < 0) {
                drill_fault(d, FAULT_INTERNAL, "the store could not be read");
                return;
        }
        if (is_outdated(d, who)) {
                drill_fault(d, FAULT_BUSY, "the configuration has changed meanwhile; ask again");
                return;
        }
        for (size_t i = 0; i < slice->n_rows && r == 0; i++)
                r = take_survey(d, who, &slice->rows[i]);
        if (r < 0)
                drill_fault(d, FAULT_INTERNAL, "no memory for the answer");
        else if (is_complete(d) || http_is_gone(d->request))
                drill_reply(d);
        else
                survey_slice_submit(slice, d->server->journal);
}

/* An answer that those asked for must be on one side of; NAN: not given. */
static int drill_edge(ApiCall *call, const char *name, size_t metric, double *ret)
{
        Text text = api_param(call, name);

        *ret = (double)NAN;
        if (text.at && (metric == SIZE_MAX || text_to_double(text, ret) < 0))
                return api_fault(call, FAULT_PARAMETER, name,
                                 "a number on the scale of the metric that is asked for");
        return 0;
}

int api_surveys(ApiCall *call)
{
        static const char *const params[] = {"scope", "metric", "below", "above",
                                             "since", "at",     "limit", NULL};
        double below, above;
        size_t metric, limit;
        usec_t since, at;
        ScopeId scope;
        Drill *d;
        int r = api_only_params(call, params);

        if (r == 0)
                r = api_scope(call, &scope);
        if (r == 0)
                r = api_metric(call, false, &metric);
        if (r == 0)
                r = api_at(call, &at);
        if (r == 0)
                r = api_time(call, "since", at - 90 * USEC_DAY, &since);
        if (r == 0)
                r = api_count(call, "limit", 50, 1000, &limit);
        if (r == 0 && metric != SIZE_MAX && !api_sees(call, metric, scope))
                r = api_fault(call, FAULT_NOT_FOUND, "metric",
                              "there is no such metric, or you do not see it");
        if (r == 0)
                r = drill_edge(call, "below", metric, &below);
        if (r == 0)
                r = drill_edge(call, "above", metric, &above);
        if (r != 0)
                return r;
        d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;
        d->scratch = malloc(SURVEY_SCRATCH_BYTES);
        d->found = calloc(limit, sizeof(*d->found));
        if (!d->scratch || !d->found) {
                drill_free(d);
                return -ENOMEM;
        }
        d->server = call->server;
        d->request = call->request;
        d->reader = access_keep(call->who);
        d->reloads = feeds_n_reloads(call->server->feeds);
        d->scope = scope;
        d->org = engine_org(call->server->engine);
        d->metric = metric;
        d->below = below;
        d->above = above;
        d->limit = limit;
        d->at = STORE_RECENT(since, at);
        d->slice.recent = &d->at;
        d->slice.done = drill_slice;
        survey_slice_submit(&d->slice, call->server->journal);
        return API_TAKEN;
}

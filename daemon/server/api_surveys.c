/* SPDX-License-Identifier: Apache-2.0 */

/* Stored surveys: in (POST), looked into (drill-down), out (export). */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/log.h"
#include "daemon/server/access.h"
#include "daemon/server/api.h"
#include "daemon/server/submission.h"
#include "daemon/server/survey_slice.h"
#include "proto/survey_json.h"

static void submitted(void *user, int status, Text json)
{
        static const HttpHeader again = {"Retry-After", "1"};

        http_reply(user, status, "application/json", json, &again, status == 429 || status == 503);
}

int api_post_surveys(ApiCall *call)
{
        static const char *const params[] = {NULL};
        Text authorization = http_header(call->request, "Authorization");
        Text token = authorization.at ? access_bearer(authorization) : TEXT_NULL;
        Server *s = call->server;
        const ConfigSource *source;
        int r = api_only_params(call, params);

        if (r != 0)
                return r;
        if (authorization.at && !token.at)
                return api_fault(call, FAULT_TOKEN, NULL, "the header is `Authorization: Bearer TOKEN`");
        if (access_source(s->config, http_peer(call->request), token, &source, &call->fault) != 0)
                return API_FAULT;
        if (s->state == SERVER_STOPPING)
                return api_fault(call, FAULT_UNAVAILABLE, NULL, "the daemon is stopping");
        if (shed_is_due(s))
                return api_fault(call, FAULT_UNAVAILABLE, NULL, INTAKE_CROWDED);
        if (intake_is_full(s->intake))
                return api_fault(call, FAULT_BUSY, NULL, "too much is in flight; try again");
        r = submission_start(s->intake, source, http_body(call->request), submitted, call->request,
                             &call->fault);
        return r > 0 ? API_FAULT : r < 0 ? r : API_TAKEN;
}

/* A drill-down on its way. */
typedef struct Drill {
        SurveySlice slice; /* first: a slice is its drill-down */
        Server *server;
        HttpRequest *request;
        char principal[METRIC_NAME_MAX + 1];
        ScopeId scope;
        const Org *org;      /* the org that the scope's number belongs to */
        size_t metric;       /* SIZE_MAX: any */
        double below, above; /* NAN: whatever the answer is */
        size_t limit, n;
        uint64_t last_seq;
        usec_t last_ts;
        Buffer out;
        JsonOut json;
        char *scratch;
        Survey survey;
} Drill;

static void drill_free(Drill *d)
{
        survey_slice_deinit(&d->slice);
        buffer_deinit(&d->out);
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
 * see here, and no customer.
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
        /* Who was spoken to is shown only where the reader sees that agent. */
        if (s->agent.at) {
                const Org *org = engine_org(d->server->engine);
                ScopeId agent = org_find(org, SCOPE_AGENT, s->agent);

                if (agent == SCOPE_NONE || !policy_sees_scope(&c->policy, org, who, c->metrics, c->n_metrics,
                                                              agent, loop_realtime(d->server->loop)))
                        s->agent = TEXT_NULL;
        }
}

static const Principal *reader(const Drill *d)
{
        Feed *feed = feeds_find(d->server->feeds, text_of(d->principal));

        return feed ? feed_principal(feed) : NULL;
}

/* 1: enough. */
static int take_survey(Drill *d, const Principal *who, const SliceRow *row)
{
        Text json = survey_slice_json(&d->slice, row);
        Buffer one = BUFFER_NULL;
        Fault fault;

        if (row->ts > d->last_ts || (row->ts == d->last_ts && row->seq >= d->last_seq))
                return 0; /* was in an earlier slice */
        d->last_ts = row->ts;
        d->last_seq = row->seq;
        if (survey_decode(&d->survey, json.at, json.n, d->scratch, false, &fault, NULL) != 0 ||
            !wanted(d, &d->survey))
                return 0;
        cut_to_reader(d, who, &d->survey);
        survey_encode(&d->survey, &one);
        if (buffer_failed(&one)) {
                buffer_deinit(&one);
                return -ENOMEM;
        }
        json_raw(&d->json, buffer_text(&one));
        buffer_deinit(&one);
        return ++d->n == d->limit;
}

static void drill_slice(SurveySlice *slice, int result)
{
        Drill *d = (Drill *)slice;
        const Principal *who = reader(d);
        usec_t before = d->last_ts;
        uint64_t before_seq = d->last_seq;
        int r = 0;

        if (result < 0) {
                drill_fault(d, FAULT_INTERNAL, "the store could not be read");
                return;
        }
        if (!who || d->org != engine_org(d->server->engine)) {
                drill_fault(d, FAULT_BUSY, "the configuration has changed meanwhile; ask again");
                return;
        }
        for (size_t i = 0; i < slice->n_rows && r == 0; i++)
                r = take_survey(d, who, &slice->rows[i]);
        if (r < 0 || buffer_failed(&d->out)) {
                drill_fault(d, FAULT_INTERNAL, "no memory for the answer");
                return;
        }
        if (r == 0 && !slice->complete && !http_is_gone(d->request)) {
                /* More of one instant than a slice has: the next one is larger. */
                if (d->last_ts == before && d->last_seq == before_seq)
                        slice->max *= 4;
                slice->until = d->last_ts + 1;
                survey_slice_submit(slice, d->server->journal);
                return;
        }
        json_end_array(&d->json);
        json_end_object(&d->json);
        http_reply(d->request, 200, "application/json", buffer_text(&d->out), NULL, 0);
        drill_free(d);
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
        d->scratch = malloc((size_t)2 * SURVEY_BYTES_MAX);
        if (!d->scratch) {
                free(d);
                return -ENOMEM;
        }
        d->server = call->server;
        d->request = call->request;
        memcpy(d->principal, call->who->name, sizeof(d->principal));
        d->scope = scope;
        d->org = engine_org(call->server->engine);
        d->metric = metric;
        d->below = below;
        d->above = above;
        d->limit = limit;
        d->last_ts = USEC_INFINITY;
        d->json = JSON_OUT_INIT(&d->out);
        json_begin_object(&d->json);
        json_key(&d->json, TEXT("surveys"));
        json_begin_array(&d->json);
        d->slice.recent = true;
        d->slice.since = since;
        d->slice.until = at;
        d->slice.done = drill_slice;
        survey_slice_submit(&d->slice, call->server->journal);
        return API_TAKEN;
}

/* An export: slices by number, each written when the client has taken the one before. */
typedef struct Export {
        SurveySlice slice; /* first: a slice is its export */
        Server *server;
        HttpStream *stream; /* NULL: the client has gone */
        bool busy;          /* a slice is being read */
        bool ended;
        usec_t since, until;
} Export;

static void export_free(Export *e)
{
        survey_slice_deinit(&e->slice);
        free(e);
}

static void export_slice(SurveySlice *slice, int result)
{
        Export *e = (Export *)slice;
        Buffer lines = BUFFER_NULL;

        e->busy = false;
        if (!e->stream) {
                export_free(e);
                return;
        }
        for (size_t i = 0; i < slice->n_rows && result == 0; i++) {
                e->slice.after = slice->rows[i].seq;
                if (slice->rows[i].ts < e->since || slice->rows[i].ts >= e->until || slice->rows[i].other)
                        continue;
                buffer_append_text(&lines, survey_slice_json(slice, &slice->rows[i]));
                buffer_append_char(&lines, '\n');
        }
        if (result < 0 || buffer_failed(&lines)) {
                /* No complete export: the connection breaks off instead of ending well. */
                log_err("export failed, cutting it short");
                http_stream_cut(e->stream, CONN_ERROR);
                e->ended = true;
        } else {
                if (lines.n)
                        (void)http_stream_write(e->stream,
                                                buffer_text(&lines)); /* on_closed() follows if it fails */
                e->ended = slice->complete;
                if (e->ended) {
                        http_stream_end(e->stream);
                } else if (lines.n == 0) {
                        e->busy = true;
                        survey_slice_submit(slice, e->server->journal);
                }
        }
        buffer_deinit(&lines);
}

static void export_ready(HttpStream *stream, void *user)
{
        Export *e = user;

        (void)stream;
        if (e->busy || e->ended)
                return;
        e->busy = true;
        survey_slice_submit(&e->slice, e->server->journal);
}

static void export_closed(HttpStream *stream, ConnReason reason, void *user)
{
        Export *e = user;

        (void)stream;
        (void)reason;
        e->stream = NULL;
        if (!e->busy)
                export_free(e);
}

/* A source by its name, as the configuration has it. */
static int export_source(ApiCall *call, const char **ret)
{
        const Config *c = call->server->config;
        Text name = api_param(call, "source");

        *ret = "";
        if (!name.at)
                return 0;
        for (size_t i = 0; i < c->n_sources; i++) {
                *ret = c->sources[i].name;
                if (text_is(name, *ret))
                        return 0;
        }
        return api_fault(call, FAULT_NOT_FOUND, "source", "the configuration has no such source");
}

int api_export(ApiCall *call)
{
        static const char *const params[] = {"since", "until", "source", NULL};
        static const HttpStreamOps ops = {
                .has_end = true, .on_ready = export_ready, .on_closed = export_closed};
        const char *source;
        usec_t since, until;
        Export *e;
        int r = api_only_params(call, params);

        if (r == 0 && !call->who->admin)
                r = api_fault(call, FAULT_FORBIDDEN, NULL, "only an admin may export surveys");
        if (r == 0)
                r = api_time(call, "since", INT64_MIN, &since);
        if (r == 0)
                r = api_time(call, "until", USEC_INFINITY, &until);
        if (r == 0)
                r = export_source(call, &source);
        if (r != 0)
                return r;
        e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        e->server = call->server;
        e->since = since;
        e->until = until;
        snprintf(e->slice.source, sizeof(e->slice.source), "%s", source);
        e->slice.done = export_slice;
        r = http_stream_start(&e->stream, call->request, "application/x-ndjson", NULL, 0, &ops, e);
        if (r != 0)
                free(e);
        return API_TAKEN;
}

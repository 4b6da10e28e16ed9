/* SPDX-License-Identifier: Apache-2.0 */

/* Stored surveys: in (POST), and all of them out (export). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/log.h"
#include "daemon/server/access.h"
#include "daemon/server/api.h"
#include "daemon/server/submission.h"
#include "daemon/server/survey_slice.h"

static void submitted(void *user, int status, Text json)
{
        http_reply(user, status, "application/json", json, NULL, 0);
}

/* Who sends this. */
static int sender(ApiCall *call, const ConfigSource **ret)
{
        Text authorization = http_header(call->request, "Authorization");
        Text token = authorization.at ? access_bearer(authorization) : TEXT_NULL;
        Peer peer = *http_peer(call->request);

        peer.loopback = peer.loopback && !http_is_from_proxy(call->request);
        if (authorization.at && !token.at)
                return api_fault(call, FAULT_TOKEN, NULL, "the header is `Authorization: Bearer TOKEN`");
        return access_source(call->server->config, &peer, token, ret, &call->fault);
}

int api_may_send(ApiCall *call)
{
        const ConfigSource *source;

        return sender(call, &source);
}

int api_post_surveys(ApiCall *call)
{
        static const char *const params[] = {NULL};
        Server *s = call->server;
        const ConfigSource *source;
        int r = api_only_params(call, params);

        if (r == 0)
                r = sender(call, &source);
        if (r != 0)
                return r;
        if (s->state == SERVER_STOPPING)
                return api_fault(call, FAULT_UNAVAILABLE, NULL, "the daemon is stopping");
        if (shed_is_due(s))
                return api_fault(call, FAULT_UNAVAILABLE, NULL, INTAKE_CROWDED);
        if (intake_is_full(s->intake))
                return api_fault(call, FAULT_BUSY, NULL, "%s", server_wait_reason(s));
        r = submission_start(s->intake, source, http_body(call->request), submitted, call->request,
                             &call->fault);
        return r > 0 ? API_FAULT : r < 0 ? r : API_TAKEN;
}

/* An export: slices by number, each written when the client has taken the one before. */
typedef struct Export {
        SurveySlice slice; /* first: a slice is its export */
        Server *server;
        Principal reader;
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

/* No complete export: the connection breaks off instead of ending well. */
static void export_cut(Export *e, const char *why)
{
        log_err("export failed: %s, cutting it short", why);
        http_stream_cut(e->stream, CONN_ERROR);
        e->ended = true;
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
        if (!access_is_still_admin(e->server->config, &e->reader)) {
                export_cut(e, "the reader is no admin any more");
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
                export_cut(e, "the store could not be read");
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
        e->reader = access_keep(call->who);
        e->since = since;
        e->until = until;
        snprintf(e->slice.source, sizeof(e->slice.source), "%s", source);
        e->slice.done = export_slice;
        r = http_stream_start(&e->stream, call->request, "application/x-ndjson", NULL, 0, &ops, e);
        if (r != 0)
                free(e);
        return API_TAKEN;
}

/* SPDX-License-Identifier: Apache-2.0 */

/* What machines ask: alive, ready, numbers for Prometheus. Nothing personal is in them. */

#include <errno.h>
#include <inttypes.h>

#include "daemon/server/api.h"

static int plain(ApiCall *call, int status, const char *type)
{
        if (buffer_failed(&call->out))
                return -ENOMEM;
        http_reply(call->request, status, type, buffer_text(&call->out), NULL, 0);
        return API_TAKEN;
}

int api_healthz(ApiCall *call)
{
        buffer_append_str(&call->out, "ok\n");
        return plain(call, 200, "text/plain; charset=utf-8");
}

/* Why no surveys are taken; NULL: they are. */
static const char *obstacle(const Server *s)
{
        if (s->state != SERVER_READY && s->state != SERVER_RELOADING)
                return s->state == SERVER_STARTING ? "starting" : "stopping";
        return server_obstacle(s);
}

int api_readyz(ApiCall *call)
{
        const char *why = obstacle(call->server);

        if (why)
                buffer_append_format(&call->out, "not ready: %s\n", why);
        else
                buffer_append_str(&call->out, "ready\n");
        return plain(call, why ? 503 : 200, "text/plain; charset=utf-8");
}

static void write_counter(Buffer *b, const char *name, const char *type, const char *help)
{
        buffer_append_format(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_simple(Buffer *b, const char *name, const char *type, const char *help, double value)
{
        char text[NUMBER_TEXT_MAX];
        size_t n = number_format(value, text);

        write_counter(b, name, type, help);
        buffer_append_format(b, "%s %.*s\n", name, (int)n, text);
}

static void write_surveys(const Server *s, Buffer *b)
{
        IntakeStats i;

        intake_stats(s->intake, &i);
        write_counter(b, "cxd_surveys_total", "counter", "Surveys that were sent, by what became of them.");
        buffer_append_format(b, "cxd_surveys_total{result=\"stored\"} %" PRIu64 "\n", i.counts.stored);
        buffer_append_format(b, "cxd_surveys_total{result=\"duplicate\"} %" PRIu64 "\n", i.counts.duplicate);
        buffer_append_format(b, "cxd_surveys_total{result=\"revised\"} %" PRIu64 "\n", i.counts.revised);
        buffer_append_format(b, "cxd_surveys_total{result=\"refused\"} %" PRIu64 "\n", i.counts.refused);
        write_simple(b, "cxd_surveys_in_flight", "gauge", "Surveys that wait for their commit.",
                     (double)i.in_flight);
        write_simple(b, "cxd_commits_total", "counter", "Batches of surveys that were settled.",
                     (double)i.batches);
        write_simple(b, "cxd_commit_seconds_total", "counter", "Time that commits took.",
                     (double)i.stages.nsec[STAGE_COMMIT] / 1e9);
        write_counter(b, "cxd_stage_seconds_total", "counter",
                      "Time that surveys took, by stage, on the clock.");
        for (Stage stage = 0; stage < _STAGE_N; stage++) {
                char text[NUMBER_TEXT_MAX];
                size_t n = number_format((double)i.stages.nsec[stage] / 1e9, text);

                buffer_append_format(b, "cxd_stage_seconds_total{stage=\"%s\"} %.*s\n", stage_name(stage),
                                     (int)n, text);
        }
        write_simple(b, "cxd_unknown_metric_answers_total", "counter",
                     "Answers to metrics that are not configured.", (double)i.unknown);
}

static void write_store(const Server *s, Buffer *b)
{
        UpkeepStats removed;
        SnapshotStats snapshot;
        ScrubStats checked;

        snapshots_stats(s->snapshots, &snapshot);
        upkeep_stats(s->upkeep, &removed);
        scrub_stats(s->scrub, &checked);
        write_simple(b, "cxd_store_bytes", "gauge", "Size of the store on disk.",
                     (double)s->store_info.bytes);
        write_simple(b, "cxd_store_surveys", "gauge", "Surveys that are stored.",
                     (double)s->store_info.n_surveys);
        write_simple(b, "cxd_store_tallies", "gauge", "Days of scopes whose surveys are no longer stored.",
                     (double)s->store_info.n_tallies);
        write_simple(b, "cxd_store_damaged_rows", "gauge", "Stored rows that were found damaged.",
                     (double)s->store_info.n_damaged);
        write_simple(b, "cxd_store_checks_total", "counter",
                     "Times that everything stored was read and checked.", (double)checked.n_passes);
        write_simple(b, "cxd_snapshots_total", "counter", "Snapshots that were taken.", (double)snapshot.n);
        write_simple(b, "cxd_snapshot_bytes", "gauge", "Size of the last snapshot.", (double)snapshot.bytes);
        write_simple(b, "cxd_snapshot_time_seconds", "gauge", "As of when the last snapshot is; 0: none yet.",
                     (double)snapshot.at / 1e6);
        write_counter(b, "cxd_removed_total", "counter", "What went because it was past its retention.");
        buffer_append_format(b, "cxd_removed_total{kind=\"survey\"} %" PRIu64 "\n", removed.surveys);
        buffer_append_format(b, "cxd_removed_total{kind=\"comment\"} %" PRIu64 "\n", removed.comments);
        buffer_append_format(b, "cxd_removed_total{kind=\"message\"} %" PRIu64 "\n", removed.feeds);
        buffer_append_format(b, "cxd_removed_total{kind=\"tally\"} %" PRIu64 "\n", removed.tallies);
}

int api_metrics(ApiCall *call)
{
        const Server *s = call->server;
        Buffer *b = &call->out;
        HttpStats http;
        EngineStats e;
        SpStats feeds;

        engine_stats(s->engine, &e);
        http_server_stats(s->http, &http);
        face_sp_feed_stats(s, &feeds);
        write_counter(b, "cxd_build_info", "gauge", "1, with the version.");
        buffer_append_format(b, "cxd_build_info{version=\"%s\"} 1\n", CX_VERSION);
        write_simple(b, "cxd_start_time_seconds", "gauge", "When the daemon started.",
                     (double)s->started / 1e6);
        write_simple(b, "cxd_ready", "gauge", "1 when surveys are taken.",
                     s->state == SERVER_READY && !server_obstacle(s));
        write_surveys(s, b);
        write_simple(b, "cxd_surveys_counted", "gauge", "Surveys in the figures.", (double)e.surveys);
        write_simple(b, "cxd_surveys_late_total", "counter", "Surveys older than the longest window.",
                     (double)e.late);
        write_simple(b, "cxd_overflow_agents_total", "counter", "Surveys whose agent found no room.",
                     (double)e.overflow_agents);
        write_simple(b, "cxd_overflow_queues_total", "counter", "Surveys whose queue found no room.",
                     (double)e.overflow_queues);
        write_simple(b, "cxd_scopes", "gauge", "Scopes that are known.", (double)e.n_scopes);
        write_simple(b, "cxd_alerts_active", "gauge", "Alerts that fire, are acknowledged or snoozed.",
                     (double)e.n_alerts_active);
        write_simple(b, "cxd_alerts_pending", "gauge", "Alerts that wait for their hold time.",
                     (double)e.n_alerts_pending);
        write_simple(b, "cxd_subscribers", "gauge", "Streams and nanomsg peers that follow a feed.",
                     (double)feeds_n_subscribers(s->feeds));
        write_simple(b, "cxd_feed_messages_sent_total", "counter", "Messages queued for nanomsg peers.",
                     (double)feeds.sent);
        write_simple(b, "cxd_feed_messages_dropped_total", "counter",
                     "Messages that slow nanomsg peers lost.", (double)feeds.dropped);
        write_simple(b, "cxd_http_requests_total", "counter", "HTTP requests handled.",
                     (double)http.requests);
        write_simple(b, "cxd_http_refused_total", "counter", "HTTP requests refused by the server itself.",
                     (double)http.refused);
        if (s->resident)
                write_simple(b, "cxd_memory_bytes", "gauge", "Memory in use, where limits.memory is set.",
                             (double)s->resident);
        write_simple(b, "cxd_connections", "gauge", "Open connections.", conn_cap_count(s->cap));
        write_store(s, b);
        return plain(call, 200, "text/plain; version=0.0.4; charset=utf-8");
}

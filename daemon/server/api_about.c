/* SPDX-License-Identifier: Apache-2.0 */

/* What there is: the caller, the org tree, the rules, the daemon itself. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/api.h"

static const char *const no_params[] = {NULL};

/* Whether the caller, who sees the metrics that @seen says, sees the one of that name. */
static bool sees_metric(const ApiCall *call, const bool *seen, const char *name)
{
        const Config *c = call->server->config;

        for (size_t i = 0; i < c->n_metrics; i++)
                if (strcmp(c->metrics[i].name, name) == 0)
                        return seen[i];
        return false;
}

static void write_metric(const ApiCall *call, const bool *seen, const Metric *m, JsonOut *out)
{
        json_begin_object(out);
        json_member_str(out, "name", m->name);
        json_member_str(out, "kind", metric_kind_name(m->kind));
        json_member_str(out, "unit", metric_unit(m->kind));
        json_key(out, TEXT("scale"));
        json_begin_array(out);
        json_int(out, m->lo);
        json_int(out, m->hi);
        json_end_array(out);
        if (m->has_target)
                json_member_number(out, "target", m->target);
        else
                json_member_null(out, "target");
        json_member_str(out, "better", m->lower_is_better ? "lower" : "higher");
        json_member_int(out, "min_n", m->min_n);
        json_key(out, TEXT("explains"));
        json_begin_array(out);
        for (size_t i = 0; i < m->n_explains; i++)
                if (call->who->admin || sees_metric(call, seen, m->explains[i]))
                        json_text(out, text_of(m->explains[i]));
        json_end_array(out);
        json_key(out, TEXT("influence"));
        json_begin_array(out);
        for (size_t i = 0; i < m->n_influence; i++)
                json_text(out, text_of(m->influence[i]));
        json_end_array(out);
        json_end_object(out);
}

static void write_grants(const ApiCall *call, JsonOut *out)
{
        const Policy *policy = &call->server->config->policy;

        json_key(out, TEXT("grants"));
        json_begin_array(out);
        for (size_t i = 0; i < call->who->n_grants; i++) {
                const Grant *g = &call->who->grants[i];
                char scope[SCOPE_TEXT_MAX + 1];

                snprintf(scope, sizeof(scope), "%s%s%s", scope_kind_name(g->kind), g->name[0] ? "/" : "",
                         g->name);
                json_begin_object(out);
                json_member_str(out, "role", policy->roles[g->role].name);
                json_member_str(out, "scope", scope);
                json_end_object(out);
        }
        json_end_array(out);
}

/* Scopes that no file names and no survey was counted for are only there because something asked for them. */
static bool is_worth_showing(const ApiCall *call, ScopeId id)
{
        const Engine *e = call->server->engine;

        return (org_scope(engine_org(e), id)->assigned || engine_has_data(e, id)) && api_sees_scope(call, id);
}

typedef struct Place {
        Text text;
        ScopeId id;
} Place;

static int compare_places(const void *a, const void *b)
{
        return text_compare(((const Place *)a)->text, ((const Place *)b)->text);
}

/* What the caller sees, by name: numbers of scopes depend on the order of arrival. NULL without memory. */
static Place *visible_places(const ApiCall *call, size_t *ret_n)
{
        const Org *org = engine_org(call->server->engine);
        Place *places = calloc(org_n_scopes(org), sizeof(*places));
        size_t n = 0;

        for (ScopeId id = 0; places && id < org_n_scopes(org); id++)
                if (is_worth_showing(call, id))
                        places[n++] = (Place){.text = org_scope(org, id)->text, .id = id};
        if (places)
                qsort(places, n, sizeof(*places), compare_places);
        *ret_n = n;
        return places;
}

int api_me(ApiCall *call)
{
        const Server *s = call->server;
        const Config *c = s->config;
        const Org *org = engine_org(s->engine);
        JsonOut *out = &call->json;
        bool seen[METRICS_MAX] = {false};
        size_t n_places;
        Place *places;
        int r = api_only_params(call, no_params);

        if (r != 0)
                return r;
        places = visible_places(call, &n_places);
        if (!places)
                return -ENOMEM;
        json_begin_object(out);
        json_member_str(out, "principal", call->who->name);
        json_member_bool(out, "admin", call->who->admin);
        json_member_int(out, "reloads", (int64_t)feeds_n_reloads(s->feeds));
        write_grants(call, out);
        json_key(out, TEXT("windows"));
        json_begin_array(out);
        for (size_t i = 0; i < c->n_windows; i++)
                json_text(out, text_of(c->windows[i].name));
        json_end_array(out);
        json_key(out, TEXT("scopes"));
        json_begin_array(out);
        for (size_t i = 0; i < n_places; i++) {
                ScopeId id = places[i].id;

                json_begin_object(out);
                json_member_text(out, "scope", org_scope(org, id)->text);
                json_member_text(out, "name", org_scope(org, id)->display);
                json_key(out, TEXT("metrics"));
                json_begin_array(out);
                for (size_t m = 0; m < c->n_metrics; m++) {
                        if (!api_sees(call, m, id))
                                continue;
                        seen[m] = true;
                        json_text(out, text_of(c->metrics[m].name));
                }
                json_end_array(out);
                json_end_object(out);
        }
        free(places);
        json_end_array(out);
        json_key(out, TEXT("metrics"));
        json_begin_array(out);
        for (size_t m = 0; m < c->n_metrics; m++)
                if (seen[m] || call->who->admin)
                        write_metric(call, seen, &c->metrics[m], out);
        json_end_array(out);
        json_end_object(out);
        return 0;
}

int api_org(ApiCall *call)
{
        const Org *org = engine_org(call->server->engine);
        JsonOut *out = &call->json;
        size_t n_places;
        Place *places;
        int r = api_only_params(call, no_params);

        if (r != 0)
                return r;
        places = visible_places(call, &n_places);
        if (!places)
                return -ENOMEM;
        json_begin_object(out);
        json_key(out, TEXT("scopes"));
        json_begin_array(out);
        for (size_t place = 0; place < n_places; place++) {
                ScopeId id = places[place].id;
                const ScopeInfo *info = org_scope(org, id);
                ScopeId parents[2];
                size_t n;

                json_begin_object(out);
                json_member_text(out, "scope", info->text);
                json_member_text(out, "name", info->display);
                json_member_bool(out, "assigned", info->assigned);
                json_key(out, TEXT("parents"));
                json_begin_array(out);
                n = org_parents(org, id, api_now(call), parents);
                for (size_t i = 0; i < n; i++)
                        if (api_sees_scope(call, parents[i]))
                                json_text(out, org_scope(org, parents[i])->text);
                json_end_array(out);
                json_end_object(out);
        }
        free(places);
        json_end_array(out);
        json_end_object(out);
        return 0;
}

static bool concerns(const ApiCall *call, const Rule *rule)
{
        const Org *org = engine_org(call->server->engine);

        if (call->who->admin)
                return true;
        for (ScopeId id = 0; id < org_n_scopes(org); id++) {
                const ScopeInfo *info = org_scope(org, id);

                if (rule_covers(rule, info->kind, info->name) && api_sees(call, rule->metric, id))
                        return true;
        }
        return false;
}

static void write_rule(const ApiCall *call, const Rule *rule, JsonOut *out)
{
        const Config *c = call->server->config;
        char text[USEC_TEXT_MAX], scopes[SCOPE_TEXT_MAX + 1];

        snprintf(scopes, sizeof(scopes), "%s%s%s", scope_kind_name(rule->kind), rule->scopes[0] ? "/" : "",
                 rule->scopes);
        json_begin_object(out);
        json_member_str(out, "name", rule->name);
        json_member_str(out, "metric", c->metrics[rule->metric].name);
        json_member_str(out, "scopes", scopes);
        json_member_str(out, "window", c->windows[rule->window].name);
        json_member_str(out, "test", rule_test_name(rule->test));
        json_member_number(out, rule->above ? "above" : "below", rule->threshold);
        json_member_bool(out, "at_target", rule->at_target);
        if (rule->min_n)
                json_member_int(out, "min_n", rule->min_n);
        if (rule->test == RULE_EVIDENCE) {
                json_key(out, TEXT("false_alarms"));
                json_begin_object(out);
                json_member_number(out, "count", rule->false_alarms);
                json_member_str(out, "per", duration_format(rule->false_alarms_per, text));
                json_end_object(out);
        }
        if (rule->hold)
                json_member_str(out, "for", duration_format(rule->hold, text));
        json_member_str(out, "severity", severity_name(rule->severity));
        json_key(out, TEXT("advice"));
        json_begin_object(out);
        for (size_t i = 0; i < rule->n_advice; i++)
                json_member_str(out, rule->advice[i].role, rule->advice[i].text);
        json_end_object(out);
        json_end_object(out);
}

int api_rules(ApiCall *call)
{
        const Config *c = call->server->config;
        int r = api_only_params(call, no_params);

        if (r != 0)
                return r;
        json_begin_object(&call->json);
        json_key(&call->json, TEXT("rules"));
        json_begin_array(&call->json);
        for (size_t i = 0; i < c->n_rules; i++)
                if (concerns(call, &c->rules[i]))
                        write_rule(call, &c->rules[i], &call->json);
        json_end_array(&call->json);
        json_end_object(&call->json);
        return 0;
}

static const char *state_name(const Server *s)
{
        static const char *const names[] = {
                [SERVER_STARTING] = "starting",
                [SERVER_READY] = "ready",
                [SERVER_RELOADING] = "reloading",
                [SERVER_STOPPING] = "stopping",
        };

        return names[s->state];
}

static void write_surveys(const Server *s, const EngineStats *engine, JsonOut *out)
{
        IntakeStats intake;

        intake_stats(s->intake, &intake);
        json_key(out, TEXT("surveys"));
        json_begin_object(out);
        json_member_int(out, "counted", (int64_t)engine->surveys);
        json_member_int(out, "stored", (int64_t)intake.counts.stored);
        json_member_int(out, "duplicate", (int64_t)intake.counts.duplicate);
        json_member_int(out, "revised", (int64_t)intake.counts.revised);
        json_member_int(out, "refused", (int64_t)intake.counts.refused);
        json_member_int(out, "late", (int64_t)engine->late);
        json_member_int(out, "unknown_metric", (int64_t)intake.unknown);
        json_member_int(out, "ignored_fields", (int64_t)intake.ignored);
        json_member_int(out, "overflow_agents", (int64_t)engine->overflow_agents);
        json_member_int(out, "overflow_queues", (int64_t)engine->overflow_queues);
        json_member_int(out, "in_flight", (int64_t)intake.in_flight);
        json_member_int(out, "batches", (int64_t)intake.batches);
        json_end_object(out);
}

static void write_store(const Server *s, JsonOut *out)
{
        UpkeepStats removed;
        SnapshotStats snapshot;
        ScrubStats checked;

        snapshots_stats(s->snapshots, &snapshot);
        upkeep_stats(s->upkeep, &removed);
        scrub_stats(s->scrub, &checked);
        json_key(out, TEXT("store"));
        json_begin_object(out);
        json_member_str(out, "path", s->config->store);
        json_member_int(out, "rows", (int64_t)s->store_info.n_surveys);
        json_member_int(out, "tallies", (int64_t)s->store_info.n_tallies);
        json_member_int(out, "bytes", (int64_t)s->store_info.bytes);
        json_member_int(out, "damaged", (int64_t)s->store_info.n_damaged);
        json_member_bool(out, "full", intake_is_starved(s->intake));
        json_key(out, TEXT("removed"));
        json_begin_object(out);
        json_member_int(out, "surveys", (int64_t)removed.surveys);
        json_member_int(out, "comments", (int64_t)removed.comments);
        json_member_int(out, "messages", (int64_t)removed.feeds);
        json_member_int(out, "tallies", (int64_t)removed.tallies);
        json_end_object(out);
        json_key(out, TEXT("checked"));
        json_begin_object(out);
        json_member_int(out, "times", (int64_t)checked.n_passes);
        json_member_int(out, "rows", (int64_t)checked.n_rows);
        if (checked.complete_at)
                json_member_time(out, "at", checked.complete_at);
        json_end_object(out);
        json_key(out, TEXT("snapshot"));
        json_begin_object(out);
        json_member_int(out, "times", (int64_t)snapshot.n);
        json_member_int(out, "bytes", (int64_t)snapshot.bytes);
        if (snapshot.at)
                json_member_time(out, "at", snapshot.at);
        json_end_object(out);
        json_end_object(out);
}

/* What everybody may know of the daemon, and for an admin how it is doing. */
int api_status(ApiCall *call)
{
        const Server *s = call->server;
        JsonOut *out = &call->json;
        usec_t now = api_now(call);
        EngineStats engine;
        int r = api_only_params(call, no_params);

        if (r != 0)
                return r;
        engine_stats(s->engine, &engine);
        json_begin_object(out);
        json_member_str(out, "version", CX_VERSION);
        json_member_str(out, "state", state_name(s));
        json_member_time(out, "now", now);
        json_member_str(out, "principal", call->who->name);
        if (call->who->admin) {
                json_member_time(out, "started", s->started);
                json_member_int(out, "uptime", (now - s->started) / USEC_SEC);
                write_surveys(s, &engine, out);
                json_key(out, TEXT("alerts"));
                json_begin_object(out);
                json_member_int(out, "active", (int64_t)engine.n_alerts_active);
                json_member_int(out, "pending", (int64_t)engine.n_alerts_pending);
                json_end_object(out);
                json_member_int(out, "scopes", (int64_t)engine.n_scopes);
                json_member_int(out, "series", (int64_t)engine.n_series);
                json_member_int(out, "subscribers", (int64_t)feeds_n_subscribers(s->feeds));
                json_member_int(out, "connections", conn_cap_count(s->cap));
                if (s->ceiling.max) {
                        json_key(out, TEXT("memory"));
                        json_begin_object(out);
                        json_member_int(out, "in_use", (int64_t)s->resident);
                        json_member_int(out, "limit", (int64_t)s->ceiling.max);
                        json_member_bool(out, "short", s->ceiling.reached);
                        json_end_object(out);
                }
                write_store(s, out);
                json_member_str(out, "configuration", s->config->file);
        }
        json_end_object(out);
        return 0;
}

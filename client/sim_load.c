/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/api.h"
#include "client/sim_load.h"
#include "client/xalloc.h"

static void load_metric(SimWorld *w, const json_t *j)
{
        const json_t *scale = json_object_get(j, "scale");
        const char *name = member_string(j, "name"), *kind = member_string(j, "kind");
        const char *better = member_string(j, "better");
        SimMetric *m = &w->metrics[w->n_metrics];
        const json_t *role;
        size_t i;

        if (w->n_metrics == METRICS_MAX || !name || !kind || !metric_name_ok(text_of(name)) ||
            metric_kind_parse(text_of(kind), &m->kind) < 0 || m->kind == METRIC_RESPONSE)
                return;
        snprintf(m->name, sizeof(m->name), "%s", name);
        m->lo = m->kind == METRIC_NPS || m->kind == METRIC_YES ? 0 : 1;
        m->hi = m->kind == METRIC_NPS ? 10 : m->kind == METRIC_YES ? 1 : 5;
        if (json_array_size(scale) == 2) {
                m->lo = (int)json_integer_value(json_array_get(scale, 0));
                m->hi = (int)json_integer_value(json_array_get(scale, 1));
        }
        m->lower_is_better = better && strcmp(better, "lower") == 0;
        m->target = member_double(j, "target");
        m->driver = json_array_size(json_object_get(j, "explains")) > 0;
        json_array_foreach (json_object_get(j, "influence"), i, role)
                m->of_agents = m->of_agents ||
                               (json_is_string(role) && strcmp(json_string_value(role), "agent") == 0);
        if (m->hi > m->lo && (m->kind != METRIC_NPS || m->hi - m->lo >= 10))
                w->n_metrics++;
}

static void load_scope(SimWorld *w, const json_t *j)
{
        const char *scope = member_string(j, "scope");
        const json_t *parent;
        size_t i;

        if (!scope || json_is_false(json_object_get(j, "assigned")))
                return;
        if (strncmp(scope, "agent/", 6) == 0) {
                SimAgent *a;

                w->agents = xrealloc(w->agents, w->n_agents + 1, sizeof(*w->agents));
                a = &w->agents[w->n_agents++];
                *a = (SimAgent){.name = xstrdup(scope + 6)};
                json_array_foreach (json_object_get(j, "parents"), i, parent) {
                        const char *p = json_string_value(parent);

                        if (p && !a->team && strncmp(p, "team/", 5) == 0)
                                a->team = xstrdup(p);
                }
        } else if (strncmp(scope, "queue/", 6) == 0) {
                w->queues = xrealloc(w->queues, w->n_queues + 1, sizeof(*w->queues));
                w->queues[w->n_queues++] = (SimQueue){.name = xstrdup(scope + 6)};
        }
}

static void note_alert(SimWorld *w, const json_t *alert)
{
        const char *scope = member_string(alert, "scope");

        if (!scope)
                return;
        for (size_t i = 0; i < w->n_agents; i++)
                if (strncmp(scope, "agent/", 6) == 0 && strcmp(scope + 6, w->agents[i].name) == 0)
                        w->agents[i].alerting = true;
        for (size_t i = 0; i < w->n_queues; i++)
                if (strncmp(scope, "queue/", 6) == 0 && strcmp(scope + 6, w->queues[i].name) == 0)
                        w->queues[i].alerting = true;
}

int sim_load(Ctl *ctl, SimWorld *ret)
{
        CX_CLEANUP(json_freep) json_t *me = NULL, *org = NULL, *alerts = NULL;
        json_t *item;
        size_t i;
        int r;

        r = api_get(ctl, "/v1/me", &me, NULL);
        if (r == CTL_OK)
                r = api_get(ctl, "/v1/org", &org, NULL);
        if (r == CTL_OK)
                r = api_get(ctl, "/v1/alerts?state=firing", &alerts, NULL);
        if (r != CTL_OK)
                return r;
        json_array_foreach (json_object_get(me, "metrics"), i, item)
                load_metric(ret, item);
        json_array_foreach (json_object_get(org, "scopes"), i, item)
                load_scope(ret, item);
        json_array_foreach (json_object_get(alerts, "alerts"), i, item)
                note_alert(ret, item);
        if (ret->n_agents == 0 || ret->n_queues == 0 || ret->n_metrics == 0) {
                ctl_error(ctl,
                          "simulate needs agents, queues and metrics; the daemon shows %zu, %zu and %zu "
                          "(roster, queues "
                          "and metrics in its configuration)",
                          ret->n_agents, ret->n_queues, ret->n_metrics);
                return CTL_NEGATIVE;
        }
        return CTL_OK;
}

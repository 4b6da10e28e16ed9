/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/http.h"
#include "client/me.h"
#include "client/unknown.h"
#include "client/xalloc.h"
#include "proto/metric.h"

void unknown_deinit(Unknown *u)
{
        free(u->names);
        *u = (Unknown){0};
}

static UnknownName *find(Unknown *u, Text metric)
{
        for (size_t i = 0; i < u->n_names; i++)
                if (text_is(metric, u->names[i].metric))
                        return &u->names[i];
        return NULL;
}

void unknown_note(Unknown *u, const Survey *s)
{
        for (size_t i = 0; i < s->n_answers; i++) {
                Text metric = s->answers[i].metric;
                UnknownName *name = find(u, metric);

                if (!name && u->n_names < UNKNOWN_NAMES_MAX && metric.n <= METRIC_NAME_MAX) {
                        XGROW(u->names, u->n_names, u->size_names);
                        name = &u->names[u->n_names++];
                        *name = (UnknownName){0};
                        memcpy(name->metric, metric.at, metric.n);
                }
                if (name)
                        name->n++;
        }
}

void unknown_note_refused(Unknown *u, Text metric)
{
        UnknownName *name = find(u, metric);

        if (name)
                name->refused = true;
}

/* The answer to /v1/me, or NULL, not said: there may be no way to ask, or no right to. */
static json_t *ask(Ctl *ctl)
{
        Buffer body = BUFFER_NULL;
        long status = 0;
        json_t *j = NULL;

        if (api_open(ctl) == CTL_OK &&
            http_request(ctl->http, "/v1/me", NULL, NULL, &body, &status, NULL) == CTL_OK && status == 200)
                j = json_loadb(body.data, body.n, 0, NULL);
        buffer_deinit(&body);
        return j;
}

/* The daemon does not say whether it is strict. */
static void warn(const UnknownName *name, const Ctl *ctl, bool dry)
{
        if (dry)
                ctl_error(ctl,
                          "warning: metric '%s' is not configured in the daemon: if that has `strict: true`, "
                          "it "
                          "refuses surveys with it; else %" PRIu64
                          " answers are not counted (cxd.conf(5), metrics)",
                          name->metric, name->n);
        else
                ctl_error(ctl,
                          "warning: metric '%s' is not configured in the daemon: of %" PRIu64
                          " answers, those of surveys that were taken are kept with them and not counted "
                          "(cxd.conf(5), metrics)",
                          name->metric, name->n);
}

static void warn_of_refusal(const UnknownName *name, const json_t *metric, const Ctl *ctl)
{
        const char *kind = member_string(metric, "kind");

        if (kind && strcmp(kind, metric_kind_name(METRIC_RESPONSE)) == 0)
                ctl_error(ctl,
                          "warning: the daemon refuses surveys with answers to '%s' (%" PRIu64
                          "): a response rate comes from `status`",
                          name->metric, name->n);
}

void unknown_warn(const Unknown *u, Ctl *ctl, bool dry)
{
        CX_CLEANUP(xfreep) char *doubtful = NULL;
        CX_CLEANUP(json_freep) json_t *j = NULL;
        Me me;

        if (u->n_names == 0)
                return;
        me.json = j = ask(ctl);
        if (!json_is_array(json_object_get(j, "metrics")))
                return;
        for (size_t i = 0; i < u->n_names; i++)
                if (u->names[i].refused && !me_metric(&me, u->names[i].metric))
                        return; /* `strict`: it has been said */
        for (size_t i = 0; i < u->n_names; i++) {
                const UnknownName *name = &u->names[i];
                const json_t *metric = me_metric(&me, name->metric);
                char *longer;

                if (metric) {
                        if (dry)
                                warn_of_refusal(name, metric, ctl);
                        continue;
                }
                if (json_is_true(json_object_get(j, "admin"))) {
                        warn(name, ctl, dry);
                        continue;
                }
                longer = xasprintf("%s%s%s (%" PRIu64 " answers)", doubtful ? doubtful : "",
                                   doubtful ? ", " : "", name->metric, name->n);
                free(doubtful);
                doubtful = longer;
        }
        if (doubtful)
                ctl_error(ctl,
                          "warning: you are not shown all metrics of the daemon; if these are not configured "
                          "there, they are not counted: %s",
                          doubtful);
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/server/api.h"

usec_t api_now(const ApiCall *call)
{
        return loop_realtime(call->server->loop);
}

Text api_param(const ApiCall *call, const char *name)
{
        return http_param(call->request, name);
}

int api_unknown(ApiCall *call, const char *what, Text name, const char *const *names)
{
        CX_CLEANUP(buffer_deinit) Buffer list = BUFFER_NULL;
        char plain[32] = "of that name";

        if (name.n < sizeof(plain) && text_is_printable(name))
                snprintf(plain, sizeof(plain), TEXT_FMT, TEXT_ARG(name));
        for (const char *const *n = names; *n; n++)
                buffer_append_format(&list, "%s%s", n == names ? "" : ", ", *n);
        buffer_append_char(&list, '\0');
        if (buffer_failed(&list))
                return -ENOMEM;
        return api_fault(call, FAULT_PARAMETER, NULL, "%s %s; it has %s", what, plain,
                         *names ? list.data : "none");
}

int api_only_params(ApiCall *call, const char *const *names)
{
        for (size_t i = 0; i < http_n_params(call->request); i++) {
                bool known = false;
                Text name, value, again;

                http_param_at(call->request, i, &name, &value);
                for (const char *const *n = names; *n; n++)
                        known = known || text_is(name, *n);
                if (!known)
                        return api_unknown(call, "this path has no parameter", name, names);
                for (size_t k = 0; k < i; k++) {
                        http_param_at(call->request, k, &again, &value);
                        if (text_equal(again, name))
                                return api_fault(call, FAULT_PARAMETER, NULL, TEXT_FMT " is given twice",
                                                 TEXT_ARG(name));
                }
        }
        return 0;
}

bool api_sees(const ApiCall *call, size_t metric, ScopeId scope)
{
        const Server *s = call->server;

        return policy_sees(&s->config->policy, engine_org(s->engine), call->who, &s->config->metrics[metric],
                           scope, api_now(call));
}

bool api_sees_scope(const ApiCall *call, ScopeId scope)
{
        const Server *s = call->server;

        return policy_sees_scope(&s->config->policy, engine_org(s->engine), call->who, s->config->metrics,
                                 s->config->n_metrics, scope, api_now(call));
}

static int find_scope(ApiCall *call, const char *name, Text text, ScopeId *ret)
{
        ScopeKind kind;
        ScopeId id;
        Text rest;

        if (scope_parse(text, &kind, &rest) < 0)
                return api_fault(
                        call, FAULT_PARAMETER, name,
                        "a scope is kind/name with the kind agent, team, site, region, queue or line, or it "
                        "is org");
        id = org_find(engine_org(call->server->engine), kind, rest);
        if (id == SCOPE_NONE)
                return api_fault(call, FAULT_NOT_FOUND, name, "there is no such scope, or you do not see it");
        *ret = id;
        return 0;
}

int api_scope(ApiCall *call, ScopeId *ret)
{
        Text text = api_param(call, "scope");
        ScopeId id = SCOPE_NONE;
        int r;

        if (!text.at)
                return api_fault(call, FAULT_PARAMETER, "scope", "a scope is needed, such as scope=org");
        r = find_scope(call, "scope", text, &id);
        if (r != 0)
                return r;
        if (!api_sees_scope(call, id))
                return api_fault(call, FAULT_NOT_FOUND, "scope",
                                 "there is no such scope, or you do not see it");
        *ret = id;
        return 0;
}

/* What lies under a scope is told to whoever sees it or was granted something there: /v1/me says that there is such a scope. */
static bool may_look_under(const ApiCall *call, ScopeId scope)
{
        const Org *org = engine_org(call->server->engine);

        if (call->who->admin || scope == SCOPE_ID_ORG || api_sees_scope(call, scope))
                return true;
        for (size_t i = 0; i < call->who->n_grants; i++) {
                const Grant *grant = &call->who->grants[i];

                if (org_find(org, grant->kind, text_of(grant->name)) == scope)
                        return true;
        }
        return false;
}

int api_under(ApiCall *call, ScopeId *ret)
{
        Text text = api_param(call, "under");
        int r;

        if (!text.at) {
                *ret = SCOPE_ID_ORG;
                return 0;
        }
        /* To anybody but an admin a scope that is not there looks like one with nothing to see under it. */
        r = find_scope(call, "under", text, ret);
        if (r == API_FAULT && call->fault.code == FAULT_NOT_FOUND && !call->who->admin) {
                *ret = SCOPE_NONE;
                return 0;
        }
        if (r == 0 && !may_look_under(call, *ret))
                *ret = SCOPE_NONE;
        return r;
}

/* Whether the caller could ever see a figure of this metric. */
static bool knows_metric(const ApiCall *call, size_t metric)
{
        const Policy *policy = &call->server->config->policy;

        if (call->who->admin)
                return true;
        for (size_t i = 0; i < call->who->n_grants; i++)
                if (metric_influenced_by(&call->server->config->metrics[metric],
                                         &policy->roles[call->who->grants[i].role]))
                        return true;
        return false;
}

int api_metric(ApiCall *call, bool required, size_t *ret)
{
        const Config *c = call->server->config;
        Text text = api_param(call, "metric");

        if (!text.at) {
                *ret = SIZE_MAX;
                return required ? api_fault(call, FAULT_PARAMETER, "metric",
                                            "a metric is needed; /v1/me lists them")
                                : 0;
        }
        for (size_t i = 0; i < c->n_metrics; i++) {
                if (text_is(text, c->metrics[i].name) && knows_metric(call, i)) {
                        *ret = i;
                        return 0;
                }
        }
        return api_fault(call, FAULT_NOT_FOUND, "metric", "there is no such metric, or you do not see it");
}

int api_window(ApiCall *call, bool required, size_t *ret)
{
        const Config *c = call->server->config;
        Text text = api_param(call, "window");
        Buffer names = BUFFER_NULL;
        int r;

        if (!text.at) {
                *ret = SIZE_MAX;
                return required ? api_fault(call, FAULT_PARAMETER, "window",
                                            "a window is needed; /v1/me lists them")
                                : 0;
        }
        for (size_t i = 0; i < c->n_windows; i++) {
                if (text_is(text, c->windows[i].name)) {
                        buffer_deinit(&names);
                        *ret = i;
                        return 0;
                }
                buffer_append_format(&names, "%s%s", i ? ", " : "", c->windows[i].name);
        }
        r = api_fault(call, FAULT_PARAMETER, "window", "the windows are %s",
                      buffer_str(&names) ? buffer_str(&names) : "in /v1/me");
        buffer_deinit(&names);
        return r;
}

int api_time(ApiCall *call, const char *name, usec_t or_else, usec_t *ret)
{
        Text text = api_param(call, name);
        usec_t ago;

        if (!text.at) {
                *ret = or_else;
                return 0;
        }
        if (usec_parse(text.at, text.n, true, ret) == 0)
                return 0;
        if (duration_parse(text.at, text.n, &ago) == 0) {
                *ret = api_now(call) - ago;
                return 0;
        }
        if (text_is(text, "today")) {
                *ret = calendar_midnight(&call->server->config->calendar, api_now(call));
                return 0;
        }
        return api_fault(call, FAULT_PARAMETER, name,
                         "a time is a date (2026-11-21), RFC 3339 (2026-11-21T10:15:30Z), so long ago (36h), "
                         "or today, which is the last midnight");
}

int api_count(ApiCall *call, const char *name, size_t or_else, size_t max, size_t *ret)
{
        Text text = api_param(call, name);
        int64_t value;

        if (!text.at) {
                *ret = or_else;
                return 0;
        }
        if (text_to_int64(text, &value) < 0 || value < 1 || value > (int64_t)max)
                return api_fault(call, FAULT_PARAMETER, name, "a whole number from 1 to %zu", max);
        *ret = (size_t)value;
        return 0;
}

int api_at(ApiCall *call, usec_t *ret)
{
        usec_t now = api_now(call);
        int r = api_time(call, "at", now + 1, ret);

        if (r == 0 && *ret > now + USEC_DAY)
                return api_fault(call, FAULT_PARAMETER, "at", "that lies in the future");
        return r;
}

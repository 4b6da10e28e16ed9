/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/io/log.h"
#include "daemon/server/access.h"
#include "daemon/server/api.h"

typedef struct Route {
        HttpMethod method;
        const char *path; /* "*" stands for one part of the path */
        bool open;        /* to everybody; it finds out by itself who calls */
        ApiFn fn;
        ApiFn may; /* whether it would; NULL: it takes everybody who may call it */
} Route;

static const Route routes[] = {
        {HTTP_GET, "/v1/me", false, api_me},
        {HTTP_GET, "/v1/org", false, api_org},
        {HTTP_GET, "/v1/status", false, api_status},
        {HTTP_GET, "/v1/rules", false, api_rules},
        {HTTP_GET, "/v1/figures", false, api_figures},
        {HTTP_GET, "/v1/board", false, api_board},
        {HTTP_GET, "/v1/series", false, api_series},
        {HTTP_GET, "/v1/surveys", false, api_surveys},
        {HTTP_POST, "/v1/surveys", true, api_post_surveys, api_may_send},
        {HTTP_GET, "/v1/export", false, api_export},
        {HTTP_GET, "/v1/backup", false, api_backup},
        {HTTP_GET, "/v1/verify", false, api_verify},
        {HTTP_GET, "/v1/alerts", false, api_alerts},
        {HTTP_POST, "/v1/alerts/*/ack", false, api_alert_ack},
        {HTTP_POST, "/v1/alerts/*/snooze", false, api_alert_snooze},
        {HTTP_POST, "/v1/alerts/*/outcome", false, api_alert_outcome},
        {HTTP_GET, "/v1/stream", false, api_stream},
        {HTTP_GET, "/healthz", true, api_healthz},
        {HTTP_GET, "/readyz", true, api_readyz},
        {HTTP_GET, "/metrics", true, api_metrics},
        {HTTP_GET, "/openapi.json", true, api_asset},
        {HTTP_GET, "/", true, api_asset},
        {HTTP_GET, "/web/*", true, api_asset},
};

int api_fault(ApiCall *call, FaultCode code, const char *field, const char *format, ...)
{
        char text[sizeof(call->fault.text)];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        fault_set(&call->fault, code, field, "%s", text);
        return API_FAULT;
}

static bool path_matches(const char *pattern, Text path, Text *ret_id)
{
        const char *star = strchr(pattern, '*');
        size_t before, after;

        if (!star)
                return text_is(path, pattern);
        before = (size_t)(star - pattern);
        after = strlen(star + 1);
        if (path.n <= before + after || memcmp(path.at, pattern, before) != 0 ||
            memcmp(path.at + path.n - after, star + 1, after) != 0)
                return false;
        *ret_id = (Text){.at = path.at + before, .n = path.n - before - after};
        return memchr(ret_id->at, '/', ret_id->n) == NULL;
}

static const Principal *identify(Server *s, HttpRequest *r)
{
        Text authorization = http_header(r, "Authorization");
        const Principal *who;

        if (authorization.at)
                return access_of_token(s->config, access_bearer(authorization));
        who = access_of_peer(s->config, http_peer(r));
        /* A proxy that is root is not those who come through it; what a principal may do, its user was given. */
        return who == &ACCESS_ADMIN && http_is_from_proxy(r) ? NULL : who;
}

static void answer(ApiCall *call, int result)
{
        HttpHeader header = {0};

        if (result < 0 || (result == 0 && buffer_failed(&call->out))) {
                fault_set(&call->fault, FAULT_INTERNAL, NULL, "no memory for the answer");
                result = API_FAULT;
        }
        if (result == 0) {
                http_reply(call->request, 200, "application/json", buffer_text(&call->out), NULL, 0);
                return;
        }
        if (call->fault.code == FAULT_TOKEN)
                header = (HttpHeader){"WWW-Authenticate", "Bearer"};
        if (call->fault.code == FAULT_METHOD)
                header = (HttpHeader){"Allow", call->allow};
        http_reply_fault(call->request, &call->fault, &header, header.name != NULL);
}

/* A page of somewhere else may make a browser post to us, but not hide where it comes from. */
static bool is_cross_site(const ApiCall *call)
{
        Text origin = http_header(call->request, "Origin"), host = http_header(call->request, "Host");
        Text site = http_header(call->request, "Sec-Fetch-Site");
        const char *name;

        /* What the browser says itself counts: a proxy may have put another Host in. */
        if (site.at)
                return !text_is(site, "same-origin") && !text_is(site, "none");
        if (!origin.at)
                return false;
        name = memmem(origin.at, origin.n, "://", 3);
        return !name ||
               !text_equal((Text){.at = name + 3, .n = origin.n - (size_t)(name + 3 - origin.at)}, host);
}

/* Whether the caller may take this route at all. */
static int may_call(ApiCall *call, const Route *route)
{
        if (route->method == HTTP_POST && is_cross_site(call))
                return api_fault(call, FAULT_FORBIDDEN, NULL, "a page of another site may not send this");
        if (route->open)
                return 0;
        call->who = identify(call->server, call->request);
        if (call->who)
                return 0;
        if (http_header(call->request, "Authorization").at)
                return api_fault(call, FAULT_TOKEN, NULL,
                                 "this is not the token of anybody whom the configuration knows");
        if (http_is_from_proxy(call->request))
                return api_fault(call, FAULT_TOKEN, NULL,
                                 "who is asking behind the proxy? send `Authorization: Bearer TOKEN`");
        return api_fault(call, FAULT_TOKEN, NULL,
                         "who is asking? send `Authorization: Bearer TOKEN`, or ask through the Unix "
                         "socket as a user that the configuration knows");
}

static int find_route(ApiCall *call, const Route **ret)
{
        HttpMethod method = http_method(call->request);
        char *methods = call->allow;
        size_t size = sizeof(call->allow);

        if (method == HTTP_HEAD)
                method = HTTP_GET;
        for (size_t i = 0; i < CX_ARRAY_LEN(routes); i++) {
                if (!path_matches(routes[i].path, http_path(call->request), &call->path_id))
                        continue;
                *ret = &routes[i];
                if (routes[i].method == method)
                        return 0;
                snprintf(methods + strlen(methods), size - strlen(methods), "%s%s", methods[0] ? ", " : "",
                         routes[i].method == HTTP_GET ? "GET, HEAD" : "POST");
        }
        if (methods[0])
                return api_fault(call, FAULT_METHOD, NULL, "this path takes %s", methods);
        return api_fault(call, FAULT_NOT_FOUND, NULL, "there is no such path");
}

void api_handle(HttpRequest *r, void *user)
{
        ApiCall call = {.server = user, .request = r, .fault = FAULT_NULL};
        const Route *route;
        int result;

        call.json = JSON_OUT_INIT(&call.out);
        result = find_route(&call, &route);
        if (result == 0)
                result = may_call(&call, route);
        if (result == 0)
                result = route->fn(&call);
        if (result != API_TAKEN)
                answer(&call, result);
        buffer_deinit(&call.out);
}

static bool api_admit(HttpRequest *r, void *user)
{
        ApiCall call = {.server = user, .request = r, .fault = FAULT_NULL};
        const Route *route;
        int result = find_route(&call, &route);

        if (result == 0)
                result = may_call(&call, route);
        if (result == 0 && route->may)
                result = route->may(&call);
        if (result != 0)
                answer(&call, result);
        return result == 0;
}

int face_http_new(Server *s)
{
        HttpConfig config = {.admit = api_admit,
                             .hosts = (const char *const *)s->config->hosts,
                             .n_hosts = s->config->n_hosts};

        return http_server_new(&s->http, s->loop, &config, api_handle, s);
}

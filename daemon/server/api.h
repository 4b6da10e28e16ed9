#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the HTTP routes share: the caller, the parameters, the answer. The routes are described in cx-api(7).
 */

#include "daemon/io/httpd.h"
#include "daemon/server/state.h"
#include "proto/fault.h"

/* One request on its way through a route. */
typedef struct ApiCall {
        Server *server;
        HttpRequest *request;
        const Principal *who; /* NULL on routes that are open to everybody */
        Text path_id;         /* what stands for ID in the path */
        char allow[32];       /* the methods of the path, where the request has none of them */
        Buffer out;           /* the answer, if the route fills it */
        JsonOut json;         /* writes to out */
        Fault fault;
} ApiCall;

enum {
        _API_OK,   /* out is the answer, 200 */
        API_FAULT, /* fault is the answer */
        API_TAKEN, /* the route has answered, or will */
};

/* One of the results above, or -ENOMEM. */
typedef int (*ApiFn)(ApiCall *call);

int api_me(ApiCall *call);
int api_org(ApiCall *call);
int api_status(ApiCall *call);
int api_rules(ApiCall *call);
int api_figures(ApiCall *call);
int api_board(ApiCall *call);
int api_series(ApiCall *call);
int api_surveys(ApiCall *call);
int api_export(ApiCall *call);
int api_backup(ApiCall *call);
int api_verify(ApiCall *call);
int api_alerts(ApiCall *call);
int api_alert_ack(ApiCall *call);
int api_alert_snooze(ApiCall *call);
int api_alert_outcome(ApiCall *call);
int api_stream(ApiCall *call);
int api_post_surveys(ApiCall *call);
/* 0: api_post_surveys() knows the sender; nothing is answered yet. */
int api_may_send(ApiCall *call);
int api_healthz(ApiCall *call);
int api_readyz(ApiCall *call);
int api_metrics(ApiCall *call);
int api_asset(ApiCall *call);

/* Sets the fault and returns API_FAULT. */
CX_PRINTF(4, 5) int api_fault(ApiCall *call, FaultCode code, const char *field, const char *format, ...);

/*
 * Refuses what has @name, which is none of @names (NULL at the end), and says what there is instead. Nothing of what was sent
 * is said again but a plain name.
 */
CX_MUST_CHECK int api_unknown(ApiCall *call, const char *what, Text name, const char *const *names);
/* Refuses parameters that are not in @names, each at most once. */
CX_MUST_CHECK int api_only_params(ApiCall *call, const char *const *names);

/* The value of a parameter; TEXT_NULL without it. */
Text api_param(const ApiCall *call, const char *name);

/* Each 0 or API_FAULT. A scope that the caller does not see at all is the same as one that is not there. */
CX_MUST_CHECK int api_scope(ApiCall *call, ScopeId *ret); /* required */
/* `under`: org if it is not given; SCOPE_NONE, under which nothing lies, for what does not exist or is not the caller's. */
CX_MUST_CHECK int api_under(ApiCall *call, ScopeId *ret);
CX_MUST_CHECK int api_metric(ApiCall *call, bool required, size_t *ret); /* SIZE_MAX: not given */
CX_MUST_CHECK int api_window(ApiCall *call, bool required, size_t *ret); /* SIZE_MAX: not given */
CX_MUST_CHECK int api_time(ApiCall *call, const char *name, usec_t or_else, usec_t *ret);
CX_MUST_CHECK int api_count(ApiCall *call, const char *name, size_t or_else, size_t max, size_t *ret);

/* As of when: `at`, or live. */
CX_MUST_CHECK int api_at(ApiCall *call, usec_t *ret);

usec_t api_now(const ApiCall *call);
bool api_sees(const ApiCall *call, size_t metric, ScopeId scope);
bool api_sees_scope(const ApiCall *call, ScopeId scope);

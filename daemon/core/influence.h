#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who may see what: a principal sees a (scope, metric) if one of its grants covers the scope and the grant's role can
 * influence the metric. Everything else does not exist for it. Deny by default.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/core/org.h"
#include "proto/metric.h"
#include "proto/scope.h"

typedef struct Role {
        char name[METRIC_NAME_MAX + 1];
        bool sees_self;            /* the granted scope itself */
        bool sees_below;           /* what lies under it, at the time that is asked about */
        bool kinds[_SCOPE_KIND_N]; /* only scopes of these kinds (a director sees no agents) */
        bool has_under;
        ScopeKind under; /* grants of this role are for scopes of this kind only */
} Role;

typedef struct Grant {
        size_t role; /* index into Policy.roles */
        ScopeKind kind;
        char name[SCOPE_NAME_MAX + 1]; /* empty for org */
} Grant;

#define PRINCIPAL_FEED_MAX 159

typedef struct Principal {
        char name[METRIC_NAME_MAX + 1];
        bool admin; /* sees everything, may export and send commands for everybody */
        Grant *grants;
        size_t n_grants;
        bool has_uid;
        unsigned uid; /* peer of a Unix socket */
        bool has_token;
        unsigned char token_sha256[32];
        char feed[PRINCIPAL_FEED_MAX +
                  1]; /* address of a TCP feed of its own; empty: none. The shell's business */
} Principal;

typedef struct Policy {
        Role *roles;
        size_t n_roles;
        Principal *principals;
        size_t n_principals;
} Policy;

#define POLICY_NULL ((Policy){0})

/* Frees what it owns. */
void policy_deinit(Policy *p);

/* Whether @role is one of those that can change @metric. */
bool metric_influenced_by(const Metric *metric, const Role *role);

/* The decision. @at: the point in time whose org tree counts. */
bool policy_sees(const Policy *p, const Org *o, const Principal *who, const Metric *metric, ScopeId scope,
                 usec_t at);

/* Whether @who sees any of the @metrics of @scope. */
bool policy_sees_scope(const Policy *p, const Org *o, const Principal *who, const Metric *metrics,
                       size_t n_metrics, ScopeId scope, usec_t at);

/* The first role by which @who sees (metric, scope), for the advice; NULL if by none (or only as admin). */
const Role *policy_role(const Policy *p, const Org *o, const Principal *who, const Metric *metric,
                        ScopeId scope, usec_t at);

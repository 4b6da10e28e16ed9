/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "daemon/core/influence.h"

void policy_deinit(Policy *p)
{
        for (size_t i = 0; i < p->n_principals; i++)
                free(p->principals[i].grants);
        free(p->principals);
        free(p->roles);
        *p = POLICY_NULL;
}

bool metric_influenced_by(const Metric *metric, const Role *role)
{
        for (size_t i = 0; i < metric->n_influence; i++)
                if (strcmp(metric->influence[i], role->name) == 0)
                        return true;
        return false;
}

/* Whether @grant reaches @scope at @at, whatever the metric. */
static bool grant_covers(const Policy *p, const Org *o, const Grant *grant, ScopeId scope, usec_t at)
{
        const Role *role = &p->roles[grant->role];
        ScopeId granted;

        if (role->has_under && role->under != grant->kind)
                return false;
        if (!role->kinds[org_scope(o, scope)->kind])
                return false;
        granted = org_find(o, grant->kind, text_of(grant->name));
        if (granted == SCOPE_NONE)
                return false;
        if (granted == scope)
                return role->sees_self;
        return role->sees_below && org_contains(o, granted, scope, at);
}

const Role *policy_role(const Policy *p, const Org *o, const Principal *who, const Metric *metric,
                        ScopeId scope, usec_t at)
{
        if (scope >= org_n_scopes(o))
                return NULL;
        for (size_t i = 0; i < who->n_grants; i++) {
                const Grant *grant = &who->grants[i];

                if (grant->role < p->n_roles && metric_influenced_by(metric, &p->roles[grant->role]) &&
                    grant_covers(p, o, grant, scope, at))
                        return &p->roles[grant->role];
        }
        return NULL;
}

bool policy_sees(const Policy *p, const Org *o, const Principal *who, const Metric *metric, ScopeId scope,
                 usec_t at)
{
        if (scope >= org_n_scopes(o))
                return false;
        return who->admin || policy_role(p, o, who, metric, scope, at) != NULL;
}

bool policy_sees_scope(const Policy *p, const Org *o, const Principal *who, const Metric *metrics,
                       size_t n_metrics, ScopeId scope, usec_t at)
{
        for (size_t i = 0; i < n_metrics; i++)
                if (policy_sees(p, o, who, &metrics[i], scope, at))
                        return true;
        return false;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/core/rule.h"

const char *rule_test_name(RuleTest test)
{
        static const char *const names[_RULE_TEST_N] = {
                [RULE_EVIDENCE] = "evidence",
                [RULE_INTERVAL] = "interval",
                [RULE_POINT] = "point",
        };

        return names[test];
}

const char *severity_name(Severity severity)
{
        static const char *const names[_SEVERITY_N] = {
                [SEVERITY_INFO] = "info",
                [SEVERITY_WARNING] = "warning",
                [SEVERITY_CRITICAL] = "critical",
        };

        return names[severity];
}

bool rule_covers(const Rule *r, ScopeKind kind, Text name)
{
        if (r->kind != kind)
                return false;
        return kind == SCOPE_ORG || text_glob(text_of(r->scopes), name);
}

const char *rule_advice(const Rule *r, const char *role)
{
        for (size_t i = 0; role && i < r->n_advice; i++)
                if (strcmp(r->advice[i].role, role) == 0)
                        return r->advice[i].text;
        return r->n_advice ? r->advice[0].text : NULL;
}

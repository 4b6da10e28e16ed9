/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "proto/scope.h"

static const char *const kind_names[_SCOPE_KIND_N] = {
        [SCOPE_AGENT] = "agent", [SCOPE_TEAM] = "team", [SCOPE_SITE] = "site", [SCOPE_REGION] = "region",
        [SCOPE_QUEUE] = "queue", [SCOPE_LINE] = "line", [SCOPE_ORG] = "org",
};

const char *scope_kind_name(ScopeKind kind)
{
        return kind_names[kind];
}

int scope_kind_parse(Text t, ScopeKind *ret)
{
        for (ScopeKind kind = 0; kind < _SCOPE_KIND_N; kind++) {
                if (text_is(t, kind_names[kind])) {
                        *ret = kind;
                        return 0;
                }
        }
        return -EINVAL;
}

int scope_parse(Text t, ScopeKind *ret_kind, Text *ret_name)
{
        const char *slash = t.n ? memchr(t.at, '/', t.n) : NULL;
        Text name = TEXT_NULL;
        ScopeKind kind;

        if (slash) {
                name = (Text){.at = slash + 1, .n = t.n - (size_t)(slash - t.at) - 1};
                t.n = (size_t)(slash - t.at);
        }
        if (scope_kind_parse(t, &kind) < 0)
                return -EINVAL;
        if (kind == SCOPE_ORG ? slash != NULL : !scope_name_ok(name))
                return -EINVAL;
        *ret_kind = kind;
        *ret_name = name;
        return 0;
}

bool scope_name_ok(Text name)
{
        return name.n >= 1 && name.n <= SCOPE_NAME_MAX && text_is_printable(name);
}

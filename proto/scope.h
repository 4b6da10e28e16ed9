#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The text form of a scope, a node that figures are kept for: "agent/ana.ruiz", "queue/billing", "org".
 */

#include "proto/base/buffer.h"
#include "proto/base/def.h"
#include "proto/base/text.h"

/* In the order of the trees: agent < team < site < region < org; queue < line < org. */
typedef enum ScopeKind {
        SCOPE_AGENT,
        SCOPE_TEAM,
        SCOPE_SITE,
        SCOPE_REGION,
        SCOPE_QUEUE,
        SCOPE_LINE,
        SCOPE_ORG,
        _SCOPE_KIND_N,
} ScopeKind;

#define SCOPE_NAME_MAX 128
#define SCOPE_TEXT_MAX (SCOPE_NAME_MAX + 16)

/* "agent", ...; never NULL. */
const char *scope_kind_name(ScopeKind kind);
/* -EINVAL if there is no such kind. */
CX_MUST_CHECK int scope_kind_parse(Text t, ScopeKind *ret);

/* Splits "kind/name" ("org" has no name). ret_name is a part of @t. -EINVAL: no kind, or a name that is no name. */
CX_MUST_CHECK int scope_parse(Text t, ScopeKind *ret_kind, Text *ret_name);

/* 1 to 128 bytes of printable UTF-8. */
bool scope_name_ok(Text name);

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The org tree: which scope lies under which, and when.
 *
 * People: agent < team < site < region < org, from roster rows that may hold from .. to only. Work: queue < line < org.
 * Every scope has a number, given in the order of first sight and never taken back. Agents and queues that no file
 * names are added when a survey names them; they are `unassigned` and lie under org alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/def.h"
#include "proto/base/hash.h"
#include "proto/base/text.h"
#include "proto/base/usec.h"
#include "proto/scope.h"

typedef struct Org Org;
typedef uint32_t ScopeId;

#define SCOPE_NONE UINT32_MAX
/* org itself is always there and always number 0. */
#define SCOPE_ID_ORG ((ScopeId)0)

/* agent, team, site, region, queue, line, org */
#define ORG_CHAIN_MAX 7

enum {
        _ORG_OK,
        ORG_E_OVERLAP, /* the same agent or queue has another row for a part of that time; nothing changed */
};

/* One row of the roster. Absent names leave that level out. [from, to); without bounds 0 and USEC_INFINITY. */
typedef struct RosterRow {
        Text agent, display, team, site, region;
        usec_t from, to;
} RosterRow;

/* What is known of a scope. Texts live as long as the org. */
typedef struct ScopeInfo {
        ScopeKind kind;
        Text name;     /* "ana.ruiz"; empty for org */
        Text text;     /* "agent/ana.ruiz" */
        Text display;  /* "Ana Ruiz"; absent if the roster has none */
        bool assigned; /* named by the roster or the queue table */
} ScopeInfo;

/* -ENOMEM. @key keeps hostile names from colliding. */
CX_MUST_CHECK int org_new(Org **ret, const HashKey *key);
Org *org_free(Org *o); /* returns NULL, accepts NULL */

/* Names are checked by the caller (scope_name_ok()). Copies all text. -ENOMEM; ORG_E_OVERLAP. */
CX_MUST_CHECK int org_add_agent(Org *o, const RosterRow *row);
CX_MUST_CHECK int org_add_queue(Org *o, Text queue, Text line);

/* The number of a scope, which is added as unassigned if it is not there. -ENOMEM. */
CX_MUST_CHECK int org_intern(Org *o, ScopeKind kind, Text name, ScopeId *ret);
/* SCOPE_NONE if there is no such scope. @name is ignored for SCOPE_ORG. */
ScopeId org_find(const Org *o, ScopeKind kind, Text name);

size_t org_n_scopes(const Org *o); /* numbers run from 0 to one less */
size_t org_n_kind(const Org *o, ScopeKind kind);
const ScopeInfo *org_scope(const Org *o, ScopeId id);

/*
 * Every scope that a survey of @agent and @queue (either may be SCOPE_NONE) at @ts belongs to, itself included, each
 * once, org last. Returns how many.
 */
size_t org_chain(const Org *o, ScopeId agent, ScopeId queue, usec_t ts, ScopeId ret[ORG_CHAIN_MAX]);

/* Whether @lower is @upper or lies under it at @at. */
bool org_contains(const Org *o, ScopeId upper, ScopeId lower, usec_t at);

/* The scopes right above @id at @at (org for what has no other). Returns how many, at most 2. */
size_t org_parents(const Org *o, ScopeId id, usec_t at, ScopeId ret[2]);

CX_DEFINE_CLEANUP(Org, org_free)

/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/org.h"

/* One stretch of an agent's time. Levels that the roster leaves out are SCOPE_NONE. */
typedef struct Place {
        usec_t from, to;
        ScopeId team, site, region;
} Place;

/* That a scope lies under @upper for a time; @direct: with nothing in between. */
typedef struct Edge {
        usec_t from, to;
        ScopeId upper;
        bool direct;
} Edge;

/* Each survey looks two of them up; so what that touches lies close together. */
typedef struct Node {
        ScopeInfo info;
        Place *places; /* agents: ascending, apart from each other */
        size_t n_places;
        Edge *edges; /* teams, sites, queues: by upper scope, direct or not, and time; those of the same apart */
        size_t n_edges;
        char *display;
        bool listed; /* queues: the table has a row for it */
        char text[]; /* "kind/name", what info.name and info.text point into */
} Node;

/* The whole hash, so that no other node than the one that is looked for is touched. */
typedef struct Slot {
        uint64_t hash;
        uint32_t node; /* its number plus one; 0: free */
} Slot;

struct Org {
        HashKey key;
        Node **nodes;
        size_t n_nodes, nodes_size;
        Slot *slots;    /* open addressing */
        size_t n_slots; /* a power of two */
        size_t n_kind[_SCOPE_KIND_N];
};

static Node *node_free(Node *n)
{
        if (n) {
                free(n->display);
                free(n->places);
                free(n->edges);
                free(n);
        }
        return NULL;
}

CX_DEFINE_CLEANUP(Node, node_free)

static uint64_t name_hash(const Org *o, ScopeKind kind, Text name)
{
        HashKey key = {.k0 = o->key.k0 ^ (uint64_t)kind, .k1 = o->key.k1};

        return hash_bytes(&key, name.at, name.n);
}

/* Where the node of that name is, or the free slot where it would be. */
static Slot *find_slot(const Org *o, uint64_t hash, ScopeKind kind, Text name)
{
        for (size_t i = hash & (o->n_slots - 1);; i = (i + 1) & (o->n_slots - 1)) {
                Slot *slot = &o->slots[i];
                const Node *n;

                if (slot->node == 0)
                        return slot;
                if (slot->hash != hash)
                        continue;
                n = o->nodes[slot->node - 1];
                if (n->info.kind == kind && text_equal(n->info.name, name))
                        return slot;
        }
}

static int grow_slots(Org *o)
{
        size_t n_slots = o->n_slots ? 2 * o->n_slots : 64;
        Slot *slots = calloc(n_slots, sizeof(*slots));

        if (!slots)
                return -ENOMEM;
        for (size_t k = 0; k < o->n_slots; k++) {
                size_t i = o->slots[k].hash & (n_slots - 1);

                if (o->slots[k].node == 0)
                        continue;
                while (slots[i].node)
                        i = (i + 1) & (n_slots - 1);
                slots[i] = o->slots[k];
        }
        free(o->slots);
        o->slots = slots;
        o->n_slots = n_slots;
        return 0;
}

static int node_new(Node **ret, ScopeKind kind, Text name)
{
        const char *prefix = scope_kind_name(kind);
        size_t n_prefix = strlen(prefix);
        Node *n = calloc(1, sizeof(*n) + n_prefix + 1 + name.n + 1);

        if (!n)
                return -ENOMEM;
        memcpy(n->text, prefix, n_prefix);
        if (name.n) {
                n->text[n_prefix] = '/';
                memcpy(n->text + n_prefix + 1, name.at, name.n);
        }
        n->info.kind = kind;
        n->info.text = (Text){.at = n->text, .n = name.n ? n_prefix + 1 + name.n : n_prefix};
        n->info.name = (Text){.at = n->text + n_prefix + 1, .n = name.n};
        *ret = n;
        return 0;
}

int org_intern(Org *o, ScopeKind kind, Text name, ScopeId *ret)
{
        CX_CLEANUP(node_freep) Node *n = NULL;
        uint64_t hash;
        Slot *slot;
        int r;

        if (kind == SCOPE_ORG)
                name = TEXT_NULL;
        hash = name_hash(o, kind, name);
        if (o->n_slots) {
                slot = find_slot(o, hash, kind, name);
                if (slot->node) {
                        *ret = slot->node - 1;
                        return 0;
                }
        }
        if (4 * (o->n_nodes + 1) > 3 * o->n_slots) {
                r = grow_slots(o);
                if (r)
                        return r;
        }
        if (o->n_nodes == o->nodes_size) {
                size_t size = o->nodes_size ? 2 * o->nodes_size : 64;
                Node **nodes = realloc(o->nodes, size * sizeof(Node *));

                if (!nodes)
                        return -ENOMEM;
                o->nodes = nodes;
                o->nodes_size = size;
        }
        r = node_new(&n, kind, name);
        if (r)
                return r;
        *find_slot(o, hash, kind, name) = (Slot){.hash = hash, .node = (uint32_t)o->n_nodes + 1};
        o->n_kind[kind]++;
        *ret = (ScopeId)o->n_nodes;
        o->nodes[o->n_nodes++] = n;
        n = NULL;
        return 0;
}

int org_new(Org **ret, const HashKey *key)
{
        CX_CLEANUP(org_freep) Org *o = calloc(1, sizeof(*o));
        ScopeId id = SCOPE_NONE;
        int r;

        if (!o)
                return -ENOMEM;
        o->key = *key;
        r = org_intern(o, SCOPE_ORG, TEXT_NULL, &id);
        if (r)
                return r;
        assert(id == SCOPE_ID_ORG);
        o->nodes[id]->info.assigned = true;
        *ret = o;
        o = NULL;
        return 0;
}

Org *org_free(Org *o)
{
        if (o) {
                for (size_t i = 0; i < o->n_nodes; i++)
                        node_free(o->nodes[i]);
                free(o->nodes);
                free(o->slots);
                free(o);
        }
        return NULL;
}

/* SCOPE_NONE for an absent name. */
static int intern_level(Org *o, ScopeKind kind, Text name, ScopeId *ret)
{
        int r;

        if (name.n == 0) {
                *ret = SCOPE_NONE;
                return 0;
        }
        r = org_intern(o, kind, name, ret);
        if (r == 0)
                o->nodes[*ret]->info.assigned = true;
        return r;
}

/* Whether all of @e comes before an edge with that beginning: no later one does if it does not. */
static bool is_before(const Edge *e, ScopeId upper, bool direct, usec_t from)
{
        if (e->upper != upper)
                return e->upper < upper;
        if (e->direct != direct)
                return e->direct < direct;
        return e->to < from;
}

static size_t find_edge(const Node *n, ScopeId upper, bool direct, usec_t from)
{
        size_t low = 0, high = n->n_edges;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (is_before(&n->edges[middle], upper, direct, from))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* Joins what overlaps or touches, so that a thousand agents of a team make one edge. */
static int add_edge(Org *o, ScopeId lower, ScopeId upper, usec_t from, usec_t to, bool direct)
{
        size_t first, end;
        Node *n;

        if (lower == SCOPE_NONE || upper == SCOPE_NONE || lower == upper || from >= to)
                return 0;
        n = o->nodes[lower];
        first = end = find_edge(n, upper, direct, from);
        for (; end < n->n_edges; end++) {
                const Edge *e = &n->edges[end];

                if (e->upper != upper || e->direct != direct || e->from > to)
                        break;
                from = e->from < from ? e->from : from;
                to = e->to > to ? e->to : to;
        }
        if (end == first) {
                Edge *edges = reallocarray(n->edges, n->n_edges + 1, sizeof(*edges));

                if (!edges)
                        return -ENOMEM;
                n->edges = edges;
        }
        /* What lies behind has its place behind the one that takes the place of all from @first to @end. */
        if (end < n->n_edges)
                memmove(&n->edges[first + 1], &n->edges[end], (n->n_edges - end) * sizeof(Edge));
        n->n_edges = n->n_edges - (end - first) + 1;
        n->edges[first] = (Edge){.from = from, .to = to, .upper = upper, .direct = direct};
        return 0;
}

/* The first place that ends behind @at: no other one can hold that time. n_places if there is none. */
static size_t find_place(const Node *n, usec_t at)
{
        size_t low = 0, high = n->n_places;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (n->places[middle].to <= at)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static int add_place(Node *n, size_t i, const Place *place)
{
        Place *places = reallocarray(n->places, n->n_places + 1, sizeof(*places));

        if (!places)
                return -ENOMEM;
        n->places = places;
        if (i < n->n_places)
                memmove(&places[i + 1], &places[i], (n->n_places - i) * sizeof(*places));
        places[i] = *place;
        n->n_places++;
        return 0;
}

int org_add_agent(Org *o, const RosterRow *row)
{
        Place place = {.from = row->from, .to = row->to};
        ScopeId agent = org_find(o, SCOPE_AGENT, row->agent);
        size_t i = 0;
        Node *n;
        int r;

        if (agent != SCOPE_NONE) {
                n = o->nodes[agent];
                i = find_place(n, row->from);
                if (i < n->n_places && n->places[i].from < row->to)
                        return ORG_E_OVERLAP;
        }
        r = intern_level(o, SCOPE_AGENT, row->agent, &agent);
        if (r == 0)
                r = intern_level(o, SCOPE_TEAM, row->team, &place.team);
        if (r == 0)
                r = intern_level(o, SCOPE_SITE, row->site, &place.site);
        if (r == 0)
                r = intern_level(o, SCOPE_REGION, row->region, &place.region);
        if (r == 0)
                r = add_edge(o, place.team, place.site, row->from, row->to, true);
        if (r == 0)
                r = add_edge(o, place.team, place.region, row->from, row->to, place.site == SCOPE_NONE);
        if (r == 0)
                r = add_edge(o, place.site, place.region, row->from, row->to, true);
        if (r)
                return r;
        n = o->nodes[agent];
        if (row->display.n) {
                char *display = text_dup(row->display);

                if (!display)
                        return -ENOMEM;
                free(n->display);
                n->display = display;
                n->info.display = text_of(display);
        }
        return row->from < row->to ? add_place(n, i, &place) : 0;
}

int org_add_queue(Org *o, Text queue, Text line)
{
        ScopeId id = org_find(o, SCOPE_QUEUE, queue), upper = SCOPE_NONE;
        int r;

        if (id != SCOPE_NONE && o->nodes[id]->listed)
                return ORG_E_OVERLAP;
        r = intern_level(o, SCOPE_QUEUE, queue, &id);
        if (r == 0)
                r = intern_level(o, SCOPE_LINE, line, &upper);
        if (r == 0)
                r = add_edge(o, id, upper, INT64_MIN, USEC_INFINITY, true);
        if (r == 0)
                o->nodes[id]->listed = true;
        return r;
}

ScopeId org_find(const Org *o, ScopeKind kind, Text name)
{
        if (kind == SCOPE_ORG)
                return SCOPE_ID_ORG;
        /* A free slot is 0, and SCOPE_NONE is 0 - 1. */
        return find_slot(o, name_hash(o, kind, name), kind, name)->node - 1;
}

size_t org_n_scopes(const Org *o)
{
        return o->n_nodes;
}

size_t org_n_kind(const Org *o, ScopeKind kind)
{
        return o->n_kind[kind];
}

const ScopeInfo *org_scope(const Org *o, ScopeId id)
{
        assert(id < o->n_nodes);
        return &o->nodes[id]->info;
}

static const Place *place_at(const Node *n, usec_t at)
{
        size_t i = find_place(n, at);

        return i < n->n_places && n->places[i].from <= at ? &n->places[i] : NULL;
}

size_t org_chain(const Org *o, ScopeId agent, ScopeId queue, usec_t ts, ScopeId ret[ORG_CHAIN_MAX])
{
        size_t n = 0;

        if (agent != SCOPE_NONE) {
                const Place *place = place_at(o->nodes[agent], ts);

                ret[n++] = agent;
                if (place && place->team != SCOPE_NONE)
                        ret[n++] = place->team;
                if (place && place->site != SCOPE_NONE)
                        ret[n++] = place->site;
                if (place && place->region != SCOPE_NONE)
                        ret[n++] = place->region;
        }
        if (queue != SCOPE_NONE) {
                ret[n++] = queue;
                if (o->nodes[queue]->n_edges)
                        ret[n++] = o->nodes[queue]->edges[0].upper;
        }
        ret[n++] = SCOPE_ID_ORG;
        return n;
}

bool org_contains(const Org *o, ScopeId upper, ScopeId lower, usec_t at)
{
        const Node *n = o->nodes[lower];
        const Place *place;

        if (upper == lower || upper == SCOPE_ID_ORG)
                return true;
        for (size_t i = 0; i < n->n_edges; i++)
                if (n->edges[i].upper == upper && n->edges[i].from <= at && at < n->edges[i].to)
                        return true;
        place = place_at(n, at);
        return place && (place->team == upper || place->site == upper || place->region == upper);
}

size_t org_parents(const Org *o, ScopeId id, usec_t at, ScopeId ret[2])
{
        const Node *n = o->nodes[id];
        const Place *place = place_at(n, at);
        size_t count = 0;

        if (id == SCOPE_ID_ORG)
                return 0;
        if (place) {
                ret[0] = place->team != SCOPE_NONE   ? place->team
                         : place->site != SCOPE_NONE ? place->site
                                                     : place->region;
                count = ret[0] != SCOPE_NONE;
        }
        for (size_t i = 0; i < n->n_edges && count < 2; i++)
                if (n->edges[i].direct && n->edges[i].from <= at && at < n->edges[i].to)
                        ret[count++] = n->edges[i].upper;
        if (count == 0)
                ret[count++] = SCOPE_ID_ORG;
        return count;
}

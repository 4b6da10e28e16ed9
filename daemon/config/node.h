#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A YAML document as a tree of scalars, maps and lists that know their place in the file.
 *
 * One document, keys that are words, each once. Anchors, aliases and tags are refused: a configuration needs
 * none, and without them a tree is never larger than its file.
 */

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/def.h"
#include "proto/base/diag.h"
#include "proto/base/text.h"

#define NODE_DEPTH_MAX  16
#define NODE_COUNT_MAX  200000
#define NODE_KEY_MAX    256
#define NODE_SCALAR_MAX 4096
#define NODE_FILE_MAX   ((size_t)4 << 20)

typedef enum NodeKind {
        NODE_NULL, /* nothing, or a plain ~ or null */
        NODE_SCALAR,
        NODE_MAP,
        NODE_LIST,
} NodeKind;

typedef struct Node Node;

struct Node {
        NodeKind kind;
        unsigned line, column; /* from 1 */
        Text key;              /* in a map */
        Text text;             /* of a scalar: printable UTF-8 */
        Node *parent;
        Node *first, *last, *next; /* children in the order of the file; siblings */
        size_t n;                  /* children */
        char bytes[];              /* of key and text */
};

/* Takes nothing over. -ENOMEM; -EINVAL with @diag. An empty document is a NODE_NULL. */
CX_MUST_CHECK int node_parse(Node **ret, Text yaml, const char *file, Diag *diag);

/* A plain scalar without a place. NULL without memory. */
Node *node_scalar(Text text);

/* Frees it and all below it. */
Node *node_free(Node *n);

/* NULL: a map has no such key (or @map is no map). */
Node *node_get(const Node *map, const char *key);

/* "a map", "a list", ... */
const char *node_kind_name(NodeKind kind);

/*
 * "rules.csat-low.window": keys from the root, list items by their `name` or else by their number. @key (may
 * be NULL) is added at the end. Cut to @size.
 */
char *node_path(const Node *n, const char *key, char *ret, size_t size);

CX_DEFINE_CLEANUP(Node, node_free)

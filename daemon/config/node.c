/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/node.h"
#include "proto/metric.h"

Node *node_scalar(Text text)
{
        Node *n = calloc(1, sizeof(*n) + text.n);

        if (!n)
                return NULL;
        n->kind = NODE_SCALAR;
        if (text.n)
                memcpy(n->bytes, text.at, text.n);
        n->text = (Text){.at = n->bytes, .n = text.n};
        return n;
}

Node *node_free(Node *n)
{
        if (!n)
                return NULL;
        for (Node *child = n->first, *next; child; child = next) {
                next = child->next;
                node_free(child);
        }
        free(n);
        return NULL;
}

Node *node_get(const Node *map, const char *key)
{
        if (map->kind != NODE_MAP)
                return NULL;
        for (Node *child = map->first; child; child = child->next) {
                if (text_is(child->key, key))
                        return child;
        }
        return NULL;
}

const char *node_kind_name(NodeKind kind)
{
        static const char *const names[] = {
                [NODE_NULL] = "nothing",
                [NODE_SCALAR] = "a single value",
                [NODE_MAP] = "a map",
                [NODE_LIST] = "a list",
        };

        return names[kind];
}

/* Where @item stands in its list, from 1. */
static size_t item_number(const Node *item)
{
        size_t number = 1;

        for (const Node *n = item->parent->first; n && n != item; n = n->next)
                number++;
        return number;
}

static void path_append(char *ret, size_t size, Text part)
{
        size_t n = strlen(ret);

        snprintf(ret + n, size - n, "%s" TEXT_FMT, n ? "." : "", TEXT_ARG(part));
}

char *node_path(const Node *n, const char *key, char *ret, size_t size)
{
        const Node *chain[NODE_DEPTH_MAX + 2];
        size_t n_chain = 0;

        for (; n && n->parent && n_chain < CX_ARRAY_LEN(chain); n = n->parent)
                chain[n_chain++] = n;
        ret[0] = '\0';
        while (n_chain) {
                const Node *part = chain[--n_chain];
                const Node *name;

                if (part->key.at) {
                        path_append(ret, size, part->key);
                        continue;
                }
                name = node_get(part, "name");
                if (name && name->kind == NODE_SCALAR && metric_name_ok(name->text)) {
                        path_append(ret, size, name->text);
                } else {
                        size_t at = strlen(ret);

                        snprintf(ret + at, size - at, "[%zu]", item_number(part));
                }
        }
        if (key)
                path_append(ret, size, text_of(key));
        return ret;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/load.h"

int load_fail(Load *l, const Node *at, const char *key, const char *format, ...)
{
        char path[sizeof(l->diag->field)];
        char text[sizeof(l->diag->text)];
        const Node *own = key ? node_get(at, key) : NULL;
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        return diag_set(l->diag, l->file, own ? own->line : at->line, node_path(at, key, path, sizeof(path)),
                        "%s", text);
}

int load_fail_empty(Load *l, const Node *n)
{
        return load_fail(l, n, NULL, "has no value; leave the key out for its default");
}

int load_want_scalar(Load *l, const Node *n)
{
        if (n->kind == NODE_SCALAR)
                return 0;
        if (n->kind == NODE_NULL)
                return load_fail_empty(l, n);
        return load_fail(l, n, NULL, "must be a single value, not %s", node_kind_name(n->kind));
}

static int want(Load *l, const Node *n, NodeKind kind, const char *form, size_t max)
{
        if (n->kind != kind && n->kind != NODE_NULL)
                return load_fail(l, n, NULL, "must be %s, not %s", form, node_kind_name(n->kind));
        if (n->n > max)
                return load_fail(l, n, NULL, "has %zu entries; %zu is the limit", n->n, max);
        return 0;
}

int load_want_list(Load *l, const Node *n, size_t max)
{
        return want(l, n, NODE_LIST, "a list ([a, b])", max);
}

int load_want_map(Load *l, const Node *n, size_t max)
{
        return want(l, n, NODE_MAP, "a map ({key: value})", max);
}

void *load_grow(void *items, size_t count, size_t n, size_t size)
{
        char *grown = reallocarray(items, count + n + 1, size);

        if (grown)
                memset(grown + count * size, 0, (n + 1) * size);
        return grown;
}

const Node *load_earlier(const Node *item)
{
        for (const Node *n = item->parent->first; n && n != item; n = n->next) {
                if (n->kind == NODE_SCALAR && text_equal(n->text, item->text))
                        return n;
        }
        return NULL;
}

/* To compare words takes long, and most names are right: candidates are offered only where there is none. */
int load_find_metric(const Config *c, Text name, Suggest *s)
{
        for (size_t i = 0; i < c->n_metrics; i++)
                if (text_is(name, c->metrics[i].name))
                        return (int)i;
        for (size_t i = 0; i < c->n_metrics; i++)
                suggest_offer(s, text_of(c->metrics[i].name));
        return -1;
}

int load_find_window(const Config *c, Text name, Suggest *s)
{
        for (size_t i = 0; i < c->n_windows; i++)
                if (text_is(name, c->windows[i].name))
                        return (int)i;
        for (size_t i = 0; i < c->n_windows; i++)
                suggest_offer(s, text_of(c->windows[i].name));
        return -1;
}

int load_find_role(const Config *c, Text name, Suggest *s)
{
        for (size_t i = 0; i < c->policy.n_roles; i++)
                if (text_is(name, c->policy.roles[i].name))
                        return (int)i;
        for (size_t i = 0; i < c->policy.n_roles; i++)
                suggest_offer(s, text_of(c->policy.roles[i].name));
        return -1;
}

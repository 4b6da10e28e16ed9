/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/io/conn_cap.h"

struct ConnCap {
        unsigned n_ref;
        unsigned n;
        unsigned max;
        ConnCap *parent;
};

int conn_cap_new(ConnCap **ret, unsigned max, ConnCap *parent)
{
        ConnCap *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        *c = (ConnCap){.n_ref = 1, .max = max, .parent = conn_cap_ref(parent)};
        *ret = c;
        return 0;
}

ConnCap *conn_cap_ref(ConnCap *c)
{
        if (c)
                c->n_ref++;
        return c;
}

ConnCap *conn_cap_unref(ConnCap *c)
{
        if (c && --c->n_ref == 0) {
                conn_cap_unref(c->parent);
                free(c);
        }
        return NULL;
}

bool conn_cap_take(ConnCap *c)
{
        if (c->max > 0 && c->n >= c->max)
                return false;
        if (c->parent && !conn_cap_take(c->parent))
                return false;
        c->n++;
        conn_cap_ref(c);
        return true;
}

void conn_cap_give(ConnCap *c)
{
        if (c->parent)
                conn_cap_give(c->parent);
        c->n--;
        conn_cap_unref(c);
}

void conn_cap_set_max(ConnCap *c, unsigned max)
{
        c->max = max;
}

unsigned conn_cap_count(const ConnCap *c)
{
        return c->n;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/config/option_types.h"

static const ConfigSource *other_with(const Config *c, const ConfigSource *s, bool open)
{
        for (const ConfigSource *other = c->sources; other < s; other++) {
                if (open ? other->open && s->open
                         : other->has_token && s->has_token &&
                                    memcmp(other->token_sha256, s->token_sha256, sizeof(s->token_sha256)) ==
                                            0)
                        return other;
        }
        return NULL;
}

static int read_source(Load *l, const Node *n, ConfigSource *s)
{
        const Node *queues = node_get(n, "queues");
        const ConfigSource *other;
        int r;

        if (!metric_name_ok(n->key))
                return load_fail(l, n, NULL,
                                 "is not a name; names have 1 to 64 letters, digits, _, - and ., and begin "
                                 "with a letter");
        memcpy(s->name, n->key.at, n->key.n);
        r = option_read(l, "sources.*", n, s, true);
        if (r < 0)
                return r;
        if (queues && s->n_queues == 0)
                return load_fail(l, queues, NULL,
                                 "must name at least one pattern; leave the key out for all");
        if (s->open && s->has_token)
                return load_fail(l, n, NULL, "is open and has a token, too; keep one of them");
        if (!s->open && !s->has_token)
                return load_fail(l, n, NULL, "needs token_sha256, or open: true");
        other = other_with(l->c, s, true);
        if (other)
                return load_fail(l, n, "open", "only one source may be open, and \"%s\" is", other->name);
        other = other_with(l->c, s, false);
        if (other)
                return load_fail(l, n, "token_sha256", "is that of the source \"%s\", too", other->name);
        return 0;
}

static int read_sources(Load *l, const Option *o, const Node *n, void *object)
{
        Config *c = object;
        int r = load_want_map(l, n, (size_t)o->max);

        if (r < 0)
                return r;
        c->sources = load_grow(NULL, 0, n->n, sizeof(*c->sources));
        if (!c->sources)
                return -ENOMEM;
        for (const Node *child = n->first; r == 0 && child; child = child->next)
                r = read_source(l, child, &c->sources[c->n_sources++]);
        return r;
}

static void print_sources(Printer *p, const Option *o, const void *object)
{
        const Config *c = object;

        if (!c->n_sources) {
                option_print_plain(p, o, "{}");
                return;
        }
        printer_key(p, text_of(option_key(o)));
        printer_open(p);
        for (size_t i = 0; i < c->n_sources; i++) {
                printer_key(p, text_of(c->sources[i].name));
                printer_open(p);
                option_print(p, "sources.*", &c->sources[i]);
                printer_close(p);
        }
        printer_close(p);
}

const OptionType type_sources = {"a map of names", read_sources, print_sources};

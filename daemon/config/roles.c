/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/config/option_types.h"

/* Roles that are there without being configured; a file may change each of their keys. */
static const char built_in[] =
        "agent: {sees: [self], under: agent, kinds: [agent]}\n"
        "team_lead: {sees: [self, below], under: team, kinds: [agent, team]}\n"
        "queue_owner: {sees: [self, below], kinds: [queue, line]}\n"
        "planner: {sees: [self, below], kinds: [queue, line, site, region, org]}\n"
        "product_owner: {sees: [self, below], kinds: [queue, line, org]}\n"
        "director: {sees: [self, below], kinds: [team, site, region, queue, line, org]}\n";

static bool list_has(const Node *list, const char *word)
{
        for (const Node *item = list->first; item; item = item->next) {
                if (item->kind == NODE_SCALAR && text_is(item->text, word))
                        return true;
        }
        return false;
}

static int read_sees(Load *l, const Option *o, const Node *n, void *object)
{
        Role *role = object;
        int r = load_want_list(l, n, (size_t)o->max);

        for (const Node *item = n->first; r == 0 && item; item = item->next) {
                int choice;
                const Option row = {.name = o->name, .choices = o->choices};

                r = type_choice.read(l, &row, item, &choice);
        }
        if (r < 0)
                return r;
        if (n->n == 0)
                return load_fail(l, n, NULL, "must name self, below, or both");
        role->sees_self = list_has(n, "self");
        role->sees_below = list_has(n, "below");
        return 0;
}

static void print_sees(Printer *p, const Option *o, const void *object)
{
        const Role *role = object;

        option_print_plain(p, o,
                           !role->sees_below ? "[self]"
                           : role->sees_self ? "[self, below]"
                                             : "[below]");
}

/* The choices of the row are the kinds of scopes in their order, and then `any`. */
static int read_under(Load *l, const Option *o, const Node *n, void *object)
{
        Role *role = object;
        const Option row = {.name = o->name, .choices = o->choices};
        int choice = _SCOPE_KIND_N;
        int r = type_choice.read(l, &row, n, &choice);

        if (r < 0)
                return r;
        role->has_under = choice < _SCOPE_KIND_N;
        role->under = role->has_under ? (ScopeKind)choice : SCOPE_AGENT;
        return 0;
}

static void print_under(Printer *p, const Option *o, const void *object)
{
        const Role *role = object;

        option_print_text(p, o, role->has_under ? scope_kind_name(role->under) : "any");
}

static int read_kinds(Load *l, const Option *o, const Node *n, void *object)
{
        Role *role = object;
        int r = load_want_list(l, n, (size_t)o->max);

        if (r < 0)
                return r;
        if (n->n == 0)
                return load_fail(l, n, NULL, "must name at least one kind; leave the key out for all");
        memset(role->kinds, 0, sizeof(role->kinds));
        for (const Node *item = n->first; item; item = item->next) {
                const Option row = {.name = o->name, .choices = o->choices};
                int choice;

                r = type_choice.read(l, &row, item, &choice);
                if (r < 0)
                        return r;
                role->kinds[choice] = true;
        }
        return 0;
}

static void print_kinds(Printer *p, const Option *o, const void *object)
{
        const Role *role = object;
        bool comma = false;

        printer_key(p, text_of(option_key(o)));
        buffer_append_str(p->to, " [");
        for (ScopeKind kind = 0; kind < _SCOPE_KIND_N; kind++) {
                if (!role->kinds[kind])
                        continue;
                buffer_append_format(p->to, "%s%s", comma ? ", " : "", scope_kind_name(kind));
                comma = true;
        }
        buffer_append_str(p->to, "]\n");
}

static int read_role(Load *l, const Node *n, Policy *policy)
{
        Suggest s = SUGGEST_INIT(n->key);
        int known;

        if (!metric_name_ok(n->key))
                return load_fail(l, n, NULL,
                                 "is not a name; names have 1 to 64 letters, digits, _, - and ., and begin "
                                 "with a letter");
        known = load_find_role(l->c, n->key, &s);
        if (known >= 0)
                return option_read(l, "roles.*", n, &policy->roles[known], false);
        memcpy(policy->roles[policy->n_roles].name, n->key.at, n->key.n);
        return option_read(l, "roles.*", n, &policy->roles[policy->n_roles++], true);
}

static bool is_in(const Node *map, Text key)
{
        const Node *child = map->first;

        while (child && !text_equal(child->key, key))
                child = child->next;
        return child;
}

/* The built-in ones, which --print-config names, too, take no room. */
static int check_room(Load *l, const Option *o, const Node *n, const Node *first)
{
        size_t n_own = 0;

        for (const Node *child = n->first; child; child = child->next)
                n_own += !is_in(first, child->key);
        if (n_own > (size_t)o->max)
                return load_fail(l, n, NULL, "has %zu entries that are not built in; %.0f is the limit",
                                 n_own, o->max);
        return 0;
}

static int read_roles(Load *l, const Option *o, const Node *n, void *object)
{
        Policy *policy = &((Config *)object)->policy;
        Node *first = NULL;
        int r = load_want_map(l, n, SIZE_MAX);

        if (r < 0)
                return r;
        r = node_parse(&first, text_of(built_in), "built-in roles", l->diag);
        if (r < 0)
                return r;
        r = check_room(l, o, n, first);
        if (r == 0)
                policy->roles = load_grow(NULL, 0, first->n + n->n, sizeof(*policy->roles));
        if (r == 0 && !policy->roles)
                r = -ENOMEM;
        for (const Node *child = first->first; r == 0 && child; child = child->next)
                r = read_role(l, child, policy);
        for (const Node *child = n->first; r == 0 && child; child = child->next)
                r = read_role(l, child, policy);
        node_free(first);
        return r;
}

static void print_roles(Printer *p, const Option *o, const void *object)
{
        const Policy *policy = &((const Config *)object)->policy;

        printer_key(p, text_of(option_key(o)));
        printer_open(p);
        for (size_t i = 0; i < policy->n_roles; i++) {
                printer_key(p, text_of(policy->roles[i].name));
                printer_open(p);
                option_print(p, "roles.*", &policy->roles[i]);
                printer_close(p);
        }
        printer_close(p);
}

const OptionType type_roles = {"a map of names", read_roles, print_roles};
const OptionType type_sees = {"a list of", read_sees, print_sees};
const OptionType type_under = {"one of", read_under, print_under};
const OptionType type_kinds = {"a list of", read_kinds, print_kinds};

/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/endpoint.h"
#include "daemon/config/option_types.h"

#define GRANTS_MAX 64

static int read_role(Load *l, const Option *o, const Node *n, void *object)
{
        Grant *grant = object;
        Suggest s = SUGGEST_INIT(n->text);
        char hint[SUGGEST_MAX];
        int role, r = load_want_scalar(l, n);

        (void)o;
        if (r < 0)
                return r;
        role = load_find_role(l->c, n->text, &s);
        if (role < 0)
                return load_fail(l, n, NULL, "there is no role \"" TEXT_FMT "\"%s", TEXT_ARG(n->text),
                                 suggest_text(&s, hint));
        grant->role = (size_t)role;
        return 0;
}

static void print_role(Printer *p, const Option *o, const void *object)
{
        option_print_text(p, o, p->c->policy.roles[((const Grant *)object)->role].name);
}

/* Agents and queues need no file: they appear with their first survey. Everything else must be known. */
static int check_known(Load *l, const Node *n, ScopeKind kind, Text name)
{
        Suggest s = SUGGEST_INIT(name);
        char hint[SUGGEST_MAX];

        if (kind == SCOPE_AGENT || kind == SCOPE_QUEUE || org_find(l->c->org, kind, name) != SCOPE_NONE)
                return 0;
        for (size_t i = 0; i < org_n_scopes(l->c->org); i++) {
                const ScopeInfo *scope = org_scope(l->c->org, (ScopeId)i);

                if (scope->kind == kind)
                        suggest_offer(&s, scope->name);
        }
        return load_fail(l, n, NULL, "no row of %s names the %s \"" TEXT_FMT "\"%s",
                         kind == SCOPE_LINE ? "the queue table" : "the roster", scope_kind_name(kind),
                         TEXT_ARG(name), suggest_text(&s, hint));
}

static int read_scope(Load *l, const Option *o, const Node *n, void *object)
{
        Grant *grant = object;
        Text name = TEXT_NULL;
        int r = load_want_scalar(l, n);

        (void)o;
        if (r < 0)
                return r;
        if (scope_parse(n->text, &grant->kind, &name) < 0)
                return load_fail(l, n, NULL,
                                 "\"" TEXT_FMT "\" is not a scope; write KIND/NAME, as in team/alpha, or org",
                                 TEXT_ARG(n->text));
        r = check_known(l, n, grant->kind, name);
        if (r == 0 && name.n)
                memcpy(grant->name, name.at, name.n);
        return r;
}

static void print_scope(Printer *p, const Option *o, const void *object)
{
        const Grant *grant = object;
        char text[SCOPE_TEXT_MAX];

        snprintf(text, sizeof(text), "%s%s%s", scope_kind_name(grant->kind), grant->name[0] ? "/" : "",
                 grant->name);
        option_print_text(p, o, text);
}

/* Whether scopes of kind @lower can lie under one of kind @upper. */
static bool can_lie_under(ScopeKind lower, ScopeKind upper)
{
        bool work = lower == SCOPE_QUEUE || lower == SCOPE_LINE;
        bool work_above = upper == SCOPE_QUEUE || upper == SCOPE_LINE;

        return lower < upper && (upper == SCOPE_ORG || work == work_above);
}

static int check_grant(Load *l, const Node *n, const Grant *grant)
{
        const Role *role = &l->c->policy.roles[grant->role];
        bool sees = role->sees_self && role->kinds[grant->kind];

        if (role->has_under && role->under != grant->kind)
                return load_fail(l, n, "scope", "the role %s is for scopes of the kind %s", role->name,
                                 scope_kind_name(role->under));
        for (ScopeKind kind = 0; kind < _SCOPE_KIND_N; kind++)
                sees |= role->sees_below && role->kinds[kind] && can_lie_under(kind, grant->kind);
        if (!sees)
                return load_fail(l, n, "scope", "the role %s can see nothing of this scope", role->name);
        return 0;
}

static int add_grant(Load *l, const Node *n, Principal *who)
{
        Grant *grant = &who->grants[who->n_grants];
        int r = option_read(l, "principals.*.grants.*", n, grant, true);

        if (r == 0)
                r = check_grant(l, n, grant);
        if (r == 0)
                who->n_grants++;
        return r;
}

static int read_grants(Load *l, const Option *o, const Node *n, void *object)
{
        Principal *who = object;
        int r = load_want_list(l, n, (size_t)o->max);

        if (r < 0)
                return r;
        who->grants = load_grow(NULL, 0, n->n, sizeof(*who->grants));
        if (!who->grants)
                return -ENOMEM;
        for (const Node *item = n->first; r == 0 && item; item = item->next)
                r = add_grant(l, item, who);
        return r;
}

static void print_grants(Printer *p, const Option *o, const void *object)
{
        const Principal *who = object;

        if (!who->n_grants)
                return;
        printer_key(p, text_of(option_key(o)));
        printer_open(p);
        p->depth++;
        for (size_t i = 0; i < who->n_grants; i++) {
                p->item = true;
                option_print(p, "principals.*.grants.*", &who->grants[i]);
        }
        p->depth--;
        printer_close(p);
}

/* finish() makes a grant of both keys. */
static int read_short_grant(Load *l, const Option *o, const Node *n, void *object)
{
        (void)o;
        (void)object;
        return load_want_scalar(l, n);
}

static void print_nothing(Printer *p, const Option *o, const void *object)
{
        (void)p;
        (void)o;
        (void)object;
}

static int read_short(Load *l, const Node *n, Principal *who)
{
        const Node *role = node_get(n, "role");
        const Node *scope = node_get(n, "scope");
        Grant *grant;
        int r;

        if (!role && !scope)
                return 0;
        if (node_get(n, "grants"))
                return load_fail(l, n, role ? "role" : "scope", "goes into grants when there are grants");
        if (!role || !scope)
                return load_fail(l, n, role ? "scope" : "role", "is missing; a grant needs role and scope");
        who->grants = load_grow(NULL, 0, 1, sizeof(*who->grants));
        if (!who->grants)
                return -ENOMEM;
        grant = &who->grants[0];
        r = read_role(l, NULL, role, grant);
        if (r == 0)
                r = read_scope(l, NULL, scope, grant);
        if (r == 0)
                r = check_grant(l, n, grant);
        if (r == 0)
                who->n_grants = 1;
        return r;
}

static int read_user(Load *l, const Option *o, const Node *n, void *object)
{
        Principal *who = object;
        struct passwd entry, *found = NULL;
        char name[256], memory[16384];
        int r = load_want_scalar(l, n);

        (void)o;
        if (r < 0)
                return r;
        if (n->text.n < sizeof(name)) {
                memcpy(name, n->text.at, n->text.n);
                name[n->text.n] = '\0';
                r = getpwnam_r(name, &entry, memory, sizeof(memory), &found);
                if (r == ENOMEM)
                        return -ENOMEM;
        }
        if (!found)
                return load_fail(l, n, NULL, "this system has no user \"" TEXT_FMT "\"", TEXT_ARG(n->text));
        who->uid = entry.pw_uid;
        who->has_uid = true;
        return 0;
}

static int read_uid(Load *l, const Option *o, const Node *n, void *object)
{
        Principal *who = object;
        int64_t value;
        int r;

        if (who->has_uid)
                return load_fail(l, n, NULL, "user says it already; keep one of them");
        r = option_read_int(l, o, n, &value);
        if (r < 0)
                return r;
        who->uid = (unsigned)value;
        who->has_uid = true;
        return 0;
}

static void print_uid(Printer *p, const Option *o, const void *object)
{
        const Principal *who = object;
        char text[24];

        snprintf(text, sizeof(text), "%u", who->uid);
        if (who->has_uid)
                option_print_plain(p, o, text);
}

static int finish(Load *l, const Node *n, const Principal *who)
{
        const Policy *policy = &l->c->policy;

        if (!who->n_grants && !who->admin)
                return load_fail(l, n, NULL,
                                 "may see nothing; give it role and scope, grants, or admin: true");
        for (const Principal *other = policy->principals; other < who; other++) {
                if (who->has_uid && other->has_uid && who->uid == other->uid)
                        return load_fail(l, n, node_get(n, "user") ? "user" : "uid",
                                         "is that of the principal \"%s\", too", other->name);
                if (who->has_token && other->has_token &&
                    memcmp(who->token_sha256, other->token_sha256, sizeof(who->token_sha256)) == 0)
                        return load_fail(l, n, "token_sha256", "is that of the principal \"%s\", too",
                                         other->name);
        }
        return 0;
}

/* Its own endpoint, feed/NAME.ipc, lies beside the first address of listen.feed, which is read before. */
static int check_feed_path(Load *l, const Node *n)
{
        const char *first = l->c->n_listen[CONFIG_FEED] ? l->c->listen[CONFIG_FEED][0] : NULL;
        const char *path = first ? strstr(first, ":///") : NULL;
        size_t length;

        if (!path)
                return 0;
        path += strlen("://");
        length = (size_t)(strrchr(path, '/') - path) + strlen("/feed/.ipc") + n->key.n;
        if (length > ENDPOINT_PATH_MAX)
                return load_fail(
                        l, n, NULL,
                        "the path of its feed, beside %s, would have %zu bytes; sockets take at most "
                        "%d: a shorter name is right, or another folder for listen.feed",
                        path, length, ENDPOINT_PATH_MAX);
        return 0;
}

static int read_principal(Load *l, const Node *n, Principal *who)
{
        int r;

        if (!metric_name_ok(n->key))
                return load_fail(l, n, NULL,
                                 "is not a name; names have 1 to 64 letters, digits, _, - and ., and begin "
                                 "with a letter");
        if (text_is(n->key, "admin"))
                return load_fail(
                        l, n, NULL,
                        "is the name of root and the daemon's own user; give this principal another one");
        r = check_feed_path(l, n);
        if (r < 0)
                return r;
        memcpy(who->name, n->key.at, n->key.n);
        r = option_read(l, "principals.*", n, who, true);
        if (r == 0)
                r = read_short(l, n, who);
        return r < 0 ? r : finish(l, n, who);
}

static int read_principals(Load *l, const Option *o, const Node *n, void *object)
{
        Policy *policy = &((Config *)object)->policy;
        int r = load_want_map(l, n, (size_t)o->max);

        if (r < 0)
                return r;
        policy->principals = load_grow(NULL, 0, n->n, sizeof(*policy->principals));
        if (!policy->principals)
                return -ENOMEM;
        for (const Node *child = n->first; r == 0 && child; child = child->next)
                r = read_principal(l, child, &policy->principals[policy->n_principals++]);
        return r;
}

static void print_principals(Printer *p, const Option *o, const void *object)
{
        const Policy *policy = &((const Config *)object)->policy;

        if (!policy->n_principals) {
                option_print_plain(p, o, "{}");
                return;
        }
        printer_key(p, text_of(option_key(o)));
        printer_open(p);
        for (size_t i = 0; i < policy->n_principals; i++) {
                printer_key(p, text_of(policy->principals[i].name));
                printer_open(p);
                option_print(p, "principals.*", &policy->principals[i]);
                printer_close(p);
        }
        printer_close(p);
}

const OptionType type_principals = {"a map of names", read_principals, print_principals};
const OptionType type_short_grant = {"a text", read_short_grant, print_nothing};
const OptionType type_grants = {"a list of sections", read_grants, print_grants};
const OptionType type_role = {"the name of a role", read_role, print_role};
const OptionType type_scope = {"a scope", read_scope, print_scope};
const OptionType type_user = {"the name of a user", read_user, print_nothing};
const OptionType type_uid = {"a number", read_uid, print_uid};

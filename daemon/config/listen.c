/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/config/endpoint.h"
#include "daemon/config/file.h"
#include "daemon/config/option_types.h"

/* Whether @text, which was an address before, is that of the same place. */
static bool is_at(const Endpoint *a, const char *text)
{
        const char *port = strrchr(text, ':');
        Endpoint other;
        char why[320];

        /* To parse takes a while, and most have another port. */
        if (a->kind == ENDPOINT_TCP && (!port || strtoul(port + 1, NULL, 10) != a->port))
                return false;
        return !endpoint_parse(&other, text_of(text), "", why, sizeof(why)) &&
               strcmp(other.place, a->place) == 0;
}

/* Whether another face, or this one, listens there already. */
static bool is_taken(const Config *c, const Endpoint *a)
{
        if (a->kind == ENDPOINT_TCP && a->port == 0)
                return false;
        for (ConfigFace face = 0; face < _CONFIG_FACE_N; face++) {
                for (size_t i = 0; i < c->n_listen[face]; i++)
                        if (is_at(a, c->listen[face][i]))
                                return true;
        }
        return false;
}

/* What can be reached from other machines needs TLS, or somebody who says that it need not. @lines: TLS is possible. */
static int check_reach(Load *l, const Node *n, const Endpoint *a, bool lines)
{
        if (a->kind != ENDPOINT_TCP || a->loopback || l->c->insecure)
                return 0;
        if (!lines)
                return load_fail(
                        l, n, NULL,
                        "\"%s\" can be reached from other machines, and nanomsg has no TLS; use a loopback "
                        "address, or set insecure: true",
                        a->text);
        if (!l->c->tls_certificate)
                return load_fail(
                        l, n, NULL,
                        "\"%s\" can be reached from other machines without TLS; set tls.certificate and "
                        "tls.key, or insecure: true",
                        a->text);
        return 0;
}

static int read_address(Load *l, const Node *n, ConfigFace face, Endpoint *ret)
{
        bool lines = face == CONFIG_LINES || face == CONFIG_HTTP;
        const char *wrong;
        char why[320];
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        wrong = endpoint_parse(ret, n->text, l->runtime_dir, why, sizeof(why));
        if (wrong)
                return load_fail(l, n, NULL, "%s", wrong);
        if (lines && ret->kind == ENDPOINT_IPC)
                return load_fail(l, n, NULL, "this face takes tcp:// and unix://, not ipc://");
        if (!lines && ret->kind == ENDPOINT_UNIX)
                return load_fail(l, n, NULL, "nanomsg faces take tcp:// and ipc://, not unix://");
        if (is_taken(l->c, ret))
                return load_fail(l, n, NULL, "\"%s\" is named twice", ret->text);
        if (face == CONFIG_FEED && ret->kind == ENDPOINT_TCP)
                return load_fail(l, n, NULL,
                                 "nobody can tell who connects to \"%s\"; make it the feed of one principal: "
                                 "principals.NAME.feed",
                                 ret->text);
        return check_reach(l, n, ret, lines);
}

/* The feed of one principal, whoever connects. */
static int read_feed(Load *l, const Option *o, const Node *n, void *object)
{
        const Policy *policy = &l->c->policy;
        Principal *who = object;
        const char *wrong;
        char why[320];
        Endpoint a;
        int r = load_want_scalar(l, n);

        (void)o;
        if (r < 0)
                return r;
        wrong = endpoint_parse(&a, n->text, l->runtime_dir, why, sizeof(why));
        if (wrong)
                return load_fail(l, n, NULL, "%s", wrong);
        if (a.kind != ENDPOINT_TCP)
                return load_fail(
                        l, n, NULL,
                        "this takes tcp://; the Unix socket feed/NAME.ipc is there without being named");
        for (const Principal *other = policy->principals; other < who; other++)
                if (a.port != 0 && is_at(&a, other->feed))
                        return load_fail(l, n, NULL, "\"%s\" is the feed of the principal \"%s\", too",
                                         a.text, other->name);
        if (is_taken(l->c, &a))
                return load_fail(l, n, NULL, "\"%s\" is named twice", a.text);
        r = check_reach(l, n, &a, false);
        if (r == 0)
                memcpy(who->feed, a.text, sizeof(who->feed));
        return r;
}

static void print_feed(Printer *p, const Option *o, const void *object)
{
        const Principal *who = object;

        if (who->feed[0])
                option_print_text(p, o, who->feed);
}

static int read_addresses(Load *l, const Option *o, const Node *n, void *object)
{
        char ***at = option_at(object, o->at);
        size_t *at_n = option_at(object, o->at_n);
        ConfigFace face = (ConfigFace)(at_n - l->c->n_listen);
        Endpoint a;
        int r = load_want_list(l, n, (size_t)o->max);

        if (r < 0)
                return r;
        *at = load_grow(NULL, 0, n->n, sizeof(char *));
        if (!*at)
                return -ENOMEM;
        for (const Node *item = n->first; item; item = item->next) {
                r = read_address(l, item, face, &a);
                if (r < 0)
                        return r;
                (*at)[*at_n] = strdup(a.text);
                if (!(*at)[*at_n])
                        return -ENOMEM;
                ++*at_n;
        }
        return 0;
}

/* The only colon, or one behind the bracket: an IPv6 address has more. */
static bool has_port(Text host)
{
        size_t n = host.n; /* up to the last colon, which it includes */

        while (n > 0 && host.at[n - 1] != ':')
                n--;
        return n > 0 && (!memchr(host.at, ':', n - 1) || host.at[n - 2] == ']');
}

/* Names for the Host header: what stands before the port in a URL. */
static int read_hosts(Load *l, const Option *o, const Node *n, void *object)
{
        int r = load_want_list(l, n, (size_t)o->max);

        for (const Node *item = n->first; r == 0 && item; item = item->next) {
                r = load_want_scalar(l, item);
                for (size_t i = 0; r == 0 && i < item->text.n; i++) {
                        char c = item->text.at[i];
                        bool word =
                                (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

                        if (item->text.n > 255 || (!word && !strchr("-.:[]", c)))
                                return load_fail(l, item, NULL,
                                                 "\"" TEXT_FMT
                                                 "\" is not a host name; write it as in cx.example.com",
                                                 TEXT_ARG(item->text));
                }
                if (r == 0 && item->text.n == 0)
                        return load_fail(l, item, NULL, "a host name is missing here");
                if (r == 0 && has_port(item->text))
                        return load_fail(l, item, NULL,
                                         "\"" TEXT_FMT
                                         "\" has a port, and is meant for every port; write the name alone",
                                         TEXT_ARG(item->text));
        }
        return r < 0 ? r : type_texts.read(l, o, n, object);
}

static int read_store(Load *l, const Option *o, const Node *n, void *object)
{
        char **at = option_at(object, o->at);
        int r = load_want_scalar(l, n);

        if (r < 0)
                return r;
        if (n->text.n == 0 || n->text.at[n->text.n - 1] == '/')
                return load_fail(l, n, NULL, "\"" TEXT_FMT "\" is not the path of a file", TEXT_ARG(n->text));
        *at = file_join(l->state_dir, n->text);
        return *at ? 0 : -ENOMEM;
}

static int read_tls(Load *l, const Option *o, const Node *n, void *object)
{
        Config *c = object;
        int r = option_read(l, o->name, n, object, true);

        if (r == 0 && !c->tls_certificate != !c->tls_key)
                return load_fail(l, n, c->tls_key ? "certificate" : "key",
                                 "is missing; TLS needs both files");
        return r;
}

static void print_tls(Printer *p, const Option *o, const void *object)
{
        const Config *c = object;

        if (c->tls_certificate)
                type_section.print(p, o, object);
}

static void print_texts(Printer *p, const Option *o, const void *object)
{
        type_texts.print(p, o, object);
}

static void print_path(Printer *p, const Option *o, const void *object)
{
        type_path.print(p, o, object);
}

const OptionType type_addresses = {"a list of addresses", read_addresses, print_texts};
const OptionType type_feed = {"an address", read_feed, print_feed};
const OptionType type_hosts = {"a list of host names", read_hosts, print_texts};
const OptionType type_store = {"a path", read_store, print_path};
const OptionType type_tls = {"a section", read_tls, print_tls};

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Opens and closes what the daemon listens on.
 *
 * The happy path is: sockets that systemd hands over are taken by their names (lines, http, pull, rep, feed);
 * what the configuration names besides is bound here; each principal gets a feed endpoint of its own.
 * Possible failure modes: an address is taken or not allowed; the start fails then, with the address in the
 * log, unless it is the feed of one principal, whom the others do not wait for.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/log.h"
#include "daemon/server/state.h"

/* Asking is for everybody, because who asks is known by the peer's credentials; sending for the daemon's group. */
#define ASK_MODE  0666
#define SEND_MODE 0660
/* Files that are no connections: the store and its log, a snapshot and a backup, what a reload reads, the loop's own. */
#define FILES_RESERVE 40

static const char *const face_names[_CONFIG_FACE_N] = {
        [CONFIG_LINES] = "lines", [CONFIG_HTTP] = "http", [CONFIG_PULL] = "pull",
        [CONFIG_REP] = "rep",     [CONFIG_FEED] = "feed",
};

static ListenerFn face_fn(Server *s, ConfigFace face, void **ret_user)
{
        switch (face) {
        case CONFIG_LINES:
                *ret_user = s->lines;
                return line_server_accept;
        case CONFIG_HTTP:
                *ret_user = s->http;
                return http_server_accept;
        case CONFIG_PULL:
                *ret_user = s->pull;
                return sp_socket_accept;
        case CONFIG_REP:
                *ret_user = s->rep;
                return sp_socket_accept;
        default:
                *ret_user = s->pub;
                return sp_socket_accept;
        }
}

/* Who comes over TCP may be anybody; whoever is on the machine gets in beside them. */
static unsigned max_over_tcp(unsigned most)
{
        unsigned others = most / 8 > 8 ? most / 8 : 8;

        return others < most / 2 ? most - others : most / 2;
}

int faces_caps_new(Server *s)
{
        unsigned max = (unsigned)s->config->max_connections;
        int r = conn_cap_new(&s->cap, max, NULL);

        return r < 0 ? r : conn_cap_new(&s->tcp_cap, max_over_tcp(max), s->cap);
}

static int listen_on(Server *s, ConfigFace face, ListenerConfig *config, const char *text)
{
        Address inherited;
        bool is_unix = config->fd >= 0
                               ? address_of_fd(config->fd, &inherited) == 0 && address_is_unix(&inherited)
                               : address_is_unix(&config->address);
        char bound[ADDRESS_TEXT_MAX];
        Listener **more;
        ListenerFn fn;
        void *user;
        int r;

        more = reallocarray(s->listeners, s->n_listeners + 1, sizeof(Listener *));
        if (!more)
                return -ENOMEM;
        s->listeners = more;
        config->mode = face == CONFIG_HTTP || face == CONFIG_FEED ? ASK_MODE : SEND_MODE;
        config->total = is_unix ? s->cap : s->tcp_cap;
        /* Who is at the other end of a Unix socket is known without it. */
        if ((face == CONFIG_LINES || face == CONFIG_HTTP) && !is_unix)
                config->tls = s->tls;
        fn = face_fn(s, face, &user);
        r = listener_new(&s->listeners[s->n_listeners], s->loop, config, fn, user);
        if (r < 0) {
                log_err("listen %s %s failed: %s", face_names[face], text, strerror(-r));
                return r;
        }
        log_info("listen %s address=%s", face_names[face],
                 address_format(listener_address(s->listeners[s->n_listeners]), bound));
        s->n_listeners++;
        return 0;
}

/* Takes over what systemd gave for this face. */
static int listen_inherited(Server *s, ConfigFace face)
{
        Notify *n = s->options.notify;

        for (size_t i = 0; i < n->n_fds; i++) {
                ListenerConfig config = LISTENER_CONFIG_NULL;
                int r;

                if (n->fds[i].fd < 0 || strcmp(n->fds[i].name, face_names[face]) != 0)
                        continue;
                config.fd = n->fds[i].fd;
                r = listen_on(s, face, &config, "inherited socket");
                if (r < 0)
                        return r;
                n->fds[i].fd = -1;
        }
        return 0;
}

/* What is left belongs to no face: nobody would ever accept who connects there. */
static void drop_strangers(Server *s)
{
        Notify *n = s->options.notify;

        for (size_t i = 0; i < n->n_fds; i++) {
                if (n->fds[i].fd < 0)
                        continue;
                log_warning("inherited socket name=%s is none of lines, http, pull, rep, feed "
                            "(FileDescriptorName=), closing it",
                            LOG_QUOTE(text_of(n->fds[i].name)));
                close(n->fds[i].fd);
                n->fds[i].fd = -1;
        }
}

/* By a listener of the same face, which begin at @first: at one of another face the wrong protocol would answer. */
static bool is_open_already(const Server *s, size_t first, const Address *a)
{
        char text[ADDRESS_TEXT_MAX], open[ADDRESS_TEXT_MAX];

        address_format(a, text);
        for (size_t i = first; i < s->n_listeners; i++) {
                Address other = *listener_address(s->listeners[i]);

                /* Who takes IPv4, too, takes what is for IPv6 alone. */
                other.any = other.any && a->any;
                if (strcmp(address_format(&other, open), text) == 0)
                        return true;
        }
        return false;
}

int faces_listen(Server *s)
{
        for (int face = 0; face < _CONFIG_FACE_N; face++) {
                size_t first = s->n_listeners;
                int r = listen_inherited(s, (ConfigFace)face);

                if (r < 0)
                        return r;
                for (size_t i = 0; i < s->config->n_listen[face]; i++) {
                        ListenerConfig config = LISTENER_CONFIG_NULL;
                        const char *text = s->config->listen[face][i];
                        char reason[ADDRESS_REASON_MAX];

                        if (address_parse(&config.address, text_of(text), reason) < 0) {
                                log_err("listen %s %s: %s", face_names[face], text, reason);
                                return -EINVAL;
                        }
                        if (is_open_already(s, first, &config.address))
                                continue;
                        r = listen_on(s, (ConfigFace)face, &config, text);
                        if (r < 0)
                                return r;
                }
        }
        drop_strangers(s);
        return 0;
}

/* The directory of the first feed that is a file; false: there is none, and so there are no endpoints. */
static bool endpoint_directory(const Server *s, char *ret, size_t size)
{
        for (size_t i = 0; i < s->config->n_listen[CONFIG_FEED]; i++) {
                const char *path = strstr(s->config->listen[CONFIG_FEED][i], ":///");
                const char *slash = path ? strrchr(path + 3, '/') : NULL;

                if (!slash)
                        continue;
                snprintf(ret, size, "%.*s/feed", (int)(slash - (path + 3)), path + 3);
                return true;
        }
        return false;
}

/* A principal with a uid is known by it; the feed of one without is for root and the daemon's own user. */
static int listen_feed(Server *s, FeedEndpoint *e, const Principal *who, const char *text, Listener **ret)
{
        ListenerConfig config = LISTENER_CONFIG_NULL;
        char reason[ADDRESS_REASON_MAX];
        int r = address_parse(&config.address, text_of(text), reason);

        if (r < 0) {
                log_err("listen feed %s: %s", text, reason);
                return r;
        }
        config.mode = who->has_uid ? ASK_MODE : 0600;
        config.total = address_is_unix(&config.address) ? s->cap : s->tcp_cap;
        r = listener_new(ret, s->loop, &config, sp_socket_accept, e->socket);
        if (r < 0)
                log_err("listen feed %s failed: %s", text, strerror(-r));
        return r;
}

static FeedEndpoint *find_endpoint(const Server *s, const char *name)
{
        for (FeedEndpoint *e = s->endpoints; e; e = e->next)
                if (strcmp(e->principal, name) == 0)
                        return e;
        return NULL;
}

static int get_endpoint(Server *s, const Principal *who, FeedEndpoint **ret)
{
        FeedEndpoint *e = find_endpoint(s, who->name);
        int r;

        if (!e) {
                r = face_sp_endpoint_new(s, who->name, &e);
                if (r < 0)
                        return r;
                e->next = s->endpoints;
                s->endpoints = e;
                memcpy(e->address, who->feed, sizeof(e->address));
                e->has_uid = who->has_uid;
        }
        *ret = e;
        return 0;
}

/* Opens of a principal's endpoint what is not open; each part of it whatever becomes of the other. */
static int listen_endpoint(Server *s, const char *directory, const Principal *who, bool *ret_is_new)
{
        char text[512], bound[ADDRESS_TEXT_MAX];
        FeedEndpoint *e;
        int r = get_endpoint(s, who, &e), result = r;

        *ret_is_new = false;
        if (r == 0 && directory && !e->listener) {
                snprintf(text, sizeof(text), "ipc://%s/%s.ipc", directory, who->name);
                result = listen_feed(s, e, who, text, &e->listener);
                *ret_is_new = result == 0;
        }
        if (r == 0 && who->feed[0] && !e->tcp) {
                r = listen_feed(s, e, who, who->feed, &e->tcp);
                if (r == 0)
                        log_info("listen feed principal=%s address=%s", who->name,
                                 address_format(listener_address(e->tcp), bound));
        }
        return result < 0 ? result : r;
}

static const Principal *find_principal(const Config *c, const char *name)
{
        for (size_t i = 0; i < c->policy.n_principals; i++)
                if (strcmp(c->policy.principals[i].name, name) == 0)
                        return &c->policy.principals[i];
        return NULL;
}

/* Those of principals that are gone, or whose address is another one now. */
static void drop_endpoints(Server *s)
{
        for (FeedEndpoint **link = &s->endpoints; *link;) {
                FeedEndpoint *e = *link;
                const Principal *who = find_principal(s->config, e->principal);

                if (who && strcmp(who->feed, e->address) == 0 && who->has_uid == e->has_uid) {
                        link = &e->next;
                } else {
                        *link = e->next;
                        face_sp_endpoint_free(e);
                }
        }
}

/* Everybody gets to the endpoints, which have modes of their own; whatever the umask is, or was when it was made. */
static int make_directory(const char *path)
{
        return (mkdir(path, 0755) < 0 && errno != EEXIST) || chmod(path, 0755) < 0 ? -errno : 0;
}

void faces_listen_feeds(Server *s)
{
        const Config *c = s->config;
        char directory[256];
        bool files = endpoint_directory(s, directory, sizeof(directory));
        size_t n_new = 0;
        int result = 0;

        drop_endpoints(s);
        if (files)
                result = make_directory(directory);
        if (result < 0)
                log_err("feed directory=%s cannot be made, or opened to others: %s", directory,
                        strerror(-result));
        for (size_t i = 0; i < c->policy.n_principals; i++) {
                bool is_new;
                int r = listen_endpoint(s, files ? directory : NULL, &c->policy.principals[i], &is_new);

                n_new += is_new;
                /* One that is taken is no matter of the others. */
                if (r < 0 && result == 0)
                        result = r;
        }
        if (n_new)
                log_info("listen feed endpoints=%zu directory=%s", n_new, directory);
        if (result < 0)
                log_warning(
                        "not every feed endpoint could be opened, going on without; a reload tries again");
}

void faces_limit(Server *s)
{
        size_t max = s->config->max_connections, own = s->n_listeners + FILES_RESERVE;
        struct rlimit files;

        for (const FeedEndpoint *e = s->endpoints; e; e = e->next)
                own += (e->listener != NULL) + (e->tcp != NULL);
        if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < max + own) {
                size_t left = files.rlim_cur > own ? (size_t)files.rlim_cur - own : 1;

                log_warning(
                        "limits.connections=%zu is more than the limit of open files=%llu bears, taking %zu; "
                        "LimitNOFILE= raises it",
                        max, (unsigned long long)files.rlim_cur, left);
                max = left;
        }
        conn_cap_set_max(s->cap, (unsigned)max);
        conn_cap_set_max(s->tcp_cap, max_over_tcp((unsigned)max));
}

void faces_stop_listening(Server *s)
{
        for (size_t i = 0; i < s->n_listeners; i++)
                listener_stop(s->listeners[i]);
        for (FeedEndpoint *e = s->endpoints; e; e = e->next) {
                if (e->listener)
                        listener_stop(e->listener);
                if (e->tcp)
                        listener_stop(e->tcp);
        }
}

void faces_free(Server *s)
{
        for (size_t i = 0; i < s->n_listeners; i++)
                listener_free(s->listeners[i]);
        free(s->listeners);
        s->listeners = NULL;
        s->n_listeners = 0;
        while (s->endpoints) {
                FeedEndpoint *e = s->endpoints;

                s->endpoints = e->next;
                face_sp_endpoint_free(e);
        }
        s->lines = line_server_free(s->lines);
        s->http = http_server_free(s->http);
        s->pull = sp_socket_free(s->pull);
        s->rep = sp_socket_free(s->rep);
        s->pub = sp_socket_free(s->pub);
}

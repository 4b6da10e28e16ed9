/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <stdio.h>

#include "daemon/config/endpoint.h"

static bool take(Text *t, const char *prefix)
{
        size_t n = strlen(prefix);

        if (t->n < n || memcmp(t->at, prefix, n) != 0)
                return false;
        t->at += n;
        t->n -= n;
        return true;
}

/*
 * Whether @host is one that can be listened on without a look-up, whether it is this machine only, and the one way to
 * write it that stands for all.
 */
static bool host_ok(Text host, bool *ret_loopback, char ret_name[INET6_ADDRSTRLEN])
{
        struct in6_addr v6;
        struct in_addr v4;
        char name[64];
        bool brackets = host.n > 2 && host.at[0] == '[' && host.at[host.n - 1] == ']';

        if (brackets) {
                host.at++;
                host.n -= 2;
        }
        if (host.n == 0 || host.n >= sizeof(name))
                return false;
        memcpy(name, host.at, host.n);
        name[host.n] = '\0';
        if (brackets) {
                if (inet_pton(AF_INET6, name, &v6) != 1)
                        return false;
                *ret_loopback = IN6_IS_ADDR_LOOPBACK(&v6);
                return inet_ntop(AF_INET6, &v6, ret_name, INET6_ADDRSTRLEN);
        }
        if (strcmp(name, "localhost") == 0 || strcmp(name, "*") == 0) {
                *ret_loopback = name[0] == 'l';
                snprintf(ret_name, INET6_ADDRSTRLEN, "%s", *ret_loopback ? "127.0.0.1" : "*");
                return true;
        }
        if (inet_pton(AF_INET, name, &v4) != 1)
                return false;
        *ret_loopback = ntohl(v4.s_addr) >> 24 == 127;
        return inet_ntop(AF_INET, &v4, ret_name, INET6_ADDRSTRLEN);
}

static const char *parse_tcp(Endpoint *a, Text text, Text rest, char *why, size_t why_size)
{
        char host[INET6_ADDRSTRLEN];
        size_t colon = rest.n;
        int64_t port;

        while (colon && rest.at[colon - 1] != ':')
                colon--;
        if (colon < 2) {
                snprintf(why, why_size, "\"" TEXT_FMT "\" has no port; write tcp://HOST:PORT",
                         TEXT_ARG(text));
                return why;
        }
        if (!host_ok((Text){.at = rest.at, .n = colon - 1}, &a->loopback, host)) {
                snprintf(why, why_size,
                         "\"%.*s\" is no host to listen on; write an address such as 127.0.0.1, 0.0.0.0, "
                         "[::1] or "
                         "localhost",
                         (int)(colon - 1), rest.at);
                return why;
        }
        rest.at += colon;
        rest.n -= colon;
        if (rest.n == 0 || rest.at[0] < '0' || rest.at[0] > '9' || text_to_int64(rest, &port) < 0 ||
            port > 65535) {
                snprintf(why, why_size,
                         "\"" TEXT_FMT "\" is no port; ports are 1 to 65535 (0: any that is free)",
                         TEXT_ARG(rest));
                return why;
        }
        a->port = (unsigned)port;
        snprintf(a->text, sizeof(a->text), TEXT_FMT, TEXT_ARG(text));
        snprintf(a->place, sizeof(a->place), "%s %u", host, a->port);
        return NULL;
}

static const char *parse_path(Endpoint *a, const char *scheme, Text path, const char *runtime_dir, char *why,
                              size_t why_size)
{
        const char *base = "";
        size_t n;

        if (take(&path, "%R/")) {
                base = runtime_dir;
                if (base[0] != '/') {
                        snprintf(why, why_size,
                                 "%%R is the runtime directory \"%s\", which is no absolute path", base);
                        return why;
                }
                path.at--;
                path.n++;
        }
        if (path.n < 2 || path.at[0] != '/' || memchr(path.at, '%', path.n)) {
                snprintf(why, why_size,
                         "\"" TEXT_FMT "\" is no path for a socket; write %s:///PATH or %s://%%R/NAME",
                         TEXT_ARG(path), scheme, scheme);
                return why;
        }
        n = strlen(base) + path.n;
        if (n > ENDPOINT_PATH_MAX) {
                snprintf(why, why_size, "the path has %zu bytes; sockets take at most %d", n,
                         ENDPOINT_PATH_MAX);
                return why;
        }
        a->loopback = true;
        snprintf(a->text, sizeof(a->text), "%s://%s" TEXT_FMT, scheme, base, TEXT_ARG(path));
        snprintf(a->place, sizeof(a->place), "%s" TEXT_FMT, base, TEXT_ARG(path));
        return NULL;
}

const char *endpoint_parse(Endpoint *ret, Text text, const char *runtime_dir, char *why, size_t why_size)
{
        Endpoint a = {0};
        const char *wrong;
        Text rest = text;

        if (text.n >= ENDPOINT_MAX) {
                snprintf(why, why_size, "an address has at most %d bytes", ENDPOINT_MAX - 1);
                return why;
        }
        if (take(&rest, "tcp://")) {
                a.kind = ENDPOINT_TCP;
                wrong = parse_tcp(&a, text, rest, why, why_size);
        } else if (take(&rest, "unix://")) {
                a.kind = ENDPOINT_UNIX;
                wrong = parse_path(&a, "unix", rest, runtime_dir, why, why_size);
        } else if (take(&rest, "ipc://")) {
                a.kind = ENDPOINT_IPC;
                wrong = parse_path(&a, "ipc", rest, runtime_dir, why, why_size);
        } else {
                snprintf(why, why_size,
                         "\"" TEXT_FMT "\" is no address; write tcp://HOST:PORT, unix:///PATH or ipc:///PATH",
                         TEXT_ARG(text));
                return why;
        }
        if (!wrong)
                *ret = a;
        return wrong;
}

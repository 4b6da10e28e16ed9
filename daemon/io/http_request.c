/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One request, as a handler sees it.
 *
 * The happy path is: the head is copied, parsed, path and query decoded once. Possible failure modes are: not
 * strict HTTP, bad percent-encoding, too many parameters (a refusal); no memory.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "daemon/io/http_private.h"

/* Decodes @t to the end of what is decoded already. */
static int decode(HttpRequest *r, size_t *used, Text t, bool plus, Text *ret)
{
        size_t n;

        if (http_decode(t, plus, r->decoded + *used, &n) < 0)
                return -EINVAL;
        *ret = (Text){r->decoded + *used, n};
        *used += n;
        return 0;
}

static int decode_params(HttpRequest *r, size_t *used)
{
        Text rest = r->head.query;

        while (rest.n > 0) {
                const char *amp = memchr(rest.at, '&', rest.n);
                size_t n = amp ? (size_t)(amp - rest.at) : rest.n;
                const char *equals = memchr(rest.at, '=', n);
                size_t name_n = equals ? (size_t)(equals - rest.at) : n;
                Text value = equals ? (Text){equals + 1, n - name_n - 1} : (Text){rest.at + n, 0};
                HttpParam *p = &r->params[r->n_params];

                if (n > 0) {
                        if (r->n_params == HTTP_PARAMS_MAX)
                                return -EINVAL;
                        if (decode(r, used, (Text){rest.at, name_n}, true, &p->name) < 0 ||
                            decode(r, used, value, true, &p->value) < 0)
                                return -EINVAL;
                        r->n_params++;
                }
                n += amp ? 1 : 0;
                rest.at += n;
                rest.n -= n;
        }
        return 0;
}

static int fill(HttpRequest *r, Text head_bytes, HttpRefusal *refusal)
{
        size_t used = 0;
        int k;

        r->head_bytes = text_dup(head_bytes);
        if (!r->head_bytes)
                return -ENOMEM;
        k = http_head_parse(r->head_bytes, head_bytes.n, &r->head, refusal);
        if (k != 0)
                return k;
        r->decoded = malloc(r->head.path.n + r->head.query.n + 1);
        if (!r->decoded)
                return -ENOMEM;
        if (decode(r, &used, r->head.path, false, &r->path) < 0 || decode_params(r, &used) < 0) {
                *refusal = (HttpRefusal){
                        400, "the path or query is not properly encoded, or has too many parameters"};
                return 1;
        }
        return 0;
}

int http_request_new(HttpRequest **ret, HttpServer *s, HttpConn *c, Text head_bytes, HttpRefusal *refusal)
{
        HttpRequest *r = calloc(1, sizeof(*r));
        int k;

        if (!r)
                return -ENOMEM;
        r->body = BUFFER_NULL;
        k = fill(r, head_bytes, refusal);
        if (k != 0) {
                http_request_discard(r);
                return k;
        }
        r->server = s;
        r->conn = c;
        r->peer = *conn_peer(c->conn);
        LIST_INSERT_HEAD(&s->requests, r, link);
        *ret = r;
        return 0;
}

void http_request_discard(HttpRequest *r)
{
        if (r->server) {
                LIST_REMOVE(r, link);
                r->server->stats.body_bytes -= r->body.n;
                r->server->long_bytes -= r->is_long ? r->body.n : 0;
        }
        buffer_deinit(&r->body);
        free(r->decoded);
        free(r->head_bytes);
        free(r);
}

HttpMethod http_method(const HttpRequest *r)
{
        return r->head.method;
}

Text http_path(const HttpRequest *r)
{
        return r->path;
}

Text http_param(const HttpRequest *r, const char *name)
{
        for (size_t i = 0; i < r->n_params; i++)
                if (text_is(r->params[i].name, name))
                        return r->params[i].value;
        return TEXT_NULL;
}

size_t http_n_params(const HttpRequest *r)
{
        return r->n_params;
}

void http_param_at(const HttpRequest *r, size_t i, Text *ret_name, Text *ret_value)
{
        *ret_name = r->params[i].name;
        *ret_value = r->params[i].value;
}

Text http_header(const HttpRequest *r, const char *name)
{
        return http_head_field(&r->head, name);
}

bool http_host_is_plain(Text host)
{
        char text[INET6_ADDRSTRLEN] = "";
        unsigned char address[sizeof(struct in6_addr)];

        if (host.n >= sizeof(text))
                return false;
        memcpy(text, host.at, host.n);
        return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1 ||
               strcasecmp(text, "localhost") == 0;
}

bool http_is_from_proxy(const HttpRequest *r)
{
        if (http_header(r, "Forwarded").at || http_header(r, "X-Forwarded-For").at)
                return true;
        return !r->peer.is_unix && r->head.host.at && !http_host_is_plain(r->head.host);
}

Text http_body(const HttpRequest *r)
{
        return buffer_text(&r->body);
}

const Peer *http_peer(const HttpRequest *r)
{
        return &r->peer;
}

void http_on_gone(HttpRequest *r, LoopFn fn, void *user)
{
        r->on_gone = fn;
        r->on_gone_user = user;
}

bool http_is_gone(const HttpRequest *r)
{
        return !r->conn;
}

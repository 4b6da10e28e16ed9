/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <strings.h>

#include "daemon/io/http_head.h"

static const char *const methods[] = {
        [HTTP_GET] = "GET",       [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",       [HTTP_PUT] = "PUT",
        [HTTP_DELETE] = "DELETE", [HTTP_PATCH] = "PATCH", [HTTP_OPTIONS] = "OPTIONS", [HTTP_TRACE] = "TRACE",
};

const char *http_method_name(HttpMethod m)
{
        return methods[m];
}

bool http_is_token_char(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(Text t)
{
        for (size_t i = 0; i < t.n; i++)
                if (!http_is_token_char(t.at[i]))
                        return false;
        return t.n > 0;
}

static bool is_digits(Text t)
{
        for (size_t i = 0; i < t.n; i++)
                if (t.at[i] < '0' || t.at[i] > '9')
                        return false;
        return t.n > 0;
}

static bool same_name(Text t, const char *name)
{
        return t.n == strlen(name) && strncasecmp(t.at, name, t.n) == 0;
}

static int refuse(HttpRefusal *r, int status, const char *text)
{
        *r = (HttpRefusal){.status = status, .text = text};
        return 1;
}

size_t http_head_blank(const char *data, size_t n)
{
        size_t i = 0;

        while (n - i >= 2 && data[i] == '\r' && data[i + 1] == '\n')
                i += 2;
        return i;
}

static bool ends_with_version(const char *line, size_t n)
{
        static const char version[] = "HTTP/d.d\r";

        if (n < sizeof(version) - 1)
                return false;
        line += n - (sizeof(version) - 1);
        return memcmp(line, "HTTP/", 5) == 0 && line[6] == '.' && line[8] == '\r';
}

size_t http_head_find(const char *data, size_t n, size_t *scanned)
{
        size_t begin = http_head_blank(data, n), i;
        const char *lf = memchr(data + begin, '\n', n - begin);

        if (!lf)
                return 0;
        if (!ends_with_version(data + begin, (size_t)(lf - data) - begin))
                return (size_t)(lf - data) + 1;
        i = *scanned > begin ? *scanned : begin;
        while ((lf = memchr(data + i, '\n', n - i))) {
                size_t next = (size_t)(lf - data) + 1;

                if (next < n && data[next] == '\n')
                        return next + 1;
                if (next + 1 < n && data[next] == '\r' && data[next + 1] == '\n')
                        return next + 2;
                if (n - next < 2)
                        break; /* cannot tell yet: look at this line end again */
                i = next;
        }
        *scanned = lf ? (size_t)(lf - data) : n;
        return 0;
}

/* Cuts the next line off *rest. 1: it does not end with CR LF. */
static int take_line(Text *rest, Text *ret, HttpRefusal *refusal)
{
        const char *lf = memchr(rest->at, '\n', rest->n);
        size_t n = lf ? (size_t)(lf - rest->at) : 0;

        if (n == 0 || rest->at[n - 1] != '\r')
                return refuse(refusal, 400, "a line must end with CR LF");
        *ret = (Text){rest->at, n - 1};
        rest->at += n + 1;
        rest->n -= n + 1;
        return 0;
}

static int parse_host(Text t, Text *ret, HttpRefusal *refusal)
{
        const char *colon;
        Text host, port;

        if (t.n > 0 && t.at[0] == '[') {
                const char *bracket = memchr(t.at, ']', t.n);

                if (!bracket)
                        return refuse(refusal, 400, "Host lacks a bracket");
                host = (Text){t.at + 1, (size_t)(bracket - t.at) - 1};
                port = (Text){bracket + 1, t.n - host.n - 2};
                if (port.n > 0 && port.at[0] != ':')
                        return refuse(refusal, 400, "Host is not a name or address with an optional port");
                colon = port.n > 0 ? port.at : NULL;
        } else {
                colon = memchr(t.at, ':', t.n);
                host = (Text){t.at, colon ? (size_t)(colon - t.at) : t.n};
        }
        port = colon ? (Text){colon + 1, t.n - (size_t)(colon + 1 - t.at)} : TEXT_NULL;
        if (host.n == 0 || (colon && (!is_digits(port) || port.n > 5)))
                return refuse(refusal, 400, "Host is not a name or address with an optional port");
        for (size_t i = 0; i < host.n; i++)
                if (!http_is_token_char(host.at[i]) && host.at[i] != ':')
                        return refuse(refusal, 400, "Host is not a name or address with an optional port");
        *ret = host;
        return 0;
}

/* Cuts `http://host` off what begins with it, as a proxy is sent it, and a server has to take it. */
static int parse_authority(Text *t, HttpHead *ret, HttpRefusal *refusal)
{
        size_t begin = t->n >= 7 && strncasecmp(t->at, "http://", 7) == 0    ? 7
                       : t->n >= 8 && strncasecmp(t->at, "https://", 8) == 0 ? 8
                                                                             : 0;
        size_t end = begin;
        int r;

        if (begin == 0)
                return 0;
        while (end < t->n && t->at[end] != '/' && t->at[end] != '?')
                end++;
        r = parse_host((Text){t->at + begin, end - begin}, &ret->host, refusal);
        *t = (Text){t->at + end, t->n - end};
        if (r == 0 && t->n == 0)
                *t = TEXT("/");
        return r;
}

static bool has_encoded_slash(Text path)
{
        for (size_t i = 0; i + 2 < path.n; i++)
                if (path.at[i] == '%' && path.at[i + 1] == '2' && (path.at[i + 2] | 0x20) == 'f')
                        return true;
        return false;
}

static int parse_target(Text t, HttpHead *ret, HttpRefusal *refusal)
{
        const char *mark;
        int r = parse_authority(&t, ret, refusal);

        if (r > 0)
                return r;
        if (t.n == 0 || t.at[0] != '/')
                return refuse(refusal, 400, "the target must be a path that begins with /");
        for (size_t i = 0; i < t.n; i++)
                if ((unsigned char)t.at[i] <= ' ' || (unsigned char)t.at[i] >= 0x7f || t.at[i] == '#')
                        return refuse(refusal, 400, "the target holds a character that must be encoded");
        mark = memchr(t.at, '?', t.n);
        ret->path = (Text){t.at, mark ? (size_t)(mark - t.at) : t.n};
        ret->query = mark ? (Text){mark + 1, t.n - ret->path.n - 1} : TEXT_NULL;
        if (has_encoded_slash(ret->path))
                return refuse(refusal, 400, "a slash of the path may not be encoded");
        return 0;
}

static int parse_request_line(Text line, HttpHead *ret, HttpRefusal *refusal)
{
        const char *first = memchr(line.at, ' ', line.n), *last = memrchr(line.at, ' ', line.n);
        Text method, version;
        size_t i;
        int r;

        if (!first || first == last)
                return refuse(refusal, 400, "a request begins with: METHOD /path HTTP/1.1");
        method = (Text){line.at, (size_t)(first - line.at)};
        version = (Text){last + 1, line.n - (size_t)(last + 1 - line.at)};
        if (!is_token(method))
                return refuse(refusal, 400, "a request begins with: METHOD /path HTTP/1.1");
        if (!text_is(version, "HTTP/1.1") && !text_is(version, "HTTP/1.0")) {
                bool other = version.n == 8 && memcmp(version.at, "HTTP/", 5) == 0 && version.at[5] >= '2' &&
                             version.at[5] <= '9';

                return refuse(refusal, other ? 505 : 400, "the version must be HTTP/1.1 or HTTP/1.0");
        }
        ret->minor = version.at[7] == '1' ? 1 : 0;
        r = parse_target((Text){first + 1, (size_t)(last - first) - 1}, ret, refusal);
        if (r > 0)
                return r;
        for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
                if (text_is(method, methods[i]))
                        break;
        if (i == sizeof(methods) / sizeof(methods[0]))
                return refuse(refusal, 405, "this method is not available here");
        ret->method = (HttpMethod)i;
        return 0;
}

static int parse_field(Text line, HttpField *ret, HttpRefusal *refusal)
{
        const char *colon = memchr(line.at, ':', line.n);

        if (line.at[0] == ' ' || line.at[0] == '\t')
                return refuse(refusal, 400, "a header field may not be folded");
        if (!colon)
                return refuse(refusal, 400, "a header field needs a colon");
        ret->name = (Text){line.at, (size_t)(colon - line.at)};
        if (!is_token(ret->name))
                return refuse(refusal, 400,
                              "the name of a header field is empty or holds a character that it may not");
        for (const char *c = colon + 1; c < line.at + line.n; c++)
                if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
                        return refuse(refusal, 400, "a header field holds a control character");
        ret->value = text_trim((Text){colon + 1, line.n - ret->name.n - 1});
        if (!ret->value.at)
                ret->value.at = colon + 1;
        return 0;
}

static int parse_length(Text t, HttpHead *ret, HttpRefusal *refusal)
{
        if (ret->has_length)
                return refuse(refusal, 400, "Content-Length may come only once");
        if (!is_digits(t) || t.n > 18)
                return refuse(refusal, 400, "Content-Length must be a plain number");
        for (size_t i = 0; i < t.n; i++)
                ret->length = ret->length * 10 + (uint64_t)(t.at[i] - '0');
        ret->has_length = true;
        return 0;
}

static int parse_coding(Text t, HttpHead *ret, HttpRefusal *refusal)
{
        if (ret->chunked)
                return refuse(refusal, 400, "Transfer-Encoding may come only once");
        if (!same_name(t, "chunked") || ret->minor == 0)
                return refuse(refusal, 400, "the only Transfer-Encoding here is chunked, with HTTP/1.1");
        ret->chunked = true;
        return 0;
}

/* A list of words; only "close" and "keep-alive" mean something here. */
static void parse_connection(Text t, HttpHead *ret)
{
        while (t.n > 0) {
                const char *comma = memchr(t.at, ',', t.n);
                size_t n = comma ? (size_t)(comma - t.at) : t.n;

                if (same_name(text_trim((Text){t.at, n}), "close"))
                        ret->keep_alive = false;
                n += comma ? 1 : 0;
                t.at += n;
                t.n -= n;
        }
}

/* That of the target counts, but Host is to be there and one. */
static int take_host(Text value, HttpHead *ret, HttpRefusal *refusal)
{
        Text unused;

        if (ret->has_host)
                return refuse(refusal, 400, "Host may come only once");
        ret->has_host = true;
        return parse_host(value, ret->host.at ? &unused : &ret->host, refusal);
}

static int interpret(const HttpField *f, HttpHead *ret, HttpRefusal *refusal)
{
        if (same_name(f->name, "Host"))
                return take_host(f->value, ret, refusal);
        if (same_name(f->name, "Content-Length"))
                return parse_length(f->value, ret, refusal);
        if (same_name(f->name, "Transfer-Encoding"))
                return parse_coding(f->value, ret, refusal);
        if (same_name(f->name, "Connection"))
                parse_connection(f->value, ret);
        /* Each line of what is packed would be refused for itself, in an answer with status 200. */
        if (same_name(f->name, "Content-Encoding") && f->value.n > 0 && !same_name(f->value, "identity"))
                return refuse(refusal, 415,
                              "a body is taken without Content-Encoding only: send it unpacked");
        if (same_name(f->name, "Expect")) {
                if (!same_name(f->value, "100-continue"))
                        return refuse(refusal, 417, "the only expectation that can be met is 100-continue");
                ret->expect_continue = ret->minor == 1;
        }
        return 0;
}

int http_head_parse(const char *data, size_t n, HttpHead *ret, HttpRefusal *refusal)
{
        size_t skip = http_head_blank(data, n);
        Text rest = {data + skip, n - skip}, line;
        HttpHead h = {0};
        int r;

        r = take_line(&rest, &line, refusal);
        if (r == 0)
                r = parse_request_line(line, &h, refusal);
        if (r > 0)
                return r;
        h.keep_alive = h.minor == 1;
        for (;;) {
                HttpField *f = &h.fields[h.n_fields];

                r = take_line(&rest, &line, refusal);
                if (r > 0)
                        return r;
                if (line.n == 0)
                        break;
                if (h.n_fields == HTTP_FIELDS_MAX)
                        return refuse(refusal, 431, "too many header fields");
                r = parse_field(line, f, refusal);
                if (r == 0)
                        r = interpret(f, &h, refusal);
                if (r > 0)
                        return r;
                h.n_fields++;
        }
        if (h.chunked && h.has_length)
                return refuse(refusal, 400, "Content-Length and Transfer-Encoding exclude each other");
        if (h.minor == 1 && !h.has_host)
                return refuse(refusal, 400, "HTTP/1.1 needs a Host");
        *ret = h;
        return 0;
}

Text http_head_field(const HttpHead *h, const char *name)
{
        for (size_t i = 0; i < h->n_fields; i++)
                if (same_name(h->fields[i].name, name))
                        return h->fields[i].value;
        return TEXT_NULL;
}

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

int http_decode(Text t, bool plus, char *ret, size_t *ret_n)
{
        size_t n = 0;

        for (size_t i = 0; i < t.n; i++) {
                if (t.at[i] == '%') {
                        int high = t.n - i > 2 ? hex_value(t.at[i + 1]) : -1;
                        int low = t.n - i > 2 ? hex_value(t.at[i + 2]) : -1;

                        if (high < 0 || low < 0 || (high == 0 && low == 0))
                                return -EINVAL;
                        ret[n++] = (char)(high * 16 + low);
                        i += 2;
                } else {
                        ret[n++] = plus && t.at[i] == '+' ? ' ' : t.at[i];
                }
        }
        *ret_n = n;
        return 0;
}

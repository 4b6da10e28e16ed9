#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The head of an HTTP/1.1 request: request line and header fields, read strictly.
 *
 * Pure. Whatever two parsers could understand differently is refused (RFC 9112 with every "MAY accept"
 * declined): a line that ends with a bare LF, folded lines, a blank before the colon, empty names, control
 * characters, a slash of the path that is encoded, a Content-Length that is not plain digits or that comes twice,
 * Transfer-Encoding other than exactly "chunked" once and without Content-Length, a missing or doubled Host.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/def.h"
#include "proto/base/text.h"

#define HTTP_FIELDS_MAX 64

typedef enum HttpMethod {
        HTTP_GET,
        HTTP_HEAD,
        HTTP_POST,
        HTTP_PUT,
        HTTP_DELETE,
        HTTP_PATCH,
        HTTP_OPTIONS,
        HTTP_TRACE,
} HttpMethod;

typedef struct HttpField {
        Text name; /* as sent; compare without regard to case */
        Text value;
} HttpField;

/* All Texts point into the bytes that were parsed. */
typedef struct HttpHead {
        HttpMethod method;
        Text path;  /* not decoded; begins with "/" */
        Text query; /* without "?"; absent if there is no "?" */
        Text host; /* of the target or else of Host, without the port; an IPv6 address without its brackets */
        unsigned minor; /* HTTP/1.minor: 0 or 1 */
        bool keep_alive;
        bool chunked;
        bool expect_continue;
        bool has_length;
        bool has_host;   /* the field Host */
        uint64_t length; /* of the body; 0 if neither has_length nor chunked */
        HttpField fields[HTTP_FIELDS_MAX];
        size_t n_fields;
} HttpHead;

/* What is wrong with a request; status 0: nothing. */
typedef struct HttpRefusal {
        int status; /* 400, 405, 415, 417, 431, 505 */
        const char *text;
} HttpRefusal;

/* How many bytes of empty lines @data begins with, which mean nothing before a head. */
size_t http_head_blank(const char *data, size_t n);

/*
 * Where the head in @data ends (behind its empty line); 0: not yet. Empty lines before it count as part of
 * it. *scanned (0 at first) remembers how far it has looked.
 */
size_t http_head_find(const char *data, size_t n, size_t *scanned);

/* @data is exactly one head. 0, or 1: refused, see @refusal. */
CX_MUST_CHECK int http_head_parse(const char *data, size_t n, HttpHead *ret, HttpRefusal *refusal);

/* The value of the first field of that name; TEXT_NULL: there is none. An empty value is not TEXT_NULL. */
Text http_head_field(const HttpHead *h, const char *name);

/* Of what names of fields and methods are made. */
bool http_is_token_char(char c);

/* "GET", ... */
const char *http_method_name(HttpMethod m);

/*
 * Decodes %XX, and "+" as a blank if @plus, into @ret (room for @t.n). -EINVAL: not two hexadecimal digits,
 * or %00.
 */
CX_MUST_CHECK int http_decode(Text t, bool plus, char *ret, size_t *ret_n);

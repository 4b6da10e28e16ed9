#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * HTTP to the daemon, over TCP, TLS or a Unix socket.
 */

#include <stdbool.h>

#include "client/ctl.h"
#include "proto/base/buffer.h"
#include "proto/base/text.h"

#define HTTP_ANSWER_MAX (256UL << 20) /* bytes that are kept; no answer of cxd is as long */
#define HTTP_ERROR_MAX  (1UL << 20)   /* the same of one that is no 200 */

/* NULL, said why: @ctl->host is no address. */
Http *http_new(const Ctl *ctl);
Http *http_free(Http *h);

/* Closes the connection that waits for another request: none is made for a while. */
void http_rest(Http *h);

/*
 * One request and its whole answer. @body NULL: GET; else POST of @body with @type. Appends to @ret whatever
 * the status is. 0, or CTL_UNREACHABLE, not said (http_say_unreachable()). *ret_retry_after (may be NULL):
 * seconds, or 0.
 */
int http_request(Http *h, const char *path, const Text *body, const char *type, Buffer *ret, long *ret_status,
                 long *ret_retry_after);

/* False: enough, hang up. */
typedef bool (*HttpOnData)(void *context, const char *data, size_t n);

typedef enum HttpEnd {
        HTTP_END,     /* the daemon closed the stream */
        HTTP_STOPPED, /* on_data() said so */
        HTTP_EXPIRED, /* the deadline passed */
        HTTP_SILENT,  /* the daemon has stopped answering (http_set_patience()) */
        HTTP_LOST,    /* the connection broke, or there never was one */
} HttpEnd;

/*
 * Ends streams with HTTP_SILENT when for @span nothing comes of them, and no answer either to another question, which is
 * asked after half of it: an answer that takes long to begin is none that does not come. 0, as at first: never.
 */
void http_set_patience(Http *h, usec_t span);

/*
 * A GET whose answer comes piece by piece. @deadline: real time; USEC_INFINITY for none. Bytes of an answer
 * that is no 200 are appended to @error instead. *ret_status is 0 if there was no answer. Says nothing.
 */
HttpEnd http_stream(Http *h, const char *path, const char *accept, usec_t deadline, HttpOnData on_data,
                    void *context, Buffer *error, long *ret_status);

/* Says on the error stream why nothing could be reached, where we looked, and what to try. CTL_UNREACHABLE.
 */
int http_say_unreachable(const Http *h);

/* The same of a daemon that was reached and has stopped answering. CTL_UNREACHABLE. */
int http_say_silent(const Http *h);

/* @path with "?name=value&..." for each pair whose value is not NULL, percent-encoded. Ends with NULL.
 * malloc'ed. */
char *http_query(const char *path, ...) __attribute__((sentinel));

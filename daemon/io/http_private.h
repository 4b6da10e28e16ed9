#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the files of the HTTP server share: its objects. For them only.
 *
 *   httpd.c         connections, from bytes to a complete request
 *   http_request.c  what a handler may ask a request
 *   http_reply.c    what goes back: replies, refusals, streams
 */

#include <sys/queue.h>

#include "daemon/io/http_chunk.h"
#include "daemon/io/httpd.h"
#include "proto/base/buffer.h"

#define HTTP_PARAMS_MAX 64

typedef struct HttpConn HttpConn;

typedef enum HttpState {
        HTTP_STATE_HEAD,   /* waits for a request, or has part of its head */
        HTTP_STATE_BODY,   /* @request has its head */
        HTTP_STATE_REPLY,  /* the handler has @request; input rests */
        HTTP_STATE_STREAM, /* @stream is set */
        HTTP_STATE_END,    /* everything is written, it only closes */
} HttpState;

struct HttpStream {
        HttpConn *conn;
        const HttpStreamOps *ops;
        void *user;
        bool chunked;
};

struct HttpConn {
        LIST_ENTRY(HttpConn) link;
        HttpServer *server;
        Conn *conn;
        HttpState state;
        HttpRequest *request; /* in BODY and REPLY; in REPLY it is the handler's */
        HttpStream *stream;
        HttpChunk chunk;
        size_t scanned;
        bool begun;   /* HEAD: the first byte is there */
        bool served;  /* it had a request before */
        usec_t since; /* BODY: when it began */
};

typedef struct HttpParam {
        Text name;
        Text value;
} HttpParam;

struct HttpRequest {
        LIST_ENTRY(HttpRequest) link; /* in server->requests */
        HttpServer *server;           /* NULL: gone */
        HttpConn *conn;               /* NULL: gone */
        Peer peer;
        char *head_bytes; /* what @head points into */
        HttpHead head;
        char *decoded; /* what @path and @params point into */
        Text path;
        HttpParam params[HTTP_PARAMS_MAX];
        size_t n_params;
        Buffer body;
        bool is_long; /* the body is or will be: it counts in server->long_bytes */
        LoopFn on_gone;
        void *on_gone_user;
};

struct HttpServer {
        LIST_HEAD(, HttpConn) conns;
        LIST_HEAD(, HttpRequest) requests;
        Loop *loop;
        HttpLimits limits;
        size_t bodies_max; /* at present; at most that of @limits */
        ConnLimits conn_limits;
        char **hosts;
        size_t n_hosts;
        size_t long_bytes; /* held at present, of bodies that are not short */
        HttpAdmitFn admit;
        HttpHandlerFn fn;
        void *user;
        bool draining;
        HttpStats stats;
};

/* Copies @head_bytes and decodes path and parameters. 1: @refusal says why not. -ENOMEM. */
CX_MUST_CHECK int http_request_new(HttpRequest **ret, HttpServer *s, HttpConn *c, Text head_bytes,
                                   HttpRefusal *refusal);
/* An IP address, or localhost. */
bool http_host_is_plain(Text host);
/* The memory only. */
void http_request_discard(HttpRequest *r);

/* An answer in JSON by the server itself; the connection closes. */
void http_refuse(HttpConn *c, int status, FaultCode code, const char *text);
/* On the way to the next request, or to the end. */
void http_conn_next(HttpConn *c);

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The HTTP/1.1 server: requests in, replies and event streams out.
 *
 * The happy path is: http_server_new(); a Listener with http_server_accept and the server as @user; the
 * handler is called with each complete request and answers it now or later, with one of http_reply(),
 * http_reply_fault(), http_stream_start(). Possible failure modes: what is not strictly HTTP, too large, too
 * slow or for a foreign host is answered 4xx in JSON by the server itself and the connection closed; the
 * client leaves: the handler's request stays valid, and what is replied goes nowhere.
 *
 * An HttpRequest belongs to the handler from the moment it is called until it calls one of the functions that
 * end it. They are allowed at any time, also after the client or the server object has gone. One connection
 * has one request at a time; what a client sends ahead waits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/io/conn.h"
#include "daemon/io/http_head.h"
#include "proto/base/text.h"
#include "proto/fault.h"

typedef struct HttpServer HttpServer;
typedef struct HttpRequest HttpRequest;
typedef struct HttpStream HttpStream;

/*
 * 0 stands for the value in parentheses. Deadlines are absolute: bytes that trickle in do not move them. A body of up to a
 * 1024th of what there may be of all bodies is short: there is always room for it.
 */
typedef struct HttpLimits {
        size_t head_max;   /* bytes of request line and header fields, else 431 (8 KiB) */
        size_t body_max;   /* bytes of a decoded body, else 413 (16 MiB) */
        size_t bodies_max; /* of all bodies held at one time that are not short, else 503 (64 MiB) */
        usec_t head;    /* from accept, or the first byte of a later request, to the end of its head (5 s) */
        usec_t body;    /* for the body, for standing still in it, and for taking the reply (10 s) ... */
        size_t rate;    /* ... plus a second for each so many bytes received or left to send (64 KiB) */
        usec_t idle;    /* of a connection between requests (60 s) */
        usec_t stall;   /* of a client that takes nothing of what is unsent (10 s) */
        size_t out_max; /* unsent bytes of a connection (64 MiB) */
        size_t stream_low; /* on_ready() comes when a stream has at most so much unsent (16 KiB) */
} HttpLimits;

typedef struct HttpStats {
        uint64_t requests; /* that reached the handler */
        uint64_t refused;  /* answered 4xx or 5xx by the server itself */
        uint64_t cut;      /* connections that ended by a deadline, a stall or an overflow */
        unsigned connections;
        unsigned streams;
        size_t body_bytes; /* held at present */
} HttpStats;

typedef void (*HttpHandlerFn)(HttpRequest *r, void *user);

/* Whether the body of @r, which is not short and not there yet, is wanted. False: it has ended @r. */
typedef bool (*HttpAdmitFn)(HttpRequest *r, void *user);

typedef struct HttpConfig {
        HttpLimits limits;
        HttpAdmitFn admit; /* with the handler's @user; NULL: all are */
        /*
         * Against DNS rebinding: over TCP, the Host of a request must be an IP address, localhost, or one of
         * these names (case does not matter), else 421. Copied.
         */
        const char *const *hosts;
        size_t n_hosts;
} HttpConfig;

/* @config NULL: all defaults. -ENOMEM. */
CX_MUST_CHECK int http_server_new(HttpServer **ret, Loop *l, const HttpConfig *config, HttpHandlerFn fn,
                                  void *user);
/* Cuts every connection: requests still held by handlers become gone (on_gone comes), streams closed
 * (on_closed comes). */
HttpServer *http_server_free(HttpServer *s);
/* A ListenerFn; @user is the HttpServer. */
void http_server_accept(Accepted *a, void *user);
void http_server_stats(const HttpServer *s, HttpStats *ret);
/* No keep-alive from now on: every connection closes after the reply it is at, idle ones at once. For
 * shutting down. */
void http_server_drain(HttpServer *s);

/* Of all bodies held at one time that are not short, else 503; no more than limits.bodies_max. 0: that. */
void http_server_limit_bodies(HttpServer *s, size_t bytes);

/* All borrowed until the request ends. */
HttpMethod http_method(const HttpRequest *r);
/* Decoded; begins with "/"; holds no NUL, may hold any other byte. */
Text http_path(const HttpRequest *r);
/* The first query parameter of that name, decoded ("+" is a blank); TEXT_NULL: there is none. */
Text http_param(const HttpRequest *r, const char *name);
size_t http_n_params(const HttpRequest *r);
void http_param_at(const HttpRequest *r, size_t i, Text *ret_name, Text *ret_value);
/* A header field's value, name without regard to case; TEXT_NULL: there is none. */
Text http_header(const HttpRequest *r, const char *name);
Text http_body(const HttpRequest *r);
const Peer *http_peer(const HttpRequest *r);
/* As far as it shows: then the peer is not who asks. Over TCP, who is on this machine needs no name for it but localhost. */
bool http_is_from_proxy(const HttpRequest *r);

/* Called once if the client goes while the request is unanswered. @r stays valid and must still be ended. */
void http_on_gone(HttpRequest *r, LoopFn fn, void *user);
bool http_is_gone(const HttpRequest *r);

typedef struct HttpHeader {
        const char *name;
        const char *value; /* one with CR or LF in it is left out */
} HttpHeader;

/*
 * Each of these ends @r. @body is copied; with HEAD its length is told and nothing sent. Content-Length, Date,
 * Connection and Retry-After (a second, where the status is 429 or 503) are the server's. Statuses 204 and 304
 * have no body. Without memory the connection is cut.
 */
void http_reply(HttpRequest *r, int status, const char *content_type, Text body, const HttpHeader *headers,
                size_t n_headers);
/* {"code":..,"error":..,"field":..} with the status of the fault. */
void http_reply_fault(HttpRequest *r, const Fault *f, const HttpHeader *headers, size_t n_headers);
/* No answer at all: the connection is cut. NULL is accepted. */
HttpRequest *http_request_free(HttpRequest *r);

typedef struct HttpStreamOps {
        /*
         * It has an end of its own: a client that has sent all that it will, and said so, still gets the rest. Without it
         * such a client has left; nothing else would say so of a stream that may be silent for long.
         */
        bool has_end;
        /*
         * There is room: at most limits.stream_low is unsent. Comes once soon after the start, then whenever
         * something was sent. The owner writes what it has, up to about the same amount, and returns.
         */
        void (*on_ready)(HttpStream *s, void *user);
        /* Exactly once, also after http_stream_end(). The stream is gone when it returns. */
        void (*on_closed)(HttpStream *s, ConnReason reason, void *user);
} HttpStreamOps;

enum {
        _HTTP_OK,
        HTTP_E_NO_STREAM, /* it was HEAD, or the client has gone: @r is ended, there is no stream, nothing
                             will be called */
};

/*
 * Ends @r with status 200 and a body that is written as it comes. @ops is borrowed. The stream belongs to the
 * server and is good until on_closed() returns. -ENOMEM: @r is ended, the connection cut.
 */
CX_MUST_CHECK int http_stream_start(HttpStream **ret, HttpRequest *r, const char *content_type,
                                    const HttpHeader *headers, size_t n_headers, const HttpStreamOps *ops,
                                    void *user);
/* As conn_write(). */
int http_stream_write(HttpStream *s, Text data);
/* As conn_write_now(): no on_ready() comes for what went out at once. */
int http_stream_write_now(HttpStream *s, Text data);
/* Bytes that the kernel has not taken yet. */
size_t http_stream_unsent(const HttpStream *s);
const Peer *http_stream_peer(const HttpStream *s);
/* Sends what is written, then closes; or at once. on_closed() comes in a later turn. */
void http_stream_end(HttpStream *s);
void http_stream_cut(HttpStream *s, ConnReason reason);

CX_DEFINE_CLEANUP(HttpServer, http_server_free)
CX_DEFINE_CLEANUP(HttpRequest, http_request_free)

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A real HTTP server in a real loop, on TCP and a Unix socket, and a handler that answers /echo with method,
 * parameter and body, /later from a timer, /never only when the test lets it, /stream with an event stream, everything
 * else with a fault.
 */

#include "daemon/io/httpd.h"
#include "daemon/io/log.h"
#include "tests/support/io_world.h"

typedef struct HttpWorld {
        World world;
        HttpServer *server;
        Listener *tcp, *unix_socket;
        HttpRequest *later; /* held by the handler */
        LoopTimer *timer;
        HttpStream *stream;
        int requests, gone, ready, stream_closed;
        ConnReason reason; /* of the closed stream */
        size_t most_unsent, feed;
        usec_t delay;
} HttpWorld;

extern HttpWorld g_http;

/* What every proper request carries; and what ends its connection. */
#define HTTP_WORLD_HOST  "Host: localhost\r\n"
#define HTTP_WORLD_CLOSE "Connection: close\r\n"

/* Starts it; @config NULL: all defaults. */
void http_world_begin(const HttpConfig *config);
void http_world_finish(void);
/* In a client: sends @request and returns all that comes until the server closes. Static memory. */
const char *http_world_exchange(const Address *a, const char *request, size_t n);
/* The status in an answer, and how often @what is in a text. */
int http_world_status(const char *answer);
int http_world_count(const char *text, const char *what);
/* A LoopFn: answers what /later has put off. */
void http_world_answer(void *user);

#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Server-sent events: bytes in, events out. Lines may be split anywhere and end in LF, CR or CRLF.
 */

#include "proto/base/buffer.h"

#define SSE_BYTES_MAX (1U << 20) /* one event */

typedef struct Sse {
        Buffer line;
        Buffer data;
        Buffer event;
        Buffer id;      /* of the last complete event that had one */
        Buffer next_id; /* of the event that is coming in */
        bool cr;        /* the byte before was CR */
} Sse;

#define SSE_NULL ((Sse){0})

/* @event is "message" where the stream names none. Everything is borrowed until it returns. False: enough. */
typedef bool (*SseOnEvent)(void *context, const char *event, const char *id, Text data);

void sse_deinit(Sse *s);

/* Forgets what has come of an unfinished event, as after a reconnect. Keeps the last id. */
void sse_reset(Sse *s);

/* False: on_event() said enough, or an event is longer than SSE_BYTES_MAX. */
bool sse_feed(Sse *s, const char *data, size_t n, SseOnEvent on_event, void *context);

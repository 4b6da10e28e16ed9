#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What every kind of sink has: the beginning of LinesSink and of HttpSink.
 */

#include "client/sink.h"

typedef struct SinkVerbs {
        int (*send)(Sink *s, uint64_t tag, Text line);
        int (*pump)(Sink *s, usec_t deadline);
        int (*wait)(Sink *s, int fd);
        int (*flush)(Sink *s);
        void (*free)(Sink *s);
} SinkVerbs;

struct Sink {
        const SinkVerbs *verbs;
        Ctl *ctl;
        SinkOnRefused on_refused;
        void *context;
        SinkTotals totals;
};

#define SINK_TRIES 5 /* in a row without anything being taken */

/* Whether a later version is stored. What is sent again may have been stored, and followed by it, the first time. */
bool sink_is_superseded(const SinkRefusal *r);

/* Whether the daemon takes no surveys at present, and it is not the survey that is wrong. @code may be NULL. */
bool sink_is_not_now(const char *code);

/* The pause before try @i (from 0): 200 ms, doubled each time. */
void sink_pause(unsigned i);

/* Both take over nothing but keep @base's pointers. */
int sink_lines_open(Sink **ret, const Sink *base, const char *address, const char *token);
int sink_http_open(Sink **ret, const Sink *base, const char *token);

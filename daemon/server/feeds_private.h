#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inside of the feeds, for their own files: feeds.c (numbers, messages, subscribers), feeds_tell.c (who is told of
 * messages) and feeds_tick.c (figures and ticks).
 */

#include "daemon/server/feeds.h"

#define CHANGED_PER_TICK 4096

typedef struct Kept {
        char *text;
        size_t n;
        usec_t at;
} Kept;

struct Feed {
        const Principal *principal; /* NULL: not configured (now); its numbers go on if it comes back */
        const Principal *before;    /* while another configuration is put in force */
        char name[METRIC_NAME_MAX + 1];
        Kept *ring; /* message seq is at seq % ring_size */
        size_t ring_size;
        uint64_t first, next; /* kept are [first, next) */
        uint64_t next_number; /* given out by prepare, ahead of next by what is in flight */
        FeedSubscriber *subscribers;
        size_t n_subscribers;
        uint64_t told;           /* up to this message subscribers were told of all ... */
        FeedSubscriber *telling; /* ... but not yet those from here on; NULL: all were */
        Feed *later;
};

/* Where a tick is that goes on. */
typedef struct Tick {
        Feed *feed; /* NULL: none goes on */
        size_t change, metric;
        unsigned n_waits; /* for alerts to be told */
        size_t n_changed;
        EngineChange changed[CHANGED_PER_TICK];
} Tick;

struct Feeds {
        const Config *config;
        uint64_t n_reloads;
        Feed *feeds;
        Feed *turn; /* who is told first the next time; NULL: the first one */
        Tick tick;
};

/* Not all subscribers were told of all messages. */
bool feed_is_telling(const Feed *feed);
/* However many there are. */
void feed_tell_all(Feed *feed);

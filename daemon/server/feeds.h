#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The live feeds: for each principal a numbered run of alert messages, cut to what that principal may see.
 *
 * Numbers count this principal's alert messages only, from 1, and survive restarts, so that nothing of what
 * others see shows in them. A message is stored in the transaction that caused it and published after the
 * commit. Figures and ticks are state, not events: they carry the number of the last alert message, which
 * tells a subscriber that missed one. Subscribers of one principal share one ring; each keeps only its place
 * in it.
 */

#include "daemon/config/config.h"
#include "daemon/core/engine.h"
#include "daemon/store/store.h"
#include "proto/base/buffer.h"

typedef struct Feeds Feeds;
typedef struct Feed Feed;
typedef struct FeedSubscriber FeedSubscriber;

/* One message: `topic SP json`, as nanomsg subscribers get it. */
typedef struct FeedMessage {
        uint64_t seq;
        usec_t at;
        Text topic; /* "alert/<scope>/<metric>", blanks and percent signs as %XX */
        Text json;
} FeedMessage;

/* Embedded in the owner of a stream or peer. */
struct FeedSubscriber {
        void (*on_alert)(FeedSubscriber *s); /* there is more to read */
        void (*on_state)(FeedSubscriber *s, const char *event, Text topic, Text json); /* figure or tick */
        bool (*is_behind)(FeedSubscriber *s);  /* it has no room for state now; NULL: it always has */
        void (*on_revoked)(FeedSubscriber *s); /* the principal is gone: unsubscribed already; end it */
        Feed *feed;
        FeedSubscriber *next, **link;
        unsigned n_waits; /* private: how often it was waited for since it had room */
};

/* What one batch will publish. */
typedef struct FeedRow {
        Feed *feed;
        uint64_t seq;
        usec_t at;
        char *text; /* owned: topic SP json */
        size_t n;
} FeedRow;

typedef struct FeedRows {
        FeedRow *rows;
        size_t n;
        size_t size;
} FeedRows;

CX_MUST_CHECK int feeds_new(Feeds **ret);
Feeds *feeds_free(Feeds *f);

/*
 * Feeds for the principals of @c and for admin; subscribers of others are revoked, but if such a principal comes back,
 * its numbers go on. @c is borrowed until the next call. -ENOMEM.
 */
CX_MUST_CHECK int feeds_configure(Feeds *f, const Config *c);

/* There is another engine, in which scopes have other numbers: what a tick had still to tell is not told. */
void feeds_forget_tick(Feeds *f);

/* A stored message, at start; also of a principal that is not configured. -ENOMEM. */
CX_MUST_CHECK int feeds_restore(Feeds *f, const StoreFeed *row);
/* Messages before @before are past their retention: whoever asks for one is told of a gap, as after a restart. */
void feeds_forget(Feeds *f, usec_t before);

/* Numbers and writes the messages that @alert gives, once it has fired, for whoever sees it at @now. -ENOMEM. */
CX_MUST_CHECK int feeds_prepare(Feeds *f, const Engine *e, const Alert *alert, usec_t now, FeedRows *to);
/* After the commit. Takes the texts over and empties @rows. feeds_tell() is to follow. */
void feeds_publish(FeedRows *rows);
/*
 * Tells subscribers that there is more, some at one go: with thousands of them nobody else would have his turn. True: there
 * are more; call it again in the next turn of the loop.
 */
bool feeds_tell(Feeds *f);
/* None of what was prepared will be published: its numbers are free again. */
void feeds_unprepare(Feeds *f);
void feed_rows_reset(FeedRows *rows); /* drops the texts, keeps the memory */
void feed_rows_deinit(FeedRows *rows);

enum {
        _FEEDS_OK,
        FEEDS_E_MORE, /* the tick goes on: call it again in the next turn of the loop */
        FEEDS_E_WAIT, /* ... in 20 ms: somebody has no room for it yet */
};

/* A tick, and the figures that changed, to whoever is subscribed. Takes the engine's list of changes. -ENOMEM. */
CX_MUST_CHECK int feeds_tick(Feeds *f, Engine *e, usec_t now);

/* NULL: there is no such principal. */
Feed *feeds_find(Feeds *f, Text principal);
Text feed_name(const Feed *f);
const Principal *feed_principal(const Feed *f);
uint64_t feed_last_seq(const Feed *f);
/* The oldest message that is still kept; feed_last_seq() + 1 if there is none. */
uint64_t feed_first_seq(const Feed *f);
/* Borrowed until the next publish. False: not kept (any more). */
bool feed_message(const Feed *f, uint64_t seq, FeedMessage *ret);

/* Whether its principal still sees what a kept message is about; a reload may have changed that. */
bool feed_may_see(const Feed *f, const Feeds *feeds, const Engine *e, Text topic, usec_t now);

void feed_subscribe(Feed *f, FeedSubscriber *s);
void feed_unsubscribe(FeedSubscriber *s); /* also if not subscribed */
size_t feeds_n_subscribers(const Feeds *f);
/* How often they were configured after the first time: what a principal sees may be something else since the last. */
uint64_t feeds_n_reloads(const Feeds *f);

CX_DEFINE_CLEANUP(Feeds, feeds_free)

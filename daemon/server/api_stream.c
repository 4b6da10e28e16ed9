/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The live stream of a principal as server-sent events.
 *
 * The happy path is: a client connects, says after which message it wants to go on, is sent what was missed,
 * then what comes. Each stream has a place in the feed's ring and takes from it only when its client has
 * taken what was written before. Possible failure modes: the client asks for what is no longer kept (a gap
 * event says so), it stalls (cut by the HTTP server), its principal is no longer configured (ended).
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/server/api.h"

/* Written ahead of a client at most; figures are left out where even that is not taken. */
#define AHEAD_MAX ((size_t)16 * 1024)

typedef struct Stream {
        FeedSubscriber subscriber;
        Server *server;
        HttpStream *http;
        uint64_t sent; /* number of the last alert message written */
} Stream;

/* Into the frame that all streams share. */
static void make_frame(Server *s, const char *event, uint64_t id, Text json)
{
        StreamFrame *frame = &s->stream_frame;

        frame->feed = NULL;
        buffer_reset(&frame->text);
        buffer_append_format(&frame->text, "event: %s\nid: %llu\ndata: ", event, (unsigned long long)id);
        buffer_append_text(&frame->text, json);
        buffer_append_str(&frame->text, "\n\n");
}

/* @at_once: without a turn of the loop. on_closed() follows if it fails. */
static void send_frame(Stream *s, bool at_once)
{
        const Buffer *text = &s->server->stream_frame.text;

        if (buffer_failed(text))
                http_stream_cut(s->http, CONN_MEMORY);
        else
                (void)(at_once ? http_stream_write_now : http_stream_write)(s->http, buffer_text(text));
}

static void write_frame(Stream *s, const char *event, uint64_t id, Text json)
{
        make_frame(s->server, event, id, json);
        send_frame(s, false);
}

/* One alert goes to many streams of the same feed: it is written out, and asked who may see it, once in a turn. */
static void write_alert(Stream *s, const Feed *feed, uint64_t seq, bool at_once)
{
        StreamFrame *frame = &s->server->stream_frame;
        usec_t now = loop_realtime(s->server->loop);
        FeedMessage message;
        bool visible;

        if (frame->feed != feed || frame->seq != seq || frame->now != now) {
                visible = feed_message(feed, seq, &message) &&
                          feed_may_see(feed, s->server->feeds, s->server->engine, message.topic, now);
                if (visible)
                        make_frame(s->server, "alert", message.seq, message.json);
                frame->feed = feed;
                frame->seq = seq;
                frame->now = now;
                frame->visible = visible;
        }
        if (frame->visible)
                send_frame(s, at_once);
}

/*
 * Proxies and clients see at once that the stream is there, and a client that is cut off before the first event knows
 * where to go on.
 */
static void write_beginning(Stream *s)
{
        char text[64];
        int n = snprintf(text, sizeof(text), ": cxd\nid: %llu\nretry: 2000\n\n", (unsigned long long)s->sent);

        (void)http_stream_write(s->http, (Text){text, (size_t)n});
}

static void write_gap(Stream *s, uint64_t from, uint64_t to, uint64_t seq)
{
        Buffer json = BUFFER_NULL;
        JsonOut out = JSON_OUT_INIT(&json);

        json_begin_object(&out);
        json_member_int(&out, "seq", (int64_t)seq);
        json_member_int(&out, "missed_from", (int64_t)from);
        json_member_int(&out, "missed_to", (int64_t)to);
        json_end_object(&out);
        if (!buffer_failed(&json))
                write_frame(s, "gap", seq, buffer_text(&json));
        buffer_deinit(&json);
}

static void pump(Stream *s)
{
        const Feed *feed = s->subscriber.feed;
        /* One, and not a long story, which is left to the loop. */
        bool is_news = s->sent + 1 == feed_last_seq(feed);

        /* Numbers that were never given out: what the client has is of another store. */
        if (s->sent > feed_last_seq(feed)) {
                write_gap(s, feed_last_seq(feed) + 1, s->sent, feed_last_seq(feed));
                s->sent = feed_last_seq(feed);
        }

        if (s->sent + 1 < feed_first_seq(feed)) {
                write_gap(s, s->sent + 1, feed_first_seq(feed) - 1, feed_first_seq(feed) - 1);
                s->sent = feed_first_seq(feed) - 1;
        }
        while (s->sent < feed_last_seq(feed) && http_stream_unsent(s->http) < AHEAD_MAX) {
                s->sent++;
                write_alert(s, feed, s->sent, is_news);
        }
}

static void on_alert(FeedSubscriber *subscriber)
{
        pump(CX_CONTAINER_OF(subscriber, Stream, subscriber));
}

static void on_state(FeedSubscriber *subscriber, const char *event, Text topic, Text json)
{
        Stream *s = CX_CONTAINER_OF(subscriber, Stream, subscriber);

        (void)topic;
        /* State must not overtake alerts that still wait, and is not worth waiting for. */
        if (s->sent == feed_last_seq(subscriber->feed) && http_stream_unsent(s->http) < AHEAD_MAX)
                write_frame(s, event, s->sent, json);
}

static bool is_behind(FeedSubscriber *subscriber)
{
        const Stream *s = CX_CONTAINER_OF(subscriber, Stream, subscriber);

        return s->sent != feed_last_seq(subscriber->feed) || http_stream_unsent(s->http) >= AHEAD_MAX / 4;
}

static void on_revoked(FeedSubscriber *subscriber)
{
        http_stream_end(CX_CONTAINER_OF(subscriber, Stream, subscriber)->http);
}

static void on_ready(HttpStream *http, void *user)
{
        Stream *s = user;

        (void)http;
        if (s->subscriber.link)
                pump(s);
}

static void on_closed(HttpStream *http, ConnReason reason, void *user)
{
        Stream *s = user;

        (void)http;
        (void)reason;
        feed_unsubscribe(&s->subscriber);
        free(s);
}

/*
 * Where a browser's EventSource goes on, which asks for its first `since` each time; else behind `since`. Without either: what
 * comes from now on.
 */
static int start_after(ApiCall *call, const Feed *feed, uint64_t *ret)
{
        Text heard = http_header(call->request, "Last-Event-ID"), since = api_param(call, "since");
        Text after = heard.n ? heard : since;
        int64_t value;

        if (!after.at) {
                *ret = feed_last_seq(feed);
                return 0;
        }
        if (text_to_int64(after, &value) < 0 || value < 0)
                return api_fault(call, FAULT_PARAMETER, heard.n ? "Last-Event-ID" : "since",
                                 "the number of the last message that you have, or 0");
        *ret = (uint64_t)value;
        return 0;
}

int api_stream(ApiCall *call)
{
        static const char *const params[] = {"since", NULL};
        static const HttpStreamOps ops = {.on_ready = on_ready, .on_closed = on_closed};
        static const HttpHeader headers[] = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
        Feed *feed = feeds_find(call->server->feeds, text_of(call->who->name));
        uint64_t after = 0;
        Stream *s;
        int r = api_only_params(call, params);

        if (r == 0 && !feed)
                r = api_fault(call, FAULT_NOT_FOUND, NULL, "there is no feed for this caller");
        if (r == 0)
                r = start_after(call, feed, &after);
        if (r != 0)
                return r;
        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->server = call->server;
        s->sent = after;
        s->subscriber = (FeedSubscriber){
                .on_alert = on_alert, .on_state = on_state, .is_behind = is_behind, .on_revoked = on_revoked};
        r = http_stream_start(&s->http, call->request, "text/event-stream", headers, CX_ARRAY_LEN(headers),
                              &ops, s);
        if (r != 0) {
                free(s);
                return API_TAKEN;
        }
        feed_subscribe(feed, &s->subscriber);
        write_beginning(s);
        return API_TAKEN;
}

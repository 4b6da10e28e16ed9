/* SPDX-License-Identifier: Apache-2.0 */

/*
 * nanomsg: PULL and REP take surveys, PUB gives each peer the feed of the principal that it is.
 *
 * The happy path is: a peer connects; PULL messages are offered and forgotten (at most once, cx-survey(7)); a
 * REP request is answered like an HTTP body; a PUB peer is subscribed to its feed. Possible failure modes: a
 * peer that is no source or no principal is dropped; for a peer whose queue is full alerts wait in the ring of its feed, and
 * figures are left out; what the ring keeps no longer is lost, and the next message shows the gap in `seq`.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/log.h"
#include "daemon/server/access.h"
#include "daemon/server/state.h"
#include "daemon/server/submission.h"
#include "proto/base/plant.h"

/* A subscriber whose queue has been full for so long is cut, even if it takes a little now and then. */
#define STUCK_TIME (10 * USEC_SEC)
/* Figures wait for who has more than that unsent. */
#define AHEAD_MAX ((size_t)16 * 1024)

typedef struct Subscription {
        FeedSubscriber subscriber;
        Server *server;
        SpPeer *peer;
        uint64_t sent;     /* number of the last alert message that was queued */
        bool late;         /* some found no room; a reload may have come since they were published */
        usec_t full_since; /* of the monotonic clock; 0: the queue has room */
        Buffer frame;
} Subscription;

static const ConfigSource *source_of(Server *s, const SpPeer *p)
{
        const ConfigSource *source;
        Fault fault;

        return access_source(s->config, sp_peer_peer(p), TEXT_NULL, &source, &fault) == 0 ? source : NULL;
}

static int on_sender(SpPeer *p, void *user, void **ret_user)
{
        static LogLimit limit = {.interval = USEC_SEC, .burst = 5};

        if (!source_of(user, p)) {
                log_limited(&limit, LOG_LEVEL_WARNING, "nanomsg peer=%s is no open source, dropping it",
                            sp_peer_peer(p)->text);
                return -EACCES;
        }
        if (intake_must_wait(((Server *)user)->intake))
                sp_peer_pause(p);
        *ret_user = user;
        return 0;
}

static void fault_too_long(Fault *ret)
{
        fault_set(ret, FAULT_TOO_LONG, NULL, "a message may have %zu bytes", SP_MESSAGE_MAX);
}

static void on_message(SpPeer *p, Text message, void *user)
{
        Server *s = user;
        const ConfigSource *source = source_of(s, p);
        Fault fault;
        Text line;

        if (!message.at) {
                fault_too_long(&fault);
                intake_refuse(s->intake, &s->pull_sink, s->pull_index++, TEXT_NULL, &fault);
        }
        /* At most once: what is beyond that has no place to be refused to. */
        for (size_t n = 0; source && n < SUBMISSION_MAX && text_take_line(&message, &line); n++)
                intake_offer(s->intake, &s->pull_sink, s->pull_index++, source, line);
        if (intake_must_wait(s->intake))
                sp_peer_pause(p);
}

static void pull_refused(IntakeSink *sink, uint64_t index, Text id, const Fault *fault)
{
        static LogLimit limit = {.interval = USEC_SEC, .burst = 5};

        (void)sink;
        (void)index;
        log_limited(&limit, LOG_LEVEL_WARNING, "pull survey=%s refused code=%s: %s, ignoring", LOG_QUOTE(id),
                    fault_name(fault->code), fault->text);
}

static void pull_settled(IntakeSink *sink, uint64_t last_index, const IntakeCounts *counts)
{
        (void)sink;
        (void)last_index;
        (void)counts;
}

static void pull_idle(IntakeSink *sink)
{
        (void)sink;
}

static void reply(void *user, int status, Text json)
{
        (void)status; /* the object says it all */
        sp_reply(user, json);
}

static void reply_fault(SpRequest *r, const Fault *fault)
{
        Buffer text = BUFFER_NULL;
        JsonOut out = JSON_OUT_INIT(&text);

        json_begin_object(&out);
        json_member_str(&out, "code", fault_name(fault->code));
        json_member_str(&out, "error", fault->text);
        json_end_object(&out);
        if (buffer_failed(&text))
                sp_request_free(r);
        else
                sp_reply(r, buffer_text(&text));
        buffer_deinit(&text);
}

static void on_request(SpRequest *r, SpPeer *p, Text message, void *user)
{
        Server *s = user;
        const ConfigSource *source = source_of(s, p);
        Fault fault;
        int result;

        if (!source) {
                fault_set(&fault, FAULT_TOKEN, NULL, "no source is open to this connection");
                reply_fault(r, &fault);
                return;
        }
        if (!message.at) {
                fault_too_long(&fault);
                reply_fault(r, &fault);
                return;
        }
        if (shed_is_due(s)) {
                fault_set(&fault, FAULT_UNAVAILABLE, NULL, INTAKE_CROWDED);
                reply_fault(r, &fault);
                return;
        }
        if (intake_is_full(s->intake)) {
                fault_set(&fault, FAULT_BUSY, NULL, "%s", server_wait_reason(s));
                reply_fault(r, &fault);
                return;
        }
        result = submission_start(s->intake, source, message, reply, r, &fault);
        if (result < 0)
                fault_set(&fault, FAULT_UNAVAILABLE, NULL, "there is no memory for this request; try again");
        if (result != 0)
                reply_fault(r, &fault);
}

static void wait_for_room(Subscription *self)
{
        usec_t now = loop_monotonic(self->server->loop);

        if (!self->full_since)
                self->full_since = now;
        else if (now - self->full_since > STUCK_TIME && !PLANTED("deaf-kept"))
                sp_peer_cut(self->peer, "it takes nothing");
}

/* False: there is no room for it, or the peer is cut. */
static bool send_frame(Subscription *self, Text topic, Text json)
{
        if (!sp_has_room(self->peer, topic.n + 1 + json.n)) {
                wait_for_room(self);
                return false;
        }
        buffer_reset(&self->frame);
        buffer_append_text(&self->frame, topic);
        buffer_append_char(&self->frame, ' ');
        buffer_append_text(&self->frame, json);
        if (buffer_failed(&self->frame)) {
                sp_drop(self->peer);
                return true;
        }
        self->full_since = 0;
        return sp_send(self->peer, buffer_text(&self->frame)) >= 0;
}

static bool may_see(const Subscription *self, Text topic)
{
        const Server *s = self->server;

        return feed_may_see(self->subscriber.feed, s->feeds, s->engine, topic, loop_realtime(s->loop));
}

static void on_alert(FeedSubscriber *subscriber)
{
        Subscription *self = CX_CONTAINER_OF(subscriber, Subscription, subscriber);
        FeedMessage message;

        for (; self->sent < feed_last_seq(subscriber->feed); self->sent++) {
                if (!feed_message(subscriber->feed, self->sent + 1, &message)) {
                        sp_drop(self->peer);
                } else if (self->late && !may_see(self, message.topic)) {
                        continue;
                } else if (!send_frame(self, message.topic, message.json)) {
                        self->late = true;
                        return;
                }
        }
        self->late = false;
}

static void on_room(SpPeer *p, void *user)
{
        Subscription *self = user;

        (void)p;
        if (self->late && self->subscriber.link)
                on_alert(&self->subscriber);
}

static void on_state(FeedSubscriber *subscriber, const char *event, Text topic, Text json)
{
        Subscription *self = CX_CONTAINER_OF(subscriber, Subscription, subscriber);

        (void)event;
        /* It would tell of alerts that are still to come. */
        on_alert(subscriber);
        if (self->late || !send_frame(self, topic, json))
                sp_drop(self->peer);
}

static bool is_behind(FeedSubscriber *subscriber)
{
        const Subscription *self = CX_CONTAINER_OF(subscriber, Subscription, subscriber);

        return self->late || sp_unsent(self->peer) > AHEAD_MAX;
}

static void on_revoked(FeedSubscriber *subscriber)
{
        Subscription *self = CX_CONTAINER_OF(subscriber, Subscription, subscriber);

        sp_peer_cut(self->peer, "its principal is no longer configured");
}

static int subscribe(Server *server, SpPeer *p, Feed *feed, void **ret_user)
{
        Subscription *self = calloc(1, sizeof(*self));

        if (!self)
                return -ENOMEM;
        self->server = server;
        self->peer = p;
        self->subscriber = (FeedSubscriber){
                .on_alert = on_alert, .on_state = on_state, .is_behind = is_behind, .on_revoked = on_revoked};
        self->sent = feed_last_seq(feed);
        feed_subscribe(feed, &self->subscriber);
        *ret_user = self;
        return 0;
}

static void on_subscriber_gone(SpPeer *p, const char *reason, void *user)
{
        Subscription *self = user;

        log_debug("feed=" TEXT_FMT " peer=%s gone reason=\"%s\" dropped=%llu",
                  TEXT_ARG(feed_name(self->subscriber.feed)), sp_peer_peer(p)->text, reason,
                  (unsigned long long)sp_peer_dropped(p));
        feed_unsubscribe(&self->subscriber);
        buffer_deinit(&self->frame);
        free(self);
}

static int on_subscriber(SpPeer *p, void *user, void **ret_user)
{
        static LogLimit limit = {.interval = USEC_SEC, .burst = 5};
        Server *s = user;
        const Principal *who = access_of_peer(s->config, sp_peer_peer(p));
        Feed *feed = who ? feeds_find(s->feeds, text_of(who->name)) : NULL;

        if (!feed) {
                log_limited(&limit, LOG_LEVEL_WARNING, "feed peer=%s is no principal, dropping it",
                            sp_peer_peer(p)->text);
                return -EACCES;
        }
        return subscribe(s, p, feed, ret_user);
}

/* Who may open the socket file of an endpoint is the file's business; a uid of the principal narrows it
 * further. */
static int on_endpoint_subscriber(SpPeer *p, void *user, void **ret_user)
{
        FeedEndpoint *e = user;
        Feed *feed = feeds_find(e->server->feeds, text_of(e->principal));
        const Peer *peer = sp_peer_peer(p);
        const Principal *who = feed ? feed_principal(feed) : NULL;

        if (!who || (who->has_uid && peer->is_unix && peer->uid != who->uid && peer->uid != 0 &&
                     peer->uid != geteuid()))
                return -EACCES;
        return subscribe(e->server, p, feed, ret_user);
}

static const SpOps pull_ops = {.on_peer = on_sender, .on_message = on_message};
static const SpOps rep_ops = {.on_peer = on_sender, .on_request = on_request};
static const SpOps pub_ops = {.on_peer = on_subscriber, .on_room = on_room, .on_gone = on_subscriber_gone};
static const SpOps endpoint_ops = {
        .on_peer = on_endpoint_subscriber, .on_room = on_room, .on_gone = on_subscriber_gone};

/* Zeros: the defaults. */
static SpLimits limits_of(const Server *s)
{
        return (SpLimits){.queue_max = s->config->max_memory ? SHED_UNREAD_MAX : 0,
                          .stall = PLANTED("deaf-kept") ? USEC_INFINITY : 0};
}

int face_sp_new(Server *s)
{
        const SpLimits limits = limits_of(s);
        int r = sp_socket_new(&s->pull, s->loop, SP_PULL, &limits, &pull_ops, s);

        s->pull_sink =
                (IntakeSink){.on_refused = pull_refused, .on_settled = pull_settled, .on_idle = pull_idle};
        if (r == 0)
                r = sp_socket_new(&s->rep, s->loop, SP_REP, &limits, &rep_ops, s);
        if (r == 0)
                r = sp_socket_new(&s->pub, s->loop, SP_PUB, &limits, &pub_ops, s);
        return r;
}

int face_sp_endpoint_new(Server *s, const char *principal, FeedEndpoint **ret)
{
        const SpLimits limits = limits_of(s);
        FeedEndpoint *e = calloc(1, sizeof(*e));
        int r;

        if (!e)
                return -ENOMEM;
        e->server = s;
        memcpy(e->principal, principal, strnlen(principal, sizeof(e->principal) - 1));
        r = sp_socket_new(&e->socket, s->loop, SP_PUB, &limits, &endpoint_ops, e);
        if (r < 0) {
                free(e);
                return r;
        }
        *ret = e;
        return 0;
}

static void add_stats(SpStats *to, const SpSocket *socket)
{
        SpStats more;

        sp_socket_stats(socket, &more);
        to->sent += more.sent;
        to->dropped += more.dropped;
}

FeedEndpoint *face_sp_endpoint_free(FeedEndpoint *e)
{
        add_stats(&e->server->closed_feeds, e->socket);
        listener_free(e->listener);
        listener_free(e->tcp);
        sp_socket_free(e->socket);
        free(e);
        return NULL;
}

void face_sp_feed_stats(const Server *s, SpStats *ret)
{
        *ret = s->closed_feeds;
        add_stats(ret, s->pub);
        for (const FeedEndpoint *e = s->endpoints; e; e = e->next)
                add_stats(ret, e->socket);
}

static void each_sender(Server *s, void (*fn)(SpPeer *p))
{
        SpSocket *const sockets[] = {s->pull, s->rep};

        for (size_t i = 0; i < CX_ARRAY_LEN(sockets); i++)
                for (SpPeer *p = sockets[i] ? sp_socket_first(sockets[i]) : NULL; p; p = sp_peer_next(p))
                        fn(p);
}

void face_sp_pause(Server *s)
{
        each_sender(s, sp_peer_pause);
}

void face_sp_resume(Server *s)
{
        each_sender(s, sp_peer_resume);
}

/* Peers whose principal is gone were cut by feeds_configure(). */
void face_sp_reconfigure(Server *s)
{
        for (SpPeer *p = s->pull ? sp_socket_first(s->pull) : NULL; p; p = sp_peer_next(p))
                if (!source_of(s, p))
                        sp_peer_cut(p, "no source is open to it any more");
}

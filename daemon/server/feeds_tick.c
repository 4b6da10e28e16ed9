/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Figures and ticks.
 *
 * The happy path is: feed after feed gets the figures that have changed, a few in each turn of the loop, so that they are
 * on their way before the next ones are written, then its tick. Possible failure modes: a subscriber has no room; the feed
 * waits for it a while, then goes on without it. What it loses are states; alerts it gets in any case.
 */

#include <errno.h>

#include "daemon/server/access.h"
#include "daemon/server/feeds_private.h"
#include "proto/topic.h"

/* At one go; with many subscribers fewer, down to one. */
#define FIGURES_AT_ONCE 8
#define WRITES_AT_ONCE  128
/* How often a feed waits for one subscriber. */
#define PATIENCE 10

static void send_state(Feed *feed, const char *event, Text topic, Text json)
{
        FeedSubscriber *next;

        for (FeedSubscriber *s = feed->subscribers; s; s = next) {
                next = s->next;
                s->on_state(s, event, topic, json);
        }
}

static int send_figure(Feed *feed, const Engine *e, ScopeId scope, size_t metric, usec_t now, Buffer *topic,
                       Buffer *json)
{
        const Settings *settings = engine_settings(e);
        JsonOut out = JSON_OUT_INIT(json);
        Figure figure;

        buffer_reset(topic);
        buffer_reset(json);
        topic_write(topic, "figure", org_scope(engine_org(e), scope)->text, settings->metrics[metric].name);
        json_begin_object(&out);
        json_member_int(&out, "seq", (int64_t)feed_last_seq(feed));
        json_key(&out, TEXT("figures"));
        json_begin_array(&out);
        for (size_t window = 0; window < settings->n_windows; window++)
                if (engine_figure(e, scope, metric, window, now + 1, &figure) == 0)
                        figure_write(&figure, &out);
        json_end_array(&out);
        json_end_object(&out);
        if (buffer_failed(topic) || buffer_failed(json))
                return -ENOMEM;
        send_state(feed, "figure", buffer_text(topic), buffer_text(json));
        return 0;
}

static size_t figures_at_once(const Feed *feed)
{
        size_t n = WRITES_AT_ONCE / (feed->n_subscribers + 1);

        return n < 1 ? 1 : n > FIGURES_AT_ONCE ? FIGURES_AT_ONCE : n;
}

/* The figures of @feed from where the tick is. 0: that was all; FEEDS_E_MORE: as many as go at once. */
static int send_figures(Feeds *f, Feed *feed, const Engine *e, usec_t now, Buffer *topic, Buffer *json)
{
        const Settings *settings = engine_settings(e);
        Tick *t = &f->tick;
        size_t n = 0, at_once = figures_at_once(feed);

        for (; t->change < t->n_changed; t->change++, t->metric = 0) {
                const EngineChange *change = &t->changed[t->change];

                for (; t->metric < settings->n_metrics; t->metric++) {
                        int r;

                        /* A metric without new answers is none of the news: who sees it need not see the others. */
                        if (!(change->metrics >> t->metric & 1) ||
                            !policy_sees(&f->config->policy, engine_org(e), feed->principal,
                                         &settings->metrics[t->metric], change->scope, now))
                                continue;
                        if (n++ == at_once)
                                return FEEDS_E_MORE;
                        r = send_figure(feed, e, change->scope, t->metric, now, topic, json);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int tick_feed(Feeds *f, Feed *feed, const Engine *e, usec_t now, Buffer *topic, Buffer *json)
{
        JsonOut out = JSON_OUT_INIT(json);
        int r = send_figures(f, feed, e, now, topic, json);

        if (r != 0)
                return r;
        buffer_reset(json);
        json_begin_object(&out);
        json_member_int(&out, "seq", (int64_t)feed_last_seq(feed));
        json_member_time(&out, "at", now);
        json_member_int(&out, "reloads", (int64_t)feeds_n_reloads(f));
        json_end_object(&out);
        if (buffer_failed(json))
                return -ENOMEM;
        send_state(feed, "tick", TEXT("tick"), buffer_text(json));
        return 0;
}

/* Somebody has no room for what comes next. Who had none for long is not waited for before it has caught up. */
static bool must_wait(const Feed *feed)
{
        bool wait = false;

        for (FeedSubscriber *s = feed->subscribers; s; s = s->next) {
                if (!s->is_behind || !s->is_behind(s)) {
                        s->n_waits = 0;
                } else if (s->n_waits < PATIENCE) {
                        s->n_waits++;
                        wait = true;
                }
        }
        return wait;
}

int feeds_tick(Feeds *f, Engine *e, usec_t now)
{
        Buffer topic = BUFFER_NULL, json = BUFFER_NULL;
        Tick *t = &f->tick;
        int r = 0;

        if (!t->feed) {
                t->n_changed = engine_take_changed(e, t->changed, CHANGED_PER_TICK);
                t->feed = f->feeds;
                /* A reload may have ended the one before anywhere. */
                t->change = t->metric = 0;
                t->n_waits = 0;
        }
        while (t->feed && r == 0) {
                /* Who was not told of an alert yet would get no figure. */
                if (feed_is_telling(t->feed) && t->n_waits++ < PATIENCE)
                        r = FEEDS_E_WAIT;
                else if (t->feed->subscribers && t->feed->principal)
                        r = must_wait(t->feed) ? FEEDS_E_WAIT : tick_feed(f, t->feed, e, now, &topic, &json);
                if (r > 0)
                        break;
                t->feed = t->feed->later;
                t->change = t->metric = 0;
                t->n_waits = 0;
        }
        buffer_deinit(&topic);
        buffer_deinit(&json);
        return r;
}

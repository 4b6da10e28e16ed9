/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/access.h"
#include "daemon/server/alert_json.h"
#include "daemon/server/feeds_private.h"
#include "proto/topic.h"

static void feed_revoke(Feed *f)
{
        while (f->subscribers) {
                FeedSubscriber *s = f->subscribers;

                feed_unsubscribe(s);
                s->on_revoked(s);
        }
}

static Feed *feed_free(Feed *f)
{
        if (!f)
                return NULL;
        feed_revoke(f);
        for (size_t i = 0; i < f->ring_size && f->ring; i++)
                free(f->ring[i].text);
        free(f->ring);
        free(f);
        return NULL;
}

int feeds_new(Feeds **ret)
{
        Feeds *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        *ret = f;
        return 0;
}

Feeds *feeds_free(Feeds *f)
{
        if (!f)
                return NULL;
        while (f->feeds) {
                Feed *gone = f->feeds;

                f->feeds = gone->later;
                feed_free(gone);
        }
        free(f);
        return NULL;
}

Feed *feeds_find(Feeds *f, Text principal)
{
        for (Feed *feed = f->feeds; feed; feed = feed->later)
                if (feed->principal && text_is(principal, feed->name))
                        return feed;
        return NULL;
}

/* The feed of that name, configured or not; it is made if it is not there. */
static int feeds_get(Feeds *f, Text name, Feed **ret)
{
        Feed *feed;

        for (feed = f->feeds; feed; feed = feed->later) {
                if (text_is(name, feed->name)) {
                        *ret = feed;
                        return 0;
                }
        }
        if (name.n >= sizeof(feed->name))
                return -EINVAL;
        feed = calloc(1, sizeof(*feed));
        if (!feed)
                return -ENOMEM;
        feed->ring_size = f->config->feed_ring ? f->config->feed_ring : 1;
        feed->ring = calloc(feed->ring_size, sizeof(*feed->ring));
        if (!feed->ring) {
                free(feed);
                return -ENOMEM;
        }
        memcpy(feed->name, name.at, name.n);
        feed->first = feed->next = feed->next_number = 1;
        feed->later = f->feeds;
        f->feeds = feed;
        *ret = feed;
        return 0;
}

static int feeds_add(Feeds *f, const Principal *p)
{
        Feed *feed;
        int r = feeds_get(f, text_of(p->name), &feed);

        if (r < 0)
                return r;
        if (feed->before && !access_is_same(feed->before, p))
                feed_revoke(feed);
        feed->principal = p;
        return 0;
}

int feeds_configure(Feeds *f, const Config *c)
{
        int r;

        /* As long as it may be seen. */
        for (Feed *feed = f->feeds; feed; feed = feed->later)
                feed_tell_all(feed);
        if (f->config)
                f->n_reloads++;
        f->config = c;
        for (Feed *feed = f->feeds; feed; feed = feed->later) {
                feed->before = feed->principal;
                feed->principal = NULL;
        }
        r = feeds_add(f, &ACCESS_ADMIN);
        for (size_t i = 0; r == 0 && i < c->policy.n_principals; i++)
                r = feeds_add(f, &c->policy.principals[i]);
        if (r < 0)
                return r;
        for (Feed *feed = f->feeds; feed; feed = feed->later) {
                feed->before = NULL;
                if (!feed->principal)
                        feed_revoke(feed);
        }
        /* A tick that goes on begins anew: what it had to tell would be told again only with its next change. */
        if (f->tick.feed)
                f->tick.feed = f->feeds;
        f->tick.change = f->tick.metric = 0;
        return 0;
}

void feeds_forget_tick(Feeds *f)
{
        f->tick.feed = NULL;
}

static void feed_append(Feed *feed, uint64_t seq, usec_t at, char *text, size_t n)
{
        Kept *kept = &feed->ring[seq % feed->ring_size];

        free(kept->text);
        *kept = (Kept){.text = text, .n = n, .at = at};
        feed->next = seq + 1;
        if (feed->next - feed->first > feed->ring_size)
                feed->first = feed->next - feed->ring_size;
        if (feed->next_number < feed->next)
                feed->next_number = feed->next;
}

int feeds_restore(Feeds *f, const StoreFeed *row)
{
        Feed *feed;
        char *text;
        int r = feeds_get(f, row->principal, &feed);

        if (r < 0)
                return r == -EINVAL ? 0 : r;
        if (row->json.n == 0) {
                /* Past its retention; the number is still the last one. */
                feed->first = feed->next = feed->next_number = row->seq + 1;
                feed->told = row->seq;
                return 0;
        }
        text = text_dup(row->json);
        if (!text)
                return -ENOMEM;
        if (row->seq != feed->next) /* the first one that is kept */
                feed->first = row->seq;
        feed_append(feed, row->seq, row->at, text, row->json.n);
        feed->told = row->seq;
        return 0;
}

void feeds_forget(Feeds *f, usec_t before)
{
        for (Feed *feed = f->feeds; feed; feed = feed->later) {
                for (; feed->first < feed->next; feed->first++) {
                        Kept *kept = &feed->ring[feed->first % feed->ring_size];

                        if (kept->at >= before)
                                break;
                        free(kept->text);
                        *kept = (Kept){0};
                }
        }
}

static FeedRow *rows_add(FeedRows *to)
{
        if (to->n == to->size) {
                size_t size = to->size ? to->size * 2 : 16;
                FeedRow *rows = reallocarray(to->rows, size, sizeof(*rows));

                if (!rows)
                        return NULL;
                to->rows = rows;
                to->size = size;
        }
        return &to->rows[to->n];
}

/* It may be of a scope that is not there any more. */
static void write_topic(const Alert *alert, Buffer *to)
{
        char scope[SCOPE_TEXT_MAX];
        bool is_org = alert->scope_kind == SCOPE_ORG;
        int n = snprintf(scope, sizeof(scope), "%s%s%s", scope_kind_name(alert->scope_kind),
                         is_org ? "" : "/", is_org ? "" : alert->scope_name);

        topic_write(to, "alert", (Text){.at = scope, .n = (size_t)n}, alert->metric);
}

static int prepare_one(Feed *feed, const Engine *e, const Alert *alert, const Metric *metric,
                       const Role *role, usec_t now, FeedRows *to)
{
        const Rule *rule = alert_rule(alert, engine_settings(e));
        Buffer text = BUFFER_NULL;
        JsonOut out = JSON_OUT_INIT(&text);
        FeedRow *row = rows_add(to);

        if (!row)
                return -ENOMEM;
        write_topic(alert, &text);
        buffer_append_char(&text, ' ');
        json_begin_object(&out);
        json_member_int(&out, "seq", (int64_t)feed->next_number);
        json_member_time(&out, "at", now);
        json_member_str(&out, "transition", alert_state_name(alert->state));
        json_key(&out, TEXT("alert"));
        alert_write(alert, metric, rule ? rule_advice(rule, role ? role->name : NULL) : NULL, &out);
        json_end_object(&out);
        if (buffer_failed(&text)) {
                buffer_deinit(&text);
                return -ENOMEM;
        }
        *row = (FeedRow){.feed = feed, .seq = feed->next_number++, .at = now, .text = text.data, .n = text.n};
        to->n++;
        return 0;
}

int feeds_prepare(Feeds *f, const Engine *e, const Alert *alert, usec_t now, FeedRows *to)
{
        const Policy *policy = &f->config->policy;
        const Metric *metric = alert_metric(alert, engine_settings(e));
        const Org *org = engine_org(e);
        ScopeId scope = org_find(org, alert->scope_kind, text_of(alert->scope_name));

        /* One that is still pending may come to nothing. */
        if (!alert->fired)
                return 0;
        for (Feed *feed = f->feeds; feed; feed = feed->later) {
                const Principal *who = feed->principal;
                const Role *role = NULL;
                int r;

                if (!who)
                        continue;
                /* An admin who has a role here, too, is told its step. */
                if (metric && scope != SCOPE_NONE)
                        role = policy_role(policy, org, who, metric, scope, now);
                if (!role && !who->admin)
                        continue;
                r = prepare_one(feed, e, alert, metric, role, now, to);
                if (r < 0)
                        return r;
        }
        return 0;
}

void feeds_publish(FeedRows *rows)
{
        for (size_t i = 0; i < rows->n; i++) {
                FeedRow *row = &rows->rows[i];

                /* Nobody is to miss the message whose place this one takes. */
                if (row->feed->next - row->feed->first == row->feed->ring_size)
                        feed_tell_all(row->feed);
                feed_append(row->feed, row->seq, row->at, row->text, row->n);
                row->text = NULL;
        }
        rows->n = 0;
}

void feeds_unprepare(Feeds *f)
{
        for (Feed *feed = f->feeds; feed; feed = feed->later)
                feed->next_number = feed->next;
}

void feed_rows_reset(FeedRows *rows)
{
        for (size_t i = 0; i < rows->n; i++)
                free(rows->rows[i].text);
        rows->n = 0;
}

void feed_rows_deinit(FeedRows *rows)
{
        feed_rows_reset(rows);
        free(rows->rows);
        *rows = (FeedRows){0};
}

Text feed_name(const Feed *f)
{
        return text_of(f->name);
}

const Principal *feed_principal(const Feed *f)
{
        return f->principal;
}

uint64_t feed_last_seq(const Feed *f)
{
        return f->next - 1;
}

uint64_t feed_first_seq(const Feed *f)
{
        return f->first;
}

bool feed_message(const Feed *f, uint64_t seq, FeedMessage *ret)
{
        const Kept *kept;
        const char *blank;
        size_t n_topic;

        if (seq < f->first || seq >= f->next)
                return false;
        kept = &f->ring[seq % f->ring_size];
        blank = memchr(kept->text, ' ', kept->n);
        if (!blank)
                return false;
        n_topic = (size_t)(blank - kept->text);
        *ret = (FeedMessage){
                .seq = seq,
                .at = kept->at,
                .topic = {.at = kept->text, .n = n_topic},
                .json = {.at = blank + 1, .n = kept->n - n_topic - 1},
        };
        return true;
}

bool feed_may_see(const Feed *f, const Feeds *feeds, const Engine *e, Text topic, usec_t now)
{
        const Settings *settings = engine_settings(e);
        char text[SCOPE_TEXT_MAX + 1];
        Text metric, name;
        ScopeKind kind;
        ScopeId scope;

        if (!f->principal || topic_parse(topic, text, &metric) < 0 ||
            scope_parse(text_of(text), &kind, &name) < 0)
                return false;
        if (f->principal->admin)
                return true;
        scope = org_find(engine_org(e), kind, name);
        for (size_t m = 0; m < settings->n_metrics && scope != SCOPE_NONE; m++)
                if (text_is(metric, settings->metrics[m].name))
                        return policy_sees(&feeds->config->policy, engine_org(e), f->principal,
                                           &settings->metrics[m], scope, now);
        return false;
}

void feed_subscribe(Feed *f, FeedSubscriber *s)
{
        s->feed = f;
        s->next = f->subscribers;
        s->link = &f->subscribers;
        if (s->next)
                s->next->link = &s->next;
        f->subscribers = s;
        f->n_subscribers++;
}

void feed_unsubscribe(FeedSubscriber *s)
{
        if (!s->link)
                return;
        s->feed->n_subscribers--;
        if (s->feed->telling == s)
                s->feed->telling = s->next;
        *s->link = s->next;
        if (s->next)
                s->next->link = s->link;
        s->next = NULL;
        s->link = NULL;
}

uint64_t feeds_n_reloads(const Feeds *f)
{
        return f->n_reloads;
}

size_t feeds_n_subscribers(const Feeds *f)
{
        size_t n = 0;

        for (const Feed *feed = f->feeds; feed; feed = feed->later)
                n += feed->n_subscribers;
        return n;
}

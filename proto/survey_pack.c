/* SPDX-License-Identifier: Apache-2.0 */

#include <stdint.h>
#include <string.h>

#include "proto/survey_pack.h"

_Static_assert(SURVEY_TEXT_MAX <= UINT8_MAX && METRIC_NAME_MAX <= UINT8_MAX, "a length must fit into a byte");
_Static_assert(SURVEY_COMMENT_MAX <= UINT16_MAX, "the length of a comment must fit into two bytes");
_Static_assert(SURVEY_ANSWERS_MAX <= UINT8_MAX, "the number of answers must fit into a byte");

typedef struct PackedAnswer {
        uint8_t kind, metric_n;
} PackedAnswer;

/* What begins a survey; then come a PackedAnswer and a double for each answer, and all texts in the order of these. */
typedef struct Packed {
        usec_t ts;
        int64_t rev;
        uint16_t comment_n; /* of each text the length; 0: absent */
        uint8_t id_n, contact_n, agent_n, queue_n, customer_n, channel_n, reason_n;
        uint8_t status, n_answers;
} Packed;

static size_t size_of(const Survey *s)
{
        size_t n = sizeof(Packed) + s->n_answers * (sizeof(PackedAnswer) + sizeof(double)) + s->id.n +
                   s->contact.n + s->agent.n + s->queue.n + s->customer.n + s->channel.n + s->reason.n +
                   s->comment.n;

        for (size_t i = 0; i < s->n_answers; i++)
                n += s->answers[i].metric.n;
        return n;
}

static char *put(char *to, const void *from, size_t n)
{
        return n ? (char *)memcpy(to, from, n) + n : to;
}

static char *put_text(char *to, Text t)
{
        return put(to, t.at, t.n);
}

void survey_pack(const Survey *s, Buffer *to)
{
        char *at = buffer_reserve(to, size_of(s));
        const Packed head = {
                .ts = s->ts,
                .rev = s->rev,
                .comment_n = (uint16_t)s->comment.n,
                .id_n = (uint8_t)s->id.n,
                .contact_n = (uint8_t)s->contact.n,
                .agent_n = (uint8_t)s->agent.n,
                .queue_n = (uint8_t)s->queue.n,
                .customer_n = (uint8_t)s->customer.n,
                .channel_n = (uint8_t)s->channel.n,
                .reason_n = (uint8_t)s->reason.n,
                .status = (uint8_t)s->status,
                .n_answers = (uint8_t)s->n_answers,
        };

        if (!at)
                return;
        at = put(at, &head, sizeof(head));
        for (size_t i = 0; i < s->n_answers; i++) {
                const Answer *a = &s->answers[i];

                at = put(at, &(PackedAnswer){.kind = (uint8_t)a->kind, .metric_n = (uint8_t)a->metric.n},
                         sizeof(PackedAnswer));
                at = put(at, &a->value, sizeof(a->value));
        }
        at = put_text(at, s->id);
        at = put_text(at, s->contact);
        at = put_text(at, s->agent);
        at = put_text(at, s->queue);
        at = put_text(at, s->customer);
        at = put_text(at, s->channel);
        at = put_text(at, s->reason);
        for (size_t i = 0; i < s->n_answers; i++)
                at = put_text(at, s->answers[i].metric);
        at = put_text(at, s->comment);
        to->n = (size_t)(at - to->data);
}

static void take(const char **at, void *ret, size_t n)
{
        memcpy(ret, *at, n);
        *at += n;
}

static Text take_text(const char **at, size_t n)
{
        Text t = n ? (Text){.at = *at, .n = n} : TEXT_NULL;

        *at += n;
        return t;
}

void survey_unpack(const Buffer *from, size_t where, Survey *ret)
{
        const char *at = from->data + where;
        size_t metrics_n[SURVEY_ANSWERS_MAX];
        Packed head;

        take(&at, &head, sizeof(head));
        ret->ts = head.ts;
        ret->rev = head.rev;
        ret->status = head.status;
        ret->n_answers = head.n_answers;
        for (size_t i = 0; i < head.n_answers; i++) {
                PackedAnswer packed;

                take(&at, &packed, sizeof(packed));
                take(&at, &ret->answers[i].value, sizeof(ret->answers[i].value));
                ret->answers[i].kind = packed.kind;
                metrics_n[i] = packed.metric_n;
        }
        ret->id = take_text(&at, head.id_n);
        ret->contact = take_text(&at, head.contact_n);
        ret->agent = take_text(&at, head.agent_n);
        ret->queue = take_text(&at, head.queue_n);
        ret->customer = take_text(&at, head.customer_n);
        ret->channel = take_text(&at, head.channel_n);
        ret->reason = take_text(&at, head.reason_n);
        for (size_t i = 0; i < head.n_answers; i++)
                ret->answers[i].metric = take_text(&at, metrics_n[i]);
        ret->comment = take_text(&at, head.comment_n);
}

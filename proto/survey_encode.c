/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>

#include "proto/survey_json.h"

static inline bool is_behind(Text a, Text b)
{
        if (a.n && b.n && a.at[0] != b.at[0])
                return (unsigned char)a.at[0] > (unsigned char)b.at[0];
        return text_compare(a, b) > 0;
}

/* Few answers, and sources tend to keep one order: insertion. */
static void sort_answers(const Survey *s, const Answer *ret[SURVEY_ANSWERS_MAX])
{
        for (size_t i = 0; i < s->n_answers; i++) {
                const Answer *a = &s->answers[i];
                size_t k = i;

                for (; k > 0 && is_behind(ret[k - 1]->metric, a->metric); k--)
                        ret[k] = ret[k - 1];
                ret[k] = a;
        }
}

/* What the names, the time, the status and the revision take at most. */
#define FIXED_ROOM 512
/* What the value of an answer, and the marks around it, take at most. */
#define ANSWER_ROOM (NUMBER_TEXT_MAX + 8)

/* Room for the whole survey, so that nothing below need look for it. */
static size_t room_for(const Survey *s)
{
        size_t n = s->id.n + s->contact.n + s->agent.n + s->queue.n + s->customer.n + s->channel.n +
                   s->reason.n + s->comment.n;
        size_t room = FIXED_ROOM + JSON_STRING_ROOM(n);

        for (size_t i = 0; i < s->n_answers; i++)
                room += JSON_STRING_ROOM(s->answers[i].metric.n) + ANSWER_ROOM;
        return room;
}

/* Each member begins with its comma; that of the first one becomes the opening brace in the end. */
#define PUT(_to, _literal) ((char *)memcpy((_to), (_literal), sizeof(_literal) - 1) + sizeof(_literal) - 1)
#define PUT_TEXT(_to, _name, _text)                                                                          \
        ((_text).at ? json_put_string(PUT(_to, ",\"" _name "\":"), (_text)) : (_to))

static char *put_int(char *to, int64_t value)
{
        char text[NUMBER_TEXT_MAX];
        size_t n = int64_format(value, text);

        return (char *)memcpy(to, text, n) + n;
}

static char *put_time(char *to, usec_t ts)
{
        char text[USEC_TEXT_MAX];
        size_t n = strlen(usec_format(ts, text));

        *to++ = '"';
        memcpy(to, text, n);
        to[n] = '"';
        return to + n + 1;
}

static char *put_number(char *to, double value)
{
        char text[NUMBER_TEXT_MAX];
        size_t n;

        if (value >= 0 && value <= 9 && value == (double)(int)value) {
                *to = (char)('0' + (int)value);
                return to + 1;
        }
        if (!isfinite(value))
                return PUT(to, "null");
        n = number_format(value, text);
        return (char *)memcpy(to, text, n) + n;
}

static char *put_answers(char *to, const Survey *s)
{
        const Answer *sorted[SURVEY_ANSWERS_MAX];

        if (s->n_answers == 0)
                return to;
        sort_answers(s, sorted);
        to = PUT(to, ",\"answers\":{");
        for (size_t i = 0; i < s->n_answers; i++) {
                if (i > 0)
                        *to++ = ',';
                to = json_put_string(to, sorted[i]->metric);
                *to++ = ':';
                if (sorted[i]->kind == ANSWER_NULL)
                        to = PUT(to, "null");
                else if (sorted[i]->kind == ANSWER_NUMBER)
                        to = put_number(to, sorted[i]->value);
                else
                        to = sorted[i]->value != 0 ? PUT(to, "true") : PUT(to, "false");
        }
        *to++ = '}';
        return to;
}

void survey_encode(const Survey *s, Buffer *to)
{
        char *begin = buffer_reserve(to, room_for(s)), *p = begin;

        if (!begin)
                return;
        p = PUT_TEXT(p, "id", s->id);
        p = put_time(PUT(p, ",\"ts\":"), s->ts);
        p = PUT_TEXT(p, "contact", s->contact);
        p = PUT_TEXT(p, "agent", s->agent);
        p = PUT_TEXT(p, "queue", s->queue);
        p = PUT_TEXT(p, "customer", s->customer);
        p = PUT_TEXT(p, "channel", s->channel);
        p = PUT_TEXT(p, "reason", s->reason);
        if (s->status != SURVEY_ANSWERED)
                p = PUT_TEXT(p, "status", text_of(survey_status_name(s->status)));
        if (s->rev >= 0)
                p = put_int(PUT(p, ",\"rev\":"), s->rev);
        p = put_answers(p, s);
        p = PUT_TEXT(p, "comment", s->comment);
        *p++ = '}';
        *begin = '{';
        to->n += (size_t)(p - begin);
}

/* SPDX-License-Identifier: Apache-2.0 */

#include "proto/survey_json.h"

/* Few answers, and sources tend to keep one order: insertion. */
static void sort_answers(const Survey *s, const Answer *ret[SURVEY_ANSWERS_MAX])
{
        for (size_t i = 0; i < s->n_answers; i++) {
                const Answer *a = &s->answers[i];
                size_t k = i;

                for (; k > 0 && text_compare(ret[k - 1]->metric, a->metric) > 0; k--)
                        ret[k] = ret[k - 1];
                ret[k] = a;
        }
}

static void write_answers(const Survey *s, JsonOut *out)
{
        const Answer *sorted[SURVEY_ANSWERS_MAX];

        if (s->n_answers == 0)
                return;
        sort_answers(s, sorted);
        json_key(out, TEXT("answers"));
        json_begin_object(out);
        for (size_t i = 0; i < s->n_answers; i++) {
                json_key(out, sorted[i]->metric);
                switch (sorted[i]->kind) {
                case ANSWER_NULL:
                        json_none(out);
                        break;
                case ANSWER_BOOL:
                        json_bool(out, sorted[i]->value != 0);
                        break;
                case ANSWER_NUMBER:
                        json_number(out, sorted[i]->value);
                        break;
                }
        }
        json_end_object(out);
}

void survey_encode(const Survey *s, Buffer *to)
{
        JsonOut out = JSON_OUT_INIT(to);

        json_begin_object(&out);
        json_member_text(&out, "id", s->id);
        json_member_time(&out, "ts", s->ts);
        json_member_text(&out, "contact", s->contact);
        json_member_text(&out, "agent", s->agent);
        json_member_text(&out, "queue", s->queue);
        json_member_text(&out, "customer", s->customer);
        json_member_text(&out, "channel", s->channel);
        json_member_text(&out, "reason", s->reason);
        if (s->status != SURVEY_ANSWERED)
                json_member_str(&out, "status", survey_status_name(s->status));
        if (s->rev >= 0)
                json_member_int(&out, "rev", s->rev);
        write_answers(s, &out);
        json_member_text(&out, "comment", s->comment);
        json_end_object(&out);
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/survey_json.h"
#include "tests/fuzz/survey_differ.h"

/* Where the depth first exceeds the limit, as far as brackets outside of strings tell; n: nowhere. */
static size_t too_deep_at(const char *json, size_t n)
{
        unsigned depth = 0;
        bool quoted = false;

        for (size_t i = 0; i < n; i++) {
                if (quoted) {
                        if (json[i] == '\\')
                                i++;
                        else if (json[i] == '"')
                                quoted = false;
                } else if (json[i] == '"') {
                        quoted = true;
                } else if (json[i] == '{' || json[i] == '[') {
                        if (++depth > SURVEY_DEPTH_MAX)
                                return i;
                } else if ((json[i] == '}' || json[i] == ']') && depth > 0) {
                        depth--;
                }
        }
        return n;
}

static bool same_bits(double a, double b)
{
        uint64_t p, q;

        memcpy(&p, &a, sizeof(p));
        memcpy(&q, &b, sizeof(q));
        return p == q;
}

static bool model_name(const json_t *o, const char *key, size_t max, bool required, const Text *got)
{
        const json_t *v = json_object_get(o, key);
        Text text;

        if (!v || json_is_null(v))
                return !required && !got->at;
        if (!json_is_string(v))
                return false;
        text = (Text){.at = json_string_value(v), .n = json_string_length(v)};
        if (text.n == 0)
                return !required && !got->at;
        return text.n <= max && text_equal(text, *got);
}

static bool model_printable(const json_t *o, const char *key)
{
        const json_t *v = json_object_get(o, key);

        return !json_is_string(v) ||
               text_is_printable((Text){.at = json_string_value(v), .n = json_string_length(v)});
}

/* A comment character by character, by another way than the decoder's. */
static bool model_comment(const json_t *o)
{
        const json_t *v = json_object_get(o, "comment");
        const char *p = json_is_string(v) ? json_string_value(v) : "";

        for (; *p; p++) {
                if ((unsigned char)*p < 0x20 && !strchr("\t\r\n", *p))
                        return false;
                if (*p == 0x7F || ((unsigned char)p[0] == 0xC2 && (unsigned char)p[1] < 0xA0))
                        return false;
        }
        return true;
}

static bool model_time(const json_t *v, usec_t got)
{
        usec_t t;

        if (json_is_string(v))
                return usec_parse(json_string_value(v), json_string_length(v), false, &t) == 0 && t == got;
        if (json_is_integer(v))
                return json_integer_value(v) >= 0 && json_integer_value(v) < 253402300800 &&
                       got == json_integer_value(v) * USEC_SEC;
        if (json_is_real(v)) {
                double seconds = json_real_value(v);

                /* A double knows 2026 to a quarter of a microsecond, and the year 9999 to thirty. */
                return seconds >= 0 && seconds < 253402300800.5 &&
                       fabs((double)got / 1e6 - seconds) <= 1e-6 + seconds * 1e-15;
        }
        return false;
}

static bool model_rev(const json_t *v, int64_t got)
{
        if (!v || json_is_null(v))
                return got == -1;
        if (json_is_integer(v))
                return json_integer_value(v) >= 0 && json_integer_value(v) == got;
        if (json_is_real(v))
                return json_real_value(v) >= 0 && json_real_value(v) < 0x1p63 &&
                       floor(json_real_value(v)) == json_real_value(v) && (double)got == json_real_value(v);
        return false;
}

static bool model_status(const json_t *v, SurveyStatus got)
{
        SurveyStatus status = SURVEY_ANSWERED;

        if (json_is_string(v) && json_string_length(v) > 0 &&
            survey_status_parse((Text){.at = json_string_value(v), .n = json_string_length(v)}, &status) < 0)
                return false;
        return (!v || json_is_null(v) || json_is_string(v)) && status == got;
}

static bool model_answer(const json_t *v, const Answer *a)
{
        switch (json_typeof(v)) {
        case JSON_NULL:
                return a->kind == ANSWER_NULL;
        case JSON_TRUE:
        case JSON_FALSE:
                return a->kind == ANSWER_BOOL && a->value == json_is_true(v);
        case JSON_INTEGER:
                return a->kind == ANSWER_NUMBER && same_bits(a->value, (double)json_integer_value(v));
        case JSON_REAL:
                return a->kind == ANSWER_NUMBER && same_bits(a->value, json_real_value(v));
        default:
                return false;
        }
}

/* With @s NULL: whether they could be right at all. */
static bool model_answers(json_t *v, const Survey *s)
{
        const char *key;
        json_t *value;
        size_t i = 0;

        if (!v || json_is_null(v))
                return !s || s->n_answers == 0;
        if (!json_is_object(v) || json_object_size(v) > SURVEY_ANSWERS_MAX)
                return false;
        if (s && s->n_answers != json_object_size(v))
                return false;
        json_object_foreach (v, key, value) {
                if (s && (!text_is(s->answers[i].metric, key) || !model_answer(value, &s->answers[i])))
                        return false;
                if (json_is_string(value) || json_is_array(value) || json_is_object(value) || *key == '\0' ||
                    strlen(key) > METRIC_NAME_MAX || !text_is_printable(text_of(key)))
                        return false;
                i++;
        }
        return true;
}

/* Whether @o is the survey @s, and may be one. */
static bool model_survey(json_t *o, const Survey *s)
{
        return model_name(o, "id", SURVEY_TEXT_MAX, true, &s->id) && model_printable(o, "id") &&
               model_time(json_object_get(o, "ts"), s->ts) &&
               model_name(o, "contact", SURVEY_TEXT_MAX, false, &s->contact) &&
               model_printable(o, "contact") && model_name(o, "agent", SURVEY_TEXT_MAX, false, &s->agent) &&
               model_printable(o, "agent") && model_name(o, "queue", SURVEY_TEXT_MAX, true, &s->queue) &&
               model_printable(o, "queue") &&
               model_name(o, "customer", SURVEY_TEXT_MAX, false, &s->customer) &&
               model_printable(o, "customer") &&
               model_name(o, "channel", SURVEY_TEXT_MAX, false, &s->channel) &&
               model_printable(o, "channel") && model_name(o, "reason", SURVEY_TEXT_MAX, false, &s->reason) &&
               model_printable(o, "reason") && model_status(json_object_get(o, "status"), s->status) &&
               model_rev(json_object_get(o, "rev"), s->rev) &&
               model_answers(json_object_get(o, "answers"), s) &&
               model_name(o, "comment", SURVEY_COMMENT_MAX, false, &s->comment) && model_comment(o);
}

static bool may_be_name(json_t *o, const char *key, size_t max, bool required)
{
        const json_t *v = json_object_get(o, key);

        if (!v || json_is_null(v))
                return !required;
        return json_is_string(v) && json_string_length(v) <= max &&
               (!required || json_string_length(v) > 0) &&
               (strcmp(key, "comment") == 0 ? model_comment(o) : model_printable(o, key));
}

static bool may_be_time(const json_t *v)
{
        usec_t t;

        if (json_is_string(v))
                return usec_parse(json_string_value(v), json_string_length(v), false, &t) == 0;
        return json_is_number(v) && !signbit(json_number_value(v)) && json_number_value(v) < 253402300799;
}

static bool may_be_status(const json_t *v)
{
        SurveyStatus status;

        return !v || json_is_null(v) ||
               (json_is_string(v) && (json_string_length(v) == 0 ||
                                      survey_status_parse(text_of(json_string_value(v)), &status) == 0));
}

static bool may_be_rev(const json_t *v)
{
        return !v || json_is_null(v) || (json_is_integer(v) && json_integer_value(v) >= 0);
}

/* Whether the decoder had to accept @o. Reals at the edges are left to the unit tests. */
static bool must_be_survey(json_t *o)
{
        return json_is_object(o) && may_be_name(o, "id", SURVEY_TEXT_MAX, true) &&
               may_be_time(json_object_get(o, "ts")) && may_be_name(o, "contact", SURVEY_TEXT_MAX, false) &&
               may_be_name(o, "agent", SURVEY_TEXT_MAX, false) &&
               may_be_name(o, "queue", SURVEY_TEXT_MAX, true) &&
               may_be_name(o, "customer", SURVEY_TEXT_MAX, false) &&
               may_be_name(o, "channel", SURVEY_TEXT_MAX, false) &&
               may_be_name(o, "reason", SURVEY_TEXT_MAX, false) &&
               may_be_status(json_object_get(o, "status")) && may_be_rev(json_object_get(o, "rev")) &&
               model_answers(json_object_get(o, "answers"), NULL) &&
               may_be_name(o, "comment", SURVEY_COMMENT_MAX, false);
}

static bool same_survey(const Survey *a, const Survey *b)
{
        if (!text_equal(a->id, b->id) || a->ts != b->ts || !text_equal(a->contact, b->contact) ||
            !text_equal(a->agent, b->agent) || !text_equal(a->queue, b->queue) ||
            !text_equal(a->customer, b->customer) || !text_equal(a->channel, b->channel) ||
            !text_equal(a->reason, b->reason) || !text_equal(a->comment, b->comment) || a->rev != b->rev ||
            a->status != b->status || a->n_answers != b->n_answers)
                return false;
        for (size_t i = 0; i < a->n_answers; i++) {
                const Answer *other = survey_answer(b, a->answers[i].metric);

                if (!other || other->kind != a->answers[i].kind || other->value != a->answers[i].value)
                        return false;
        }
        return true;
}

static const char *round_trip(const Survey *s, Buffer *first, Buffer *second, char *scratch)
{
        Survey back;
        Fault fault;

        survey_encode(s, first);
        if (buffer_failed(first) || survey_decode(&back, first->data, first->n, scratch, true, &fault, NULL))
                return "the canonical form was refused";
        if (!same_survey(s, &back))
                return "the canonical form is another survey";
        for (size_t i = 0; i < s->n_answers; i++) /* in another order */
                back.answers[i] = s->answers[s->n_answers - 1 - i];
        survey_encode(&back, second);
        if (!text_equal(buffer_text(first), buffer_text(second)))
                return "the canonical form has another canonical form";
        return NULL;
}

static const char *compare_verdicts(json_t *o, const json_error_t *error, const char *json, size_t n,
                                    FaultCode code)
{
        bool overflow = !o && json_error_code(error) == json_error_numeric_overflow;
        size_t deep = too_deep_at(json, n);

        /* jansson 2.14 loses a NUL byte behind a number or a word; RFC 8259 has no place for one. */
        if (n && memchr(json, '\0', n))
                return code == FAULT_JSON || code == FAULT_UTF8 || code == FAULT_DUPLICATE_KEY ||
                                       code == FAULT_DEPTH || code == FAULT_TOO_LONG
                               ? NULL
                               : "it has a NUL byte";
        switch (code) {
        case FAULT_JSON:
        case FAULT_UTF8:
        case FAULT_DUPLICATE_KEY:
                return o ? "only jansson takes it for JSON" : NULL;
        case FAULT_DEPTH:
                if (deep == n)
                        return "it is not nested too deeply";
                /* Keys are compared where their object ends, which nobody gets to here. */
                return o || overflow || json_error_code(error) == json_error_duplicate_key ||
                                       (size_t)error->position > deep
                               ? NULL
                               : "it is broken before it is too deep";
        case FAULT_TOO_LONG:
                return n > SURVEY_BYTES_MAX ? NULL : "it is not too long";
        case FAULT_TYPE:
        case FAULT_RANGE:
        case FAULT_MISSING:
                if (!o && !overflow)
                        return "only jansson says that it is no JSON";
                return o && deep == n && must_be_survey(o) ? "only the model takes it for a survey" : NULL;
        default:
                return "a fault that the decoder has no business with";
        }
}

/* Copies that end where their memory ends, so that a sanitizer sees each byte too many. */
static char *copy_tight(const char *from, size_t n)
{
        char *copy = malloc(n ? n : 1);

        if (!copy)
                abort();
        if (n)
                memcpy(copy, from, n);
        return copy;
}

const char *survey_differ(const char *json, size_t n, FaultCode *ret_code)
{
        static char scratch[2 * SURVEY_BYTES_MAX];
        static Buffer first, second;
        char *text = copy_tight(json, n), *own_scratch = copy_tight(json, n);
        const char *difference;
        Fault fault = FAULT_NULL;
        json_error_t error;
        json_t *o;
        Survey s;

        o = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        buffer_reset(&first);
        buffer_reset(&second);
        if (survey_decode(&s, text, n, own_scratch, false, &fault, NULL)) {
                difference = compare_verdicts(o, &error, text, n, fault.code);
                if (!difference && (!text_is_printable(text_of(fault.text)) ||
                                    !text_is_printable(text_of(fault.field)) || !fault.text[0]))
                        difference = "the fault is not fit to print";
        } else if (!o || memchr(text, '\0', n)) {
                difference = "only the decoder takes it for JSON";
        } else if (too_deep_at(text, n) != n) {
                difference = "it is nested too deeply";
        } else if (!model_survey(o, &s)) {
                difference = "only the decoder takes it for a survey, or with other values";
        } else {
                difference = round_trip(&s, &first, &second, scratch);
        }
        *ret_code = fault.code;
        json_decref(o);
        free(text);
        free(own_scratch);
        return difference;
}

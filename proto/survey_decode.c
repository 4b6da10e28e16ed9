/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A field that is wrong does not end the scan: the first such fault is kept, and the rest of the JSON is
 * still checked, because broken JSON is the greater fault. So a function here returns 1 only where the JSON
 * itself is at fault.
 */

#include <errno.h>
#include <stdio.h>

#include "proto/json_scan.h"
#include "proto/survey_json.h"

typedef enum Field {
        FIELD_ID,
        FIELD_TS,
        FIELD_CONTACT,
        FIELD_AGENT,
        FIELD_QUEUE,
        FIELD_CUSTOMER,
        FIELD_CHANNEL,
        FIELD_REASON,
        FIELD_STATUS,
        FIELD_REV,
        FIELD_ANSWERS,
        FIELD_COMMENT,
        _FIELD_N, /* none of them */
} Field;

static const char *const field_names[_FIELD_N] = {
        "id",      "ts",     "contact", "agent", "queue",   "customer",
        "channel", "reason", "status",  "rev",   "answers", "comment",
};

typedef struct Decoder {
        JsonScan scan;
        Survey *survey;
        bool strict;
        bool refused;  /* the fault of a field is kept */
        unsigned seen; /* bit per Field */
        size_t n_ignored;
} Decoder;

#define KEY_IS(_key, _name) (memcmp((_key).at, _name, sizeof(_name) - 1) == 0)

static Field field_find(Text key)
{
        switch (key.n) {
        case 2:
                return KEY_IS(key, "id") ? FIELD_ID : KEY_IS(key, "ts") ? FIELD_TS : _FIELD_N;
        case 3:
                return KEY_IS(key, "rev") ? FIELD_REV : _FIELD_N;
        case 5:
                return KEY_IS(key, "agent") ? FIELD_AGENT : KEY_IS(key, "queue") ? FIELD_QUEUE : _FIELD_N;
        case 6:
                return KEY_IS(key, "status") ? FIELD_STATUS : KEY_IS(key, "reason") ? FIELD_REASON : _FIELD_N;
        case 7:
                return KEY_IS(key, "answers")   ? FIELD_ANSWERS
                       : KEY_IS(key, "comment") ? FIELD_COMMENT
                       : KEY_IS(key, "contact") ? FIELD_CONTACT
                       : KEY_IS(key, "channel") ? FIELD_CHANNEL
                                                : _FIELD_N;
        case 8:
                return KEY_IS(key, "customer") ? FIELD_CUSTOMER : _FIELD_N;
        default:
                return _FIELD_N;
        }
}

static void refuse(Decoder *d, FaultCode code, const char *field, const char *text)
{
        if (d->refused)
                return;
        d->refused = true;
        fault_set(d->scan.fault, code, field, "%s", text);
}

/* The field's name only if it may be shown. */
static void refuse_key(Decoder *d, FaultCode code, const char *prefix, Text key, const char *text)
{
        char field[sizeof(d->scan.fault->field)];

        if (d->refused) /* there may be very many */
                return;
        if (key.n <= SURVEY_TEXT_MAX && text_is_printable(key))
                snprintf(field, sizeof(field), "%s%s" TEXT_FMT, prefix, prefix[0] ? "." : "", TEXT_ARG(key));
        else
                snprintf(field, sizeof(field), "%s", prefix);
        refuse(d, code, field, text);
}

static int skip_wrong_type(Decoder *d, Field field, const char *text)
{
        refuse(d, FAULT_TYPE, field_names[field], text);
        return json_scan_skip(&d->scan);
}

/* Text as all fields but `comment` have it; absent: null or empty. */
static int take_name(Decoder *d, Field field, Text *ret)
{
        bool plain;
        Text text;

        if (json_scan_peek(&d->scan) == 'n')
                return json_scan_word(&d->scan, "null");
        if (json_scan_peek(&d->scan) != '"')
                return skip_wrong_type(d, field, "must be text");
        if (json_scan_string(&d->scan, &text, &plain))
                return 1;
        if (text.n > SURVEY_TEXT_MAX)
                refuse(d, FAULT_RANGE, field_names[field], "must have at most 128 bytes");
        else if (!plain && !text_is_printable(text))
                refuse(d, FAULT_RANGE, field_names[field],
                       "must be printable text, without controls and invisible marks");
        else if (text.n > 0)
                *ret = text;
        return 0;
}

static bool is_comment(Text t)
{
        for (size_t i = 0; i < t.n; i++) {
                unsigned char c = (unsigned char)t.at[i];

                if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7F ||
                    (c == 0xC2 && (unsigned char)t.at[i + 1] < 0xA0)) /* C1 */
                        return false;
        }
        return true;
}

static int take_comment(Decoder *d)
{
        bool plain;
        Text text;

        if (json_scan_peek(&d->scan) == 'n')
                return json_scan_word(&d->scan, "null");
        if (json_scan_peek(&d->scan) != '"')
                return skip_wrong_type(d, FIELD_COMMENT, "must be text");
        if (json_scan_string(&d->scan, &text, &plain))
                return 1;
        if (text.n > SURVEY_COMMENT_MAX)
                refuse(d, FAULT_RANGE, "comment", "must have at most 4096 bytes");
        else if (!plain && !is_comment(text))
                refuse(d, FAULT_RANGE, "comment", "must not have controls other than newline and tab");
        else if (text.n > 0)
                d->survey->comment = text;
        return 0;
}

static int take_time(Decoder *d)
{
        JsonNumber number;
        bool plain;
        Text text;

        if (json_scan_peek(&d->scan) == '"') {
                if (json_scan_string(&d->scan, &text, &plain))
                        return 1;
                if (usec_parse(text.at, text.n, false, &d->survey->ts) < 0)
                        refuse(d, text.n ? FAULT_TYPE : FAULT_MISSING, "ts",
                               "must be a time with its zone from 1970 to 9999, as in 2026-11-21T10:15:30Z");
                return 0;
        }
        if (json_scan_at_number(&d->scan)) {
                if (json_scan_number(&d->scan, &number))
                        return 1;
                if (usec_from_number(number.text.at, number.text.n, 6, &d->survey->ts) < 0)
                        refuse(d, FAULT_RANGE, "ts",
                               "must be seconds since 1970 (not milliseconds) and before the year 10000");
                return 0;
        }
        if (json_scan_peek(&d->scan) == 'n') {
                refuse(d, FAULT_MISSING, "ts", "is required");
                return json_scan_word(&d->scan, "null");
        }
        return skip_wrong_type(d, FIELD_TS, "must be a time as text or a number of seconds since 1970");
}

static int take_status(Decoder *d)
{
        Text text = TEXT_NULL;

        if (take_name(d, FIELD_STATUS, &text))
                return 1;
        if (text.at && survey_status_parse(text, &d->survey->status) < 0)
                refuse(d, FAULT_RANGE, "status",
                       "must be answered, offered, started, expired, opted_out or retracted");
        return 0;
}

static int take_rev(Decoder *d)
{
        JsonNumber number;

        if (json_scan_peek(&d->scan) == 'n')
                return json_scan_word(&d->scan, "null");
        if (!json_scan_at_number(&d->scan))
                return skip_wrong_type(d, FIELD_REV, "must be a whole number from 0");
        if (json_scan_number(&d->scan, &number))
                return 1;
        if (!number.whole && number.value >= 0 && number.value < 0x1p63) {
                number.integer = (int64_t)number.value;
                number.whole = (double)number.integer == number.value;
        }
        if (d->scan.overflow || !number.whole || number.integer < 0)
                refuse(d, FAULT_RANGE, "rev", "must be a whole number from 0");
        else
                d->survey->rev = number.integer;
        return 0;
}

static int take_answer_value(Decoder *d, Answer *a)
{
        JsonNumber number;

        a->value = 0;
        switch (json_scan_peek(&d->scan)) {
        case 'n':
                a->kind = ANSWER_NULL;
                return json_scan_word(&d->scan, "null");
        case 't':
                a->kind = ANSWER_BOOL;
                a->value = 1;
                return json_scan_word(&d->scan, "true");
        case 'f':
                a->kind = ANSWER_BOOL;
                return json_scan_word(&d->scan, "false");
        default:
                break;
        }
        if (!json_scan_at_number(&d->scan)) {
                refuse_key(d, FAULT_TYPE, "answers", a->metric, "must be a number, true, false or null");
                return json_scan_skip(&d->scan);
        }
        if (json_scan_number(&d->scan, &number))
                return 1;
        if (d->scan.overflow)
                refuse_key(d, FAULT_RANGE, "answers", a->metric, "is too large a number");
        a->kind = ANSWER_NUMBER;
        a->value = number.value;
        return 0;
}

static int take_answer(Decoder *d, Text name, bool plain)
{
        Survey *s = d->survey;
        Answer *a = &s->answers[s->n_answers];

        for (size_t i = 0; i < s->n_answers; i++)
                if (s->answers[i].metric.n == name.n && memcmp(s->answers[i].metric.at, name.at, name.n) == 0)
                        return json_scan_fault(&d->scan, FAULT_DUPLICATE_KEY,
                                               "the same answer for the second time");
        if (name.n < 1 || name.n > METRIC_NAME_MAX || (!plain && !text_is_printable(name)))
                refuse(d, FAULT_RANGE, "answers",
                       "the name of an answer must be 1 to 64 bytes of printable text");
        a->metric = name;
        s->n_answers++;
        return take_answer_value(d, a);
}

static int take_answers(Decoder *d)
{
        JsonScan before = d->scan;
        bool plain, done;
        Text name;

        if (json_scan_peek(&d->scan) == 'n')
                return json_scan_word(&d->scan, "null");
        if (json_scan_peek(&d->scan) != '{')
                return skip_wrong_type(d, FIELD_ANSWERS, "must be an object of metric names and numbers");
        if (json_scan_enter(&d->scan))
                return 1;
        for (bool first = true;; first = false) {
                if (json_scan_member(&d->scan, first, &name, &plain, &done))
                        return 1;
                if (done)
                        break;
                if (d->survey->n_answers == SURVEY_ANSWERS_MAX) {
                        /* Once more from the brace, as a value that may be of any size. */
                        refuse(d, FAULT_RANGE, "answers", "must have at most 64 answers");
                        d->scan = before;
                        return json_scan_skip(&d->scan);
                }
                if (take_answer(d, name, plain))
                        return 1;
        }
        json_scan_leave(&d->scan);
        return 0;
}

static int take_unknown(Decoder *d, Text key)
{
        json_scan_note_key(&d->scan, key);
        d->n_ignored++;
        if (d->strict)
                refuse_key(d, FAULT_FIELD, "", key, "is not a field of a survey, and `strict` refuses those");
        if (json_scan_skip(&d->scan))
                return 1;
        if (d->scan.overflow)
                refuse_key(d, FAULT_RANGE, "", key, "has too large a number");
        return 0;
}

static int take_field(Decoder *d, Text key)
{
        Field field = field_find(key);
        Survey *s = d->survey;

        if (field == _FIELD_N)
                return take_unknown(d, key);
        if (d->seen & 1U << field)
                return json_scan_fault(&d->scan, FAULT_DUPLICATE_KEY, "the same field for the second time");
        d->seen |= 1U << field;
        switch (field) {
        case FIELD_ID:
                return take_name(d, field, &s->id);
        case FIELD_TS:
                return take_time(d);
        case FIELD_CONTACT:
                return take_name(d, field, &s->contact);
        case FIELD_AGENT:
                return take_name(d, field, &s->agent);
        case FIELD_QUEUE:
                return take_name(d, field, &s->queue);
        case FIELD_CUSTOMER:
                return take_name(d, field, &s->customer);
        case FIELD_CHANNEL:
                return take_name(d, field, &s->channel);
        case FIELD_REASON:
                return take_name(d, field, &s->reason);
        case FIELD_STATUS:
                return take_status(d);
        case FIELD_REV:
                return take_rev(d);
        case FIELD_ANSWERS:
                return take_answers(d);
        default:
                return take_comment(d);
        }
}

static int take_survey(Decoder *d)
{
        char *mark = d->scan.keys;
        bool plain, done;
        Text key;

        if (json_scan_enter(&d->scan))
                return 1;
        for (bool first = true;; first = false) {
                if (json_scan_member(&d->scan, first, &key, &plain, &done))
                        return 1;
                if (done)
                        break;
                if (take_field(d, key))
                        return 1;
        }
        json_scan_leave(&d->scan);
        return json_scan_keys_unique(&d->scan, mark) || json_scan_finish(&d->scan);
}

static int take_other(Decoder *d)
{
        if (d->scan.end - d->scan.at >= 3 && memcmp(d->scan.at, "\xEF\xBB\xBF", 3) == 0)
                return json_scan_fault(&d->scan, FAULT_JSON, "a byte order mark, which JSON does not have,");
        if (json_scan_skip(&d->scan) || json_scan_finish(&d->scan))
                return 1;
        return fault_set(d->scan.fault, FAULT_TYPE, NULL, "a survey must be one JSON object in braces");
}

int survey_decode(Survey *s, const char *json, size_t n, char *scratch, bool strict, Fault *fault,
                  size_t *ret_n_ignored)
{
        Decoder d = {.survey = s, .strict = strict};

        /* Not the answers: they are long, and n_answers says how many there are. */
        s->id = s->contact = s->agent = s->queue = s->customer = s->channel = s->reason = s->comment =
                TEXT_NULL;
        s->rev = -1;
        s->status = SURVEY_ANSWERED;
        s->n_answers = 0;
        if (n > SURVEY_BYTES_MAX)
                return fault_set(fault, FAULT_TOO_LONG, NULL, "a survey must have at most %d bytes of JSON",
                                 SURVEY_BYTES_MAX);
        json_scan_init(&d.scan, json, n, scratch, SURVEY_DEPTH_MAX, fault);
        if (json_scan_next(&d.scan) != '{')
                return take_other(&d);
        if (take_survey(&d))
                return 1;
        if (!s->id.at)
                refuse(&d, FAULT_MISSING, "id", "is required");
        if (!(d.seen & 1U << FIELD_TS))
                refuse(&d, FAULT_MISSING, "ts", "is required");
        if (!s->queue.at)
                refuse(&d, FAULT_MISSING, "queue", "is required");
        if (d.refused)
                return 1;
        if (ret_n_ignored)
                *ret_n_ignored = d.n_ignored;
        return 0;
}

int survey_decode_stored(Survey *s, Text json, char *scratch)
{
        Fault fault;

        return survey_decode(s, json.at, json.n, scratch, false, &fault, NULL) == 0 ? 0 : -EBADMSG;
}

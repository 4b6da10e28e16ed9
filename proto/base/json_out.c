/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>

#include "proto/base/json_out.h"

static void begin_value(JsonOut *j)
{
        if (j->comma)
                buffer_append_char(j->to, ',');
        j->comma = true;
}

static char *put_escape(char *to, unsigned char c)
{
        static const char digits[] = "0123456789abcdef";
        static const char names[] = {['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};

        *to++ = '\\';
        if (c < sizeof(names) && names[c]) {
                *to++ = names[c];
                return to;
        }
        memcpy(to, "u00", 3);
        to[3] = digits[c >> 4];
        to[4] = digits[c & 0xF];
        return to + 5;
}

static bool wants_escape(unsigned char c)
{
        return c < 0x20 || c == '"' || c == '\\' || c == 0x7F;
}

/* Whether one of 8 bytes wants an escape (or, seldom, none does). */
static bool may_want_escape(uint64_t word)
{
        const uint64_t ones = 0x0101010101010101ULL, high = 0x8080808080808080ULL;
        uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\', del = word ^ ones * 0x7F;

        return (((word - ones * 0x20) | (quote - ones) | (backslash - ones) | (del - ones)) & ~word & high) !=
               0;
}

/* Copies @t, whose last bytes may be copied twice. False: something in it may want an escape. */
static bool put_plain(char *to, Text t)
{
        uint64_t word, last;
        size_t i = 0;

        if (t.n >= 8) {
                memcpy(&last, t.at + t.n - 8, 8);
                for (; i + 8 < t.n; i += 8) {
                        memcpy(&word, t.at + i, 8);
                        if (may_want_escape(word))
                                return false;
                        memcpy(to + i, &word, 8);
                }
                memcpy(to + t.n - 8, &last, 8);
                return !may_want_escape(last);
        }
        if (t.n >= 4) {
                uint32_t begin, end;

                memcpy(&begin, t.at, 4);
                memcpy(&end, t.at + t.n - 4, 4);
                memcpy(to, &begin, 4);
                memcpy(to + t.n - 4, &end, 4);
                return !may_want_escape((uint64_t)end << 32 | begin);
        }
        for (; i < t.n; i++) {
                if (wants_escape((unsigned char)t.at[i]))
                        return false;
                to[i] = t.at[i];
        }
        return true;
}

char *json_put_string(char *to, Text t)
{
        *to++ = '"';
        if (put_plain(to, t)) {
                to += t.n;
        } else {
                for (size_t i = 0; i < t.n; i++) {
                        if (wants_escape((unsigned char)t.at[i]))
                                to = put_escape(to, (unsigned char)t.at[i]);
                        else
                                *to++ = t.at[i];
                }
        }
        *to++ = '"';
        return to;
}

static void write_string(Buffer *b, Text t)
{
        char *to = buffer_reserve(b, JSON_STRING_ROOM(t.n));

        if (to)
                b->n = (size_t)(json_put_string(to, t) - b->data);
}

void json_begin_object(JsonOut *j)
{
        begin_value(j);
        buffer_append_char(j->to, '{');
        j->comma = false;
}

void json_end_object(JsonOut *j)
{
        buffer_append_char(j->to, '}');
        j->comma = true;
}

void json_begin_array(JsonOut *j)
{
        begin_value(j);
        buffer_append_char(j->to, '[');
        j->comma = false;
}

void json_end_array(JsonOut *j)
{
        buffer_append_char(j->to, ']');
        j->comma = true;
}

void json_key(JsonOut *j, Text key)
{
        begin_value(j);
        write_string(j->to, key);
        buffer_append_char(j->to, ':');
        j->comma = false;
}

void json_none(JsonOut *j)
{
        begin_value(j);
        buffer_append_str(j->to, "null");
}

void json_bool(JsonOut *j, bool value)
{
        begin_value(j);
        buffer_append_str(j->to, value ? "true" : "false");
}

void json_int(JsonOut *j, int64_t value)
{
        char text[NUMBER_TEXT_MAX];
        size_t n = int64_format(value, text);

        begin_value(j);
        buffer_append(j->to, text, n);
}

void json_number(JsonOut *j, double value)
{
        char text[NUMBER_TEXT_MAX];
        size_t n;

        if (!isfinite(value)) {
                json_none(j);
                return;
        }
        n = number_format(value, text);
        begin_value(j);
        buffer_append(j->to, text, n);
}

void json_text(JsonOut *j, Text value)
{
        begin_value(j);
        write_string(j->to, value);
}

void json_time(JsonOut *j, usec_t value)
{
        char text[USEC_TEXT_MAX];

        json_text(j, text_of(usec_format(value, text)));
}

void json_raw(JsonOut *j, Text json)
{
        begin_value(j);
        buffer_append_text(j->to, json);
}

void json_member_null(JsonOut *j, const char *key)
{
        json_key(j, text_of(key));
        json_none(j);
}

void json_member_bool(JsonOut *j, const char *key, bool value)
{
        json_key(j, text_of(key));
        json_bool(j, value);
}

void json_member_int(JsonOut *j, const char *key, int64_t value)
{
        json_key(j, text_of(key));
        json_int(j, value);
}

void json_member_number(JsonOut *j, const char *key, double value)
{
        json_key(j, text_of(key));
        json_number(j, value);
}

void json_member_text(JsonOut *j, const char *key, Text value)
{
        if (!value.at)
                return;
        json_key(j, text_of(key));
        json_text(j, value);
}

void json_member_str(JsonOut *j, const char *key, const char *value)
{
        json_member_text(j, key, text_of(value));
}

void json_member_time(JsonOut *j, const char *key, usec_t value)
{
        json_key(j, text_of(key));
        json_time(j, value);
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>

#include "proto/base/json_out.h"

static void begin_value(JsonOut *j)
{
        if (j->comma)
                buffer_append_char(j->to, ',');
        j->comma = true;
}

static void write_string(Buffer *b, Text t)
{
        size_t start = 0;

        buffer_append_char(b, '"');
        for (size_t i = 0; i < t.n; i++) {
                unsigned char c = (unsigned char)t.at[i];

                if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F)
                        continue;
                buffer_append(b, t.at + start, i - start);
                start = i + 1;
                switch (c) {
                case '"':
                        buffer_append_str(b, "\\\"");
                        break;
                case '\\':
                        buffer_append_str(b, "\\\\");
                        break;
                case '\n':
                        buffer_append_str(b, "\\n");
                        break;
                case '\r':
                        buffer_append_str(b, "\\r");
                        break;
                case '\t':
                        buffer_append_str(b, "\\t");
                        break;
                default:
                        buffer_append_format(b, "\\u%04x", c);
                        break;
                }
        }
        if (t.n > start)
                buffer_append(b, t.at + start, t.n - start);
        buffer_append_char(b, '"');
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

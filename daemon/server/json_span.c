/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/server/json_span.h"

static void skip(Text *t, size_t n)
{
        t->at += n;
        t->n -= n;
}

static void skip_blanks(Text *t)
{
        while (t->n && (t->at[0] == ' ' || t->at[0] == '\t' || t->at[0] == '\r' || t->at[0] == '\n'))
                skip(t, 1);
}

/* The length of the value at the start of @t; 0: there is no end to it. */
static size_t value_length(Text t)
{
        bool in_string = false;
        size_t depth = 0;

        for (size_t i = 0; i < t.n; i++) {
                char c = t.at[i];

                if (in_string) {
                        if (c == '\\')
                                i++;
                        else if (c == '"')
                                in_string = false;
                        if (!in_string && depth == 0)
                                return i + 1;
                } else if (c == '"') {
                        in_string = true;
                } else if (c == '{' || c == '[') {
                        depth++;
                } else if (c == '}' || c == ']') {
                        if (depth == 0)
                                return i; /* the end of the array behind a plain value */
                        if (--depth == 0)
                                return i + 1;
                } else if (depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
                        return i;
                }
        }
        return 0;
}

static int take_value(Text *rest, Text *ret_item)
{
        size_t n = value_length(*rest);

        if (n == 0)
                return JSON_SPAN_E_BROKEN;
        *ret_item = (Text){.at = rest->at, .n = n};
        skip(rest, n);
        return 0;
}

static int take_end(Text *rest)
{
        skip(rest, 1);
        skip_blanks(rest);
        return rest->n ? JSON_SPAN_E_BROKEN : JSON_SPAN_E_END;
}

int json_span_first(Text *rest, Text *ret_item)
{
        skip(rest, 1);
        skip_blanks(rest);
        if (rest->n && rest->at[0] == ']')
                return take_end(rest);
        return take_value(rest, ret_item);
}

int json_span_next(Text *rest, Text *ret_item)
{
        skip_blanks(rest);
        if (rest->n && rest->at[0] == ']')
                return take_end(rest);
        if (rest->n == 0 || rest->at[0] != ',')
                return JSON_SPAN_E_BROKEN;
        skip(rest, 1);
        skip_blanks(rest);
        return take_value(rest, ret_item);
}

bool json_span_is_whole(Text t)
{
        t = text_trim(t);
        return t.n && (t.at[0] == '{' || t.at[0] == '[') && value_length(t) == t.n;
}

/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdio.h>

#include "proto/base/json_out.h"
#include "tests/support/check_main.h"

START_TEST(commas_stand_between_values_only)
{
        Buffer b = BUFFER_NULL;
        JsonOut out = JSON_OUT_INIT(&b);

        json_begin_object(&out);
        json_member_int(&out, "a", -5);
        json_member_bool(&out, "b", true);
        json_member_null(&out, "c");
        json_member_number(&out, "d", 2.5);
        json_member_text(&out, "absent", TEXT_NULL);
        json_member_text(&out, "e", TEXT(""));
        json_member_str(&out, "f", "x");
        json_member_time(&out, "g", 1500 * USEC_MSEC);
        json_key(&out, TEXT("h"));
        json_begin_array(&out);
        json_begin_object(&out);
        json_end_object(&out);
        json_begin_array(&out);
        json_end_array(&out);
        json_int(&out, 1);
        json_raw(&out, TEXT("{\"x\":0}"));
        json_bool(&out, false);
        json_none(&out);
        json_end_array(&out);
        json_member_int(&out, "i", INT64_MIN);
        json_end_object(&out);
        ck_assert_str_eq(buffer_str(&b),
                         "{\"a\":-5,\"b\":true,\"c\":null,\"d\":2.5,\"e\":\"\",\"f\":\"x\","
                         "\"g\":\"1970-01-01T00:00:01.500Z\",\"h\":[{},[],1,{\"x\":0},false,null],"
                         "\"i\":-9223372036854775808}");
        buffer_deinit(&b);
}
END_TEST

START_TEST(text_is_escaped_where_json_asks_for_it)
{
        Buffer b = BUFFER_NULL;
        JsonOut out = JSON_OUT_INIT(&b);

        json_text(&out, TEXT("\"a\\b\n\r\t\x01\x1F\x7F/\xC3\xB1"));
        ck_assert_str_eq(buffer_str(&b), "\"\\\"a\\\\b\\n\\r\\t\\u0001\\u001f\\u007f/\xC3\xB1\"");
        buffer_reset(&b);
        out = JSON_OUT_INIT(&b);
        json_begin_object(&out);
        json_member_int(&out, "a\"b", 1);
        json_end_object(&out);
        ck_assert_str_eq(buffer_str(&b), "{\"a\\\"b\":1}");
        buffer_deinit(&b);
}
END_TEST

START_TEST(what_is_no_number_is_null)
{
        Buffer b = BUFFER_NULL;
        JsonOut out = JSON_OUT_INIT(&b);

        json_begin_array(&out);
        json_number(&out, (double)NAN);
        json_number(&out, (double)INFINITY);
        json_number(&out, -0.25);
        json_number(&out, 85);
        json_end_array(&out);
        ck_assert_str_eq(buffer_str(&b), "[null,null,-0.25,85]");
        buffer_deinit(&b);
}
END_TEST

/* Every byte, at every place of short and long texts, where words of 8 bytes are looked at together. */
START_TEST(every_byte_is_written_right_at_every_place)
{
        for (unsigned c = 1; c < 128; c++) {
                for (size_t n = 1; n <= 25; n++) {
                        for (size_t at = 0; at < n; at++) {
                                char text[26], escape[8], want[64], is[JSON_STRING_ROOM(25)];
                                size_t n_is;

                                memset(text, 'x', sizeof(text));
                                text[at] = (char)c;
                                if (c == '"' || c == '\\')
                                        snprintf(escape, sizeof(escape), "\\%c", c);
                                else if (c == '\n' || c == '\r' || c == '\t')
                                        snprintf(escape, sizeof(escape), "\\%c",
                                                 c == '\n'   ? 'n'
                                                 : c == '\r' ? 'r'
                                                             : 't');
                                else if (c < 0x20 || c == 0x7F)
                                        snprintf(escape, sizeof(escape), "\\u%04x", c);
                                else
                                        snprintf(escape, sizeof(escape), "%c", c);
                                snprintf(want, sizeof(want), "\"%.*s%s%.*s\"", (int)at, text, escape,
                                         (int)(n - at - 1), text + at + 1);
                                n_is = (size_t)(json_put_string(is, (Text){.at = text, .n = n}) - is);
                                ck_assert_uint_eq(n_is, strlen(want));
                                ck_assert_mem_eq(is, want, n_is);
                        }
                }
        }
}
END_TEST

CHECK_MAIN("json_out", commas_stand_between_values_only, text_is_escaped_where_json_asks_for_it,
           what_is_no_number_is_null, every_byte_is_written_right_at_every_place)

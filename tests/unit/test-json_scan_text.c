/* SPDX-License-Identifier: Apache-2.0 */

/* Texts in JSON: bytes, characters, escapes. By way of the survey decoder. */

#include <stdio.h>

#include "tests/support/survey_case.h"

START_TEST(ill_formed_utf8_is_refused)
{
        static const char *const rows[] = {
                "\x80",
                "\xC0\x80",
                "\xC3",
                "\xE0\x80\x80",
                "\xED\xA0\x80",
                "\xF4\x90\x80\x80",
                "\xF8\x88\x80\x80\x80",
                "\xFF",
                "plain text and then \xE2\x82",
        };
        char json[128];

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++) {
                snprintf(json, sizeof(json), "{\"id\":\"%s\"}", rows[i]);
                bad(json, FAULT_UTF8, "");
                snprintf(json, sizeof(json), "{\"x\":{\"%s\":1}}", rows[i]);
                bad(json, FAULT_UTF8, "");
                snprintf(json, sizeof(json), "{\"x\":\"\\n%s\"}", rows[i]);
                bad(json, FAULT_UTF8, "");
        }
}
END_TEST

/* Every first byte, and those around the bounds behind it, against the other reader of UTF-8. */
START_TEST(utf8_is_well_formed_to_the_byte)
{
        static const unsigned char seconds[] = {0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0};
        static const unsigned char behind[] = {0x7F, 0x80, 0xBF, 0xC0};
        size_t n_good = 0;

        for (unsigned first = 0x80; first <= 0xFF; first++) {
                for (size_t k = 0; k < CX_ARRAY_LEN(seconds); k++) {
                        for (unsigned rest = 0; rest < 64; rest++) {
                                size_t n = 1 + rest / 4 % 4;
                                char json[] = "{\"id\":\"....\",\"ts\":[]}", *p = json + 7;
                                Survey s;
                                Fault f;
                                bool well;

                                p[0] = (char)first;
                                p[1] = (char)seconds[k];
                                p[2] = (char)behind[rest % 4];
                                p[3] = (char)behind[rest / 16];
                                memset(p + n, '.', 4 - n);
                                well = text_is_utf8(p, 4);
                                ck_assert_int_eq(decode((Text){.at = json, .n = sizeof(json) - 1}, &s, &f),
                                                 1);
                                ck_assert_msg(f.code == FAULT_UTF8 || well, "%02x %02x %02x %02x, %zu", first,
                                              seconds[k], p[2] & 0xFF, p[3] & 0xFF, n);
                                ck_assert_msg(f.code != FAULT_UTF8 || !well, "%02x %02x %02x %02x, %zu",
                                              first, seconds[k], p[2] & 0xFF, p[3] & 0xFF, n);
                                n_good += well;
                        }
                }
        }
        ck_assert_uint_gt(n_good, 1000);
}
END_TEST

/* Eight bytes are looked at in one go: wherever it stands among them, and whatever stands behind it. */
START_TEST(no_byte_of_a_text_is_passed_over)
{
        char json[128];

        for (int c = 1; c < 256; c++) {
                for (int at = 0; at < 24; at++) {
                        char name[] = "xxxxxxxxxxxxxxxxxxxxxxxx";

                        name[at] = (char)c;
                        snprintf(json, sizeof(json), WITH(",\"agent\":\"%s\""), name);
                        if (c < 0x20 || c == '"' || c == '\\')
                                bad(json, FAULT_JSON, "");
                        else if (c >= 0x80)
                                bad(json, FAULT_UTF8, "");
                        else if (c == 0x7F)
                                bad(json, FAULT_RANGE, "agent");
                        else
                                ck_assert(text_is(good(json).agent, name));
                }
        }
}
END_TEST

START_TEST(escapes_are_unfolded)
{
        static const struct {
                const char *escaped, *text;
        } rows[] = {
                {"\\\"\\\\\\/\\n\\r\\t", "\"\\/\n\r\t"},
                {"a\\u0041\\u007eb", "aA~b"},
                {"\\u00A0\\u00a1", "\xC2\xA0\xC2\xA1"},
                {"\\u07ff", "\xDF\xBF"},
                {"\\u0800", "\xE0\xA0\x80"},
                {"\\uaBcD\\uEf09", "\xEA\xAF\x8D\xEE\xBC\x89"},
                {"\\ud7ff\\ue000", "\xED\x9F\xBF\xEE\x80\x80"},
                {"\\uffff", "\xEF\xBF\xBF"},
                {"\\ud800\\udc00", "\xF0\x90\x80\x80"},
                {"\\uDBFF\\uDFFF!", "\xF4\x8F\xBF\xBF!"},
                {"\xC3\xB1\\u00f1\xC3\xB1", "\xC3\xB1\xC3\xB1\xC3\xB1"},
        };
        char json[256];

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++) {
                snprintf(json, sizeof(json), WITH(",\"comment\":\"%s\""), rows[i].escaped);
                ck_assert_msg(text_is(good(json).comment, rows[i].text), "%s", json);
        }
        bad(WITH(",\"comment\":\"\\u0080\""), FAULT_RANGE, "comment");
        bad(WITH(",\"comment\":\"\\b\""), FAULT_RANGE, "comment");
        bad(WITH(",\"comment\":\"\\f\""), FAULT_RANGE, "comment");
}
END_TEST

CHECK_MAIN("json_scan_text", ill_formed_utf8_is_refused, utf8_is_well_formed_to_the_byte,
           no_byte_of_a_text_is_passed_over, escapes_are_unfolded)

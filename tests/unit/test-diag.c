/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "proto/base/diag.h"
#include "proto/base/text.h"
#include "tests/support/check_main.h"

START_TEST(only_what_is_known_is_shown)
{
        Diag d = DIAG_NULL;
        char text[256];

        ck_assert_int_eq(diag_set(&d, "rules.yaml", 14, "rules.nps.window", "\"%s\" is no duration", "7x"),
                         -EINVAL);
        ck_assert_str_eq(diag_format(&d, text, sizeof(text)),
                         "rules.yaml:14: rules.nps.window: \"7x\" is no duration");
        diag_set(&d, "rules.yaml", 0, NULL, "is empty");
        ck_assert_str_eq(diag_format(&d, text, sizeof(text)), "rules.yaml: is empty");
        diag_set(&d, NULL, 3, NULL, "is empty");
        ck_assert_str_eq(diag_format(&d, text, sizeof(text)), "3: is empty");
        diag_set(&d, NULL, 0, "a.b", "is empty");
        ck_assert_str_eq(diag_format(&d, text, sizeof(text)), "a.b: is empty");
}
END_TEST

START_TEST(a_message_is_wrapped_with_its_own_parts)
{
        Diag d = DIAG_NULL;

        diag_set(&d, "a.yaml", 1, "x", "inner");
        diag_set(&d, d.file, 2, d.field, "rule \"r\": %s", d.text);
        ck_assert_str_eq(d.file, "a.yaml");
        ck_assert_str_eq(d.field, "x");
        ck_assert_str_eq(d.text, "rule \"r\": inner");
}
END_TEST

START_TEST(long_text_is_cut_between_characters)
{
        Diag d = DIAG_NULL;
        char text[8], wide[2001];

        for (size_t i = 0; i < 2000; i += 2)
                memcpy(wide + i, "\xC3\xB1", 2);
        wide[2000] = '\0';
        diag_set(&d, wide, 1, wide, "x%s", wide);
        ck_assert(text_is_utf8(d.file, strlen(d.file)));
        ck_assert(text_is_utf8(d.field, strlen(d.field)));
        ck_assert(text_is_utf8(d.text, strlen(d.text)));
        ck_assert_uint_ge(strlen(d.text), sizeof(d.text) - 2);
        diag_set(&d, "file.yaml", 1, NULL, "text");
        ck_assert_str_eq(diag_format(&d, text, sizeof(text)), "file.ya");
}
END_TEST

CHECK_MAIN("diag", only_what_is_known_is_shown, a_message_is_wrapped_with_its_own_parts,
           long_text_is_cut_between_characters)

/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>

#include "proto/base/text.h"
#include "proto/fault.h"
#include "tests/support/check_main.h"

START_TEST(every_code_has_a_name_of_its_own_a_status_and_a_sentence)
{
        for (FaultCode a = FAULT_NONE + 1; a < _FAULT_N; a++) {
                ck_assert_int_eq(strncmp(fault_name(a), "E_", 2), 0);
                ck_assert_int_ge(fault_status(a), 400);
                ck_assert_int_lt(fault_status(a), 600);
                ck_assert_uint_gt(strlen(fault_text(a)), 10);
                for (FaultCode b = FAULT_NONE + 1; b < a; b++)
                        ck_assert_str_ne(fault_name(a), fault_name(b));
        }
        ck_assert_str_eq(fault_name(FAULT_NONE), "");
        ck_assert_int_eq(fault_status(FAULT_NONE), 200);
        ck_assert_str_eq(fault_name(FAULT_DUPLICATE_KEY), "E_DUPLICATE_KEY");
        ck_assert_int_eq(fault_status(FAULT_BUSY), 429);
}
END_TEST

START_TEST(a_fault_is_filled_in_completely)
{
        Fault f;

        memset(&f, 'x', sizeof(f));
        ck_assert_int_eq(fault_set(&f, FAULT_RANGE, "answers.csat", "must be %d to %d", 1, 5), 1);
        ck_assert_int_eq(f.code, FAULT_RANGE);
        ck_assert_str_eq(f.field, "answers.csat");
        ck_assert_str_eq(f.text, "must be 1 to 5");
        ck_assert_int_eq(fault_set(&f, FAULT_TOKEN, NULL, NULL), 1);
        ck_assert_str_eq(f.field, "");
        ck_assert_str_eq(f.text, "no valid token");
}
END_TEST

START_TEST(a_fault_may_be_wrapped_and_is_cut_between_characters)
{
        Fault f = FAULT_NULL;
        char wide[1001];

        fault_set(&f, FAULT_TYPE, "a.b", "inner");
        fault_set(&f, f.code, f.field, "outer: %s", f.text);
        ck_assert_str_eq(f.field, "a.b");
        ck_assert_str_eq(f.text, "outer: inner");
        for (size_t i = 0; i < 1000; i += 2)
                memcpy(wide + i, "\xC3\xB1", 2);
        wide[1000] = '\0';
        fault_set(&f, FAULT_TYPE, wide, "%s", wide);
        ck_assert(text_is_utf8(f.field, strlen(f.field)));
        ck_assert(text_is_utf8(f.text, strlen(f.text)));
        ck_assert_uint_ge(strlen(f.text), sizeof(f.text) - 2);
}
END_TEST

START_TEST(the_manual_names_every_code_with_its_status)
{
        const char *source = getenv("CX_SOURCE");
        char path[4096], row[64];
        static char page[1 << 16];
        FILE *file;

        ck_assert_ptr_nonnull(source);
        snprintf(path, sizeof(path), "%s/proto/cx-survey.7", source);
        file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
        fclose(file);
        for (FaultCode code = FAULT_NONE + 1; code < _FAULT_N; code++) {
                snprintf(row, sizeof(row), ".It Er %s Pq %d\n", fault_name(code), fault_status(code));
                ck_assert_msg(strstr(page, row) != NULL, "cx-survey(7) lacks %s", row);
        }
}
END_TEST

CHECK_MAIN("fault", the_manual_names_every_code_with_its_status,
           every_code_has_a_name_of_its_own_a_status_and_a_sentence, a_fault_is_filled_in_completely,
           a_fault_may_be_wrapped_and_is_cut_between_characters)

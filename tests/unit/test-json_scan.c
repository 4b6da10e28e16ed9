/* SPDX-License-Identifier: Apache-2.0 */

/* JSON itself, by way of the survey decoder, which checks every byte that it is given. */

#include <dirent.h>
#include <stdio.h>

#include "tests/support/survey_case.h"

START_TEST(what_is_not_json_is_refused)
{
        static const char *const rows[] = {
                "",
                " ",
                "{",
                "{\"id\"",
                "{\"id\":",
                "{\"id\":}",
                "{\"id\":\"1",
                "{\"id\":\"1\"",
                "{\"id\":\"1\",",
                "{\"id\":\"1\",}",
                "{,}",
                "{\"a\" 1}",
                "{'a':1}",
                "{a:1}",
                "{\"a\":1 \"b\":2}",
                "{}{}",
                "{} x",
                "\xEF\xBB\xBF{}",
                "{\"a\":tru}",
                "{\"a\":truex}",
                "{\"a\":nul",
                "{\"a\":NaN}",
                "{\"a\":Infinity}",
                "{\"a\":01}",
                "{\"a\":-}",
                "{\"a\":-01}",
                "{\"a\":1.}",
                "{\"a\":.5}",
                "{\"a\":+1}",
                "{\"a\":1e}",
                "{\"a\":1e+}",
                "{\"a\":0x10}",
                "{\"a\":1.e1}",
                "{\"a\":[1,]}",
                "{\"a\":[1 2]}",
                "{\"a\":[}",
                "{\"a\":\"\\x\"}",
                "{\"a\":\"\\u12\"}",
                "{\"a\":\"\\u12g4\"}",
                "{\"a\":\"\\u0000\"}",
                "{\"\\u0000\":1}",
                "{\"a\":\"\\ud800\"}",
                "{\"a\":\"\\udc00\"}",
                "{\"a\":\"\\ud800\\u0041\"}",
                "{\"a\":\"\\ud800\\ud800\"}",
                "{\"a\":\"\t\"}",
                "{\"a\":\"\n\"}",
                "{\"a\":1}\f",
                "//\n{}",
                "{\"a\":1/**/}",
                "{\"a\":\"\\",
                "{\"a\":\"\\u",
                "{\"a\":\"\\ud800\\u",
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++)
                bad(rows[i], FAULT_JSON, "");
        bad_text((Text){.at = "{\"a\":\"x\0\"}", .n = 10}, FAULT_JSON, "");
        bad_text((Text){.at = "{}\0", .n = 3}, FAULT_JSON, "");
}
END_TEST

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

START_TEST(the_same_key_twice_is_refused_at_every_level)
{
        static const char *const rows[] = {
                "{\"id\":\"1\",\"id\":\"2\"}",
                "{\"id\":\"1\",\"\\u0069d\":\"2\"}",
                "{\"x\":1,\"y\":2,\"x\":3}",
                "{\"x\":1,\"y\":2,\"\\u0078\":3}",
                "{\"\\u0078\":1,\"y\":2,\"x\":3}",
                "{\"\\u0078\":1,\"y\":2,\"\\u0078\":3}",
                "{\"\":1,\"\":2}",
                "{\"answers\":{\"nps\":1,\"csat\":2,\"nps\":3}}",
                "{\"answers\":{\"nps\":1,\"\\u006eps\":3}}",
                "{\"x\":{\"a\":1,\"a\":1}}",
                "{\"x\":[[{\"a\":1,\"b\":1,\"a\":0}]]}",
                "{\"a\":{\"a\":{\"a\":1}},\"b\":1,\"a\":1}",
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++)
                bad(rows[i], FAULT_DUPLICATE_KEY, "");
        good(WITH(",\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1,\"ab\":2,\"\":3},\"x\":[{\"a\":1},{\"a\":1}]"));
        good(WITH(",\"a\\\"\":1,\"a\":2,\"\\u0061\\\"\\\"\":3"));
}
END_TEST

/* One object of many keys, some of them escaped; with @twice, one of them comes again at the end. */
static Text many_keys(char *json, size_t size, const char *head, size_t n_keys, bool twice)
{
        size_t n = (size_t)snprintf(json, size, "%s", head);

        for (size_t i = 0; i < n_keys; i++)
                n += (size_t)snprintf(json + n, size - n, "%s\"%s%zx\":%d", i ? "," : "", i % 3 ? "" : "\\/",
                                      i * 7919 % n_keys, 1);
        if (twice)
                n += (size_t)snprintf(json + n, size - n, ",\"\\u002f%zx\":1", 6 * 7919 % n_keys);
        n += (size_t)snprintf(json + n, size - n, "%s}", head[0] == '{' && strchr(head + 1, '{') ? "}" : "");
        return (Text){.at = json, .n = n};
}

START_TEST(very_many_keys_are_told_apart)
{
        static char json[SURVEY_BYTES_MAX + 1];
        Survey s;
        Fault f;
        size_t n_ignored = 0;

        ck_assert_int_eq(decode_as(many_keys(json, sizeof(json), "{\"id\":\"1\",\"ts\":0,\"queue\":\"q\",",
                                             5000, false),
                                   false, &s, &f, &n_ignored),
                         0);
        ck_assert_uint_eq(n_ignored, 5000);
        bad_text(many_keys(json, sizeof(json), "{\"id\":\"1\",", 5000, true), FAULT_DUPLICATE_KEY, "");
        bad_text(many_keys(json, sizeof(json), "{\"x\":{", 5000, true), FAULT_DUPLICATE_KEY, "");
        bad_text(many_keys(json, sizeof(json), "{\"x\":{", 5000, false), FAULT_MISSING, "id");
        bad_text(many_keys(json, sizeof(json), "{\"answers\":{", 5000, true), FAULT_DUPLICATE_KEY, "");
        bad_text(many_keys(json, sizeof(json), "{\"answers\":{", 65, false), FAULT_RANGE, "answers");
        bad_text(many_keys(json, sizeof(json), "{\"answers\":{", 64, false), FAULT_MISSING, "id");
        bad_text(many_keys(json, sizeof(json), "{\"answers\":{", 64, true), FAULT_DUPLICATE_KEY, "");
}
END_TEST

START_TEST(nesting_ends_at_four)
{
        good(WITH(",\"x\":[[[1]]]"));
        good(WITH(",\"x\":{\"x\":{\"x\":{}}}"));
        bad(WITH(",\"x\":[[[[]]]]"), FAULT_DEPTH, "");
        bad(WITH(",\"x\":{\"x\":{\"x\":{\"x\":{}}}}"), FAULT_DEPTH, "");
        bad(WITH(",\"answers\":{\"x\":[[{}]]}"), FAULT_DEPTH, "");
        bad(WITH(",\"answers\":{\"x\":[{}]}"), FAULT_TYPE, "answers.x");
        bad("[[[[[", FAULT_DEPTH, "");
        bad("[[[[", FAULT_JSON, "");
}
END_TEST

START_TEST(numbers_that_do_not_fit_are_out_of_range)
{
        bad(WITH(",\"answers\":{\"nps\":9223372036854775808}"), FAULT_RANGE, "answers.nps");
        bad(WITH(",\"answers\":{\"nps\":1e999}"), FAULT_RANGE, "answers.nps");
        bad(WITH(",\"x\":-1e999"), FAULT_RANGE, "x");
        bad(WITH(",\"x\":{\"y\":[-9223372036854775809]}"), FAULT_RANGE, "x");
        ck_assert(good(WITH(",\"answers\":{\"nps\":1e-999}")).answers[0].value == 0);
        ck_assert(good(WITH(",\"answers\":{\"nps\":9007199254740993}")).answers[0].value ==
                  9007199254740992.0);
}
END_TEST

START_TEST(broken_json_is_the_greater_fault)
{
        bad("{\"id\":5,\"ts\":0,\"queue\":\"q\"", FAULT_JSON, "");
        bad("{\"id\":5,\"ts\":\"x\",\"queue\":\"\xFF\"}", FAULT_UTF8, "");
        bad("{\"rev\":1e999,\"rev\":1}", FAULT_DUPLICATE_KEY, "");
        bad("{\"id\":5,\"ts\":\"x\"}", FAULT_TYPE, "id");
        bad("5 5", FAULT_JSON, "");
}
END_TEST

/* Every prefix of a survey is broken, and says so without reading on. */
START_TEST(a_survey_may_be_cut_off_anywhere)
{
        static const char json[] =
                "{\"id\":\"a\\u00e9\\ud83d\\ude00\",\"ts\":1.5e9,\"queue\":\"\xC3\xB1\",\"answers\":{"
                "\"a\\n\":true,"
                "\"b\":-1.5},\"x\":[null,{\"\\t\":\"\\n\",\"c\":\"d\"},false,12345678901234567890]}";

        for (size_t n = 0; n < sizeof(json) - 1; n++) {
                Survey s;
                Fault f;

                ck_assert_int_eq(decode((Text){.at = json, .n = n}, &s, &f), 1);
                ck_assert_msg(f.code == FAULT_JSON || f.code == FAULT_UTF8, "%zu: %s", n, fault_name(f.code));
        }
}
END_TEST

/* The verdicts of JSONTestSuite (N. Seriot), as far as JSON itself goes. */
static bool may_be_refused_as_json(const char *file)
{
        return strcmp(file, "y_string_null_escape.json") == 0 ||
               strcmp(file, "y_object_escaped_null_in_key.json") == 0 ||
               strncmp(file, "y_object_duplicated_key", 23) == 0;
}

START_TEST(the_verdicts_of_the_json_test_suite_hold)
{
        const char *folder = shared_file("data/json_test_suite/test_parsing");
        static char json[1 << 20];
        struct dirent *entry;
        size_t n_files = 0;
        DIR *dir;

        if (!folder) {
                fprintf(stderr, "skipped: no JSON test suite (CX_SHARED)\n");
                return;
        }
        dir = opendir(folder);
        ck_assert_ptr_nonnull(dir);
        while ((entry = readdir(dir))) {
                char path[4096];
                Survey s;
                Fault f;
                FILE *file;
                size_t n;
                bool refused_as_json;

                if (!strstr(entry->d_name, ".json"))
                        continue;
                ck_assert_int_lt(snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name), sizeof(path));
                file = fopen(path, "rb");
                ck_assert_ptr_nonnull(file);
                n = fread(json, 1, sizeof(json), file);
                fclose(file);
                n_files++;
                ck_assert_int_eq(decode((Text){.at = json, .n = n}, &s, &f),
                                 1); /* none of them is a survey */
                refused_as_json =
                        f.code == FAULT_JSON || f.code == FAULT_UTF8 || f.code == FAULT_DUPLICATE_KEY;
                if (entry->d_name[0] == 'y')
                        ck_assert_msg(!refused_as_json || may_be_refused_as_json(entry->d_name), "%s: %s: %s",
                                      entry->d_name, fault_name(f.code), f.text);
                if (entry->d_name[0] == 'n')
                        ck_assert_msg(refused_as_json || f.code == FAULT_DEPTH || f.code == FAULT_TOO_LONG,
                                      "%s: %s: %s", entry->d_name, fault_name(f.code), f.text);
        }
        closedir(dir);
        ck_assert_uint_eq(n_files, 318);
}
END_TEST

CHECK_MAIN("json_scan", what_is_not_json_is_refused, ill_formed_utf8_is_refused,
           the_same_key_twice_is_refused_at_every_level, very_many_keys_are_told_apart, nesting_ends_at_four,
           numbers_that_do_not_fit_are_out_of_range, broken_json_is_the_greater_fault,
           a_survey_may_be_cut_off_anywhere, the_verdicts_of_the_json_test_suite_hold)

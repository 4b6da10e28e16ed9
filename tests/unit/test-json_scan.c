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

START_TEST(what_is_wrong_and_where_is_said)
{
        static const struct {
                const char *json, *text;
        } rows[] = {
                {"", "the text ends too early: a value is missing"},
                {" ", "the text ends too early: a value is missing"},
                {"x", "something that is no JSON value at byte 1"},
                {"\xEF\xBB\xBF{}", "a byte order mark, which JSON does not have, at byte 1"},
                {"\xEF\xBB", "something that is no JSON value at byte 1"},
                {"\xEF\xBD\x9B}", "something that is no JSON value at byte 1"},
                {"{", "the text ends too early: a key in quotation marks is missing"},
                {"{\"a\"", "the text ends too early: a colon is missing"},
                {"{\"a\":", "the text ends too early: a value is missing"},
                {"{\"a\":[", "the text ends too early: a value is missing"},
                {"{\"a\":[1,", "the text ends too early: a value is missing"},
                {"{\"a\":[1", "the text ends too early: a comma or a closing bracket is missing"},
                {"{\"a\":1", "the text ends too early: a comma or a closing brace is missing"},
                {"{\"a\":\"b", "the text ends too early: a string has no closing quotation mark"},
                {"{\"a\":\"\xC3\xB1", "the text ends too early: a string has no closing quotation mark"},
                {"{\"a\":\"\\n", "the text ends too early: a string has no closing quotation mark"},
                {"{\"a\":\"b\x1F\"}", "a control character that is not escaped at byte 8"},
                {"{\"a\":\"\\", "the text ends too early: within an escape"},
                {"{\"a\":tru", "something that is no JSON value at byte 6"},
                {"{\"a\":nulL}", "something that is no JSON value at byte 6"},
                {"{\"id\":nul}", "something that is no JSON value at byte 7"},
                {"{\"ts\":nul}", "something that is no JSON value at byte 7"},
                {"{\"rev\":nul}", "something that is no JSON value at byte 8"},
                {"{\"comment\":nul}", "something that is no JSON value at byte 12"},
                {"{\"answers\":nul}", "something that is no JSON value at byte 12"},
                {"{\"answers\":{\"a\":nul}}", "something that is no JSON value at byte 17"},
                {"{\"answers\":{\"a\":tru}}", "something that is no JSON value at byte 17"},
                {"{\"answers\":{\"a\":fals}}", "something that is no JSON value at byte 17"},
                {"{\"a\":}", "something that is no JSON value at byte 6"},
                {"{\"a\":-}", "a minus without a number at byte 6"},
                {"{\"rev\":01}", "a number with a leading zero at byte 8"},
                {"{\"ts\":1.}", "a number without digits behind its point at byte 7"},
                {"{\"answers\":{\"a\":1e+}}", "a number without digits in its exponent at byte 17"},
                {"{\"a\":1,}", "a key in quotation marks is missing at byte 8"},
                {"{\"a\" 1}", "a colon is missing at byte 6"},
                {"{\"a\":1 2}", "a comma or a closing brace is missing at byte 8"},
                {"{\"a\":[1 2]}", "a comma or a closing bracket is missing at byte 9"},
                {"{} x", "the JSON value is complete, but more text follows at byte 4"},
                {"5 5", "the JSON value is complete, but more text follows at byte 3"},
                {"{\"a\":\"b\tc\"}", "a control character that is not escaped at byte 8"},
                {"{\"a\":\"b\\v\"}", "an escape that JSON does not have at byte 8"},
                {"{\"a\":\"\\u12\"}", "\\u wants four hexadecimal digits at byte 7"},
                {"{\"a\":\"\\u0000\"}", "NUL, which no text may contain, at byte 7"},
                {"{\"a\":\"\\u1234", "the text ends too early: a string has no closing quotation mark"},
                {"{\"a\":\"\\u123", "\\u wants four hexadecimal digits at byte 7"},
                {"{\"a\":\"\\u123:\"}", "\\u wants four hexadecimal digits at byte 7"},
                {"{\"a\":\"\\u/123\"}", "\\u wants four hexadecimal digits at byte 7"},
                {"{\"a\":\"\\u1@23\"}", "\\u wants four hexadecimal digits at byte 7"},
                {"{\"a\":\"\\u12g3\"}", "\\u wants four hexadecimal digits at byte 7"},
                {"{\"a\":\"b\\uD800\\uDBFF\"}", "half of a surrogate pair at byte 8"},
                {"{\"a\":\"b\\uD800\\uE000\"}", "half of a surrogate pair at byte 8"},
                {"{\"a\":\"b\\uDFFF\\uDC00\"}", "half of a surrogate pair at byte 8"},
                {"{\"a\":\"b\\uDC00\\uDC00\"}", "half of a surrogate pair at byte 8"},
                {"{\"a\":\"b\\uDBFF,uDC00\"}", "half of a surrogate pair at byte 8"},
                {"{\"a\":\"b\\uDBFF\\nDC00\"}", "half of a surrogate pair at byte 8"},
                {"{\"a\":\"b\\uD800\\uDC00",
                 "the text ends too early: a string has no closing quotation mark"},
                {"{\"a\":\"\\uD800\"}", "half of a surrogate pair at byte 7"},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++)
                ck_assert_str_eq(bad(rows[i].json, FAULT_JSON, "").text, rows[i].text);
        ck_assert_str_eq(bad("{\"a\":\"\xFF\"}", FAULT_UTF8, "").text, "ill-formed UTF-8 at byte 7");
        ck_assert_str_eq(bad("{\"a\":\"b\xE2\x82z\"}", FAULT_UTF8, "").text, "ill-formed UTF-8 at byte 8");
        ck_assert_str_eq(bad("{\"a\":[[[[", FAULT_DEPTH, "").text,
                         "nested deeper than the limit of 4 at byte 9");
        ck_assert_str_eq(bad("{\"a\":{\"b\":1,\"b\":1}}", FAULT_DUPLICATE_KEY, "").text,
                         "the same key twice in the object that ends at byte 18");
        ck_assert_str_eq(bad("{\"id\":\"\",\"id\":1}", FAULT_DUPLICATE_KEY, "").text,
                         "the same field for the second time at byte 15");
        ck_assert_str_eq(bad("{\"answers\":{\"a\":1,\"a\":1}}", FAULT_DUPLICATE_KEY, "").text,
                         "the same answer for the second time at byte 23");
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
                "{\"answers\":{\"nps\":1,\"csat\":2,\"fcr\":3,\"csat\":4}}",
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
        Text many;

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
        many = many_keys(json, sizeof(json), "{\"answers\":{", 70, false);
        json[many.n - 3] = '?'; /* behind what there may be */
        ck_assert_ptr_nonnull(strstr(bad_text(many, FAULT_JSON, "").text, "no JSON value"));
        bad_text(many_keys(json, sizeof(json), "{\"answers\":{\"x\":[\"\xFF\"],", 64, false), FAULT_UTF8, "");
}
END_TEST

/* Key @i of some that are alike: they begin like each other, some are escaped, and they come in no order. */
static size_t add_key(char *to, size_t size, size_t i, size_t n_keys, bool escaped)
{
        size_t k = i * 7 % n_keys;

        return (size_t)snprintf(to, size, "\"%s%.*s%zu\":1,", escaped ? "\\u0061" : "a", (int)(k % 4), "bbb",
                                k / 4);
}

START_TEST(every_key_is_compared_with_every_other)
{
        char json[2048];

        for (size_t n_keys = 2; n_keys <= 26; n_keys += n_keys % 7 == 6 ? 2 : 1) {
                for (size_t twice = 0; twice < n_keys; twice++) {
                        for (size_t at = 0; at <= n_keys; at++) {
                                size_t n = (size_t)snprintf(json, sizeof(json),
                                                            "{\"id\":\"1\",\"ts\":0,\"queue\":\"q\",");

                                for (size_t i = 0; i < n_keys; i++) {
                                        if (i == at)
                                                n += add_key(json + n, sizeof(json) - n, twice, n_keys,
                                                             at % 2);
                                        n += add_key(json + n, sizeof(json) - n, i, n_keys, i % 3 == 0);
                                }
                                json[n - 1] = '}';
                                if (at == n_keys)
                                        good(json);
                                else
                                        bad(json, FAULT_DUPLICATE_KEY, "");
                        }
                }
        }
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
        good(WITH(",\"answers\":{},\"x\":[[[1],[1]],[[1],{\"x\":1}]],\"y\":{\"x\":{\"x\":{}}}"));
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
        static const char *const fields[] = {
                "id",     "ts",     "contact", "agent", "queue",   "customer", "channel",
                "reason", "status", "rev",     "x",     "answers", "comment",
        };

        bad("{\"id\":5,\"ts\":0,\"queue\":\"q\"", FAULT_JSON, "");
        bad("{\"id\":5,\"ts\":\"x\",\"queue\":\"\xFF\"}", FAULT_UTF8, "");
        bad("{\"rev\":1e999,\"rev\":1}", FAULT_DUPLICATE_KEY, "");
        bad("{\"id\":5,\"ts\":\"x\"}", FAULT_TYPE, "id");
        bad("5 5", FAULT_JSON, "");
        /* Wherever it lies. */
        for (size_t i = 0; i < CX_ARRAY_LEN(fields); i++) {
                char json[128];

                snprintf(json, sizeof(json), "{\"%s\":[1,{\"a\":\"\xFF\"}]}", fields[i]);
                bad(json, FAULT_UTF8, "");
                snprintf(json, sizeof(json), "{\"%s\":\"\xFF\"}", fields[i]);
                bad(json, FAULT_UTF8, "");
                snprintf(json, sizeof(json), "{\"%s\":{\"a\":[{\"b\":1,\"b\":1}]}}", fields[i]);
                bad(json, FAULT_DUPLICATE_KEY, "");
                snprintf(json, sizeof(json), "{\"%s\":[[[[]]]]}", fields[i]);
                bad(json, FAULT_DEPTH, "");
                snprintf(json, sizeof(json), "{\"%s\":-}", fields[i]);
                ck_assert_ptr_nonnull(strstr(bad(json, FAULT_JSON, "").text, "a minus without a number"));
                snprintf(json, sizeof(json), "{\"%s\":fals}", fields[i]);
                ck_assert_ptr_nonnull(strstr(bad(json, FAULT_JSON, "").text, "no JSON value"));
        }
        bad("{\"answers\":{\"\xFF\":1}}", FAULT_UTF8, "");
        bad("{\"answers\":{\"a\":\"\xFF\"}}", FAULT_UTF8, "");
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

CHECK_MAIN("json_scan", what_is_not_json_is_refused, what_is_wrong_and_where_is_said,
           the_same_key_twice_is_refused_at_every_level, very_many_keys_are_told_apart,
           every_key_is_compared_with_every_other, nesting_ends_at_four,
           numbers_that_do_not_fit_are_out_of_range, broken_json_is_the_greater_fault,
           a_survey_may_be_cut_off_anywhere, the_verdicts_of_the_json_test_suite_hold)

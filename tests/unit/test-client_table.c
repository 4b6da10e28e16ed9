/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdlib.h>

#include "client/display.h"
#include "client/table.h"
#include "tests/support/check_main.h"

static const Column columns[] = {
        {"name", "NAME"},
        {"value", "VALUE", .right = true},
        {"hidden", NULL},
        {"note", "NOTE", .people_only = true},
};

/* What @render writes for @t; malloc'ed. */
enum { TEXT_PLAIN, TEXT_NARROW, TEXT_COLOR, AS_CSV, AS_JSON, AS_JSON_SINGLE };

static char *rendered(const Table *t, int how)
{
        char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);

        ck_assert_ptr_nonnull(f);
        if (how == AS_CSV)
                render_csv(t, f, true);
        else if (how == AS_JSON || how == AS_JSON_SINGLE)
                render_json(t, f, how == AS_JSON_SINGLE);
        else
                render_text(t, f, how == TEXT_COLOR, how == TEXT_NARROW ? 30 : 0);
        ck_assert_int_eq(fclose(f), 0);
        return text;
}

static void expect(const Table *t, int how, const char *expected)
{
        char *text = rendered(t, how);

        ck_assert_str_eq(text, expected);
        free(text);
}

static Table *sample(void)
{
        Table *t = table_new(columns, CX_ARRAY_LEN(columns), "nothing");

        table_row(t);
        table_str(t, "Łukasz");
        table_number(t, 78.25, 1, "%", false);
        table_int(t, 7);
        table_str(t, "said \"no\", twice");
        table_style(t, STYLE_BAD);
        table_row(t);
        table_str(t, "日本");
        table_number(t, NAN, 1, "%", false);
        table_bool(t, true);
        table_row(t);
        table_str(t, "a\tb\x1b[2J,\n");
        table_number(t, -0.04, 1, NULL, true);
        return t;
}

START_TEST(columns_are_aligned_by_what_is_seen)
{
        Table *t = sample();

        expect(t, TEXT_PLAIN,
               "NAME             VALUE  NOTE\n"
               "Łukasz          78.3 %  said \"no\", twice\n"
               "日本                 -  -\n"
               "a\\tb\\x1b[2J,\\n     0.0  -\n");
        table_free(t);
}
END_TEST

START_TEST(the_last_column_is_cut_to_the_terminal)
{
        static const Column two[] = {{"a", "A"}, {"b", "B"}};
        Table *t = table_new(two, 2, NULL);

        table_row(t);
        table_str(t, "x");
        table_str(t, "0123456789012345678901234567890123456789");
        expect(t, TEXT_NARROW, "A  B\nx  01234567890123456789012345…\n");
        table_free(t);
}
END_TEST

START_TEST(colour_is_only_written_if_wanted)
{
        static const Column one[] = {{"a", "A"}};
        Table *t = table_new(one, 1, NULL);

        table_row(t);
        table_str(t, "bad");
        table_style(t, STYLE_BAD);
        expect(t, TEXT_PLAIN, "A\nbad\n");
        expect(t, TEXT_COLOR, "\033[1mA\033[0m\n\033[1;31mbad\033[0m\n");
        table_free(t);
}
END_TEST

START_TEST(csv_quotes_and_has_all_digits)
{
        Table *t = sample();

        table_row(t);
        table_str(t, "say \"hi\"\r\nthere");
        table_number(t, 0.1, 0, NULL, false);
        expect(t, AS_CSV,
               "name,value,hidden\n"
               "Łukasz,78.25,7\n"
               "日本,,true\n"
               "\"a\tb\\x1b[2J,\n\",-0.04,\n"
               "\"say \"\"hi\"\"\r\nthere\",0.1,\n");
        table_free(t);
}
END_TEST

START_TEST(json_has_types_and_null)
{
        Table *t = sample();

        expect(t, AS_JSON,
               "[{\"name\":\"Łukasz\",\"value\":78.25,\"hidden\":7},{\"name\":\"日本\",\"value\":null,"
               "\"hidden\":true},"
               "{\"name\":\"a\\tb\\u001b[2J,\\n\",\"value\":-0.04,\"hidden\":null}]");
        expect(t, AS_JSON_SINGLE, "{\"name\":\"Łukasz\",\"value\":78.25,\"hidden\":7}");
        table_free(t);
}
END_TEST

START_TEST(an_empty_table_says_so_to_people_only)
{
        Table *t = table_new(columns, CX_ARRAY_LEN(columns), "nothing");

        expect(t, TEXT_PLAIN, "nothing\n");
        expect(t, AS_CSV, "name,value,hidden\n");
        expect(t, AS_JSON, "[]");
        table_free(t);
}
END_TEST

START_TEST(text_from_outside_is_made_harmless)
{
        static const struct {
                const char *text, *shown;
        } cases[] = {
                {"plain Ünï 日本", "plain Ünï 日本"},
                {"\x1b]0;title\x07", "\\x1b]0;title\\x07"},
                {"\xc2\x9b"
                 "31m",
                 "\\u{9b}31m"},
                {"a\xe2\x80\xae"
                 "b",
                 "a\\u{202e}b"},
                {"\xff\xc3", "\\xff\\xc3"},
                {"a\r\n\tb\x7f", "a\\r\\n\\tb\\x7f"},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(cases); i++) {
                char *shown = display_dup(text_of(cases[i].text));

                ck_assert_str_eq(shown, cases[i].shown);
                free(shown);
        }
}
END_TEST

START_TEST(width_counts_columns_not_bytes)
{
        ck_assert_uint_eq(display_width(text_of("abc")), 3);
        ck_assert_uint_eq(display_width(text_of("Łukasz")), 6);
        ck_assert_uint_eq(display_width(text_of("日本")), 4);
        ck_assert_uint_eq(display_width(text_of("e\xcc\x81")), 1);
        ck_assert_uint_eq(display_cut(text_of("日本語"), 5).n, 6);
        ck_assert_uint_eq(display_cut(text_of("abc"), 5).n, 3);
}
END_TEST

CHECK_MAIN("client_table", columns_are_aligned_by_what_is_seen, the_last_column_is_cut_to_the_terminal,
           colour_is_only_written_if_wanted, csv_quotes_and_has_all_digits, json_has_types_and_null,
           an_empty_table_says_so_to_people_only, text_from_outside_is_made_harmless,
           width_counts_columns_not_bytes)

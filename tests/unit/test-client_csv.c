/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "client/csv.h"
#include "tests/support/check_main.h"

/* Reads @text and writes "line[field|field]" for each record, "line!reason" or "first-last!reason" for broken ones. */
static char *transcript(const char *text, char delimiter)
{
        FILE *from = fmemopen((void *)(uintptr_t)text, strlen(text), "r"), *to;
        char *ret = NULL;
        size_t n;
        Csv csv;
        int r;

        to = open_memstream(&ret, &n);
        ck_assert(from && to);
        csv_init(&csv, from, delimiter);
        while ((r = csv_next(&csv)) != CSV_E_END) {
                ck_assert_int_ge(r, 0);
                fprintf(to, "%d", (int)csv.line);
                if (r == CSV_E_BROKEN) {
                        if (csv.last_line > csv.line)
                                fprintf(to, "-%d", (int)csv.last_line);
                        fprintf(to, "!%s", csv.broken);
                        continue;
                }
                for (size_t i = 0; i < csv.n_fields; i++)
                        fprintf(to, "%c" TEXT_FMT, i ? '|' : '[', TEXT_ARG(csv_field(&csv, i)));
                fputc(']', to);
        }
        ck_assert_uint_eq(csv.n_read, strlen(text));
        csv_deinit(&csv);
        fclose(from);
        fclose(to);
        return ret;
}

static void expect(const char *text, const char *expected)
{
        char *found = transcript(text, ',');

        ck_assert_str_eq(found, expected);
        free(found);
}

START_TEST(plain_records_end_in_lf_crlf_or_the_end)
{
        expect("a,b\nc,d\n", "1[a|b]2[c|d]");
        expect("a,b\r\nc,d\r\n", "1[a|b]2[c|d]");
        expect("a,b\nc,", "1[a|b]2[c|]");
        expect(",\n,,", "1[|]2[||]");
        expect("a\rb,c\r", "1[a\rb|c]");
}
END_TEST

START_TEST(quotes_hold_delimiters_line_ends_and_quotes)
{
        expect("\"a,b\",\"c\"\"d\",\"\"\n", "1[a,b|c\"d|]");
        expect("\"two\nlines\",x\n\"and\r\nmore\"\nlast", "1[two\nlines|x]3[and\r\nmore]5[last]");
        expect("a\"b,c\n", "1[a\"b|c]");
}
END_TEST

START_TEST(empty_lines_are_skipped_and_counted)
{
        expect("\n\na\n\r\n\nb\n", "3[a]6[b]");
        expect("", "");
        expect("\n\n", "");
}
END_TEST

START_TEST(a_byte_order_mark_is_skipped_only_at_the_beginning)
{
        expect("\xef\xbb\xbf"
               "a,b\n",
               "1[a|b]");
        expect("\xef\xbb\xbf\"a,x\",b\n", "1[a,x|b]");
        expect("\xc3\xa9,b\n\xef\xbb\xbf,c\n", "1[\xc3\xa9|b]2[\xef\xbb\xbf|c]");
        expect("\xef\xbd\x81,b\n", "1[\xef\xbd\x81|b]");
}
END_TEST

START_TEST(a_quote_that_is_not_closed_is_named)
{
        expect("a\n\"b", "1[a]2!a quote is not closed");
}
END_TEST

#define STRAY "text after a closing quote; is a quote inside not doubled?"

START_TEST(a_stray_quote_takes_no_other_rows)
{
        expect("a\n\"b\nc", "1[a]2-3!a quote is not closed3[c]");
        expect("a,\"b\nc,d\n", "1-2!a quote is not closed2[c|d]");
        expect("a,\"b\nc\nd,\"e\"\nf\n", "1-3!" STRAY "2[c]3[d|e]4[f]");
        /* Two of them, and fields that have several lines by right. */
        expect("\"a\nb\",\"c\nd\n\"e\nf\"\n\"g\nh\"", "1-4!" STRAY "3[d]4[e\nf]6[g\nh]");
        expect("\"a\nb\",\"c\"d\ne", "1-2!" STRAY "3[e]");
}
END_TEST

START_TEST(of_a_quote_that_is_not_closed_no_more_is_read_than_a_record_may_have)
{
        static char text[3 << 20];
        size_t n = 0, n_rows = 0;
        FILE *from;
        Csv csv;
        int r;

        n = (size_t)sprintf(text, "a,\"b\n");
        for (uint64_t i = 2; n < sizeof(text) - 32; i++)
                n += (size_t)sprintf(text + n, "%d,c\n", (int)i);
        from = fmemopen(text, n, "r");
        csv_init(&csv, from, ',');
        ck_assert_int_eq(csv_next(&csv), CSV_E_BROKEN);
        ck_assert_str_eq(csv.broken, "a record of more than 1 MiB; is a quote not closed?");
        ck_assert_uint_eq(csv.again_line, 2);
        while ((r = csv_next(&csv)) == 0) {
                char line[24];

                n_rows++;
                snprintf(line, sizeof(line), "%zu", n_rows + 1);
                ck_assert(text_equal(csv_field(&csv, 0), text_of(line)));
                ck_assert_uint_eq(csv.line, n_rows + 1);
        }
        ck_assert_int_eq(r, CSV_E_END);
        ck_assert_uint_eq(csv.n_read, n);
        ck_assert_uint_eq(n_rows + 1, csv.next_line - 1);
        csv_deinit(&csv);
        fclose(from);
}
END_TEST

START_TEST(a_quote_that_is_not_doubled_breaks_its_record_only)
{
        expect("\"a \"b\", 5, c\",,\nd,e\n",
               "1!text after a closing quote; is a quote inside not doubled?2[d|e]");
        expect("\"a\"b\r\nc", "1!text after a closing quote; is a quote inside not doubled?2[c]");
        expect("\"a\" ,\"b\"\t\r\n", "1[a |b\t]");
}
END_TEST

START_TEST(a_nul_breaks_its_record_only)
{
        char text[] = "a,b\0c\nd,\"e\0\"\nf,g\n";
        FILE *from = fmemopen(text, sizeof(text) - 1, "r");
        Csv csv;

        ck_assert_ptr_nonnull(from);
        csv_init(&csv, from, ',');
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(csv_next(&csv), CSV_E_BROKEN);
                ck_assert_str_eq(csv.broken, "a NUL byte; save the file in UTF-8");
        }
        ck_assert_int_eq(csv_next(&csv), 0);
        ck_assert_uint_eq(csv.line, 3);
        ck_assert(text_is(csv_field(&csv, 1), "g"));
        csv_deinit(&csv);
        fclose(from);
}
END_TEST

START_TEST(another_delimiter)
{
        char *found = transcript("a,b;\"c;d\"\n", ';');

        ck_assert_str_eq(found, "1[a,b|c;d]");
        free(found);
}
END_TEST

START_TEST(fields_that_are_not_there_are_empty)
{
        char text[] = "a\n";
        FILE *from = fmemopen(text, 2, "r");
        Csv csv;

        csv_init(&csv, from, ',');
        ck_assert_int_eq(csv_next(&csv), 0);
        ck_assert_uint_eq(csv_field(&csv, 5).n, 0);
        ck_assert_ptr_nonnull(csv_field(&csv, 5).at);
        csv_deinit(&csv);
        fclose(from);
}
END_TEST

CHECK_MAIN("client_csv", plain_records_end_in_lf_crlf_or_the_end, quotes_hold_delimiters_line_ends_and_quotes,
           empty_lines_are_skipped_and_counted, a_byte_order_mark_is_skipped_only_at_the_beginning,
           a_quote_that_is_not_closed_is_named, a_stray_quote_takes_no_other_rows,
           of_a_quote_that_is_not_closed_no_more_is_read_than_a_record_may_have,
           a_quote_that_is_not_doubled_breaks_its_record_only, a_nul_breaks_its_record_only,
           another_delimiter, fields_that_are_not_there_are_empty)

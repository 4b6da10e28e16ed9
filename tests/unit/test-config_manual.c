/* SPDX-License-Identifier: Apache-2.0 */

/*
 * cxd.conf(5) documents every option of the table, and no other: each has an item of its own name that begins
 * with its type, range, default and unit, and goes on with its sentence, word for word.
 */

#include <stdio.h>

#include "daemon/config/option.h"
#include "tests/support/check_main.h"
#include "tests/support/config_case.h"

#define ITEM ".It Ic "

/* The line after @at, which begins one; NULL at the end. */
static const char *next_line(const char *at)
{
        const char *end = strchr(at, '\n');

        return end && end[1] ? end + 1 : NULL;
}

static bool line_is(const char *line, const char *expected)
{
        return line && strncmp(line, expected, strlen(expected)) == 0 && line[strlen(expected)] == '\n';
}

START_TEST(every_option_is_documented_as_it_is)
{
        char *page = config_case_source("conf/cxd.conf.5");

        for (size_t i = 0; i < option_count(); i++) {
                const Option *o = option_row(i);
                char item[256], words[OPTION_DESCRIPTION_MAX], description[OPTION_DESCRIPTION_MAX + 1];
                const char *at;

                snprintf(item, sizeof(item), "\n%s%s\n", ITEM, o->name);
                at = strstr(page, item);
                ck_assert_msg(at != NULL, "%s is not documented", o->name);
                at = next_line(at + 1);
                snprintf(description, sizeof(description), "%s.", option_describe(o, words));
                ck_assert_msg(line_is(at, description), "%s should be: %s", o->name, description);
                ck_assert_msg(line_is(next_line(at), o->text), "%s should say: %s", o->name, o->text);
        }
        free(page);
}
END_TEST

START_TEST(nothing_else_is_documented)
{
        char *page = config_case_source("conf/cxd.conf.5");
        size_t n = 0;

        for (const char *at = strstr(page, "\n" ITEM); at; at = strstr(at + 1, "\n" ITEM)) {
                const char *name = at + strlen("\n" ITEM);
                size_t len = strcspn(name, "\n");
                bool known = false;

                for (size_t i = 0; i < option_count(); i++)
                        known |= strlen(option_row(i)->name) == len &&
                                 strncmp(option_row(i)->name, name, len) == 0;
                ck_assert_msg(known, "%.*s is no option", (int)len, name);
                n++;
        }
        ck_assert_uint_eq(n, option_count());
        free(page);
}
END_TEST

START_TEST(sentences_are_sentences)
{
        for (size_t i = 0; i < option_count(); i++) {
                const char *text = option_row(i)->text;

                ck_assert_msg(text[0] >= 'A' && text[0] <= 'Z' && text[strlen(text) - 1] == '.', "%s", text);
        }
}
END_TEST

/* The examples of the page are right: all its displays of a whole file load. */
START_TEST(the_example_loads)
{
        char *page = config_case_source("conf/cxd.conf.5");
        char *at = strstr(page, ".Sh EXAMPLES");
        char *end, yaml[8192] = "";
        const char *message = "";
        Config *c;

        ck_assert_ptr_nonnull(at);
        at = strstr(at, ".Bd -literal");
        ck_assert_ptr_nonnull(at);
        at = strchr(at, '\n') + 1;
        end = strstr(at, "\n.Ed");
        ck_assert_ptr_nonnull(end);
        ck_assert_uint_lt((size_t)(end - at), sizeof(yaml));
        snprintf(yaml, sizeof(yaml), "%.*s\n", (int)(end - at), at);
        c = config_case_load(yaml, &message);
        ck_assert_msg(c != NULL, "%s", message);
        ck_assert_uint_gt(c->n_rules, 0);
        config_free(c);
        free(page);
}
END_TEST

CHECK_MAIN("config_manual", every_option_is_documented_as_it_is, nothing_else_is_documented,
           sentences_are_sentences, the_example_loads)

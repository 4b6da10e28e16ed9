/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "daemon/config/csv.h"
#include "tests/support/check_main.h"
#include "tests/support/config_case.h"

#define HEAD "agent,name,team,site,region,from,to\n"

/* All rows as "a|b\n", or the message. */
static const char *rows(const char *text)
{
        static char all[1024];
        Diag d = DIAG_NULL;
        size_t n = 0;
        Csv c;
        int r;

        csv_init(&c, text_of(text), "x.csv");
        all[0] = '\0';
        while ((r = csv_next(&c, &d)) == 0) {
                n += (size_t)snprintf(all + n, sizeof(all) - n, "%u:", c.line);
                for (size_t i = 0; i < c.n_fields; i++)
                        n += (size_t)snprintf(all + n, sizeof(all) - n, "%s" TEXT_FMT, i ? "|" : "",
                                              TEXT_ARG(c.fields[i]));
                n += (size_t)snprintf(all + n, sizeof(all) - n, ";");
        }
        if (r < 0)
                diag_format(&d, all, sizeof(all));
        else
                ck_assert_int_eq(r, CSV_E_END);
        csv_deinit(&c);
        return all;
}

START_TEST(fields_are_read_as_spreadsheets_write_them)
{
        ck_assert_str_eq(rows(""), "");
        ck_assert_str_eq(rows("\xEF\xBB\xBF"), "");
        ck_assert_str_eq(rows("\xEF\xBB\xBF"
                              "a,b\r\nc,d\r\n"),
                         "1:a|b;2:c|d;");
        ck_assert_str_eq(rows("a,b\nc,d"), "1:a|b;2:c|d;");
        ck_assert_str_eq(rows("a,,\n,b\n,"), "1:a||;2:|b;3:|;");
        ck_assert_str_eq(rows("\n\r\na\n\n\nb\n"), "3:a;6:b;");
        ck_assert_str_eq(rows("\"a,b\",\"c\"\"d\",\"\",\"\"\"\"\n"), "1:a,b|c\"d||\";");
        ck_assert_str_eq(rows("\"a\r\nb\",c\nd\n"), "1:a\r\nb|c;3:d;");
        ck_assert_str_eq(rows("a\rb,c\r"), "1:a\rb|c;");
        ck_assert_str_eq(rows("5\" pipe,x\n"), "1:5\" pipe|x;");
}
END_TEST

START_TEST(what_is_no_csv_is_refused_with_its_line)
{
        static char wide[300], tall[5000];

        ck_assert_str_eq(rows("a\n\"b\nc"), "x.csv:2: a quote (\") opens here and is never closed");
        ck_assert_str_eq(rows("a\n\"b\""), "1:a;2:b;");
        ck_assert_str_eq(
                rows("\"a\nb\"c,d\n"),
                "x.csv:2: text follows a closing quote; a quote inside a quoted field is doubled (\"\")");
        ck_assert_str_eq(rows("a\n\xE9\n"),
                         "x.csv:2: not UTF-8; save the file as UTF-8 (\"CSV UTF-8\" in spreadsheets)");
        ck_assert_str_eq(rows("a, \"b, c\"\n"),
                         "x.csv:1: blanks come before a quote (\"); a quote must begin its field");
        memset(wide, ',', 63);
        ck_assert_uint_gt(strlen(rows(wide)), 60);
        memset(wide, ',', 64);
        ck_assert_str_eq(rows(wide), "x.csv:1: more than 64 columns");
        memset(tall, 'x', CSV_FIELD_MAX + 1);
        ck_assert_str_eq(rows(tall), "x.csv:1: a field of more than 4096 bytes");
}
END_TEST

static const struct {
        const char *roster, *queues; /* NULL: the usual one */
        const char *message;
} cases[] = {
        {"", NULL, "roster.csv:1: is empty; the first line names the columns"},
        {"agent,name,taem,site,region\n", NULL,
         "roster.csv:1: taem: there is no such column; did you mean \"team\"?"},
        {"agent,name,team,site\n", NULL, "roster.csv:1: region: this column is missing in the header"},
        {"agent,name,team,site,region,team\n", NULL, "roster.csv:1: team: this column is there twice"},
        {"agent,name,team,site,region,salary\n", NULL,
         "roster.csv:1: salary: there is no such column; there are agent, name, team, site, region, from, "
         "to"},
        {"agent;name;team;site;region\n", NULL,
         "roster.csv:1: has semicolons between the columns; save the file with commas"},
        {NULL, "queue;line\n", "queues.csv:1: has semicolons between the columns; save the file with commas"},
        {NULL, "queue\tline\n", "queues.csv:1: has tabs between the columns; save the file with commas"},
        {HEAD "ana,Ana,alpha,madrid\n", NULL, "roster.csv:2: has 4 columns; the header has 7"},
        {HEAD ",Ana,alpha,madrid,iberia,,\n", NULL, "roster.csv:2: agent: is missing"},
        {HEAD "\n\nana,\"A\n\",\"al\npha\",madrid,iberia,,\n", NULL,
         "roster.csv:4: team: must be 1 to 128 bytes of printable text"},
        {HEAD "ana,Ana,alpha,madrid,iberia,yesterday,\n", NULL,
         "roster.csv:2: from: \"yesterday\" is not a date; write 2026-11-21, or a time with its zone"},
        {HEAD "ana,Ana,alpha,madrid,iberia,2026-02-30,\n", NULL,
         "roster.csv:2: from: \"2026-02-30\" is not a date; write 2026-11-21, or a time with its zone"},
        {HEAD "ana,Ana,alpha,madrid,iberia,2026-03-01,2026-03-01\n", NULL,
         "roster.csv:2: to: must be later than from; it is the first day that does not count"},
        {HEAD "ana,Ana,alpha,madrid,iberia,,\nbo,Bo,alpha,madrid,iberia,,\nana,Ana,bravo,madrid,iberia,2026-"
              "01-01,\n",
         NULL,
         "roster.csv:4: agent: \"ana\" has a row for a part of that time in line 2; give the rows from and "
         "to dates that "
         "do not overlap"},
        {HEAD "ana,,a,m,i,,2026-01-02\nana,,b,m,i,2026-01-02,2026-02-01\nana,,c,m,i,2026-01-31,\n", NULL,
         "roster.csv:4: agent: \"ana\" has a row for a part of that time in line 3; give the rows from and "
         "to dates that "
         "do not overlap"},
        {HEAD "ana,,alpha,madrid,iberia,,\nbo,,alpha,lisbon,iberia,,\n", NULL,
         "roster.csv:3: site: team/alpha lies in site/lisbon here, but in site/madrid in line 2; it can be "
         "in one place "
         "at a time"},
        {HEAD "ana,,alpha,madrid,iberia,,\nbo,,bravo,madrid,emea,,\n", NULL,
         "roster.csv:3: region: site/madrid lies in region/emea here, but in region/iberia in line 2; it can "
         "be in one "
         "place at a time"},
        {HEAD "ana,,alpha,madrid,iberia,,\nbo,,alpha,,,,\n", NULL,
         "roster.csv:3: site: team/alpha lies in nothing here, but in site/madrid in line 2; it can be in "
         "one place at a "
         "time"},
        {HEAD "a,,t,x,,,2026-02-01\nb,,t,y,,2026-02-01,2026-03-01\nc,,t,x,,2026-03-01,\nd,,t,y,,2026-02-10,"
              "2026-02-20\n"
              "e,,t,z,,2026-02-15,2026-02-16\n",
         NULL,
         "roster.csv:6: site: team/t lies in site/z here, but in site/y in line 3; it can be in one place at "
         "a time"},
        {NULL, "queue\n", "queues.csv:1: line: this column is missing in the header"},
        {NULL, "queue,line\n,billing\n", "queues.csv:2: queue: is missing"},
        {NULL, "line,queue\nbilling,es\ntech,es\n", "queues.csv:3: queue: \"es\" is there twice"},
        {NULL, "queue,line\n\"es\n", "queues.csv:2: a quote (\") opens here and is never closed"},
};

START_TEST(each_fault_of_roster_and_queues_has_its_sentence)
{
        for (size_t i = 0; i < CX_ARRAY_LEN(cases); i++) {
                const char *message = "it was loaded";

                config_case_write("roster.csv", cases[i].roster);
                config_case_write("queues.csv", cases[i].queues);
                config_free(config_case_load("roster: roster.csv\nqueues: queues.csv\n", &message));
                ck_assert_str_eq(message, cases[i].message);
        }
        config_case_write("roster.csv", NULL);
        config_case_write("queues.csv", NULL);
}
END_TEST

/* The units of @agent at @ts, as "agent/x team/y ...". */
static const char *chain(const Config *c, const char *agent, usec_t ts)
{
        static char text[512];
        ScopeId ids[ORG_CHAIN_MAX];
        size_t n, used = 0;

        n = org_chain(c->org, org_find(c->org, SCOPE_AGENT, text_of(agent)), SCOPE_NONE, ts, ids);
        for (size_t i = 0; i < n; i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s" TEXT_FMT, i ? " " : "",
                                         TEXT_ARG(org_scope(c->org, ids[i])->text));
        return text;
}

START_TEST(columns_come_in_any_order_and_dates_are_local_days)
{
        /* 1 May begins in Madrid at 22:00 UTC of 30 April. */
        const usec_t move = (civil_to_days(2026, 5, 1) * 24 - 2) * USEC_HOUR;
        Config *c;

        config_case_write("roster.csv", "\xEF\xBB\xBFto, team ,region,site,name,agent,from\r\n"
                                        "2026-05-01,alpha,iberia,madrid,\"Lin, Mei\",mei,\r\n"
                                        ",bravo,iberia,lisbon,\"Lin, Mei\",mei,2026-05-01\r\n"
                                        ",,,,,solo,\r\n"
                                        ",late,iberia,porto,,bo,2026-05-01T10:00:00Z\r\n");
        c = config_case_load("timezone: Europe/Madrid\nroster: roster.csv\nqueues: queues.csv\n", NULL);
        ck_assert_ptr_nonnull(c);
        ck_assert_str_eq(chain(c, "mei", move - 1), "agent/mei team/alpha site/madrid region/iberia org");
        ck_assert_str_eq(chain(c, "mei", move), "agent/mei team/bravo site/lisbon region/iberia org");
        ck_assert_str_eq(chain(c, "solo", move), "agent/solo org");
        ck_assert_str_eq(chain(c, "bo", move + 12 * USEC_HOUR),
                         "agent/bo team/late site/porto region/iberia org");
        ck_assert_str_eq(chain(c, "bo", move + 12 * USEC_HOUR - 1), "agent/bo org");
        ck_assert(
                text_is(org_scope(c->org, org_find(c->org, SCOPE_AGENT, TEXT("mei")))->display, "Lin, Mei"));
        ck_assert(org_find(c->org, SCOPE_LINE, TEXT("billing")) != SCOPE_NONE);
        config_free(c);
        config_case_write("roster.csv", NULL);
}
END_TEST

START_TEST(a_team_may_move_to_another_site)
{
        Config *c;

        config_case_write("roster.csv",
                          HEAD "a,,t,x,r,,2026-02-01\nb,,t,x,r,,2026-02-01\na,,t,y,r,2026-02-01,\n"
                               "b,,t,y,r,2026-02-01,\nc,,u,x,r,,\n");
        c = config_case_load("roster: roster.csv\n", NULL);
        ck_assert_ptr_nonnull(c);
        config_free(c);
        config_case_write("roster.csv", NULL);
}
END_TEST

CHECK_MAIN("config_csv", fields_are_read_as_spreadsheets_write_them, what_is_no_csv_is_refused_with_its_line,
           each_fault_of_roster_and_queues_has_its_sentence,
           columns_come_in_any_order_and_dates_are_local_days, a_team_may_move_to_another_site)

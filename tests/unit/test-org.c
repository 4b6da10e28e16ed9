/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/org.h"
#include "tests/support/check_main.h"

static const HashKey key = {.k0 = 3, .k1 = 4};

static int add(Org *o, const char *agent, const char *team, const char *site, const char *region, usec_t from,
               usec_t to)
{
        RosterRow row = {
                .agent = text_of(agent),
                .display = TEXT("Somebody"),
                .team = text_of(team),
                .site = text_of(site),
                .region = text_of(region),
                .from = from,
                .to = to,
        };

        return org_add_agent(o, &row);
}

static Org *make(void)
{
        Org *o;

        ck_assert_int_eq(org_new(&o, &key), 0);
        ck_assert_int_eq(add(o, "ana", "alpha", "madrid", "emea", 100, 200), 0);
        ck_assert_int_eq(add(o, "ana", "beta", "lisboa", "emea", 200, USEC_INFINITY), 0);
        ck_assert_int_eq(add(o, "bob", "alpha", "madrid", "emea", 0, USEC_INFINITY), 0);
        ck_assert_int_eq(add(o, "eve", NULL, "madrid", "emea", 0, USEC_INFINITY), 0);
        ck_assert_int_eq(add(o, "kim", "gamma", NULL, NULL, 0, USEC_INFINITY), 0);
        ck_assert_int_eq(org_add_queue(o, TEXT("billing"), TEXT("service")), 0);
        ck_assert_int_eq(org_add_queue(o, TEXT("chat"), TEXT_NULL), 0);
        return o;
}

static ScopeId find(const Org *o, const char *text)
{
        ScopeKind kind;
        ScopeId id;
        Text name;

        ck_assert_int_eq(scope_parse(text_of(text), &kind, &name), 0);
        id = org_find(o, kind, name);
        ck_assert_msg(id != SCOPE_NONE, "%s", text);
        return id;
}

static void expect_chain(const Org *o, const char *agent, const char *queue, usec_t ts, const char *want)
{
        ScopeId chain[ORG_CHAIN_MAX];
        size_t n = org_chain(o, agent ? find(o, agent) : SCOPE_NONE, queue ? find(o, queue) : SCOPE_NONE, ts,
                             chain);
        char text[512] = "";

        for (size_t i = 0; i < n; i++) {
                strcat(text, i ? " " : "");
                strcat(text, org_scope(o, chain[i])->text.at);
        }
        ck_assert_str_eq(text, want);
}

START_TEST(a_survey_counts_for_the_units_of_its_own_time)
{
        Org *o = make();

        expect_chain(o, "agent/ana", "queue/billing", 199,
                     "agent/ana team/alpha site/madrid region/emea queue/billing line/service org");
        expect_chain(o, "agent/ana", "queue/chat", 200,
                     "agent/ana team/beta site/lisboa region/emea queue/chat org");
        expect_chain(o, "agent/ana", NULL, 99, "agent/ana org");
        expect_chain(o, "agent/eve", NULL, 99, "agent/eve site/madrid region/emea org");
        expect_chain(o, "agent/kim", NULL, 99, "agent/kim team/gamma org");
        expect_chain(o, NULL, "queue/billing", 99, "queue/billing line/service org");
        expect_chain(o, NULL, NULL, 99, "org");
        org_free(o);
}
END_TEST

START_TEST(what_lies_under_what_depends_on_the_time)
{
        Org *o = make();
        static const struct {
                const char *upper, *lower;
                usec_t at;
                bool is;
        } rows[] = {
                {"team/alpha", "agent/ana", 150, true},   {"team/alpha", "agent/ana", 200, false},
                {"team/beta", "agent/ana", 200, true},    {"site/lisboa", "team/beta", 300, true},
                {"site/lisboa", "team/beta", 150, false}, {"region/emea", "team/alpha", 5, true},
                {"region/emea", "site/madrid", 5, true},  {"site/madrid", "region/emea", 5, false},
                {"org", "team/gamma", 5, true},           {"team/alpha", "org", 5, false},
                {"team/alpha", "team/alpha", 5, true},    {"line/service", "queue/billing", -5, true},
                {"line/service", "queue/chat", 5, false}, {"team/alpha", "queue/billing", 5, false},
                {"site/madrid", "agent/eve", 5, true},    {"line/service", "agent/eve", 5, false},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++)
                ck_assert_msg(org_contains(o, find(o, rows[i].upper), find(o, rows[i].lower), rows[i].at) ==
                                      rows[i].is,
                              "%s > %s", rows[i].upper, rows[i].lower);
        org_free(o);
}
END_TEST

START_TEST(parents_are_the_next_level_that_is_there)
{
        static const struct {
                const char *scope, *parent;
                usec_t at;
        } rows[] = {
                {"agent/ana", "team/alpha", 150},   {"agent/ana", "org", 50},
                {"agent/eve", "site/madrid", 5},    {"team/gamma", "org", 5},
                {"team/alpha", "site/madrid", 150}, {"site/madrid", "region/emea", 5},
                {"region/emea", "org", 5},          {"queue/billing", "line/service", 5},
                {"queue/chat", "org", 5},           {"line/service", "org", 5},
                {"agent/leo", "region/emea", 5},    {"agent/pam", "org", 5},
        };
        Org *o = make();
        ScopeId parents[2];

        ck_assert_int_eq(add(o, "leo", NULL, NULL, "emea", 0, USEC_INFINITY), 0);
        ck_assert_int_eq(add(o, "pam", NULL, NULL, NULL, 0, USEC_INFINITY), 0);

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++) {
                ck_assert_msg(org_parents(o, find(o, rows[i].scope), rows[i].at, parents) == 1, "%s",
                              rows[i].scope);
                ck_assert_str_eq(org_scope(o, parents[0])->text.at, rows[i].parent);
        }
        ck_assert_uint_eq(org_parents(o, SCOPE_ID_ORG, 5, parents), 0);
        org_free(o);
}
END_TEST

START_TEST(a_parent_is_named_once_whatever_the_order_of_the_rows)
{
        /* Those after the third close the gaps between what came before. */
        static const usec_t times[][2] = {{0, 10}, {20, 30}, {40, 50}, {5, 25}, {25, 45}};
        Org *o;
        ScopeId parents[3];
        char name[16];

        ck_assert_int_eq(org_new(&o, &key), 0);
        for (size_t i = 0; i < CX_ARRAY_LEN(times); i++) {
                snprintf(name, sizeof(name), "n%zu", i);
                ck_assert_int_eq(add(o, name, "alpha", "lisboa", NULL, times[i][0], times[i][1]), 0);
        }
        ck_assert_int_eq(add(o, "last", "alpha", "madrid", NULL, 0, USEC_INFINITY), 0);
        for (usec_t at = 0; at < 50; at++) {
                ck_assert_uint_eq(org_parents(o, find(o, "team/alpha"), at, parents), 2);
                ck_assert_str_eq(org_scope(o, parents[0])->text.at, "site/lisboa");
                ck_assert_str_eq(org_scope(o, parents[1])->text.at, "site/madrid");
        }
        ck_assert_uint_eq(org_parents(o, find(o, "team/alpha"), 50, parents), 1);
        /* There is room for two, whatever is said of the team. */
        ck_assert_int_eq(add(o, "more", "alpha", "porto", NULL, 0, 10), 0);
        parents[2] = SCOPE_NONE;
        ck_assert_uint_eq(org_parents(o, find(o, "team/alpha"), 5, parents), 2);
        ck_assert_uint_eq(parents[2], SCOPE_NONE);
        org_free(o);
}
END_TEST

/* The region is the next level while there is no site, and only then, in whichever order the rows come. */
START_TEST(a_team_that_gets_a_site_has_its_region_above_that)
{
        static const struct {
                const char *site;
                usec_t from, to;
        } rows[] = {{NULL, 0, 100}, {"lisboa", 100, 200}, {NULL, 200, 300}};
        static const unsigned orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}};
        ScopeId parents[2];

        for (size_t k = 0; k < CX_ARRAY_LEN(orders); k++) {
                Org *o;
                ScopeId team;

                ck_assert_int_eq(org_new(&o, &key), 0);
                for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++) {
                        unsigned r = orders[k][i];

                        ck_assert_int_eq(
                                add(o, "ana", "alpha", rows[r].site, "emea", rows[r].from, rows[r].to), 0);
                }
                team = find(o, "team/alpha");
                for (usec_t at = 0; at < 300; at += 50) {
                        ck_assert_uint_eq(org_parents(o, team, at, parents), 1);
                        ck_assert_str_eq(org_scope(o, parents[0])->text.at,
                                         at >= 100 && at < 200 ? "site/lisboa" : "region/emea");
                        ck_assert(org_contains(o, find(o, "region/emea"), team, at));
                        ck_assert(org_contains(o, find(o, "site/lisboa"), team, at) ==
                                  (at >= 100 && at < 200));
                }
                ck_assert(!org_contains(o, find(o, "region/emea"), team, 300));
                org_free(o);
        }
}
END_TEST

START_TEST(two_rows_for_one_time_are_refused)
{
        Org *o = make();
        size_t n = org_n_scopes(o);

        ck_assert_int_eq(add(o, "ana", "delta", "x", "y", 150, 160), ORG_E_OVERLAP);
        ck_assert_int_eq(add(o, "ana", "delta", "x", "y", 50, 101), ORG_E_OVERLAP);
        ck_assert_int_eq(add(o, "bob", "delta", "x", "y", 50, 101), ORG_E_OVERLAP);
        ck_assert_int_eq(org_add_queue(o, TEXT("billing"), TEXT("other")), ORG_E_OVERLAP);
        ck_assert_int_eq(org_add_queue(o, TEXT("chat"), TEXT_NULL), ORG_E_OVERLAP);
        ck_assert_uint_eq(org_n_scopes(o), n);
        ck_assert_int_eq(add(o, "ana", "alpha", "madrid", "emea", 50, 100), 0);
        expect_chain(o, "agent/ana", NULL, 99, "agent/ana team/alpha site/madrid region/emea org");
        org_free(o);
}
END_TEST

START_TEST(names_are_known_once_and_keep_their_number)
{
        Org *o = make();
        ScopeId ids[3000], again;
        char name[16];

        for (unsigned i = 0; i < 3000; i++) {
                snprintf(name, sizeof(name), "n%u", i);
                ck_assert_int_eq(org_intern(o, i % 2 ? SCOPE_AGENT : SCOPE_QUEUE, text_of(name), &ids[i]), 0);
        }
        for (unsigned i = 0; i < 3000; i++) {
                const ScopeInfo *info = org_scope(o, ids[i]);

                snprintf(name, sizeof(name), "n%u", i);
                ck_assert_int_eq(org_intern(o, info->kind, text_of(name), &again), 0);
                ck_assert_uint_eq(again, ids[i]);
                ck_assert(text_is(info->name, name) && !info->assigned);
                ck_assert_uint_eq(org_find(o, i % 2 ? SCOPE_QUEUE : SCOPE_AGENT, text_of(name)), SCOPE_NONE);
        }
        ck_assert_uint_eq(org_n_kind(o, SCOPE_AGENT), 1504);
        ck_assert(org_scope(o, find(o, "agent/ana"))->assigned);
        ck_assert(text_is(org_scope(o, find(o, "agent/ana"))->display, "Somebody"));
        ck_assert_str_eq(org_scope(o, SCOPE_ID_ORG)->text.at, "org");
        org_free(o);
}
END_TEST

#define HOURS 64
#define SITES 3

typedef struct Hours {
        int agent[HOURS], team[HOURS]; /* the site where they are; -1: nowhere */
} Hours;

/* Ana has a row, if there is room for it, and somebody else of her team, so that times overlap and touch. */
static void add_some_row(Org *o, Hours *hours, unsigned number, unsigned *seed)
{
        unsigned from = (unsigned)rand_r(seed) % HOURS, to = from + 1 + (unsigned)rand_r(seed) % 6;
        int site = rand_r(seed) % SITES;
        bool taken = false;
        char name[8], in[8];

        to = to < HOURS ? to : HOURS;
        for (unsigned h = from; h < to; h++) {
                taken = taken || hours->agent[h] >= 0;
                if (hours->team[h] >= 0 && hours->team[h] != site)
                        return; /* a team is in one place at a time */
        }
        snprintf(name, sizeof(name), "a%u", number);
        snprintf(in, sizeof(in), "s%d", site);
        ck_assert_int_eq(add(o, "ana", "team", in, "region", from, to), taken ? ORG_E_OVERLAP : 0);
        ck_assert_int_eq(add(o, name, "team", in, "region", from, to), 0);
        for (unsigned h = from; h < to; h++) {
                hours->team[h] = site;
                if (!taken)
                        hours->agent[h] = site;
        }
}

static void check_hour(const Org *o, const Hours *hours, unsigned h)
{
        for (int site = 0; site < SITES; site++) {
                char name[8];
                ScopeId id;

                snprintf(name, sizeof(name), "s%d", site);
                id = org_find(o, SCOPE_SITE, text_of(name));
                if (id == SCOPE_NONE)
                        continue;
                ck_assert_int_eq(org_contains(o, id, find(o, "agent/ana"), h), hours->agent[h] == site);
                ck_assert_int_eq(org_contains(o, id, find(o, "team/team"), h), hours->team[h] == site);
        }
        ck_assert_int_eq(org_contains(o, find(o, "region/region"), find(o, "team/team"), h),
                         hours->team[h] >= 0);
}

START_TEST(rows_in_any_order_say_the_same)
{
        unsigned seed = 1;

        for (unsigned round = 0; round < 200; round++) {
                Hours hours;
                Org *o;

                memset(&hours, -1, sizeof(hours));
                ck_assert_int_eq(org_new(&o, &key), 0);
                for (unsigned i = 0; i < 60; i++)
                        add_some_row(o, &hours, i, &seed);
                for (unsigned h = 0; h < HOURS; h++)
                        check_hour(o, &hours, h);
                org_free(o);
        }
}
END_TEST

CHECK_MAIN("org", a_survey_counts_for_the_units_of_its_own_time, what_lies_under_what_depends_on_the_time,
           parents_are_the_next_level_that_is_there, a_parent_is_named_once_whatever_the_order_of_the_rows,
           a_team_that_gets_a_site_has_its_region_above_that, two_rows_for_one_time_are_refused,
           names_are_known_once_and_keep_their_number, rows_in_any_order_say_the_same)

/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "daemon/core/influence.h"
#include "tests/support/check_main.h"

enum {
        AGENT,
        TEAM_LEAD,
        QUEUE_OWNER,
        DIRECTOR,
        PLANNER,
        N_ROLES,
};

#define ALL_KINDS                                                                                            \
        {                                                                                                    \
                true, true, true, true, true, true, true                                                     \
        }

static Role roles[N_ROLES] = {
        [AGENT] = {.name = "agent",
                   .sees_self = true,
                   .kinds = ALL_KINDS,
                   .has_under = true,
                   .under = SCOPE_AGENT},
        [TEAM_LEAD] = {.name = "team_lead",
                       .sees_self = true,
                       .sees_below = true,
                       .kinds = ALL_KINDS,
                       .has_under = true,
                       .under = SCOPE_TEAM},
        [QUEUE_OWNER] = {.name = "queue_owner",
                         .sees_self = true,
                         .sees_below = true,
                         .kinds = {[SCOPE_QUEUE] = true, [SCOPE_LINE] = true, [SCOPE_ORG] = true}},
        [DIRECTOR] = {.name = "director",
                      .sees_self = true,
                      .sees_below = true,
                      .kinds = {false, true, true, true, true, true, true}},
        [PLANNER] = {.name = "planner",
                     .sees_below = true,
                     .kinds = {[SCOPE_QUEUE] = true, [SCOPE_LINE] = true}},
};

static const Metric metrics[] = {
        {.name = "csat", .n_influence = 4, .influence = {"agent", "team_lead", "queue_owner", "director"}},
        {.name = "wait", .n_influence = 2, .influence = {"planner", "queue_owner"}},
        {.name = "nps", .n_influence = 1, .influence = {"director"}},
        {.name = "loss"},
};

static FILE *open_data(const char *name)
{
        const char *source = getenv("CX_SOURCE");
        char path[4096];
        FILE *f;

        ck_assert_msg(source != NULL, "CX_SOURCE is the folder of the project");
        snprintf(path, sizeof(path), "%s/tests/data/%s", source, name);
        f = fopen(path, "re");
        ck_assert_msg(f != NULL, "%s", path);
        return f;
}

static usec_t parse_day(const char *text, usec_t otherwise)
{
        usec_t t = otherwise;

        if (*text)
                ck_assert_int_eq(usec_parse(text, strlen(text), true, &t), 0);
        return t;
}

/* Splits in place at commas. */
static void split(char *line, char *ret[6])
{
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < 6; i++) {
                char *comma = strchr(line, ',');

                ret[i] = line;
                if (comma)
                        *comma = '\0';
                line = comma ? comma + 1 : line + strlen(line);
        }
}

static Org *read_org(void)
{
        HashKey key = {.k0 = 7};
        bool queues = false;
        char line[256], *f[6];
        ScopeId unheard;
        FILE *file = open_data("influence.org");
        Org *o;

        ck_assert_int_eq(org_new(&o, &key), 0);
        while (fgets(line, sizeof(line), file)) {
                if (line[0] == '#')
                        continue;
                queues = queues || line[0] == '\n';
                if (line[0] == '\n')
                        continue;
                split(line, f);
                if (queues) {
                        ck_assert_int_eq(org_add_queue(o, text_of(f[0]), text_of(f[1])), 0);
                } else {
                        RosterRow row = {.agent = text_of(f[0]),
                                         .team = text_of(f[1]),
                                         .site = text_of(f[2]),
                                         .region = text_of(f[3]),
                                         .from = parse_day(f[4], 0),
                                         .to = parse_day(f[5], USEC_INFINITY)};

                        ck_assert_int_eq(org_add_agent(o, &row), 0);
                }
        }
        fclose(file);
        ck_assert_int_eq(org_intern(o, SCOPE_QUEUE, TEXT("unheard-of"), &unheard), 0);
        return o;
}

static const Metric *metric_named(const char *name)
{
        for (size_t i = 0; i < CX_ARRAY_LEN(metrics); i++)
                if (strcmp(metrics[i].name, name) == 0)
                        return &metrics[i];
        ck_abort_msg("no metric %s", name);
}

START_TEST(the_table_of_decisions_is_met)
{
        Policy policy = {.roles = roles, .n_roles = N_ROLES};
        FILE *file = open_data("influence.eval");
        Org *o = read_org();
        unsigned n_yes = 0, n_no = 0;
        char line[256];

        while (fgets(line, sizeof(line), file)) {
                char who[32], role[32], grant_text[64], metric[32], scope[64], at[32], sees[8];
                Principal principal = {.admin = false};
                Grant grant = {.role = N_ROLES};
                const Role *by;
                ScopeKind kind;
                ScopeId id;
                Text name;
                bool want;

                if (line[0] == '#')
                        continue;
                ck_assert_int_eq(sscanf(line, "%31s %31s %63s %31s %63s %31s %7s", who, role, grant_text,
                                        metric, scope, at, sees),
                                 7);
                for (size_t i = 0; i < N_ROLES; i++)
                        if (strcmp(roles[i].name, role) == 0)
                                grant.role = i;
                principal.admin = strcmp(role, "admin") == 0;
                if (grant.role < N_ROLES) {
                        ck_assert_int_eq(scope_parse(text_of(grant_text), &grant.kind, &name), 0);
                        snprintf(grant.name, sizeof(grant.name), TEXT_FMT, TEXT_ARG(name));
                        principal.grants = &grant;
                        principal.n_grants = 1;
                }
                ck_assert_int_eq(scope_parse(text_of(scope), &kind, &name), 0);
                id = org_find(o, kind, name);
                ck_assert_msg(id != SCOPE_NONE, "%s", scope);
                want = strcmp(sees, "yes") == 0;
                ck_assert_msg(policy_sees(&policy, o, &principal, metric_named(metric), id,
                                          parse_day(at, 0)) == want,
                              "%s", line);
                ck_assert_msg(!want || policy_sees_scope(&policy, o, &principal, metrics,
                                                         CX_ARRAY_LEN(metrics), id, parse_day(at, 0)),
                              "%s", line);
                by = policy_role(&policy, o, &principal, metric_named(metric), id, parse_day(at, 0));
                ck_assert_msg((by != NULL) == (want && !principal.admin), "%s", line);
                ck_assert(!by || strcmp(by->name, role) == 0);
                n_yes += want;
                n_no += !want;
        }
        fclose(file);
        org_free(o);
        ck_assert_uint_ge(n_yes, 17);
        ck_assert_uint_ge(n_no, 24);
}
END_TEST

START_TEST(several_grants_add_up_and_the_first_gives_the_role)
{
        Grant grants[] = {{.role = TEAM_LEAD, .kind = SCOPE_TEAM, .name = "beta"},
                          {.role = DIRECTOR, .kind = SCOPE_ORG},
                          {.role = QUEUE_OWNER, .kind = SCOPE_ORG}};
        Principal who = {.grants = grants, .n_grants = 3};
        Policy policy = {.roles = roles, .n_roles = N_ROLES};
        Org *o = read_org();
        ScopeId queue = org_find(o, SCOPE_QUEUE, TEXT("chat"));

        ck_assert_ptr_eq(policy_role(&policy, o, &who, metric_named("csat"), queue, 0), &roles[DIRECTOR]);
        ck_assert_ptr_eq(policy_role(&policy, o, &who, metric_named("wait"), queue, 0), &roles[QUEUE_OWNER]);
        ck_assert_ptr_null(policy_role(&policy, o, &who, metric_named("csat"), SCOPE_NONE, 0));
        ck_assert(!policy_sees(&policy, o, &(Principal){.admin = true}, metric_named("csat"), SCOPE_NONE, 0));
        queue = (ScopeId)org_n_scopes(o); /* one more than there are */
        ck_assert_ptr_null(policy_role(&policy, o, &who, metric_named("csat"), queue, 0));
        ck_assert(!policy_sees(&policy, o, &(Principal){.admin = true}, metric_named("csat"), queue, 0));
        org_free(o);
}
END_TEST

START_TEST(a_scope_is_seen_by_whoever_sees_one_of_the_metrics_that_count)
{
        Grant grant = {.role = QUEUE_OWNER, .kind = SCOPE_ORG};
        Principal who = {.grants = &grant, .n_grants = 1}, nobody = {0};
        Policy policy = {.roles = roles, .n_roles = N_ROLES};
        Org *o = read_org();
        ScopeId queue = org_find(o, SCOPE_QUEUE, TEXT("chat")), agent = org_find(o, SCOPE_AGENT, TEXT("ana"));

        ck_assert(policy_sees_scope(&policy, o, &who, metrics, 1, queue, 0));
        /* wait, and nps and loss, which are not for queue owners. */
        ck_assert(policy_sees_scope(&policy, o, &who, metrics + 1, 3, queue, 0));
        ck_assert(!policy_sees_scope(&policy, o, &who, metrics + 2, 2, queue, 0));
        ck_assert(!policy_sees_scope(&policy, o, &who, metrics, 0, queue, 0));
        ck_assert(!policy_sees_scope(&policy, o, &who, metrics, CX_ARRAY_LEN(metrics), agent, 0));
        ck_assert(!policy_sees_scope(&policy, o, &nobody, metrics, CX_ARRAY_LEN(metrics), queue, 0));
        org_free(o);
}
END_TEST

START_TEST(a_grant_of_a_role_that_is_none_shows_nothing)
{
        Grant grant = {.role = QUEUE_OWNER, .kind = SCOPE_ORG};
        Principal who = {.grants = &grant, .n_grants = 1};
        Policy policy = {.roles = roles, .n_roles = QUEUE_OWNER + 1};
        Org *o = read_org();
        ScopeId queue = org_find(o, SCOPE_QUEUE, TEXT("chat"));

        ck_assert(policy_sees(&policy, o, &who, metric_named("csat"), queue, 0));
        policy.n_roles = QUEUE_OWNER;
        ck_assert(!policy_sees(&policy, o, &who, metric_named("csat"), queue, 0));
        org_free(o);
}
END_TEST

CHECK_MAIN("influence", the_table_of_decisions_is_met, several_grants_add_up_and_the_first_gives_the_role,
           a_scope_is_seen_by_whoever_sees_one_of_the_metrics_that_count,
           a_grant_of_a_role_that_is_none_shows_nothing)

/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <unistd.h>

#include "tests/support/check_main.h"
#include "tests/support/config_case.h"

#define HEX16 "0123456789abcDEF"

/* Every key, none at its default. */
static const char complete[] =
        "strict: true\n"
        "insecure: true\n"
        "tls: {certificate: cert.pem, key: /etc/key.pem}\n"
        "listen:\n"
        "  lines: ['tcp://[::1]:7000', tcp://0.0.0.0:7001]\n"
        "  http: [tcp://localhost:0, unix:///x/y.sock]\n"
        "  pull: []\n"
        "  rep: [ipc://%R/deep/rep.ipc]\n"
        "  feed: [ipc://%R/f.ipc]\n"
        "http: {hosts: [cx.example.com, '[2001:db8::1]']}\n"
        "store: {path: data/x.db}\n"
        "limits: {connections: 99, memory: 98, agents: 100, queues: 101}\n"
        "future_skew: 1m\n"
        "feed: {ring: 77, tick: 3s}\n"
        "timezone: Europe/Madrid\n"
        "roster: roster.csv\n"
        "queues: queues.csv\n"
        "windows: [2h, today, 14d]\n"
        "retention: {comments: 1d, surveys: 20y, tallies: 30y}\n"
        "roles:\n"
        "  agent: {sees: [self], under: any}\n"
        "  coach: {sees: [below], under: team, kinds: [agent]}\n"
        "metrics:\n"
        "  nps: {kind: nps, target: -12.5, influence: [director, coach]}\n"
        "  ces: {kind: ces, scale: [1, 7], target: 70, min_n: 9, better: higher}\n"
        "  effort: {kind: mean, scale: [-2, 2], target: -1.5, better: lower, explains: [nps, ces]}\n"
        "  answered: {kind: response, target: 20%}\n"
        "sources:\n"
        "  ivr: {token_sha256: " HEX16 HEX16 HEX16 HEX16 ", queues: [billing-*, tech-es]}\n"
        "  here: {open: true}\n"
        "principals:\n"
        "  maria: {role: team_lead, scope: team/alpha, user: root, feed: 'tcp://*:7002'}\n"
        "  bot: {admin: true, token_sha256: " HEX16 HEX16 HEX16 HEX16 "}\n"
        "  mei:\n"
        "    uid: 4242\n"
        "    grants:\n"
        "      - {role: coach, scope: team/bravo}\n"
        "      - {role: queue_owner, scope: queue/not-yet-there}\n"
        "      - {role: director, scope: org}\n"
        "rules:\n"
        "  - name: nps-low\n"
        "    metric: nps\n"
        "    scopes: org\n"
        "    window: 14d\n"
        "    below: target\n"
        "    false_alarms: 0.5 per 1y\n"
        "  - name: effort-high\n"
        "    metric: effort\n"
        "    scopes: agent/a*\n"
        "    window: today\n"
        "    test: interval\n"
        "    above: 0.25\n"
        "    min_n: 3\n"
        "    for: 10m\n"
        "    severity: critical\n"
        "    advice:\n"
        "      coach: \"Sit \\\"beside\\\" \\\\ listen.\"\n"
        "      agent: >\n"
        "        One line\n"
        "        and another.\n"
        "  - {name: ces-low, metric: ces, scopes: team/*, window: 2h, test: point, below: 60%, severity: "
        "info}\n";

static Config *loaded(const char *yaml)
{
        const char *message = "";
        Config *c = config_case_load(yaml, &message);

        ck_assert_msg(c != NULL, "%s", message);
        return c;
}

static void check_in_folder(const char *path, const char *name)
{
        char expected[256];

        snprintf(expected, sizeof(expected), "%s/%s", config_case_folder(), name);
        ck_assert_str_eq(path, expected);
}

START_TEST(every_key_has_its_effect)
{
        Config *c = loaded(complete);

        ck_assert(c->strict);
        ck_assert(c->insecure);
        check_in_folder(c->tls_certificate, "cert.pem");
        ck_assert_str_eq(c->tls_key, "/etc/key.pem");
        ck_assert_uint_eq(c->n_listen[CONFIG_LINES], 2);
        ck_assert_str_eq(c->listen[CONFIG_LINES][0], "tcp://[::1]:7000");
        ck_assert_str_eq(c->listen[CONFIG_LINES][1], "tcp://0.0.0.0:7001");
        ck_assert_str_eq(c->listen[CONFIG_HTTP][0], "tcp://localhost:0");
        ck_assert_uint_eq(c->n_listen[CONFIG_PULL], 0);
        ck_assert_str_eq(c->listen[CONFIG_REP][0], "ipc:///rt/deep/rep.ipc");
        ck_assert_str_eq(c->listen[CONFIG_FEED][0], "ipc:///rt/f.ipc");
        ck_assert_str_eq(c->policy.principals[0].feed, "tcp://*:7002");
        ck_assert_uint_eq(c->n_hosts, 2);
        ck_assert_str_eq(c->hosts[0], "cx.example.com");
        ck_assert_str_eq(c->store, "/state/data/x.db");
        ck_assert_uint_eq(c->max_connections, 99);
        ck_assert_uint_eq(c->max_memory, 98);
        ck_assert_uint_eq(c->max_agents, 100);
        ck_assert_uint_eq(c->max_queues, 101);
        ck_assert_int_eq(c->future_skew, USEC_MIN);
        ck_assert_uint_eq(c->feed_ring, 77);
        ck_assert_int_eq(c->tick, 3 * USEC_SEC);
        ck_assert_str_eq(c->timezone, "Europe/Madrid");
        ck_assert_uint_gt(c->calendar.n_steps, 100);
        check_in_folder(c->roster, "roster.csv");
        check_in_folder(c->queues, "queues.csv");
        ck_assert_uint_eq(org_n_kind(c->org, SCOPE_AGENT), 2);
        ck_assert_uint_eq(org_n_kind(c->org, SCOPE_QUEUE), 2);
        ck_assert_int_eq(c->keep_comments, USEC_DAY);
        ck_assert_int_eq(c->keep_surveys, 7300 * USEC_DAY);
        ck_assert_int_eq(c->keep_tallies, 10950 * USEC_DAY);
        config_free(c);
}
END_TEST

START_TEST(windows_and_settings_are_those_of_the_engine)
{
        Config *c = loaded(complete);

        ck_assert_uint_eq(c->n_windows, 3);
        ck_assert_str_eq(c->windows[0].name, "2h");
        ck_assert(c->windows[1].today);
        ck_assert_int_eq(c->windows[2].length, 14 * USEC_DAY);
        ck_assert_ptr_eq(c->settings.metrics, c->metrics);
        ck_assert_ptr_eq(c->settings.windows, c->windows);
        ck_assert_ptr_eq(c->settings.rules, c->rules);
        ck_assert_ptr_eq(c->settings.calendar, &c->calendar);
        ck_assert_uint_eq(c->settings.n_metrics, 4);
        ck_assert_uint_eq(c->settings.n_windows, 3);
        ck_assert_uint_eq(c->settings.n_rules, 3);
        ck_assert_int_eq(c->settings.keep, c->keep_tallies);
        ck_assert_uint_eq(c->settings.max_agents, 100);
        ck_assert_uint_eq(c->settings.max_queues, 101);
        ck_assert_uint_eq(c->settings.key.k1, 2);
        config_free(c);
}
END_TEST

START_TEST(metrics_have_their_scale_and_target)
{
        Config *c = loaded(complete);
        const Metric *m = c->metrics;

        ck_assert_uint_eq(c->n_metrics, 4); /* `answered` takes the place of the built-in response rate */
        ck_assert_int_eq(m[0].kind, METRIC_NPS);
        ck_assert_int_eq(m[0].hi, 10);
        ck_assert(m[0].has_target);
        ck_assert_double_eq(m[0].target, -12.5);
        ck_assert_uint_eq(m[0].min_n, 5);
        ck_assert_uint_eq(m[0].n_influence, 2);
        ck_assert_str_eq(m[0].influence[1], "coach");
        ck_assert_int_eq(m[1].kind, METRIC_TOP3);
        ck_assert_uint_eq(m[1].min_n, 9);
        ck_assert_double_eq(m[1].target, 70);
        ck_assert(!m[1].lower_is_better);
        ck_assert_int_eq(m[2].lo, -2);
        ck_assert_int_eq(m[2].hi, 2);
        ck_assert(m[2].lower_is_better);
        ck_assert_uint_eq(m[2].n_explains, 2);
        ck_assert_str_eq(m[2].explains[0], "nps");
        ck_assert_int_eq(m[3].kind, METRIC_RESPONSE);
        ck_assert_double_eq(m[3].target, 20);
        ck_assert_int_eq(m[3].hi, 1);
        config_free(c);
        /* Less than 1%, with the sign or where little is good; a mean has none. */
        c = loaded("metrics:\n  a: {kind: yes, target: 0.8%}\n  b: {kind: yes, better: lower, target: 0.8}\n"
                   "  c: {kind: mean, scale: [0, 1], target: 0.8}\n  d: {kind: nps, target: 0.8}\n"
                   "  e: {kind: yes, target: 0}\n");
        for (size_t i = 0; i < 5; i++)
                ck_assert_double_eq(c->metrics[i].target, i < 4 ? 0.8 : 0);
        config_free(c);
}
END_TEST

START_TEST(roles_and_principals_are_as_written)
{
        Config *c = loaded(complete);
        const Policy *p = &c->policy;
        const Principal *mei = &p->principals[2];

        ck_assert_uint_eq(p->n_roles, 7); /* six built in, and coach */
        ck_assert_str_eq(p->roles[0].name, "agent");
        ck_assert(!p->roles[0].has_under);
        ck_assert(p->roles[0].kinds[SCOPE_AGENT] &&
                  !p->roles[0].kinds[SCOPE_TEAM]); /* kept from the built-in role */
        ck_assert_str_eq(p->roles[6].name, "coach");
        ck_assert(!p->roles[6].sees_self && p->roles[6].sees_below);
        ck_assert(p->roles[6].has_under && p->roles[6].under == SCOPE_TEAM);
        ck_assert(p->roles[6].kinds[SCOPE_AGENT] && !p->roles[6].kinds[SCOPE_ORG]);
        ck_assert_str_eq(p->roles[5].name, "director");
        ck_assert(!p->roles[5].kinds[SCOPE_AGENT] && p->roles[5].kinds[SCOPE_ORG]);

        ck_assert_uint_eq(p->n_principals, 3);
        ck_assert_str_eq(p->principals[0].name, "maria");
        ck_assert(p->principals[0].has_uid && p->principals[0].uid == 0 && !p->principals[0].has_token);
        ck_assert_uint_eq(p->principals[0].n_grants, 1);
        ck_assert_str_eq(p->principals[0].grants[0].name, "alpha");
        ck_assert(p->principals[1].admin && p->principals[1].has_token && !p->principals[1].has_uid);
        ck_assert_uint_eq(p->principals[1].token_sha256[0], 0x01);
        ck_assert_uint_eq(p->principals[1].token_sha256[31], 0xEF);
        ck_assert_uint_eq(mei->uid, 4242);
        ck_assert_uint_eq(mei->n_grants, 3);
        ck_assert_int_eq(mei->grants[1].kind, SCOPE_QUEUE);
        ck_assert_str_eq(mei->grants[1].name, "not-yet-there");
        ck_assert_uint_eq(mei->grants[0].role, 6);
        ck_assert_int_eq(mei->grants[2].kind, SCOPE_ORG);
        ck_assert_str_eq(mei->grants[2].name, "");
        config_free(c);
}
END_TEST

START_TEST(sources_are_as_written)
{
        Config *c = loaded(complete);

        ck_assert_uint_eq(c->n_sources, 2);
        ck_assert_str_eq(c->sources[0].name, "ivr");
        ck_assert(c->sources[0].has_token && !c->sources[0].open);
        ck_assert_uint_eq(c->sources[0].n_queues, 2);
        ck_assert_str_eq(c->sources[0].queues[0], "billing-*");
        ck_assert(c->sources[1].open);
        ck_assert_str_eq(c->sources[1].queues[0], "*");
        config_free(c);
}
END_TEST

START_TEST(rules_are_as_written)
{
        Config *c = loaded(complete);
        const Rule *r = c->rules;

        ck_assert_str_eq(r[0].name, "nps-low");
        ck_assert_int_eq(r[0].test, RULE_EVIDENCE);
        ck_assert_int_eq(r[0].kind, SCOPE_ORG);
        ck_assert(r[0].at_target && !r[0].above);
        ck_assert_double_eq(r[0].threshold, -12.5);
        ck_assert_double_eq(r[0].false_alarms, 0.5);
        ck_assert_int_eq(r[0].false_alarms_per, 365 * USEC_DAY);
        ck_assert_uint_eq(r[0].min_n, 0); /* the evidence test has none */
        ck_assert_int_eq(r[0].severity, SEVERITY_WARNING);
        ck_assert_uint_eq(r[0].window, 2);
        ck_assert_str_eq(r[1].scopes, "a*");
        ck_assert_uint_eq(r[1].metric, 2);
        ck_assert(r[1].above && !r[1].at_target);
        ck_assert_double_eq(r[1].threshold, 0.25);
        ck_assert_uint_eq(r[1].min_n, 3);
        ck_assert_int_eq(r[1].hold, 10 * USEC_MIN);
        ck_assert_int_eq(r[1].test, RULE_INTERVAL);
        ck_assert_int_eq(r[1].severity, SEVERITY_CRITICAL);
        ck_assert_uint_eq(r[1].n_advice, 2);
        ck_assert_str_eq(r[1].advice[0].role, "coach");
        ck_assert_str_eq(r[1].advice[0].text, "Sit \"beside\" \\ listen.");
        ck_assert_str_eq(r[1].advice[1].text, "One line and another.");
        ck_assert_int_eq(r[2].test, RULE_POINT);
        ck_assert_uint_eq(r[2].min_n, 9); /* the metric's */
        ck_assert_double_eq(r[2].threshold, 60);
        config_free(c);
}
END_TEST

START_TEST(an_empty_file_means_all_defaults)
{
        Config *c = loaded("");

        ck_assert(!c->strict && !c->insecure);
        ck_assert_str_eq(c->listen[CONFIG_LINES][0], "tcp://127.0.0.1:7480");
        ck_assert_str_eq(c->listen[CONFIG_LINES][1], "unix:///rt/lines.sock");
        ck_assert_str_eq(c->listen[CONFIG_HTTP][0], "tcp://127.0.0.1:8480");
        ck_assert_str_eq(c->listen[CONFIG_FEED][0], "ipc:///rt/feed.ipc");
        ck_assert_str_eq(c->store, "/state/cxd.db");
        ck_assert_int_eq(c->future_skew, 5 * USEC_MIN);
        ck_assert_uint_eq(c->feed_ring, 10000);
        ck_assert_int_eq(c->tick, 10 * USEC_SEC);
        ck_assert_int_eq(c->keep_comments, 90 * USEC_DAY);
        ck_assert_int_eq(c->keep_surveys, 400 * USEC_DAY);
        ck_assert_int_eq(c->keep_tallies, 1825 * USEC_DAY);
        ck_assert_uint_eq(c->n_windows, 5);
        ck_assert_uint_eq(c->n_metrics, 1);
        ck_assert_str_eq(c->metrics[0].name, "response");
        ck_assert_uint_eq(c->metrics[0].n_influence, 4);
        ck_assert_uint_eq(c->n_sources, 1);
        ck_assert(c->sources[0].open);
        ck_assert_uint_eq(c->policy.n_roles, 6);
        ck_assert_uint_eq(c->policy.n_principals, 0);
        ck_assert_uint_eq(c->n_rules, 0);
        ck_assert_uint_eq(c->calendar.n_steps, 0);
        ck_assert_ptr_null(c->tls_certificate);
        ck_assert_ptr_null(c->roster);
        ck_assert_uint_eq(org_n_scopes(c->org), 1);
        config_free(c);
}
END_TEST

static void check_round_trip(const char *yaml)
{
        Config *before = loaded(yaml);
        char *printed = config_case_print(before);
        Config *after = loaded(printed);
        char *again = config_case_print(after), sentence[CONFIG_RESTART_MAX];

        ck_assert_str_eq(printed, again);
        ck_assert(!config_changes_figures(before, after));
        ck_assert_ptr_null(config_needs_restart(before, after, sentence));
        ck_assert_uint_eq(before->n_rules, after->n_rules);
        ck_assert_int_eq(memcmp(before->rules, after->rules, before->n_rules * sizeof(Rule)), 0);
        ck_assert_int_eq(memcmp(before->metrics, after->metrics, before->n_metrics * sizeof(Metric)), 0);
        ck_assert_int_eq(
                memcmp(before->policy.roles, after->policy.roles, before->policy.n_roles * sizeof(Role)), 0);
        free(printed);
        free(again);
        config_free(before);
        config_free(after);
}

/* Printed are the built-in ones, too. */
static void check_round_trip_of_roles(size_t n)
{
        char yaml[1024] = "roles: {r: {}";
        size_t end = strlen(yaml);

        for (size_t i = 1; i < n; i++)
                end += (size_t)snprintf(yaml + end, sizeof(yaml) - end, ", r%zu: {}", i);
        snprintf(yaml + end, sizeof(yaml) - end, "}\n");
        check_round_trip(yaml);
}

START_TEST(what_is_printed_loads_as_the_same)
{
        check_round_trip_of_roles(64);
        check_round_trip("");
        check_round_trip(complete);
        check_round_trip("sources: {}\nlisten: {lines: []}\nmetrics: {response: {kind: yes}}\n");
        check_round_trip("sources: {a: {open: true, queues: ['Null', \"NULL\", \"~\", 'null']}}\nroles: "
                         "{'NULL': {}}\n");
}
END_TEST

START_TEST(changes_of_figures_are_told_from_others)
{
        static const struct {
                const char *yaml;
                bool figures;
        } cases[] = {
                {"", false},
                {"strict: true\nlimits: {connections: 9}\nfuture_skew: 1s\nretention: {comments: 50d}\n",
                 false},
                {"sources: {}\nroles: {x: {}}\nprincipals: {m: {admin: true}}\n", false},
                {"rules: [{name: a, metric: response, scopes: org, window: 7d, below: 9%}]\n", false},
                {"timezone: Europe/Madrid\n", true},
                {"windows: [1h, today, 7d, 28d, 91d]\n", true},
                {"windows: [today, 1h, 7d, 28d, 90d]\n", true},
                {"windows: [1h, today, 7d, 90d]\n", true},
                {"retention: {tallies: 6y}\n", true},
                {"retention: {surveys: 500d}\n", true},
                {"roster: roster.csv\n", true},
                {"queues: queues.csv\n", true},
                {"metrics: {fcr: {kind: yes}}\n", true},
                {"metrics: {response: {kind: response, target: 9%}}\n", true},
                {"limits: {agents: 7}\n", true},
        };
        Config *before = loaded("");

        for (size_t i = 0; i < CX_ARRAY_LEN(cases); i++) {
                Config *after = loaded(cases[i].yaml);

                ck_assert_msg(config_changes_figures(before, after) == cases[i].figures, "%s", cases[i].yaml);
                config_free(after);
        }
        config_free(before);
}
END_TEST

START_TEST(a_changed_roster_changes_figures_also_without_its_org)
{
        Config *before = loaded("roster: roster.csv\n");
        Config *same = loaded("roster: roster.csv\n");
        Config *after;

        before->org = org_free(before->org);
        ck_assert(!config_changes_figures(before, same));
        config_case_write("roster.csv",
                          "agent,name,team,site,region\nana.ruiz,Ana Ruiz,bravo,madrid,iberia\n");
        after = loaded("roster: roster.csv\n");
        ck_assert(config_changes_figures(before, after));
        config_case_write("roster.csv", NULL);
        config_free(before);
        config_free(same);
        config_free(after);
}
END_TEST

START_TEST(what_needs_a_restart_is_named)
{
        static const struct {
                const char *yaml, *sentence;
        } cases[] = {
                {"strict: true\n", NULL},
                {"listen: {pull: []}\n", "listen changed, which takes effect with a restart only"},
                {"listen: {http: [tcp://127.0.0.1:8481, unix://%R/cxd.sock]}\n",
                 "listen changed, which takes effect with a restart only"},
                {"store: {path: y.db}\n", "store.path changed, which takes effect with a restart only"},
                {"tls: {certificate: a, key: b}\n", "tls changed, which takes effect with a restart only"},
                {"store: {path: y.db}\nlisten: {pull: []}\n",
                 "listen and store.path changed, which takes effect with a restart only"},
                {"http: {hosts: [cx.example.com]}\n",
                 "http.hosts changed, which takes effect with a restart only"},
                {"limits: {memory: 512}\n",
                 "what one connection may leave unread (limits.memory) changed, which "
                 "takes effect with a restart only"},
                {"feed: {ring: 99}\n", "feed.ring changed, which takes effect with a restart only"},
                {"tls: {certificate: a, key: b}\nstore: {path: y.db}\nlisten: {pull: []}\nfeed: {ring: 99}\n"
                 "http: {hosts: [a]}\n",
                 "listen, http.hosts, store.path, feed.ring and tls changed, which takes effect with a "
                 "restart only"},
        };
        Config *before = loaded("");

        for (size_t i = 0; i < CX_ARRAY_LEN(cases); i++) {
                Config *after = loaded(cases[i].yaml);
                char text[CONFIG_RESTART_MAX];
                const char *sentence = config_needs_restart(before, after, text);

                ck_assert_msg(!sentence == !cases[i].sentence, "%s", cases[i].yaml);
                if (sentence)
                        ck_assert_str_eq(sentence, cases[i].sentence);
                config_free(after);
        }
        config_free(before);
}
END_TEST

CHECK_MAIN("config", every_key_has_its_effect, windows_and_settings_are_those_of_the_engine,
           metrics_have_their_scale_and_target, roles_and_principals_are_as_written, sources_are_as_written,
           rules_are_as_written, an_empty_file_means_all_defaults, what_is_printed_loads_as_the_same,
           changes_of_figures_are_told_from_others, a_changed_roster_changes_figures_also_without_its_org,
           what_needs_a_restart_is_named)

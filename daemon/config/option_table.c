/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All options. Their order is that of reading: what a row needs stands above it.
 */

#include "daemon/config/option_types.h"

#define C(_member) offsetof(Config, _member)
#define S(_member) offsetof(ConfigSource, _member)
#define M(_member) offsetof(Metric, _member)
#define R(_member) offsetof(Rule, _member)
#define P(_member) offsetof(Principal, _member)

#define FACE(_face) C(listen[_face]), C(n_listen[_face]), .max = 16

#define DAYS(_n) ((double)(_n) * (double)USEC_DAY)
#define SECS(_n) ((double)(_n) * (double)USEC_SEC)

static const char *const kind_choices[] = {"nps",  "top1", "top2",     "top3", "ces",
                                           "mean", "yes",  "response", NULL};
static const char *const better_choices[] = {"higher", "lower", NULL};
static const char *const sees_choices[] = {"self", "below", NULL};
static const char *const scope_choices[] = {"agent", "team", "site", "region", "queue", "line", "org", NULL};
static const char *const under_choices[] = {"agent", "team", "site", "region", "queue",
                                            "line",  "org",  "any",  NULL};
static const char *const test_choices[] = {"evidence", "interval", "point", NULL};
static const char *const severity_choices[] = {"info", "warning", "critical", NULL};

/* clang-format off */
static const Option options[] = {
        {"strict", &type_bool, C(strict), .def = "false",
         .text = "Whether surveys with fields or metrics that nobody knows are refused."},
        {"insecure", &type_bool, C(insecure), .def = "false",
         .text = "Whether plain TCP may listen on addresses that other machines can reach."},

        {"tls", &type_tls, .def = "{}",
         .text = "The certificate for tcp addresses of lines and http."},
        {"tls.certificate", &type_path, C(tls_certificate),
         .text = "File with the certificate and its chain, in PEM."},
        {"tls.key", &type_path, C(tls_key),
         .text = "File with the private key, in PEM."},

        {"listen", &type_section, .def = "{}",
         .text = "Where each face listens."},
        {"listen.lines", &type_addresses, FACE(CONFIG_LINES),
         .def = "[tcp://127.0.0.1:7480, unix://%R/lines.sock]",
         .text = "Surveys as lines, acknowledged when they are durable."},
        {"listen.http", &type_addresses, FACE(CONFIG_HTTP),
         .def = "[tcp://127.0.0.1:8480, unix://%R/cxd.sock]",
         .text = "The HTTP API and the dashboard."},
        {"listen.pull", &type_addresses, FACE(CONFIG_PULL),
         .def = "[ipc://%R/pull.ipc]",
         .text = "Surveys from nanomsg PUSH sockets, without acknowledgement."},
        {"listen.rep", &type_addresses, FACE(CONFIG_REP),
         .def = "[ipc://%R/rep.ipc]",
         .text = "Surveys from nanomsg REQ sockets, answered when they are durable."},
        {"listen.feed", &type_addresses, FACE(CONFIG_FEED),
         .def = "[ipc://%R/feed.ipc]",
         .text = "Alerts and figures for nanomsg SUB sockets."},

        {"http", &type_section, .def = "{}",
         .text = "Settings of the HTTP face."},
        {"http.hosts", &type_hosts, C(hosts), C(n_hosts), .max = 64, .def = "[]",
         .text = "Further names by which browsers may call this host."},

        {"store", &type_section, .def = "{}",
         .text = "Where surveys are kept."},
        {"store.path", &type_store, C(store), .def = "cxd.db",
         .text = "The database file; a relative path lies below the state directory."},
        {"store.snapshot_after", &type_size, C(snapshot_after), .min = 0, .max = 1000000000, .def = "100000",
         .unit = "changes", .text = "How often a snapshot is taken, so that a start need not read all; 0: never."},

        {"limits", &type_section, .def = "{}",
         .text = "Bounds on what others can make the daemon hold."},
        {"limits.connections", &type_size, C(max_connections), .min = 8, .max = 65536, .def = "1024",
         .text = "Connections of all faces together."},
        {"limits.memory", &type_size, C(max_memory), .min = 0, .max = 1048576, .def = "0", .unit = "MiB",
         .text = "Memory near which surveys are refused until there is room; 0 for no bound."},
        {"limits.agents", &type_size, C(max_agents), .min = 1, .max = 1000000, .def = "20000",
         .text = "Different agents, those of the roster included."},
        {"limits.queues", &type_size, C(max_queues), .min = 1, .max = 100000, .def = "2000",
         .text = "Different queues, those of the queue table included."},
        {"future_skew", &type_duration, C(future_skew), .min = 0, .max = DAYS(1), .def = "5m",
         .text = "How far in the future the time of a survey may lie."},

        {"feed", &type_section, .def = "{}",
         .text = "Settings of the live feeds."},
        {"feed.ring", &type_size, C(feed_ring), .min = 16, .max = 1000000, .def = "10000", .unit = "messages",
         .text = "What is kept for subscribers that come back."},
        {"feed.tick", &type_duration, C(tick), .min = SECS(1), .max = SECS(3600), .def = "10s",
         .text = "Time between two rounds of figures and ticks."},

        {"timezone", &type_zone, .def = "UTC",
         .text = "The zone whose midnight begins a day."},
        {"roster", &type_roster, C(roster),
         .text = "CSV file with agents and their teams, sites and regions."},
        {"queues", &type_queues, C(queues),
         .text = "CSV file with queues and their lines of business."},
        {"windows", &type_windows, .min = 1, .max = WINDOWS_MAX, .def = "[1h, today, 7d, 28d, 90d]",
         .text = "Spans of time that figures are computed over."},
        {"retention", &type_retention, .def = "{}",
         .text = "How long things are kept."},
        {"retention.comments", &type_duration, C(keep_comments), .min = 0, .max = DAYS(36500), .def = "90d",
         .text = "What customers wrote."},
        {"retention.surveys", &type_duration, C(keep_surveys), .min = DAYS(1), .max = DAYS(36500),
         .def = "400d", .text = "Surveys with their answers; at least as long as the longest window."},
        {"retention.tallies", &type_duration, C(keep_tallies), .min = DAYS(1), .max = DAYS(36500),
         .def = "5y", .text = "Counts of answers by the day; at least as long as the longest window."},

        {"roles", &type_roles, .max = 64, .def = "{}",
         .text = "What principals of a kind may see; changes or adds to the built-in roles."},
        {"roles.*.sees", &type_sees, .max = 2, .choices = sees_choices, .def = "[self, below]",
         .text = "Whether a grant shows its own scope, what lies under it, or both."},
        {"roles.*.under", &type_under, .choices = under_choices, .def = "any",
         .text = "The kind of scope that grants of this role are for."},
        {"roles.*.kinds", &type_kinds, .max = _SCOPE_KIND_N, .choices = scope_choices,
         .def = "[agent, team, site, region, queue, line, org]",
         .text = "Kinds of scopes that this role sees at all."},

        {"metrics", &type_metrics, .max = METRICS_MAX, .def = "{}",
         .text = "What is asked, and how it becomes a figure."},
        {"metrics.*.kind", &type_kind, .choices = kind_choices, .required = true,
         .text = "How figures are computed from the answers."},
        {"metrics.*.scale", &type_scale,
         .text = "The smallest and the largest answer, at most eleven values."},
        {"metrics.*.target", &type_target,
         .text = "What the figure should reach."},
        {"metrics.*.better", &type_better, .choices = better_choices, .def = "higher",
         .text = "Which direction is good."},
        {"metrics.*.min_n", &type_unsigned, M(min_n), .min = 1, .max = 1000000, .def = "5", .unit = "answers",
         .text = "Below this number a figure is called insufficient."},
        {"metrics.*.explains", &type_names, M(explains), M(n_explains), .max = METRIC_LIST_MAX, .def = "[]",
         .text = "Outcomes that this driver explains."},
        {"metrics.*.influence", &type_names, M(influence), M(n_influence), .max = METRIC_LIST_MAX,
         .def = "[]", .text = "Roles that can change this metric, and therefore see it."},

        {"sources", &type_sources, .max = 256, .def = "{local: {open: true}}",
         .text = "Who may send surveys."},
        {"sources.*.open", &type_bool, S(open), .def = "false",
         .text = "Whether it needs no token, on loopback addresses and Unix sockets only."},
        {"sources.*.token_sha256", &type_token, S(token_sha256), S(has_token),
         .text = "SHA-256 of its bearer token."},
        {"sources.*.queues", &type_texts, S(queues), S(n_queues), .max = 256, .def = "[\"*\"]",
         .text = "Patterns of the queues that it may send for."},

        {"principals", &type_principals, .max = 4096, .def = "{}",
         .text = "People and programs that may ask."},
        {"principals.*.role", &type_short_grant,
         .text = "The role of its only grant."},
        {"principals.*.scope", &type_short_grant,
         .text = "The scope of its only grant."},
        {"principals.*.grants", &type_grants, .max = 64,
         .text = "Several grants, in place of role and scope."},
        {"principals.*.grants.*.role", &type_role, .required = true,
         .text = "What may be seen."},
        {"principals.*.grants.*.scope", &type_scope, .required = true,
         .text = "Where it may be seen."},
        {"principals.*.user", &type_user,
         .text = "The system user who is this principal on Unix sockets."},
        {"principals.*.uid", &type_uid, .min = 0, .max = 4294967294.0,
         .text = "The same as a number."},
        {"principals.*.token_sha256", &type_token, P(token_sha256), P(has_token),
         .text = "SHA-256 of its bearer token."},
        {"principals.*.feed", &type_feed,
         .text = "A TCP address where nanomsg SUB sockets get its feed, whoever they are."},
        {"principals.*.admin", &type_bool, P(admin), .def = "false",
         .text = "Whether it sees and may do everything."},

        {"rules", &type_rules, .max = RULES_MAX, .def = "[]",
         .text = "When a figure is an alert."},
        {"rules.*.name", &type_name, R(name), .required = true,
         .text = "What the rule is called; each name once."},
        {"rules.*.metric", &type_rule_metric, .required = true,
         .text = "The metric that it watches."},
        {"rules.*.scopes", &type_scopes, .required = true,
         .text = "The scopes that it watches; an asterisk stands for any run of characters."},
        {"rules.*.window", &type_rule_window, .required = true,
         .text = "The window whose figure counts."},
        {"rules.*.test", &type_choice, R(test), .choices = test_choices, .def = "evidence",
         .text = "How sure the rule has to be."},
        {"rules.*.below", &type_threshold,
         .text = "An alert when the figure lies below this."},
        {"rules.*.above", &type_threshold,
         .text = "An alert when the figure lies above this."},
        {"rules.*.min_n", &type_unsigned, R(min_n), .min = 1, .max = 1000000, .unit = "answers",
         .text = "Fewer never make an alert; the metric's own number when absent; not for the test evidence."},
        {"rules.*.false_alarms", &type_false_alarms, .def = "1 per 90d",
         .text = "How many false alarms of the whole rule the operator accepts; for the test evidence."},
        {"rules.*.for", &type_duration, R(hold), .min = 0, .max = DAYS(90), .def = "0s",
         .text = "How long it must hold before the alert fires."},
        {"rules.*.severity", &type_choice, R(severity), .choices = severity_choices, .def = "warning",
         .text = "How urgent it is."},
        {"rules.*.advice", &type_advice, .max = RULE_ADVICE_MAX, .def = "{}",
         .text = "The next step for each role that gets the alert."},
};
/* clang-format on */

size_t option_count(void)
{
        return CX_ARRAY_LEN(options);
}

const Option *option_row(size_t index)
{
        return &options[index];
}

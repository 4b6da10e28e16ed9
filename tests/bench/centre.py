# SPDX-License-Identifier: Apache-2.0
"""The contact centre of the benchmark: its size, and the configuration of a daemon for it."""

import dataclasses
import functools
import hashlib
import random

METRICS = """
  nps: {kind: nps, target: 30, influence: [team_lead, director]}
  csat: {kind: top2, scale: [1, 5], target: 70%, influence: [agent, team_lead, queue_owner]}
  ces: {kind: top3, scale: [1, 7], target: 70%, influence: [queue_owner]}
  fcr: {kind: yes, target: 70%, influence: [queue_owner]}
  courtesy: {kind: top2, scale: [1, 5], target: 70%, influence: [agent, team_lead]}
  knowledge: {kind: top2, scale: [1, 5], target: 70%, influence: [agent, team_lead]}
"""
# Whoever follows the figures of one team.
LEAD_TOKEN = "lead-of-the-first-team"
RULED = ("nps", "csat", "ces", "fcr", "courtesy")
WIDE = (
    ("agent/*", "28d", "false_alarms: 1 per 90d"),
    ("team/*", "28d", "false_alarms: 1 per 90d"),
    ("queue/*", "7d", "test: interval, min_n: 30"),
    ("site/*", "today", "test: interval, min_n: 30"),
)
# What rules beyond those are drawn from, each part by itself, and one scope of the organisation.
WATCHED = (*RULED, "knowledge")
WINDOWS = ("1h", "today", "7d", "28d", "90d")
TESTS = ("false_alarms: 1 per 90d", "test: interval, min_n: 30", "test: point, min_n: 100")
# The first bad answer of such a queue is an alert: bench_probe.c counts on it.
PROBE_RULE = "  - {name: probe, metric: csat, scopes: queue/probe-*, window: 1h, below: 50%, test: point, min_n: 1}\n"


@dataclasses.dataclass(frozen=True)
class Centre:
    """Teams of 20, sites of 200, regions of 1,000; 10 queues in a line; 6 metrics. bench_levels.c goes by the same rule.

    The first 20 rules watch all scopes of a kind, so that every survey meets them. Each of the others watches one
    scope, and a survey meets those of its team, site, region, queue and line, and of the organisation: with 2,000
    agents and 50 queues 6 of 168 scopes, and of 1,000 rules it meets these 20 and 29 more.
    """

    agents: int = 2000
    queues: int = 50
    rules: int = 20
    connections: int = 64

    def scopes(self):
        """What a rule can watch by itself, each with the share of the surveys that are about it."""
        kinds = (
            ("team/team-{:03}", self.agents, 20),
            ("site/site-{:02}", self.agents, 200),
            ("region/region-{}", self.agents, 1000),
            ("queue/queue-{:02}", self.queues, 1),
            ("line/line-{}", self.queues, 10),
        )
        found = {"org": 1.0}
        for name, n, size in kinds:
            found |= {name.format(i): min(size, n - i * size) / n for i in range(-(-n // size))}
        return found

    @functools.cache
    def single_rules(self):
        """Metric, scope, window and test of the rules beyond the first, no two of which are the same.

        They are drawn from all that there could be, the same every time. Evidence needs 7 whole days or more.
        """
        evidence, *others = TESTS
        tests = [(window, test) for window in WINDOWS for test in others] + [(w, evidence) for w in WINDOWS[2:]]
        every = [(metric, scope, *test) for metric in WATCHED for scope in self.scopes() for test in tests]
        return random.Random(1).sample(every, max(self.rules - len(RULED) * len(WIDE), 0))

    def rules_met(self):
        """How many rules a survey meets, on average."""
        shares = self.scopes()
        wide = min(self.rules, len(RULED) * len(WIDE))
        return wide + sum(shares[scope] for _, scope, _, _ in self.single_rules())

    def rule(self, i):
        n_wide = len(RULED) * len(WIDE)
        if i < n_wide:
            metric = RULED[i // len(WIDE)]
            scopes, window, test = WIDE[i % len(WIDE)]
        else:
            metric, scopes, window, test = self.single_rules()[i - n_wide]
        return (
            f"  - {{name: rule-{i}, metric: {metric}, scopes: {scopes}, window: {window}, below: target, {test}}}\n"
        )

    def write(self, folder, port):
        """The configuration; gives its path."""
        rows = (
            f"agent-{i:04},Agent {i},team-{i // 20:03},site-{i // 200:02},region-{i // 1000}\n"
            for i in range(self.agents)
        )
        (folder / "roster.csv").write_text("agent,name,team,site,region\n" + "".join(rows))
        rows = (f"queue-{i:02},line-{i // 10}\n" for i in range(self.queues))
        (folder / "queues.csv").write_text("queue,line\n" + "".join(rows))
        token = hashlib.sha256(LEAD_TOKEN.encode()).hexdigest()
        file = folder / "cxd.yaml"
        file.write_text(
            f"listen:\n  lines: ['tcp://127.0.0.1:{port}']\n  http: ['unix://%R/cxd.sock']\n  pull: []\n  rep: []\n"
            f"  feed: ['ipc://%R/feed.ipc']\n"
            # An eighth is for Unix sockets alone.
            f"limits: {{connections: {self.connections * 8 // 7 + 8}, agents: {self.agents + 1000}, queues: {self.queues + 5000}}}\n"
            "roster: roster.csv\nqueues: queues.csv\nsources: {local: {open: true}}\n"
            f"principals:\n  lead: {{role: team_lead, scope: team/team-000, token_sha256: {token}}}\n"
            f"metrics:{METRICS}rules:\n{''.join(self.rule(i) for i in range(self.rules))}{PROBE_RULE}"
        )
        return file

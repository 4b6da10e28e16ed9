# SPDX-License-Identifier: Apache-2.0
"""The contact centre of the benchmark: its size, and the configuration of a daemon for it."""

import dataclasses
import hashlib

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
# The first bad answer of such a queue is an alert: bench_probe.c counts on it.
PROBE_RULE = "  - {name: probe, metric: csat, scopes: queue/probe-*, window: 1h, below: 50%, test: point, min_n: 1}\n"


@dataclasses.dataclass(frozen=True)
class Centre:
    """Teams of 20, sites of 200, regions of 1,000; 10 queues in a line; 6 metrics."""

    agents: int = 2000
    queues: int = 50
    rules: int = 20
    connections: int = 64

    def rule(self, i):
        """The first 20 watch all scopes of a kind; each of the others one team."""
        metric = RULED[i // len(WIDE) % len(RULED)]
        scopes, window, test = WIDE[i % len(WIDE)]
        if i >= len(RULED) * len(WIDE):
            scopes = f"team/team-{i % max(self.agents // 20, 1):03}"
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
            f"limits: {{connections: {self.connections}, agents: {self.agents + 1000}, queues: {self.queues + 5000}}}\n"
            "roster: roster.csv\nqueues: queues.csv\nsources: {local: {open: true}}\n"
            f"principals:\n  lead: {{role: team_lead, scope: team/team-000, token_sha256: {token}}}\n"
            f"metrics:{METRICS}rules:\n{''.join(self.rule(i) for i in range(self.rules))}{PROBE_RULE}"
        )
        return file

# SPDX-License-Identifier: Apache-2.0
"""Durable surveys per second of cxd and of its peers, in turn, over several rounds; and where cxd's time goes."""

import daemon
import peers
from centre import Centre

GOAL, RATIO = 1000000, 9
SENDERS = 8
LOOP = ("decode", "engine", "ack", "fanout")
ROWS = {
    "decode": "decode and check",
    "engine": "look for duplicates, encode, engine",
    "ack": "acknowledge",
    "fanout": "fan-out to subscribers",
    "rest": "read, split into lines, the rest of the loop",
    "commit": "commit (storage thread), waiting for the disk included",
    "loop": "processor time of the loop's thread",
    "storage": "processor time of the storage thread",
    "sender": "processor time of the sender (bench-load)",
}
MAIN = f"cxd, {SENDERS} senders"


def measure_cxd(bench, name, senders):
    """Notes the rate, and what a survey takes in each stage."""
    report = bench.report
    centre = Centre()
    file = bench.workloads.live(centre)
    with daemon.cxd(bench.tools, centre) as d:
        got, cost = d.watched(lambda: d.load(file, senders=senders, seconds=bench.seconds))
    report.note(name, got["rate"])
    times = cost.stages | {"loop": cost.loop, "storage": cost.storage, "sender": got["cpu"]}
    # Stages are timed on the clock: with more threads than cores they hold what others took.
    times["rest"] = cost.loop - sum(cost.stages[s] for s in LOOP)
    times |= {"commit size": cost.surveys / max(cost.commits, 1), "commit time": cost.commit_time}
    for what, value in times.items():
        report.note(f"{name}: {what}", value)


def print_stages(report, name):
    """Medians over the rounds."""
    median = {what: report.median(f"{name}: {what}") for what in (*ROWS, "commit size", "commit time")}
    report.title(f"Time per survey, {SENDERS} senders, from cxd's own counters: medians over the rounds")
    rows = [(text, f"{median[what]:.2f} us" if median[what] > 0 else "-") for what, text in ROWS.items()]
    report.table(("stage", "per survey"), rows)
    report.line(f"{median['commit size']:,.0f} surveys and {median['commit time']:,.0f} us a commit")


def print_rates(report, rivals):
    rows = []
    for name in (MAIN, "cxd, 1 sender", *rivals):
        if name in report.values:
            ratio = f"{report.median(MAIN) / report.median(name):.2f}" if name in rivals else ""
            rows.append((name, f"{report.median(name):,.0f}", ratio, report.spread(name)))
    report.table(("surveys per second", "median", "cxd is x times that", "lowest .. highest"), rows)


def run(bench):
    report = bench.report
    centre = Centre()
    rivals = [p for p in peers.all_of(bench.tools) if not p.available()]
    report.title("Durable surveys per second")
    report.line("cxd: 2,000 agents, 50 queues, 6 metrics, 3 levels above, 20 rules, 5 windows, all with duplicates")
    report.line("looked for. The others: the survey, and counts of it and of 3 metrics per agent and per queue; the goals")
    report.line("are about these. With the same counts as cxd: of all 6 metrics, and for all levels above as well.")
    for peer in peers.all_of(bench.tools):
        report.line(f"  {peer.name}: {peer.available() or peer.note}")
    for i in range(bench.rounds):
        measure_cxd(bench, MAIN, SENDERS)
        measure_cxd(bench, "cxd, 1 sender", 1)
        for peer in rivals:
            report.note(peer.name, peer.rate(bench.workloads.live(centre), bench.seconds))
        report.line(f"round {i + 1} of {bench.rounds}: cxd {report.values[MAIN][-1]:,.0f}/s")
    print_rates(report, [p.name for p in rivals])
    print_stages(report, MAIN)
    best = report.median(MAIN)
    report.goal("durable surveys/s, 8 senders", f"{best:,.0f}", f"{GOAL:,}", best >= GOAL)
    for kind in ("Redis, appendfsync always", "PostgreSQL"):
        rates = [report.median(p.name) for p in rivals if p.name.startswith(kind) and p.work is peers.SMALL]
        if rates:
            ratio = best / max(rates)
            report.goal(f"times {kind}", f"{ratio:.1f}", f"at least {RATIO}", ratio >= RATIO)

# SPDX-License-Identifier: Apache-2.0
"""Durable surveys per second of cxd and of its peers, in turn, over several rounds; and where cxd's time goes."""

import daemon
import peers
from centre import Centre

GOAL, RATIO = 1000000, 9
SENDERS = 8
STAGES = {
    "decode": "decode and check",
    "engine": "look for duplicates, encode, engine",
    "ack": "acknowledge",
    "fanout": "fan-out to subscribers",
    "commit": "commit (storage thread)",
}

LOOP = ("decode", "engine", "ack", "fanout")


def measure_cxd(bench, name, senders):
    centre = Centre()
    file = bench.workloads.live(centre)
    with daemon.cxd(bench.tools, centre) as d:
        got, cost = d.watched(lambda: d.load(file, senders=senders, seconds=bench.seconds))
    bench.report.note(name, got["rate"])
    return got, cost


def print_stages(report, got, cost):
    report.title("Time per survey, 8 senders, from cxd's own counters (last round)")
    rows = [(STAGES[s], f"{cost.stages[s]:.2f} us") for s in LOOP]
    known = sum(cost.stages[s] for s in LOOP)
    # Stages are timed on the clock: with more threads than cores they hold what others took.
    rest = f"{cost.loop - known:.2f} us" if cost.loop > known else "-"
    rows.append(("read, split into lines, the rest of the loop", rest))
    rows.append((f"{STAGES['commit']}, waiting for the disk included", f"{cost.stages['commit']:.2f} us"))
    rows.append(("processor time of the loop's thread", f"{cost.loop:.2f} us"))
    rows.append(("processor time of the storage thread", f"{cost.storage:.2f} us"))
    rows.append(("processor time of the sender (bench-load)", f"{got['cpu']:.2f} us"))
    report.table(("stage", "per survey"), rows)
    report.line(f"{cost.surveys / max(cost.commits, 1):,.0f} surveys and {cost.commit_time:,.0f} us a commit")


def print_rates(report, rivals):
    rows = []
    for name in ("cxd, 8 senders", "cxd, 1 sender", *rivals):
        if name in report.values:
            ratio = f"{report.median('cxd, 8 senders') / report.median(name):.2f}" if name in rivals else ""
            rows.append((name, f"{report.median(name):,.0f}", ratio, report.spread(name)))
    report.table(("surveys per second", "median", "cxd is x times that", "lowest .. highest"), rows)


def run(bench):
    report = bench.report
    centre = Centre()
    rivals = [p for p in peers.all_of(bench.tools) if not p.available()]
    report.title("Durable surveys per second")
    report.line("cxd: 2,000 agents, 50 queues, 6 metrics, 3 levels above, 20 rules, 5 windows, all with duplicates")
    report.line("looked for. The others: the survey, and counts of it and of 3 metrics per agent and per queue.")
    for peer in peers.all_of(bench.tools):
        report.line(f"  {peer.name}: {peer.available() or peer.note}")
    for i in range(bench.rounds):
        got, cost = measure_cxd(bench, "cxd, 8 senders", SENDERS)
        measure_cxd(bench, "cxd, 1 sender", 1)
        for peer in rivals:
            report.note(peer.name, peer.rate(bench.workloads.live(centre), bench.seconds))
        report.line(f"round {i + 1} of {bench.rounds}: cxd {report.values['cxd, 8 senders'][-1]:,.0f}/s")
    print_rates(report, [p.name for p in rivals])
    print_stages(report, got, cost)
    best = report.median("cxd, 8 senders")
    report.goal("durable surveys/s, 8 senders", f"{best:,.0f}", f"{GOAL:,}", best >= GOAL)
    for kind in ("Redis, appendfsync always", "PostgreSQL"):
        rates = [report.median(p.name) for p in rivals if p.name.startswith(kind)]
        if rates:
            ratio = best / max(rates)
            report.goal(f"times {kind}", f"{ratio:.1f}", f"at least {RATIO}", ratio >= RATIO)

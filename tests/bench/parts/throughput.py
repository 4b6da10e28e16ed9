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
    "engine": "look for duplicates, engine",
    "ack": "acknowledge",
    "fanout": "fan-out to subscribers",
    "rest": "read, split into lines, the rest of the loop",
    "commit": "commit (storage thread), waiting for the disk included",
    "loop": "processor time of the loop's thread",
    "storage": "processor time of the storage thread",
    "sender": "processor time of the sender (bench-load)",
}
LIMITS = ("loopback", "disk", "memory")  # of the part with that name, if it is measured as well
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
    times["busy"] = min(max(cost.loop, cost.storage) * got["rate"] / 1e6, 1)
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


def two_cores(report):
    """Surveys per second if all that a survey takes were divided over two cores, none of it ever waiting."""
    return 2e6 / sum(report.median(f"{MAIN}: {what}") for what in ("loop", "storage", "sender"))


def rate_bound(report):
    loop, storage, sender = (report.median(f"{MAIN}: {what}") for what in ("loop", "storage", "sender"))
    fuller = "loop's" if loop >= storage else "storage"
    text = (
        f"the loop's thread takes {loop:.2f} us a survey, the storage thread {storage:.2f}, the sender {sender:.2f}:"
        f" two cores, perfectly divided, could do {two_cores(report):,.0f}/s."
        f" The {fuller} thread was busy {report.median(f'{MAIN}: busy'):.0%} of the time."
    )
    if report.has(*(f"limit {name}" for name in LIMITS)):
        best = report.median(MAIN)
        times = ", ".join(f"{name} {report.median(f'limit {name}') / best:.1f}" for name in LIMITS)
        text += f" Times cxd, the machine's limits are: {times}."
    return text


def ratio_bound(report, fastest, same):
    """@fastest: the peer that the goal is about; @same: those of its kind with the same counts as cxd."""
    text = (
        f"{RATIO} times would be {RATIO * report.median(fastest):,.0f}/s;"
        f" two cores, perfectly divided, could do {two_cores(report):,.0f}/s."
    )
    if same:
        ratio = report.median(MAIN) / max(report.median(name) for name in same)
        text += f" With the same counts as cxd it is {ratio:.1f} times."
    return text


def set_goals(report, rivals):
    best = report.median(MAIN)
    what = f"durable surveys/s, {SENDERS} senders"
    report.goal(what, f"{best:,.0f}", f"{GOAL:,}", best >= GOAL, lambda: rate_bound(report))
    for kind in ("Redis, appendfsync always", "PostgreSQL"):
        of_kind = [p for p in rivals if p.name.startswith(kind)]
        small = [p.name for p in of_kind if p.work is peers.SMALL]
        same = [p.name for p in of_kind if p.work is peers.SAME]
        if small:
            fastest = max(small, key=report.median)
            ratio = best / report.median(fastest)
            bound = ratio_bound(report, fastest, same)
            report.goal(f"times {kind}", f"{ratio:.1f}", f"at least {RATIO}", ratio >= RATIO, bound)


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
    set_goals(report, rivals)

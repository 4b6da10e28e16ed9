# SPDX-License-Identifier: Apache-2.0
"""Curves: what a survey costs, and memory, over the size of everything that may grow."""

import contextlib

import daemon
from centre import LEAD_TOKEN, Centre
from report import megabytes

FLAT = 2.0
SPARE_FILES = 200
TICK = 10  # seconds: feed.tick, when all streams get the figures that changed


@contextlib.contextmanager
def followed(bench, d, subscribers):
    """So many streams of a team lead."""
    if subscribers == 0:
        yield
        return
    with bench.tools_beside("bench-probe", d.socket, d.port, subscribers, 0, 0, LEAD_TOKEN) as probe:
        if not probe.stdout.readline().startswith("open"):
            raise daemon.tool.Failed(f"the streams did not open: {probe.results()}")
        yield


def measure(bench, agents=2000, queues=50, days=0, rules=20, subscribers=0, senders=8):
    """Surveys per second, processor time of the daemon per survey, resident bytes."""
    centre = Centre(agents=agents, queues=queues, rules=rules, connections=senders + subscribers + 64)
    file = bench.workloads.live(centre, 5 * agents)
    with daemon.cxd(bench.tools, centre) as d:
        if days:
            d.fill(bench.workloads, 2, days)
        # Everybody is known before: what is measured is the cost of one more survey, not of one more agent.
        d.load(file, senders=4, passes=1, first_pass=40000)
        with followed(bench, d, subscribers):
            # At least one tick falls into what is measured.
            seconds = max(bench.seconds, TICK) if subscribers and bench.size != "smoke" else bench.seconds
            got, cost = d.watched(lambda: d.load(file, senders=senders, seconds=seconds))
        return got["rate"], cost.loop + cost.storage, d.memory()


def curve(bench, name, sizes, label=None):
    """Prints a table; gives what a survey costs with each size."""
    report = bench.report
    rows, costs = [], []
    for size in sizes:
        values = [measure(bench, **{name: size}) for _ in range(bench.pick(smoke=1, quick=1, normal=1, full=3))]
        rate, cost, memory = (sorted(v)[len(v) // 2] for v in zip(*values))
        report.note(f"scale {name} {size} rate", rate)
        report.note(f"scale {name} {size} cost", cost)
        report.note(f"scale {name} {size} memory", memory)
        costs.append(cost)
        rows.append((f"{size:,}", f"{rate:,.0f}", f"{cost:.2f} us", f"{cost / costs[0]:.2f}", megabytes(memory)))
    report.table((label or name, "surveys/s", "processor time a survey", "times the first", "memory"), rows)
    report.line()
    return costs


def run(bench):
    report = bench.report
    subscribers = min(5000, bench.files - SPARE_FILES)
    report.title("Scale, from 2,000 agents, 50 queues, 20 rules, 8 senders, no history, no subscribers")
    sizes = bench.pick(smoke=(50, 100), quick=(1000, 10000), normal=(1000, 10000, 100000), full=(1000, 10000, 100000))
    costs = curve(bench, "agents", sizes)
    ratio = max(costs) / min(costs)
    what = f"cost of a survey, {sizes[0]:,} to {sizes[-1]:,} agents"
    memory = megabytes(report.median(f"scale agents {sizes[-1]} memory"))
    bound = f"from {costs[0]:.2f} to {costs[-1]:.2f} us; with the most agents the daemon takes {memory}."
    report.goal(what, f"x {ratio:.2f}", f"within x {FLAT:.0f}", ratio <= FLAT, bound)
    small = bench.pick(smoke=True, quick=False, normal=False, full=False)
    curve(bench, "queues", (20,) if small else (10, 100, 1000))
    curve(bench, "days", (2,) if small else (1, 30, 90), "days of history, 2 surveys per agent and day")
    rules = (40,) if small else (10, 1000)
    curve(bench, "rules", rules, "rules, all different")
    met = ", ".join(f"{Centre(rules=n).rules_met():.0f} of {n:,}" for n in rules)
    report.line(f"A survey meets only the rules about its scopes: {met}.")
    report.line()
    curve(bench, "subscribers", (20,) if small else (1, 100, subscribers), "streams of a team lead")
    curve(bench, "senders", (20,) if small else (1, 100, 1000))

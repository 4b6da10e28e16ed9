# SPDX-License-Identifier: Apache-2.0
"""Memory with 10 surveys a day from each agent over 90 days.

They are sent as fast as they are taken, which leaves buffers that a centre of that size never needs; so what counts is
the memory after a restart, when the same figures, ids and alerts are there.
"""

import daemon
from centre import Centre
from report import megabytes

PER_DAY = 10
FEW, SMALL, LARGE = 20, 2000, 100000
GOALS = {SMALL: 40e6, LARGE: 800e6}


def measure(bench, agents, days):
    """Resident bytes with that history after a restart, and a row of the table."""
    with daemon.cxd(bench.tools, Centre(agents=agents)) as d:
        empty = d.memory()
        n = d.fill(bench.workloads, PER_DAY, days)
        filled = d.memory()
        d.stop()
        d.start()
        full = d.memory()
    sizes = (megabytes(x) for x in (empty, filled, full))
    row = (f"{agents:,}", f"{days}", f"{n:,.0f}", *sizes, f"{full / agents:,.0f}")
    bench.report.note(f"memory {agents} x {days} filled", filled)
    bench.report.note(f"memory {agents} x {days}", full)
    return full, row


def id_bytes(bench, days):
    """Bytes for each survey by which memory grows where its cells are there already: those of its id.

    Few agents with many surveys, and all of them a second time, with the same answers at the same times.
    """
    per_agent = bench.pick(smoke=100, quick=1000, normal=1000, full=1000)
    with daemon.cxd(bench.tools, Centre(agents=FEW)) as d:
        memory = []
        for first_pass in (50000, 60000):
            n = d.fill(bench.workloads, per_agent, days, first_pass)
            d.stop()
            d.start()
            memory.append(d.memory())
    each = (memory[1] - memory[0]) / n
    bench.report.note("memory bytes an id", each)
    return each


def bound_of(memory, agents, each):
    surveys = agents * 90 * PER_DAY
    rest = (memory - surveys * each) / agents
    return (
        f"{surveys:,} known ids at {each:.1f} bytes are {megabytes(surveys * each)};"
        f" the rest, all else in the daemon, is {rest:,.0f} bytes for each agent."
    )


def run(bench):
    report = bench.report
    report.title(f"Resident memory, {PER_DAY} surveys per agent and day, 50 queues, 6 metrics, 20 rules")
    rows, extrapolated = [], None
    days = bench.pick(smoke=2, quick=30, normal=90, full=90)
    sizes = bench.pick(smoke=(50, 100), quick=(1000, 2000), normal=(2000, 5000), full=(2000, 100000))
    full = {}
    for agents in sizes:
        full[agents], row = measure(bench, agents, days)
        rows.append(row)
    if LARGE not in sizes:
        low, high = sizes
        slope = (full[high] - full[low]) / (high - low)
        extrapolated = full[high] + slope * (LARGE - high)
        rows.append((f"{LARGE:,}", f"{days}", f"{LARGE * days * PER_DAY:,}", "", "", megabytes(extrapolated), ""))
    report.table(("agents", "days", "surveys", "empty", "filled", "after a restart", "bytes an agent"), rows)
    if extrapolated:
        report.line("The last row is extrapolated in a straight line from the two above; --full measures it.")
    each = id_bytes(bench, days)
    if bench.size != "smoke":
        report.line(f"Each survey takes {each:.1f} bytes of it for its id, which stays known.")
    if days < 90:
        report.line("This was a short history; the goals are about 90 days.")
        return
    for agents, limit in GOALS.items():
        value = full.get(agents, extrapolated)
        how = "" if agents in full else " (extrapolated)"
        what = f"memory, {agents:,} agents{how}"
        bound = bound_of(value, agents, each)
        report.goal(what, megabytes(value), f"at most {megabytes(limit)}", value <= limit, bound)

# SPDX-License-Identifier: Apache-2.0
"""One alert to very many stream subscribers, and what an idle one costs."""

import daemon
from centre import Centre
from report import usec

SUBSCRIBERS = 5000
LAST, IDLE = 100000, 12 * 1024
SPARE_FILES = 200


def idle_cost(bench, d, n):
    """Resident bytes of the daemon per stream on which nothing happens."""
    before = d.memory()
    with bench.tools_beside("bench-probe", d.socket, d.port, n, 0, 0) as probe:
        if not probe.stdout.readline().startswith("open"):
            raise daemon.tool.Failed(f"the streams did not open: {probe.results()}")
        grown = d.memory() - before
    d.wait_until("the streams are closed", lambda c: c["cxd_subscribers"] == 0)
    return grown / n


def run(bench):
    report = bench.report
    n = min(bench.pick(smoke=50, quick=SUBSCRIBERS, normal=SUBSCRIBERS, full=SUBSCRIBERS), bench.files - SPARE_FILES)
    probes = bench.pick(smoke=3, quick=10, normal=30, full=30)
    centre = Centre(connections=n + 64)
    report.title(f"One alert to {n:,} event-stream subscribers")
    for _ in range(bench.rounds):
        with daemon.cxd(bench.tools, centre) as d:
            # Before anything else: later there is memory that was used before and comes for nothing.
            report.note("bytes per idle subscriber", idle_cost(bench, d, n))
            d.load(bench.workloads.live(centre), senders=4, passes=1)
            got, cost = d.watched(lambda: bench.tools.drive("bench-probe", d.socket, d.port, n, probes, 0.2))
        report.note("fan-out in the daemon", cost.stages["fanout"])
        for name in ("ack_p50", "first_p50", "last_p50", "last_max"):
            report.note(f"fan-out {name}", got[name])
    longest = max(report.values["fan-out last_max"])
    row = (*(usec(report.median(f"fan-out {x}")) for x in ("ack_p50", "first_p50", "last_p50")), usec(longest))
    report.table(("from the survey to its ack", "to the first", "to the last (median)", "(longest)"), [row])
    report.line(f"the daemon takes {usec(report.median('fan-out in the daemon'))} to put one alert into all streams")
    idle = report.median("bytes per idle subscriber")
    report.line(f"an idle subscriber costs the daemon {idle:,.0f} bytes (without the kernel's sockets)")
    if n < SUBSCRIBERS:
        report.line(f"only {n:,} subscribers: the goals are about {SUBSCRIBERS:,}")
        return
    # All of them, each time: so the longest that the last one ever waited.
    what = f"one alert to {n:,} subscribers, the longest"
    fanout, median = report.median("fan-out in the daemon"), report.median("fan-out last_p50")
    bound = f"one thread takes {usec(fanout)} to write to all; half of the time all have it within {usec(median)}."
    report.goal(what, usec(longest), f"at most {usec(LAST)}", longest <= LAST, bound)
    bound = f"this is what resident memory grows by with {n:,} streams, {idle * n / 1e6:,.1f} MB."
    report.goal("an idle subscriber", f"{idle / 1024:.1f} KiB", f"at most {IDLE // 1024} KiB", idle <= IDLE, bound)

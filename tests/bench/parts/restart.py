# SPDX-License-Identifier: Apache-2.0
"""From the start of the daemon to READY=1 with many stored surveys, after kill -9 and after a clean stop.

A kill -9 comes when almost so many surveys lie behind the last snapshot as there can be before the next one is taken:
then the start has most to read. How long the longest one took counts, for nobody chooses when it happens.
"""

import daemon
import workload
from centre import Centre

GOAL_SURVEYS, GOAL = 10000000, 2.0
DAYS = 90
# With what a stop may leave out of its snapshot, below the default of store.snapshot_after: 100,000.
BEHIND = 90000
FIRST_PASS = 70000  # ids that no other surveys here have
KINDS = ("after kill -9", "after a stop")


def send_behind(bench, d, surveys, number):
    """So many surveys behind the snapshot of a clean stop. Gives how many they are."""
    file = bench.workloads.day(d.centre, max(surveys // d.centre.agents, 1))
    yesterday = workload.midnight() - workload.DAY
    before = d.counters()["cxd_snapshots_total"]
    n = d.load(file, senders=4, passes=1, first_day=yesterday, first_pass=FIRST_PASS + number)["acked"]
    if d.counters()["cxd_snapshots_total"] != before:
        raise daemon.tool.Failed("a snapshot was taken: there is nothing behind it that a start would have to read")
    return n


def run(bench):
    report = bench.report
    surveys = bench.pick(smoke=5000, quick=200000, normal=GOAL_SURVEYS, full=GOAL_SURVEYS)
    behind = bench.pick(smoke=1000, quick=BEHIND, normal=BEHIND, full=BEHIND)
    agents = bench.pick(smoke=50, quick=2000, normal=2000, full=2000)
    per_agent = max(round(surveys / DAYS / agents), 1)
    with daemon.cxd(bench.tools, Centre(agents=agents)) as d:
        n = d.fill(bench.workloads, per_agent, DAYS)
        # The stop leaves a snapshot of all there is, and the start is the first one that is measured.
        for i in range(bench.rounds):
            d.stop()
            report.note("restart after a stop", d.start())
            more = send_behind(bench, d, behind, i)
            n += more
            d.kill()
            report.note("restart after kill -9", d.start())
        stored = d.counters()["cxd_surveys_counted"]
        size = d.folder.joinpath("cxd.db").stat().st_size
    if stored != n:
        raise daemon.tool.Failed(f"{n:,.0f} surveys were acknowledged, {stored:,.0f} are there after a restart")
    report.title(f"Start with {n:,.0f} stored surveys of {DAYS} days ({size / 1e6:,.0f} MB)")
    longest = {kind: max(report.values[f"restart {kind}"]) for kind in KINDS}
    rows = [(kind, f"{report.median(f'restart {kind}'):.2f} s", f"{longest[kind]:.2f} s") for kind in KINDS]
    report.table(("until READY=1", "median", "longest"), rows)
    report.line(f"Each kill -9 came {more:,.0f} surveys behind a clean stop.")
    worst = max(longest.values())
    if n >= 0.95 * GOAL_SURVEYS:
        what = f"start with {n:,.0f} surveys, the longest"
        bound = (
            f"it reads the snapshot, which is all after a clean stop ({longest['after a stop']:.2f} s),"
            f" and {more:,.0f} surveys behind it."
        )
        report.goal(what, f"{worst:.2f} s", f"at most {GOAL:.0f} s", worst <= GOAL, bound)
    else:
        # What lies behind a snapshot does not grow with what lies in it.
        grown = longest["after a stop"] * (GOAL_SURVEYS / n - 1)
        report.line(f"In a straight line that is {worst + grown:.1f} s for {GOAL_SURVEYS:,}; without --quick it is measured.")

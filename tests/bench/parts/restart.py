# SPDX-License-Identifier: Apache-2.0
"""From the start of the daemon to READY=1 with many stored surveys, after kill -9 and after a clean stop."""

import daemon
from centre import Centre

GOAL_SURVEYS, GOAL = 10000000, 2.0
DAYS = 90


def run(bench):
    report = bench.report
    surveys = bench.pick(smoke=5000, quick=200000, normal=GOAL_SURVEYS, full=GOAL_SURVEYS)
    agents = bench.pick(smoke=50, quick=2000, normal=2000, full=2000)
    per_agent = max(round(surveys / DAYS / agents), 1)
    with daemon.cxd(bench.tools, Centre(agents=agents)) as d:
        n = d.fill(bench.workloads, per_agent, DAYS)
        for _ in range(bench.rounds):
            d.kill()
            report.note("restart after kill -9", d.start())
            d.stop()
            report.note("restart after a stop", d.start())
        stored = d.counters()["cxd_surveys_counted"]
        size = d.folder.joinpath("cxd.db").stat().st_size
    if stored != n:
        raise daemon.tool.Failed(f"{n:,.0f} surveys were acknowledged, {stored:,.0f} are there after a restart")
    report.title(f"Start with {n:,.0f} stored surveys of {DAYS} days ({size / 1e6:,.0f} MB)")
    rows = [
        (name, *(f"{x:.2f} s" for x in (report.median(f"restart {name}"), max(report.values[f"restart {name}"]))))
        for name in ("after kill -9", "after a stop")
    ]
    report.table(("until READY=1", "median", "longest"), rows)
    worst = max(report.median(f"restart {name}") for name in ("after kill -9", "after a stop"))
    if n >= 0.95 * GOAL_SURVEYS:
        report.goal(f"start with {n:,.0f} surveys", f"{worst:.2f} s", f"at most {GOAL:.0f} s", worst <= GOAL)
    else:
        report.line(
            f"In a straight line that is {worst * GOAL_SURVEYS / n:.1f} s for {GOAL_SURVEYS:,}; without --quick it is measured."
        )

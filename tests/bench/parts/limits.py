# SPDX-License-Identifier: Apache-2.0
"""What the machine could do with the same surveys if nobody had to understand them: how far away that is."""

from centre import Centre
from parts.throughput import MAIN

ROWS = (
    ("TCP on the loopback, lines counted", "loopback"),
    ("written as they are, fdatasync after each 1,000", "disk"),
    ("copied in memory", "memory"),
)


def run(bench):
    report = bench.report
    file = bench.workloads.live(Centre())
    for _ in range(bench.rounds):
        with bench.tools.folder() as folder:
            for name, value in bench.tools.drive("bench-limits", file, folder, bench.seconds).items():
                report.note(f"limit {name}", value)
    report.title("Limits of the machine, surveys per second")
    rows = []
    for what, name in ROWS:
        value = report.median(f"limit {name}")
        times = f"{value / report.median(MAIN):.1f}" if MAIN in report.values else ""
        rows.append((what, f"{value:,.0f}", times))
    report.table(("what", "median", "times cxd"), rows)

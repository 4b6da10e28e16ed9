# SPDX-License-Identifier: Apache-2.0
"""The parts of the daemon by themselves, on one core."""

from centre import Centre

ROWS = (
    ("decode and check a survey", "decode"),
    ("engine step", "engine"),
    ("store, 1 survey per commit", "commit-1"),
    ("store, 10 per commit", "commit-10"),
    ("store, 100 per commit", "commit-100"),
    ("store, 1,000 per commit", "commit-1000"),
)


def run(bench):
    report = bench.report
    for _ in range(bench.rounds):
        with bench.tools.folder() as folder:
            config = Centre().write(folder, 7480)
            got = bench.tools.drive("bench-stages", config, folder, bench.seconds / 2)
            for name, value in got.items():
                report.note(f"stage {name}", value)
    report.title("Parts by themselves, surveys per second")
    rows = [(what, f"{report.median(f'stage {name}'):,.0f}", report.spread(f"stage {name}")) for what, name in ROWS]
    report.table(("part", "median", "lowest .. highest"), rows)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of cxd, beside others that do a smaller work on the same machine.

Whatever is compared runs in turn, in several rounds, so that a slow minute of the machine falls on all; medians and
ratios are printed, and at the end which goals are met. Every acknowledged survey is durable. What is started here
listens on the loopback only, and nothing of it is left behind.
"""

import argparse
import importlib
import platform
import signal
import sys
import tempfile

import pathlib
import report
import tool
import workload

PARTS = {
    "throughput": "surveys per second beside Redis, PostgreSQL and SQLite, and where the time goes",
    "limits": "what loopback, disk and memory could do with the same surveys",
    "latency": "survey to acknowledgement beside fdatasync, survey to alert at 20,000 surveys per second",
    "board": "questions during full ingest",
    "memory": "with 90 days of history",
    "restart": "with many stored surveys, after kill -9 and after a stop",
    "fanout": "one alert to 5,000 event streams, memory of an idle one",
    "scale": "curves over agents, queues, days, rules, subscribers, senders",
    "stages": "the parts of the daemon by themselves",
    "cost": "instructions per survey, beside tests/bench/instructions.txt",
}
# How long a rate is measured, in seconds, and how often everything is.
SIZES = {"smoke": (0.2, 1), "quick": (2, 1), "normal": (4, 3), "full": (10, 5)}
SMOKE = [part for part in PARTS if part != "cost"]


class Bench:
    """What parts work with."""

    def __init__(self, tools, size, folder):
        self.tools = tools
        self.size = size
        self.seconds, self.rounds = SIZES[size]
        self.report = report.Report()
        self.workloads = workload.Workloads(tools, folder, 5000 if size == "smoke" else 100000)
        self.files = tool.raise_file_limit()

    def pick(self, **of_size):
        return of_size[self.size]

    def tools_beside(self, name, *arguments):
        return tool.beside(self.tools.program(name), *arguments)


def parse():
    parts = "\n".join(f"  {name:<12}{text}" for name, text in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="bench",
        description="The benchmark of cxd, beside others on the same machine.",
        epilog=f"parts (all, if none is named):\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_mutually_exclusive_group()
    for size, text in (
        ("quick", "one short round, small histories: two or three minutes"),
        ("full", "100,000 agents with their 90 million surveys: hours"),
        ("smoke", "only whether everything works; peers are left out if they are not installed"),
    ):
        group.add_argument(f"--{size}", dest="size", action="store_const", const=size, default="normal", help=text)
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured there")
    parser.add_argument("--build", metavar="FOLDER", required=True, help=argparse.SUPPRESS)
    parser.add_argument("parts", nargs="*", metavar="PART", help="what is measured")
    options = parser.parse_args()
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part}; parts are {', '.join(PARTS)}")
    return options


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # Programs with sanitizers are slow: what is in flight when a smoke test is over would take them long.
    tools = tool.Tools(options.build, 200 if options.size == "smoke" else 0)
    with tempfile.TemporaryDirectory(prefix="bench-workloads-", dir=tools.build) as folder:
        bench = Bench(tools, options.size, pathlib.Path(folder))
        bench.report.line(f"{platform.machine()}, {tool.cores()} cores, stores on {tools.build}")
        try:
            for part in options.parts or (SMOKE if options.size == "smoke" else PARTS):
                importlib.import_module(f"parts.{part}").run(bench)
        finally:
            bench.report.close()
            if options.json:
                bench.report.write(options.json)


if __name__ == "__main__":
    try:
        main()
    except tool.Failed as e:
        print(f"bench: {e}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

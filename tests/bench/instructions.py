#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions per survey of each part, which do not depend on the machine's mood, against those of last time.

usage: instructions BENCH-COST CONFIG FILE [--write]

FILE has a line "part number" for each part. A part that takes more than 5 % more than there is named, and the status is
1; --write puts today's numbers there. Two runs of different length under callgrind, so that what comes before and after
the surveys cancels out.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

PARTS = ("decode", "pack", "encode", "ids", "engine", "late", "replay", "store")
SHORT, LONG = 20000, 60000
GROWTH = 1.05


def count(program, config, part, surveys):
    """All instructions of one run."""
    with tempfile.TemporaryDirectory(prefix="cxd-bench-") as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        done = subprocess.run(
            [*command, program, config, part, str(surveys)], capture_output=True, text=True, check=False
        )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"instructions: {part} failed: {done.stderr.strip()[-300:]}")
    return int(found.group(1))


def per_survey(program, config, part):
    return round((count(program, config, part, LONG) - count(program, config, part, SHORT)) / (LONG - SHORT))


def main(program, config, file, *options):
    path = pathlib.Path(file)
    before = dict(line.split() for line in path.read_text("utf-8").splitlines()) if path.exists() else {}
    now = {part: per_survey(program, config, part) for part in PARTS}
    grown = [part for part in PARTS if part in before and now[part] > GROWTH * int(before[part])]
    for part in PARTS:
        mark = "  more than 5 % up" if part in grown else ""
        print(f"  {part:<10}{now[part]:>8,} instructions per survey, {before.get(part, '-'):>8} before{mark}")
    if "--write" in options:
        path.write_text("".join(f"{part} {now[part]}\n" for part in PARTS), "utf-8")
        return 0
    return 1 if grown else 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))

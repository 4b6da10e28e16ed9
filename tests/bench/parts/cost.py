# SPDX-License-Identifier: Apache-2.0
"""Whether a survey takes noticeably more instructions in any part than it did; ../instructions.py says more."""

import pathlib
import shutil
import subprocess
import sys

import tool
from centre import Centre

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "instructions.py"


def run(bench):
    bench.report.title("Instructions per survey, which do not depend on the machine's mood")
    if not shutil.which("valgrind"):
        bench.report.line("valgrind is not installed")
        return
    with bench.tools.folder() as folder:
        config = Centre().write(folder, 7480)
        command = [sys.executable, "-B", SCRIPT, bench.tools.program("bench-cost"), config, SCRIPT.with_suffix(".txt")]
        if subprocess.run(command, check=False).returncode != 0:
            raise tool.Failed("a part takes over 5 % more instructions than tests/bench/instructions.txt says")

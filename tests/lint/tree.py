# SPDX-License-Identifier: Apache-2.0
"""What the checks have in common: the project's files, its compiler's flags, and the way to report.

Every check is called with the source root and the build root, prints one `file:line: what is wrong` per finding, and
ends with status 1 when there was one.
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(sys.argv[1]).resolve()
BUILD = pathlib.Path(sys.argv[2]).resolve()
C_FOLDERS = ("proto", "daemon", "client", "tests")


def files(suffixes=None, folders=None):
    """All files of the project, sorted, as paths relative to its root; generated and hidden folders left out."""
    found = []
    for folder, below, names in os.walk(ROOT):
        here = pathlib.Path(folder)
        below[:] = [
            b
            for b in below
            if (b == ".ci" or not b.startswith(".")) and b != "__pycache__" and here / b not in (ROOT / "build", BUILD)
        ]
        for name in names:
            path = (here / name).relative_to(ROOT)
            if (suffixes is None or path.suffix in suffixes) and (folders is None or path.parts[0] in folders):
                found.append(path)
    return sorted(found)


def scripts(interpreters):
    """All files whose first line calls one of the interpreters."""
    found = []
    for path in files():
        with open(ROOT / path, "rb") as f:
            first = f.readline(100)
        if first.startswith(b"#!") and any(word.encode() in first for word in interpreters):
            found.append(path)
    return found


def lines(path):
    """The numbered lines of a text file; none for a file that is not text."""
    try:
        return list(enumerate((ROOT / path).read_text("utf-8").splitlines(), 1))
    except UnicodeDecodeError:
        return []


def compiled():
    """The project's own C files in the compilation database: absolute path -> command line as a list."""
    with open(BUILD / "compile_commands.json", encoding="utf-8") as f:
        database = json.load(f)
    known = {}
    for entry in database:
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.suffix == ".c" and ROOT in path.parents and BUILD not in path.parents:
            known[path] = shlex.split(entry["command"])
    if not known:
        sys.exit("the compilation database names no file of the project")
    return known


def located(text):
    """A compiler's message with its file named from the root of the project, in whatever way the tool named it."""
    name, colon, rest = text.partition(":")
    path = (BUILD / name).resolve()
    if not path.exists():
        path = (ROOT / name).resolve()
    return f"{path.relative_to(ROOT)}{colon}{rest}" if ROOT in path.parents else text


def tool(command, **options):
    """Runs a tool in the source root. Returns its exit status and all that it printed."""
    done = subprocess.run(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options
    )
    return done.returncode, done.stdout


def each(work, items):
    """work(item) for all items on all cores; the results in order."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, items))


def finish(findings, what):
    """Tells what was found and ends the check. Having looked at nothing is a finding, too."""
    if not what:
        findings = ["nothing to check was found"]
    for finding in findings:
        print(finding)
    print(f"{what} checked, {len(findings)} findings")
    sys.exit(1 if findings else 0)

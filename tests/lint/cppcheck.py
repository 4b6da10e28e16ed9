#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cppcheck over every C file that is compiled; what it gets wrong is listed, with the reason, in cppcheck.txt."""

import os
import re

import tree


def header(name):
    """Where the compiler finds a header of the system."""
    _, output = tree.tool(["cc", "-E", "-x", "c", "-"], input=f"#include <{name}>\n")
    return re.search(f'"(/[^"]*/{name})"', output)[1]


paths = tree.compiled()
status, output = tree.tool(
    [
        "cppcheck",
        f"--project={tree.BUILD}/compile_commands.json",
        f"-i{tree.ROOT}/tests/unit",
        f"-i{tree.ROOT}/tests/scenario",
        # cppcheck does not read the system's headers; these two have macros that stand for statements.
        f"--include={header('jansson.h')}",
        f"--include={header('sys/queue.h')}",
        "--library=gnu,libcurl,openssl,posix,sqlite3",
        "--enable=warning,performance,portability",
        "--error-exitcode=1",
        "--inline-suppr",
        "--quiet",
        f"-j{os.cpu_count()}",
        f"--suppressions-list={os.path.dirname(os.path.abspath(__file__))}/cppcheck.txt",
        "--template={file}:{line}: {id}: {message}",
    ]
)
findings = sorted({tree.located(line) for line in output.splitlines()})
if status != 0 and not findings:
    findings = [f"cppcheck failed with status {status}"]
tree.finish(findings, f"{len(paths)} files")

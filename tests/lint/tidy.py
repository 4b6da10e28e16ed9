#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy, with the checks of .clang-tidy, over every C file that is compiled."""

import re

import tree

FINDING = re.compile(r"^\S+:\d+:\d+: (warning|error): ")


def check(path):
    status, output = tree.tool(
        ["clang-tidy", "--quiet", "-p", str(tree.BUILD), "--extra-arg=-Wno-unknown-warning-option", str(path)]
    )
    found = [tree.located(line) for line in output.splitlines() if FINDING.match(line)]
    if status != 0 and not found:
        found = [f"{path}:1: clang-tidy failed\n{output}"]
    return found


paths = sorted(tree.compiled())
# A finding in a header shows up once for each file that includes it.
findings = sorted({finding for result in tree.each(check, paths) for finding in result})
tree.finish(findings, f"{len(paths)} files")

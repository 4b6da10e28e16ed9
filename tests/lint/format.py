#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All C files are as clang-format would write them."""

import tree

paths = tree.files((".c", ".h"), tree.C_FOLDERS)
status, output = tree.tool(["clang-format", "--dry-run", "-Werror", "--ferror-limit=5", *map(str, paths)])
findings = [line for line in output.splitlines() if ": error: " in line]
if status != 0 and not findings:
    findings = [output]
tree.finish(findings, f"{len(paths)} files" if paths else "")

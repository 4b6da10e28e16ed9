#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All manual pages pass mandoc's own check without a warning."""

import tree

paths = [path for path in tree.files((".1", ".5", ".7", ".8")) if path.parts[0] != "tests"]
status, output = tree.tool(["mandoc", "-T", "lint", "-W", "warning", *map(str, paths)]) if paths else (0, "")
findings = [line.removeprefix("mandoc: ") for line in output.splitlines()]
tree.finish(findings or (["mandoc failed"] if status else []), f"{len(paths)} manual pages" if paths else "")

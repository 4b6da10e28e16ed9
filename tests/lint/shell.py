#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All shell scripts pass shellcheck."""

import tree

paths = sorted({*tree.files((".sh",)), *tree.scripts(("/sh", "bash"))})
status, output = tree.tool(["shellcheck", "-x", "-f", "gcc", *map(str, paths)]) if paths else (0, "")
tree.finish(output.splitlines() or (["shellcheck failed"] if status else []), f"{len(paths)} scripts" if paths else "")

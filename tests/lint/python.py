#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All Python files can be read by the oldest Python that the project supports, Debian 12's."""

import ast

import tree

findings = []
paths = sorted({*tree.files((".py",)), *tree.scripts(("python3",))})
for path in paths:
    try:
        ast.parse((tree.ROOT / path).read_text("utf-8"), str(path), feature_version=(3, 11))
    except SyntaxError as error:
        findings.append(f"{path}:{error.lineno}: {error.msg}")
tree.finish(findings, f"{len(paths)} files" if paths else "")

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone and twice, with the project's own flags and warnings."""

import tree

known = tree.compiled()


def flags():
    """The command line of a file of the project, less its names and its output."""
    command = next(iter(known.values()))
    kept, skip = [], False
    for word in command:
        if skip or word in ("-c", "-MD", "-MMD") or (word.endswith(".c") and not word.startswith("-")):
            skip = False
        elif word in ("-o", "-MF", "-MQ", "-MT"):
            skip = True
        else:
            kept.append(word)
    return kept


FLAGS = flags()


def check(path):
    text = f'#include "{path}"\n#include "{path}"\n'
    status, output = tree.tool(
        FLAGS + ["-I", str(tree.ROOT), "-Werror", "-fsyntax-only", "-x", "c", "-"], input=text
    )
    return [] if status == 0 else [f"{path}:1: does not compile alone\n{output}"]


paths = tree.files((".h",), tree.C_FOLDERS)
findings = [finding for result in tree.each(check, paths) for finding in result]
tree.finish(findings, f"{len(paths)} headers" if paths else "")

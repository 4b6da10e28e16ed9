#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What holds for the text of all files: no marks of unfinished work, no blanks at the end of a line, a licence line at
the top, the guard first in a header, and no C file of more than 500 lines."""

import re

import tree

# Written in two halves, for this file is checked, too.
MARK = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK|TB" + r"D)\b")
CODE = (".c", ".h", ".py", ".sh", ".js", ".css", ".html")
TEXT = CODE + (".1", ".5", ".7", ".8", ".in", ".md", ".yaml", ".build", ".options", "")
LIMIT = 500


def faults(path):
    text = tree.lines(path)
    source = path.suffix in CODE or (path.suffix == "" and text and text[0][1].startswith("#!"))
    for number, line in text:
        if source and MARK.search(line):
            yield number, "a mark of unfinished work"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
    if source and path.suffix not in (".html", ".css") and text:
        if not any("SPDX-License-Identifier: Apache-2.0" in line for _, line in text[:3]):
            yield 1, "no SPDX line within the first three"
    if path.suffix == ".h" and not any(line == "#pragma once" for _, line in text[:3]):
        yield 1, "no #pragma once within the first three lines"
    if path.suffix in (".c", ".h") and len(text) > LIMIT:
        yield LIMIT + 1, f"{len(text)} lines; a file of more than {LIMIT} holds more than one noun"


paths = [p for p in tree.files(TEXT) if p.parts[:2] != ("tests", "data") and p.name != "LICENSE"]
tree.finish([f"{path}:{n}: {what}" for path in paths for n, what in faults(path)], f"{len(paths)} files" if paths else "")

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks themselves: each passes a small clean tree, and names file and line once its kind of fault is planted."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LICENCE = "SPDX-License-Identifier: Apache-2.0"

CLEAN = {
    "proto/thing.h": f"#pragma once\n/* {LICENCE} */\n\n#include <stddef.h>\n\nsize_t thing_size(const char *text);\n",
    "proto/thing.c": f"/* {LICENCE} */\n\n#include <string.h>\n\n"
    '#include "proto/thing.h"\n\nsize_t thing_size(const char *text)\n{\n        return strlen(text);\n}\n',
    "thing.8": '.\\" ' + LICENCE + "\n.Dd November 21, 2026\n.Dt THING 8\n.Os\n"
    ".Sh NAME\n.Nm thing\n.Nd a thing\n.Sh DESCRIPTION\nIt is a thing.\n",
    "run.sh": f'#!/bin/sh\n# {LICENCE}\necho "$1"\n',
    "tests/thing.py": f'#!/usr/bin/env python3\n# {LICENCE}\nprint("thing")\n',
}

# check -> file, text that is replaced, text that replaces it, line of the finding
PLANTED = {
    "cppcheck": ("proto/thing.c", "return strlen(text);", "char a[4];\n        a[4] = *text;\n        return a[0];", 10),
    "format": ("proto/thing.c", "return strlen(text)", "return   strlen(text)", 9),
    "headers": ("proto/thing.h", "#include <stddef.h>\n", "", 1),
    "layers": ("proto/thing.c", "<string.h>", "<time.h>", 3),
    "manuals": ("thing.8", ".Sh DESCRIPTION\n", ".Sh DESCRIPTION\n.Xx wrong\n", 9),
    "python": ("tests/thing.py", 'print("thing")', 'print("thing"', 3),
    "shell": ("run.sh", '"$1"', "$1", 3),
    "text": ("proto/thing.h", "/* SPDX", "/* TO" + "DO: SPDX", 2),
    "tidy": ("proto/thing.c", "return strlen(text);", "return sizeof(text) / sizeof(text[0]) + strlen(text);", 9),
}


def plant(root, changed=None):
    for name, text in CLEAN.items():
        if changed and changed[0] == name:
            assert changed[1] in text, f"{name} has no '{changed[1]}'"
            text = text.replace(changed[1], changed[2], 1)
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for name in (".clang-format", ".clang-tidy"):
        shutil.copy(HERE.parent.parent / name, root)
    build = root / "build"
    build.mkdir()
    command = f"cc -I{root} -Wall -Wextra -o thing.o -c {root}/proto/thing.c"
    entry = {"directory": str(build), "command": command, "file": "../proto/thing.c", "output": "thing.o"}
    (build / "compile_commands.json").write_text(json.dumps([entry]), "utf-8")


def run(check, changed=None):
    with tempfile.TemporaryDirectory(prefix="cxd-lint-") as folder:
        root = pathlib.Path(folder).resolve()
        plant(root, changed)
        done = subprocess.run(
            [sys.executable, "-B", HERE / f"{check}.py", root, root / "build"],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return done.returncode, done.stdout.replace(f"{root}/", "")


failures = 0
for check in sys.argv[1:]:
    status, output = run(check)
    good = status == 0
    changed = PLANTED[check]
    planted_status, planted_output = run(check, changed)
    found = planted_status == 1 and f"{changed[0]}:{changed[3]}:" in planted_output
    print(f"{check}: clean tree {'passes' if good else 'REFUSED'}, planted fault {'found' if found else 'MISSED'}")
    if not (good and found):
        failures += 1
        print(output, planted_output, sep="\n")
sys.exit(1 if failures or len(sys.argv) < 2 else 0)

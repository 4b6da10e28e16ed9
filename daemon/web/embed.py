#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a C file with the bytes of the given files: embed.py OUTPUT FILE...

index.html is served as `/`, openapi.json as `/openapi.json`, every other file below `/web/`.
"""

import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
PATHS = {"index.html": "/", "openapi.json": "/openapi.json"}


def rows(data):
    for start in range(0, len(data), 20):
        yield "        " + ",".join(str(byte) for byte in data[start : start + 20]) + ","


def main(output, *names):
    text = ['#include "daemon/web/assets.h"', ""]
    table = []
    for i, path in enumerate(map(pathlib.Path, names)):
        data = path.read_bytes()
        if not data:
            sys.exit(f"{path}: empty")
        text += [f"static const unsigned char bytes_{i}[] = {{", *rows(data), "};", ""]
        digest = hashlib.sha256(data).hexdigest()[:24]
        table += [
            f'        {{"{PATHS.get(path.name, "/web/" + path.name)}", "{TYPES[path.suffix]}", "\\"{digest}\\"",',
            f"         {{(const char *)bytes_{i}, sizeof(bytes_{i})}}}},",
        ]
    text += ["static const WebAsset assets[] = {", *table, "};", ""]
    text += [
        "const WebAsset *web_assets(size_t *ret_n)",
        "{",
        "        *ret_n = sizeof(assets) / sizeof(assets[0]);",
        "        return assets;",
        "}",
        "",
    ]
    pathlib.Path(output).write_text("\n".join(text), "utf-8")


main(*sys.argv[1:])

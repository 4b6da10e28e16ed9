#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes point down only, and every foreign library stays behind its fence.

The line `#include "daemon/core/window.h"` names the layer that it reaches into; a layer may use itself and what UNDER
lists for it. FENCES names the places where the headers of a library may appear at all; BANS, what pure layers must
not even see.
"""

import fnmatch
import re

import tree

UNDER = {
    "proto/base": (),
    "proto": ("proto/base",),
    "daemon/core": ("proto", "proto/base"),
    "daemon/config": ("daemon/core", "proto", "proto/base"),
    "daemon/store": ("daemon/core", "proto", "proto/base"),
    "daemon/io": ("proto", "proto/base"),
    "daemon/web": ("proto", "proto/base"),
    "daemon/server": (
        "daemon/config",
        "daemon/store",
        "daemon/io",
        "daemon/web",
        "daemon/core",
        "proto",
        "proto/base",
    ),
    "daemon": ("daemon/server", "daemon/config", "daemon/io", "proto", "proto/base"),
    "client": ("proto", "proto/base"),
}

FENCES = {
    "event2/*": ("daemon/io/*", "client/*", "tests/*"),
    "nanomsg/*": ("client/*", "tests/*"),
    "sqlite3.h": ("daemon/store/store_sqlite*.c", "tests/*"),
    "jansson.h": ("daemon/config/*", "daemon/server/*", "client/*", "tests/*"),
    "yaml.h": ("daemon/config/*", "client/*", "tests/*"),
    "curl/*": ("client/*", "daemon/server/webhook*", "tests/*"),
    "openssl/*": ("daemon/io/*", "daemon/config/*", "daemon/server/*", "client/*", "tests/*"),
}

PURE = ("proto", "proto/base", "daemon/core")
BANS = (
    "fcntl.h",
    "netinet/*",
    "poll.h",
    "pthread.h",
    "signal.h",
    "sys/epoll.h",
    "sys/socket.h",
    "sys/time.h",
    "syslog.h",
    "systemd/*",
    "threads.h",
    "time.h",
    "unistd.h",
)

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def faults(path):
    layer = path.parent.as_posix()
    for number, text in tree.lines(path):
        match = INCLUDE.match(text)
        if not match:
            continue
        quote, name = match.groups()
        if quote == '"':
            target = name.rpartition("/")[0]
            if not (tree.ROOT / name).exists() and not target:
                yield number, f'"{name}" must be named from the root of the project'
            elif layer in UNDER and target != layer and target not in UNDER[layer]:
                yield number, f'{layer} may not include "{name}"'
            continue
        for pattern, places in FENCES.items():
            if fnmatch.fnmatch(name, pattern) and not any(fnmatch.fnmatch(path.as_posix(), p) for p in places):
                yield number, f"<{name}> is allowed in {', '.join(places)} only"
        if layer in PURE and any(fnmatch.fnmatch(name, ban) for ban in BANS):
            yield number, f"{layer} is pure: it may not include <{name}>"
    if layer.split("/")[0] in ("proto", "daemon", "client") and layer not in UNDER:
        yield 1, f"{layer} is not a layer that this check knows"


paths = tree.files((".c", ".h"), tree.C_FOLDERS)
tree.finish([f"{path}:{n}: {what}" for path in paths for n, what in faults(path)], f"{len(paths)} files" if paths else "")

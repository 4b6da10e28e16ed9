#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves the fault tests: with each planted fault (proto/base/plant.h) the test that it names turns red, and without one
it is green. Prints a table; fails when a fault stays unseen."""

import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# fault -> (test, words of the case)
FAULTS = {
    "ack-before-commit": ("kill", "kill -9 under load"),
    "synchronous-off": ("power", ""),
    "commit-error-ignored": ("inject", ""),
    "bind-unchecked": ("alloc", ""),
    "no-dedupe": ("kill", "kill -9 under load"),
    "duplicate-counted": ("exact", "bit-equal"),
    "stale-taken": ("exact", "bit-equal"),
    "revision-left-in-one-ancestor": ("exact", "late"),
    "late-into-now": ("exact", "late"),
    "checksum-ignored": ("rot", "main file"),
    "damage-not-named": ("rot", "main file"),
    "alerts-lost-at-restart": ("kill", "alerts keep"),
    "feed-number-reused": ("kill", "alerts keep"),
    "full-not-taken-back": ("full", ""),
    "full-for-ever": ("full", ""),
    "reserve-kept": ("full", ""),
    "no-rest-without-descriptors": ("overload", "descriptors"),
    "deaf-kept": ("overload", "nanomsg"),
    "memory-unbounded": ("memory", ""),
    "names-uncapped": ("names", ""),
    "snapshot-unchecked": ("rot", "snapshot"),
    "revision-behind-snapshot": ("kill", "kill -9 under load"),
}


def hooks():
    """The names that the source knows."""
    found = set()
    for folder in ("daemon", "proto"):
        for path, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in names:
                if name.endswith(".c"):
                    with open(os.path.join(path, name), encoding="utf-8") as file:
                        found |= set(re.findall(r'PLANTED\("([^"]+)"\)', file.read()))
    return found


def run(test, words, fault):
    """(green, seconds, what it said)"""
    begin = time.monotonic()
    command = [sys.executable, "-B", os.path.join(HERE, f"test_{test}.py"), *([words] if words else [])]
    done = subprocess.run(command, env={**os.environ, "CXD_PLANT": fault}, capture_output=True, text=True, check=False)
    lines = [s for s in done.stdout.splitlines() if re.match(r"# (\w+Error|\S*TimeoutExpired)", s)]
    if done.returncode == 77 or "# SKIP" in done.stdout:
        sys.exit(f"test_{test} cannot run here:\n{done.stdout}")
    return done.returncode == 0, time.monotonic() - begin, lines[0][2:110] if lines else done.stdout[-200:]


def main():
    chosen = sys.argv[1:] or list(FAULTS)
    bad = [f"{name}: no test is named for it" for name in sorted(hooks() - set(FAULTS))]
    bad += [f"{name}: the source does not have it" for name in sorted(set(FAULTS) - hooks())]
    for test, words in sorted({FAULTS[name] for name in chosen}):
        green, took, said = run(test, words, "none")
        print(f"{'(none)':32} {test:9} {'green' if green else 'RED':6} {took:5.1f} s", flush=True)
        if not green:
            bad.append(f"{test} {words}: red without a fault: {said}")
    for name in chosen:
        test, words = FAULTS[name]
        green, took, said = run(test, words, name)
        print(f"{name:32} {test:9} {'UNSEEN' if green else 'red':6} {took:5.1f} s  {'' if green else said}", flush=True)
        if green:
            bad.append(f"{name}: test_{test} does not see it")
    print("\n".join([f"{len(chosen)} planted faults, {len(bad)} complaints", *bad]))
    sys.exit(1 if bad else 0)


main()

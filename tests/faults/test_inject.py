#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The n-th call of the kernel fails, once or from then on, with EIO or ENOSPC. After that nothing is acknowledged that is
not durable; the daemon ends with a status that systemd restarts it for, or, without space, refuses and recovers."""

import collections
import json
import os
import random
import re
import signal
import subprocess
import time

import faults
from faults import cx

POINTS = faults.count(60, 1000)
LINES = 200
# Not write: the daemon writes to its log and to its own event descriptors that way, which are no disk.
CALLS = ["pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate", "openat", "unlink"]


def trace(path, calls, inject=()):
    """strace as a grandchild, so that the daemon stays our child. Descriptors are shown with their paths."""
    return [cx.tool("strace"), "-D", "-f", "-qq", "-ttt", "-y", "-o", path, "-e", f"trace={calls}", *inject]


def calls_of(path):
    """[(time, name, path, line)] of a trace."""
    found = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            m = re.match(r"(?:\d+ +)?(\d+\.\d+) (\w+)\((.*)", line)
            if m:
                found.append((float(m[1]), m[2], m[3], line.rstrip("\n")))
    return found


def run_once(d, stream, prefix):
    """Start, take the lines, stop. Returns (exit status, sender or None, refused for want of space)."""
    sender = None
    d.spawn(prefix=prefix)
    try:
        d.out.wait(r"ready version=", timeout=10)
        sender = faults.Sender(stream, d.address("lines", "unix"), end=LINES, window=20)
        sender.wait(LINES, 10)
    except (AssertionError, OSError):
        pass  # it has ended; how is judged below
    if d.alive():
        d.process.send_signal(signal.SIGTERM)
    try:
        status = d.wait(10)
    except subprocess.TimeoutExpired:
        d.kill()
        status = "hangs"
    if sender:
        sender.stop()
    return status, sender


def ledger(stream, sender, contents):
    """Nothing acknowledged is missing; what was refused for want of space is not there."""
    have = {c[0]: c for c in contents}
    assert len(have) == len(contents), "an id is stored twice"
    lines = list(enumerate(stream.lines[: sender.sent] if sender else []))
    for s_id in {s["id"] for _, s in lines} | set(have):
        mine = [(n, s) for n, s in lines if s["id"] == s_id]
        taken = [n for n, s in mine if n < sender.acked and n not in sender.refused]
        last = taken[-1] if taken else -1
        may = {faults.content(s) for n, s in mine if n == last or n >= sender.acked}
        if taken or s_id in have:
            assert have.get(s_id) in may, f"{s_id}: stored is {have.get(s_id)}, acknowledged was {may}"


def check(d, stream, sender, status, trace_file, error):
    assert status in (0, 70, 74, 78), f"exit status {status}"
    assert status == 0 or any(s.startswith("<3>") for s in d.out.lines), "it ends without saying why"
    hit = [c for c in calls_of(trace_file) if "(INJECTED)" in c[3]]
    ready = d.out.find("ready version=")
    stopping = d.out.find("<5>stopping")
    synced = [c for c in hit if c[1] in ("fsync", "fdatasync") and "cxd.db" in c[2]]
    if synced and ready:
        assert status == 74, f"exit status {status} after a failed sync: {synced[0][3]}"
    if synced and ready and not stopping:
        # A sync of the store failed while surveys came: it must not go on, and those are not acknowledged.
        assert sender.acked < sender.sent, "acknowledged in spite of a failed sync"
    if error == "EIO" and ready and not stopping and any(c[1] == "pwrite64" and "cxd.db-wal" in c[2] for c in hit):
        assert status == 74 and sender.acked < sender.sent, f"exit status {status} after a failed write"
    if status == 74 and ready and not stopping:
        said = [s for s in d.out.lines if s.startswith("<3>")]
        assert len(said) == 1 and "nothing more is acknowledged" in said[0], f"{len(said)} lines for one fault"
    if sender:
        codes = set(sender.refused.values())
        assert codes <= {"E_UNAVAILABLE"}, codes
        assert error == "ENOSPC" or not codes, "refused for want of space that was not wanted"
    # A healthy daemon on the same store.
    d.start()
    contents = faults.stored(d)
    ledger(stream, sender, contents)
    by_content = {faults.content(s): s for s in stream.lines}
    faults.check_figures(d, [by_content[c] for c in contents], windows=["28d"], past=False)
    d.stop()
    return bool(hit), bool(sender and sender.refused)


@cx.case("any one call of the kernel may fail, or all from one on: nothing that is not durable is acknowledged, no crash")
def calls():
    totals = collections.Counter()
    with cx.Daemon(faults.config(), start=False) as d:
        log = d.path("trace")
        stream = faults.Stream(2, "i", trouble=0.2, now=1795000000)
        stream.stale = []
        status, sender = run_once(d, stream, trace(log, ",".join(CALLS)))
        assert status == 0 and sender.acked == LINES, d.out.text()
        first = {}
        for _, name, arguments, _ in calls_of(log):
            totals[name] += 1
            if name == "openat" and "cxd.yaml" in arguments:
                first.setdefault(name, totals[name])  # before that the loader opens libraries
    kinds = [name for name in CALLS if totals[name]]
    statuses, bad, n_hit, n_refused = collections.Counter(), [], 0, 0
    progress = faults.Progress("points", POINTS)
    for i in range(POINTS):
        progress.step()
        name = kinds[i % len(kinds)]
        at = random.randrange(first.get(name, 1), totals[name] + 1)
        error = random.choice(["EIO", "ENOSPC"])
        when = f"{at}{random.choice(['', '+'])}"
        what = f"{name} number {when}: {error}"
        with cx.Daemon(faults.config(), start=False) as d:
            log = d.path("trace")
            stream = faults.Stream(2, "i", trouble=0.2, now=1795000000)
            status, sender = run_once(d, stream, trace(log, name, ["-e", f"inject={name}:error={error}:when={when}"]))
            out = d.out.lines
            statuses[status] += 1
            try:
                hit, refused = check(d, stream, sender, status, log, error)
                n_hit += hit
                n_refused += refused
            except AssertionError as failure:
                injected = [c[3] for c in calls_of(log) if "(INJECTED)" in c[3]] if os.path.exists(log) else []
                bad.append(f"{what}, status {status}: {failure}\n" + "\n".join(out[-6:] + injected[:3]))
    print(f"# {POINTS} points of {sum(totals.values()) * 4}, {n_hit} came to pass, exit statuses {dict(statuses)}, "
          f"{n_refused} refused, {len(bad)} bad; calls {dict(totals)}")
    assert not bad, "\n".join(bad[:8])
    assert n_hit > POINTS / 3, "hardly any fault came to pass"


@cx.case("a log that cannot be written back at the end is no good end, and nothing is lost by it")
def ending():
    surveys = [{"id": f"s{i}", "ts": 1795000000, "queue": "tech", "answers": {"nps": 3}} for i in range(50)]
    for name, at in (("fdatasync", 1), ("fdatasync", 3), ("pwrite64", 1), ("pwrite64", 9), ("ftruncate", 1)):
        with cx.Daemon(faults.config()) as d:
            d.send(*surveys)
            d.kill()
            log = d.path("trace")
            d.start(prefix=trace(log, name, ["-e", f"inject={name}:error=EIO:when={at}+"]))
            d.process.send_signal(signal.SIGTERM)
            status = d.wait()
            said = [s for s in d.out.lines if s.startswith("<3>")]
            assert any("(INJECTED)" in c[3] for c in calls_of(log)), f"{name} {at} did not come to pass"
            assert status == 74 and len(said) == 1, f"{name} {at}: exit status {status}, {said}"
            d.start()
            assert sorted(faults.stored(d)) == sorted(map(faults.content, surveys))


@cx.case("an error of the disk that the upkeep meets first is told as one that a survey meets")
def met_by_upkeep():
    old = cx.stamp((int(time.time()) - 20 * 86400) * 1000000)
    with cx.Daemon(cx.base_config()) as d:
        d.send({"id": "s1", "ts": old, "queue": "tech", "answers": {"nps": 3}, "comment": "no"})
        d.configure(cx.base_config(retention={"comments": "10d"}))
        d.kill()
        on_log = ["-P", d.path("s", "cxd.db-wal"), "-e", "inject=pwrite64:error=EROFS"]
        d.start(prefix=trace(d.path("trace"), "pwrite64", on_log))
        d.out.wait(r"^<3>upkeep: cannot [a-z ]+: .*Read-only file system\); .*nothing more is acknowledged, exiting$")
        assert d.wait() == 74


@cx.case("a backup is made where there are no hard links, too")
def linkless():
    with cx.Daemon(faults.config()) as d:
        file = d.path("backup.db")
        # exFAT; folders of a virtual machine; file systems in user space
        for link, rename in ("EPERM", ()), ("EPERM", ("-e", "inject=renameat2:error=EINVAL")), \
                ("ENOSYS", ("-e", "inject=renameat2:error=EINVAL")):
            strace = (cx.tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", f"inject=link,linkat:error={link}", *rename, cx.CXCTL)
            backup = (*strace, "-H", "unix:" + d.path("r", "http"), "backup", file)
            subprocess.run(backup, check=True, timeout=cx.seconds(60))
            assert [n for n in os.listdir(d.dir) if n.startswith("backup.db")] == ["backup.db"]
            subprocess.run((cx.CXD, "--verify", file), check=True, timeout=cx.seconds(60), capture_output=True)
            assert subprocess.run(backup, check=False, timeout=cx.seconds(60), capture_output=True).returncode == 2
            os.unlink(file)


@cx.case("comments that were deleted leave the disk also after a kill -9 just before they do")
def traces():
    old = cx.stamp((int(time.time()) - 20 * 86400) * 1000000)
    surveys = [{"id": f"s{i}", "ts": old, "queue": "tech", "answers": {"nps": 3}, "comment": "SECRET"} for i in range(300)]
    with cx.Daemon(cx.base_config()) as d:
        d.send(*surveys)
        d.configure(cx.base_config(retention={"comments": "10d"}))
        d.kill()
        d.start(prefix=trace(d.path("trace"), "ftruncate", ["-e", "inject=ftruncate:signal=KILL:when=1"]))
        assert d.wait() == -signal.SIGKILL, d.out.text()
        d.start()
        with d.http() as h:
            stored = h.get("/v1/export").body.splitlines()
        assert len(stored) == 300 and not any("comment" in json.loads(s) for s in stored), "they were not deleted"
        names = ("cxd.db", "cxd.db-wal")
        cx.until("no trace is left", lambda: not any(b"SECRET" in open(d.path("s", n), "rb").read() for n in names))


faults.run()

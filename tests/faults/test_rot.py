#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damaged files. A bit that changes in the main file never changes a figure in silence: the start is refused, or the
damaged rows are named and left out. A log that is cut or changed yields a state that there has been."""

import collections
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import faults
from faults import cx

LINES = 1500
FEW = 250  # in few and large commits, so that the log is not written back meanwhile (LOG_SMALL; 165 of its 500 pages)


def files(folder):
    return {n: os.path.join(folder, n) for n in ("cxd.db", "cxd.db-wal", "cxd.db.snapshot")}


def read_files(d):
    saved = {}
    for name, path in files(d.path("s")).items():
        if os.path.exists(path):
            with open(path, "rb") as file:
                saved[name] = file.read()
    return saved


def make(d, stream, kill, lines=LINES):
    """Fills a store with two senders' worth of commits and ends the daemon."""
    d.start()
    sender = faults.Sender(stream, d.address("lines", "unix"), end=lines, window=60)
    sender.wait(lines, 60)
    sender.join()
    with d.http() as h:
        alerts = h.json("/v1/alerts", state="all", limit=10000)["alerts"]
    if kill:
        d.kill()
    else:
        d.stop()
    return {a["id"] for a in alerts}


def restore(d, saved, change=None):
    """The state directory with these files, one of them changed."""
    shutil.rmtree(d.path("s"))
    os.mkdir(d.path("s"), 0o750)
    for name, data in saved.items():
        if change and change[0] == name:
            data = change[1](data)
        with open(os.path.join(d.path("s"), name), "wb") as file:
            file.write(data)


def start(d):
    """True: ready. False: it refused to, and said why."""
    d.spawn()
    if cx.until("ready or ended", lambda: d.out.find("ready version=") or d.process.poll() is not None, 30) is True:
        try:
            status = d.wait()
        except subprocess.TimeoutExpired:
            status = None
        assert status in (70, 74, 78), f"exit status {status}:\n{d.out.text()}"
        assert d.out.find("^<3>"), "it refuses to start without a word"
        return False
    return True


def flip(rng, at=None):
    def change(data):
        place = rng.randrange(len(data)) if at is None else at
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        return bytes(changed)

    return change


@cx.case("a flipped bit in the main file is named or changes nothing")
def rot():
    rng = random.Random(faults.SEED)
    outcome, bad = collections.Counter(), []
    with cx.Daemon(faults.config(store={"snapshot_after": 0}), start=False) as d:
        stream = faults.Stream(3, "r", trouble=0.3, now=1795000000)
        alerts = make(d, stream, False)
        whole = stream.state(LINES)
        contents = {faults.content(s): s for s in whole.values()}
        saved = read_files(d)
        assert not saved.get("cxd.db-wal"), "the log was not written back"
        flips = faults.count(50, 1000)
        progress = faults.Progress("flips", flips)
        for number in range(flips):
            progress.step()
            restore(d, saved, ("cxd.db", flip(rng)))
            try:
                if not start(d):
                    outcome["refused to start"] += 1
                    continue
                named = {m[1] for line in d.out.lines if (m := re.search(r"survey[= ](\d+) (?:is damaged|cannot be read)", line))}
                have = faults.stored(d)
                assert len(set(have)) == len(have), "a survey twice"
                assert set(have) <= set(contents), f"a changed survey: {next(iter(set(have) - set(contents)))}"
                named |= {m[1] for line in d.out.lines if (m := re.search(r"survey[= ](\d+) (?:is damaged|cannot be read)", line))}
                # A row may also have the number of another one, or of none.
                named = {n for n in named if 0 < int(n) <= len(contents)}
                missing = len(contents) - len(have)
                assert missing == len(named), f"{missing} surveys are missing, named are {sorted(named)}"
                faults.check_figures(d, [contents[c] for c in have], windows=["90d", "28d"], past=False)
                with d.http() as h:
                    known = {a["id"] for a in h.json("/v1/alerts", state="all", limit=10000)["alerts"]}
                lost = alerts - known
                assert not lost or missing or d.out.find(r"alert.*(damaged|cannot)|rows are damaged or lost"), f"alerts are gone in silence: {lost}, damaged {d.status()['store']['damaged']}\n" + "\n".join(d.out.lines[:12])
                outcome["rows named" if missing else "alerts named" if lost else "no change"] += 1
                d.kill()
            except AssertionError as error:
                bad.append(f"flip {number}: {error}")
                if d.alive():
                    d.kill()
    print(f"# {len(saved['cxd.db'])} bytes, {dict(outcome)}, {len(bad)} silent")
    assert not bad, "\n".join(bad[:5])


@cx.case("a log that was cut or has a flipped bit yields the state after some number of lines")
def torn():
    rng = random.Random(faults.SEED)
    outcome, bad = collections.Counter(), []
    with cx.Daemon(faults.config(store={"snapshot_after": 0}), start=False) as d:
        stream = faults.Stream(4, "w", trouble=0.3, now=1795000000)
        make(d, stream, True, FEW)
        saved = read_files(d)
        assert len(saved["cxd.db-wal"]) > 100_000, "there is no log to damage"
        cases = faults.count(200, 10_000)
        progress = faults.Progress("logs", cases)
        for number in range(cases):
            progress.step()
            if number % 2:
                end = rng.randrange(len(saved["cxd.db-wal"]))
                restore(d, saved, ("cxd.db-wal", lambda data, end=end: data[:end]))
            else:
                restore(d, saved, ("cxd.db-wal", flip(rng)))
            try:
                if not start(d):
                    outcome["refused to start"] += 1
                    continue
                state = stream.settle(faults.stored(d), 0)
                faults.check_figures(d, state.values(), windows=["90d"], past=False)
                outcome["whole" if len(state) == len(stream.state(FEW)) else "part"] += 1
                d.kill()
            except AssertionError as error:
                bad.append(f"case {number}: {error}")
                if d.alive():
                    d.kill()
    print(f"# {len(saved['cxd.db-wal'])} bytes, {dict(outcome)}, {len(bad)} bad")
    assert not bad, "\n".join(bad[:5])
    assert outcome["part"] > cases / 4, "the damage did nothing"


@cx.case("a snapshot that was cut or has a flipped bit changes no figure")
def snapshot():
    rng = random.Random(faults.SEED)
    outcome, bad = collections.Counter(), []
    with cx.Daemon(faults.config(), start=False) as d:
        stream = faults.Stream(5, "s", trouble=0.3)
        make(d, stream, False)
        saved = read_files(d)
        size = len(saved["cxd.db.snapshot"])
        for number in range(faults.count(40, 1000)):
            if number % 4:
                restore(d, saved, ("cxd.db.snapshot", flip(rng)))
            else:
                end = rng.randrange(size)
                restore(d, saved, ("cxd.db.snapshot", lambda data, end=end: data[:end]))
            try:
                assert start(d), "it refuses to start"
                assert d.out.find("snapshot is not used: it is damaged"), "it is used"
                faults.check_figures(d, stream.state(LINES).values(), windows=["90d"], past=False)
                outcome["thrown away"] += 1
                d.kill()
            except AssertionError as error:
                bad.append(f"case {number}: {error}")
                if d.alive():
                    d.kill()
        restore(d, saved)
        assert start(d) and d.out.find("snapshot surveys_until="), "the whole one is not used"
    print(f"# {size} bytes, {dict(outcome)}, {len(bad)} bad")
    assert not bad, "\n".join(bad[:5])


@cx.case("a start that ends between the repair of the store and the end of its snapshot leaves neither to the next one")
def repaired():
    surveys = [{"id": f"s{i}", "ts": int(time.time()) - 60, "queue": "tech", "answers": {"csat": 5}} for i in range(60)]

    with cx.Daemon(cx.base_config(store={"snapshot_after": 10})) as d:
        d.send(*surveys)
        d.stop()
        with sqlite3.connect(d.path("s", "cxd.db")) as db:
            db.execute("DELETE FROM survey WHERE seq = 7")
            db.execute("UPDATE block SET max_ts = max_ts + 1")  # its checksum is wrong
        db.close()
        file = d.path("s", "cxd.db.snapshot")
        d.spawn(prefix=[cx.tool("strace"), "-f", "-qq", "-o", "/dev/null", "-P", file, "-e", "inject=unlink:error=EIO:signal=KILL"])
        assert d.process.wait(10) == -signal.SIGKILL and os.path.exists(file)
        d.start()
        assert d.out.find("snapshot is not used: the store is damaged") and d.n_answers() == 59
        assert d.send(surveys[6])["stored"] == 1 and d.n_answers() == 60
        d.stop()
        d.start()
        assert d.out.find("snapshot surveys_until=") and d.n_answers() == 60


@cx.case("a page of the store that is none any more costs the surveys on it, and neither a start nor the others")
def page():
    then = int(time.time()) - 2 * 86400
    surveys = [{"id": f"s{i}", "ts": then + i, "queue": "tech", "answers": {"csat": 5}, "comment": "c" * 60} for i in range(6000)]
    config = {"store": {"snapshot_after": 1000}}
    with cx.Daemon(cx.base_config(**config)) as d:
        d.send(*surveys)
        d.stop()
        with open(d.path("s", "cxd.db"), "r+b") as file:
            at = file.read().index(b'"id":"s3000"') // 4096 * 4096
            file.seek(at)
            assert file.read(1) == b"\r", "no leaf of a table"
            file.seek(at)
            file.write(b"\x4d")
        d.start()
        assert d.out.find("snapshot surveys_until=") and d.n_answers() == 6000
        # Who meets it ends the daemon, for the snapshot counts what cannot be read; the next start leaves it out.
        with cx.Lines(d.address("lines", "unix")) as c:
            c.send(surveys[3000])
            assert d.process.wait(cx.seconds(20)) == 74
        d.configure(cx.base_config(**config, retention={"comments": "1d"}))
        d.start()
        lost = 6000 - d.n_answers()
        assert 10 < lost < 100 and d.status()["store"]["damaged"] == lost, f"{lost} lost"
        d.out.wait(r"upkeep removed surveys=0 comments=[1-9]")
        ack = d.send(*surveys)
        assert (ack["stored"], ack["duplicate"]) == (lost, 6000 - lost), ack
        assert d.n_answers() == 6000
        d.stop()
        d.start()
        assert d.out.find("snapshot surveys_until=") and d.n_answers() == 6000


faults.run()

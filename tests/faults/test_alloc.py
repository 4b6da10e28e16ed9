#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One allocation fails, in startup, ingest, queries, a reload or the shutdown; or that one and all after it. The daemon
goes on, or says why and ends with a status that systemd restarts it for; what it acknowledged is there in any case."""

import collections
import contextlib
import json
import os
import random
import signal
import socket
import time

import faults
from faults import cx

WITHIN = 20  # seconds that a run may take


def library():
    path = os.environ.get("CX_FAIL_ALLOC", "")
    if not os.path.exists(path):
        raise cx.Skip("there is no libfail_alloc.so; CX_FAIL_ALLOC does not lead to it")
    return path


def scenario(d, stream):
    """All that the daemon is for, once. Returns the sender, and whether somebody waited in vain for an answer."""
    sender = faults.Sender(stream, d.address("lines", "unix"), end=200, window=50)
    in_vain = False
    try:
        sender.wait(200, WITHIN)
        with d.http() as h:
            for path in ("/v1/status", "/v1/board?window=28d", "/v1/figures?scope=org", "/v1/alerts?state=all",
                         "/v1/series?scope=org&metric=nps&window=7d", "/v1/surveys?scope=org", "/v1/export", "/metrics"):
                h.get(path)
            h.post("/v1/surveys", b"".join(stream.bytes[:20]))
        with cx.Sp(d.address("rep"), "REQ") as rep:
            rep.ask(b"".join(stream.bytes[20:40]))
        with d.events("adam", since=0):
            pass
        d.process.send_signal(signal.SIGHUP)
        d.out.wait(r"reload", timeout=WITHIN / 3)
    except TimeoutError:
        in_vain = True
    except (OSError, AssertionError, ValueError, EOFError):
        # It may end at any point; how is judged by the caller.
        in_vain = sender.acked < 200 and not sender.error
    finally:
        sender.halt.set()
    return sender, in_vain


def one(d, env):
    """Runs the scenario; returns (exit status, sender or None, whether somebody waited in vain)."""
    arm = d.path("arm")
    d.spawn(env={**env, "FAIL_ALLOC_ARM": arm} if "FAIL_ALLOC_IN" in env else env)
    stream = faults.Stream(1, "a", trouble=0.4, now=1795000000)
    sender, in_vain = None, False
    try:
        d.out.wait(r"ready version=", timeout=WITHIN / 3)
        with open(arm, "wb"):
            pass
        sender, in_vain = scenario(d, stream)
    except AssertionError:
        pass
    if d.alive():
        d.process.send_signal(signal.SIGTERM)
    status = d.wait()
    if sender:
        sender.stop()
    return status, sender, in_vain


def check(d, sender):
    """A healthy daemon on the same store."""
    d.start()
    contents = faults.stored(d)
    surveys = []
    if sender:
        refused = sender.refused
        lines = [(s, n) for n, s in enumerate(sender.stream.lines) if n not in refused]
        have = {c[0]: c for c in contents}
        assert len(have) == len(contents), "an id is stored twice"
        for s_id in {s["id"] for s, _ in lines}:
            sure = [n for s, n in lines if s["id"] == s_id and n < sender.acked and not sender.stream.stale[n]]
            may = {faults.content(s) for s, n in lines if s["id"] == s_id and n >= (sure[-1] if sure else 0)}
            if sure or s_id in have:
                assert have.get(s_id) in may, f"{s_id}: {have.get(s_id)} is stored and not {may}"
        by_content = {faults.content(s): s for s in sender.stream.lines}
        surveys = [by_content[c] for c in contents]
    faults.check_undamaged(d)
    faults.check_figures(d, surveys, windows=["28d"], past=False)
    d.stop()


def sweep(points, seed, **more):
    """Runs with one failed allocation each: `points` of them, or every one."""
    preload = {"LD_PRELOAD": library(), **more}
    with cx.Daemon(faults.config(), start=False) as d:
        status, _, _ = one(d, {**preload, "FAIL_ALLOC_AT": "0"})
        assert status == 0, d.out.text()
        total = int(d.out.wait(r"fail_alloc: allocations (\d+)")[1])
    assert total > 200, total
    places = [(n, sticky) for n in range(1, total + 1) for sticky in (False, True)]
    if points:
        # Mostly a single one: what fails again and again is noticed sooner.
        rng = random.Random(seed)
        places = [(n, i % 4 == 3) for i, n in enumerate(rng.sample(range(1, total + 1), min(points, total)))]
    statuses, bad, n_failed = collections.Counter(), [], 0
    progress = faults.Progress("points", len(places))
    for n, sticky in sorted(places):
        progress.step()
        env = {**preload, "FAIL_ALLOC_AT": str(n), **({"FAIL_ALLOC_STICKY": "1"} if sticky else {})}
        with cx.Daemon(faults.config(), start=False) as d:
            status, sender, in_vain = one(d, env)
            out = d.out.lines
            statuses[status] += 1
            n_failed += d.out.find("fail_alloc: failed") is not None
            try:
                assert status in (0, 70, 74, 78), f"exit status {status}"
                assert status == 0 or any(s.startswith("<3>") for s in out), "it ends without saying why"
                assert not in_vain or any(s.startswith(("<3>", "<4>")) for s in out), "somebody waits, and nobody is told"
                check(d, sender)
            except AssertionError as error:
                bad.append(f"allocation {n}{' and all after' if sticky else ''}, status {status}: {error}\n" + "\n".join(out[-8:]))
    print(f"# {len(places)} of {2 * total} points, {n_failed} failed, exit statuses {dict(statuses)}, {len(bad)} bad")
    assert not bad, "\n".join(bad[:8])


@cx.case("any one allocation may fail, or all from one on: no crash, and nothing acknowledged is lost")
def allocations():
    sweep(faults.count(150, 0), faults.SEED)


@cx.case("so may those of SQLite alone while surveys come")
def storage():
    sweep(faults.count(60, 2000), faults.SEED, FAIL_ALLOC_IN="libsqlite3")


def last_words(d, face, line):
    """What the daemon says to one survey. It may cut the connection, but not be silent."""
    answer = b""
    try:
        if face == "http":
            with d.http() as h:
                response = h.post("/v1/surveys", line)
                return response.body if response.status == 200 else b""
        if face == "rep":
            with cx.Sp(d.address("rep"), "REQ") as rep:
                return rep.ask(line)
        with contextlib.closing(cx.connect(d.address("lines", "unix"))) as s:
            if face == "lines":
                # It has more to send once it is told of this one.
                s.sendall(line + b"\n")
                while b"\n" not in answer and (more := s.recv(4096)):
                    answer += more
                return answer
            s.sendall(line)
            s.shutdown(socket.SHUT_WR)
            while more := s.recv(4096):
                answer += more
    except TimeoutError:
        raise AssertionError(f"{face}: nobody answers, and the connection stays") from None
    except (OSError, AssertionError):
        pass
    return answer


@cx.case("a survey that no memory was left to gather is not acknowledged")
def gathering():
    line = json.dumps({"id": "one", "ts": int(time.time()) - 100, "queue": "tech", "answers": {"csat": 3}}).encode()
    preload = {"LD_PRELOAD": library(), "FAIL_ALLOC_IN": os.path.basename(cx.CXD)}
    for face in ("lines", "lines that end", "http", "rep"):
        for n in range(1, 40):
            with cx.Daemon(faults.config(), start=False) as d:
                arm = d.path("arm")
                d.spawn(env={**preload, "FAIL_ALLOC_AT": str(n), "FAIL_ALLOC_ARM": arm})
                d.out.wait(r"ready version=", timeout=WITHIN)
                with open(arm, "wb"):
                    pass
                answer = last_words(d, face, line)
                d.process.kill()  # where it has not ended by itself
                d.wait()
                d.start()
                assert b'"stored":' not in answer or len(faults.stored(d)) == 1, f"{face} allocation {n}: {answer}"
                d.stop()


faults.run()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Memory is short: senders that never read, subscribers that never read and a flood of new names, under limits.memory and
in a control group that has little more. The daemon refuses surveys instead of dying, answers questions all the while, and
takes surveys again when the bound is raised."""

import contextlib
import os
import random
import re
import threading
import time

import faults
from faults import cx

MEMORY = 48  # MiB
GROUP = 64 << 20
DEAF = 40  # senders and subscribers, each
SECONDS = faults.count(4, 180)  # of flood after the first refusal


class Group:
    """A control group with a hard bound, where one can be made: beyond it the kernel kills."""

    ROOT = "/sys/fs/cgroup/memory"

    def __init__(self, limit):
        self.path = os.path.join(self.ROOT, f"cxd-test-{os.getpid()}")
        try:
            os.mkdir(self.path)
            self.set("memory.limit_in_bytes", limit)
        except OSError:
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
            self.path = None

    def set(self, name, value):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as file:
            file.write(str(value))

    def enter(self):
        """In the child, before it is the daemon."""
        if self.path:
            self.set("cgroup.procs", os.getpid())

    def remove(self):
        if self.path:
            cx.until("the group is empty", lambda: self.gone())

    def gone(self):
        try:
            os.rmdir(self.path)
            return True
        except OSError:
            return False


class Flood(threading.Thread):
    """New names without end on one connection; counts what became of them."""

    def __init__(self, address, prefix, now):
        super().__init__(daemon=True)
        self.address, self.prefix, self.now = address, prefix.encode(), now
        self.halt = threading.Event()
        self.sent = self.refused = 0
        self.ack = {"stored": 0}
        self.codes = set()
        self.error = None
        self.start()

    def run(self):
        try:
            with cx.Lines(self.address) as c:
                while not self.halt.is_set():
                    part = range(self.sent, self.sent + 2000)
                    c.write(b"".join(
                        b'{"id":"%b%d","agent":"%b %d","ts":%d,"queue":"tech","answers":{"nps":%d}}\n'
                        % (self.prefix, i, self.prefix, i, self.now - 100, i % 11) for i in part))
                    self.sent = part.stop
                    self.ack = c.settle()
                    self.refused = self.ack["refused"]
                    self.codes |= {r["code"] for r in c.refusals()}
                    c.replies = c.replies[-1:]
        except (OSError, AssertionError, EOFError) as error:
            self.error = error


def deaf(d, now):
    """Senders that read no acknowledgement, and subscribers that read nothing. What the senders send is no survey."""
    crowd = []
    line = b'{"id":"deaf","ts":%d,"queue":"tech","answers":{"nps":77}}\n' % now
    request = f"GET /v1/stream?since=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {cx.token('adam')[0]}\r\n\r\n"
    for _ in range(DEAF):
        s = cx.connect(d.address("lines", "tcp"))
        s.setblocking(False)
        crowd.append((s, line * 500))
        s = cx.connect(d.address("http", "tcp"))
        s.sendall(request.encode())
        s.setblocking(False)
        crowd.append((s, None))
    return crowd


def press(crowd):
    """Sends as much as is taken."""
    for s, data in crowd:
        if data:
            with contextlib.suppress(OSError):
                while s.send(data):
                    pass


@cx.case("at the memory ceiling surveys are refused, questions answered, and nothing dies; with more memory it goes on")
def ceiling():
    now = int(time.time())
    limits = {"agents": 1000, "connections": 4000, "memory": MEMORY}
    group = Group(GROUP)
    known = [{"id": f"k{i}", "ts": now - 600, "queue": "tech", "agent": a, "answers": {"nps": i % 11}}
             for i, a in enumerate(["ana", "ben", "cleo", "dora", "emil", "finn"] * 20)]
    with contextlib.ExitStack() as last:
        last.callback(group.remove)
        d = last.enter_context(cx.Daemon(faults.config(limits=limits, rules=[], feed={"tick": "1s"}), start=False))
        d.start(preexec_fn=group.enter)
        d.send(*known)
        before = d.rss()
        floods = [Flood(d.address("lines", "unix"), p, now) for p in "pqrs"]
        crowd = deaf(d, now)
        crowds = [crowd]
        try:
            end = time.monotonic() + cx.seconds(60)
            while not d.out.find("refusing surveys until there is room"):
                press(crowd)
                assert time.monotonic() < end and d.alive(), [f.error for f in floods]
            told = re.search(r"memory in_use=(\d+) coming=(\d+) limit=(\d+), refusing", d.out.text())
            assert told, "the log does not tell what keeps surveys out"
            in_use, coming, limit = map(int, told.groups())
            assert limit == MEMORY << 20 and in_use + coming >= limit - limit // 8, told.group()
            # Those that were there had their part in it; as many come once more.
            crowd = deaf(d, now)
            crowds.append(crowd)
            until = time.monotonic() + SECONDS
            slowest, refused = 0, 0
            one = {"id": "one", "ts": now, "queue": "tech", "answers": {"nps": 3}}
            with d.http() as h:
                while time.monotonic() < until:
                    press(crowd)
                    asked = time.monotonic()
                    h.json("/v1/board", window="7d")
                    slowest = max(slowest, time.monotonic() - asked)
                    r = h.post("/v1/surveys", cx.lines_of([one]))
                    assert r.status in (200, 429, 503) and (r.status == 200 or "retry-after" in r.headers), r.body
                    refused += r.status == 503
                    ready = h.get("/readyz").status
                    assert h.get("/healthz").status == 200
        finally:
            for f in floods:
                f.halt.set()
            for f in floods:
                f.join(cx.seconds(30))
            for s, _ in sum(crowds, []):
                s.close()
        high = d.rss_peak()
        assert not any(f.error for f in floods), [f.error for f in floods]
        assert all(f.codes == {"E_UNAVAILABLE"} for f in floods if f.refused), [f.codes for f in floods]
        assert refused and sum(f.refused for f in floods), "nothing was refused"
        print(f"# {before >> 20} MB before, at most {high / 1048576:.1f} of {MEMORY} MB and {GROUP >> 20}, {sum(f.ack['stored'] for f in floods)} "
              f"stored, {sum(f.refused for f in floods)} refused, a query took at most {slowest * 1000:.0f} ms, "
              f"last readiness {ready}, {'in a control group' if group.path else 'without a control group'}")
        assert high <= GROUP, f"{high >> 20} MB were in use"
        # Nothing that was refused counts, and everything that was acknowledged does.
        check(d, known, floods)
        d.configure(faults.config(limits={**limits, "memory": 1024}, rules=[], feed={"tick": "1s"}))
        if group.path:
            group.set("memory.limit_in_bytes", 2 << 30)
        d.reload()
        cx.until("it is ready", lambda: d.http().get("/readyz").status == 200)
        more = [{**random.choice(known), "id": f"m{i}"} for i in range(100)]
        d.send(*more)
        check(d, known + more, floods)


def check(d, known, floods):
    with d.http() as h:
        [f] = h.json("/v1/figures", scope="org", metric="nps", window="7d")["figures"]
        stored = len(known) + sum(f.ack["stored"] for f in floods)
        assert f["n"] in (stored, stored + 1), (f["n"], stored)  # the one over HTTP may have found room
        each = {}
        for s in known:
            each.setdefault(s["agent"], [0] * 11)[s["answers"]["nps"]] += 1
        for agent, counts in each.items():
            [f] = h.json("/v1/figures", scope=f"agent/{agent}", metric="nps", window="7d")["figures"]
            assert list(f["counts"].values()) == counts, (agent, f)


faults.run()

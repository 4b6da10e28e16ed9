#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A flood of names that nobody knows: the cap holds, what was known stays exact, the rest is counted to the last one."""

import random
import time

import faults
from faults import cx

NAMES = faults.count(200_000, 2_000_000)
CAP = 1000
ROSTERED = 6
GROWTH = 64 << 20


@cx.case("hundreds of thousands of new names: the cap holds, known agents are exact, what found no room is counted exactly")
def names():
    now = int(time.time())
    known = [{"id": f"k{i}", "ts": now - 600, "queue": "tech", "agent": a, "answers": {"nps": i % 11}}
             for i, a in enumerate(["ana", "ben", "cleo", "dora", "emil", "finn"] * 50)]
    with cx.Daemon(faults.config(limits={"agents": CAP}, metrics={"nps": cx.METRICS["nps"]}, rules=[])) as d:
        d.send(*known)
        first = [{"id": f"f{i}", "ts": now - 600, "queue": "tech", "agent": f"early-{i}", "answers": {"nps": i % 11}}
                 for i in range(CAP - ROSTERED)]
        d.send(*first)
        assert d.status()["surveys"]["overflow_agents"] == 0
        before, sent = d.rss(), 0
        progress = faults.Progress("names", NAMES)
        head = f'"ts":{now - 500},"queue":"tech","answers":{{"nps":'
        with d.lines() as c:
            while sent < NAMES:
                part = range(sent, min(sent + 20_000, NAMES))
                c.write(b"".join(b'{"id":"n%d","agent":"name %d of many",%s%d}}\n' % (i, i, head.encode(), i % 11) for i in part))
                sent = part.stop
                progress.step(len(part))
            ack = c.settle()
            assert ack["stored"] == NAMES, ack
        # Known ones in between, and one that was new before the flood.
        more = [{**random.choice(known + first), "id": f"m{i}", "ts": now - 60} for i in range(500)]
        d.send(*more)
        status = d.status()
        growth = d.rss() - before
        assert status["surveys"]["overflow_agents"] == NAMES, (status["surveys"], NAMES)
        assert status["scopes"] < CAP + 50, status["scopes"]
        # A survey whose agent found no room counts for its queue and above.
        totals = [0] * 11
        for s in known + first + more:
            totals[s["answers"]["nps"]] += 1
        for i in range(11):
            totals[i] += len(range(i, NAMES, 11))
        with d.http() as h:
            for scope in ("queue/tech", "org"):
                [f] = h.json("/v1/figures", scope=scope, metric="nps", window="7d")["figures"]
                assert list(f["counts"].values()) == totals, (scope, f, totals)
            each = {}
            for s in known + first + more:
                each.setdefault(s["agent"], [0] * 11)[s["answers"]["nps"]] += 1
            for agent in random.sample(sorted(each), 100) + ["ana", "finn"]:
                [f] = h.json("/v1/figures", scope=f"agent/{agent}", metric="nps", window="7d")["figures"]
                assert list(f["counts"].values()) == each[agent], (agent, f, each[agent])
            assert h.get("/v1/figures", scope="agent/name 77 of many", metric="nps").status == 404
        limit = GROWTH + NAMES * 64  # ids are remembered for the whole retention
        assert growth < limit, f"{growth >> 20} MB more, allowed are {limit >> 20}"
        d.restart(kill=True)
        after = d.status()
        assert after["surveys"]["overflow_agents"] == NAMES and after["scopes"] == status["scopes"], after
    print(f"# {NAMES} names, memory grew by {growth / 1048576:.1f} MB, {growth / NAMES:.0f} bytes per survey")


faults.run()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every figure is the one that brute force computes: repetitions, revisions and retractions in any order, through several
faces and sources, across kill -9."""

import collections
import random
import time

import faults
from faults import cx

LINES = faults.count(50_000, 1_000_000)
KILLS = faults.count(4, 50)
SOURCES = {"local": {"open": True}, "ivr": {"token_sha256": cx.token("ivr")[1]}, "web": {"token_sha256": cx.token("web")[1]}}


class Shuffled(faults.Stream):
    """All lines made beforehand and put in any order: of each survey the highest revision counts."""

    def __init__(self, seed, prefix, n):
        super().__init__(seed, prefix, trouble=0.45, days=100)
        self.grow(n)
        order = list(range(n))
        self.random.shuffle(order)
        self.lines = [self.lines[i] for i in order]
        self.bytes = [self.bytes[i] for i in order]

    def latest(self):
        found = {}
        for s in self.lines:
            old = found.get(s["id"])
            if old is None or s.get("rev", -1) > old.get("rev", -1):
                found[s["id"]] = s
        return list(found.values())


def compare(stored, expected):
    have, want = collections.Counter(stored), collections.Counter(map(faults.content, expected))
    assert have == want, f"stored only: {list(have - want)[:5]}, expected only: {list(want - have)[:5]}"


@cx.case("figures are bit-equal to brute force over repeated, revised, retracted and shuffled surveys across kill -9")
def exact():
    # The last two use the same ids: an id belongs to its source.
    plans = [("a", "lines", "tcp", None), ("b", "lines", "unix", None), ("c", "http", "tcp", None),
             ("x", "lines", "tcp", "ivr"), ("x", "lines", "unix", "web")]
    streams = [Shuffled(faults.SEED + i, p[0], LINES // len(plans)) for i, p in enumerate(plans)]
    starts = [0] * len(plans)
    expected = [s for stream in streams for s in stream.latest()]
    refused = 0
    with cx.Daemon(faults.config(sources=SOURCES)) as d:
        progress = faults.Progress("runs", KILLS + 1)
        for number in range(KILLS + 1):
            progress.step()
            senders = []
            for (_, face, kind, source), stream, start in zip(plans, streams, starts):
                token = cx.token(source)[0] if source else None
                senders.append(faults.Sender(stream, d.address(face, kind), start=start, end=len(stream.lines),
                                             http=face == "http", token=token))
            if number < KILLS:
                # At about the same part of the whole each time.
                goal = len(streams[0].lines) * (number + 1) // (KILLS + 2)
                random.choice(senders).wait(goal + random.randrange(200), 120)
                d.kill()
            for s in senders:
                s.join(cx.seconds(120))
                refused += len(s.refused)
                assert set(s.refused.values()) <= {"E_STALE"}, s.refused
            starts = [s.acked for s in senders]
            if number < KILLS:
                d.start()
        assert starts == [len(s.lines) for s in streams], [(s.acked, s.error) for s in senders]
        for kill in (None, True, False):
            if kill is not None:
                d.restart(kill=kill)
            compare(faults.stored(d), expected)
            faults.check_figures(d, expected)
        # Once more in another order: nothing changes.
        random.shuffle(streams[0].bytes)
        again = faults.Sender(streams[0], d.address("lines", "tcp"), end=len(streams[0].bytes))
        again.join(cx.seconds(120))
        assert again.acked == len(streams[0].bytes), (again.acked, again.error)
        assert again.counts["stored"] == 0 and again.counts["revised"] == 0, again.counts
        faults.check_figures(d, expected, past=False)
    print(f"# {sum(starts)} lines, {len(expected)} surveys, {refused} stale, {KILLS} times kill -9")


@cx.case("a late survey counts in the windows of its own time only")
def late():
    now = int(time.time())
    ages = [0, 30, 300, 3500, 3700, 7300, 50_000, 90_000, 6 * 86400, 8 * 86400, 27 * 86400, 29 * 86400, 80 * 86400, 95 * 86400]
    surveys = []
    for i, age in enumerate(ages * 3):
        surveys.append({"id": f"l{i}", "ts": now - age - 1, "queue": "tech", "agent": random.choice(["ana", "dora"]),
                        "answers": {"nps": i % 11, "csat": i % 5 + 1}})
    random.shuffle(surveys)
    with cx.Daemon(faults.config()) as d:
        d.send(*surveys[:20])
        d.send(*surveys[20:])
        faults.check_figures(d, surveys)
        surveys[3] = {**surveys[3], "answers": {"nps": 0}}
        surveys[4] = {**surveys[4], "status": "retracted"}
        surveys[5] = {**surveys[5], "ts": now - 3000, "queue": "billing-es", "agent": "emil"}
        d.send(*surveys[3:6])
        faults.check_figures(d, surveys)
        with d.lines() as c:
            c.send({**surveys[0], "id": "old", "ts": now - 401 * 86400}, {**surveys[0], "id": "new", "ts": now + 3600})
            assert c.settle()["refused"] == 2
            codes = [r["code"] for r in c.refusals()]
            assert len(codes) == 2 and all(codes), codes
        faults.check_figures(d, surveys)


faults.run()

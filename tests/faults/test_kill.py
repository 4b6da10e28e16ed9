#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random points under load: what was acknowledged is there and counted once."""

import random
import socket
import time

import faults
from faults import cx

ROUNDS = faults.count(40, 500)


class Follower:
    """A subscriber that comes back after each crash and asks for what it has missed."""

    def __init__(self):
        self.seen = {}  # number -> what came under it
        self.last = 0

    def follow(self, d):
        """Takes what there is; a number must always carry the same message, and none may be left out."""
        with d.events("adam", since=self.last) as e:
            e.http.sock.settimeout(cx.seconds(20))
            while True:
                kind, number, data = e.next("alert", "tick", "gap")
                if kind == "tick":
                    assert int(number) >= self.last, f"numbers begin anew: {number} after {self.last}"
                    return
                assert kind == "alert", f"messages after {self.last} are gone: {data}"
                number = int(number)
                assert number == self.last + 1, f"number {number} after {self.last}"
                assert self.seen.setdefault(number, data) == data, f"number {number} was {self.seen[number]}, is {data}"
                self.last = number

    def check(self, d):
        """Every alert that was published is still known, by the same id."""
        with d.http() as h:
            known = {a["id"] for a in h.json("/v1/alerts", state="all", limit=10000)["alerts"]}
        lost = {m["alert"]["id"] if "alert" in m else m["id"] for m in self.seen.values()} - known
        assert not lost, f"published alerts that nobody knows any more: {sorted(lost)[:3]}"


@cx.case("kill -9 under load loses nothing acknowledged and counts nothing twice")
def kill():
    streams = [faults.Stream(faults.SEED + i, p) for i, p in enumerate("tuh")]
    starts = [0, 0, 0]
    n = 0
    with cx.Daemon(faults.config()) as d:
        progress = faults.Progress("rounds", ROUNDS)
        for number in range(ROUNDS):
            progress.step()
            senders = faults.three(d, streams, start=starts, rate=2500)
            for s in senders:
                s.wait(s.begin + 1)
            time.sleep(random.uniform(0, 0.25))
            d.kill()
            for s in senders:
                s.stop()
            starts = [s.acked for s in senders]
            d.start()
            full = number == ROUNDS - 1 or number % 10 == 9
            n = faults.check_all(d, senders, windows=None if full else [random.choice(faults.WINDOWS)], past=full)
    print(f"# {ROUNDS} times, {sum(starts)} lines acknowledged, {n} surveys, 0 lost")


@cx.case("alerts keep their ids and messages their numbers across kill -9")
def alerts():
    stream = faults.Stream(faults.SEED, "a", trouble=0.5)
    follower = Follower()
    start = 0
    with cx.Daemon(faults.config(feed={"tick": "1s", "ring": 100000})) as d:
        for _ in range(faults.count(4, 100)):
            sender = faults.Sender(stream, d.address("lines", "unix"), start=start, rate=4000)
            sender.wait(start + random.randrange(200, 1500))
            d.kill()
            sender.stop()
            start = sender.acked
            d.start()
            follower.follow(d)
            follower.check(d)
    assert follower.last > 5, f"only {follower.last} messages"
    print(f"# {follower.last} messages")


@cx.case("a daemon that acknowledges what it was not sent, or answers in no JSON, fails its test")
def lies():
    for says in (b'{"ack":51,"stored":51,"duplicate":0,"revised":0,"refused":0}\n', b"ack 50\n"):
        with socket.create_server(("127.0.0.1", 0)) as server:
            sender = faults.Sender(faults.Stream(1, "l"), f"tcp://127.0.0.1:{server.getsockname()[1]}", end=50)
            with server.accept()[0] as connection:
                connection.sendall(says)
                sender.wait(50)
        try:
            sender.stop()
        except AssertionError:
            continue
        raise AssertionError(f"nobody noticed {says!r}")


faults.run()

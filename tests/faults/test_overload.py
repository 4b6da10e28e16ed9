#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Abuse that goes on while honest senders work: subscribers that never read, over HTTP and nanomsg, clients that send a
header or a body byte by byte, and more connections than there are descriptors."""

import json
import multiprocessing
import os
import re
import resource
import select
import socket
import struct
import threading
import time

import faults
from faults import cx

STUCK = 1000  # streams
DEAF = 50  # nanomsg subscribers
SLOW = 2000
SECONDS = faults.count(30, 600)
GROWTH = 64 << 20
NOISE = 0.01  # of a busy machine, where all other tests run, too
PARTS = 20  # of a second: in each of them as many of the clients do something
LIFE = 12  # seconds for which a stuck stream is tried before another one takes its place
PACE = faults.count(0.01, 0.05)  # seconds for 20 surveys
KNOWN = 64  # bytes for each survey: its id is remembered for the whole retention
DEADLINE = 10  # seconds for a request's header, and for its body


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def honest(d, stream, start, seconds):
    """A sender of 2,000 surveys a second, or 400 in the long run; returns (lines acknowledged so far, [delay of an acknowledgement])."""
    delays = []
    with cx.Lines(d.address("lines", "tcp")) as c:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            stream.grow(start + 20)
            begin = time.monotonic()
            c.write(b"".join(stream.bytes[start : start + 20]))
            c.settle()
            start += 20
            now = time.monotonic()
            delays.append(now - begin)
            select.select([], [], [], max(0, begin + PACE - now))
    return start, delays


def pressed(address, small=False):
    """A connection without waiting for it."""
    kind, where = address.split("://")
    s = socket.socket(socket.AF_INET if kind == "tcp" else socket.AF_UNIX, socket.SOCK_STREAM)
    if small:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(5)
    s.connect((where.rsplit(":", 1)[0], int(where.rsplit(":", 1)[1])) if kind == "tcp" else where)
    s.setblocking(False)
    return s


class Attack:
    """
    The abuse, in a process of its own. Its processor time would be another machine's: on this one it takes what is idle,
    and how much abuse there was is counted.
    """

    STREAM = f"GET /v1/stream?since=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {cx.token('adam')[0]}\r\n\r\n"
    SUB = b"\0SP\0" + struct.pack(">HH", cx.Sp.KINDS["SUB"], 0)
    HEAD = b"GET / HTTP/1.1\r\nX-A: "
    BODY = b"POST /v1/surveys HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"

    def __init__(self, http, feed=None, stuck=0, deaf=0, slow=0, seconds=0):
        self.http, self.feed, self.seconds = http, feed, seconds
        self.n_stuck, self.n_deaf, self.n_slow = stuck, deaf, slow
        self.halt, self.ready, self.result = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Queue()
        self.process = multiprocessing.Process(target=self.run, daemon=True)
        self.process.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.is_alive():
            self.process.kill()
        self.process.join()

    def stop(self):
        self.halt.set()
        result = self.result.get(timeout=cx.seconds(20))
        self.process.join()
        return result

    def add(self, address, first, small=False):
        """A connection that has sent this; None: it was not let in."""
        try:
            s = pressed(address, small)
            s.send(first)
            return s
        except OSError:
            self.found["refused"] += 1
            return None

    def add_slow(self):
        s = self.add(self.http, self.BODY if len(self.slow) % 2 else self.HEAD)
        if s:
            self.poll.register(s, select.EPOLLIN)
            self.slow[s.fileno()] = s, time.monotonic()

    def add_stuck(self, n):
        self.stuck += [self.add(self.http, self.STREAM.encode(), small=True) for _ in range(n)]

    def replace_stuck(self, n):
        for s in filter(None, self.stuck[:n]):
            s.close()
        del self.stuck[:n]
        self.add_stuck(n)

    def trickle(self, now, part):
        for s, since in list(self.slow.values())[part::PARTS]:
            self.found["longest"] = max(self.found["longest"], now - since)
            try:
                s.send(b"a")
                self.found["bytes"] += 1
            except OSError:
                pass
        for _ in range(min(self.n_slow - len(self.slow), 200 // PARTS)):
            self.add_slow()

    def run(self):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        self.poll, self.slow, self.found = select.epoll(), {}, {"closed": 0, "longest": 0.0, "refused": 0, "bytes": 0}
        self.stuck = []
        self.add_stuck(self.n_stuck)
        deaf = [self.add(self.feed, self.SUB) for _ in range(self.n_deaf)]
        for _ in range(self.n_slow):
            self.add_slow()
        self.ready.set()
        begun, turn = time.monotonic(), 0
        while not self.halt.is_set():
            for fd, _ in self.poll.poll(0.5 / PARTS):
                s, since = self.slow.pop(fd)
                self.poll.unregister(fd)
                s.close()
                self.found["closed"] += 1
                self.found["longest"] = max(self.found["longest"], time.monotonic() - since)
            now = time.monotonic()
            if now > begun + turn / PARTS:
                turn += 1
                self.trickle(now, turn % PARTS)
                if now - begun < self.seconds:
                    self.replace_stuck(self.n_stuck // LIFE // PARTS)
        self.result.put(self.found)
        del deaf


@cx.case("stuck subscribers and slow requests together leave honest senders, memory and queries as they were")
def overload():
    stream = faults.Stream(faults.SEED, "o", trouble=0.3)
    # Snapshots ten times as often as by default.
    config = faults.config(
        limits={"connections": 8000}, feed={"tick": "2s", "ring": 1000}, store={"snapshot_after": 10000}
    )
    with cx.Daemon(config, start=False) as d:
        d.start()
        start, _ = honest(d, stream, 0, 1)
        start, before = honest(d, stream, start, faults.count(4, 20))
        rss, first = d.rss(), start
        with Attack(d.address("http", "tcp"), stuck=STUCK, slow=SLOW, seconds=SECONDS - LIFE - 3) as attack:
            assert attack.ready.wait(cx.seconds(20)), "the attack does not begin"
            start, during = honest(d, stream, start, SECONDS)
            growth = d.rss_peak() - rss
            with d.http() as h:
                asked = time.monotonic()
                h.json("/v1/board", window="28d")
                asked = time.monotonic() - asked
            # The kernel of a stuck client takes its own end from nobody, so the daemon is asked.
            left = d.status()["subscribers"]
            found = attack.stop()
        quiet, loud = percentile(before, 0.99), percentile(during, 0.99)
        print(f"# {STUCK} stuck, {SLOW} slow, {SECONDS} s: acknowledgement p99 {quiet * 1000:.1f} -> {loud * 1000:.1f} ms "
              f"(x{loud / quiet:.1f}), median {percentile(before, 0.5) * 1000:.1f} -> {percentile(during, 0.5) * 1000:.1f} ms, "
              f"memory +{growth / 1048576:.1f} MB, query {asked * 1000:.0f} ms, {STUCK - left} stuck cut, "
              f"{found['closed']} slow closed after {found['bytes']} bytes, the longest lived {found['longest']:.1f} s, "
              f"{found['refused']} not let in")
        assert loud <= max(2 * quiet, 0 if faults.LONG else NOISE * cx.SLOW), "honest senders wait"
        assert growth < GROWTH + (start - first) * KNOWN, f"{growth >> 20} MB more"
        assert asked < 1 * cx.SLOW, "a query waits"
        assert found["refused"] == 0 and found["bytes"] > SLOW * SECONDS / 2, "this was no load"
        assert found["closed"] >= SLOW and found["longest"] < DEADLINE + 3, "slow requests live on"
        assert left == 0, f"{left} stuck subscribers live on"
        state = stream.settle(faults.stored(d), start)
        faults.check_figures(d, state.values(), past=False)
        cx.until("all connections are gone", lambda: d.status()["connections"] <= 2, 20)


class Listener(threading.Thread):
    """An honest nanomsg subscriber; keeps the numbers of its alerts."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.sp, self.numbers, self.error = cx.Sp(address, "SUB"), [], None
        self.start()

    def run(self):
        try:
            while True:
                topic, _, text = self.sp.recv(600).partition(b" ")
                if topic.startswith(b"alert/"):
                    self.numbers.append(json.loads(text)["seq"])
        except (OSError, AssertionError) as error:
            self.error = error

    def stop(self):
        self.sp.sock.shutdown(socket.SHUT_RDWR)
        self.join(cx.seconds(10))
        self.sp.close()


@cx.case("nanomsg subscribers that never read are cut, others miss nothing, and senders and memory stay as they were")
def deaf():
    stream = faults.Stream(faults.SEED, "d", trouble=0.5)
    with cx.Daemon(faults.config(feed={"tick": "1s"}, store={"snapshot_after": 10000}), start=False) as d:
        d.start()
        listener = Listener(d.feed("adam"))
        cx.until("there is a subscriber", lambda: d.status()["subscribers"] == 1)
        start, before = honest(d, stream, 0, 3)
        rss = d.rss()
        with Attack(d.address("http", "tcp"), d.address("feed"), deaf=DEAF) as attack:
            assert attack.ready.wait(cx.seconds(20)), "the attack does not begin"
            cx.until("they subscribe", lambda: d.status()["subscribers"] == 1 + DEAF)
            during, since = [], time.monotonic()
            while d.status()["subscribers"] > 1:
                start, more = honest(d, stream, start, 1)
                during += more
                assert time.monotonic() - since < cx.seconds(20), f"{d.status()['subscribers'] - 1} deaf subscribers live on"
            took = time.monotonic() - since
            assert attack.stop()["refused"] == 0
        growth = d.rss_peak() - rss
        with d.events("adam", since=0) as e:
            e.next("tick")
            last = max((number for kind, number, _ in e.seen if kind == "alert"), default=0)
        cx.until("the honest one has it all", lambda: listener.numbers and listener.numbers[-1] >= last)
        listener.stop()
        assert listener.numbers == list(range(listener.numbers[0], listener.numbers[-1] + 1)), "the honest subscriber has gaps"
        quiet, loud = percentile(before, 0.99), percentile(during, 0.99)
        print(f"# {DEAF} deaf, cut after {took:.0f} s, acknowledgement p99 {quiet * 1000:.1f} -> {loud * 1000:.1f} ms, memory "
              f"+{growth / 1048576:.1f} MB, {len(listener.numbers)} alerts to the honest one")
        assert loud <= max(2 * quiet, NOISE * cx.SLOW), "honest senders wait"
        assert growth < GROWTH, f"{growth >> 20} MB more"


@cx.case("without descriptors the daemon rests, serves those who are there, and recovers when there are some again")
def descriptors():
    stream = faults.Stream(faults.SEED, "e", trouble=0.3)
    with cx.Daemon(faults.config(limits={"connections": 8000}), start=False) as d:
        d.start()
        # Behind its back: what it knows of when it starts it keeps free.
        resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, (200, 200))
        with cx.Lines(d.address("lines", "unix")) as old:
            old.send({"id": "x1", "ts": int(time.time()), "queue": "tech"})
            old.settle()
            for face in ("lines", "http", "rep", "pull", "feed"):
                is_tcp = face in ("lines", "http")
                address = d.address(face, "tcp" if is_tcp else None)
                crowd = []
                try:
                    mark = len(d.out.lines)
                    for _ in range(400):
                        s = socket.socket(socket.AF_INET if is_tcp else socket.AF_UNIX, socket.SOCK_STREAM)
                        s.setblocking(False)
                        crowd.append(s)
                        try:
                            s.connect(("127.0.0.1", int(address.rsplit(":", 1)[1])) if is_tcp else address.split("://")[1])
                        except BlockingIOError:
                            pass
                    d.out.wait(r"cannot accept", mark)
                    cpu, begin = d.cpu(), time.monotonic()
                    while time.monotonic() < begin + 2:
                        old.send({"id": f"{face}{time.monotonic()}", "ts": int(time.time()), "queue": "tech"})
                        sent = time.monotonic()
                        old.settle()
                        assert time.monotonic() - sent < 1 * cx.SLOW, "who was there waits"
                        select.select([], [], [], 0.05)
                    cpu = (d.cpu() - cpu) / (time.monotonic() - begin)
                    said = sum(1 for line in d.out.lines[mark:] if "cannot accept" in line)
                finally:
                    for s in crowd:
                        s.close()
                begin = time.monotonic()
                with cx.Lines(d.address("lines", "tcp")) as c:
                    c.send(*stream.take(1)[0][:1])
                    c.settle()
                took = time.monotonic() - begin
                print(f"# {face}: CPU {cpu * 100:.1f} %, {said} log lines, new connections served after {took * 1000:.0f} ms")
                assert cpu < 0.05 * cx.SLOW, f"{cpu * 100:.0f} % CPU without descriptors"
                assert said < 10, f"{said} log lines in two seconds"
                assert took < 2 * cx.SLOW, f"{took:.1f} s to recover"
        assert not re.search("<3>", d.out.text())


faults.run()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Abuse that goes on while honest senders work: subscribers that never read, clients that send a header byte by byte, and
more connections than there are descriptors."""

import multiprocessing
import re
import resource
import select
import socket
import time

import faults
from faults import cx

STUCK = 1000
SLOW = faults.count(500, 2000)
SECONDS = faults.count(16, 600)
GROWTH = 64 << 20
DEADLINE = 10  # seconds for a request's header


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def honest(d, stream, start, seconds):
    """A sender of about 2,000 surveys a second; returns (lines acknowledged so far, [delay of an acknowledgement])."""
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
            select.select([], [], [], max(0, begin + 0.01 - now))
    return start, delays


def pressed(address, small=False):
    """A connection without waiting for it."""
    host, port = address.split("://")[1].rsplit(":", 1)
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if small:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(5)
    s.connect((host, int(port)))
    s.setblocking(False)
    return s


class Attack:
    """The abuse, in a process of its own."""

    def __init__(self, address, stuck, slow):
        self.halt, self.ready, self.result = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Queue()
        self.process = multiprocessing.Process(target=self.run, args=(address, stuck, slow), daemon=True)
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

    def run(self, address, n_stuck, n_slow):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        request = f"GET /v1/stream?since=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {cx.token('adam')[0]}\r\n\r\n"
        poll = select.epoll()
        stuck, slow, found = {}, {}, {"closed": 0, "longest": 0.0, "refused": 0}

        def add(kind):
            try:
                s = pressed(address, kind is stuck)
                if kind is stuck:
                    s.send(request.encode())
                else:
                    s.send(b"GET / HTTP/1.1\r\nX-A: ")
                    poll.register(s, select.EPOLLIN)
                kind[s.fileno()] = s, time.monotonic()
            except OSError:
                found["refused"] += 1

        for _ in range(n_stuck):
            add(stuck)
        for _ in range(n_slow):
            add(slow)
        self.ready.set()
        turn = time.monotonic()
        while not self.halt.is_set():
            for fd, _ in poll.poll(0.1):
                s, since = slow.pop(fd)
                poll.unregister(fd)
                s.close()
                found["closed"] += 1
                found["longest"] = max(found["longest"], time.monotonic() - since)
            if time.monotonic() - turn > 1:
                turn = time.monotonic()
                for s, since in list(slow.values()):
                    found["longest"] = max(found["longest"], turn - since)
                    try:
                        s.send(b"a")
                    except OSError:
                        pass
                for _ in range(min(n_slow - len(slow), 200)):
                    add(slow)
        self.result.put(found)


@cx.case("stuck subscribers and slow requests together leave honest senders, memory and queries as they were")
def overload():
    stream = faults.Stream(faults.SEED, "o", trouble=0.3)
    config = faults.config(limits={"connections": 8000}, feed={"tick": "2s", "ring": 1000})
    with cx.Daemon(config, start=False) as d:
        d.start()
        start, _ = honest(d, stream, 0, 1)
        start, before = honest(d, stream, start, 4)
        rss = d.rss()
        with Attack(d.address("http", "tcp"), STUCK, SLOW) as attack:
            assert attack.ready.wait(cx.seconds(20)), "the attack does not begin"
            start, during = honest(d, stream, start, SECONDS)
            growth = d.rss() - rss
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
              f"{found['closed']} slow closed, the longest lived {found['longest']:.1f} s, {found['refused']} not let in")
        assert loud < max(4 * quiet, 0.1 * cx.SLOW), "honest senders wait"
        assert growth < GROWTH, f"{growth >> 20} MB more"
        assert asked < 1 * cx.SLOW, "a query waits"
        assert found["refused"] == 0, "connections were refused, this was no load"
        assert found["closed"] >= SLOW and found["longest"] < DEADLINE + 3, "slow requests live on"
        assert left == 0, f"{left} stuck subscribers live on"
        state = stream.settle(faults.stored(d), start)
        faults.check_figures(d, state.values(), past=False)
        cx.until("all connections are gone", lambda: d.status()["connections"] <= 2, 20)


@cx.case("without descriptors the daemon rests, serves those who are there, and recovers when there are some again")
def descriptors():
    stream = faults.Stream(faults.SEED, "e", trouble=0.3)
    with cx.Daemon(faults.config(limits={"connections": 8000}), start=False) as d:
        d.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)))
        with cx.Lines(d.address("lines", "unix")) as old:
            old.send({"id": "x1", "ts": int(time.time()), "queue": "tech"})
            old.settle()
            for face in ("lines", "http", "rep"):
                address = d.address(face, "tcp" if face != "rep" else None)
                crowd = []
                try:
                    mark = len(d.out.lines)
                    for _ in range(400):
                        s = socket.socket(socket.AF_UNIX if face == "rep" else socket.AF_INET, socket.SOCK_STREAM)
                        s.setblocking(False)
                        crowd.append(s)
                        try:
                            s.connect(address.split("://")[1] if face == "rep" else ("127.0.0.1", int(address.rsplit(":", 1)[1])))
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
                assert cpu < 0.1 * cx.SLOW, f"{cpu * 100:.0f} % CPU without descriptors"
                assert said < 10, f"{said} log lines in two seconds"
                assert took < 2 * cx.SLOW, f"{took:.1f} s to recover"
        assert not re.search("<3>", d.out.text())


faults.run()

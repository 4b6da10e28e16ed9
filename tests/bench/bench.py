#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark: surveys per second of cxd's stages, of the whole daemon, and of Redis doing the same work.

Everything runs in turn, in several rounds, so that a slow minute of the machine falls on all; medians and ratios are
printed. Every acknowledged survey is durable: cxd's store commits with an fsync, Redis runs with `appendfsync always`.
What is started here listens on the loopback only, and nothing of it is left behind.
"""

import argparse
import contextlib
import os
import pathlib
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
DAEMON = TREE / "daemon/cxd"
LOAD = TREE / "tests/bench/bench-load"
STAGES = TREE / "tests/bench/bench-stages"
COST = TREE / "tests/bench/bench-cost"
INSTRUCTIONS = TREE / "tests/bench/instructions"

AGENTS, QUEUES, SENDERS = 2000, 50, 8

METRICS = """
  nps: {kind: nps, target: 30, influence: [team_lead, director]}
  csat: {kind: top2, scale: [1, 5], target: 70%, influence: [agent, team_lead, queue_owner]}
  ces: {kind: top3, scale: [1, 7], target: 70%, influence: [queue_owner]}
  fcr: {kind: yes, target: 70%, influence: [queue_owner]}
  courtesy: {kind: top2, scale: [1, 5], target: 70%, influence: [agent, team_lead]}
  knowledge: {kind: top2, scale: [1, 5], target: 70%, influence: [agent, team_lead]}
"""


class Failed(Exception):
    """A sentence for the user."""


def write_config(folder, port):
    """2,000 agents in 100 teams at 10 sites in 2 regions, 50 queues in 5 lines, 6 metrics, 20 rules."""
    rows = [
        f"agent-{i:04},Agent {i},team-{i // 20:03},site-{i // 200:02},region-{i // 1000}" for i in range(AGENTS)
    ]
    (folder / "roster.csv").write_text("agent,name,team,site,region\n" + "\n".join(rows) + "\n")
    rows = [f"queue-{i:02},line-{i // 10}" for i in range(QUEUES)]
    (folder / "queues.csv").write_text("queue,line\n" + "\n".join(rows) + "\n")
    rules = []
    for metric in ("nps", "csat", "ces", "fcr", "courtesy"):
        for scopes, window, test in (
            ("agent/*", "28d", "false_alarms: 1 per 90d"),
            ("team/*", "28d", "false_alarms: 1 per 90d"),
            ("queue/*", "7d", "test: interval, min_n: 30"),
            ("site/*", "today", "test: interval, min_n: 30"),
        ):
            kind = scopes.split("/", 1)[0]
            rules.append(
                f"  - {{name: {metric}-{kind}, metric: {metric}, scopes: {scopes}, window: {window},"
                f" below: target, {test}}}\n"
            )
    file = folder / "cxd.yaml"
    file.write_text(
        f"listen:\n  lines: ['tcp://127.0.0.1:{port}']\n  http: ['unix://%R/cxd.sock']\n  pull: []\n  rep: []\n"
        f"  feed: ['ipc://%R/feed.ipc']\n"
        "roster: roster.csv\nqueues: queues.csv\nsources: {local: {open: true}}\n"
        f"metrics:{METRICS}rules:\n{''.join(rules)}"
    )
    return file


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def running(command, log, **more):
    """A child that is gone at the end, whatever happens."""
    with open(log, "wb") as output:
        child = subprocess.Popen([str(c) for c in command], stdout=output, stderr=output, **more)
    try:
        yield child
        child.terminate()
        if child.wait(30) != 0:
            raise Failed(f"{pathlib.Path(command[0]).name} ended with status {child.returncode}:\n{tail(log)}")
    finally:
        child.kill()
        child.wait()


def tail(log):
    return "\n".join(pathlib.Path(log).read_text("utf-8", "replace").splitlines()[-5:])


def results(command):
    """Runs a driver that prints "name number" per line."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{pathlib.Path(command[0]).name} failed: {done.stderr.strip() or done.returncode}")
    return {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}


def load(kind, port, senders, seconds, window=0, metrics=6):
    return results([LOAD, kind, port, senders, seconds, window, metrics])


@contextlib.contextmanager
def cxd(disk, sockets):
    """A daemon with an empty store; gives its port."""
    port = free_port()
    config = write_config(disk, port)
    ready = sockets / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(ready))
        notify.settimeout(1)
        command = [DAEMON, "--config", config, "--state-dir", disk, "--runtime-dir", sockets]
        with running(command, disk / "cxd.log", env=os.environ | {"NOTIFY_SOCKET": str(ready)}) as child:
            for _ in range(60):
                with contextlib.suppress(socket.timeout):
                    if b"READY=1" in notify.recv(65536):
                        break
                if child.poll() is not None:
                    raise Failed(f"cxd ended with status {child.returncode}:\n{tail(disk / 'cxd.log')}")
            else:
                raise Failed("cxd did not become ready")
            yield port


@contextlib.contextmanager
def redis(disk, program):
    """Redis 7 as Debian installs it, durable; a rewrite of its log never falls into a run."""
    port = free_port()
    command = [program, "--port", port, "--bind", "127.0.0.1", "--dir", disk, "--save", "", "--daemonize", "no"]
    command += ["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"]
    with running(command, disk / "redis.log") as child:
        for _ in range(200):
            with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if child.poll() is not None:
                raise Failed(f"redis-server ended:\n{tail(disk / 'redis.log')}")
            time.sleep(0.05)
        else:
            raise Failed("redis-server did not become ready")
        yield port


class Bench:
    """The rounds, and what they measured: name -> values."""

    def __init__(self, seconds, redis_program):
        self.seconds = seconds
        self.redis = redis_program
        self.values = {}

    def note(self, name, value):
        self.values.setdefault(name, []).append(value)

    @contextlib.contextmanager
    def folders(self):
        # The store lies on the disk of the build tree; sockets need short paths.
        with tempfile.TemporaryDirectory(prefix="bench-", dir=TREE) as disk:
            with tempfile.TemporaryDirectory(prefix="cxd-bench-") as sockets:
                yield pathlib.Path(disk), pathlib.Path(sockets)

    def stages(self):
        with self.folders() as (disk, _):
            config = write_config(disk, 7480)
            for name, value in results([STAGES, config, disk, self.seconds / 2]).items():
                self.note(name, value)

    def instructions(self):
        """Whether no part takes noticeably more instructions than it did; tests/bench/instructions.py says more."""
        if not shutil.which("valgrind"):
            print("  valgrind is not installed: instructions per survey were not counted")
            return True
        with self.folders() as (disk, _):
            command = [sys.executable, INSTRUCTIONS, COST, write_config(disk, 7480), INSTRUCTIONS.with_suffix(".txt")]
            return subprocess.run(command, check=False).returncode == 0

    def daemon(self, name, senders, window=0):
        with self.folders() as (disk, sockets), cxd(disk, sockets) as port:
            got = load("lines", port, senders, self.seconds, window)
        self.note(name, got["rate"])
        for extra in ("p50", "p99"):
            if extra in got:
                self.note(f"{name} {extra}", got[extra])

    def peer(self, name, senders, metrics):
        if not self.redis:
            return
        with self.folders() as (disk, _), redis(disk, self.redis) as port:
            self.note(name, load("redis", port, senders, self.seconds, 0, metrics)["rate"])

    def round(self):
        self.stages()
        self.daemon("cxd 8", SENDERS)
        self.peer("redis 8/6", SENDERS, 6)
        self.daemon("cxd 1", 1)
        self.peer("redis 1/6", 1, 6)
        self.peer("redis 8/3", SENDERS, 3)
        self.daemon("cxd wait", 1, 1)

    def median(self, name):
        return statistics.median(self.values[name])


STAGE_ROWS = (
    ("decode and check a survey", "decode"),
    ("engine step", "engine"),
    ("store, 1 survey per commit", "commit-1"),
    ("store, 10 per commit", "commit-10"),
    ("store, 100 per commit", "commit-100"),
    ("store, 1,000 per commit", "commit-1000"),
)
END_ROWS = (
    ("cxd, 8 senders", "cxd 8", "redis 8/6"),
    ("cxd, 1 sender", "cxd 1", "redis 1/6"),
    ("cxd, 1 sender that waits for each ack", "cxd wait", None),
    ("Redis, 8 senders", "redis 8/6", None),
    ("Redis, 1 sender", "redis 1/6", None),
    ("Redis, 8 senders, only 3 metrics", "redis 8/3", None),
)


def report(bench):
    def row(title, name, ratio=""):
        values = bench.values[name]
        spread = f"{min(values):>12,.0f} .. {max(values):<12,.0f}" if len(values) > 1 else ""
        print(f"  {title:<40}{bench.median(name):>14,.0f}   {ratio:<18}{spread}".rstrip())

    print(f"\n  {'surveys per second, durable':<40}{'median':>14}   {'':<18}{'lowest .. highest':>21}")
    for title, name in STAGE_ROWS:
        row(title, name)
    print()
    for title, name, rival in END_ROWS:
        if name not in bench.values:
            continue
        ratio = f"{bench.median(name) / bench.median(rival):.2f} x Redis" if rival in bench.values else ""
        row(title, name, ratio)
    if "redis 8/3" in bench.values:
        ratio = bench.median("cxd 8") / bench.median("redis 8/3")
        print(f"\n  cxd with 6 metrics against Redis with only 3: {ratio:.2f} x")
    print(
        f"  a sender that waits: {bench.median('cxd wait p50'):,.0f} us from survey to ack (median),"
        f" {bench.median('cxd wait p99'):,.0f} us (p99); a commit alone {1e6 / bench.median('commit-1'):,.0f} us"
    )


def main():
    parser = argparse.ArgumentParser(description="Surveys per second of cxd, beside Redis.")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--quick", action="store_true", help="one round, about 20 seconds; else about 2 minutes")
    group.add_argument("--smoke", action="store_true", help="only whether everything works, without Redis if need be")
    options = parser.parse_args()
    rounds, seconds = (1, 0.2) if options.smoke else (1, 2) if options.quick else (3, 4)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    program = shutil.which("redis-server")
    if not program and not options.smoke:
        raise Failed("redis-server is not installed")
    bench = Bench(seconds, program)
    print(
        f"  {AGENTS:,} agents, {QUEUES} queues, 6 metrics, 20 rules; {platform.machine()},"
        f" {len(os.sched_getaffinity(0))} cores, store on {TREE}"
    )
    if program:
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
        print(
            f"  Redis {version.removeprefix('v=')}: appendfsync always; per survey RPUSH of it, and HINCRBY per agent and"
            " per queue for\n  each answered metric and for the survey; no levels above, no windows, no rules"
        )
    for i in range(rounds):
        bench.round()
        print(f"  round {i + 1} of {rounds}: cxd {bench.values['cxd 8'][-1]:,.0f}/s", flush=True)
    report(bench)
    print()
    if not options.smoke and not bench.instructions():
        raise Failed("a part takes over 5 % more instructions than tests/bench/instructions.txt says")


if __name__ == "__main__":
    try:
        main()
    except Failed as e:
        print(f"bench: {e}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

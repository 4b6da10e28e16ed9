# SPDX-License-Identifier: Apache-2.0
"""Others doing a smaller work on the same surveys.

Each survey is stored, and counted per agent and per queue, as are three of its metrics. No duplicates are looked for,
no levels above, no windows, no rules, no access. This smaller work is what the goals compare with. Redis and PostgreSQL
run a second time with the same counts as cxd: all metrics, for the agent, the queue, and all levels above; still without
the rest.

Each peer has a name, a note on how it runs, and rate(file, seconds), which starts it on the loopback, drives it, stops
it and leaves nothing. available() says why one cannot run here.
"""

import contextlib
import dataclasses
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import tool

SENDERS = 8


@dataclasses.dataclass(frozen=True)
class Work:
    """What a peer counts of each survey: how many of its metrics, for how many of its scopes (bench_levels.h)."""

    name: str
    metrics: int
    levels: int


SMALL = Work("", 3, 2)
SAME = Work(", the same counts as cxd", 6, 7)


def wait_for(child, name, log, is_up):
    for _ in range(600):
        if is_up():
            return
        if child.poll() is not None:
            raise tool.Failed(f"{name} ended:\n{tool.tail(log)}")
        time.sleep(0.05)
    raise tool.Failed(f"{name} did not become ready")


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Redis:
    def __init__(self, tools, durable, work=SMALL):
        self.tools, self.durable, self.work = tools, durable, work
        self.name = f"Redis, {'appendfsync always' if durable else 'no durability'}{work.name}"
        self.note = f"fully pipelined; RPUSH of the survey and up to {(1 + work.metrics) * work.levels} HINCRBY"

    def available(self):
        return None if shutil.which("redis-server") else "redis-server is not installed"

    @contextlib.contextmanager
    def _server(self):
        """As Debian installs it; a rewrite of its log never falls into a run."""
        with self.tools.folder() as folder:
            port = tool.free_port()
            command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", folder, "--daemonize", "no"]
            command += ["--save", "", "--auto-aof-rewrite-percentage", "0"]
            command += ["--appendonly", "yes", "--appendfsync", "always"] if self.durable else ["--appendonly", "no"]
            log = folder / "redis.log"
            with tool.running("redis-server", command, log) as child:
                wait_for(child, "redis-server", log, lambda: accepts(port))
                yield port

    def rate(self, file, seconds):
        with self._server() as port:
            options = ["--redis", "--port", port, "--senders", SENDERS, "--seconds", seconds]
            options += ["--metrics", self.work.metrics, "--levels", self.work.levels]
            return self.tools.drive("bench-load", file, *options)["rate"]


class Postgres:
    note = "synchronous_commit on; one insert-and-upsert statement per 1,000 surveys, prepared, binary"

    def __init__(self, tools, senders, work=SMALL):
        self.tools, self.senders, self.work = tools, senders, work
        self.name = f"PostgreSQL, {senders} connection{'s' if senders > 1 else ''}{work.name}"

    @staticmethod
    def _programs():
        """Debian keeps them off the path."""
        places = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        found = places[-1] if places else shutil.which("initdb")
        return pathlib.Path(found).parent if found else None

    def available(self):
        if not self._programs():
            return "postgresql is not installed"
        if not self.tools.program("bench-postgres"):
            return "libpq-dev was not there when the tree was built"
        if not self._place():
            return "its user cannot reach the disk that is measured"
        return None

    @staticmethod
    def _user():
        """Who runs it, for it refuses to be root; None: we do."""
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(name)
        raise tool.Failed("there is no user for PostgreSQL")

    @staticmethod
    def _identity(user):
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}

    def _place(self):
        """The build tree, or a folder on the same disk where the user can get."""
        identity = self._identity(self._user())
        for place in (self.tools.build, pathlib.Path("/var/tmp")):
            if place.stat().st_dev != self.tools.build.stat().st_dev:
                continue
            if subprocess.run(["test", "-x", str(place)], check=False, **identity).returncode == 0:
                return place
        return None

    @contextlib.contextmanager
    def _folder(self, user):
        with tempfile.TemporaryDirectory(prefix="bench-postgres-", dir=self._place()) as folder:
            if user:
                os.chown(folder, user.pw_uid, user.pw_gid)
            yield pathlib.Path(folder)

    @contextlib.contextmanager
    def _server(self):
        """A throw-away cluster with the settings of a new one. Gives the environment of a client."""
        user = self._user()
        identity = self._identity(user)
        with self._folder(user) as folder:
            programs, data, log = self._programs(), folder / "data", folder / "log"
            password = folder / "password"
            password.touch(0o600)
            password.write_text(secrets.token_hex(16))
            if user:
                os.chown(password, user.pw_uid, user.pw_gid)
            command = [programs / "initdb", "--pgdata", data, "--username", "bench", "--pwfile", password]
            command += ["--auth", "scram-sha-256", "--locale", "C", "--encoding", "UTF8", "--no-sync"]
            done = subprocess.run(
                tool.texts(command), cwd=folder, capture_output=True, text=True, check=False, **identity
            )
            if done.returncode != 0:
                raise tool.Failed(f"initdb failed: {done.stderr.strip()}")
            port = tool.free_port()
            command = [programs / "postgres", "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1"]
            command += ["-c", "unix_socket_directories=", "-c", "synchronous_commit=on"]
            # SIGINT: clients that are left are not waited for.
            with tool.running("postgres", command, log, signal.SIGINT, cwd=folder, **identity) as child:
                wait_for(
                    child, "postgres", log, lambda: b"ready to accept" in pathlib.Path(log).read_bytes()
                )
                yield os.environ | {
                    "PGHOST": "127.0.0.1",
                    "PGPORT": str(port),
                    "PGUSER": "bench",
                    "PGPASSWORD": password.read_text(),
                    "PGDATABASE": "postgres",
                }

    def rate(self, file, seconds):
        with self._server() as environment:
            options = [self.senders, seconds, self.work.metrics, self.work.levels]
            return self.tools.drive("bench-postgres", file, *options, env=environment)["rate"]


class Sqlite:
    name = "SQLite by itself"
    note = "WAL, synchronous FULL, 1,000 surveys a transaction; no network, no other process"

    work = SMALL

    def __init__(self, tools):
        self.tools = tools

    def available(self):
        return None

    def rate(self, file, seconds):
        with self.tools.folder() as folder:
            return self.tools.drive("bench-sqlite", file, folder / "bench.db", seconds, self.work.metrics)["rate"]


def all_of(tools):
    return [
        Redis(tools, True),
        Redis(tools, True, SAME),
        Redis(tools, False),
        Postgres(tools, 1),
        Postgres(tools, SENDERS),
        Postgres(tools, 1, SAME),
        Postgres(tools, SENDERS, SAME),
        Sqlite(tools),
    ]

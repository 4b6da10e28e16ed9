# SPDX-License-Identifier: Apache-2.0
"""A daemon with a store of its own: started, asked how it is doing, sent surveys, stopped."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import time

import tool
import workload

TICKS = os.sysconf("SC_CLK_TCK")
STAGES = ("decode", "engine", "commit", "ack", "fanout")


class Daemon:
    def __init__(self, tools, folder, sockets, centre):
        self.tools, self.centre = tools, centre
        self.folder, self.sockets = folder, sockets
        self.port = tool.free_port()
        self.config = centre.write(folder, self.port)
        self.log = folder / "cxd.log"
        self.socket = sockets / "cxd.sock"
        self.child = None

    def start(self, timeout=3600):
        """Gives the seconds from its start to READY=1."""
        notify = self.sockets / "notify"
        command = [self.tools.daemon, "--config", self.config]
        command += ["--state-dir", self.folder, "--runtime-dir", self.sockets]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(str(notify))
            s.settimeout(0.5)
            begin = time.monotonic()
            self.child = tool.start(command, self.log, env=os.environ | {"NOTIFY_SOCKET": str(notify)})
            while time.monotonic() - begin < timeout:
                with contextlib.suppress(socket.timeout):
                    if b"READY=1" in s.recv(65536):
                        notify.unlink()
                        return time.monotonic() - begin
                if self.child.poll() is not None:
                    break
        raise tool.Failed(f"cxd did not become ready:\n{tool.tail(self.log)}")

    def stop(self):
        tool.stop(self.child, "cxd", self.log)

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def get(self, path):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(str(self.socket))
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: s.recv(1 << 16), b"")).decode()
        head, _, body = answer.partition("\r\n\r\n")
        if " 200 " not in head.splitlines()[0]:
            raise tool.Failed(f"cxd answers {path} with {head.splitlines()[0]}")
        return body

    def counters(self):
        """What /metrics has."""
        found = re.findall(r"^(cxd_\w+(?:\{.*?\})?) (\S+)$", self.get("/metrics"), re.MULTILINE)
        return {name: float(value) for name, value in found}

    def wait_until(self, what, holds):
        """Asks for the counters until @holds() is true of them."""
        end = time.monotonic() + 60
        while not holds(self.counters()):
            if time.monotonic() > end:
                raise tool.Failed(f"not within a minute: {what}")
            time.sleep(0.01)

    def memory(self):
        """Bytes that are resident."""
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text("ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def cpu(self):
        """Processor seconds of the loop's thread, and of all others."""
        own = others = 0
        for task in pathlib.Path(f"/proc/{self.child.pid}/task").iterdir():
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            used = (int(fields[11]) + int(fields[12])) / TICKS
            if int(task.name) == self.child.pid:
                own += used
            else:
                others += used
        return own, others

    def _load(self, file, options):
        options = {"port": self.port, "window": self.tools.window} | options
        return [file, *(x for name, value in options.items() for x in (f"--{name.replace('_', '-')}", value))]

    def load(self, file, **options):
        """Sends surveys; gives what bench-load measured."""
        return self.tools.drive("bench-load", *self._load(file, options))

    def load_beside(self, file, **options):
        return tool.beside(self.tools.program("bench-load"), *self._load(file, options))

    def fill(self, workloads, per_agent, days, first_pass=50000):
        """History: so many surveys an agent and day, up to yesterday. Gives how many there are.

        @first_pass: where there is such a history already, others than those are new.
        """
        file = workloads.day(self.centre, per_agent)
        first = workload.midnight() - days * workload.DAY
        return self.load(file, senders=4, passes=days, first_day=first, first_pass=first_pass)["acked"]

    def watched(self, work):
        """What @work() gives, with what it cost: see Cost."""
        before, cpu_before, begin = self.counters(), self.cpu(), time.monotonic()
        result = work()
        return result, Cost(before, self.counters(), cpu_before, self.cpu(), time.monotonic() - begin)


class Cost:
    """What happened between two looks at the counters. Times are in microseconds."""

    def __init__(self, before, after, cpu_before, cpu_after, elapsed):
        grown = {name: value - before.get(name, 0) for name, value in after.items()}
        self.elapsed = elapsed
        self.surveys = grown['cxd_surveys_total{result="stored"}']
        self.commits = grown["cxd_commits_total"]
        self.commit_time = grown["cxd_commit_seconds_total"] / max(self.commits, 1) * 1e6
        each = 1e6 / max(self.surveys, 1)
        self.loop = (cpu_after[0] - cpu_before[0]) * each
        self.storage = (cpu_after[1] - cpu_before[1]) * each
        self.stages = {stage: grown[f'cxd_stage_seconds_total{{stage="{stage}"}}'] * each for stage in STAGES}


@contextlib.contextmanager
def cxd(tools, centre):
    """One that is ready, with an empty store; gone at the end, whatever happens."""
    with tools.folder() as folder, tool.socket_folder() as sockets:
        daemon = Daemon(tools, folder, sockets, centre)
        try:
            daemon.start()
            yield daemon
            daemon.stop()
        finally:
            if daemon.child:
                daemon.child.kill()
                daemon.child.wait()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the service manager sees and does: notifications, inherited sockets, signals, exit statuses."""

import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import cx

NOW = int(time.time())


def survey(name):
    return {"id": name, "ts": NOW - 60, "agent": "ana", "queue": "tech", "answers": {"csat": 4}}


class Manager:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, d):
        self.path = d.path("notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def next(self, timeout=20):
        self.sock.settimeout(cx.seconds(timeout))
        return dict(line.split("=", 1) for line in self.sock.recv(4096).decode().split("\n") if line)

    def wait(self, key, timeout=20):
        """The next message with this key; those before it may only be other news of a running service."""
        while True:
            message = self.next(timeout)
            if key in message:
                return message
            assert set(message) <= {"STATUS", "WATCHDOG", "EXTEND_TIMEOUT_USEC"}, (message, key)


@cx.case("READY=1 comes when requests are taken, STATUS= follows, a reload is framed, STOPPING=1 comes before the end")
def notify():
    with cx.Daemon(start=False) as d, Manager(d) as m:
        d.spawn(env={"NOTIFY_SOCKET": m.path})
        message = m.wait("READY")
        assert message["READY"] == "1" and message["STATUS"], message
        d.wait_ready()
        assert d.http().get("/readyz").status == 200
        assert "surveys" in m.wait("STATUS", 10)["STATUS"]
        for text, good in (("windows: 7\n", False), (None, True)):
            d.configure(text or cx.base_config(future_skew="7m"))
            before = time.monotonic_ns() // 1000
            d.process.send_signal(signal.SIGHUP)
            message = m.wait("RELOADING")
            assert message["RELOADING"] == "1"
            assert before - 1000 <= int(message["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
            message = m.wait("READY")
            assert message["READY"] == "1" and ("refused" in message["STATUS"]) != good, message
        d.process.send_signal(signal.SIGTERM)
        assert m.wait("STOPPING")["STOPPING"] == "1"
        assert d.wait() == 0
        d.configure("windows: 7\n")
        d.spawn(env={"NOTIFY_SOCKET": m.path})
        assert d.wait() == 78
        m.sock.setblocking(False)
        try:
            message = m.sock.recv(4096)
        except BlockingIOError:
            message = b""
        assert b"READY=1" not in message, "it was never ready"


@cx.case("STATUS= says why surveys are refused, also after a reload, until they are taken")
def obstacle():
    with cx.Daemon(start=False) as d, Manager(d) as m:
        d.spawn(env={"NOTIFY_SOCKET": m.path})
        m.wait("READY")
        d.wait_ready()
        # No file may grow: as good as a full disk.
        resource.prlimit(d.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        with d.http() as h:
            assert h.post("/v1/surveys", cx.lines_of([survey("s1")])).status == 503
            full = {"STATUS": "the disk is full: surveys are refused"}
            while m.next() != full:
                pass
            for text in ("windows: 7\n", None, cx.base_config(future_skew="7m")):
                d.configure(text or cx.base_config())
                d.process.send_signal(signal.SIGHUP)
                m.wait("RELOADING")
                m.wait("READY")
                message = m.next()
                assert message == full, message
            assert h.get("/readyz").body == b"not ready: the disk is full\n"
            resource.prlimit(d.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            assert "alerts active" in m.wait("STATUS")["STATUS"]
            assert h.get("/readyz").status == 200


@cx.case("WATCHDOG=1 comes at least twice in each interval, also under load, and only for the process that is meant")
def watchdog():
    with cx.Daemon(start=False) as d, Manager(d) as m:
        d.spawn(env={"NOTIFY_SOCKET": m.path, "WATCHDOG_USEC": "1000000"})
        m.wait("READY")
        with d.lines() as c:
            times = [time.monotonic()]
            while len(times) < 7:
                c.send(*(survey(f"{len(times)}-{i}") for i in range(500)))
                c.settle()
                ready, _, _ = select.select([m.sock], [], [], 0)
                if ready and "WATCHDOG" in m.next():
                    times.append(time.monotonic())
                assert time.monotonic() - times[-1] < cx.seconds(2), "no watchdog message"
            assert times[-1] - times[0] < 6 * cx.seconds(0.5) and times[-1] - times[0] > 2
        d.stop()
        m.wait("STOPPING")
        d.spawn(env={"NOTIFY_SOCKET": m.path, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"})
        m.wait("READY")
        m.sock.settimeout(1)
        try:
            while True:
                assert b"WATCHDOG" not in m.sock.recv(4096), "the watchdog of another process"
        except TimeoutError:
            pass


LAUNCH = """
import os, sys
fds = [int(n) for n in sys.argv[1].split(",")]
high = [os.dup(fd) for fd in fds]
high = [__import__("fcntl").fcntl(fd, 0, 50) for fd in high]
for n, fd in enumerate(high, 3):
    os.dup2(fd, n)
    os.set_inheritable(n, True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


@cx.case("inherited sockets are taken by their names, keep their clients waiting over a restart, and are not removed")
def inherited():
    with cx.Daemon(start=False) as d:
        sockets = {}
        for name in ("http", "lines", "rep", "pull", "feed"):
            s = socket.socket(socket.AF_UNIX)
            s.bind(d.path(name))
            s.listen(50)
            sockets[name] = s
        tcp = socket.create_server(("127.0.0.1", 0))
        given = [*sockets.items(), ("lines", tcp)]
        d.configure(cx.base_config(listen={face: [] for face in sockets}))
        fds = [s.fileno() for _, s in given]

        def start():
            d.spawn(prefix=[sys.executable, "-c", LAUNCH, ",".join(map(str, fds))], pass_fds=fds,
                    env={"LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(n for n, _ in given)})

        # Who comes before the daemon waits in the socket, not at a closed door.
        early = d._keep(cx.Lines("unix://" + d.path("lines")))
        early.send(survey("early"))
        start()
        assert early.settle()["stored"] == 1
        d.wait_ready()
        with cx.Http("unix://" + d.path("http")) as h:
            assert h.json("/v1/status")["surveys"]["counted"] == 1
        with cx.Sp("ipc://" + d.path("rep"), "REQ") as r:
            assert b'"stored":1' in r.ask(cx.lines_of([survey("rep")]))
        with cx.Lines("tcp://127.0.0.1:%d" % tcp.getsockname()[1]) as c:
            c.send(survey("tcp"))
            assert c.settle()["stored"] == 1
        d.stop()
        assert all(os.path.exists(d.path(name)) for name in sockets), "their files are the service manager's"
        between = d._keep(cx.Lines("unix://" + d.path("lines")))
        between.send(survey("between"), survey("early"))
        start()
        assert between.settle() == {"ack": 2, "stored": 1, "duplicate": 1, "revised": 0, "refused": 0}
        d.wait_ready()
        for s in (*sockets.values(), tcp):
            s.close()


def with_both_kinds(d, s, face):
    """Hands over a socket for IPv6 and IPv4 as one for lines; @face has either way of writing its address in turn."""
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", 0))
    s.listen(5)
    port = s.getsockname()[1]
    config = cx.base_config(insecure=True)
    for host in "*", "[::]":
        config["listen"][face] = [f"tcp://{host}:{port}"]
        d.configure(config)
        d.spawn(prefix=[sys.executable, "-c", LAUNCH, str(s.fileno())], pass_fds=[s.fileno()],
                env={"LISTEN_FDS": "1", "LISTEN_FDNAMES": "lines"})
        yield host, port


@cx.case("an inherited socket for IPv6 and IPv4 is the address with an asterisk, which is not opened once more")
def inherited_any():
    with cx.Daemon(start=False) as d, socket.socket(socket.AF_INET6) as s:
        for host, port in with_both_kinds(d, s, "lines"):
            d.wait_ready()
            with cx.Lines(f"tcp://127.0.0.1:{port}") as c:
                c.send(survey(host))
                assert c.settle()["stored"] == 1
            d.stop()


@cx.case("an address that another face has already ends the start: no face is left out in silence")
def another_face():
    with cx.Daemon(start=False) as d, socket.socket(socket.AF_INET6) as s:
        for _, port in with_both_kinds(d, s, "http"):
            assert d.wait() == 74
            assert d.out.find(rf"listen http tcp://.*:{port} failed: Address already in use"), d.out.lines


@cx.case("of an inherited socket that belongs to no face the log tells")
def inherited_stranger():
    with cx.Daemon(start=False) as d, socket.create_server(("127.0.0.1", 0)) as s:
        d.spawn(prefix=[sys.executable, "-c", LAUNCH, str(s.fileno())], pass_fds=[s.fileno()],
                env={"LISTEN_FDS": "1", "LISTEN_FDNAMES": "cxd.socket"})
        d.wait_ready()
        assert d.out.find(r'<4>inherited socket name="cxd.socket" is none of lines, http'), d.out.lines


@cx.case("a wrong configuration does not have sockets start it many times a second; a check does not wait")
def activated_wrongly():
    with cx.Daemon("windows: 7\n", start=False) as d, socket.create_server(("127.0.0.1", 0)) as s:
        launch = {"pass_fds": [s.fileno()], "env": {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "lines"}}
        took = []
        for more in [], ["--check"]:
            begin = time.monotonic()
            d.spawn(prefix=[sys.executable, "-c", LAUNCH, str(s.fileno())], more=more, **launch)
            assert d.wait() == 78
            took.append(time.monotonic() - begin)
        assert took[0] >= 1 and took[1] < took[0], took


@cx.case("systemd-socket-activate starts it with the first connection")
def activated():
    activate = cx.tool("systemd-socket-activate")
    with cx.Daemon(start=False) as d:
        d.configure(cx.base_config(listen={face: [] for face in ("http", "lines", "pull", "rep", "feed")}))
        d.spawn(prefix=[activate, "--fdname=http:lines", "-l", d.path("http"), "-l", d.path("lines")])
        cx.until("it listens", lambda: os.path.exists(d.path("lines")))
        with cx.Http("unix://" + d.path("http")) as h:
            assert h.json("/v1/status")["state"] == "ready"
        with cx.Lines("unix://" + d.path("lines")) as c:
            c.send(survey("a"))
            assert c.settle()["stored"] == 1


@cx.case("SIGTERM under load, 10 times: exit status 0 within seconds, and nothing that was acknowledged is lost")
def drained():
    with cx.Daemon() as d:
        known = set()
        for turn in range(10):
            acked, stop = [], threading.Event()

            def send(kind, number):
                try:
                    with cx.Lines(d.address("lines", kind)) as c:
                        sent = []
                        try:
                            while not stop.is_set():
                                names = [f"{turn}-{number}-{len(sent) + i}" for i in range(200)]
                                c.write(cx.lines_of([survey(n) for n in names]))
                                sent += names
                            while c.reply() is not None:
                                pass
                        finally:
                            acked.extend(sent[: c.acked()["ack"]])
                            assert not c.refusals(), c.refusals()[:2]
                except OSError:
                    pass

            threads = [threading.Thread(target=send, args=(k, i)) for i, k in enumerate(("tcp", "unix", "unix"))]
            for t in threads:
                t.start()
            goal = 500 * (turn + 1)
            cx.until("load flows", lambda: d.status()["surveys"]["stored"] > goal)
            begin = time.monotonic()
            d.process.send_signal(signal.SIGTERM)
            status = d.wait()
            took = time.monotonic() - begin
            stop.set()
            for t in threads:
                t.join()
            assert status == 0 and took < cx.seconds(2), (status, took)
            assert len(acked) > 100
            known |= set(acked)
            d.start()
            with d.lines() as c:
                c.send(*(survey(n) for n in acked))
                ack = c.settle()
                assert ack["duplicate"] == len(acked), ack


@cx.case("a stop does not wait for HTTP clients that have all of their answers and keep their connection")
def kept_connection():
    with cx.Daemon() as d:
        with d.http() as idle, d.http("tcp") as other:
            idle.json("/v1/status")
            assert other.get("/readyz").status == 200
            d.stop()
        assert not d.out.find("stop takes too long")


@cx.case("SIGTERM during a reload, and SIGINT, end it as well")
def interrupted():
    with cx.Daemon() as d:
        with d.lines() as c:
            c.send(*(survey(f"s-{i}") for i in range(30000)))
            c.finish()
        for kind in (signal.SIGTERM, signal.SIGINT):
            d.write("roster.csv", cx.ROSTER.replace("madrid", f"place{int(kind)}"))
            d.process.send_signal(signal.SIGHUP)
            d.out.wait("computed anew")
            mark = len(d.out.lines)
            d.process.send_signal(kind)
            assert d.wait() == 0
            assert not [line for line in d.out.lines[mark:] if line.startswith("<3>")], d.out.lines[mark:]
            d.start()
            assert d.status()["surveys"]["counted"] == 30000


@cx.case("a start tells that it reads, so that it is given the time for it, and SIGTERM ends it meanwhile")
def reading():
    with cx.Daemon(cx.base_config(store={"snapshot_after": 0}), start=False) as d, Manager(d) as m:
        d.start()
        with d.lines() as c:
            c.send(*(survey(f"s-{i}") for i in range(30000)))
            c.finish()
        d.kill()
        for kind in (signal.SIGTERM, signal.SIGINT):
            d.spawn(env={"NOTIFY_SOCKET": m.path})
            opening, reading = m.wait("EXTEND_TIMEOUT_USEC"), m.wait("EXTEND_TIMEOUT_USEC")
            d.process.send_signal(kind)
            assert opening["STATUS"] == "opening the store" and int(opening["EXTEND_TIMEOUT_USEC"]) == 3600 * 10**6, opening
            assert reading["STATUS"] == "reading the store: 0 surveys" and int(reading["EXTEND_TIMEOUT_USEC"]) == 300 * 10**6
            assert d.wait() == 0 and not d.out.find("ready version"), d.out.lines
        d.start()
        assert d.status()["surveys"]["counted"] == 30000


@cx.case("a second daemon on the same store gives up with 74 and does no harm; the sockets stay the first one's")
def second():
    with cx.Daemon() as d:
        d.send(survey("a"))
        for runtime in ("r", "r2"):
            os.makedirs(d.path(runtime), exist_ok=True)
            argv = d.argv()
            argv[argv.index("--runtime-dir") + 1] = d.path(runtime)
            r = subprocess.run(argv, capture_output=True, timeout=cx.seconds(20), check=False)
            assert r.returncode == 74, (r.returncode, r.stderr)
            assert b"<3>" in r.stderr and b"ready" not in r.stderr, r.stderr
        d.send(survey("b"))
        assert d.status()["surveys"]["counted"] == 2
        d.restart(kill=True)
        assert d.status()["surveys"]["counted"] == 2
        # With a store of its own it may still not take over addresses.
        os.mkdir(d.path("s2"))
        argv = d.argv()
        argv[argv.index("--state-dir") + 1] = d.path("s2")
        r = subprocess.run(argv, capture_output=True, timeout=cx.seconds(20), check=False)
        assert r.returncode == 74 and b"in use" in r.stderr, r.stderr
        d.send(survey("c"))


def command(*argv):
    r = subprocess.run([cx.CXD, *argv], capture_output=True, text=True, timeout=cx.seconds(20), check=False)
    return r.returncode, r.stdout, r.stderr


@cx.case("--check, --print-config (which loads back, unchanged), --version, and the exit statuses of wrong use")
def flags():
    with cx.Daemon(start=False) as d:
        where = d.argv()[1:]
        assert command(*where, "--check") == (0, f"{d.file}: good\n", "")
        status, text, errors = command(*where, "--print-config")
        assert status == 0 and not errors and "future_skew: " in text
        d.write("back.yaml", text)
        again = [d.path("back.yaml") if a == d.file else a for a in where]
        assert command(*again, "--print-config") == (0, text, "")
        d.configure("windows: 7\n")
        for more in ([], ["--check"], ["--print-config"]):
            status, text, errors = command(*where, *more)
            assert status == 78 and not text and "cxd.yaml:1: windows: " in errors, (more, status, text, errors)
        status, text, errors = command("--config", d.path("none.yaml"), "--check")
        assert status == 78 and "none.yaml" in errors
        status, text, _ = command("--version")
        assert status == 0 and cx.re.fullmatch(r"cxd \d+\.\d+\.\d+\n", text), text
        assert command("--help")[0] == 0
        for wrong in (["--nonsense"], ["word"], ["--log-level", "loud"]):
            assert command(*wrong)[0] == 64, wrong
        # A store of a newer version, or one that is none, is left as it is.
        d.configure(cx.base_config())
        with open(d.path("s", "cxd.db"), "wb") as file:
            file.write(b"this is no database, but somebody's letter\n" * 200)
        d.spawn()
        assert d.wait() in (74, 78)
        with open(d.path("s", "cxd.db"), "rb") as file:
            assert file.read().startswith(b"this is no database")


cx.run()

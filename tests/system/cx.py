# SPDX-License-Identifier: Apache-2.0
"""What the system tests share: a daemon of their own, clients that can send any bytes, and a runner that prints TAP.

A test owns everything that it uses: a directory with a short name, sockets in it, TCP ports that the kernel chose. It
waits for events (a log line, bytes on a socket, the end of a process), always with a bound, and leaves nothing behind.
"""

import calendar
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

CXD = os.environ.get("CXD", "build/dev/daemon/cxd")
CXCTL = os.environ.get("CXCTL", "build/dev/client/cxctl")
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Sanitizers make everything slower, and memory grows by their own books.
SLOW = float(os.environ.get("CX_SLOW", "1"))
SANITIZED = SLOW > 1


def seconds(n):
    """A bound of n seconds on a machine that may be busy with other tests."""
    return n * SLOW * 3


class Skip(Exception):
    """This case cannot run here; the reason is shown."""


def shared(name):
    """A file of the shared test data."""
    path = os.path.join(os.environ.get("CX_SHARED", "/nonexistent"), name)
    if not os.path.exists(path):
        raise Skip(f"there is no {name}; CX_SHARED does not lead to it")
    return path


def tool(name):
    """The path of a program."""
    path = shutil.which(name)
    if path is None:
        raise Skip(f"there is no {name}")
    return path


def until(what, fn, timeout=10):
    """Asks fn() again and again until it says something true, and returns that."""
    end = time.monotonic() + seconds(timeout)
    while True:
        value = fn()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds(timeout):.0f} s: {what}"
        select.select([], [], [], 0.01)


def stamp(usec):
    """RFC 3339 in UTC, microseconds if there are any."""
    whole, rest = divmod(usec, 1000000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
    return f"{text}.{rest:06d}Z" if rest else f"{text}Z"


def lines_of(surveys):
    """NDJSON."""
    return b"".join(json.dumps(s, ensure_ascii=False).encode() + b"\n" for s in surveys)


# --- sockets --------------------------------------------------------------------------------------------------------


def connect(address, timeout=10):
    """A connection to unix:///path, ipc:///path or tcp://host:port."""
    kind, rest = address.split("://", 1)
    if kind in ("unix", "ipc"):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        where = rest
    else:
        host, port = rest.rsplit(":", 1)
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        where = (host, int(port))
    s.settimeout(seconds(timeout))
    try:
        s.connect(where)
    except BaseException:
        s.close()
        raise
    return s


class Reader:
    """Takes what comes on a socket in pieces that make sense."""

    def __init__(self, sock):
        self.sock = sock
        self.bytes = b""
        self.ended = False

    def more(self, timeout=None):
        """Reads once. False: the peer has closed."""
        if timeout is not None:
            self.sock.settimeout(timeout)
        try:
            data = self.sock.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        self.bytes += data
        self.ended = self.ended or not data
        return bool(data)

    def exactly(self, n):
        while len(self.bytes) < n:
            assert self.more(), f"the stream ended after {self.bytes[:200]!r}"
        taken, self.bytes = self.bytes[:n], self.bytes[n:]
        return taken

    def until(self, mark):
        while mark not in self.bytes:
            assert self.more(), f"the stream ended after {self.bytes[:200]!r}"
        taken, self.bytes = self.bytes.split(mark, 1)
        return taken

    def rest(self):
        while self.more():
            pass
        taken, self.bytes = self.bytes, b""
        return taken


class Lines:
    """A client of the line protocol."""

    def __init__(self, address):
        self.sock = connect(address)
        self.reader = Reader(self.sock)
        self.replies = []
        self.sent = 0  # lines

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def write(self, data):
        """Raw bytes; reads replies while the daemon takes nothing."""
        self.sock.settimeout(seconds(30))
        view = memoryview(data)
        while view:
            ready, writable, _ = select.select([self.sock], [self.sock], [], seconds(30))
            assert ready or writable, "the daemon neither takes nor answers"
            if ready:
                if not self.reader.more():
                    raise ConnectionResetError("closed while writing")
                self._split()
            if writable:
                view = view[self.sock.send(view[: 1 << 16]) :]
        self.sent += data.count(b"\n")

    def send(self, *surveys):
        self.write(lines_of(surveys))

    def _split(self):
        *whole, self.reader.bytes = self.reader.bytes.split(b"\n")
        self.replies += [json.loads(line) for line in whole]

    def reply(self):
        """The next line that comes, or None at the end."""
        before = len(self.replies)
        while len(self.replies) == before:
            if not self.reader.more(seconds(20)):
                return None
            self._split()
        return self.replies[before]

    def acked(self):
        """The last acknowledgement so far."""
        return next((r for r in reversed(self.replies) if "ack" in r), {"ack": 0})

    def settle(self, n=None):
        """Waits until line n, or all that was sent, is acknowledged, and returns that acknowledgement."""
        n = self.sent if n is None else n
        while self.acked()["ack"] < n:
            assert self.reply() is not None, f"closed before line {n} was acknowledged: {self.replies[-3:]}"
        return self.acked()

    def refusals(self):
        return [r for r in self.replies if "code" in r]

    def finish(self):
        """Half-closes and reads to the end; returns the last acknowledgement."""
        self.sock.shutdown(socket.SHUT_WR)
        while self.reply() is not None:
            pass
        return self.acked()


class Reply:
    """An HTTP response."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json().get("code")


class Http:
    """An HTTP client of few words; raw() sends whatever it is given."""

    def __init__(self, address, token=None):
        self.address = address
        self.token = token
        self.host = "localhost" if address.startswith("unix") else address.split("://")[1]
        self.sock = None
        self.reader = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    def open(self):
        if self.sock is None:
            self.sock = connect(self.address)
            self.reader = Reader(self.sock)

    def raw(self, data, half_close=False):
        self.open()
        self.sock.settimeout(seconds(30))
        self.sock.sendall(data)
        if half_close:
            self.sock.shutdown(socket.SHUT_WR)

    def head(self):
        """Status and header fields of what comes next."""
        self.sock.settimeout(seconds(30))
        first, *fields = self.reader.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 ([1-5]\d\d) .+", first)
        assert match, f"no status line: {first!r}"
        headers = {}
        for field in fields:
            name, value = field.split(":", 1)
            headers[name.lower()] = value.strip()
        return int(match[1]), headers

    def response(self, method="GET"):
        status, headers = self.head()
        if status == 100:
            return Reply(status, headers, b"")
        if method == "HEAD" or status in (204, 304):
            body = b""
        elif "content-length" in headers:
            body = self.reader.exactly(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            body = b""
            while n := int(self.reader.until(b"\r\n"), 16):
                body += self.reader.exactly(n)
                assert self.reader.exactly(2) == b"\r\n"
            assert self.reader.until(b"\r\n") == b""
        else:
            body = self.reader.rest()
        if headers.get("connection") == "close":
            self.close()
        return Reply(status, headers, body)

    def request(self, method, target, body=None, headers=()):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        fields = {"Host": self.host, **dict(headers)}
        if self.token and "Authorization" not in fields:
            fields["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            fields["Content-Length"] = str(len(body))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n"
        self.raw(head.encode() + (body or b""))
        return self.response(method)

    def get(self, path, headers=(), **params):
        params = {k: v for k, v in params.items() if v is not None}
        target = path + ("?" + urllib.parse.urlencode(params) if params else "")
        return self.request("GET", target, headers=headers)

    def json(self, path, **params):
        r = self.get(path, **params)
        assert r.status == 200, f"{path} {params}: {r.status} {r.body[:300]!r}"
        return r.json()

    def post(self, path, body=b"", headers=()):
        return self.request("POST", path, body, headers)


class Events:
    """A stream of server-sent events."""

    def __init__(self, address, token=None, since=None, last=None):
        self.http = Http(address, token)
        self.http.open()
        target = "/v1/stream" + (f"?since={since}" if since is not None else "")
        fields = f"Host: {self.http.host}\r\n"
        fields += f"Authorization: Bearer {token}\r\n" if token else ""
        fields += f"Last-Event-ID: {last}\r\n" if last is not None else ""
        self.http.raw(f"GET {target} HTTP/1.1\r\n{fields}\r\n".encode())
        self.status, self.headers = self.http.head()
        self.text = b""
        self.seen = []
        if self.status == 200:
            # The comment at the start says that the subscription stands, and the number behind it where it begins.
            self.begun = int(re.match(rb": cxd\nid: (\d+)\n", self._block())[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.http.close()

    def _take(self):
        reader = self.http.reader
        if self.headers.get("transfer-encoding") == "chunked":
            n = int(reader.until(b"\r\n"), 16)
            data = reader.exactly(n)
            reader.exactly(2)
            if n == 0:
                raise EOFError
            self.text += data
        else:
            if not reader.bytes and not reader.more():
                raise EOFError
            self.text, reader.bytes = self.text + reader.bytes, b""

    def _block(self):
        while b"\n\n" not in self.text:
            self._take()
        block, self.text = self.text.split(b"\n\n", 1)
        return block

    def next(self, *kinds, timeout=20):
        """The next event of one of these kinds, as (kind, id, data)."""
        self.http.sock.settimeout(seconds(timeout))
        end = time.monotonic() + seconds(timeout)
        while True:
            assert time.monotonic() < end, f"no {kinds} came, only {self.seen[-3:]}"
            fields = dict(line.split(": ", 1) for line in self._block().decode().split("\n") if not line.startswith(":"))
            if not fields.get("event"):
                continue
            event = (fields["event"], int(fields["id"]), json.loads(fields["data"]))
            self.seen.append(event)
            if not kinds or event[0] in kinds:
                return event

    def alerts(self, n, timeout=20):
        return [self.next("alert", timeout=timeout) for _ in range(n)]


class Sp:
    """A nanomsg peer: one of PUSH, REQ, SUB."""

    KINDS = {"SUB": 33, "REQ": 48, "PUSH": 80}
    PEERS = {"SUB": 32, "REQ": 49, "PUSH": 81}

    def __init__(self, address, kind):
        self.ipc = not address.startswith("tcp")
        self.sock = connect(address)
        self.reader = Reader(self.sock)
        self.number = 0
        self.sock.sendall(b"\0SP\0" + struct.pack(">HH", self.KINDS[kind], 0))
        header = self.reader.exactly(8)
        assert header == b"\0SP\0" + struct.pack(">HH", self.PEERS[kind], 0), header

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, message):
        self.sock.sendall((b"\1" if self.ipc else b"") + struct.pack(">Q", len(message)) + message)

    def recv(self, timeout=20):
        self.sock.settimeout(seconds(timeout))
        if self.ipc:
            assert self.reader.exactly(1) == b"\1"
        return self.reader.exactly(struct.unpack(">Q", self.reader.exactly(8))[0])

    def ask(self, message):
        """REQ: the answer to one request."""
        self.number += 1
        number = struct.pack(">I", 0x80000000 | self.number)
        self.send(number + message)
        answer = self.recv()
        assert answer[:4] == number, answer[:4]
        return answer[4:]


# --- processes ------------------------------------------------------------------------------------------------------


class Output:
    """The lines that a process writes, as they come."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.lines = []
        self.news = threading.Condition()
        self.ended = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        for line in self.pipe:
            with self.news:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def find(self, pattern, start=0):
        return next((m for m in map(re.compile(pattern).search, self.lines[start:]) if m), None)

    def wait(self, pattern, start=0, timeout=20):
        """The match of the first line from number start on that has the pattern."""
        with self.news:
            found = self.news.wait_for(lambda: self.find(pattern, start) or self.ended, seconds(timeout))
            match = self.find(pattern, start)
        assert match, f"{'it ended' if found else 'time passed'} without /{pattern}/:\n" + "\n".join(self.lines[-30:])
        return match

    def text(self):
        return "\n".join(self.lines)


class Tool:
    """Another program that runs for a while, such as nngcat."""

    def __init__(self, *argv, stdin=subprocess.DEVNULL):
        self.process = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.out = Output(self.process.stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.out.thread.join()
        self.process.stdout.close()


ROSTER = """agent,name,team,site,region
ana,Ana Ruiz,alpha,madrid,iberia
ben,Ben Cole,alpha,madrid,iberia
cleo,Cleo Marin,alpha,madrid,iberia
dora,Dora Lind,bravo,lisbon,iberia
emil,Emil Koch,bravo,lisbon,iberia
finn,Finn Aas,bravo,lisbon,iberia
"""
QUEUES = "queue,line\nbilling-es,billing\nbilling-pt,billing\ntech,technical\nsales,growth\n"

METRICS = {
    "nps": {"kind": "nps", "scale": [0, 10], "target": 30, "influence": ["team_lead", "queue_owner", "director"]},
    "csat": {"kind": "top2", "scale": [1, 5], "target": "80%", "influence": ["agent", "team_lead", "queue_owner"]},
    "fcr": {"kind": "yes", "target": "72%", "influence": ["queue_owner", "product_owner"]},
    "wait": {"kind": "mean", "scale": [1, 5], "target": 4, "influence": ["planner", "queue_owner"]},
    "response": {"kind": "response", "influence": ["director"]},
}


def token(name):
    """The token of a principal or source in these tests, and its digest."""
    import hashlib

    text = f"{name}-" + "0123456789abcdef" * 4
    return text, hashlib.sha256(text.encode()).hexdigest()


def person(name, role, scope, **more):
    return {name: {"role": role, "scope": scope, "token_sha256": token(name)[1], **more}}


def base_config(**more):
    """JSON is YAML, too."""
    config = {
        "timezone": "UTC",
        "roster": "roster.csv",
        "queues": "queues.csv",
        "windows": ["1h", "today", "7d", "28d", "90d"],
        "listen": {
            "lines": ["tcp://127.0.0.1:0", "unix://%R/lines"],
            "http": ["tcp://127.0.0.1:0", "unix://%R/http"],
            "pull": ["ipc://%R/pull"],
            "rep": ["ipc://%R/rep"],
            "feed": ["ipc://%R/pub"],
        },
        "metrics": METRICS,
    }
    config.update(more)
    return config


class Daemon:
    """A cxd of its own."""

    def __init__(self, config=None, roster=ROSTER, queues=QUEUES, env=None, start=True, **more):
        self.dir = tempfile.mkdtemp(prefix="cx", dir="/tmp")
        self.process = None
        self.out = None
        self.env = env or {}
        self.clients = []
        self.file = self.path("cxd.yaml")
        for name in ("s", "r"):
            os.mkdir(self.path(name), 0o750)
        self.write("roster.csv", roster)
        self.write("queues.csv", queues)
        self.configure(config if config is not None else base_config(**more))
        if start:
            try:
                self.start()
            except BaseException:
                self.cleanup()
                raise

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        """Replaces a file in one go."""
        with open(self.path(name + ".new"), "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.path(name + ".new"), self.path(name))

    def configure(self, config):
        self.write("cxd.yaml", config if isinstance(config, str) else json.dumps(config, indent=1) + "\n")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            # Also one that nobody has waited for: it may have ended by itself.
            if kind is None and self.process and not self.process.stderr.closed:
                self.stop()
            elif kind is not None and self.out:
                print("# the daemon's last lines:\n# " + "\n# ".join(self.out.lines[-25:]), flush=True)
        finally:
            self.cleanup()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def argv(self):
        return [CXD, "--config", self.file, "--state-dir", self.path("s"), "--runtime-dir", self.path("r")]

    def spawn(self, env=None, prefix=(), more=(), level="debug", **options):
        assert not self.alive()
        self.process = subprocess.Popen(
            [*prefix, *self.argv(), "--log-level", level, *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={**os.environ, **self.env, **(env or {})}, **options,
        )
        self.out = Output(self.process.stderr)

    def start(self, **options):
        self.spawn(**options)
        self.wait_ready()
        return self

    def wait_ready(self):
        self.out.wait(r"ready version=", timeout=60)

    def address(self, face, kind=None):
        """tcp: with the port that the kernel chose; unix: the socket file, the only one that nanomsg has here."""
        if (kind or ("tcp" if face in ("lines", "http") else "unix")) == "tcp":
            return "tcp://" + self.out.wait(rf"listen {face} address=tcp://(\S+)")[1]
        return ("unix://" if face in ("lines", "http") else "ipc://") + self.path("r", {"feed": "pub"}.get(face, face))

    def feed(self, principal):
        return "ipc://" + self.path("r", "feed", principal + ".ipc")

    def lines(self, kind="unix"):
        return self._keep(Lines(self.address("lines", kind)))

    def http(self, kind="unix", who=None):
        """As admin on the Unix socket, or as somebody with a token over TCP."""
        if who:
            return self._keep(Http(self.address("http"), token(who)[0]))
        return self._keep(Http(self.address("http", kind)))

    def events(self, who, **more):
        return self._keep(Events(self.address("http"), token(who)[0], **more))

    def _keep(self, client):
        self.clients.append(client)
        return client

    def send(self, *surveys):
        """Stores these through a connection of their own."""
        with Lines(self.address("lines", "unix")) as c:
            c.send(*surveys)
            ack = c.settle()
            assert ack["refused"] == 0, c.refusals()[:3]
            return ack

    def status(self):
        with Http(self.address("http", "unix")) as h:
            return h.json("/v1/status")

    def n_answers(self):
        """To csat, of everybody in the last seven days."""
        with Http(self.address("http", "unix")) as h:
            return h.json("/v1/figures", scope="org", metric="csat", window="7d")["figures"][0]["n"]

    def cxctl(self, *arguments, status=0, **more):
        result = subprocess.run(
            [CXCTL, "-H", "unix:" + self.path("r", "http"), *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds(60), check=False, **more,
        )
        assert result.returncode == status, (arguments, result.returncode, result.stdout[-500:], result.stderr[-500:])
        return result.stdout

    def reload(self, expect="reload done"):
        mark = len(self.out.lines)
        self.process.send_signal(signal.SIGHUP)
        self.out.wait(expect, mark, timeout=60)
        return self.out.lines[mark:]

    def wait(self, timeout=20):
        """The exit status."""
        status = self.process.wait(seconds(timeout))
        self.out.thread.join(seconds(10))
        self.process.stderr.close()
        self.check_log()
        return status

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.wait()
        assert status == 0, f"exit status {status}:\n" + "\n".join(self.out.lines[-20:])

    def kill(self):
        self.process.kill()
        status = self.process.wait()
        self.out.thread.join(seconds(10))
        self.process.stderr.close()
        self.check_log()
        assert status == -signal.SIGKILL, f"it had ended by itself, exit status {status}:\n" + "\n".join(self.out.lines[-20:])

    def restart(self, kill=False, **options):
        if kill:
            self.kill()
        else:
            self.stop()
        return self.start(**options)

    def is_traced(self):
        """Whether all of its threads are, by a tool that was started a moment ago."""
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/status", encoding="ascii") as file:
                if "TracerPid:\t0\n" in file.read():
                    return False
        return True

    def check_log(self):
        bad = [s for s in self.out.lines if re.search(r"Sanitizer|runtime error:|Assertion .* failed", s)]
        assert not bad, self.out.text()[-6000:]

    def _memory(self, field):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"{field}:\s+(\d+) kB", file.read())[1]) * 1024

    def rss(self):
        """Bytes of memory in use."""
        return self._memory("VmRSS")

    def rss_peak(self):
        """The most that was in use at any time."""
        return self._memory("VmHWM")

    def cpu(self):
        """Seconds of processor time used."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cleanup(self):
        for client in self.clients:
            client.close()
        if self.alive():
            self.process.kill()
            self.process.wait()
        if self.out:
            self.out.thread.join(seconds(10))
            if not self.process.stderr.closed:
                self.process.stderr.close()
        shutil.rmtree(self.dir, ignore_errors=True)


# --- runner ---------------------------------------------------------------------------------------------------------

CASES = []


def case(sentence):
    """Makes a function a test case."""

    def add(fn):
        CASES.append((sentence, fn))
        return fn

    return add


def across_midnight(fn):
    """Runs a case; once more if it fails while a day (UTC) ends, for then live figures do change."""
    day = time.time() // 86400
    try:
        fn()
    except AssertionError:
        if time.time() // 86400 == day:
            raise
        fn()


def run():
    """Runs the cases (those whose sentence has an argument's text), prints TAP."""
    # Who is ended from outside cleans up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    chosen = [c for c in CASES if all(word in c[0] for word in sys.argv[1:])]
    failed = 0
    print(f"1..{len(chosen)}", flush=True)
    for number, (sentence, fn) in enumerate(chosen, 1):
        begin = time.monotonic()
        try:
            across_midnight(fn)
            print(f"ok {number} - {sentence}  # {time.monotonic() - begin:.1f} s", flush=True)
        except Skip as skip:
            print(f"ok {number} - {sentence} # SKIP {skip}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("# " + traceback.format_exc().replace("\n", "\n# "))
            print(f"not ok {number} - {sentence}", flush=True)
    sys.exit(1 if failed else 0)

# SPDX-License-Identifier: Apache-2.0
"""What the fault tests share: senders that keep a ledger of acknowledgements, and the comparison of what a daemon has
with what it acknowledged.

A Stream is a list of lines whose state after its first n lines is known. A Sender offers them on one connection and
notes what was acknowledged when. After a fault, stored surveys must be the state after some number of lines that is not
below the acknowledged one, and all figures must be those that the model computes from the stored surveys.
"""

import collections
import datetime
import fcntl
import json
import os
import random
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "system"))

import cx  # pylint: disable=wrong-import-position
import cxmodel  # pylint: disable=wrong-import-position

LONG = os.environ.get("CX_FAULTS") == "long"
WINDOWS = ["1h", "today", "7d", "28d", "90d"]
SEED = int(os.environ.get("CX_SEED") or random.SystemRandom().randrange(1 << 30))

RULES = [
    {"name": "csat-agent", "metric": "csat", "scopes": "agent/*", "window": "90d", "below": "target",
     "false_alarms": "1 per 90d"},
    {"name": "nps-team", "metric": "nps", "scopes": "team/*", "window": "28d", "test": "interval", "below": "target",
     "min_n": 10},
    {"name": "fcr-queue", "metric": "fcr", "scopes": "queue/*", "window": "90d", "test": "point", "below": "target",
     "min_n": 3},
    {"name": "nps-agent", "metric": "nps", "scopes": "agent/*", "window": "1h", "test": "point", "below": "0", "min_n": 3},
    {"name": "wait-queue", "metric": "wait", "scopes": "queue/*", "window": "1h", "test": "point", "below": "3", "min_n": 3},
]
PRINCIPALS = {
    **cx.person("adam", "director", "org", admin=True),
    **cx.person("isabel", "director", "org"),
    **cx.person("omar", "queue_owner", "line/billing"),
}


def count(short, long):
    """How often: in the short run, and with ./dev faults --long."""
    return long if LONG else short


class Progress:
    """Says now and then how far a test is that takes long."""

    EVERY = 20  # seconds

    def __init__(self, what, total):
        self.what, self.total, self.done = what, total, 0
        self.begin = self.told = time.monotonic()

    def step(self, n=1):
        self.done += n
        now = time.monotonic()
        if LONG and now - self.told > self.EVERY:
            self.told = now
            left = (now - self.begin) / self.done * (self.total - self.done)
            print(f"# {self.done} of {self.total} {self.what}, {now - self.begin:.0f} s, about {left:.0f} s to go", flush=True)


def config(**more):
    # Comments would leave surveys that are older; that is another test. Snapshots are taken all the time.
    common = {"rules": RULES, "principals": PRINCIPALS, "retention": {"comments": "400d"}, "store": {"snapshot_after": 50}}
    return cx.base_config(**{**common, **more})


def namespace():
    """Runs the rest in mount and process namespaces of its own: whatever happens, no mount and no process stays."""
    if os.environ.get("CX_NAMESPACE"):
        return
    command = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = None
    if os.geteuid() == 0 and shutil.which("unshare"):
        done = subprocess.run([*command, "true"], capture_output=True, check=False)
    if not done or done.returncode:
        print("1..0 # SKIP needs root and the right to mount:", done.stderr.decode().strip() if done else "")
        sys.exit(77)
    os.environ["CX_NAMESPACE"] = "1"
    sys.stdout.flush()
    os.execvp("unshare", [*command, sys.executable, "-B", *sys.argv])


def sh(*argv):
    done = subprocess.run(argv, capture_output=True, check=False)
    if done.returncode:
        raise cx.Skip(f"{' '.join(argv)}: {done.stderr.decode().strip()}")


class At(cx.Daemon):
    """A daemon whose state directory lies somewhere else."""

    def __init__(self, state, **more):
        self.state = state
        super().__init__(start=False, **more)

    def argv(self):
        return [cx.CXD, "--config", self.file, "--state-dir", self.state, "--runtime-dir", self.path("r")]


# --- surveys --------------------------------------------------------------------------------------------------------


def usec_of(ts):
    if isinstance(ts, str):
        return round(datetime.datetime.fromisoformat(ts).timestamp() * 1_000_000)
    return ts * 1_000_000


def content(s):
    """What makes two versions the same."""
    return (
        s["id"], usec_of(s["ts"]), s.get("agent"), s["queue"], s.get("status", "answered"), s.get("rev"),
        tuple(sorted(s.get("answers", {}).items())), s.get("comment"),
    )


class Stream(cxmodel.Generator):
    """Lines of one sender: new surveys, and with a chance of `trouble` a repetition, revision or retraction of an earlier
    one, or a stale version. All changes carry a growing rev, so sending lines again changes nothing."""

    def __init__(self, seed, prefix, trouble=0.3, days=80, now=None):
        super().__init__(seed, now or time.time(), prefix=prefix, days=days, trouble=trouble)
        self.lines = []  # surveys
        self.bytes = []
        self.stale = []
        self.first_line = {}  # content -> the first line that has it
        self.ids = []

    def next(self):
        r = self.random
        if not self.ids or r.random() >= self.trouble:
            s = self.first()
            if r.random() < 0.85:
                s["rev"] = 0
            self.made[s["id"]] = s
            self.ids.append(s["id"])
            return s, False
        old = self.made[r.choice(self.ids)]
        kind = r.random()
        if kind < 0.3 or "rev" not in old:
            return old, False
        if kind < 0.4 and old["rev"] > 0:
            return {**old, "rev": old["rev"] - 1, "comment": "behind"}, True
        s = {**self.first(), "id": old["id"]}
        self.number -= 1
        if kind > 0.85:
            s = {**old, "status": "retracted"}
        s["rev"] = old["rev"] + 1
        self.made[s["id"]] = s
        return s, False

    def grow(self, n):
        """There are at least n lines."""
        while len(self.lines) < n:
            s, stale = self.next()
            if not stale:
                self.first_line.setdefault(content(s), len(self.lines))
            self.lines.append(s)
            self.stale.append(stale)
            self.bytes.append(json.dumps(s, ensure_ascii=False).encode() + b"\n")

    def state(self, n):
        """id -> survey after the first n lines."""
        found = {}
        for s, stale in zip(self.lines[:n], self.stale):
            if not stale:
                found[s["id"]] = s
        return found

    def settle(self, stored, acked):
        """Checks that `stored` (of content) is the state after some number of lines, at least `acked`; returns it."""
        last = acked
        for c in stored:
            at = self.first_line.get(c)
            assert at is not None, f"never sent: {c}"
            last = max(last, at + 1)
        expected = self.state(last)
        have = {c[0]: c for c in stored}
        assert len(have) == len(stored), "an id is stored twice"
        lost = [s for s in expected.values() if have.get(s["id"]) != content(s)]
        assert not lost, (
            f"{len(lost)} of {len(expected)} surveys are not as of line {last} ({acked} acknowledged): "
            f"{content(lost[0])} is {have.get(lost[0]['id'])}"
        )
        assert len(have) == len(expected), f"{len(have)} surveys and not {len(expected)}"
        return expected


class Sender(threading.Thread):
    """Offers a stream from line `start` on; stops when told, at the end of its lines, or when the daemon goes."""

    def __init__(self, stream, address, start=0, end=None, window=400, rate=None, http=False, token=None):
        super().__init__(daemon=True)
        self.stream, self.address, self.begin, self.end = stream, address, start, end
        self.window, self.rate, self.http, self.token = window, rate, http, token
        self.sent = self.acked = start
        self.acks = []  # (time, lines)
        self.refused = {}  # line from 0 on -> code
        self.halt = threading.Event()
        self.progress = threading.Condition()
        self.error = None  # how the connection ended
        self.wrong = None  # what no daemon may say
        self.counts = collections.Counter()
        self.start()

    def acked_at(self, when):
        """How many lines were acknowledged before."""
        n = self.begin
        for t, lines in self.acks:
            if t >= when:
                break
            n = lines
        return n

    def wait(self, n, timeout=30):
        """Until n lines are acknowledged, or the sender has ended."""
        with self.progress:
            done = self.progress.wait_for(lambda: self.acked >= n or not self.is_alive() or self.error, cx.seconds(timeout))
        assert done, f"{self.acked} of {n} lines acknowledged, {self.sent} sent"
        return self.acked

    def stop(self):
        self.halt.set()
        self.join(cx.seconds(30))
        assert not self.is_alive(), "a sender hangs"
        assert not self.wrong, self.wrong

    def run(self):
        try:
            if self.http:
                self.post()
            else:
                self.talk()
        except (OSError, EOFError, ValueError, AssertionError) as error:
            self.error = error
        with self.progress:
            self.error = self.error or "done"
            self.progress.notify_all()

    def ack(self, n):
        with self.progress:
            if n > self.sent:
                self.wrong = f"{n} lines acknowledged, {self.sent} sent"
                raise EOFError(self.wrong)
            self.acks.append((time.monotonic(), n))
            self.acked = n
            self.progress.notify_all()

    def due(self, begin):
        """How many lines may have been sent by now."""
        n = self.acked + self.window
        if self.rate:
            n = min(n, self.begin + int((time.monotonic() - begin) * self.rate) + 1)
        return n if self.end is None else min(n, self.end)

    def over(self):
        return self.halt.is_set() or (self.end is not None and self.sent >= self.end)

    def talk(self):
        with cx.connect(self.address) as sock:
            sock.settimeout(None)
            base = 1
            if self.token:
                sock.sendall(json.dumps({"token": self.token}).encode() + b"\n")
                base = 2
            begin, rest, closing = time.monotonic(), b"", False
            while True:
                n = self.due(begin) - self.sent
                if not closing and self.over():
                    sock.shutdown(socket.SHUT_WR)
                    closing = True
                if not closing and n > 0:
                    n = min(n, random.randrange(1, 64))
                    self.stream.grow(self.sent + n)
                    data = b"".join(self.stream.bytes[self.sent : self.sent + n])
                    self.sent += n
                    sock.sendall(data)
                if not closing and self.due(begin) > self.sent and not select.select([sock], [], [], 0)[0]:
                    continue
                if not closing and not select.select([sock], [], [], 0.005 if self.rate else 0.2)[0]:
                    continue
                data = sock.recv(1 << 16)
                if not data:
                    return
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    try:
                        reply = json.loads(line)
                    except ValueError:
                        self.wrong = f"no JSON: {line[:200]!r}"
                        raise
                    if "ack" in reply:
                        self.counts = collections.Counter({k: v for k, v in reply.items() if k != "ack"})
                        self.ack(self.begin + reply["ack"] - (base - 1))
                    elif "line" in reply:
                        self.refused[self.begin + reply["line"] - base] = reply["code"]

    def post(self):
        begin = time.monotonic()
        with cx.Http(self.address, self.token) as http:
            while not self.over():
                n = min(self.due(begin) - self.sent, random.randrange(1, 60))
                if n <= 0:
                    self.halt.wait(0.002)
                    continue
                self.stream.grow(self.sent + n)
                data = b"".join(self.stream.bytes[self.sent : self.sent + n])
                at, self.sent = self.sent, self.sent + n
                r = http.post("/v1/surveys", data, {"Content-Type": "application/x-ndjson"})
                result = r.json()
                if n == 1 and r.status == 409:  # a single one is answered by what it is refused for
                    result = {"stored": 0, "duplicate": 0, "revised": 0, "refused": [{"index": 0, "code": r.code or "E_STALE"}]}
                elif r.status != 200:
                    raise EOFError(f"HTTP {r.status}")
                for one in result["refused"]:
                    self.refused[at + one["index"]] = one["code"]
                for kind in ("stored", "duplicate", "revised"):
                    self.counts[kind] += result[kind]
                self.counts["refused"] += len(result["refused"])
                self.ack(at + n)


# --- what a daemon has ----------------------------------------------------------------------------------------------


def stored(d):
    """The content of every stored survey, from the export."""
    with cx.Http(d.address("http", "unix")) as h:
        r = h.get("/v1/export")
        assert r.status == 200, r.body
    return [content(json.loads(line)) for line in r.body.splitlines()]


def by_prefix(contents):
    """prefix of the id -> contents"""
    found = collections.defaultdict(list)
    for c in contents:
        found[c[0].rsplit("-", 1)[0]].append(c)
    return found


class Model(cxmodel.Model):
    """The same figures, with what a survey adds worked out once."""

    PARTS = {}  # id() of a survey that is kept -> (survey, time, keys)

    def parts(self, s):
        found = self.PARTS.get(id(s))
        if not found:
            chain = self.chain(s)
            places = [(name, self.answer(s, name)) for name in self.metrics]
            keys = [(scope, name, at) for name, at in places if at is not None for scope in chain]
            found = self.PARTS[id(s)] = (s, s["ts"] * 1_000_000, keys)
        return found

    def counts(self, window, at):
        start, end = cxmodel.span(window, at)
        total = collections.Counter()
        for s in self.surveys.values():
            _, ts, keys = self.parts(s)
            if start <= ts < end:
                total.update(keys)
        found = {}
        for (scope, name, place), n in total.items():
            found.setdefault((scope, name), [0] * len(cxmodel.values(self.metrics[name])))[place] = n
        return found


def check_figures(d, surveys, windows=None, past=True):
    """The figures of all scopes and metrics, live and as of a time, are those of these surveys."""
    model = Model()
    model.surveys = dict(enumerate(surveys))
    with cx.Http(d.address("http", "unix")) as h:
        for window in windows or WINDOWS:
            rows = h.json("/v1/board", window=window)["rows"]
            if rows:
                model.check(rows, window, usec_of(rows[0]["at"]))
            else:
                model.check(rows, window, int(time.time()) * 1_000_000)
            if past:
                # `today` as of then begins up to 24 h earlier; its minutes are kept for 49 h.
                at = (int(time.time()) // 3600 - 20) * 3_600_000_000
                model.check(h.json("/v1/board", window=window, at=cx.stamp(at))["rows"], window, at)
        counted = h.json("/v1/status")["surveys"]["counted"]
    expected = sum(1 for s in model.surveys.values() if s.get("status") != "retracted")
    assert counted == expected, f"{counted} surveys are counted and not {expected}"


def check_undamaged(d):
    """The daemon has named no damage."""
    assert not d.out.find(r"damaged(?!=0\b)|cannot be read"), d.out.text()


def check_all(d, senders, when=None, windows=None, past=True):
    """What is stored is a state of each sender's stream, nothing acknowledged (before `when`) is missing, and the
    figures are those of what is stored. Returns the number of surveys."""
    found = by_prefix(stored(d))
    surveys = []
    for sender in senders:
        acked = sender.acked if when is None else sender.acked_at(when)
        surveys += sender.stream.settle(found.pop(sender.stream.prefix, []), acked).values()
    assert not found, f"surveys of nobody: {list(found)[:3]}"
    check_undamaged(d)
    check_figures(d, surveys, windows, past)
    return len(surveys)


def three(d, streams, **more):
    """Senders over TCP, Unix sockets and HTTP."""
    faces = [("lines", "tcp", False), ("lines", "unix", False), ("http", "tcp", True)]
    return [
        Sender(s, d.address(face, kind), http=http, **{k: v[i] if isinstance(v, list) else v for k, v in more.items()})
        for i, (s, (face, kind, http)) in enumerate(zip(streams, faces))
    ]


def clone(source, target):
    """A copy that shares the blocks: what the file holds at this instant."""
    with open(source, "rb") as a, open(target, "wb") as b:
        fcntl.ioctl(b.fileno(), 0x40049409, a.fileno())  # FICLONE


def scratch():
    return tempfile.mkdtemp(prefix="cxf", dir="/tmp")


def run():
    """cx.run(), with exit status 77 when nothing could run here."""
    skipped = []

    def watch(fn):
        def watched():
            try:
                fn()
            except cx.Skip:
                skipped.append(fn)
                raise

        return watched

    print(f"# seed {SEED}{', long' if LONG else ''}", flush=True)
    random.seed(SEED)
    cx.CASES[:] = [(sentence, watch(fn)) for sentence, fn in cx.CASES]
    chosen = [c for c in cx.CASES if all(word in c[0] for word in sys.argv[1:])]
    try:
        cx.run()
    finally:
        if skipped and len(skipped) == len(chosen):
            sys.exit(77)

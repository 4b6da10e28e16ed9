# SPDX-License-Identifier: Apache-2.0
"""A stand-in for cxd: serves the faces that cxctl speaks to, over Unix sockets, with answers that tests can set.

It knows just enough about surveys to store them by id, to see duplicates and revisions, and to refuse some. It can
also misbehave: drop connections, be busy, end a stream.
"""

import http.server
import json
import os
import shutil
import socketserver
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

CXCTL = os.environ["CXCTL"]

FIGURE = {
    "scope": "agent/ana.ruiz", "metric": "csat", "window": "28d", "at": "2026-11-21T10:20:00Z", "n": 214,
    "value": 78.5, "low": 72.5, "high": 83.5, "mean": 4.05, "target": 85, "state": "below", "trend": -3.1,
    "counts": {"1": 12, "2": 9, "3": 25, "4": 78, "5": 90},
}
NO_DATA = {
    "scope": "agent/zoë.łuk", "metric": "csat", "window": "28d", "at": "2026-11-21T10:20:00Z", "n": 0,
    "value": None, "low": None, "high": None, "mean": None, "target": 85, "state": "no_data", "trend": None,
    "counts": {},
}
NPS = {
    "scope": "agent/ana.ruiz", "metric": "nps", "window": "28d", "at": "2026-11-21T10:20:00Z", "n": 97,
    "value": -4.1, "low": -20.25, "high": 12.0, "mean": 6.2, "target": None, "state": "ok", "trend": 2.0,
    "counts": {},
}
ALERT = {
    "id": "a-17", "rule": "csat-below-target", "severity": "warning", "state": "firing", "reason": None,
    "since": "2026-11-20T08:00:00Z", "scope": "agent/ana.ruiz", "metric": "csat", "figure": FIGURE,
    "evidence": {"test": "evidence", "value": 123.5, "threshold": 90, "from": "2026-11-18T00:00:00Z", "n": 8,
                 "figure": 37.5},
    "target": 85,
    "advice": "Listen to two of the last low calls together.", "surveys": ["sv-1", "sv-2"], "note": None,
    "by": None, "until": None,
}
ME = {
    "principal": "maria", "grants": [{"role": "team_lead", "scope": "team/alpha"}], "admin": False,
    "windows": ["1h", "today", "7d", "28d", "90d"],
    "metrics": [
        {"name": "csat", "kind": "top2", "unit": "%", "scale": [1, 5], "target": 85, "min_n": 5, "explains": [],
         "influence": ["agent", "team_lead"]},
        {"name": "nps", "kind": "nps", "unit": "points", "scale": [0, 10], "target": None, "min_n": 10,
         "explains": [], "influence": ["director"]},
        {"name": "courtesy", "kind": "top2", "unit": "%", "scale": [1, 5], "target": 90, "min_n": 5,
         "explains": ["csat", "nps"], "influence": ["agent"]},
        {"name": "wait", "kind": "mean", "unit": "", "scale": [1, 5], "target": 4, "min_n": 5,
         "explains": ["csat"], "influence": ["planner"]},
        {"name": "fcr", "kind": "yes", "unit": "%", "scale": [0, 1], "target": 75, "min_n": 5, "explains": [],
         "influence": ["queue_owner"]},
    ],
    "scopes": [{"scope": "agent/ana.ruiz", "metrics": ["csat", "courtesy"]}],
}
SURVEY = {
    "id": "sv-8812", "ts": "2026-11-21T10:15:30.250Z", "agent": "ana.ruiz", "queue": "billing-es",
    "answers": {"csat": 2, "fcr": False, "wait": None}, "comment": "third call\n\"same\" invoice\x1b[31m",
}


def organisation(n_agents, n_queues):
    scopes = [{"scope": f"agent/a{i:02}", "name": f"Agent {i}", "parents": [f"team/t{i % 5}"], "assigned": True}
              for i in range(n_agents)]
    scopes += [{"scope": f"queue/q{i}", "name": f"Queue {i}", "parents": ["line/main"], "assigned": True}
               for i in range(n_queues)]
    return {"scopes": scopes}


def warning(metric, n, dry):
    """That it is not configured."""
    what = (f"if that has `strict: true`, it refuses surveys with it; else {n} answers are not counted" if dry else
            f"of {n} answers, those of surveys that were taken are kept with them and not counted")
    return f"cxctl: warning: metric '{metric}' is not configured in the daemon: {what} (cxd.conf(5), metrics)\n"


def sum_of(result):
    return result["stored"] + result["duplicate"] + result["revised"] + len(result["refused"])


class Http(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        with self.server.fake.lock:
            self.server.fake.n_http += 1

    def finish(self):
        with self.server.fake.lock:
            self.server.fake.n_http -= 1
        super().finish()

    def address_string(self):
        return "unix"

    def log_message(self, *args):
        pass

    def answer(self, status, body, kind="application/json", extra=()):
        body = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in extra:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        fake = self.server.fake
        url = urllib.parse.urlsplit(self.path)
        n = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(n)
        fake.requests.append((self.command, self.path, body.decode(), self.headers.get("Authorization")))
        if url.path == "/v1/stream":
            return self.stream(fake)
        if url.path == "/v1/surveys" and self.command == "POST":
            if fake.token and self.headers.get("Authorization") != f"Bearer {fake.token}":
                return self.answer(401, {"code": "E_TOKEN", "error": "no valid token"})
            if fake.busy > 0:
                fake.busy -= 1
                return self.answer(503, {"code": "E_UNAVAILABLE", "error": "not now"}, extra=[("Retry-After", "1")])
            result = fake.take_body(body.decode())
            alone = result["refused"][0] if len(result["refused"]) == sum_of(result) == 1 else {}
            return self.answer(422 if alone else 200, {**alone, **result})
        fake.closing.wait(fake.slow.get(url.path, 0))
        status, reply = fake.routes.get(url.path, (404, {"code": "E_NOT_FOUND", "error": "there is no such thing"}))
        return self.answer(status, reply)

    do_GET = do_POST = handle_any

    def stream(self, fake):
        if fake.stream_refusal:
            self.answer(503, fake.stream_refusal)
            return
        chunks = fake.streams.pop(0) if fake.streams else []
        if isinstance(chunks, int):  # a proxy before a daemon that is not there
            self.send_error(chunks)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for chunk in chunks:
            if chunk is None:  # stay open and silent
                fake.closing.wait(60)
                return
            self.wfile.write(chunk.encode())
            self.wfile.flush()


class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        fake = self.server.fake
        fake.connections += 1
        totals = {"stored": 0, "duplicate": 0, "revised": 0, "refused": 0}
        rest = b""
        number = 0
        while True:
            too_long = False
            while b"\n" not in rest:
                data = self.connection.recv(65536)
                if not data:
                    return
                rest += data
                if not too_long and b"\n" not in rest and len(rest) > 65536:
                    too_long = True  # and said before the end of the line is there
                    totals["refused"] += 1
                    self.write({"line": number + 1, "code": "E_TOO_LONG", "error": "the line is too long"})
                    self.write({"ack": number + 1, **totals})
            line, rest = rest.split(b"\n", 1)
            line = line.decode().strip()
            number += 1
            if too_long:
                continue
            if number == 1 and fake.token:
                if line != json.dumps({"token": fake.token}, separators=(",", ":")):
                    self.write({"line": 1, "code": "E_TOKEN", "field": "token", "error": "no valid token"})
                    return
                continue
            fake.n_lines += 1
            if fake.drops and fake.n_lines == fake.drops[0]:
                fake.drops.pop(0)
                return  # with whatever was not acknowledged yet
            result = fake.take([line])
            for key in ("stored", "duplicate", "revised"):
                totals[key] += result[key]
            for refusal in result["refused"]:
                totals["refused"] += 1
                self.write({"line": number, **{k: refusal[k] for k in ("code", "field", "error")}})
            if number % fake.ack_every == 0 or b"\n" not in rest:
                self.write({"ack": number, **totals})

    def write(self, obj):
        try:
            self.wfile.write((json.dumps(obj, separators=(",", ":")) + "\n").encode())
        except OSError:
            pass


class UnixHttp(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hung up


class UnixLines(UnixHttp):
    pass


class FakeDaemon:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="cxctl-test-")
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.requests, self.streams, self.drops = [], [], []
        self.surveys = {}
        self.n_http = 0  # connections that are open
        self.strict = False
        self.stream_refusal = None
        self.token, self.busy, self.connections, self.n_lines, self.ack_every = None, 0, 0, 0, 10
        self.routes = {
            "/v1/me": (200, ME),
            "/readyz": (200, {"state": "ready"}),
            "/v1/org": (200, organisation(8, 3)),
            "/v1/alerts": (200, {"alerts": []}),
        }
        self.slow = {}  # seconds that the answer to a path takes
        self.servers = []
        self.http = self.serve("cxd.sock", UnixHttp, Http)
        self.lines = self.serve("lines.sock", UnixLines, Lines)

    def path(self, name):
        return os.path.join(self.folder, name)

    def serve(self, name, kind, handler):
        server = kind(self.path(name), handler)
        server.fake = self
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.servers.append(server)
        return server

    def take_body(self, body):
        """An object, an array, or lines, as cxd finds out which."""
        try:
            whole = json.loads(body)
            return self.take([json.dumps(s) for s in whole] if isinstance(whole, list) else [body])
        except json.JSONDecodeError:
            return self.take(body.splitlines())

    def take(self, lines):
        result = {"stored": 0, "duplicate": 0, "revised": 0, "refused": []}
        with self.lock:
            for index, line in enumerate(lines):
                try:
                    survey = json.loads(line)
                    if not isinstance(survey, dict):
                        raise json.JSONDecodeError("no object", line, 0)
                    csat = survey.get("answers", {}).get("csat")
                    if csat is not None and not 1 <= csat <= 5:
                        raise ValueError("E_RANGE", "answers.csat", f"{csat} is not from 1 to 5")
                    if self.strict and "csatt" in survey.get("answers", {}):
                        raise ValueError("E_METRIC", "answers.csatt", "is not a configured metric")
                except json.JSONDecodeError:
                    result["refused"].append({"index": index, "id": None, "code": "E_JSON", "field": "",
                                              "error": "not well-formed JSON"})
                    continue
                except ValueError as e:
                    result["refused"].append({"index": index, "id": survey["id"], "code": e.args[0],
                                              "field": e.args[1], "error": e.args[2]})
                    continue
                before = self.surveys.get(survey["id"])
                result["stored" if before is None else "duplicate" if before == line else "revised"] += 1
                self.surveys[survey["id"]] = line
        return result

    def close(self):
        self.closing.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()
        shutil.rmtree(self.folder)


class CliTest(unittest.TestCase):
    """One fake daemon per test, and cxctl in a clean environment."""

    maxDiff = None

    def setUp(self):
        self.fake = FakeDaemon()
        self.addCleanup(self.fake.close)

    def environment(self, **more):
        return {"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C.UTF-8",
                "CXCTL_HOST": "unix:" + self.fake.path("cxd.sock"),
                **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}, **more}

    def cxctl(self, *args, stdin="", env=None, timeout=60):
        stdin = stdin if isinstance(stdin, bytes) else stdin.encode()
        done = subprocess.run([CXCTL, *args], input=stdin, capture_output=True, timeout=timeout,
                              env=self.environment(**(env or {})), check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def ok(self, *args, **kw):
        code, out, err = self.cxctl(*args, **kw)
        self.assertEqual((code, err), (0, ""), out)
        return out

    def write(self, name, text):
        path = self.fake.path(name)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return path

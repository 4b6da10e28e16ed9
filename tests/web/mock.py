#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small daemon in disguise: the HTTP API with the data of a small contact centre, for looking at the dashboard.

    mock.py [PORT] [SCENARIO]       scenarios: normal, empty, hostile; the token is `mock`

It answers from the files of daemon/web, so that a change is there with a reload of the page.
"""

import datetime
import http.server
import json
import math
import pathlib
import queue
import random
import sys
import threading
import traceback
import urllib.parse

WEB = pathlib.Path(__file__).resolve().parents[2] / "daemon" / "web"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".json": "application/json"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
TOKEN = "mock"
OTHER = "other"  # somebody who looks after one queue, and has no alerts
OTHERS = ["queue/billing-pt"]
HOSTILE = '<img src=x onerror="document.title=1">'
WINDOWS = {"1h": 1 / 24, "today": 0.6, "7d": 7, "28d": 28, "90d": 90}


def metric(name, kind, unit, scale, target, min_n=20, better="higher"):
    return {
        "name": name,
        "kind": kind,
        "unit": unit,
        "scale": scale,
        "target": target,
        "better": better,
        "min_n": min_n,
        "explains": [],
        "influence": ["team_lead"],
    }


METRICS = [
    metric("csat", "top2", "%", [1, 5], 85),
    metric("nps", "nps", "points", [0, 10], 40, 30),
    metric("fcr", "yes", "%", [0, 1], 75),
    metric("courtesy", "top2", "%", [1, 5], 90),
    metric("handling", "mean", "", [1, 5], None),
    metric("wait_rating", "top2", "%", [1, 5], 80),
]
AGENTS = {
    "ana.ruiz": ("Ana Ruiz", 0.62, 60),
    "b.okafor": ("Blessing Okafor", 0.91, 55),
    "c.lindqvist": ("Carl Lindqvist", 0.84, 48),
    "d.moreau": ("Delphine Moreau", 0.78, 52),
    "e.santos": ("Eva Santos", 0.88, 41),
    "f.kaya": ("Ferhat Kaya", 0.70, 9),
    "g.novak": ("Gita Novák", 0.86, 63),
    "h.tanaka": ("Hiro Tanaka", 0.97, 58),
    "i.new": ("Ines Marchetti", 0.8, 0),
}
# Hardly anybody answered for them in the window before.
NEWCOMERS = {"agent/g.novak", "agent/f.kaya"}
COMMENTS = [
    "Third call about the same invoice. Each time I have to explain everything again.",
    "She was friendly, but could not tell me why I was charged twice.",
    "Waited 25 minutes and was then cut off.",
    "The new tariff was never explained to me.\nI only noticed it on my bill.",
    None,
    "Nobody called me back, although it was promised.",
    "Too many questions before I got to talk to somebody.",
]


def stamp(when, timespec="seconds"):
    return when.astimezone(datetime.timezone.utc).isoformat(timespec=timespec).replace("+00:00", "Z")


def wilson(share, n):
    z = 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return 100 * (middle - half), 100 * (middle + half)


class Mock:
    """The data and what was asked. `requests` is the list of (method, path, query, body)."""

    def __init__(self, scenario="normal"):
        self.scenario = scenario
        self.now = datetime.datetime.now(datetime.timezone.utc)
        self.requests = []
        self.tokens = {TOKEN, OTHER}
        self.failing = set()  # paths that answer 500
        self.reloads = 0  # how often the configuration was read anew
        self.held = {}  # paths whose answers, made when they are asked for, leave only once this event is set
        self.given = {}  # figures that are not made up: by scope, metric and window
        self.feed = []  # (seq, event) of this principal, from 1
        self.lock = threading.Lock()
        self.streams = []
        self.scopes = self.make_scopes()
        self.alerts = {} if scenario == "empty" else {a["id"]: a for a in self.make_alerts()}
        self.server = None

    # --- data ---

    def make_scopes(self):
        scopes = {"team/alpha": ("Alpha", ["site/madrid"])}
        for name, (display, _, _) in AGENTS.items():
            scopes[f"agent/{name}"] = (display, ["team/alpha"])
        scopes["queue/billing-es"] = ("Billing Spain", ["line/billing"])
        scopes["queue/billing-pt"] = ("Billing Portugal", ["line/billing"])
        if self.scenario == "hostile":
            scopes[f"agent/{HOSTILE}"] = (HOSTILE, ["team/alpha"])
            scopes["agent/rtl"] = ("\u202eevil\u202c name", ["team/alpha"])
        return scopes

    def sees(self, scope):
        if scope.startswith("agent/"):
            return ["csat", "courtesy", "handling"]
        return [m["name"] for m in METRICS if scope.startswith("queue/") or m["name"] != "wait_rating"]

    def figure(self, scope, name, window, at=None, wobble=0.0):
        if (scope, name, window) in self.given:
            return dict(self.given[scope, name, window])
        about = next(m for m in METRICS if m["name"] == name)
        level, volume = {"team/alpha": (0.83, 420), "queue/billing-es": (0.74, 900), "queue/billing-pt": (0.86, 260)}.get(
            scope, AGENTS.get(scope.partition("/")[2], ("", 0.8, 30))[1:]
        )
        dice = random.Random(f"{scope} {name} {window} {wobble}")
        n = 0 if self.scenario == "empty" else int(volume * min(WINDOWS[window] / 28, 3) * dice.uniform(0.9, 1.1))
        level = min(level, 0.62) if name == "fcr" else level
        share = min(0.99, max(0.05, level + wobble + dice.uniform(-0.03, 0.03)))
        low_, high_ = about["scale"]
        values = [str(v) for v in range(low_, high_ + 1)] if about["kind"] != "yes" else ["no", "yes"]
        good = {"nps": 2, "top1": 1, "top2": 2, "top3": 3, "mean": 2, "yes": 1}[about["kind"]]
        yes = round(n * share)
        counts = dict.fromkeys(values, 0)
        for i in range(n):
            pool = values[-good:] if i < yes else values[:-good]
            counts[dice.choice(pool)] += 1
        out = {"scope": scope, "metric": name, "window": window, "at": stamp(at or self.now), "n": n}
        if n == 0:
            out |= dict.fromkeys(("value", "low", "high", "mean"))
        elif about["kind"] == "mean":
            mean = sum(int(v) * c for v, c in counts.items()) / n
            out |= {"value": mean, "low": max(1, mean - 2 / math.sqrt(n)), "high": min(5, mean + 2 / math.sqrt(n)), "mean": mean}
        elif about["kind"] == "nps":
            down = sum(c for v, c in counts.items() if int(v) <= 6)
            up = counts["9"] + counts["10"]
            value = 100 * (up - down) / n
            half = 196 * math.sqrt(max(0.05, (up + down) / n - (value / 100) ** 2) / n)
            out |= {"value": value, "low": max(-100, value - half), "high": min(100, value + half), "mean": 7.1}
        else:
            low, high = wilson(yes / n, n)
            out |= {"value": 100 * yes / n, "low": low, "high": high, "mean": None}
        target = about["target"]
        state = "no_data" if n == 0 else "insufficient" if n < about["min_n"] else "ok"
        if state == "ok" and target is not None and out["high"] < target:
            state = "below"
        out |= {"target": target, "state": state, "trend": None, "trend_low": None, "trend_high": None, "counts": counts}
        if n and scope not in NEWCOMERS:
            step = round(dice.uniform(-20, 20) * (0.05 if about["kind"] == "mean" else 1), 2)
            half = (out["high"] - out["low"]) / math.sqrt(2)
            out |= {"trend": step, "trend_low": step - half, "trend_high": step + half}
        return out

    def alert(self, number, scope, name, window, severity, state, hours, advice, **more):
        figure = self.figure(scope, name, window)
        when = stamp(self.now - datetime.timedelta(hours=hours))
        return {
            "id": f"a{number:015x}",
            "rule": f"{name}-below-target",
            "severity": severity,
            "state": state,
            "reason": None,
            "since": when,
            "fired": when,
            "changed": when,
            "scope": scope,
            "metric": name,
            "window": window,
            "target": figure["target"],
            "figure": figure | {"state": "below"},
            "evidence": {
                "test": "evidence",
                "value": 1480.2 / number,
                "threshold": 360.0,
                "from": stamp(self.now - datetime.timedelta(days=17)),
                "n": 36,
                "figure": 52.8,
            },
            "advice": advice,
            "surveys": ["sv-8812", "sv-8790"],
        } | more

    def make_alerts(self):
        yield self.alert(
            1, "queue/billing-es", "csat", "28d", "critical", "firing", 3,
            "Read the last ten low answers with the product owner today; most name the double charge of the October bill.",
        )  # fmt: skip
        yield self.alert(
            2, "agent/ana.ruiz", "csat", "90d", "warning", "firing", 30,
            "Listen to two of the last low calls together before the next shift.",
        )  # fmt: skip
        yield self.alert(
            3, "queue/billing-es", "fcr", "28d", "warning", "acknowledged", 80,
            "Check which reasons come back within a week.",
            by="maria", note="Asked finance for the list of repeat callers.",
        )  # fmt: skip
        if self.scenario == "hostile":
            yield self.alert(4, f"agent/{HOSTILE}", "csat", "28d", "warning", "firing", 1, HOSTILE, by=HOSTILE, note=HOSTILE)

    def surveys(self, scope, name, below, above):
        about = next(m for m in METRICS if m["name"] == name)
        low, high = about["scale"]
        values = [v for v in range(low, high + 1) if not (below and v >= float(below)) and not (above and v <= float(above))]
        if self.scenario == "empty" or not values:
            return []
        found = []
        for i, comment in enumerate(COMMENTS):
            value = values[i % len(values)]
            answer = value > 0 if about["kind"] == "yes" else value
            found.append(
                {
                    "id": f"sv-{8812 - i * 7}",
                    "ts": stamp(self.now - datetime.timedelta(hours=5 + 31 * i)),
                    "agent": scope.partition("/")[2] if scope.startswith("agent/") else list(AGENTS)[i],
                    "queue": "billing-es",
                    "contact": f"c-{7731 - i}" if i else "c" * 128,
                    "status": "answered",
                    "answers": {name: answer, "nps": 3} | {"fcr": False, "courtesy": None},
                }
                | ({"comment": HOSTILE if self.scenario == "hostile" else comment} if comment else {})
            )
        return found

    # --- what happens ---

    def publish(self, event, data):
        """Alerts are numbered; figures and ticks carry the number of the last alert."""
        with self.lock:
            if event == "alert":
                self.alerts[data["alert"]["id"]] = data["alert"]
                data["seq"] = len(self.feed) + 1
                self.feed.append((event, data))
            data["seq"] = len(self.feed)
            for stream in self.streams:
                stream.put((event, data))

    def tick(self):
        return {"at": stamp(self.now), "reloads": self.reloads}

    def transition(self, alert, state, **more):
        # As fine as the daemon's: the page takes the newest of those that it is given in any order.
        alert = alert | {"state": state, "changed": stamp(datetime.datetime.now(datetime.timezone.utc), "microseconds")} | more
        self.publish("alert", {"at": alert["changed"], "transition": state, "alert": alert})
        return alert

    def cut(self):
        """Ends every stream, as a restart does."""
        with self.lock:
            for stream in self.streams:
                stream.put(None)

    def asked(self, path, method="GET"):
        return [r for r in list(self.requests) if r[0] == method and r[1] == path]

    def serve(self, port=0):
        mock = self

        class Handler(MockHandler):
            owner = mock

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = mock.note_error
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def note_error(self, *_):
        # A browser that leaves is none.
        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc()

    def close(self):
        self.cut()
        self.server.shutdown()
        self.server.server_close()


class MockHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *_):
        pass

    def reply(self, status, data, content_type="application/json", headers=()):
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def dispatch(self, method):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.owner.requests.append((method, path, query, json.loads(body) if body else None))
        if path == "/" or path.startswith("/web/"):
            file = WEB / ("index.html" if path == "/" else path.removeprefix("/web/"))
            self.reply(200, file.read_bytes(), TYPES[file.suffix], [("Content-Security-Policy", POLICY)])
        elif self.token() not in self.owner.tokens:
            self.reply(401, {"code": "E_TOKEN", "error": "who is asking?"})
        elif path in self.owner.failing:
            self.reply(500, {"code": "E_INTERNAL", "error": "the daemon could not carry this out"})
        elif path == "/v1/stream":
            self.stream(query)
        else:
            answer = self.answer(method, path, query, json.loads(body) if body else {})
            if path in self.owner.held:
                self.owner.held[path].wait(30)
            self.reply(*answer)

    def token(self):
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def do_GET(self):
        self.dispatch("GET")

    def do_POST(self):
        self.dispatch("POST")

    def answer(self, method, path, query, body):
        mock = self.owner
        seen = {s: d for s, d in mock.scopes.items() if self.token() == TOKEN or s in OTHERS}
        if path == "/v1/me":
            scopes = [{"scope": s, "name": d[0], "metrics": mock.sees(s)} for s, d in seen.items()]
            grants = [{"role": "team_lead", "scope": "team/alpha"}, {"role": "queue_owner", "scope": "queue/billing-es"}]
            me = {"principal": "maria" if self.token() == TOKEN else "omar", "admin": False, "reloads": mock.reloads, "grants": grants}
            return 200, me | {"windows": list(WINDOWS), "scopes": scopes, "metrics": METRICS}
        if path == "/v1/org":
            return 200, {
                "scopes": [{"scope": s, "name": d[0], "assigned": True, "parents": [p for p in d[1] if p in seen]} for s, d in seen.items()]
            }
        if path == "/v1/alerts":
            active = [a for a in mock.alerts.values() if a["state"] != "resolved" and self.token() == TOKEN]
            return 200, {"alerts": sorted(active, key=lambda a: a["changed"], reverse=True)[: int(query.get("limit", 1000))]}
        if path == "/v1/board":
            wanted = [s for s in seen if s.startswith(query["kind"])]
            return 200, {"rows": [mock.figure(s, query["metric"], query["window"]) for s in sorted(wanted)]}
        if query.get("scope", "org") not in seen and not path.startswith("/v1/alerts/"):
            return 404, {"code": "E_NOT_FOUND", "error": "there is no such scope, or you do not see it", "field": "scope"}
        if path == "/v1/figures":
            return 200, {"figures": [mock.figure(query["scope"], m, query["window"]) for m in mock.sees(query["scope"])]}
        if path == "/v1/series":
            points = []
            for i in range(28, -1, -1):
                wobble = 0.12 * (i / 28) + 0.03 * math.sin(i / 3)
                at = mock.now - datetime.timedelta(days=i)
                points.append(mock.figure(query["scope"], query["metric"], query["window"], at, wobble))
                if 15 <= i <= 17:
                    empty = dict.fromkeys(("value", "low", "high", "mean", "trend", "trend_low", "trend_high"))
                    points[-1] |= empty | {"n": 0, "state": "no_data"}
            return 200, {"points": points}
        if path == "/v1/surveys":
            return 200, {"surveys": mock.surveys(query["scope"], query["metric"], query.get("below"), query.get("above"))}
        parts = path.split("/")
        if method == "POST" and path.startswith("/v1/alerts/") and parts[3] in mock.alerts:
            return self.act_on(mock.alerts[parts[3]], parts[4], body)
        return 404, {"code": "E_NOT_FOUND", "error": "there is no such path"}

    def act_on(self, alert, verb, body):
        if verb == "ack" and alert["state"] in ("acknowledged", "resolved"):
            return 409, {"code": "E_STATE", "error": f"the alert is {alert['state']}; this needs one that is firing or snoozed"}
        more = {"by": "maria"} | {k: v for k, v in body.items() if k in ("note", "outcome")}
        if verb == "snooze":
            more["until"] = stamp(self.owner.now + datetime.timedelta(hours=8))
        return 200, {"alert": self.owner.transition(alert, {"snooze": "snoozed", "ack": "acknowledged"}.get(verb, alert["state"]), **more)}

    def stream(self, query):
        mine = queue.Queue()
        with self.owner.lock:
            for event, data in self.owner.feed[int(query.get("since", len(self.owner.feed))) :]:
                mine.put((event, data))
            self.owner.streams.append(mine)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            while (message := mine.get()) is not None:
                event, data = message
                self.wfile.write(f"event: {event}\nid: {data['seq']}\ndata: {json.dumps(data)}\n\n".encode())
        except OSError:
            pass
        with self.owner.lock:
            self.owner.streams.remove(mine)


if __name__ == "__main__":
    one = Mock(sys.argv[2] if len(sys.argv) > 2 else "normal")
    print(one.serve(int(sys.argv[1]) if len(sys.argv) > 1 else 8481), "token:", TOKEN, flush=True)
    threading.Event().wait()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every route of the HTTP API: what it says, to whom, and how it refuses."""

import datetime
import itertools
import json
import random
import re
import time
import zoneinfo

import cx
import cxmodel

NOW = int(time.time())
AT = (NOW // 60 + 1) * 60_000_000
WHEN = cx.stamp(AT)
# The built-in roles as cxd.conf(5) has them: (granted scope itself, what lies below, kind of the grant, kinds seen).
ROLES = {
    "agent": (True, False, "agent", {"agent"}),
    "team_lead": (True, True, "team", {"agent", "team"}),
    "queue_owner": (True, True, None, {"queue", "line"}),
    "planner": (True, True, None, {"queue", "line", "site", "region", "org"}),
    "product_owner": (True, True, None, {"queue", "line", "org"}),
    "director": (True, True, None, {"team", "site", "region", "queue", "line", "org"}),
    "watcher": (False, True, "site", {"agent", "team", "site"}),
}
PEOPLE = {
    "ana": [("agent", "agent/ana")],
    "maria": [("team_lead", "team/alpha")],
    "laura": [("queue_owner", "queue/tech")],
    "omar": [("queue_owner", "line/billing")],
    "viktor": [("planner", "org")],
    "clara": [("product_owner", "line/billing")],
    "teresa": [("director", "site/madrid")],
    "isabel": [("director", "org")],
    "nadia": [("queue_owner", "queue/sales"), ("team_lead", "team/bravo")],
    "walter": [("watcher", "site/lisbon")],
    "rosa": [("agent", "agent/ana"), ("watcher", "site/lisbon")],
    "ghost": [("queue_owner", "queue/never")],
}
METRICS = {name: {**m, "influence": list(m["influence"])} for name, m in cx.METRICS.items()}
METRICS["nps"]["influence"].append("watcher")
METRICS["csat"]["explains"] = ["nps"]
KINDS = ("agent", "team", "site", "region", "queue", "line", "org")
RULES = [
    {"name": f"{metric}-{kind}", "metric": metric, "scopes": kind if kind == "org" else f"{kind}/*", "window": "90d",
     "test": "point", "below": str({"nps": 100, "wait": 5}.get(metric, 100)), "min_n": 1, "advice": {"agent": "For all."}}
    for metric, kind in itertools.product(METRICS, KINDS)
]


def config():
    people = {
        name: {"grants": [{"role": r, "scope": s} for r, s in grants], "token_sha256": cx.token(name)[1]}
        for name, grants in PEOPLE.items()
    }
    people["chief"] = {"admin": True, "token_sha256": cx.token("chief")[1]}
    watcher = {"sees": ["below"], "under": "site", "kinds": ["agent", "team", "site"]}
    return cx.base_config(metrics=METRICS, principals=people, rules=RULES, roles={"watcher": watcher})


class World:
    """What there is and who lies under whom, from the same files that the daemon reads, and who may see what."""

    def __init__(self, model):
        self.model = model
        self.above = {"org": set()}
        levels = ("agent", "team", "site", "region")
        for row in cxmodel.rows(cx.ROSTER):
            names = [f"{kind}/{row[kind]}" for kind in levels]
            for i, name in enumerate(names):
                self.above.setdefault(name, {"org"}).update(names[i + 1 :])
        for row in cxmodel.rows(cx.QUEUES):
            self.above[f"queue/{row['queue']}"] = {"org", f"line/{row['line']}"}
            self.above[f"line/{row['line']}"] = {"org"}
        for scope in model.scopes():
            self.above.setdefault(scope, {"org"})

    def scopes(self):
        return sorted(self.above)

    def sees(self, who, metric, scope):
        if who == "chief":
            return scope in self.above
        for role, granted in PEOPLE[who]:
            own, below, under, kinds = ROLES[role]
            if role not in METRICS[metric]["influence"] or scope not in self.above:
                continue
            if under and granted.split("/")[0] != under or scope.split("/")[0] not in kinds:
                continue
            if own if scope == granted else below and granted in self.above[scope]:
                return True
        return False

    def visible(self, who):
        found = {s: [m for m in METRICS if self.sees(who, m, s)] for s in self.scopes()}
        return {s: m for s, m in found.items() if m}


def surveys(n=600, seed=11):
    gen = cxmodel.Generator(seed, NOW, days=80, trouble=0)
    return [s for s, _ in gen.take(n)]


def started():
    """A daemon with surveys in it, the model of them, and the world."""
    model = cxmodel.Model(METRICS)
    found = surveys()
    model.take(*found)
    d = cx.Daemon(config())
    try:
        d.send(*found)
    except BaseException:
        d.cleanup()
        raise
    return d, model, World(model)


def same(a, b):
    """The same answer in all but the time of day."""
    strip = lambda r: (r.status, {k: v for k, v in r.headers.items() if k != "date"}, r.body)
    return strip(a) == strip(b)


@cx.case("all principals x all scopes x all metrics, over figures, board, series, surveys, alerts, org, me, rules: "
         "exactly what influence allows, and what is not visible is as if it did not exist")
def matrix():
    d, model, world = started()
    cells = 0
    with d:
        expected = model.counts("90d", AT)
        unknown = {k: d.http(who="ana").get("/v1/figures", scope=f"{k}/no.such").body for k in KINDS if k != "org"}
        for who in [*PEOPLE, "chief"]:
            h = d.http(who=who)
            visible = world.visible(who)
            pairs = {(s, m) for s, ms in visible.items() for m in ms}
            own_metrics = {m for m in METRICS if who == "chief" or any(r in METRICS[m]["influence"] for r, _ in PEOPLE[who])}
            for scope in world.scopes():
                r = h.get("/v1/figures", scope=scope, window="90d", at=WHEN)
                if scope in visible:
                    assert r.status == 200 and [f["metric"] for f in r.json()["figures"]] == visible[scope], (who, scope)
                else:
                    assert r.status == 404 and r.body == unknown.get(scope.split("/")[0], r.body), (who, scope, r.body)
                    assert same(r, h.get("/v1/figures", scope=scope + "x" if "/" in scope else "agent/x", window="90d", at=WHEN))
                for metric in METRICS:
                    cells += 1
                    for path, params in (("figures", {"window": "90d"}), ("series", {"window": "90d", "step": "30d"}),
                                         ("surveys", {})):
                        r = h.get("/v1/" + path, scope=scope, metric=metric, at=WHEN, **params)
                        seen = (scope, metric) in pairs
                        assert r.status == (200 if seen else 404), (who, path, scope, metric, r.status, r.body)
                        if seen:
                            continue
                        assert r.code == "E_NOT_FOUND" and scope not in r.body.decode(), r.body
                        other = "nothing" if metric not in own_metrics else metric
                        assert same(r, h.get("/v1/" + path, scope=scope, metric=other, at=WHEN, **params)), (who, scope, metric)
            rows = h.json("/v1/board", window="90d", at=WHEN)["rows"]
            assert [(f["scope"], f["metric"]) for f in rows] == sorted(pairs, key=lambda p: (p[0].encode(), [*METRICS].index(p[1])))
            for f in rows:
                counts = expected.get((f["scope"], f["metric"]), [0] * len(f["counts"]))
                assert list(f["counts"].values()) == counts, (who, f)
            for under in ("org", "team/alpha", "site/lisbon", "line/billing", "queue/tech", "team/none"):
                r = h.get("/v1/board", under=under, window="90d", at=WHEN)
                if who == "chief" and under == "team/none":
                    assert r.status == 404
                    continue
                found = {f["scope"] for f in r.json()["rows"]}
                # Who lies under what the caller does not see is not told: it would be there, and have this one under it.
                known = who == "chief" or under == "org" or under in visible or under in (s for _, s in PEOPLE[who])
                assert found == {s for s in visible if known and (s == under or under in world.above[s])}, (who, under, found)
            assert h.get("/v1/board", under="x").code == "E_PARAMETER", who
            for metric, path in itertools.product(METRICS, ("board", "alerts")):
                r, other = (h.get("/v1/" + path, metric=m) for m in (metric, "nothing"))
                assert r.status == 200 if metric in own_metrics else same(r, other) and r.code == "E_NOT_FOUND", (who, path, metric, r.body)
            for kind in KINDS:
                found = {f["scope"] for f in h.json("/v1/board", kind=kind, window="90d", at=WHEN)["rows"]}
                assert found == {s for s in visible if s.split("/")[0] == kind}, (who, kind)
            me = h.json("/v1/me")
            assert me["principal"] == who and me["admin"] == (who == "chief")
            assert {s["scope"]: s["metrics"] for s in me["scopes"]} == visible, who
            named = {m["name"] for m in me["metrics"]}
            assert named == (set(METRICS) if who == "chief" else {m for _, m in pairs})
            assert all(set(m["explains"]) == set(METRICS[m["name"]].get("explains", ())) & named for m in me["metrics"]), who
            org = {s["scope"]: s for s in h.json("/v1/org")["scopes"]}
            assert set(org) == set(visible), who
            assert all(set(s["parents"]) <= set(visible) for s in org.values()), who
            alerts = h.json("/v1/alerts", state="all", limit=10000)["alerts"]
            assert {(a["scope"], a["metric"]) for a in alerts} <= pairs, who
            fired = {(a["scope"], a["metric"]) for a in d.http().json("/v1/alerts", state="all", limit=10000)["alerts"]}
            assert {(a["scope"], a["metric"]) for a in alerts} == pairs & fired and len(fired) > 60, who
            rules = {r["name"] for r in h.json("/v1/rules")["rules"]}
            wanted = {f"{m}-{s.split('/')[0]}" for s, m in pairs}
            assert rules == wanted or who == "chief", (who, rules ^ wanted)
            with d.events(who, since=0) as stream:
                for _ in range(min(len(alerts), 30)):
                    _, _, data = stream.next("alert")
                    assert (data["alert"]["scope"], data["alert"]["metric"]) in pairs, (who, data)
        assert cells == len(METRICS) * len(world.scopes()) * (len(PEOPLE) + 1)
        # The leak that a command could be: an alert that is not visible is one that does not exist.
        foreign = next(a for a in d.http().json("/v1/alerts", limit=10000)["alerts"] if a["scope"] == "team/bravo")
        h = d.http(who="maria")
        for verb, body in (("ack", {}), ("snooze", {"for": "1h"}), ("outcome", {"outcome": "x"})):
            r = h.post(f"/v1/alerts/{foreign['id']}/{verb}", body)
            assert r.status == 404 and same(r, h.post(f"/v1/alerts/{'0' * 16}/{verb}", body)), r.body


@cx.case("figures, board and series are what the model computes, in every window and as of any time that is kept")
def figures():
    d, model, _ = started()
    with d, d.http() as h:
        for window in ("1h", "today", "7d", "28d", "90d"):
            rows = h.json("/v1/board", window=window, at=WHEN)["rows"]
            model.check(rows, window, AT)
            for f in rows[::17]:
                assert h.json("/v1/figures", scope=f["scope"], metric=f["metric"], window=window, at=WHEN)["figures"] == [f]
        for days in (1, 3, 10, 40):
            at = AT - days * cxmodel.DAY
            for window in ("28d", "90d"):
                model.check(h.json("/v1/board", window=window, at=cx.stamp(at))["rows"], window, at)
        points = h.json("/v1/series", scope="org", metric="csat", window="28d", step="1d", since="10d", at=WHEN)["points"]
        assert 10 <= len(points) <= 11
        ends = set()
        for f in points:
            end = int(cx.calendar.timegm(time.strptime(f["at"], "%Y-%m-%dT%H:%M:%SZ"))) * 1_000_000
            ends.add(end)
            assert list(f["counts"].values()) == model.counts("28d", end).get(("org", "csat"), [0] * 5), f
        assert len(ends) == len(points)
        # What the resolution does not reach back to is refused, not made up.
        r = h.get("/v1/figures", scope="org", metric="csat", window="1h", at="2026-01-01")
        assert (r.status, r.code, r.json()["field"]) == (422, "E_HISTORY", "at")
        r = h.get("/v1/series", scope="org", metric="csat", window="7d", since="30d", at=WHEN)
        assert (r.status, r.code, r.json()["field"]) == (422, "E_HISTORY", "since")
        found = h.json("/v1/figures", scope="org", metric="csat", at=cx.stamp(AT - 60 * cxmodel.DAY))["figures"]
        assert "1h" not in [f["window"] for f in found] and "90d" in [f["window"] for f in found]


@cx.case("the drill-down shows the surveys that count, newest first, cut to the reader; the export gives back all")
def drill():
    d, model, world = started()
    with d:
        stored = {s["id"]: s for s in model.surveys.values()}
        for who in (None, "maria", "laura", "isabel", "ana"):
            h = d.http(who=who)
            for scope in world.scopes() if who is None else world.visible(who):
                got = h.json("/v1/surveys", scope=scope, at=WHEN, limit=1000)["surveys"]
                times = [s["ts"] for s in got]
                assert times == sorted(times, reverse=True)
                assert {s["id"] for s in got} == {i for i, s in stored.items() if scope in model.chain(s)}, (who, scope)
                for s in got:
                    whole = stored[s["id"]]
                    if who is None:
                        assert s.get("answers", {}) == {k: v for k, v in whole.get("answers", {}).items()}, s
                        continue
                    assert set(s.get("answers", {})) == {m for m in METRICS if m in whole.get("answers", {}) and world.sees(who, m, scope)}, (who, s)
                    agent = "agent/" + whole.get("agent", "")
                    assert s.get("agent") in (None, whole.get("agent")) and (s.get("agent") is not None) == (
                        agent in world.visible(who)), (who, s)
        h = d.http()
        low = h.json("/v1/surveys", scope="org", metric="csat", below="3", at=WHEN, limit=1000)["surveys"]
        assert {s["id"] for s in low} == {i for i, s in stored.items() if s.get("status", "answered") == "answered"
                                          and (s.get("answers", {}).get("csat") or 9) < 3}
        high = h.json("/v1/surveys", scope="org", metric="csat", above="3", at=WHEN, limit=1000)["surveys"]
        assert {s["id"] for s in high} == {i for i, s in stored.items() if s.get("status", "answered") == "answered"
                                           and (s.get("answers", {}).get("csat") or 0) > 3}
        middle = h.json("/v1/surveys", scope="org", metric="csat", above="1", below="3", at=WHEN, limit=1000)["surveys"]
        assert middle and {s["answers"]["csat"] for s in middle} == {2}
        recent = h.json("/v1/surveys", scope="org", since="1d", limit=1000)["surveys"]
        edge = time.time() - 86400
        assert {s["id"] for s in recent} == {i for i, s in stored.items() if s["ts"] >= edge} and recent
        whole = h.json("/v1/surveys", scope="org", limit=1000)["surveys"]
        assert h.json("/v1/surveys", scope="org", limit=7)["surveys"] == whole[:7]
        lines = h.get("/v1/export").body.splitlines()
        assert {json.loads(line)["id"] for line in lines} == set(stored) and len(lines) == len(stored)
        half = NOW - 20 * 86400
        for params, keep in (({"since": half}, lambda s: s["ts"] >= half), ({"until": half}, lambda s: s["ts"] < half)):
            text = {k: cx.stamp(v * 1_000_000) for k, v in params.items()}
            got = {json.loads(line)["id"] for line in h.get("/v1/export", **text).body.splitlines()}
            assert got == {i for i, s in stored.items() if keep(s)} and got
        assert d.http(who="isabel").get("/v1/export").status == 403
        assert d.http(who="chief").get("/v1/export").status == 200


WRONG = [
    ("GET", "/v1/figures", 400, "E_PARAMETER", "scope"),
    ("GET", "/v1/figures?scope=nonsense", 400, "E_PARAMETER", "scope"),
    ("GET", "/v1/figures?scope=planet/mars", 400, "E_PARAMETER", "scope"),
    ("GET", "/v1/figures?scope=agent/nobody", 404, "E_NOT_FOUND", "scope"),
    ("GET", "/v1/figures?scope=org&metric=joy", 404, "E_NOT_FOUND", "metric"),
    ("GET", "/v1/figures?scope=org&window=2h", 400, "E_PARAMETER", "window"),
    ("GET", "/v1/figures?scope=org&at=yesterday", 400, "E_PARAMETER", "at"),
    ("GET", "/v1/figures?scope=org&at=2099-01-01", 400, "E_PARAMETER", "at"),
    ("GET", "/v1/figures?scope=org&color=red", 400, "E_PARAMETER", None),
    ("GET", "/v1/figures?scope=org&scope=org", 400, "E_PARAMETER", None),
    ("GET", "/v1/board?kind=planet", 400, "E_PARAMETER", "kind"),
    ("GET", "/v1/board?under=x", 400, "E_PARAMETER", "under"),
    ("GET", "/v1/series?scope=org&metric=csat", 400, "E_PARAMETER", "window"),
    ("GET", "/v1/series?scope=org&window=28d", 400, "E_PARAMETER", "metric"),
    ("GET", "/v1/series?scope=org&metric=csat&window=28d&step=1m", 400, "E_PARAMETER", "step"),
    ("GET", "/v1/series?scope=org&metric=csat&window=28d&since=2000-01-01&step=1d", 400, "E_PARAMETER", "since"),
    ("GET", "/v1/surveys?scope=org&limit=0", 400, "E_PARAMETER", "limit"),
    ("GET", "/v1/surveys?scope=org&limit=1001", 400, "E_PARAMETER", "limit"),
    ("GET", "/v1/surveys?scope=org&below=3", 400, "E_PARAMETER", "below"),
    ("GET", "/v1/surveys?scope=org&above=3", 400, "E_PARAMETER", "above"),
    ("GET", "/v1/surveys?scope=org&metric=csat&above=nan", 400, "E_PARAMETER", "above"),
    ("GET", "/v1/alerts?state=loud", 400, "E_PARAMETER", "state"),
    ("GET", "/v1/me?x=1", 400, "E_PARAMETER", None),
    ("GET", "/v1/export?since=never", 400, "E_PARAMETER", "since"),
    ("GET", "/v1/stream?since=-1", 400, "E_PARAMETER", "since"),
    ("GET", "/v1/nothing", 404, "E_NOT_FOUND", None),
    ("GET", "/v1", 404, "E_NOT_FOUND", None),
    ("GET", "/v1/alerts//ack", 404, "E_NOT_FOUND", None),
    ("GET", "/v1/alerts/0123/ack", 405, "E_METHOD", None),
    ("POST", "/v1/figures", 405, "E_METHOD", None),
    ("DELETE", "/v1/surveys", 405, "E_METHOD", None),
    ("POST", "/v1/alerts/0123456789abcdef/ack", 404, "E_NOT_FOUND", None),
    ("POST", "/v1/surveys?x=1", 400, "E_PARAMETER", None),
]


@cx.case("the newest surveys are found wherever they are stored, as many as are asked for")
def unordered():
    rng = random.Random(5)
    now = int(time.time())
    # In the order of time, all mixed up, and in between a few from a clock that stands still; several of one instant.
    stamps = [now - 80 * 86_400 + 900 * i for i in range(3000)]
    stamps += [now - 86_400 * rng.randrange(1, 88) for _ in range(3000)]
    stamps += [now - 50_000 + 10 * i if i % 300 else now - 85 * 86_400 for i in range(1, 3000)]
    surveys = [{"id": f"u{i}", "ts": ts, "queue": "tech", "answers": {"csat": rng.randrange(1, 6)}} for i, ts in enumerate(stamps)]
    newest = sorted(range(len(surveys)), key=lambda i: (stamps[i], i), reverse=True)
    with cx.Daemon() as d, d.http() as h:
        d.send(*surveys)
        for below in (6, 2):
            wanted = [f"u{i}" for i in newest if surveys[i]["answers"]["csat"] < below]
            for ago, limit in ((89, 1), (89, 50), (89, 1000), (86, 1000), (1, 1000)):
                old = [i for i in wanted if stamps[int(i[1:])] >= now - ago * 86_400]
                got = h.json("/v1/surveys", scope="org", metric="csat", below=below, since=cx.stamp((now - ago * 86_400) * 1_000_000),
                             limit=limit)["surveys"]
                assert [s["id"] for s in got] == old[:limit], (below, ago, limit)


@cx.case("since today means since midnight where the daemon is, as the window of that name does")
def today():
    for zone in ("Pacific/Kiritimati", "Europe/Madrid", "Pacific/Pago_Pago"):
        midnight = datetime.datetime.now(zoneinfo.ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        surveys = [{"id": f"h{i}", "ts": NOW - 1800 * i, "queue": "tech", "answers": {"csat": 1}} for i in range(60)]
        wanted = [s["id"] for s in surveys if s["ts"] >= midnight]
        with cx.Daemon(timezone=zone) as d, d.http() as h:
            d.send(*surveys)
            assert [s["id"] for s in h.json("/v1/surveys", scope="org", metric="csat", since="today", limit=100)["surveys"]] == wanted, zone
            assert h.json("/v1/figures", scope="org", metric="csat", window="today")["figures"][0]["n"] == len(wanted), zone


@cx.case("errors have a code, a sentence, and the field; methods, parameters, strangers and HEAD are treated alike everywhere")
def errors():
    d, _, _ = started()
    with d, d.http() as h:
        for method, target, status, code, field in WRONG:
            r = h.request(method, target, b"" if method == "POST" else None)
            answer = r.json()
            assert (r.status, answer["code"], answer.get("field")) == (status, code, field), (method, target, r.status, r.body)
            assert len(answer["error"]) > 10 and set(answer) <= {"code", "error", "field"}
            assert r.headers["content-type"] == "application/json", r.headers
            assert status != 405 or r.headers["allow"], r.headers
        for target, sentence in (("/v1/alerts?wndow=90d", "this path has no parameter wndow; it has state, "),
                                 ("/v1/me?x=1", "this path has no parameter x; it has none"),
                                 ("/v1/me?%0a=1", "this path has no parameter of that name; it has none")):
            assert h.get(target).json()["error"].startswith(sentence), h.get(target).body
        stranger = d.http("tcp")
        paths = ["me", "org", "status", "rules", "figures?scope=org", "board", "series", "surveys?scope=org", "export", "alerts", "stream"]
        for path in paths:
            for value in (None, "Bearer wrong", "Bearer ", "Basic YTpi", "Bearer " + "x" * 300):
                r = stranger.get("/v1/" + path, {"Authorization": value} if value else ())
                assert (r.status, r.code) == (401, "E_TOKEN") and r.headers["www-authenticate"] == "Bearer", (path, value, r.body)
                # A token that is wrong is not made good by who is on the other end of a Unix socket.
                if value:
                    assert h.get("/v1/" + path, {"Authorization": value}).status == 401, (path, value)
        for path in paths[:6] + ["alerts"]:
            whole, head = h.get("/v1/" + path), h.request("HEAD", "/v1/" + path)
            assert head.status == 200 and head.body == b""
            assert path == "status" or head.headers["content-length"] == str(len(whole.body)), path
        # What is written as it comes has no length, and what is refused has no body.
        for path, host, kind, status in (("stream", "x", "unix", b"200"), ("export", "x", "unix", b"200"), ("me", "elsewhere.example", "tcp", b"421")):
            whole = d.http(kind)
            whole.raw(f"HEAD /v1/{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            text = whole.reader.rest() if status == b"421" else whole.reader.until(b"\r\n\r\n") + b"\r\n\r\n"
            assert text.startswith(b"HTTP/1.1 " + status) and text.endswith(b"\r\n\r\n"), text
            assert status == b"421" or b"Content-Length" not in text, text
        assert d.http(who="ana").json("/v1/status").keys() == {"version", "state", "now", "principal"}
        assert h.json("/v1/status")["surveys"]["counted"] == 600


@cx.case("surveys are posted alone, as an array, as lines, and with faults, and the answer says what became of each")
def post():
    def s(name, **more):
        return {"id": name, "ts": NOW - 60, "queue": "tech", **more}

    with cx.Daemon() as d, d.http("tcp") as h:
        def answer(body, status=200):
            r = h.post("/v1/surveys", body)
            assert r.status == status, (r.status, r.body)
            return r.json()

        nothing = {"stored": 0, "duplicate": 0, "revised": 0, "refused": []}
        assert answer(s("a")) == {**nothing, "stored": 1}
        assert answer(s("a")) == {**nothing, "duplicate": 1}
        assert answer(json.dumps(s("a", reason="x"), indent=2).encode()) == {**nothing, "revised": 1}
        r = answer(s("a", rev=3)) and answer(s("a", rev=2), 409)
        assert r["code"] == "E_STALE" and r["field"] == "rev" and r["refused"][0]["id"] == "a"
        assert answer([]) == nothing and answer(b"") == nothing and answer(b" \r\n\n") == nothing
        r = answer([s("b"), 5, s("c", answers={"csat": 9}), s("b"), {"id": "d"}])
        assert (r["stored"], r["duplicate"]) == (1, 1)
        assert [(f["index"], f.get("id"), f["code"], f.get("field")) for f in r["refused"]] == [
            (1, None, "E_TYPE", None), (2, "c", "E_RANGE", "answers.csat"), (4, "d", "E_MISSING", "ts")], r
        r = answer(cx.lines_of([s("e")]) + b"broken\n\n" + cx.lines_of([s("f")]).rstrip())
        assert r["stored"] == 2 and [(f["index"], f["code"]) for f in r["refused"]] == [(1, "E_JSON")]
        for body in (b"[", b"[1,]", b'[{"id":"x"}', json.dumps([s("g")]).encode() + b"]", b"[1 2]"):
            assert answer(body, 400)["code"] == "E_JSON", body
        assert answer(b'{"id":', 400)["code"] == "E_JSON" and answer(b"{}", 400)["code"] == "E_MISSING"
        assert answer(s("late", ts=NOW + 9999), 400)["code"] == "E_FUTURE"
        # An array with a broken frame is refused as a whole: nothing of it was stored.
        assert answer(s("g")) == {**nothing, "stored": 1}
        # The same id within one request: each in its order.
        assert answer([s("h"), s("h"), s("h", rev=1), s("h", rev=1), s("h", rev=0)])["refused"][0]["code"] == "E_STALE"
        assert len(answer([s(f"many-{i}") for i in range(20000)])["refused"]) == 0
        counted = d.status()["surveys"]["counted"]
        d.restart(kill=True)
        assert d.status()["surveys"]["counted"] == counted == 20006


@cx.case("an alert is acknowledged, put aside and closed by who may see it; it stays so over a restart")
def commands():
    d, _, _ = started()
    with d:
        h = d.http(who="maria")
        alerts = [a for a in h.json("/v1/alerts", state="firing")["alerts"]]
        one, two, three = (a["id"] for a in alerts[:3])
        r = h.post(f"/v1/alerts/{one}/ack", {"note": "I listen to two calls"})
        assert r.status == 200, r.body
        found = r.json()["alert"]
        assert (found["state"], found["by"], found["note"]) == ("acknowledged", "maria", "I listen to two calls"), found
        r = h.post(f"/v1/alerts/{two}/snooze", {"for": "8h"})
        assert r.status == 200 and r.json()["alert"]["state"] == "snoozed" and r.json()["alert"]["until"] > WHEN
        r = h.post(f"/v1/alerts/{three}/outcome", {"outcome": "coached", "note": "better"})
        assert r.status == 200 and r.json()["alert"]["outcome"] == "coached", r.body
        r = h.post(f"/v1/alerts/{two}/snooze", {"for": "1h"})
        assert (r.code, r.json()["error"]) == ("E_STATE", "the alert is snoozed; this needs one that is firing or acknowledged")
        r = h.post(f"/v1/alerts/{one}/snooze", {"for": "0s"})
        assert (r.code, r.json()["field"]) == ("E_PARAMETER", "for"), r.body
        for body, field in (({"for": "soon"}, "for"), ({"until": "2020-01-01"}, "until"), ({}, "until"), ({"for": "1h", "x": "y"}, None)):
            r = h.post(f"/v1/alerts/{two}/snooze", body)
            assert (r.status, r.code, r.json().get("field")) == (400, "E_PARAMETER", field), r.body
        for body in (b"[]", b"{", b'{"note":"a","note":"b"}', b"5"):
            assert h.post(f"/v1/alerts/{one}/ack", body).code == "E_JSON", body
        assert h.post(f"/v1/alerts/{three}/outcome", {}).json()["field"] == "outcome"
        assert h.post(f"/v1/alerts/{one}/ack", {"note": "x" * 501}).json()["field"] == "note"
        # Each member is told its own rule.
        for verb, body, said in (("outcome", {"outcome": "a\tb"}, "outcome: what came of it, one line of 1 to 64 bytes"),
                                 ("outcome", {"outcome": 5}, "outcome: what came of it, one line of 1 to 64 bytes"),
                                 ("outcome", {"outcome": "x" * 600}, "outcome: what came of it, one line of 1 to 64 bytes"),
                                 ("outcome", {"outcome": "x", "note": "a\tb"}, "note: printable text of at most 500 bytes"),
                                 ("snooze", {"for": 8}, "for: either for, a duration such as 8h, or until, a time"),
                                 ("snooze", {"until": 1800000000}, "until: either for, a duration such as 8h, or until")):
            r = h.post(f"/v1/alerts/{three}/{verb}", body).json()
            assert f"{r['field']}: {r['error']}".startswith(said), (body, r)
        before = h.get("/v1/alerts", state="all").body
        assert {"acknowledged", "snoozed"} <= {a["state"] for a in json.loads(before)["alerts"]}
        states = {s: len(h.json("/v1/alerts", state=s)["alerts"]) for s in ("acknowledged", "snoozed", "firing", "active")}
        assert states["snoozed"] == 1 and states["active"] == sum(states[s] for s in ("acknowledged", "snoozed", "firing"))
        d.restart(kill=True)
        assert d.http(who="maria").get("/v1/alerts", state="all").body == before
        with d.events("maria", since=0) as stream:
            seen = []
            while "snoozed" not in seen or "acknowledged" not in seen:
                seen.append(stream.next("alert")[2]["transition"])


@cx.case("a board that is too large for an answer is refused, and does not break off")
def large_board():
    metrics = {f"m{i}": {"kind": "top2", "scale": [0, 10], "influence": ["agent"]} for i in range(60)}
    answers = dict.fromkeys(metrics, 3)
    with cx.Daemon(metrics=metrics, windows=["90d"]) as d:
        for half in range(2):
            d.send(*({"id": f"{half}-{i}", "ts": NOW - 60, "queue": "tech", "agent": f"{half}-{i}", "answers": answers}
                     for i in range(2000)))
            r = d.http().get("/v1/board", window="90d")
            if half == 0:
                assert r.status == 200 and len(r.json()["rows"]) > 2000 * 60, r.body[:200]
        assert r.status == 400 and r.code == "E_PARAMETER" and "60 MiB" in r.json()["error"], (r.status, r.body[:200])
        assert len(d.http().json("/v1/board", window="90d", metric="m1", kind="agent")["rows"]) >= 4000


@cx.case("health, readiness and metrics are open; metrics can be parsed and name nobody")
def health():
    d, model, _ = started()
    with d, d.http("tcp") as h:
        assert (h.get("/healthz").body, h.get("/readyz").body) == (b"ok\n", b"ready\n")
        r = h.get("/metrics")
        assert r.status == 200 and r.headers["content-type"].startswith("text/plain; version=0.0.4")
        values, typed = {}, {}
        for line in r.body.decode().splitlines():
            if line.startswith("#"):
                match = re.fullmatch(r"# (HELP|TYPE) (cxd_[a-z_]+) (.+)", line)
                assert match, line
                if match[1] == "TYPE":
                    assert match[3] in ("counter", "gauge") and match[2] not in typed, line
                    typed[match[2]] = match[3]
                continue
            match = re.fullmatch(r'(cxd_[a-z_]+)(\{[a-z]+="[^"]*"\})? (\S+)', line)
            assert match and match[1] in typed, line
            assert match[1] + (match[2] or "") not in values, line
            values[match[1] + (match[2] or "")] = float(match[3])
        assert all(name.endswith("_total") for name, kind in typed.items() if kind == "counter")
        assert values['cxd_surveys_total{result="stored"}'] == values["cxd_surveys_counted"] == 600
        stages = {n: v for n, v in values.items() if n.startswith("cxd_stage_seconds_total")}
        assert sorted(stages) == [
            f'cxd_stage_seconds_total{{stage="{s}"}}' for s in ("ack", "commit", "decode", "engine", "fanout")
        ]
        # Each has taken some time; one that is estimated stands on samples that each counted 257 times.
        up = time.time() - values["cxd_start_time_seconds"]
        assert all(0 < v < 257 * up for v in stages.values()), stages
        assert stages['cxd_stage_seconds_total{stage="commit"}'] == values["cxd_commit_seconds_total"] < up
        text = r.body.decode()
        for name in {*model.agents, *PEOPLE, "alpha", "madrid", "tech", "billing", "Zoë", "s-1"}:
            assert not re.search(rf"\b{re.escape(name)}\b", text), name


cx.run()

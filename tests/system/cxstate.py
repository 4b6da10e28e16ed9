# SPDX-License-Identifier: Apache-2.0
"""Whatever can be asked of a daemon whose answer must not change by a restart, and the comparison with the model."""

import re

import cx

RULES = [
    {"name": "csat-agent", "metric": "csat", "scopes": "agent/*", "window": "90d", "below": "target",
     "false_alarms": "1 per 90d", "advice": {"team_lead": "Listen together.", "agent": "Listen."}},
    {"name": "nps-team", "metric": "nps", "scopes": "team/*", "window": "28d", "test": "interval", "below": "target",
     "min_n": 10, "advice": {"team_lead": "Ask."}},
    {"name": "fcr-queue", "metric": "fcr", "scopes": "queue/*", "window": "90d", "test": "point", "below": "target",
     "min_n": 3, "for": "1h", "advice": {"queue_owner": "Look."}},
    {"name": "wait-org", "metric": "wait", "scopes": "org", "window": "90d", "test": "point", "below": "4.5", "min_n": 3},
]
PRINCIPALS = {
    **cx.person("maria", "team_lead", "team/alpha"),
    **cx.person("omar", "queue_owner", "line/billing"),
    **cx.person("isabel", "director", "org"),
}
WINDOWS = ["1h", "today", "7d", "28d", "90d"]


def config():
    return cx.base_config(rules=RULES, principals=PRINCIPALS)


def everything(d, model, at):
    """Whatever can be asked whose answer must not change, as bytes."""
    found = {}
    when = cx.stamp(at)
    for who in (None, "maria", "omar", "isabel"):
        with d.http(who=who) as h:
            for path in ("/v1/org", "/v1/me", "/v1/rules", "/v1/alerts?state=all&limit=10000", "/v1/alerts"):
                # How often this process was configured anew is all of it that a restart changes.
                found[who, path] = re.sub(rb'"reloads":\d+,', b"", h.get(path).body)
            for window in WINDOWS:
                path = f"/v1/board?window={window}&at={when}"
                found[who, path] = h.get(path).body
            if who is None:
                for scope in model.scopes():
                    params = {"scope": scope, "at": when}
                    r = h.get("/v1/figures", **params)
                    assert r.status == 200, r.body
                    found[who, scope] = r.body
                    r = h.get("/v1/surveys", **params, limit=1000, since="2020-01-01")
                    assert r.status == 200, r.body
                    found[who, scope, "surveys"] = r.body
                found["export"] = h.get("/v1/export").body
    return found


def differences(a, b):
    """What changed, each with a little of where."""
    found = {}
    for key in a.keys() | b.keys():
        old, new = a.get(key, b""), b.get(key, b"")
        if old != new:
            at = next((i for i, (x, y) in enumerate(zip(old, new)) if x != y), min(len(old), len(new)))
            found[key] = old[max(0, at - 300) : at + 200], new[max(0, at - 300) : at + 200]
    return found


def check_model(d, model, at):
    with d.http() as h:
        for window in WINDOWS:
            model.check(h.json("/v1/board", window=window, at=cx.stamp(at))["rows"], window, at)


def send_all(d, made):
    """Sends (survey, verdict) pairs in one connection and checks every verdict; returns what is stored now."""
    with d.lines("tcp") as c:
        c.send(*(s for s, _ in made))
        ack = c.finish()
        expected = {v: sum(1 for _, w in made if w == v) for v in ("stored", "duplicate", "revised", "refused")}
        assert ack == {"ack": len(made), **expected}, (ack, expected)
        stale = [n for n, (_, v) in enumerate(made, 1) if v == "refused"]
        assert [(r["line"], r["code"]) for r in c.refusals()] == [(n, "E_STALE") for n in stale]

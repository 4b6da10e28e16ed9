#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A restart, clean or not, changes no figure, alert or list; what was acknowledged is there, once."""

import random
import time

import cx
import cxmodel

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
                found[who, path] = h.get(path).body
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


@cx.case("figures, alerts, lists and the export are the same bytes after SIGTERM and after kill -9, and as computed by hand")
def identical():
    for seed in (1, 2, 3):
        now = int(time.time())
        made = cxmodel.Generator(seed, now).take(3000)
        model = cxmodel.Model()
        model.take(*(s for s, verdict in made if verdict != "refused"))
        with cx.Daemon(config()) as d:
            send_all(d, made)
            at = (now // 60 + 1) * 60_000_000
            # An alert's clock goes on while it is watched: the engine looks once at each of its deadlines.
            before = everything(d, model, at)
            check_model(d, model, at)
            assert before[None, "/v1/alerts?state=all&limit=10000"].count(b'"id"') > 3
            for kill in (False, True, True, False):
                d.restart(kill=kill)
                after = everything(d, model, at)
                changed = differences(before, after)
                assert not changed, f"seed {seed}, kill {kill}: " + "\n".join(f"{k}: {v}" for k, v in list(changed.items())[:2])
            check_model(d, model, at)
            # And on it goes: known ids are known, new ones are counted in.
            again = cxmodel.Generator(seed + 100, now, prefix="t").take(200)
            with d.lines() as c:
                c.send(*(s for s in model.surveys.values()))
                assert c.settle()["duplicate"] == len(model.surveys)
            send_all(d, again)
            model.take(*(s for s, verdict in again if verdict != "refused"))
            check_model(d, model, at)


@cx.case("20 times kill -9 under load: every acknowledged survey is there and counted once")
def ledger():
    now = int(time.time())
    rng = random.Random(7)
    gen = cxmodel.Generator(8, now, days=80)
    model = cxmodel.Model()
    unsure = []
    with cx.Daemon(config()) as d:
        for number in range(20):
            c = d.lines(rng.choice(["tcp", "unix"]))
            # What nobody acknowledged is sent again, as a client would.
            batch = unsure + gen.take(4000)
            c.sock.settimeout(cx.seconds(10))
            data = [cx.lines_of([s]) for s, _ in batch]
            limit = rng.randrange(20, 2500)
            at = 0
            while c.acked()["ack"] < limit:
                at_once = min(len(batch) - at, rng.randrange(1, 400))
                c.write(b"".join(data[at : at + at_once]))
                at += at_once
                assert c.reply() is not None
            d.kill()
            # What was on its way counts, too.
            try:
                while c.reply() is not None:
                    pass
            except OSError:
                pass
            acked = c.acked()["ack"]
            assert acked >= limit
            refused = {r["line"] for r in c.refusals()}
            assert all(r["code"] == "E_STALE" for r in c.refusals())
            model.take(*(s for n, (s, _) in enumerate(batch[:acked], 1) if n not in refused))
            unsure = batch[acked:at]
            # What was made but never sent is no news; its ids start anew.
            made = {}
            for s, _ in [(s, None) for s in model.surveys.values()] + unsure:
                made[s["id"]] = s
            gen.made = made
            d.start()
            if number % 5 == 4:
                # Of the unsure ones each may be there or not, so they are settled first.
                with d.lines() as again:
                    again.send(*(s for s, _ in unsure))
                    again.settle()
                    refused = {r["line"] for r in again.refusals()}
                    model.take(*(s for n, (s, _) in enumerate(unsure, 1) if n not in refused))
                unsure = []
                when = (now // 60 + 1) * 60_000_000
                check_model(d, model, when)
                assert d.status()["surveys"]["counted"] == len([s for s in model.surveys.values() if s.get("status") != "retracted"])


cx.run()

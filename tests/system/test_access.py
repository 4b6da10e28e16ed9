#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what over HTTP where something stands between: a proxy, a browser, a reader who sees only a part."""

import json
import select
import time

import cx

NOW = int(time.time())
RULE = {"name": "csat-low", "metric": "csat", "scopes": "agent/*", "window": "90d", "test": "point", "below": "target",
        "min_n": 1, "advice": {"team_lead": "Listen together."}}


def survey(name, **more):
    return {"id": name, "ts": NOW - 60, "agent": "ana", "queue": "tech", "answers": {"csat": 1}, **more}


@cx.case("a proxy on this machine is not this machine: what it brings needs a token where a source is open")
def proxied():
    config = cx.base_config(sources={"local": {"open": True}, "crm": {"token_sha256": cx.token("crm")[1]}},
                            http={"hosts": ["cx.example"]})
    with cx.Daemon(config) as d:
        mine = {"Authorization": f"Bearer {cx.token('crm')[0]}"}
        for kind, fields in (
            ("tcp", {"X-Forwarded-For": "192.0.2.7"}),
            ("tcp", {"Forwarded": "for=192.0.2.7"}),
            ("tcp", {"Host": "cx.example"}),
            ("unix", {"X-Forwarded-For": "192.0.2.7"}),
        ):
            with d.http(kind) as h:
                r = h.post("/v1/surveys", [survey("p")], fields)
                assert (r.status, r.code) == (401, "E_TOKEN"), (fields, r.status, r.body)
                assert h.post("/v1/surveys", [survey("p")], {**fields, **mine}).status == 200, fields
        for kind, host in (("tcp", "localhost"), ("tcp", "127.0.0.1:8480"), ("tcp", "[::1]"), ("unix", "anything.example")):
            with d.http(kind) as h:
                assert h.post("/v1/surveys", [survey("p")], {"Host": host}).status == 200, host


@cx.case("whoever stands behind a proxy is not root because the proxy is: nobody, or who has a token")
def readers_behind_a_proxy():
    with cx.Daemon(principals=cx.person("maria", "team_lead", "team/alpha")) as d, d.http("unix") as h:
        for fields in ({"X-Forwarded-For": "192.0.2.7"}, {"Forwarded": "for=192.0.2.7"}):
            for path in ("me", "surveys?scope=org", "stream", "backup", "alerts/x/ack"):
                r = h.post(f"/v1/{path}", b"", fields) if path.endswith("/ack") else h.get(f"/v1/{path}", fields)
                assert (r.status, r.code) == (401, "E_TOKEN") and "proxy" in r.json()["error"], (path, fields, r.body)
            r = h.get("/v1/me", {**fields, "Authorization": f"Bearer {cx.token('maria')[0]}"})
            assert (r.status, r.json()["principal"]) == (200, "maria"), r.body
            assert h.get("/healthz", fields).status == 200
        assert h.json("/v1/me")["principal"] == "admin"


@cx.case("a reader who sees no answer of a survey sees nothing that was said beside them either, and never who the customer is")
def comments():
    people = {**cx.person("maria", "team_lead", "team/alpha"), **cx.person("ana", "agent", "agent/ana"),
              **cx.person("chief", "director", "org", admin=True)}
    with cx.Daemon(principals=people) as d:
        said = {"comment": "loud", "contact": "c-1", "reason": "bill", "channel": "phone"}
        d.send(survey("seen", answers={"csat": 2, "fcr": 0}, customer="k-1", **said), survey("hidden", answers={"fcr": 0}, **said),
               survey("taken", **said), survey("taken", status="retracted", **said))
        for who, whole in (("maria", False), ("ana", False), ("chief", True), (None, True)):
            found = d.http(who=who).json("/v1/surveys", scope="agent/ana")["surveys"]
            by_id = {s["id"]: s for s in found}
            assert set(by_id) == {"seen", "hidden"}, (who, by_id)
            assert said.items() <= by_id["seen"].items() and ("customer" in by_id["seen"]) == whole, (who, by_id)
            assert [k for k in (*said, "answers") if k in by_id["hidden"]] == ([*said, "answers"] if whole else []), (who, by_id)


@cx.case("a drill-down that a reload overtakes tells nothing of what its reader saw before; who sees everything gets it whole")
def overtaken():
    def people(**others):
        return cx.base_config(principals={**cx.person("chief", "director", "org", admin=True), **others})

    def lead(team):
        return people(**cx.person("maria", "team_lead", team))

    def meanwhile(who, config):
        """The answer to a question that was asked before a reload, if it was surely given behind that."""
        d.configure(lead("team/alpha"))
        d.reload()
        d.configure(config)
        h = d.http(who=who)
        h.raw(f"GET /v1/surveys?scope=agent/ana&metric=csat&below=3&limit=9 HTTP/1.1\r\nHost: {h.host}\r\n"
              f"Authorization: Bearer {h.token}\r\n\r\n".encode())
        d.http().get("/healthz")
        d.reload()
        behind = not select.select([h.sock], [], [], 0)[0]
        r = h.response()
        # Who asks behind the reload sees no such scope, or is nobody.
        return r if behind and r.status not in (401, 404) else None

    with cx.Daemon(lead("team/alpha")) as d:
        d.send(survey("first", ts=NOW - 7_000_000, comment="long ago"),
               *(survey(f"s{i}", ts=NOW - 60 - i, answers={"csat": 5}) for i in range(60000)))
        for config in (lead("team/bravo"), people()):
            r = cx.until("a reload in the middle", lambda: meanwhile("maria", config))
            assert (r.status, r.code) == (429, "E_BUSY") and b"first" not in r.body and "retry-after" in r.headers, (r.status, r.headers, r.body)
        r = cx.until("a reload in the middle", lambda: meanwhile("chief", lead("team/bravo")))
        assert r.status == 200 and [s["comment"] for s in r.json()["surveys"]] == ["long ago"], r.body


@cx.case("an admin who has a role as well is told the step of that role, on streams and feeds as in the list")
def advice():
    rule = {**RULE, "advice": {"director": "Ask the lead.", **RULE["advice"]}}
    people = {**cx.person("lead", "team_lead", "team/alpha", admin=True), **cx.person("chief", "director", "org", admin=True)}
    with cx.Daemon(rules=[rule], principals=people) as d:
        for who, step in (("lead", "Listen together."), ("chief", "Ask the lead.")):
            with d.events(who) as stream, cx.Sp(d.feed(who), "SUB") as peer:
                cx.until("both listen", lambda: d.status()["subscribers"] == 2)
                d.send(survey(who, agent={"lead": "ana", "chief": "ben"}[who]))
                listed = d.http(who=who).json("/v1/alerts")["alerts"][0]
                told = stream.next("alert")[2]["alert"]
                topic = b""
                while not topic.startswith(b"alert/"):
                    topic, body = peer.recv().split(b" ", 1)
                assert listed["advice"] == step and told == listed == json.loads(body)["alert"], (listed, told, body)
            cx.until("nobody listens", lambda: d.status()["subscribers"] == 0)


@cx.case("an agent who moves at a time of the roster is one lead's up to it and the other's from it on: lists, commands, streams")
def moving():
    people = {**cx.person("maria", "team_lead", "team/alpha"), **cx.person("stefan", "team_lead", "team/bravo")}
    with cx.Daemon(rules=[RULE], principals=people) as d:
        d.send(survey("low"))
        maria, stefan = d.http(who="maria"), d.http(who="stefan")
        path = f"/v1/alerts/{maria.json('/v1/alerts')['alerts'][0]['id']}"
        at = int(time.time() + cx.seconds(0.5)) + 1
        head, first, *others = cx.ROSTER.splitlines()
        moved = [head + ",from,to", f"{first},,{cx.stamp(at * 1_000_000)}", f"ana,Ana Ruiz,bravo,lisbon,iberia,{cx.stamp(at * 1_000_000)},"]
        d.write("roster.csv", "\n".join([*moved, *(row + ",," for row in others), ""]))
        d.reload()
        with d.events("maria") as old, d.events("stefan") as new:
            def is_his():
                hers = "agent/ana" in [s["scope"] for s in maria.json("/v1/me")["scopes"]]
                assert hers or time.time() >= at
                return "agent/ana" in [s["scope"] for s in stefan.json("/v1/me")["scopes"]]

            cx.until("she has moved", is_his)
            assert time.time() >= at
            for h, status in ((maria, 404), (stefan, 200)):
                for what in ("figures", "surveys", "alerts"):
                    assert h.get("/v1/" + what, scope="agent/ana").status == status, (what, status)
                assert h.post(path + "/ack").status == status
                assert len(h.json("/v1/alerts")["alerts"]) == (status == 200)
            d.send(survey("other", agent="ben"))
            # Of what became of the alert of somebody who is not there any more one lead hears nothing, not even a number.
            assert [(data["seq"], data["alert"]["scope"]) for _, _, data in old.alerts(1)] == [(2, "agent/ben")]
            assert [(data["seq"], data["transition"]) for _, _, data in new.alerts(1)] == [(1, "acknowledged")]
        with d.events("maria", since=0) as again:
            assert [data["alert"]["scope"] for _, _, data in again.alerts(1)] == ["agent/ben"]


def with_alert():
    """A daemon with an alert, as its team lead sees it, and that alert's path."""
    d = cx.Daemon(rules=[RULE], principals=cx.person("maria", "team_lead", "team/alpha"), http={"hosts": ["inside.example"]})
    d.send(survey("low"))
    h = d.http(who="maria")
    return d, h, f"/v1/alerts/{h.json('/v1/alerts')['alerts'][0]['id']}"


@cx.case("an alert is put aside for at most 90 days")
def snooze():
    d, h, path = with_alert()
    with d:
        def ahead(days):
            return cx.stamp(int(time.time() + days * 86400) * 1_000_000)

        for body, field in (({"for": "100y"}, "for"), ({"for": "90d1s"}, "for"), ({"until": ahead(90.1)}, "until"),
                            ({"until": "9999-12-31"}, "until")):
            r = h.post(path + "/snooze", body)
            assert (r.status, r.code, r.json()["field"]) == (400, "E_PARAMETER", field) and "90 days" in r.json()["error"], r.body
        assert h.post(path + "/snooze", {"for": "90d"}).json()["alert"]["state"] == "snoozed"
        assert h.post(path + "/ack").status == 200
        assert h.post(path + "/snooze", {"until": ahead(89.9)}).status == 200


@cx.case("what a command has no parameter or member for is refused and not passed over, by name")
def strange():
    d, h, path = with_alert()
    with d:
        for verb, there in (("ack", "note"), ("snooze", "until, for, note"), ("outcome", "outcome, note")):
            r = h.post(f"{path}/{verb}?note=hello", {"for": "1h"} if verb == "snooze" else {"outcome": "x"} if verb == "outcome" else b"")
            assert (r.status, r.json()["error"]) == (400, "this path has no parameter note; it has none"), (verb, r.body)
            r = h.post(f"{path}/{verb}", {"comment": "on it"})
            assert (r.code, r.json()["error"]) == ("E_PARAMETER", f"this command has no member comment; it has {there}"), r.body
        r = h.post(path + "/ack", {"two\nlines": ""})
        assert r.json()["error"] == "this command has no member of that name; it has note", r.body
        [alert] = h.json("/v1/alerts")["alerts"]
        assert alert["state"] == "firing" and "by" not in alert, alert


@cx.case("notes and outcomes are printable text; a note may have more than one line")
def notes():
    d, h, path = with_alert()
    with d:
        for body in ({"note": "a\u001b[2Jb"}, {"note": "a\rb"}, {"note": "a\tb"}, {"note": "a\u0085b"}, {"note": "\u202eb"}):
            r = h.post(path + "/ack", body)
            assert (r.status, r.code, r.json()["field"]) == (400, "E_PARAMETER", "note"), (body, r.body)
        for outcome in ("two\nlines", "bell\a", ""):
            r = h.post(path + "/outcome", {"outcome": outcome})
            assert (r.status, r.code, r.json()["field"]) == (400, "E_PARAMETER", "outcome"), (outcome, r.body)
        for note in ("one\ntwo\r\n\nfour \u00e9\n", "", "\n"):
            assert h.post(path + "/ack", {"note": note}).status in (200, 409), note
        assert h.post(path + "/outcome", {"outcome": "coached", "note": "a\nb"}).json()["alert"]["note"] == "a\nb"


@cx.case("a browser's own word on where a POST comes from counts, and its Origin only where it says nothing")
def cross_site():
    d, h, path = with_alert()
    with d:
        for fields, status in (
            # Behind a proxy that puts another Host in.
            ({"Host": "inside.example", "Origin": "https://outside.example", "Sec-Fetch-Site": "same-origin"}, 200),
            ({"Origin": "https://outside.example", "Sec-Fetch-Site": "none"}, 200),
            ({"Origin": f"http://{h.host}", "Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Origin": "https://outside.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": f"http://{h.host}"}, 200),
            # A name that was made to lead here: Host is what gives it away.
            ({"Host": "rebound.example", "Origin": "http://rebound.example", "Sec-Fetch-Site": "same-origin"}, 421),
        ):
            r = h.post(path + "/outcome", {"outcome": "coached"}, fields)
            assert r.status == status, (fields, r.status, r.body)


cx.run()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what over HTTP where something stands between: a proxy, a browser, a reader who sees only a part."""

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


@cx.case("a reader who sees no answer of a survey sees nothing that was said beside them either")
def comments():
    people = {**cx.person("maria", "team_lead", "team/alpha"), **cx.person("ana", "agent", "agent/ana"),
              **cx.person("chief", "director", "org", admin=True)}
    with cx.Daemon(principals=people) as d:
        said = {"comment": "loud", "contact": "c-1", "reason": "bill", "channel": "phone"}
        d.send(survey("seen", answers={"csat": 2, "fcr": 0}, **said), survey("hidden", answers={"fcr": 0}, **said))
        for who, whole in (("maria", False), ("ana", False), ("chief", True), (None, True)):
            found = d.http(who=who).json("/v1/surveys", scope="agent/ana")["surveys"]
            by_id = {s["id"]: s for s in found}
            assert said.items() <= by_id["seen"].items(), (who, by_id)
            assert [k for k in (*said, "answers") if k in by_id["hidden"]] == ([*said, "answers"] if whole else []), (who, by_id)


cx.run()

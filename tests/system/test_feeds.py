#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each manager's feed carries that manager's alerts, all of them, once, in order, and nothing of others."""

import json
import os
import re
import subprocess
import time

import cx

NOW = int(time.time())
RULES = [
    {"name": "csat-low", "metric": "csat", "scopes": "agent/*", "window": "90d", "test": "point", "below": "target",
     "min_n": 1, "advice": {"team_lead": "Listen together.", "agent": "Listen."}},
    {"name": "fcr-low", "metric": "fcr", "scopes": "queue/*", "window": "90d", "test": "point", "below": "target",
     "min_n": 1, "advice": {"queue_owner": "Look."}},
]
PEOPLE = {
    **cx.person("maria", "team_lead", "team/alpha"),
    **cx.person("stefan", "team_lead", "team/bravo"),
    **cx.person("laura", "queue_owner", "queue/tech"),
}
ALPHA, BRAVO = ("ana", "ben", "cleo"), ("dora", "emil", "finn")


def config(ring=1000):
    return cx.base_config(rules=RULES, principals=PEOPLE, feed={"ring": ring, "tick": "1s"})


class Toggle:
    """Makes alerts: each call turns an agent's only survey from good to bad or back."""

    def __init__(self, d):
        self.d = d
        self.rev = {}
        self.expected = {"maria": [], "stefan": [], "laura": []}

    def __call__(self, agent, queue="sales"):
        rev = self.rev[agent] = self.rev.get(agent, 0) + 1
        bad = rev % 2 == 1
        survey = {"id": f"toggle-{agent}", "ts": NOW - 60, "agent": agent, "queue": queue, "rev": rev,
                  "answers": {"csat": 1 if bad else 5}}
        self.d.send(survey)
        who = "maria" if agent in ALPHA else "stefan"
        self.expected[who].append((f"agent/{agent}", "firing" if bad else "resolved"))

    def many(self, n):
        for i in range(n):
            self((ALPHA + BRAVO)[i % 6])


def of_events(events):
    return [(data["alert"]["scope"], data["transition"]) for _, _, data in events]


def numbers(events):
    return [number for _, number, _ in events]


def messages(text):
    """Alerts out of what nngcat or nanocat printed: (topic, json), quoted as both do."""
    found = []
    for line in text:
        assert line.startswith('"') and line.endswith('"'), line
        topic, body = line[1:-1].replace('\\"', '"').replace("\\\\", "\\").split(" ", 1)
        if topic.startswith("alert/"):
            found.append((topic, json.loads(body)))
    return found


def subscribers(d, n):
    cx.until(f"{n} subscribers", lambda: d.status()["subscribers"] == n)


@cx.case("nngcat and nanocat hear a manager's alerts, curl shows the same, and another manager's feed has none of them")
def tools():
    nngcat, nanocat, curl = cx.tool("nngcat"), cx.tool("nanocat"), cx.tool("curl")
    with cx.Daemon(config()) as d:
        toggle = Toggle(d)
        stream = d.address("http").replace("tcp://", "http://") + "/v1/stream"
        heard = {}
        listeners = []
        try:
            for who in ("maria", "stefan"):
                listeners += [
                    cx.Tool(nngcat, "--sub", "--subscribe", "", "--quoted", "--dial", d.feed(who)),
                    cx.Tool(nanocat, "--sub", "--quoted", "--connect", d.feed(who)),
                    cx.Tool(curl, "-sSN", "-H", "Authorization: Bearer " + cx.token(who)[0], stream),
                ]
            subscribers(d, 6)
            for agent in ("ana", "dora", "ben", "ana", "emil", "cleo", "dora", "ana"):
                toggle(agent)
            for who, tools in (("maria", listeners[:3]), ("stefan", listeners[3:])):
                last = len(toggle.expected[who])
                for one in tools[:2]:
                    one.out.wait(rf'alert/.*\\"seq\\":{last},')
                tools[2].out.wait(rf"^id: {last}$")
                # The data line behind the id.
                tools[2].out.wait(rf'^data: .*"seq":{last},')
                heard[who] = [messages(one.out.lines) for one in tools[:2]]
                shown = [json.loads(line[6:]) for line in tools[2].out.lines if line.startswith("data: ")]
                heard[who].append([(None, m) for m in shown if "alert" in m])
        finally:
            for one in listeners:
                one.__exit__()
        for who, by_tool in heard.items():
            for found in by_tool:
                assert [(m["alert"]["scope"], m["transition"]) for _, m in found] == toggle.expected[who], (who, found)
                assert [m["seq"] for _, m in found] == list(range(1, len(found) + 1))
                assert all(m["alert"]["advice"] == "Listen together." for _, m in found)
            assert by_tool[0] == by_tool[1]
            assert [m for _, m in by_tool[0]] == [m for _, m in by_tool[2]]
            assert all(t == f"alert/{m['alert']['scope']}/csat" for t, m in by_tool[0])


@cx.case("what one manager may not see changes no byte of that manager's alerts: numbers do not tell either")
def silent():
    seen = []
    for others in (0, 40):
        with cx.Daemon(config()) as d:
            toggle = Toggle(d)
            with d.events("maria") as stream:
                for i in range(6):
                    toggle(ALPHA[i % 3])
                    for k in range(others // 6):
                        toggle(BRAVO[(i + k) % 3])
                events = stream.alerts(6)
            seen.append([(kind, n, data["seq"], data["transition"], data["alert"]["scope"]) for kind, n, data in events])
    assert seen[0] == seen[1]


@cx.case("after a break, since= and Last-Event-ID miss nothing and repeat nothing, also over SIGTERM and kill -9")
def resumed():
    with cx.Daemon(config()) as d:
        toggle = Toggle(d)
        got = {"maria": [], "stefan": []}
        streams = {who: d.events(who) for who in got}
        toggle.many(12)
        for who, stream in streams.items():
            got[who] += stream.alerts(6)
            stream.close()
        for kill in (None, None, False, True, True):
            toggle.many(13)
            if kill is not None:
                d.restart(kill=kill)
                toggle.d = d
            toggle.many(5)
            for number, who in enumerate(got):
                last = got[who][-1][1]
                with d.events(who, **({"since": last} if number else {"last": last})) as stream:
                    missing = len(toggle.expected[who]) - len(got[who])
                    got[who] += stream.alerts(missing)
                    # And it goes on live behind what was missed.
                    toggle(ALPHA[0] if who == "maria" else BRAVO[0])
                    got[who] += stream.alerts(1)
                    assert "gap" not in [kind for kind, _, _ in stream.seen]
        for who, events in got.items():
            assert numbers(events) == list(range(1, len(events) + 1)), who
            assert of_events(events) == toggle.expected[who], who
            assert [data["seq"] for _, _, data in events] == numbers(events)
            with d.events(who, since=0) as stream:
                assert stream.alerts(len(events)) == events, "the whole feed again is what was heard"
            for both in {"since": 3, "last": ""}, {"since": 0, "last": 3}, {"since": 500, "last": 3}:
                with d.events(who, **both) as stream:
                    assert stream.alerts(1) == events[3:4], "what was heard last counts"
        with d.events("laura", since=0) as stream:
            assert stream.next()[0] == "tick" and stream.next("tick")[1] == 0


@cx.case("a client that is cut off before the first event knows where to go on, also cxctl watch")
def cut_at_once():
    with cx.Daemon({**config(), "feed": {"tick": "1h"}}) as d:
        toggle = Toggle(d)
        toggle.many(12)
        with d.events("maria") as stream, d.events("maria", since=2) as other:
            assert (stream.begun, other.begun) == (6, 2)
        watch = cx.Tool(cx.CXCTL, "-H", "unix:" + d.path("r", "http"), "watch", "-n", "1")
        with watch:
            subscribers(d, 1)
            d.restart(kill=True)
            toggle.d = d
            with d.events("maria", since=stream.begun) as again:
                toggle("ana")
                assert numbers(again.alerts(1)) == [7]
            watch.out.wait("firing +agent/ana ")


@cx.case("cxctl watch knows the unit of a metric that a reload or a start has brought, and misses nothing for it")
def new_metric():
    config = cx.base_config(feed={"tick": "1s"}, rules=[{**RULES[0], "metric": "nps", "below": 50}])
    with cx.Daemon({**config, "metrics": {"csat": cx.METRICS["csat"]}, "rules": []}) as d:
        with cx.Tool(cx.CXCTL, "-H", "unix:" + d.path("r", "http"), "watch", "-e", "alert,tick") as watch:
            watch.out.wait("tick")
            d.configure(config)
            d.reload()
            d.send({"id": "one", "ts": NOW - 60, "agent": "ana", "queue": "tech", "answers": {"nps": 0}})
            watch.out.wait("firing +agent/ana ")
            for _ in range(2):
                watch.out.wait("tick", len(watch.out.lines))
            d.send({"id": "two", "ts": NOW - 60, "agent": "ben", "queue": "tech", "answers": {"nps": 0}})
            watch.out.wait("firing +agent/ben .* -100 points ")
            d.configure({**config, "metrics": {**cx.METRICS, "nps": {"kind": "mean", "scale": [0, 10], "target": 5}},
                         "rules": [{**RULES[0], "metric": "nps"}]})
            mark = len(watch.out.lines)
            d.restart()
            watch.out.wait("connected again", mark)
            for _ in range(2):
                watch.out.wait("tick", len(watch.out.lines))
            d.send({"id": "three", "ts": NOW - 60, "agent": "cleo", "queue": "tech", "answers": {"nps": 0}})
            watch.out.wait("firing +agent/cleo .* 0.00 ")
            fired = re.findall(r" firing .* (\w+)$", watch.out.text(), re.M)
            assert len(fired) == len(set(fired)) == 5, fired


@cx.case("an alert whose evidence is taken back is withdrawn, for subscribers and after kill -9")
def withdrawn():
    with cx.Daemon(config()) as d:
        survey = {"id": "one", "ts": NOW - 60, "agent": "ana", "queue": "sales", "answers": {"csat": 1}}
        with d.events("maria") as stream:
            d.send(survey)
            fired = stream.alerts(1)[0][2]["alert"]
            assert (fired["state"], fired["reason"], fired["surveys"]) == ("firing", None, ["one"]), fired
            d.send({**survey, "rev": 1, "status": "retracted"})
            _, number, message = stream.alerts(1)[0]
            gone = message["alert"]
            assert (message["transition"], gone["reason"], gone["id"]) == ("resolved", "withdrawn", fired["id"]), message
        d.restart(kill=True)
        with d.http(who="maria") as h:
            assert [(a["id"], a["reason"]) for a in h.json("/v1/alerts", state="all")["alerts"]] == [(fired["id"], "withdrawn")]
        with d.events("maria", since=number - 1) as stream:
            assert stream.alerts(1) == [("alert", number, message)]


@cx.case("an alert that is only pending is there for who asks, and no news")
def pending():
    patient = [{**RULES[0], "for": "1h"}]
    with cx.Daemon({**config(), "rules": patient}) as d:
        bad = {"id": "one", "ts": NOW - 60, "agent": "ana", "queue": "sales", "answers": {"csat": 1}}
        with d.events("maria") as stream, d.http(who="maria") as h:
            for rev in range(4):
                d.send({**bad, "rev": rev, "answers": {"csat": 5 if rev % 2 else 1}})
                states = [a["state"] for a in h.json("/v1/alerts", state="all")["alerts"]]
                assert states[:1] == ["resolved" if rev % 2 else "pending"], states
            stream.next("tick")
            assert stream.next("tick")[1] == 0 and "alert" not in [kind for kind, _, _ in stream.seen]


@cx.case("who asks for more than the ring holds is told the gap, exactly, and gets the rest")
def gap():
    with cx.Daemon(config(ring=16)) as d:
        toggle = Toggle(d)
        for _ in range(30):
            toggle("ana")
        for kill in (None, False, True):
            if kill is not None:
                d.restart(kill=kill)
            for since, first in ((0, 1), (5, 6), (13, 14)):
                with d.events("maria", since=since) as stream:
                    kind, number, data = stream.next()
                    assert (kind, number) == ("gap", 14), (kind, number, data)
                    assert (data["missed_from"], data["missed_to"]) == (first, 14), data
                    assert numbers(stream.alerts(16)) == list(range(15, 31))
            for since in (14, 15, 29):
                with d.events("maria", since=since) as stream:
                    assert numbers(stream.alerts(30 - since)) == list(range(since + 1, 31)), since
                    assert "gap" not in [kind for kind, _, _ in stream.seen]
        # Numbers beyond the end are none: what comes next is the next one.
        with d.events("maria", since=1000) as stream:
            toggle("ana")
            assert numbers(stream.alerts(1)) == [31]


@cx.case("a stranger gets no stream, and each feed endpoint speaks for its own principal alone")
def strangers():
    with cx.Daemon(config()) as d:
        toggle = Toggle(d)
        with cx.Events(d.address("http")) as stream:
            assert stream.status == 401
        with cx.Events(d.address("http"), "x" * 64) as stream:
            assert stream.status == 401
        with d.events("maria", since="x") as stream:
            assert stream.status == 400
        own, shared = cx.Sp(d.feed("stefan"), "SUB"), cx.Sp(d.address("feed"), "SUB")
        with own, shared:
            subscribers(d, 2)
            toggle("ana")
            toggle("dora")
            # On the common endpoint root and the daemon's own user are admin, who sees both, in one run of numbers.
            found = []
            while len(found) < 2:
                topic, body = shared.recv().split(b" ", 1)
                found += [(topic.decode(), json.loads(body)["seq"])] if topic.startswith(b"alert/") else []
            assert found == [("alert/agent/ana/csat", 1), ("alert/agent/dora/csat", 2)], found
            topic = b""
            while not topic.startswith(b"alert/"):
                topic, body = own.recv().split(b" ", 1)
                assert b"alpha" not in body and b"ana" not in body, body
            assert topic == b"alert/agent/dora/csat" and json.loads(body)["seq"] == 1
            # A publisher wants nothing from its subscribers: one that sends is dropped, the other is not.
            own.send(b"hello")
            own.reader.rest()
            toggle("ana")
            while not shared.recv().startswith(b"alert/agent/ana"):
                pass


@cx.case("everybody may go into the folder of the feeds, whatever the umask; each file in it is for whom it is meant")
def modes():
    people = {**cx.person("maria", "team_lead", "team/alpha", user="nobody"), **cx.person("stefan", "team_lead", "team/bravo")}

    def mode(*names):
        return os.stat(d.path("r", "feed", *names)).st_mode & 0o777

    with cx.Daemon(cx.base_config(principals=people), start=False) as d:
        d.start(umask=0o077)
        assert mode() == 0o755 and (mode("maria.ipc"), mode("stefan.ipc")) == (0o666, 0o600)
        # As an earlier version left it in a folder that outlives the daemon.
        os.chmod(d.path("r", "feed"), 0o700)
        d.restart(umask=0o077)
        assert mode() == 0o755


@cx.case("a tick with three thousand figures reaches a stream whole, beside one that reads nothing")
def burst():
    now = int(time.time())
    with cx.Daemon(cx.base_config(principals=cx.person("adam", "director", "org", admin=True), feed={"tick": "1s"})) as d:
        with d.events("adam") as deaf, d.events("adam") as e:
            e.next("tick")
            for turn in range(3):
                d.send(*({"id": f"b{turn}-{i}", "ts": now, "queue": f"q{i}", "agent": f"a{i}",
                          "answers": {"nps": 9, "csat": 5, "fcr": True, "wait": 2}}
                         for i in range(300)))
                wanted = {(f"{kind}/{letter}{i}", m) for kind, letter in (("agent", "a"), ("queue", "q")) for i in range(300)
                          for m in cx.METRICS} | {("org", m) for m in cx.METRICS}
                while wanted:
                    _, _, data = e.next("figure")
                    wanted -= {(f["scope"], f["metric"]) for f in data["figures"]}
            assert deaf.status == 200


def many_at_once(ring, n, **more):
    """A daemon, and what makes it raise n alerts on the agents of team alpha with one reload."""
    people = cx.person("maria", "team_lead", "team/alpha")
    roster = "agent,name,team,site,region\n" + "".join(f"a{i},A,alpha,madrid,iberia\n" for i in range(n))
    config = cx.base_config(principals=people, feed={"ring": ring, "tick": "1s"})
    d = cx.Daemon({**config, "rules": [{**RULES[0], "min_n": 2}]}, roster=roster, **more)
    d.send(*({"id": f"m{i}", "ts": NOW - 60, "agent": f"a{i}", "queue": "tech", "answers": {"csat": 1}} for i in range(n)))

    def fire():
        d.configure({**config, "rules": [RULES[0]]})
        d.reload()

    return d, fire


def alert_numbers(peer, last):
    """Of the alerts that come until a tick says that there were so many."""
    found = []
    while True:
        topic, body = peer.recv().split(b" ", 1)
        seq = json.loads(body)["seq"]
        if topic.startswith(b"alert/"):
            found.append(seq)
        elif topic == b"tick" and seq == last:
            return found


def lost(d):
    with d.http() as h:
        return int(re.search(rb"^cxd_feed_messages_dropped_total (\d+)$", h.get("/metrics").body, re.M)[1])


@cx.case("of thousands of alerts at once a nanomsg peer that reads loses none, also if it begins late")
def at_once():
    d, fire = many_at_once(10000, 4000)
    with d:
        peers = [d._keep(cx.Sp(d.feed("maria"), "SUB")) for _ in range(2)]
        subscribers(d, 2)
        fire()
        for peer in peers:
            assert alert_numbers(peer, 4000) == list(range(1, 4001))


@cx.case("what a nanomsg peer was not sent before a reload it is not sent behind it, unless it still sees it")
def narrowed():
    d, fire = many_at_once(10000, 4000)
    with d, d.events("maria") as stream:
        peer = d._keep(cx.Sp(d.feed("maria"), "SUB"))
        subscribers(d, 2)
        fire()
        assert len(stream.alerts(4000)) == 4000
        d.write("roster.csv", cx.ROSTER)
        d.reload()
        d.send({"id": "one", "ts": NOW - 60, "agent": "ana", "queue": "tech", "answers": {"csat": 1}})
        *early, last = alert_numbers(peer, 4001)
        assert last == 4001 and early == list(range(1, len(early) + 1)) and 0 < len(early) < 3000, early[-3:]


@cx.case("what is not kept long enough for a nanomsg peer that reads late is counted as lost")
def overtaken():
    d, fire = many_at_once(16, 4000)
    with d:
        peer = d._keep(cx.Sp(d.feed("maria"), "SUB"))
        subscribers(d, 1)
        fire()
        cx.until("all are fired", lambda: d.status()["alerts"]["active"] == 4000)
        found = alert_numbers(peer, 4000)
        assert sorted(set(found)) == found and lost(d) >= 4000 - len(found) > 0, len(found)


@cx.case("what nanomsg peers are sent and lose is counted at every endpoint, and a reload that closes one forgets nothing")
def counted():
    people = cx.person("adam", "director", "org", admin=True)
    config = cx.base_config(principals=people, feed={"tick": "1s"})
    with cx.Daemon(config) as d, d.http() as h:
        def counter(name):
            text = h.get("/metrics").body.decode()
            return float(re.search(rf"^cxd_feed_messages_{name}_total (\S+)$", text, re.M)[1])

        for n, endpoint in enumerate((d.feed("adam"), d.address("feed"))):
            lost = counter("dropped")
            deaf = d._keep(cx.Sp(endpoint, "SUB"))
            subscribers(d, 1)
            d.send(*({"id": f"c{n}-{i}", "ts": NOW, "queue": f"q{i}", "agent": f"a{i}", "answers": {"nps": 9, "csat": 5, "fcr": True}}
                     for i in range(400)))
            cx.until("some is lost", lambda: counter("dropped") > lost)
            deaf.close()
            subscribers(d, 0)
        sent, lost = counter("sent"), counter("dropped")
        d.configure({**config, "principals": cx.person("berta", "director", "org", admin=True)})
        d.reload()
        assert (counter("sent"), counter("dropped")) == (sent, lost)


@cx.case("a reload in the middle of a tick takes no figure from it")
def reloaded():
    people = cx.person("adam", "director", "org", admin=True)
    with cx.Daemon(cx.base_config(principals=people, feed={"tick": "1s"})) as d, d.events("adam") as e:
        e.next("tick")
        d.send(*({"id": f"r{i}", "ts": NOW, "queue": "tech", "agent": f"a{i}", "answers": {"nps": 9, "csat": 5}}
                 for i in range(1500)))
        wanted = {(f"agent/a{i}", m) for i in range(1500) for m in ("nps", "csat", "response")}
        d.configure(cx.base_config(principals=people | cx.person("berta", "director", "org"), feed={"tick": "1s"}))
        for n in range(100000):
            _, _, data = e.next("figure")
            wanted -= {(f["scope"], f["metric"]) for f in data["figures"]}
            if n == 100:
                d.process.send_signal(cx.signal.SIGHUP)
            if not wanted:
                break
        assert d.out.find("reload done")


@cx.case("a tick tells that the configuration was read anew, by the number that /v1/me has")
def told():
    people = cx.person("maria", "team_lead", "team/alpha")
    with cx.Daemon(cx.base_config(principals=people, feed={"tick": "1s"})) as d, d.events("maria") as e:
        peer = d._keep(cx.Sp(d.feed("maria"), "SUB"))
        me = lambda: d.http(who="maria").json("/v1/me")
        assert me()["reloads"] == e.next("tick")[2]["reloads"] == json.loads(peer.recv().split(b" ", 1)[1])["reloads"] == 0
        d.write("roster.csv", cx.ROSTER.replace("ben,Ben Cole,alpha,madrid", "ben,Ben Cole,bravo,lisbon"))
        d.reload()
        seen = me()
        assert seen["reloads"] == 1 and "agent/ben" not in [s["scope"] for s in seen["scopes"]], seen
        cx.until("a tick says so", lambda: e.next("tick")[2]["reloads"] == 1)
        # A configuration that is refused is none.
        d.configure("metrics: 7\n")
        d.reload(expect="reload refused")
        e.next("tick")
        assert me()["reloads"] == e.next("tick")[2]["reloads"] == 1


@cx.case("figures and ticks carry the number of the last alert, and only figures that the principal sees")
def figures():
    with cx.Daemon(config()) as d:
        toggle = Toggle(d)
        with d.events("laura") as stream, d.events("maria") as other:
            toggle("ana", queue="tech")
            toggle("dora", queue="tech")
            seen = set()
            while "figure" not in [kind for kind, _, _ in stream.seen] or stream.seen[-1][0] != "tick":
                stream.next()
            for kind, number, data in stream.seen:
                assert number == data["seq"] == 0
                seen |= {(f["scope"], f["metric"]) for f in data.get("figures", [])}
            # Not of what was not answered: that there are answers to another metric is not for everybody.
            assert seen == {("queue/tech", "csat")}, seen
            other.next("alert")
            while "figure" not in [kind for kind, _, _ in other.seen] or other.seen[-1][0] != "tick":
                other.next()
            scopes = {f["scope"] for _, _, data in other.seen for f in data.get("figures", [])}
            assert scopes == {"agent/ana", "team/alpha"}, scopes
            assert {n for kind, n, _ in other.seen if kind != "alert"} == {1}


cx.run()

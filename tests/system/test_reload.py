#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A reload takes effect as a whole or not at all, and loses or repeats nothing of what is being sent meanwhile."""

import json
import os
import threading
import time

import cx
import cxmodel

NOW = int(time.time())
AT = (NOW // 60 + 1) * 60_000_000
RULE = {"name": "csat-low", "metric": "csat", "scopes": "agent/*", "window": "90d", "test": "point", "below": "target",
        "min_n": 3, "advice": {"team_lead": "Listen together."}}
MOVED = cx.ROSTER.replace("cleo,Cleo Marin,alpha,madrid,iberia", "cleo,Cleo Marin,bravo,lisbon,iberia")
assert MOVED != cx.ROSTER


def config(**more):
    return cx.base_config(rules=[RULE], principals=cx.person("maria", "team_lead", "team/alpha"), **more)


def check_model(d, model, windows=("today", "28d", "90d")):
    with d.http() as h:
        for window in windows:
            model.check(h.json("/v1/board", window=window, at=cx.stamp(AT))["rows"], window, AT)


class Load:
    """Senders that go on until they are stopped; afterwards the model knows all that was acknowledged."""

    WAYS = ("lines", "http", "rep", "pull")

    def __init__(self, d, model, seed):
        self.d, self.model = d, model
        self.stop = threading.Event()
        self.news = threading.Condition()
        self.n_sent = dict.fromkeys(self.WAYS, 0)
        self.faults = []
        self.threads = [
            threading.Thread(target=self._run, args=(way, getattr(self, "_" + way), seed + i))
            for i, way in enumerate(self.WAYS)
        ]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, kind, *_):
        self.stop.set()
        for t in self.threads:
            t.join()
        assert kind or not self.faults, self.faults
        if kind is None:
            counted = sum(s.get("status") != "retracted" for s in self.model.surveys.values())
            cx.until("all that was pushed is counted", lambda: self.d.status()["surveys"]["counted"] >= counted, 20)
            assert self.d.status()["surveys"]["counted"] == counted

    def _run(self, way, send, seed):
        # Pushed messages are not answered, so what they say may not depend on order.
        gen = cxmodel.Generator(seed, NOW, prefix=way, days=80, trouble=0 if way == "pull" else 0.3)
        try:
            send(gen)
        except Exception as e:  # pylint: disable=broad-except
            self.faults.append(f"{way}: {type(e).__name__}: {e}")

    def _took(self, way, made):
        self.model.take(*(s for s, verdict in made if verdict != "refused"))
        with self.news:
            self.n_sent[way] += len(made)
            self.news.notify_all()

    def flows(self, n=60):
        """Waits until each way has brought n more."""
        with self.news:
            goal = {way: sent + n for way, sent in self.n_sent.items()}
            fine = self.news.wait_for(
                lambda: self.faults or all(self.n_sent[w] >= goal[w] for w in self.WAYS), cx.seconds(30))
        assert fine and not self.faults, (self.faults, self.n_sent, goal)

    def _lines(self, gen):
        with cx.Lines(self.d.address("lines", "unix")) as c:
            while not self.stop.is_set():
                made = gen.take(20)
                c.send(*(s for s, _ in made))
                c.settle()
                self._took("lines", made)
            assert all(r["code"] == "E_STALE" for r in c.refusals()), c.refusals()[:3]

    def _http(self, gen):
        with cx.Http(self.d.address("http", "unix")) as h:
            while not self.stop.is_set():
                made = gen.take(20)
                while (r := h.post("/v1/surveys", [s for s, _ in made])).status == 429:
                    assert r.headers["retry-after"] == "1" and r.code == "E_BUSY", r.body
                assert r.status == 200 and {f["code"] for f in r.json()["refused"]} <= {"E_STALE"}, r.body[:300]
                self._took("http", made)

    def _rep(self, gen):
        with cx.Sp(self.d.address("rep"), "REQ") as c:
            while not self.stop.is_set():
                made = gen.take(20)
                while (r := json.loads(c.ask(cx.lines_of([s for s, _ in made])))).get("code") == "E_BUSY":
                    pass
                assert {f["code"] for f in r["refused"]} <= {"E_STALE"}, r
                self._took("rep", made)

    def _pull(self, gen):
        peers = [cx.Sp(self.d.address("pull"), "PUSH") for _ in range(3)]
        try:
            while not self.stop.is_set():
                for peer in peers:
                    made = gen.take(5)
                    peer.send(cx.lines_of([s for s, _ in made]))
                    self._took("pull", made)
                # Not faster than the others.
                with self.news:
                    self.news.wait_for(lambda: self.stop.is_set() or self.n_sent["lines"] >= self.n_sent["pull"], 1)
        finally:
            for peer in peers:
                peer.close()


@cx.case("a new target, rule, principal and metric, and an agent who moves, take effect under load; all is counted once")
def good():
    model = cxmodel.Model()
    with cx.Daemon(config()) as d:
        made = cxmodel.Generator(1, NOW, days=80).take(8000)
        with d.lines() as c:
            c.send(*(s for s, _ in made))
            c.finish()
        model.take(*(s for s, verdict in made if verdict != "refused"))
        check_model(d, model)
        for turn in range(4):
            target = 30 + 10 * turn
            metrics = {**cx.METRICS, "csat": {**cx.METRICS["csat"], "target": f"{target}%"}}
            rules = [RULE, {**RULE, "name": f"turn-{turn}", "scopes": "queue/*", "below": "101" if turn % 2 else "target"}]
            people = {**cx.person("maria", "team_lead", "team/alpha"), **cx.person(f"new{turn}", "director", "org")}
            roster = MOVED if turn % 2 == 0 else cx.ROSTER
            with Load(d, model, 100 * (turn + 1)) as load:
                load.flows()
                d.write("roster.csv", roster)
                if turn % 2:
                    # A limit beyond what the metric can be is refused; the next one then is not.
                    d.configure(config(metrics=metrics) | {"rules": rules, "principals": people})
                    d.reload("reload refused")
                    rules[1]["below"] = "target"
                d.configure(config(metrics=metrics) | {"rules": rules, "principals": people})
                d.reload()
                load.flows()
            model.roster(roster)
            check_model(d, model)
            with d.http() as h:
                figure = h.json("/v1/figures", scope="org", metric="csat", window="90d")["figures"][0]
                assert figure["target"] == target
                assert [r["name"] for r in h.json("/v1/rules")["rules"]] == ["csat-low", f"turn-{turn}"]
                firing = h.json("/v1/alerts", state="all", limit=10000)["alerts"]
                assert all(a["state"] == "resolved" for a in firing
                           if a["rule"] not in ("csat-low", f"turn-{turn}")), "an alert of a rule that is gone goes on"
            assert d.http(who=f"new{turn}").get("/v1/me").status == 200
            assert turn == 0 or d.http(who=f"new{turn - 1}").get("/v1/me").status == 401
            people = {s["scope"] for s in d.http(who="maria").json("/v1/me")["scopes"]}
            assert ("agent/cleo" in people) == (turn % 2 == 1), people
        d.restart(kill=True)
        check_model(d, model)


@cx.case("what comes while figures are computed anew, new and revised, is in them as well")
def meanwhile():
    model = cxmodel.Model()
    with cx.Daemon(config()) as d:
        made = cxmodel.Generator(5, NOW, days=80, trouble=0).take(15000)
        d.send(*(s for s, _ in made))
        model.take(*(s for s, _ in made))
        old = iter([s for s, _ in made])
        for turn in range(4):
            clients = [d.lines("unix") for _ in range(20)]
            pushers = [d._keep(cx.Sp(d.address("pull"), "PUSH")) for _ in range(20)]
            d.write("roster.csv", cx.ROSTER if turn % 2 else MOVED)
            mark = len(d.out.lines)
            d.process.send_signal(cx.signal.SIGHUP)
            d.out.wait("computed anew", mark)
            for number, client in enumerate(clients + pushers):
                # One of the first ones, which the new figures have already or have not: half of them change.
                s = {**next(old), "rev": 1, "status": "answered", "answers": {"csat": 1 + number % 5, "nps": number % 11}}
                if number % 2:
                    s["id"] = f"new-{turn}-{number}"
                model.take(s)
                client.send(cx.lines_of([s]) if number >= len(clients) else s)
            d.out.wait("reload done", mark, timeout=60)
            for client in clients:
                ack = client.settle()
                assert ack["stored"] + ack["revised"] == 1, (ack, client.refusals())
            cx.until("all is counted", lambda: d.status()["surveys"]["stored"] + d.status()["surveys"]["revised"]
                     >= 15000 + 40 * (turn + 1))
            model.roster(cx.ROSTER if turn % 2 else MOVED)
            check_model(d, model, ["90d"])
            for client in clients + pushers:
                client.close()


@cx.case("who sends while figures are computed anew is told so, and machines that ask whether it is ready are not alarmed")
def told():
    with cx.Daemon(config()) as d, d.http() as h, d.http() as other, cx.Sp(d.address("rep"), "REQ") as rep:
        d.send(*(s for s, _ in cxmodel.Generator(5, NOW, days=80, trouble=0).take(30000)))
        one = {"id": "one", "ts": NOW, "queue": "tech"}
        assert h.post("/v1/surveys", one).status == 200
        d.write("roster.csv", MOVED)
        d.process.send_signal(cx.signal.SIGHUP)
        d.out.wait("computed anew")
        r = h.post("/v1/surveys", one)
        assert (r.status, r.code) == (429, "E_BUSY") and b"configuration is being read anew" in r.body, (r.status, r.body)
        assert other.get("/readyz").status == 200
        d.out.wait("reload done")
        assert h.post("/v1/surveys", one).json()["duplicate"] == 1
        assert b'"duplicate":1' in rep.ask(cx.lines_of([one]))


@cx.case("a shorter tick holds at once after a reload")
def tick():
    with cx.Daemon(config(feed={"tick": "1h"})) as d, d.events("maria") as events:
        d.configure(config(feed={"tick": "1s"}))
        d.reload()
        events.next("tick")
        events.next("tick")


BROKEN = [
    ("windows: 7\n", r"cxd\.yaml:\d+: windows: "),
    ("timezone: Mars/Olympus\n", r"cxd\.yaml:\d+: timezone: "),
    ("metrics:\n  csat: {kind: top9}\n", r"cxd\.yaml:\d+: metrics\.csat\.kind: .*top9"),
    ("rules:\n  - {name: a, metric: nothing, scopes: org, window: 28d, below: 1}\n", r"cxd\.yaml:\d+: rules.*metric: "),
    ("principals:\n  eve: {role: king, scope: org}\n", r"cxd\.yaml:\d+: principals\.eve"),
    ("listn: {}\n", r"cxd\.yaml:\d+: listn: .*listen"),
    ("roster: gone.csv\n", r"gone\.csv"),
    ("listen: {lines: [\n", r"cxd\.yaml:\d+:"),
    ("\t\n", r"cxd\.yaml:\d+:"),
]


@cx.case("a broken file changes nothing, and the log names its line, key and what is wrong")
def broken():
    with cx.Daemon(config()) as d:
        d.send({"id": "a", "ts": NOW, "agent": "ana", "queue": "tech", "answers": {"csat": 2}})
        with d.http() as h, d.events("maria") as stream:
            def answers():
                return [h.get(p).body for p in ("/v1/me", "/v1/rules", "/v1/org", "/v1/board?at=" + cx.stamp(AT))]

            for number, (text, pattern) in enumerate(BROKEN, 1):
                before = answers()
                d.configure(text)
                log = d.reload("reload refused, keeping the old configuration")
                assert any(cx.re.search(pattern, line) and line.startswith("<3>") for line in log), (text, log)
                d.configure(config())
                for name, text in (("roster.csv", "agent,name,team\nana,Ana,alpha\nana,Ana,bravo\n"),
                                   ("queues.csv", "queue;line\na;b\n")):
                    old = cx.ROSTER if name == "roster.csv" else cx.QUEUES
                    d.write(name, text)
                    log = d.reload("reload refused, keeping the old configuration")
                    assert any(cx.re.search(name.replace(".", r"\.") + r":\d+: ", line) for line in log), log
                    d.write(name, old)
                assert answers() == before
                d.send({"id": f"b{number}", "ts": NOW, "agent": "ben", "queue": "tech"})
            for n in range(3):
                d.send({"id": f"c{n}", "ts": NOW, "agent": "ana", "queue": "tech", "answers": {"csat": 1}})
            assert stream.alerts(1)[0][1] == 1
        d.configure("windows: 7\n")
        d.stop()
        d.spawn()
        assert d.wait() == 78, "a start with a broken file ends with its own status"
        assert d.out.find(r"cxd\.yaml:1: windows: ")
        d.configure(config())
        d.start()


@cx.case("what takes effect only with a restart is named at each reload, and until then the old is in force, and shown")
def waiting():
    with cx.Daemon(config()) as d:
        d.send({"id": "a", "ts": NOW, "agent": "ana", "queue": "tech", "answers": {"csat": 2}})
        path = d.status()["store"]["path"]
        d.configure(config(store={"path": "other.db"}))
        for _ in range(2):
            log = d.reload()
            assert any(line.endswith("reload: store.path changed, which takes effect with a restart only") for line in log), log
            assert d.status()["store"]["path"] == path
        d.configure(config())
        assert not any("restart" in line for line in d.reload())
        d.configure(config(feed={"ring": 16}, http={"hosts": ["cx.example.com"]}))
        for _ in range(2):
            log = d.reload()
            assert any(line.endswith("reload: http.hosts and feed.ring changed, which takes effect with a restart only")
                       for line in log), log
        d.configure(config(store={"path": "other.db"}))
        d.reload()
        d.restart()
        assert d.status()["store"]["path"] == os.path.join(os.path.dirname(path), "other.db") and d.status()["store"]["rows"] == 0


@cx.case("an alert follows its rule: a target that was mistaken for a moment uses no evidence up, by a reload or a restart")
def mistaken():
    def asking(target, **more):
        metrics = {**cx.METRICS, "csat": {**cx.METRICS["csat"], "target": target}}
        rule = {key: RULE[key] for key in RULE if key not in ("test", "min_n")}
        return {**config(metrics=metrics), "rules": [{**rule, **more}]}

    def alerts(h):
        rows = h.json("/v1/alerts", state="all")["alerts"]
        return sorted((a["window"], a["severity"], a["state"], a["reason"] or "") for a in rows)

    for again in (cx.Daemon.reload, cx.Daemon.restart):
        with cx.Daemon(asking("80%")) as d:
            d.send(*({"id": f"a{n}", "ts": NOW, "agent": "ana", "queue": "tech", "answers": {"csat": 1 if n % 3 else 5}}
                     for n in range(60)))
            gone = ("90d", "warning", "resolved", "expired")
            for config_now, want in (
                (asking("80%"), [("90d", "warning", "firing", "")]),
                (asking("8%"), [gone]),
                (asking("80%"), [gone, ("90d", "warning", "firing", "")]),
                (asking("80%", severity="critical"), [gone, ("90d", "critical", "firing", "")]),
                (asking("80%", window="28d"),
                 [gone, ("90d", "critical", "resolved", "expired"), ("28d", "warning", "firing", "")]),
            ):
                d.configure(config_now)
                again(d)
                with d.http() as h:
                    cx.until(f"the alerts are {want}", lambda: alerts(h) == sorted(want))


@cx.case("50 reloads, every other one broken, under load: nothing lost, nothing counted twice, memory and descriptors flat")
def many():
    model = cxmodel.Model()
    with cx.Daemon(config()) as d:
        def turn(number):
            if number % 2:
                d.configure("rules: [{name: x}]\n")
                d.reload("reload refused")
            else:
                d.write("roster.csv", MOVED if number % 4 else cx.ROSTER)
                d.configure(config(future_skew=f"{5 + number}m"))
                d.reload()

        with Load(d, model, 1) as load:
            for number in range(10):
                load.flows(10)
                turn(number)
            before = len(cx.os.listdir(f"/proc/{d.process.pid}/fd"))
            for number in range(10, 50):
                load.flows(10)
                turn(number)
            load.flows(10)
            assert len(cx.os.listdir(f"/proc/{d.process.pid}/fd")) <= before + 2
        model.roster(cx.ROSTER)
        check_model(d, model)


@cx.case("a principal who leaves is cut off at once; when it comes back, its numbers go on, nothing repeats")
def principal():
    both = {**cx.person("maria", "team_lead", "team/alpha"), **cx.person("stefan", "team_lead", "team/bravo")}
    with cx.Daemon(config() | {"principals": both}) as d:
        def alert(name, agent):
            d.send(*({"id": f"{name}-{i}", "ts": NOW, "agent": agent, "queue": "tech", "answers": {"csat": 1}} for i in range(3)))

        stream = d.events("maria")
        peer = cx.Sp(d.feed("maria"), "SUB")
        cx.until("both listen", lambda: d.status()["subscribers"] == 2)
        alert("first", "ana")
        assert stream.alerts(1)[0][1] == 1
        d.configure(config() | {"principals": cx.person("stefan", "team_lead", "team/bravo")})
        d.reload()
        try:
            while True:
                stream.next()
        except EOFError:
            pass
        except AssertionError as e:
            assert "the stream ended" in str(e), e
        peer.reader.rest()
        peer.close()
        assert d.http(who="maria").get("/v1/me").status == 401
        alert("second", "ben")
        d.configure(config() | {"principals": both})
        d.reload()
        alert("third", "cleo")
        with d.events("maria", since=1) as again:
            # What fired while there was no such principal was for nobody of that name.
            kind, number, data = again.next("alert")
            assert (number, data["alert"]["scope"]) == (2, "agent/cleo"), (kind, number, data)
        d.restart()
        with d.events("maria", since=0) as again:
            found = again.alerts(2)
            assert [(n, m["alert"]["scope"]) for _, n, m in found] == [(1, "agent/ana"), (2, "agent/cleo")]


def taken_away(d, path, config_after):
    """What still comes of an answer that goes on while its reader loses the right to it."""
    with cx.socket.socket() as s:
        s.setsockopt(cx.socket.SOL_SOCKET, cx.socket.SO_RCVBUF, 8192)
        host, port = d.address("http").split("://")[1].split(":")
        s.settimeout(cx.seconds(20))
        s.connect((host, int(port)))
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {cx.token('chief')[0]}\r\n\r\n".encode())
        reader = cx.Reader(s)
        assert reader.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        d.configure(config_after)
        d.reload()
        d.send({"id": "behind", "ts": NOW, "queue": "tech", "comment": "SECRET"})
        return reader.rest()


@cx.case("an export and a backup that go on break off when their reader is no admin any more, or another one")
def rights():
    def with_chief(name="chief", **more):
        return config() | {"principals": {**cx.person("maria", "team_lead", "team/alpha"), **{
            "chief": cx.person(name, "director", "org", **more)[name]}}}

    with cx.Daemon(with_chief(admin=True)) as d:
        d.send(*({"id": f"r-{i}", "ts": NOW, "queue": "tech", "comment": "x" * 3000} for i in range(8000)))
        for path, after in (("/v1/export", with_chief()), ("/v1/export", with_chief("other", admin=True)),
                            ("/v1/export", config()), ("/v1/backup", with_chief())):
            d.configure(with_chief(admin=True))
            d.reload()
            got = taken_away(d, path, after)
            assert not got.endswith(b"\r\n0\r\n\r\n") and b"SECRET" not in got and len(got) < 20_000_000, (path, len(got))


@cx.case("a feed whose address is taken keeps nobody else from theirs, also at a start, and is opened by the next reload when it is free")
def taken():
    with cx.Daemon(cx.base_config()) as d, cx.socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        d.configure(cx.base_config() | {"principals": {
            **cx.person("adam", "director", "org", feed=address), **cx.person("berta", "director", "org")}})
        assert any("not every feed endpoint could be opened" in line for line in d.reload())
        for name in ("adam", "berta"):
            cx.connect(d.feed(name)).close()
        d.restart()
        for name in ("adam", "berta"):
            cx.connect(d.feed(name)).close()
        other.close()
        assert not any("could be opened" in line for line in d.reload())
        cx.connect(address).close()


cx.run()

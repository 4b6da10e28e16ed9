#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Out of descriptors, crowded, ignored by its readers: it does not spin, honest clients do not notice, it recovers."""

import json
import os
import resource
import select
import socket
import subprocess
import time

import cx

NOW = int(time.time())
RULE = {"name": "csat-low", "metric": "csat", "scopes": "agent/*", "window": "90d", "test": "point", "below": "target",
        "min_n": 1, "advice": {"team_lead": "Listen together. " * 15}}


def survey(name, **more):
    return {"id": name, "ts": NOW - 60, "agent": "ana", "queue": "tech", "answers": {"csat": 4}, **more}


def crowd(address, n):
    """n connections that say nothing."""
    kind, rest = address.split("://")
    found = []
    for _ in range(n):
        s = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET, socket.SOCK_STREAM)
        s.setblocking(False)
        where = rest if kind == "unix" else (rest.rsplit(":", 1)[0], int(rest.rsplit(":", 1)[1]))
        # A full backlog is as good as a connection: it waits at the door.
        s.connect_ex(where)
        found.append(s)
    return found


def leave_files(d, n=100):
    """Behind its back: what it knows of when it starts or reloads it keeps free."""
    resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, (n, n))


def idle_cpu(d, duration=1.5):
    """The share of a processor that it uses while nothing is asked of it."""
    before, begin = d.cpu(), time.monotonic()
    select.select([], [], [], duration)
    return (d.cpu() - before) / (time.monotonic() - begin)


@cx.case("no more connections are taken than the limit of open files bears, so that a reload and the store have theirs")
def open_files():
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))

    with cx.Daemon(start=False) as d:
        d.start(preexec_fn=limit)
        said = r"limits.connections=1024 is more than the limit of open files=128 bears, taking (\d+); "
        most = int(d.out.find(said)[1])
        assert 60 < most < 100, most
        for _ in range(most + 20):
            d._keep(cx.connect(d.address("lines", "unix")))
        assert d.out.find(said) and cx.re.search(said, "\n".join(d.reload()))
        assert not d.out.find("Too many open files"), d.out.lines
        d.configure(cx.base_config(limits={"connections": 8}))
        assert not cx.re.search("limit of open files", "\n".join(d.reload()))


@cx.case("300 idle connections with 100 descriptors: no spin, who was there is served, few log lines, and it recovers")
def descriptors():
    with cx.Daemon(start=False) as d:
        d.start()
        leave_files(d)
        for face, kind in (("lines", "tcp"), ("lines", "unix"), ("http", "tcp")):
            with cx.Lines(d.address("lines", "unix")) as c, cx.Http(d.address("http", "unix")) as h:
                c.send(survey(f"before-{face}-{kind}"))
                c.settle()
                assert h.get("/healthz").status == 200
                mark = len(d.out.lines)
                idle = crowd(d.address(face, kind), 300)
                try:
                    # It has seen them: no descriptor is left.
                    cx.until("it is full", lambda: len(os.listdir(f"/proc/{d.process.pid}/fd")) >= 95)
                    assert idle_cpu(d) < 0.25 * cx.SLOW, "it spins"
                    for i in range(20):
                        c.send(survey(f"during-{face}-{kind}-{i}"))
                        c.settle()
                    assert h.json("/v1/status")["state"] == "ready"
                    loud = [line for line in d.out.lines[mark:] if line[1] in "34"]
                    assert len(loud) < 12, loud
                finally:
                    for s in idle:
                        s.close()

                def recovered():
                    try:
                        with cx.Lines(d.address("lines", kind)) as again:
                            again.send(survey(f"after-{face}-{kind}"))
                            return again.settle()
                    except (OSError, AssertionError):
                        return None

                cx.until("new clients are taken again", recovered)
        d.restart(kill=True)
        assert d.status()["surveys"]["counted"] == 3 * 22


@cx.case("without a descriptor limits.memory holds")
def memory():
    # Less than it has at the start.
    with cx.Daemon(start=False, limits={"memory": 2}) as d:
        d.start()
        leave_files(d)
        with cx.Lines(d.address("lines", "unix")) as c:
            c.send(survey("before"))
            assert c.settle()["refused"] == 1
            idle = crowd(d.address("lines", "unix"), 200)
            try:
                cx.until("it is full", lambda: len(os.listdir(f"/proc/{d.process.pid}/fd")) >= 95)
                mark = len(d.out.lines)
                select.select([], [], [], 1)
                c.send(*[survey(f"during-{i}") for i in range(200)])
                assert c.settle()["refused"] == 201, c.acked()
                assert not d.out.find("surveys are taken", mark), d.out.lines[mark:]
            finally:
                for s in idle:
                    s.close()


@cx.case("a body that alone is more than limits.memory leaves to bodies is called too long, and not to be tried again")
def bodies():
    with cx.Daemon(limits={"memory": 64}) as d:
        head = "POST /v1/surveys HTTP/1.1\r\nHost: localhost\r\n"
        for more, body in ((f"Content-Length: {(4 << 20) + 1}", b""),
                           ("Transfer-Encoding: chunked", b"%x\r\n" % ((4 << 20) + 1))):
            h = d.http()
            h.raw(f"{head}{more}\r\n\r\n".encode() + body)
            r = h.response()
            assert r.status == 413 and "4194304" in r.json()["error"] and "retry-after" not in r.headers, r.body
        r = d.http().post("/v1/surveys", json.dumps(survey("fits")).encode().rjust(4 << 20))
        assert r.status == 200 and r.json()["stored"] == 1, r.body


@cx.case("a long body of who has no right is refused before it comes; where long ones leave no room, short ones still have it")
def long_bodies():
    # A sixteenth of the memory is for all bodies together, so that one of them fills it before its time is up.
    with cx.Daemon(sources={"local": {"open": True}}, limits={"memory": 64}, principals=cx.person("maria", "team_lead", "team/alpha")) as d:
        def status_of_long_one():
            with d.http("tcp") as other:
                return other.post("/v1/surveys", b" " * 70000).status

        def begin(path, *fields, body=b""):
            h = d.http("tcp")
            h.raw(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n".encode() + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body)
            return h

        most = 4 << 20
        wrong, length = b"Authorization: Bearer wrong", b"Content-Length: %d" % most
        for h, status in (
            (begin("/v1/surveys", wrong, length), 401),
            (begin("/v1/surveys", wrong, b"Transfer-Encoding: chunked", body=b"10001\r\n" + b" " * 65537), 401),
            (begin("/v1/alerts/0123/ack", length), 401),
            (begin("/v1/surveys", length, b"Sec-Fetch-Site: cross-site"), 403),
            (begin("/v1/nothing", length), 404),
            (begin("/v1/me", length), 405),
        ):
            r = h.response()
            assert r.status == status and r.headers["connection"] == "close", (status, r.status, r.body)
        assert r.headers["allow"] == "GET, HEAD"
        h = d.http("tcp")
        assert h.post("/v1/surveys", b"{}", {"Authorization": "Bearer wrong"}).status == 401
        assert h.sock is not None, "a short one is taken before it is refused"

        def is_answered(h):
            return bool(select.select([h.sock], [], [], 0)[0])

        # Whichever of the two brings more while there is no room is refused; it is to be the other one.
        def crowd_out():
            h = begin("/v1/surveys", length, body=b" " * (most - 1))
            cx.until("one is refused", lambda: is_answered(h) or status_of_long_one() == 503)
            return None if is_answered(h) else h

        held = cx.until("no room for long ones", crowd_out)
        r = h.post("/v1/surveys", json.dumps(survey("short")).encode())
        assert r.status == 200 and r.json()["stored"] == 1, r.body
        held.raw(b"\n")
        assert held.response().status != 503
        assert status_of_long_one() != 503


@cx.case("who sends 400 dear requests in one go is served in turn with others, and gets all answers in their order")
def pipelined():
    roster = "agent,name,team,site,region\n" + "".join(f"a{i},A {i},alpha,madrid,iberia\n" for i in range(2000))
    with cx.Daemon(roster=roster) as d:
        greedy, other = d.http(), d.http()
        assert other.get("/healthz").status == 200
        head = "/v1/board?kind=agent HTTP/1.1\r\nHost: localhost\r\n\r\n"
        # While it does not take this answer, what comes behind gathers.
        greedy.raw(f"GET {head}".encode())
        select.select([], [], [], 0.5)
        greedy.raw(f"HEAD {head}".encode() * 400 + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        select.select([], [], [], 0.5)
        assert greedy.response().status == 200
        assert other.get("/healthz").status == 200
        greedy.sock.setblocking(False)
        try:
            while greedy.reader.more():
                pass
        except BlockingIOError:
            pass
        done = greedy.reader.bytes.count(b"HTTP/1.1 200 OK")
        assert done < 200, f"{done} of 400 came first"
        for _ in range(400):
            assert greedy.response("HEAD").status == 200
        assert greedy.response().status == 200


@cx.case("beyond limits.connections clients are turned away, others go on, and there is room again when some leave")
def connections():
    with cx.Daemon(limits={"connections": 40}) as d:
        c = d.lines("tcp")
        c.send(survey("a"))
        c.settle()
        h = d.http()
        assert h.json("/v1/status")["connections"] == 2
        idle = crowd(d.address("lines", "unix"), 60)
        try:
            # The ones too many are closed at once.
            def closed():
                gone = 0
                for s in idle:
                    try:
                        gone += s.recv(1, socket.MSG_PEEK) == b""
                    except BlockingIOError:
                        pass
                return gone == 22

            cx.until("22 are turned away", closed)
            c.send(survey("b"))
            assert c.settle()["stored"] == 2
            assert idle_cpu(d, 0.5) < 0.25 * cx.SLOW
        finally:
            for s in idle:
                s.close()
        cx.until("there is room", lambda: h.json("/v1/status")["connections"] == 2)
        d.send(survey("c"))


@cx.case("who takes all connections over TCP leaves room on the Unix sockets, also after a reload")
def over_tcp():
    with cx.Daemon(limits={"connections": 40}) as d:
        for most, room in ((40, 8), (160, 20), (12, 6)):
            d.configure(cx.base_config(limits={"connections": most}))
            d.reload()
            idle = crowd(d.address("http"), most + 20)
            try:
                cx.until("no more over TCP", lambda: d.status()["connections"] == most - room + 1)
                with d.http("tcp") as stranger:
                    stranger.open()
                    assert stranger.reader.rest() == b"", "one more over TCP is turned away"
                known = [d.http() for _ in range(room - 1)]
                for h in known:
                    assert h.get("/healthz").status == 200
                for h in known:
                    h.close()
            finally:
                for s in idle:
                    s.close()
            cx.until("there is room", lambda: d.status()["connections"] == 1)


@cx.case("subscribers that never read do not disturb honest ones or senders; memory stays bounded; the feed is whole")
def stuck():
    people = cx.person("maria", "team_lead", "team/alpha")
    with cx.Daemon(rules=[RULE], principals=people, feed={"ring": 200, "tick": "1s"}) as d:
        d.send(survey("warm"))
        asleep = []
        try:
            for _ in range(40):
                s = d.http(who="maria")
                s.open()
                s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.raw(b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n"
                      % cx.token("maria")[0].encode())
                asleep.append(s.sock)
                p = cx.connect(d.feed("maria"))
                p.sendall(b"\0SP\0\0\x21\0\0")
                asleep.append(p)
            honest = d.events("maria")
            peer = d._keep(cx.Sp(d.feed("maria"), "SUB"))
            cx.until("all are subscribed", lambda: d.status()["subscribers"] == 82)
            before = d.rss()
            took = []
            numbers, by_peer = [], []
            with d.lines() as c:
                for turn in range(600):
                    begin = time.monotonic()
                    c.send(survey("toggle", rev=turn, answers={"csat": 1 + 4 * (turn % 2)}))
                    c.settle()
                    took.append(time.monotonic() - begin)
                    numbers.append(honest.next("alert")[1])
                    while True:
                        topic, body = peer.recv().split(b" ", 1)
                        if topic.startswith(b"alert/"):
                            by_peer.append(json.loads(body)["seq"])
                            break
            assert numbers == by_peer == list(range(1, 601))
            took.sort()
            assert took[len(took) // 2] < 0.1 * cx.SLOW and took[-1] < cx.seconds(2), (took[len(took) // 2], took[-1])
            if not cx.SANITIZED:
                assert d.rss() - before < 100 << 20, f"{(d.rss() - before) / 1e6:.0f} MB more"
            assert idle_cpu(d) < 0.3 * cx.SLOW, "it spins"
        finally:
            for s in asleep:
                s.close()
        cx.until("they are gone", lambda: d.status()["subscribers"] == 2)


@cx.case("what nanocat --push and nngcat --push send arrives, hostile peers or not")
def pushed():
    nanocat, nngcat = cx.tool("nanocat"), cx.tool("nngcat")
    with cx.Daemon() as d:
        hostile = [d._keep(cx.Sp(d.address("pull"), "PUSH")) for _ in range(3)]
        hostile[0].sock.sendall(b"\1" + b"\xff" * 8)
        hostile[1].sock.sendall(b"\7")
        hostile[2].send(b"no survey\n\0\xff")
        for s in (b"", b"\0SP", b"\0SP\0\0\x30\0\0", b"GET / HTTP/1.1\r\n\r\n"):
            peer = cx.connect(d.address("pull"))
            d._keep(peer)
            peer.sendall(s)
        d.write("two", cx.lines_of([survey("file-1"), survey("file-2")]).decode())
        for name, argv in (("nanocat", [nanocat, "--push", "--connect"]), ("nngcat", [nngcat, "--push", "--dial"])):
            for more in (["--data", json.dumps(survey(name))], ["--file", d.path("two")]):
                subprocess.run([*argv, d.address("pull"), *more], check=True, timeout=cx.seconds(20),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        counts = cx.until("six arrived", lambda: (c := d.status()["surveys"])["stored"] + c["duplicate"] >= 6 and c)
        assert (counts["stored"], counts["duplicate"], counts["counted"]) == (4, 2, 4), counts
        # The two lines of the third one.
        assert counts["refused"] == 2, counts
        # A push is stored for good even though nobody is told.
        d.restart(kill=True)
        assert d.status()["surveys"]["counted"] == 4


cx.run()

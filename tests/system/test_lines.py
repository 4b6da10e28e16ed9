#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The line protocol: acknowledgements that add up, refusals in order, tokens, and senders that do not read."""

import json
import random
import select
import signal
import time

import cx
import cxmodel

NOW = int(time.time())
IVR, WEB = cx.token("ivr"), cx.token("web")
SOURCES = {"ivr": {"token_sha256": IVR[1], "queues": ["billing-*"]}, "web": {"token_sha256": WEB[1]}}


def survey(name, queue="tech", **more):
    return {"id": name, "ts": NOW - 60, "agent": "ana", "queue": queue, "answers": {"csat": 4}, **more}


def hello(text):
    return cx.json.dumps({"token": text}).encode() + b"\n"


def check_replies(replies, verdicts):
    """
    Each acknowledgement says what became of the lines up to its own; refusals stand before the acknowledgement that
    covers them, in order. verdicts: of each line from 1 on; None counts as a line alone.
    """
    acked, refused, taken = 0, [], dict.fromkeys(("stored", "duplicate", "revised", "refused"), 0)
    numbers = []
    for r in replies:
        if "ack" not in r:
            assert r["line"] > acked and r["line"] > (refused[-1] if refused else 0), (r, acked, refused[-3:])
            refused.append(r["line"])
            continue
        assert r["ack"] > acked, (r, acked)
        for n in range(acked, r["ack"]):
            if verdicts[n]:
                taken[verdicts[n]] += 1
            if verdicts[n] == "refused":
                numbers.append(n + 1)
        acked = r["ack"]
        assert r == {"ack": acked, **taken}, (r, taken)
        assert len(refused) == len(numbers) and refused[-1:] == numbers[-1:], r
    assert acked == len(verdicts) and refused == numbers, (acked, len(verdicts))


@cx.case("every acknowledgement adds up, refusals come before theirs and in order, whatever the mix and the pieces")
def adds_up():
    for seed in range(4):
        rng = random.Random(seed)
        with cx.Daemon() as d, d.lines(rng.choice(["tcp", "unix"])) as c:
            gen = cxmodel.Generator(seed, NOW, days=80)
            parts, verdicts = [], []
            for _ in range(4000):
                kind = rng.random()
                if kind < 0.05:
                    parts.append(rng.choice([b"\n", b"\r\n"]))
                    verdicts.append(None)
                elif kind < 0.15:
                    parts.append(rng.choice([b"{}\n", b"nonsense\n", b'{"id":"x","ts":1e99,"queue":"q"}\r\n']))
                    verdicts.append("refused")
                else:
                    made, verdict = gen.next()
                    parts.append(cx.lines_of([made]))
                    verdicts.append(verdict)
            data = b"".join(parts)
            while data:
                n = rng.choice([1, 7, 100, 3000, 100_000])
                c.write(data[:n])
                data = data[n:]
            assert c.finish()["ack"] == 4000
            check_replies(c.replies, verdicts)


@cx.case("a half-close is answered with the last acknowledgement, also when the last line has no end or there is none")
def half_close():
    with cx.Daemon() as d:
        for number, (data, last) in enumerate([
            (cx.lines_of([survey("a")]), 1),
            (cx.lines_of([survey("b")]).rstrip(b"\n"), 1),
            (cx.lines_of([survey("c")]) + b"\n\n\n", 4),
            (b"\n\n", 2),
            (b"{", 1),
            (b"", 0),
        ]):
            with d.lines() as c:
                c.write(data)
                ack = c.finish()
                assert ack["ack"] == last, (data, ack)
                assert last == 0 or ack["stored"] + ack["refused"] == (1 if number != 3 else 0), (data, ack)
        # One who leaves without waiting for an answer has said it all the same.
        with d.lines() as c:
            c.send(survey("left"))
        cx.until("it is stored", lambda: d.status()["surveys"]["counted"] == 4)


@cx.case("without an open source the first line is the token; a wrong one, or none, ends the connection")
def tokens():
    with cx.Daemon(sources=SOURCES) as d:
        for first in (cx.lines_of([survey("x")]), hello("wrong" * 10), hello(""), b'{"token":5}\n',
                      b'{"token":"%s","more":1}\n' % IVR[0].encode()):
            with d.lines() as c:
                c.write(first + cx.lines_of([survey("y", "billing-es")]))
                c.sock.settimeout(cx.seconds(5))
                while c.reply() is not None:
                    pass
                assert [r.get("code") for r in c.replies] == ["E_TOKEN"], (first, c.replies)
        assert d.status()["surveys"]["counted"] == 0
        for way in ("tcp", "unix"):
            with d.lines(way) as c:
                c.write(hello(IVR[0]))
                c.send(survey(way, "billing-es"), survey("no", "tech"), survey("new", "billing-new"))
                ack = c.finish()
                assert ack["ack"] == 4 and ack["refused"] == 1, ack
                assert [(r["line"], r["code"], r["field"]) for r in c.refusals()] == [(3, "E_SOURCE_QUEUE", "queue")]
        # Ids belong to their source: the same one from another is another survey.
        with d.lines() as c:
            c.write(hello(WEB[0]))
            c.send(survey("new", "billing-new"), survey("no", "tech"))
            assert c.finish() == {"ack": 3, "stored": 2, "duplicate": 0, "revised": 0, "refused": 0}
        assert d.status()["surveys"]["counted"] == 5
        h = d.http("tcp")
        assert h.post("/v1/surveys", survey("h")).status == 401
        r = h.post("/v1/surveys", survey("h"), {"Authorization": "Bearer " + IVR[0]})
        assert (r.status, r.code) == (403, "E_SOURCE_QUEUE")
        assert h.post("/v1/surveys", survey("h"), {"Authorization": "Bearer " + WEB[0]}).json()["stored"] == 1
        assert h.get("/v1/me", {"Authorization": "Bearer " + WEB[0]}).status == 401, "a source is no reader"
        with cx.connect(d.address("rep")) as s:
            s.sendall(b"\0SP\0\0\x30\0\0")
            s.settimeout(cx.seconds(5))
            assert cx.Reader(s).rest() in (b"", b"\0SP\0\0\x31\0\0"), "nanomsg has no tokens: only for open sources"


@cx.case("a nanomsg message above 1 MiB is refused: REP says so, of PULL it is counted; what comes behind it is taken")
def too_long():
    with cx.Daemon() as d, cx.Sp(d.address("rep"), "REQ") as rep, cx.Sp(d.address("pull"), "PUSH") as pull:
        large = b"x" * (1024 * 1024 + 1)
        answer = json.loads(rep.ask(large))
        assert answer["code"] == "E_TOO_LONG" and "1048576" in answer["error"], answer
        assert json.loads(rep.ask(cx.lines_of([survey("rep")])))["stored"] == 1
        pull.send(large)
        pull.send(cx.lines_of([survey("pull")]))
        cx.until("it is stored", lambda: d.status()["surveys"]["stored"] == 2)
        assert d.status()["surveys"]["refused"] == 1
        d.out.wait("pull survey=.* refused code=E_TOO_LONG")


@cx.case("a token is taken although a source is open, and binds to its queues; as a later line it is no survey")
def token_and_open():
    with cx.Daemon(sources={"local": {"open": True}, **SOURCES}) as d:
        with d.lines() as c:
            c.write(hello(IVR[0]))
            c.send(survey("a", "tech"))
            assert c.finish()["refused"] == 1
        with d.lines() as c:
            c.send(survey("a", "tech"))
            c.write(hello(IVR[0]))
            c.send(survey("b", "tech"))
            ack = c.finish()
            assert ack["stored"] == 2 and [r["line"] for r in c.refusals()] == [2], (ack, c.replies)


@cx.case("a connection that needs a token and sends none is closed after a while")
def silent():
    with cx.Daemon(sources=SOURCES) as d:
        begin = time.monotonic()
        with d.lines() as c:
            c.sock.settimeout(10 + cx.seconds(5))
            assert c.sock.recv(1000) == b""
            assert time.monotonic() - begin > 8


@cx.case("a sender that never reads is paused, in bounded memory, and hurts nobody; when it reads, all is acknowledged")
def never_reads():
    with cx.Daemon() as d:
        d.send(*(survey(f"warm-{i}") for i in range(2000)))
        before = d.rss()
        c = d.lines("tcp")
        c.sock.setblocking(False)
        # Each of these lines is answered with many more bytes than it has.
        piece = b"{}\n" * 20000
        sent = 0
        while select.select([], [c.sock], [], 1.5 * cx.SLOW)[1]:
            sent += c.sock.send(piece[sent % 3 :])
            assert sent < 100 << 20, "it takes everything and is never paused"
        with d.lines() as other:
            begin = time.monotonic()
            other.send(*(survey(f"other-{i}") for i in range(1000)))
            assert other.finish()["stored"] == 1000
            assert time.monotonic() - begin < cx.seconds(5)
        if not cx.SANITIZED:
            assert d.rss() - before < 48 << 20, f"{(d.rss() - before) / 1e6:.1f} MB more"
        used = d.cpu()
        select.select([], [], [], 1)
        assert d.cpu() - used < 0.3, "a paused sender keeps it busy"
        c.sock.settimeout(cx.seconds(20))
        c.sent = -(-sent // 3)
        tail = sent % 3
        c.write(piece[tail:3] if tail else b"")
        c.sent = -(-sent // 3)
        ack = c.finish()
        assert ack["refused"] == ack["ack"] == c.sent, (ack, c.sent)
        check_replies(c.replies, ["refused"] * c.sent)


@cx.case("a sender that reads is told of each of many refusals, however many of them wait for a slow disk")
def many_refusals():
    number = 30000
    with cx.Daemon() as d:
        slow = [cx.tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"]
        with cx.Tool(*slow, "-e", "inject=fdatasync:delay_exit=2000000", "-p", str(d.process.pid)):
            cx.until("strace has it", d.is_traced)
            lines = cx.lines_of(survey("x" * 100 + str(i), answers={"csat": 9}) for i in range(number))
            with d.lines() as c:
                c.send(survey("first"))
                cx.until("it is under way", lambda: d.status()["surveys"]["in_flight"])
                c.write(lines)
                # The daemon is slow while it is traced: the answers are to be there before they are read.
                cx.until("it is told", lambda: not d.status()["surveys"]["in_flight"])
                ack = c.finish()
                assert ack["stored"] == 1 and ack["refused"] == number, ack
                check_replies(c.replies, ["stored"] + ["refused"] * number)


@cx.case("a client that comes during a long reload is not cut for the token that it has sent")
def token_during_reload():
    with cx.Daemon(sources=SOURCES) as d, d.lines() as before, d.lines() as early:
        slow = [cx.tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"]
        with cx.Tool(*slow, "-e", "inject=fdatasync:delay_exit=13000000:when=1", "-p", str(d.process.pid)):
            cx.until("strace has it", d.is_traced)
            before.write(hello(WEB[0]) + cx.lines_of([survey("before")]))
            cx.until("it is under way", lambda: d.status()["surveys"]["in_flight"])
            d.process.send_signal(signal.SIGHUP)
            cx.until("it reloads", lambda: d.status()["state"] == "reloading")
            with d.lines() as late:
                for name, c in (("early", early), ("late", late)):
                    c.write(hello(WEB[0]) + cx.lines_of([survey(name)]))
                for c in (before, early, late):
                    assert c.settle(2)["stored"] == 1


cx.run()

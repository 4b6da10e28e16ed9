#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent gets its code, the connection goes on, and memory stays flat."""

import json
import os
import select
import socket
import time

import cx

NOW = int(time.time())
# Where the JSON is right but cxd refuses it on purpose (cx-survey(7)): NUL in any form, the same key twice.
NUL = {"y_string_null_escape.json", "y_object_escaped_null_in_key.json"}
TWICE = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
# No bytes at all, or one blank: no survey, and no fault, neither as a line nor as a body.
NOTHING = {"n_structure_no_data.json", "n_single_space.json"}
NOT_JSON = {"E_JSON", "E_UTF8"}


def suite():
    folder = cx.shared("data/json_test_suite/test_parsing")
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = file.read()
    assert len(found) == 318, len(found)
    return found


def good(name, **more):
    return {"id": name, "ts": NOW - 60, "agent": "ana", "queue": "tech", "answers": {"csat": 4}, **more}


def within(name, data):
    """A survey that has these bytes as the value of a field that is ignored."""
    return b'{"id":"w-' + name.encode() + b'","ts":%d,"queue":"tech","x":' % NOW + data + b"}"


def as_line(name, data):
    """
    One line of it, or None. A line end within a y_ file lies between tokens (nowhere else would it be right), so a
    blank there means the same. In others it may be the very fault: those are tried as bodies only.
    """
    if b"\n" not in data:
        return data
    return data.replace(b"\n", b" ") if name.startswith("y_") else None


def depth(value):
    if isinstance(value, (dict, list)):
        return 1 + max((depth(v) for v in (value.values() if isinstance(value, dict) else value)), default=0)
    return 0


def verdict(name, data, code, inside):
    """Whether this code (None: taken) is right for a file by itself, or for one inside of a survey."""
    if name in NUL:
        return code == "E_JSON"
    if name.startswith("n_"):
        return code is not None
    if name.startswith("i_"):
        return True
    if inside and name in TWICE:
        return code == "E_DUPLICATE_KEY"
    if inside:
        return code == ("E_DEPTH" if depth(json.loads(data)) > 3 else None)
    # By itself none of them is a survey.
    return code is not None and code not in NOT_JSON


@cx.case("each of 318 JSON files as a line, alone and within a survey, gets its verdict, and a survey behind it is stored")
def suite_lines():
    files = suite()
    expect, stored, skipped = {}, 0, 0
    with cx.Daemon() as d, d.lines("tcp") as c:
        for inside in (False, True):
            for name, data in files.items():
                line = as_line(name, data)
                if line is None:
                    skipped += 1
                    continue
                c.write((within(name, line) if inside else line) + b"\n")
                expect[c.sent] = name, line, inside
                c.send(good(f"g-{c.sent}"))
                stored += 1
        ack = c.finish()
        codes = {r["line"]: r["code"] for r in c.refusals()}
        taken = 0
        for number, (name, line, inside) in expect.items():
            code = codes.get(number)
            if not inside and not line.strip(b" \r"):
                assert name in NOTHING, name
                continue
            assert verdict(name, line, code, inside), (name, line[:80], code, inside)
            taken += code is None and inside
        assert ack["ack"] == c.sent and ack["stored"] == stored + taken, (ack, stored, taken)
        assert ack["refused"] == len(codes) and all(n in expect for n in codes)
        assert skipped <= 2 * 12 and taken > 80, (skipped, taken)


@cx.case("each of 318 JSON files as an HTTP body, alone and within a survey, gets its verdict on a connection that stays")
def suite_bodies():
    with cx.Daemon() as d, d.http("tcp") as h:
        for name, data in suite().items():
            for inside in (False, True):
                r = h.post("/v1/surveys", within(name, data) if inside else data)
                answer = r.json()
                refused = answer.get("refused", [])
                code = answer.get("code") or (refused[0]["code"] if refused else None)
                if not inside and (name in NOTHING or (code is None and json.loads(data) == [])):
                    # An empty array is a list of no surveys.
                    assert r.status == 200 and answer["stored"] == 0 and not refused, (name, r.body)
                    continue
                assert verdict(name, data, code, inside), (name, data[:80], r.status, r.body[:200], inside)
                assert (r.status >= 400) == ("code" in answer) and r.status < 500, (name, r.status, r.body)
            r = h.post("/v1/surveys", good("after-" + name))
            assert r.status == 200 and r.json()["stored"] == 1, (name, r.status, r.body)
        assert h.sock is not None


def survey_of(size, name):
    """A survey whose line has exactly so many bytes."""
    bare = len(json.dumps(good(name, x="")))
    return json.dumps(good(name, x="a" * (size - bare))).encode()


BROKEN = [
    (b'{"id":"a\0b"}', "E_JSON"),
    (b'{"id":"\xff\xfe"}', "E_UTF8"),
    (b'{"id":"\xc0\xaf"}', "E_UTF8"),
    (b'{"id":"\xed\xa0\x80"}', "E_UTF8"),
    (b'{"id":"a","id":"b"}', "E_DUPLICATE_KEY"),
    (b'{"id":"a","i\\u0064":"b"}', "E_DUPLICATE_KEY"),
    (b'\xef\xbb\xbf{"id":"bom"}', "E_JSON"),
    (b"[" * 60000, "E_DEPTH"),
    (b'{"a":' * 9000, "E_DEPTH"),
    (b'{"id":"d","ts":1,"queue":"q","x":[[[[1]]]]}', "E_DEPTH"),
    (b"17", "E_TYPE"),
    (b"[1,2]", "E_TYPE"),
    (b'{"ts":1,"queue":"q"}', "E_MISSING"),
    (b'{"id":"a","ts":"yesterday","queue":"q"}', "E_TYPE"),
    (b'{"id":"a","ts":9223372036854775808,"queue":"q"}', "E_RANGE"),
    (b'{"id":"a","ts":1e400,"queue":"q"}', "E_RANGE"),
    (b'{"id":"a","ts":"1969-12-31T23:59:59Z","queue":"q"}', "E_TYPE"),
    (b'{"id":5,"ts":%d,"queue":"q"}' % NOW, "E_TYPE"),
    (b'{"id":"a","ts":%d,"queue":"q","answers":{"csat":6}}' % NOW, "E_RANGE"),
    (b'{"id":"a","ts":%d,"queue":"q","answers":{"csat":4.5}}' % NOW, "E_RANGE"),
    (b'{"id":"a","ts":%d,"queue":"q","answers":{"csat":"5"}}' % NOW, "E_TYPE"),
    (b'{"id":"a","ts":%d,"queue":"q","answers":{"response":1}}' % NOW, "E_METRIC"),
    (b'{"id":"a","ts":%d,"queue":"q\xe2\x80\xae"}' % NOW, "E_RANGE"),
    (b'{"id":"%s","ts":%d,"queue":"q"}' % (b"i" * 129, NOW), "E_RANGE"),
    (b'{"id":"a","ts":%d,"queue":"q","status":"lost"}' % NOW, "E_RANGE"),
    (b'{"id":"a","ts":%d,"queue":"q"}' % (NOW + 3600), "E_FUTURE"),
    (b'{"id":"a","ts":%d,"queue":"q"}' % (NOW - 500 * 86400), "E_TOO_OLD"),
    (b'{"id":"a","ts":%d,"queue":"q"' % NOW, "E_JSON"),
    (b'{"id":"a","ts":%d,"queue":"q"} x' % NOW, "E_JSON"),
    (b"{'id':'a'}", "E_JSON"),
]


@cx.case("huge, deep, broken and empty lines each get their code, field and number, and every good line between is stored")
def broken_lines():
    with cx.Daemon() as d, d.lines("tcp") as c:
        stored, expected = 0, {}
        for line, code in BROKEN:
            c.write(line + b"\n")
            expected[c.sent] = code
            c.write(json.dumps(good(f"b-{c.sent}")).encode() + b"\r\n\r\n\n")
            stored += 1
        c.write(survey_of(65536, "whole") + b"\n")
        c.write(survey_of(65536, "crlf") + b"\r\n")
        c.write(survey_of(65537, "over") + b"\n")
        expected[c.sent] = "E_TOO_LONG"
        c.write(b"x" * 10_000_000)
        # Its code comes while the line still goes on: it is not kept until its end.
        while not any(r["line"] == c.sent + 1 for r in c.refusals()):
            assert c.reply() is not None
        c.write(b"\n")
        expected[c.sent] = "E_TOO_LONG"
        c.write(json.dumps(good("no end")).encode())
        ack = c.finish()
        codes = {r["line"]: r["code"] for r in c.refusals()}
        wrong = {n: (codes.get(n), expected.get(n)) for n in codes | expected if codes.get(n) != expected.get(n)}
        assert not wrong, {n: (pair, BROKEN[(n - 1) // 4][0][:60]) for n, pair in wrong.items()}
        assert all(r["error"] for r in c.refusals())
        fields = {r["line"]: r.get("field") for r in c.refusals()}
        by_code = {code: fields[n] for n, code in expected.items()}
        assert by_code["E_FUTURE"] == "ts" and by_code["E_METRIC"] == "answers.response" and by_code["E_MISSING"] == "id"
        assert ack == {"ack": c.sent + 1, "stored": stored + 3, "duplicate": 0, "revised": 0, "refused": len(expected)}, ack


@cx.case("a line may come in any two pieces, or byte by byte")
def split():
    text = json.dumps(good("split", comment="dreimal \u00e4rgerlich \U0001f600", reason="caf\u00e9"), ensure_ascii=False).encode()
    with cx.Daemon() as d:
        d.send(good("split", comment="dreimal \u00e4rgerlich \U0001f600", reason="caf\u00e9"))
        other = d.http("tcp")

        def taken():
            """The daemon has read what was sent before: it answers somebody else who asked after that."""
            assert other.get("/healthz").status == 200

        with d.lines("tcp") as c:
            line = text + b"\r\n"
            for at in range(1, len(line)):
                c.write(line[:at])
                taken()
                c.write(line[at:])
                c.settle()
            for i in range(len(line)):
                c.write(line[i : i + 1])
                taken()
            ack = c.finish()
            assert ack["duplicate"] == ack["ack"] == len(line) and ack["refused"] == 0, ack
        with d.http("tcp") as h:
            whole = b"POST /v1/surveys HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(text) + text
            for at in range(1, len(whole)):
                h.raw(whole[:at])
                taken()
                h.raw(whole[at:])
                r = h.response()
                assert r.status == 200 and r.json()["duplicate"] == 1, (at, r.status, r.body)
            for i in range(len(whole)):
                h.raw(whole[i : i + 1])
                taken()
            assert h.response().json()["duplicate"] == 1


def post(body, *fields, host=b"localhost"):
    head = b"POST /v1/surveys HTTP/1.1\r\nHost: " + host + b"\r\n"
    return head + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


BODY = json.dumps(good("strict")).encode()
LENGTH = b"Content-Length: %d" % len(BODY)
GET = b"GET /healthz HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
STRICT = [
    ("Content-Length twice", post(BODY, LENGTH, LENGTH), 400),
    ("two lengths in one", post(BODY, b"Content-Length: %d, %d" % (len(BODY), len(BODY))), 400),
    ("Content-Length and Transfer-Encoding", post(b"0\r\n\r\n", b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400),
    ("a length with a sign", post(BODY, b"Content-Length: +%d" % len(BODY)), 400),
    ("a negative length", post(BODY, b"Content-Length: -1"), 400),
    ("a length in hexadecimal", post(BODY, b"Content-Length: 0x10"), 400),
    ("a length beyond 64 bits", post(b"", b"Content-Length: 99999999999999999999"), (400, 413)),
    ("a length beyond the limit", post(b"", b"Content-Length: 16777217"), 413),
    ("a gigabyte", post(b"", b"Content-Length: 1073741824"), 413),
    ("another transfer coding", post(b"", b"Transfer-Encoding: gzip, chunked"), (400, 501)),
    ("chunked twice", post(b"0\r\n\r\n", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400),
    ("a chunk size with a sign", post(b"+5\r\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"), 400),
    ("a chunk longer than said", post(b"3\r\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"), 400),
    ("a chunk beyond the limit", post(b"1000001\r\n", b"Transfer-Encoding: chunked"), 413),
    ("bare LF in the request line", b"GET /healthz HTTP/1.1\nHost: localhost\r\n\r\n", 400),
    ("bare LF behind a field", GET + b"Host: localhost\nX: y\r\n\r\n", 400),
    ("a bare CR", GET + HOST + b"X: a\rb\r\n\r\n", 400),
    ("a folded line", GET + HOST + b"X: a\r\n b\r\n\r\n", 400),
    ("an empty field name", GET + HOST + b": a\r\n\r\n", 400),
    ("a blank before the colon", GET + HOST + b"X : a\r\n\r\n", 400),
    ("NUL in a field", GET + HOST + b"X: a\0b\r\n\r\n", 400),
    ("no Host", GET + b"\r\n", 400),
    ("two Hosts", GET + HOST + HOST + b"\r\n", 400),
    ("a foreign Host", GET + b"Host: evil.example\r\n\r\n", 421),
    ("the absolute form for another host", b"GET http://evil.example/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 421),
    ("an encoded slash", b"GET /web%2Fapp.js HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("extensions without an end", post(b"5;" + b"x" * 5000, b"Transfer-Encoding: chunked"), 400),
    ("trailers without an end", post(b"0\r\n" + b"X: y\r\n" * 1200, b"Transfer-Encoding: chunked"), 400),
    ("NUL in the path", b"GET /he%00alth HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a broken escape", b"GET /he%2 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("HTTP/2.0", b"GET /healthz HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    ("HTTP/0.9", b"GET /healthz\r\n\r\n", 400),
    ("an unknown method", b"BREW /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    ("a packed body", post(BODY, LENGTH, b"Content-Encoding: gzip"), 415),
    ("an unknown expectation", post(BODY, LENGTH, b"Expect: 200-tea"), 417),
    ("a huge field", GET + HOST + b"X: " + b"a" * 9000 + b"\r\n\r\n", 431),
    ("a huge request line", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431),
    ("too many fields", GET + HOST + b"X: y\r\n" * 80 + b"\r\n", 431),
    ("a huge head without an end", GET + b"X: " + b"a" * 20000, 431),
]


@cx.case(f"HTTP is read strictly: {len(STRICT)} requests are each refused with their status, in JSON, and closed")
def strict():
    with cx.Daemon() as d:
        for what, request, status in STRICT:
            with d.http("tcp") as h:
                # What a lenient reader would take for the next request is never answered.
                h.raw(request + GET + HOST + b"\r\n")
                r = h.response()
                expected = status if isinstance(status, tuple) else (status,)
                assert r.status in expected, (what, r.status, r.body)
                assert r.headers["content-type"].startswith("application/json") and r.code.startswith("E_"), (what, r.body)
                assert r.headers.get("connection") == "close", (what, r.headers)
        with d.http("tcp") as h:
            assert h.get("/v1/status").status == 401
            assert h.post("/v1/surveys", BODY).json()["stored"] == 1


@cx.case("what HTTP allows works: chunks, pipelining, HEAD, 100-continue, HTTP/1.0, any Host on the Unix socket")
def allowed():
    with cx.Daemon() as d:
        with d.http("tcp") as h:
            chunks = b"".join(b"%x;n=1\r\n%c\r\n" % (1, byte) for byte in BODY[:9])
            chunks += b"%x\r\n%s\r\n0\r\nX-Sum: 1\r\n\r\n" % (len(BODY) - 9, BODY[9:])
            h.raw(post(chunks, b"Transfer-Encoding: chunked"))
            assert h.response().json()["stored"] == 1
            bodies = [json.dumps(good(f"pipe-{i}")).encode() for i in range(50)]
            h.raw(b"".join(post(b, b"Content-Length: %d" % len(b)) for b in bodies) + GET + HOST + b"\r\n")
            for _ in bodies:
                assert h.response().json()["stored"] == 1
            assert h.response().body == b"ok\n"
            for path in ("/healthz", "/metrics"):
                r = h.request("HEAD", path)
                assert r.status == 200 and int(r.headers["content-length"]) > 0
            h.raw(b"GET /readyz HTTP/1.1\r\n" + HOST + b"\r\n")
            assert h.response().body == b"ready\n", "a body followed HEAD"
            h.raw(b"GET http://localhost/readyz HTTP/1.1\r\n" + HOST + b"\r\n")
            assert h.response().body == b"ready\n"
            for method, path, allow in (("TRACE", "/healthz", "GET, HEAD"), ("TRACE", "/v1/surveys", "GET, HEAD, POST"), ("PUT", "/v1/me", "GET, HEAD")):
                r = h.request(method, path)
                assert (r.status, r.headers["allow"]) == (405, allow), (method, path, r.headers)
            h.raw(post(b"", LENGTH, b"Expect: 100-continue"))
            assert h.response().status == 100
            h.raw(BODY)
            assert h.response().json()["duplicate"] == 1
        with d.http("tcp") as h:
            h.raw(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            r = h.response()
            assert r.status == 200 and r.headers["connection"] == "close" and h.sock is None
        with d.http("unix") as h:
            h.raw(GET + b"Host: anything.example\r\n\r\n")
            assert h.response().status == 200
        with d.http("tcp") as h:
            h.raw(GET + HOST + b"\r\n" + b"\r\n", half_close=True)
            assert h.response().body == b"ok\n" and h.reader.rest() == b"", "an empty line is no request"


@cx.case("who has nothing more to send still gets answers that take long: an export and a backup come whole")
def half_closed():
    with cx.Daemon() as d:
        d.send(*(good(f"half-{i}", comment="x" * 1000) for i in range(3000)))
        # Two backups are the same as long as nothing is written; the next round is a minute away.
        cx.until("the upkeep of a start is over", lambda: d.out.find("^<7>upkeep round done$"))
        for path in ("/v1/export", "/v1/backup"):
            with d.http("unix") as h, d.http("unix") as other:
                h.raw(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", half_close=True)
                got = h.response()
                assert got.status == 200 and len(got.body) > 3000000, (path, got.status, len(got.body))
                wanted = cx.until("a backup is done", lambda: (r := other.get(path)).status != 429 and r)
                assert got.body == wanted.body, path


@cx.case("who asks for a long answer and leaves at once leaves nothing behind")
def gone():
    with cx.Daemon() as d:
        d.send(*(good(f"gone-{i}", comment="x" * 1000) for i in range(3000)))

        def connections():
            return len(os.listdir(f"/proc/{d.process.pid}/fd"))

        before = connections()
        for _ in range(50):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(d.path("r", "http"))
                s.sendall(b"GET /v1/export HTTP/1.1\r\nHost: localhost\r\n\r\n")
        d.status()  # behind all of them
        cx.until("they are gone", lambda: connections() <= before)
        # By what was written, and not because time was up.
        assert not d.out.find("the peer does not read")


@cx.case("a head that comes slowly is cut at its deadline, whatever trickles in, and others do not notice")
def slow_head():
    with cx.Daemon() as d:
        # An empty line is no beginning of a head, also in two pieces.
        idle = d.http("tcp")
        assert idle.get("/healthz").status == 200
        idle.raw(b"\r")
        slow = [d.http("tcp") for _ in range(20)]
        assert slow[0].get("/healthz").status == 200
        idle.raw(b"\n")
        begin = time.monotonic()
        for h in slow:
            h.raw(GET + b"X: ")
        left = {h.sock: h for h in slow}
        honest = d.http("tcp")
        while left:
            assert time.monotonic() - begin < 5 + cx.seconds(4), f"{len(left)} are still open"
            ready, _, _ = select.select(list(left), [], [], 0.3)
            for s in ready:
                h = left.pop(s)
                assert time.monotonic() - begin > 4
                first = h.reader.rest().split(b"\r\n")[0]
                assert first in (b"", b"HTTP/1.1 408 Request Timeout"), first
            for s in left:
                try:
                    s.send(b"a")
                except OSError:
                    pass
            assert honest.get("/healthz").status == 200
        assert idle.get("/healthz").status == 200


@cx.case("20,000 broken lines and 2,000 broken requests leave memory as it was")
def flat():
    with cx.Daemon() as d:
        def lines(n):
            with d.lines("tcp") as c:
                c.write(b"".join(BROKEN[i % len(BROKEN)][0][:3000] + b"\n" for i in range(n)))
                assert c.finish()["refused"] == n

        def requests(n):
            for i in range(n):
                with d.http("tcp") as h:
                    h.raw(STRICT[i % len(STRICT)][1] + GET + HOST + b"\r\n")
                    assert h.response().status >= 400

        lines(4000)
        requests(200)
        before = d.rss()
        lines(20000)
        requests(2000)
        grown = d.rss() - before
        d.send(good("after all"))
        if not cx.SANITIZED:
            assert grown < 4 << 20, f"{grown / 1e6:.1f} MB more"


cx.run()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""5,000 real calls: imported, they give the published figures to the last digit, by whatever way they come in."""

import csv
import json
import os
import random
import subprocess
from fractions import Fraction

import cx
import cxmodel

EXAMPLES = os.path.join(cx.SOURCE, "conf", "examples")
MAPPING = os.path.join(EXAMPLES, "pwc-call-center.yaml")
AT = "2021-04-01T00:00:00Z"
LISTEN = """
listen:
  lines: [tcp://127.0.0.1:0, unix://%R/lines]
  http: [tcp://127.0.0.1:0, unix://%R/http]
  pull: [ipc://%R/pull]
  rep: [ipc://%R/rep]
  feed: [ipc://%R/pub]
"""
METRICS = {
    "csat": {"kind": "top2", "scale": [1, 5]},
    "fcr": {"kind": "yes"},
    "response": {"kind": "response"},
}


def config():
    """The example as it ships, with sockets of this test's own, and a metric for the response rate."""
    with open(os.path.join(EXAMPLES, "pwc.yaml"), encoding="utf-8") as file:
        text = file.read()
    assert "\nmetrics:\n" in text and "\nlisten:" not in text
    return text.replace("\nmetrics:\n", "\nmetrics:\n  response: {kind: response, influence: [director]}\n") + LISTEN


def table(name, key):
    with open(cx.shared(f"data/{name}"), encoding="utf-8", newline="") as file:
        return {row[key]: row for row in csv.DictReader(file)}


def surveys():
    """The calls as surveys: what `cxctl import` would send."""
    out = subprocess.run(
        [cx.CXCTL, "-o", "json", "import", "--dry-run", "--map", MAPPING, cx.shared("data/pwc_call_center.csv")],
        capture_output=True, check=True, timeout=cx.seconds(60),
    ).stdout
    found = [json.loads(line) for line in out.splitlines()]
    assert len(found) == 5000 and len({s["id"] for s in found}) == 5000
    return found


def board(d, kind, metric):
    return d.cxctl("-o", "json", "board", "--kind", kind, "--metric", metric, "--window", "90d", "--at", AT)


def boards(d):
    """Everything that is asked of them, as bytes."""
    return b"".join(board(d, kind, metric) for kind in ("agent", "queue") for metric in METRICS)


def figures(d, kind, metric):
    return {f["scope"].split("/", 1)[1]: f for f in json.loads(board(d, kind, metric))["rows"]}


def close(a, b):
    return abs(a - b) <= 1e-12 * max(abs(a), abs(b))


def check_published(d, kind, rows):
    csat, fcr, response = (figures(d, kind, m) for m in ("csat", "fcr", "response"))
    assert set(csat) == set(fcr) == set(response) == set(rows), (sorted(csat), sorted(rows))
    for name, row in rows.items():
        f = csat[name]
        counts = [f["counts"][str(v)] for v in range(1, 6)]
        assert counts == [int(float(row[f"c{v}"])) for v in range(1, 6)], name
        assert f["n"] == sum(counts) == float(row["n"]), name
        assert repr(f["mean"]) == row["mean"], (name, f["mean"], row["mean"])
        top2 = Fraction(counts[3] + counts[4], f["n"])
        assert repr(float(top2)) == row["top2"], name
        assert f["value"] == float(100 * top2), (name, f["value"])
        f = fcr[name]
        assert (f["n"], f["counts"]["yes"]) == (float(row["answered"]), float(row["resolved"])), name
        assert repr(f["counts"]["yes"] / f["n"]) == row["fcr"], name
        assert f["value"] == float(Fraction(100 * f["counts"]["yes"], f["n"])), name
        assert close(f["low"], 100 * float(row["fcr_lo"])) and close(f["high"], 100 * float(row["fcr_hi"])), name
        f = response[name]
        assert (f["n"], f["counts"]["yes"]) == (float(row["calls"]), float(row["answered"])), name
        assert repr(f["counts"]["yes"] / f["n"]) == row["response_rate"], name
        assert close(f["value"], 100 * float(row["response_rate"])), name


@cx.case("an import gives the published figures to the last digit, and a second one changes nothing")
def imported_twice():
    with cx.Daemon(config(), roster="", queues="") as d:
        model = cxmodel.Model(METRICS, roster="agent,team,site,region\n", queues="queue,line\n")
        argv = ["--no-color", "import", "--lines", "unix:" + d.path("r", "lines"), "--map", MAPPING]
        argv += [cx.shared("data/pwc_call_center.csv")]
        d.cxctl(*argv)
        check_published(d, "agent", table("pwc_per_agent.csv", "agent"))
        check_published(d, "queue", table("pwc_per_topic.csv", "topic"))
        once = boards(d)
        d.cxctl(*argv)
        assert boards(d) == once
        counts = d.status()["surveys"]
        assert (counts["stored"], counts["duplicate"], counts["refused"], counts["counted"]) == (5000, 5000, 0, 5000)
        for s in surveys():
            seconds = cx.time.strptime(s["ts"].split(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S")
            model.take({**s, "ts": cx.calendar.timegm(seconds)})
        at = 1617235200_000_000
        rows = [f for kind in ("agent", "queue", "org") for m in METRICS for f in json.loads(board(d, kind, m))["rows"]]
        model.check(rows, "90d", at)


def by_lines(kind):
    def send(d, found):
        with d.lines(kind) as c:
            c.write(cx.lines_of(found))
            ack = c.finish()
        assert ack == {"ack": 5000, "stored": 5000, "duplicate": 0, "revised": 0, "refused": 0}, ack

    return send


def by_array(d, found):
    r = d.http("tcp").post("/v1/surveys", found)
    assert r.status == 200 and r.json() == {"stored": 5000, "duplicate": 0, "revised": 0, "refused": []}, r.body[:300]


def by_ndjson(d, found):
    with d.http() as h:
        for i in range(0, 5000, 700):
            part = found[i : i + 700]
            r = h.post("/v1/surveys", cx.lines_of(part))
            assert r.status == 200 and r.json()["stored"] == len(part), r.body[:300]


def by_req(d, found):
    with cx.Sp(d.address("rep"), "REQ") as c:
        for i in range(0, 5000, 700):
            part = found[i : i + 700]
            assert json.loads(c.ask(cx.lines_of(part)))["stored"] == len(part)


def by_nanocat(d, found):
    nanocat = cx.tool("nanocat")
    for i in range(0, 5000, 1700):
        part = found[i : i + 1700]
        d.write("part", cx.lines_of(part).decode())
        out = subprocess.run(
            [nanocat, "--req", "--connect", d.address("rep"), "-F", d.path("part"), "--raw"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=cx.seconds(60), check=True,
        ).stdout
        assert json.loads(out)["stored"] == len(part), out


WAYS = {
    "TCP lines": by_lines("tcp"),
    "Unix lines": by_lines("unix"),
    "an HTTP array": by_array,
    "HTTP NDJSON": by_ndjson,
    "a nanomsg request": by_req,
    "nanocat --req": by_nanocat,
}


@cx.case("the calls in any order through " + ", ".join(WAYS) + " give the same boards, byte for byte")
def shuffled():
    found = surveys()
    first = None
    for seed, (way, send) in enumerate(WAYS.items()):
        random.Random(seed).shuffle(found)
        with cx.Daemon(config(), roster="", queues="") as d:
            send(d, found)
            if first is None:
                check_published(d, "agent", table("pwc_per_agent.csv", "agent"))
            seen = boards(d)
        assert len(seen) > 5000
        first = first or seen
        assert seen == first, f"{way} differs from TCP lines"


cx.run()

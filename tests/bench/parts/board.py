# SPDX-License-Identifier: Apache-2.0
"""Questions during full ingest: how long they take, and what ingest loses by them.

Ingest alone and ingest with questions run in pairs, right behind each other, so that both have the same machine; which
of them is first alternates. What ingest loses is the median of what it lost in each pair.
"""

import daemon
from centre import Centre
from report import usec

PATH = "/v1/board?kind=agent&under=site/site-00&metric=csat&window=28d"
RATE = 10
P99, LOSS = 5000, 0.05


def measure(bench, asking):
    """Surveys per second. Notes the answers if there are questions."""
    centre = Centre()
    # Answers enough for a p99 that is not just the longest one; a quick run has not.
    seconds = bench.pick(smoke=0.3, quick=5, normal=15, full=30)
    file = bench.workloads.live(centre)
    with daemon.cxd(bench.tools, centre) as d:
        d.load(file, senders=4, passes=1, first_pass=50000)  # so that there is something to show
        with d.load_beside(file, senders=8, seconds=seconds) as load:
            got = bench.tools.drive("bench-ask", d.socket, PATH, seconds, RATE) if asking else None
            rate = load.results()["rate"]
    bench.report.note("ingest with questions" if asking else "ingest alone", rate)
    if asking:
        for name in ("answer_p50", "answer_p99", "answer_max", "bytes"):
            bench.report.note(f"board {name}", got[name])
    return rate


def run(bench):
    report = bench.report
    for i in range(bench.rounds):
        rates = {asking: measure(bench, asking) for asking in ((False, True) if i % 2 == 0 else (True, False))}
        report.note("ingest loss", 1 - rates[True] / rates[False])
    report.title(f"GET /v1/board of 200 agents, {RATE} a second, during full ingest")
    rows = [(usec(report.median(f"board answer_{p}")) for p in ("p50", "p99", "max"))]
    report.table(("answer: median", "p99", "longest"), [tuple(row) for row in rows])
    alone, beside = report.median("ingest alone"), report.median("ingest with questions")
    loss, losses = report.median("ingest loss"), report.values["ingest loss"]
    report.line(
        f"ingest: {alone:,.0f} surveys/s alone, {beside:,.0f} with questions; an answer has"
        f" {report.median('board bytes'):,.0f} bytes"
    )
    report.line(f"it loses {loss:.1%}: the median over {len(losses)} pairs, {min(losses):.1%} .. {max(losses):.1%}")
    p99 = report.median("board answer_p99")
    median = report.median("board answer_p50")
    bound = f"one thread answers and counts; half of the answers come within {usec(median)}."
    report.goal("board of 200 agents during ingest, p99", usec(p99), f"at most {usec(P99)}", p99 <= P99, bound)
    bound = f"{RATE} answers a second, {usec(median)} each, are at most {RATE * median / 1e6:.1%} of the thread that counts."
    report.goal("what ingest loses by it", f"{loss:.1%}", f"at most {LOSS:.0%}", loss <= LOSS, bound)

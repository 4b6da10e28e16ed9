# SPDX-License-Identifier: Apache-2.0
"""How long one survey takes: to its acknowledgement, beside the disk's own time, and to the alert at a subscriber."""

import daemon
from centre import Centre
from report import usec

SHARE, ABOVE_SYNC = 1.3, 60
SLICES = 5
RATE, PAUSE, ABOVE_COMMIT = 20000, 0.01, 1000
ENOUGH = 0.95  # of the rate: with less the daemon had an easier time than it should have


def acknowledgement(bench):
    """One sender that waits for each acknowledgement, in turn with the disk alone: both are to have the same disk."""
    report = bench.report
    centre = Centre()
    file = bench.workloads.live(centre)
    for _ in range(bench.rounds):
        with daemon.cxd(bench.tools, centre) as d:
            for i in range(SLICES):
                disk = bench.tools.drive("bench-disk", d.folder, bench.seconds / SLICES)
                got = d.load(file, window=1, seconds=bench.seconds / SLICES, first_pass=i * 1000)
                for name in ("p50", "p99"):
                    report.note(f"sync {name}", disk[f"sync_{name}"])
                    report.note(f"grow {name}", disk[f"grow_{name}"])
                    report.note(f"ack {name}", got[f"ack_{name}"])
                report.note("ack share", got["ack_p50"] / (disk["sync_p50"] + ABOVE_SYNC))
    report.title("One sender that waits for each acknowledgement")
    rows = [
        (what, *(usec(report.median(f"{name} {p}")) for p in ("p50", "p99")))
        for what, name in (
            ("fdatasync of 4 KiB, the file grows", "grow"),
            ("fdatasync of 4 KiB, it does not", "sync"),
            ("survey to acknowledgement", "ack"),
        )
    ]
    report.table(("", "median", "p99"), rows)
    ratio = report.median("ack share")
    n = len(report.values["ack share"])
    report.line(f"{ratio:.2f} times the second plus {ABOVE_SYNC} us: the median of {n} slices")
    report.goal(
        "one sender, each acknowledgement",
        f"{ratio:.2f} x (fdatasync + {ABOVE_SYNC} us)",
        f"at most {SHARE} x",
        ratio <= SHARE,
        f"of {usec(report.median('ack p50'))} fdatasync takes {usec(report.median('sync p50'))},"
        f" and {usec(report.median('grow p50'))} where the file grows; the rest is the way there and back.",
    )


def alert(bench):
    """Probes at one stream while others send at a fixed rate."""
    report = bench.report
    centre = Centre()
    file = bench.workloads.live(centre)
    for _ in range(bench.rounds):
        n_probes = max(int(bench.seconds / PAUSE), 5)
        report.note("alert probes", n_probes)
        with daemon.cxd(bench.tools, centre) as d:
            with d.load_beside(file, senders=8, rate=RATE, seconds=n_probes * PAUSE * 2 + 1) as load:
                d.wait_until("surveys come", lambda c: c['cxd_surveys_total{result="stored"}'] > 0)
                probe = bench.tools.program("bench-probe")
                got, cost = d.watched(
                    lambda: bench.tools.drive(probe.name, d.socket, d.port, 1, n_probes, PAUSE)
                )
                if load.poll() is not None:
                    raise daemon.tool.Failed("the load ended before the probes did")
                report.note("alert load", load.results()["rate"])
        report.note("alert commit", cost.commit_time)
        for name in ("ack_p50", "ack_p99", "last_p50", "last_p99"):
            report.note(f"alert {name}", got[name])
    load, probes = min(report.values["alert load"]), sum(report.values["alert probes"])
    is_loaded = load >= ENOUGH * RATE
    report.title(f"Survey to alert at a stream, {probes:,} probes beside {report.median('alert load'):,.0f} surveys/s")
    rows = [
        (what, *(usec(report.median(f"alert {name}_{p}")) for p in ("p50", "p99")))
        for what, name in (("to the acknowledgement", "ack"), ("to the alert", "last"))
    ]
    report.table(("", "median", "p99"), rows)
    commit, p99 = report.median("alert commit"), report.median("alert last_p99")
    report.line(f"a commit took {usec(commit)} on average")
    if not is_loaded:
        report.line(f"The load reached {load:,.0f} surveys/s only, not {RATE:,}: the goal is not met, whatever the times.")
    report.goal(
        f"survey to alert at {RATE:,}/s, p99",
        usec(p99) if is_loaded else f"{usec(p99)}, beside {load:,.0f}/s only",
        f"at most {usec(commit + ABOVE_COMMIT)} (commit + 1 ms)",
        is_loaded and p99 <= commit + ABOVE_COMMIT,
        f"the acknowledgement takes {usec(report.median('alert ack_p99'))} at p99, a commit"
        f" {usec(commit)} on average; half of the alerts come within {usec(report.median('alert last_p50'))}.",
    )


def run(bench):
    acknowledgement(bench)
    alert(bench)

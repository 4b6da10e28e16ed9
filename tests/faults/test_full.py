#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The disk is full, and then it is not: surveys are refused and taken back, queries and alerts go on, and by itself the
daemon takes surveys again."""

import os
import re
import resource
import shutil
import signal
import subprocess
import time

import faults
from faults import cx

RULE = {"name": "held", "metric": "wait", "scopes": "queue/held", "window": "1h", "test": "point", "below": "4", "min_n": 3,
        "for": "4s"}


class Bulky(faults.Stream):
    """Surveys that fill a disk soon."""

    def first(self):
        return {**super().first(), "comment": "as big as they come " * 60}


def accepted(sender):
    """The state after all lines but those that were refused."""
    found = {}
    for n, s in enumerate(sender.stream.lines[: sender.acked]):
        if n not in sender.refused and s.get("rev", 0) >= found.get(s["id"], s).get("rev", 0):
            found[s["id"]] = s
    return found


def compare(d, sender, more):
    expected = [*accepted(sender).values(), *more]
    have, want = faults.stored(d), list(map(faults.content, expected))
    lost, extra = set(want) - set(have), set(have) - set(want)
    assert not lost and not extra, f"{len(lost)} acknowledged are missing, {len(extra)} refused are there: {[*lost, *extra][:2]}"
    assert len(have) == len(want), "stored twice"
    faults.check_figures(d, expected)
    return len(expected)


def full_and_back(seed, disk):
    now = int(time.time())
    held = [{"id": f"h{i}", "ts": now - 60, "queue": "held", "answers": {"wait": 1}} for i in range(5)]
    with faults.At(disk, config=faults.config(rules=[*faults.RULES, RULE], feed={"tick": "1s"})) as d:
        d.start()
        with d.events("adam") as events, d.http() as h:
            d.send(*held)
            sender = faults.Sender(Bulky(seed, "b", trouble=0.3), d.address("lines", "unix"), window=200)
            cx.until("the disk is full", lambda: "E_UNAVAILABLE" in list(sender.refused.values()) or not sender.is_alive(), 20)
            since = time.monotonic()
            sender.wait(sender.acked + 500)  # it goes on to refuse
            sender.stop()
            codes = set(sender.refused.values()) - {"E_STALE"}
            assert codes == {"E_UNAVAILABLE"}, (codes, d.out.text()[-1500:])
            r = h.get("/readyz")
            assert (r.status, r.body) == (503, b"not ready: the disk is full\n") and h.get("/healthz").status == 200
            assert h.json("/v1/status")["store"]["full"] is True
            one = {"id": "one", "ts": now, "queue": "tech", "answers": {"nps": 3}}
            r = h.post("/v1/surveys", cx.lines_of([one]))
            assert r.status == 503 and "retry-after" in r.headers, (r.status, r.headers, r.body)
            n = compare(d, sender, held)
            # The alert whose time comes now reaches its subscriber.
            while True:
                _, _, data = events.next("alert", timeout=5)
                alert = data.get("alert", data)
                if alert["rule"] == "held" and alert["state"] == "firing":
                    break
            assert h.get("/readyz").status == 503, "it was no longer full when the alert came"
            assert time.monotonic() - since > 0.5
            alert_id = alert["id"]
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            begin = time.monotonic()
            cx.until("surveys are taken", lambda: h.post("/v1/surveys", cx.lines_of([one])).status == 200, 4)
            took = time.monotonic() - begin
            assert took < 5 * cx.SLOW, f"surveys are taken {took:.1f} s after there is space"
            assert h.get("/readyz").status == 200 and h.json("/v1/status")["store"]["full"] is False
            again = faults.Sender(sender.stream, d.address("lines", "unix"), end=sender.acked)
            again.join(cx.seconds(30))
            assert again.acked == sender.acked and set(again.refused.values()) <= {"E_STALE"}, again.error
            again.refused = {k: v for k, v in again.refused.items() if v != "E_STALE"}
            compare(d, again, [*held, one])
        for kill in (True, False):
            d.restart(kill=kill)
            compare(d, again, [*held, one])
            with d.http() as h:
                alerts = {a["id"]: a for a in h.json("/v1/alerts", state="all", limit=10000)["alerts"]}
                assert alert_id in alerts, "the alert that came while the disk was full is gone"
        print(f"# full with {n} surveys, {len(sender.refused)} lines refused, taken again after {took:.1f} s")


@cx.case("a full disk refuses what cannot be stored and takes it out of the figures, and goes on when there is space")
def full():
    # With a log that is shorter than a checkpoint waits for, and with a longer one.
    times = faults.count(2, 20)
    progress = faults.Progress("times", times)
    for number in range(times):
        progress.step()
        disk = faults.scratch()
        try:
            faults.sh("mount", "-t", "tmpfs", "-o", f"size={6 + number % 3}m", "tmpfs", disk)
            try:
                full_and_back(faults.SEED + number, disk)
            finally:
                subprocess.run(["umount", "-l", disk], check=True)
        finally:
            os.rmdir(disk)


@cx.case("on a full disk retention does not take the room that alerts need")
def retention():
    now = int(time.time())
    held = [{"id": f"h{i}", "ts": now - 60, "queue": "held", "answers": {"wait": 1}} for i in range(5)]
    disk = faults.scratch()
    config = faults.config(rules=[*faults.RULES, {**RULE, "for": "8s"}], feed={"tick": "1s"})
    faults.sh("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk)
    try:
        with faults.At(disk, config=config) as d:
            d.start()
            with d.events("adam") as events, d.http() as h:
                d.send(*held, *({**held[0], "id": f"o{i}", "ts": now - 20 * 86400, "comment": "old"} for i in range(20)))
                sender = faults.Sender(Bulky(faults.SEED, "b", trouble=0, days=1), d.address("lines", "unix"), window=200)
                cx.until("the disk is full", lambda: "E_UNAVAILABLE" in list(sender.refused.values()) or not sender.is_alive(), 20)
                sender.stop()
                d.configure({**config, "retention": {**config.get("retention", {}), "comments": "10d"}})
                d.reload()
                while True:
                    _, _, data = events.next("alert", timeout=10)
                    alert = data.get("alert", data)
                    if alert["rule"] == "held" and alert["state"] == "firing":
                        break
                assert h.get("/readyz").status == 503, "it was no longer full when the alert came"
                assert d.status()["store"]["removed"]["comments"] == 0
                subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
                cx.until("surveys are taken", lambda: h.get("/readyz").status == 200, 4)
                d.reload()  # a round of retention soon
                cx.until("comments leave", lambda: d.status()["store"]["removed"]["comments"] > 0)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
        os.rmdir(disk)


@cx.case("a daemon that finds no space for its reserve at the start has one soon after there is")
def reserve():
    disk = faults.scratch()
    faults.sh("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk)
    try:
        with faults.At(disk, config=faults.config()) as d:
            d.start()
            d.send({"id": "s", "ts": int(time.time()), "queue": "tech", "answers": {"nps": 3}})
            d.stop()
            file = os.path.join(disk, "cxd.db.reserve")
            os.unlink(file)
            subprocess.run(["mount", "-o", f"remount,size={shutil.disk_usage(disk).used + (512 << 10)}", disk], check=True)
            d.start()
            assert d.out.find("^<4>store has no space for a reserve: No space left on device, going on without until there is"), d.out.text()
            assert not os.path.exists(file)
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            d.reload()  # a round of retention soon, as there is one every minute
            d.out.wait("^<5>store has space for its reserve now")
            assert os.stat(file).st_blocks * 512 >= 1 << 20
            assert d.status()["store"]["full"] is False
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
        os.rmdir(disk)


@cx.case("where no file can be made any more, a start says so")
def inodes():
    disk = faults.scratch()
    # The folder, and the store.
    faults.sh("mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=64", "tmpfs", disk)
    try:
        with faults.At(disk, config=faults.config()) as d:
            d.start()
            d.stop()
            os.unlink(os.path.join(disk, "cxd.db.reserve"))
            subprocess.run(["mount", "-o", "remount,nr_inodes=2", disk], check=True)
            d.spawn()
            assert d.wait() == 74
            assert re.search(r"^<3>store .*: no file can be made in .*/: No space left on device", d.out.lines[-1]), d.out.lines[-1]
            subprocess.run(["mount", "-o", "remount,nr_inodes=64", disk], check=True)
            d.start()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
        os.rmdir(disk)


@cx.case("a backup for whose copy there is no space takes none of it")
def backup():
    surveys = [{"id": f"s{i}", "ts": int(time.time()), "queue": "tech", "answers": {"nps": i % 11}, "comment": 2000 * "x"} for i in range(4000)]
    disk = faults.scratch()
    faults.sh("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk)
    try:
        with faults.At(disk, config=faults.config()) as d:
            d.start()
            d.send(*surveys)
            d.stop()  # the log is empty, and takes no more space from the disk than it is given now
            subprocess.run(["mount", "-o", f"remount,size={shutil.disk_usage(disk).used + (4 << 20)}", disk], check=True)
            d.start()
            begin, lowest = shutil.disk_usage(disk).free, []
            with subprocess.Popen([cx.CXCTL, "-H", "unix:" + d.path("r", "http"), "backup", d.path("b.db")], stderr=subprocess.PIPE) as child:
                while child.poll() is None:
                    lowest.append(shutil.disk_usage(disk).free)
                assert child.returncode == 4 and b"there is no space for a copy of the store beside it" in child.stderr.read()
            r = d.http().get("/v1/backup")
            assert r.status == 503 and r.code == "E_UNAVAILABLE" and "retry-after" in r.headers, (r.status, r.headers, r.body)
            assert begin - min(lowest) < 1 << 20, (begin, min(lowest))
            assert d.out.find(r"^<3>backup failed: .*cxd.db.copying: a copy takes \d+ bytes, and only \d+ are free"), d.out.text()
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            d.cxctl("backup", d.path("b.db"))
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
        os.rmdir(disk)


@cx.case("surveys and retractions that find no space use no evidence up: what is stored has its alert, before and afterwards")
def evidence():
    now = int(time.time())
    bad = [{"id": f"e{i}", "ts": now - 60, "queue": "tech", "agent": "ana", "rev": 1, "answers": {"csat": 1}} for i in range(60)]
    rule = {"name": "low", "metric": "csat", "scopes": "agent/*", "window": "28d", "below": "target", "false_alarms": "1 per 90d"}
    with cx.Daemon(cx.base_config(rules=[rule])) as d, d.http() as h:

        def refused(surveys):
            # No file may grow.
            resource.prlimit(d.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
            r = h.post("/v1/surveys", cx.lines_of(surveys))
            assert r.status == 503, r.body
            resource.prlimit(d.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            cx.until("surveys are taken", lambda: h.get("/readyz").status == 200)

        def states():
            return sorted(a["state"] for a in h.json("/v1/alerts", state="all")["alerts"])

        refused(bad)
        assert states() == ["resolved"], states()
        d.send(*bad)
        assert states() == ["firing", "resolved"], states()
        refused([{**s, "rev": 2, "status": "retracted"} for s in bad])
        assert states() == ["firing", "resolved", "resolved"], states()
        # Good ones that were refused end none either.
        refused([{**s, "id": s["id"] + f".{i}", "answers": {"csat": 5}} for s in bad for i in range(50)])
        assert states() == ["firing", "resolved", "resolved", "resolved"], states()


@cx.case("a store whose file was moved, removed or replaced takes nothing that would be lost, and can be saved")
def gone():
    def refused(survey):
        r = h.post("/v1/surveys", cx.lines_of([survey]))
        assert r.status == 503 and b"was moved, removed or replaced; nothing of this was stored" in r.body, (r.status, r.body)
        r = h.get("/readyz")
        assert (r.status, r.body) == (503, b"not ready: the file of the store was moved, removed or replaced\n"), r.body

    surveys = [{"id": f"s{i}", "ts": int(time.time()), "queue": "tech", "answers": {"nps": i % 11}} for i in range(40)]
    with cx.Daemon(faults.config()) as d, d.http() as h:
        file, other = d.path("s", "cxd.db"), d.path("elsewhere.db")
        d.send(*surveys[:10])
        os.rename(file, other)
        refused(surveys[10])
        d.out.wait(r"^<3>store is gone: .*/s/cxd.db was moved, removed or replaced; ")
        os.rename(other, file)
        d.out.wait(r"^<5>store is there again, surveys are taken")
        assert h.get("/readyz").status == 200
        os.rename(d.path("s"), d.path("folder"))
        begin = time.monotonic()
        while time.monotonic() < begin + 2.2:  # it tries again every second
            refused(surveys[10])
        os.rename(d.path("folder"), d.path("s"))
        cx.until("it is back", lambda: h.get("/readyz").status == 200)
        assert d.out.lines[-1] == "<5>store is there again, surveys are taken", d.out.lines[-1]
        d.send(*surveys[10:20])
        shutil.copy(file, other)
        for lose in (lambda: os.rename(other, file)), (lambda: os.unlink(file)):
            lose()
            refused(surveys[20])
            cx.until("it was tried again", lambda: os.path.exists(file + ".reserve"))
            refused(surveys[20])
        said = [s for s in d.out.lines if "store is " in s]
        assert len(said) == 5, said
        d.cxctl("backup", other)
        d.process.send_signal(signal.SIGTERM)
        assert d.wait() == 74 and "what was acknowledged is in that file alone" in d.out.lines[-1], d.out.lines[-3:]
        assert not any("stopped, everything" in line for line in d.out.lines)
        for name in os.listdir(d.path("s")):
            os.unlink(d.path("s", name))
        shutil.copy(other, file)
        d.start()
        assert {**d.send(*surveys), "ack": 0} == {"ack": 0, "stored": 20, "duplicate": 20, "revised": 0, "refused": 0}


@cx.case("while the file of the store is not there commands are refused at once, and a stop ends in spite of what waits")
def gone_commands():
    now = int(time.time())
    bad = [{"id": f"b{i}", "ts": now - 60, "queue": "tech", "agent": "a1", "answers": {"csat": 1}} for i in range(10)]
    held = [{"id": f"h{i}", "ts": now - 60, "queue": "held", "answers": {"wait": 1}} for i in range(5)]
    rules = [{"name": "low", "metric": "csat", "scopes": "queue/tech", "window": "28d", "test": "point", "below": "50%", "min_n": 3},
             {**RULE, "for": "1s"}]
    with cx.Daemon(faults.config(rules=rules)) as d, d.http() as h:
        d.send(*bad)
        alert = h.json("/v1/alerts", state="firing")["alerts"][0]["id"]
        file, other = d.path("s", "cxd.db"), d.path("elsewhere.db")
        os.rename(file, other)
        for _ in range(2):
            r = h.post(f"/v1/alerts/{alert}/ack")
            assert r.status == 503 and r.code == "E_UNAVAILABLE" and "retry-after" in r.headers, (r.status, r.body)
            assert b"was moved, removed or replaced; nothing of this was done" in r.body, r.body
        os.rename(other, file)
        assert h.post(f"/v1/alerts/{alert}/ack").status == 200
        # An alert whose time comes meanwhile waits to be stored, and is tried again each second; its sender stays.
        with d.lines() as sender:
            sender.send(*held)
            sender.settle()
            os.rename(file, other)
            d.out.wait("store is gone")
            begin = time.monotonic()
            d.process.send_signal(signal.SIGTERM)
            assert d.wait() == 74
            assert time.monotonic() - begin < 3.5 * cx.SLOW, "it took too long to stop"
        assert not d.out.find("stop takes too long"), "there was nothing that was not acknowledged"


@cx.case("the log of a store that was replaced does not come into what it was replaced with")
def replaced():
    surveys = [{"id": f"s{i}", "ts": int(time.time()), "queue": "tech", "answers": {"nps": i % 11}, "comment": 900 * "x"}
               for i in range(4000)]
    with cx.Daemon(faults.config()) as d, d.http() as h:
        file, other = d.path("s", "cxd.db"), d.path("elsewhere.db")
        d.send(*surveys[:100])
        d.cxctl("backup", other)
        d.send(*surveys[100:3900])
        cx.until("the log is written back", lambda: os.path.getsize(file) > 3800 * 900)
        d.send(*surveys[3900:3920])
        os.rename(other, file)
        assert h.post("/v1/surveys", cx.lines_of(surveys[3990:3991])).status == 503
        d.kill()
        d.start()
        assert {**d.send(*surveys), "ack": 0} == {"ack": 0, "stored": 3900, "duplicate": 100, "revised": 0, "refused": 0}


@cx.case("a log that was moved, removed or replaced beneath the daemon costs nothing")
def no_log():
    surveys = [{"id": f"s{i}", "ts": int(time.time()), "queue": "tech", "answers": {"nps": i % 11}} for i in range(40)]
    with cx.Daemon(faults.config()) as d:
        log, other = d.path("s", "cxd.db-wal"), d.path("elsewhere")
        d.send(*surveys[:10])
        os.rename(log, other)
        d.send(*surveys[10:20])
        os.rename(other, log)
        d.send(*surveys[20:30])
        d.kill()
        d.start()
        os.unlink(log)
        assert d.send(*surveys)["duplicate"] == 30
        d.kill()
        d.start()
        assert d.send(*surveys)["duplicate"] == 40
        os.unlink(log)
        d.restart()
        assert d.send(*surveys)["duplicate"] == 40


faults.namespace()
faults.run()

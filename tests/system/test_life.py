#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The life of the data: what is past its retention goes and stays in the figures; backups, checks, and the way out and in."""

import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import time

import cx
import cxmodel

DAY = 86400
LONG = ["28d", "90d"]  # windows that are cut in days


def config(surveys="400d", comments="90d", **more):
    return cx.base_config(retention={"surveys": surveys, "comments": comments, "tallies": "5y"}, **more)


def stamp_of(seconds):
    return cx.stamp(int(seconds) * 1000000)


def made(n, now, seed=1, days=200, comment=None):
    """Surveys spread over so many days, in the order of a shuffled past."""
    rng = random.Random(seed)
    surveys = []
    for k in range(n):
        s = {
            "id": f"{seed}-{k}",
            "ts": stamp_of(now - 600 - rng.randrange(days * DAY - 1200)),
            "queue": rng.choice(["billing-es", "billing-pt", "tech", "sales"]),
            "answers": {"nps": rng.randrange(11), "csat": rng.randrange(1, 6), "fcr": rng.random() < 0.7, "wait": None},
        }
        if rng.random() < 0.9:
            s["agent"] = rng.choice(["ana", "ben", "cleo", "dora", "emil", "finn", "gina"])
        if rng.random() < 0.1:
            s["status"] = "expired"
            s["answers"] = {}
        if comment and k % 3 == 0:
            s["comment"] = f"{comment} {k}"
        surveys.append(s)
    return surveys


def boards(d, now, windows=LONG, back=(0, 1, 40, 100, 150)):
    """Figures as of now and of days long ago, as bytes."""
    found = {}
    with d.http() as h:
        for days in back:
            at = cx.stamp((now // 60 + 1 - days * 1440) * 60_000_000)
            for window in windows:
                for metric in cx.METRICS:
                    for kind in ("agent", "team", "site", "region", "queue", "line", "org"):
                        r = h.get("/v1/board", window=window, metric=metric, kind=kind, at=at)
                        assert r.status == 200, r.body
                        found[days, window, metric, kind] = r.body
    return found


def assert_same(before, after, what):
    changed = [k for k in before if before[k] != after[k]]
    assert not changed, f"{what}: {len(changed)} of {len(before)}, first {changed[0]}:\n{before[changed[0]]}\n{after[changed[0]]}"


def settled(d, mark=0):
    """Waits until a round has removed something and there is nothing more of it."""
    d.out.wait(r"upkeep removed surveys=\d+", mark, timeout=60)


@cx.case("surveys past retention are deleted; their answers stay in the figures, also after a restart, kill -9 and a reload")
def folded():
    now = int(time.time())
    surveys = made(4500, now)
    old = [s for s in surveys if s["ts"] < stamp_of(now - 100 * DAY)]
    with cx.Daemon(config()) as d:
        d.send(*surveys)
        before = boards(d, now)
        assert sum(body.count(b'"n":0,') for body in before.values()) < sum(body.count(b'"n":') for body in before.values()) / 2
        d.configure(config(surveys="100d"))
        mark = len(d.out.lines)
        d.reload()
        settled(d, mark)
        status = d.status()["store"]
        assert status["removed"]["surveys"] == len(old), (status, len(old))
        assert status["rows"] == len(surveys) - len(old) and status["tallies"] > 500, status
        assert_same(before, boards(d, now), "after deletion")
        d.restart()
        assert_same(before, boards(d, now), "after a restart")
        d.restart(kill=True)
        assert_same(before, boards(d, now), "after kill -9")
        # A reload computes everything anew; another target changes the state of figures, so it is put back.
        metrics = json.loads(json.dumps(cx.METRICS))
        metrics["csat"]["target"] = "5%"
        d.configure(config(surveys="100d", metrics=metrics))
        d.reload()
        d.configure(config(surveys="100d"))
        d.reload()
        assert_same(before, boards(d, now), "after reloads")
        # What is gone is not taken again; what is there is known.
        with d.lines() as c:
            c.send(*surveys)
            ack = c.settle()
            assert ack["refused"] == len(old) and ack["duplicate"] == len(surveys) - len(old), ack
            assert {r["code"] for r in c.refusals()} == {"E_TOO_OLD"}
        # An id that is free again is a new survey, beside what is left of the old one.
        again = {**old[0], "ts": stamp_of(now - 3600), "answers": {"csat": 1}}
        assert d.send(again)["stored"] == 1
        assert d.send(again)["duplicate"] == 1


@cx.case("what was deleted is not counted once more where retention becomes longer again")
def longer():
    now = int(time.time())
    surveys = made(200, now)
    old = [s for s in surveys if s["ts"] < stamp_of(now - 100 * DAY)]
    with cx.Daemon(config()) as d:
        d.send(*surveys)
        before = boards(d, now)
        d.configure(config("100d"))
        d.reload()
        settled(d)
        d.configure(config())
        d.reload()
        for kill in (None, True, False, "with damage"):
            if kill == "with damage":  # of what says up to when surveys were deleted
                d.stop()
                with sqlite3.connect(d.path("s", "cxd.db")) as db:
                    db.execute("UPDATE meta SET crc = crc + 1 WHERE key = 'mark surveys forgotten'")
                db.close()
                d.start()
            elif kill is not None:
                d.restart(kill=kill)
            with d.lines() as c:
                c.send(*surveys)
                counts = c.settle()
                assert (counts["duplicate"], counts["refused"]) == (200 - len(old), len(old)), counts
                assert {r["code"] for r in c.refusals()} == {"E_TOO_OLD"}, c.refusals()
            assert_same(before, boards(d, now), f"sent again, kill={kill}")


@cx.case("while tens of thousands of surveys are deleted nobody waits: neither questions nor senders")
def unhurried():
    now = int(time.time())
    n = 80_000
    with cx.Daemon(config()) as d:
        with d.lines() as c:
            c.send(*({"id": f"o{i}", "ts": now - (120 + i % 200) * DAY, "queue": f"q{i % 5}", "agent": f"a{i % 9}",
                      "answers": {"nps": i % 11}} for i in range(n)))
            c.settle()
        d.configure(config(surveys="100d"))
        d.reload()
        acks, asks = [], []
        with d.lines() as c, d.http() as h:
            while d.status()["store"]["removed"]["surveys"] < n:
                for _ in range(20):
                    begin = time.monotonic()
                    c.send({"id": f"n{begin}", "ts": now, "queue": "q1", "answers": {"nps": 5}})
                    c.settle()
                    acks.append(time.monotonic() - begin)
                    begin = time.monotonic()
                    assert h.get("/healthz").status == 200
                    asks.append(time.monotonic() - begin)
        acks.sort()
        asks.sort()
        print(f"# {len(acks)} surveys and questions meanwhile, at most {acks[-1] * 1000:.0f} and {asks[-1] * 1000:.0f} ms")
        assert len(acks) > 100, "it was over at once, this was no test"
        # One piece of the deletion may be in a sender's way, but not in that of a question.
        assert asks[len(asks) * 99 // 100] < 0.05 * cx.SLOW and acks[-1] < 0.3 * cx.SLOW


@cx.case("kill -9 in the middle of deletions, again and again: no figure changes, nothing is counted twice or lost")
def killed():
    now = int(time.time())
    surveys = made(20000, now, seed=2)
    n_young = sum(s["ts"] >= stamp_of(now - 91 * DAY) for s in surveys)
    with cx.Daemon(config()) as d:
        d.send(*surveys)
        before = boards(d, now, back=(0, 100))
        d.stop()
        d.configure(config(surveys="91d"))
        rng = random.Random(3)
        n_killed = 0
        while True:
            d.start()
            if int(d.out.wait(r"store surveys=(\d+)")[1]) <= n_young:
                break
            d.out.wait("upkeep slice", timeout=60)
            for _ in range(rng.randrange(4)):
                d.status()  # a moment of any length
            d.kill()
            n_killed += 1
        assert n_killed >= 3, n_killed
        assert_same(before, boards(d, now, back=(0, 100)), "after all that")


def exported(d):
    return [json.loads(line) for line in d.cxctl("export").decode().splitlines()]


def on_disk(d, text):
    return any(text.encode() in open(d.path("s", name), "rb").read() for name in os.listdir(d.path("s")) if "reserve" not in name)


@cx.case("comments past retention leave the store and the disk; nothing that arrives brings one back")
def comments():
    now = int(time.time())
    surveys = made(3300, now, days=30, comment="SECRET")
    limit = stamp_of(now - 10 * DAY)
    old = [s for s in surveys if s["ts"] < limit and "comment" in s]
    young = [s for s in surveys if s["ts"] >= limit and "comment" in s]
    with cx.Daemon(config()) as d:
        d.send(*surveys)
        before = boards(d, now, back=(0, 1), windows=["7d", "28d"])
        assert sum("comment" in s for s in exported(d)) == len(old) + len(young) and on_disk(d, old[0]["comment"])
        d.configure(config(comments="10d"))
        mark = len(d.out.lines)
        d.reload()
        d.out.wait(rf"upkeep removed surveys=0 comments={len(old)} ", mark, timeout=60)
        left = {s["id"]: s for s in exported(d)}
        assert len(left) == len(surveys)
        assert {i for i, s in left.items() if "comment" in s} == {s["id"] for s in young}
        assert d.status()["store"]["removed"]["comments"] == len(old)
        # Each ends in a number: with a quotation mark behind it, it is no part of a longer one.
        assert not any(on_disk(d, s["comment"] + '"') for s in old[:50]), "left on the disk"
        assert on_disk(d, young[0]["comment"] + '"')
        # The same again, with the comment: known. Other answers: a revision, without the comment.
        ack = d.send(*surveys)
        assert ack["duplicate"] == len(surveys), ack
        s = {**old[0], "answers": {"csat": 2}}
        ack = d.send(s, {**old[1], "comment": "SECRET another one"})
        assert ack["revised"] == 1 and ack["duplicate"] == 1, ack
        d.send(old[0])
        # One that is new, and that old already.
        assert d.send({**old[0], "id": "late", "comment": "SECRET of the late"})["stored"] == 1
        for _ in range(2):
            left = {s["id"]: s for s in exported(d)}
            assert {i for i, s in left.items() if "comment" in s} == {s["id"] for s in young}
            assert not on_disk(d, "SECRET of the late") and not on_disk(d, "SECRET another one")
            d.restart(kill=True)
        mark = len(d.out.lines)
        with d.http() as h:
            assert h.get("/metrics").body.count(b"cxd_removed_total{") == 4
        assert d.send({**old[0], "id": "late", "comment": "SECRET of the late"})["duplicate"] == 1
        assert_same(before, {**before, **boards(d, now, back=(0, 1), windows=["7d"])}, "figures")


@cx.case("a comment that came just behind a start by which more are kept leaves again once fewer are, also if nothing else was done by then")
def comments_for_a_moment():
    now = int(time.time())
    old = {**made(1, now)[0], "ts": stamp_of(now - 20 * DAY), "comment": "SECRET of a moment"}

    def removed():
        cx.until("the comment has left", lambda: d.status()["store"]["removed"]["comments"] == 1)

    with cx.Daemon(config(comments="30d")) as d:
        d.send({**old, "id": "before"})
        d.configure(config(comments="10d"))
        d.restart(kill=True)
        removed()
        d.configure(config(comments="30d"))
        d.restart(kill=True)
        d.send({**old, "id": "start"})
        d.configure(config(comments="10d"))
        d.restart(kill=True)
        removed()
        d.configure(config(comments="30d"))
        d.reload()
        d.send({**old, "id": "reload"})
        d.configure(config(comments="10d"))
        d.restart(kill=True)
        removed()
        assert not any("comment" in s for s in exported(d)) and not on_disk(d, "SECRET of a moment")


@cx.case("with no retention of comments none is ever stored")
def no_comments():
    now = int(time.time())
    with cx.Daemon(config(comments="0s")) as d:
        d.send(*made(50, now, days=1, comment="SECRET"))
        assert not any("comment" in s for s in exported(d)) and not on_disk(d, "SECRET")
        assert d.send(*made(50, now, days=1, comment="OTHER"))["duplicate"] == 50


def verify(path):
    r = subprocess.run([cx.CXD, "--verify", path], capture_output=True, timeout=cx.seconds(60), check=False)
    return r.returncode, r.stdout.decode()


@cx.case("a backup under load is whole, holds what was acknowledged before, and can be gone back to")
def backup():
    now = int(time.time())
    people = {**cx.person("maria", "team_lead", "team/alpha")}
    surveys = made(12000, now, days=60, comment="kept")
    with cx.Daemon(config(principals=people)) as d:
        d.send(*surveys[:9000])
        before = boards(d, now, back=(0, 10))
        file = d.path("backup.db")
        with d.lines() as c:
            c.write(cx.lines_of(surveys[9000:]))  # on its way while the copy is made
            d.cxctl("backup", file)
            c.settle()
        assert os.stat(file).st_mode & 0o777 == 0o600
        assert os.listdir(d.path("s")) and not os.path.exists(d.path("s", "cxd.db.copying"))
        assert [n for n in os.listdir(d.dir) if n.startswith("backup.db")] == ["backup.db"]
        status, report = verify(file)
        assert status == 0 and report.endswith("good\n") and "version 3" in report, report
        size = os.stat(file).st_size
        d.cxctl("backup", file, status=2)
        assert os.stat(file).st_size == size
        d.cxctl("backup", "--force", file)
        assert os.stat(file).st_size > size or verify(file)[0] == 0
        d.cxctl("backup", d.path("none", "x"), status=2)
        # Not for everybody.
        with d.http(who="maria") as h:
            assert h.get("/v1/backup").code == "E_FORBIDDEN" and h.get("/v1/verify").code == "E_FORBIDDEN"
        d.cxctl("backup", d.path("early.db"))
        after = boards(d, now, back=(0, 10))
        assert before != after
        d.stop()
        # A store that is open is not to be verified, and one that is not can be.
        assert verify(d.path("s", "cxd.db"))[0] == 0
        for name in os.listdir(d.path("s")):
            os.unlink(d.path("s", name))
        shutil.copy(d.path("early.db"), d.path("s", "cxd.db"))
        d.start()
        assert_same(after, boards(d, now, back=(0, 10)), "from the backup")
        assert d.send(*surveys)["duplicate"] == len(surveys)
        assert verify(d.path("s", "cxd.db"))[0] == 74


@cx.case("a backup that lies beside the store, by the name that suggests itself, stays there")
def near_backup():
    with cx.Daemon(config()) as d:
        d.send(*made(10, int(time.time())))
        file = d.path("s", "cxd.db.backup")
        d.cxctl("backup", file)
        d.cxctl("backup", d.path("other.db"))
        for _ in range(2):
            assert verify(file)[0] == 0
            d.restart()


@cx.case("a client that goes, and a copy that cannot be written, end a backup and nothing else")
def broken_backup():
    now = int(time.time())
    with cx.Daemon(config()) as d:
        d.send(*made(6000, now, days=60, comment="x" * 3000))
        for _ in range(3):
            h = d.http()
            h.open()
            h.raw(b"GET /v1/backup HTTP/1.1\r\nHost: x\r\n\r\n")
            h.close()
        cx.until("a backup is possible again", lambda: d.http().get("/v1/backup").status == 200)
        assert d.send(*made(1, now, seed=5))["stored"] == 1
        os.mkdir(d.path("s", "cxd.db.copying"))  # in the way: it cannot be made
        with d.http() as h:
            cx.until("no other one", lambda: h.get("/v1/backup").code == "E_INTERNAL")
        os.rmdir(d.path("s", "cxd.db.copying"))
        cx.until("a backup is possible again", lambda: d.http().get("/v1/backup").status == 200)
        assert d.send(*made(1, now, seed=6))["stored"] == 1


@cx.case("a page of alerts that is none any more ends a start with a word on what can be done, which brings the surveys back")
def beyond_help():
    now = int(time.time())
    with cx.Daemon(config()) as d:
        d.send(*made(500, now, days=90, comment="two\nlines"))
        before = boards(d, now, back=(0, 1))
        d.stop()
        path = d.path("s", "cxd.db")
        spoil(path, "alert")
        d.spawn()
        assert d.wait() == 74
        assert [line for line in d.out.lines if line[:3] == "<3>"] == [
            "<3>store cannot be read: cannot read alerts: database disk image is malformed; \"Damage on the disk\" in cxd(8) says what can be done"]
        with sqlite3.connect(path) as db, open(d.path("surveys.ndjson"), "wb") as file:
            file.writelines(row[0] + b"\n" for row in db.execute("SELECT json FROM survey"))
        db.close()
        os.rename(path, d.path("old.db"))
        d.start()
        d.cxctl("send", "--lines", "unix:" + d.path("r", "lines"), d.path("surveys.ndjson"))
        assert_same(before, boards(d, now, back=(0, 1)), "from the surveys")


def spoil(path, table, text=None):
    """The first page of a table, or one of its leaves that has this text, is none any more."""
    with sqlite3.connect(path) as db:
        [root] = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    db.close()
    with open(path, "r+b") as file:
        data = file.read()
        leaves = (m.start() // 4096 * 4096 for m in re.finditer(re.escape(text or b"."), data))
        file.seek(next(at for at in leaves if data[at] == 10) if text else (root - 1) * 4096)
        file.write(b"\x4d")


@cx.case("a page with counts by the day that is none any more costs what is on it, and neither a start nor the others")
def broken_tallies():
    now = int(time.time())
    with cx.Daemon(config(store={"snapshot_after": 0})) as d:
        d.send(*made(4500, now))
        d.configure(config("100d", store={"snapshot_after": 0}))
        mark = len(d.out.lines)
        d.reload()
        settled(d, mark)
        n = d.status()["store"]["tallies"]
        before = boards(d, now)
        d.stop()
        path = d.path("s", "cxd.db")
        with sqlite3.connect(path) as db:
            [counts] = db.execute("SELECT counts FROM tally ORDER BY day, scope LIMIT 1 OFFSET ?", (n // 2,)).fetchone()
        db.close()
        spoil(path, "tally", counts)
        d.start()
        lost = int(d.out.wait(r"store (\d+) tallies that are lost is damaged")[1])
        assert 5 < lost < 200, lost
        after = boards(d, now)
        changed = [k for k in before if before[k] != after[k]]
        assert 0 < len(changed) < len(before) and not [k for k in changed if k[0] == 0 and k[1] == "28d"], len(changed)
        # Retention goes on.
        d.configure(config("92d", store={"snapshot_after": 0}))
        mark = len(d.out.lines)
        d.reload()
        settled(d, mark)
        assert_same(after, boards(d, now), "after more was deleted")


def change(path, *statements):
    with sqlite3.connect(path) as db:
        for text in statements:
            db.execute(text)
    db.close()


@cx.case("damaged rows are found, named once, counted, left out; verify says so of a daemon and of a file")
def damage():
    now = int(time.time())
    with cx.Daemon(config()) as d:
        d.send(*made(5000, now, seed=4))
        d.configure(config(surveys="100d"))
        mark = len(d.out.lines)
        d.reload()
        settled(d, mark)
        assert b"nothing is damaged" in d.cxctl("verify")
        answer = json.loads(d.cxctl("-o", "json", "verify"))
        assert answer["n_damaged"] == 0 and answer["rows"] > d.status()["store"]["rows"], answer
        rows = d.status()["store"]["rows"]
        d.stop()
        path = d.path("s", "cxd.db")
        with sqlite3.connect(path) as db:
            seqs = [r[0] for r in db.execute("SELECT seq FROM survey ORDER BY seq LIMIT 3")]
            day, scope = db.execute("SELECT day, scope FROM tally ORDER BY day LIMIT 1").fetchone()
        db.close()
        change(path, f"UPDATE survey SET json = replace(json, 'csat', 'csaz') WHERE seq = {seqs[0]}",
               f"DELETE FROM survey WHERE seq = {seqs[1]}", f"UPDATE tally SET counts = 'csat 5:1000' WHERE day = {day} AND scope = '{scope}'")
        status, report = verify(path)
        assert status == 1 and report.endswith("damaged\n"), report
        names = {f"survey {seqs[0]}", f"survey {seqs[1]}", f"tally {day} {scope}"}
        assert {line.removeprefix("damaged: ") for line in report.splitlines() if line.startswith("damaged")} == names, report
        d.start()
        for _ in range(2):
            answer = json.loads(d.cxctl("-o", "json", "verify", status=1))
            assert set(answer["damaged"]) == names and answer["n_damaged"] == 3, answer
        assert d.status()["store"]["damaged"] == 3
        with d.http() as h:
            assert b"cxd_store_damaged_rows 3\n" in h.get("/metrics").body
        for name in names:
            lines = [line for line in d.out.lines if re.search(rf"store {name} is damaged", line)]
            assert len(lines) == 1, (name, lines)
        assert len(exported(d)) == rows - 2
        with d.http() as h:
            assert h.json("/v1/board", window="90d", metric="csat", kind="org")["rows"][0]["counts"]["5"] < 1000


@cx.case("rot that comes while the daemon runs is found by the check in the background")
def scrubbed():
    now = int(time.time())
    with cx.Daemon(config()) as d:
        d.send(*made(200, now))
        d.restart()  # everything is in the file now, and nothing in the log
        path = d.path("s", "cxd.db")
        with open(path, "r+b") as file:
            data = file.read()
            at = data.index(b'"id":"1-77"')
            file.seek(at + 6)
            file.write(b"9")
        d.out.wait(r"store survey \d+ is damaged", timeout=60)
        cx.until("it is counted", lambda: d.status()["store"]["damaged"] == 1)


def met_first_by(meet, comments="90d", left=DAY):
    """A row rots in a store that no start reads, beside one that has so many seconds left; meet(d) has it read."""
    with cx.Daemon(config("100d", store={"snapshot_after": 10})) as d:
        now = int(time.time())
        d.send({"id": "old", "ts": stamp_of(now + left - 100 * DAY), "queue": "tech", "answers": {"nps": 1}}, *made(200, now, days=1, comment="kept"))
        d.stop()
        change(d.path("s", "cxd.db"), "UPDATE survey SET json = replace(json, '1-77', '1-97') WHERE seq = 79")
        d.configure(config("100d", comments=comments, store={"snapshot_after": 10}))
        if left < DAY:
            cx.until("it is past its retention", lambda: time.time() > now + left, timeout=left + 1)
        d.start()
        assert d.out.find("snapshot surveys_until=") and not d.out.find("survey 79")
        meet(d)
        d.out.wait("<3>store survey 79 is damaged, leaving it out; a backup may have it")
        for _ in range(2):  # whoever meets it then
            assert json.loads(d.cxctl("-o", "json", "verify", status=1))["damaged"] == ["survey 79"]
            assert len(exported(d)) == d.status()["store"]["rows"] - 1
        assert d.status()["store"]["damaged"] == 1
        assert [line for line in d.out.lines if "survey 79" in line] == ["<3>store survey 79 is damaged, leaving it out; a backup may have it"]


@cx.case("rot that is first met by the deletion of old comments is named, once")
def met_by_comments():
    met_first_by(lambda d: d.out.wait("upkeep removed surveys=0 comments="), comments="1h")


@cx.case("rot that is first met by the deletion of old surveys is named, once")
def met_by_deletion():
    met_first_by(lambda d: d.out.wait("upkeep removed surveys=1 "), left=int(4 * cx.SLOW))


@cx.case("rot that is first met by a question for surveys is named, once")
def met_by_questions():
    def newest(d):
        with d.http() as h:
            assert h.json("/v1/surveys", scope="org")["surveys"]

    for ask in (newest, exported):
        met_first_by(ask)


@cx.case("of very many damaged rows as many are named as do not keep the daemon from its work, and all are counted")
def very_many():
    now = int(time.time())
    with cx.Daemon(config(store={"snapshot_after": 0})) as d:
        d.send(*made(3000, now))
        d.stop()
        change(d.path("s", "cxd.db"), "UPDATE survey SET crc = crc + 1")
        d.start()
        assert d.status()["store"]["damaged"] == 3000 and d.out.find("left_out=3000 ")
        assert len([line for line in d.out.lines if re.search(r"store survey \d+ is damaged", line)]) == 2000


@cx.case("an export sent to an empty store gives the same boards; the CSV by the mapping that ships, too")
def round_trip():
    now = int(time.time())
    gen = cxmodel.Generator(5, now)
    pairs = gen.take(3000)
    with cx.Daemon(config()) as d:
        with d.lines() as c:
            c.send(*(s for s, _ in pairs))
            c.settle()
        windows = ["1h", "today", "7d", *LONG]
        before = boards(d, now, windows=windows, back=(0, 1))
        ndjson, csv = d.path("export.ndjson"), d.path("export.csv")
        for path, form in ((ndjson, "ndjson"), (csv, "csv")):
            with open(path, "wb") as file:
                file.write(d.cxctl("export", "--format", form))
        with open(ndjson, "rb") as file:
            lines = file.read()
        mapping = os.path.join(cx.SOURCE, "conf", "examples", "export-csv.yaml")
        for arguments in (("send", ndjson), ("import", csv, "--map", mapping)):
            with cx.Daemon(config()) as other:
                other.cxctl(arguments[0], "--lines", "unix:" + other.path("r", "lines"), *arguments[1:])
                assert_same(before, boards(other, now, windows=windows, back=(0, 1)), arguments[0])
                if arguments[0] == "send":
                    assert other.cxctl("export") == lines, "the surveys themselves"
                else:  # but for a metric that the mapping does not name
                    expected = [json.loads(line) for line in lines.splitlines()]
                    for s in expected:
                        s.get("answers", {}).pop("unheard", None)
                    got = exported(other)
                    differ = [(a, b) for a, b in zip(expected, got) if {"answers": {}, **a} != {"answers": {}, **b}]
                    assert len(got) == len(expected) and not differ, differ[:2]


@cx.case("surveys with the same ids from two sources: an export of each, sent as that source, gives the same boards")
def round_trip_of_sources():
    now = int(time.time())
    sources = {"local": {"open": True}, "ivr": {"token_sha256": cx.token("ivr")[1]}}
    with cx.Daemon(config(sources=sources)) as d, cx.Daemon(config(sources=sources)) as other:
        paths = {name: d.path(name) for name in (*sources, "token")}
        with open(paths["token"], "w", encoding="ascii") as file:
            file.write(cx.token("ivr")[0])
        # The second one has the ids of the first, and other answers.
        for seed, name in enumerate(sources):
            with open(paths[name], "wb") as file:
                file.write(cx.lines_of([{**s, "id": f"same-{k}"} for k, s in enumerate(made(9000, now, seed=seed))]))

        def send(to, name):
            flags = [] if name == "local" else ["--source-token-file", paths["token"]]
            return to.cxctl("send", "--lines", "unix:" + to.path("r", "lines"), *flags, paths[name])

        for name in sources:
            send(d, name)
        before = boards(d, now, back=(0, 40))
        lines = d.cxctl("export")
        for name in sources:
            with open(paths[name], "wb") as file:
                file.write(d.cxctl("export", "--source", name))
            assert b" 9000 stored, 0 duplicate, 0 revised, 0 refused" in send(other, name)
        assert_same(before, boards(other, now, back=(0, 40)), "of two sources")
        assert sorted(other.cxctl("export").splitlines()) == sorted(lines.splitlines())
        with d.http() as h:
            r = h.get("/v1/export", source="ibr")
            assert (r.status, r.code, r.json()["field"]) == (404, "E_NOT_FOUND", "source")


@cx.case("a store of version 1 is brought to this version with everything in it, and an older daemon refuses it then")
def migrated():
    now = int(time.time())
    with cx.Daemon(config()) as d:
        d.send(*made(500, now))
        before = boards(d, now)
        d.stop()
        path = d.path("s", "cxd.db")
        change(path, "DROP TABLE tally", "DROP TABLE revised",
               "DELETE FROM meta WHERE key IN ('tallies', 'revised') OR key LIKE 'mark %'", "PRAGMA user_version=1")
        assert "version 1" in verify(path)[1]
        d.start()
        assert_same(before, boards(d, now), "after the migration")
        d.stop()
        assert "version 3" in verify(path)[1]
        change(path, "PRAGMA user_version=4")
        with open(path, "rb") as file:
            data = file.read()
        d.spawn()
        assert d.wait() == 78
        d.spawn()
        assert d.wait() == 78
        with open(path, "rb") as file:
            assert file.read() == data
        change(path, "PRAGMA user_version=3")
        d.start()


cx.run()

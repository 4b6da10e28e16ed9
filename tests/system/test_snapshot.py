#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Snapshots: a start that uses one ends where a start that reads every survey does, and one that is not beyond doubt is not
used."""

import contextlib
import os
import random
import shutil
import sqlite3
import time

import cx
import cxmodel
import cxstate


def config(after=200, **more):
    return cx.base_config(
        rules=cxstate.RULES, principals=cxstate.PRINCIPALS, store={"snapshot_after": after}, **more
    )


def snapshot(d):
    return d.path("s", "cxd.db.snapshot")


def taken(d, mark=0):
    """Waits for a snapshot that is in place; the number of the last survey in it."""
    return int(d.out.wait(r"snapshot surveys_until=(\d+) bytes=", mark)[1])


def used(d):
    """What the start says: (last survey of the snapshot, changes since), or None."""
    found = d.out.find(r"snapshot surveys_until=(\d+) changes=(\d+)")
    return (int(found[1]), int(found[2])) if found else None


def compare(d, model, at, before, what):
    changed = cxstate.differences(before, cxstate.everything(d, model, at))
    assert not changed, f"{what}: " + "\n".join(f"{k}: {v}" for k, v in list(changed.items())[:2])
    cxstate.check_model(d, model, at)


def send(d, made, model):
    cxstate.send_all(d, made)
    model.take(*(s for s, verdict in made if verdict != "refused"))


@cx.case("figures, alerts and lists are the same bytes from a snapshot, from one that changes came after, and from none")
def same():
    for seed in (1, 2):
        now = int(time.time())
        gen = cxmodel.Generator(seed, now)
        model = cxmodel.Model()
        with cx.Daemon(config()) as d:
            send(d, gen.take(1500), model)
            last = taken(d)
            assert last > 0
            # Revisions, retractions and new surveys behind the snapshot; no further one is taken.
            d.configure(config(after=1000000))
            d.reload()
            send(d, gen.take(600), model)
            at = (now // 60 + 1) * 60_000_000
            before = cxstate.everything(d, model, at)
            d.restart(kill=True)
            until, changes = used(d)
            assert until >= last and changes > 50, (until, changes)
            compare(d, model, at, before, "snapshot and changes")
            # On it goes from there: known ids are known.
            with d.lines() as c:
                c.send(*model.surveys.values())
                assert c.settle()["duplicate"] == len(model.surveys)
            d.kill()
            os.unlink(snapshot(d))
            d.start()
            assert used(d) is None and d.out.find("snapshot is not used: it is not there")
            compare(d, model, at, before, "every survey")
            # A stop leaves one that nothing comes after.
            d.configure(config(after=200))
            d.restart()
            send(d, gen.take(100), model)
            before = cxstate.everything(d, model, at)
            d.restart()
            assert used(d)[1] == 0
            compare(d, model, at, before, "a snapshot of the stop")


@cx.case("20 times kill -9 while snapshots are taken all the time: every figure as computed by hand")
def killed():
    now = int(time.time())
    rng = random.Random(11)
    gen = cxmodel.Generator(5, now)
    model = cxmodel.Model()
    n_used = 0
    with cx.Daemon(config(after=1)) as d:
        for number in range(20):
            made = gen.take(400)
            with d.lines() as c:
                for k in range(0, len(made), 40):
                    c.send(*(s for s, _ in made[k : k + 40]))
                    c.settle()
                    if rng.random() < 0.3:
                        d.out.wait("snapshot surveys_until=", len(d.out.lines) - 1 if number else 0)
            model.take(*(s for s, verdict in made if verdict != "refused"))
            d.restart(kill=True)
            n_used += used(d) is not None
            cxstate.check_model(d, model, (now // 60 + 1) * 60_000_000)
            assert d.status()["surveys"]["counted"] == model.n_counted()
            # What came while the known ids were written is known, too.
            with d.lines() as c:
                c.send(*model.surveys.values())
                assert c.settle()["duplicate"] == len(model.surveys)
    assert n_used > 10, n_used


@cx.case("a snapshot that is damaged, cut, of another store or of another configuration is named and not used")
def doubt():
    rng = random.Random(3)
    now = int(time.time())
    model = cxmodel.Model()
    at = (now // 60 + 1) * 60_000_000
    with cx.Daemon(config()) as d:
        send(d, cxmodel.Generator(9, now).take(800), model)
        taken(d)
        before = cxstate.everything(d, model, at)
        d.stop()
        saved = d.path("saved")
        shutil.copytree(d.path("s"), saved)
        with open(snapshot(d), "rb") as file:
            whole = file.read()

        def start(change):
            shutil.rmtree(d.path("s"))
            shutil.copytree(saved, d.path("s"))
            change()
            d.start()

        def write(data):
            with open(snapshot(d), "wb") as file:
                file.write(data)

        def flip():
            data = bytearray(whole)
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            write(data)

        damages = [flip] * 10 + [lambda: write(whole[: rng.randrange(len(whole))])] * 5 + [lambda: write(b"")]
        for damage in damages:
            start(damage)
            assert d.out.find("snapshot is not used: it is damaged"), d.out.text()[:2000]
            compare(d, model, at, before, "a damaged snapshot")
            d.kill()

        start(lambda: None)
        assert used(d)
        compare(d, model, at, before, "the whole snapshot")
        # The store of before, under a snapshot of after.
        with d.lines() as c:
            mark = len(d.out.lines)
            c.send(*(s for s, _ in cxmodel.Generator(77, now, prefix="later").take(500)))
            c.settle()
        taken(d, mark)
        d.stop()
        with open(snapshot(d), "rb") as file:
            later = file.read()
        start(lambda: write(later))
        assert d.out.find("snapshot is not used: it is not of this store")
        compare(d, model, at, before, "a snapshot of another store")
        d.kill()

        d.configure(config(windows=["1h", "today", "7d", "28d", "90d", "30d"]))
        start(lambda: None)
        assert d.out.find("snapshot is not used: the configuration has changed")
        cxstate.check_model(d, model, at)
        d.kill()
        d.configure(config(timezone="Asia/Tokyo"))
        start(lambda: None)
        assert d.out.find("snapshot is not used: the configuration has changed")
        d.kill()
        d.configure(config(after=0))
        start(lambda: None)
        assert d.out.find("snapshot is not used: the configuration wants none")
        compare(d, model, at, before, "no snapshot wanted")
        d.stop()
        assert not os.path.exists(snapshot(d))


def slowly(d, *injections):
    """The command that delays (or fails) what is done to a snapshot's file, apart from the other files."""
    inject = [arg for i in injections for arg in ("-e", f"inject={i}")]
    calls = ",".join(i.split(":")[0] for i in injections)
    return [cx.tool("strace"), "-f", "-qq", "-o", "/dev/null", "-P", snapshot(d) + ".new", "-e", f"trace={calls}", *inject]


@contextlib.contextmanager
def disturbed(d, *injections):
    with cx.Tool(*slowly(d, *injections), "-p", str(d.process.pid)):
        cx.until("strace has it", d.is_traced)
        yield


def is_under_way(d):
    """The first MiB, or all of it, was written."""
    try:
        return os.path.getsize(snapshot(d) + ".new") > 0
    except FileNotFoundError:
        return False


@cx.case("what a snapshot has counted and a damaged store has forgotten is not counted again")
def forgotten():
    surveys = [{"id": f"s{i}", "ts": int(time.time()) - 60, "queue": "tech", "answers": {"csat": 5}} for i in range(60)]

    with cx.Daemon(config(after=10)) as d:
        d.send(*surveys)
        d.stop()
        assert os.path.exists(snapshot(d))
        with sqlite3.connect(d.path("s", "cxd.db")) as db:
            db.execute("DELETE FROM survey WHERE seq = 7")
            db.execute("UPDATE block SET max_ts = max_ts + 1")  # its checksum is wrong
        db.close()
        d.start()
        assert used(d) is None and d.out.find("snapshot is not used: the store is damaged")
        assert d.n_answers() == 59
        assert d.send(surveys[6])["stored"] == 1 and d.n_answers() == 60
        d.restart(kill=True)
        assert d.n_answers() == 60


@cx.case("what changed behind a first snapshot that was never finished is not taken for a change of the next one")
def unfinished():
    now = int(time.time())
    survey = {"ts": now - 60, "queue": "tech", "agent": "ana", "rev": 1}

    def figures(d):
        with d.http() as h:
            return h.json("/v1/figures", scope="agent/ana", metric="csat", window="90d")["figures"][0]["counts"]

    with cx.Daemon(config(after=1000000)) as d:
        d.send(*({**survey, "id": f"s{i}", "answers": {"csat": 1 + i % 5}} for i in range(500)))
        d.kill()
        d.configure(config(after=1))
        tracer, *slow = slowly(d, "fdatasync:delay_exit=3000000")
        d.start(prefix=[tracer, "-D", *slow])
        cx.until("it is under way", lambda: is_under_way(d))
        d.send(*({**survey, "id": f"s{i}", "rev": 2, "answers": {"csat": 5}} for i in range(100)))
        d.restart(kill=True)
        before = figures(d)
        assert d.send({**survey, "id": "more", "answers": {"csat": 3}})["stored"] == 1
        cx.until("a snapshot has it", lambda: d.out.find("snapshot surveys_until=501 bytes="))
        d.restart(kill=True)
        assert used(d)
        after = figures(d)
        assert after == {**before, "3": before["3"] + 1}, (before, after)


def damage(d, survey):
    """Makes a five of a stored survey a four."""
    with open(d.path("s", "cxd.db"), "r+b") as file:
        data = file.read()
        at = data.index(f'"id":"{survey["id"]}"'.encode())
        file.seek(data.index(b'"csat":5', data.rindex(b"{", 0, at)) + 7)
        file.write(b"4")


@cx.case("a survey that was counted and is damaged by now is left out with the next start, however often it is sent again")
def damaged():
    now = int(time.time())
    surveys = [{"id": f"s-{i}", "ts": now - 60, "queue": "tech", "agent": "ana", "answers": {"csat": 5}} for i in range(300)]
    with cx.Daemon(config(after=1)) as d:
        d.send(*surveys)
        taken(d)
        d.stop()
        damage(d, surveys[77])
        d.start()
        assert used(d)
        with d.lines() as c:
            c.send(surveys[77])
            assert c.reply() is None, "it was answered although it cannot be compared"
        assert d.wait() == 74
        d.start()
        assert used(d) is None and d.out.find("store survey 78 is damaged, leaving it out")
        assert d.send(surveys[77])["stored"] == 1
        assert d.status()["surveys"]["counted"] == 300


@cx.case("damage that is met while a snapshot is on its way into place ends the daemon in order, and no start uses that one")
def distrusted():
    if cx.SANITIZED:
        raise cx.Skip("leaks cannot be looked for under strace")
    now = int(time.time())
    surveys = [{"id": f"s-{i}", "ts": now - 60, "queue": "tech", "agent": "ana", "answers": {"csat": 5}} for i in range(300)]
    with cx.Daemon(config(after=1)) as d:
        d.send(*surveys)
        taken(d)
        d.stop()
        damage(d, surveys[77])
        # A commit takes half a second, a snapshot's file 0.8: three writes, and then as long as a commit.
        tracer, *slow = slowly(d, "fdatasync:delay_exit=500000", "write:delay_exit=100000")
        d.start(prefix=[tracer, "-D", *slow, "-P", d.path("s", "cxd.db-wal")])
        assert used(d)
        # Behind a commit that takes its time: first the look-up that finds the damage, then the snapshot.
        with d.lines() as a, d.lines() as b:
            mark = len(d.out.lines)
            a.send({"id": "due", "ts": now, "queue": "tech"})
            cx.until("it is under way", lambda: is_under_way(d))
            a.settle()
            for n, (c, survey) in enumerate([(a, {"id": "slow", "ts": now, "queue": "tech"}), (b, surveys[77])], 1):
                c.send(survey)
                cx.until("it is on its way", lambda n=n: d.status()["surveys"]["in_flight"] == n)
            assert is_under_way(d) and not d.out.find("snapshot surveys_until=.* bytes=", mark)
            assert d.wait() == 74
        assert d.out.find("snapshot surveys_until=.* bytes=", mark), "it was not put into place"
        d.start()
        assert used(d) is None and d.out.find("store survey 78 is damaged, leaving it out")


@cx.case("senders that wait for a snapshot go on behind it, whatever became of it")
def held():
    now = int(time.time())
    model = cxmodel.Model()
    # Each agent takes much room in a snapshot: the ids that sixty rules may have to name.
    rules = [{"name": f"low-{i}", "metric": "csat", "scopes": "agent/*", "window": "90d", "test": "point", "below": "10%", "min_n": 1000}
             for i in range(60)]

    def made(name):
        return [{"id": f"{name}-{i}-{'x' * 100}", "ts": now - 60, "queue": "tech", "agent": f"a{i % 40}", "answers": {"csat": 1}}
                for i in range(800)]

    def give(d, surveys):
        assert d.send(*surveys)["stored"] == len(surveys)
        model.take(*surveys)

    with cx.Daemon(config(after=1000000) | {"rules": rules}) as d:
        give(d, made("first"))
        for name, end in (("placed", "snapshot surveys_until="), ("failed", "snapshot cannot be put into place")):
            if name == "failed":
                os.unlink(snapshot(d))
                os.mkdir(snapshot(d))
            d.configure(config(after=1) | {"rules": rules})
            mark = len(d.out.lines)
            with disturbed(d, "write:delay_exit=200000"):
                d.reload()
                give(d, [{"id": name, "ts": now, "queue": "tech"}])
                cx.until("it is under way", lambda: is_under_way(d))
                give(d, made(name))
                d.out.wait("snapshot senders wait", mark)
                d.out.wait(end, mark)
            d.configure(config(after=1000000) | {"rules": rules})
            d.reload()
        os.rmdir(snapshot(d))
        give(d, made("last"))
        cxstate.check_model(d, model, (now // 60 + 1) * 60_000_000)
        d.restart(kill=True)
        cxstate.check_model(d, model, (now // 60 + 1) * 60_000_000)


@cx.case("a snapshot that cannot be written leaves no trace but a warning")
def unwritten():
    now = int(time.time())
    with cx.Daemon(config(after=1)) as d:
        send(d, cxmodel.Generator(1, now).take(300), cxmodel.Model())
        d.restart()
        with disturbed(d, "fdatasync:error=EIO"):
            d.send({"id": "due", "ts": now, "queue": "tech"})
            d.out.wait("snapshot cannot be written: Input/output error, going on without")
            cx.until("it is gone", lambda: not os.path.exists(snapshot(d) + ".new"))
        d.send({"id": "after", "ts": now, "queue": "tech"})
        d.restart(kill=True)
        assert used(d)


@cx.case("a snapshot that a reload has overtaken is followed at once by one of the engine behind it")
def overtaken():
    now = int(time.time())
    with cx.Daemon(config(after=1)) as d:
        d.configure(
            cx.base_config(rules=cxstate.RULES[1:], principals=cxstate.PRINCIPALS, store={"snapshot_after": 1})
        )
        with disturbed(d, "fdatasync:delay_exit=1000000"):
            d.send({"id": "first", "ts": now, "queue": "tech"})
            cx.until("it is under way", lambda: is_under_way(d))
            d.reload()
            mark = len(d.out.lines)
            assert is_under_way(d)
            d.send({"id": "last", "ts": now, "queue": "tech"})
            taken(d, mark)
        d.restart(kill=True)
        assert used(d)


@cx.case("names that nobody has any more do not take the room of new ones for ever")
def names():
    now = int(time.time())
    with cx.Daemon(config(after=50, limits={"agents": 40})) as d:
        gone = [{"id": f"g{i}", "ts": now, "queue": "tech", "agent": f"gone-{i}", "answers": {"csat": 3}} for i in range(40)]
        d.send(*gone)
        full = d.status()
        assert full["surveys"]["overflow_agents"] > 0, full
        d.send(*({**s, "rev": 1, "status": "retracted"} for s in gone))
        d.restart()
        assert d.out.find("snapshot is not used: its names leave little room below limits.agents"), d.out.text()
        assert d.status()["scopes"] < full["scopes"], (d.status()["scopes"], full["scopes"])
        d.send(*({**s, "id": f"n{i}", "agent": f"new-{i}"} for i, s in enumerate(gone[:30])))
        assert d.status()["surveys"]["overflow_agents"] == 0
        # So many that are in use: still all are counted.
        d.restart()
        assert d.status()["surveys"]["overflow_agents"] == 0 and d.status()["surveys"]["counted"] == 30


@cx.case("what retention deletes behind a snapshot stays in its figures, and is known to be gone")
def retention():
    now = int(time.time())
    day = 86400
    with cx.Daemon(config(after=1, windows=["1h", "1d"], retention={"surveys": "2d", "tallies": "60d", "comments": "1d"},
                          metrics={"csat": cx.METRICS["csat"]}) | {"rules": []}) as d:
        # Just within retention, so that they are past it in a moment; and some that stay.
        old = [{"id": f"o{i}", "ts": now - 2 * day + 4, "agent": "ana", "queue": "tech", "answers": {"csat": 1 + i % 5}}
               for i in range(30)]
        young = [{"id": f"y{i}", "ts": now - 3600, "agent": "ben", "queue": "tech", "answers": {"csat": 5}} for i in range(20)]
        d.send(*old, *young)
        cx.until("a snapshot of all", lambda: any("surveys_until=50 bytes" in line for line in d.out.lines))
        d.configure(config(after=1000000, windows=["1h", "1d"], retention={"surveys": "2d", "tallies": "60d", "comments": "1d"},
                           metrics={"csat": cx.METRICS["csat"]}) | {"rules": []})

        cx.until("they are past it", lambda: time.time() > now + 5, 10)
        d.reload()  # a round of upkeep begins
        d.out.wait("upkeep removed surveys=30", timeout=30)
        before = d.status()["surveys"]["counted"]
        assert before == 20
        d.restart(kill=True)
        assert used(d) == (50, 30), used(d)
        assert d.status()["surveys"]["counted"] == 20
        # The id of one that is gone is free again.
        ack = d.send({**old[0], "ts": now - 60})
        assert ack["stored"] == 1, ack


@cx.case("what retention deletes while another roster holds is counted by that one, also when the one before is back")
def outdated():
    now = int(time.time())
    day = 86400
    more = {"windows": ["8d"], "retention": {"surveys": "8d", "tallies": "60d", "comments": "1d"},
            "metrics": {"csat": cx.METRICS["csat"]}}

    def counts(d):
        with d.http() as h:
            return [h.json("/v1/figures", scope=f"team/{team}", metric="csat", window="8d", at=cx.stamp((now - 4 * day) * 1000000))
                    ["figures"][0]["counts"] for team in ("alpha", "bravo")]

    with cx.Daemon(config(after=50, **more) | {"rules": []}) as d:
        d.send(*({"id": f"o{i}", "ts": now - 8 * day + 5, "agent": "ana", "queue": "tech", "answers": {"csat": 1 + i % 5}}
                 for i in range(30)))
        d.restart()
        assert used(d) == (30, 0)
        d.write("roster.csv", cx.ROSTER.replace("Ana Ruiz,alpha,madrid", "Ana Ruiz,bravo,lisbon"))
        d.reload()
        cx.until("they are past it", lambda: time.time() > now + 6, 10)
        d.reload()  # a round of upkeep begins
        d.out.wait("upkeep removed surveys=30", timeout=30)
        d.write("roster.csv", cx.ROSTER)
        d.reload()
        before = counts(d)
        d.restart(kill=True)
        assert counts(d) == before, (counts(d), before)


cx.run()

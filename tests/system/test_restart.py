#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A restart, clean or not, changes no figure, alert or list; what was acknowledged is there, once."""

import os
import random
import signal
import time

import cx
import cxmodel
from cxstate import check_model, config, differences, everything, send_all


@cx.case("figures, alerts, lists and the export are the same bytes after SIGTERM and after kill -9, and as computed by hand")
def identical():
    for seed in (1, 2, 3):
        now = int(time.time())
        made = cxmodel.Generator(seed, now).take(3000)
        model = cxmodel.Model()
        model.take(*(s for s, verdict in made if verdict != "refused"))
        with cx.Daemon(config()) as d:
            send_all(d, made)
            at = (now // 60 + 1) * 60_000_000
            # An alert's clock goes on while it is watched: the engine looks once at each of its deadlines.
            before = everything(d, model, at)
            check_model(d, model, at)
            assert before[None, "/v1/alerts?state=all&limit=10000"].count(b'"id"') > 3
            for kill in (False, True, True, False):
                d.restart(kill=kill)
                after = everything(d, model, at)
                changed = differences(before, after)
                assert not changed, f"seed {seed}, kill {kill}: " + "\n".join(f"{k}: {v}" for k, v in list(changed.items())[:2])
            check_model(d, model, at)
            # And on it goes: known ids are known, new ones are counted in.
            again = cxmodel.Generator(seed + 100, now, prefix="t").take(200)
            with d.lines() as c:
                c.send(*(s for s in model.surveys.values()))
                assert c.settle()["duplicate"] == len(model.surveys)
            send_all(d, again)
            model.take(*(s for s, verdict in again if verdict != "refused"))
            check_model(d, model, at)


@cx.case("files of the store that may not be written are named at the start, with the reason")
def not_writable():
    now = int(time.time())
    # Root may write everything.
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    with cx.Daemon(config(), start=False) as d:
        if nobody:
            for path in (d.dir, d.path("s"), d.path("r")):
                os.chown(path, nobody["user"], nobody["group"])
        d.start(**nobody)
        d.send(*(s for s, verdict in cxmodel.Generator(1, now).take(100) if verdict == "stored"))
        d.kill()
        assert os.path.getsize(d.path("s", "cxd.db-wal")) > 0
        for name, mode in ("cxd.db-wal", 0o444), ("cxd.db-wal", 0), ("cxd.db", 0o444):
            before = os.stat(d.path("s", name)).st_mode & 0o777
            os.chmod(d.path("s", name), mode)
            d.spawn(**nobody)
            d.out.wait(rf"^<3>.*/s/{name} may not be written: Permission denied$")
            assert d.wait() == 74
            os.chmod(d.path("s", name), before)
        d.start(**nobody)
        d.stop()
        assert not os.path.exists(d.path("s", "cxd.db-wal"))
        # Its log would come into the folder.
        os.chmod(d.path("s"), 0o500)
        d.spawn(**nobody)
        d.out.wait(r"^<3>.*/s/ may not be written: Permission denied$")
        assert d.wait() == 74
        os.chmod(d.path("s"), 0o700)


@cx.case("what lies in the place of the store and is no file is named, and nothing is waited for")
def no_file():
    with cx.Daemon(config(), start=False) as d:
        for make, remove in ((os.mkfifo, os.unlink), (os.mkdir, os.rmdir)):
            make(d.path("s", "cxd.db"))
            d.spawn()
            d.out.wait(r"^<3>.*/s/cxd.db is not a regular file$")
            assert d.wait() == 74
            remove(d.path("s", "cxd.db"))
        d.start()
        d.stop()


@cx.case("20 times kill -9 under load: every acknowledged survey is there and counted once")
def ledger():
    now = int(time.time())
    rng = random.Random(7)
    gen = cxmodel.Generator(8, now, days=80)
    model = cxmodel.Model()
    unsure = []
    with cx.Daemon(config()) as d:
        for number in range(20):
            c = d.lines(rng.choice(["tcp", "unix"]))
            # What nobody acknowledged is sent again, as a client would.
            batch = unsure + gen.take(4000)
            c.sock.settimeout(cx.seconds(10))
            data = [cx.lines_of([s]) for s, _ in batch]
            limit = rng.randrange(20, 2500)
            at = 0
            while c.acked()["ack"] < limit:
                at_once = min(len(batch) - at, rng.randrange(1, 400))
                c.write(b"".join(data[at : at + at_once]))
                at += at_once
                assert c.reply() is not None
            d.kill()
            # What was on its way counts, too.
            try:
                while c.reply() is not None:
                    pass
            except OSError:
                pass
            acked = c.acked()["ack"]
            assert acked >= limit
            refused = {r["line"] for r in c.refusals()}
            assert all(r["code"] == "E_STALE" for r in c.refusals())
            model.take(*(s for n, (s, _) in enumerate(batch[:acked], 1) if n not in refused))
            # Nor what was unsure before and has not been sent again yet.
            unsure = batch[acked : max(at, len(unsure))]
            # What was made but never sent is no news; its ids start anew.
            made = {}
            for s, _ in [(s, None) for s in model.surveys.values()] + unsure:
                made[s["id"]] = s
            gen.made = made
            d.start()
            if number % 5 == 4:
                # Of the unsure ones each may be there or not, so they are settled first.
                with d.lines() as again:
                    again.send(*(s for s, _ in unsure))
                    again.settle()
                    refused = {r["line"] for r in again.refusals()}
                    model.take(*(s for n, (s, _) in enumerate(unsure, 1) if n not in refused))
                unsure = []
                when = (now // 60 + 1) * 60_000_000
                check_model(d, model, when)
                assert d.status()["surveys"]["counted"] == model.n_counted()


@cx.case("how long surveys are stored counts for windows of hours with a reload as with a restart, with a snapshot or without")
def hours():
    now = int(time.time())
    day = 86400
    rng = random.Random(1)
    ages = [rng.randrange(600, 8 * day) for _ in range(600)] + [8 * day - 300] * 9  # stored for 8d, but in no whole hour
    surveys = [{"id": f"h-{i}", "ts": now - age, "queue": "tech", "answers": {"csat": rng.randrange(1, 6)}}
               for i, age in enumerate(ages)]

    def stored_for(surveys):
        return cx.base_config(windows=["1h", "7d"], retention={"surveys": surveys}, store={"snapshot_after": 1})

    def asked(d):
        with d.http() as h:
            return [h.get("/v1/board", window="7d", at=cx.stamp((now - back) * 1_000_000)).body for back in (0, 3 * day)]

    with cx.Daemon(stored_for("8d")) as d:
        d.send(*surveys)
        d.out.wait(rf"snapshot surveys_until={len(surveys)} bytes=")
        d.configure(stored_for("400d"))
        d.restart()
        first = asked(d)
        for length in ("8d", "400d"):
            d.configure(stored_for(length))
            d.reload()
            found = asked(d)
            d.restart()
            assert asked(d) == found, f"{length}: a reload is not a restart"
        assert found == first, "the snapshot of another retention"


@cx.case("a daemon that ends by itself fails its test, whether that goes on to its end or to a kill -9")
def ended():
    for go_on in (lambda d: None, cx.Daemon.kill):
        said = None
        try:
            with cx.Daemon() as d:
                d.process.send_signal(signal.SIGALRM)
                cx.until("it has ended", lambda d=d: not d.alive())
                go_on(d)
        except AssertionError as error:
            said = str(error)
        assert said and f"exit status {-signal.SIGALRM}" in said, said


cx.run()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The clock jumps back an hour, forward a day, and over the change from summer time; figures follow the clock and lose
nothing."""

import datetime
import glob
import os
import time
import zoneinfo

import faults
from faults import cx

MADRID = zoneinfo.ZoneInfo("Europe/Madrid")
# Clocks go back by two hours there.
TROLL = zoneinfo.ZoneInfo("Antarctica/Troll")
METRICS = {"nps": cx.METRICS["nps"]}


class Clock:
    """The time that a daemon sees: an offset in a file that libfaketime reads at every question."""

    def __init__(self, d):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not found:
            raise cx.Skip("there is no libfaketime")
        self.path = d.path("clock")
        self.env = {
            "LD_PRELOAD": found[0],
            "FAKETIME_TIMESTAMP_FILE": self.path,
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.set(0)

    def set(self, offset):
        """Seconds that the clock is ahead."""
        self.offset = offset
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(f"{offset:+d}\n")
        os.rename(self.path + ".new", self.path)

    def to(self, moment):
        self.set(int(moment.timestamp() - time.time()))

    def now(self):
        return int(time.time()) + self.offset


def survey(number, ts):
    return {"id": f"c{number}", "ts": ts, "queue": "tech", "agent": "ana", "answers": {"nps": number % 11}}


def n_in(d, window):
    with d.http() as h:
        [f] = h.json("/v1/figures", scope="agent/ana", metric="nps", window=window)["figures"]
    return f


def follows(d, clock):
    """Until the daemon's own time is that of the clock."""
    with d.http() as h:
        cx.until("the daemon sees the clock", lambda: abs(faults.usec_of(h.json("/v1/status")["now"]) / 1e6 - clock.now()) < 5)


@cx.case("a clock that jumps an hour back and a day forward moves the windows and nothing else")
def steps():
    with cx.Daemon(faults.config(metrics=METRICS, rules=[]), start=False) as d:
        clock = Clock(d)
        d.start(env=clock.env)
        begin = clock.now()
        surveys = [survey(i, begin - 60 * i - 1) for i in range(50)]
        d.send(*surveys)
        assert n_in(d, "1h")["n"] == 50
        faults.check_figures(d, surveys, windows=["1h", "7d", "28d", "90d"], past=False)
        # Back: what was just now lies ahead, beyond the allowed skew for the newest; it stays stored and counts again later.
        clock.set(-3600)
        follows(d, clock)
        surveys.append(survey(100, clock.now() - 5))
        d.send(surveys[-1])
        with d.lines() as c:
            c.send(survey(101, begin))
            assert c.settle()["refused"] == 1, "a survey from an hour ahead is taken"
        faults.check_figures(d, surveys, windows=["7d", "28d", "90d"], past=False)
        # A day ahead: the hour is empty, the days are not.
        clock.set(86_400)
        follows(d, clock)
        hour = cx.until("the last hour is empty", lambda: (f := n_in(d, "1h"))["n"] == 0 and f, 70)
        assert hour["value"] is None and hour["state"] == "no_data", hour
        surveys.append(survey(102, clock.now() - 5))
        d.send(surveys[-1])
        assert n_in(d, "1h")["n"] == 1
        faults.check_figures(d, surveys, windows=["1h", "7d", "28d", "90d"], past=False)
        # And back to the true time, across a kill -9.
        clock.set(0)
        d.restart(kill=True, env=clock.env)
        # What was taken a day ahead is in the future now.
        for window in ("7d", "28d"):
            n = n_in(d, window)["n"]
            assert n == 51, (window, n)
        assert len(faults.stored(d)) == len(surveys)
        clock.set(2 * 86_400)
        follows(d, clock)
        assert n_in(d, "28d")["n"] == len(surveys)


@cx.case("a survey from a time when the clock was years ahead takes nothing from the windows of now")
def far_ahead():
    with cx.Daemon(faults.config(metrics=METRICS, rules=[], store={"snapshot_after": 1}), start=False) as d:
        clock = Clock(d)
        d.start(env=clock.env)
        d.send(*(survey(i, clock.now() - 60 * i - 1) for i in range(20)))
        for days in (50, 3000):
            clock.set(86_400 * days)
            follows(d, clock)
            d.send(survey(1000 + days, clock.now() - 5))
        clock.set(0)
        # Without a snapshot, and with one.
        for before in (20, 25):
            d.restart(kill=before == 20, env=clock.env)
            d.send(*(survey(i, clock.now() - 60 * (i % 5) - 1) for i in range(before, before + 5)))
            counts = {window: n_in(d, window)["n"] for window in ("1h", "7d", "28d")}
            assert set(counts.values()) == {before + 5}, counts
            assert len(faults.stored(d)) == before + 7


def day_of(moment):
    """[start, end) of the day in its zone, in seconds."""
    start = datetime.datetime(moment.year, moment.month, moment.day, tzinfo=moment.tzinfo)
    following = start.date() + datetime.timedelta(days=1)
    end = datetime.datetime(following.year, following.month, following.day, tzinfo=moment.tzinfo)
    return start.timestamp(), end.timestamp()


def today_on(year, month, day, hours):
    """The window `today` on a day of so many hours, from before its midnight to after it."""
    late = datetime.datetime(year, month, day, 23, 20, tzinfo=MADRID)
    start, end = day_of(late)
    assert end - start == hours * 3600
    with cx.Daemon(faults.config(metrics=METRICS, rules=[], timezone="Europe/Madrid"), start=False) as d:
        clock = Clock(d)
        clock.to(late)
        d.start(env=clock.env)
        # One every twenty minutes: each hour of the day has three, the double hour six, the missing one none.
        stamps = list(range(int(start) - 7200 + 60, clock.now() - 1, 1200))
        d.send(*(survey(i, ts) for i, ts in enumerate(stamps)))
        in_day = [i for i, ts in enumerate(stamps) if start <= ts < end]
        assert len(in_day) == (hours * 60 - 40) // 20, len(in_day)
        for kill in (None, True):
            if kill:
                d.restart(kill=True, env=clock.env)
            f = n_in(d, "today")
            counts = [sum(1 for i in in_day if i % 11 == v) for v in range(11)]
            assert list(f["counts"].values()) == counts, (f, counts)
            with d.http() as h:
                for scope in ("team/alpha", "queue/tech", "org"):
                    [g] = h.json("/v1/figures", scope=scope, metric="nps", window="today")["figures"]
                    assert g["counts"] == f["counts"], (scope, g)
        # The next day begins at its midnight in Madrid.
        clock.to(datetime.datetime.fromtimestamp(end + 60, MADRID))
        follows(d, clock)
        cx.until("a new day has begun", lambda: n_in(d, "today")["n"] == 0, 70)
        d.send(survey(5000, int(end) + 1), survey(5001, int(end) - 1))
        assert n_in(d, "today")["n"] == 1


@cx.case("the window today has all of its 25 hours when summer time ends")
def autumn():
    today_on(2026, 10, 25, 25)


@cx.case("the window today has its 23 hours when summer time begins")
def spring():
    today_on(2026, 3, 29, 23)


@cx.case("surveys are stored for all of the 26 hours of today, also where their retention is a day")
def retention():
    late = datetime.datetime(2026, 10, 25, 23, 20, tzinfo=TROLL)
    start = int(day_of(late)[0])
    config = faults.config(metrics=METRICS, rules=[], timezone="Antarctica/Troll", windows=["1h", "today"],
                           retention={"surveys": "1d", "comments": "1d", "tallies": "1d"}, store={"snapshot_after": 0})
    with cx.Daemon(config, start=False) as d:
        clock = Clock(d)
        clock.to(datetime.datetime.fromtimestamp(start + 81_000, TROLL))
        d.start(env=clock.env)
        # An hour of the day before, of which the first third is past 26 hours at the end; and the first hour of the day.
        d.send(*(survey(i, start - 3600 + 60 * i) for i in range(120)))
        assert n_in(d, "today")["n"] == 60
        clock.to(late)
        d.restart(kill=True, env=clock.env)
        d.out.wait("upkeep removed surveys=")
        for _ in range(2):
            assert n_in(d, "today")["n"] == 60
            d.restart(kill=True, env=clock.env)


@cx.case("what surveys were deleted for stays unknown when they are stored for longer from then on")
def longer():
    def config(surveys):
        return faults.config(metrics=METRICS, rules=[], windows=["1h", "1d"], store={"snapshot_after": 0},
                             retention={"surveys": surveys, "comments": "1d", "tallies": "10d"})

    def figures(**at):
        with d.http() as h:
            return h.json("/v1/figures", scope="agent/ana", metric="nps", **at)["figures"]

    with cx.Daemon(config("1d"), start=False) as d:
        clock = Clock(d)
        d.start(env=clock.env)
        begin = clock.now()
        d.send(*(survey(i, begin - 600) for i in range(10)))
        clock.set(27 * 3600)
        d.restart(kill=True, env=clock.env)
        d.out.wait("upkeep removed surveys=10")
        d.send(*(survey(i, begin + 4 * 3600) for i in range(10, 20)), *(survey(i, begin + 72_000) for i in range(20, 30)))
        clock.set(29 * 3600)
        d.configure(config("10d"))
        d.reload()
        for _ in range(2):
            [day] = [f for f in figures() if f["window"] == "1d"]
            assert (day["n"], day["trend"]) == (10, None), day
            assert not [f for f in figures(at=cx.stamp((begin + 5 * 3600) * 1_000_000)) if f["window"] == "1d"]
            d.restart(kill=True, env=clock.env)


@cx.case("what counts by the day were deleted for stays unknown when they are kept for longer from then on")
def longer_days():
    def config(tallies):
        return faults.config(metrics=METRICS, rules=[], windows=["1h", "8d"], store={"snapshot_after": 0},
                             retention={"surveys": "8d", "comments": "1d", "tallies": tallies})

    def is_known(days):
        at = cx.stamp((begin + days * 86_400) * 1_000_000)
        with d.http() as h:
            return h.get("/v1/figures", scope="agent/ana", metric="nps", window="8d", at=at).status == 200

    with cx.Daemon(config("8d"), start=False) as d:
        clock = Clock(d)
        d.start(env=clock.env)
        begin = clock.now()
        d.send(*(survey(i, begin - 600) for i in range(10)))
        # Jumps that are believed after a day only.
        for days in (9, 20):
            clock.set(days * 86_400)
            d.restart(kill=True, env=clock.env)
            d.out.wait("nothing is deleted for a day")
            d.out.wait("upkeep round put off")
            clock.set((days + 1) * 86_400)
            d.restart(kill=True, env=clock.env)
            d.out.wait("upkeep removed ")
        for tallies in ("8d", "5y", "5y"):
            d.configure(config(tallies))
            d.reload()
            assert [is_known(days) for days in (3, 21)] == [False, True], tallies
        d.restart(kill=True, env=clock.env)
        assert [is_known(days) for days in (3, 21)] == [False, True]


@cx.case("a window that is longer than surveys were stored for until now has its figures of now, as its rules do")
def longer_window():
    rule = {"name": "low", "metric": "nps", "scopes": "agent/*", "window": "7d", "test": "point", "below": 90, "min_n": 1}

    def config(longest, rules):
        return faults.config(metrics=METRICS, rules=rules, windows=["1h", longest], store={"snapshot_after": 0},
                             retention={"surveys": longest, "comments": "1d", "tallies": "100d"})

    with cx.Daemon(config("1d", []), start=False) as d:
        clock = Clock(d)
        d.start(env=clock.env)
        d.send(*(survey(i, clock.now() - 600) for i in range(10)))
        clock.set(27 * 3600)
        d.restart(kill=True, env=clock.env)
        d.out.wait("upkeep removed surveys=10")
        d.send(*(survey(i, clock.now() - 10) for i in range(20, 30)))
        d.configure(config("7d", [rule]))
        d.reload()
        for _ in range(2):
            with d.http() as h:
                rows = [f for f in h.json("/v1/board", kind="agent", metric="nps")["rows"] if f["scope"] == "agent/ana"]
                [alert] = h.json("/v1/alerts")["alerts"]
                past = h.get("/v1/figures", scope="agent/ana", metric="nps", window="7d", at=cx.stamp((clock.now() - 7200) * 1_000_000))
            assert [(f["window"], f["n"], f["state"], f["trend"]) for f in rows] == [("7d", 10, "below", None)], rows
            assert alert["figure"]["n"] == 10
            assert past.status == 422, past.body
            d.restart(kill=True, env=clock.env)


@cx.case("counts by the day go in their time, also where no survey comes any more")
def idle():
    config = faults.config(metrics=METRICS, rules=[], windows=["1h", "1d"],
                           retention={"surveys": "1d", "comments": "1d", "tallies": "1d"})
    with cx.Daemon(config, start=False) as d:
        clock = Clock(d)
        # All clocks jump, so that a minute without anything is over at once.
        env = {**clock.env, "FAKETIME_DONT_FAKE_MONOTONIC": "0"}
        d.start(env=env)
        d.send(*(survey(i, clock.now() - 3600 * i) for i in range(20)))
        for days, there in ((2, True), (8, False)):
            clock.set(days * 86_400)
            cx.until(f"after {days} days", lambda: ((t := d.status()["store"])["rows"], t["tallies"] > 0) == (0, there), 5)


@cx.case("a clock that is far ahead deletes nothing for a day, and what it did to alerts ends when it is set right")
def ahead():
    rules = [{"name": "now", "metric": "nps", "scopes": "agent/*", "window": "1h", "test": "point", "below": 50, "min_n": 3},
             {"name": "low", "metric": "nps", "scopes": "agent/*", "window": "7d", "below": 50}]

    def firing(agent):
        with d.http() as h:
            found = [a for a in h.json("/v1/alerts")["alerts"] if a["scope"] == f"agent/{agent}" and a["state"] == "firing"]
        assert all(a["since"] <= cx.stamp((clock.now() + 1) * 1_000_000) for a in found), found
        return sorted(a["rule"] for a in found)

    def bad(agent, n):
        d.send(*({**survey(i, clock.now() - 60), "id": f"{agent}{i}", "agent": agent, "answers": {"nps": 0}} for i in range(n)))

    def config(surveys):
        return faults.config(metrics=METRICS, rules=rules, windows=["1h", "7d"], retention={"surveys": surveys, "tallies": "100d"})

    with cx.Daemon(config("100d"), start=False) as d:
        clock = Clock(d)
        d.start(env=clock.env)
        bad("ana", 20)
        d.send(*(survey(i, clock.now() - 20 * 86_400) for i in range(20)))
        assert firing("ana") == ["low", "now"]
        # A second jump is no day that has passed; and shorter retention is no reason either.
        for days in (500, 1500):
            clock.set(days * 86_400)
            d.restart(kill=True, env=clock.env)
            cx.until("its alerts have expired", lambda: firing("ana") == [])
            d.out.wait("nothing is deleted for a day")
            d.out.wait("upkeep round put off")
        d.configure(config("8d"))
        mark = len(d.out.lines)
        d.reload()
        d.out.wait("upkeep round put off", mark)
        bad("cleo", 20)
        [alert] = [a for a in d.http().json("/v1/alerts")["alerts"] if a["scope"] == "agent/cleo" and a["rule"] == "now"]
        d.http().post(f"/v1/alerts/{alert['id']}/snooze", {"for": "1h"})
        d.configure(config("100d"))
        clock.set(0)
        d.restart(env=clock.env)
        assert d.status()["store"]["rows"] == 60
        bad("ben", 20)
        assert firing("ben") == ["low", "now"]
        bad("ana", 40)
        assert firing("ana") == ["now"], "what the alert by evidence had used up today"
        [alert] = [a for a in d.http().json("/v1/alerts", state="all")["alerts"] if a["id"] == alert["id"]]
        assert alert.get("until", "") < cx.stamp((clock.now() + 3700) * 1_000_000), alert


@cx.case("an alert can be put aside also while its time is one to which a clock that was set back has not come again")
def put_aside():
    rules = [{"name": "low", "metric": "nps", "scopes": "agent/*", "window": "90d", "test": "point", "below": 50, "min_n": 1}]
    with cx.Daemon(faults.config(metrics=METRICS, rules=rules), start=False) as d:
        clock = Clock(d)
        clock.set(3600)
        d.start(env=clock.env)
        d.send(survey(1, clock.now() - 2 * 3600))
        with d.http() as h:
            [alert] = h.json("/v1/alerts")["alerts"]
            clock.set(0)
            follows(d, clock)
            r = h.post(f"/v1/alerts/{alert['id']}/snooze", {"for": "10m"})
            assert r.status == 200 and r.json()["alert"]["state"] == "snoozed", r.body
            ahead = faults.usec_of(r.json()["alert"]["until"]) - faults.usec_of(alert["since"])
            assert 600e6 <= ahead < 660e6, r.body
            assert h.post(f"/v1/alerts/{alert['id']}/ack").status == 200
            # That is a time which the alert has seen already.
            r = h.post(f"/v1/alerts/{alert['id']}/snooze", {"until": cx.stamp((clock.now() + 600) * 1_000_000)})
            assert (r.code, r.json()["field"]) == ("E_PARAMETER", "until"), r.body


faults.run()

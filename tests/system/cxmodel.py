# SPDX-License-Identifier: Apache-2.0
"""Figures by brute force: every survey in a dictionary, every question answered by going through all of them; and
surveys to ask about, from a seed."""

import random

import cx

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
UNITS = {"m": MINUTE, "h": HOUR, "d": DAY}


def rows(text):
    head, *lines = [line.split(",") for line in text.strip().split("\n")]
    return [dict(zip(head, line)) for line in lines]


def span(window, at):
    """[start, end) of a window as of a time, in UTC."""
    if window == "today":
        end = -(-at // MINUTE) * MINUTE
        return (at - 1) // DAY * DAY, end
    length = int(window[:-1]) * UNITS[window[-1]]
    width = MINUTE if length <= DAY else HOUR if length <= 7 * DAY else DAY
    end = -(-at // width) * width
    return end - length, end


def values(metric):
    """The keys of `counts`, in order."""
    if metric["kind"] in ("yes", "response"):
        return ["no", "yes"]
    low, high = metric["scale"]
    return [str(v) for v in range(low, high + 1)]


def value_of(metric, counts):
    """A figure's value from its counts."""
    n = sum(counts)
    if n == 0:
        return None
    kind = metric["kind"]
    if kind == "nps":
        return 100 * (sum(counts[9:]) - sum(counts[:7])) / n
    if kind == "mean":
        return sum(c * (metric["scale"][0] + i) for i, c in enumerate(counts)) / n
    best = {"yes": 1, "response": 1, "top1": 1, "top2": 2, "top3": 3}[kind]
    return 100 * sum(counts[-best:]) / n


class Model:
    """All surveys, the latest version of each, as (source, id) -> survey."""

    def __init__(self, metrics=None, roster=cx.ROSTER, queues=cx.QUEUES):
        self.metrics = metrics or cx.METRICS
        self.roster(roster, queues)
        self.surveys = {}

    def roster(self, roster, queues=cx.QUEUES):
        self.agents = {r["agent"]: r for r in rows(roster)}
        self.lines = {r["queue"]: r["line"] for r in rows(queues)}

    def n_counted(self):
        return sum(1 for s in self.surveys.values() if s.get("status") != "retracted")

    def take(self, *surveys):
        """Each of these was stored or is a duplicate of what was."""
        for s in surveys:
            self.surveys[s["id"]] = s

    def chain(self, s):
        """The scopes that a survey counts in."""
        found = {"org", f"queue/{s['queue']}"}
        if s["queue"] in self.lines:
            found.add(f"line/{self.lines[s['queue']]}")
        if s.get("agent"):
            found.add(f"agent/{s['agent']}")
            row = self.agents.get(s["agent"], {})
            found |= {f"{kind}/{row[kind]}" for kind in ("team", "site", "region") if row.get(kind)}
        return found

    def answer(self, s, name):
        """The place of a survey's answer among the metric's values, or None."""
        metric = self.metrics[name]
        status = s.get("status", "answered")
        if metric["kind"] == "response":
            return {"answered": 1, "expired": 0, "opted_out": 0}.get(status)
        value = s.get("answers", {}).get(name)
        if status != "answered" or value is None:
            return None
        return int(value) - (0 if metric["kind"] == "yes" else metric["scale"][0])

    def scopes(self):
        return sorted(set().union({"org"}, *(self.chain(s) for s in self.surveys.values())))

    def counts(self, window, at):
        """(scope, metric) -> counts, for all that have any."""
        start, end = span(window, at)
        found = {}
        for s in self.surveys.values():
            if not start <= s["ts"] * 1_000_000 < end:
                continue
            for name, metric in self.metrics.items():
                place = self.answer(s, name)
                if place is None:
                    continue
                for scope in self.chain(s):
                    found.setdefault((scope, name), [0] * len(values(metric)))[place] += 1
        return found

    def check(self, figures, window, at):
        """Compares a list of figures with what they should be; each scope and metric that has answers must be there."""
        expected = self.counts(window, at)
        seen = set()
        for f in figures:
            key = f["scope"], f["metric"]
            assert key not in seen, f"{key} twice"
            seen.add(key)
            metric = self.metrics[f["metric"]]
            counts = expected.get(key, [0] * len(values(metric)))
            where = f"{key} {window}: {f} and not {counts}"
            assert f["window"] == window, where
            assert f["counts"] == dict(zip(values(metric), counts)), where
            assert f["n"] == sum(counts), where
            value = value_of(metric, counts)
            assert (f["value"] is None) == (value is None), where
            assert value is None or abs(f["value"] - value) <= 1e-12 * max(1, abs(value)), where
            assert f["n"] or f["state"] == "no_data", where
        missing = set(expected) - seen
        assert not missing, f"no figure for {sorted(missing)[:5]}"


class Generator:
    """Surveys out of a seed: first versions, and now and then something else about an earlier one."""

    AGENTS = ["ana", "ben", "cleo", "dora", "emil", "finn", "new.one", "Zoë Å", None]
    QUEUES = ["billing-es", "billing-pt", "tech", "sales", "un listed"]

    def __init__(self, seed, now, prefix="s", days=100, trouble=0.3):
        self.random = random.Random(seed)
        self.now, self.prefix, self.days, self.trouble = int(now), prefix, days, trouble
        self.made = {}
        self.number = 0

    def answers(self):
        r = self.random
        found = {}
        for name, values in (("nps", range(11)), ("csat", range(1, 6)), ("fcr", (True, False, 0, 1)), ("wait", range(1, 6))):
            if r.random() < 0.8:
                found[name] = r.choice([*values, None])
        if r.random() < 0.05:
            found["unheard"] = r.randrange(100)
        return found

    def first(self):
        r = self.random
        self.number += 1
        # Many of the last hour and day, some late ones beyond the longest window.
        age = r.choice([3000, 80_000, 600_000, self.days * 86_400])
        s = {"id": f"{self.prefix}-{self.number}", "ts": self.now - 60 - r.randrange(age), "queue": r.choice(self.QUEUES)}
        agent = r.choice(self.AGENTS)
        if agent:
            s["agent"] = agent
        status = r.choices(["answered", "offered", "started", "expired", "opted_out"], [80, 4, 4, 8, 4])[0]
        if status != "answered":
            s["status"] = status
        if status == "answered" or r.random() < 0.2:
            s["answers"] = self.answers()
        if r.random() < 0.1:
            s["comment"] = "the same — again"
        return s

    def next(self):
        """(survey, what the daemon must call it)"""
        r = self.random
        if not self.made or r.random() >= self.trouble:
            s = self.first()
            self.made[s["id"]] = s
            return s, "stored"
        old = self.made[r.choice(list(self.made))]
        kind = r.choice(["duplicate", "revised", "revised", "retracted", "stale"])
        if kind == "duplicate":
            return dict(old), "duplicate"
        if kind == "stale":
            if old.get("rev", 0) < 2:
                return dict(old), "duplicate"
            return {**old, "rev": old["rev"] - 1, "comment": "behind"}, "refused"
        s = {**self.first(), "id": old["id"], "rev": old.get("rev", 0) + 1}
        if kind == "retracted":
            s = {**old, "rev": old.get("rev", 0) + 1, "status": "retracted"}
        self.made[s["id"]] = s
        return s, "revised"

    def take(self, n):
        return [self.next() for _ in range(n)]

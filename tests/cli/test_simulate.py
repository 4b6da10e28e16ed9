# SPDX-License-Identifier: Apache-2.0
"""cxctl simulate: a believable and repeatable centre."""

import collections
import json
import re
import signal
import subprocess
import time
import unittest

from fake_daemon import CXCTL, CliTest, organisation

HISTORY = ("simulate", "--history", "60d", "--until", "2026-11-21T00:00:00Z")


class Simulate(CliTest):
    def setUp(self):
        super().setUp()
        self.fake.routes["/v1/org"] = (200, organisation(16, 4))
        self.fake.ack_every = 500

    def surveys(self):
        return [json.loads(line) for line in self.fake.surveys.values()]

    def test_history_is_repeatable(self):
        out = self.ok(*HISTORY)
        first = dict(self.fake.surveys)
        self.assertGreater(len(first), 8000)
        self.assertRegex(out, r"^\d+ surveys: \d+ stored, 0 duplicate, \d+ revised, 0 refused\n$")
        self.ok(*HISTORY)
        self.assertEqual(first, self.fake.surveys)
        self.fake.surveys.clear()
        self.ok(*HISTORY, "--seed", "2")
        self.assertFalse(set(first) & set(self.fake.surveys))

    def test_history_is_believable(self):
        self.ok(*HISTORY)
        all_ = self.surveys()
        answered = [s for s in all_ if "answers" in s]
        self.assertTrue(0.3 < len(answered) / len(all_) < 0.6, len(answered) / len(all_))
        revised = sum(s.get("rev") == 2 for s in all_) / len(answered)
        self.assertTrue(0.01 < revised < 0.03, revised)
        self.assertTrue(any(s.get("comment") for s in answered))
        self.assertEqual({s.get("status", "answered") for s in all_}, {"answered", "expired", "opted_out", "offered"})
        self.assertTrue(all("2026-09-22" <= s["ts"][:10] < "2026-11-21" for s in all_))
        office = sum("08" <= s["ts"][11:13] < "20" for s in all_) / len(all_)
        self.assertTrue(0.8 < office < 0.99, office)
        by_agent = collections.defaultdict(list)
        for s in answered:
            by_agent[s["agent"]].append(s["answers"]["csat"] >= 4)
        shares = sorted(sum(v) / len(v) for v in by_agent.values())
        self.assertEqual(len(shares), 16)
        self.assertLess(shares[1], 0.72)  # two of sixteen are really worse
        self.assertGreater(shares[2], shares[1] + 0.04)
        self.assertGreater(shares[8], 0.82)
        pairs = [(s["answers"]["courtesy"], s["answers"]["csat"]) for s in answered if s["answers"].get("courtesy")]
        kind = [c for k, c in pairs if k >= 4]
        unkind = [c for k, c in pairs if k < 4]
        self.assertGreater(sum(kind) / len(kind), sum(unkind) / len(unkind) + 0.4)

    def test_the_present_has_an_agent_in_trouble(self):
        child = subprocess.Popen([CXCTL, "simulate", "--live", "--rate", "60"], env=self.environment(),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 40
        worst, n_http = ("", 0), 1
        while time.monotonic() < deadline and worst[1] < 60:
            time.sleep(0.2)
            with self.fake.lock:
                n_http = self.fake.n_http
                counts = collections.Counter(s["agent"] for s in self.surveys() if s.get("answers", {}).get("csat", 5) <= 2)
            worst = counts.most_common(1)[0] if counts else worst
        self.assertEqual(n_http, 0)  # what it asked at first keeps no connection
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=20)
        self.assertEqual((child.returncode, err), (0, b""))
        self.assertIn(b" 0 refused", out)
        self.assertGreaterEqual(worst[1], 60)
        others = [n for agent, n in counts.items() if agent != worst[0]]
        self.assertLess(max(others, default=0) * 3, worst[1])

    def test_a_signal_ends_the_past(self):
        # There is far more of it than this test waits for, and no present afterwards.
        for more in ((), ("--live",)):
            self.fake.surveys.clear()
            child = subprocess.Popen([CXCTL, "simulate", "--history", "9000d", "--per-agent-day", "500", *more],
                                     env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            deadline = time.monotonic() + 40
            while time.monotonic() < deadline and not self.fake.surveys:
                time.sleep(0.02)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=20)
            self.assertEqual((child.returncode, err), (-signal.SIGINT, b""))
            self.assertRegex(out, rb"^\d+ surveys: \d+ stored, 0 duplicate, \d+ revised, 0 refused; no more were sent\n$")
            self.assertEqual(int(re.findall(rb"(\d+) stored", out)[0]), len(self.fake.surveys))

    def test_it_needs_a_centre_and_something_to_do(self):
        self.assertEqual(self.cxctl("simulate")[0], 2)
        self.assertEqual(self.cxctl("simulate", "--history", "soon")[0], 2)
        for flags in (("--live", "--until", "2d"), ("--live", "--per-agent-day", "3"), ("--history", "1d", "--rate", "9")):
            code, _, err = self.cxctl("simulate", *flags)
            self.assertEqual((code, err.endswith(" is missing\n")), (2, True), err)
        self.fake.routes["/v1/org"] = (200, {"scopes": []})
        code, _, err = self.cxctl("simulate", "--history", "1d")
        self.assertEqual(code, 1)
        self.assertIn("the daemon shows 0, 0 and 5", err)


if __name__ == "__main__":
    unittest.main()

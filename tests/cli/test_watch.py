# SPDX-License-Identifier: Apache-2.0
"""cxctl watch: a line per event, gaps, reconnecting."""

import json
import subprocess
import time
import unittest

from fake_daemon import ALERT, CXCTL, FIGURE, CliTest


def event(kind, seq, data):
    return f"event: {kind}\nid: {seq}\ndata: {json.dumps({'seq': seq, **data})}\n\n"


def alert(seq, transition="firing", **more):
    return event("alert", seq, {"at": "2026-11-21T10:20:00Z", "transition": transition, "alert": {**ALERT, **more}})


LINE = ("2026-11-21 10:20:00  warning  firing  agent/ana.ruiz  csat  28d  78.5 %  n 214  72.5 to 83.5  target 85.0 %  "
        "37.5 % of 8 since 2026-11-18  Listen to two of the last low calls together.  a-17\n")


class Watch(CliTest):
    def test_one_line_per_alert_and_other_events_only_if_asked_for(self):
        figure = event("figure", 8, {"figures": [FIGURE]})
        tick = event("tick", 9, {"at": "2026-11-21T10:21:00Z"})
        text = ": hello\n\n" + alert(7) + figure + tick + alert(10, "acknowledged")
        self.fake.streams = [[text[i:i + 7] for i in range(0, len(text), 7)], [text, None]]
        self.assertEqual(self.ok("watch", "-n", "2"), LINE + LINE.replace("firing", "acknowledged"))
        out = self.ok("watch", "-n", "4", "--events", "alert,figure,tick")
        self.assertEqual(out.splitlines()[1:3], [
            "2026-11-21 10:20:00  figure  below  agent/ana.ruiz  csat  28d  78.5 %  n 214  72.5 to 83.5  target 85.0 %",
            "2026-11-21 10:21:00  tick"])

    def test_of_an_alert_that_is_worked_on_it_is_said_by_whom(self):
        self.fake.streams = [[alert(7, "acknowledged", by="maria", note="on it"), None]]
        self.assertEqual(self.ok("watch", "-n", "1"), LINE.replace("firing", "acknowledged").replace(
            "  Listen", "  maria; note: on it  Listen"))

    def test_a_resolved_alert_has_its_reason_instead_of_old_figures_and_advice(self):
        reasons = {"recovered": "recovered", "withdrawn": "withdrawn: its surveys were revised or retracted",
                   "expired": "expired: no answers are left, or the rule is gone", "else": "else"}
        for reason, text in reasons.items():
            self.fake.streams = [[alert(7, "resolved", state="resolved", reason=reason), None]]
            self.assertEqual(self.ok("watch", "-n", "1"), (
                f"2026-11-21 10:20:00  warning  resolved  agent/ana.ruiz  csat  28d  {text}  a-17\n"))
        self.fake.streams = [[alert(7, "resolved"), None]]
        self.assertTrue(self.ok("watch", "-n", "1").endswith("  csat  28d  a-17\n"))

    def test_a_daemon_that_stops_answering_is_told_from_one_with_nothing_to_say(self):
        self.fake.streams = [[alert(7), None], [alert(8)]]
        self.fake.slow["/v1/surveys"] = 60
        code, out, err = self.cxctl("watch", "-n", "2", "-t", "50")
        self.assertEqual((code, out), (0, LINE + LINE), err)
        self.assertIn("is lost; trying again", err)
        self.assertIn("connected again, going on after event 7", err)
        self.assertIn("/v1/stream?since=7", [r[1] for r in self.fake.requests])

    def test_only_the_stream_keeps_a_connection(self):
        self.fake.streams = [[None]]
        child = subprocess.Popen([CXCTL, "watch"], env=self.environment(), stdout=subprocess.DEVNULL)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        deadline = time.monotonic() + 10
        while self.fake.n_http != 1 or not any(r[1] == "/v1/stream" for r in self.fake.requests):
            self.assertLess(time.monotonic(), deadline, self.fake.n_http)
            time.sleep(0.02)

    def test_json_is_one_document_per_line_as_it_came(self):
        self.fake.streams = [[alert(7) + alert(8), None]]
        out = self.ok("watch", "-n", "2", "-o", "json")
        self.assertEqual(out, "".join(e.split("data: ")[1].strip() + "\n" for e in (alert(7), alert(8))))

    def test_csv_has_a_header_and_a_row_per_event(self):
        self.fake.streams = [[alert(7), None]]
        self.assertEqual(self.ok("watch", "-n", "1", "-o", "csv"), (
            "seq,time,event,severity,transition,scope,metric,window,value,unit,n,low,high,target,advice\n"
            "7,2026-11-21T10:20:00Z,alert,warning,firing,agent/ana.ruiz,csat,28d,78.5,%,214,72.5,83.5,85,"
            "Listen to two of the last low calls together.\n"))

    def test_a_lost_stream_is_taken_up_where_it_broke(self):
        self.fake.streams = [[alert(7), alert(8)[:40]], [], [alert(8), None]]
        code, out, err = self.cxctl("watch", "-n", "2", "--since", "5")
        self.assertEqual((code, out), (0, LINE + LINE))
        paths = [r[1] for r in self.fake.requests if r[1].startswith("/v1/stream")]
        self.assertEqual(paths, ["/v1/stream?since=5", "/v1/stream?since=7", "/v1/stream?since=7"])
        self.assertEqual(err.count("is lost; trying again"), 1)
        self.assertIn("connected again, going on after event 7", err)

    def test_a_proxy_whose_daemon_is_gone_for_a_while_is_asked_again(self):
        for status in (502, 503, 504):
            self.fake.streams = [[alert(7)], status, [alert(8), None]]
            code, out, err = self.cxctl("watch", "-n", "2")
            self.assertEqual((code, out), (0, LINE + LINE), (status, err))
            self.assertIn("connected again, going on after event 7", err)
        self.fake.streams = [502]
        self.assertEqual(self.cxctl("watch", "-n", "1")[0], 4)
        for status in (403, 500):
            self.fake.streams = [[alert(7)], status]
            self.assertEqual(self.cxctl("watch", "-n", "2")[:2], (4, LINE), status)

    def test_a_gap_is_shown(self):
        self.fake.streams = [[event("gap", 20, {"missed_from": 8, "missed_to": 19}) + alert(21), None]]
        out = self.ok("watch", "-n", "2")
        self.assertIn("  GAP: events 8 to 19 were missed and are no longer kept\n", out)

    def test_a_gap_of_what_this_store_never_had_is_told_from_what_is_not_kept(self):
        text = "events 32 to 99 were never sent by this daemon, whose last one is 31; is its store another one, such as a backup?"
        for output, out, err in (("table", f"  GAP: {text}\n", ""), ("json", "", f"cxctl: gap: {text}\n")):
            self.fake.streams = [[event("gap", 31, {"missed_from": 32, "missed_to": 99}), None]]
            code, found, said = self.cxctl("-o", output, "watch", "--since", "99", "-n", "1")
            self.assertEqual((code, out in found, said), (0, True, err))

    def test_a_timeout_without_the_events_is_a_negative_answer(self):
        self.fake.streams = [[None], [None]]
        self.assertEqual(self.cxctl("watch", "-n", "1", "--timeout", "1"),
                         (1, "", "cxctl: the time passed with 0 of 1 events\n"))
        self.assertEqual(self.cxctl("watch", "--timeout", "1"), (0, "", ""))
        self.fake.streams = [[alert(7), None]]
        self.assertEqual(self.cxctl("watch", "-n", "2", "-t", "1"),
                         (1, LINE, "cxctl: the time passed with 1 of 2 events\n"))

    def test_a_daemon_that_takes_no_stream_now_says_so(self):
        self.fake.stream_refusal = {"code": "E_BUSY", "error": "too many streams"}
        self.assertEqual(self.cxctl("watch", "-n", "1"), (4, "", "cxctl: E_BUSY: too many streams\n"))

    def test_nobody_there_at_the_beginning_is_unreachable(self):
        self.assertEqual(self.cxctl("-H", "unix:/nowhere", "watch", "-o", "json")[0], 3)


if __name__ == "__main__":
    unittest.main()

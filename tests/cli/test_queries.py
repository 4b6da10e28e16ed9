# SPDX-License-Identifier: Apache-2.0
"""What questions look like: tables, CSV, JSON, exit codes."""

import fcntl
import http.server
import json
import os
import pty
import re
import signal
import socketserver
import ssl
import stat
import struct
import subprocess
import termios
import threading
import time
import unittest

from fake_daemon import ALERT, CXCTL, FIGURE, ME, NO_DATA, NPS, SURVEY, CliTest, UnixHttp, organisation


class Queries(CliTest):
    def test_figures_are_a_table_with_units_and_intervals(self):
        self.fake.routes["/v1/figures"] = (200, {"figures": [FIGURE, NPS, NO_DATA]})
        self.assertEqual(self.ok("figures", "agent/ana.ruiz"), (
            "SCOPE           METRIC  WINDOW    N      VALUE      INTERVAL  TARGET  TREND  STATE\n"
            "agent/ana.ruiz  csat    28d     214     78.5 %  72.5 to 83.5  85.0 %   -3.1  below\n"
            "agent/ana.ruiz  nps     28d      97  -4 points    -20 to +12       -     +2  ok\n"
            "agent/zoë.łuk   csat    28d       0          -             -  85.0 %      -  no_data\n"))

    def test_figures_are_rounded_as_on_the_dashboard(self):
        def shown(metric, **figure):
            self.fake.routes["/v1/figures"] = (200, {"figures": [{**FIGURE, "metric": metric, "trend": None, **figure}]})
            return re.split(" {2,}", self.ok("figures", "agent/ana.ruiz").splitlines()[1])[4:8]

        self.assertEqual(shown("nps", value=-12.5, low=-0.0063, high=66.7, target=42.5, trend=0.25),
                         ["-13 points", "0 to +67", "+42.5 points", "+0.3"])
        self.assertEqual(shown("nps", value=39.6, low=39.99, high=40.04, target=40),
                         ["+39.6 points", "+39.99 to +40.04", "+40 points", "-"])
        self.assertEqual(shown("csat", value=62.25, low=60, high=62.35, target=85), ["62.3 %", "60.0 to 62.4", "85.0 %", "-"])
        self.assertEqual(shown("wait", value=3.125, low=1e-9, high=1e308, target=4)[0], "3.13")

    def test_figures_are_csv_with_all_digits(self):
        self.fake.routes["/v1/figures"] = (200, {"figures": [FIGURE, NO_DATA]})
        self.assertEqual(self.ok("-o", "csv", "figures", "agent/ana.ruiz"), (
            "scope,metric,window,at,n,value,unit,low,high,mean,target,trend,state\n"
            "agent/ana.ruiz,csat,28d,2026-11-21T10:20:00Z,214,78.5,%,72.5,83.5,4.05,85,-3.1,below\n"
            "agent/zoë.łuk,csat,28d,2026-11-21T10:20:00Z,0,,%,,,,85,,no_data\n"))

    def test_json_is_the_daemons_bytes_and_one_newline(self):
        odd = b'{ "figures" : [ {"scope":"org", "value": 1.50} ] }'
        self.fake.routes["/v1/figures"] = (200, odd)
        self.assertEqual(self.ok("figures", "org", "-o", "json"), odd.decode() + "\n")
        self.assertEqual(len(self.fake.requests), 1)
        self.fake.routes["/v1/figures"] = (200, odd + b"\n")
        self.assertEqual(self.ok("-ojson", "figures", "--scope=org"), odd.decode() + "\n")

    def test_parameters_are_encoded_and_times_made_absolute(self):
        self.fake.routes["/v1/figures"] = (200, {"figures": [FIGURE]})
        self.ok("figures", "agent/zoë & co", "-m", "csat", "-w", "7d", "--at", "2026-11-21 10:00", "-o", "json")
        self.assertEqual(self.fake.requests[0][1], "/v1/figures?scope=agent/zo%C3%AB%20%26%20co&metric=csat&window=7d"
                                                   "&at=2026-11-21T10%3A00%3A00Z")
        self.ok("figures", "org", "--at", "2026-11-21 10:00", "-o", "json", env={"TZ": "Europe/Madrid"})
        self.assertIn("at=2026-11-21T09%3A00%3A00Z", self.fake.requests[1][1])

    def test_figures_without_a_scope_are_about_the_own_grant(self):
        self.fake.routes["/v1/figures"] = (200, {"figures": []})
        self.assertEqual(self.ok("figures"), "no figures\n")
        self.assertEqual([r[1] for r in self.fake.requests], ["/v1/me", "/v1/figures?scope=team/alpha"])

    def test_nothing_found_by_name_is_a_negative_answer(self):
        self.fake.routes["/v1/figures"] = (200, {"figures": []})
        self.assertEqual(self.cxctl("figures", "org")[0], 1)
        code, out, err = self.cxctl("board", "--under", "team/none")
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(err, "cxctl: E_NOT_FOUND: there is no such thing\n")

    def test_a_refusal_prints_code_and_sentence(self):
        self.fake.routes["/v1/figures"] = (400, {"code": "E_PARAMETER", "field": "window", "error": "no such window"})
        self.assertEqual(self.cxctl("figures", "org"), (4, "", "cxctl: E_PARAMETER: window: no such window\n"))
        self.fake.routes["/v1/figures"] = (502, b"<html>")
        code, out, err = self.cxctl("figures", "org")
        self.assertEqual((code, out), (4, ""))
        self.assertIn("answered 502; is that cxd?", err)

    def test_board_asks_for_agents_of_the_first_metric(self):
        self.fake.routes["/v1/board"] = (200, {"rows": [FIGURE, NO_DATA]})
        out = self.ok("board", "--under", "team/alpha")
        self.assertEqual(self.fake.requests[1][1], "/v1/board?kind=agent&under=team/alpha&metric=csat&window=28d")
        self.assertEqual(len(out.splitlines()), 3)

    def test_series_have_bars(self):
        points = [{**FIGURE, "at": f"2026-11-{d}T00:00:00Z", "value": v} for d, v in ((19, 60), (20, None), (21, 70))]
        self.fake.routes["/v1/series"] = (200, {"points": points})
        out = self.ok("series", "agent/ana.ruiz", "csat", "--since", "2026-11-01", "--at", "2026-11-21")
        self.assertEqual(out, (
            "AT                     N   VALUE      INTERVAL  STATE\n"
            "2026-11-19 00:00:00  214  60.0 %  72.5 to 83.5  below  █\n"
            "2026-11-20 00:00:00  214       -  72.5 to 83.5  below\n"
            "2026-11-21 00:00:00  214  70.0 %  72.5 to 83.5  below  ████████████████████████\n"))
        self.assertIn("window=28d&step=1d&since=2026-11-01T00%3A00%3A00Z&at=2026-11-21T00%3A00%3A00Z",
                      self.fake.requests[1][1])
        out = self.ok("series", "agent/ana.ruiz", "csat", "--since", "30d", env={"LC_ALL": "C"})
        self.assertIn("  ########################\n", out)

    def test_bars_of_values_that_look_the_same_look_the_same(self):
        for values, columns in (((40.0007, 40.0012, 40), [1, 1, 1]), ((60, 60.1, 60.2), [1, 2, 3]), ((60, 62.3, 61), [1, 24, 11])):
            points = [{**FIGURE, "value": v} for v in values]
            self.fake.routes["/v1/series"] = (200, {"points": points})
            self.assertEqual([line.count("█") for line in self.ok("series", "org", "csat").splitlines()], [0, *columns])

    def test_bars_of_the_largest_numbers(self):
        points = [{**FIGURE, "value": v} for v in (1e308, -1e308, 0)]
        self.fake.routes["/v1/series"] = (200, {"points": points})
        self.assertEqual([line.count("█") for line in self.ok("series", "org", "csat").splitlines()], [0, 24, 1, 13])

    def test_units_are_shown_harmlessly(self):
        metrics = [{**ME["metrics"][0], "unit": "\x1b[31m"}]
        self.fake.routes["/v1/me"] = (200, {**ME, "metrics": metrics})
        self.fake.routes["/v1/figures"] = (200, {"figures": [FIGURE]})
        self.assertIn("78.5 \\x1b[31m", self.ok("figures", "org"))

    def test_surveys_are_shown_harmlessly(self):
        self.fake.routes["/v1/surveys"] = (200, {"surveys": [SURVEY]})
        self.assertEqual(self.ok("surveys", "-m", "csat", "--below", "3", "-n", "5"), (
            "TIME                 ID       AGENT     QUEUE       STATUS    ANSWERS              COMMENT\n"
            "2026-11-21 10:15:30  sv-8812  ana.ruiz  billing-es  answered  csat=2 fcr=no wait=-  "
            'third call\\n"same" invoice\\x1b[31m\n').replace("ANSWERS              COMMENT", "ANSWERS               COMMENT"))
        self.assertEqual(self.fake.requests[1][1], "/v1/surveys?scope=team/alpha&metric=csat&below=3&limit=5")
        self.ok("surveys", "-s", "org", "-m", "csat", "--above", "3")
        self.assertEqual(self.fake.requests[-1][1], "/v1/surveys?scope=org&metric=csat&above=3")
        self.assertEqual(self.cxctl("surveys", "-s", "org", "--above", "3")[0], 2)
        out = self.ok("surveys", "-o", "csv")
        self.assertEqual(out.split("\n", 1)[1], (
            "2026-11-21T10:15:30.250Z,sv-8812,ana.ruiz,billing-es,answered,csat=2 fcr=no wait=-,,,,,"
            '"third call\n""same"" invoice\\x1b[31m"\n'))

    def test_alerts_can_be_listed_and_worked_on(self):
        self.fake.routes["/v1/alerts"] = (200, {"alerts": [ALERT]})
        self.assertEqual(self.ok("alerts", "--state", "firing"), (
            "ID    SEVERITY  STATE   SINCE                SCOPE           METRIC  WINDOW   VALUE    N      INTERVAL  "
            "TARGET  LATELY                        HANDLED BY  RULE               ADVICE\n"
            "a-17  warning   firing  2026-11-20 08:00:00  agent/ana.ruiz  csat    28d     78.5 %  214  72.5 to 83.5  "
            "85.0 %  37.5 % of 8 since 2026-11-18  -           csat-below-target  Listen to two of the last low calls together.\n"))
        handled = {**ALERT, "state": "snoozed", "by": "maria", "until": "2026-12-01T00:00:00Z", "outcome": "coached",
                   "note": "two calls"}
        self.fake.routes["/v1/alerts"] = (200, {"alerts": [handled]})
        self.assertIn("  maria until 2026-12-01 00:00:00; outcome: coached; note: two calls  csat-below-target  ", self.ok("alerts"))
        self.assertIn(",maria,2026-12-01T00:00:00Z,coached,two calls,Listen", self.ok("alerts", "-o", "csv"))
        answer = {"alert": {**ALERT, "state": "acknowledged", "by": "maria"}}
        for verb in ("ack", "snooze", "outcome"):
            self.fake.routes[f"/v1/alerts/a-17/{verb}"] = (200, answer)
        self.assertIn("acknowledged", self.ok("ack", "a-17", "--note", "on it"))
        self.ok("snooze", "a-17", "--for", "8h", "-o", "json")
        self.ok("snooze", "a-17", "--until", "2026-12-01T00:00:00Z", "-o", "json")
        self.ok("outcome", "a-17", "coached", "--note", "ok", "-o", "json")
        posts = [(r[1], json.loads(r[2])) for r in self.fake.requests if r[0] == "POST"]
        self.assertEqual(posts, [
            ("/v1/alerts/a-17/ack", {"note": "on it"}),
            ("/v1/alerts/a-17/snooze", {"for": "8h"}),
            ("/v1/alerts/a-17/snooze", {"until": "2026-12-01T00:00:00Z"}),
            ("/v1/alerts/a-17/outcome", {"outcome": "coached", "note": "ok"}),
        ])
        self.assertEqual(self.cxctl("snooze", "a-17")[0], 2)

    def test_check_is_for_monitoring(self):
        self.assertEqual(self.ok("check"), "ok: the daemon is ready and no alert is firing\n")
        self.fake.routes["/v1/alerts"] = (200, {"alerts": [ALERT]})
        code, out, _ = self.cxctl("check")
        self.assertEqual(code, 1)
        self.assertIn("a-17", out)
        self.ask_about_a_part()
        self.fake.routes["/readyz"] = (503, {"code": "E_UNAVAILABLE", "error": "starting"})
        code, out, err = self.cxctl("check")
        self.assertEqual((code, out), (1, ""))
        self.assertTrue(err.endswith(" is there, but not ready\n"), err)
        self.fake.routes["/readyz"] = (503, b"not ready: the disk is full\n")
        self.assertTrue(self.cxctl("check")[2].endswith(" is there, but not ready: the disk is full\n"))

    def test_an_answer_without_what_was_asked_for_is_no_good_news(self):
        for path in ("/v1/alerts", "/v1/verify"):
            self.fake.routes[path] = (200, {})
        for command in ("check", "verify", "alerts"):
            code, out, err = self.cxctl(command)
            self.assertEqual((code, out), (4, ""))
            self.assertIn("lacks what was asked for; is that cxd?", err)

    def ask_about_a_part(self):
        """The daemon looks for the alerts of a metric: it knows all of them, and that there is no such metric."""
        self.cxctl("check", "-s", "team/alpha", "-m", "csat")
        self.assertEqual(self.fake.requests[-2][1], "/v1/alerts?state=firing&scope=team/alpha&metric=csat")
        self.fake.routes["/v1/alerts"] = (404, {"code": "E_NOT_FOUND", "field": "metric", "error": "there is none"})
        self.assertEqual(self.cxctl("check", "-m", "cast"), (1, "", "cxctl: E_NOT_FOUND: metric: there is none\n"))

    def test_status_prints_every_member(self):
        self.fake.routes["/v1/status"] = (200, {
            "version": "0.1.0", "state": "ready", "started": "2026-11-20T08:00:00Z", "uptime": 93784,
            "surveys": {"stored": 12345678, "late": 0}, "store": {"bytes": 3145728}, "new": [True, None]})
        self.assertEqual(self.ok("status"), (
            "NAME            VALUE\nversion         0.1.0\nstate           ready\n"
            "started         2026-11-20 08:00:00\nuptime          1d 2h\nsurveys.stored  12345678\n"
            "surveys.late    0\nstore.bytes     3.0 MiB\nnew.0           yes\nnew.1           -\n"))
        self.assertIn("uptime,93784\n", self.ok("status", "-o", "csv"))

    def test_me_rules_and_org(self):
        out = self.ok("me")
        self.assertIn("principal  maria\n", out)
        self.assertIn("grant      team_lead of team/alpha\n", out)
        self.assertIn("courtesy  top2  1 to 5   90.0 %      5  csat nps  agent\n", out)
        self.assertIn("agent/ana.ruiz  csat courtesy\n", out)
        self.assertEqual(self.ok("me", "-o", "csv"), "scope,metrics\nagent/ana.ruiz,csat courtesy\n")
        self.fake.routes["/v1/rules"] = (200, {"rules": [{
            "name": "r", "metric": "csat", "scopes": "agent/*", "window": "90d", "test": "evidence", "below": 85,
            "false_alarms": "1 per 90d", "severity": "warning", "advice": {"team_lead": "Listen."}}, {
            "name": "a", "metric": "effort", "scopes": "queue/*", "window": "28d", "test": "point", "above": 3.25,
            "min_n": 5, "severity": "info", "advice": {"planner": "Shorten."}}]})
        self.assertEqual(self.ok("rules"), (
            "NAME  METRIC  SCOPES   WINDOW  TEST      BELOW  ABOVE  MIN N  FALSE ALARMS  SEVERITY  ADVICE\n"
            "r     csat    agent/*  90d     evidence     85      -      -  1 per 90d     warning   team_lead: Listen.\n"
            "a     effort  queue/*  28d     point         -   3.25      5  -             info      planner: Shorten.\n"))
        org = organisation(1, 1)
        org["scopes"].append({"scope": "agent/ghost", "name": "ghost", "parents": ["org"], "assigned": False})
        self.fake.routes["/v1/org"] = (200, org)
        self.assertEqual(self.ok("org", "agent"), (
            "SCOPE        NAME     LIES UNDER  ASSIGNED\n"
            "agent/a00    Agent 0  team/t0     yes\n"
            "agent/ghost  ghost    org         no\n"))
        self.assertEqual(self.ok("org", "--unassigned", "-o", "csv"),
                         "scope,name,parents,assigned\nagent/ghost,ghost,org,false\n")

    def test_tokens_travel_only_from_files_and_environment(self):
        self.fake.routes["/v1/status"] = (200, {"state": "ready"})
        path = self.write("token", "cxd_abc\n")
        self.ok("status", "--token-file", path)
        self.ok("status", env={"CXCTL_TOKEN": "cxd_def"})
        self.ok("status", env={"CXCTL_TOKEN_FILE": path, "CXCTL_TOKEN": "cxd_def"})
        self.ok("status")
        self.assertEqual([r[3] for r in self.fake.requests], ["Bearer cxd_abc", "Bearer cxd_def", "Bearer cxd_abc", None])
        self.assertEqual(self.cxctl("status", "--token-file", self.fake.path("none"))[0], 2)
        self.assertEqual(self.cxctl("status", "--token-file", self.write("bad", "a b\n"))[0], 2)

    def test_an_empty_variable_is_none(self):
        empty = {name: "" for name in ("CXCTL_TOKEN_FILE", "CXCTL_TOKEN", "CXCTL_SOURCE_TOKEN_FILE", "CXCTL_LINES")}
        self.ok("me", env=empty)
        self.ok("send", env=empty)

    def test_an_unreachable_daemon_says_where_and_what_to_try(self):
        code, out, err = self.cxctl("-H", "unix:/nowhere/cxd.sock", "status")
        self.assertEqual((code, out), (3, ""))
        self.assertEqual(err, (
            "cxctl: no daemon at unix:/nowhere/cxd.sock: No such file or directory\n"
            "cxctl: is it running? try: systemctl status cxd; elsewhere: -H unix:PATH, -H http://HOST:PORT, or "
            "CXCTL_HOST\n"))
        code, out, err = self.cxctl("-H", "http://127.0.0.1:1", "status")
        self.assertEqual((code, out), (3, ""))
        self.assertIn("no daemon at http://127.0.0.1:1: Connection refused", err)
        code, out, err = self.cxctl("-H", "http://127.0.0.1:99999", "status")
        self.assertEqual((code, out), (3, ""))
        self.assertIn("no daemon at http://127.0.0.1:99999: URL ", err)
        self.assertEqual(self.cxctl("-H", "unix:/nowhere/cxd.sock", "check")[0], 3)
        self.assertEqual(self.cxctl("-H", "ftp://x", "status")[0], 2)

    def tls_server(self, address):
        """A host with a certificate of its own for @address, and the file of that."""
        key, certificate = self.fake.path("key.pem"), self.fake.path("certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", certificate, "-subj", f"/CN={address}", "-addext",
                        f"subjectAltName=IP:{address}"], capture_output=True, check=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"https://127.0.0.1:{server.server_address[1]}", certificate

    def test_a_certificate_that_is_not_trusted_is_not_taken_for_no_daemon(self):
        host, _ = self.tls_server("127.0.0.1")
        code, out, err = self.cxctl("-H", host, "status")
        self.assertEqual((code, out), (3, ""))
        self.assertTrue(err.startswith(f"cxctl: {host} is not trusted: SSL certificate problem: self-signed"), err)
        self.assertIn("--ca-file FILE", err)
        err = self.cxctl("-H", host, "--ca-file", self.fake.path("none"), "status")[2]
        self.assertIn("--ca-file needs a file", err)
        self.assertIn("(https)", self.cxctl("-H", host.replace("https", "http"), "status")[2])

    def test_a_certificate_to_trust_is_asked_for_only_where_that_helps(self):
        host, certificate = self.tls_server("127.0.0.2")
        code, out, err = self.cxctl("-H", host, "--ca-file", certificate, "status")
        self.assertEqual((code, out), (3, ""))
        self.assertIn(f"cxctl: {host} is not trusted: SSL: ", err)
        self.assertEqual(err.count("\n"), 1, err)

    def in_terminal(self, *args, columns=0, **env):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
        child = subprocess.Popen([CXCTL, *args], stdout=slave, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env=self.environment(TERM="xterm", **env))
        os.close(slave)
        out = b""
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            out += data
        os.close(master)
        self.assertEqual(child.wait(20), 0)
        return out.decode()

    def test_colour_only_on_a_terminal(self):
        self.fake.routes["/v1/figures"] = (200, {"figures": [FIGURE]})
        self.assertNotIn("\x1b", self.ok("figures", "org"))
        self.assertIn("\x1b[1;31mbelow\x1b[0m", self.in_terminal("figures", "org"))
        self.assertNotIn("\x1b", self.in_terminal("figures", "org", NO_COLOR="1"))
        self.assertNotIn("\x1b", self.in_terminal("figures", "org", "--no-color"))

    def test_alerts_fit_into_a_narrow_terminal(self):
        long = {**ALERT, "id": "a-18", "state": "acknowledged", "by": "maria", "evidence": None,
                "advice": "日本語" * 20 + " two " + "x" * 80}
        self.fake.routes["/v1/alerts"] = (200, {"alerts": [ALERT, long]})
        self.assertEqual(self.in_terminal("alerts", columns=80, NO_COLOR="1"), (
            "ID    SEVERITY  STATE         SCOPE           METRIC\r\n"
            "a-17  warning   firing        agent/ana.ruiz  csat\r\n"
            "    SINCE 2026-11-20 08:00:00  WINDOW 28d  VALUE 78.5 %  N 214\r\n"
            "    INTERVAL 72.5 to 83.5  TARGET 85.0 %  LATELY 37.5 % of 8 since 2026-11-18\r\n"
            "    RULE csat-below-target  ADVICE Listen to two of the last low calls together.\r\n"
            "a-18  warning   acknowledged  agent/ana.ruiz  csat\r\n"
            "    SINCE 2026-11-20 08:00:00  WINDOW 28d  VALUE 78.5 %  N 214\r\n"
            "    INTERVAL 72.5 to 83.5  TARGET 85.0 %  HANDLED BY maria\r\n"
            "    RULE csat-below-target\r\n"
            "    ADVICE " + "日本語" * 11 + "日\r\n"
            "    " + "本語" + "日本語" * 8 + " two\r\n"
            "    " + "x" * 76 + "\r\n"
            "    xxxx\r\n"))
        self.fake.routes["/v1/alerts"] = (200, {"alerts": [{**ALERT, "metric": "first_contact_resolution"}]})
        self.assertIn("agent/ana.ruiz  first_contact_resolution\r\n    SINCE", self.in_terminal("alerts", columns=60, NO_COLOR="1"))
        self.fake.routes["/v1/alerts"] = (200, {"alerts": [ALERT]})
        self.assertIn("\n    \x1b[1mSINCE\x1b[0m 2026-", self.in_terminal("alerts", columns=80))
        for columns in (0, 20, 300):
            self.assertIn("firing  2026-11-20 08:00:00  agent", self.in_terminal("alerts", columns=columns, NO_COLOR="1"))

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([CXCTL, "help"], stdout=full, stderr=subprocess.PIPE, env=self.environment(),
                                  check=False)
            self.fake.routes["/v1/export"] = (200, (json.dumps(SURVEY) + "\n").encode() * 10000)
            export = subprocess.run([CXCTL, "export"], stdout=full, stderr=subprocess.PIPE, env=self.environment(),
                                    check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"cannot write", done.stderr)
        self.assertEqual((export.returncode, export.stderr),
                         (2, b"cxctl: cannot write the output: No space left on device\n"))

    def test_a_closed_stream_is_not_taken_for_a_socket(self):
        self.fake.routes["/v1/figures"] = (200, {"figures": [FIGURE]})
        for closed, command, said in (("<&-", "send --http", "-: Bad file descriptor"),
                                      (">&-", "figures org", "cannot write the output: Bad file descriptor")):
            with self.subTest(closed):
                done = subprocess.run(["sh", "-c", f'exec "$0" {command} {closed}', CXCTL], capture_output=True,
                                      env=self.environment(), check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn(said, done.stderr.decode())
        self.assertEqual([r for r in self.fake.requests if r[2]], [])

    def test_export_streams_and_converts(self):
        lines = "".join(json.dumps({**SURVEY, "id": f"s{i}"}, ensure_ascii=False) + "\n" for i in range(3))
        self.fake.routes["/v1/export"] = (200, lines.encode())
        self.assertEqual(self.ok("export", "--since", "2026-11-01", "--source", "ivr"), lines)
        self.assertEqual(self.fake.requests[-1][1], "/v1/export?since=2026-11-01T00%3A00%3A00Z&source=ivr")
        rows = self.ok("export", "--format", "csv").split("\n")
        self.assertEqual(rows[0], "id,ts,status,rev,agent,queue,contact,customer,channel,reason,comment,answers")
        self.assertTrue(rows[1].startswith("s0,2026-11-21T10:15:30.250Z,answered,,ana.ruiz,billing-es,,,,,\"third call"))
        self.fake.routes["/v1/export"] = (200, json.dumps({**SURVEY, "rev": 2**63 - 1, "comment": "a\tb"}).encode() + b"\n")
        row = self.ok("export", "--format", "csv").split("\n")[1]
        self.assertIn(',9223372036854775807,ana.ruiz,billing-es,,,,,"a\tb",', row)
        comment = "\u200fa\u00adb\u200bc\u2028d\ufeff"
        self.fake.routes["/v1/export"] = (200, json.dumps({**SURVEY, "comment": comment}).encode() + b"\n")
        self.assertIn(f",{comment},", self.ok("export", "--format", "csv"))
        self.fake.routes["/v1/export"] = (200, lines[:-20].encode())
        self.assertEqual(self.cxctl("export")[0], 3)
        self.fake.routes["/v1/export"] = (403, {"code": "E_FORBIDDEN", "error": "only for admins"})
        self.assertEqual(self.cxctl("export"), (4, "", "cxctl: E_FORBIDDEN: only for admins\n"))

    def endless(self, status):
        class Endless(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.recv(65536)
                try:
                    self.request.sendall(b"HTTP/1.1 %d X\r\n\r\n" % status)
                    while True:
                        self.request.sendall(b"x" * 1000000)
                except OSError:
                    pass

        self.fake.serve(f"endless{status}.sock", UnixHttp, Endless)
        return "-H", "unix:" + self.fake.path(f"endless{status}.sock")

    def test_an_answer_without_an_end_is_not_kept(self):
        ways = {status: self.endless(status) for status in (200, 500)}
        for status, command, code, said in ((200, ("status",), 3, "its answer is too long"),
                                            (200, ("verify",), 4, "is too long; is that cxd?"),
                                            (200, ("export", "--format", "csv"), 4, "a line that is no survey"),
                                            (500, ("export",), 4, "answered 500; is that cxd?"),
                                            (500, ("watch", "-o", "json"), 4, "answered 500; is that cxd?")):
            with self.subTest(command):
                done = self.cxctl(*ways[status], *command)
                self.assertEqual(done[0], code, done)
                self.assertIn(said, done[2])

    def silent(self, first=b""):
        """A daemon that takes connections, says what is given here, and nothing more."""
        class Silent(socketserver.BaseRequestHandler):
            def handle(handler):
                handler.request.sendall(first)
                self.fake.closing.wait(30)

        self.fake.serve("silent.sock", UnixHttp, Silent)
        return "-H", "unix:" + self.fake.path("silent.sock")

    def test_a_daemon_that_stops_answering_is_not_waited_for(self):
        begun = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}\n{}\r\n"
        file = self.fake.path("copy.db")
        for first in (b"", begun):
            way = self.silent(first)
            for command in (("export",), ("verify",), ("backup", file)):
                with self.subTest(command, first=first):
                    code, _, err = self.cxctl(*way, *command, "--timeout", "1", timeout=15)
                    self.assertEqual(code, 3)
                    self.assertIn("has stopped answering: for 1 s nothing came", err)
            os.unlink(self.fake.path("silent.sock"))
        self.assertEqual([n for n in os.listdir(self.fake.folder) if n.startswith("copy.db")], [])
        self.assertEqual(self.cxctl("verify", "-t", "0")[0], 2)

    def test_a_backup_that_a_signal_ends_leaves_nothing_behind(self):
        way = self.silent(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}\n{}\r\n")
        file = self.fake.path("copy.db")

        def left():
            return [n for n in os.listdir(self.fake.folder) if n.startswith("copy.db")]

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                child = subprocess.Popen([CXCTL, *way, "backup", file], env=self.environment())
                end = time.monotonic() + 20
                while not left() and time.monotonic() < end:
                    time.sleep(0.01)
                time.sleep(0.2)
                child.send_signal(number)
                self.assertEqual(child.wait(20), -number)
                self.assertEqual(left(), [])

    def test_a_backup_replaces_no_device(self):
        file = self.fake.path("pipe")
        os.mkfifo(file)
        for flags in ((), ("--force",)):
            code, _, err = self.cxctl("backup", *flags, file)
            self.assertEqual((code, err), (2, f"cxctl: {file} is not a regular file\n"))
        self.assertTrue(stat.S_ISFIFO(os.stat(file).st_mode))

    def test_a_question_that_fails_at_once_is_not_asked_without_a_pause(self):
        way = self.silent(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        child = subprocess.Popen([CXCTL, *way, "export", "-t", "2"], env=self.environment(), stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        os.unlink(self.fake.path("silent.sock"))  # nobody else gets in from now on
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 3)
        self.assertLess(used.ru_utime + used.ru_stime, 0.4)

    def test_an_answer_may_take_long_while_others_are_answered(self):
        self.fake.routes["/v1/surveys"] = (200, {"surveys": []})
        self.fake.routes["/v1/verify"] = (200, {"rows": 5, "n_damaged": 0, "damaged": [], "seconds": 4})
        self.fake.slow["/v1/verify"] = 4
        self.assertEqual(self.ok("verify", "-t", "2"), "nothing is damaged\n5 rows read, 0 damaged\n")
        self.assertIn("/v1/surveys?scope=org&limit=1", [r[1] for r in self.fake.requests])

    def test_a_reader_who_pauses_is_no_daemon_that_does(self):
        lines = (json.dumps(SURVEY) + "\n").encode() * 10000
        self.fake.routes["/v1/export"] = (200, lines)
        done = subprocess.run(["sh", "-c", '"$0" export -t 1 | (sleep 3; cat)', CXCTL], capture_output=True,
                              env=self.environment(), timeout=30, check=False)
        self.assertEqual((done.stdout, done.stderr), (lines, b""))

    def test_me_is_what_the_daemon_says(self):
        self.assertEqual(json.loads(self.ok("me", "-o", "json")), ME)


if __name__ == "__main__":
    unittest.main()

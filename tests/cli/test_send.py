# SPDX-License-Identifier: Apache-2.0
"""cxctl send: acknowledgements, refusals, lost connections."""

import contextlib
import fcntl
import glob
import json
import os
import pathlib
import pty
import re
import socketserver
import struct
import subprocess
import termios
import tty
import unittest

from fake_daemon import CXCTL, ME, CliTest, UnixLines, warning


def faketime(test):
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found or any(name.endswith("SAN_OPTIONS") for name in os.environ):
        test.skipTest("wants libfaketime, and a program without sanitizers")
    return found[0]


def unread(pipe):
    """Bytes that the other end has not taken yet."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0]


def survey(i, csat=4):
    return json.dumps({"id": f"s{i}", "ts": "2026-11-21T10:00:00Z", "queue": "q", "answers": {"csat": csat}})


STALE = {"index": 0, "id": "s1", "code": "E_STALE", "field": "rev", "error": "rev 2 is stored"}


class Send(CliTest):
    def test_a_file_is_stored_and_a_second_time_duplicate(self):
        path = self.write("a.ndjson", "".join(survey(i) + "\n" for i in range(250)))
        self.assertEqual(self.ok("send", path), "250 surveys: 250 stored, 0 duplicate, 0 revised, 0 refused\n")
        self.assertEqual(self.ok("send", path), "250 surveys: 0 stored, 250 duplicate, 0 revised, 0 refused\n")
        self.assertEqual(self.ok("send", "--http", path), "250 surveys: 0 stored, 250 duplicate, 0 revised, 0 refused\n")

    def test_what_was_read_before_an_error_is_accounted_for(self):
        mapping = self.write("m.yaml", "id: id\nts: ts\nqueue: q\nanswers: {csat: c}\n")
        lines = "".join(survey(i) + "\n" for i in range(3)) + '{"id":"half'
        rows = "id,ts,q,c\n" + "".join(f"s{i},2026-11-21T10:00:00Z,q,4\n" for i in range(3)) + "half,2026"
        for text, *command in ((lines, "send"), (lines, "send", "--http"), (rows, "import", "-", "--map", mapping)):
            self.fake.surveys.clear()
            ours, theirs = pty.openpty()  # reading fails once the other side is closed
            tty.setraw(theirs)
            with subprocess.Popen([CXCTL, *command], stdin=ours, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=self.environment(), text=True) as child:
                os.write(theirs, text.encode())
                while unread(ours):
                    os.sched_yield()
                os.close(theirs)
                out, err = child.communicate(timeout=60)
            os.close(ours)
            self.assertEqual((child.returncode, out, err), (2, "3 surveys: 3 stored, 0 duplicate, 0 revised, 0 refused\n",
                                                            "cxctl: -: Input/output error\n"), command)
            self.assertEqual(sorted(self.fake.surveys), ["s0", "s1", "s2"])

    def test_stdin_without_a_last_line_end(self):
        self.assertEqual(self.ok("send", stdin=survey(1) + "\n\n" + survey(2)),
                         "2 surveys: 2 stored, 0 duplicate, 0 revised, 0 refused\n")

    def test_a_file_that_is_no_lines_of_surveys_gets_a_word_of_advice(self):
        advice = ('cxctl: a survey is one line; "jq -c .[]" makes lines of a list, "jq -c ." of surveys that are laid out over '
                  "several\n")
        one = json.loads(survey(1))
        for text in (json.dumps(one, indent=1), json.dumps([one], indent=1), json.dumps([one, one]), f"[{survey(1)},\n{survey(2)},5]"):
            for way in ((), ("-d",)):
                code, _, err = self.cxctl("send", *way, stdin=text)
                self.assertEqual((code, err.count(advice), err.endswith(advice)), (4, 1, True), (text, way, err))
        for text in ("{oops\n", survey(1) + "\n{\n", "{\n" + survey(1) + "\n", "", "5\n"):
            for way in ((), ("-d",)):
                self.assertNotIn("jq", self.cxctl("send", *way, stdin=text)[2])

    def test_refused_lines_are_named(self):
        text = survey(1) + "\n\n" + survey(2, 9) + "\n{oops\n" + survey(3) + "\n"
        for way in ((), ("--http",)):
            self.fake.surveys.clear()
            code, out, err = self.cxctl("send", "-", *way, stdin=text)
            self.assertEqual((code, out), (5, "4 surveys: 2 stored, 0 duplicate, 0 revised, 2 refused\n"))
            self.assertEqual(err, "cxctl: -:3: E_RANGE: answers.csat: 9 is not from 1 to 5\n"
                                  "cxctl: -:4: E_JSON: not well-formed JSON\n")
        code, out, _ = self.cxctl("send", "-o", "json", stdin=text)
        self.assertEqual(code, 5)
        self.assertEqual(json.loads(out), {
            "read": 4, "stored": 0, "duplicate": 2, "revised": 0, "n_refused": 2, "refused": [
                {"line": 3, "id": None, "code": "E_RANGE", "field": "answers.csat", "error": "9 is not from 1 to 5"},
                {"line": 4, "id": None, "code": "E_JSON", "field": None, "error": "not well-formed JSON"}]})

    def test_metrics_that_the_daemon_does_not_know_are_told(self):
        self.fake.routes["/v1/me"] = (200, {**ME, "admin": True})
        text = "".join(json.dumps({**json.loads(survey(i)), "answers": {"csat": 4, "csatt": 5, "npx": i % 2 or None}}) + "\n"
                       for i in range(7)) + "{oops\n"
        for way in ((), ("--http",), ("--dry-run",), ("--dry-run", "-o", "json")):
            code, _, err = self.cxctl("send", *way, stdin=text)
            dry = "--dry-run" in way
            self.assertEqual((code, err.split("\n", 1)[1]), (5, warning("csatt", 7, dry) + warning("npx", 7, dry)), way)
        self.fake.surveys.clear()
        self.assertEqual(self.cxctl("send", stdin=text.replace("{oops\n", "")),
                         (0, "7 surveys: 7 stored, 0 duplicate, 0 revised, 0 refused\n",
                          warning("csatt", 7, False) + warning("npx", 7, False)))

    def test_a_dry_run_warns_of_answers_to_a_response_rate(self):
        me = {**ME, "metrics": [*ME["metrics"], {"name": "response", "kind": "response"}]}
        text = survey(1).replace("csat", "response") + "\n" + survey(2) + "\n"
        for admin in False, True:
            self.fake.routes["/v1/me"] = (200, {**me, "admin": admin})
            self.assertEqual(self.cxctl("send", "--dry-run", stdin=text),
                             (0, "2 surveys: 2 good, 0 refused; nothing was sent\n",
                              "cxctl: warning: the daemon refuses surveys with answers to 'response' (1): a response rate "
                              "comes from `status`\n"))
            self.assertEqual(self.cxctl("send", stdin=text)[2], "")

    def test_who_is_not_admin_is_told_of_doubts_only(self):
        text = survey(1).replace("csat", "csatt") + "\n" + survey(2).replace("csat", "npx") + "\n" + survey(3)
        code, _, err = self.cxctl("send", stdin=text)
        self.assertEqual((code, err), (0, "cxctl: warning: you are not shown all metrics of the daemon; if these are not "
                                          "configured there, they are not counted: csatt (1 answers), npx (1 answers)\n"))
        self.fake.routes["/v1/me"] = (401, {"code": "E_TOKEN", "error": "who are you?"})
        self.ok("send", stdin=text)
        lines = "unix:" + self.fake.path("lines.sock")
        self.assertIn("3 duplicate", self.ok("-H", "unix:/nowhere", "send", "--lines", lines, stdin=text))
        self.assertIn("3 good", self.ok("-H", "unix:/nowhere", "send", "--dry-run", stdin=text))

    def test_the_daemon_may_be_named_by_a_relative_path_and_by_no_other_text(self):
        text = survey(1) + "\n"
        for host in "unix:cxd.sock", "unix:./cxd.sock":
            place = os.path.dirname(self.fake.path("x"))
            done = subprocess.run([CXCTL, "-H", host, "send"], input=text, capture_output=True, text=True, cwd=place,
                                  timeout=60, env=self.environment(), check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(" 0 refused", done.stdout)
        # Two slashes are no folder fewer: both sockets are those of one daemon.
        for slashes in "unix:", "unix:/", "unix://":
            for command in ("me",), ("send",):
                self.assertEqual(self.cxctl("-H", slashes + self.fake.path("cxd.sock"), *command, stdin=text)[0], 0)
        lines = "unix:" + self.fake.path("lines.sock")
        self.fake.surveys.clear()
        for host in "unix:", "127.0.0.1:8480", "/run/cxd/cxd.sock":
            code, out, err = self.cxctl("-H", host, "send", "--lines", lines, stdin=text)
            self.assertEqual((code, out, self.fake.surveys), (2, "", {}))
            self.assertIn(f'-H: "{host}" is no address; right are unix:/run', err)

    def test_a_daemon_that_refuses_unknown_metrics_tells_it_itself(self):
        self.fake.strict = True
        self.fake.routes["/v1/me"] = (200, {**ME, "admin": True})
        code, _, err = self.cxctl("send", stdin=survey(1).replace("csat", "csatt") + "\n" + survey(2) + "\n")
        self.assertEqual((code, err), (5, "cxctl: -:1: E_METRIC: answers.csatt: is not a configured metric\n"))

    def test_all_refused_is_refused(self):
        code, out, _ = self.cxctl("send", "-o", "csv", stdin=survey(2, 9) + "\n")
        self.assertEqual((code, out), (4, "read,stored,duplicate,revised,refused\n1,0,0,0,1\n"))

    def test_many_refusals_are_all_named(self):
        text = "{\n" * 150 + survey(1) + "\n"
        for how in ((), ("-o", "csv"), ("-o", "json"), ("--dry-run",), ("--dry-run", "-o", "json")):
            code, out, err = self.cxctl("send", *how, stdin=text)
            self.assertEqual((code, [line.split(":")[2] for line in err.splitlines()]), (5, [str(i) for i in range(1, 151)]))
            if how == ("-o", "json"):
                self.assertEqual([r["line"] for r in json.loads(out)["refused"]], list(range(1, 151)))

    def test_on_a_terminal_many_refusals_are_counted(self):
        path = self.write("a.ndjson", "{\n" * 150 + survey(1) + "\n")
        for how, n in ((), 101), (("-o", "json"), 150), (("-o", "csv"), 150):
            ours, theirs = pty.openpty()
            subprocess.run([CXCTL, "send", *how, path], stdout=subprocess.DEVNULL, stderr=theirs, env=self.environment(),
                           check=False, timeout=60)
            os.close(theirs)
            with open(ours, "rb", 0) as terminal:
                lines = []
                with contextlib.suppress(OSError):  # its end
                    while True:
                        lines.append(terminal.readline())
            self.assertEqual(len(lines), n)
            self.assertIs(lines[-1] == b"cxctl: further refusals are only counted; 2>FILE and -o json name all\r\n", n == 101)

    def test_a_lost_connection_loses_nothing(self):
        self.fake.drops = [57, 300, 301]
        self.fake.ack_every = 50
        code, out, err = self.cxctl("send", stdin="".join(survey(i, 9 if i == 3 else 4) + "\n" for i in range(400)))
        self.assertEqual(code, 5)
        self.assertEqual(len(self.fake.surveys), 399)
        self.assertEqual(self.fake.connections, 4)
        self.assertEqual(err.count("is lost"), 3)
        self.assertEqual(err.count("E_RANGE"), 1)
        sums = [int(n) for n in re.findall(r"\d+", out)]
        self.assertEqual((sums[0], sum(sums[1:])), (400, 400))

    def test_a_pause_of_the_input_is_no_silence_of_the_daemon(self):
        """Lines that wait for more to be written with them are not overdue after a minute."""
        clock = pathlib.Path(self.fake.path("clock"))
        clock.write_text("+0\n", "ascii")
        env = self.environment(LD_PRELOAD=faketime(self), FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1")
        with subprocess.Popen([CXCTL, "send"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=env, text=True) as child:
            child.stdin.write(survey(0) + "\n")
            child.stdin.flush()
            while unread(child.stdin):
                os.sched_yield()
            clock.write_text("+62\n", "ascii")
            out, err = child.communicate("".join(survey(i) + "\n" for i in range(1, 3000)), timeout=60)
        self.assertEqual((out, err), ("3000 surveys: 3000 stored, 0 duplicate, 0 revised, 0 refused\n", ""))

    def test_a_daemon_that_stays_away_is_unreachable(self):
        self.fake.drops = list(range(1, 100))
        code, _, err = self.cxctl("send", stdin=survey(1) + "\n")
        self.assertEqual(code, 3)
        self.assertIn("lines.sock takes connections, but no surveys: closed by the daemon; giving up, 1 are not acknowledged", err)
        code, _, err = self.cxctl("send", "--lines", "unix:/nowhere/lines.sock", stdin=survey(1) + "\n")
        self.assertEqual(code, 3)
        self.assertIn("no daemon takes surveys at unix:/nowhere/lines.sock: No such file or directory", err)
        self.assertEqual(self.cxctl("send", "--lines", "udp://x")[0], 2)

    def strange(self, answer):
        """What a program says that takes lines, but is no cxd."""
        class Strange(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.recv(65536)
                try:
                    while answer:
                        self.request.sendall(answer)
                except OSError:
                    pass

        self.fake.serve(f"strange{len(self.fake.servers)}.sock", UnixLines, Strange)
        return "--lines", "unix:" + self.fake.path(f"strange{len(self.fake.servers) - 1}.sock")

    def test_an_acknowledgement_of_what_was_not_sent_is_none(self):
        for ack in (-1, 3, 1000, 2**62):
            code, _, err = self.cxctl("send", *self.strange(b'{"ack":%d}\n' % ack), stdin=survey(1) + "\n" + survey(2))
            self.assertEqual(code, 4, ack)
            self.assertIn("acknowledges lines that it was not sent; is that cxd?", err)

    def test_nothing_is_written_into_a_line_that_was_refused_before_its_end(self):
        long = json.dumps({"id": "long", "comment": "x" * 1000000})
        code, out, err = self.cxctl("send", stdin="\n".join([survey(0), long] + [survey(i) for i in range(1, 6)]))
        self.assertEqual((code, out), (5, "7 surveys: 6 stored, 0 duplicate, 0 revised, 1 refused\n"))
        self.assertEqual(err, "cxctl: -:2: E_TOO_LONG: the line is too long\n")
        self.assertEqual(sorted(self.fake.surveys), [f"s{i}" for i in range(6)])

    def test_an_answer_without_an_end_is_not_kept(self):
        code, _, err = self.cxctl("send", *self.strange(b"x" * 1000), stdin=survey(1))
        self.assertEqual(code, 4)
        self.assertIn("answers without an end; is that cxd?", err)

    def test_what_is_not_acknowledged_may_be_stored(self):
        take = self.fake.take

        def die_before_the_acknowledgement(lines):
            take(lines)
            raise OSError

        self.fake.take = die_before_the_acknowledgement
        code, _, err = self.cxctl("send", stdin=survey(1))
        self.assertEqual((code, list(self.fake.surveys)), (3, ["s1"]))
        self.assertIn("giving up, 1 are not acknowledged", err)

    def test_a_refusal_stands_after_a_lost_connection(self):
        fake, take = self.fake, self.fake.take
        fake.ack_every = 100

        def lose_after_a_refusal(lines):
            fake.take = take
            fake.drops = [2]
            return {"stored": 0, "duplicate": 0, "revised": 0, "refused": [
                {"index": 0, "id": "s1", "code": "E_FUTURE", "field": "ts", "error": "lies ahead"}]}

        fake.take = lose_after_a_refusal
        code, out, err = self.cxctl("send", stdin=survey(1) + "\n" + survey(2) + "\n" + survey(3, 9) + "\n")
        self.assertEqual((code, out), (5, "3 surveys: 1 stored, 0 duplicate, 0 revised, 2 refused\n"))
        self.assertEqual(list(fake.surveys), ["s2"])
        self.assertIn("cxctl: -:1: E_FUTURE: ts: lies ahead\n", err)
        self.assertIn("cxctl: -:3: E_RANGE: ", err)

    def test_a_daemon_that_took_surveys_again_and_then_stays_away_is_unreachable(self):
        fake, take = self.fake, self.fake.take
        fake.ack_every = 1

        def full_then_well_then_dead(lines):
            if fake.connections == 1:
                return {"stored": 0, "duplicate": 0, "revised": 0, "refused": [
                    {"index": 0, "id": None, "code": "E_UNAVAILABLE", "field": "", "error": "the disk is full"}]}
            fake.drops = list(range(fake.n_lines + 1, fake.n_lines + 100))
            return take(lines)

        fake.take = full_then_well_then_dead
        code, out, err = self.cxctl("send", stdin=survey(1) + "\n" + survey(2))
        self.assertEqual((code, out), (3, "2 surveys: 1 stored, 0 duplicate, 0 revised, 0 refused, 1 not acknowledged; "
                                           "no more were sent\n"))
        self.assertIn("takes connections, but no surveys: closed by the daemon; giving up, 1 are not acknowledged", err)

    def test_a_version_that_is_sent_again_after_a_later_one_is_not_refused(self):
        fake, refuse = self.fake, []

        def stale(lines):
            return {"stored": 0, "duplicate": 0, "revised": 0, "refused": [
                {"index": i, "id": "s1", "code": "E_STALE", "field": "rev", "error": "rev 2 is stored"}
                for i, line in enumerate(lines) if "s1" in line]}

        def lose_the_acknowledgement(lines):
            if not refuse:
                refuse.append(lines)
                raise OSError
            answer = stale(lines)
            answer["duplicate"] = len(lines) - len(answer["refused"])
            return answer

        text = survey(1) + "\n" + survey(2)
        for way in ((), ("--http",)):
            refuse.clear()
            fake.take = lose_the_acknowledgement
            code, out, err = self.cxctl("send", *way, stdin=text)
            self.assertEqual((code, out), (0, "2 surveys: 0 stored, 2 duplicate, 0 revised, 0 refused\n"), err)
            self.assertNotIn("E_STALE", err)
            code, out, err = self.cxctl("send", *way, stdin=text)
            self.assertEqual((code, out), (5, "2 surveys: 0 stored, 1 duplicate, 0 revised, 1 refused\n"), err)
            self.assertIn("cxctl: -:1: E_STALE: rev: rev 2 is stored\n", err)

    def test_a_refusal_stays_one_when_its_batch_is_sent_again_for_another_line(self):
        answers = [{"stored": 0, "duplicate": 0, "revised": 0, "refused": [STALE, {**STALE, "index": 1, "code": "E_UNAVAILABLE"}]},
                   {"stored": 1, "duplicate": 0, "revised": 0, "refused": [STALE]}]
        self.fake.take = lambda lines: answers.pop(0)
        code, out, err = self.cxctl("send", "--http", stdin=survey(1) + "\n" + survey(2))
        self.assertEqual((code, out), (5, "2 surveys: 1 stored, 0 duplicate, 0 revised, 1 refused\n"), err)

    def test_what_is_superseded_stays_in_the_sums_over_another_break(self):
        calls = []

        def take(lines):
            calls.append(lines)
            if len(calls) in (1, 3):
                raise OSError
            stale = "s1" in lines[0]
            return {"stored": int(not stale), "duplicate": 0, "revised": 0, "refused": [STALE] if stale else []}

        self.fake.take = take
        code, out, err = self.cxctl("send", stdin=survey(1) + "\n" + survey(2))
        self.assertEqual((code, out), (0, "2 surveys: 1 stored, 1 duplicate, 0 revised, 0 refused\n"), err)

    def test_surveys_go_to_no_other_daemon_than_the_one_that_is_asked(self):
        code, out, err = self.cxctl("-H", "http://127.0.0.1:1", "send", stdin=survey(1))
        self.assertEqual((code, out), (2, ""))
        self.assertIn("cxctl: where do the surveys for the daemon at http://127.0.0.1:1 go: --lines ADDRESS (CXCTL_LINES), or --http?", err)
        self.assertEqual(self.fake.surveys, {})

    def test_a_source_token_is_the_first_line(self):
        self.fake.token = "cxd_source"
        path = self.write("t", "cxd_source\n")
        code, _, err = self.cxctl("send", "--source-token-file", path, stdin=survey(1) + "\n" + survey(2, 9) + "\n")
        self.assertEqual(code, 5)
        self.assertIn("cxctl: -:2: E_RANGE", err)
        self.fake.token = 'a"b\\n'
        for how in ({"env": {"CXCTL_TOKEN": self.fake.token}}, {"env": {"CXCTL_TOKEN_FILE": self.write("t", self.fake.token)}}):
            self.assertEqual(self.cxctl("send", stdin=survey(1) + "\n", **how)[0], 0)
        code, _, err = self.cxctl("send", stdin=survey(1) + "\n", env={"CXCTL_TOKEN": "cxd_wrong"})
        self.assertEqual(code, 4)
        self.assertIn("E_TOKEN: no valid token", err)

    def test_over_http_whoever_gave_a_token_is_not_asked_for_one(self):
        self.fake.token = "cxd_source"
        said, hint = "cxctl: E_TOKEN: no valid token\n", "cxctl: give a token with --token-file or CXCTL_TOKEN_FILE\n"
        path = self.write("t", "cxd_wrong\n")
        for how, expected in ((), said + hint), (("--source-token-file", path), said), (("--token-file", path), said):
            self.assertEqual(self.cxctl("send", "--http", *how, stdin=survey(1))[::2], (4, expected))

    def test_http_waits_while_the_daemon_is_busy(self):
        self.fake.busy = 1
        self.assertEqual(self.ok("send", "--http", stdin=survey(1)),
                         "1 surveys: 1 stored, 0 duplicate, 0 revised, 0 refused\n")

    def test_http_sends_again_what_a_full_daemon_left_of_a_batch(self):
        fake, take = self.fake, self.fake.take

        def fill_up(lines):
            fake.take = take
            result = take(lines[:2])
            result["refused"] += [{"index": i, "id": f"s{i}", "code": "E_UNAVAILABLE", "field": "",
                                   "error": "the disk is full"} for i in range(2, len(lines))]
            return result

        fake.take = fill_up
        code, out, err = self.cxctl("send", "--http", stdin="".join(survey(i, 9 if i == 0 else 4) + "\n" for i in range(5)))
        self.assertEqual((code, out), (5, "5 surveys: 3 stored, 1 duplicate, 0 revised, 1 refused\n"))
        self.assertEqual(err, "cxctl: -:1: E_RANGE: answers.csat: 9 is not from 1 to 5\n")
        self.assertEqual(sorted(fake.surveys), [f"s{i}" for i in range(1, 5)])

    def test_http_gives_up_where_the_daemon_stays_full(self):
        """Also where the answer says so of every survey: else each further batch would wait as long, in vain."""
        fake = self.fake
        fake.take = lambda lines: {"stored": 0, "duplicate": 0, "revised": 0, "refused": [
            {"index": i, "id": f"s{i}", "code": "E_UNAVAILABLE", "field": "", "error": "the disk is full"}
            for i in range(len(lines))]}
        fast = {"LD_PRELOAD": faketime(self), "FAKETIME": "+0 x20"}
        code, out, err = self.cxctl("send", "--http", stdin="".join(survey(i) + "\n" for i in range(501)), env=fast)
        self.assertEqual((code, out), (4, "501 surveys: 0 stored, 0 duplicate, 0 revised, 0 refused, 501 not acknowledged; "
                                           "no more were sent\n"))
        self.assertRegex(err, r"^cxctl: \S+ does not take surveys now; giving up\n$")
        self.assertEqual(len([r for r in fake.requests if r[1] == "/v1/surveys"]), 21)

    def test_http_goes_on_while_each_try_takes_a_part(self):
        fake, take, tries = self.fake, self.fake.take, []

        def take_one_more(lines):
            tries.append(lines)
            result = take(lines[:len(tries)])
            result["refused"] += [{"index": i, "id": f"s{i}", "code": "E_UNAVAILABLE", "field": "",
                                   "error": "the disk is full"} for i in range(len(tries), len(lines))]
            return result

        fake.take = take_one_more
        fast = {"LD_PRELOAD": faketime(self), "FAKETIME": "+0 x20"}
        code, out, err = self.cxctl("send", "--http", stdin="".join(survey(i) + "\n" for i in range(30)), env=fast)
        self.assertEqual((code, out), (0, "30 surveys: 1 stored, 29 duplicate, 0 revised, 0 refused\n"), err)
        self.assertEqual((len(tries), len(fake.surveys)), (30, 30))

    def test_http_gives_up_where_tries_take_the_same_and_nothing_by_turns(self):
        fake, take = self.fake, self.fake.take

        def take_the_first(lines):
            fake.busy = len(fake.requests) < 100  # the next one is answered 503
            result = take(lines[:1])
            result["refused"] += [{"index": i, "id": f"s{i}", "code": "E_UNAVAILABLE", "field": "",
                                   "error": "the disk is full"} for i in range(1, len(lines))]
            return result

        fake.take = take_the_first
        fast = {"LD_PRELOAD": faketime(self), "FAKETIME": "+0 x20"}
        code, _, err = self.cxctl("send", "--http", stdin="".join(survey(i) + "\n" for i in range(3)), env=fast)
        self.assertEqual(code, 4)
        self.assertIn("does not take surveys now; giving up\n", err)
        self.assertEqual(len([r for r in fake.requests if r[1] == "/v1/surveys"]), 21)

    def test_of_a_line_without_an_end_little_is_kept(self):
        said = "cxctl: -:2: E_TOO_LONG: a survey may have 65536 bytes, this line has more\n"
        for way in ((), ("--http",), ("--dry-run",)):
            code, out, err = self.cxctl("send", *way, stdin=survey(1) + "\n" + "x" * 3000000 + "\n" + survey(2))
            self.assertEqual((code, out[:10], err), (5, "3 surveys:", said), way)

    def test_over_http_each_line_is_judged_by_itself(self):
        """Also the only one of a request, those that make the daemon see something else than lines, and long ones."""
        long = json.dumps({"id": "long", "comment": "x" * 300000})
        pretty = '{"id":\n"p","ts":1,"queue":"q"}'
        for text, said in (
                (survey(1, 9), ["1: E_RANGE: answers.csat: 9 is not from 1 to 5"]),
                ("".join(survey(i) + "\n" for i in range(500)) + survey(500, 9),
                 ["501: E_RANGE: answers.csat: 9 is not from 1 to 5"]),
                (f"[{survey(1)},{survey(2)}]\n" + survey(3), ["1: E_TYPE: a survey must be one JSON object in braces"]),
                (pretty, ["1: E_JSON: not well-formed JSON", "2: E_JSON: not well-formed JSON"]),
                (survey(1) + "\n" + long + "\n" + survey(2), ["2: E_TOO_LONG: the line is too long for a survey"])):
            with self.subTest(said):
                self.fake.surveys.clear()
                n = len(text.split("\n"))
                code, out, err = self.cxctl("send", "--http", stdin=text)
                self.assertEqual(err, "".join(f"cxctl: -:{line}\n" for line in said))
                self.assertEqual((code, out), (4 if len(said) == n else 5,
                                               f"{n} surveys: {n - len(said)} stored, 0 duplicate, 0 revised, "
                                               f"{len(said)} refused\n"))
                self.assertEqual(len(self.fake.surveys), n - len(said))

    def test_what_does_not_say_what_became_of_surveys_is_no_answer(self):
        self.fake.take_body = lambda _: {"stored": 0, "duplicate": 0, "revised": 0, "refused": []}
        code, _, err = self.cxctl("send", "--http", stdin=survey(1))
        self.assertEqual(code, 4)
        self.assertIn("does not say what became of 1 surveys; is that cxd?", err)

    def test_a_dry_run_checks_the_form_and_sends_nothing(self):
        text = survey(1) + '\n{"id":"x","ts":"yesterday","queue":"q"}\n{"id":1}\n'
        code, out, err = self.cxctl("send", "--dry-run", stdin=text)
        self.assertEqual((code, out), (5, "3 surveys: 1 good, 2 refused; nothing was sent\n"))
        self.assertRegex(err, r"^cxctl: -:2: E_\w+: ts: .+\ncxctl: -:3: E_TYPE: id: .+\n$")
        self.assertEqual(self.fake.n_lines, 0)
        out = self.cxctl("send", "--dry-run", "-o", "json", stdin=text)[1]
        self.assertEqual(out, '{"id":"s1","ts":"2026-11-21T10:00:00Z","queue":"q","answers":{"csat":4}}\n')

    def test_a_file_that_is_not_there(self):
        code, _, err = self.cxctl("send", "/nowhere/x")
        self.assertEqual((code, err), (2, "cxctl: /nowhere/x: No such file or directory\n"))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""cxctl send and import from a pipe that stays open, and from one that a signal ends."""

import contextlib
import json
import os
import signal
import subprocess
import time
import unittest

from fake_daemon import CXCTL, CliTest

MAPPING = "id: id\nts: ts\nqueue: {value: q}\nanswers: {csat: c}\n"


def survey(i):
    return json.dumps({"id": f"s{i}", "ts": "2026-11-21T10:00:00Z", "queue": "q", "answers": {"csat": 4}}) + "\n"


def row(i):
    return f"s{i},2026-11-21T10:00:00Z,4\n"


class Input(CliTest):
    def ways(self):
        """Commands that read a pipe, with what writes one survey and what comes before all."""
        for way in (), ("--http",):
            yield ("send", *way), survey, ""
            yield ("import", "-", "--map", self.write("m.yaml", MAPPING), *way), row, "id,ts,c\n"

    @contextlib.contextmanager
    def fed(self, command):
        self.fake.surveys.clear()
        with subprocess.Popen([CXCTL, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.environment(), text=True) as child:
            try:
                yield child
            finally:
                child.kill()

    def feed(self, child, text):
        child.stdin.write(text)
        child.stdin.flush()

    def settle(self, condition):
        deadline = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            os.sched_yield()

    def test_a_pipe_that_pauses_is_sent_what_came_so_far(self):
        for command, write, head in self.ways():
            with self.subTest(command), self.fed(command) as child:
                self.feed(child, head)
                for i in range(3):
                    self.feed(child, write(i))
                    self.settle(lambda n=i + 1: len(self.fake.surveys) == n)
                out, err = child.communicate(timeout=30)
                self.assertEqual((child.returncode, out, err),
                                 (0, "3 surveys: 3 stored, 0 duplicate, 0 revised, 0 refused\n", ""))

    def test_a_refusal_is_told_while_the_pipe_is_open(self):
        with self.fed(("send",)) as child:
            self.feed(child, survey(1).replace("4}", "9}"))
            self.assertEqual(child.stderr.readline(), "cxctl: -:1: E_RANGE: answers.csat: 9 is not from 1 to 5\n")

    def test_a_connection_that_is_lost_meanwhile_is_made_again(self):
        self.fake.drops = [2]
        with self.fed(("send",)) as child:
            self.feed(child, survey(1))
            self.settle(lambda: self.fake.n_lines == 1)
            self.feed(child, survey(2))
            self.settle(lambda: len(self.fake.surveys) == 2)
            self.assertEqual(self.fake.connections, 2)

    def test_a_signal_ends_the_input_and_not_what_was_read_of_it(self):
        """What is half there is left out; whoever waits learns of the signal."""
        for number in signal.SIGTERM, signal.SIGINT:
            for command, write, head in self.ways():
                with self.subTest((number, command)), self.fed(command) as child:
                    self.feed(child, head + write(1))
                    self.settle(lambda: self.fake.surveys)
                    self.feed(child, write(2) + write(3)[:-3])
                    self.settle(lambda: len(self.fake.surveys) == 2)
                    child.send_signal(number)
                    out, err = child.stdout.read(), child.stderr.read()
                    self.assertEqual((child.wait(30), out, err),
                                     (-number, "2 surveys: 2 stored, 0 duplicate, 0 revised, 0 refused; no more were sent\n", ""))

    def test_acknowledgements_that_are_late_are_waited_for_after_a_signal(self):
        take, asked = self.fake.take, []

        def when_interrupted(lines):
            asked.append(lines)
            child.send_signal(signal.SIGTERM)
            return take(lines)

        self.fake.take = when_interrupted
        with self.fed(("send",)) as child:
            self.feed(child, survey(1))
            out = child.stdout.read()
            self.assertEqual((child.wait(30), out),
                             (-signal.SIGTERM, "1 surveys: 1 stored, 0 duplicate, 0 revised, 0 refused; no more were sent\n"))

    def test_a_second_signal_ends_it_at_once(self):
        self.fake.take = lambda lines: self.fake.closing.wait(60)
        with self.fed(("send",)) as child:
            self.feed(child, survey(1))
            self.settle(lambda: self.fake.n_lines == 1)
            deadline = time.monotonic() + 30
            while child.poll() is None and time.monotonic() < deadline:
                child.send_signal(signal.SIGTERM)
                os.sched_yield()
            self.assertEqual((child.wait(30), child.stdout.read()), (-signal.SIGTERM, ""))

    def test_a_dry_run_ends_by_a_signal_with_its_sums(self):
        with self.fed(("send", "--dry-run", "-")) as child:
            self.feed(child, "{\n")
            child.stderr.readline()
            self.feed(child, survey(1) + survey(2)[:-3])
            child.send_signal(signal.SIGTERM)
            out = child.stdout.read()
            self.assertEqual(child.wait(30), -signal.SIGTERM)
            self.assertRegex(out, r"^[12] surveys: [01] good, 1 refused; nothing was sent\n$")


if __name__ == "__main__":
    unittest.main()

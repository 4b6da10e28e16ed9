# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real browser, against the mock: what all its tests share."""

import json
import sys
import threading
import time
import unittest

import browser
import mock

BOARD = "document.querySelectorAll('#rows tr').length"
TEXT = "document.querySelector({}).innerText"
DETAIL = "/#scope=agent/h.tanaka&metric=csat&window=28d"
SERIES = "document.querySelector('.series')"


def text(selector):
    return TEXT.format(json.dumps(selector))


class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = browser.Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def tearDown(self):
        self.no_problems()

    def start(self, scenario="normal", path="/", token=mock.TOKEN, failing=()):
        self.mock = mock.Mock(scenario)
        self.mock.failing |= set(failing)
        self.url = self.mock.serve()
        self.addCleanup(self.mock.close)
        self.page = self.browser
        self.page.problems.clear()
        self.page.look()
        self.page.open(self.url + "/web/style.css")
        if token:
            self.page.run(f"sessionStorage.setItem('cxd.token', {json.dumps(token)})")
        self.page.open(self.url + path)

    def overview(self, scenario="normal"):
        self.start(scenario)
        self.page.until(f"{BOARD} > 0", "the board is drawn")

    def eventually(self, is_so):
        deadline = time.monotonic() + 15
        while not is_so():
            self.assertLess(time.monotonic(), deadline, "not within 15 s")
            time.sleep(0.02)

    def no_problems(self):
        self.page.settle()
        self.assertEqual(self.page.problems, [])

    def stream_is_up(self):
        self.page.until("document.querySelector('.connection.live')", "the stream is there")

    def press(self, card, button):
        found = f"[...document.querySelectorAll('{card} button')].find((b) => b.innerText === '{button}' && !b.disabled)"
        # While something is sent, which the stream may tell of before it is answered, nothing can be pressed.
        self.page.until(found, f"'{button}' can be pressed")
        self.page.run(f"{found}.click()")

    def hold(self, path):
        """What is asked for from now on is answered as of the moment it is asked, but later."""
        self.mock.held[path] = event = threading.Event()
        self.addCleanup(event.set)
        return event


def main():
    if not browser.find():
        print("skipped: there is no Chromium here (Debian package: chromium)")
        sys.exit(77)
    unittest.main(verbosity=2)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboard while things go on: answers that come late, what fails and comes back, and who else is there.

Skipped when there is no Chromium.
"""

import datetime
import json

import mock
from dashboard import BOARD, Dashboard, main, text


class Live(Dashboard):
    def test_an_answer_that_was_asked_for_earlier_does_not_bring_back_an_older_figure(self):
        for path, row, wanted in (
            ("/", '#rows tr[data-scope="agent/h.tanaka"]', "/v1/board"),
            ("/#scope=agent/h.tanaka&metric=csat&window=28d", "#detail-rows tr[data-metric=csat]", "/v1/figures"),
        ):
            self.start(path=path)
            self.stream_is_up()
            self.page.until(f"document.querySelector({json.dumps(row)})", "the first figures")
            self.page.settle()
            held, asked = self.hold(wanted), len(self.mock.asked(wanted))
            self.mock.publish("gap", {"missed_from": 1, "missed_to": 2})
            self.eventually(lambda wanted=wanted, asked=asked: len(self.mock.asked(wanted)) > asked)
            newer = mock.stamp(self.mock.now + datetime.timedelta(seconds=10))
            figure = self.mock.figure("agent/h.tanaka", "csat", "28d") | {"value": 12.5, "low": 8, "high": 17, "n": 1234, "at": newer}
            self.mock.publish("figure", {"figures": [figure]})
            self.page.until(f"{text(row)}.includes('1,234')", "the new figure")
            held.set()
            self.no_problems()
            self.assertIn("1,234", self.page.run(text(row)))
            # The other way round: what the stream was late with.
            self.mock.publish("figure", {"figures": [figure | {"n": 999, "at": mock.stamp(self.mock.now)}]})
            self.no_problems()
            self.assertIn("1,234", self.page.run(text(row)))

    def test_a_figure_that_comes_while_the_first_ones_are_asked_for_is_not_lost(self):
        for path, row, wanted in (
            ("/", '#rows tr[data-scope="agent/h.tanaka"]', "/v1/board"),
            ("/#scope=agent/h.tanaka&metric=csat&window=28d", "#detail-rows tr[data-metric=csat]", "/v1/figures"),
        ):
            self.start(path="/web/style.css")
            held = self.hold(wanted)
            self.page.open(self.url + path)
            self.stream_is_up()
            # By the page itself, and once it is live.
            self.eventually(lambda wanted=wanted: len(self.mock.asked(wanted)) == 2)
            newer = mock.stamp(self.mock.now + datetime.timedelta(seconds=10))
            self.mock.publish("figure", {"figures": [self.mock.figure("agent/h.tanaka", "csat", "28d") | {"n": 1234, "at": newer}]})
            self.page.settle()
            held.set()
            self.page.until(f"document.querySelector({json.dumps(row)})", "the first figures")
            self.no_problems()
            self.assertIn("1,234", self.page.run(text(row)))


if __name__ == "__main__":
    main()

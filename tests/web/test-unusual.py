#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboard with what a configuration may also have: windows that are sums, names of any kind, rules for the good side.

Skipped when there is no Chromium.
"""

import json

import mock
from dashboard import BOARD, DETAIL, SERIES, Dashboard, main, text


class Unusual(Dashboard):
    def test_a_window_may_be_a_sum(self):
        self.overview()
        said = self.page.run("""import('/web/words.js').then((w) => ['1h30m', '1d', '1d12h', '1y30d', 'today'].map(
            (window) => [w.isShort(window), w.stepOf(window), w.windowWords(window), w.windowBefore(window)]))""")
        self.assertEqual(said, [[True, "3m", "last 1 hour and 30 minutes", "the 1 hour and 30 minutes before"],
                                [True, "48m", "last day", "the day before"],
                                [False, "1h", "last 1 day and 12 hours", "the 1 day and 12 hours before"],
                                [False, "13d", "last 1 year and 30 days", "the 1 year and 30 days before"],
                                [True, "48m", "today", "yesterday"]])  # fmt: skip

    def test_the_last_answers_are_those_of_the_chosen_time(self):
        self.start(path=DETAIL)
        self.page.until(SERIES, "the chart")
        # Once more when the stream is there; what is still on its way then could arrive behind what is asked for next.
        self.eventually(lambda: len(self.mock.asked("/v1/surveys")) == 2)
        for window in ("28d", "today"):
            self.page.run(f"location.hash = {json.dumps(DETAIL[1:].replace('28d', window))}")
            self.eventually(lambda wanted=window: self.mock.asked("/v1/surveys")[-1][2].get("since") == wanted)

    def test_a_metric_may_have_any_name(self):
        self.overview()
        said = self.page.run("""import('/web/words.js').then((w) => ['constructor', 'toString', 'nps'].map(
            (name) => [w.metricLabel(name), w.metricHelp({name, kind: 'yes'})]))""")
        plain = "The share of customers who answered yes."
        self.assertEqual(said, [["Constructor", plain], ["ToString", plain], ["NPS", f"Net promoter score. {plain}"]])

    def test_two_of_one_name_are_told_apart(self):
        self.start(path="/web/style.css")
        self.mock.scopes["agent/ana.ruiz-2"] = ("Ana Ruiz", ["team/alpha"])
        self.page.open(self.url + "/")
        rows = "[...document.querySelectorAll('#rows th')].map((th) => th.innerText)"
        self.page.until(f"{rows}.includes('Ana Ruiz (ana.ruiz)') && {rows}.includes('Ana Ruiz (ana.ruiz-2)')", "both, with their ids")
        self.assertIn("Hiro Tanaka", self.page.run(rows))
        self.page.run("[...document.querySelectorAll('#rows a')].find((a) => a.innerText.includes('-2')).click()")
        self.page.until(f"{text('#detail-title')} === 'Ana Ruiz (ana.ruiz-2)'", "the page of one of them")

    def test_an_alert_is_dealt_with_on_the_page_of_its_scope(self):
        alert = next(a for a in mock.Mock("normal").alerts.values() if a["scope"].startswith("agent/"))
        self.start(path=f"/#scope={alert['scope']}&metric={alert['metric']}&window=28d")
        card = f'#detail-alerts .card[data-id="{alert["id"]}"]'
        self.page.until(f"document.querySelector('{card}')", "the alert")
        shown = "[...document.querySelectorAll('#detail-alerts .card')].filter((c) => c.checkVisibility()).map((c) => c.dataset.id)"
        self.assertEqual(self.page.run(shown), [alert["id"]])
        self.press(card, "Acknowledge")
        self.page.until(f"{text(card)}.includes('taken on by maria')", "it is acknowledged")
        self.press(card, "Note and outcome")
        self.page.run(f"document.querySelector('{card} textarea').value = 'Called.'")
        here = self.page.run("location.hash")
        self.page.run(f"location.hash = {json.dumps(DETAIL[1:].replace('csat', 'nps'))}")
        self.page.until(f"{text('#detail-title')} === 'Hiro Tanaka'", "another one")
        self.assertNotIn(alert["id"], self.page.run(shown))
        self.page.run(f"location.hash = {json.dumps(here)}")
        self.page.until(f"document.querySelector('{card}').checkVisibility()", "back again")
        self.assertEqual(self.page.run(f"document.querySelector('{card} textarea').value"), "Called.")
        self.press(card, "Save")
        self.eventually(lambda: self.mock.asked(f"/v1/alerts/{alert['id']}/outcome", "POST"))
        self.page.until(f"{text(card)}.includes('Called.')", "the note is shown")
        self.mock.transition(self.mock.alerts[alert["id"]], "resolved", reason="recovered")
        self.page.until(f"!document.querySelector('{card}')", "it is over")

    def test_what_is_better_than_the_limit_of_a_rule_is_not_in_need(self):
        self.overview()
        self.stream_is_up()
        alert = self.mock.alert(4, "agent/h.tanaka", "csat", "28d", "info", "firing", 2, "Praise.")
        alert["figure"] |= {"value": 99.0, "low": 97.0, "high": 99.8, "n": 477}
        alert["evidence"] = {"test": "point", "value": None, "threshold": None}
        self.mock.transition(alert | {"target": 95}, "firing")
        card = '.card[data-id="a000000000000004"]'
        self.page.until(f"document.querySelector({json.dumps(card)})", "the alert")
        self.assertIn("CSAT above", self.page.run(text(card + " h3")))
        self.assertEqual(self.page.run(f"document.querySelectorAll({json.dumps(card + ' .tone-bad')}).length"), 0)

    def test_a_metric_that_became_another_one_is_shown_in_its_new_unit_everywhere(self):
        csat = next(i for i, m in enumerate(mock.METRICS) if m["name"] == "csat")
        before = mock.METRICS[csat]
        figure = {"value": 4.1, "low": 3.9, "high": 4.3, "n": 60, "state": "ok", "target": 4, "window": "28d"}
        row = '#rows tr[data-scope="agent/ana.ruiz"]'
        for path, where in (("/", f".card[data-id='a000000000000009'], {row}"), (DETAIL.replace("h.tanaka", "ana.ruiz"), "#detail-rows tr.chosen")):
            mock.METRICS[csat] = before
            self.start(path=path)
            self.stream_is_up()
            old = f"document.querySelector({json.dumps(row + ', #detail-rows tr.chosen')})?.innerText"
            self.page.until(f"{old}?.includes('%')", "the figures")
            # The daemon read its configuration anew; its news come before the tick that says so.
            mock.METRICS[csat] = mock.metric("csat", "mean", "", [1, 5], 4)
            self.addCleanup(mock.METRICS.__setitem__, csat, before)
            now = self.mock.figure("agent/ana.ruiz", "csat", "28d") | figure
            self.mock.given["agent/ana.ruiz", "csat", "28d"] = now
            alert = self.mock.alert(9, "agent/ana.ruiz", "csat", "28d", "warning", "firing", 0, "Talk.", target=4)
            alert["evidence"] = {"test": "point", "value": None, "threshold": None}
            self.mock.transition(alert, "firing")
            self.mock.publish("figure", {"figures": [now]})
            shown = f"[...document.querySelectorAll({json.dumps(where)})].map((n) => n.innerText + [...n.querySelectorAll('svg')].map((s) => s.ariaLabel))"
            self.page.until(f"{shown}.every((t) => t.includes('4.1'))", "the news")
            self.mock.reloads += 1
            self.mock.publish("tick", self.mock.tick())
            self.page.until(f"{shown}.every((t) => t.includes('4.10, likely between 3.9 and 4.3'))", path)
            self.assertNotIn("%", "".join(self.page.run(shown)))

    def test_a_name_is_found_without_its_accents_and_by_any_apostrophe(self):
        self.start(path="/web/style.css")
        self.mock.scopes |= {f"agent/x{n}": (f"Agent {n}", ["team/alpha"]) for n in range(12)}
        self.mock.scopes["agent/x0"] = ("Siobh\u00e1n O\u2019Brien", ["team/alpha"])
        self.page.open(self.url + "/#kind=agent&metric=csat&window=28d")
        self.page.until(f"{BOARD} > 12", "all agents")
        find = "document.getElementById('filter')"
        for wanted in ("siobhan", "o'brien", "O\u2019Brien", "SIOBHA\u0301N"):
            self.page.run(f"{find}.value = {json.dumps(wanted)}; {find}.dispatchEvent(new Event('input'))")
            self.page.until(f"{BOARD} === 1 && document.querySelector('#rows tr').dataset.scope === 'agent/x0'", wanted)

    def test_a_note_keeps_its_lines_and_the_outcome_that_there_is(self):
        self.start(path="/web/style.css")
        self.mock.alerts["a000000000000001"] |= {"outcome": "it helped", "note": "Called all ten back.\nTwo did not answer."}
        self.page.open(self.url + "/")
        card = '.card[data-id="a000000000000001"]'
        self.page.until(f"document.querySelector('{card}')", "the alert")
        self.assertIn("it helped: Called all ten back.\nTwo did not answer.", self.page.run(text(card)))
        self.press(card, "Note and outcome")
        self.page.run(f"document.querySelector('{card} textarea').value = '\u00e9'.repeat(251)")
        self.press(card, "Save")
        self.assertIn("The note takes 502 bytes, and 500 are the most", self.page.run(text(card)))
        self.page.run(f"document.querySelector('{card} textarea').value = 'The last two, too.'")
        self.press(card, "Save")
        self.eventually(lambda: self.mock.asked("/v1/alerts/a000000000000001/outcome", "POST"))
        self.assertEqual(self.mock.asked("/v1/alerts/a000000000000001/outcome", "POST")[0][3], {"outcome": "it helped", "note": "The last two, too."})

    def test_a_range_that_is_wider_than_the_scale_stays_in_the_chart(self):
        self.overview()
        places = self.page.run("""(async () => {
            const {seriesChart} = await import('/web/chart.js');
            const at = (i) => new Date(Date.UTC(2024, 10, 1 + i)).toISOString();
            const points = [0, 1, 2].map((i) => ({at: at(i), value: 1.5 + i, low: 0.1, high: 5.9, n: 3, target: null, state: 'ok'}));
            const chart = seriesChart({name: 'ces', kind: 'mean', unit: '', scale: [1, 5]}, points, 700);
            return chart.querySelector('.band').getAttribute('points').split(' ').map((p) => Number(p.split(',')[1]));
        })()""")
        self.assertEqual([min(places), max(places)], [12, 232])

    def test_what_hardly_anybody_answered_does_not_squeeze_a_chart(self):
        self.overview()
        written, low, places = self.page.run("""(async () => {
            const {seriesChart} = await import('/web/chart.js');
            const at = (i) => new Date(Date.UTC(2024, 10, 1 + i)).toISOString();
            const few = {at: at(0), value: 0, low: -48, high: 48, n: 3, target: 30, state: 'insufficient'};
            const many = [1, 2, 3].map((i) => ({at: at(i), value: 26 + i, low: 24 + i, high: 28 + i, n: 999, target: 30, state: 'ok'}));
            const chart = (points) => seriesChart({name: 'nps', kind: 'nps', unit: 'points', scale: [0, 10]}, points, 700);
            const texts = (chart) => [...chart.querySelectorAll('text')].map((t) => t.textContent).filter((t) => /^[-+]?[0-9]+$/.test(t));
            return [texts(chart([few, ...many])), texts(chart([few])),
                [...chart([few, ...many]).querySelectorAll('circle')].map((c) => Number(c.getAttribute('cy')))];
        })()""")
        self.assertEqual(written, ["-10", "0", "+10", "+20", "+30", "+40"])
        self.assertLess(int(low[0]), -48)
        self.assertTrue(all(12 <= y <= 232 for y in places), places)

    def test_silence_is_noticed_after_three_ticks(self):
        self.overview()
        silences = self.page.run("""import('/web/api.js').then(({Stream}) => [1, 10, 60].map((period) => {
            const stream = new Stream({});
            const before = stream.silence;
            stream.learn(0);
            stream.learn(1000 * period);
            return [before, stream.silence];
        }))""")
        self.assertEqual(silences, [[90000, 15000], [90000, 30000], [90000, 180000]])


if __name__ == "__main__":
    main()

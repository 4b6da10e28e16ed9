#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboard for those who read it on a small screen, with the keyboard, or with eyes that are not the best.

Skipped when there is no Chromium.
"""

import json

import mock
from dashboard import BOARD, DETAIL, SERIES, Dashboard, main, text


class Reading(Dashboard):
    def test_the_name_of_the_target_can_be_read_in_a_chart(self):
        self.overview()
        for value, target in ((84, 80), (76, 80), (80, 80), (60, 100), (24, 20)):
            for width in (260, 1150):
                words, top, covered = self.page.run(f"""(async () => {{
                    const {{seriesChart}} = await import('/web/chart.js');
                    const at = (i) => new Date(Date.UTC(2024, 10, 1 + i)).toISOString();
                    const point = (v, i) => ({{at: at(i), value: v, low: null, high: null, n: 99, target: {target}, state: 'ok'}});
                    const values = [{0 if value > 50 else 100}, ...Array(24).fill({value})];
                    const chart = seriesChart({{name: 'csat', kind: 'top2', unit: '%', scale: [1, 5]}}, values.map(point), {width});
                    document.querySelector('main').append(chart);
                    const text = chart.querySelector('.target-text'), t = text.getBoundingClientRect();
                    const points = [...chart.querySelectorAll('circle')].map((c) => c.getBoundingClientRect());
                    const line = chart.querySelector('line.target').getBoundingClientRect();
                    const covers = (b) => b.right > t.left + 1 && b.left < t.right - 1 && b.bottom > t.top + 3 && b.top < t.bottom - 3;
                    return [text.textContent, t.top - chart.getBoundingClientRect().top, [...points, line].filter(covers).length];
                }})()""")
                what = (words, value, width)
                self.assertGreater(top, -2, what)
                # On a line of values that is the target's own there is no better place.
                if value != target:
                    self.assertEqual(covered, 0, what)

    def test_colours_of_words_stand_out_from_what_is_behind_them(self):
        # What is asked of text by WCAG 2.1, level AA, wherever it may stand.
        for dark in (False, True):
            self.start()
            self.page.look(dark=dark)
            ratios = self.page.run("""(() => {
                const style = getComputedStyle(document.documentElement);
                const light = (name) => {
                    const at = [1, 3, 5].map((i) => parseInt(style.getPropertyValue(name).trim().slice(i, i + 2), 16) / 255);
                    const [r, g, b] = at.map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
                    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
                };
                return ['--ink', '--quiet', '--link', '--bad', '--near', '--good', '--none'].flatMap((word) =>
                    ['--page', '--panel'].map((behind) => [word, behind, Math.max(light(word) / light(behind), light(behind) / light(word))]));
            })()""")
            for word, behind, ratio in ratios:
                self.assertGreaterEqual(ratio, 4.5, (dark, word, behind))

    def test_nothing_sticks_out_on_a_small_screen(self):
        for path, wait in (("/", f"{BOARD} > 0"), ("/#scope=queue/billing-es&metric=nps&window=7d", SERIES)):
            self.start("hostile", path)
            self.page.until(wait, path)
            self.page.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
            for width in (320, 360):
                self.page.look(width=width, height=800)
                self.page.settle()
                self.assertEqual(self.page.run("document.documentElement.scrollWidth"), width, path)
                for table in self.page.run("[...document.querySelectorAll('table')].map((t) => [t.scrollWidth, t.parentNode.clientWidth])"):
                    self.assertLessEqual(*table, (width, path))
            self.no_problems()

    def test_a_long_name_of_a_metric_does_not_stick_out(self):
        for name in ("w" * 64, "agent.answered.all.of.the.questions.that.were.asked"):
            mock.METRICS.append(mock.metric(name, "top2", "%", [1, 5], 85))
            self.addCleanup(lambda name=name: mock.METRICS.remove(next(m for m in mock.METRICS if m["name"] == name)))
            for path, wait in ((f"/#kind=queue&metric={name}&window=28d", ".card[data-id=a000000000000008]"),
                               (f"/#scope=queue/billing-es&metric={name}&window=28d", ".surveys li")):  # fmt: skip
                self.start(path="/web/style.css")
                alert = self.mock.alert(8, "queue/billing-es", name, "28d", "warning", "firing", 1, "Ask.")
                self.mock.alerts[alert["id"]] = alert
                for width in (360, 768, 1280):
                    self.page.look(width=width, height=800)
                    self.page.open(self.url + "/web/style.css")
                    self.page.open(self.url + path)
                    self.page.until(f"document.querySelector('{wait}')", path)
                    self.page.settle()
                    self.assertEqual(self.page.run("document.documentElement.scrollWidth"), width, path)

    def test_long_words_do_not_stick_out(self):
        for path, wait in (("/", ".card[data-id=a000000000000008]"), ("/#scope=agent/long&metric=csat&window=28d", "#detail-alerts .card")):
            self.start(path="/web/style.css")
            self.mock.scopes["agent/long"] = ("x" * 128, ["team/alpha"])
            alert = self.mock.alert(8, "agent/long", "csat", "28d", "warning", "acknowledged", 1, "https://" + "y" * 500, by="b" * 100, note="n" * 500)
            self.mock.alerts[alert["id"]] = alert
            for width in (360, 1280):
                self.page.look(width=width, height=800)
                self.page.open(self.url + "/web/style.css")
                self.page.open(self.url + path)
                self.page.until(f"document.querySelector('{wait}') && document.querySelector('#rows tr, #detail-rows tr')", path)
                self.no_problems()
                self.page.until("!document.getElementById('overview').hidden || document.querySelector('#bad-list li')", "the low answers")
                self.assertEqual(self.page.run("document.documentElement.scrollWidth"), width)

    def test_common_words_are_not_broken_on_a_tablet(self):
        self.start(path="/web/style.css")
        mock.METRICS.append(mock.metric("knowledge", "top2", "%", [1, 5], 85))
        self.addCleanup(mock.METRICS.pop)
        self.mock.given["queue/billing-es", "courtesy", "90d"] = self.mock.figure("queue/billing-es", "courtesy", "90d") | dict.fromkeys(
            ("trend", "trend_low", "trend_high"))  # fmt: skip
        self.page.open(self.url + "/#scope=queue/billing-es&metric=csat&window=90d")
        self.page.until(SERIES, "the scope")
        for width in (768, 900, 1024):
            self.page.look(width=width)
            self.page.settle()
            heights = self.page.run("""[...document.querySelectorAll('#detail-rows button')].filter((b) => !b.innerText.includes(' '))
                .map((b) => b.offsetHeight)""")
            self.assertEqual(heights, [heights[0]] * 6, width)

    # --- on paper ---

    def test_a_printed_chart_is_whole_and_can_be_read(self):
        # No change of size is told while a page is printed.
        deaf = self.browser.call("Page.addScriptToEvaluateOnNewDocument", source="window.ResizeObserver = class { observe() {} };")
        self.addCleanup(lambda: self.browser.call("Page.removeScriptToEvaluateOnNewDocument", **deaf))
        self.start(path=DETAIL)
        self.page.until(SERIES, "the chart")
        before = self.page.run(f"{SERIES}.getAttribute('width')")
        self.page.run("dispatchEvent(new Event('beforeprint'))")
        for width in (640, 1000):
            self.page.look(paper=True, width=width)
            self.page.settle()
            drawn, there, text = self.page.run(f"""[{SERIES}.getBoundingClientRect().width, {SERIES}.parentNode.clientWidth,
                {SERIES}.querySelector('.target-text').getBoundingClientRect().height]""")
            self.assertAlmostEqual(drawn, there, delta=1, msg=width)
            self.assertGreater(text, 11, width)
        self.page.look()
        self.page.run("dispatchEvent(new Event('afterprint'))")
        self.assertEqual(self.page.run(f"{SERIES}.getAttribute('width')"), before)

    def test_a_print_says_of_what_time_it_is(self):
        for path, there in (("/", f"{BOARD} > 0"), (DETAIL, SERIES)):
            self.start(path=path)
            self.page.until(there, path)
            self.page.look(paper=True)
            self.page.settle()
            today = self.page.run("new Date().toLocaleDateString(undefined, {dateStyle: 'medium'})")
            said = self.page.run("[...document.querySelectorAll('.printed')].map((p) => p.innerText).filter(Boolean)")
            self.assertEqual(len(said), 1, path)
            self.assertIn("last 28 days", said[0])
            self.assertIn(today, said[0])

    # --- by keyboard ---

    def enter(self, selector):
        self.page.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13)
        self.page.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)

    def test_skipping_to_the_content_leaves_nothing(self):
        for path, there in (("/#kind=queue&metric=nps&window=7d", f"{BOARD} === 2"), (DETAIL, "document.querySelector('.series')")):
            self.start(path=path)
            self.page.until(there, "the page")
            self.page.settle()
            self.enter(".skip")
            self.page.until("document.activeElement.id === 'content'", "the content has the focus")
            self.page.settle()
            self.assertTrue(self.page.run(f"!!({there})"), path)
            self.assertTrue(self.page.run(f"location.href.endsWith('{path}')"), path)
            # Not a control that waits for a key: there is no ring around all of it.
            self.assertEqual(self.page.run("getComputedStyle(document.activeElement).outlineStyle"), "none")

    def test_the_way_back_leads_to_where_one_came_from(self):
        self.overview()
        self.stream_is_up()
        self.page.until("document.querySelectorAll('.card').length === 3", "the alerts")
        self.page.settle()
        card, row = '.card[data-id="a000000000000002"]', '#rows tr[data-scope="agent/h.tanaka"]'
        on_title = "document.activeElement.id === 'detail-title'"
        for place in (card, row):
            self.enter(f"{place} a")
            self.page.until(on_title, "the scope")
            # Meanwhile what is there is drawn anew, and another scope is looked at.
            self.mock.transition(self.mock.alerts["a000000000000002"], "firing", note=place)
            self.enter("#detail-place a")
            self.page.until(f"{text('#detail-title')} === 'Alpha' && {on_title}", "what it lies in")
            self.page.settle()
            self.enter("#back")
            self.page.until("!document.getElementById('overview').hidden", "the overview")
            self.page.settle()
            self.assertTrue(self.page.run(f"document.activeElement === document.querySelector({json.dumps(place + ' a')})"), place)
        # Who came from nowhere, or from what is gone, begins at the top.
        self.enter(f"{card} a")
        self.page.until(on_title, "the scope")
        self.mock.transition(self.mock.alerts["a000000000000002"], "resolved", reason="recovered")
        self.page.until("document.title.startsWith('(1)')", "it is over")
        self.enter("#back")
        self.page.until("document.activeElement.id === 'content'", "the top")
        self.start(path=DETAIL)
        self.page.until(on_title, "the scope")
        self.enter("#back")
        self.page.until("document.activeElement.id === 'content'", "the top")

    def test_more_is_shown_in_parts_and_where_it_begins_has_the_focus(self):
        self.start(path="/web/style.css")
        for number in range(10, 160):
            alert = self.mock.alert(number, "agent/e.santos", "csat", "7d", "info", "firing", 0, "Talk.")
            self.mock.alerts[alert["id"]] = alert
        self.mock.scopes |= {f"agent/x{n}": (f"Agent {n}", ["team/alpha"]) for n in range(120)}
        self.page.open(self.url + "/")
        cards = "document.querySelectorAll('.card').length"
        self.page.until(f"{cards} === 12 && {BOARD} === 100", "the first ones")
        self.page.settle()
        at = "[...document.querySelectorAll('.card')].indexOf(document.activeElement.closest('.card'))"
        for before, after in ((12, 112), (112, 153)):
            self.enter("#attention-more")
            self.page.until(f"{cards} === {after}", "more")
            self.page.settle()
            self.assertEqual(self.page.run(at), before)
        self.assertTrue(self.page.run("document.getElementById('attention-more').hidden"))
        self.enter("#board-more")
        self.page.until(f"{BOARD} === 129", "all rows")
        self.page.settle()
        self.assertEqual(self.page.run("[...document.querySelectorAll('#rows tr')].indexOf(document.activeElement.closest('tr'))"), 100)

    def test_more_begins_before_a_card_that_is_only_there_because_it_is_in_use(self):
        self.start(path="/web/style.css")
        for number in range(10, 30):
            alert = self.mock.alert(number, "agent/e.santos", "csat", "7d", "info", "firing", 0, "Talk.")
            self.mock.alerts[alert["id"]] = alert
        self.page.open(self.url + "/")
        self.stream_is_up()
        cards = "document.querySelectorAll('.card').length"
        self.page.until(f"{cards} === 12", "the first ones")
        self.press(".card:last-child", "Note and outcome")
        used = self.page.run("document.querySelector('.card:last-child').dataset.id")
        self.mock.transition(self.mock.alerts[used], "resolved", reason="recovered")
        self.page.until(f"{cards} === 13", "another one of the first, and the one in use")
        self.enter("#attention-more")
        self.page.until(f"{cards} === 23", "all")
        self.page.settle()
        self.assertEqual(self.page.run("[...document.querySelectorAll('.card')].indexOf(document.activeElement.closest('.card'))"), 12)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboard while things go on: answers that come late, what fails and comes back, and who else is there.

Skipped when there is no Chromium.
"""

import datetime
import json
import time

import mock
from dashboard import BOARD, DETAIL, Dashboard, main, text

# A stream in a time of its own: advance(ms) lets it pass, sleep(ms) lets only the clock go on, as a laptop does.
# tick(ms): the daemon sends one tick after another for so long. `connections` counts.
VIRTUAL = """(async () => {
    const { Stream } = await import('/web/api.js');
    const real = [setTimeout, setInterval, clearTimeout, clearInterval, Date.now, fetch];
    let now = 1e12, id = 0, connections = 0, feed = null;
    const timers = new Map();
    const settle = () => new Promise((done) => { const c = new MessageChannel(); c.port1.onmessage = done; c.port2.postMessage(0); });
    window.setTimeout = (f, ms) => (timers.set(++id, { f, at: now + ms }), id);
    window.setInterval = (f, ms) => (timers.set(++id, { f, at: now + ms, ms }), id);
    window.clearTimeout = window.clearInterval = (i) => timers.delete(i);
    Date.now = () => now;
    window.fetch = async (path, { signal }) => {
        connections++;
        return new Response(new ReadableStream({ start(c) {
            feed = c;
            signal.addEventListener('abort', () => c.error(new Error('aborted')));
        } }));
    };
    const advance = async (ms) => {
        for (const end = now + ms; now < end;) {
            now += 1000;
            for (const [i, t] of [...timers])
                if (timers.has(i) && t.at <= now) {
                    if (t.ms) t.at = now + t.ms; else timers.delete(i);
                    t.f();
                }
            for (let n = 0; n < 3; n++) await settle();
        }
    };
    const sleep = (ms) => { now += ms; timers.forEach((t) => (t.at += ms)); };
    const say = (text) => feed.enqueue(new TextEncoder().encode(text));
    const tick = async (ms, every = 10000) => {
        for (; ms > 0; ms -= every) {
            await advance(every);
            say(`event: tick\\nid: 0\\ndata: {"seq":0,"at":"${new Date(now).toISOString()}"}\\n\\n`);
            await settle();
        }
    };
    const none = () => {};
    const stream = new Stream({ event: none, live: none, lost: none, refused: none });
    const done = stream.run();
    try {
        await settle();
        return await (async () => { %s })();
    } finally {
        stream.stop();
        [window.setTimeout, window.setInterval, window.clearTimeout, window.clearInterval, Date.now, window.fetch] = real;
        await done;
    }
})()"""


class Live(Dashboard):
    def test_an_answer_that_was_asked_for_earlier_does_not_bring_back_an_older_figure(self):
        for path, row, wanted in (
            ("/", '#rows tr[data-scope="agent/h.tanaka"]', "/v1/board"),
            (DETAIL, "#detail-rows tr[data-metric=csat]", "/v1/figures"),
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
            (DETAIL, "#detail-rows tr[data-metric=csat]", "/v1/figures"),
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

    def test_a_chart_ends_with_the_figure_that_there_is_now(self):
        self.start("empty", DETAIL)
        self.stream_is_up()
        self.page.until(f"{text('#chart')}.includes('nothing to draw')", "no answers yet")
        # Once more when the stream is there; the mock goes on to say that there are none.
        self.eventually(lambda: len(self.mock.asked("/v1/figures")) >= 2)
        # The first one.
        figure = self.mock.figure("agent/h.tanaka", "csat", "28d") | {"value": 100.0, "low": 20.7, "high": 100.0, "n": 1, "state": "insufficient"}
        self.mock.publish("figure", {"figures": [figure]})
        point = "[...document.querySelectorAll('.point title')].at(-1)?.textContent"
        self.page.until(f"{point}?.includes('100.0%') && {point}.includes('1 answer')", "it is drawn", 5)
        self.mock.publish("figure", {"figures": [figure | {"value": 50.0, "low": 9.5, "high": 90.5, "n": 2}]})
        self.page.until(f"{point}.includes('50.0%') && {point}.includes('2 answers')", "so is the second one", 5)
        self.assertEqual(self.page.run("document.querySelectorAll('.series .point').length"), 1)
        self.assertIn("50.0%", self.page.run("document.querySelector('#number-rows tr:last-child').textContent"))

    def test_choosing_twice_what_is_loading_shows_it(self):
        self.start(path=DETAIL)
        self.page.until("document.querySelector('.series') && document.querySelectorAll('.surveys li').length", "the detail")
        self.stream_is_up()
        self.page.settle()
        held = self.hold("/v1/series")
        for _ in range(2):
            self.page.run("document.querySelector('#detail-rows tr[data-metric=courtesy] button').click()")
            self.page.settle()
        held.set()
        self.page.until("document.querySelector('.series')", "the series", 5)

    def test_figures_of_short_windows_are_asked_for_every_minute(self):
        short = [("1h", [], True), ("today", [], True), ("28d", [], False)]
        # The last low answers are asked for as often while there is news of what they are answers to.
        listed = [*short[:2], ("28d", ["courtesy"], False), ("28d", ["csat"], True)]
        for path, wanted, cases in (("/#kind=agent&metric=csat&window=", "/v1/board", short), (DETAIL.replace("28d", ""), "/v1/figures", listed)):
            for window, news, more in cases:
                self.start(path="/web/style.css")
                # A minute is a second.
                quick = "window.setInterval = ((make) => (f, ms) => make(f, ms === 60000 ? 1000 : ms))(window.setInterval.bind(window))"
                script = self.page.call("Page.addScriptToEvaluateOnNewDocument", source=quick)["identifier"]
                self.page.open(self.url + path + window)
                self.stream_is_up()
                self.page.settle()
                asked = len(self.mock.asked(wanted))
                for metric in news:
                    self.mock.publish("figure", {"figures": [self.mock.figure("agent/h.tanaka", metric, "28d")]})
                time.sleep(2.2)
                self.assertEqual(len(self.mock.asked(wanted)) > asked, more, (path, window, news))
                self.page.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)

    # --- what fails and comes back ---

    def test_what_could_not_be_loaded_is_said_and_asked_for_again(self):
        for path, wanted, said, there in (
            ("/", "/v1/alerts", "The alerts could not be loaded", "document.querySelectorAll('.card').length === 3"),
            ("/", "/v1/board", "This could not be loaded", f"{BOARD} > 0"),
            (DETAIL, "/v1/series", "Not everything could be loaded", "document.querySelector('.series')"),
        ):
            self.start(path=path, failing=[wanted])
            self.stream_is_up()
            self.page.until(f"document.body.innerText.includes('{said}: the daemon could not carry this out.')", wanted)
            self.mock.failing.clear()
            self.page.until(there, f"{wanted} once more")
            self.page.until(f"!document.body.innerText.includes('{said}')", "it is not said any more")
            self.no_problems()

    def test_a_service_that_does_not_answer_is_asked_again(self):
        self.start(path="/web/style.css")
        quick = "AbortSignal.timeout = ((make) => (t) => make.call(AbortSignal, t / 20))(AbortSignal.timeout)"
        script = self.page.call("Page.addScriptToEvaluateOnNewDocument", source=quick)["identifier"]
        self.addCleanup(self.page.call, "Page.removeScriptToEvaluateOnNewDocument", identifier=script)
        self.hold("/v1/me")
        self.page.open(self.url + "/")
        self.page.until("!document.getElementById('failure').hidden", "the failure is shown")
        self.mock.held.clear()
        self.page.until(f"{BOARD} > 0", "the page comes by itself")

    def virtual(self, script):
        self.start(path="/web/style.css")
        return self.page.run(VIRTUAL % script)

    def test_a_dead_connection_is_noticed_as_soon_as_the_one_before(self):
        waited = self.virtual("""
            const waited = [];
            for (let i = 0; i < 5; i++) {
                await tick(60000);
                const before = connections, begun = now;
                while (connections === before && now - begun < 3600000)
                    await advance(5000);
                waited.push((now - begun) / 1000);
            }
            return waited;""")
        self.assertLess(max(waited), 130, waited)

    def test_rare_ticks_are_waited_for(self):
        self.assertLessEqual(self.virtual("await tick(3600000, 300000); return connections;"), 3)

    def test_a_connection_that_died_in_a_sleep_is_noticed_on_waking(self):
        self.assertEqual(self.virtual("await tick(60000); sleep(3600000); await advance(10000); return connections;"), 2)
        # Once the network is back there is nothing to wait for.
        self.assertEqual(self.virtual("await tick(60000); stream.hurry(true); await advance(3000); return connections;"), 2)

    def test_the_page_says_of_when_its_figures_are_after_the_connection_was_lost(self):
        self.start()
        self.stream_is_up()
        self.page.until(f"{BOARD} > 0", "the board is drawn")
        self.page.settle()
        self.mock.failing |= {"/v1/stream", "/v1/board", "/v1/alerts"}
        self.mock.cut()
        self.page.until("document.querySelector('.connection.lost')", "the page says that it is cut off")
        # A night goes by.
        self.page.run("Date = class extends Date { constructor(...a) { a.length ? super(...a) : super(Date.now()); } static now() { return super.now() + 2 * 86400000; } }")
        said = self.page.run("new Date(Date.now() - 2 * 86400000).toLocaleDateString(undefined, {dateStyle: 'medium'})")
        self.page.until("document.querySelector('.connection.lost')", "it is still cut off")
        self.page.run("document.getElementById('sort').dispatchEvent(new Event('change'))")
        self.assertIn(said, self.page.run("document.getElementById('printed').textContent"))
        self.page.until(f"{text('#connection')}.includes('{said}')", "the day of the figures", 10)

    def test_what_was_loaded_is_of_the_time_when_it_was(self):
        # Nothing comes by the stream: neither before it breaks nor after it is there again.
        clock = "[...Array(10).keys()].map((n) => new Date(Date.now() - 1000 * n).toLocaleTimeString(undefined, {timeStyle: 'medium'}))"
        for path, there in (("/", f"{BOARD} > 0"), (DETAIL, "document.querySelector('.series')")):
            self.start(path=path)
            self.stream_is_up()
            self.page.until(there, path)
            self.page.settle()
            self.mock.failing |= {"/v1/stream"}
            self.mock.cut()
            self.page.until("document.querySelector('.connection.lost')", "the page says that it is cut off")
            self.assertTrue(self.page.run(f"{clock}.some((t) => {text('#connection')}.includes(`as of ${{t}}`))"))
            # An hour goes by until it is back.
            self.page.run("Date = class extends Date { constructor(...a) { a.length ? super(...a) : super(Date.now()); } static now() { return super.now() + 3600000; } }")
            self.mock.failing.clear()
            self.page.until("document.querySelector('.connection.live')", "it is back", 20)
            self.page.until(f"{clock}.some((t) => {text('#connection')}.includes(t))", "what is shown is of now", 5)

    # --- what is done meanwhile ---

    def test_a_note_that_is_being_written_survives_the_end_of_the_alert(self):
        self.overview()
        self.stream_is_up()
        card = '.card[data-id="a000000000000001"]'
        self.page.until(f"document.querySelector('{card}')", "the alert")
        self.press(card, "Note and outcome")
        self.page.run(f"document.querySelector('{card} textarea').value = 'Called all ten back.'")
        self.mock.transition(self.mock.alerts["a000000000000001"], "resolved", reason="recovered")
        self.page.until("document.title.startsWith('(1)')", "it is over")
        self.mock.publish("gap", {"missed_from": 1, "missed_to": 2})
        self.page.settle()
        self.assertIn("over: recovered", self.page.run(text(card)))
        self.assertEqual(self.page.run(text("#attention-count")), "2")
        self.press(card, "Save")
        self.page.until(f"!document.querySelector('{card}')", "it is saved, and gone")
        self.assertEqual(self.mock.alerts["a000000000000001"]["note"], "Called all ten back.")

    def test_what_was_too_late_is_said_although_the_alert_is_over(self):
        self.overview()
        self.stream_is_up()
        card = '.card[data-id="a000000000000001"]'
        self.page.until(f"document.querySelector('{card}')", "the alert")
        self.mock.alerts["a000000000000001"]["state"] = "resolved"
        held = self.hold("/v1/alerts/a000000000000001/ack")
        self.press(card, "Acknowledge")
        self.eventually(lambda: self.mock.asked("/v1/alerts/a000000000000001/ack", "POST"))
        self.page.settle()
        self.mock.transition(self.mock.alerts["a000000000000001"], "resolved", reason="recovered")
        self.page.until("document.title.startsWith('(1)')", "it is over")
        held.set()
        self.page.until(f"{text(card)}.includes('That was not saved: the alert is resolved')", "it is said")
        self.press(card, "Close")
        self.page.until(f"!document.querySelector('{card}')", "it is gone")

    def test_a_note_that_is_being_written_survives_many_worse_alerts(self):
        self.overview()
        self.stream_is_up()
        card = '.card[data-id="a000000000000003"]'
        self.page.until(f"document.querySelector('{card}')", "the alert")
        self.press(card, "Note and outcome")
        self.page.run(f"document.querySelector('{card} textarea').value = 'Called.'")
        for number in range(10, 24):
            self.mock.transition(self.mock.alert(number, "agent/e.santos", "csat", "7d", "critical", "firing", 0, "Talk."), "firing")
        self.page.until("document.title.startsWith('(16)')", "many alerts")
        self.assertEqual(self.page.run(f"document.querySelector('{card} textarea').value"), "Called.")

    def test_what_has_the_focus_keeps_it(self):
        self.overview()
        self.stream_is_up()
        first, second = (f'.card[data-id="a00000000000000{n}"]' for n in (1, 2))
        self.page.until(f"document.querySelector('{second}')", "the alerts")
        self.page.settle()
        in_use = "document.activeElement.closest('.card')?.dataset.id"
        self.page.run(f"[...document.querySelectorAll('{first} button')].find((b) => b.innerText === 'Acknowledge').focus()")
        self.page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13)
        self.page.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)
        self.page.until(f"{text(first)}.includes('taken on by maria')", "it is acknowledged")
        self.page.until(f"!document.querySelector('{first} button:disabled')", "it is answered")
        self.page.settle()
        self.assertEqual(self.page.run(in_use), "a000000000000001")
        # The same list again changes nothing, and moves nothing.
        self.page.run(f"document.querySelector('{second} .term').focus()")
        self.mock.publish("gap", {"missed_from": 1, "missed_to": 2})
        self.eventually(lambda: len(self.mock.asked("/v1/alerts")) > 1)
        self.page.settle()
        self.assertEqual(self.page.run(in_use), "a000000000000002")
        self.start(path=DETAIL)
        self.stream_is_up()
        self.page.until("document.querySelector('#detail-rows .says .term')", "the figures")
        self.page.settle()
        self.page.run("document.querySelector('#detail-rows .says .term').focus()")
        asked = len(self.mock.asked("/v1/figures"))
        self.mock.publish("gap", {"missed_from": 1, "missed_to": 2})
        self.eventually(lambda: len(self.mock.asked("/v1/figures")) > asked)
        self.page.settle()
        self.assertTrue(self.page.run("document.activeElement.matches('.term')"))
        self.mock.transition(self.mock.alerts["a000000000000001"], "resolved", reason="recovered")
        self.no_problems()
        self.assertTrue(self.page.run("document.activeElement.matches('.term')"))

    # --- who reads ---

    def test_what_is_not_seen_any_more_goes_and_what_is_new_comes(self):
        row = "#rows tr[data-scope=\"agent/{}\"]"
        for path, there, gone in (
            ("/", f"document.querySelector('{row.format('ana.ruiz')}')", f"!document.querySelector('{row.format('ana.ruiz')}')"),
            (DETAIL.replace("h.tanaka", "ana.ruiz"), "document.querySelector('.series') && document.querySelector('#detail-rows td')",
             "!document.querySelector('#detail-rows td') && !document.querySelector('.series') && !document.querySelector('#bad-list li')"
             " && document.getElementById('chart').offsetHeight + document.getElementById('spread').offsetHeight === 0"
             " && document.getElementById('detail-message').innerText.startsWith('There is no such place')"),
        ):  # fmt: skip
            self.start(path=path)
            self.stream_is_up()
            self.page.until(there, "what may be seen")
            # A restart with another roster.
            del self.mock.scopes["agent/ana.ruiz"]
            self.mock.scopes["site/lisbon"] = ("Lisbon", [])
            self.mock.cut()
            self.page.until(gone, "what may not be seen any more goes")
            self.page.run("location.hash = 'kind=site'")
            self.page.until("[...document.querySelectorAll('#rows tr')].some((r) => r.innerText.includes('Lisbon'))", "what is new comes")
            self.no_problems()

    def test_a_name_that_was_corrected_is_corrected_everywhere(self):
        for path, where in (("/", "#rows tr[data-scope='agent/ana.ruiz'], .card[data-id='a000000000000002']"),
                            (DETAIL.replace("h.tanaka", "ana.ruiz"), "#detail-title, #detail-place")):  # fmt: skip
            self.start(path=path)
            self.stream_is_up()
            shown = f"[...document.querySelectorAll({json.dumps(where)})].map((n) => n.innerText)"
            self.page.until(f"{shown}.length === 2 && {shown}.join().includes('Ana Ruiz')", "the old name")
            # A restart with another roster; no figure and no alert is another one.
            self.mock.scopes["agent/ana.ruiz"] = ("Ana Ruiz Vidal", ["team/alpha"])
            self.mock.scopes["team/alpha"] = ("Ana Ruiz Vidal's", ["site/madrid"])
            self.mock.cut()
            self.page.until(f"{shown}.every((t) => t.includes('Ana Ruiz Vidal'))", "the new name")
            self.no_problems()

    def test_what_is_looked_for_by_name_hides_nothing_else(self):
        self.start(path="/web/style.css")
        self.mock.scopes |= {f"agent/x{n}": (f"Agent {n}", ["team/alpha"]) for n in range(12)}
        self.page.open(self.url + "/#kind=agent&metric=csat&window=28d")
        self.page.until(f"{BOARD} > 12", "all agents")
        self.assertFalse(self.page.run("document.getElementById('filter-label').hidden"))
        find = "document.getElementById('filter')"
        look = f"{find}.value = 'ruiz'; {find}.dispatchEvent(new Event('input'))"
        self.page.run(look)
        self.page.until(f"{BOARD} === 1", "the one that is looked for")
        self.page.run("location.hash = 'kind=queue&metric=csat&window=28d'")
        self.page.until("document.querySelector('#rows tr')?.dataset.scope.startsWith('queue/')", "the queues")
        self.assertEqual(self.page.run(BOARD), 2)
        self.page.run("location.hash = 'kind=agent&metric=csat&window=28d'")
        self.page.until(f"{BOARD} > 12", "all agents")
        # What hides others can be seen, and taken back.
        self.page.run(look)
        for n in range(12):
            del self.mock.scopes[f"agent/x{n}"]
        self.mock.publish("gap", {"missed_from": 1, "missed_to": 2})
        self.eventually(lambda: len(self.mock.asked("/v1/board")) > 4)
        self.page.settle()
        self.assertFalse(self.page.run("document.getElementById('filter-label').hidden"))

    def test_what_may_be_seen_changes_without_a_restart(self):
        self.overview()
        self.stream_is_up()
        self.page.settle()
        # The daemon reads another configuration: the stream goes on, and has what the reader may see now.
        del self.mock.scopes["agent/ana.ruiz"]
        self.mock.scopes["agent/z.weber"] = ("Zoe Weber", ["team/alpha"])
        self.mock.publish("figure", {"figures": [self.mock.figure("agent/z.weber", "csat", "28d")]})
        row = "#rows tr[data-scope='agent/z.weber']"
        self.page.until(f"document.querySelector(\"{row}\")?.innerText.includes('Zoe Weber')", "somebody new, by name")
        self.page.until("!document.querySelector(\"#rows tr[data-scope='agent/ana.ruiz']\")", "who may not be seen any more goes")
        self.page.run(f"document.querySelector(\"{row} a\").click()")
        self.page.until("document.querySelector('.series')", "there is more about somebody new")
        # It is asked once, also where the answer stays the same.
        self.mock.given["agent/other", "csat", "28d"] = self.mock.figure("agent/z.weber", "csat", "28d") | {"scope": "agent/other"}
        asked = len(self.mock.asked("/v1/me"))
        for _ in range(3):
            self.mock.publish("figure", {"figures": [self.mock.given["agent/other", "csat", "28d"]]})
            self.eventually(lambda: len(self.mock.asked("/v1/me")) > asked)
            self.page.settle()
        self.assertEqual(len(self.mock.asked("/v1/me")), asked + 1)

    def test_what_may_not_be_seen_any_more_goes_with_the_tick_after_a_reload(self):
        row = "#rows tr[data-scope='agent/ana.ruiz']"
        for path, there in (("/", f'document.querySelector("{row}")'), (DETAIL.replace("h.tanaka", "ana.ruiz"), "document.querySelector('#detail-rows td')")):
            self.start(path=path)
            self.stream_is_up()
            self.page.until(there, "what may be seen")
            self.page.settle()
            # As long as nothing was read anew, a tick is no reason to ask.
            asked = len(self.mock.asked("/v1/me"))
            self.mock.publish("tick", self.mock.tick())
            self.page.settle()
            self.assertEqual(len(self.mock.asked("/v1/me")), asked)
            del self.mock.scopes["agent/ana.ruiz"]
            self.mock.reloads += 1
            self.mock.publish("tick", self.mock.tick())
            self.page.until(f"!({there})", "what may not be seen any more goes", 5)
            self.eventually(lambda asked=asked: len(self.mock.asked("/v1/me")) == asked + 1)
            # Nothing is left to look after.
            self.mock.scopes.clear()
            self.mock.alerts.clear()
            self.mock.reloads += 1
            self.mock.publish("tick", self.mock.tick())
            self.page.run("location.hash = ''")
            self.page.until("document.getElementById('nothing').offsetHeight > 0", "it is said", 5)
            self.page.settle()
            # Nothing is promised, and nothing offered that does nothing.
            for what in ("#attention-none", "#kind", "#board-table"):
                self.assertEqual(self.page.run(f"document.querySelector('{what}').offsetHeight"), 0, what)
            self.assertNotIn("Blessing Okafor", self.page.run("document.body.innerHTML"))
            self.assertNotIn("Ana Ruiz", self.page.run("document.body.innerHTML"))

    def test_a_token_that_was_revoked_leads_to_the_sign_in(self):
        self.start(path=DETAIL)
        self.stream_is_up()
        self.page.until("document.querySelector('#detail-rows td')", "the figures")
        self.mock.tokens.clear()
        self.mock.cut()
        self.page.until(f"{text('#sign-in-problem')}.includes('not valid')", "it is said")
        self.assertNotIn("Hiro Tanaka", self.page.run("document.body.innerHTML"))

    def sign_in(self, token):
        self.page.run(f"document.getElementById('token').value = '{token}'; document.querySelector('#sign-in-form button').click()")

    def test_what_was_asked_for_by_somebody_else_is_not_shown(self):
        for path in ("/v1/alerts", "/v1/me"):
            self.start(token=None)
            self.page.until("!document.getElementById('sign-in').hidden", "the sign-in")
            held, asked = self.hold(path), len(self.mock.asked(path))
            self.sign_in(mock.TOKEN)
            self.eventually(lambda path=path, asked=asked: len(self.mock.asked(path)) > asked)
            self.page.settle()
            self.page.run("document.getElementById('sign-out').click()")
            self.page.settle()
            del self.mock.held[path]
            self.sign_in(mock.OTHER)
            self.page.until(f"{text('#who')} === 'omar' && {BOARD} === 1", "the other reader")
            held.set()
            self.no_problems()
            self.assertEqual(self.page.run("document.querySelectorAll('.card').length"), 0)
            self.assertEqual(self.page.run(text("#who")), "omar")
            self.assertNotIn("Ana Ruiz", self.page.run("document.body.innerText"))

    def test_trying_again_twice_makes_one_stream(self):
        self.start(failing=["/v1/me"])
        self.page.until("!document.getElementById('failure').hidden", "the failure is shown")
        self.mock.failing.clear()
        held = self.hold("/v1/me")
        asked = len(self.mock.asked("/v1/me"))
        for n in (1, 2):
            self.page.run("document.getElementById('retry').click()")
            self.eventually(lambda n=n: len(self.mock.asked("/v1/me")) >= asked + n)
        held.set()
        self.page.until(f"{BOARD} > 0", "the board is drawn")
        self.no_problems()
        self.assertEqual(len(self.mock.streams), 1)


if __name__ == "__main__":
    main()

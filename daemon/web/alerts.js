// SPDX-License-Identifier: Apache-2.0
// What needs attention: one card for each active alert, with what can be done about it.

import { get, post, Refusal } from './api.js';
import { byId, goOn, h, keyed, name, put, term } from './dom.js';
import { domain, intervalBar } from './chart.js';
import { settle } from './figures.js';
import * as words from './words.js';

const NOTE_BYTES = 500;
const SHOWN = 12; // at first ...
const MORE = 100; // ... and with each wish for more: thousands at once would take a browser minutes
const MOST = 10000; // alerts that the API gives at once; fewer if it is not asked for so many
const SEVERITIES = { critical: ['critical', 0], warning: ['warning', 1], info: ['for information', 2] };
const STATES = { firing: 0, acknowledged: 1, snoozed: 2 };
const LISTS = ['cards', 'detail-alerts']; // that cards are in
const OUTCOMES = ['in progress', 'it helped', 'it did not help', 'not in our hands', 'false alarm'];

export function isActive(alert) {
        return alert.state in STATES;
}

function order(a, b) {
        return STATES[a.state] - STATES[b.state] || (SEVERITIES[a.severity]?.[1] ?? 3) - (SEVERITIES[b.severity]?.[1] ?? 3) ||
                a.since.localeCompare(b.since) || a.id.localeCompare(b.id);
}

function stateWords(alert) {
        if (alert.state === 'acknowledged')
                return alert.by ? `taken on by ${alert.by}` : 'taken on';
        if (alert.state === 'snoozed')
                return `snoozed until ${words.dateTime(alert.until)}${alert.by ? ` by ${alert.by}` : ''}`;
        if (!isActive(alert))
                return alert.reason ? `over: ${alert.reason}` : 'over';
        return 'new';
}

// A value, its bar, what stands beside them, and how much there is to it.
function measure(metric, figure, scale, tone, beside, ...said) {
        return h('div', { class: 'measure' },
                h('span', { class: `value tone-${tone}` }, words.value(metric, figure)),
                h('div', { class: 'measure-bar' }, intervalBar(metric, figure, scale, tone)),
                h('span', { class: 'beside' }, beside),
                h('p', { class: 'evidence' }, said));
}

function likely(metric, figure) {
        const range = words.interval(metric, figure);
        return range ? term(`likely between ${range.replace(' to ', ' and ')}`,
                'The true value lies in this range, with 95 % confidence.') : 'no range known';
}

// What the evidence test went by: the answers since a day, of which the window may hold more, or fewer. null: another test.
function weighed(alert, figure) {
        const { test, from, n, figure: value } = alert.evidence ?? {};
        return test === 'evidence' && from && words.isNumber(value) ? { ...figure, value, low: null, high: null, n, target: alert.target } : null;
}

// Whether the rule has a limit of its own instead of the target.
function hasOwnLimit(alert) {
        return Boolean(alert.figure) && alert.figure.target !== alert.target;
}

// What the rule went by comes first; the window's figure is behind it, unless it is the same.
function measures(metric, alert, figure, says, turned) {
        const tone = turned ? 'near' : says;
        const evidence = weighed(alert, figure);
        const goal = `${hasOwnLimit(alert) ? 'limit' : 'target'} ${words.target(metric, alert.target)}`;
        const span = words.windowWords(alert.window);
        const sure = words.proof(alert);
        const proof = sure ? [' · ', term(sure.text, sure.help)] : null;
        if (!evidence)
                return measure(metric, figure, domain(metric, [figure]), tone, goal,
                        `${words.answers(metric, figure.n)}, ${span} · `, likely(metric, figure), proof);
        const since = [`of ${words.answers(metric, evidence.n)} `,
                term(`since ${words.day(alert.evidence.from)}`, 'Looked at from this day on, the answers speak most clearly.')];
        if (evidence.n === figure.n && words.value(metric, evidence) === words.value(metric, figure))
                return measure(metric, figure, domain(metric, [figure]), tone, goal, since, ' · ', likely(metric, figure), proof);
        const scale = domain(metric, [evidence, figure]);
        return [measure(metric, evidence, scale, says, goal, since, proof),
                measure(metric, figure, scale, tone, span, `${words.answers(metric, figure.n)} · `, likely(metric, figure))];
}

class Card {
        constructor(app) {
                this.app = app;
                this.head = h('div', { class: 'card-head' });
                this.since = h('span');
                this.body = h('div', { class: 'card-body' });
                this.problem = h('p', { class: 'problem', role: 'alert', hidden: true });
                this.ack = h('button', { type: 'button', class: 'primary', onclick: () => this.send('ack', {}) }, 'Acknowledge');
                this.snooze = h('button', { type: 'button', onclick: () => this.send('snooze', { for: '8h' }) }, 'Snooze 8 hours');
                this.open = h('button', { type: 'button', 'aria-expanded': 'false', onclick: () => this.show(this.form.hidden) }, 'Note and outcome');
                this.close = h('button', { type: 'button', hidden: true, onclick: () => this.leave() }, 'Close');
                this.outcome = h('select', { name: 'outcome' }, OUTCOMES.map((o) => h('option', { value: o }, o)));
                this.note = h('textarea', { name: 'note', rows: 3 });
                this.form = h('form', { class: 'note-form', hidden: true, onsubmit: (e) => this.submit(e) },
                        h('label', null, 'What came of it ', this.outcome),
                        h('label', null, 'Note ', this.note),
                        h('button', { type: 'submit', class: 'primary' }, 'Save'));
                this.node = h('li', { class: 'card' }, this.head, this.body,
                        h('div', { class: 'actions' }, this.ack, this.snooze, this.open, this.close), this.form, this.problem);
        }

        update(alert) {
                const since = alert.fired ?? alert.since;
                this.since.textContent = `since ${words.dateTime(since)} (${words.ago(since)})`;
                const scopeName = this.app.scopeName(alert.scope);
                // Without a figure the metric is not the one any more whose unit this was in.
                const metric = alert.figure ? this.app.metric(alert.metric) : undefined;
                if (this.alert === alert && this.scopeName === scopeName && this.metric === metric)
                        return;
                [this.alert, this.scopeName, this.metric] = [alert, scopeName, metric];
                // What it is measured against here is what the rule compared it with.
                const figure = { ...alert.figure ?? { value: null, n: 0, window: alert.window }, target: alert.target, limit: hasOwnLimit(alert) };
                const goal = hasOwnLimit(alert) ? words.target(metric, alert.target) : 'target';
                const [severity] = SEVERITIES[alert.severity] ?? [alert.severity];
                // A long window may still be on the right side when a fall has just begun.
                const above = (weighed(alert, figure) ?? figure).value > alert.target;
                const turned = words.isNumber(figure.value) && (above ? figure.value <= alert.target : figure.value >= alert.target);
                const isBad = !metric || words.isBadSide(metric, above);
                this.node.className = `card severity-${alert.severity} state-${alert.state}`;
                this.node.dataset.id = alert.id;
                put(this.head,
                        h('span', { class: 'chip severity' }, severity),
                        h('span', { class: 'chip' }, stateWords(alert)),
                        this.since);
                put(this.body,
                        h('h3', null, this.app.scopeLink(alert.scope, alert.metric, alert.window), ': ',
                                term(words.metricLabel(alert.metric), words.metricHelp(metric)),
                                `${turned ? ' has gone' : ''} ${above ? 'above' : 'below'} ${goal}`),
                        measures(metric, alert, figure, isBad ? 'bad' : 'near', turned),
                        h('p', { class: 'evidence' }, `As of ${words.dateTime(since)}, `, term('when the alert fired',
                                'Answers that came later are not in here. The name above leads to the present figure.')),
                        alert.advice ? h('p', { class: 'advice' }, h('b', null, 'Next step: '), name(alert.advice)) : null,
                        alert.outcome || alert.note ? h('p', { class: 'said' },
                                alert.outcome ? h('b', null, name(alert.outcome), alert.note ? ': ' : '') : null,
                                alert.note ? name(alert.note) : null) : null);
                this.ack.hidden = alert.state === 'acknowledged' || !isActive(alert);
                this.snooze.hidden = alert.state === 'snoozed' || !isActive(alert);
                this.close.hidden = isActive(alert);
        }

        // Somebody is at it: it stays when the alert is over, until what was written is saved and what went wrong was read.
        isInUse() {
                return !this.form.hidden || this.sending || !this.problem.hidden;
        }

        leave() {
                this.form.hidden = this.problem.hidden = true;
                this.app.changed();
        }

        show(open) {
                this.form.hidden = !open;
                if (OUTCOMES.includes(this.alert.outcome))
                        this.outcome.value = this.alert.outcome;
                this.open.setAttribute('aria-expanded', String(open));
                (open ? this.outcome : this.open).focus();
        }

        async submit(event) {
                event.preventDefault();
                const note = this.note.value.trim();
                const { length } = new TextEncoder().encode(note);
                if (length > NOTE_BYTES)
                        return this.fail(`The note takes ${length} bytes, and ${NOTE_BYTES} are the most. Letters other than a to z take several.`);
                if (await this.send('outcome', note ? { outcome: this.outcome.value, note } : { outcome: this.outcome.value })) {
                        this.note.value = '';
                        this.show(false);
                }
        }

        fail(text) {
                this.problem.textContent = text;
                this.problem.hidden = false;
        }

        async send(verb, body) {
                const controls = [...this.node.querySelectorAll('button')];
                const focused = this.node.contains(document.activeElement);
                this.problem.hidden = true;
                this.sending = true;
                controls.forEach((c) => (c.disabled = true));
                try {
                        const { alert } = await post(`/v1/alerts/${encodeURIComponent(this.alert.id)}/${verb}`, body);
                        if (alert)
                                this.app.alerts.take(alert);
                        return true;
                } catch (error) {
                        this.fail(error instanceof Refusal ? `That was not saved: ${error.message}.`
                                : `It is not known whether that was saved: ${error.message}.`);
                        return false;
                } finally {
                        controls.forEach((c) => (c.disabled = false));
                        this.sending = false;
                        // What is disabled loses the focus, and the button that was pressed may be gone.
                        if (focused && !this.node.contains(document.activeElement))
                                this.open.focus();
                        this.app.changed();
                }
        }
}

export class Alerts {
        constructor(app) {
                this.app = app;
                this.known = new Map();
                this.loads = new Set(); // for each list that was asked for, what came by the stream meanwhile
                this.loaded = false;
                this.most = SHOWN;
                byId('attention-more').addEventListener('click', () => {
                        this.most += MORE;
                        goOn(byId('cards'), () => this.render());
                });
        }

        // The newest version of each counts, in whatever order they arrive.
        take(alert) {
                const before = this.known.get(alert.id);
                if (before && Date.parse(before.changed) > Date.parse(alert.changed))
                        return;
                // What did not change stays the same one, and is not drawn anew.
                if (JSON.stringify(before) !== JSON.stringify(alert))
                        this.known.set(alert.id, alert);
                this.loads.forEach((news) => news.add(alert.id));
                this.app.changed();
        }

        // What came by the stream while the list was asked for is newer than the list.
        async load() {
                const news = new Set();
                this.loads.add(news);
                try {
                        const { alerts } = await get('/v1/alerts', { state: 'active', limit: MOST });
                        if (!settle(this.loads, news))
                                return;
                        const listed = new Set([...alerts, ...this.over(...LISTS)].map((a) => a.id));
                        for (const id of this.known.keys())
                                if (!listed.has(id) && !news.has(id))
                                        this.known.delete(id);
                        alerts.forEach((a) => this.take(a));
                        this.loaded = true;
                        this.problem = null;
                } catch (error) {
                        if (!this.loads.delete(news))
                                return;
                        this.problem = error;
                        this.app.failedToLoad(error);
                }
                this.app.changed();
        }

        active() {
                return [...this.known.values()].filter(isActive).sort(order);
        }

        isInUse(alert, list) {
                return Boolean(byId(list).views?.get(alert.id)?.isInUse());
        }

        // Those that are over, but whose cards somebody is using.
        over(...lists) {
                return [...this.known.values()].filter((a) => !isActive(a) && lists.some((list) => this.isInUse(a, list)));
        }

        draw(list, alerts) {
                keyed(byId(list), alerts, (a) => a.id, () => new Card(this.app));
        }

        // On the page of a scope. What somebody is writing elsewhere waits there until he comes back.
        renderOf(scope) {
                const list = 'detail-alerts';
                this.draw(list, [...this.active().filter((a) => a.scope === scope || this.isInUse(a, list)), ...this.over(list)]);
                for (const { alert, node } of byId(list).views.values())
                        node.hidden = alert.scope !== scope;
        }

        announce(alert, transition) {
                const what = `${this.app.scopeName(alert.scope)}, ${words.metricLabel(alert.metric)}`;
                byId('announcer').textContent = transition === 'firing' ? `New alert: ${what}` : `Alert ${transition}: ${what}`;
        }

        render() {
                const active = this.active();
                const n_new = active.filter((a) => a.state === 'firing').length;
                const over = this.over('cards');
                this.draw('cards', [...active.filter((a, i) => i < this.most || this.isInUse(a, 'cards')), ...over]);
                byId('attention-more').hidden = active.length <= this.most;
                byId('attention-more').textContent = active.length <= this.most + MORE ? `Show all ${words.count(active.length)}`
                        : `Show ${MORE} more of ${words.count(active.length)}`;
                byId('attention-message').textContent = this.problem ? `The alerts could not be loaded: ${this.problem.message}. Some may be missing.` : '';
                byId('attention-none').hidden = !this.loaded || active.length + over.length > 0 || Boolean(this.problem);
                byId('attention-count').textContent = active.length ? words.count(active.length) : '';
                document.title = n_new ? `(${n_new}) Customer experience` : 'Customer experience';
        }
}

// SPDX-License-Identifier: Apache-2.0
// One scope in full: all its metrics, one of them over time, and the last answers that were bad.

import { get } from './api.js';
import { figureCells } from './board.js';
import { fullScale, seriesChart, spread } from './chart.js';
import { byId, choose, h, keyed, name, put, putBehind, putNew, svg, term } from './dom.js';
import { Figures } from './figures.js';
import * as words from './words.js';

const ASKED = 100; // among so many bad answers ...
const SHOWN = 10; // ... those with a comment are shown first
const PAPER = 640; // as wide as a chart is drawn for a print: how wide the paper is nobody tells

// Which answers are bad, as the API is asked for them; null: no answer is.
function badOnes(metric) {
        const [low, high] = metric.scale;
        if (metric.kind === 'response')
                return null;
        if (metric.better === 'lower')
                return { above: { top1: low, top2: low + 1, top3: low + 2, yes: 0 }[metric.kind] ?? (low + high) / 2 };
        return { below: { nps: 7, top1: high, top2: high - 1, top3: high - 2, yes: 1 }[metric.kind] ?? (low + high) / 2 };
}

function badTitle(metric) {
        const isHigh = metric.better === 'lower';
        return metric.kind === 'yes' ? `The last who answered ${isHigh ? 'yes' : 'no'}` : `The last ${isHigh ? 'high' : 'low'} answers`;
}

function telling(surveys) {
        return [...surveys.filter((s) => s.comment), ...surveys.filter((s) => !s.comment)].slice(0, SHOWN);
}

function answerWords(value) {
        return value === true ? 'yes' : value === false ? 'no' : value === null ? 'skipped' : words.count(value);
}

class MetricRow {
        constructor(detail) {
                this.detail = detail;
                this.button = h('button', { type: 'button', class: 'link', onclick: () => detail.pick({ metric: this.figure.metric }) });
                this.title = h('th', { scope: 'row' }, this.button);
                this.node = h('tr', null, this.title);
        }

        update(figure) {
                const metric = this.detail.app.metric(figure.metric);
                const same = this.figure === figure && this.metric === metric;
                [this.figure, this.metric] = [figure, metric];
                this.button.textContent = words.metricLabel(figure.metric);
                this.button.title = words.metricHelp(metric);
                this.node.classList.toggle('chosen', figure.metric === this.detail.query.metric);
                this.button.setAttribute('aria-pressed', String(figure.metric === this.detail.query.metric));
                this.node.dataset.metric = figure.metric;
                if (!same)
                        putBehind(this.title, figureCells(metric, figure, fullScale(metric)));
        }
}

export class Detail {
        constructor(app) {
                this.app = app;
                this.query = {};
                this.figures = new Figures((f) => f.metric);
                this.n_asked = 0;
                this.problems = {}; // by what was asked for
                this.used = {}; // the number of the answer that is shown, by what was asked for
                byId('detail-window').addEventListener('change', (e) => this.pick({ window: e.target.value }));
                for (const [event, width] of [['beforeprint', PAPER], ['afterprint', null]])
                        addEventListener(event, () => {
                                this.paper = width;
                                this.render();
                        });
                new ResizeObserver(() => this.points && this.renderChart()).observe(byId('chart'));
        }

        pick(part) {
                this.app.go({ ...this.query, ...part });
        }

        show(wanted) {
                const windows = this.app.me.windows.map((w) => [w, words.windowWords(w)]);
                const own = this.app.scope(wanted.scope)?.metrics ?? [];
                const query = {
                        scope: wanted.scope,
                        metric: own.includes(wanted.metric) ? wanted.metric : own[0],
                        window: choose(byId('detail-window'), windows, wanted.window ?? '28d'),
                };
                const before = this.query;
                const moved = query.scope !== before.scope;
                const same = JSON.stringify(query) === JSON.stringify(before);
                // The same one stays: what is on its way belongs to it.
                if (!same) {
                        this.query = query;
                        this.asOf = null;
                        this.points = null;
                        this.surveys = null;
                        this.problems = {};
                        if (moved || query.window !== before.window)
                                this.figures.clear();
                        this.load();
                }
                this.render();
                if (moved)
                        byId('detail-title').focus();
        }

        // What was loaded goes, too: the chart's place changes its size as it is hidden, and nothing may be drawn then.
        hide() {
                this.query = {};
                this.asOf = this.points = this.surveys = null;
                this.problems = {};
                this.figures.clear();
        }

        async load() {
                const asked = this.query;
                const { scope, metric, window } = asked;
                if (!metric)
                        return;
                const about = this.app.metric(metric);
                const bad = badOnes(about);
                const number = ++this.n_asked;
                this.news = false;
                const part = async (what, request, use) => {
                        // What was asked for later is there already, or something else is shown.
                        const isLate = () => asked !== this.query || number < (this.used[what] ?? 0);
                        try {
                                const answer = await request;
                                if (isLate())
                                        return;
                                use(answer);
                                this.used[what] = number;
                                delete this.problems[what];
                        } catch (error) {
                                if (isLate())
                                        return;
                                this.problems[what] = error;
                                this.app.failedToLoad(error);
                        }
                        this.app.changed();
                };
                const load = this.figures.ask();
                await Promise.all([
                        part('figures', get('/v1/figures', { scope, window }), (a) => this.figures.answer(load, a.figures) && (this.asOf = new Date()))
                                .finally(() => this.figures.failed(load)),
                        part('series', get('/v1/series', { scope, metric, window, step: words.stepOf(window) }), (a) => (this.points = a.points)),
                        bad && part('surveys', get('/v1/surveys', { scope, metric, ...bad, since: window, limit: ASKED }), (a) => (this.surveys = telling(a.surveys))),
                ]);
        }

        take(figure) {
                if (figure.scope !== this.query.scope || figure.window !== this.query.window)
                        return;
                this.news ||= figure.metric === this.query.metric;
                this.figures.take(figure);
                this.app.changed();
        }

        // The scopes that it lies in, from the smallest.
        above() {
                const above = [];
                for (let at = this.query.scope; above.length < 8;) {
                        at = this.app.parents.get(at)?.find((p) => p !== 'org' && !above.includes(p));
                        if (!at)
                                break;
                        above.push(at);
                }
                return above;
        }

        render() {
                const { scope, metric, window } = this.query;
                const own = this.app.scope(scope)?.metrics ?? [];
                const figures = own.map((m) => this.figures.known.get(m)).filter(Boolean);
                if (!scope)
                        return;
                const above = this.above();
                putNew(byId('detail-title'), [scope, this.app.scopeName(scope)], () => [name(this.app.scopeName(scope))]);
                putNew(byId('detail-place'), [scope, metric, window, ...above, ...above.map((s) => this.app.scopeName(s))], () => [words.kindWord(scope),
                        above.map((s) => [' · ', `${words.kindWord(s)} `, this.app.scopeLink(s, metric, window)])]);
                this.app.alerts.renderOf(scope);
                byId('detail-printed').textContent = this.asOf ? `${words.windowWords(window)} · ${words.dateTime(this.app.asOf())}` : '';
                keyed(byId('detail-rows'), figures, (f) => f.metric, () => new MetricRow(this));
                const [problem] = Object.values(this.problems);
                byId('detail-message').textContent = !metric ? 'There is no such place, or it is not visible to you.'
                        : problem ? `Not everything could be loaded: ${problem.message}.` : figures.length ? '' : 'Loading…';
                byId('detail-more').hidden = !metric;
                byId('detail-table').hidden = figures.length === 0;
                const about = this.app.metric(metric);
                putNew(byId('series-title'), [about, window], () => (metric ? [
                        term(words.metricLabel(metric), words.metricHelp(about)),
                        ` over time: each point covers the ${window === 'today' ? 'day so far' : words.windowWords(window)}`] : []));
                this.renderChart();
                this.renderSpread();
                this.renderSurveys();
        }

        // The last point is the figure of now, of which there may be news since the others were asked for.
        upToNow() {
                const now = this.figures.known.get(this.query.metric);
                const last = this.points?.at(-1);
                return last && now && Date.parse(now.at) >= Date.parse(last.at) ? [...this.points.slice(0, -1), now] : this.points;
        }

        renderChart() {
                const chart = byId('chart');
                const metric = this.app.metric(this.query.metric);
                const points = this.upToNow();
                const width = this.paper ?? Math.max(260, chart.clientWidth);
                const there = points?.some((p) => words.isNumber(p.value));
                byId('chart-key').hidden = !there;
                byId('numbers').hidden = !there;
                putNew(chart, [width, metric, !points, ...points ?? []], () => [there ? seriesChart(metric, points, width)
                        : h('p', { class: 'quiet' }, points ? `No ${words.counted(metric, 0)} in this time, so there is nothing to draw.` : '')]);
                putNew(byId('number-rows'), [metric, ...points ?? []], () => (points ?? []).map((p) => h('tr', null,
                        h('th', { scope: 'row' }, words.dateTime(p.at)),
                        h('td', null, words.value(metric, p)),
                        h('td', null, words.interval(metric, p)),
                        h('td', null, p.state === 'no_data' ? '' : metric?.kind === 'response' ? words.answers(metric, p.n) : words.count(p.n)))));
        }

        renderSpread() {
                const figure = this.figures.known.get(this.query.metric);
                const metric = this.app.metric(this.query.metric);
                putNew(byId('spread'), [figure, metric], () => [figure && figure.n > 0 ? spread(metric, figure)
                        : h('p', { class: 'quiet' }, figure ? `No ${words.counted(metric, 0)} in this time.` : '')]);
        }

        renderSurveys() {
                const metric = this.query.metric;
                const about = this.app.metric(metric);
                byId('bad').hidden = !about || !badOnes(about);
                byId('bad-title').textContent = about ? badTitle(about) : '';
                byId('bad-none').hidden = !this.surveys || this.surveys.length > 0;
                putNew(byId('bad-list'), [this.surveys], () => (this.surveys ?? []).map((s) => {
                        const others = Object.entries(s.answers ?? {}).filter(([m, v]) => m !== metric && v !== null);
                        const who = [s.agent && !this.query.scope.startsWith('agent/') ? this.app.scopeName(`agent/${s.agent}`) : null,
                                s.queue && !this.query.scope.startsWith('queue/') ? this.app.scopeName(`queue/${s.queue}`) : null];
                        return h('li', null,
                                h('div', { class: 'survey-head' },
                                        h('span', { class: 'chip tone-bad' }, `${words.metricLabel(metric)} ${answerWords(s.answers?.[metric])}`),
                                        h('span', null, words.dateTime(typeof s.ts === 'number' ? s.ts * 1000 : s.ts)),
                                        who.filter(Boolean).map((w) => h('span', null, name(w))),
                                        s.contact ? h('span', null, 'contact ', name(s.contact)) : null),
                                s.comment ? h('blockquote', { dir: 'auto' }, s.comment) : h('p', { class: 'quiet' }, 'no comment'),
                                others.length ? h('p', { class: 'others' },
                                        others.map(([m, v]) => `${words.metricLabel(m)} ${answerWords(v)}`).join(' · ')) : null);
                }));
        }
}

export function key() {
        const mark = (kind, text) => h('span', null, svg('svg', { class: `key-mark ${kind}`, 'aria-hidden': 'true' },
                kind === 'band' ? svg('rect', { class: 'band', width: 22, height: 10, y: 1 })
                        : kind === 'target' ? svg('line', { class: 'target', x1: 0, x2: 22, y1: 6, y2: 6 })
                                : svg('circle', { class: kind === 'few' ? 'point few' : 'point', cx: 11, cy: 6, r: 4 })), text);
        return [mark('value', 'value'), mark('band', 'where the true value is likely to be'),
                mark('few', 'not enough answers yet to tell'), mark('target', 'target')];
}

// SPDX-License-Identifier: Apache-2.0
// My scopes side by side: one metric, one window, one kind of scope.

import { get } from './api.js';
import { barScale, domain, intervalBar } from './chart.js';
import { byId, choose, goOn, h, keyed, put, putBehind, putNew, term } from './dom.js';
import { Figures } from './figures.js';
import * as words from './words.js';

const ROWS = 100;
const TONES = { bad: 0, near: 1, good: 2, unknown: 3, none: 4 };

// For finding a name by what is easy to type.
function plain(text) {
        return text.normalize('NFD').replace(/\p{M}/gu, '').replace(/[\u2018\u2019\u02bc]/g, "'").toLocaleLowerCase();
}

// The cells that say all about one figure, in every table of figures.
export function figureCells(metric, figure, scale) {
        const says = words.verdict(metric, figure);
        const change = words.trend(metric, figure);
        return [
                h('td', { class: `value tone-${says.tone}` }, words.value(metric, figure)),
                h('td', { class: 'range' }, intervalBar(metric, figure, scale, says.tone)),
                h('td', { class: 'says' }, h('span', { class: `says tone-${says.tone}` }, term(says.text, says.help))),
                h('td', { class: 'n' }, figure.state === 'no_data' ? '' : h('span', null, words.count(figure.n),
                        h('span', { class: metric?.kind === 'response' ? null : 'unit' }, ` ${words.counted(metric, figure.n)}`))),
                h('td', { class: 'trend' }, change
                        ? h('span', { class: `change tone-${change.tone}` }, term(change.text, change.help)) : ''),
        ];
}

class Row {
        constructor(board) {
                this.board = board;
                this.title = h('th', { scope: 'row' });
                this.node = h('tr', null, this.title);
        }

        update(figure) {
                const { app, metric, scale, link } = this.board;
                putNew(this.title, [app.scopeName(figure.scope), link], () => app.scopeLink(figure.scope, figure.metric, figure.window));
                if (this.figure === figure && this.metric === metric && this.scale === scale)
                        return;
                this.node.dataset.scope = figure.scope;
                putBehind(this.title, figureCells(metric, figure, scale));
                [this.figure, this.metric, this.scale] = [figure, metric, scale];
        }
}

export class Board {
        constructor(app) {
                this.app = app;
                this.figures = new Figures((f) => f.scope);
                this.query = {};
                for (const id of ['kind', 'metric', 'window'])
                        byId(id).addEventListener('change', (e) => this.pick({ [id]: e.target.value }));
                byId('sort').addEventListener('change', () => this.render());
                byId('filter').addEventListener('input', () => this.render());
                byId('board-more').addEventListener('click', () => {
                        this.all = true;
                        goOn(byId('rows'), () => this.render());
                });
        }

        kinds() {
                const there = new Set(this.app.me.scopes.map((s) => words.kindOf(s.scope)));
                return words.KINDS.filter(([kind]) => there.has(kind)).map(([kind, text]) => [kind, text]);
        }

        metrics(kind) {
                const seen = new Set(this.app.me.scopes.filter((s) => words.kindOf(s.scope) === kind).flatMap((s) => s.metrics));
                return this.app.me.metrics.filter((m) => seen.has(m.name)).map((m) => [m.name, words.metricLabel(m.name)]);
        }

        // Fills the choosers, as far as the wanted ones exist; loads when something else is asked for than before.
        show(wanted) {
                const windows = this.app.me.windows.map((w) => [w, words.windowWords(w)]);
                const kind = choose(byId('kind'), this.kinds(), wanted.kind);
                const metric = choose(byId('metric'), this.metrics(kind), wanted.metric);
                const window = choose(byId('window'), windows, wanted.window ?? (windows.some(([w]) => w === '28d') ? '28d' : windows.at(-1)?.[0]));
                const before = JSON.stringify(this.query);
                // A name is that of one kind.
                if (kind !== this.query.kind)
                        byId('filter').value = '';
                this.query = { kind, metric, window };
                this.metric = this.app.metric(metric);
                if (JSON.stringify(this.query) !== before) {
                        this.figures.clear();
                        this.asOf = null;
                        this.load();
                }
                this.render();
        }

        pick(part) {
                this.app.go({ ...this.query, ...part });
        }

        async load() {
                const asked = this.query;
                if (!asked.kind || !asked.metric || !asked.window)
                        return;
                const load = this.figures.ask();
                try {
                        const { rows } = await get('/v1/board', asked);
                        if (!this.figures.answer(load, rows))
                                return;
                        this.problem = null;
                        this.asOf = new Date();
                } catch (error) {
                        if (!this.figures.failed(load))
                                return;
                        this.problem = error;
                        this.app.failedToLoad(error);
                }
                this.app.changed();
        }

        take(figure) {
                const { kind, metric, window } = this.query;
                if (figure.metric !== metric || figure.window !== window || words.kindOf(figure.scope) !== kind)
                        return;
                this.figures.take(figure);
                this.app.changed();
        }

        sorted() {
                const wanted = plain(byId('filter').value.trim());
                const named = [...this.figures.known.values()].map((f) => ({ f, name: this.app.scopeName(f.scope) }));
                const found = named.filter((r) => !wanted || plain(`${r.name} ${r.f.scope}`).includes(wanted));
                const byName = (a, b) => a.name.localeCompare(b.name);
                const gap = ({ f }) => (words.isNumber(f.value) && words.isNumber(f.target)
                        ? (f.value - f.target) * (this.metric?.better === 'lower' && !/^top/.test(this.metric.kind) ? -1 : 1) : 0);
                const alarm = (f) => (words.isBadSide(this.metric, f.state === 'above') ? TONES.bad : TONES.good);
                const rank = ({ f }) => (words.isAlarm(f) ? alarm(f) : TONES[words.verdict(this.metric, f).tone] ?? TONES.good);
                if (byId('sort').value === 'name')
                        found.sort(byName);
                else
                        found.sort((a, b) => rank(a) - rank(b) || gap(a) - gap(b) || byName(a, b));
                return found.map((r) => r.f);
        }

        render() {
                const figures = this.sorted();
                const shown = this.all ? figures : figures.slice(0, ROWS);
                // Wide ranges of the few that hardly anybody answered for would squeeze all others.
                const settled = figures.filter((f) => f.state !== 'insufficient');
                const scale = domain(this.metric, settled.length ? settled : figures);
                this.scale = JSON.stringify(scale) === JSON.stringify(this.scale) ? this.scale : scale;
                this.link = `${this.query.metric} ${this.query.window}`;
                put(byId('board-scale'), barScale(this.metric, this.scale, figures.find((f) => words.isNumber(f.target))?.target));
                byId('printed').textContent = [...['kind', 'metric', 'window'].map((id) => byId(id).selectedOptions[0]?.text),
                        this.asOf && words.dateTime(this.app.asOf())].filter(Boolean).join(' · ');
                // A question that is not asked here may be the first one of the list.
                const known = [...this.figures.known.values()];
                const silent = known.length > 0 && known.every((f) => f.state === 'no_data');
                byId('metric-help').textContent = [words.metricHelp(this.metric),
                        silent && 'Nothing has come in for this in that time: choose another question, or a longer time.'].filter(Boolean).join(' ');
                keyed(byId('rows'), shown, (f) => f.scope, () => new Row(this));
                byId('filter-label').hidden = this.figures.known.size < 12 && !byId('filter').value;
                byId('board-table').hidden = figures.length === 0;
                byId('board-more').hidden = shown.length === figures.length;
                byId('board-more').textContent = `Show all ${words.count(figures.length)}`;
                byId('board-message').textContent = this.problem ? `This could not be loaded: ${this.problem.message}.`
                        : !this.figures.loaded ? 'Loading…' : figures.length ? '' : this.figures.known.size ? 'Nothing has that name.' : 'There is nothing to show yet.';
        }
}

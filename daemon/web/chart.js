// SPDX-License-Identifier: Apache-2.0
// Draws figures: a value in its likely range beside the target, and a series over time.

import { h, svg } from './dom.js';
import * as words from './words.js';

const DAY = 86400000;

function bounds(metric) {
        if (metric?.unit === 'points')
                return [-100, 100];
        if (metric?.unit === '%')
                return [0, 100];
        return metric?.scale ?? [0, 1];
}

function steps(metric) {
        return metric?.unit === 'points' ? [10, 20, 50, 100] : metric?.unit === '%' ? [5, 10, 20, 25, 50] : [0.1, 0.2, 0.5, 1, 2, 5];
}

// The part of the scale that holds all these figures and their targets, with round ends: {low, high, ticks}.
export function domain(metric, figures, n_ticks = 4) {
        const [least, most] = bounds(metric);
        const seen = figures.flatMap((f) => [f.low, f.high, f.value, f.target]).filter(words.isNumber);
        const any = figures.some((f) => words.isNumber(f.value));
        let low = any ? Math.min(...seen) : least;
        let high = any ? Math.max(...seen) : most;
        const room = Math.max((high - low) * 0.08, (most - least) * 0.02);
        low = Math.max(least, low - room);
        high = Math.min(most, high + room);
        const step = steps(metric).find((s) => (high - low) / s <= n_ticks) ?? (most - least) / 2;
        low = Math.max(least, Math.floor(low / step + 1e-9) * step);
        high = Math.min(most, Math.ceil(high / step - 1e-9) * step);
        const ticks = [];
        for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; i++)
                ticks.push(Number((i * step).toFixed(6)));
        return { low, high, ticks };
}

export function fullScale(metric) {
        const [low, high] = bounds(metric);
        return { low, high, ticks: [low, high] };
}

function place(domain, value) {
        return `${Math.min(100, Math.max(0, (100 * (value - domain.low)) / (domain.high - domain.low || 1))).toFixed(2)}%`;
}

function sentence(metric, figure) {
        const range = words.interval(metric, figure);
        const goal = words.isNumber(figure.target) ? `; ${figure.limit ? 'limit' : 'target'} ${words.target(metric, figure.target)}` : '';
        if (!words.isNumber(figure.value))
                return `no answers${goal}`;
        return `${words.value(metric, figure)}${range ? `, likely between ${range.replace(' to ', ' and ')}` : ''}${goal}`;
}

// The value as a dot on its 95 % range, the target as a line across.
export function intervalBar(metric, figure, scale, tone) {
        const text = sentence(metric, figure);
        const bar = svg('svg', { class: `bar tone-${tone}`, role: 'img', 'aria-label': text },
                svg('title', null, text),
                svg('line', { class: 'axis', x1: '0%', x2: '100%', y1: 12, y2: 12 }));
        if (words.isNumber(figure.low) && words.isNumber(figure.high)) {
                const from = parseFloat(place(scale, figure.low)), to = parseFloat(place(scale, figure.high));
                bar.append(svg('rect', { class: 'range', x: `${from}%`, width: `${Math.max(0.6, to - from).toFixed(2)}%`, y: 7, height: 10, rx: 3 }));
        }
        if (words.isNumber(figure.target))
                bar.append(svg('line', { class: 'target', x1: place(scale, figure.target), x2: place(scale, figure.target), y1: 1, y2: 23 }));
        if (words.isNumber(figure.value))
                bar.append(svg('circle', { class: 'dot', cx: place(scale, figure.value), cy: 12, r: 5 }));
        return bar;
}

// The scale that a column of bars shares.
export function barScale(metric, scale, target) {
        const node = svg('svg', { class: 'bar scale', 'aria-hidden': 'true' });
        scale.ticks.forEach((tick, i) => {
                const anchor = i === 0 ? 'start' : i === scale.ticks.length - 1 ? 'end' : 'middle';
                node.append(svg('text', { x: place(scale, tick), y: 15, 'text-anchor': anchor }, words.axisLabel(metric, tick)));
        });
        if (words.isNumber(target))
                node.append(svg('line', { class: 'target', x1: place(scale, target), x2: place(scale, target), y1: 19, y2: 24 }));
        return node;
}

// Times of day; with the day of the week where there is more than one day.
function dateLabel(time, first, last) {
        const isOneDay = new Date(first).toDateString() === new Date(last).toDateString();
        const short = { weekday: isOneDay ? undefined : 'short', hour: 'numeric', minute: '2-digit' };
        return new Date(time).toLocaleString(undefined, last - first < 2 * DAY ? short : { day: 'numeric', month: 'short' });
}

// At most n times to write below a chart; where it spans days, the beginnings of the reader's days. The
// last window ends with the day that is under way: tomorrow is not written.
function dates(first, last, n) {
        const days = [];
        for (const day = new Date(first); day.getTime() <= Math.min(last, Date.now()); day.setDate(day.getDate() + 1)) {
                day.setHours(0, 0, 0, 0);
                if (day.getTime() >= first)
                        days.push(day.getTime());
        }
        if (last - first >= 2 * DAY)
                return days.filter((_, i) => i % Math.ceil(days.length / n) === 0);
        return Array.from({ length: n }, (_, i) => first + ((last - first) * i) / (n - 1));
}

// Runs of neighbours that have a value: nothing is drawn where there is no data.
function runs(points) {
        const all = [];
        let run = [];
        for (const p of points) {
                if (words.isNumber(p.value)) {
                        run.push(p);
                } else if (run.length) {
                        all.push(run);
                        run = [];
                }
        }
        return run.length ? [...all, run] : all;
}

// Whether words beside a line, with points behind them, can be read better below it than above.
function isClearerBelow(line, points, bottom) {
        const near = (side) => points.filter((at) => (at - line) * side >= 0 && (at - line) * side < 24).length;
        return line < 20 || (near(-1) > near(1) && line + 20 < bottom);
}

export function seriesChart(metric, points, width) {
        const height = width < 500 ? 200 : 260;
        const edge = { left: 52, right: 14, top: 12, bottom: 28 };
        // Wide ranges of times in which hardly anybody answered would squeeze all others: they go to the edge.
        const isFew = (p) => p.state === 'insufficient';
        const isSettled = points.some((p) => words.isNumber(p.value) && !isFew(p));
        const scale = domain(metric, points.map((p) => (isSettled && isFew(p) ? { ...p, low: null, high: null } : p)), 5);
        const times = points.map((p) => new Date(p.at).getTime());
        const first = times[0], last = times.at(-1), span = last - first || 1;
        const x = (time) => edge.left + ((time - first) / span) * (width - edge.left - edge.right);
        const y = (v) => height - edge.bottom - ((v - scale.low) / (scale.high - scale.low || 1)) * (height - edge.top - edge.bottom);
        const inside = (v) => y(Math.min(scale.high, Math.max(scale.low, v))).toFixed(1);
        const at = (p) => x(new Date(p.at).getTime()).toFixed(1);
        const goal = points.at(-1)?.target;
        const newest = points.findLast((p) => words.isNumber(p.value));
        const chart = svg('svg', { class: 'series', role: 'img', width, height, viewBox: `0 0 ${width} ${height}`,
                'aria-label': `${words.metricLabel(metric.name)} over time; now ${newest ? sentence(metric, newest) : 'no answers'}` });
        for (const tick of scale.ticks)
                chart.append(svg('line', { class: 'grid', x1: edge.left, x2: width - edge.right, y1: y(tick), y2: y(tick) }),
                        svg('text', { x: edge.left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, words.axisLabel(metric, tick)));
        for (const time of dates(first, last, Math.max(2, Math.floor((width - edge.left) / (span < 2 * DAY ? 130 : 100))))) {
                const anchor = x(time) < edge.left + 30 ? 'start' : x(time) > width - edge.right - 30 ? 'end' : 'middle';
                chart.append(svg('text', { x: x(time).toFixed(1), y: height - 8, 'text-anchor': anchor }, dateLabel(time, first, last)));
        }
        for (const run of runs(points)) {
                const banded = run.filter((p) => words.isNumber(p.low) && words.isNumber(p.high));
                const up = banded.map((p) => `${at(p)},${inside(p.high)}`);
                const down = banded.map((p) => `${at(p)},${inside(p.low)}`).reverse();
                chart.append(svg('polygon', { class: 'band', points: [...up, ...down].join(' ') }),
                        svg('polyline', { class: 'line', points: run.map((p) => `${at(p)},${y(p.value).toFixed(1)}`).join(' ') }));
        }
        if (words.isNumber(goal))
                chart.append(svg('line', { class: 'target', x1: edge.left, x2: width - edge.right, y1: y(goal), y2: y(goal) }));
        for (const p of points) {
                if (!words.isNumber(p.value))
                        continue;
                const tip = `${words.dateTime(p.at)}: ${sentence(metric, p)}; ${words.answers(metric, p.n)}`;
                chart.append(svg('circle', { class: isFew(p) ? 'point few' : 'point', cx: at(p), cy: y(p.value).toFixed(1), r: 4 },
                        svg('title', null, tip)));
        }
        if (words.isNumber(goal)) {
                const text = `target ${words.target(metric, goal)}`;
                const behind = points.filter((p) => words.isNumber(p.value) && x(new Date(p.at).getTime()) > width - edge.right - 8 * text.length);
                const isBelow = isClearerBelow(y(goal), behind.map((p) => y(p.value)), height - edge.bottom);
                chart.append(svg('text', { class: 'target-text', x: width - edge.right, y: y(goal) + (isBelow ? 16 : -6), 'text-anchor': 'end' }, text));
        }
        return chart;
}

// How many gave which answer.
export function spread(metric, figure) {
        // In the order of the scale: of its own, an object begins with its numbers from 0 on. What is no number stays.
        const counts = Object.entries(figure.counts ?? {}).sort(([a], [b]) => a - b || 0);
        const most = Math.max(...counts.map(([, n]) => n), 1);
        const named = metric.kind === 'response' ? { no: 'not answered', yes: 'answered' } : {};
        return h('ul', { class: 'spread', role: 'list' },
                counts.map(([answer, n]) => h('li', null,
                        h('span', { class: 'answer' }, named[answer] ?? answer),
                        svg('svg', { class: 'share', 'aria-hidden': 'true' }, svg('rect', { width: `${(100 * n) / most}%`, height: 10, y: 3, rx: 2 })),
                        h('span', { class: 'n' }, words.count(n)))));
}

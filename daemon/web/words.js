// SPDX-License-Identifier: Apache-2.0
// Numbers, times and states in words that need no training; numbers and dates as the reader's own settings have them.

const LABELS = { nps: 'NPS', csat: 'CSAT', ces: 'CES', fcr: 'FCR', response: 'Response rate' };
const FULL = {
        nps: 'Net promoter score. ',
        csat: 'Customer satisfaction. ',
        ces: 'Customer effort score: how easy it was. ',
        fcr: 'First contact resolution: was the matter settled at once? ',
};
export const KINDS = [
        ['agent', 'Agents', 'agent'],
        ['team', 'Teams', 'team'],
        ['site', 'Sites', 'site'],
        ['region', 'Regions', 'region'],
        ['queue', 'Queues', 'queue'],
        ['line', 'Business lines', 'business line'],
        ['org', 'Whole organisation', 'whole organisation'],
];
const UNITS = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', y: 'year' };

export const NO_VALUE = '–';

export function isNumber(value) {
        return typeof value === 'number' && Number.isFinite(value);
}

function number(value, digits, sign) {
        return new Intl.NumberFormat(undefined, {
                minimumFractionDigits: digits,
                maximumFractionDigits: digits,
                signDisplay: sign ? 'exceptZero' : 'negative',
        }).format(value);
}

export function count(n) {
        return new Intl.NumberFormat().format(n);
}

// What a figure counts: for a response rate also the surveys that nobody answered.
export function counted(metric, n) {
        const one = metric?.kind === 'response' ? 'survey' : 'answer';
        return n === 1 ? one : `${one}s`;
}

export function answers(metric, n) {
        return `${count(n)} ${counted(metric, n)}`;
}

function percent(value, digits) {
        return new Intl.NumberFormat(undefined, {
                style: 'percent',
                minimumFractionDigits: digits,
                maximumFractionDigits: digits,
        }).format(value / 100);
}

function shown(metric, value, digits) {
        if (metric?.unit === '%')
                return percent(value, digits);
        if (metric?.unit === 'points')
                return number(Math.sign(value) * (Math.round(Math.abs(value) * 10 ** digits + 1e-9) / 10 ** digits), digits, true);
        return number(value, digits + 1, false);
}

// What would look like the target without being it gets more digits.
function beside(metric, at, wanted, digits) {
        const isAlike = (n) => isNumber(wanted) && at !== wanted && shown(metric, at, n) === shown(metric, wanted, n);
        let n = digits;
        while (isAlike(n) && n < digits + 3)
                n++;
        return shown(metric, at, n);
}

export function value(metric, figure) {
        if (!isNumber(figure?.value))
                return NO_VALUE;
        return beside(metric, figure.value, figure.target, metric?.unit === 'points' ? 0 : 1);
}

export function target(metric, wanted) {
        if (!isNumber(wanted))
                return NO_VALUE;
        return shown(metric, wanted, Number.isInteger(wanted) && metric?.unit ? 0 : 1);
}

export function axisLabel(metric, at) {
        return metric?.unit ? shown(metric, at, 0) : number(at, Number.isInteger(at) ? 0 : 1, false);
}

export function interval(metric, figure) {
        if (!isNumber(figure?.low) || !isNumber(figure?.high))
                return '';
        return `${beside(metric, figure.low, figure.target, 0)} to ${beside(metric, figure.high, figure.target, 0)}`;
}

// The length of a step; one that would look like none gets more digits.
export function shortDifference(metric, step) {
        const size = Math.abs(step);
        const digits = metric?.unit === 'points' ? 0 : metric?.unit === '%' ? 1 : 2;
        let n = digits;
        while (size > 0 && size < 0.5 / 10 ** n && n < digits + 3)
                n++;
        return number(size, n, false);
}

// The same on the metric's own scale: "3.1 percentage points".
export function difference(metric, step) {
        const size = shortDifference(metric, step);
        if (metric?.unit === '%')
                return `${size} percentage points`;
        if (metric?.unit === 'points')
                return size === number(1, 0, false) ? `${size} point` : `${size} points`;
        return size;
}

export function metricLabel(name) {
        if (Object.hasOwn(LABELS, name))
                return LABELS[name];
        const spaced = name.replace(/[_.-]+/g, ' ');
        return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

export function metricHelp(metric) {
        if (!metric)
                return '';
        const [low, high] = metric.scale ?? [];
        const [best, second, third, worst] = metric.better === 'lower' ? [low, low + 1, low + 2, high] : [high, high - 1, high - 2, low];
        const scale = `on a scale where ${worst} is worst and ${best} is best`;
        const about = {
                nps: 'The share of customers who answered 9 or 10, minus the share who answered 0 to 6: from −100 to +100.',
                top1: `The share of answers that were ${best}, ${scale}.`,
                top2: `The share of answers that were ${second} or ${best}, ${scale}.`,
                top3: `The share of answers from ${third} to ${best}, ${scale}.`,
                mean: `The average answer, ${scale}.`,
                yes: 'The share of customers who answered yes.',
                response: 'The share of surveys that customers answered, of all that are no longer open.',
        }[metric.kind];
        return (Object.hasOwn(FULL, metric.name) ? FULL[metric.name] : '') + (about ?? '');
}

export function kindOf(scope) {
        return scope.split('/', 1)[0];
}

export function kindWord(scope) {
        return KINDS.find(([kind]) => kind === kindOf(scope))?.[2] ?? '';
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800, y: 31536000 };

// What a window is the sum of: "1d12h" is [[1, 'd'], [12, 'h']]. None: it is not a length.
function parts(window) {
        return /^(\d+[smhdwy])+$/.test(window ?? '') ? [...window.matchAll(/(\d+)([smhdwy])/g)].map(([, n, unit]) => [Number(n), unit]) : [];
}

function seconds(window) {
        return parts(window).reduce((sum, [n, unit]) => sum + n * SECONDS[unit], 0);
}

// Of at most a day: answers leave it all the time.
export function isShort(window) {
        const length = seconds(window);
        return length ? length <= SECONDS.d : window === 'today';
}

// About 30 points in a window; a whole number of minutes, hours or days, as its figures are kept.
export function stepOf(window) {
        const length = seconds(window) || SECONDS.d;
        const unit = length > 7 * SECONDS.d ? 'd' : length > SECONDS.d ? 'h' : 'm';
        return `${Math.max(1, Math.round(length / 30 / SECONDS[unit]))}${unit}`;
}

// "28 days"; "day" for a single one.
function spanWords(window) {
        const all = parts(window);
        if (all.length === 1 && all[0][0] === 1)
                return UNITS[all[0][1]];
        return all.map(([n, unit]) => `${n} ${UNITS[unit]}${n === 1 ? '' : 's'}`).join(' and ');
}

export function windowWords(window) {
        const known = spanWords(window);
        return known ? `last ${known}` : window;
}

export function windowBefore(window) {
        const known = spanWords(window);
        return known ? `the ${known} before` : window === 'today' ? 'yesterday' : 'the time before';
}

export function dateTime(text) {
        return new Date(text).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

// A day of the daemon, which is one of UTC: the same for every reader.
export function day(text) {
        return new Date(text).toLocaleDateString(undefined, { dateStyle: 'medium', timeZone: 'UTC' });
}

export function clock(date) {
        return date.toLocaleTimeString(undefined, { timeStyle: 'medium' });
}

// The clock; with the day where that is not today.
export function moment(date) {
        return date.toDateString() === new Date().toDateString() ? clock(date) : dateTime(date);
}

export function ago(text) {
        const seconds = (new Date(text).getTime() - Date.now()) / 1000;
        const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
        for (const [unit, length] of [['day', 86400], ['hour', 3600], ['minute', 60]])
                if (Math.abs(seconds) >= length)
                        return format.format(Math.trunc(seconds / length), unit);
        return seconds <= 0 ? 'just now' : 'in less than a minute';
}

const STATES = {
        below: ['below target', 'The figure is on the wrong side of the target'],
        above: ['above target', 'Lower is better here. The figure is above the target'],
};

// On which side of a target a figure is wrong. Top boxes are shares of the best answers, also where the lowest are the best.
function isWrongAbove(metric) {
        return metric?.better === 'lower' && !/^top/.test(metric.kind);
}

// Whether an alarm says that things are bad: a rule may also look for what is better than its limit.
export function isBadSide(metric, isAbove) {
        return isAbove === isWrongAbove(metric);
}

// The rule that watches a figure has raised an alert, or the whole range is beyond the target where no rule does.
function alarm(metric, figure) {
        const [text, help] = STATES[figure.state];
        const side = figure.state === 'above' ? 1 : -1;
        const isWrong = isBadSide(metric, side > 0);
        const beyond = (at) => isWrong && isNumber(at) && isNumber(figure.target) && side * (at - figure.target) > 0;
        if (beyond(side > 0 ? figure.low : figure.high))
                return { tone: 'bad', text, help: `${help}, and the evidence is enough to say so.` };
        if (beyond(figure.value))
                return { tone: 'bad', text, help: `${help}, and the rule that watches it has raised an alert. `
                        + 'By this figure alone it may be chance.' };
        return { tone: 'near', text: 'alert raised', help: 'This figure is not on the wrong side of a target, but the rule that watches it has '
                + 'raised an alert: it goes by the answers that say most, often the latest, or has a limit of its own.' };
}

export function isAlarm(figure) {
        return figure.state in STATES;
}

// What a figure says, as {tone, text, help}.
export function verdict(metric, figure) {
        if (!figure || figure.state === 'no_data')
                return metric?.kind === 'response' ? { tone: 'none', text: 'no surveys', help: 'No survey of this time is over yet.' }
                        : { tone: 'none', text: 'no answers', help: 'Nobody answered this question in this time.' };
        if (isAlarm(figure))
                return alarm(metric, figure);
        if (figure.state === 'insufficient')
                return {
                        tone: 'unknown',
                        text: 'not enough answers yet to tell',
                        help: `So few answers could look like this by chance (so far: ${count(figure.n)}; needed: ${metric?.min_n ?? 'more'}).`,
                };
        if (!isNumber(figure.target))
                return { tone: 'plain', text: 'no target set', help: 'There is nothing that this figure is measured against.' };
        const wrongAbove = isWrongAbove(metric);
        if (wrongAbove ? figure.high <= figure.target : figure.low >= figure.target)
                return { tone: 'good', text: 'on target', help: 'Even the cautious end of the likely range meets the target.' };
        if (wrongAbove ? figure.low > figure.target : figure.high < figure.target)
                return { tone: 'near', text: 'looks off target', help: 'It does not look good; the rule that watches it waits for more evidence, '
                        + 'or has a limit of its own.' };
        return { tone: 'near', text: 'too close to call', help: 'The target lies within the range where the true value is likely to be.' };
}

// The change against the time before, as {tone, text, help}; null: nobody answered, so nothing can have changed.
export function trend(metric, figure) {
        if (!figure || figure.state === 'no_data')
                return null;
        const { trend: step, trend_low: low, trend_high: high } = figure;
        const before = windowBefore(figure.window);
        if (![step, low, high].every(isNumber))
                return { tone: 'none', text: 'no comparison', help: `Too few customers answered in ${before} to compare with.` };
        const better = isWrongAbove(metric) ? step < 0 : step > 0;
        const sure = low > 0 || high < 0;
        return {
                tone: !sure ? 'chance' : better ? 'good' : 'bad',
                text: `${step > 0 ? '▲' : step < 0 ? '▼' : '▬'} ${shortDifference(metric, step)}`,
                help: step === 0 ? `The same as in ${before}.`
                        : `${step > 0 ? 'Up' : 'Down'} ${difference(metric, step)} from ${before}${sure ? '' : '; this may be chance'}.`,
        };
}

// How bad and how sure, for an alert.
export function proof(alert) {
        const { test, value: found, threshold } = alert.evidence ?? {};
        if (test === 'evidence' && isNumber(found) && threshold > 0)
                return {
                        text: found >= 3 * threshold ? 'very strong evidence' : 'strong evidence',
                        help: 'Every answer was weighed as it came in. The rule speaks up only when chance alone would hardly ever '
                                + `get this far: the weight is ${number(found / threshold, 1, false)} times what it asks for.`,
                };
        if (test === 'interval')
                return { text: 'clear', help: 'All of the range where the true value is likely to be lies on the wrong side of the target.' };
        if (test === 'point')
                return { text: 'not tested for chance', help: 'The rule looks at the value alone, so chance may play a part.' };
        return null;
}

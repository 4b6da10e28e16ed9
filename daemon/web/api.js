// SPDX-License-Identifier: Apache-2.0
// Talks to the daemon: requests, and the stream that goes on where it broke off.

const TOKEN = 'cxd.token';
const PATIENCE = 30000; // for an answer
const SILENCE = 90000; // without as much as a tick the connection counts as lost, as long as nobody knows how rare they are
const SILENCE_MIN = 15000;
const SILENCE_MAX = 7200000;
const CHECK = 5000;
const BACKOFF_MIN = 1000;
const BACKOFF_MAX = 30000;

let n_readers = 0; // a number for who is reading, as far as this page goes

export class Refusal extends Error {
        constructor(status, body) {
                super(body?.error ?? `the service answered ${status}`);
                this.status = status;
                this.code = body?.code ?? '';
        }
}

export function token() {
        return sessionStorage.getItem(TOKEN);
}

export function setToken(text) {
        n_readers++;
        if (text)
                sessionStorage.setItem(TOKEN, text);
        else
                sessionStorage.removeItem(TOKEN);
}

function headers(more) {
        const known = token();
        return known ? { Authorization: `Bearer ${known}`, ...more } : { ...more };
}

async function answer(path, options) {
        let response;
        try {
                response = await fetch(path, { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(PATIENCE), ...options });
        } catch {
                throw new Error('the service does not answer');
        }
        const body = await response.json().catch(() => null);
        if (!response.ok)
                throw new Refusal(response.status, body);
        if (!body)
                throw new Refusal(response.status, { error: 'the answer was cut off' });
        return body;
}

// What was asked for by somebody who has signed out meanwhile is never answered, whether it is refused or not.
function call(path, options) {
        const reader = n_readers;
        return new Promise((resolve, reject) => {
                const only = (use) => (value) => reader === n_readers && use(value);
                answer(path, options).then(only(resolve), only(reject));
        });
}

export function get(path, parameters) {
        const query = new URLSearchParams(parameters ?? {}).toString();
        return call(query ? `${path}?${query}` : path, { headers: headers() });
}

export function post(path, body) {
        return call(path, { method: 'POST', headers: headers({ 'Content-Type': 'application/json' }), body: JSON.stringify(body) });
}

// Server-sent events out of pieces of text, cut anywhere.
export class EventParser {
        constructor(onEvent) {
                this.onEvent = onEvent;
                this.rest = '';
                this.reset();
        }

        reset() {
                this.event = '';
                this.data = [];
        }

        feed(text) {
                const lines = (this.rest + text).split('\n');
                this.rest = lines.pop();
                for (const line of lines)
                        this.line(line.endsWith('\r') ? line.slice(0, -1) : line);
        }

        line(line) {
                if (line === '') {
                        if (this.data.length)
                                this.onEvent(this.event || 'message', this.data.join('\n'), this.id);
                        this.reset();
                        return;
                }
                const colon = line.indexOf(':');
                const field = colon < 0 ? line : line.slice(0, colon);
                const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
                if (field === 'event')
                        this.event = value;
                else if (field === 'data')
                        this.data.push(value);
                else if (field === 'id')
                        this.id = value;
        }
}

// on.event(kind, object), on.live(), on.lost(), on.refused(refusal)
export class Stream {
        constructor(on) {
                this.on = on;
                this.seq = null;
                this.silence = SILENCE;
                this.stopped = false;
                this.wake = () => {};
        }

        stop() {
                this.stopped = true;
                this.abort?.abort();
                this.wake();
        }

        // Not later, but now: somebody looks at the page again, or the network is back, and what went over it before is dead.
        hurry(isBack) {
                this.wake();
                this.check();
                if (isBack)
                        this.abort?.abort();
        }

        // By the clock, which goes on while the machine sleeps; a timer does not. Before ticks are known, they may be rare.
        check() {
                if (!this.abort || this.abort.signal.aborted || Date.now() - this.heard <= this.silence)
                        return;
                this.silence = Math.min(2 * this.silence, SILENCE_MAX);
                this.abort.abort();
        }

        // Three ticks missing are silence.
        learn(at) {
                const period = at - this.ticked;
                if (period > 0)
                        this.silence = Math.min(Math.max(SILENCE_MIN, 3 * period), SILENCE_MAX);
                this.ticked = at;
        }

        async run() {
                let backoff = BACKOFF_MIN;
                while (!this.stopped) {
                        const begun = Date.now();
                        try {
                                await this.follow();
                        } catch (error) {
                                if (error instanceof Refusal && [401, 403, 404].includes(error.status)) {
                                        if (!this.stopped)
                                                this.on.refused(error);
                                        return;
                                }
                        }
                        if (this.stopped)
                                return;
                        this.on.lost();
                        backoff = Date.now() - begun > BACKOFF_MAX ? BACKOFF_MIN : backoff;
                        await this.pause(backoff);
                        backoff = Math.min(2 * backoff, BACKOFF_MAX);
                }
        }

        pause(milliseconds) {
                return new Promise((resolve) => {
                        const timer = setTimeout(resolve, milliseconds);
                        this.wake = () => {
                                clearTimeout(timer);
                                resolve();
                        };
                });
        }

        async follow() {
                const abort = (this.abort = new AbortController());
                const watch = setInterval(() => this.check(), CHECK);
                this.heard = Date.now();
                this.ticked = NaN;
                try {
                        const path = this.seq === null ? '/v1/stream' : `/v1/stream?since=${encodeURIComponent(this.seq)}`;
                        const response = await fetch(path, {
                                headers: headers({ Accept: 'text/event-stream' }),
                                cache: 'no-store',
                                credentials: 'omit',
                                signal: abort.signal,
                        });
                        if (!response.ok)
                                throw new Refusal(response.status, await response.json().catch(() => null));
                        const reader = response.body.getReader();
                        const decoder = new TextDecoder();
                        const parser = new EventParser((kind, data, id) => this.take(kind, data, id));
                        this.on.live();
                        for (;;) {
                                const { done, value } = await reader.read();
                                if (done)
                                        return;
                                this.heard = Date.now();
                                parser.feed(decoder.decode(value, { stream: true }));
                        }
                } finally {
                        clearInterval(watch);
                        this.abort = null;
                }
        }

        take(kind, data, id) {
                let object;
                if (this.stopped)
                        return;
                try {
                        object = JSON.parse(data);
                } catch {
                        return;
                }
                if (id !== undefined && /^\d+$/.test(id))
                        this.seq = id;
                else if (Number.isSafeInteger(object?.seq))
                        this.seq = object.seq;
                if (kind === 'tick')
                        this.learn(Date.parse(object?.at));
                this.on.event(kind, object);
        }
}

// SPDX-License-Identifier: Apache-2.0
// The dashboard: who is reading, which part of it is shown, and the live connection.

import { get, Refusal, setToken, Stream, token } from './api.js';
import { Alerts } from './alerts.js';
import { Board } from './board.js';
import { Detail, key } from './detail.js';
import { byId, coalesce, h, name, put, putNew } from './dom.js';
import { unchanged } from './figures.js';
import * as words from './words.js';

const RELOAD = 300000; // figures also change as time passes, without news
const RELOAD_SHORT = 60000; // those of short windows with every minute; and there may be answers that are not listed yet
const RETRY = 5000;
const VIEWS = ['sign-in', 'failure', 'overview', 'detail'];

function idOf(scope) {
        return scope.slice(scope.indexOf('/') + 1);
}

// What scopes are called; where two of a kind are called the same, with what tells them apart.
function namesOf(scopes) {
        const called = (s) => s.name || idOf(s.scope);
        const key = (s) => `${words.kindOf(s.scope)}/${called(s)}`;
        const times = new Map();
        scopes.forEach((s) => times.set(key(s), (times.get(key(s)) ?? 0) + 1));
        return new Map(scopes.map((s) => [s.scope, times.get(key(s)) > 1 && called(s) !== idOf(s.scope)
                ? `${called(s)} (${idOf(s.scope)})` : called(s)]));
}

class App {
        constructor() {
                this.me = null;
                this.parents = new Map();
                this.met = new Set(); // what the stream had and the reader, as known here, does not see
                this.alerts = new Alerts(this);
                this.board = new Board(this);
                this.detail = new Detail(this);
                this.changed = coalesce(() => this.render());
                this.fresh = coalesce(() => this.reload());
                put(byId('chart-key'), ...key());
                byId('sign-in-form').addEventListener('submit', (e) => this.signIn(e));
                byId('sign-out').addEventListener('click', () => this.signOut());
                byId('retry').addEventListener('click', () => this.start());
                // What is behind the # says what is shown.
                document.querySelector('.skip').addEventListener('click', (e) => {
                        e.preventDefault();
                        byId('content').focus();
                });
                addEventListener('hashchange', () => this.route());
                addEventListener('online', () => this.stream?.hurry(true));
                document.addEventListener('visibilitychange', () => document.hidden || this.stream?.hurry());
                setInterval(() => this.me && this.reload(), RELOAD);
                setInterval(() => this.me && (words.isShort(this.shown().query.window) || this.shown().news) && this.shown().load(), RELOAD_SHORT);
                setInterval(() => this.me && this.render(), 30000);
        }

        shown() {
                return this.detail.query.scope ? this.detail : this.board;
        }

        metric(metric) {
                return this.me.metrics.find((m) => m.name === metric);
        }

        scope(scope) {
                return this.scopes.get(scope);
        }

        scopeName(scope) {
                if (scope === 'org')
                        return 'Whole organisation';
                return this.names?.get(scope) ?? idOf(scope);
        }

        scopeLink(scope, metric, window) {
                return h('a', { href: `#${new URLSearchParams({ scope, metric: metric ?? '', window: window ?? '' })}` }, name(this.scopeName(scope)));
        }

        view(wanted) {
                for (const id of VIEWS)
                        byId(id).hidden = id !== wanted;
        }

        // --- the reader ---

        async start() {
                clearTimeout(this.retry);
                this.stream?.stop();
                this.stream = null;
                this.connection('connecting');
                // Somebody may press the button while this waits; then it has begun anew.
                const turn = (this.turn = {});
                try {
                        await this.loadReader();
                        if (turn !== this.turn)
                                return;
                } catch (error) {
                        if (turn === this.turn && !this.trouble(error))
                                this.failed(error);
                        return;
                }
                this.welcome();
                this.follow();
        }

        welcome() {
                put(byId('who'), name(this.me.principal));
                byId('reader').hidden = false;
                byId('sign-out').hidden = !token();
                byId('nothing').hidden = this.me.scopes.length > 0;
                byId('assigned').hidden = !this.me.scopes.length;
                this.route();
        }

        async loadReader() {
                const [me, org] = await Promise.all([get('/v1/me'), get('/v1/org')]);
                const before = new Map(this.me?.metrics.map((m) => [m.name, m]));
                this.me = { ...me, metrics: me.metrics.map((m) => unchanged(before.get(m.name), m)) };
                this.scopes = new Map(me.scopes.map((s) => [s.scope, s]));
                this.names = namesOf(me.scopes);
                this.parents = new Map(org.scopes.map((s) => [s.scope, s.parents ?? []]));
                this.met.forEach((what) => this.sees(...what.split('\n')) && this.met.delete(what));
        }

        sees(scope, metric) {
                return Boolean(this.scopes.get(scope)?.metrics.includes(metric));
        }

        // The reader sees more, or other things, since the daemon read its configuration anew; or there is somebody new.
        meet({ scope, metric }) {
                const what = `${scope}\n${metric}`;
                if (this.sees(scope, metric) || this.met.has(what))
                        return;
                this.met.add(what);
                this.fresh();
        }

        failed(error) {
                const known = error instanceof Refusal;
                putNew(byId('failure-text'), [error.message], () => [known ? `It says: ${error.message}.`
                        : 'It does not answer. It may be restarting, or the network between you and it is down.']);
                this.view('failure');
                this.connection('lost');
                this.retry = setTimeout(() => this.start(), RETRY);
        }

        // Whether the error means that the daemon does not know who is reading.
        trouble(error) {
                if (!(error instanceof Refusal) || error.status !== 401)
                        return false;
                this.signOut(token() ? 'This token is not valid (any more). Please check it, or ask for a new one.' : '');
                return true;
        }

        // Asks again soon, unless the answer would be the same.
        failedToLoad(error) {
                if (this.trouble(error) || (error instanceof Refusal && error.status < 500 && error.status !== 429))
                        return;
                clearTimeout(this.again);
                this.again = setTimeout(() => this.me && this.reload(), RETRY);
        }

        signIn(event) {
                const field = byId('token');
                event.preventDefault();
                // A header takes no other letters; no token has others.
                if (!/^[\x21-\x7e]+$/.test(field.value.trim())) {
                        this.signOut('A token consists of letters, digits and signs, without blanks.');
                        return;
                }
                setToken(field.value.trim());
                field.value = '';
                this.start();
        }

        signOut(problem) {
                setToken(null);
                this.turn = null;
                clearTimeout(this.retry);
                this.stream?.stop();
                this.stream = null;
                this.me = null;
                this.met.clear();
                this.alerts.known.clear();
                this.alerts.loads.clear();
                this.alerts.loaded = false;
                this.alerts.problem = null;
                this.last = this.board.asOf = null;
                this.board.query = {};
                this.board.figures.clear();
                this.detail.hide();
                for (const id of ['cards', 'rows', 'detail-rows', 'number-rows', 'bad-list', 'chart', 'spread', 'detail-alerts', 'detail-title', 'detail-place']) {
                        byId(id).replaceChildren();
                        byId(id).views = byId(id).madeFrom = undefined;
                }
                document.title = 'Customer experience';
                byId('reader').hidden = true;
                byId('sign-in-problem').textContent = typeof problem === 'string' ? problem : '';
                this.connection('');
                this.view('sign-in');
                byId('token').focus();
        }

        // --- where we are ---

        // The link that somebody leaves the overview by, and what it is in: both may be gone when he comes back.
        leave() {
                const link = document.activeElement?.closest('#overview a');
                this.left = link && [link, link.closest('li, tr')];
        }

        comeBack() {
                const [link, place] = this.left ?? [];
                for (const node of [link, place?.querySelector('a'), byId('content')]) {
                        node?.focus();
                        if (document.activeElement === node)
                                return;
                }
        }

        go(query) {
                const wanted = `#${new URLSearchParams(Object.entries(query).filter(([, v]) => v))}`;
                if (wanted === location.hash)
                        this.route();
                else
                        location.hash = wanted;
        }

        route() {
                if (!this.me)
                        return;
                const wanted = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
                const isBack = Boolean(this.detail.query.scope);
                if (wanted.scope) {
                        if (!isBack)
                                this.leave();
                        this.view('detail');
                        this.detail.show(wanted);
                        byId('back').href = `#${new URLSearchParams(Object.entries(this.board.query))}`;
                        return;
                }
                this.detail.hide();
                this.view('overview');
                if (this.me.scopes.length)
                        this.board.show(wanted.kind ? wanted : { ...this.board.query, ...wanted });
                this.render();
                if (isBack)
                        this.comeBack();
        }

        // --- the connection ---

        follow() {
                this.stream = new Stream({
                        event: (kind, object) => this.take(kind, object),
                        live: () => {
                                this.connection('live');
                                this.reload();
                        },
                        lost: () => this.connection('lost'),
                        refused: (error) => this.trouble(error) || this.failed(error),
                });
                this.stream.run();
        }

        take(kind, object) {
                this.last = new Date();
                if (kind === 'alert' && object.alert) {
                        this.meet(object.alert);
                        this.alerts.take(object.alert);
                        this.alerts.announce(object.alert, object.transition);
                } else if (kind === 'figure') {
                        for (const figure of object.figures ?? []) {
                                this.meet(figure);
                                this.board.take(figure);
                                this.detail.take(figure);
                        }
                } else if (kind === 'gap' || (kind === 'tick' && object.reloads !== this.me?.reloads)) {
                        // Since a reload of the daemon there may also be less to see, of which there is no news.
                        this.fresh();
                }
                this.connection('live');
        }

        async reload() {
                if (!this.me)
                        return;
                // What the reader may see changes, too, with a restart or a reload of the daemon.
                try {
                        await this.loadReader();
                        if (byId('failure').hidden)
                                this.welcome();
                } catch (error) {
                        this.failedToLoad(error);
                }
                // Whoever is signed out by now has been told why.
                if (!this.me)
                        return;
                await this.alerts.load();
                if (!this.me)
                        return;
                if (this.detail.query.scope)
                        this.detail.load();
                if (this.board.query.kind)
                        this.board.load();
        }

        connection(state) {
                const asOf = this.asOf();
                const text = {
                        '': '',
                        connecting: 'Connecting…',
                        live: `Live · ${words.moment(asOf ?? new Date())}`,
                        lost: asOf ? `Connection lost · as of ${words.moment(asOf)} · trying again` : 'No connection · trying again',
                };
                byId('connection').className = `connection ${state}`;
                byId('connection').textContent = text[state];
                // Spoken once per change, not with every tick or try.
                if (state !== this.said && state !== 'connecting') {
                        byId('announcer').textContent = { '': '', live: 'Connected', lost: 'Connection lost' }[state];
                        this.said = state;
                }
                this.state = state;
        }

        // Of when that is which is shown: the stream keeps up to date what was loaded, as long as it is there.
        asOf() {
                const { asOf } = this.shown();
                return this.last > (asOf ?? 0) ? this.last : asOf;
        }

        render() {
                if (!this.me)
                        return;
                this.connection(this.state);
                this.alerts.render();
                if (this.detail.query.scope)
                        this.detail.render();
                else if (this.board.query.kind)
                        this.board.render();
        }
}

new App().start();

// SPDX-License-Identifier: Apache-2.0
// Figures of which the newest counts: answers may come in another order than they were asked for, and the stream goes on
// while one is on its way, or is late itself.

// Takes a load, and all that were begun before it, out of those whose answers are wanted. False: it was none of them.
export function settle(loads, load) {
        if (!loads.has(load))
                return false;
        for (const earlier of loads) {
                loads.delete(earlier);
                if (earlier === load)
                        break;
        }
        return true;
}

// The older one of two that say the same: what shows it is not drawn anew then, and keeps the focus.
export function unchanged(before, now) {
        return before && JSON.stringify(before) === JSON.stringify(now) ? before : now;
}

function isOlder(figure, other) {
        return Boolean(other) && Date.parse(figure.at) < Date.parse(other.at);
}

export class Figures {
        constructor(keyOf) {
                this.keyOf = keyOf;
                this.clear();
        }

        // Something else is asked for from now on; answers that are still on their way are not wanted any more.
        clear() {
                this.known = new Map();
                this.loads = new Set();
                this.loaded = false;
        }

        // To be handed to answer(). What comes by the stream from now on is kept with it.
        ask() {
                const load = { meanwhile: new Map() };
                this.loads.add(load);
                return load;
        }

        // False: it came too late. What was asked for before it is not needed any more.
        answer(load, figures) {
                if (!settle(this.loads, load))
                        return false;
                const before = this.known;
                this.known = new Map(figures.map((f) => [this.keyOf(f), unchanged(before.get(this.keyOf(f)), f)]));
                this.loaded = true;
                load.meanwhile.forEach((f) => this.put(f));
                return true;
        }

        // False: it is not wanted any more, or came already.
        failed(load) {
                return this.loads.delete(load);
        }

        take(figure) {
                const key = this.keyOf(figure);
                for (const { meanwhile } of this.loads)
                        if (!isOlder(figure, meanwhile.get(key)))
                                meanwhile.set(key, figure);
                if (this.loaded)
                        this.put(figure);
        }

        put(figure) {
                const key = this.keyOf(figure);
                if (!isOlder(figure, this.known.get(key)))
                        this.known.set(key, figure);
        }
}

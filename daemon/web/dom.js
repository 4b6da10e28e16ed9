// SPDX-License-Identifier: Apache-2.0
// Builds the page. Text only ever becomes text nodes and attribute values, never markup.

const SVG = 'http://www.w3.org/2000/svg';

function present(children) {
        return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

function fill(node, attributes, children) {
        for (const [name, value] of Object.entries(attributes ?? {})) {
                if (value === null || value === undefined || value === false)
                        continue;
                if (name.startsWith('on'))
                        node.addEventListener(name.slice(2), value);
                else
                        node.setAttribute(name, value === true ? '' : String(value));
        }
        node.append(...present(children));
        return node;
}

export function h(tag, attributes, ...children) {
        return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
        return fill(document.createElementNS(SVG, tag), attributes, children);
}

// In place of all that is in the node.
export function put(node, ...children) {
        node.replaceChildren(...present(children));
}

// The same, unless it was made from just these values before: what has the focus keeps it.
export function putNew(node, values, make) {
        if (node.madeFrom && values.length === node.madeFrom.length && values.every((v, i) => v === node.madeFrom[i]))
                return;
        put(node, make());
        node.madeFrom = values;
}

// In place of all that comes after the first child.
export function putBehind(first, ...children) {
        while (first.nextSibling)
                first.nextSibling.remove();
        first.after(...present(children));
}

export function byId(id) {
        return document.getElementById(id);
}

// A name from outside: set apart, so that its writing direction does not reach into its surroundings.
export function name(text, attributes) {
        return h('bdi', attributes, text);
}

// A word with its explanation on hover, for the keyboard, and for screen readers.
export function term(text, help) {
        return help ? h('span', { class: 'term', title: help, tabindex: 0, 'aria-label': `${text}: ${help}` }, text) : text;
}

// Brings the children of parent in line with items. Nodes of known keys stay, and with them focus and open forms.
// make(item) gives {node, update(item)}.
export function keyed(parent, items, keyOf, make) {
        const before = parent.views ?? new Map();
        const views = new Map();
        for (const item of items) {
                const key = keyOf(item);
                const view = before.get(key) ?? make(item);
                before.delete(key);
                view.update(item);
                views.set(key, view);
        }
        for (const view of before.values())
                view.node.remove();
        // What is moved loses the focus.
        const focused = parent.contains(document.activeElement) ? document.activeElement : null;
        let at = parent.firstElementChild;
        for (const view of views.values()) {
                if (view.node === at)
                        at = at.nextElementSibling;
                else
                        parent.insertBefore(view.node, at);
        }
        parent.views = views;
        if (focused && focused !== document.activeElement && parent.contains(focused))
                focused.focus({ preventScroll: true });
}

// Shows more of what parent has, and goes on where that begins: the button may be gone by then.
export function goOn(parent, render) {
        const before = new Set(parent.children);
        render();
        [...parent.children].find((node) => !before.has(node))?.querySelector('a')?.focus();
}

// Several calls in one frame are one.
export function coalesce(work) {
        let waiting = false;
        return () => {
                if (waiting)
                        return;
                waiting = true;
                setTimeout(() => {
                        waiting = false;
                        work();
                }, 50);
        };
}

// Options of a select, with the wanted one chosen; without it the first. Returns what is chosen.
export function choose(select, options, wanted) {
        const chosen = options.some(([value]) => value === wanted) ? wanted : (options[0]?.[0] ?? '');
        const same = select.options.length === options.length &&
                options.every(([value, text], i) => select.options[i].value === value && select.options[i].text === text);
        if (!same)
                put(select, options.map(([value, text]) => h('option', { value }, text)));
        select.value = chosen;
        return chosen;
}

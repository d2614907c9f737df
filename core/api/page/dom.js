/* dom.js - making elements, and making a drawn page into the next one.
 *
 * Everything that is shown goes through h(): a text is always a text node, so nothing of a record, a reason or a name can become
 * markup. Pages are functions from data to elements; morph() then changes what stands on the screen as little as possible, so
 * that focus, selection, scroll and open <details> outlive a refresh.
 *
 * Awkward: a strict style-src forbids style attributes. There are none here; what has a size of its own is drawn as SVG. */

const SVG = 'http://www.w3.org/2000/svg';
const svgNames = new Set(['svg', 'rect', 'path', 'circle', 'line', 'g', 'title-svg', 'a-svg']);

/* h('button', {class: 'quiet', onclick: fn, disabled: no}, 'Pause'): properties that are null or false are left out; on* are
 * handlers; children are elements, texts, numbers, lists of them, or nothing. `key` names a child among its siblings. */
export function h(name, properties, ...children) {
	const svg = svgNames.has(name);
	const element = svg ? document.createElementNS(SVG, name.replace('-svg', '')) : document.createElement(name);

	for (const [property, value] of Object.entries(properties || {})) {
		if (value === null || value === undefined || value === false)
			continue;
		if (property.startsWith('on')) {
			element[property] = value;
			(element.handlers ||= []).push(property);
		} else if (property === 'key') {
			element.key = String(value);
		} else {
			element.setAttribute(property, value === true ? '' : String(value));
		}
	}
	add(element, children);
	if (name === 'select' && properties?.value !== undefined)
		element.value = properties.value;
	return element;
}

function add(element, children) {
	for (const child of children) {
		if (Array.isArray(child))
			add(element, child);
		else if (child !== null && child !== undefined && child !== false)
			element.append(child instanceof Node ? child : String(child));
	}
}

/* Makes the children of `old` those of `fresh`. */
export function morph(old, fresh) {
	const keyed = new Map();
	let at = old.firstChild;

	for (const child of old.childNodes)
		if (child.key)
			keyed.set(child.key, child);
	for (const wanted of [...fresh.childNodes]) {
		let have = wanted.key ? keyed.get(wanted.key) : at;

		if (have && same(have, wanted)) {
			if (have === at)
				at = at.nextSibling;
			else
				old.insertBefore(have, at);
			become(have, wanted);
		} else {
			old.insertBefore(wanted, at);
			if (!wanted.key && have && !have.key) {
				at = have.nextSibling;
				have.remove();
			}
		}
	}
	while (at) {
		const next = at.nextSibling;
		at.remove();
		at = next;
	}
}

function same(a, b) {
	return a.nodeName === b.nodeName && a.key === b.key;
}

function become(have, wanted) {
	if (have.nodeType === Node.TEXT_NODE) {
		if (have.data !== wanted.data)
			have.data = wanted.data;
		return;
	}
	for (const { name } of [...have.attributes])
		if (!wanted.hasAttribute(name) && !(name === 'open' && have.nodeName === 'DETAILS'))
			have.removeAttribute(name);
	for (const { name, value } of wanted.attributes)
		if (have.getAttribute(name) !== value)
			have.setAttribute(name, value);
	for (const handler of have.handlers || [])
		have[handler] = null;
	for (const handler of wanted.handlers || [])
		have[handler] = wanted[handler];
	have.handlers = wanted.handlers;
	if (have.nodeName !== 'INPUT' && have.nodeName !== 'TEXTAREA') /* what a person types is his */
		morph(have, wanted);
	if (have.nodeName === 'SELECT' && have !== document.activeElement)
		have.value = wanted.value;
}

/* A part of a page with its heading. */
export function section(title, ...children) {
	return h('section', { key: title }, h('h2', null, title), ...children);
}

export function empty(text) {
	return h('p', { class: 'empty' }, text);
}

/* Pairs as a list of terms; those without a value are left out. */
export function facts(pairs) {
	return h('dl', { class: 'facts' }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '').map(
		([name, value]) => h('div', { key: name }, h('dt', null, name), h('dd', null, value))));
}

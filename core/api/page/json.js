/* json.js - JSON as it came: numbers of any length keep their text, and nothing in it is ever more than text. */
import { h } from './dom.js';

/* 18446744073709551615 or 1.10 would be rounded by JSON.parse: such numbers are kept as they were written. */
export function parse(text) {
	return JSON.parse(text, (name, value, context) => {
		if (typeof value === 'number' && JSON.rawJSON && context?.source !== undefined && String(value) !== context.source)
			return JSON.rawJSON(context.source);
		return value;
	});
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|[^"]+/g;

/* A <pre> with names, texts and other values told apart. */
export function pretty(value) {
	const text = JSON.stringify(value, null, 2) ?? '';

	return h('pre', { class: 'json', tabindex: '0' }, [...text.matchAll(TOKEN)].map(([token, string, colon]) =>
		string ? [h('span', { class: colon ? 'name' : 'text' }, string), colon || null] :
			/[^\s{}[\],]/.test(token) ? h('span', { class: 'value' }, token) : token));
}

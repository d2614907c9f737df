/* letters.js - dead letters: records that were not taken, with the reason; a person tries one again or puts it aside. */
import { get, place, send } from './api.js';
import { act } from './control.js';
import { ask, show } from './dialog.js';
import { h } from './dom.js';
import { filters, more } from './filter.js';
import { bytes, plural, when } from './format.js';
import { parse, pretty } from './json.js';
import { key_may } from './key.js';
import { run_link, sync_link, sync_name } from './route.js';
import { table } from './table.js';

const PAGE = 50;

async function load({ connection, integration, sync, show: which, cursor }) {
	return get('letters', { connection, integration, sync, unresolved: which !== 'resolved' && which !== 'both', resolved: which === 'resolved', cursor, limit: PAGE });
}

/* What the connector handed on: JSON where it is, else the bytes as text. */
function raw_view(raw) {
	try {
		return pretty(parse(raw));
	} catch {
		return h('pre', { class: 'raw', tabindex: '0' }, raw);
	}
}

async function look(letter, again) {
	try {
		const { data } = await get(place('letters', letter.number));
		show(`Dead letter ${data.number}`, h('p', null, data.reason), data.raw.length < data.raw_bytes ? h('p', { class: 'note' }, `The first part of ${bytes(data.raw_bytes)}.`) : null, raw_view(data.raw));
	} catch {
		again();
	}
}

async function retry(letter) {
	const { data } = await send('POST', place('letters', letter.number, 'retry'));

	if (!data.saved)
		throw new Error(`Letter ${letter.number} is still not taken: ${data.reason}`);
}

async function resolve(letter, again) {
	if (await ask({ title: `Resolve dead letter ${letter.number}?`, text: 'It is put aside, and its record is not saved. It stays in the list of resolved ones until it is purged.', yes: 'Resolve' }))
		act(() => send('POST', place('letters', letter.number, 'resolve')), `letter ${letter.number} is resolved`, again);
}

function columns(again) {
	const may = key_may('write');
	const hint = may ? null : 'this key may not: it takes one of scope write';

	return [
		{ name: 'Letter', cell: l => h('button', { type: 'button', class: 'link', onclick: () => look(l, again) }, String(l.number)) },
		{ name: 'Record', long: true, cell: l => [h('div', null, l.model), h('div', { class: 'mono soft' }, l.id || 'no id')] },
		{ name: 'Reason', wide: true, long: true, cell: l => l.reason },
		{ name: 'Of', wide: true, cell: l => [h('a', { href: sync_link(l) }, sync_name(l)), h('div', null, h('a', { href: run_link(l.run) }, `run ${l.run}`))] },
		{ name: 'Seen', cell: l => [when(l.last_at), l.attempts > 1 ? h('div', { class: 'soft' }, plural(l.attempts, 'time')) : null] },
		{
			name: '', wide: true, cell: l => (l.resolved_at ? h('span', { class: 'soft' }, 'resolved ', when(l.resolved_at), ` by ${l.resolved_by}`) : h('div', { class: 'buttons' },
				h('button', { type: 'button', class: 'retry', disabled: !may, title: hint, onclick: () => act(() => retry(l), `letter ${l.number}: its record is saved`, again) }, 'Try again'),
				h('button', { type: 'button', class: 'resolve', disabled: !may, title: hint, onclick: () => resolve(l, again) }, 'Resolve'))),
		},
	];
}

function draw(answer, parameters, again) {
	return [
		h('div', { class: 'head' }, h('h1', null, 'Dead letters')),
		h('p', { class: 'soft' }, 'Records that a sync could not take. The others of their page are saved.'),
		filters(parameters, { show: ['resolved', 'both'] }),
		table({ label: 'Dead letters', columns: columns(again), rows: answer.data, key: l => l.number, nothing: 'No dead letter waits for anybody.' }),
		more(answer.more ? { cursor: answer.cursor } : null, parameters.cursor),
	];
}

export const page = { title: 'Dead letters', load, draw, live: true };

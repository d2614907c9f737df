/* records.js - the datasets: their records page by page, one record whole, and the tail of the change feed.
 *
 * What a person sees of the feed is its newest end; following it is for programs. */
import { get, place } from './api.js';
import { show } from './dialog.js';
import { h, section } from './dom.js';
import { more } from './filter.js';
import { bytes, cut, number, plural, when } from './format.js';
import { pretty } from './json.js';
import { link, model_name } from './route.js';
import { table } from './table.js';

const PAGE = 25;
const TAIL = 12;

// In the order of their names, so that those of a connection stand together.
const named = d => [d.connection, d.integration, d.model].join('\u0000');

async function load({ connection, integration, model, cursor }) {
	const datasets = await get('datasets');

	for (const d of datasets.data)
		d.model = model_name(d);
	datasets.data.sort((a, b) => named(a) < named(b) ? -1 : 1);
	const chosen = datasets.data.find(d => d.connection === connection && d.integration === integration && d.model === model);

	if (!chosen)
		return { datasets: datasets.data };
	const where = place('datasets', connection, integration, model);
	const [records, changes] = await Promise.all([
		get(`${where}/records`, { cursor, limit: PAGE }), get(`${where}/changes`, { tail: TAIL, limit: TAIL }).catch(error => ({ error }))]);
	return { datasets: datasets.data, chosen, records, changes };
}

function choice(datasets, chosen) {
	return h('label', null, 'Dataset', h('select', {
		id: 'dataset', value: chosen ? named(chosen) : '',
		onchange: event => {
			const [connection, integration, model] = event.target.value.split('\u0000');
			location.hash = link('records', { connection, integration, model });
		},
	}, datasets.map(d => h('option', { value: named(d) }, `${d.connection} : ${d.integration} : ${d.model} (${number(d.live)})`))));
}

function whole(row) {
	show(row.id, h('p', { class: 'soft' }, row.action || '', ' · changed ', when(row.modified_at), ' · first seen ', when(row.first_seen_at)), pretty(row.record));
}

function id_button(row) {
	return h('button', { type: 'button', class: 'link mono', onclick: () => whole(row) }, row.id);
}

const record_columns = [
	{ name: 'Id', long: true, cell: id_button },
	{ name: 'Changed', cell: r => when(r.modified_at) },
	{ name: 'Record', wide: true, cell: r => h('span', { class: 'preview mono' }, cut(JSON.stringify(r.record), 300)) },
];
const changed = { added: 'good', updated: 'busy', deleted: 'off', undeleted: 'good' };
const change_columns = [
	{ name: 'Sequence', number: true, cell: c => number(c.sequence) },
	{ name: 'What', cell: c => h('span', { class: `change ${changed[c.action] || 'none'}` }, c.action) },
	{ name: 'Id', long: true, cell: id_button },
	{ name: 'When', cell: c => when(c.modified_at) },
];

const dataset_columns = [
	{ name: 'Model', cell: d => h('a', { href: link('records', { connection: d.connection, integration: d.integration, model: d.model }) }, d.model) },
	{ name: 'Records', number: true, cell: d => number(d.live) },
	{ name: 'Deleted', number: true, cell: d => number(d.deleted) },
	{ name: 'Size', number: true, cell: d => bytes(d.bytes) },
	{ name: 'Sequence', number: true, cell: d => number(d.sequence) },
	{ name: 'Changed', cell: d => when(d.modified_at) },
];

function draw_all({ datasets }) {
	return [
		h('div', { class: 'head' }, h('h1', null, 'Records')),
		table({
			label: 'Datasets', columns: dataset_columns, rows: datasets, key: d => `${d.connection} : ${d.integration} : ${d.model}`,
			group: d => [`${d.connection} : ${d.integration}`, [d.connection, h('span', null, ` : ${d.integration}`)]], nothing: 'Nothing was synced yet.',
		}),
	];
}

function draw(data, parameters) {
	const { datasets, chosen, records, changes } = data;

	if (!chosen)
		return draw_all(data);
	const rows = changes.changes || [];
	return [
		h('div', { class: 'head' }, h('div', { class: 'path' }, h('a', { href: '#/records' }, 'Records'), ` / ${chosen.connection} : ${chosen.integration}`),
			h('h1', null, chosen.model), h('span', { class: 'soft' }, plural(chosen.live, 'record'), ', ', number(chosen.deleted), ' deleted, ', bytes(chosen.bytes))),
		h('div', { class: 'filters' }, choice(datasets, chosen)),
		h('div', { class: 'split' },
			section('Records', table({ label: 'Records', columns: record_columns, rows: records.records, key: r => r.id, nothing: 'No live record here.' }),
				more(records.more ? { cursor: records.cursor } : null, parameters.cursor)),
			section('Latest changes', changes.error ? h('p', { class: 'note' }, changes.error.message) :
				table({ label: 'Changes', columns: change_columns, rows: [...rows].reverse(), key: c => c.sequence, nothing: 'No change yet.' }))),
	];
}

export const page = { title: 'Records', load, draw, live: true };

/* syncs.js - the overview: what needs a person on top, then every connection with its syncs, then the limits.
 *
 * Of thousands only the first are drawn: whoever looks for one says a part of its name. */
import { get } from './api.js';
import { alert_list } from './alerts.js';
import { badge } from './badge.js';
import { h, section } from './dom.js';
import { filters } from './filter.js';
import { bytes, number, plural, when } from './format.js';
import { history_line } from './history.js';
import { limit_cards } from './limits.js';
import { progress_line } from './progress.js';
import { link, run_link, sync_link, sync_name } from './route.js';
import { sync_note, sync_row } from './sync-row.js';
import { table } from './table.js';

const ROWS_MAX = 400;

async function load() {
	const [status, alerts, limits, datasets] = await Promise.all(
		[get('syncs'), get('alerts'), get('limits'), get('datasets')]);

	return { syncs: status.data.map(sync_row), disk: status, alerts: alerts.data, limits: limits.data, datasets: datasets.data };
}

function tiles({ syncs, datasets, disk }) {
	const count = test => syncs.filter(test).length;
	const records = datasets.reduce((sum, d) => sum + d.live, 0);
	const one = (value, text) => h('div', { class: 'tile', key: text.replace(/s$/, '') }, h('b', null, number(value)), h('span', null, text));

	return h('div', { class: 'tiles' },
		one(count(s => s.word === 'running'), 'running now'),
		one(count(s => ['attention', 'error', 'failing', 'unusable'].includes(s.word)), 'need attention'),
		one(syncs.length, syncs.length === 1 ? 'sync' : 'syncs'),
		one(records, 'records'),
		disk.file_bytes ? h('div', { class: 'tile', key: 'disk' }, h('b', null, bytes(disk.file_bytes)), h('span', null, `stored, ${bytes(disk.free_disk)} free`)) : null);
}

const columns = [
	{ name: 'Sync', cell: s => h('a', { href: sync_link(s) }, s.sync) },
	{ name: 'State', cell: s => [badge(s.word), s.failures > 1 ? h('div', { class: 'soft' }, plural(s.failures, 'failure'), ' in a row') : null] },
	{ name: 'Fresh as of', cell: s => when(s.succeeded, 'never') },
	{ name: 'Last run', cell: s => s.run && !s.progress ? h('a', { href: run_link(s.run), class: 'plain' }, when(s.ran)) : when(s.ran) },
	{ name: 'Next run', cell: s => (s.progress ? '–' : when(s.next)) },
	{ name: 'Lately', cell: s => history_line(s.lately) },
	{ name: '', long: true, wide: true, cell: remark },
];

function remark(s) {
	const filter = { connection: s.connection, integration: s.integration, sync: s.sync };

	if (s.progress)
		return progress_line(s.progress);
	return [
		s.held ? h('div', null, h('a', { href: link('held', filter) }, plural(s.held, 'delete'), ' held back')) : null,
		s.letters ? h('div', null, h('a', { href: link('letters', filter) }, plural(s.letters, 'dead letter'))) : null,
		sync_note(s) ? h('div', { class: 'soft' }, sync_note(s)) : null,
	];
}

function wanted(syncs, { find, state }) {
	const text = (find || '').toLowerCase();

	return syncs.filter(s => (!state || s.word === state) && sync_name(s).toLowerCase().includes(text));
}

function draw(data, parameters) {
	const rows = wanted(data.syncs, parameters);

	return [
		h('div', { class: 'head' }, h('h1', null, 'Overview')),
		data.alerts.length ? section('Needs you', alert_list(data.alerts)) : null,
		tiles(data),
		section('Syncs', filters(parameters, { state: [...new Set(data.syncs.map(s => s.word))].sort() }, 'find'), table({
			label: 'Syncs', columns, rows: rows.slice(0, ROWS_MAX), key: sync_name,
			group: s => [`${s.connection} : ${s.integration}`, [s.connection, h('span', null, ` : ${s.integration}`)]],
			nothing: data.syncs.length ? 'None is like that.' : 'No connection is configured yet: a [connection NAME : INTEGRATION] section makes one.',
		}), rows.length > ROWS_MAX ? h('p', { class: 'pages' }, `and ${number(rows.length - ROWS_MAX)} more: find them by name or state`) : null),
		data.limits.length ? section('Limits', limit_cards(data.limits)) : null,
	];
}

export const page = { title: 'Overview', load, draw, live: true };

/* runs.js - the runs of all syncs, newest first. */
import { get } from './api.js';
import { badge } from './badge.js';
import { h } from './dom.js';
import { cut, milliseconds, number, when } from './format.js';
import { run_link, sync_link } from './route.js';
import { filters, more } from './filter.js';
import { table } from './table.js';

const PAGE = 50;

export const run_columns = [
	{ name: 'Run', cell: r => h('a', { href: run_link(r.run) }, `run ${r.run}`) },
	{ name: 'Ended', cell: r => badge(r.status) },
	{ name: 'Began', cell: r => when(r.started_at) },
	{ name: 'Took', number: true, cell: r => milliseconds(r.time?.total_ms) },
	{ name: 'Saved', number: true, cell: r => number(r.counts?.saved) },
	{ name: 'Added', number: true, cell: r => number(r.counts?.added) },
	{ name: 'Updated', number: true, cell: r => number(r.counts?.updated) },
	{ name: 'Deleted', number: true, cell: r => number(r.counts?.deleted) },
	{ name: 'Requests', number: true, cell: r => number(r.counts?.requests) },
	{ name: '', long: true, wide: true, cell: r => (r.reason ? h('span', { class: 'soft', title: r.reason }, cut(r.reason, 160)) : r.full ? h('span', { class: 'soft' }, 'full listing') : null) },
];

const columns = [
	run_columns[0],
	{ name: 'Sync', wide: true, cell: r => h('a', { href: sync_link(r) }, `${r.connection} : ${r.integration} : ${r.sync}`) },
	...run_columns.slice(1, 5), run_columns[8], run_columns[9],
];

async function load({ status, connection, before }) {
	return get('runs', { status, connection, before, limit: PAGE });
}

function draw(answer, parameters) {
	return [
		h('div', { class: 'head' }, h('h1', null, 'Runs')),
		filters(parameters, { status: ['running', 'success', 'partial', 'error', 'stopped', 'interrupted'] }),
		table({ label: 'Runs', columns, rows: answer.data, key: r => r.run, nothing: 'No run yet.' }),
		more(answer.more && answer.before ? { before: answer.before } : null, parameters.before),
	];
}

export const page = { title: 'Runs', load, draw, live: true };

/* sync.js - one sync: what it does now, what a person can do, how its runs went, and what of it waits for a decision. */
import { get, place } from './api.js';
import { alert_list } from './alerts.js';
import { badge } from './badge.js';
import { controls } from './control.js';
import { facts, h, section } from './dom.js';
import { plural, when } from './format.js';
import { history_bars } from './history.js';
import { limit_cards } from './limits.js';
import { progress_line } from './progress.js';
import { link, model_name } from './route.js';
import { run_columns } from './runs.js';
import { sync_note, sync_row } from './sync-row.js';
import { table } from './table.js';

const HISTORY = 60;

async function load({ connection, integration, sync }) {
	const [status, runs, limits, datasets] = await Promise.all([
		get(place('syncs', connection, integration, sync)), get('runs', { connection, integration, sync, limit: HISTORY }),
		get('limits', { connection }), get('datasets', { connection, integration })]);

	return { sync: sync_row(status.data), runs: runs.data, limits: limits.data, datasets: datasets.data };
}

function now(sync) {
	return h('div', { class: 'card' },
		sync.progress ? progress_line(sync.progress) : null,
		sync_note(sync) ? h('p', { class: 'note' }, sync_note(sync)) : null,
		facts([
			['Fresh as of', when(sync.succeeded, 'never')],
			['Last run', when(sync.ran, 'never')],
			['Next run', sync.progress ? null : when(sync.next, 'not by itself')],
			['Waits until', sync.until && sync.until !== sync.next && !sync.progress ? when(sync.until) : null],
			['Failures in a row', sync.failures || null],
			['Held-back deletes', sync.held ? h('a', { href: link('held', { connection: sync.connection }) }, plural(sync.held, 'delete')) : null],
			['Dead letters', sync.letters ? h('a', { href: link('letters', { connection: sync.connection, sync: sync.sync }) }, plural(sync.letters, 'letter')) : null],
			['Positions', sync.positions || null],
		]));
}

function draw({ sync, runs, limits, datasets }, parameters, again) {
	return [
		h('div', { class: 'head' },
			h('div', { class: 'path' }, h('a', { href: '#/' }, 'Overview'), ` / ${sync.connection} : ${sync.integration}`),
			h('h1', null, sync.sync), badge(sync.word), controls(sync, again)),
		alert_list(sync.alerts),
		section('Now', now(sync)),
		section('History', runs.length ? h('div', { class: 'card' }, history_bars(runs)) : null,
			table({ label: 'Past runs', columns: run_columns, rows: runs.slice(0, 12), key: r => r.run, nothing: 'It has not run yet.' })),
		datasets.length ? section('Datasets of the connection', h('div', { class: 'card' }, facts(datasets.map(d => [model_name(d),
			h('a', { href: link('records', { connection: d.connection, integration: d.integration, model: model_name(d) }) }, plural(d.live, 'record'))])))) : null,
		limits.length ? section('Limits', limit_cards(limits)) : null,
	];
}

export const page = { title: 'Sync', load, draw, live: true };

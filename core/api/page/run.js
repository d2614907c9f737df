/* run.js - one run: what it counted, where its time went, its steps, and its log as it is written.
 *
 * A log only grows: it is asked for from where the last answer ended, so a refresh costs the new lines and no others. */
import { get, place } from './api.js';
import { badge } from './badge.js';
import { facts, h, section } from './dom.js';
import { bytes, clock, milliseconds, number, when } from './format.js';
import { sync_link, sync_name } from './route.js';
import { table } from './table.js';
import { waits_bar } from './waits.js';

const LINES = 500;      /* of one answer */
const LINES_MAX = 5000; /* that are shown: the newest */

let log = { run: null, lines: [], after: 0 };

async function log_read(run) {
	let answer;

	if (log.run !== run)
		log = { run, lines: [], after: 0 };
	const mine = log;
	do {
		answer = await get(place('runs', run, 'logs'), { after: mine.after, limit: LINES });
		mine.lines.push(...answer.data);
		mine.after = answer.after ?? mine.after;
	} while (answer.more && mine.lines.length < LINES_MAX);
	mine.lines.splice(0, mine.lines.length - LINES_MAX);
	return mine.lines;
}

async function load({ run }) {
	const [row, steps, lines] = await Promise.all([get(place('runs', run)), get(place('runs', run, 'steps'), { limit: 1000 }), log_read(run)]);

	return { run: row.data, steps: steps.data, lines: [...lines] };
}

const columns = [
	{ name: 'Step', cell: s => `${s.step}${s.attempt > 1 ? ` (attempt ${s.attempt})` : ''}` },
	{ name: 'State', cell: s => badge(s.status) },
	{ name: 'Began', cell: s => clock(s.started_at) },
	{ name: 'Took', number: true, cell: s => milliseconds(s.finished_at ? Date.parse(s.finished_at) - Date.parse(s.started_at) : null) },
	{ name: 'Requests', number: true, cell: s => number(s.counts?.requests) },
	{ name: 'Saved', number: true, cell: s => number(s.counts?.saved) },
	{ name: 'Fetched', number: true, cell: s => bytes(s.counts?.bytes) },
	{ name: 'Position', long: true, wide: true, cell: s => h('span', { class: 'mono soft' }, s.reason || s.position?.after || '') },
];

const counted = ['fetched', 'saved', 'added', 'updated', 'unchanged', 'deleted', 'held', 'rejected', 'missing', 'requests', 'retries', 'rate_limited', 'pages', 'unmodified', 'steps', 'workers'];

function counts(run) {
	return facts([...counted.filter(name => run.counts?.[name]).map(name => [name.replaceAll('_', ' '), number(run.counts[name])]),
		['received', run.counts?.bytes ? bytes(run.counts.bytes) : null]]);
}

function draw({ run, steps, lines }) {
	return [
		h('div', { class: 'head' },
			h('div', { class: 'path' }, h('a', { href: '#/runs' }, 'Runs'), ' / ', h('a', { href: sync_link(run) }, sync_name(run))),
			h('h1', null, `Run ${run.run}`), badge(run.status)),
		run.reason ? h('p', { class: 'note' }, run.reason) : null,
		section('Summary', h('div', { class: 'card' }, facts([
			['Began', when(run.started_at)], ['Ended', when(run.finished_at, 'under way')], ['Took', milliseconds(run.time?.total_ms)],
			['Listing', run.full ? (run.complete ? 'full and complete' : 'full') : 'what has changed'], ['Resumed', run.resumes || null], ['Sandbox', run.sandbox]]))),
		run.time ? section('Where the time went', h('div', { class: 'card' }, waits_bar(run.time))) : null,
		section('Counts', h('div', { class: 'card' }, counts(run))),
		run.warnings?.length ? section('Warnings', h('ul', { class: 'card' }, run.warnings.map(text => h('li', null, typeof text === 'string' ? text : JSON.stringify(text))))) : null,
		section('Steps', table({ label: 'Steps', columns, rows: steps, key: s => `${s.step} ${s.attempt}`, nothing: 'No step has ended yet.' })),
		section('Log', h('div', { class: 'log', tabindex: '0', role: 'log', 'aria-label': 'Log of the run' },
			h('ol', null, lines.map((line, i) => h('li', { key: i, class: line.level }, clock(line.ts), h('span', null, line.level), h('span', null, line.msg)))))),
	];
}

export const page = { title: 'Run', load, draw, live: true };

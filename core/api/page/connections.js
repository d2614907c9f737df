/* connections.js - connections and plugins: what is there, what is usable, and what the doctor finds. */
import { get, place, send } from './api.js';
import { badge } from './badge.js';
import { act } from './control.js';
import { h, section } from './dom.js';
import { key_may } from './key.js';
import { table } from './table.js';

async function load() {
	const [connections, plugins, doctor] = await Promise.all([get('connections'), get('plugins'), get('doctor')]);

	return { connections: connections.data, plugins: plugins.data, findings: doctor.data };
}

function state(c) {
	return badge(!c.usable ? 'unusable' : c.enabled ? 'ok' : 'disabled');
}

function switch_button(c, again) {
	const verb = c.enabled ? 'disable' : 'enable';

	return h('button', {
		type: 'button', disabled: !key_may('write'), title: key_may('write') ? null : 'this key may not: it takes one of scope write',
		onclick: () => act(() => send('POST', place('connections', c.connection, c.integration, verb)), `${c.connection} : ${c.integration} is ${verb}d`, again),
	}, c.enabled ? 'Switch off' : 'Switch on');
}

const plugin_columns = [
	{ name: 'Plugin', cell: p => p.plugin }, { name: 'Version', cell: p => p.version || '–' },
	{ name: 'State', cell: p => (p.trouble ? badge('problem') : badge(p.in_use ? 'ok' : 'idle')) },
	{ name: '', wide: true, long: true, cell: p => h('span', { class: 'soft' }, p.trouble) },
];
const finding_columns = [
	{ name: 'Check', cell: f => f.check }, { name: 'Of', long: true, cell: f => f.subject }, { name: 'Verdict', cell: f => badge(f.verdict) },
	{ name: 'Found', wide: true, long: true, cell: f => [f.found, f.todo ? h('div', { class: 'note' }, f.todo) : null] },
];

function draw({ connections, plugins, findings }, parameters, again) {
	const bad = findings.filter(f => f.verdict !== 'ok');
	const columns = [
		{ name: 'Connection', cell: c => h('strong', null, c.connection) }, { name: 'Integration', cell: c => c.integration }, { name: 'Plugin', cell: c => c.plugin },
		{ name: 'State', cell: state }, { name: 'Comes from', long: true, cell: c => h('span', { class: 'soft' }, c.stored ? 'the store' : c.from) },
		{ name: '', cell: c => switch_button(c, again) },
	];

	return [
		h('div', { class: 'head' }, h('h1', null, 'Connections and plugins')),
		section('Connections', table({ label: 'Connections', columns, rows: connections, key: c => `${c.connection} : ${c.integration}`, nothing: 'No connection is configured.' })),
		section('Plugins', table({ label: 'Plugins', columns: plugin_columns, rows: plugins, key: p => p.plugin, nothing: 'No plugin is there.' })),
		section('What the doctor finds', table({ label: 'Findings', columns: finding_columns, rows: bad, key: f => `${f.check} ${f.subject} ${f.found}`, nothing: `All ${findings.length} checks are well.` })),
	];
}

export const page = { title: 'Connections', load, draw, live: false };

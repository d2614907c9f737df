/* held.js - deletes that a run held back, because they were too many at once to be believed without a person. */
import { get, place, send } from './api.js';
import { badge } from './badge.js';
import { act } from './control.js';
import { ask, show } from './dialog.js';
import { h } from './dom.js';
import { cut, number, plural, when } from './format.js';
import { key_may } from './key.js';
import { run_link, sync_link, sync_name } from './route.js';
import { table } from './table.js';

const SAMPLE = 50;
const where = (row, verb) => place('held', row.connection, row.integration, row.sync, row.model, verb);

async function load({ connection, integration, sync }) {
	return get('held', { connection, integration, sync });
}

async function sample(row, again) {
	try {
		const { data } = await get(where(row, 'records'), { limit: SAMPLE });
		show(`${row.model}: ${plural(row.held, 'record')} that the last listing did not have`,
			h('p', { class: 'soft' }, row.held > data.length ? `The first ${data.length} of them.` : 'All of them.'),
			table({
				label: 'Records', rows: data, key: r => r.id, columns: [
					{ name: 'Id', long: true, cell: r => h('span', { class: 'mono' }, r.id) }, { name: 'Changed', cell: r => when(r.modified_at) },
					{ name: 'Record', wide: true, long: true, cell: r => h('span', { class: 'mono soft' }, cut(JSON.stringify(r.record), 160)) }],
			}));
	} catch (error) {
		act(() => Promise.reject(error), '', again);
	}
}

const decisions = {
	confirm: {
		yes: 'Delete them', danger: true, done: 'the deletes are made', title: row => `Delete ${plural(row.held, 'record')} of ${row.model}?`,
		text: row => [`They are really gone at the provider: exactly the ${number(row.held)} that run ${row.run} did not see are deleted, out of ${number(row.records)}.`, 'Readers of the change feed are told of each.'],
	},
	dismiss: {
		yes: 'Keep them', danger: false, done: 'the records stay', title: row => `Keep ${plural(row.held, 'record')} of ${row.model}?`,
		text: () => ['The listing was wrong, and the records stay. The next complete listing judges anew.'],
	},
};

async function decide(verb, row, again) {
	const decision = decisions[verb];

	if (await ask({ title: decision.title(row), text: decision.text(row), yes: decision.yes, danger: decision.danger }))
		act(() => send('POST', where(row, verb), { run: row.run }), `${row.model}: ${decision.done}`, again);
}

function columns(again) {
	const may = key_may('write');
	const hint = row => (!may ? 'this key may not: it takes one of scope write' : row.state === 'running' ? 'the sync is running' : null);

	return [
		{ name: 'Model', cell: r => h('strong', null, r.model) },
		{ name: 'Held back', number: true, cell: r => [number(r.held), h('span', { class: 'soft' }, ` of ${number(r.records)}`)] },
		{ name: 'State', cell: r => badge(r.state === 'waiting' ? 'decide' : r.state) },
		{ name: 'Of', wide: true, cell: r => [h('a', { href: sync_link(r) }, sync_name(r)), h('div', null, h('a', { href: run_link(r.run) }, `run ${r.run}`), ' ', when(r.at))] },
		{
			name: '', wide: true, cell: r => h('div', { class: 'buttons' },
				h('button', { type: 'button', class: 'sample', disabled: r.state !== 'waiting', onclick: () => sample(r, again) }, 'Show them'),
				h('button', { type: 'button', class: 'dismiss', disabled: !may || r.state === 'running', title: hint(r), onclick: () => decide('dismiss', r, again) }, 'Keep'),
				h('button', { type: 'button', class: 'confirm danger', disabled: !may || r.state !== 'waiting', title: hint(r), onclick: () => decide('confirm', r, again) }, 'Delete')),
		},
	];
}

function draw(answer, parameters, again) {
	return [
		h('div', { class: 'head' }, h('h1', null, 'Held-back deletes')),
		h('p', { class: 'soft' }, 'A complete listing lacked so many records at once that nothing was deleted. Look at some of them, then decide.'),
		table({ label: 'Held-back deletes', columns: columns(again), rows: answer.data, key: r => `${sync_name(r)} : ${r.model}`, nothing: 'No delete is held back.' }),
	];
}

export const page = { title: 'Held deletes', load, draw, live: true };

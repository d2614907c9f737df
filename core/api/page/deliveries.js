/* deliveries.js - webhooks that go out: each receiver with what waits for it, and the events of one, which a person may send again. */
import { get, place, send } from './api.js';
import { badge } from './badge.js';
import { act } from './control.js';
import { show } from './dialog.js';
import { h, section } from './dom.js';
import { filters, more } from './filter.js';
import { bytes, milliseconds, number, plural, when } from './format.js';
import { pretty } from './json.js';
import { key_may } from './key.js';
import { link } from './route.js';
import { table } from './table.js';

const PAGE = 50;
const states = ['parked', 'delivered'];

async function load({ endpoint, state, cursor }) {
	const endpoints = (await get('endpoints')).data;
	const chosen = endpoint || (endpoints.length === 1 ? endpoints[0].endpoint : null);

	return { endpoints, chosen, events: chosen ? await get('deliveries', { endpoint: chosen, state, cursor, limit: PAGE }) : null };
}

function endpoint_columns(again) {
	return [
		{ name: 'Webhook', cell: e => h('a', { href: link('deliveries', { endpoint: e.endpoint }) }, e.endpoint) },
		{ name: 'State', cell: e => badge(e.state, e.trouble) },
		{ name: 'Receiver', long: true, cell: e => h('span', { class: 'soft' }, e.receiver || '–') },
		{ name: 'Waiting', number: true, cell: e => number(e.pending) },
		{ name: 'Parked', number: true, cell: e => number(e.parked) },
		{ name: 'Delivered', cell: e => [number(e.delivered), e.delivered_at ? [', ', when(e.delivered_at)] : null] },
		{ name: '', wide: true, long: true, cell: e => h('span', { class: 'soft' }, trouble(e)) },
		{
			name: '', cell: e => (e.pending && e.state !== 'sending' && key_may('write') ? h('button', {
				type: 'button', onclick: () => act(() => send('POST', place('endpoints', e.endpoint, 'retry')), `${e.endpoint}: tried again now`, again),
			}, 'Try now') : null),
		},
	];
}

function trouble(e) {
	return e.failures || e.trouble ? [e.trouble || e.reason, e.next_try_at ? [', next try ', when(e.next_try_at)] : null, e.failures > 1 ? `, ${plural(e.failures, 'failure')} in a row` : null] : null;
}

function event_columns(again) {
	const look = async event => {
		try {
			const { data } = await get(place('deliveries', event.endpoint, event.number));
			show(event.id, pretty(data.body));
		} catch {
			again();
		}
	};

	return [
		{ name: 'Event', long: true, cell: e => (e.number ? h('button', { type: 'button', class: 'link mono', onclick: () => look(e) }, e.id) : h('span', { class: 'mono' }, e.id)) },
		{ name: 'Type', cell: e => e.type }, { name: 'State', cell: e => badge(e.state) },
		{ name: 'When', cell: e => when(e.delivered_at || e.parked_at || e.made_at) },
		{ name: 'Attempts', number: true, cell: e => number(e.attempts) },
		{ name: '', wide: true, long: true, cell: e => h('span', { class: 'soft' }, e.duration_ms !== undefined ? `${e.status} in ${milliseconds(e.duration_ms)}` : [e.reason, e.bytes ? ` ${bytes(e.bytes)}` : null]) },
		{
			name: '', cell: e => (e.state === 'parked' ? h('button', {
				type: 'button', disabled: !key_may('write'), onclick: () => act(() => send('POST', place('deliveries', e.endpoint, e.number, 'retry')), 'it is sent again', again),
			}, 'Send again') : null),
		},
	];
}

function draw({ endpoints, chosen, events }, parameters, again) {
	return [
		h('div', { class: 'head' }, h('h1', null, 'Deliveries')),
		section('Webhooks', table({ label: 'Webhooks', columns: endpoint_columns(again), rows: endpoints, key: e => e.endpoint, current: e => e.endpoint === chosen, nothing: 'No [webhook NAME] section is configured.' })),
		chosen ? section(`Events of ${chosen}`, filters(parameters, { state: states }),
			table({ label: 'Events', columns: event_columns(again), rows: events.data, key: e => e.id, nothing: parameters.state ? 'None.' : 'Nothing waits: all is delivered.' }),
			more(events.more ? { cursor: events.cursor } : null, parameters.cursor)) : null,
	];
}

export const page = { title: 'Deliveries', load, draw, live: true };

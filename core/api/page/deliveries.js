/* deliveries.js - webhooks that go out: each endpoint and what waits for it, and the deliveries that a person may send again. */
import { get, place, send } from './api.js';
import { badge } from './badge.js';
import { act } from './control.js';
import { h } from './dom.js';
import { filters, more } from './filter.js';
import { plural, when } from './format.js';
import { key_may } from './key.js';
import { table } from './table.js';

async function load({ webhook, state, cursor }) {
	return get('deliveries', { webhook, state, cursor, limit: 50 });
}

export const page = { title: 'Deliveries', load, draw: () => h('div'), live: true };

/* alerts.js - what a person is to notice before anything else: open incidents, told once each. */
import { h } from './dom.js';
import { when } from './format.js';
import { sync_link } from './route.js';

export function alert_list(alerts) {
	return alerts.map(alert => h('div', { class: alert.kind === 'attention' || alert.kind === 'failures' ? 'alert bad' : 'alert', role: 'group', key: `${alert.kind} ${alert.connection} ${alert.integration} ${alert.sync} ${alert.limit || ''}` },
		h('span', { class: 'shape', 'aria-hidden': 'true' }, '▲'),
		h('div', null,
			h('strong', null, alert.kind.replaceAll('_', ' ')), ' · ', subject(alert), ' · since ', when(alert.since)),
		h('p', null, alert.text)));
}

function subject(alert) {
	const names = [alert.connection, alert.integration, alert.sync].filter(Boolean).join(' : ') || alert.limit || 'the host';

	return alert.sync ? h('a', { href: sync_link(alert) }, names) : names;
}



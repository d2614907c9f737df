/* waits.js - where a run's wall time went: every wait by its name, as one bar and in words. */
import { h } from './dom.js';
import { milliseconds } from './format.js';

const names = {
	connecting_ms: 'connecting', server_ms: 'the server', rate_limit_ms: 'rate limits', retry_ms: 'waiting to try again', token_ms: 'access tokens',
	starting_ms: 'starting workers', computing_ms: 'the connector', committing_ms: 'the disk',
};

export function waits_bar(time) {
	const parts = Object.entries(names).map(([key, name], tone) => ({ name, tone, ms: time[key] || 0 })).filter(part => part.ms > 0);
	const sum = parts.reduce((ms, part) => ms + part.ms, 0);
	let x = 0;

	if (!sum)
		return h('p', { class: 'soft' }, 'It has waited for nothing yet.');
	return [
		h('svg', { class: 'waits', viewBox: '0 0 1000 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, parts.map(part => {
			const width = part.ms / sum * 1000;
			x += width;
			return h('rect', { class: `tone-${part.tone}`, x: x - width, y: 0, width, height: 10 });
		})),
		h('ul', { class: 'legend' }, parts.map(part => h('li', { key: part.name },
			h('svg', { viewBox: '0 0 10 10', 'aria-hidden': 'true' }, h('rect', { class: `tone-${part.tone}`, width: 10, height: 10, rx: 2 })),
			part.name, ' ', h('span', { class: 'soft' }, milliseconds(part.ms), `, ${Math.round(part.ms / sum * 100)} %`)))),
	];
}

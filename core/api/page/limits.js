/* limits.js - rate limits and quotas: what was used, what is left, who waits and until when. */
import { h } from './dom.js';
import { duration, number, plural, when } from './format.js';

export function limit_cards(limits) {
	return h('div', { class: 'cards' }, limits.map(limit => h('div', { class: 'card quota', key: limit.limit },
		h('h3', null, limit.limit),
		limit.requests ? meter(limit.used, limit.requests, `in ${duration(limit.per_ms / 1000)}`) : h('span', { class: 'soft' }, 'no rate is known'),
		limit.quota ? meter(limit.quota.used, limit.quota.requests, `in ${duration(limit.quota.per_ms / 1000)}`) : null,
		limit.remaining === null ? null : h('div', { class: 'soft' }, `the provider says ${number(limit.remaining)} left, until `, when(limit.remaining_until)),
		limit.quota?.used_up_at ? h('div', null, 'used up ', when(limit.quota.used_up_at), ' at this pace') : null,
		limit.paused_until ? h('div', null, limit.reason, ', until ', when(limit.paused_until)) : null,
		limit.waiting_requests ? h('div', null, plural(limit.waiting_requests, 'request'), ' waiting') : null)));
}

function meter(used, most, text) {
	return h('div', null,
		h('progress', { max: most, value: Math.min(used, most), 'aria-label': `used ${used} of ${most}` }),
		h('span', { class: 'soft' }, `${number(used)} of ${number(most)} ${text}`));
}

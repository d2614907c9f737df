/* badge.js - the state of a thing in one word, one shape and one colour; none of the three alone. */
import { h } from './dom.js';

const shapes = { good: '●', busy: '◐', wait: '○', warn: '▲', bad: '■', off: '⏸︎', none: '·' };

/* word: [kind, what it is called] */
const words = {
	success: ['good', 'success'], done: ['good', 'done'], delivered: ['good', 'delivered'], sending: ['busy', 'sending'], gone: ['bad', 'gone'], left: ['none', 'not configured'], ok: ['good', 'ok'], closed: ['good', 'closed'],
	running: ['busy', 'running'], queued: ['busy', 'queued'], pending: ['busy', 'pending'], ready: ['busy', 'ready'], asked: ['busy', 'asked'],
	waiting: ['wait', 'waiting'], never: ['none', 'not run yet'], idle: ['wait', 'idle'],
	partial: ['warn', 'partial'], held: ['warn', 'held back'], retrying: ['warn', 'retrying'], pausing: ['warn', 'waits to retry'], warn: ['warn', 'warning'],
	interrupted: ['warn', 'interrupted'], stopped: ['warn', 'stopped'], cancelled: ['warn', 'cancelled'], void: ['none', 'void'],
	error: ['bad', 'error'], attention: ['bad', 'attention'], failed: ['bad', 'failed'], parked: ['bad', 'parked'], unusable: ['bad', 'unusable'], failing: ['bad', 'failing'], decide: ['warn', 'to be decided'],
	problem: ['bad', 'problem'], open: ['bad', 'circuit open'],
	paused: ['off', 'paused'], disabled: ['off', 'disabled'], inactive: ['off', 'inactive'], off: ['off', 'off'], manual: ['off', 'by hand'], unstarted: ['off', 'not started'],
	after: ['wait', 'after another'], 'off-right': ['none', 'no'],
};

export function badge(word, hint) {
	const [kind, text] = words[word] || ['none', String(word || 'unknown').replaceAll('_', ' ')];

	return h('span', { class: `badge ${kind}`, title: hint }, h('span', { class: 'shape', 'aria-hidden': 'true' }, shapes[kind]), text);
}

export function badge_kind(word) {
	return (words[word] || ['none'])[0];
}

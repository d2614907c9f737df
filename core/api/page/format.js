/* format.js - times, numbers and names as people read them.
 *
 * A time is relative, with the absolute one on hover, and goes on by itself: clock_tick() rewrites those that are shown. */
import { h } from './dom.js';

const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];

/* 754 s: "12 min"; the largest unit, and the next one while the first is small. */
export function duration(seconds) {
	const s = Math.max(0, Math.round(seconds));

	for (let i = 0; i < units.length; i++) {
		const [name, size] = units[i];
		const whole = Math.floor(s / size);

		if (whole < 1)
			continue;
		const next = units[i + 1];
		const rest = next && whole < 3 ? Math.floor((s - whole * size) / next[1]) : 0;
		return rest ? `${whole} ${name} ${rest} ${next[0]}` : `${whole} ${name}`;
	}
	return '0 s';
}

export function milliseconds(ms) {
	if (ms === null || ms === undefined)
		return '–';
	return ms < 1000 ? `${Math.round(ms)} ms` : ms < 10000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms / 1000);
}

function relative(at) {
	const s = (at - Date.now()) / 1000;

	if (Math.abs(s) < 2)
		return 'now';
	return s < 0 ? `${duration(-s)} ago` : `in ${duration(s)}`;
}

const absolute = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/* An RFC 3339 text, or microseconds since 1970; nothing: a dash. */
export function when(value, otherwise = '–') {
	const at = typeof value === 'number' ? value / 1000 : Date.parse(value || '');

	if (!value || Number.isNaN(at))
		return h('span', { class: 'none' }, otherwise);
	return h('time', { datetime: new Date(at).toISOString(), title: absolute.format(at), class: 'relative' }, relative(at));
}

/* To the second, for logs. */
export function clock(value) {
	const at = Date.parse(value || '');

	return Number.isNaN(at) ? '' : h('time', { datetime: value, title: absolute.format(at) }, new Date(at).toLocaleTimeString('en-GB'));
}

export function clock_tick() {
	for (const element of document.querySelectorAll('time.relative')) {
		const text = relative(Date.parse(element.dateTime));
		if (element.textContent !== text)
			element.textContent = text;
	}
}

export function number(n) {
	return n === null || n === undefined ? '–' : String(n).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

export function bytes(n) {
	let unit = 0;

	if (n === null || n === undefined)
		return '–';
	for (; n >= 1000 && unit < 4; unit++)
		n /= 1024;
	return `${unit && n < 10 ? n.toFixed(1) : Math.round(n)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}

export function plural(n, one, many = one + 's') {
	return `${number(n)} ${n === 1 ? one : many}`;
}

export function cut(text, most) {
	return text.length > most ? text.slice(0, most - 1) + '…' : text;
}

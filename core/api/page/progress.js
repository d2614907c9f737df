/* progress.js - a run under way: how far, how fast, what it waits for. */
import { h } from './dom.js';
import { milliseconds, number, plural, when } from './format.js';
import { run_link } from './route.js';

export function progress_line(progress) {
	const share = progress.total ? { max: progress.total, value: progress.processed } : null;

	return h('div', { class: 'progress' },
		share && h('progress', { ...share, 'aria-label': 'processed' }),
		h('a', { href: run_link(progress.run) }, plural(progress.records, 'record')),
		' ', progress.total ? h('span', { class: 'soft' }, `${number(progress.processed)} of ${number(progress.total)} · `) : null,
		h('span', { class: 'soft' }, plural(progress.requests, 'request'), ' · ', number(progress.records_per_second), '/s · ', milliseconds(progress.duration_ms)),
		progress.position && h('div', { class: 'mono soft' }, `step ${number(progress.step)}, at ${progress.position}`),
		progress.waiting && h('div', { class: 'soft' }, progress.waiting, progress.limit ? ` '${progress.limit}'` : null,
			progress.until_us ? [', ends ', when(progress.until_us)] : null));
}

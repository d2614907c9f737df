/* table.js - rows of the same kind: a table on a wide screen, cards with labels on a narrow one (style.css).
 *
 * Keyboard: in a table, arrow down and up go from row to row (to the first link or button of each), Home and End to the ends. */
import { h, empty } from './dom.js';

/* columns: [{name, cell(row), number?, wide?, long?}]; groups: (row) => [key, heading] puts a heading before each new one. */
export function table({ label, columns, rows, key, group, nothing, current }) {
	let last = null;
	const body = [];

	if (!rows.length)
		return empty(nothing || 'Nothing.');
	for (const row of rows) {
		const [name, heading] = group ? group(row) : [null, null];
		if (group && name !== last)
			body.push(h('tr', { class: 'group', key: `group ${name}` }, h('td', { colspan: columns.length, 'data-label': '' }, heading)));
		last = name;
		body.push(h('tr', { key: key(row), 'aria-current': current?.(row) ? 'true' : null }, columns.map(column => cell(column, row))));
	}
	return h('div', { class: 'scroll' },
		h('table', { 'aria-label': label, onkeydown: arrows },
			h('thead', null, h('tr', null, columns.map(c => h('th', { scope: 'col', class: c.number ? 'number' : null }, c.name)))),
			h('tbody', null, body)));
}

function cell(column, row) {
	const classes = [column.number && 'number', column.wide && 'wide', column.long && 'long'].filter(Boolean).join(' ');

	return h('td', { class: classes || null, 'data-label': column.name }, column.cell(row));
}

const steps = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

function arrows(event) {
	const step = steps[event.key];
	const rows = [...event.currentTarget.querySelectorAll('tbody tr')].filter(row => row.querySelector('a, button'));
	const at = rows.indexOf(event.target.closest('tr'));

	if (!step || at < 0 || event.target.matches('input, select'))
		return;
	const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
	next.querySelector('a, button').focus();
	event.preventDefault();
}

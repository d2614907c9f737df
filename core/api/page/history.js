/* history.js - past runs as bars, oldest to the left: the height says how long each took, the colour and a mark how it ended; and,
 * in a line of a list, only whether each of the last ones succeeded: a high bar for a failure. */
import { badge_kind } from './badge.js';
import { h } from './dom.js';
import { milliseconds, number } from './format.js';
import { run_link } from './route.js';

const WIDTH = 12;
const HEIGHT = 70;

/* Short runs beside a long one are to be seen too: the root of the share. */
function tall(run, longest) {
	return Math.max(3, Math.sqrt((run.time?.total_ms || 0) / longest) * HEIGHT);
}

export function history_bars(runs) {
	const longest = Math.max(1, ...runs.map(run => run.time?.total_ms || 0));
	const most = 60;
	const list = runs.slice(0, most).reverse();

	return h('svg', { class: 'bars', viewBox: `0 0 ${most * WIDTH} ${HEIGHT + 14}`, preserveAspectRatio: 'none', role: 'group', 'aria-label': 'History, a bar for each run' },
		h('rect', { class: 'ground', x: 0, y: HEIGHT + 1, width: most * WIDTH, height: 1 }),
		list.map((run, i) => bar(run, (most - list.length + i) * WIDTH, tall(run, longest))));
}

function bar(run, x, height) {
	const kind = badge_kind(run.status);
	const text = `run ${run.run}: ${run.status}, ${milliseconds(run.time?.total_ms)}, ${number(run.counts?.saved || 0)} records`;

	return h('a-svg', { href: run_link(run.run), 'aria-label': text, key: run.run },
		h('rect', { class: kind, x: x + 1.5, y: HEIGHT - height, width: WIDTH - 3, height, rx: 1.5 }, h('title-svg', null, text)),
		kind === 'bad' || kind === 'warn' ? h('path', { class: kind, d: mark(kind, x + WIDTH / 2), fill: 'none' }) : null);
}

/* Below the line: a cross for an error, a dash for what was not whole. */
function mark(kind, x) {
	const y = HEIGHT + 8;

	return kind === 'bad' ? `M${x - 3} ${y - 3}l6 6M${x - 3} ${y + 3}l6 -6` : `M${x - 3} ${y}h6`;
}

/* text: '+' or '-' for each of the last runs. */
export function history_line(text) {
	const failed = [...text].filter(mark => mark === '-').length;
	const says = failed ? `${failed} of the last ${text.length} runs failed` : `the last ${text.length} runs succeeded`;

	if (!text)
		return null;
	return h('svg', { class: 'line', viewBox: '0 0 100 14', role: 'img', 'aria-label': says }, h('title-svg', null, says), [...text].map((mark, i) =>
		h('rect', { class: mark === '-' ? 'bad' : 'good', x: i * 5, y: mark === '-' ? 0 : 8, width: 3.4, height: mark === '-' ? 14 : 6, rx: 0.8 })));
}

/* app.js - the frame: which page stands in #main, when it is drawn anew, who is logged in.
 *
 *   address changes ──> load() ──> draw() ──> morph into #main
 *   live event, or every 5 s without a stream ──> the same, at most once a second, never two at once, and where
 *                                                 it takes long no more than a tenth of the time
 *
 * The stream is open while the page is to be seen: a browser has six connections for a host, and tabs in the background would
 * take them all.
 *
 * A page is {title, load(parameters), draw(data, parameters, again), live}. load asks, draw makes elements and asks nothing. A
 * refresh that fails leaves what is shown, and says so. */
import { api_leave, get, live } from './api.js';
import { notice } from './dialog.js';
import { h, morph } from './dom.js';
import { clock_tick } from './format.js';
import { key_forget, key_text, key_told } from './key.js';
import { login_form } from './login.js';
import { route_now } from './route.js';
import { follow } from './stream.js';
import { theme_begin } from './theme.js';
import { page as connections } from './connections.js';
import { page as deliveries } from './deliveries.js';
import { page as held } from './held.js';
import { page as letters } from './letters.js';
import { page as records } from './records.js';
import { page as run } from './run.js';
import { page as runs } from './runs.js';
import { page as settings } from './settings.js';
import { page as sync } from './sync.js';
import { page as syncs } from './syncs.js';

const pages = { '': syncs, sync, run, runs, records, letters, held, deliveries, connections, key: settings };
const menu = [['', 'Overview'], ['runs', 'Runs'], ['records', 'Records'], ['letters', 'Dead letters'], ['held', 'Held deletes'],
	['deliveries', 'Deliveries'], ['connections', 'Connections'], ['key', 'Key']];
const within = { sync: '', run: 'runs' }; /* pages that the menu does not have */

const main = document.getElementById('main');
let shown = 0;         /* counts pages: an answer for one that was left is dropped */
let busy = false;      /* a load is under way */
let wanted = false;    /* and another one is wanted behind it */
let stream = null;     /* AbortController of the live stream */
let polling = false;   /* there is no stream */
let took = 0;          /* ms, the last load and draw */
let broken = false;    /* the host did not answer the last time */

function put(...content) {
	const fresh = document.createElement('main');
	fresh.append(...content.flat(Infinity).filter(part => part !== null && part !== undefined && part !== false));
	morph(main, fresh);
}

function menu_draw() {
	const { page } = route_now();
	const at = within[page] ?? page;
	const fresh = h('nav', null, key_text() ? menu.map(([name, text]) =>
		h('a', { href: `#/${name}`, key: name || 'overview', 'aria-current': name === at ? 'page' : null }, text)) : null);

	morph(document.getElementById('nav'), fresh);
}

async function draw(first) {
	const { page: name, parameters } = route_now();
	const page = pages[name];
	const mine = shown;

	if (!page) {
		put(h('h1', null, 'There is no such page'), h('p', null, h('a', { href: '#/' }, 'To the overview')));
		return;
	}
	if (busy) {
		wanted = true;
		return;
	}
	const began = performance.now();
	busy = true;
	try {
		const data = await page.load(parameters, first);
		if (mine === shown && key_text())
			put(page.draw(data, parameters, again));
		broken = false;
	} catch (error) {
		if (mine === shown && key_text() && error.name !== 'AbortError')
			failed(error, first);
	} finally {
		busy = false;
		took = performance.now() - began;
		live_draw();
		if (wanted) {
			wanted = false;
			again(mine !== shown);
		}
	}
}

function failed(error, first) {
	broken = error.status === 0;
	if (first)
		put(h('div', { class: 'head' }, h('h1', null, 'This cannot be shown')), h('p', { id: 'failure' }, error.message),
			h('p', null, h('button', { type: 'button', onclick: () => again(true) }, 'Try again')));
	if (!(error instanceof Error) || error.status === undefined)
		console.error(error);
}

/* Draw anew what is shown. */
function again(first = false) {
	return draw(first);
}

function go() {
	const { page } = route_now();

	shown++;
	api_leave();
	menu_draw();
	document.title = `${pages[page]?.title || 'Sluice'} · Sluice`;
	draw(true).then(() => window.scrollTo(0, 0));
}

/* ---- live ---- */

let due = null;

function changed() {
	due ||= setTimeout(() => {
		due = null;
		if (!document.hidden && key_text() && pages[route_now().page]?.live)
			again();
	}, Math.max(900, took * 10));
}

function live_draw() {
	const element = document.getElementById('live');
	const text = !key_text() ? '' : broken ? '▲ the host does not answer' : polling ? '○ every 5 s' : '● live';

	if (element.textContent !== text)
		element.textContent = text;
}

function live_begin() {
	stream?.abort();
	if (document.hidden || !key_text())
		return;
	stream = new AbortController();
	polling = true;
	follow(live, changed, state => {
		polling = state !== 'live';
		if (state === 'broken')
			changed();
		live_draw();
	}, stream.signal);
}

setInterval(() => {
	if (key_text() && (polling || broken))
		changed();
}, 5000);
setInterval(clock_tick, 1000);
document.addEventListener('visibilitychange', () => {
	live_begin();
	changed();
});
window.addEventListener('pagehide', () => stream?.abort());

/* ---- who is there ---- */

function entered() {
	live_begin();
	go();
	main.focus();
}

function locked(reason) {
	shown++;
	stream?.abort();
	menu_draw();
	live_draw();
	document.title = 'Log in · Sluice';
	main.replaceChildren(login_form(entered, reason));
	document.getElementById('key').focus();
}

async function begin() {
	theme_begin();
	document.getElementById('skip').onclick = event => {
		event.preventDefault();
		main.focus();
	};
	window.addEventListener('hashchange', () => (key_text() ? go() : null));
	window.addEventListener('key-refused', () => {
		if (!document.getElementById('key'))
			locked('The host does not know this key any more.');
	});
	if (!key_text())
		return locked();
	try {
		key_told(await get('key'));
		entered();
	} catch (error) {
		if (error.status !== 401) {
			notice(error.message, true);
			key_forget();
			locked(`${error.message}: log in when it does.`);
		}
	}
}

begin();

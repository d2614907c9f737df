/* settings.js - the key of this tab: whose it is, what it may, and away with it. */
import { badge } from './badge.js';
import { facts, h, section } from './dom.js';
import { key_about, key_forget } from './key.js';

const meanings = {
	read: 'look at everything', trigger: 'start syncs that are there', write: 'start, pause, cancel; retry, confirm and dismiss', admin: 'change the configuration in force, and do upkeep',
};

function log_out() {
	key_forget();
	history.replaceState(null, '', '#/'); /* whoever comes next begins at the beginning */
	location.reload();
}

function draw() {
	const key = key_about();

	return [
		h('div', { class: 'head' }, h('h1', null, 'Key'), h('div', { class: 'buttons' }, h('button', { type: 'button', id: 'log-out', onclick: log_out }, 'Log out'))),
		section('This tab', h('div', { class: 'card' }, facts([['Key', key.name], ['Sluice', key.version]]))),
		section('What it may do', h('div', { class: 'card' }, facts(Object.entries(meanings).map(
			([right, meaning]) => [right, [badge(key.rights.includes(right) ? 'ok' : 'off-right'), h('div', { class: 'soft' }, meaning)]])))),
	];
}

export const page = { title: 'Key', load: async () => ({}), draw, live: false };

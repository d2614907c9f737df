/* login.js - asks for the API key, and says in words why one is not taken. */
import { ApiError, get } from './api.js';
import { h } from './dom.js';
import { key_forget, key_set, key_told } from './key.js';

export function login_form(entered, reason) {
	const input = h('input', { id: 'key', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true, 'aria-describedby': 'key-wrong' });
	const wrong = h('p', { id: 'key-wrong', class: 'wrong', role: 'alert' }, reason);
	const button = h('button', { class: 'main' }, 'Log in');

	async function submit(event) {
		event.preventDefault();
		button.disabled = true;
		key_set(input.value.trim());
		try {
			const about = await get('key');
			if (!about.rights.includes('read'))
				throw new ApiError(403, 'forbidden', 'this key may not read');
			key_told(about);
			entered();
		} catch (error) {
			key_forget();
			wrong.textContent = refusal(error);
			button.disabled = false;
			input.select();
			input.focus();
		}
	}

	return h('div', { class: 'card login', key: 'login' },
		h('h1', null, 'Log in to Sluice'),
		h('form', { onsubmit: submit }, h('label', { for: 'key' }, 'API key', input), wrong, h('div', { class: 'buttons' }, button)),
		h('p', { class: 'soft' }, 'Keys are [key NAME] sections of the configuration; without any, the host printed one when it first began. This tab keeps the key until it is closed or you log out.'));
}

function refusal(error) {
	if (error instanceof ApiError && error.status === 401)
		return 'The host does not know this key.';
	if (error instanceof ApiError && error.status === 403)
		return 'This key may not read.';
	if (error instanceof TypeError)
		return 'A key has no such characters.';
	return `That did not work: ${error.message}.`;
}

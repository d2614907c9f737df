/* dialog.js - asking a person before something is done, and telling him what came of it. */
import { h } from './dom.js';

/* Resolves with the fields' values ({} when there are none), or null when it was called off. fields: {name: element}. */
export function ask({ title, text, yes, danger = false, fields = {} }) {
	return new Promise(resolve => {
		const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' },
			h('form', { method: 'dialog' },
				h('h2', { id: 'dialog-title' }, title),
				[].concat(text || []).map(line => h('p', null, line)),
				Object.values(fields),
				h('div', { class: 'buttons' },
					h('button', { value: '', formnovalidate: true }, 'Cancel'),
					h('button', { value: 'yes', class: danger ? 'danger' : 'main' }, yes))));

		dialog.onclose = () => {
			const values = {};
			for (const [name, element] of Object.entries(fields)) {
				const input = element.querySelector('input, select') || element;
				values[name] = input.type === 'checkbox' ? input.checked : input.value;
			}
			dialog.remove();
			resolve(dialog.returnValue === 'yes' ? values : null);
		};
		document.body.append(dialog);
		dialog.showModal();
	});
}

/* Something to look at, closed by Escape or its button. */
export function show(title, ...content) {
	const dialog = h('dialog', { class: 'wide', 'aria-labelledby': 'dialog-title' },
		h('h2', { id: 'dialog-title' }, title), content,
		h('form', { method: 'dialog', class: 'buttons' }, h('button', { class: 'main' }, 'Close')));

	dialog.onclose = () => dialog.remove();
	document.body.append(dialog);
	dialog.showModal();
}

export function notice(text, bad = false) {
	const element = h('div', { class: bad ? 'notice bad' : 'notice', role: bad ? 'alert' : null }, text);

	document.getElementById('notices').append(element);
	setTimeout(() => element.remove(), bad ? 12000 : 5000);
}

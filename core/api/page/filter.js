/* filter.js - what narrows a list, and what turns its pages: both change the address, so the way back works. */
import { h } from './dom.js';
import { route_with } from './route.js';

/* choices: {parameter: [values]}; `all` is always one. find: what a text is looked for in, by the parameter of that name. */
export function filters(parameters, choices, find = null) {
	return h('div', { class: 'filters', role: 'search' }, find && h('label', { key: 'find' }, find,
		h('input', { id: 'filter-find', type: 'search', value: parameters.find || '', spellcheck: 'false',
			onchange: event => { location.hash = route_with({ find: event.target.value }); } })), Object.entries(choices).map(([name, values]) =>
		h('label', { key: name }, name,
			h('select', { id: `filter-${name}`, value: parameters[name] || '', onchange: event => { location.hash = route_with({ [name]: event.target.value, cursor: null, before: null }); } },
				h('option', { value: '' }, 'all'), values.map(value => h('option', { value }, value))))));
}

/* next: the parameters of the next page, or null; inside: this is not the first one. */
export function more(next, inside) {
	if (!next && !inside)
		return null;
	return h('nav', { class: 'pages', 'aria-label': 'Pages of the list' },
		inside ? h('a', { class: 'button', href: route_with({ cursor: null, before: null }) }, 'First page') : null,
		next ? h('a', { class: 'button', id: 'next-page', href: route_with(next) }, 'Next page') : 'that is all');
}

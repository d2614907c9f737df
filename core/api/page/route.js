/* route.js - addresses of pages: '#/run?run=7'. All that a page shows follows from its address, so it can be sent to somebody
 * and the way back works. A key is never in it. */

export function link(page, parameters = {}) {
	const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false);
	const query = new URLSearchParams(given);

	return `#/${page}${query.size ? '?' + query : ''}`;
}

export function route_now() {
	const [page, query] = location.hash.replace(/^#\/?/, '').split('?');

	return { page, parameters: Object.fromEntries(new URLSearchParams(query || '')) };
}

/* The same page with some parameters changed. */
export function route_with(changes) {
	const { page, parameters } = route_now();

	return link(page, { ...parameters, ...changes });
}

export function sync_link({ connection, integration, sync }) {
	return link('sync', { connection, integration, sync });
}

export function run_link(run) {
	return link('run', { run });
}

/* A model as paths have it: with its variant, where it is not that of the sync itself. */
export function model_name({ model, variant }) {
	return variant && variant !== 'base' ? `${model}::${variant}` : model;
}

export function sync_name({ connection, integration, sync }) {
	return `${connection} : ${integration} : ${sync}`;
}

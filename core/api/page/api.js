/* api.js - what the host is asked, by the API that everybody has; the key goes in a header and nowhere else.
 *
 * Every failure is an ApiError with the host's own words. A 401 forgets the key: the page asks for one again. */
import { parse } from './json.js';
import { key_forget, key_text } from './key.js';

export class ApiError extends Error {
	constructor(status, code, message) {
		super(message);
		this.status = status;
		this.code = code;
	}
}

/* What the pages ask for, and where it is. */
const places = {
	key: '/api/v1/key', syncs: '/api/v1/syncs', alerts: '/api/v1/alerts', limits: '/api/v1/limits', datasets: '/api/v1/datasets',
	runs: '/api/v1/runs', connections: '/api/v1/connections', plugins: '/api/v1/plugins', letters: '/api/v1/dead-letters',
	held: '/api/v1/held', doctor: '/api/v1/doctor', deliveries: '/api/v1/deliveries', endpoints: '/api/v1/webhooks',
};

/* place('runs', 7, 'steps'): each part is one segment, whatever stands in it. */
export function place(name, ...parts) {
	return places[name] + parts.map(part => '/' + encodeURIComponent(part)).join('');
}

function address(where, query) {
	const given = Object.entries(query || {}).filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false);
	const text = new URLSearchParams(given).toString();

	return (where.startsWith('/') ? where : places[where]) + (text ? '?' + text : '');
}

async function fetched(where, options) {
	try {
		return await fetch(where, { cache: 'no-store', credentials: 'omit', ...options, headers: { Authorization: `Bearer ${key_text()}`, ...options.headers } });
	} catch (error) {
		if (error.name === 'AbortError')
			throw error;
		throw new ApiError(0, 'unreachable', 'the host does not answer');
	}
}

async function answer(response) {
	const text = await response.text();
	let body = null;

	try {
		body = text ? parse(text) : null;
	} catch {
		throw new ApiError(response.status, 'no_json', `the host answered ${response.status} and no JSON`);
	}
	if (response.ok)
		return body;
	if (response.status === 401) {
		key_forget();
		window.dispatchEvent(new Event('key-refused'));
	}
	throw new ApiError(response.status, body?.error?.code || 'unknown', body?.error?.message || `the host answered ${response.status}`);
}

let leaving = new AbortController(); /* ends what a page that was left is still asking */

export function api_leave() {
	leaving.abort();
	leaving = new AbortController();
}

export async function get(where, query) {
	return answer(await fetched(address(where, query), { signal: leaving.signal }));
}

export async function send(method, where, body) {
	return answer(await fetched(address(where), {
		method, ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
	}));
}

/* An open stream of events, for stream.js. */
export function live(last, signal) {
	return fetched('/api/v1/live', { signal, headers: { Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': last } : {}) } });
}

/* stream.js - server-sent events read by fetch(), because EventSource can send no Authorization header.
 *
 * Reconnects with growing pauses; a stream that is refused is not asked for again, and whoever listens falls back to asking.
 * Guarantee: what a cut-off stream left half is never handed on. */

/* Cuts a text that grows into events: feed(piece) hands on each {event, data, id} that is whole. */
export function parser(emit) {
	let rest = '';
	let event = { event: 'message', data: [], id: null };

	function line(text) {
		if (text === '') {
			if (event.data.length)
				emit({ event: event.event, id: event.id, data: event.data.join('\n') });
			event = { event: 'message', data: [], id: event.id };
			return;
		}
		const colon = text.indexOf(':');
		if (colon === 0)
			return; /* a heartbeat */
		const name = colon < 0 ? text : text.slice(0, colon);
		const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
		if (name === 'data')
			event.data.push(value);
		else if (name === 'event')
			event.event = value;
		else if (name === 'id')
			event.id = value;
	}

	return piece => {
		const lines = (rest + piece).split(/\r\n|\n|\r/);
		rest = lines.pop();
		lines.forEach(line);
	};
}

const pause = (ms, signal) => new Promise(resolve => {
	const timer = setTimeout(resolve, ms);
	signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

/* open(id, signal) -> Response. told: 'live', 'broken' or 'refused'. Ends with `refused`, or when the signal is aborted. */
export async function follow(open, emit, told, signal) {
	let failures = 0;
	let last = null;

	while (!signal.aborted) {
		try {
			const response = await open(last, signal);
			if (response.status >= 400 && response.status < 500 && response.status !== 429 && response.status !== 408) {
				told('refused');
				return;
			}
			if (!response.ok)
				throw new Error(`status ${response.status}`);
			told('live');
			failures = 0;
			await read(response, event => { last = event.id ?? last; emit(event); });
		} catch (error) {
			if (signal.aborted)
				return;
		}
		told('broken');
		await pause(Math.min(30000, 500 * 2 ** failures++) * (0.75 + Math.random() / 2), signal);
	}
}

async function read(response, emit) {
	const feed = parser(emit);
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();

	for (;;) {
		const { value, done } = await reader.read();
		if (done)
			return;
		feed(value);
	}
}

/* control.js - what a person can do to a sync: each asked for again where it costs something, and told what came of it. */
import { place, send } from './api.js';
import { ask, notice } from './dialog.js';
import { h } from './dom.js';
import { key_may } from './key.js';
import { sync_name } from './route.js';

/* Does it and says so; a refusal is shown in the host's words. Then `again` draws what is now so. */
export async function act(what, done, again) {
	try {
		await what();
		notice(done);
	} catch (error) {
		notice(error.message, true);
	}
	again();
}

const verbs = [
	{ id: 'trigger', text: 'Sync now', rights: ['trigger', 'write'], path: 'trigger', body: {}, main: true, done: 'asked for a run', when: s => !s.progress },
	{
		id: 'refresh', text: 'Full refresh', rights: ['write'], path: 'trigger', body: { full_refresh: true }, done: 'asked for a full refresh',
		when: s => !s.progress, ask: 'Fetches everything again, and finds what was deleted. That costs as many requests as the first sync did.',
	},
	{
		id: 'cancel', text: 'Cancel run', rights: ['write'], path: 'cancel', done: 'the run ends', danger: true, when: s => s.progress || s.word === 'queued',
		ask: 'The run under way is stopped. What it has committed stays, and the next run goes on from there.',
	},
	{
		id: 'pause', text: 'Pause', rights: ['write'], path: 'pause', done: 'paused', when: s => s.state !== 'paused',
		ask: 'It does not begin by itself any more until somebody resumes it. A run under way ends by itself.',
	},
	{ id: 'resume', text: 'Resume', rights: ['write'], path: 'start', done: 'resumed', when: s => ['paused', 'attention', 'failing', 'unstarted'].includes(s.state) },
];

async function press(verb, sync, again) {
	if (verb.ask && !(await ask({ title: `${verb.text}: ${sync_name(sync)}?`, text: verb.ask, yes: verb.text, danger: verb.danger })))
		return;
	await act(() => send('POST', place('syncs', sync.connection, sync.integration, sync.sync, verb.path), verb.body), `${sync_name(sync)}: ${verb.done}`, again);
}

export function controls(sync, again) {
	return h('div', { class: 'buttons', role: 'group', 'aria-label': 'Control' }, verbs.filter(verb => verb.when(sync)).map(verb => {
		const may = verb.rights.some(key_may);
		return h('button', {
			type: 'button', id: verb.id, key: verb.id, class: verb.main ? 'main' : verb.danger ? 'danger' : null, disabled: !may,
			title: may ? null : `this key may not: it takes one of scope ${verb.rights[0]}`, onclick: () => press(verb, sync, again),
		}, verb.text);
	}));
}

/* sync-row.js - one sync as the pages speak of it, made of the host's facts: how it ended last, what it does now, what is next.
 *
 * The host says how the last run ended and what the schedule holds; which of the two a person wants to read first is decided
 * here, once. */

/* What the schedule says that is more urgent than how the last run ended. */
const urgent = new Set(['attention', 'paused', 'inactive', 'failing', 'queued', 'after', 'unstarted', 'unusable']);

export function sync_row(row) {
	const last = row.last || {};
	const schedule = row.schedule || {};
	const held = Object.values(row.held || {}).reduce((sum, n) => sum + n, 0);

	return {
		connection: row.connection,
		integration: row.integration,
		sync: row.sync,
		word: word(row, last, schedule),
		ended: last.status || null,
		state: schedule.state || null,
		ran: last.last_run_us || row.last_run_at || null,
		succeeded: last.last_success_us || row.last_success_at || null,
		next: schedule.next_us || row.due_at || null,
		until: schedule.until_us || null,
		limit: schedule.limit || null,
		after: schedule.after || null,
		run: row.progress?.run || last.run || null,
		progress: row.progress || null,
		failures: last.failures || 0,
		lately: last.ended || '',
		reason: last.status === 'success' ? null : last.reason || null,
		trouble: schedule.trouble || null,
		alerts: row.alerts || [],
		held,
		heldOf: row.held || {},
		letters: row.dead_letters || 0,
		positions: row.positions || 0,
		records: row.records ?? null,
		models: row.models || null,
		every: row.every || row.interval || null,
	};
}

function word(row, last, schedule) {
	if (row.running || row.progress)
		return 'running';
	if (urgent.has(schedule.state))
		return schedule.state;
	if (row.interrupted?.run && row.interrupted.run !== last.run)
		return 'interrupted';
	return last.status || 'never';
}

/* One line on what it does or waits for; null: nothing that the word does not say. */
export function sync_note(sync) {
	const progress = sync.progress;

	if (progress)
		return progress.waiting ? `${progress.waiting}${progress.limit ? ` '${progress.limit}'` : ''}` : null;
	if (sync.word === 'after' && sync.after)
		return `after ${sync.after.connection} : ${sync.after.integration} : ${sync.after.sync}, which is ${sync.after.state}`;
	return sync.trouble || (sync.word === 'queued' && sync.limit ? `by max_runs of the ${sync.limit}` : null) || sync.reason;
}

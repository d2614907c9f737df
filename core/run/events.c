/* events.c - a run that handles events: one worker, one step an event, in the order in which they wait.
 *
 *   taken -> step -> what it saved and the event's end, in one commit -> the next one, or the run ends
 *
 * Guarantee. Nothing of an event is durable without its end, and its end not without all that it saved: a commit goes only
 * between two events (batch.c asks event_open). So a kill repeats the event in hand and no other. An event that fails
 * ends the run; what becomes of it then is for who started the run, and the events before it stay handled.
 *
 * Whose word is newer. The guards of the store (store/guard.c) compare events with events by the provider's clock, and with
 * pages by ours. An event is newer than what was asked for before it arrived. One that came late, by its own time, is not:
 * a page asked for well after it happened shows it already. "Well" is SKEW_US, for the two clocks differ, and providers'
 * times are cut to seconds. A page is as old as the step that shows it: what a connector saves there it has asked for in
 * that step. */
#include <stdlib.h>
#include "base/mem.h"
#include "run/inside.h"
#include "store/events_in.h"

#define SKEW_US (INT64_C(60) * 1000000)
#define EVENTS_MAX 1000u        /* of one run: its record and its steps stay readable */
#define LARGE 8u                /* times max_batch may one event save */
#define BESIDES_US (INT64_C(6) * 3600 * 1000000)

bool
event_open(const struct run *r)
{
	return r->event && r->state == RUN_STEPPING;
}

/* Longer than any run of this connection lasts. */
static int64_t
guards_kept_us(const struct run *r)
{
	struct sync_settings l;
	int64_t most = INT64_C(24) * 3600 * 1000;

	for (size_t i = 0; i < r->manifest->n_syncs; i++) {
		settings_sync_fill(r->settings, r->connection, r->manifest->syncs[i].name, &l);
		most = l.run_ms > most ? l.run_ms : most;
	}
	return most * 1000 + BESIDES_US;
}

void
events_voice(const struct run *r, struct voice *v)
{
	if (r->webhook)
		*v = r->voice;
	else if (r->sync)
		*v = (struct voice){.whose = VOICE_PAGE, .at_us = r->steps.now ? r->steps.now->started_us : r->start_us};
	else
		*v = (struct voice){0};
}

bool
events_take(struct run *r)
{
	struct run_event e = {0};
	int64_t late_us;

	r->event = 0;
	if (r->stop_why || r->events >= EVENTS_MAX || !r->request.event_next(r->request.sink, &e))
		return false;
	late_us = e.happened_us ? e.happened_us + SKEW_US : e.arrived_us;
	r->event = e.number;
	r->voice = (struct voice){
		.whose = VOICE_EVENT,
		.at_us = e.happened_us ? e.happened_us : e.arrived_us,
		.until_us = late_us < e.arrived_us ? late_us : e.arrived_us,
		.keep_us = guards_kept_us(r),
	};
	free((char *)(uintptr_t)r->request.input.p);
	r->request.input = slice_of(slice_dup(e.body), e.body.len);
	r->deadline_ms = clock_mono_ms(r->host->clock) + r->webhook->timeout_ms;
	if (batch_idle(r) && !r->batch.open) /* a sync may have changed them since */
		begin_state(r);
	return true;
}

void
events_done(struct run *r)
{
	const struct inbox_change how = {.what = INBOX_HANDLED, .run = r->number};

	commit_inbox_change(batch_open(r), r->event, &how);
	r->event = 0;
	r->events++;
	batch_part(r);
}

void
events_grown(struct run *r)
{
	if (r->batch.open && commit_bytes(r->batch.open) > LARGE * r->settings->host.max_batch)
		run_failf(r, ERR_DATA, "event %llu saves more than an event may (%u times max_batch): save less, or have a sync do it",
		          (unsigned long long)r->event, LARGE);
}

char *
run_scope_name(const struct run *r)
{
	return r->webhook ? xasprintf("webhook:%s", r->request.name) : xstrdup(r->request.name);
}

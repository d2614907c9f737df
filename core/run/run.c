/* run.c - the state machine of one run: the drawing is in run.h.
 *
 * run_start has everything judged that can be judged beforehand, and the beginning put in the store (begin.c); from
 * then on callbacks of worker, proxy and store note what happened and poke, and run_advance acts on the next turn of
 * the loop. COMMITTING is also how a run fails: what is under way is ended, what is on its way to the disk arrives, and
 * only then is the end written.
 *
 * Awkward: a callback may come from inside a call of ours (a kill that ends at once), so none of them changes the
 * state. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/inside.h"
#include "sluice.h"

#define TICK_MS 100

/* ---- small things that all files of a run need ---- */

static void run_advance(uv_timer_t *timer);

void
run_poke(struct run *r)
{
	if (r->state != RUN_DONE)
		uv_timer_start(&r->poke, run_advance, 0, 0);
}

bool
run_over(const struct run *r)
{
	return r->err.cls != ERR_NONE || r->ended || r->respawn;
}

void
run_fail(struct run *r, const struct err *why)
{
	if (r->err.cls == ERR_NONE) {
		r->err = *why;
		if (!r->keep_open)
			batch_drop(r);
	}
	run_poke(r);
}

void
run_failf(struct run *r, enum err_class cls, const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	err_setv(&err, cls, fmt, ap);
	va_end(ap);
	run_fail(r, &err);
}

void
run_warn(struct run *r, const char *fmt, ...)
{
	struct buf line = {0};
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		die("out of memory for a warning");
	va_end(ap);
	buf_puts(&line, text);
	buf_putc(&line, '\n');
	if (!r->warnings.len || !memmem(r->warnings.p, r->warnings.len, line.p, line.len)) {
		buf_slice(&r->warnings, buf_view(&line));
		history_log(r, LOG_WARN, "%s", text);
	}
	buf_free(&line);
	free(text);
}

struct run_model *
run_model_at(struct run *r, uint16_t index)
{
	for (size_t i = 0; i < r->n_models; i++)
		if (r->models[i].index == index)
			return &r->models[i];
	return NULL;
}

const struct json_seed *
run_seed(const struct run *r)
{
	static const struct json_seed none; /* a dry run without a store: nothing to compare with */

	return r->host->store ? store_seed(r->host->store) : &none;
}

static bool
waits_for_provider(const struct run *r)
{
	const char *what;
	int64_t until;

	return requests_waiting(r, &until, &what) != WAIT_NONE;
}

void
run_account_as(struct run *r, enum wait_reason reason)
{
	int64_t now = clock_mono_ms(r->host->clock), passed = now - r->account_ms;

	r->account_ms = now;
	if (reason != WAIT_NONE) {
		r->counts.wait_ms[reason] += passed;
		metrics_waited(r, reason, passed);
	} else if (r->state == RUN_COMMITTING || r->batch.held) {
		r->counts.commit_ms += passed;
		metrics_worked(r, "commit", passed);
	} else if (r->state == RUN_STEPPING) {
		r->counts.compute_ms += passed;
		metrics_worked(r, "compute", passed);
	} else {
		r->counts.start_ms += passed;
		metrics_worked(r, "start", passed);
	}
}

void
run_account(struct run *r)
{
	const char *what;
	int64_t until;

	run_account_as(r, r->respawn && r->steps.again_ms > r->account_ms ? WAIT_RETRY
	                  : r->batch.held                                 ? WAIT_NONE
	                                                                  : requests_waiting(r, &until, &what));
}

/* ---- the machine ---- */

static void run_finish(struct run *r);

static void
spawn(struct run *r)
{
	struct err err;

	if (r->stop_why)
		run_failf(r, ERR_STOPPED, "%s", r->stop_why);
	else if (session_start(r, &err) != 0)
		run_fail(r, &err);
}

/* What is under way is ended: by force where the run failed. */
static void
close_down(struct run *r)
{
	if (r->call.open && r->err.cls == ERR_NONE && !r->respawn)
		session_break(r, "save", "a call that never ended");
	if (r->err.cls != ERR_NONE)
		steps_end(r, &r->err);
	if (r->respawn && !r->keep_open)
		batch_drop(r);
	else if (r->err.cls == ERR_NONE || r->keep_open)
		batch_boundary(r, NULL, true);
	session_exit(r);
	requests_cancel(r);
	r->kill_at_ms = clock_mono_ms(r->host->clock) + r->settings->host.stop_grace_ms;
	run_poke(r);
}

static void (*const entering[RUN_STATES])(struct run *r) = {
	[RUN_SPAWNING] = spawn,
	[RUN_COMMITTING] = close_down,
	[RUN_DONE] = run_finish,
};

void
run_enter(struct run *r, enum run_state state)
{
	run_account(r);
	r->state = state;
	if (entering[state])
		entering[state](r);
}

/* A new worker, from what is committed. */
static void
run_again(struct run *r)
{
	r->respawn = r->bad_answer = r->keep_open = false;
	r->steps.again_ms = 0;
	buf_clear(&r->position);
	r->kill_at_ms = 0; /* that was for the old one */
	begin_state(r);
	facts_again(r);
	conditions_drop(r);
	if (r->steps.anew)
		begin_anew(r);
	run_enter(r, RUN_SPAWNING);
}

/* Queued until the names of its sync and models have their numbers; its fence and its beginning then go to the disk while
 * the worker starts. */
static void
run_begin(struct run *r)
{
	struct err err;

	if (r->naming) /* also when it is to end: the store still tells us of that commit */
		return;
	if (r->err.cls != ERR_NONE) {
		run_enter(r, RUN_COMMITTING);
		return;
	}
	if (begin_write(r, &err) != 0) {
		run_fail(r, &err);
		return;
	}
	if (r->naming)
		return;
	batch_boundary(r, NULL, true);
	run_enter(r, RUN_SPAWNING);
}

static void
run_settle(struct run *r)
{
	requests_cancel(r);
	if (r->n_flights || !batch_idle(r) || (r->worker && !r->worker_over))
		return;
	worker_process_free(r->worker);
	r->worker = NULL;
	if (r->respawn && r->err.cls == ERR_NONE) {
		if (r->stop_why || clock_mono_ms(r->host->clock) >= r->steps.again_ms)
			run_again(r);
	}
	else if (finish_run(r))
		run_enter(r, RUN_DONE);
	else
		run_poke(r);
}

static void
run_advance(uv_timer_t *timer)
{
	struct run *r = timer->data;

	if (r->state == RUN_DONE)
		return;
	if (r->state == RUN_QUEUED)
		run_begin(r);
	else if (r->state == RUN_COMMITTING)
		run_settle(r);
	else if (run_over(r))
		run_enter(r, RUN_COMMITTING);
	else if (r->waiting_get.p && batch_idle(r))
		lookup_answer(r);
}

static void
begin_stop(struct run *r, const char *why, int reason)
{
	if (r->stop_why || r->state == RUN_DONE)
		return;
	r->stop_why = xstrdup(why);
	r->kill_at_ms = clock_mono_ms(r->host->clock) + r->settings->host.stop_grace_ms;
	session_stop(r, reason);
	requests_cancel(r);
	run_poke(r);
}

void
run_limit(struct run *r, const char *fmt, ...)
{
	char *why;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&why, fmt, ap) < 0)
		die("out of memory for a reason");
	va_end(ap);
	begin_stop(r, why, 2);
	free(why);
}

void
run_stop(struct run *r, const char *why)
{
	begin_stop(r, why, 3);
	if (!r->started)
		run_failf(r, ERR_STOPPED, "%s", why);
}

/* The worker computes while we owe it nothing. */
static bool
owes(const struct run *r)
{
	return r->state == RUN_STEPPING && !r->batch.held && !r->waiting_get.p && !waits_for_provider(r) &&
	       worker_process_queued(r->worker) == 0;
}

/* Time is up. Nothing of a check is kept, and none is gone on with: whom it waited for has failed it. */
static void
time_up(struct run *r)
{
	char text[TIME_TEXT_MAX];
	int64_t allowed_ms = r->webhook ? r->webhook->timeout_ms : r->deadline_ms - r->start_ms;

	r->late = r->request.what != STEP_SYNC;
	if (r->late)
		run_failf(r, waits_for_provider(r) ? ERR_PROVIDER : ERR_CONNECTOR,
		          waits_for_provider(r) ? "timed out: %s did not answer within %s"
		          : r->action               ? "the action of plugin '%s' did not end within %s"
		          : r->webhook              ? "the webhook of plugin '%s' did not end with its event within %s"
		                                    : "the check of plugin '%s' did not end within %s",
		          waits_for_provider(r) ? r->connection->integration->name : r->manifest->name,
		          duration_format(allowed_ms, text));
	else {
		r->more = !r->stop_timeout && r->sync && !(r->sync->flags & SLUICE_WHOLE);
		begin_stop(r,
		           r->stop_timeout ? RUN_LATE
		                           : "run_limit is up; the next run goes on from here",
		           2);
	}
}

static void
run_tick(uv_timer_t *timer)
{
	struct run *r = timer->data;
	int64_t now = clock_mono_ms(r->host->clock), call_ms = r->settings->host.call_ms;
	char text[TIME_TEXT_MAX];

	run_account(r);
	if (r->deadline_ms && now >= r->deadline_ms && !r->stop_why && (!run_over(r) || r->respawn))
		time_up(r);
	steps_watch(r);
	if (r->respawn && r->state == RUN_COMMITTING)
		run_poke(r);
	if (r->worker && !r->worker_over && r->kill_at_ms && now >= r->kill_at_ms) {
		if (r->state != RUN_COMMITTING)
			run_failf(r, ERR_STOPPED, "%s", r->stop_why);
		worker_process_kill(r->worker, ERR_STOPPED, "it did not end within stop_grace");
		r->kill_at_ms = 0;
	}
	if (!owes(r))
		r->owed_ms = now;
	else if (now - r->owed_ms > call_ms && !run_over(r))
		run_failf(r, ERR_CONNECTOR, "plugin '%s' computed for %s without a call of the host (call_limit)",
		          r->manifest->name, duration_format(call_ms, text));
}

/* ---- the end ---- */

static void
run_free(struct run *r)
{
	worker_process_free(r->worker);
	proxy_target_free(r->target);
	batch_drop(r);
	steps_free(r);
	buf_free(&r->position);
	dry_free(r);
	conditions_drop(r);
	buf_free(&r->conditions.used);
	whole_drop(r);
	idset_free(&r->seen_ids);
	free((char *)(uintptr_t)r->waiting_get.p);
	free((char *)(uintptr_t)r->request.name);
	free((char *)(uintptr_t)r->request.input.p);
	free(r->models);
	shaped_free(r->shaped);
	plugin_file_drop(r->plugin);
	settings_free(r->settings);
	free(r->sandbox);
	free(r->stop_why);
	buf_free(&r->connection_json);
	buf_free(&r->metadata);
	buf_free(&r->checkpoint);
	buf_free(&r->warnings);
	buf_free(&r->lines);
	buf_free(&r->reply);
	buf_free(&r->answer);
	buf_free(&r->answer_headers);
	free(r);
}

static void
timer_closed(uv_handle_t *handle)
{
	struct run *r = handle->data;

	if (--r->open_timers == 0)
		run_free(r);
}

static void
timers_close(struct run *r)
{
	uv_close((uv_handle_t *)&r->tick, timer_closed);
	uv_close((uv_handle_t *)&r->poke, timer_closed);
}

static void
run_list(struct run *r)
{
	r->next = r->host->runs;
	r->host->runs = r;
}

static void
run_unlist(struct run *r)
{
	struct run **at = &r->host->runs;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
}

static void
run_finish(struct run *r)
{
	struct run_result result = {
		.run = r->number,
		.err = r->err,
		.complete = r->complete,
		.more = r->more && r->err.cls == ERR_STOPPED,
		.resumed = r->resumes != 0,
		.timed_out = r->late || (r->stop_timeout && r->err.cls == ERR_STOPPED),
		.retry_at_us = r->err.cls == ERR_RATE ? r->retry_at_us : 0,
		.unreachable = r->unreachable && r->err.cls == ERR_PROVIDER,
		.status = r->status,
	};

	r->counts.total_ms = clock_mono_ms(r->host->clock) - r->start_ms;
	result.counts = r->counts;
	result.full = r->facts.full;
	result.partial = r->sync && r->facts.partial;
	result.incomplete = r->sync && finish_sweeps(r) && !r->complete;
	result.warnings = buf_str(&r->warnings);
	result.reply = buf_view(&r->reply);
	result.answer = buf_view(&r->answer);
	result.events = r->events;
	result.event = r->err.cls != ERR_NONE ? r->event : 0;
	metrics_ended(r, finish_status(r));
	result.answer_headers = buf_view(&r->answer_headers);
	run_unlist(r);
	r->done(r->arg, &result);
	timers_close(r);
}

/* ---- the beginning ---- */

static void
timers_begin(struct run *r)
{
	uv_timer_init(r->host->loop, &r->tick);
	uv_timer_init(r->host->loop, &r->poke);
	r->tick.data = r->poke.data = r;
	r->open_timers = 2;
	uv_timer_start(&r->tick, run_tick, TICK_MS, TICK_MS);
}

struct run *
run_start(struct host *h, const struct run_request *request, run_done *done, void *arg, struct err *err)
{
	const struct connection_settings *c = request->connection;
	struct run *r;

	if (request->what == STEP_SYNC && !request->dry && host_run(h, c->name, c->integration->name, request->name)) {
		err_set(err, ERR_BUSY, "%s : %s : %s is already under way", c->name, c->integration->name,
			request->name);
		return NULL;
	}
	r = XNEW(struct run);
	r->host = h;
	r->settings = settings_hold(h->settings);
	r->request = *request;
	r->request.name = request->name ? xstrdup(request->name) : NULL;
	r->request.input = slice_of(slice_dup(request->input), request->input.len);
	r->connection = request->connection;
	r->done = done;
	r->arg = arg;
	r->start_ms = r->account_ms = r->owed_ms = clock_mono_ms(h->clock);
	r->start_us = clock_wall_us(h->clock);
	r->facts.now_us = r->start_us;
	if (begin_run(r, err) != 0) {
		run_free(r);
		return NULL;
	}
	timers_begin(r);
	run_list(r);
	run_begin(r);
	return r;
}

/* run.c - the state machine of one run: the drawing is in run.h.
 *
 * run_start judges everything that can be judged beforehand and puts the beginning in the store; from then on callbacks of worker,
 * proxy and store note what happened and poke, and run_advance acts on the next turn of the loop. COMMITTING is also how a run fails:
 * what is under way is ended, what is on its way to the disk arrives, and only then is the end written.
 *
 * Awkward: a run that was interrupted is gone on with by the next one of its sync: same now, same last success, same generation
 * of seen marks. Whether there is one stands in STATE_RUN, nowhere else. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/inside.h"
#include "run/options.h"
#include "run/target.h"
#include "sluice.h"

#define TICK_MS 100

static const char *const state_names[RUN_STATES] = {
	[RUN_QUEUED] = "queued",     [RUN_SPAWNING] = "starting",     [RUN_LOADING] = "loading",
	[RUN_STEPPING] = "stepping", [RUN_COMMITTING] = "committing", [RUN_DONE] = "done",
};

const char *
run_state_name(enum run_state s)
{
	return s < RUN_STATES ? state_names[s] : "?";
}

/* ---- small things that all files of a run need ---- */

void
run_poke(struct run *r)
{
	if (r->state != RUN_DONE)
		uv_timer_start(&r->poke, r->poke.timer_cb, 0, 0);
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
	int64_t until;

	return requests_waiting(r, &until) != WAIT_NONE;
}

void
run_account_as(struct run *r, enum wait_reason reason)
{
	int64_t now = clock_mono_ms(r->host->clock), passed = now - r->account_ms;

	r->account_ms = now;
	if (reason != WAIT_NONE)
		r->counts.wait_ms[reason] += passed;
	else if (r->state == RUN_COMMITTING || r->batch.held)
		r->counts.commit_ms += passed;
	else if (r->state == RUN_STEPPING)
		r->counts.compute_ms += passed;
}

void
run_account(struct run *r)
{
	int64_t until;

	run_account_as(r, r->batch.held ? WAIT_NONE : requests_waiting(r, &until));
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
	if (r->respawn)
		batch_drop(r);
	else if (r->err.cls == ERR_NONE || r->keep_open)
		batch_boundary(r, NULL, true);
	session_exit(r);
	requests_cancel(r);
	r->kill_at_ms = clock_mono_ms(r->host->clock) + r->host->settings->host.stop_grace_ms;
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

static void
state_load(struct run *r)
{
	buf_clear(&r->metadata);
	buf_clear(&r->checkpoint);
	if (r->connection_scope)
		store_state_get(r->host->store, r->connection_scope, STATE_METADATA, SLICE(""), &r->metadata);
	if (r->metadata.len == 0)
		buf_puts(&r->metadata, "{}");
	if (r->scope)
		store_state_get(r->host->store, r->scope, STATE_CHECKPOINT, SLICE(""), &r->checkpoint);
}

/* A new worker, from what is committed. */
static void
run_again(struct run *r)
{
	r->respawn = r->bad_answer = false;
	r->kill_at_ms = 0; /* that was for the old one */
	for (size_t i = 0; i < r->n_models; i++)
		r->models[i].loose = false;
	state_load(r);
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
	if (r->respawn && r->err.cls == ERR_NONE)
		run_again(r);
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
	if (r->state == RUN_COMMITTING)
		run_settle(r);
	else if (run_over(r))
		run_enter(r, RUN_COMMITTING);
	else if (r->waiting_get.p && batch_idle(r))
		requests_get_answer(r);
}

static void
begin_stop(struct run *r, const char *why, int reason)
{
	if (r->stop_why || r->state == RUN_DONE)
		return;
	r->stop_why = xstrdup(why);
	r->kill_at_ms = clock_mono_ms(r->host->clock) + r->host->settings->host.stop_grace_ms;
	session_stop(r, reason);
	requests_cancel(r);
	run_poke(r);
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

static void
run_tick(uv_timer_t *timer)
{
	struct run *r = timer->data;
	int64_t now = clock_mono_ms(r->host->clock), call_ms = r->host->settings->host.call_ms;
	char text[TIME_TEXT_MAX];

	run_account(r);
	if (r->deadline_ms && now >= r->deadline_ms && !r->stop_why && !run_over(r))
		begin_stop(r, r->stop_timeout ? "the time given by --timeout is up; the next run goes on from here" :
		                                "run_limit is up; the next run goes on from here", 2);
	if (r->worker && !r->worker_over && r->kill_at_ms && now >= r->kill_at_ms) {
		if (r->state != RUN_COMMITTING)
			run_failf(r, ERR_STOPPED, "%s", r->stop_why);
		worker_process_kill(r->worker, ERR_STOPPED, "it did not end within stop_grace");
		r->kill_at_ms = 0;
	}
	if (!owes(r))
		r->owed_ms = now;
	else if (now - r->owed_ms > call_ms && !run_over(r))
		run_failf(r, ERR_CONNECTOR, "plugin '%s' computed for %s without a call of the host (call_limit)", r->manifest->name,
		          duration_format(call_ms, text));
}

/* ---- the end ---- */

static void
run_free(struct run *r)
{
	worker_process_free(r->worker);
	proxy_target_free(r->target);
	batch_drop(r);
	dry_free(r);
	idset_free(&r->seen_ids);
	free((char *)(uintptr_t)r->waiting_get.p);
	free((char *)(uintptr_t)r->request.name);
	free((char *)(uintptr_t)r->request.input.p);
	free(r->models);
	free(r->plugin_path);
	free(r->sandbox);
	free(r->stop_why);
	buf_free(&r->connection_json);
	buf_free(&r->metadata);
	buf_free(&r->checkpoint);
	buf_free(&r->warnings);
	buf_free(&r->reply);
	buf_free(&r->answer);
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

struct run *
host_run(const struct host *h, const char *connection, const char *integration, const char *sync)
{
	struct run *r = h->runs;

	while (r && !(r->sync && !r->request.dry && strcmp(r->connection->name, connection) == 0 &&
	              strcmp(r->connection->integration->name, integration) == 0 && strcmp(r->request.name, sync) == 0))
		r = r->next;
	return r;
}

static void
run_finish(struct run *r)
{
	struct run_result result = {
		.run = r->number,
		.err = r->err,
		.complete = r->complete,
		.resumed = r->resumes != 0,
		.timed_out = r->stop_timeout && r->err.cls == ERR_STOPPED,
		.status = r->status,
	};

	r->counts.total_ms = clock_mono_ms(r->host->clock) - r->start_ms;
	result.counts = r->counts;
	result.full = r->facts.full;
	result.incomplete = r->sync && (r->sync->flags & SLUICE_TRACK_DELETES) && r->facts.full && !r->complete;
	result.warnings = buf_str(&r->warnings);
	result.reply = buf_view(&r->reply);
	result.answer = buf_view(&r->answer);
	run_unlist(r);
	r->done(r->arg, &result);
	timers_close(r);
}

/* ---- the beginning ---- */

static void
limits_fill(struct run *r)
{
	const struct sync_settings *given = r->sync ? settings_sync(r->host->settings, r->connection, r->request.name) : NULL;
	struct sync_settings *l = &r->limits;

	if (given)
		*l = *given;
	if (!l->step_calls)
		l->step_calls = 10;
	if (l->run_ms <= 0)
		l->run_ms = INT64_C(24) * 3600 * 1000;
	if (!given || l->max_delete_share < 0)
		l->max_delete_share = 0.2;
	if (!given || l->max_rejected < 0)
		l->max_rejected = 0.01;
	if (!l->max_stale_pages)
		l->max_stale_pages = 20;
	if (r->action)
		l->run_ms = r->action->timeout_ms;
	r->stop_timeout = r->request.timeout_ms > 0 && r->request.timeout_ms < l->run_ms;
	r->deadline_ms = r->start_ms + (r->stop_timeout ? r->request.timeout_ms : l->run_ms);
}

static int
sync_unknown(const struct run *r, struct err *err)
{
	const char **names = xcalloc(r->manifest->n_syncs + 1, sizeof *names);
	const char *near;

	for (size_t i = 0; i < r->manifest->n_syncs; i++)
		names[i] = r->manifest->syncs[i].name;
	near = nearest(r->request.name, names);
	free(names);
	return err_set(err, ERR_USAGE, "connector '%s' has no sync '%s'%s%s%s", r->manifest->name, r->request.name,
	               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int
work_find(struct run *r, struct err *err)
{
	if (r->request.what == STEP_CHECK && !r->manifest->has_check)
		return err_set(err, ERR_USAGE, "connector '%s' declares no check: try `sluice dry-run` on one of its syncs", r->manifest->name);
	if (r->request.what == STEP_ACTION) {
		r->action = manifest_action(r->manifest, r->request.name);
		return r->action ? 0 : err_set(err, ERR_USAGE, "connector '%s' has no action '%s'", r->manifest->name, r->request.name);
	}
	if (r->request.what == STEP_SYNC) {
		r->sync = manifest_sync(r->manifest, r->request.name);
		return r->sync ? 0 : sync_unknown(r, err);
	}
	return 0;
}

static int
models_find(struct run *r, struct err *err)
{
	struct dataset_name name = {.connection = r->connection->name, .integration = r->connection->integration->name};

	if (!r->sync)
		return 0;
	r->models = xcalloc(r->sync->n_models + 1, sizeof *r->models);
	for (size_t i = 0; i < r->sync->n_models; i++) {
		struct run_model *m = &r->models[i];
		m->index = r->sync->models[i];
		m->model = &r->manifest->models[m->index];
		m->key = m->model->fields[m->model->key].name;
		name.model = m->model->name;
		if (r->host->store)
			m->dataset = r->request.dry ? store_dataset_find(r->host->store, &name) : store_dataset(r->host->store, &name, err);
		if (!m->dataset && !r->request.dry)
			return -1;
	}
	r->n_models = r->sync->n_models;
	return 0;
}

static int
scopes_find(struct run *r, struct err *err)
{
	struct scope_name name = {.connection = r->connection->name, .integration = r->connection->integration->name};
	struct store *s = r->host->store;

	if (!s)
		return 0;
	if (!r->sync || r->request.dry) {
		r->connection_scope = store_scope_find(s, &name);
		name.sync = r->request.name;
		r->scope = r->sync ? store_scope_find(s, &name) : 0;
		return 0;
	}
	r->connection_scope = store_scope(s, &name, err);
	name.sync = r->request.name;
	r->scope = r->connection_scope ? store_scope(s, &name, err) : 0;
	if (!r->scope)
		return -1;
	r->fence.scope = r->scope;
	r->fence.epoch = store_epoch_next(s, r->scope, err);
	r->number = r->fence.epoch ? store_run_next(s) : 0;
	return r->number ? 0 : -1;
}

/* Metadata that INI gives is the first value of a connection that has none. */
static void
metadata_first(struct run *r)
{
	struct json_out o;
	struct buf json = {0};

	if (r->connection->n_metadata == 0 || buf_view(&r->metadata).len > 2)
		return;
	o = json_out(&json);
	json_open(&o, '{');
	for (size_t i = 0; i < r->connection->n_metadata; i++)
		json_kv_raw(&o, r->connection->metadata[i].name, slice_str(r->connection->metadata[i].value));
	json_close(&o, '}');
	buf_free(&r->metadata);
	r->metadata = json;
	if (!r->request.dry && r->scope)
		commit_state_set(batch_open(r), r->connection_scope, STATE_METADATA, SLICE(""), buf_view(&json));
}

static int
metadata_check(struct run *r, struct err *err)
{
	if (!r->sync || !r->sync->n_input || fields_match(r->sync->input, r->sync->n_input, buf_view(&r->metadata), err))
		return 0;
	err->cls = ERR_USAGE;
	return err_prefix(err, "metadata of connection %s : %s does not fit sync '%s'", r->connection->name, r->connection->integration->name,
	                  r->sync->name);
}

/* The record of a run that never came to its end says so from now on. */
static void
interrupted_note(struct run *r)
{
	struct buf record = {0}, closed = {0};
	struct slice status;

	if (store_run_get(r->host->store, r->resumes, &record) && json_member(buf_view(&record), "status", &status) &&
	    json_string_is(status, "running")) {
		json_merge_top(&closed, buf_view(&record), SLICE("{\"status\":\"interrupted\"}"));
		commit_run(batch_open(r), r->resumes, buf_view(&closed));
	}
	buf_free(&record);
	buf_free(&closed);
}

static void
facts_begin(struct run *r)
{
	struct buf value = {0};
	bool tracked = r->sync->flags & SLUICE_TRACK_DELETES;

	r->facts.now_us = r->start_us;
	if (r->scope && store_state_get(r->host->store, r->scope, STATE_LAST, SLICE(""), &value) && !r->request.full_refresh)
		r->facts.last_success_us = member_int(buf_view(&value), "last_success_us", 0);
	r->facts.full = r->sync->kind == SLUICE_FULL || (tracked && r->checkpoint.len == 0 && r->facts.last_success_us == 0);
	buf_free(&value);
}

/* A new generation, or the one that was interrupted. */
static void
generation_begin(struct run *r)
{
	struct facts fresh = r->facts;
	struct buf value = {0}, record = {0};
	bool there = store_state_get(r->host->store, r->scope, STATE_RUN, SLICE(""), &value);

	if (there && !r->request.full_refresh && !(r->sync->flags & SLUICE_WHOLE) && facts_read(r, buf_view(&value))) {
		interrupted_note(r);
	} else {
		if (there) {
			r->resumes = (uint64_t)member_int(buf_view(&value), "run", 0);
			interrupted_note(r);
		}
		r->resumes = 0;
		r->facts = fresh;
		for (size_t i = 0; i < r->n_models; i++)
			commit_seen_begin(batch_open(r), r->models[i].dataset);
		commit_state_clear_all(batch_open(r), r->scope, STATE_POSITION);
	}
	r->batch.dirty = true;
	history_write(r, "running", &record);
	commit_run(batch_open(r), r->number, buf_view(&record));
	buf_free(&record);
	buf_free(&value);
}

static int
sync_begin(struct run *r, struct err *err)
{
	state_load(r);
	if (r->request.full_refresh)
		buf_clear(&r->checkpoint);
	metadata_first(r);
	if (metadata_check(r, err) != 0)
		return -1;
	if (!r->sync)
		return 0;
	facts_begin(r);
	if (r->request.dry) {
		dry_begin(r);
		return 0;
	}
	if (r->request.full_refresh)
		commit_state_clear(batch_open(r), r->scope, STATE_CHECKPOINT, SLICE(""));
	generation_begin(r);
	return 0;
}

static int
disk_check(const struct run *r, struct err *err)
{
	uint64_t least = r->host->settings->host.min_free;
	struct store_stats stats;
	char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];

	if (!r->sync || r->request.dry)
		return 0;
	store_stats(r->host->store, &stats);
	if (stats.free_disk >= least)
		return 0;
	return err_set(err, ERR_HOST, "only %s are free in %s, and no run starts below %s: make room, or lower min_free in [host]",
	               size_format(stats.free_disk, a), store_dir(r->host->store), size_format(least, b));
}

static int
run_prepare(struct run *r, struct err *err)
{
	const struct integration_settings *i = r->connection->integration;
	struct proxy *proxy = host_proxy(r->host, err);
	struct buf options = {0};
	int rc = -1;

	r->manifest = proxy ? host_manifest(r->host, i->plugin, err) : NULL;
	if (!r->manifest || work_find(r, err) != 0 || options_build(r->manifest, r->connection, &options, err) != 0)
		goto out;
	connection_write(r->connection, buf_view(&options), &r->connection_json);
	r->plugin_path = registry_path(r->host->registry, i->plugin);
	r->target = target_new(proxy, r->manifest, r->connection, buf_view(&options), err);
	if (!r->target || disk_check(r, err) != 0)
		goto out;
	limits_fill(r);
	if (models_find(r, err) == 0 && scopes_find(r, err) == 0 && sync_begin(r, err) == 0)
		rc = 0;
out:
	buf_free(&options);
	return rc;
}

static void
timers_begin(struct run *r)
{
	uv_timer_init(r->host->loop, &r->tick);
	uv_timer_init(r->host->loop, &r->poke);
	r->tick.data = r->poke.data = r;
	r->open_timers = 2;
	r->poke.timer_cb = run_advance;
	uv_timer_start(&r->tick, run_tick, TICK_MS, TICK_MS);
}

struct run *
run_start(struct host *h, const struct run_request *request, run_done *done, void *arg, struct err *err)
{
	const struct connection_settings *c = request->connection;
	struct run *r;

	if (request->what == STEP_SYNC && !request->dry && host_run(h, c->name, c->integration->name, request->name)) {
		err_set(err, ERR_BUSY, "%s : %s : %s is already under way", c->name, c->integration->name, request->name);
		return NULL;
	}
	r = XNEW(struct run);
	r->host = h;
	r->request = *request;
	r->request.name = request->name ? xstrdup(request->name) : NULL;
	r->request.input = slice_of(slice_dup(request->input), request->input.len);
	r->connection = request->connection;
	r->done = done;
	r->arg = arg;
	r->start_ms = r->account_ms = r->owed_ms = clock_mono_ms(h->clock);
	r->start_us = clock_wall_us(h->clock);
	r->facts.now_us = r->start_us;
	if (run_prepare(r, err) != 0) {
		run_free(r);
		return NULL;
	}
	timers_begin(r);
	run_list(r);
	batch_boundary(r, NULL, true);
	run_enter(r, RUN_SPAWNING);
	return r;
}

void
run_look(const struct run *r, enum run_state *state, struct run_counts *so_far, enum wait_reason *waiting, int64_t *until_us)
{
	*state = r->state;
	*so_far = r->counts;
	so_far->total_ms = clock_mono_ms(r->host->clock) - r->start_ms;
	*waiting = requests_waiting(r, until_us);
}

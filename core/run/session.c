/* session.c - the conversation with one worker: started, greeted, given steps, listened to, ended.
 *
 * One const table leads each message to the file that acts on it; a frame that breaks its message's promise ends the
 * worker and the run, and the reason names the message. While the host owes nothing (no answer, no records, socket
 * being read) the worker owes us the next frame: the run's tick watches that debt (call_ms).
 *
 * Awkward: a worker that dies by itself may have met a bug that a fresh one does not meet, so the step is tried again
 * with a new one from what is committed (steps.c); one that we ended for a broken promise gets no second chance.
 */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/inside.h"
#include "sluice.h"

typedef void frame_handler(struct run *r, const struct frame *f);

void
session_break(struct run *r, const char *message, const char *what)
{
	run_failf(r, ERR_CONNECTOR, "plugin '%s' broke the protocol: %s: %s", r->manifest->name, message, what);
}

static void
ready(struct run *r, const struct frame *f)
{
	struct reader in = reader_of(f->body);
	uint16_t version = reader_u16(&in), landlock = reader_u16(&in);
	uint8_t seccomp = reader_u8(&in), no_new_privs = reader_u8(&in);
	uint32_t tests = reader_u32(&in);
	bool seccomp_only = r->settings->host.sandbox == SANDBOX_SECCOMP_ONLY;

	if (version != WIRE_VERSION)
		run_failf(r, ERR_HOST, "%s speaks version %u of the wire, this host %u: install both from one build",
		          r->settings->host.worker, version, WIRE_VERSION);
	else if (seccomp != 2 || !no_new_privs || tests == 0 || (landlock == 0 && !seccomp_only))
		run_failf(
			r, ERR_HOST,
			"the worker's sandbox is not whole (landlock %u, seccomp %u, no_new_privs %u, %u self-tests)%s",
			landlock, seccomp, no_new_privs, tests,
			landlock ? ""
		                 : ": this kernel has no Landlock; say 'sandbox = seccomp-only' in [host] to run with "
		                   "less");
	free(r->sandbox);
	r->sandbox = landlock ? xasprintf("landlock %u, seccomp", landlock) : xstrdup("seccomp only");
	worker_process_phase(r->worker, PHASE_LOAD);
	run_enter(r, RUN_LOADING);
}

static void
loaded(struct run *r, const struct frame *f)
{
	(void)f;
	worker_process_phase(r->worker, PHASE_IDLE);
	if (r->stop_why)
		run_failf(r, ERR_STOPPED, "%s", r->stop_why);
	else
		session_step(r);
}

static void
said(struct run *r, const struct frame *f)
{
	static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, [LOG_PARTIAL] = LOG_WARN};
	struct reader in = reader_of(f->body);
	uint8_t level = reader_u8(&in);
	struct slice text = reader_rest(&in);

	if (level >= LENGTH(levels) || !utf8_valid(text)) {
		session_break(r, "log", "an unknown level, or no UTF-8");
		return;
	}
	if (level == LOG_PARTIAL) { /* durable with what it is about: a run that is cut here goes on knowing it */
		r->batch.dirty |= !r->facts.partial;
		r->facts.partial = r->facts.incomplete = true;
	}
	history_log(r, levels[level], "%.*s", (int)(text.len > 4096 ? 4096 : text.len), text.p);
}

static void
progressed(struct run *r, const struct frame *f)
{
	struct reader in = reader_of(f->body);

	r->progress_done = reader_u64(&in);
	r->progress_total = reader_u64(&in);
}

static void
replied(struct run *r, const struct frame *f)
{
	struct json_fault fault;
	struct err err = {0};

	if (!json_check(f->body, JSON_DEPTH_MAX, &fault)) {
		session_break(r, "reply", fault.what);
		return;
	}
	if (r->action && r->action->n_output &&
	    !fields_match(r->action->output, r->action->n_output, f->body, &err)) {
		run_failf(r, ERR_CONNECTOR, "answer of action '%s': %s", r->action->name, err.text);
		return;
	}
	buf_clear(&r->reply);
	buf_slice(&r->reply, f->body);
}

/* What a connector's function returned, as a reason of ours. */
static const struct {
	enum err_class cls;
	const char *text; /* when it gave no reason */
} statuses[] = {
	[-SLUICE_EARGUMENT] = {ERR_CONNECTOR, "the connector called the host with impossible arguments"},
	[-SLUICE_ECANCELLED] = {ERR_STOPPED, "stopped"},
	[-SLUICE_ELOST] = {ERR_HOST, "the worker lost the host"},
	[-SLUICE_EHTTP] = {ERR_PROVIDER, "the provider's answer was no success"},
	[-SLUICE_ENETWORK] = {ERR_PROVIDER, "the provider gave no answer"},
	[-SLUICE_EDATA] = {ERR_DATA, "the provider's answer is not what was expected"},
	[-SLUICE_ELOOP] = {ERR_DATA, "the pagination goes round in circles"},
	[-SLUICE_ELIMIT] = {ERR_DATA, "a limit was exceeded"},
	[-SLUICE_ECREDENTIALS] = {ERR_CREDENTIALS, "the provider refuses the credentials"},
	[-SLUICE_ERATE] = {ERR_RATE, "the provider asks to wait longer than a run may"},
	[-SLUICE_EFAILED] = {ERR_CONNECTOR, "the connector failed"},
	[-SLUICE_ENOSYS] = {ERR_CONNECTOR, "the connector needs a newer host"},
};

/* An answer that was no success: is it for a person (3), a request that is wrong whenever it is made (1), or for time
 * to heal (75)? */
static enum err_class
refusal_class(int http_status)
{
	if (http_status == 401 || http_status == 403)
		return ERR_CREDENTIALS; /* 403: a permission is lacking */
	if (http_status == 429)
		return ERR_RATE;
	if (http_status >= 400 && http_status < 500 && http_status != 408 && http_status != 425)
		return ERR_DATA;
	return ERR_PROVIDER;
}

/* A rate limit without an answer: to wait is longer than a run may, so none of its steps is tried again. */
static bool
may_pass(enum err_class cls, bool answered)
{
	return cls == ERR_PROVIDER || (cls == ERR_RATE && answered);
}

static void
step_failed(struct run *r, int status, struct slice reason)
{
	size_t i = status < 0 && (size_t)-status < LENGTH(statuses) ? (size_t)-status : (size_t)-SLUICE_EFAILED;
	bool answered = status == SLUICE_EHTTP;
	struct buf text = {0};
	struct err err;

	if (reason.len && utf8_valid(reason))
		reason_write(r, reason, &text);
	else
		buf_puts(&text, statuses[i].text);
	log_blank(&text);
	r->keep_open = !r->webhook;
	r->bad_answer = false; /* the step is done again: what it met counts then */
	if (r->stop_why)
		err_set(&err, ERR_STOPPED, "%s", r->stop_why);
	else
		err_set(&err, answered ? refusal_class(r->status) : statuses[i].cls, "%s", buf_str(&text));
	steps_end(r, &err);
	if (!may_pass(err.cls, answered) || !steps_again(r, &err))
		run_fail(r, &err);
	buf_free(&text);
}

static void
step_succeeded(struct run *r, bool yielded, bool incomplete)
{
	if (incomplete || r->bad_answer) {
		r->batch.dirty |= !r->facts.incomplete;
		r->facts.incomplete = true;
	}
	r->bad_answer = false;
	for (size_t i = 0; i < r->n_models && !yielded; i++)
		r->models[i].handmade |= r->models[i].loose;
	if (r->stop_why && yielded) {
		r->keep_open = true;
		run_failf(r, ERR_STOPPED, "%s", r->stop_why);
	} else if (yielded)
		batch_part(r);
	else
		r->ended = true;
}

/* An event is done or it is not: a handler that was led out before its end has done nothing. */
static void
event_succeeded(struct run *r, bool yielded)
{
	if (yielded) {
		run_failf(r, r->stop_why ? ERR_STOPPED : ERR_CONNECTOR, "%s",
		          r->stop_why ? r->stop_why : "the webhook's function stopped before its event was handled");
		return;
	}
	events_done(r);
	r->ended = !events_take(r);
}

static void
step_ended(struct run *r, const struct frame *f)
{
	struct reader in = reader_of(f->body);
	int status = (int)(int32_t)reader_u32(&in);
	bool yielded = reader_u8(&in), incomplete = reader_u8(&in);

	worker_process_phase(r->worker, PHASE_IDLE);
	if (r->waiting_get.p || r->call.open) {
		session_break(r, "step_end", "in the middle of a call");
		return;
	}
	r->facts.steps++;
	r->batch.dirty |= r->sync != NULL;
	if (status != SLUICE_OK) {
		step_failed(r, status, reader_bytes(&in, FRAME_MAX));
		return;
	}
	steps_end(r, NULL);
	if (r->webhook) {
		event_succeeded(r, yielded);
		yielded = true;
	} else {
		step_succeeded(r, yielded, incomplete);
	}
	r->respawn |= yielded && r->limits.step_worker && !r->webhook && !run_over(r);
	if (yielded && !run_over(r))
		session_step(r);
	else
		run_poke(r);
}

/* The protocol, from the host's side; what may come when is checked by the message table before. */
static frame_handler *const handlers[MESSAGES] = {
	[MSG_READY] = ready,
	[MSG_LOADED] = loaded,
	[MSG_REQUEST] = requests_send,
	[MSG_READ] = requests_read,
	[MSG_CLOSE] = requests_close,
	[MSG_SAVE] = intake_save,
	[MSG_DEAD] = intake_dead,
	[MSG_POSITION] = intake_position,
	[MSG_METADATA] = intake_metadata,
	[MSG_CHECKPOINT] = intake_checkpoint,
	[MSG_FULL_DONE] = intake_full_done,
	[MSG_GET] = lookup_ask,
	[MSG_LOG] = said,
	[MSG_PROGRESS] = progressed,
	[MSG_REPLY] = replied,
	[MSG_STEP_END] = step_ended,
};

/* Not while a model's records may be written: those of a check or action belong to nobody. */
static bool
frame_needs_sync(uint16_t type)
{
	return type == MSG_SAVE || type == MSG_DEAD || type == MSG_POSITION || type == MSG_CHECKPOINT ||
	       type == MSG_FULL_DONE;
}

static void
session_frame(void *arg, const struct frame *f)
{
	struct run *r = arg;

	run_account(r);
	r->owed_ms = clock_mono_ms(r->host->clock);
	if (run_over(r))
		return;
	if (f->type >= MESSAGES || !handlers[f->type])
		session_break(r, "frame", "a message that the host does not take");
	else if (!r->sync && frame_needs_sync(f->type))
		session_break(r, messages[f->type].name, "outside a sync");
	else
		handlers[f->type](r, f);
}

static void
session_end(void *arg, const struct err *why)
{
	struct run *r = arg;
	struct err err = *why;

	run_account(r);
	metrics_worker_ended(r, why);
	r->worker_over = true;
	if (!r->exiting && !run_over(r)) {
		if (r->stop_why)
			err_set(&err, ERR_STOPPED, "%s", r->stop_why);
		else if (err.cls == ERR_NONE)
			err_set(&err, ERR_CONNECTOR, "the worker ended before its work was done");
		batch_drop(r);
		steps_end(r, &err);
		if (!r->started || !steps_again(r, &err))
			run_fail(r, &err);
	}
	run_poke(r);
}

static void
hello_send(struct run *r)
{
	const struct host_settings *s = &r->settings->host;
	struct buf out = {0};
	size_t at = frame_begin(&out, MSG_HELLO, 0, ++r->serial);

	buf_u16(&out, WIRE_VERSION);
	buf_u8(&out, HELLO_RUN);
	buf_u8(&out, s->sandbox == SANDBOX_SECCOMP_ONLY);
	buf_u64(&out, s->max_answer);
	buf_u64(&out, s->max_record);
	buf_u64(&out, s->max_batch);
	buf_bytes(&out, slice_str(r->manifest->name));
	buf_bytes(&out, slice_str(r->shaped ? r->shaped->text : ""));
	frame_end(&out, at);
	worker_process_send(r->worker, &out);
	buf_free(&out);
}

int
session_start(struct run *r, struct err *err)
{
	const struct host_settings *s = &r->settings->host;
	const struct worker_process_options o = {
		.loop = r->host->loop,
		.executable = s->worker,
		.plugin_path = r->plugin->path,
		.plugin_fd = r->plugin->fd,
		.memory = SLUICE_SANITIZED ? 0 : s->worker_memory,
		.start_ms = s->worker_start_ms,
		.seccomp_only = s->sandbox == SANDBOX_SECCOMP_ONLY,
		.on_frame = session_frame,
		.on_end = session_end,
		.arg = r,
	};

	r->worker_over = r->started = r->progress = r->exiting = r->killed = r->batch.held = false;
	r->worker = worker_process_start(&o, err);
	if (!r->worker)
		return -1;
	r->counts.workers++;
	hello_send(r);
	return 0;
}

bool
session_listens(const struct run *r)
{
	return r->worker && !r->worker_over && !r->killed && !r->ended;
}

/* The worker is computing again: from now on it owes us a frame. */
void
session_owed(struct run *r)
{
	r->owed_ms = clock_mono_ms(r->host->clock);
}

struct positions {
	struct run *run;
	struct buf *out;
};

static bool
position_write(void *arg, struct slice name, struct slice value)
{
	struct positions *p = arg;
	size_t at = frame_begin(p->out, MSG_POSITION_IS, 0, ++p->run->serial);

	buf_bytes(p->out, name);
	buf_bytes(p->out, value);
	frame_end(p->out, at);
	steps_position(p->run, name, value);
	return true;
}

/* Where its paginations stand: only to a worker that is new, and only what is durable. */
static void
positions_send(struct run *r, struct buf *out)
{
	struct positions p = {r, out};
	struct err err;

	if (!r->sync || r->request.dry || r->started || (!r->resumes && !r->by_hand && r->counts.workers == 1))
		return;
	if (store_state_list(r->host->store, r->scope, STATE_POSITION, position_write, &p, &err) != 0)
		run_fail(r, &err);
}

static uint32_t
time_left(const struct run *r)
{
	int64_t left = r->deadline_ms - clock_mono_ms(r->host->clock);

	if (!r->deadline_ms)
		return 0;
	return left < 1 ? 1 : left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
}

static void
step_write(struct run *r, struct buf *out)
{
	int64_t last = r->facts.last_success_us;
	size_t at = frame_begin(out, MSG_STEP, 0, ++r->serial);

	buf_u8(out, (uint8_t)r->request.what);
	buf_bytes(out, slice_str(r->sync && r->sync->base ? r->sync->base : r->request.name));
	buf_u8(out, r->facts.full);
	buf_u64(out, (uint64_t)r->facts.now_us);
	buf_u64(out, last ? (uint64_t)(last - r->limits.lookback_ms * 1000) : 0);
	buf_u32(out, (uint32_t)steps_calls(r));
	buf_u32(out, time_left(r));
	buf_u32(out, (uint32_t)r->limits.page_size);
	buf_u8(out, r->resumes != 0 || r->by_hand || r->counts.workers > 1);
	buf_bytes(out, buf_view(&r->connection_json));
	buf_bytes(out, buf_view(&r->metadata));
	buf_bytes(out, buf_view(&r->checkpoint));
	buf_bytes(out, r->request.input);
	frame_end(out, at);
}

/* Too little time is left for another step. */
static bool
time_short(const struct run *r)
{
	return r->steps.begun && r->sync && !r->webhook && !r->stop_timeout &&
	       clock_mono_ms(r->host->clock) >= r->deadline_ms - r->limits.run_buffer_ms;
}

void
session_step(struct run *r)
{
	struct buf out = {0};

	if (time_short(r)) {
		r->more = r->keep_open = true;
		run_failf(r, ERR_STOPPED, "run_limit is near (run_buffer); the next run goes on from here");
		return;
	}
	if (r->webhook && !r->event && !events_take(r)) {
		r->ended = true;
		run_poke(r);
		return;
	}
	positions_send(r, &out);
	steps_begin(r);
	step_write(r, &out);
	r->started = true;
	run_enter(r, RUN_STEPPING);
	worker_process_phase(r->worker, PHASE_STEP);
	worker_process_send(r->worker, &out);
	buf_free(&out);
	run_poke(r);
}

void
session_stop(struct run *r, int reason)
{
	struct buf out = {0};
	size_t at;

	if (!r->worker || r->worker_over || !r->started)
		return;
	at = frame_begin(&out, MSG_STOP, 0, ++r->serial);
	buf_u8(&out, (uint8_t)reason);
	buf_bytes(&out, slice_str(r->stop_why));
	frame_end(&out, at);
	worker_process_send(r->worker, &out);
	buf_free(&out);
}

void
session_exit(struct run *r)
{
	struct buf out = {0};

	if (!r->worker || r->worker_over || r->exiting)
		return;
	r->exiting = true;
	if (r->err.cls != ERR_NONE) {
		r->killed = true;
		worker_process_kill(r->worker, ERR_STOPPED, r->err.text);
		return;
	}
	frame_end(&out, frame_begin(&out, MSG_EXIT, 0, ++r->serial));
	worker_process_phase(r->worker, PHASE_DONE);
	worker_process_send(r->worker, &out);
	buf_free(&out);
}

/* step.c - one step: MSG_STEP in, the plugin's function called, MSG_STEP_END out.
 *
 * Guarantee: STEP_END comes exactly once, after everything that the function wrote, and says success only when the
 * function returned 0 and no call failed; what the host reads there needs no other message to be understood.
 * Awkward: a function that returns well while its step is over has not come to its end: it yields, and is called
 * again. */
#include "worker/step.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"

static const char *const status_names[] = {
	"OK",    "EARGUMENT", "ECANCELLED",   "ELOST", "EHTTP",   "ENETWORK", "EDATA",
	"ELOOP", "ELIMIT",    "ECREDENTIALS", "ERATE", "EFAILED", "ENOSYS",
};

const char *
status_name(int status)
{
	return status <= 0 && -(long)status < (long)LENGTH(status_names) ? status_names[-status]
	                                                                 : "no status that is known";
}

struct step *
step_of(struct sluice_run *run)
{
	return (struct step *)((char *)run - offsetof(struct step, run));
}

int
step_fail(struct step *s, int code, const char *fmt, ...)
{
	va_list ap;

	if (s->status)
		return s->status;
	s->status = code;
	va_start(ap, fmt);
	vsnprintf(s->reason, sizeof s->reason, fmt, ap);
	va_end(ap);
	return code;
}

int
step_status(const struct step *s)
{
	return s->status ? s->status : s->over ? SLUICE_ECANCELLED : 0;
}

void
step_send(struct step *s)
{
	channel_send(s->w->ch, &s->out);
}

void
step_log(struct step *s, enum sluice_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	s->run.host->log(&s->run, level, arena_format(&s->arena, fmt, ap));
	va_end(ap);
}

/* ---- what the host sends meanwhile ---- */

static void
stop_take(struct step *s, struct slice body)
{
	struct reader r = reader_of(body);
	uint8_t reason = reader_u8(&r);
	struct slice text = reader_bytes(&r, FRAME_MAX);

	if (s->stop >= STOP_DEADLINE && reason != STOP_CANCELLED)
		return;
	s->stop = reason > STOP_HOST_ENDS ? STOP_CANCELLED : (enum stop_reason)reason;
	snprintf(s->stop_text, sizeof s->stop_text, "%.*s", (int)(text.len > 190 ? 190 : text.len),
	         text.p ? text.p : "");
	/* What keeps no position cannot stop half-way and go on later. */
	if (s->stop == STOP_CANCELLED || (!s->keeps && s->stop != STOP_BUDGET))
		step_fail(s, SLUICE_ECANCELLED, "%s", *s->stop_text ? s->stop_text : "stopped");
}

void
step_take(struct step *s, const struct frame *f)
{
	if (f->type == MSG_STOP)
		stop_take(s, f->body);
	else
		http_frame(s, f); /* what is left are answers to questions that nobody waits for any more */
}

void
step_wait(struct step *s)
{
	struct frame f;

	channel_next(s->w->ch, &f);
	step_take(s, &f);
}

void
step_poll(struct step *s)
{
	while (channel_poll(s->w->ch))
		step_wait(s);
}

int64_t
step_left_ms(const struct step *s)
{
	int64_t left;

	if (s->stop || s->over)
		return 0;
	if (!s->time_ms)
		return INT64_MAX;
	left = s->began_ms + s->time_ms - clock_mono_ms(&clock_system);
	return left > 0 ? left : 0;
}

bool
step_spent(struct step *s)
{
	uint64_t calls = s->calls + s->skipped / STEP_SKIPS;

	step_poll(s);
	if (!s->keeps)
		return s->status != 0;
	return s->status || s->stop || (s->calls && s->requests >= calls) || step_left_ms(s) == 0;
}

/* ---- beginning ---- */

static int
function_find(struct step *s, const char *name, int (**function)(struct sluice_run *), struct err *err)
{
	struct sluice_sync sync;
	struct sluice_action action;
	struct sluice_webhook webhook;
	const struct manifest_webhook *declared;
	const struct plugin *p = &s->w->plugin;

	if (s->what == STEP_CHECK) {
		*function = p->connector.check;
	} else if (s->what == STEP_SYNC) {
		for (size_t i = 0; plugin_sync(p, i, &sync) && !*function; i++)
			if (!strcmp(sync.name, name)) {
				*function = sync.fetch;
				s->data = sync.data;
			}
		if (!*function && plugin_dataset(p, &sync)) {
			*function = sync.fetch;
			s->data = sync.data;
			s->shaped = true;
		}
		s->sync = manifest_sync(s->w->manifest, name);
		if (!s->sync)
			*function = NULL;
	} else if (s->what == STEP_ACTION) {
		for (size_t i = 0; plugin_action(p, i, &action) && !*function; i++)
			if (!strcmp(action.name, name)) {
				*function = action.call;
				s->data = action.data;
			}
	} else if (s->what == STEP_EVENT) {
		for (size_t i = 0; plugin_webhook(p, i, &webhook) && !*function; i++)
			if (!strcmp(webhook.name, name)) {
				*function = webhook.handle;
				s->data = webhook.data;
			}
		declared = manifest_webhook(s->w->manifest, name);
		s->sync = declared ? &declared->as_sync : NULL;
		if (!s->sync)
			*function = NULL;
	}
	if (*function)
		return 0;
	return err_set(err, ERR_CONNECTOR, "the connector has no %s '%s'",
	               s->what == STEP_SYNC    ? "sync"
	               : s->what == STEP_EVENT ? "webhook"
	               : s->what == STEP_CHECK ? "check"
	                                       : "action",
	               name);
}

static const char *
json_or_object(struct step *s, struct slice text)
{
	return arena_dup(&s->arena, text.len ? text : SLICE("{}"));
}

static int
step_read(struct step *s, struct slice body)
{
	struct reader r = reader_of(body);
	struct slice metadata, options;

	s->what = reader_u8(&r);
	s->name = arena_dup(&s->arena, reader_bytes(&r, FRAME_MAX));
	s->full = reader_u8(&r);
	s->now_us = (int64_t)reader_u64(&r);
	s->last_success_us = (int64_t)reader_u64(&r);
	s->calls = reader_u32(&r);
	s->time_ms = reader_u32(&r);
	s->page_size = reader_u32(&r);
	s->resumed = reader_u8(&r);
	s->connection = json_or_object(s, reader_bytes(&r, FRAME_MAX));
	metadata = reader_bytes(&r, FRAME_MAX);
	buf_slice(&s->metadata, metadata.len ? metadata : SLICE("{}"));
	buf_slice(&s->checkpoint, reader_bytes(&r, FRAME_MAX));
	s->input = json_or_object(s, reader_bytes(&r, FRAME_MAX));
	s->options = json_member(slice_str(s->connection), "options", &options) ? options : SLICE("{}");
	return reader_end(&r) && s->page_size <= INT32_MAX ? 0 : -1;
}

static struct runtime *
runtime_get(struct worker *w)
{
	struct runtime *rt = w->runtime;

	if (!rt) {
		w->runtime = rt = XNEW(struct runtime);
		rt->positions = positions_new();
	}
	return rt;
}

/* Positions belong to one run of one sync. What keeps none begins with none, whatever ran in this worker before. */
static void
positions_begin(struct step *s)
{
	struct runtime *rt = s->rt;

	if (s->keeps && rt->sync == s->sync)
		return;
	positions_free(rt->positions);
	rt->positions = positions_new();
	rt->nests = 0;
	rt->sync = s->keeps ? s->sync : NULL;
}

/* The positions that the host kept for us. One that cannot be read is begun anew: that costs requests, and loses
 * nothing. */
static void
positions_take(struct step *s)
{
	struct reader r = reader_of(buf_view(&s->w->positions));
	struct err err;

	while (!reader_end(&r) && !r.bad) {
		struct slice name = reader_bytes(&r, FRAME_MAX), state = reader_bytes(&r, FRAME_MAX);
		if (!r.bad && positions_load(s->rt->positions, name, state, &err))
			step_log(s, SLUICE_WARN, "%s: that list is read from its start", err.text);
	}
	buf_clear(&s->w->positions);
}

/* ---- ending ---- */

/* What the function's own return adds to what its calls said. */
static void
result_judge(struct step *s, int rc)
{
	if (s->status || rc == 0 || (s->over && rc == SLUICE_ECANCELLED))
		return;
	if (rc > 0)
		step_fail(s, SLUICE_EARGUMENT, "'%s' returned %d: a function ends with `return sluice_status(run);`",
		          s->name, rc);
	else
		step_fail(s, rc < SLUICE_ENOSYS ? SLUICE_EFAILED : rc, "'%s' returned SLUICE_%s and gave no reason",
		          s->name, status_name(rc));
}

static void
end_send(struct step *s)
{
	bool yielded = !s->status && (s->over || s->told_to_stop);
	size_t at = frame_begin(&s->out, MSG_STEP_END, 0, channel_serial(s->w->ch));

	buf_u32(&s->out, (uint32_t)s->status);
	buf_u8(&s->out, yielded);
	buf_u8(&s->out, s->incomplete);
	buf_bytes(&s->out, slice_str(s->reason));
	frame_end(&s->out, at);
	step_send(s);
}

static void
step_end(struct step *s, int rc)
{
	result_judge(s, rc);
	if (s->status)
		pager_drop(s);
	else if (s->over)
		pager_keep(s);
	else
		pager_end(s);
	http_finish(s);
	end_send(s);
}

static void
step_finish(struct step *s)
{
	pager_finish(s);
	arena_free(&s->arena);
	buf_free(&s->listed);
	buf_free(&s->metadata);
	buf_free(&s->checkpoint);
	buf_free(&s->out);
}

int
step_run(struct worker *w, const struct frame *frame)
{
	struct step *s = XNEW(struct step);
	int (*function)(struct sluice_run *) = NULL;
	struct err err;
	int rc = -1;

	s->run.host = &host_table;
	s->w = w;
	s->rt = runtime_get(w);
	s->began_ms = clock_mono_ms(&clock_system);
	if (step_read(s, frame->body) || function_find(s, s->name, &function, &err))
		goto out;
	s->keeps = s->sync && !(s->sync->flags & SLUICE_WHOLE);
	positions_begin(s);
	positions_take(s);
	step_end(s, function(&s->run));
	rc = 0;
out:
	step_finish(s);
	free(s);
	return rc;
}

/* host_table.c - the table that the plugin calls: one function a slot, each guarded by the sticky status.
 *
 * What asks nothing of the host (context, formatting, logging) works after a failure too, so that a connector that
 * does not look at every result never reads a NULL where text was promised.
 * Awkward: slots are only ever appended, in sdk/sluice.h as here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "worker/mapped.h"
#include "worker/state.h"
#include "worker/step.h"
#include "worker/stored.h"

#define LOG_MAX ((size_t)8 << 10) /* bytes of one line */

static int
run_status(struct sluice_run *run)
{
	return step_status(step_of(run));
}

static int
run_fail(struct sluice_run *run, int code, const char *text)
{
	struct step *s = step_of(run);

	if (s->over)
		return SLUICE_ECANCELLED;
	return step_fail(s, code < SLUICE_EFAILED || code >= 0 ? SLUICE_EFAILED : code, "%s",
	                 text && *text ? text : "the connector failed without a reason");
}

static const void *
run_data(struct sluice_run *run)
{
	return step_of(run)->data;
}

static const char *
run_get_connection(struct sluice_run *run)
{
	return step_of(run)->connection;
}

static const char *
option_text(struct step *s, struct slice value)
{
	struct buf text = {0};
	const char *p;

	if (json_type(value) == JSON_NULL)
		return NULL;
	if (!json_unquote(value, &text))
		buf_slice(&text, value);
	p = arena_dup(&s->arena, buf_view(&text));
	buf_free(&text);
	return p;
}

/* What the operator says of the sync; it goes before what a section says of its dataset. NULL: nothing. */
static const char *
page_size_text(struct step *s)
{
	char text[16];

	if (!s->page_size)
		return NULL;
	snprintf(text, sizeof text, "%u", s->page_size);
	return arena_dup(&s->arena, slice_str(text));
}

static const char *
run_get_option(struct sluice_run *run, const char *name)
{
	struct step *s = step_of(run);
	const struct manifest_option *option = name ? manifest_option(s->w->manifest, name) : NULL;
	struct slice value;

	if (!option && name && s->shaped)
		option = manifest_dataset_option(s->w->manifest, name);
	if (name && !strcmp(name, "page_size") && (!option || s->page_size))
		return page_size_text(s);
	if (!option) {
		step_fail(s, SLUICE_EARGUMENT, "sluice_get_option: the connector declares no option '%.60s'",
		          name ? name : "(NULL)");
		return NULL;
	}
	if (json_member(s->options, name, &value) && json_type(value) != JSON_NULL)
		return option_text(s, value);
	return option->fallback ? option_text(s, slice_str(option->fallback)) : NULL;
}

static int64_t
run_last_success(struct sluice_run *run)
{
	return step_of(run)->last_success_us;
}

static int64_t
run_now(struct sluice_run *run)
{
	return step_of(run)->now_us;
}

static int64_t
run_time_left(struct sluice_run *run)
{
	return step_left_ms(step_of(run));
}

/* Budget alone ends a step only when there is something to go on from, or the next step would do the same again. */
static int
run_should_stop(struct sluice_run *run)
{
	struct step *s = step_of(run);
	bool spent = step_spent(s);

	if (s->status || s->over)
		return 1;
	if (!spent || !s->keeps || (!s->progress && (s->stop == STOP_NONE || s->stop == STOP_BUDGET)))
		return 0;
	s->told_to_stop = true;
	return 1;
}

static int
run_progress(struct sluice_run *run, uint64_t done, uint64_t total)
{
	struct step *s = step_of(run);
	size_t at;

	if (step_status(s))
		return step_status(s);
	at = frame_begin(&s->out, MSG_PROGRESS, 0, channel_serial(s->w->ch));
	buf_u64(&s->out, done);
	buf_u64(&s->out, total);
	frame_end(&s->out, at);
	step_send(s);
	return 0;
}

static int
log_send(struct step *s, uint8_t level, const char *text)
{
	size_t at, n = text ? strlen(text) : 0;

	if (!n)
		return step_status(s);
	at = frame_begin(&s->out, MSG_LOG, 0, channel_serial(s->w->ch));
	buf_u8(&s->out, level);
	buf_put(&s->out, text, n > LOG_MAX ? LOG_MAX : n);
	frame_end(&s->out, at);
	step_send(s);
	return step_status(s);
}

static int
run_log(struct sluice_run *run, int level, const char *text)
{
	return log_send(step_of(run), (uint8_t)(level < SLUICE_DEBUG ? SLUICE_DEBUG : level > SLUICE_ERROR ? SLUICE_ERROR : level),
	                text);
}

static const char *
run_input(struct sluice_run *run)
{
	return step_of(run)->input;
}

static int
run_reply(struct sluice_run *run, const char *json)
{
	struct step *s = step_of(run);
	struct json_fault fault;
	size_t at;

	if (step_status(s))
		return step_status(s);
	if (!json || s->sync)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_reply: %s",
		                 json ? "only actions and checks have a reply" : "the JSON is NULL");
	if (strlen(json) > FRAME_MAX - 64)
		return step_fail(s, SLUICE_ELIMIT, "sluice_reply: more than 1 MiB");
	if (!json_check(slice_str(json), JSON_DEPTH_MAX, &fault))
		return step_fail(s, SLUICE_EARGUMENT, "sluice_reply: not JSON: %s at byte %zu", fault.what, fault.at);
	at = frame_begin(&s->out, MSG_REPLY, 0, channel_serial(s->w->ch));
	buf_puts(&s->out, json);
	frame_end(&s->out, at);
	step_send(s);
	return 0;
}

static const char *run_format(struct sluice_run *run, const char *fmt, ...) SLUICE_FORMAT(2, 3);
static const char *
run_format(struct sluice_run *run, const char *fmt, ...)
{
	va_list ap;
	const char *text;

	if (!fmt)
		return "";
	va_start(ap, fmt);
	text = arena_format(&step_of(run)->arena, fmt, ap);
	va_end(ap);
	return text;
}

static int
run_is_full(struct sluice_run *run)
{
	return step_of(run)->full;
}

static const char *
run_event(struct sluice_run *run)
{
	struct step *s = step_of(run);

	return s->what == STEP_EVENT ? s->input : "{}";
}

static const char *
run_dataset(struct sluice_run *run)
{
	const struct step *s = step_of(run);

	return s->shaped ? s->name : NULL;
}

static int
run_partial(struct sluice_run *run, const char *text)
{
	struct step *s = step_of(run);

	if (step_status(s))
		return step_status(s);
	s->incomplete = true;
	return log_send(s, LOG_PARTIAL, text && *text ? text : "the provider kept something back");
}

const struct sluice_host host_table = {
	.abi_major = SLUICE_ABI_MAJOR,
	.abi_minor = SLUICE_ABI_MINOR,
	.size = sizeof(struct sluice_host),
	.status = run_status,
	.fail = run_fail,
	.data = run_data,
	.proxy = run_proxy,
	.open = run_open,
	.read = run_read,
	.close = run_close,
	.paginate = run_paginate,
	.save = run_save,
	.save_mapped = run_save_mapped,
	.reject = run_reject,
	.full_done = run_full_done,
	.get_metadata = run_get_metadata,
	.put_metadata = run_put_metadata,
	.get_checkpoint = run_get_checkpoint,
	.put_checkpoint = run_put_checkpoint,
	.get_records = run_get_records,
	.list_records = run_list_records,
	.get_connection = run_get_connection,
	.get_option = run_get_option,
	.last_success = run_last_success,
	.now = run_now,
	.time_left = run_time_left,
	.should_stop = run_should_stop,
	.progress = run_progress,
	.log = run_log,
	.input = run_input,
	.reply = run_reply,
	.format = run_format,
	.is_full = run_is_full,
	.event = run_event,
	.dataset = run_dataset,
	.partial = run_partial,
};

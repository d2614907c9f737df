/* state.c - a run reads its own writes: they are applied here at once, and travel in order with the saves.
 *
 * Guarantee: what the host is sent is valid and within 64 KiB, merged results included; what the plugin was given
 * stays as it was until its function returns, whatever is written later.
 * Awkward: merging is of the top level only, and null is a value; it is done on both sides by the same function. */
#include "worker/state.h"

#include <string.h>
#include "worker/step.h"

static const char *
given(struct step *s, const struct buf *state, const char **copy)
{
	if (!*copy)
		*copy = arena_dup(&s->arena, buf_view(state));
	return *copy;
}

const char *
run_get_metadata(struct sluice_run *run)
{
	struct step *s = step_of(run);

	return given(s, &s->metadata, &s->metadata_given);
}

const char *
run_get_checkpoint(struct sluice_run *run)
{
	struct step *s = step_of(run);

	return s->checkpoint.len ? given(s, &s->checkpoint, &s->checkpoint_given) : NULL;
}

static void
state_send(struct step *s, enum message type, uint8_t op, struct slice json)
{
	size_t at = frame_begin(&s->out, type, 0, channel_serial(s->w->ch));

	buf_u8(&s->out, op);
	buf_slice(&s->out, json);
	frame_end(&s->out, at);
	step_send(s);
	s->progress++;
}

/* Takes a text for metadata or checkpoint. 0 or the sticky failure. */
static int
state_check(struct step *s, const char *call, const char *json, bool object)
{
	struct json_fault fault;
	struct slice text = slice_str(json);

	if (!json)
		return step_fail(s, SLUICE_EARGUMENT, "%s: the JSON is NULL", call);
	if (text.len > STATE_MAX)
		return step_fail(s, SLUICE_ELIMIT, "%s: %zu bytes, and 64 KiB are allowed", call, text.len);
	if (!json_check(text, JSON_DEPTH_MAX, &fault))
		return step_fail(s, SLUICE_EARGUMENT, "%s: not JSON: %s at byte %zu", call, fault.what, fault.at);
	if (object && json_type(text) != JSON_OBJECT)
		return step_fail(s, SLUICE_EARGUMENT, "%s: metadata is a JSON object", call);
	return 0;
}

int
run_put_metadata(struct sluice_run *run, int merge, const char *json)
{
	struct step *s = step_of(run);
	const char *call = merge ? "sluice_update_metadata" : "sluice_set_metadata";
	struct buf whole = {0};

	if (step_status(s))
		return step_status(s);
	if (state_check(s, call, json, true))
		return s->status;
	if (merge)
		json_merge_top(&whole, buf_view(&s->metadata), slice_str(json));
	else
		buf_puts(&whole, json);
	if (whole.len > STATE_MAX) {
		buf_free(&whole);
		return step_fail(s, SLUICE_ELIMIT, "%s: metadata would have more than the 64 KiB that are allowed",
		                 call);
	}
	buf_free(&s->metadata);
	s->metadata = whole;
	s->metadata_given = NULL;
	state_send(s, MSG_METADATA, merge != 0, slice_str(json));
	return 0;
}

int
run_put_checkpoint(struct sluice_run *run, const char *json)
{
	struct step *s = step_of(run);

	if (step_status(s))
		return step_status(s);
	if (!s->sync)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_save_checkpoint: only a sync has a checkpoint");
	if (json && state_check(s, "sluice_save_checkpoint", json, false))
		return s->status;
	buf_clear(&s->checkpoint);
	buf_puts(&s->checkpoint, json ? json : "");
	s->checkpoint_given = NULL;
	state_send(s, MSG_CHECKPOINT, !json, slice_str(json));
	return 0;
}

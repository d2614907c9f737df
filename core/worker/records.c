/* records.c - what the plugin saves, on its way to the host.
 *
 * A page's own bytes were cut and checked when the page came; anything else is cut and checked here, all of it, before
 * the first record is sent. One call's records travel in frames of at most 1 MiB, all but the last marked MORE; bad
 * records follow them as dead letters.
 * Guarantee: a bad record costs itself and nothing else; a text that is no JSON fails the call as a whole.
 * Awkward: whether a frame is the last one is known only when the next record does not come, so its flag is set late. */
#include "worker/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "worker/items.h"
#include "worker/step.h"

#define BATCH_RECORDS 1000                 /* in a frame */
#define FRAME_ROOM (FRAME_MAX - 64)        /* bytes of records in a frame */
#define RECORD_OVERHEAD 8                  /* two lengths */
#define LARGEST (FRAME_RECORD_MAX - 4096u) /* bytes of one record, alone in its frame */

static const char *const op_names[SAVE_OPS] = {[SAVE_RECORD] = "sluice_batch_save",
                                               [SAVE_UPDATE] = "sluice_batch_update",
                                               [SAVE_DELETE] = "sluice_batch_delete"};

/* ---- models ---- */

int
model_find(struct step *s, const char *call, const char *name, uint16_t *index)
{
	if (!name)
		return step_fail(s, SLUICE_EARGUMENT, "%s: the model is NULL", call);
	if (!manifest_model(s->w->manifest, name, index))
		return step_fail(s, SLUICE_EARGUMENT, "%s: the connector declares no model '%.60s'", call, name);
	return 0;
}

/* Records are saved by syncs, and only of the models that the sync says it writes. */
static int
model_writable(struct step *s, const char *call, const char *name, uint16_t *index)
{
	if (!s->sync)
		return step_fail(s, SLUICE_EARGUMENT, "%s: only a sync may save records", call);
	if (model_find(s, call, name, index))
		return s->status;
	for (size_t i = 0; i < s->sync->n_models; i++)
		if (s->sync->models[i] == *index)
			return 0;
	return step_fail(s, SLUICE_EARGUMENT, "%s: the sync '%s' does not say that it writes the model '%.60s'", call,
	                 s->name, name);
}

static struct checker *
checker_get(struct step *s, uint16_t model)
{
	struct checker *c;

	if (!s->rt->checkers)
		s->rt->checkers = xcalloc(s->w->manifest->n_models, sizeof *s->rt->checkers);
	c = &s->rt->checkers[model];
	if (!c->model)
		checker_make(c, &s->w->manifest->models[model]);
	return c;
}

/* ---- frames ---- */

static void
frame_open(struct batch *b)
{
	b->at = frame_begin(&b->frame, MSG_SAVE, 0, channel_serial(b->s->w->ch));
	buf_u16(&b->frame, b->model);
	buf_u8(&b->frame, (uint8_t)b->op);
	buf_u32(&b->frame, 0);
	b->count = 0;
}

static void
frame_close(struct batch *b, bool more)
{
	char *head = b->frame.p + b->at;

	head[6] = (char)((more ? FRAME_MORE : 0) | (b->whole_page ? FRAME_PAGE : 0)); /* flags, in the header */
	for (int i = 0; i < 4; i++)      /* count, behind model and op */
		head[FRAME_HEADER + 3 + i] = (char)(b->count >> 8 * i);
	frame_end(&b->frame, b->at);
	channel_send(b->s->w->ch, &b->frame);
}

int
batch_begin(struct batch *b, struct step *s, enum save_op op, const char *call, const char *model)
{
	*b = (struct batch){.s = s, .op = op};
	if (model_writable(s, call, model, &b->model))
		return s->status;
	b->checker = checker_get(s, b->model);
	b->frame = s->rt->frame;
	s->rt->frame = (struct buf){0};
	return 0;
}

static void
dead_put(struct batch *b, struct slice id, const char *reason, struct slice raw)
{
	size_t at = frame_begin(&b->dead, MSG_DEAD, 0, channel_serial(b->s->w->ch));

	buf_u16(&b->dead, b->model);
	buf_bytes(&b->dead, id);
	buf_bytes(&b->dead, slice_str(reason));
	buf_slice(&b->dead, raw.len > FRAME_MAX - 8192 ? slice_of(raw.p, FRAME_MAX - 8192) : raw);
	frame_end(&b->dead, at);
}

void
batch_reject(struct batch *b, struct slice raw, const char *reason)
{
	char ignored[REASON_MAX];

	/* Its id, if it can be told. */
	buf_clear(&b->id);
	if (json_check(raw, JSON_DEPTH_MAX, NULL))
		record_check(b->checker, b->op, json_trim(raw), &b->id, ignored);
	dead_put(b, buf_view(&b->id), reason, raw);
}

/* The flaw is elsewhere than in the id, as a rule: then the letter has the id, and is resolved when the record
 * comes in good order. */
static void
fault_id(struct batch *b, const struct item_fault *f, struct slice raw)
{
	const struct manifest_model *m = &b->s->w->manifest->models[b->model];
	char ignored[REASON_MAX];

	buf_clear(&b->id);
	if (!f->key || strcmp(f->key, m->fields[m->key].name) != 0) /* there twice: which is it? */
		record_check(b->checker, b->op, raw, &b->id, ignored);
	if (!utf8_valid(buf_view(&b->id)))
		buf_clear(&b->id);
}

void
batch_fault(struct batch *b, const struct items *items, size_t i)
{
	const struct item_fault *f = items_fault(items, i);
	char reason[REASON_MAX];

	snprintf(reason, sizeof reason, "%s%s%s%s", f->what, f->key ? " '" : "", f->key ? f->key : "",
	         f->key ? "'" : "");
	fault_id(b, f, items_at(items, i));
	dead_put(b, buf_view(&b->id), reason, items_at(items, i));
}

static bool
record_fits(const struct batch *b, struct slice json, char reason[REASON_MAX])
{
	uint64_t max = b->s->w->max_record;

	if (!max || max > LARGEST)
		max = LARGEST;
	if (json.len <= max)
		return true;
	snprintf(reason, REASON_MAX, "the record has %zu bytes, and %llu are allowed (max_record)", json.len,
	         (unsigned long long)max);
	return false;
}

void
batch_put(struct batch *b, struct slice json)
{
	char reason[REASON_MAX];
	size_t need;

	buf_clear(&b->id);
	if (!record_check(b->checker, b->op, json, &b->id, reason) || !record_fits(b, json, reason)) {
		dead_put(b, buf_view(&b->id), reason, json);
		return;
	}
	if (b->op == SAVE_DELETE)
		json = (struct slice){0};
	need = RECORD_OVERHEAD + b->id.len + json.len;
	if (b->frame.len && (b->count == BATCH_RECORDS || b->frame.len - b->at + need > FRAME_ROOM))
		frame_close(b, true);
	if (!b->frame.len)
		frame_open(b);
	buf_reserve(&b->frame, need);
	buf_bytes(&b->frame, buf_view(&b->id));
	buf_bytes(&b->frame, json);
	b->count++;
	b->accepted++;
}

long
batch_end(struct batch *b)
{
	if (b->frame.len)
		frame_close(b, false);
	if (b->dead.len)
		channel_send(b->s->w->ch, &b->dead);
	buf_free(&b->s->rt->frame);
	b->s->rt->frame = b->frame;
	buf_free(&b->dead);
	buf_free(&b->id);
	return b->accepted;
}

/* ---- the plugin's calls ---- */

static void
items_put(struct batch *b, const struct items *items)
{
	size_t next = 0;

	for (size_t i = 0; i < items->n; i++) {
		if (next < items->n_faults && items->faults[next].index == i) {
			batch_fault(b, items, i);
			next++;
		} else {
			batch_put(b, items_at(items, i));
		}
	}
}

/* One record, or one id to delete, stands for an array of one. */
static long
text_put(struct batch *b, struct slice text)
{
	struct step *s = b->s;
	struct buf wrapped = {0};
	struct items items;
	struct json_fault fault;
	char seen[GLIMPSE_MAX];
	long n = -1;

	if (json_trim(text).len && json_trim(text).p[0] != '[') {
		buf_putc(&wrapped, '[');
		buf_slice(&wrapped, text);
		buf_putc(&wrapped, ']');
		text = buf_view(&wrapped);
	}
	if (items_split(&items, text, "", false, &fault)) {
		items_put(b, &items);
		items_free(&items);
		n = batch_end(b);
	} else {
		batch_end(b);
		step_fail(s, SLUICE_EDATA, "%s: what was given is not sound JSON (%s at byte %zu): %s", op_names[b->op],
		          fault.what, fault.at, glimpse(text, seen, sizeof(seen)));
	}
	buf_free(&wrapped);
	return n < 0 ? s->status : n;
}

long
run_save(struct sluice_run *run, int op, const char *model, const char *json, size_t len)
{
	struct step *s = step_of(run);
	const struct page *page;
	struct batch b;

	if (step_status(s))
		return step_status(s);
	if (op < 0 || op >= SAVE_OPS)
		return step_fail(s, SLUICE_EARGUMENT, "a save with the unknown operation %d", op);
	if (!json)
		return step_fail(s, SLUICE_EARGUMENT, "%s: the JSON is NULL", op_names[op]);
	if (batch_begin(&b, s, (enum save_op)op, op_names[op], model))
		return s->status;
	page = pager_holds(s, json, len);
	if (!page)
		return text_put(&b, slice_of(json, len ? len : strlen(json)));
	b.whole_page = page->x->conditional;
	items_put(&b, &page->items);
	return batch_end(&b);
}

int
run_reject(struct sluice_run *run, const char *model, const char *json, size_t len, const char *reason)
{
	struct step *s = step_of(run);
	struct batch b;
	char text[REASON_MAX];

	if (step_status(s))
		return step_status(s);
	if (!json)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_reject: the JSON is NULL");
	if (batch_begin(&b, s, SAVE_RECORD, "sluice_reject", model))
		return s->status;
	snprintf(text, sizeof text, "%s", reason && *reason ? reason : "rejected by the connector");
	batch_reject(&b, slice_of(json, len ? len : strlen(json)), text);
	batch_end(&b);
	return 0;
}

int
run_full_done(struct sluice_run *run, const char *model)
{
	struct step *s = step_of(run);
	uint16_t index;
	size_t at;

	if (step_status(s))
		return step_status(s);
	if (model_writable(s, "sluice_full_done", model, &index))
		return s->status;
	at = frame_begin(&s->out, MSG_FULL_DONE, 0, channel_serial(s->w->ch));
	buf_u16(&s->out, index);
	frame_end(&s->out, at);
	step_send(s);
	return 0;
}

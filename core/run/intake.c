/* intake.c - what a worker sends to be kept, judged before anything believes it.
 *
 * A plugin shares its worker's memory, so every frame may be forged: each record is scanned once (syntax, UTF-8, depth,
 * duplicate keys; the same pass makes its hash), must be an object, must hold the id that was sent, and must be of a
 * model that this sync writes. Whatever breaks that ends the worker with the reason; nothing of such a frame is stored.
 *
 * Ids that come twice in one call: the last one wins, so that re-reading the same page is no change. Therefore the
 * frames of one call are gathered until it ends (or is larger than a batch may be) and looked through before anything
 * goes into the commit. */
#define XXH_INLINE_ALL
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "base/mem.h"
#include "run/inside.h"
#include "sluice.h"

#define STATE_MAX 65536u /* bytes of a checkpoint or of metadata */

struct incoming {
	struct slice id, json;
	uint32_t later; /* number + 1 of a later one with the same id; 0: none */
};

static const char *
id_fault(struct slice id)
{
	if (id.len == 0 || id.len > STORE_ID_MAX)
		return "an id of impossible length";
	return utf8_valid(id) ? NULL : "an id that is no UTF-8";
}

/* The id inside, a string or an integer, is the one that was sent. */
static bool
id_inside(struct run_model *m, struct slice json, struct slice id)
{
	struct slice value;
	struct buf text = {0};
	bool same;

	if (!json_member(json, m->key, &value))
		return false;
	if (json_type(value) == JSON_NUMBER)
		return type_matches(SLUICE_INTEGER, 0, value) && slice_eq(value, id);
	if (json_type(value) != JSON_STRING)
		return false;
	if (!memchr(value.p, '\\', value.len))
		return value.len == id.len + 2 && memcmp(value.p + 1, id.p, id.len) == 0;
	same = json_unquote(value, &text) && slice_eq(buf_view(&text), id);
	buf_free(&text);
	return same;
}

static const char *
record_save(struct run *r, struct run_model *m, struct slice id, struct slice json)
{
	struct json_fault fault;
	struct json_hash hash;

	if (json.len > r->settings->host.max_record)
		return "a record over max_record";
	if (!json_scan(json, JSON_DEPTH_MAX, run_seed(r), &hash, &fault))
		return fault.what;
	if (json_type(json) != JSON_OBJECT)
		return "a record that is no object";
	if (!id_inside(m, json, id))
		return "an id other than the record's";
	if (r->request.dry)
		dry_save(r, m, id, json, &hash);
	else
		commit_save(batch_open(r), m->dataset, id, json_trim(json), &hash);
	if (r->call.page)
		conditions_content(r, &hash);
	return NULL;
}

static const char *
record_update(struct run *r, struct run_model *m, struct slice id, struct slice json)
{
	struct json_fault fault;
	struct slice inside;

	if (json.len > r->settings->host.max_record)
		return "a patch over max_record";
	if (!json_check(json, JSON_DEPTH_MAX, &fault))
		return fault.what;
	if (json_type(json) != JSON_OBJECT)
		return "a patch that is no object";
	if (json_member(json, m->key, &inside) && !id_inside(m, json, id))
		return "an id other than the record's";
	if (r->request.dry)
		dry_update(r, m, id, json_trim(json));
	else
		commit_update(batch_open(r), m->dataset, id, json_trim(json));
	return NULL;
}

static const char *
record_delete(struct run *r, struct run_model *m, struct slice id, struct slice json)
{
	if (json.len)
		return "a delete with a record";
	if (r->request.dry)
		dry_delete(r, m, id);
	else
		commit_delete(batch_open(r), m->dataset, id);
	return NULL;
}

typedef const char *record_op(struct run *r, struct run_model *m, struct slice id, struct slice json);
static record_op *const record_ops[SAVE_OPS] = {record_save, record_update, record_delete};

/* Notes for each record whether its id comes again; returns how many do. */
static uint32_t
duplicates_find(struct run *r, struct incoming *list, uint32_t n)
{
	uint32_t found = 0;
	bool fresh;

	idset_clear(&r->seen_ids);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t *last = idset_put(&r->seen_ids, list[i].id, &fresh);
		if (!fresh && slice_eq(list[*last].id, list[i].id)) {
			list[*last].later = i + 1;
			found++;
		}
		*last = i;
	}
	return found;
}

static void
duplicates_note(struct run *r, struct run_model *m, uint32_t found, struct slice id)
{
	if (found && r->duplicates == 0)
		history_log(r, LOG_WARN, "%s: the same id came twice in one batch ('%.*s' first); the last one counts",
		            m->model->name, (int)(id.len > 80 ? 80 : id.len), id.p);
	r->duplicates += found;
}

static void
call_judge(struct run *r, struct run_model *m, struct incoming *list, uint32_t n)
{
	const char *fault = NULL;
	uint32_t found = duplicates_find(r, list, n);

	for (uint32_t i = 0; i < n && found; i++)
		if (list[i].later) {
			duplicates_note(r, m, found, list[i].id);
			break;
		}
	for (uint32_t i = 0; i < n && !fault; i++) {
		if (list[i].later)
			continue;
		fault = id_fault(list[i].id);
		if (!fault)
			fault = record_ops[r->call.op](r, m, list[i].id, list[i].json);
	}
	if (fault) {
		session_break(r, "save", fault);
		return;
	}
	for (uint32_t i = 0; i < n && r->call.page; i++)
		if (!list[i].later)
			conditions_saved(r, r->call.model, list[i].id);
	if (!r->call.page)
		conditions_spoil(r);
	batch_taken(r, &(struct taken){.saved = n});
	m->loose = true;
	batch_grown(r);
}

/* All records of the call, or of a batch's worth of it: cuts them apart, and judges. */
static void
call_close(struct run *r, struct slice bytes)
{
	struct run_model *m = run_model_at(r, r->call.model);
	struct reader in = reader_of(bytes);
	struct incoming *list;
	uint32_t n = 0;

	if (r->call.count > bytes.len / 8) {
		session_break(r, "save", "a count that its bytes cannot hold");
		return;
	}
	list = xcalloc(r->call.count + 1, sizeof *list);
	for (; n < r->call.count; n++) {
		list[n].id = reader_bytes(&in, FRAME_RECORD_MAX);
		list[n].json = reader_bytes(&in, FRAME_RECORD_MAX);
	}
	if (!reader_end(&in))
		session_break(r, "save", "fewer or more records than it says");
	else
		call_judge(r, m, list, n);
	free(list);
	buf_clear(&r->call.bytes);
	r->call.count = 0;
}

void
intake_save(struct run *r, const struct frame *f)
{
	struct reader in = reader_of(f->body);
	uint16_t model = reader_u16(&in);
	uint8_t op = reader_u8(&in);
	uint32_t count = reader_u32(&in);

	if (in.bad || op >= SAVE_OPS || !run_model_at(r, model)) {
		session_break(r, "save",
		              in.bad           ? "a frame cut short"
		              : op >= SAVE_OPS ? "an unknown operation"
		                               : "a model that this sync does not write");
		return;
	}
	if (r->call.open && (r->call.model != model || r->call.op != op)) {
		session_break(r, "save", "another call inside a call that goes on");
		return;
	}
	r->call.model = model;
	r->call.op = op;
	r->call.open = (f->flags & FRAME_MORE) != 0;
	r->call.page = (f->flags & FRAME_PAGE) && op == SAVE_RECORD;
	r->call.count += count;
	if (!r->call.open && r->call.bytes.len == 0) { /* nearly always: nothing to gather, nothing copied */
		call_close(r, reader_rest(&in));
		return;
	}
	buf_slice(&r->call.bytes, reader_rest(&in));
	if (!r->call.open || r->call.bytes.len > r->settings->host.max_batch)
		call_close(r, buf_view(&r->call.bytes));
}

void
intake_dead(struct run *r, const struct frame *f)
{
	struct reader in = reader_of(f->body);
	struct run_model *m = run_model_at(r, reader_u16(&in));
	struct buf id = {0}, reason = {0}, raw = {0};
	struct dead_letter d = {.scope = r->scope, .run = r->number};

	buf_slice(&id, reader_bytes(&in, FRAME_MAX));
	buf_slice(&reason, reader_bytes(&in, FRAME_MAX));
	buf_slice(&raw, reader_rest(&in));
	if (!m || id.len > STORE_ID_MAX || !utf8_valid(buf_view(&id)) || !utf8_valid(buf_view(&reason)) ||
	    reason.len > 4096) {
		session_break(r, "dead", !m ? "a model that this sync does not write" : "an impossible id or reason");
		goto out;
	}
	log_blank(&reason);
	log_blank(&raw);
	conditions_spoil(r);
	batch_taken(r, &(struct taken){.rejected = 1});
	r->batch.dirty |= !m->rejected;
	m->rejected = true;
	d.dataset = m->dataset;
	d.model = slice_str(m->model->name);
	d.id = buf_view(&id);
	d.raw = buf_view(&raw);
	d.reason = buf_view(&reason);
	if (r->request.rejected)
		r->request.rejected(r->request.sink, m->model->name, d.id, d.reason, d.raw);
	if (r->counts.rejected <= 3)
		history_log(r, LOG_WARN, "%s '%.*s' went to the dead letters: %.*s", m->model->name, (int)d.id.len,
		            d.id.p, (int)d.reason.len, d.reason.p);
	if (!r->request.dry) {
		commit_dead(batch_open(r), &d);
		batch_grown(r);
	}
out:
	buf_free(&id);
	buf_free(&reason);
	buf_free(&raw);
}

static bool
state_fits(struct run *r, const char *message, struct slice json, bool object)
{
	struct json_fault fault;

	if (json.len > STATE_MAX)
		session_break(r, message, "more than 64 KiB");
	else if (!json_check(json, JSON_DEPTH_MAX, &fault))
		session_break(r, message, fault.what);
	else if (object && json_type(json) != JSON_OBJECT)
		session_break(r, message, "something else than an object");
	else
		return true;
	return false;
}

/* An answer that was passed over stays so: behind the progress that is saved now nobody asks again. */
static void
bad_answer_keep(struct run *r)
{
	r->batch.dirty |= r->bad_answer && !r->facts.incomplete;
	r->facts.incomplete |= r->bad_answer;
}

static bool
metadata_fits(struct run *r, struct slice whole)
{
	struct err err;

	if (whole.len > STATE_MAX) {
		run_failf(r, ERR_CONNECTOR, "metadata with what plugin '%s' adds is larger than 64 KiB",
		          r->manifest->name);
		return false;
	}
	if (!r->sync || !r->sync->n_input || fields_match(r->sync->input, r->sync->n_input, whole, &err))
		return true;
	err.cls = ERR_CONNECTOR;
	err_prefix(&err, "metadata that plugin '%s' sets does not fit sync '%s'", r->manifest->name, r->sync->name);
	run_fail(r, &err);
	return false;
}

void
intake_metadata(struct run *r, const struct frame *f)
{
	struct reader in = reader_of(f->body);
	bool merge = reader_u8(&in) != 0;
	struct slice json = json_trim(reader_rest(&in));
	struct buf merged = {0};

	if (!state_fits(r, "metadata", json, true))
		return;
	if (merge)
		json_merge_top(&merged, buf_view(&r->metadata), json);
	else
		buf_slice(&merged, json);
	if (!metadata_fits(r, buf_view(&merged))) {
		buf_free(&merged);
		return;
	}
	bad_answer_keep(r);
	buf_free(&r->metadata);
	r->metadata = merged;
	if (r->request.dry || !r->connection_scope)
		return;
	if (merge)
		commit_state_merge(batch_open(r), r->connection_scope, STATE_METADATA, SLICE(""), json);
	else
		commit_state_set(batch_open(r), r->connection_scope, STATE_METADATA, SLICE(""), json);
}

void
intake_checkpoint(struct run *r, const struct frame *f)
{
	struct reader in = reader_of(f->body);
	bool clear = reader_u8(&in) != 0;
	struct slice json = json_trim(reader_rest(&in));

	if (!r->sync || r->call.open) {
		session_break(r, "checkpoint", r->sync ? "inside a call that goes on" : "outside a sync");
		return;
	}
	if (!clear && !state_fits(r, "checkpoint", json, false))
		return;
	bad_answer_keep(r);
	buf_clear(&r->checkpoint);
	if (!clear)
		buf_slice(&r->checkpoint, json);
	if (r->request.dry)
		return;
	if (clear)
		commit_state_clear(batch_open(r), r->scope, STATE_CHECKPOINT, SLICE(""));
	else
		commit_state_set(batch_open(r), r->scope, STATE_CHECKPOINT, SLICE(""), json);
	batch_boundary(r, NULL, false);
}

static void
position_facts(struct run *r, bool finished, uint8_t shape)
{
	for (size_t i = 0; i < r->n_models; i++)
		r->models[i].loose = false;
	if (finished)
		r->facts.finished++;
	r->batch.dirty |= finished;
	if (shape == PROOF_WEAK && !r->facts.weak)
		r->facts.weak = r->batch.dirty = true;
	if (shape == PROOF_NONE && !r->facts.shifted)
		r->facts.shifted = r->batch.dirty = true;
}

void
intake_position(struct run *r, const struct frame *f)
{
	struct reader in = reader_of(f->body);
	struct slice name = reader_bytes(&in, 4096);
	uint8_t finished = reader_u8(&in);
	uint32_t items = reader_u32(&in);
	struct slice state = reader_bytes(&in, FRAME_MAX);
	uint8_t drop = reader_u8(&in), shape = reader_u8(&in);
	uint32_t of = reader_u32(&in);
	struct page_mark page = {.finished = finished, .items = items};

	if (!r->sync || !reader_end(&in) || name.len == 0 || shape > PROOF_NONE || r->call.open) {
		session_break(r, "position", !r->sync ? "outside a sync" : "impossible fields");
		return;
	}
	if (!state_fits(r, "position", state, false))
		return;
	bad_answer_keep(r);
	page.depth = (uint8_t)name.p[0];
	page.key = XXH3_64bits(name.p, name.len);
	batch_taken(r, &(struct taken){.pages = 1, .fetched = items});
	steps_position(r, name, state);
	position_facts(r, finished, shape);
	if (!r->request.dry && !(r->sync->flags & SLUICE_WHOLE)) {
		if (drop)
			commit_positions_drop(batch_open(r), r->scope, page.depth);
		commit_state_set(batch_open(r), r->scope, STATE_POSITION, name, state);
	} else if (!r->request.dry) {
		r->batch.dirty = true;
	}
	conditions_page(r, of, state, items, shape != PROOF_NONE);
	batch_boundary(r, &page, false);
}

void
intake_full_done(struct run *r, const struct frame *f)
{
	struct reader in = reader_of(f->body);
	struct run_model *m = run_model_at(r, reader_u16(&in));

	if (!m) {
		session_break(r, "full_done", "a model that this sync does not write");
		return;
	}
	r->batch.dirty |= !m->vouched;
	m->vouched = true;
}

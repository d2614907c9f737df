/* feed.c - reading a dataset by cursors: records and changes, for pages, streams and snapshots alike.
 *
 * Guarantee: a place that is handed out is behind everything that was shown, and before everything that was not. A place
 * that cannot be gone on from is refused, and never moved without a word: deletes that it should have been told of are pruned
 * (cursor_expired), or it is of a history that a restored backup does not have (cursor_unknown).
 *
 * Awkward: the time in a cursor is at least that of the last change that it is behind, shown or not, for times of changes run
 * ahead of the clock in a large commit, and the clock may be set back. */
#include <stdlib.h>
#include <string.h>
#include <inttypes.h>
#include "api/v1.h"
#include "base/json_time.h"
#include "config/variant.h"

static void
content_put(struct json_out *o, struct slice json)
{
	struct buf line = {0};

	json_key(o, "record");
	if (!memchr(json.p, '\n', json.len) && !memchr(json.p, '\r', json.len)) {
		json_put_raw(o, json);
		return;
	}
	json_compact(&line, json);
	json_put_raw(o, buf_view(&line));
	buf_free(&line);
}

static void
facts_put(struct json_out *o, const struct record *r)
{
	json_kv_slice(o, "id", r->id);
	json_kv_int(o, "sequence", (int64_t)r->sequence);
	json_kv_time(o, "first_seen_at", r->first_seen_us);
	json_kv_time(o, "modified_at", r->modified_us);
	json_kv_time(o, "deleted_at", r->deleted_us);
	if (r->pruned_us)
		json_kv_time(o, "pruned_at", r->pruned_us);
	content_put(o, r->json);
}

void
feed_put_change(struct json_out *o, const struct record *r)
{
	json_open(o, '{');
	json_kv_str(o, "action", change_name(r->action));
	facts_put(o, r);
	json_close(o, '}');
}

void
feed_put_record(struct json_out *o, const struct record *r)
{
	json_open(o, '{');
	facts_put(o, r);
	json_close(o, '}');
}

/* ---- finding ---- */

static void
mark_take(void *arg, const struct dataset_info *d)
{
	struct cursor *at = arg;

	at->began = d->pruned;
}

/* The model may bear the variant, as lists have it: "Lead::eu". */
static uint32_t
dataset_named(struct store *s, struct http_call *c)
{
	const char *model = http_param(c, "model"), *variant = http_param(c, "variant");
	char *base = slice_dup(variant_base(model));
	const struct dataset_name name = {
		.connection = http_param(c, "connection"),
		.integration = http_param(c, "integration"),
		.model = base,
		.variant = variant_of(model) ? variant_of(model) : variant,
	};
	uint32_t dataset = store_dataset_find(s, &name);

	free(base);
	return dataset;
}

int
feed_find(struct api *a, struct http_call *c, enum cursor_of of, const char *text, struct feed *f)
{
	struct err err;

	*f = (struct feed){.store = api_store(a), .clock = host_clock(api_host(a))};
	f->at.of = of;
	f->at.dataset = dataset_named(f->store, c);
	f->limit = (size_t)http_param_int(c, "limit", 0);
	if (!f->at.dataset) {
		http_fail(c, 404, "unknown_dataset", "nothing of %s : %s : %s was synced: /api/v1/datasets lists what was",
		          http_param(c, "connection"), http_param(c, "integration"), http_param(c, "model"));
		return -1;
	}
	if (!text)
		text = http_param(c, "cursor");
	if (!text && http_param(c, "after")) { /* as an event has it: where its reader began is not known */
		f->at.after = (uint64_t)http_param_int(c, "after", 0);
		return 0;
	}
	if (!text) {
		store_dataset_info(f->store, f->at.dataset, mark_take, &f->at);
		return 0;
	}
	if (cursor_read(f->store, text, &f->at, &err) == 0)
		return 0;
	feed_fail(c, &err);
	return -1;
}

/* ---- reading ---- */

struct reading {
	struct feed *f;
	struct cursor behind;
	feed_each *each;
	void *arg;
	int64_t last_us;
};

static bool
record_take(void *arg, const struct record *r)
{
	struct reading *w = arg;

	w->behind.after = r->sequence;
	if (r->modified_us > w->behind.at_us)
		w->behind.at_us = r->modified_us;
	w->each(w->arg, r, &w->behind);
	return true;
}

int
feed_read(struct feed *f, feed_each *each, void *arg, bool *more, struct err *err)
{
	bool records = f->at.of == CURSOR_RECORDS;
	int64_t now = clock_wall_us(f->clock), passed_us = 0;
	struct reading w = {.f = f, .behind = f->at, .each = each, .arg = arg};
	const struct feed_query q = {
		.dataset = f->at.dataset,
		.after = f->at.after,
		.limit = f->limit,
		.bytes = f->bytes,
		.live_only = records && !f->deleted,
		.all = records && f->deleted,
		.began = f->at.began,
		.at_us = f->at.at_us,
		.passed_us = &passed_us,
	};
	uint64_t next = f->at.after;

	if (now > w.behind.at_us)
		w.behind.at_us = now;
	if (store_feed(f->store, &q, record_take, &w, &next, more, err) != 0)
		return -1;
	f->at = w.behind;
	f->at.after = next;
	if (passed_us > f->at.at_us)
		f->at.at_us = passed_us;
	return 0;
}

const char *
feed_fault(const struct err *err)
{
	if (err->cls == ERR_DATA && strncmp(err->text, "cursor_expired", 14) == 0)
		return "cursor_expired";
	if (err->cls == ERR_DATA && strncmp(err->text, "cursor_unknown", 14) == 0)
		return "cursor_unknown";
	return err->cls == ERR_USAGE ? "invalid_cursor" : "unavailable";
}

void
feed_fail(struct http_call *c, const struct err *err)
{
	const char *code = feed_fault(err);

	if (err->cls == ERR_DATA)
		http_fail(c, 410, code, "%s", err->text);
	else if (err->cls == ERR_USAGE)
		http_fail(c, 400, code, "%s", err->text);
	else
		http_fail_err(c, err);
}

/* lookup.c - records that a worker asks for, out of the store: by ids, or as a list from a cursor on.
 *
 * They are read after everything that the run sent before has become durable, so a run reads its own writes. Frames of
 * at most 1 MiB, however many records there are.
 *
 * Awkward: a connector may read any model that its manifest names, also one that this sync does not write. */
#include <stdlib.h>
#include "base/mem.h"
#include "run/inside.h"

#define GET_MAX 1000u /* ids in one question */

struct answering {
	struct run *run;
	struct buf out, records;
	uint32_t of, count;
	uint64_t cursor;
};

static void
records_flush(struct answering *a, bool more)
{
	size_t at = frame_begin(&a->out, MSG_RECORDS, more ? FRAME_MORE : 0, ++a->run->serial);

	buf_u32(&a->out, a->of);
	buf_u64(&a->out, a->cursor);
	buf_u32(&a->out, a->count);
	buf_slice(&a->out, buf_view(&a->records));
	frame_end(&a->out, at);
	buf_clear(&a->records);
	a->count = 0;
}

static bool
record_add(void *arg, const struct record *rec)
{
	struct answering *a = arg;

	if (rec->deleted_us)
		return true;
	if (a->count && a->records.len + rec->id.len + rec->json.len + 8 > FRAME_PIECE)
		records_flush(a, true);
	buf_bytes(&a->records, rec->id);
	buf_bytes(&a->records, rec->json);
	a->count++;
	return true;
}

static void
record_add_one(void *arg, const struct record *rec)
{
	record_add(arg, rec);
}

/* A variant finds its own records in the models that it writes, and in all others those of the base. */
static const char *
variant_in(const struct run *r, uint16_t model)
{
	for (size_t i = 0; r->sync && i < r->n_models; i++)
		if (r->models[i].index == model)
			return r->sync->variant;
	return NULL;
}

static void
records_answer(struct run *r, struct slice body, uint32_t serial)
{
	struct reader in = reader_of(body);
	uint16_t model = reader_u16(&in);
	uint8_t list = reader_u8(&in);
	struct answering a = {.run = r, .of = serial, .cursor = reader_u64(&in)};
	uint32_t limit = reader_u32(&in), count = reader_u32(&in);
	struct dataset_name name = {.connection = r->connection->name, .integration = r->connection->integration->name};
	struct feed_query q = {.after = a.cursor, .limit = limit, .live_only = true};
	struct err err;
	bool more;

	name.model = r->manifest->models[model].name;
	name.variant = variant_in(r, model);
	q.dataset = r->host->store ? store_dataset_find(r->host->store, &name) : 0;
	for (uint32_t i = 0; !list && i < count && q.dataset; i++)
		store_record(r->host->store, q.dataset, reader_bytes(&in, STORE_ID_MAX), record_add_one, &a);
	if (list && q.dataset && store_feed(r->host->store, &q, record_add, &a, &a.cursor, &more, &err) != 0)
		run_fail(r, &err);
	records_flush(&a, false);
	if (session_listens(r))
		worker_process_send(r->worker, &a.out);
	buf_free(&a.out);
	buf_free(&a.records);
	session_owed(r);
}

static bool
lookup_fits(const struct run *r, struct slice body)
{
	struct reader in = reader_of(body);
	uint16_t model = reader_u16(&in);

	reader_u8(&in);
	reader_u64(&in);
	return reader_u32(&in) <= GET_MAX && reader_u32(&in) <= GET_MAX && !in.bad && model < r->manifest->n_models;
}

void
lookup_ask(struct run *r, const struct frame *f)
{
	if (r->waiting_get.p || !lookup_fits(r, f->body)) {
		session_break(r, "get", r->waiting_get.p ? "another one before the answer" : "impossible fields");
		return;
	}
	r->waiting_get = slice_of(xmemdup(f->body.p, f->body.len), f->body.len);
	r->waiting_get_serial = f->serial;
	batch_boundary(r, NULL, true);
	run_poke(r);
}

void
lookup_answer(struct run *r)
{
	char *body = (char *)(uintptr_t)r->waiting_get.p;

	records_answer(r, r->waiting_get, r->waiting_get_serial);
	r->waiting_get = (struct slice){NULL, 0};
	free(body);
}

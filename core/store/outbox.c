/* outbox.c - the queues of the endpoints: events to bytes and back, counted where they stand. See outbox.h.
 *
 * Guarantee: counters are those of the entries, in every transaction. Numbers ascend and are never used again. Awkward:
 * what LMDB has lent moves with the next write, so an event that is to be changed is read into a buffer of the caller's;
 * and ids are random, not derived: a store that was restored must not give an old id to a new event. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "store/outbox.h"

/* ---- to bytes and back ---- */

void
outbox_entry_key(uint8_t out[5], char kind, uint32_t number)
{
	out[0] = (uint8_t)kind;
	put_be32(out + 1, number);
}

void
outbox_event_key(uint8_t out[OUTBOX_KEY_SIZE], char kind, uint32_t endpoint, uint64_t number)
{
	outbox_entry_key(out, kind, endpoint);
	put_be64(out + 5, number);
}

bool
outbox_entry_get(struct slice value, struct queue_entry *e, struct slice *name)
{
	struct reader r = reader_of(value);

	e->next = reader_u64(&r);
	e->gap = reader_u64(&r);
	e->pending = reader_u64(&r);
	e->bytes = reader_u64(&r);
	e->parked = reader_u64(&r);
	e->parked_bytes = reader_u64(&r);
	*name = reader_rest(&r);
	return !r.bad && name->len > 1 && name->p[name->len - 1] == 0;
}

static bool
is_text(struct slice s)
{
	return s.len && s.p[s.len - 1] == 0;
}

/* The time in front stands in clear; key and time are the seal's place. */
static struct seal_place
event_place(struct slice key, const void *when, uint8_t out[OUTBOX_KEY_SIZE + 8])
{
	memcpy(out, key.p, OUTBOX_KEY_SIZE);
	memcpy(out + OUTBOX_KEY_SIZE, when, 8);
	return (struct seal_place){SEAL_OUTBOX, slice_of(out, OUTBOX_KEY_SIZE + 8)};
}

bool
outbox_event_get(const struct seal *seal, struct slice key, struct slice value, struct buf *scratch, struct queued *q)
{
	uint8_t place[OUTBOX_KEY_SIZE + 8];
	struct slice plain;
	struct reader r;

	if (key.len != OUTBOX_KEY_SIZE || value.len < 8 ||
	    !seal_get(seal, event_place(key, value.p, place), slice_of(value.p + 8, value.len - 8), scratch, &plain))
		return false;
	r = reader_of(plain);
	q->made_us = (int64_t)reader_u64(&r);
	q->first_us = (int64_t)reader_u64(&r);
	q->last_us = (int64_t)reader_u64(&r);
	q->next_us = (int64_t)reader_u64(&r);
	q->parked_us = (int64_t)reader_u64(&r);
	q->attempts = reader_u64(&r);
	q->id = reader_bytes(&r, OUTBOX_ID_MAX + 1);
	q->type = reader_bytes(&r, OUTBOX_TYPE_MAX + 1);
	q->reason = reader_bytes(&r, OUTBOX_REASON_MAX);
	q->body = reader_rest(&r);
	return !r.bad && is_text(q->id) && is_text(q->type) && (q->parked_us != 0) == (key.p[0] == OUTBOX_PARKED);
}

static void
event_bytes(const struct queued *q, struct buf *out)
{
	buf_u64(out, (uint64_t)q->made_us);
	buf_u64(out, (uint64_t)q->first_us);
	buf_u64(out, (uint64_t)q->last_us);
	buf_u64(out, (uint64_t)q->next_us);
	buf_u64(out, (uint64_t)q->parked_us);
	buf_u64(out, q->attempts);
	buf_bytes(out, q->id);
	buf_bytes(out, q->type);
	buf_bytes(out, q->reason);
	buf_slice(out, q->body);
}

/* ---- queues ---- */

struct outbox_work *
outbox_work(struct group *g)
{
	if (!g->outbox)
		g->outbox = XNEW(struct outbox_work);
	return g->outbox;
}

void
outbox_work_free(struct outbox_work *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++) {
		buf_free(&w->queues[i].name);
		free(w->queues[i].lost);
	}
	free(w->queues);
	buf_wipe(&w->record);
	free(w);
}

int
outbox_queue(struct group *g, uint32_t endpoint, struct queue **out)
{
	struct outbox_work *w = outbox_work(g);
	struct queue q = {.endpoint = endpoint};
	struct slice name;
	uint8_t key[5];
	MDB_val v;
	int rc;

	for (size_t i = 0; i < w->n; i++)
		if (w->queues[i].endpoint == endpoint) {
			*out = &w->queues[i];
			return 0;
		}
	outbox_entry_key(key, OUTBOX_ENTRY, endpoint);
	rc = group_get(g, DB_OUTBOX, slice_of(key, sizeof(key)), &v);
	if (rc == MDB_NOTFOUND)
		return group_refuse(g, ERR_USAGE, "store %s: there is no endpoint %u: `sluice deliveries list` shows which there are",
		                    g->s->dir, endpoint);
	if (rc)
		return rc;
	if (!outbox_entry_get(slice_val(v), &q.e, &name))
		return MDB_CORRUPTED;
	buf_slice(&q.name, name);
	w->queues = xrealloc(w->queues, (w->n + 1) * sizeof(*w->queues));
	w->queues[w->n] = q;
	*out = &w->queues[w->n++];
	return 0;
}

static int
queue_flush(struct group *g, const struct queue *q)
{
	const struct queue_entry *e = &q->e;
	struct buf value = {0};
	uint8_t key[5];
	int rc;

	outbox_entry_key(key, OUTBOX_ENTRY, q->endpoint);
	if (!e->pending && !e->parked && !outbox_endpoint(&g->s->outbox, q->endpoint))
		return group_del(g, DB_OUTBOX, slice_of(key, sizeof(key)));
	buf_u64(&value, e->next);
	buf_u64(&value, e->gap);
	buf_u64(&value, e->pending);
	buf_u64(&value, e->bytes);
	buf_u64(&value, e->parked);
	buf_u64(&value, e->parked_bytes);
	buf_slice(&value, buf_view(&q->name));
	rc = group_put(g, DB_OUTBOX, slice_of(key, sizeof(key)), buf_view(&value));
	buf_free(&value);
	return rc;
}

static int
tally_flush(struct group *g, struct dataset *d)
{
	const uint64_t all[3] = {d->heard->tally.added, d->heard->tally.updated, d->heard->tally.deleted};
	uint8_t key[5];

	_Static_assert(sizeof(all) == TALLY_SIZE, "as it stands in the file");
	outbox_entry_key(key, OUTBOX_TALLY, d->number);
	d->heard->dirty = false;
	return group_put(g, DB_OUTBOX, slice_of(key, sizeof(key)), slice_of(all, sizeof(all)));
}

int
outbox_flush(struct group *g)
{
	struct outbox_work *w = g->outbox;
	int rc = 0;

	for (size_t i = 0; i < w->n && !rc; i++) {
		if (w->queues[i].dirty)
			rc = queue_flush(g, &w->queues[i]);
		w->queues[i].dirty = false;
	}
	for (size_t i = 0; i < g->n_ds && !rc; i++)
		if (g->ds[i]->heard && g->ds[i]->heard->dirty)
			rc = tally_flush(g, g->ds[i]);
	return rc;
}

/* Puts (or replaces) the event under its key, and counts it. was: bytes that it had there before. */
int
outbox_event_write(struct group *g, struct queue *q, char kind, uint64_t number, const struct queued *event, uint64_t was)
{
	uint8_t key[OUTBOX_KEY_SIZE], place[OUTBOX_KEY_SIZE + 8];
	struct buf plain = {0};
	int64_t when = kind == OUTBOX_PARKED ? event->parked_us : event->made_us;
	uint64_t *bytes = kind == OUTBOX_PARKED ? &q->e.parked_bytes : &q->e.bytes;
	uint64_t *count = kind == OUTBOX_PARKED ? &q->e.parked : &q->e.pending;
	MDB_val k = val_of(key, sizeof(key)), v;
	int rc;

	outbox_event_key(key, kind, q->endpoint, number);
	event_bytes(event, &plain);
	v = (MDB_val){8 + plain.len + SEAL_OVERHEAD, NULL};
	rc = mdb_put(g->txn, g->db[DB_OUTBOX], &k, &v, MDB_RESERVE);
	if (!rc) {
		memcpy(v.mv_data, &when, 8);
		seal_put(&g->s->seal, &g->nonce, event_place(slice_of(key, sizeof(key)), &when, place), buf_view(&plain),
		         (uint8_t *)v.mv_data + 8);
		*bytes += v.mv_size - was;
		*count += !was;
		q->dirty = true;
	}
	buf_wipe(&plain);
	return rc;
}

int
outbox_event_take(struct group *g, struct queue *q, char kind, uint64_t number, uint64_t size)
{
	uint8_t key[OUTBOX_KEY_SIZE];

	outbox_event_key(key, kind, q->endpoint, number);
	*(kind == OUTBOX_PARKED ? &q->e.parked_bytes : &q->e.bytes) -= size;
	*(kind == OUTBOX_PARKED ? &q->e.parked : &q->e.pending) -= 1;
	q->dirty = true;
	return group_del(g, DB_OUTBOX, slice_of(key, sizeof(key)));
}

/* Into own, which the event's slices then lie in: what LMDB has lent moves with the next write. MDB_NOTFOUND: none. */
int
outbox_event_read(struct group *g, const struct queue *q, char kind, uint64_t number, struct buf *own, uint64_t *size,
           struct queued *event)
{
	uint8_t key[OUTBOX_KEY_SIZE];
	MDB_val v;
	int rc;

	outbox_event_key(key, kind, q->endpoint, number);
	rc = group_get(g, DB_OUTBOX, slice_of(key, sizeof(key)), &v);
	if (rc)
		return rc;
	*size = v.mv_size;
	if (outbox_event_get(&g->s->seal, slice_of(key, sizeof(key)), slice_val(v), &g->scratch, event)) {
		buf_clear(own);
		event_bytes(event, own);
		event->body = slice_of(own->p + own->len - event->body.len, event->body.len);
		event->reason = slice_of(event->body.p - event->reason.len, event->reason.len);
		event->type = slice_of(event->reason.p - 4 - event->type.len, event->type.len);
		event->id = slice_of(event->type.p - 4 - event->id.len, event->id.len);
		return 0;
	}
	return group_refuse(g, ERR_HOST, "store %s is damaged: event %llu of endpoint %s does not open", g->s->dir,
	                    (unsigned long long)number, q->name.p);
}

int
outbox_append(struct group *g, struct queue *q, const char *type, struct slice body)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t random[16];
	char id[4 + 2 * sizeof(random) + 1] = "evt_";
	struct queued event = {.made_us = g->now_us, .type = slice_of(type, strlen(type) + 1), .body = body};

	seal_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++) {
		id[4 + 2 * i] = hex[random[i] >> 4];
		id[5 + 2 * i] = hex[random[i] & 15];
	}
	event.id = slice_of(id, sizeof(id));
	outbox_work(g)->added++;
	outbox_work(g)->bytes += body.len;
	return outbox_event_write(g, q, OUTBOX_PENDING, q->e.next++, &event, 0);
}

static void
lose(struct queue *q, const struct loss *records)
{
	size_t i = 0;

	q->lost_events++;
	if (!records)
		return;
	while (i < q->n_lost && q->lost[i].d != records->d)
		i++;
	if (i == q->n_lost) {
		q->lost = xrealloc(q->lost, ++q->n_lost * sizeof(*q->lost));
		q->lost[i] = *records;
		return;
	}
	q->lost[i].count += records->count;
	q->lost[i].to = records->to;
}

int
outbox_put(struct group *g, const struct endpoint *to, const char *type, struct slice body, const struct loss *records)
{
	struct queue *q;
	int rc = outbox_queue(g, to->number, &q);

	if (rc)
		return rc;
	if (!q->lost_events && q->e.pending < to->max_pending)
		return outbox_append(g, q, type, body);
	lose(q, records); /* and the rest of this commit with it: a gap has no holes */
	return 0;
}

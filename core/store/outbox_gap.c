/* outbox_gap.c - what finds no room in a queue is told by an event of its own: which datasets, from where to where.
 *
 * What one commit loses is counted while it is applied, and told at its end: the gap event at the end of the queue grows, or
 * a new one is put there. Guarantee: a queue holds at most max_pending events and two more. Awkward: somebody may be
 * sending the one that grows. So a head does not grow; and growing is to be replaced by another event, of another number
 * and id: a receipt for the smaller one then takes nothing away of the larger. One that names very many datasets is
 * followed by a new one, or each commit would rewrite all of it. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "store/outbox.h"

/* The event that may grow: the last of its queue and not the first. MDB_NOTFOUND: none. */
static int
gap_find(struct group *g, const struct queue *q)
{
	uint8_t key[OUTBOX_KEY_SIZE];
	MDB_cursor *cur;
	MDB_val k = val_of(key, sizeof(key)), v;
	int rc;

	if (!q->e.gap || q->e.gap + 1 != q->e.next || q->e.pending < 2)
		return MDB_NOTFOUND;
	outbox_event_key(key, OUTBOX_PENDING, q->endpoint, 0);
	rc = mdb_cursor_open(g->txn, g->db[DB_OUTBOX], &cur);
	if (rc)
		return rc;
	rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	if (!rc && get_be64((char *)k.mv_data + 5) >= q->e.gap)
		rc = MDB_NOTFOUND;
	mdb_cursor_close(cur);
	return rc;
}

static uint64_t
number_of(struct slice object, const char *key)
{
	struct slice value;
	int64_t n;

	return json_member(object, key, &value) && json_int(value, &n) ? (uint64_t)n : 0;
}

static bool
names_are(struct slice object, const char *const names[4])
{
	static const char *const keys[4] = {"connection", "integration", "model", "variant"};
	struct slice value;

	for (int i = 0; i < 4; i++) {
		bool there = json_member(object, keys[i], &value);
		if (there ? !json_string_is(value, names[i]) : i < 3 || strcmp(names[i], "base") != 0)
			return false;
	}
	return true;
}

static void
loss_write(struct json_out *o, const struct loss *l)
{
	const char *names[4];

	if (!layout_names_get(l->d->names, names))
		return;
	json_open(o, '{');
	json_kv_str(o, "connection", names[0]);
	json_kv_str(o, "integration", names[1]);
	json_kv_str(o, "model", names[2]);
	if (strcmp(names[3], "base") != 0)
		json_kv_str(o, "variant", names[3]);
	json_kv_int(o, "count", (int64_t)l->count);
	json_kv_int(o, "after", (int64_t)l->after);
	json_kv_int(o, "to", (int64_t)l->to);
	json_close(o, '}');
}

/* Those of an earlier gap go on, each at its place; new ones follow. */
static void
losses_write(struct json_out *o, const struct queue *q, struct slice before)
{
	bool *met = xcalloc(q->n_lost + 1, sizeof(*met));
	struct json_iter it = json_iter(before);
	const char *names[4];

	while (json_next(&it)) {
		struct loss sum = {0};
		for (size_t i = 0; i < q->n_lost && !sum.d; i++) {
			if (!layout_names_get(q->lost[i].d->names, names) || !names_are(it.value, names))
				continue;
			met[i] = true;
			sum = q->lost[i];
			sum.count += number_of(it.value, "count");
			sum.after = number_of(it.value, "after");
		}
		if (sum.d)
			loss_write(o, &sum);
		else
			json_put_raw(o, it.value);
	}
	for (size_t i = 0; i < q->n_lost; i++)
		if (!met[i])
			loss_write(o, &q->lost[i]);
	free(met);
}

static void
gap_body(struct group *g, const struct queue *q, struct slice before, struct buf *out)
{
	struct slice data = {0}, list = {0};
	struct json_out o = json_out(out);
	char time[TIME_TEXT_MAX];

	if (before.len && json_member(before, "data", &data))
		json_member(data, "datasets", &list);
	json_open(&o, '{');
	json_kv_str(&o, "type", "gap");
	json_kv_str(&o, "timestamp", time_format(g->now_us, time));
	json_key(&o, "data");
	json_open(&o, '{');
	json_kv_int(&o, "events", (int64_t)(q->lost_events + (data.len ? number_of(data, "events") : 0)));
	json_key(&o, "datasets");
	json_open(&o, '[');
	losses_write(&o, q, list);
	json_close(&o, ']');
	json_close(&o, '}');
	json_close(&o, '}');
}

/* What this commit has lost is told: by the gap event at the queue's end, which a larger one takes the place of, or by a
 * new one. */
static int
gap_put(struct group *g, struct queue *q)
{
	struct buf own = {0}, body = {0};
	struct queued event = {0};
	uint64_t size = 0;
	int rc = gap_find(g, q);

	if (!rc)
		rc = outbox_event_read(g, q, OUTBOX_PENDING, q->e.gap, &own, &size, &event);
	if (rc && rc != MDB_NOTFOUND)
		goto out;
	if (rc || event.body.len > OUTBOX_EVENT_BYTES)
		event.body = (struct slice){0};
	gap_body(g, q, event.body, &body);
	rc = event.body.len ? outbox_event_take(g, q, OUTBOX_PENDING, q->e.gap, size) : 0;
	q->e.gap = q->e.next;
	if (!rc)
		rc = outbox_append(g, q, "gap", buf_view(&body));
out:
	q->n_lost = 0;
	q->lost_events = 0;
	buf_free(&own);
	buf_free(&body);
	return rc;
}

int
outbox_settle(struct group *g)
{
	int rc = outbox_send(g);

	for (size_t i = 0; i < g->outbox->n && !rc; i++)
		if (g->outbox->queues[i].lost_events)
			rc = gap_put(g, &g->outbox->queues[i]);
	return rc;
}

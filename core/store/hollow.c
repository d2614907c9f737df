/* hollow.c - records whose content was pruned: what an application has read and no longer wants kept here.
 *
 * A hollow record keeps its place: index, sequence, times and the hash of what it held. Only its row shrinks, to the time when
 * that happened. So no cursor moves and no reader is told; a save of the same content is unchanged and fills it again
 * (record.c); another content is an update like any.
 *
 * Looking for them holds a short snapshot and reads heads alone; emptying them is a commit of the caller's size. Awkward: a
 * record may change between the two. Its old sequence names nothing then, and it stays as it is: the reader who asked has
 * not seen the new content. Merges read the content of their sources whenever they like, so neither is pruned. */
#include "store/apply.h"
#include "store/merge.h"
#include "store/read.h"

#define STEPS_MAX 100000 /* heads looked at in one snapshot */

struct prunable {
	struct snapshot snap;
	const struct prunable_query *q;
	void (*each)(void *arg, uint64_t sequence);
	void *arg;
	uint64_t next;
	bool more;
};

static int
prunable_walk(struct prunable *w, MDB_cursor *feed, struct err *err)
{
	uint8_t key[FEED_KEY_SIZE];
	MDB_val k = val_of(key, sizeof(key)), v;
	size_t left = w->q->limit, steps = STEPS_MAX;
	struct feed_head h;
	int rc;

	layout_feed_key(key, w->q->dataset, w->q->after + 1);
	for (rc = mdb_cursor_get(feed, &k, &v, MDB_SET_RANGE); !rc; rc = mdb_cursor_get(feed, &k, &v, MDB_NEXT)) {
		uint64_t sequence = k.mv_size == FEED_KEY_SIZE ? get_be64((char *)k.mv_data + 4) : 0;
		if (!sequence || get_be32(k.mv_data) != w->q->dataset || sequence > w->q->until)
			return 0;
		if (!read_head(&w->snap, slice_val(k), slice_val(v), &h))
			return err_set(err, ERR_HOST, "store %s is damaged: dataset %u, sequence %llu does not open",
			               w->snap.s->dir, w->q->dataset, (unsigned long long)sequence);
		w->more = (!h.hollow && !left) || !steps--;
		if (w->more)
			return 0;
		w->next = sequence;
		if (h.hollow)
			continue;
		w->each(w->arg, sequence);
		left--;
	}
	return rc == MDB_NOTFOUND ? 0 : env_error(&w->snap.s->env, rc, "cannot read the feed", 0, err);
}

int
store_prunable(struct store *s, const struct prunable_query *q, void (*each)(void *arg, uint64_t sequence), void *arg,
               uint64_t *next, bool *more, struct err *err)
{
	struct prunable w = {.q = q, .each = each, .arg = arg, .next = q->after};
	MDB_cursor *feed;
	int rc = walk_begin(&w.snap, s, DB_FEED, &feed, "cannot read the feed", err);

	if (rc == 0) {
		rc = prunable_walk(&w, feed, err);
		walk_end(&w.snap, feed);
	}
	*next = w.next;
	*more = w.more;
	return rc;
}

/* The record whose latest change this is. *found false: none, or it is hollow already. */
static int
record_of(struct group *g, struct dataset *d, uint64_t sequence, struct id_entry *e, bool *found)
{
	uint8_t key[FEED_KEY_SIZE];
	struct feed_head h;
	MDB_val v;
	int rc;

	*found = false;
	layout_feed_key(key, d->number, sequence);
	rc = group_get(g, DB_FEED, slice_of(key, sizeof(key)), &v);
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (!layout_head_get(slice_val(v), &h))
		return MDB_CORRUPTED;
	*e = (struct id_entry){.row = h.row, .sequence = sequence};
	rc = head_get(g, d, e, &h);
	*found = !rc && !h.hollow;
	return rc;
}

static int
empty(struct group *g, struct dataset *d, struct id_entry *e)
{
	uint8_t key[4 + STORE_ID_MAX], out[ID_ENTRY_SIZE], body[1 + STORE_ID_MAX + LAYOUT_HOLLOW_SIZE];
	struct slice id, json;
	size_t len;
	MDB_val v;
	int rc = record_read(g, d->number, e->row, &id, &json);

	if (rc)
		return rc;
	body[0] = (uint8_t)id.len;
	memcpy(body + 1, id.p, id.len); /* it is lent until the next write */
	layout_hollow_put(body + 1 + id.len, g->now_us);
	len = record_key(&g->s->seal, g->s->hash_ids, d->number, id, key);
	rc = group_get(g, DB_IDS, slice_of(key, len), &v);
	if (rc || !layout_id_get(slice_val(v), e))
		return rc && rc != MDB_NOTFOUND ? rc : MDB_CORRUPTED;
	if (!(e->flags & ID_DELETED))
		d->e.bytes -= e->size;
	e->size = 0;
	e->flags |= ID_HOLLOW;
	layout_id_put(out, e);
	rc = group_put(g, DB_IDS, slice_of(key, len), slice_of(out, sizeof(out)));
	if (!rc)
		rc = record_row_put(g, d, e->row, slice_of(body, 1 + id.len + LAYOUT_HOLLOW_SIZE), 0);
	return rc ? rc : head_hollow(g, d, e, true);
}

int
apply_record_prune(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t number = reader_u32(r);
	uint64_t sequence = reader_u64(r);
	struct commit_counts *n = commit_counts_of(c, number);
	struct dataset *d;
	struct id_entry e;
	bool found;
	int rc = group_dataset(g, number, &d);

	if (rc)
		return rc;
	if (d->merged || merges_make(&g->s->merges, number))
		return group_refuse(g, ERR_USAGE, "records that are merged, or a merge's own, are not pruned");
	rc = record_of(g, d, sequence, &e, &found);
	if (rc || !found) {
		n->missing += !rc;
		return rc;
	}
	n->deleted++;
	return empty(g, d, &e);
}

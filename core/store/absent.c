/* absent.c - what a sweep that was held back would delete, for the person who is to decide.
 *
 * The marks of a held generation stay until the next one begins, so the walk over the dataset's index that the sweep
 * made can be made again, a page at a time. Guarantee: what is shown is what a sweep with `force` would delete now.
 * Awkward: ids may be kept as hashes, so the order is that of the index, and a page goes on behind an id, not at a
 * number. */
#include "store/apply.h"
#include "store/read.h"

struct walk {
	struct snapshot snap;
	const struct sweep *sweep;
	MDB_cursor *ids, *rows;
	bool (*each)(void *arg, const struct record *r);
	void *arg;
	struct err *err;
};

static bool
absent(struct walk *w, const struct id_entry *e)
{
	if (e->flags & ID_DELETED || (w->sweep->twice && !(e->flags & ID_SUSPECT)))
		return false;
	return !seen_marked(&w->snap, w->sweep->dataset, e->index);
}

/* 1: go on; 0: enough; -1: damaged. */
static int
show(struct walk *w, const struct id_entry *e)
{
	struct record r = {.dataset = w->sweep->dataset, .sequence = e->sequence};
	uint8_t key[FEED_KEY_SIZE];
	struct slice value;
	struct feed_head h;

	layout_feed_key(key, w->sweep->dataset, e->sequence);
	if (snapshot_get(&w->snap, DB_FEED, slice_of(key, sizeof(key)), &value) != 0 ||
	    !read_head(&w->snap, slice_of(key, sizeof(key)), value, &h) || h.row != e->row ||
	    !read_row(&w->snap, w->rows, w->sweep->dataset, e->row, &r.id, &r.json))
		return err_set(w->err, ERR_HOST, "store %s is damaged: sequence %llu of dataset %u does not open",
		               w->snap.s->dir, (unsigned long long)e->sequence, w->sweep->dataset);
	r.action = h.action;
	r.first_seen_us = h.first_us;
	r.modified_us = h.modified_us;
	return w->each(w->arg, &r);
}

/* Onto the first entry behind `after`. */
static int
ids_seek(struct walk *w, struct slice after, MDB_val *k, MDB_val *v)
{
	uint8_t from[4 + STORE_ID_MAX];
	struct store *s = w->snap.s;
	size_t len = 4;
	int rc;

	put_be32(from, w->sweep->dataset);
	if (after.len)
		len = record_key(&s->seal, s->hash_ids, w->sweep->dataset, after, from);
	*k = val_of(from, len);
	rc = mdb_cursor_get(w->ids, k, v, MDB_SET_RANGE);
	if (!rc && after.len && slice_eq(slice_val(*k), slice_of(from, len)))
		rc = mdb_cursor_get(w->ids, k, v, MDB_NEXT);
	return rc;
}

static int
ids_walk(struct walk *w, struct slice after, size_t limit)
{
	uint8_t prefix[4];
	MDB_val k, v;
	struct id_entry e;
	int rc, go = 1;

	put_be32(prefix, w->sweep->dataset);
	for (rc = ids_seek(w, after, &k, &v); !rc && limit && go > 0; rc = mdb_cursor_get(w->ids, &k, &v, MDB_NEXT)) {
		if (k.mv_size < sizeof(prefix) || memcmp(k.mv_data, prefix, sizeof(prefix)) != 0)
			return 0;
		if (!layout_id_get(slice_val(v), &e))
			return env_error(&w->snap.s->env, MDB_CORRUPTED, "cannot read ids", 0, w->err);
		if (absent(w, &e)) {
			go = show(w, &e);
			limit--;
		}
	}
	if (go < 0)
		return -1;
	return !rc || rc == MDB_NOTFOUND ? 0 : env_error(&w->snap.s->env, rc, "cannot read ids", 0, w->err);
}

int
store_absent(struct store *s, const struct sweep *sweep, struct slice after, size_t limit,
             bool (*each)(void *arg, const struct record *r), void *arg, struct err *err)
{
	struct walk w = {.sweep = sweep, .each = each, .arg = arg, .err = err};
	struct dataset_entry d;
	struct slice names;
	int rc;

	if (after.len > STORE_ID_MAX)
		return err_set(err, ERR_USAGE, "an id has at most %d bytes", STORE_ID_MAX);
	if (snapshot_begin(&w.snap, s, err) < 0)
		return -1;
	rc = snapshot_cursor(&w.snap, DB_IDS, &w.ids);
	if (!rc && (rc = snapshot_cursor(&w.snap, DB_ROWS, &w.rows)))
		mdb_cursor_close(w.ids);
	if (rc) {
		rc = env_error(&s->env, rc, "cannot read ids", 0, err);
	} else {
		if (snapshot_dataset(&w.snap, sweep->dataset, &d, &names) && d.flags & DATASET_MARKING)
			rc = ids_walk(&w, after, limit ? limit : 100);
		mdb_cursor_close(w.rows);
		mdb_cursor_close(w.ids);
	}
	snapshot_end(&w.snap);
	return rc;
}

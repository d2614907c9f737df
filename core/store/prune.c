/* prune.c - dropping what is old: tombstones, runs, lines of logs.
 *
 * Looking for them holds short snapshots; dropping them is commits of the caller's size. Guarantees: a tombstone goes
 * with its row, its index entry and its feed entry, and in the same transaction the dataset's `pruned` mark rises to
 * it, so a reader who has not seen that delete is told so and begins again, and never misses it in silence.
 *
 * Awkward: between the look and the commit the record may have come back. Its feed entry has moved then, the old
 * sequence names nothing any more, and it stays. The index number of a dropped record is not used again; its bit in the
 * bitmap of a generation means nothing to anybody. */
#include "store/apply.h"
#include "store/read.h"

#define STEPS_MAX 20000 /* entries looked at in one snapshot: the loop waits for it */

struct looking {
	struct snapshot snap;
	MDB_cursor *feed;
	const struct tombstone_query *q;
	void (*each)(void *arg, uint64_t sequence);
	void *arg;
	uint64_t next;
	bool more;
};

/* 1: it is too young, and so is all behind it, since times follow sequences. */
static int
entry_look(struct looking *l, MDB_val k, MDB_val v, size_t *left, struct err *err)
{
	uint64_t sequence = get_be64((char *)k.mv_data + 4);
	struct feed_head h;

	if (!read_head(&l->snap, slice_val(k), slice_val(v), &h))
		return err_set(err, ERR_HOST, "store %s is damaged: dataset %u, sequence %llu does not open",
		               l->snap.s->dir, l->q->dataset, (unsigned long long)sequence);
	if (h.modified_us >= l->q->before_us)
		return 1;
	if (h.action == CHANGE_DELETED) {
		l->each(l->arg, sequence);
		--*left;
	}
	l->next = sequence;
	return 0;
}

static int
tombstones_walk(struct looking *l, struct err *err)
{
	uint8_t key[FEED_KEY_SIZE];
	MDB_val k = val_of(key, sizeof(key)), v;
	size_t left = l->q->limit, steps = STEPS_MAX;
	int rc, seen;

	layout_feed_key(key, l->q->dataset, l->q->after + 1);
	for (rc = mdb_cursor_get(l->feed, &k, &v, MDB_SET_RANGE); !rc; rc = mdb_cursor_get(l->feed, &k, &v, MDB_NEXT)) {
		if (k.mv_size != FEED_KEY_SIZE || get_be32(k.mv_data) != l->q->dataset)
			return 0;
		l->more = !left || !steps--;
		if (l->more)
			return 0;
		seen = entry_look(l, k, v, &left, err);
		if (seen)
			return seen < 0 ? -1 : 0;
	}
	return rc == MDB_NOTFOUND ? 0 : env_error(&l->snap.s->env, rc, "cannot read the feed", 0, err);
}

int
store_tombstones(struct store *s, const struct tombstone_query *q, void (*each)(void *arg, uint64_t sequence),
                 void *arg, uint64_t *next, bool *more, struct err *err)
{
	struct looking l = {.q = q, .each = each, .arg = arg, .next = q->after};
	int rc;

	if (snapshot_begin(&l.snap, s, err) < 0)
		return -1;
	rc = snapshot_cursor(&l.snap, DB_FEED, &l.feed);
	if (rc) {
		rc = env_error(&s->env, rc, "cannot read the feed", 0, err);
	} else {
		rc = tombstones_walk(&l, err);
		mdb_cursor_close(l.feed);
	}
	snapshot_end(&l.snap);
	*next = l.next;
	*more = l.more;
	return rc;
}

static int
damaged(struct group *g, const struct dataset *d, uint64_t sequence)
{
	return group_refuse(g, ERR_HOST, "store %s is damaged: dataset %u, sequence %llu", g->s->dir, d->number,
	                    (unsigned long long)sequence);
}

/* The tombstone's head, when it is one still. */
static int
tombstone_find(struct group *g, struct dataset *d, uint64_t sequence, struct id_entry *e, bool *found)
{
	uint8_t key[FEED_KEY_SIZE];
	MDB_val k = val_of(key, sizeof(key)), v;
	struct feed_head h;
	int rc;

	layout_feed_key(key, d->number, sequence);
	rc = mdb_cursor_get(g->feed, &k, &v, MDB_SET);
	*found = !rc;
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (!layout_head_get(slice_val(v), &h))
		return damaged(g, d, sequence);
	*e = (struct id_entry){.sequence = sequence, .row = h.row};
	rc = head_get(g, d, e, &h);
	*found = !rc && h.action == CHANGE_DELETED;
	return rc;
}

/* Leaves the cursors of ids and rows on what belongs to the tombstone. */
static int
tombstone_places(struct group *g, struct dataset *d, const struct id_entry *e)
{
	uint8_t place[12], key[4 + STORE_ID_MAX];
	struct slice body;
	struct id_entry is;
	MDB_val k = val_of(place + 4, 8), v;
	int rc;

	put_be32(place, d->number);
	put_be64(place + 4, e->row);
	rc = mdb_cursor_get(g->rows, &k, &v, MDB_SET);
	if (rc)
		return rc == MDB_NOTFOUND ? damaged(g, d, e->sequence) : rc;
	if (!seal_get(&g->s->seal, (struct seal_place){SEAL_ROW, slice_of(place, sizeof(place))}, slice_val(v),
	              &g->scratch, &body) ||
	    body.len < 1 || body.len < 1 + (size_t)(uint8_t)body.p[0])
		return damaged(g, d, e->sequence);
	k = val_of(key,
	           record_key(&g->s->seal, g->s->hash_ids, d->number, slice_of(body.p + 1, (uint8_t)body.p[0]), key));
	rc = mdb_cursor_get(g->ids, &k, &v, MDB_SET);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	return !rc && layout_id_get(slice_val(v), &is) && is.sequence == e->sequence && is.flags & ID_DELETED
	               ? 0
	               : damaged(g, d, e->sequence);
}

int
apply_tombstone_drop(struct group *g, struct commit *c, struct reader *r)
{
	struct dataset *d;
	uint32_t number = reader_u32(r);
	uint64_t sequence = reader_u64(r);
	struct commit_counts *n = commit_counts_of(c, number);
	struct id_entry e;
	bool found;
	int rc = group_dataset(g, number, &d);

	if (!rc)
		rc = tombstone_find(g, d, sequence, &e, &found);
	if (rc)
		return rc;
	if (!found) {
		n->missing++;
		return 0;
	}
	if ((rc = tombstone_places(g, d, &e)) || (rc = mdb_cursor_del(g->ids, 0)) ||
	    (rc = mdb_cursor_del(g->rows, 0)) || (rc = mdb_cursor_del(g->feed, 0)))
		return rc;
	n->deleted++;
	d->e.gone--;
	if (d->e.pruned < sequence)
		d->e.pruned = sequence;
	d->dirty = true;
	return 0;
}

/* ---- runs and logs ---- */

static int
runs_walk(struct snapshot *p, MDB_cursor *cur, uint64_t after, size_t limit,
          bool (*each)(void *arg, uint64_t run, struct slice json), void *arg, struct err *err)
{
	uint8_t key[8];
	MDB_val k = val_of(key, sizeof(key)), v;
	struct slice json;
	int rc;

	put_be64(key, after + 1);
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc && limit;
	     limit--, rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		if (!snapshot_open(p, SEAL_RUN, slice_val(k), slice_val(v), &json, err))
			return -1;
		if (!each(arg, get_be64(k.mv_data), json))
			return 0;
	}
	return !rc || rc == MDB_NOTFOUND ? 0 : env_error(&p->s->env, rc, "cannot read runs", 0, err);
}

int
store_runs_oldest(struct store *s, uint64_t after, size_t limit,
                  bool (*each)(void *arg, uint64_t run, struct slice json), void *arg, struct err *err)
{
	struct snapshot p;
	MDB_cursor *cur;
	int rc;

	if (snapshot_begin(&p, s, err) < 0)
		return -1;
	rc = snapshot_cursor(&p, DB_RUNS, &cur);
	if (rc) {
		rc = env_error(&s->env, rc, "cannot read runs", 0, err);
	} else {
		rc = runs_walk(&p, cur, after, limit, each, arg, err);
		mdb_cursor_close(cur);
	}
	snapshot_end(&p);
	return rc;
}

/* The numbers of a run's lines are without gaps between the first and the last. */
static bool
span_find(MDB_cursor *cur, uint64_t run, uint64_t *first, uint64_t *last)
{
	uint8_t key[16];
	MDB_val k = val_of(key, sizeof(key)), v;
	int rc;

	put_be64(key, run);
	put_be64(key + 8, 0);
	if (mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE) != 0 || get_be64(k.mv_data) != run)
		return false;
	*first = *last = get_be64((char *)k.mv_data + 8);
	put_be64(key, run + 1);
	k = val_of(key, sizeof(key));
	rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	rc = mdb_cursor_get(cur, &k, &v, rc ? MDB_LAST : MDB_PREV);
	if (!rc && get_be64(k.mv_data) == run)
		*last = get_be64((char *)k.mv_data + 8);
	return !rc;
}

bool
store_log_span(struct store *s, uint64_t run, uint64_t *first, uint64_t *last)
{
	struct snapshot p;
	struct err err = {0};
	MDB_cursor *cur;
	bool found = false;

	if (snapshot_begin(&p, s, &err) == 0) {
		if (snapshot_cursor(&p, DB_LOGS, &cur) == 0) {
			found = span_find(cur, run, first, last);
			mdb_cursor_close(cur);
		}
		snapshot_end(&p);
	}
	read_complain(&err);
	return found;
}

/* By the pages of the database, which LMDB counts. */
uint64_t
store_log_bytes(struct store *s)
{
	struct snapshot p;
	struct err err = {0};
	MDB_stat st = {0};

	if (snapshot_begin(&p, s, &err) == 0) {
		mdb_stat(p.env.txn, s->env.db[DB_LOGS], &st);
		snapshot_end(&p);
	}
	read_complain(&err);
	return (uint64_t)st.ms_psize * (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages);
}

bool
store_log_next(struct store *s, uint64_t after, uint64_t *run)
{
	uint8_t key[16] = {0};
	MDB_val k = val_of(key, sizeof(key)), v;
	struct snapshot p;
	struct err err = {0};
	MDB_cursor *cur;
	bool found = false;

	put_be64(key, after + 1);
	if (after != UINT64_MAX && walk_begin(&p, s, DB_LOGS, &cur, "cannot read logs", &err) == 0) {
		found = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE) == 0;
		if (found)
			*run = get_be64(k.mv_data);
		walk_end(&p, cur);
	}
	read_complain(&err);
	return found;
}

int
apply_run_drop(struct group *g, struct commit *c, struct reader *r)
{
	uint8_t key[8];
	int rc;

	(void)c;
	put_be64(key, reader_u64(r));
	rc = group_del_prefix(g, DB_STEPS, slice_of(key, sizeof(key)), slice_of(key, sizeof(key)));
	return rc ? rc : group_del(g, DB_RUNS, slice_of(key, sizeof(key)));
}

int
apply_log_drop(struct group *g, struct commit *c, struct reader *r)
{
	uint64_t run = reader_u64(r), first = reader_u64(r), last = reader_u64(r);
	uint8_t key[16];
	int rc = 0;

	(void)c;
	put_be64(key, run);
	for (uint64_t n = first; n <= last && !rc; n++) {
		put_be64(key + 8, n);
		rc = group_del(g, DB_LOGS, slice_of(key, sizeof(key)));
	}
	return rc;
}

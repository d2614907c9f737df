/* feed.c - reading records: the change feed from a cursor, one record, all ids.
 *
 * What a reader with cursor c is shown of a record whose latest change stands behind c, by the borders that its head
 * keeps (birth, the last gap from `gone` to `life`):
 *
 *                   born after c      c in the gap      else
 *   lives now       added             added             updated
 *   deleted now     not shown         deleted           deleted
 *
 * Awkward: the lower middle. A reader that has kept up knows already that the record went; but one that pages through a
 * long backlog can stand in the gap without having been told, because the entry of that delete was replaced meanwhile.
 * Told twice is harmless, never told is not. */
#include "store/apply.h"
#include "store/read.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 10000
#define BYTES_DEFAULT (4 << 20)
#define STEPS_MAX 200000 /* entries looked at in one snapshot, shown or not */
#define IDS_PAGE 2000

static const char *const change_names[] = {
	[CHANGE_ADDED] = "added",
	[CHANGE_UPDATED] = "updated",
	[CHANGE_DELETED] = "deleted",
};

const char *
change_name(enum change_action a)
{
	return change_names[a];
}

/* 0: not shown. */
static int
action_from(const struct feed_head *h, uint64_t after)
{
	if (h->action == CHANGE_DELETED)
		return after >= h->first_seq ? CHANGE_DELETED : 0;
	if (after < h->first_seq || (after >= h->gone_seq && after < h->life_seq))
		return CHANGE_ADDED;
	return CHANGE_UPDATED;
}

struct feeding {
	struct snapshot snap;
	const struct feed_query *q;
	MDB_cursor *feed, *rows;
	size_t limit, bytes, steps;
	bool (*each)(void *arg, const struct record *r);
	void *arg;
	uint64_t next;
	bool stop, more;
};

static struct record
record_of(uint32_t dataset, uint64_t sequence, const struct feed_head *h, struct slice id, struct slice json, int64_t pruned_us)
{
	return (struct record){.dataset = dataset,
	                       .sequence = sequence,
	                       .action = h->action,
	                       .id = id,
	                       .json = json,
	                       .first_seen_us = h->first_us,
	                       .modified_us = h->modified_us,
	                       .deleted_us = h->action == CHANGE_DELETED ? h->modified_us : 0,
	                       .pruned_us = pruned_us};
}

static int
damaged(struct store *s, uint32_t dataset, uint64_t sequence, struct err *err)
{
	return err_set(err, ERR_HOST, "store %s is damaged: dataset %u, sequence %llu does not open", s->dir, dataset,
	               (unsigned long long)sequence);
}

/* What the query shows of it; 0: nothing. */
static int
action_shown(const struct feed_query *q, const struct feed_head *h)
{
	int action = q->all ? h->action : action_from(h, q->after);

	if ((q->live_only && h->action == CHANGE_DELETED) || (q->actions && !(q->actions & 1u << action)))
		return 0;
	return h->modified_us < q->since_us ? 0 : action;
}

static bool
page_full(const struct feeding *f)
{
	return f->stop || !f->limit || !f->bytes;
}

/* One entry of the feed: looked at, and handed on when it is to be seen from this cursor. Once the page is full it is
 * only found out whether there is another to be seen. */
static int
feed_entry(struct feeding *f, MDB_val k, MDB_val v, struct err *err)
{
	uint64_t sequence = get_be64((char *)k.mv_data + 4);
	bool full = page_full(f);
	struct feed_head h;
	struct slice id, json;
	struct record r;
	int action;

	if (!read_head(&f->snap, slice_val(k), slice_val(v), &h))
		return damaged(f->snap.s, f->q->dataset, sequence, err);
	action = action_shown(f->q, &h);
	f->more = full && action;
	if (full)
		return 0;
	if (f->q->passed_us)
		*f->q->passed_us = h.modified_us;
	f->next = sequence;
	if (!action)
		return 0;
	if (!read_row(&f->snap, f->rows, f->q->dataset, h.row, &id, &json))
		return damaged(f->snap.s, f->q->dataset, sequence, err);
	r = record_of(f->q->dataset, sequence, &h, id, json, f->snap.pruned_us);
	r.action = (enum change_action)action;
	f->stop = !f->each(f->arg, &r);
	f->limit--;
	f->bytes -= json.len < f->bytes ? json.len : f->bytes;
	return 0;
}

/* Times follow sequences: halving finds the last entry from before since_us, or the cursor. Entries up to low are too old,
 * those above high are not. */
static int
feed_begin(struct feeding *f, uint64_t last, uint64_t *begin, struct err *err)
{
	uint64_t low = f->q->after, high = last > low ? last : low, middle, sequence;
	uint8_t key[FEED_KEY_SIZE];
	struct feed_head h;
	MDB_val k, v;
	int rc;

	while (f->q->since_us && low < high) {
		middle = low + (high - low) / 2;
		layout_feed_key(key, f->q->dataset, middle + 1);
		k = val_of(key, sizeof(key));
		rc = mdb_cursor_get(f->feed, &k, &v, MDB_SET_RANGE);
		if (rc && rc != MDB_NOTFOUND)
			return env_error(&f->snap.s->env, rc, "cannot read the feed", 0, err);
		if (rc || get_be32(k.mv_data) != f->q->dataset) {
			high = middle;
			continue;
		}
		sequence = get_be64((char *)k.mv_data + 4);
		if (!read_head(&f->snap, slice_val(k), slice_val(v), &h))
			return damaged(f->snap.s, f->q->dataset, sequence, err);
		if (h.modified_us >= f->q->since_us)
			high = middle;
		else
			low = sequence;
	}
	*begin = low;
	return 0;
}

static int
feed_walk(struct feeding *f, uint64_t last, struct err *err)
{
	uint8_t key[FEED_KEY_SIZE];
	MDB_val k = val_of(key, sizeof(key)), v;
	uint64_t begin = f->q->after;
	int rc;

	if (f->q->after == UINT64_MAX)
		return 0;
	if (feed_begin(f, last, &begin, err) < 0)
		return -1;
	layout_feed_key(key, f->q->dataset, begin + 1);
	for (rc = mdb_cursor_get(f->feed, &k, &v, MDB_SET_RANGE); !rc; rc = mdb_cursor_get(f->feed, &k, &v, MDB_NEXT)) {
		if (k.mv_size != FEED_KEY_SIZE || get_be32(k.mv_data) != f->q->dataset)
			break;
		f->more = !f->steps--;
		if (f->more)
			return 0;
		if (feed_entry(f, k, v, err) < 0)
			return -1;
		if (f->more)
			return 0;
	}
	if (rc && rc != MDB_NOTFOUND)
		return env_error(&f->snap.s->env, rc, "cannot read the feed", 0, err);
	f->next = last > f->q->after ? last : f->q->after;
	return 0;
}

static int
cursor_check(struct store *s, const struct feed_query *q, const struct dataset_entry *e, struct err *err)
{
	unsigned long long after = q->after;

	if (q->after > e->sequence)
		return err_set(err, ERR_DATA,
		               "cursor_unknown: %llu is newer than the last change (%llu); read again from the "
		               "beginning",
		               after, (unsigned long long)e->sequence);
	if (!q->live_only && q->after && q->after < e->pruned && q->began < e->pruned)
		return err_set(err, ERR_DATA,
		               "cursor_expired: %llu is older than what is kept of dataset %u (from %llu); read again "
		               "from the beginning",
		               after, q->dataset, (unsigned long long)e->pruned);
	(void)s;
	return 0;
}

/* Times of changes ascend with their sequences, so it is enough to look at the last entry that the reader has passed. */
static int
history_check(struct feeding *f, struct err *err)
{
	uint8_t key[FEED_KEY_SIZE];
	MDB_val k = val_of(key, sizeof(key)), v;
	struct feed_head h;
	int rc;

	if (!f->q->at_us || !f->q->after || f->q->after == UINT64_MAX)
		return 0;
	layout_feed_key(key, f->q->dataset, f->q->after + 1);
	rc = mdb_cursor_get(f->feed, &k, &v, MDB_SET_RANGE);
	rc = mdb_cursor_get(f->feed, &k, &v, rc == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
	if (rc || k.mv_size != FEED_KEY_SIZE || get_be32(k.mv_data) != f->q->dataset)
		return 0;
	if (!read_head(&f->snap, slice_val(k), slice_val(v), &h))
		return damaged(f->snap.s, f->q->dataset, get_be64((char *)k.mv_data + 4), err);
	if (h.modified_us <= f->q->at_us)
		return 0;
	return err_set(err, ERR_DATA,
	               "cursor_unknown: %llu is of another history of this dataset, from before a backup was restored; read again "
	               "from the beginning",
	               (unsigned long long)f->q->after);
}

int
store_feed(struct store *s, const struct feed_query *q, bool (*each)(void *arg, const struct record *r), void *arg,
           uint64_t *next, bool *more, struct err *err)
{
	size_t limit = q->limit ? q->limit : LIMIT_DEFAULT;
	struct feeding f = {.q = q, .each = each, .arg = arg, .steps = STEPS_MAX, .next = q->after};
	struct dataset_entry e;
	struct slice names;
	int rc = -1;

	f.limit = limit < LIMIT_MAX ? limit : LIMIT_MAX;
	f.bytes = q->bytes ? q->bytes : BYTES_DEFAULT;
	if (snapshot_begin(&f.snap, s, err) < 0)
		return -1;
	if (!snapshot_dataset(&f.snap, q->dataset, &e, &names)) {
		err_set(err, ERR_USAGE, "store %s: there is no dataset %u", s->dir, q->dataset);
		goto out;
	}
	if (cursor_check(s, q, &e, err) < 0)
		goto out;
	if (snapshot_cursor(&f.snap, DB_FEED, &f.feed) || snapshot_cursor(&f.snap, DB_ROWS, &f.rows)) {
		err_set(err, ERR_HOST, "store %s: no cursor", s->dir);
		goto out;
	}
	rc = history_check(&f, err);
	if (rc == 0)
		rc = feed_walk(&f, e.sequence, err);
	if (rc == 0 && q->passed_us && f.next == e.sequence)
		*q->passed_us = e.modified_us;
out:
	if (f.feed)
		mdb_cursor_close(f.feed);
	if (f.rows)
		mdb_cursor_close(f.rows);
	snapshot_end(&f.snap);
	if (next)
		*next = f.next;
	if (more)
		*more = f.more;
	return rc;
}

static bool
entry_find(struct snapshot *p, uint32_t dataset, struct slice id, struct id_entry *e)
{
	uint8_t key[4 + STORE_ID_MAX];
	size_t len;
	struct slice v;

	if (!id.len || id.len > STORE_ID_MAX)
		return false;
	len = record_key(&p->s->seal, p->s->hash_ids, dataset, id, key);
	return snapshot_get(p, DB_IDS, slice_of(key, len), &v) == 0 && layout_id_get(v, e);
}

static bool
record_show(struct snapshot *p, uint32_t dataset, struct slice wanted, void (*fn)(void *arg, const struct record *r),
            void *arg, struct err *err)
{
	uint8_t key[FEED_KEY_SIZE];
	struct id_entry e;
	struct feed_head h;
	struct slice v, id, json;
	MDB_cursor *rows;
	struct record r;
	bool good;

	if (!entry_find(p, dataset, wanted, &e))
		return false;
	layout_feed_key(key, dataset, e.sequence);
	good = snapshot_get(p, DB_FEED, slice_of(key, sizeof(key)), &v) == 0 &&
	       read_head(p, slice_of(key, sizeof(key)), v, &h) && h.row == e.row && snapshot_cursor(p, DB_ROWS, &rows) == 0;
	if (good) {
		good = read_row(p, rows, dataset, e.row, &id, &json) && slice_eq(id, wanted);
		mdb_cursor_close(rows);
	}
	if (!good) {
		damaged(p->s, dataset, e.sequence, err);
		return false;
	}
	r = record_of(dataset, e.sequence, &h, id, json, p->pruned_us);
	fn(arg, &r);
	return true;
}

bool
store_record(struct store *s, uint32_t dataset, struct slice id, void (*fn)(void *arg, const struct record *r),
             void *arg)
{
	struct snapshot p;
	struct err err = {0};
	bool found = false;

	if (snapshot_begin(&p, s, &err) == 0) {
		found = record_show(&p, dataset, id, fn, arg, &err);
		snapshot_end(&p);
	}
	read_complain(&err);
	return found;
}

struct peek
store_peek(struct store *s, uint32_t dataset, struct slice id, const struct json_hash *hash)
{
	struct peek peek = {0};
	struct snapshot p;
	struct id_entry e;
	struct err err = {0};

	if (snapshot_begin(&p, s, &err) < 0) {
		read_complain(&err);
		return peek;
	}
	peek.known = entry_find(&p, dataset, id, &e);
	if (peek.known) {
		peek.deleted = e.flags & ID_DELETED;
		peek.same = hash && e.hash.low == hash->low && e.hash.high == hash->high;
		peek.index = e.index;
		peek.hash = e.hash;
	}
	snapshot_end(&p);
	return peek;
}

uint32_t
store_index_end(struct store *s, uint32_t dataset)
{
	struct dataset_entry e = {0};
	struct slice names;
	struct snapshot p;
	struct err err = {0};

	if (snapshot_begin(&p, s, &err) == 0) {
		snapshot_dataset(&p, dataset, &e, &names);
		snapshot_end(&p);
	}
	read_complain(&err);
	return e.next_index;
}

struct ids_walk {
	struct snapshot snap;
	MDB_cursor *ids, *rows;
	uint32_t dataset;
	struct layout_key at; /* the last key shown */
	bool (*each)(void *arg, struct slice id, uint32_t index, bool deleted);
	void *arg;
	bool end;
};

static int
ids_show(struct ids_walk *w, MDB_val k, MDB_val v, struct err *err)
{
	struct slice id = slice_of((char *)k.mv_data + 4, k.mv_size - 4), json;
	struct id_entry e;

	if (!layout_id_get(slice_val(v), &e) ||
	    (w->snap.s->hash_ids && !read_row(&w->snap, w->rows, w->dataset, e.row, &id, &json)))
		return damaged(w->snap.s, w->dataset, e.sequence, err);
	w->at.len = k.mv_size;
	memcpy(w->at.p, k.mv_data, k.mv_size);
	w->end = !w->each(w->arg, id, e.index, e.flags & ID_DELETED);
	return 0;
}

/* Begins behind the last key shown (which may be gone or not by now). */
static int
ids_page(struct ids_walk *w, struct err *err)
{
	MDB_val k = val_of(w->at.p, w->at.len), v;
	uint8_t prefix[4];
	int rc, n = 0;

	put_be32(prefix, w->dataset);
	rc = mdb_cursor_get(w->ids, &k, &v, MDB_SET_RANGE);
	if (!rc && k.mv_size == w->at.len && memcmp(k.mv_data, w->at.p, w->at.len) == 0)
		rc = mdb_cursor_get(w->ids, &k, &v, MDB_NEXT);
	for (; !rc && n < IDS_PAGE && !w->end; n++) {
		if (memcmp(k.mv_data, prefix, sizeof(prefix)) != 0)
			rc = MDB_NOTFOUND;
		else if (ids_show(w, k, v, err) < 0)
			return -1;
		else
			rc = mdb_cursor_get(w->ids, &k, &v, MDB_NEXT);
	}
	w->end |= rc == MDB_NOTFOUND;
	return rc && rc != MDB_NOTFOUND ? env_error(&w->snap.s->env, rc, "cannot read ids", 0, err) : 0;
}

int
store_ids(struct store *s, uint32_t dataset, bool (*each)(void *arg, struct slice id, uint32_t index, bool deleted),
          void *arg, struct err *err)
{
	struct ids_walk w = {.dataset = dataset, .each = each, .arg = arg, .at.len = 4};
	int rc = 0;

	put_be32(w.at.p, dataset);
	while (!rc && !w.end) {
		w.ids = w.rows = NULL;
		if (snapshot_begin(&w.snap, s, err) < 0)
			return -1;
		rc = snapshot_cursor(&w.snap, DB_IDS, &w.ids) || snapshot_cursor(&w.snap, DB_ROWS, &w.rows)
		             ? err_set(err, ERR_HOST, "store %s: no cursor", s->dir)
		             : ids_page(&w, err);
		mdb_cursor_close(w.ids);
		mdb_cursor_close(w.rows);
		snapshot_end(&w.snap);
	}
	return rc;
}

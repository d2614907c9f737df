/* verify.c - walks the whole store and says everything that is not as it must be.
 *
 *   every id        has one feed entry and one row; the row opens, holds that id, JSON of the noted size and hash
 *   every dataset   its counters are what the walk counted; no index twice; nothing beyond its sequence and index
 *   every entry     of feed and rows is reached from an id (by count)
 *   every name      has its number, every letter its index
 *   every seal      of state, runs, logs and letters opens
 *   what is staged  opens, and is found by its id
 *   every merge     is what its sources make of it
 *   every event     opens, and its queue counts it
 *
 * One snapshot for all of it, so that the parts fit each other; the file may grow while it lasts. What is damaged below
 * LMDB's own pages shows as an error of LMDB, or as entries that are missing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"
#include "store/apply.h"
#include "store/read.h"

struct verifying {
	struct snapshot snap;
	MDB_cursor *rows;
	void (*fault)(void *arg, const char *text);
	void *arg;
	uint64_t faults, ids;
};

/* A dataset as the walk over its ids finds it. */
struct found {
	uint32_t number;
	struct dataset_entry e; /* as noted */
	uint64_t live, gone, bytes, sequence; /* the last one met */
	int64_t modified_us;
	uint8_t *taken; /* bitmap of indexes */
};

static void __attribute__((format(printf, 2, 3))) say(struct verifying *v, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	v->faults++;
	if (v->fault)
		v->fault(v->arg, text);
}

static void
check_head(struct verifying *v, struct found *f, const struct id_entry *e)
{
	uint8_t key[FEED_KEY_SIZE];
	struct feed_head h;
	struct slice value;
	unsigned long long seq = e->sequence;

	layout_feed_key(key, f->number, e->sequence);
	if (snapshot_get(&v->snap, DB_FEED, slice_of(key, sizeof(key)), &value) != 0) {
		say(v, "dataset %u: sequence %llu of the index is not in the feed", f->number, seq);
		return;
	}
	if (!read_head(&v->snap, slice_of(key, sizeof(key)), value, &h)) {
		say(v, "dataset %u: the feed's entry %llu is damaged", f->number, seq);
		return;
	}
	if (h.row != e->row)
		say(v, "dataset %u: sequence %llu names another row than the index", f->number, seq);
	if (h.hollow != !!(e->flags & ID_HOLLOW))
		say(v, "dataset %u: sequence %llu is pruned in one place only", f->number, seq);
	if ((h.action == CHANGE_DELETED) != !!(e->flags & ID_DELETED))
		say(v, "dataset %u: sequence %llu is deleted in one place only", f->number, seq);
	if (h.first_seq > e->sequence || h.life_seq < h.first_seq || h.life_seq > e->sequence ||
	    (h.gone_seq && (h.gone_seq >= h.life_seq || h.gone_seq <= h.first_seq)))
		say(v, "dataset %u: the history of sequence %llu is out of order", f->number, seq);
	if (e->sequence > f->sequence) {
		f->sequence = e->sequence;
		f->modified_us = h.modified_us;
	}
	if (h.modified_us > f->e.modified_us || h.first_us > h.modified_us)
		say(v, "dataset %u: the times of sequence %llu are out of order", f->number, seq);
}

static void
check_row(struct verifying *v, struct found *f, struct slice key, const struct id_entry *e)
{
	uint8_t own[4 + STORE_ID_MAX];
	struct slice id, json;
	struct json_hash hash;
	unsigned long long row = e->row;

	if (!read_row(&v->snap, v->rows, f->number, e->row, &id, &json)) {
		say(v, "dataset %u: row %llu is missing or damaged", f->number, row);
		return;
	}
	if (!id.len ||
	    !slice_eq(slice_of(own, record_key(&v->snap.s->seal, v->snap.s->hash_ids, f->number, id, own)), key))
		say(v, "dataset %u: row %llu holds another id than the index", f->number, row);
	if (!v->snap.pruned_us != !(e->flags & ID_HOLLOW))
		say(v, "dataset %u: row %llu is pruned in one place only", f->number, row);
	if (v->snap.pruned_us) {
		if (e->size)
			say(v, "dataset %u: row %llu was pruned, and counts %u bytes", f->number, row, e->size);
		return;
	}
	if (json.len != e->size)
		say(v, "dataset %u: row %llu has %zu bytes, the index says %u", f->number, row, json.len, e->size);
	if (!json_scan(json, JSON_DEPTH_MAX, &v->snap.s->seal.seed, &hash, NULL))
		say(v, "dataset %u: row %llu holds no valid JSON", f->number, row);
	else if (hash.low != e->hash.low || hash.high != e->hash.high)
		say(v, "dataset %u: row %llu has another content hash than the index", f->number, row);
}

static void
check_id(struct verifying *v, struct found *f, struct slice key, struct slice value)
{
	struct id_entry e;

	v->ids++;
	if (!layout_id_get(value, &e)) {
		say(v, "dataset %u: an index entry of %zu bytes", f->number, value.len);
		return;
	}
	if (e.flags & ID_DELETED) {
		f->gone++;
	} else {
		f->live++;
		f->bytes += e.size;
	}
	if (e.flags & ~(ID_DELETED | ID_SUSPECT | ID_HOLLOW))
		say(v, "dataset %u: sequence %llu has flags that nobody sets", f->number, (unsigned long long)e.sequence);
	if (e.sequence > f->e.sequence)
		say(v, "dataset %u: sequence %llu is beyond the last", f->number, (unsigned long long)e.sequence);
	if (e.index >= f->e.next_index)
		say(v, "dataset %u: index %u is beyond the last", f->number, e.index);
	else if (f->taken[e.index / 8] & 1 << e.index % 8)
		say(v, "dataset %u: index %u is there twice", f->number, e.index);
	else
		f->taken[e.index / 8] |= (uint8_t)(1 << e.index % 8);
	check_head(v, f, &e);
	check_row(v, f, key, &e);
}

static int
walk_ids(struct verifying *v, struct found *f)
{
	uint8_t prefix[4];
	MDB_val k = val_of(prefix, sizeof(prefix)), val;
	MDB_cursor *cur;
	int rc = snapshot_cursor(&v->snap, DB_IDS, &cur);

	if (rc)
		return rc;
	put_be32(prefix, f->number);
	for (rc = mdb_cursor_get(cur, &k, &val, MDB_SET_RANGE); !rc; rc = mdb_cursor_get(cur, &k, &val, MDB_NEXT)) {
		if (memcmp(k.mv_data, prefix, sizeof(prefix)) != 0)
			break;
		if (job_stopping(v->snap.s)) {
			rc = ECANCELED;
			break;
		}
		check_id(v, f, slice_val(k), slice_val(val));
	}
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static void
letter_fault(void *arg, uint64_t number)
{
	say(arg, "dead letter %llu is damaged or not indexed", (unsigned long long)number);
}

static void
text_fault(void *arg, const char *text)
{
	say(arg, "%s", text);
}

static void
no_fault(void *arg, uint64_t number)
{
	(void)arg; /* the walk over all letters has said it */
	(void)number;
}

/* Numbers are handed out without gaps, and each stands in the feed until its record's next one does. */
static void
check_counters(struct verifying *v, const struct found *f)
{
	const struct dataset_entry *e = &f->e;

	if (f->live != e->live || f->gone != e->gone || f->bytes != e->bytes)
		say(v, "dataset %u counts %llu live, %llu gone, %llu bytes; there are %llu, %llu, %llu", f->number,
		    (unsigned long long)e->live, (unsigned long long)e->gone, (unsigned long long)e->bytes,
		    (unsigned long long)f->live, (unsigned long long)f->gone, (unsigned long long)f->bytes);
	if (e->pruned > e->sequence)
		say(v, "dataset %u was pruned beyond its last sequence", f->number);
	if (e->pruned)
		return;
	if (f->sequence != e->sequence || f->modified_us != e->modified_us)
		say(v, "dataset %u: its last sequence is %llu, its entry says %llu or another time", f->number,
		    (unsigned long long)f->sequence, (unsigned long long)e->sequence);
	if (f->live + f->gone != e->next_index)
		say(v, "dataset %u has %llu records and handed out %u indexes", f->number,
		    (unsigned long long)(f->live + f->gone), e->next_index);
}

static int
check_dataset(struct verifying *v, uint32_t number, struct slice value)
{
	struct found f = {.number = number};
	struct slice names;
	const char *part[4];
	uint64_t letters;
	int rc;

	if (!layout_dataset_get(value, &f.e, &names) || !layout_names_get(names, part)) {
		say(v, "dataset %u: its entry is damaged", number);
		return 0;
	}
	f.taken = xcalloc(1, f.e.next_index / 8 + 1);
	rc = walk_ids(v, &f);
	free(f.taken);
	check_counters(v, &f);
	letters = f.e.dead ? dead_verify(&v->snap, 0, number, no_fault, v) : 0;
	if (letters != f.e.dead)
		say(v, "dataset %u counts %llu dead letters, there are %llu", number, (unsigned long long)f.e.dead,
		    (unsigned long long)letters);
	return rc;
}

static int
check_scope(struct verifying *v, uint32_t number, struct slice value)
{
	struct scope_entry e;
	struct slice names;
	const char *part[4];
	uint64_t letters;

	if (!layout_scope_get(value, &e, &names) || !layout_names_get(names, part)) {
		say(v, "scope %u: its entry is damaged", number);
		return 0;
	}
	letters = e.dead ? dead_verify(&v->snap, number, 0, no_fault, v) : 0;
	if (letters != e.dead)
		say(v, "scope %u counts %llu dead letters, there are %llu", number, (unsigned long long)e.dead,
		    (unsigned long long)letters);
	return 0;
}

static int
check_name(struct verifying *v, struct slice key, struct slice value)
{
	struct slice names, entry;
	struct dataset_entry d;
	struct scope_entry s;
	uint32_t number = 0;
	uint8_t be[4];
	bool dataset = key.len && key.p[0] == 'd', good;

	if (value.len == sizeof(number))
		memcpy(&number, value.p, sizeof(number));
	put_be32(be, number);
	good = snapshot_get(&v->snap, dataset ? DB_DATASETS : DB_SCOPES, slice_of(be, sizeof(be)), &entry) == 0 &&
	       (dataset ? layout_dataset_get(entry, &d, &names) : layout_scope_get(entry, &s, &names)) &&
	       slice_eq(names, slice_of(key.p + 1, key.len - 1));
	if (!good)
		say(v, "a name leads to number %u, which does not bear it", number);
	return 0;
}

static int
check_numbered(struct verifying *v, enum layout_db db, int (*check)(struct verifying *, uint32_t, struct slice))
{
	MDB_cursor *cur;
	MDB_val k, val;
	int rc = snapshot_cursor(&v->snap, db, &cur);

	if (rc)
		return rc;
	while (!(rc = mdb_cursor_get(cur, &k, &val, MDB_NEXT)))
		if ((rc = check(v, k.mv_size == 4 ? get_be32(k.mv_data) : 0, slice_val(val))))
			break;
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static const struct sealed_db {
	enum layout_db db;
	enum seal_kind kind;
	const char *what;
} sealed_dbs[] = {
	{DB_STATE, SEAL_STATE, "a value of the state"},
	{DB_RUNS, SEAL_RUN, "a run"},
	{DB_LOGS, SEAL_LOG, "a line of a log"},
	{DB_STEPS, SEAL_STEP, "a step of a run"},
};

static int
check_sealed(struct verifying *v, const struct sealed_db *what)
{
	MDB_cursor *cur;
	MDB_val k, val;
	struct slice plain;
	int rc = snapshot_cursor(&v->snap, what->db, &cur);

	if (rc)
		return rc;
	while (!(rc = mdb_cursor_get(cur, &k, &val, MDB_NEXT)))
		if (!seal_get(&v->snap.s->seal, (struct seal_place){what->kind, slice_val(k)}, slice_val(val),
		              &v->snap.scratch, &plain))
			say(v, "%s does not open", what->what);
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
check_names(struct verifying *v)
{
	MDB_cursor *cur;
	MDB_val k, val;
	int rc = snapshot_cursor(&v->snap, DB_NAMES, &cur);

	if (rc)
		return rc;
	while (!(rc = mdb_cursor_get(cur, &k, &val, MDB_NEXT)))
		check_name(v, slice_val(k), slice_val(val));
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static void
check_seen(struct verifying *v)
{
	MDB_cursor *cur;
	MDB_val k, val;
	struct dataset_entry e;
	struct slice names;

	if (snapshot_cursor(&v->snap, DB_SEEN, &cur) != 0)
		return;
	while (mdb_cursor_get(cur, &k, &val, MDB_NEXT) == 0)
		if (k.mv_size != 8 || !snapshot_dataset(&v->snap, get_be32(k.mv_data), &e, &names) ||
		    !(e.flags & DATASET_MARKING))
			say(v, "marks without a generation that they belong to");
	mdb_cursor_close(cur);
}

static uint64_t
entries(struct verifying *v, enum layout_db db)
{
	MDB_stat st;

	return mdb_stat(v->snap.env.txn, v->snap.s->env.db[db], &st) == 0 ? st.ms_entries : 0;
}

/* Every id reached one entry of each; as many are there, so nothing is unreachable. */
static void
check_totals(struct verifying *v)
{
	uint64_t letters = dead_verify(&v->snap, 0, 0, letter_fault, v), bad, staged, indexed;

	if (entries(v, DB_IDS) != v->ids || entries(v, DB_ROWS) != v->ids || entries(v, DB_FEED) != v->ids)
		say(v, "%llu ids are reached from datasets; there are %llu ids, %llu rows, %llu feed entries",
		    (unsigned long long)v->ids, (unsigned long long)entries(v, DB_IDS),
		    (unsigned long long)entries(v, DB_ROWS), (unsigned long long)entries(v, DB_FEED));
	if (entries(v, DB_NAMES) != entries(v, DB_DATASETS) + entries(v, DB_SCOPES))
		say(v, "names, datasets and scopes do not match in number");
	bad = staged_verify(&v->snap, &staged);
	if (bad || entries(v, DB_STAGEDIDS) != staged)
		say(v, "of what is staged %llu entries are damaged, and %llu are indexed of %llu good ones",
		    (unsigned long long)bad, (unsigned long long)entries(v, DB_STAGEDIDS), (unsigned long long)staged);
	bad = inbox_verify(&v->snap, &indexed);
	if (bad || (entries(v, DB_INBOXKEY) != indexed + 1 && entries(v, DB_INBOXKEY)))
		say(v, "of the events that came in %llu are damaged, and %llu entries of their index are there, not %llu",
		    (unsigned long long)bad, (unsigned long long)entries(v, DB_INBOXKEY), (unsigned long long)indexed + 1);
	if (entries(v, DB_DEADKEY) != letters)
		say(v, "dead letters and their index do not match in number");
}

int
store_verify(struct store *s, void (*fault)(void *arg, const char *text), void *arg, struct err *err)
{
	struct verifying v = {.fault = fault, .arg = arg};
	int rc;

	if (snapshot_begin(&v.snap, s, err) < 0)
		return -1;
	rc = snapshot_cursor(&v.snap, DB_ROWS, &v.rows);
	if (!rc)
		rc = check_names(&v);
	if (!rc)
		rc = check_numbered(&v, DB_DATASETS, check_dataset);
	if (!rc)
		rc = check_numbered(&v, DB_SCOPES, check_scope);
	for (size_t i = 0; i < LENGTH(sealed_dbs) && !rc; i++)
		rc = check_sealed(&v, &sealed_dbs[i]);
	if (!rc)
		rc = merges_verify(&v.snap, v.rows, text_fault, &v);
	if (!rc)
		rc = outbox_verify(&v.snap, text_fault, &v);
	if (!rc) {
		check_seen(&v);
		check_totals(&v);
	}
	mdb_cursor_close(v.rows);
	snapshot_end(&v.snap);
	if (rc)
		return env_error(&s->env, rc, "cannot be walked through", 0, err);
	return v.faults ? err_set(err, ERR_DATA, "store %s: %llu violations", s->dir, (unsigned long long)v.faults) : 0;
}

/* stage.c - records that readers shall see only when all of them are there: put aside with their run's positions, and
 * published by one transaction at its end.
 *
 *   stage    what differs from what readers see is put aside, sealed, under the number of its arrival; one per id, the
 *            latest. What is the same only gets its mark, and takes an older one of its id away.
 *   publish  a walk in the order of arrival: each becomes the save or delete that it would have been, and goes.
 *   forget   a new generation begins: they are dropped.
 *
 * Guarantees. Until the publishing transaction is durable no reader, count or feed shows any of it, and then all show
 * all of it. What is staged is durable with its commit, so a run that was interrupted goes on without listing it again.
 *
 * Awkward: a save or delete beside the run (a letter tried again) may change what is stored meanwhile. Publishing
 * compares anew, so counters stay exact, and the listing has the last word. */
#include "base/mem.h"
#include "store/apply.h"
#include "store/read.h"

enum { STAGED_SAVE = 1, STAGED_DELETE, STAGED_ASKED = 4 };

/* Sealed: what, hash, with STAGED_ASKED when its page was asked for, then the body: length of id (1 byte), id, JSON. Where an id stands: in the dataset, and among what is staged. */
struct staged {
	struct dataset *d;
	struct slice id;
	uint8_t key[4 + STORE_ID_MAX]; /* of the index, here and in `ids` */
	size_t key_len;
	bool live, waits;
	struct id_entry e; /* live: what readers see */
	uint64_t number;   /* waits: of its arrival */
};

static struct seal_place
number_place(uint32_t dataset, uint64_t number, uint8_t key[12])
{
	put_be32(key, dataset);
	put_be64(key + 4, number);
	return (struct seal_place){SEAL_STAGED, slice_of(key, 12)};
}

static int
staged_find(struct group *g, uint32_t dataset, struct slice id, struct staged *at)
{
	MDB_val v;
	int rc = group_dataset(g, dataset, &at->d);

	if (rc)
		return rc;
	at->id = id;
	at->key_len = record_key(&g->s->seal, g->s->hash_ids, dataset, id, at->key);
	at->live = at->waits = false;
	rc = group_get(g, DB_IDS, slice_of(at->key, at->key_len), &v);
	if (!rc) {
		if (!layout_id_get(slice_val(v), &at->e))
			return MDB_CORRUPTED;
		at->live = !(at->e.flags & ID_DELETED);
	} else if (rc != MDB_NOTFOUND) {
		return rc;
	}
	rc = group_get(g, DB_STAGEDIDS, slice_of(at->key, at->key_len), &v);
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (v.mv_size != sizeof(at->number))
		return MDB_CORRUPTED;
	memcpy(&at->number, v.mv_data, sizeof(at->number));
	at->waits = true;
	return 0;
}

static int
damaged(struct group *g, uint32_t dataset)
{
	return group_refuse(g, ERR_HOST, "store %s is damaged: what dataset %u has staged does not open", g->s->dir,
	                    dataset);
}

static bool
staged_split_asked(struct slice plain, unsigned *what, struct json_hash *hash, struct slice *body, int64_t *asked_us)
{
	struct reader r = reader_of(plain);

	*what = reader_u8(&r);
	hash->low = reader_u64(&r);
	hash->high = reader_u64(&r);
	*asked_us = *what & STAGED_ASKED ? (int64_t)reader_u64(&r) : INT64_MAX;
	*what &= ~(unsigned)STAGED_ASKED;
	*body = reader_rest(&r);
	return !r.bad && body->len > 1 && body->len >= 1 + (size_t)(uint8_t)body->p[0] && body->p[0] &&
	       (*what == STAGED_SAVE || *what == STAGED_DELETE);
}

static bool
staged_split(struct slice plain, unsigned *what, struct json_hash *hash, struct slice *body)
{
	int64_t asked_us;

	return staged_split_asked(plain, what, hash, body, &asked_us);
}

static int
staged_drop(struct group *g, struct staged *at, bool index)
{
	uint8_t key[12];
	int rc;

	if (!at->waits)
		return 0;
	rc = group_del(g, DB_STAGED, number_place(at->d->number, at->number, key).key);
	if (!rc && index)
		rc = group_del(g, DB_STAGEDIDS, slice_of(at->key, at->key_len));
	at->waits = !index;
	return rc;
}

/* Numbers go on behind the dataset's last. */
static int
number_next(struct group *g, struct dataset *d, uint64_t *number)
{
	uint8_t key[12];
	MDB_cursor *cur;
	MDB_val k, v;
	int rc;

	if (!d->next_staged) {
		number_place(d->number + 1, 0, key);
		k = val_of(key, sizeof(key));
		rc = mdb_cursor_open(g->txn, g->db[DB_STAGED], &cur);
		if (rc)
			return rc;
		rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
		rc = mdb_cursor_get(cur, &k, &v, rc ? MDB_LAST : MDB_PREV);
		d->next_staged = !rc && get_be32(k.mv_data) == d->number ? get_be64((char *)k.mv_data + 4) + 1 : 1;
		mdb_cursor_close(cur);
		if (rc && rc != MDB_NOTFOUND)
			return rc;
	}
	*number = d->next_staged++;
	return 0;
}

static int
staged_put(struct group *g, struct staged *at, unsigned what, const struct json_hash *hash, struct slice body)
{
	uint8_t key[12];
	struct buf plain = {0};
	int rc = staged_drop(g, at, false);

	if (!rc)
		rc = number_next(g, at->d, &at->number);
	if (rc)
		return rc;
	buf_u8(&plain, (uint8_t)(what | (g->voice.whose == VOICE_PAGE ? STAGED_ASKED : 0u)));
	buf_u64(&plain, hash->low);
	buf_u64(&plain, hash->high);
	if (g->voice.whose == VOICE_PAGE)
		buf_u64(&plain, (uint64_t)g->voice.at_us);
	buf_slice(&plain, body);
	rc = group_put_sealed(g, DB_STAGED, SEAL_STAGED, number_place(at->d->number, at->number, key).key,
	                      buf_view(&plain));
	buf_wipe(&plain);
	return rc ? rc
	          : group_put(g, DB_STAGEDIDS, slice_of(at->key, at->key_len),
	                      slice_of(&at->number, sizeof(at->number)));
}

/* Puts it aside, unless readers see just that already: then only its mark is set. Counts all but `saved`. */
static int
stage(struct group *g, struct staged *at, struct slice body, const struct json_hash *hash, struct commit_counts *n)
{
	uint64_t saved = n->saved;
	int rc;

	if (at->live && at->e.hash.low == hash->low && at->e.hash.high == hash->high) {
		rc = staged_drop(g, at, true);
		if (!rc)
			rc = record_save(g, at->d->number, body, hash, n);
		n->saved = saved;
		return rc;
	}
	n->fresh += !at->waits;
	rc = staged_put(g, at, STAGED_SAVE, hash, body);
	if (!rc && at->d->e.dead)
		rc = dead_resolve(g, at->d, at->id);
	return rc;
}

static struct slice
body_id(struct slice body)
{
	return slice_of(body.p + 1, (uint8_t)body.p[0]);
}

/* An event said something newer of it than this page and what is staged. */
static int
stage_barred(struct group *g, struct staged *at, struct commit_counts *n)
{
	int rc = staged_drop(g, at, true);

	return rc ? rc : record_barred(g, at->d->number, at->id, n);
}

int
apply_stage_save(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t dataset = reader_u32(r);
	struct json_hash hash = {.low = reader_u64(r)};
	struct commit_counts *n = commit_counts_of(c, dataset);
	struct staged at;
	struct slice body;
	bool barred;
	int rc;

	hash.high = reader_u64(r);
	body = reader_bytes(r, UINT32_MAX);
	rc = staged_find(g, dataset, body_id(body), &at);
	if (!rc)
		rc = guard_meet(g, dataset, body_id(body), &barred);
	n->saved++;
	if (rc)
		return rc;
	return barred ? stage_barred(g, &at, n) : stage(g, &at, body, &hash, n);
}

/* What an update or delete of it meets: what is staged, or else what readers see. *there false: nothing, or a delete.
 * json is borrowed from the group's scratch or the map. */
static int
staged_look(struct group *g, struct staged *at, bool *there, struct slice *json)
{
	uint8_t key[12];
	struct seal_place place = number_place(at->d->number, at->number, key);
	struct json_hash hash;
	struct slice plain, id, body;
	unsigned what;
	MDB_val v;
	int rc;

	*there = at->live && !(at->e.flags & ID_HOLLOW);
	if (!at->waits)
		return *there ? record_read(g, at->d->number, at->e.row, &id, json) : 0;
	rc = group_get(g, DB_STAGED, place.key, &v);
	if (rc)
		return rc == MDB_NOTFOUND ? damaged(g, at->d->number) : rc;
	if (!seal_get(&g->s->seal, place, slice_val(v), &g->scratch, &plain) || !staged_split(plain, &what, &hash, &body))
		return damaged(g, at->d->number);
	*there = what == STAGED_SAVE;
	*json = slice_of(body.p + 1 + (uint8_t)body.p[0], body.len - 1 - (uint8_t)body.p[0]);
	return 0;
}

/* For what changes a record that has to be there; one that is not is counted missing. */
static int
staged_meet(struct group *g, uint32_t dataset, struct slice id, struct staged *at, bool *there, struct slice *json,
            struct commit_counts *n)
{
	int rc = staged_find(g, dataset, id, at);

	*there = false;
	if (!rc)
		rc = staged_look(g, at, there, json);
	n->missing += !rc && !*there;
	return rc;
}

int
apply_stage_update(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t dataset = reader_u32(r);
	struct slice body = reader_bytes(r, UINT32_MAX), id = body_id(body), json;
	struct slice patch = slice_of(body.p + 1 + id.len, body.len - 1 - id.len);
	struct commit_counts *n = commit_counts_of(c, dataset);
	struct json_hash hash;
	struct staged at;
	bool there;
	int rc = staged_meet(g, dataset, id, &at, &there, &json, n);

	if (rc || !there)
		return rc;
	rc = record_merge(g, id, json, patch, &hash);
	return rc ? rc : stage(g, &at, buf_view(&g->merged), &hash, n);
}

int
apply_stage_delete(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t dataset = reader_u32(r);
	struct slice id = reader_bytes(r, STORE_ID_MAX), json;
	struct commit_counts *n = commit_counts_of(c, dataset);
	struct buf body = {0};
	struct staged at;
	bool there;
	int rc = staged_meet(g, dataset, id, &at, &there, &json, n);

	if (rc || !there)
		return rc;
	if (!at.live) /* nobody has seen it, and nobody will */
		return staged_drop(g, &at, true);
	buf_u8(&body, (uint8_t)id.len);
	buf_slice(&body, id);
	rc = staged_put(g, &at, STAGED_DELETE, &(struct json_hash){0}, buf_view(&body));
	buf_free(&body);
	return rc;
}

static int
publish_one(struct group *g, uint32_t dataset, MDB_val k, MDB_val v, struct buf *own, struct commit_counts *n)
{
	struct commit_counts now = {0};
	struct json_hash hash;
	struct slice plain, body;
	int64_t asked_us;
	unsigned what;
	bool barred;
	int rc;

	if (!seal_get(&g->s->seal, (struct seal_place){SEAL_STAGED, slice_val(k)}, slice_val(v), &g->scratch, &plain))
		return damaged(g, dataset);
	buf_clear(own); /* writing moves what LMDB has lent */
	buf_slice(own, plain);
	if (!staged_split_asked(buf_view(own), &what, &hash, &body, &asked_us))
		return damaged(g, dataset);
	g->voice = (struct voice){.whose = VOICE_PAGE, .at_us = asked_us};
	rc = guard_meet(g, dataset, body_id(body), &barred);
	if (rc || barred)
		return rc ? rc : record_barred(g, dataset, body_id(body), n);
	rc = what == STAGED_SAVE ? record_save(g, dataset, body, &hash, &now)
	                         : record_delete(g, dataset, body_id(body), &now);
	n->added += now.added;
	n->updated += now.updated;
	n->unchanged += now.unchanged;
	n->deleted += now.deleted;
	return rc;
}

int
apply_publish(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t dataset = reader_u32(r);
	struct commit_counts *n = commit_counts_of(c, dataset);
	struct buf own = {0};
	struct dataset *d;
	const struct voice spoke = g->voice;
	MDB_cursor *cur;
	uint8_t key[12];
	MDB_val k, v;
	int rc = group_dataset(g, dataset, &d);

	if (rc || (rc = mdb_cursor_open(g->txn, g->db[DB_STAGED], &cur)))
		return rc;
	number_place(dataset, 0, key);
	k = val_of(key, sizeof(key));
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc; rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		if (get_be32(k.mv_data) != dataset)
			break;
		rc = publish_one(g, dataset, k, v, &own, n);
		if (rc)
			break;
	}
	mdb_cursor_close(cur);
	buf_wipe(&own);
	g->voice = spoke;
	return rc && rc != MDB_NOTFOUND ? rc : stage_forget(g, d);
}

int
stage_forget(struct group *g, struct dataset *d)
{
	uint8_t key[4];
	int rc;

	d->next_staged = 0;
	put_be32(key, d->number);
	rc = group_del_prefix(g, DB_STAGED, slice_of(key, sizeof(key)), slice_of(key, sizeof(key)));
	return rc ? rc : group_del_prefix(g, DB_STAGEDIDS, slice_of(key, sizeof(key)), slice_of(key, sizeof(key)));
}

/* ---- verify ---- */

static bool
staged_good(struct snapshot *p, MDB_val k, MDB_val v)
{
	struct slice plain, body, number;
	struct json_hash hash, own;
	uint8_t key[4 + STORE_ID_MAX];
	struct err err;
	unsigned what;
	uint32_t dataset;
	uint64_t n;

	if (k.mv_size != 12 || !snapshot_open(p, SEAL_STAGED, slice_val(k), slice_val(v), &plain, &err) ||
	    !staged_split(plain, &what, &hash, &body))
		return false;
	dataset = get_be32(k.mv_data);
	if (snapshot_get(p, DB_STAGEDIDS,
	                 slice_of(key, record_key(&p->s->seal, p->s->hash_ids, dataset, body_id(body), key)),
	                 &number) != 0 ||
	    number.len != sizeof(n))
		return false;
	memcpy(&n, number.p, sizeof(n));
	if (n != get_be64((char *)k.mv_data + 4))
		return false;
	body = slice_of(body.p + 1 + (uint8_t)body.p[0], body.len - 1 - (uint8_t)body.p[0]);
	return what == STAGED_DELETE || (json_scan(body, JSON_DEPTH_MAX, &p->s->seal.seed, &own, NULL) &&
	                                 own.low == hash.low && own.high == hash.high);
}

uint64_t
staged_verify(struct snapshot *p, uint64_t *good)
{
	MDB_cursor *cur;
	MDB_val k, v;
	uint64_t bad = 0;

	*good = 0;
	if (snapshot_cursor(p, DB_STAGED, &cur) != 0)
		return 1;
	while (mdb_cursor_get(cur, &k, &v, MDB_NEXT) == 0) {
		bool is = staged_good(p, k, v);
		*good += is;
		bad += !is;
	}
	mdb_cursor_close(cur);
	return bad;
}

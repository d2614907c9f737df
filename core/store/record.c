/* record.c - saving, updating and deleting one record.
 *
 * A record that is stored costs one look-up: its key is put "unless it is there", which finds the old entry in the same
 * descent. Same content: nothing is written but its bitmap mark. A change rewrites the row (only if the content
 * changed), removes the record's old feed entry and appends a new one, so the feed holds each record once, at its
 * latest change.
 *
 * Awkward: a deleted record keeps row, index and first-seen; saving it again is an `added` with a new sequence number,
 * and the head then remembers both borders of the gap (feed.c says what for). And one whose content was pruned (hollow.c)
 * keeps its hash: saved again as it was, it is unchanged, and yet its row is written. */
#include "base/mem.h"
#include "store/apply.h"
#include "store/merge.h"
#include "store/outbox.h"

size_t
record_key(const struct seal *seal, bool hash_ids, uint32_t dataset, struct slice id, uint8_t out[4 + STORE_ID_MAX])
{
	put_be32(out, dataset);
	if (hash_ids) {
		seal_id(seal, id, out + 4);
		return 4 + SEAL_ID_SIZE;
	}
	memcpy(out + 4, id.p, id.len);
	return 4 + id.len;
}

/* Where the operation's record is: its key, and what the index says. The group's ids cursor stands on it when found. */
struct place {
	struct dataset *d;
	struct slice id;
	uint8_t key[4 + STORE_ID_MAX];
	size_t key_len;
	bool found;
	struct id_entry e;
	enum change_action action; /* what becomes of it; 0: nothing that anybody is told */
	int64_t first_us;
};

static int
place_find(struct group *g, uint32_t dataset, struct slice id, struct place *at)
{
	MDB_val k, v;
	int rc = group_dataset(g, dataset, &at->d);

	if (rc)
		return rc;
	at->id = id;
	at->key_len = record_key(&g->s->seal, g->s->hash_ids, dataset, id, at->key);
	k = val_of(at->key, at->key_len);
	rc = mdb_cursor_get(g->ids, &k, &v, MDB_SET);
	at->found = rc == 0;
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	return layout_id_get(slice_val(v), &at->e) ? 0 : MDB_CORRUPTED;
}

static int
place_write(struct group *g, struct place *at)
{
	uint8_t out[ID_ENTRY_SIZE];
	MDB_val k = val_of(at->key, at->key_len), v = val_of(out, sizeof(out));

	layout_id_put(out, &at->e);
	return mdb_cursor_put(g->ids, &k, &v, MDB_CURRENT);
}

static struct seal_place
row_place(uint32_t dataset, uint64_t row, uint8_t key[12])
{
	put_be32(key, dataset);
	put_be64(key + 4, row);
	return (struct seal_place){SEAL_ROW, slice_of(key, 12)};
}

int
record_row_put(struct group *g, struct dataset *d, uint64_t row, struct slice body, unsigned flags)
{
	uint8_t place[12];
	struct seal_place at = row_place(d->number, row, place);
	MDB_val k = val_of(place + 4, 8), v = {body.len + SEAL_OVERHEAD, NULL};
	int rc = mdb_cursor_put(g->rows, &k, &v, MDB_RESERVE | flags);

	if (!rc)
		seal_put(&g->s->seal, &g->nonce, at, body, v.mv_data);
	return rc;
}

/* Moves the record's feed entry to the end. at->e still holds the old sequence; it gets the new one. */
static int
head_move(struct group *g, struct place *at, enum change_action action)
{
	struct feed_head h;
	int rc = head_get(g, at->d, &at->e, &h);

	if (rc || (rc = mdb_cursor_del(g->feed, 0)))
		return rc;
	h.action = (uint8_t)action;
	h.hollow = at->e.flags & ID_HOLLOW;
	h.modified_us = group_now(g, at->d);
	if (action == CHANGE_ADDED) {
		h.gone_seq = at->e.sequence;
		h.life_seq = at->d->e.sequence + 1;
	}
	at->e.sequence = ++at->d->e.sequence;
	at->action = action;
	at->first_us = h.first_us;
	return head_put(g, at->d, at->e.sequence, &h);
}

/* Who wants to know of it is told, and datasets that are merged of this one follow. body empty: it was deleted. */
static int
changed(struct group *g, const struct place *at, struct slice body)
{
	struct slice json = {0};
	int rc = 0;

	if (!at->d->heard && !at->d->merged)
		return 0;
	if (body.len)
		json = slice_of(body.p + 1 + at->id.len, body.len - 1 - at->id.len);
	if (at->d->heard && at->action)
		rc = outbox_note(g, at->d, &(struct change){at->action, at->e.sequence, at->e.row, at->first_us,
		                                            at->d->e.modified_us, at->id, json});
	return rc || !at->d->merged ? rc : merge_note(g, at->d, at->e.row, at->e.sequence, at->id, json);
}

/* A record that is not there yet: one descent finds that out and puts it. *taken: it was there; at->e then says where.
 */
static int
record_add(struct group *g, struct place *at, struct slice body, const struct json_hash *hash, bool *taken)
{
	struct dataset_entry *e = &at->d->e;
	uint8_t out[ID_ENTRY_SIZE];
	MDB_val k = val_of(at->key, at->key_len), v = val_of(out, sizeof(out));
	struct feed_head h;
	int rc;

	at->e = (struct id_entry){.row = g->next_row,
	                          .sequence = e->sequence + 1,
	                          .index = e->next_index,
	                          .hash = *hash,
	                          .size = (uint32_t)(body.len - 1 - at->id.len)};
	layout_id_put(out, &at->e);
	rc = mdb_cursor_put(g->ids, &k, &v, MDB_NOOVERWRITE);
	*taken = rc == MDB_KEYEXIST;
	if (*taken)
		return layout_id_get(slice_val(v), &at->e) ? 0 : MDB_CORRUPTED;
	if (rc || (rc = record_row_put(g, at->d, at->e.row, body, MDB_APPEND)))
		return rc;
	h = (struct feed_head){.action = CHANGE_ADDED,
	                       .row = at->e.row,
	                       .first_us = group_now(g, at->d),
	                       .first_seq = at->e.sequence,
	                       .life_seq = at->e.sequence};
	h.modified_us = h.first_us;
	at->action = CHANGE_ADDED;
	at->first_us = h.first_us;
	g->next_row++;
	e->sequence++;
	if (++e->next_index == 0)
		return group_refuse(g, ERR_HOST, "dataset %u has had 2^32 records", at->d->number);
	e->live++;
	e->bytes += at->e.size;
	rc = head_put(g, at->d, at->e.sequence, &h);
	return rc ? rc : changed(g, at, body);
}

/* Known record, other content or deleted. */
static int
record_change(struct group *g, struct place *at, struct slice body, const struct json_hash *hash)
{
	struct dataset_entry *e = &at->d->e;
	bool gone = at->e.flags & ID_DELETED;
	bool same = at->e.hash.low == hash->low && at->e.hash.high == hash->high && !(at->e.flags & ID_HOLLOW);
	int rc;

	if (!same && (rc = record_row_put(g, at->d, at->e.row, body, 0)))
		return rc;
	if (!gone)
		e->bytes -= at->e.size;
	e->live += gone;
	e->gone -= gone;
	if (!same)
		at->e.size = (uint32_t)(body.len - 1 - at->id.len);
	e->bytes += at->e.size;
	at->e.hash = *hash;
	at->e.flags = 0;
	rc = head_move(g, at, gone ? CHANGE_ADDED : CHANGE_UPDATED);
	if (!rc)
		rc = place_write(g, at);
	return rc ? rc : changed(g, at, body);
}

static int
mark(struct group *g, struct place *at, struct commit_counts *n)
{
	bool fresh;
	int rc = seen_mark(g, at->d, at->e.index, &fresh);

	n->fresh += fresh;
	if (!rc && at->d->e.dead)
		rc = dead_resolve(g, at->d, at->id);
	return rc;
}

/* The content of one that was pruned comes back as it was: no reader is told. */
static int
record_refill(struct group *g, struct place *at, struct slice body)
{
	int rc = record_row_put(g, at->d, at->e.row, body, 0);

	if (!rc)
		rc = head_hollow(g, at->d, &at->e, false);
	if (rc)
		return rc;
	at->action = 0;
	at->e.flags = 0;
	at->e.size = (uint32_t)(body.len - 1 - at->id.len);
	at->d->e.bytes += at->e.size;
	rc = place_write(g, at);
	return rc ? rc : changed(g, at, body);
}

/* What a save and an update that was worked out have in common, for a record that is there. */
static int
record_compare(struct group *g, struct place *at, struct slice body, const struct json_hash *hash,
               struct commit_counts *n)
{
	bool gone = at->e.flags & ID_DELETED;

	if (gone || at->e.hash.low != hash->low || at->e.hash.high != hash->high) {
		n->added += gone;
		n->updated += !gone;
		return record_change(g, at, body, hash);
	}
	n->unchanged++;
	if (at->e.flags & ID_HOLLOW)
		return record_refill(g, at, body);
	if (!(at->e.flags & ID_SUSPECT))
		return 0;
	at->e.flags = 0; /* it is there after all */
	return place_write(g, at);
}

static struct slice
body_id(struct slice body)
{
	return slice_of(body.p + 1, (uint8_t)body.p[0]);
}

int
record_modified(struct group *g, uint32_t dataset, struct slice id, int64_t *us)
{
	struct feed_head h;
	struct place at;
	int rc = place_find(g, dataset, id, &at);

	*us = 0;
	if (rc || !at.found)
		return rc;
	rc = head_get(g, at.d, &at.e, &h);
	*us = rc ? 0 : h.modified_us;
	return rc;
}

/* What an event said of this record is newer: nothing is written but its mark. */
int
record_barred(struct group *g, uint32_t dataset, struct slice id, struct commit_counts *n)
{
	struct place at;
	int rc = place_find(g, dataset, id, &at);

	n->unchanged++;
	return rc || !at.found || at.e.flags & ID_DELETED ? rc : mark(g, &at, n);
}

int
record_save(struct group *g, uint32_t dataset, struct slice body, const struct json_hash *hash, struct commit_counts *n)
{
	struct place at = {.id = body_id(body)};
	bool taken;
	int rc;

	rc = group_dataset(g, dataset, &at.d);
	if (rc)
		return rc;
	at.key_len = record_key(&g->s->seal, g->s->hash_ids, dataset, at.id, at.key);
	rc = record_add(g, &at, body, hash, &taken);
	n->saved++;
	n->added += !rc && !taken;
	if (!rc && taken)
		rc = record_compare(g, &at, body, hash, n);
	return rc ? rc : mark(g, &at, n);
}

int
apply_save(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t dataset = reader_u32(r);
	struct json_hash hash = {.low = reader_u64(r)};

	struct commit_counts *n = commit_counts_of(c, dataset);
	struct slice body;
	bool barred;
	int rc;

	hash.high = reader_u64(r);
	body = reader_bytes(r, UINT32_MAX);
	rc = guard_meet(g, dataset, body_id(body), &barred);
	if (rc || !barred)
		return rc ? rc : record_save(g, dataset, body, &hash, n);
	n->saved++;
	return record_barred(g, dataset, body_id(body), n);
}

int
record_merge(struct group *g, struct slice id, struct slice json, struct slice patch, struct json_hash *hash)
{
	struct json_fault fault;

	buf_clear(&g->merged);
	buf_u8(&g->merged, (uint8_t)id.len);
	buf_slice(&g->merged, id);
	json_merge(&g->merged, json, patch);
	json = slice_of(g->merged.p + 1 + id.len, g->merged.len - 1 - id.len);
	if (json.len > STORE_RECORD_MAX)
		return group_refuse(g, ERR_DATA, "an update would make '%.*s' %zu bytes long; a record has at most %d",
		                    (int)id.len, id.p, json.len, STORE_RECORD_MAX);
	if (!json_scan(json, JSON_DEPTH_MAX, &g->s->seal.seed, hash, &fault))
		return group_refuse(g, ERR_DATA, "an update of '%.*s' does not merge: %s", (int)id.len, id.p,
		                    fault.what);
	return 0;
}

int
apply_update(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t dataset = reader_u32(r);
	struct slice body = reader_bytes(r, UINT32_MAX), id = body_id(body), json;
	struct slice patch = slice_of(body.p + 1 + id.len, body.len - 1 - id.len);
	struct commit_counts *n = commit_counts_of(c, dataset);
	struct json_hash hash;
	struct place at;
	bool barred;
	int rc = guard_meet(g, dataset, id, &barred);

	if (rc || barred)
		return rc ? rc : record_barred(g, dataset, id, n);
	rc = place_find(g, dataset, id, &at);
	if (rc)
		return rc;
	if (!at.found || at.e.flags & ID_DELETED) {
		n->missing++;
		return 0;
	}
	if (at.e.flags & ID_HOLLOW) { /* nothing is there to merge into; yet it is listed */
		n->missing++;
		return mark(g, &at, n);
	}
	rc = record_read(g, dataset, at.e.row, &id, &json);
	if (rc)
		return rc;
	rc = record_merge(g, id, json, patch, &hash);
	if (rc)
		return rc;
	rc = record_compare(g, &at, buf_view(&g->merged), &hash, n);
	return rc ? rc : mark(g, &at, n);
}

int
apply_seen(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t dataset = reader_u32(r);
	struct slice id = reader_bytes(r, STORE_ID_MAX);
	struct commit_counts *n = commit_counts_of(c, dataset);
	struct place at;
	bool barred;
	int rc = guard_meet(g, dataset, id, &barred);

	if (rc || barred) {
		n->saved++;
		return rc ? rc : record_barred(g, dataset, id, n);
	}
	rc = place_find(g, dataset, id, &at);
	if (rc)
		return rc;
	if (!at.found || at.e.flags & ID_DELETED)
		return group_refuse(g, ERR_BUSY, "'%.*s' is not there any more, though its page has not changed", (int)id.len,
		                    id.p);
	n->saved++;
	n->unchanged++;
	if (at.e.flags & ID_SUSPECT) {
		at.e.flags &= (uint8_t)~ID_SUSPECT;
		rc = place_write(g, &at);
	}
	return rc ? rc : mark(g, &at, n);
}

int
record_delete(struct group *g, uint32_t dataset, struct slice id, struct commit_counts *n)
{
	struct place at;
	int rc = place_find(g, dataset, id, &at);

	if (rc)
		return rc;
	if (!at.found || at.e.flags & ID_DELETED) {
		n->missing++;
		return 0;
	}
	n->deleted++;
	at.d->e.live--;
	at.d->e.gone++;
	at.d->e.bytes -= at.e.size;
	at.e.flags = ID_DELETED | (at.e.flags & ID_HOLLOW);
	rc = head_move(g, &at, CHANGE_DELETED);
	if (!rc)
		rc = place_write(g, &at);
	return rc ? rc : changed(g, &at, (struct slice){0});
}

int
apply_delete(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t dataset = reader_u32(r);
	struct slice id = reader_bytes(r, STORE_ID_MAX);
	struct commit_counts *n = commit_counts_of(c, dataset);
	bool barred;
	int rc = guard_meet(g, dataset, id, &barred);

	if (rc || barred)
		return rc ? rc : record_barred(g, dataset, id, n);
	return record_delete(g, dataset, id, n);
}

int
record_read(struct group *g, uint32_t dataset, uint64_t row, struct slice *id, struct slice *json)
{
	uint8_t place[12];
	struct seal_place sp = row_place(dataset, row, place);
	MDB_val k = val_of(place + 4, 8), v;
	struct slice body;
	int rc = mdb_cursor_get(g->rows, &k, &v, MDB_SET);

	if (rc && rc != MDB_NOTFOUND)
		return rc;
	if (rc || !seal_get(&g->s->seal, sp, slice_val(v), &g->scratch, &body) || !body.len ||
	    body.len < 1 + (size_t)(uint8_t)body.p[0])
		return group_refuse(g, ERR_HOST, "store %s is damaged: dataset %u, row %llu", g->s->dir, dataset,
		                    (unsigned long long)row);
	*id = body_id(body);
	*json = slice_of(body.p + 1 + id->len, body.len - 1 - id->len);
	layout_hollow(json);
	return 0;
}

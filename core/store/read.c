/* read.c - short snapshots, and what every reading call does with them.
 *
 * One call is one read transaction, begun and ended inside it: a long one would keep the writer from reusing pages, and
 * the file would grow tenfold. */
#include "base/log.h"
#include "store/read.h"

int
snapshot_begin(struct snapshot *p, struct store *s, struct err *err)
{
	*p = (struct snapshot){.s = s};
	return env_read_begin(&s->env, &p->env, err);
}

void
snapshot_end(struct snapshot *p)
{
	env_read_end(&p->s->env, &p->env);
	buf_wipe(&p->scratch);
}

int
snapshot_get(struct snapshot *p, enum layout_db db, struct slice key, struct slice *value)
{
	MDB_val k = val_slice(key), v = {0, NULL};
	int rc = mdb_get(p->env.txn, p->s->env.db[db], &k, &v);

	*value = slice_val(v);
	return rc;
}

int
snapshot_cursor(struct snapshot *p, enum layout_db db, MDB_cursor **cur)
{
	int rc = mdb_cursor_open(p->env.txn, p->s->env.db[db], cur);

	env_memory(rc);
	return rc;
}

int
walk_begin(struct snapshot *p, struct store *s, enum layout_db db, MDB_cursor **cur, const char *doing, struct err *err)
{
	int rc;

	if (snapshot_begin(p, s, err) < 0)
		return -1;
	rc = snapshot_cursor(p, db, cur);
	if (!rc)
		return 0;
	snapshot_end(p);
	return env_error(&s->env, rc, doing, 0, err);
}

void
walk_end(struct snapshot *p, MDB_cursor *cur)
{
	mdb_cursor_close(cur);
	snapshot_end(p);
}

bool
snapshot_open(struct snapshot *p, enum seal_kind kind, struct slice key, struct slice sealed, struct slice *plain,
              struct err *err)
{
	if (seal_get(&p->s->seal, (struct seal_place){kind, key}, sealed, &p->scratch, plain))
		return true;
	err_set(err, ERR_HOST, "store %s is damaged: an entry of kind '%c' does not open", p->s->dir, kind);
	return false;
}

bool
snapshot_dataset(struct snapshot *p, uint32_t number, struct dataset_entry *e, struct slice *names)
{
	uint8_t key[4];
	struct slice v;

	put_be32(key, number);
	return snapshot_get(p, DB_DATASETS, slice_of(key, sizeof(key)), &v) == 0 && layout_dataset_get(v, e, names);
}

bool
snapshot_scope(struct snapshot *p, uint32_t number, struct scope_entry *e, struct slice *names)
{
	uint8_t key[4];
	struct slice v;

	put_be32(key, number);
	return snapshot_get(p, DB_SCOPES, slice_of(key, sizeof(key)), &v) == 0 && layout_scope_get(v, e, names);
}

void
read_complain(const struct err *err)
{
	if (err->cls)
		log_error("%s", err->text);
}

bool
read_head(struct snapshot *p, struct slice key, struct slice value, struct feed_head *h)
{
	uint64_t mac;

	if (key.len != FEED_KEY_SIZE || !layout_head_get(value, h))
		return false;
	mac = seal_mac(&p->s->seal, key, slice_of(value.p, value.len - FEED_MAC_SIZE));
	return memcmp(&mac, value.p + value.len - FEED_MAC_SIZE, FEED_MAC_SIZE) == 0;
}

bool
read_row(struct snapshot *p, MDB_cursor *rows, uint32_t dataset, uint64_t row, struct slice *id, struct slice *json)
{
	uint8_t place[12];
	MDB_val k = val_of(place + 4, 8), v;
	struct slice body;

	put_be32(place, dataset);
	put_be64(place + 4, row);
	if (mdb_cursor_get(rows, &k, &v, MDB_SET) != 0 ||
	    !seal_get(&p->s->seal, (struct seal_place){SEAL_ROW, slice_of(place, sizeof(place))}, slice_val(v),
	              &p->scratch, &body))
		return false;
	if (body.len < 1 || body.len < 1 + (size_t)(uint8_t)body.p[0])
		return false;
	*id = slice_of(body.p + 1, (uint8_t)body.p[0]);
	*json = slice_of(id->p + id->len, body.len - 1 - id->len);
	p->pruned_us = layout_hollow(json);
	return true;
}

/* state.c - small values by scope, kind and name: checkpoints, metadata, positions of paginations.
 *
 * Key: scope, kind, name; value: name and value, sealed. Awkward: a position's name may be longer than a key can be:
 * then the key holds its beginning (the depth byte must stay the first, positions are dropped by it) and a keyed hash
 * of all of it. */
#include "store/apply.h"
#include "store/read.h"

#define NAME_MAX_KEY 400
#define PREFIX_SIZE 5
#define VALUE_MAX (64 << 20)

static struct slice
state_key(const struct seal *seal, uint32_t scope, unsigned kind, struct slice name, struct layout_key *key)
{
	put_be32(key->p, scope);
	key->p[4] = (uint8_t)kind;
	key->len = PREFIX_SIZE;
	if (name.len < NAME_MAX_KEY) {
		if (name.len)
			memcpy(key->p + key->len, name.p, name.len);
		key->len += name.len;
	} else {
		memcpy(key->p + key->len, name.p, NAME_MAX_KEY);
		seal_id(seal, name, key->p + key->len + NAME_MAX_KEY);
		key->len += NAME_MAX_KEY + SEAL_ID_SIZE;
	}
	return slice_of(key->p, key->len);
}

static bool
state_split(struct slice plain, struct slice *name, struct slice *value)
{
	struct reader r = reader_of(plain);

	*name = reader_bytes(&r, VALUE_MAX);
	*value = reader_rest(&r);
	return !r.bad;
}

static int
put_value(struct group *g, struct slice key, struct slice name, struct slice value)
{
	struct buf plain = {0};
	int rc;

	buf_bytes(&plain, name);
	buf_slice(&plain, value);
	rc = group_put_sealed(g, DB_STATE, SEAL_STATE, key, buf_view(&plain));
	buf_wipe(&plain);
	return rc;
}

struct target {
	uint32_t scope;
	unsigned kind;
	struct slice name, key;
	struct layout_key space;
};

static void
target_read(struct group *g, struct reader *r, struct target *t)
{
	t->scope = reader_u32(r);
	t->kind = reader_u8(r);
	t->name = reader_bytes(r, UINT32_MAX);
	t->key = state_key(&g->s->seal, t->scope, t->kind, t->name, &t->space);
}

int
apply_state_set(struct group *g, struct commit *c, struct reader *r)
{
	struct target t;

	(void)c;
	target_read(g, r, &t);
	return put_value(g, t.key, t.name, reader_bytes(r, UINT32_MAX));
}

int
apply_state_merge(struct group *g, struct commit *c, struct reader *r)
{
	struct target t;
	struct slice patch, name, base = SLICE("{}"), plain;
	MDB_val v;
	int rc;

	(void)c;
	target_read(g, r, &t);
	patch = reader_bytes(r, UINT32_MAX);
	rc = group_get(g, DB_STATE, t.key, &v);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	if (!rc && (!seal_get(&g->s->seal, (struct seal_place){SEAL_STATE, t.key}, slice_val(v), &g->scratch, &plain) ||
	            !state_split(plain, &name, &base)))
		return group_refuse(g, ERR_HOST, "store %s is damaged: state of scope %u does not open", g->s->dir,
		                    t.scope);
	buf_clear(&g->merged);
	json_merge_top(&g->merged, base, patch);
	return put_value(g, t.key, t.name, buf_view(&g->merged));
}

int
apply_state_clear(struct group *g, struct commit *c, struct reader *r)
{
	struct target t;

	(void)c;
	target_read(g, r, &t);
	return group_del(g, DB_STATE, t.key);
}

int
apply_state_clear_all(struct group *g, struct commit *c, struct reader *r)
{
	struct target t;
	struct slice prefix;

	(void)c;
	target_read(g, r, &t);
	prefix = slice_of(t.key.p, PREFIX_SIZE);
	return group_del_prefix(g, DB_STATE, prefix, prefix);
}

int
apply_positions_drop(struct group *g, struct commit *c, struct reader *r)
{
	struct target t;
	uint32_t deeper;

	(void)c;
	target_read(g, r, &t);
	deeper = reader_u32(r);
	if (deeper >= UINT8_MAX)
		return 0;
	t.space.p[PREFIX_SIZE] = (uint8_t)(deeper + 1);
	return group_del_prefix(g, DB_STATE, slice_of(t.key.p, PREFIX_SIZE), slice_of(t.space.p, PREFIX_SIZE + 1));
}

bool
store_state_get(struct store *s, uint32_t scope, enum state_kind kind, struct slice name, struct buf *value)
{
	struct layout_key space;
	struct slice key = state_key(&s->seal, scope, kind, name, &space), sealed, plain, own, text;
	struct snapshot p;
	struct err err = {0};
	bool found = false;

	if (snapshot_begin(&p, s, &err) == 0) {
		found = snapshot_get(&p, DB_STATE, key, &sealed) == 0 &&
		        snapshot_open(&p, SEAL_STATE, key, sealed, &plain, &err) && state_split(plain, &own, &text);
		if (found) {
			buf_clear(value);
			buf_slice(value, text);
		}
		snapshot_end(&p);
	}
	read_complain(&err);
	return found;
}

static int
state_walk(struct snapshot *p, MDB_cursor *cur, struct slice prefix,
           bool (*each)(void *arg, struct slice name, struct slice value), void *arg, struct err *err)
{
	MDB_val k = val_slice(prefix), v;
	struct slice plain, name, value;
	int rc;

	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc; rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		if (k.mv_size < prefix.len || memcmp(k.mv_data, prefix.p, prefix.len) != 0)
			return 0;
		if (!snapshot_open(p, SEAL_STATE, slice_val(k), slice_val(v), &plain, err))
			return -1;
		if (!state_split(plain, &name, &value) || !each(arg, name, value))
			return 0;
	}
	return rc == MDB_NOTFOUND ? 0 : env_error(&p->s->env, rc, "cannot read state", 0, err);
}

int
store_state_list(struct store *s, uint32_t scope, enum state_kind kind,
                 bool (*each)(void *arg, struct slice name, struct slice value), void *arg, struct err *err)
{
	struct layout_key space;
	struct slice prefix = state_key(&s->seal, scope, kind, (struct slice){0}, &space);
	struct snapshot p;
	MDB_cursor *cur;
	int rc;

	if (walk_begin(&p, s, DB_STATE, &cur, "cannot read state", err) < 0)
		return -1;
	rc = state_walk(&p, cur, prefix, each, arg, err);
	walk_end(&p, cur);
	return rc;
}

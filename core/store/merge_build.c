/* merge_build.c - which merges there are, and building one: see merge.h for the three walks.
 *
 * How far a build has come stands in the same transaction as what it has done, so one that is killed goes on where it
 * was; meanwhile sources may change as they like. Awkward: the walk over the members must not stop within one merged
 * record, so its place is the key's hash, and a piece ends behind a whole key. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "store/merge.h"
#include "store/read.h"

#define PIECE 500 /* records in one commit */
#define SOURCES_MAX 32

struct progress {
	enum merge_phase phase;
	uint16_t source;
	struct buf at; /* key behind which to go on */
};

static void
entry_key(char kind, uint32_t target, uint8_t out[5])
{
	out[0] = (uint8_t)kind;
	put_be32(out + 1, target);
}

static int
progress_get(struct group *g, uint32_t target, struct progress *p)
{
	uint8_t key[5];
	struct reader r;
	MDB_val v;
	int rc;

	entry_key('b', target, key);
	rc = group_get(g, DB_MEMBERS, slice_of(key, sizeof(key)), &v);
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	r = reader_of(slice_val(v));
	p->phase = (enum merge_phase)reader_u8(&r);
	p->source = reader_u16(&r);
	buf_slice(&p->at, reader_rest(&r));
	return 0;
}

static int
progress_put(struct group *g, uint32_t target, const struct progress *p)
{
	uint8_t key[5];
	struct buf v = {0};
	int rc;

	entry_key('b', target, key);
	if (p->phase == MERGE_BUILT)
		return group_del(g, DB_MEMBERS, slice_of(key, sizeof(key)));
	buf_u8(&v, (uint8_t)p->phase);
	buf_u16(&v, p->source);
	buf_slice(&v, buf_view(&p->at));
	rc = group_put(g, DB_MEMBERS, slice_of(key, sizeof(key)), buf_view(&v));
	buf_free(&v);
	return rc;
}

static void
enter(struct progress *p, enum merge_phase phase, uint16_t source)
{
	p->phase = phase;
	p->source = source;
	buf_clear(&p->at);
}

/* The writer's table and what hangs on it, after a definition has changed in this transaction. */
static int
table_again(struct group *g)
{
	int rc;

	g->s->merges.loaded = false;
	rc = merges_load(g);
	for (size_t i = 0; i < g->n_ds; i++)
		g->ds[i]->merged = merges_use(&g->s->merges, g->ds[i]->number);
	return rc;
}

/* ---- the three walks; *left counts down, 0: the piece is full ---- */

/* *left comes back untouched by what was not there. */
static int
entries_clear(struct group *g, char kind, uint32_t target, size_t *left)
{
	uint8_t prefix[5];
	MDB_val k = val_of(prefix, sizeof(prefix)), v;
	MDB_cursor *cur;
	int rc = mdb_cursor_open(g->txn, g->db[DB_MEMBERS], &cur);

	if (rc)
		return rc;
	entry_key(kind, target, prefix);
	rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	while (!rc && *left && memcmp(k.mv_data, prefix, sizeof(prefix)) == 0) {
		rc = mdb_cursor_del(cur, 0);
		if (!rc)
			rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT);
		--*left;
	}
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
walk_clear(struct group *g, struct merge *m, struct progress *p)
{
	size_t left = PIECE * 4;
	struct dataset *d;
	int rc = entries_clear(g, 'k', m->target, &left);

	if (!rc)
		rc = entries_clear(g, 'r', m->target, &left);
	if (rc || !left)
		return rc;
	rc = group_dataset(g, m->target, &d);
	if (rc)
		return rc;
	d->e.flags |= DATASET_MARKING;
	d->dirty = true;
	enter(p, MERGE_MEMBERS, 0);
	return seen_forget(g, d);
}

static int
record_note(struct group *g, const struct merge *m, size_t source, const struct id_entry *e)
{
	struct slice id, json;
	struct buf own_id = {0}, own_json = {0};
	int rc = record_read(g, m->sources[source].dataset, e->row, &id, &json);

	if (rc)
		return rc;
	buf_slice(&own_id, id); /* noting reads, and would overwrite them */
	buf_slice(&own_json, json);
	rc = merge_note_for(g, m, source, e->row, e->sequence, buf_view(&own_id), buf_view(&own_json));
	buf_free(&own_id);
	buf_wipe(&own_json);
	return rc;
}

static int
walk_members(struct group *g, struct merge *m, struct progress *p)
{
	uint8_t prefix[4] = {0};
	struct slice from = slice_of(prefix, sizeof(prefix));
	size_t left = PIECE;
	struct id_entry e;
	MDB_val k, v;
	int rc;

	put_be32(prefix, m->sources[p->source].dataset);
	k = val_slice(p->at.len ? buf_view(&p->at) : from);
	rc = mdb_cursor_get(g->ids, &k, &v, MDB_SET_RANGE);
	if (!rc && p->at.len && slice_eq(slice_val(k), buf_view(&p->at)))
		rc = mdb_cursor_get(g->ids, &k, &v, MDB_NEXT);
	for (; !rc && left && memcmp(k.mv_data, prefix, sizeof(prefix)) == 0; left--) {
		if (!layout_id_get(slice_val(v), &e))
			return MDB_CORRUPTED;
		buf_clear(&p->at);
		buf_slice(&p->at, slice_val(k));
		if (!(e.flags & ID_DELETED))
			rc = record_note(g, m, p->source, &e);
		if (!rc)
			rc = mdb_cursor_get(g->ids, &k, &v, MDB_NEXT);
	}
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	if (left)
		enter(p, p->source + 1u < m->n ? MERGE_MEMBERS : MERGE_KEYS,
		      p->source + 1u < m->n ? (uint16_t)(p->source + 1) : 0);
	return 0;
}

/* The merged record that this member belongs to is put together. */
static int
key_settle(struct group *g, const struct merge *m, const struct merge_member *member)
{
	uint8_t at[MERGE_ROW_SIZE];
	struct buf id = {0};
	struct slice plain;
	MDB_val v;
	int rc;

	merge_row_key(m, member->source, member->row, at);
	rc = group_get(g, DB_MEMBERS, slice_of(at, sizeof(at)), &v);
	if (rc || !seal_get(&g->s->seal, (struct seal_place){SEAL_MERGE, slice_of(at, sizeof(at))}, slice_val(v),
	                    &g->scratch, &plain))
		return rc && rc != MDB_NOTFOUND
		               ? rc
		               : group_refuse(g, ERR_HOST, "store %s is damaged: a member of merge %u does not open",
		                              g->s->dir, m->target);
	buf_slice(&id, plain);
	rc = merge_settle_one(g, m, buf_view(&id));
	buf_free(&id);
	return rc;
}

/* p->at: the prefix of the last key that was put together, filled up so that it sorts behind all its members. */
static int
walk_keys(struct group *g, struct merge *m, struct progress *p)
{
	uint8_t prefix[5];
	struct merge_member member;
	size_t left = PIECE;
	MDB_cursor *cur;
	MDB_val k, v;
	int rc = mdb_cursor_open(g->txn, g->db[DB_MEMBERS], &cur);

	if (rc)
		return rc;
	entry_key('k', m->target, prefix);
	if (!p->at.len)
		buf_put(&p->at, prefix, sizeof(prefix));
	for (; !rc && left; left--) {
		k = val_slice(buf_view(&p->at));
		rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
		if (rc || memcmp(k.mv_data, prefix, sizeof(prefix)) != 0)
			break;
		if (!merge_member_get(slice_val(k), slice_val(v), &member)) {
			rc = MDB_CORRUPTED;
			break;
		}
		buf_clear(&p->at);
		buf_put(&p->at, k.mv_data, 5 + SEAL_ID_SIZE);
		memset(buf_grow(&p->at, 10), 0xff, 10);
		rc = key_settle(g, m, &member);
	}
	mdb_cursor_close(cur);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	if (left)
		enter(p, MERGE_BUILT, 0);
	return 0;
}

/* ---- operations ---- */

static int
build_end(struct group *g, const struct merge *m)
{
	struct commit_counts none = {0};

	return sweep_run(g, &(struct sweep){.dataset = m->target, .force = true}, &none);
}

int
apply_merge_build(struct group *g, struct commit *c, struct reader *r)
{
	static int (*const walks[])(struct group *, struct merge *, struct progress *) = {
		[MERGE_CLEAR] = walk_clear, [MERGE_MEMBERS] = walk_members, [MERGE_KEYS] = walk_keys};
	uint32_t target = reader_u32(r);
	struct progress p = {0};
	struct merge *m = NULL;
	int rc;

	(void)c;
	reader_bytes(r, UINT32_MAX);
	for (size_t i = 0; i < g->s->merges.n; i++)
		if (g->s->merges.list[i].target == target)
			m = &g->s->merges.list[i];
	rc = m ? progress_get(g, target, &p) : 0;
	if (!rc && m && p.phase != MERGE_BUILT) {
		rc = walks[p.phase](g, m, &p);
		if (!rc && p.phase == MERGE_BUILT)
			rc = build_end(g, m);
		if (!rc)
			rc = progress_put(g, target, &p);
		m->phase = p.phase;
	}
	buf_free(&p.at);
	return rc;
}

int
apply_merge_define(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t target = reader_u32(r);
	struct slice json = reader_bytes(r, UINT32_MAX);
	struct progress p = {.phase = MERGE_CLEAR};
	uint8_t key[5];
	int rc;

	(void)c;
	entry_key('d', target, key);
	rc = group_put_sealed(g, DB_MEMBERS, SEAL_MERGE, slice_of(key, sizeof(key)), json);
	if (!rc)
		rc = progress_put(g, target, &p);
	return rc ? rc : table_again(g);
}

/* Its dataset stays as it is. */
int
apply_merge_drop(struct group *g, struct commit *c, struct reader *r)
{
	static const char kinds[] = {'d', 'b', 'k', 'r'};
	uint32_t target = reader_u32(r);
	size_t all = SIZE_MAX;
	struct dataset *d;
	int rc = group_dataset(g, target, &d);

	(void)c;
	reader_bytes(r, UINT32_MAX);
	for (size_t i = 0; i < LENGTH(kinds) && !rc; i++)
		rc = entries_clear(g, kinds[i], target, &all);
	if (!rc) {
		d->e.flags &= (uint8_t)~DATASET_MARKING;
		d->dirty = true;
		rc = seen_forget(g, d);
	}
	return rc ? rc : table_again(g);
}

/* ---- for the loop ---- */

static void
texts_write(struct json_out *o, const char *key, const char *const *texts)
{
	json_key(o, key);
	json_open(o, '[');
	for (; *texts; texts++)
		json_put_str(o, *texts);
	json_close(o, ']');
}

static void
definition_write(struct buf *out, const struct store_merge *m, const uint32_t *datasets)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "name", m->name);
	texts_write(&o, "keys", m->keys);
	if (m->fields)
		texts_write(&o, "fields", m->fields);
	json_key(&o, "sources");
	json_open(&o, '[');
	for (size_t i = 0; i < m->n; i++) {
		struct buf name = {0};
		buf_printf(&name, "%s:%s:%s", m->sources[i].connection, m->sources[i].integration, m->sources[i].model);
		json_open(&o, '{');
		json_kv_int(&o, "dataset", datasets[i]);
		json_kv_slice(&o, "name", buf_view(&name));
		json_close(&o, '}');
		buf_free(&name);
	}
	json_close(&o, ']');
	json_close(&o, '}');
}

/* What the file has under this kind and target; false: nothing. */
static bool
entry_read(struct store *s, char kind, uint32_t target, struct buf *out, struct err *err)
{
	struct snapshot p;
	struct slice v, plain;
	uint8_t key[5];
	bool there;

	if (snapshot_begin(&p, s, err) < 0)
		return false;
	entry_key(kind, target, key);
	there = snapshot_get(&p, DB_MEMBERS, slice_of(key, sizeof(key)), &v) == 0;
	if (there && kind == 'd')
		there = snapshot_open(&p, SEAL_MERGE, slice_of(key, sizeof(key)), v, &plain, err);
	if (there)
		buf_slice(out, kind == 'd' ? plain : v);
	snapshot_end(&p);
	return there;
}

static int
merge_set(struct store *s, const struct store_merge *m, uint32_t *target, struct err *err)
{
	const struct dataset_name own = {.connection = "merge", .integration = "merge", .model = m->name};
	uint32_t datasets[SOURCES_MAX];
	struct buf json = {0}, before = {0};
	struct commit *c;
	int rc = 0;

	if (m->n == 0 || m->n > SOURCES_MAX)
		return err_set(err, ERR_USAGE, "merge %s has %zu sources; it may have 1 to %d", m->name, m->n, SOURCES_MAX);
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->sources[i].connection, own.connection) && !strcmp(m->sources[i].integration, own.integration))
			return err_set(err, ERR_USAGE, "merge %s: its source merge:merge:%s is a merged dataset itself; name what that is made of",
			               m->name, m->sources[i].model);
	*target = store_dataset(s, &own, err);
	for (size_t i = 0; i < m->n && *target; i++)
		if (!(datasets[i] = store_dataset(s, &m->sources[i], err)))
			return -1;
	if (!*target)
		return -1;
	definition_write(&json, m, datasets);
	if (!entry_read(s, 'd', *target, &before, err) || !slice_eq(buf_view(&json), buf_view(&before))) {
		c = commit_new(s, (struct fence){0});
		commit_merge(c, OP_MERGE_DEFINE, *target, buf_view(&json));
		rc = store_commit_wait(s, c, NULL, err);
	}
	buf_free(&json);
	buf_free(&before);
	return rc;
}

/* Targets of all definitions, or (building) of those that are not built. */
static int
targets_list(struct store *s, bool building, uint32_t **list, size_t *n, struct err *err)
{
	uint8_t first = building ? 'b' : 'd';
	MDB_val k = val_of(&first, 1), v;
	struct snapshot p;
	MDB_cursor *cur;
	int rc;

	*list = NULL;
	*n = 0;
	if (walk_begin(&p, s, DB_MEMBERS, &cur, "cannot read the merges", err) != 0)
		return -1;
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc && *(const uint8_t *)k.mv_data == first && k.mv_size == 5;
	     rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		*list = xrealloc(*list, (*n + 1) * sizeof(**list));
		(*list)[(*n)++] = get_be32((const char *)k.mv_data + 1);
	}
	walk_end(&p, cur);
	return 0;
}

static int
merges_drop(struct store *s, const uint32_t *wanted, size_t n_wanted, struct err *err)
{
	uint32_t *list;
	size_t n;
	int rc = targets_list(s, false, &list, &n, err);

	for (size_t i = 0; i < n && !rc; i++) {
		struct commit *c;
		size_t k = 0;
		while (k < n_wanted && wanted[k] != list[i])
			k++;
		if (k < n_wanted)
			continue;
		c = commit_new(s, (struct fence){0});
		commit_merge(c, OP_MERGE_DROP, list[i], (struct slice){0});
		rc = store_commit_wait(s, c, NULL, err);
	}
	free(list);
	return rc;
}

int
store_merges(struct store *s, const struct store_merge *list, size_t n, struct err *err)
{
	uint32_t *targets = xcalloc(n + 1, sizeof(*targets));
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = merge_set(s, &list[i], &targets[i], err);
	if (!rc)
		rc = merges_drop(s, targets, n, err);
	free(targets);
	return rc;
}

uint32_t
store_merge_unbuilt(struct store *s)
{
	struct err err = {0};
	uint32_t *list, first;
	size_t n;

	if (targets_list(s, true, &list, &n, &err) != 0)
		read_complain(&err);
	first = n ? list[0] : 0;
	free(list);
	return first;
}

void
store_merge_build(struct store *s, uint32_t target, commit_done *done, void *arg)
{
	struct commit *c = commit_new(s, (struct fence){0});

	commit_merge(c, OP_MERGE_BUILD, target, (struct slice){0});
	store_commit(s, c, true, done, arg);
}

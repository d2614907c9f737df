/* names.c - datasets and scopes: long names become small numbers, for good.
 *
 * A number is handed out by a commit of its own and never used again. The entry under the number carries what belongs
 * to the whole: counters of a dataset, the newest epoch of a scope (the fence that keeps a zombie from writing). */
#include <stdlib.h>
#include "base/mem.h"
#include "store/apply.h"
#include "store/read.h"

enum { NAME_DATASET = 'd', NAME_SCOPE = 's' };

/* Kind and four NUL-terminated names; false: too long for a key. */
static bool
name_key(char kind, const char *const names[4], struct layout_key *key)
{
	key->p[0] = (uint8_t)kind;
	key->len = 1;
	for (int i = 0; i < 4; i++) {
		const char *name = names[i] ? names[i] : "";
		size_t n = strlen(name) + 1;
		if (key->len + n > LAYOUT_NAMES_MAX)
			return false;
		memcpy(key->p + key->len, name, n);
		key->len += n;
	}
	return true;
}

static bool
dataset_key(const struct dataset_name *n, struct layout_key *key)
{
	const char *const names[4] = {n->connection, n->integration, n->model, n->variant ? n->variant : "base"};

	return name_key(NAME_DATASET, names, key);
}

static bool
scope_key(const struct scope_name *n, struct layout_key *key)
{
	const char *const names[4] = {n->connection, n->integration, n->sync, n->variant ? n->variant : "base"};

	return name_key(NAME_SCOPE, names, key);
}

static uint32_t
number_find(struct store *s, const struct layout_key *key, struct err *err)
{
	struct snapshot p;
	struct slice v;
	uint32_t number = 0;

	if (snapshot_begin(&p, s, err) < 0)
		return 0;
	if (snapshot_get(&p, DB_NAMES, slice_of(key->p, key->len), &v) == 0 && v.len == sizeof(number))
		memcpy(&number, v.p, sizeof(number));
	snapshot_end(&p);
	return number;
}

static uint32_t
number_make(struct store *s, enum op op, const struct layout_key *key, struct err *err)
{
	struct err none = {0};
	uint32_t number = number_find(s, key, &none);
	struct commit *c;

	if (number)
		return number;
	c = commit_new(s, (struct fence){0});
	commit_name(c, op, slice_of(key->p, key->len));
	return (uint32_t)writer_number(s, c, err);
}

static uint32_t
too_long(struct err *err)
{
	err_set(err, ERR_USAGE, "connection, integration, model or sync, and variant together are longer than %d bytes",
	        LAYOUT_NAMES_MAX - 5);
	return 0;
}

uint32_t
store_dataset(struct store *s, const struct dataset_name *n, struct err *err)
{
	struct layout_key key;

	return dataset_key(n, &key) ? number_make(s, OP_DATASET, &key, err) : too_long(err);
}

uint32_t
store_dataset_find(struct store *s, const struct dataset_name *n)
{
	struct layout_key key;
	struct err err = {0};
	uint32_t number = dataset_key(n, &key) ? number_find(s, &key, &err) : 0;

	read_complain(&err);
	return number;
}

uint32_t
store_scope(struct store *s, const struct scope_name *n, struct err *err)
{
	struct layout_key key;

	return scope_key(n, &key) ? number_make(s, OP_SCOPE, &key, err) : too_long(err);
}

uint32_t
store_scope_find(struct store *s, const struct scope_name *n)
{
	struct layout_key key;
	struct err err = {0};
	uint32_t number = scope_key(n, &key) ? number_find(s, &key, &err) : 0;

	read_complain(&err);
	return number;
}

int
commit_dataset(struct commit *c, const struct dataset_name *n, struct err *err)
{
	struct layout_key key;

	if (!dataset_key(n, &key))
		return too_long(err), -1;
	commit_name(c, OP_DATASET, slice_of(key.p, key.len));
	return 0;
}

int
commit_scope(struct commit *c, const struct scope_name *n, struct err *err)
{
	struct layout_key key;

	if (!scope_key(n, &key))
		return too_long(err), -1;
	commit_name(c, OP_SCOPE, slice_of(key.p, key.len));
	return 0;
}

uint64_t
store_epoch_next(struct store *s, uint32_t scope, struct err *err)
{
	struct commit *c = commit_new(s, (struct fence){0});

	commit_epoch(c, scope);
	return writer_number(s, c, err);
}

/* Puts the name under the next number, and an empty entry of the given size with the names behind it. */
static int
name_add(struct group *g, struct commit *c, struct reader *r, enum layout_db db, size_t entry)
{
	struct slice key = reader_bytes(r, LAYOUT_KEY_MAX);
	uint8_t place[4], space[DATASET_ENTRY_SIZE + LAYOUT_KEY_MAX] = {0};
	uint32_t number = 0;
	MDB_val v;
	int rc = group_get(g, DB_NAMES, key, &v);

	if (!rc && v.mv_size == sizeof(number)) { /* somebody was first in this same group */
		memcpy(&number, v.mv_data, sizeof(number));
		c->number = number;
		return 0;
	}
	if (rc != MDB_NOTFOUND)
		return rc ? rc : MDB_CORRUPTED;
	rc = group_last(g, db, &v);
	if (rc)
		return rc;
	number = v.mv_size ? get_be32(v.mv_data) + 1 : 1;
	put_be32(place, number);
	memcpy(space + entry, key.p + 1, key.len - 1);
	rc = group_put(g, db, slice_of(place, sizeof(place)), slice_of(space, entry + key.len - 1));
	if (!rc)
		rc = group_put(g, DB_NAMES, key, slice_of(&number, sizeof(number)));
	c->number = number;
	return rc;
}

int
apply_dataset(struct group *g, struct commit *c, struct reader *r)
{
	return name_add(g, c, r, DB_DATASETS, DATASET_ENTRY_SIZE);
}

int
apply_scope(struct group *g, struct commit *c, struct reader *r)
{
	return name_add(g, c, r, DB_SCOPES, SCOPE_ENTRY_SIZE);
}

int
apply_epoch(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t scope = reader_u32(r);
	uint8_t key[4], out[SCOPE_ENTRY_SIZE + LAYOUT_KEY_MAX];
	struct scope_entry e;
	struct slice names;
	MDB_val v;
	int rc;

	put_be32(key, scope);
	rc = group_get(g, DB_SCOPES, slice_of(key, sizeof(key)), &v);
	if (rc == MDB_NOTFOUND)
		return group_refuse(g, ERR_USAGE, "store %s: there is no scope %u", g->s->dir, scope);
	if (rc)
		return rc;
	if (!layout_scope_get(slice_val(v), &e, &names) || names.len > LAYOUT_KEY_MAX)
		return MDB_CORRUPTED;
	c->number = ++e.epoch;
	layout_scope_put(out, &e);
	memcpy(out + SCOPE_ENTRY_SIZE, names.p, names.len);
	return group_put(g, DB_SCOPES, slice_of(key, sizeof(key)), slice_of(out, SCOPE_ENTRY_SIZE + names.len));
}

uint64_t
store_epoch(struct store *s, uint32_t scope)
{
	struct snapshot p;
	struct scope_entry e = {0};
	struct slice names;
	struct err err = {0};

	if (snapshot_begin(&p, s, &err) == 0) {
		snapshot_scope(&p, scope, &e, &names);
		snapshot_end(&p);
	}
	read_complain(&err);
	return e.epoch;
}

int
store_scopes(struct store *s, bool (*each)(void *arg, uint32_t scope, const struct scope_name *n), void *arg,
             struct err *err)
{
	struct snapshot p;
	struct scope_entry e;
	struct slice names;
	const char *part[4];
	MDB_cursor *cur;
	MDB_val k, v;
	int rc;

	if (snapshot_begin(&p, s, err) < 0)
		return -1;
	rc = snapshot_cursor(&p, DB_SCOPES, &cur);
	if (!rc) {
		while (!(rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT))) {
			if (!layout_scope_get(slice_val(v), &e, &names) || !layout_names_get(names, part))
				rc = MDB_CORRUPTED;
			if (rc || !each(arg, get_be32(k.mv_data),
			                &(struct scope_name){part[0], part[1], part[2], part[3]}))
				break;
		}
		mdb_cursor_close(cur);
	}
	if (rc && rc != MDB_NOTFOUND)
		rc = env_error(&s->env, rc, "cannot read scopes", 0, err);
	snapshot_end(&p);
	return rc == -1 ? -1 : 0;
}

static bool
info_of(uint32_t number, struct slice entry, struct dataset_info *info)
{
	struct dataset_entry e;
	struct slice names;
	const char *part[4];

	if (!layout_dataset_get(entry, &e, &names) || !layout_names_get(names, part))
		return false;
	*info = (struct dataset_info){number, part[0], part[1],    part[2],  part[3],      e.live,
	                              e.gone, e.bytes, e.sequence, e.pruned, e.modified_us};
	return true;
}

int
store_datasets(struct store *s, bool (*each)(void *arg, const struct dataset_info *), void *arg, struct err *err)
{
	struct snapshot p;
	struct dataset_info info;
	MDB_cursor *cur;
	MDB_val k, v;
	int rc;

	if (walk_begin(&p, s, DB_DATASETS, &cur, "cannot read datasets", err) < 0)
		return -1;
	while (!(rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT))) {
		if (!info_of(get_be32(k.mv_data), slice_val(v), &info))
			rc = MDB_CORRUPTED;
		if (rc || !each(arg, &info))
			break;
	}
	if (rc && rc != MDB_NOTFOUND)
		rc = env_error(&s->env, rc, "cannot read datasets", 0, err);
	walk_end(&p, cur);
	return rc == -1 ? -1 : 0;
}

bool
store_dataset_info(struct store *s, uint32_t dataset, void (*fn)(void *arg, const struct dataset_info *), void *arg)
{
	uint8_t key[4];
	struct slice v;
	struct snapshot p;
	struct dataset_info info;
	struct err err = {0};
	bool found = false;

	put_be32(key, dataset);
	if (snapshot_begin(&p, s, &err) == 0) {
		found = snapshot_get(&p, DB_DATASETS, slice_of(key, sizeof(key)), &v) == 0 &&
		        info_of(dataset, v, &info);
		if (found)
			fn(arg, &info);
		snapshot_end(&p);
	}
	read_complain(&err);
	return found;
}

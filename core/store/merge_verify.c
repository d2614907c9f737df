/* merge_verify.c - is every merged dataset what its sources make of it? For store_verify.
 *
 * Each member must be a living record under its latest sequence, and belong where its content says; there must be as
 * many as the sources have records; and each merged record must be, by its hash, what its members make. A merge that is
 * being built is left out, and so is a merged record that would be too large: it stayed as it was, or out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "store/merge.h"
#include "store/read.h"

struct checking {
	struct snapshot *p;
	MDB_cursor *rows;
	const struct merge *m;
	void (*fault)(void *arg, const char *text);
	void *arg;
	uint64_t members, keys;
	/* the key that is being gathered */
	struct buf id;
	uint8_t hash[SEAL_ID_SIZE];
	uint64_t *sequence;
	struct slice *json; /* owned */
	bool open;
};

static void __attribute__((format(printf, 2, 3))) say(struct checking *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->fault(c->arg, text);
}

static bool
entry_get(struct checking *c, uint32_t dataset, struct slice id, struct id_entry *e)
{
	uint8_t key[4 + STORE_ID_MAX];
	size_t len = record_key(&c->p->s->seal, c->p->s->hash_ids, dataset, id, key);
	struct slice v;

	return snapshot_get(c->p, DB_IDS, slice_of(key, len), &v) == 0 && layout_id_get(v, e);
}

static void
gathered_drop(struct checking *c)
{
	for (size_t i = 0; i < c->m->n; i++) {
		free((char *)(uintptr_t)c->json[i].p);
		c->json[i] = (struct slice){0};
		c->sequence[i] = 0;
	}
	c->open = false;
}

static void
key_check(struct checking *c)
{
	struct buf merged = {0};
	struct json_hash hash;
	struct id_entry e;
	bool there;

	if (!c->open)
		return;
	merge_compose(c->m, c->json, &merged);
	there = entry_get(c, c->m->target, buf_view(&c->id), &e) && !(e.flags & ID_DELETED);
	c->keys += there || merged.len <= STORE_RECORD_MAX;
	if (!there && merged.len <= STORE_RECORD_MAX)
		say(c, "merge %u: '%.*s' has members, but no record", c->m->target, (int)c->id.len, c->id.p);
	else if (there && merged.len <= STORE_RECORD_MAX &&
	         json_scan(buf_view(&merged), JSON_DEPTH_MAX, &c->p->s->seal.seed, &hash, NULL) &&
	         (hash.low != e.hash.low || hash.high != e.hash.high))
		say(c, "merge %u: '%.*s' is not what its members make", c->m->target, (int)c->id.len, c->id.p);
	buf_wipe(&merged);
	gathered_drop(c);
}

static bool
belongs(struct checking *c, const struct merge_member *m, struct slice id)
{
	uint8_t at[MERGE_ROW_SIZE];
	struct slice v, plain;

	merge_row_key(c->m, m->source, m->row, at);
	return snapshot_get(c->p, DB_MEMBERS, slice_of(at, sizeof(at)), &v) == 0 &&
	       seal_get(&c->p->s->seal, (struct seal_place){SEAL_MERGE, slice_of(at, sizeof(at))}, v, &c->p->scratch,
	                &plain) &&
	       slice_eq(plain, id);
}

static void
member_check(struct checking *c, const struct merge_member *m)
{
	uint32_t dataset = c->m->sources[m->source].dataset;
	uint8_t hash[SEAL_ID_SIZE];
	struct slice id, json;
	struct buf merged_id = {0};
	struct id_entry e;

	c->members++;
	if (!read_row(c->p, c->rows, dataset, m->row, &id, &json)) {
		say(c, "merge %u: a member in row %llu is not there", c->m->target, (unsigned long long)m->row);
		return;
	}
	merge_id(c->m, m->source, id, json, &merged_id);
	seal_id(&c->p->s->seal, buf_view(&merged_id), hash);
	if (!entry_get(c, dataset, id, &e) || e.row != m->row || e.sequence != m->sequence || e.flags & ID_DELETED)
		say(c, "merge %u: the member '%.*s' is not that record's latest", c->m->target, (int)id.len, id.p);
	if (m->sequence > c->sequence[m->source]) {
		free((char *)(uintptr_t)c->json[m->source].p);
		c->json[m->source] = slice_of(slice_dup(json), json.len);
		c->sequence[m->source] = m->sequence;
	}
	if (memcmp(hash, m->hash, sizeof(hash)) != 0 || !belongs(c, m, buf_view(&merged_id)))
		say(c, "merge %u: a member in row %llu belongs elsewhere", c->m->target, (unsigned long long)m->row);
	buf_free(&c->id);
	c->id = merged_id;
	memcpy(c->hash, m->hash, sizeof(c->hash));
	c->open = true;
}

static int
members_walk(struct checking *c)
{
	uint8_t prefix[5] = {'k'};
	MDB_val k = val_of(prefix, sizeof(prefix)), v;
	struct merge_member m;
	MDB_cursor *cur;
	int rc = snapshot_cursor(c->p, DB_MEMBERS, &cur);

	if (rc)
		return rc;
	put_be32(prefix + 1, c->m->target);
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc && memcmp(k.mv_data, prefix, sizeof(prefix)) == 0;
	     rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		if (!merge_member_get(slice_val(k), slice_val(v), &m) || m.source >= c->m->n) {
			say(c, "merge %u: a member's entry is damaged", c->m->target);
			continue;
		}
		if (c->open && memcmp(m.hash, c->hash, sizeof(m.hash)) != 0)
			key_check(c);
		member_check(c, &m);
	}
	key_check(c);
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
merge_check(struct checking *c)
{
	uint64_t records = 0;
	struct dataset_entry e;
	struct slice names;
	int rc;

	c->sequence = xcalloc(c->m->n, sizeof(*c->sequence));
	c->json = xcalloc(c->m->n, sizeof(*c->json));
	rc = members_walk(c);
	for (size_t i = 0; i < c->m->n; i++)
		if (snapshot_dataset(c->p, c->m->sources[i].dataset, &e, &names))
			records += e.live;
	if (!rc && records != c->members)
		say(c, "merge %u has %llu members, its sources %llu records", c->m->target,
		    (unsigned long long)c->members, (unsigned long long)records);
	if (!rc && snapshot_dataset(c->p, c->m->target, &e, &names) && e.live != c->keys)
		say(c, "merge %u has %llu records, its members make %llu", c->m->target, (unsigned long long)e.live,
		    (unsigned long long)c->keys);
	gathered_drop(c);
	free(c->sequence);
	free(c->json);
	buf_free(&c->id);
	return rc;
}

static bool
is_built(struct snapshot *p, uint32_t target)
{
	uint8_t key[5] = {'b'};
	struct slice v;

	put_be32(key + 1, target);
	return snapshot_get(p, DB_MEMBERS, slice_of(key, sizeof(key)), &v) == MDB_NOTFOUND;
}

static int
definition_check(struct checking *c, MDB_val k, MDB_val v)
{
	struct checking one = *c;
	struct slice json;
	struct merge m;
	int rc = 0;

	if (k.mv_size != 5 ||
	    !seal_get(&c->p->s->seal, (struct seal_place){SEAL_MERGE, slice_val(k)}, slice_val(v), &c->p->scratch, &json) ||
	    !merge_parse(json, &m)) {
		say(c, "the definition of a merge does not open");
		return 0;
	}
	m.target = get_be32((const char *)k.mv_data + 1);
	one.m = &m;
	if (is_built(c->p, m.target))
		rc = merge_check(&one);
	merge_finish(&m);
	return rc;
}

int
merges_verify(struct snapshot *p, MDB_cursor *rows, void (*fault)(void *arg, const char *text), void *arg)
{
	struct checking c = {.p = p, .rows = rows, .fault = fault, .arg = arg};
	uint8_t first = 'd';
	MDB_val k = val_of(&first, 1), v;
	MDB_cursor *cur;
	int rc = snapshot_cursor(p, DB_MEMBERS, &cur);

	if (rc)
		return rc;
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc && *(const uint8_t *)k.mv_data == 'd';
	     rc = rc ? rc : mdb_cursor_get(cur, &k, &v, MDB_NEXT))
		rc = definition_check(&c, k, v);
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

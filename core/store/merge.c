/* merge.c - see merge.h: definitions, who makes up what, and putting together what a commit has touched.
 *
 * Awkward: a merged record that would be larger than a record may be is left as it was, and said so in the log: the
 * sources' commit must not fail for it. The table of definitions is the writer's own; a transaction that is given up may
 * have changed it, so it is read again at the next one. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "store/merge.h"

enum { ENTRY_DEFINITION = 'd', ENTRY_BUILD = 'b', ENTRY_KEY = 'k', ENTRY_ROW = 'r' };

/* ---- definitions ---- */

void
merge_finish(struct merge *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->sources[i].name);
	for (char **f = m->fields; f && *f; f++)
		free(*f);
	free(m->fields);
	for (char **k = m->keys; k && *k; k++)
		free(*k);
	free(m->sources);
	free(m->keys);
	*m = (struct merge){0};
}

void
merges_free(struct merges *all)
{
	for (size_t i = 0; i < all->n; i++)
		merge_finish(&all->list[i]);
	free(all->list);
	*all = (struct merges){0};
}

static void
sources_parse(struct merge *m, struct slice list)
{
	struct json_iter it = json_iter(list);
	struct slice dataset, name;
	int64_t number;

	m->sources = xcalloc(json_count(list) + 1, sizeof(*m->sources));
	while (json_next(&it))
		if (json_member(it.value, "dataset", &dataset) && json_int(dataset, &number) &&
		    json_member(it.value, "name", &name))
			m->sources[m->n++] = (struct merge_source){(uint32_t)number, json_text(name)};
}

static char **
texts_parse(struct slice list)
{
	char **texts = xcalloc(json_count(list) + 1, sizeof(*texts));
	struct json_iter it = json_iter(list);
	size_t n = 0;

	while (json_next(&it))
		texts[n++] = json_text(it.value);
	return texts;
}

bool
merge_parse(struct slice json, struct merge *m)
{
	struct slice value;

	*m = (struct merge){0};
	if (!json_check(json, JSON_DEPTH_MAX, NULL) || !json_member(json, "keys", &value))
		return false;
	m->keys = texts_parse(value);
	if (json_member(json, "fields", &value) && json_type(value) == JSON_ARRAY)
		m->fields = texts_parse(value);
	if (json_member(json, "sources", &value))
		sources_parse(m, value);
	return true;
}

static int
phase_get(struct group *g, struct merge *m)
{
	uint8_t key[5] = {ENTRY_BUILD};
	MDB_val v;
	int rc;

	put_be32(key + 1, m->target);
	rc = group_get(g, DB_MEMBERS, slice_of(key, sizeof(key)), &v);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	m->phase = rc || !v.mv_size ? MERGE_BUILT : (enum merge_phase) * (const uint8_t *)v.mv_data;
	return 0;
}

static int
definition_load(struct group *g, MDB_val k, MDB_val v)
{
	struct merges *all = &g->s->merges;
	struct slice json;
	struct merge m = {0};

	if (k.mv_size != 5 ||
	    !seal_get(&g->s->seal, (struct seal_place){SEAL_MERGE, slice_val(k)}, slice_val(v), &g->scratch, &json) ||
	    !merge_parse(json, &m)) {
		merge_finish(&m);
		return group_refuse(g, ERR_HOST, "store %s is damaged: the definition of a merge does not open", g->s->dir);
	}
	m.target = get_be32((const char *)k.mv_data + 1);
	all->list = xrealloc(all->list, (all->n + 1) * sizeof(*all->list));
	all->list[all->n] = m;
	return phase_get(g, &all->list[all->n++]);
}

int
merges_load(struct group *g)
{
	struct merges *all = &g->s->merges;
	uint8_t first = ENTRY_DEFINITION;
	MDB_val k = val_of(&first, 1), v;
	MDB_cursor *cur;
	int rc;

	if (all->loaded)
		return 0;
	merges_free(all);
	rc = mdb_cursor_open(g->txn, g->db[DB_MEMBERS], &cur);
	if (rc)
		return rc;
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc && *(const uint8_t *)k.mv_data == ENTRY_DEFINITION;
	     rc = rc ? rc : mdb_cursor_get(cur, &k, &v, MDB_NEXT))
		rc = definition_load(g, k, v);
	mdb_cursor_close(cur);
	all->loaded = !rc || rc == MDB_NOTFOUND;
	return all->loaded ? 0 : rc;
}

bool
merges_make(const struct merges *all, uint32_t dataset)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].target == dataset)
			return true;
	return false;
}

bool
merges_use(const struct merges *all, uint32_t dataset)
{
	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->list[i].n; k++)
			if (all->list[i].sources[k].dataset == dataset)
				return true;
	return false;
}

/* ---- members ---- */

static void
key_prefix(const struct group *g, const struct merge *m, struct slice id, uint8_t out[1 + 4 + SEAL_ID_SIZE])
{
	out[0] = ENTRY_KEY;
	put_be32(out + 1, m->target);
	seal_id(&g->s->seal, id, out + 5);
}

static void
key_entry(const struct group *g, const struct merge *m, struct slice id, size_t source, uint64_t row,
          uint8_t out[MERGE_KEY_SIZE])
{
	key_prefix(g, m, id, out);
	out[5 + SEAL_ID_SIZE] = (uint8_t)(source >> 8);
	out[6 + SEAL_ID_SIZE] = (uint8_t)source;
	put_be64(out + 7 + SEAL_ID_SIZE, row);
}

void
merge_row_key(const struct merge *m, size_t source, uint64_t row, uint8_t out[MERGE_ROW_SIZE])
{
	out[0] = ENTRY_ROW;
	put_be32(out + 1, m->target);
	out[5] = (uint8_t)(source >> 8);
	out[6] = (uint8_t)source;
	put_be64(out + 7, row);
}

bool
merge_member_get(struct slice key, struct slice value, struct merge_member *m)
{
	const uint8_t *p = (const uint8_t *)key.p;

	if (key.len != MERGE_KEY_SIZE || p[0] != ENTRY_KEY || value.len != 8)
		return false;
	memcpy(m->hash, p + 5, SEAL_ID_SIZE);
	m->source = (uint16_t)(p[5 + SEAL_ID_SIZE] << 8 | p[6 + SEAL_ID_SIZE]);
	m->row = get_be64(p + 7 + SEAL_ID_SIZE);
	memcpy(&m->sequence, value.p, 8);
	return true;
}

/* Which merged record it belongs to until now; empty: none. */
static int
belonging(struct group *g, const struct merge *m, size_t source, uint64_t row, struct buf *id)
{
	uint8_t key[MERGE_ROW_SIZE] = {0};
	struct slice plain, at = slice_of(key, sizeof(key));
	MDB_val v;
	int rc;

	merge_row_key(m, source, row, key);
	buf_clear(id);
	rc = group_get(g, DB_MEMBERS, at, &v);
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (!seal_get(&g->s->seal, (struct seal_place){SEAL_MERGE, at}, slice_val(v), &g->scratch, &plain))
		return group_refuse(g, ERR_HOST, "store %s is damaged: a member of merge %u does not open", g->s->dir,
		                    m->target);
	buf_slice(id, plain);
	return 0;
}

static void
touch(struct group *g, const struct merge *m, struct slice id)
{
	if (m->phase == MERGE_MEMBERS)
		return;
	buf_u32(&g->touched, m->target);
	buf_bytes(&g->touched, id);
}

static int
member_take(struct group *g, const struct merge *m, size_t source, uint64_t row, struct slice id)
{
	uint8_t key[MERGE_KEY_SIZE], at[MERGE_ROW_SIZE];
	int rc;

	key_entry(g, m, id, source, row, key);
	merge_row_key(m, source, row, at);
	rc = group_del(g, DB_MEMBERS, slice_of(key, sizeof(key)));
	return rc ? rc : group_del(g, DB_MEMBERS, slice_of(at, sizeof(at)));
}

int
merge_note_for(struct group *g, const struct merge *m, size_t source, uint64_t row, uint64_t sequence, struct slice id,
               struct slice json)
{
	uint8_t key[MERGE_KEY_SIZE], at[MERGE_ROW_SIZE];
	struct buf before = {0}, now = {0};
	int rc = belonging(g, m, source, row, &before);

	if (!rc && json.p)
		merge_id(m, source, id, json, &now);
	if (!rc && before.len && !slice_eq(buf_view(&before), buf_view(&now))) {
		rc = member_take(g, m, source, row, buf_view(&before));
		touch(g, m, buf_view(&before));
		buf_clear(&before);
	}
	if (!rc && now.len) {
		key_entry(g, m, buf_view(&now), source, row, key);
		merge_row_key(m, source, row, at);
		rc = group_put(g, DB_MEMBERS, slice_of(key, sizeof(key)), slice_of(&sequence, sizeof(sequence)));
		if (!rc && !before.len)
			rc = group_put_sealed(g, DB_MEMBERS, SEAL_MERGE, slice_of(at, sizeof(at)), buf_view(&now));
		touch(g, m, buf_view(&now));
	}
	buf_free(&before);
	buf_free(&now);
	return rc;
}

int
merge_note(struct group *g, struct dataset *d, uint64_t row, uint64_t sequence, struct slice id, struct slice json)
{
	const struct merges *all = &g->s->merges;
	int rc = 0;

	for (size_t i = 0; i < all->n && !rc; i++)
		for (size_t k = 0; k < all->list[i].n && !rc; k++)
			if (all->list[i].sources[k].dataset == d->number && all->list[i].phase != MERGE_CLEAR)
				rc = merge_note_for(g, &all->list[i], k, row, sequence, id, json);
	return rc;
}

/* ---- putting together ---- */

struct gathered {
	const struct merge *m;
	uint64_t *sequence, *row; /* by source: its latest member; 0: none */
	size_t n;
};

/* Of several members of one source the one that changed last counts. */
static int
gather(struct group *g, struct gathered *all, struct slice id)
{
	uint8_t prefix[1 + 4 + SEAL_ID_SIZE];
	MDB_val k = val_of(prefix, sizeof(prefix)), v;
	struct merge_member m;
	MDB_cursor *cur;
	int rc = mdb_cursor_open(g->txn, g->db[DB_MEMBERS], &cur);

	if (rc)
		return rc;
	key_prefix(g, all->m, id, prefix);
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	     !rc && k.mv_size > sizeof(prefix) && memcmp(k.mv_data, prefix, sizeof(prefix)) == 0;
	     rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		if (!merge_member_get(slice_val(k), slice_val(v), &m) || m.source >= all->m->n)
			continue;
		all->n++;
		if (m.sequence > all->sequence[m.source]) {
			all->sequence[m.source] = m.sequence;
			all->row[m.source] = m.row;
		}
	}
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
rows_read(struct group *g, const struct gathered *all, struct slice *json)
{
	int rc = 0;

	for (size_t i = 0; i < all->m->n && !rc; i++) {
		struct slice id, text;
		if (!all->sequence[i])
			continue;
		rc = record_read(g, all->m->sources[i].dataset, all->row[i], &id, &text);
		if (!rc)
			json[i] = slice_of(slice_dup(text), text.len);
	}
	return rc;
}

static int
merged_save(struct group *g, const struct merge *m, struct slice id, struct slice json)
{
	struct commit_counts none = {0};
	struct json_hash hash;
	struct json_fault fault;
	struct buf body = {0};
	int rc = 0;

	if (json.len > STORE_RECORD_MAX || !json_scan(json, JSON_DEPTH_MAX, &g->s->seal.seed, &hash, &fault)) {
		log_warn("store %s: the merged record '%.*s' would be %zu bytes long, or no record: it stays as it was",
		         g->s->dir, (int)id.len, id.p, json.len);
		return 0;
	}
	buf_u8(&body, (uint8_t)id.len);
	buf_slice(&body, id);
	buf_slice(&body, json);
	rc = record_save(g, m->target, buf_view(&body), &hash, &none);
	buf_wipe(&body);
	return rc;
}

static int
merged_delete(struct group *g, const struct merge *m, struct slice id)
{
	struct commit_counts none = {0};

	return record_delete(g, m->target, id, &none);
}

int
merge_settle_one(struct group *g, const struct merge *m, struct slice id)
{
	struct gathered all = {m, xcalloc(m->n, sizeof(uint64_t)), xcalloc(m->n, sizeof(uint64_t)), 0};
	struct slice *json = xcalloc(m->n, sizeof(*json));
	struct buf merged = {0};
	int rc = gather(g, &all, id);

	if (!rc && all.n == 0) {
		rc = merged_delete(g, m, id);
	} else if (!rc) {
		rc = rows_read(g, &all, json);
		if (!rc)
			merge_compose(m, json, &merged);
		if (!rc)
			rc = merged_save(g, m, id, buf_view(&merged));
	}
	for (size_t i = 0; i < m->n; i++)
		free((char *)(uintptr_t)json[i].p);
	free(json);
	free(all.sequence);
	free(all.row);
	buf_wipe(&merged);
	return rc;
}

struct touched {
	uint32_t target;
	struct slice id;
};

static int
by_target_and_id(const void *a, const void *b)
{
	const struct touched *x = a, *y = b;
	size_t n = x->id.len < y->id.len ? x->id.len : y->id.len;
	int order = memcmp(x->id.p, y->id.p, n);

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return order ? order : (x->id.len > y->id.len) - (x->id.len < y->id.len);
}

static const struct merge *
merge_of(const struct group *g, uint32_t target)
{
	for (size_t i = 0; i < g->s->merges.n; i++)
		if (g->s->merges.list[i].target == target)
			return &g->s->merges.list[i];
	return NULL;
}

static size_t
touched_list(const struct buf *bytes, struct touched **list)
{
	struct reader r = reader_of(buf_view(bytes));
	size_t n = 0, cap = 0;

	*list = NULL;
	while (r.p < r.end) {
		if (n == cap) {
			cap = cap ? cap * 2 : 64;
			*list = xrealloc(*list, cap * sizeof(**list));
		}
		(*list)[n].target = reader_u32(&r);
		(*list)[n].id = reader_bytes(&r, STORE_ID_MAX);
		n++;
	}
	if (n)
		qsort(*list, n, sizeof(**list), by_target_and_id);
	return n;
}

int
merges_settle(struct group *g)
{
	struct touched *list;
	size_t n;
	int rc = 0;

	if (!g->touched.len)
		return 0;
	n = touched_list(&g->touched, &list);
	for (size_t i = 0; i < n && !rc; i++) {
		const struct merge *m = merge_of(g, list[i].target);
		if (m && (i == 0 || by_target_and_id(&list[i - 1], &list[i]) != 0))
			rc = merge_settle_one(g, m, list[i].id);
	}
	free(list);
	buf_clear(&g->touched);
	return rc;
}

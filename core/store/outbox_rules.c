/* outbox_rules.c - which endpoints there are, and what each of them wants.
 *
 * The rules stand in the store, sealed, so that whoever writes puts the events, told of the endpoints or not; the writer
 * keeps a table of them. Awkward: a transaction that is given up may have changed the table, so it is read again at the
 * next one. An endpoint whose section is gone keeps its queue, under the name that it had: should the section come back,
 * it goes on. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "store/outbox.h"
#include "store/read.h"

#define BATCH 100
#define MAX_PENDING 100000
#define TEXT_MAX 4096
#define OF_MAX 4096

/* ---- to bytes and back ---- */

static void
rule_put(const struct outbox_rule *rule, struct buf *out)
{
	uint32_t n = 0;

	while (rule->of && rule->of[n])
		n++;
	buf_bytes(out, slice_str(rule->name));
	buf_u32(out, rule->wants);
	buf_u8(out, rule->pointer);
	buf_u64(out, rule->batch ? rule->batch : BATCH);
	buf_u64(out, rule->max_pending ? rule->max_pending : MAX_PENDING);
	buf_u32(out, n);
	for (uint32_t i = 0; i < n; i++)
		buf_bytes(out, slice_str(rule->of[i]));
}

bool
outbox_rule_get(struct slice bytes, struct endpoint *e)
{
	struct reader r = reader_of(bytes);
	uint32_t n;

	*e = (struct endpoint){.name = slice_dup(reader_bytes(&r, TEXT_MAX))};
	e->wants = reader_u32(&r);
	e->pointer = reader_u8(&r) != 0;
	e->batch = reader_u64(&r);
	e->max_pending = reader_u64(&r);
	n = reader_u32(&r);
	if (r.bad || n > OF_MAX)
		return false;
	e->of = xcalloc(n + 1, sizeof(*e->of));
	for (uint32_t i = 0; i < n; i++)
		e->of[i] = slice_dup(reader_bytes(&r, TEXT_MAX));
	return reader_end(&r);
}

void
endpoint_finish(struct endpoint *e)
{
	for (char **p = e->of; p && *p; p++)
		free(*p);
	free(e->of);
	free(e->name);
	*e = (struct endpoint){0};
}

void
outbox_free(struct outbox *o)
{
	for (size_t i = 0; i < o->n; i++)
		endpoint_finish(&o->list[i]);
	free(o->list);
	o->list = NULL;
	o->n = 0;
	o->loaded = false;
}

/* ---- who wants what ---- */

const struct endpoint *
outbox_endpoint(const struct outbox *o, uint32_t number)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->list[i].number == number)
			return &o->list[i];
	return NULL;
}

/* Takes one part off the pattern: does it mean this name? NULL: any does. */
static bool
part_meets(const char **pattern, const char *name)
{
	size_t n = strcspn(*pattern, ":");
	bool meets = n == 0 || (n == 1 && **pattern == '*') || !name || (strlen(name) == n && memcmp(*pattern, name, n) == 0);

	*pattern += n + ((*pattern)[n] == ':');
	return meets;
}

static bool
pattern_meets(const char *pattern, const char *connection, const char *integration, const char *const *models)
{
	const char *rest;

	if (!part_meets(&pattern, connection) || !part_meets(&pattern, integration))
		return false;
	if (!models)
		return true;
	for (; *models; models++)
		if ((rest = pattern, part_meets(&rest, *models)))
			return true;
	return false;
}

bool
outbox_wants(const struct endpoint *e, const char *connection, const char *integration, const char *const *models)
{
	for (char **p = e->of; *p; p++)
		if (pattern_meets(*p, connection, integration, models))
			return true;
	return !e->of[0];
}

/* ---- the writer's table ---- */

static int
rule_load(struct group *g, MDB_val k, MDB_val v)
{
	struct outbox *o = &g->s->outbox;
	struct endpoint e = {0};
	struct slice bytes;

	if (k.mv_size != 5 ||
	    !seal_get(&g->s->seal, (struct seal_place){SEAL_OUTBOX, slice_val(k)}, slice_val(v), &g->scratch, &bytes) ||
	    !outbox_rule_get(bytes, &e)) {
		endpoint_finish(&e);
		return group_refuse(g, ERR_HOST, "store %s is damaged: what an endpoint wants does not open", g->s->dir);
	}
	e.number = get_be32((const char *)k.mv_data + 1);
	o->list = xrealloc(o->list, (o->n + 1) * sizeof(*o->list));
	o->list[o->n++] = e;
	return 0;
}

int
outbox_load(struct group *g)
{
	struct outbox *o = &g->s->outbox;
	uint8_t first = OUTBOX_RULE;
	MDB_val k = val_of(&first, 1), v;
	MDB_cursor *cur;
	int rc;

	if (o->loaded)
		return 0;
	outbox_free(o);
	rc = mdb_cursor_open(g->txn, g->db[DB_OUTBOX], &cur);
	if (rc)
		return rc;
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc && *(const uint8_t *)k.mv_data == OUTBOX_RULE;
	     rc = rc ? rc : mdb_cursor_get(cur, &k, &v, MDB_NEXT))
		rc = rule_load(g, k, v);
	mdb_cursor_close(cur);
	o->loaded = !rc || rc == MDB_NOTFOUND;
	return o->loaded ? 0 : rc;
}

/* ---- the operation: these there are from now on ---- */

/* The number under which that name stands; 0: none. */
static int
endpoint_find(struct group *g, const char *name, uint32_t *number)
{
	uint8_t first = OUTBOX_ENTRY;
	MDB_val k = val_of(&first, 1), v;
	struct queue_entry e;
	struct slice own;
	MDB_cursor *cur;
	int rc = mdb_cursor_open(g->txn, g->db[DB_OUTBOX], &cur);

	*number = 0;
	if (rc)
		return rc;
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc && *(const uint8_t *)k.mv_data == OUTBOX_ENTRY && !*number;
	     rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT))
		if (outbox_entry_get(slice_val(v), &e, &own) && strcmp(own.p, name) == 0)
			*number = get_be32((const char *)k.mv_data + 1);
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
endpoint_make(struct group *g, const char *name, uint32_t *number)
{
	static const uint8_t last = OUTBOX_LAST;
	struct slice last_key = slice_of(&last, 1);
	struct buf value = {0};
	uint8_t key[5];
	MDB_val v;
	int rc = group_get(g, DB_OUTBOX, last_key, &v);

	*number = 1;
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	if (!rc && v.mv_size == 4)
		*number = get_be32(v.mv_data) + 1;
	buf_be32(&value, *number);
	rc = group_put(g, DB_OUTBOX, last_key, buf_view(&value));
	buf_clear(&value);
	buf_u64(&value, 1); /* its first event's number */
	memset(buf_grow(&value, QUEUE_ENTRY_SIZE - 8), 0, QUEUE_ENTRY_SIZE - 8);
	buf_put(&value, name, strlen(name) + 1);
	outbox_entry_key(key, OUTBOX_ENTRY, *number);
	if (!rc)
		rc = group_put(g, DB_OUTBOX, slice_of(key, sizeof(key)), buf_view(&value));
	buf_free(&value);
	return rc;
}

static int
rule_set(struct group *g, struct slice bytes)
{
	struct endpoint e;
	uint32_t number = 0;
	uint8_t key[5];
	int rc = 0;

	if (!outbox_rule_get(bytes, &e))
		die("store: a rule of the outbox that does not read back");
	rc = endpoint_find(g, e.name, &number);
	if (!rc && !number)
		rc = endpoint_make(g, e.name, &number);
	outbox_entry_key(key, OUTBOX_RULE, number);
	if (!rc)
		rc = group_put_sealed(g, DB_OUTBOX, SEAL_OUTBOX, slice_of(key, sizeof(key)), bytes);
	endpoint_finish(&e);
	return rc;
}

/* Endpoints that are no longer named: an empty queue goes with its rule. */
static int
rules_drop(struct group *g)
{
	struct outbox *o = &g->s->outbox;
	struct queue *q;
	uint8_t key[5];
	int rc = 0;

	for (size_t i = 0; i < o->n && !rc; i++) {
		outbox_entry_key(key, OUTBOX_RULE, o->list[i].number);
		rc = group_del(g, DB_OUTBOX, slice_of(key, sizeof(key)));
		if (!rc)
			rc = outbox_queue(g, o->list[i].number, &q);
		if (!rc)
			q->dirty = true;
	}
	return rc;
}

int
apply_outbox_rules(struct group *g, struct commit *c, struct reader *r)
{
	uint32_t n = reader_u32(r);
	int rc = g->outbox ? outbox_flush(g) : 0;

	(void)c;
	if (!rc)
		rc = rules_drop(g);
	for (uint32_t i = 0; i < n && !rc; i++)
		rc = rule_set(g, reader_bytes(r, UINT32_MAX));
	if (rc)
		return rc;
	for (size_t i = 0; i < g->n_ds; i++)
		outbox_heard_free(g->ds[i]); /* nothing is in the making: this commit has no records */
	g->s->outbox.loaded = false;
	rc = outbox_load(g);
	for (size_t i = 0; i < g->n_ds && !rc; i++)
		rc = outbox_listen(g, g->ds[i]);
	return rc ? rc : g->outbox ? outbox_flush(g) : 0;
}

void
commit_outbox_rules(struct commit *c, size_t n, struct slice rules)
{
	buf_u8(&c->ops, OP_OUTBOX_RULES);
	buf_u32(&c->ops, (uint32_t)n);
	buf_slice(&c->ops, rules);
}

/* ---- for the loop ---- */

/* Are just these the rules in the file? */
static bool
rules_same(struct store *s, const struct outbox_rule *list, size_t n, struct err *err)
{
	uint8_t first = OUTBOX_RULE;
	MDB_val k = val_of(&first, 1), v;
	struct buf own = {0};
	struct snapshot p;
	struct slice plain;
	MDB_cursor *cur;
	size_t there = 0, met = 0;
	int rc;

	if (walk_begin(&p, s, DB_OUTBOX, &cur, "cannot read the endpoints", err) != 0)
		return false;
	for (rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE); !rc && *(const uint8_t *)k.mv_data == OUTBOX_RULE;
	     rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT), there++) {
		if (!seal_get(&s->seal, (struct seal_place){SEAL_OUTBOX, slice_val(k)}, slice_val(v), &p.scratch, &plain))
			continue;
		for (size_t i = 0; i < n; i++) {
			buf_clear(&own);
			rule_put(&list[i], &own);
			met += slice_eq(buf_view(&own), plain);
		}
	}
	walk_end(&p, cur);
	buf_free(&own);
	return there == n && met == n;
}

int
store_outbox_rules(struct store *s, const struct outbox_rule *list, size_t n, struct err *err)
{
	struct err unread = {0};
	struct buf rules = {0}, one = {0};
	struct commit *c;
	unsigned wants = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		wants |= list[i].wants;
	if (!rules_same(s, list, n, &unread)) {
		for (size_t i = 0; i < n; i++) {
			buf_clear(&one);
			rule_put(&list[i], &one);
			buf_bytes(&rules, buf_view(&one));
		}
		c = commit_new(s, (struct fence){0});
		commit_outbox_rules(c, n, buf_view(&rules));
		rc = store_commit_wait(s, c, NULL, err);
		buf_free(&rules);
		buf_free(&one);
	}
	if (!rc)
		atomic_store(&s->outbox.wants, wants);
	return rc;
}

bool
store_outbox_wanted(struct store *s, unsigned wants)
{
	return (atomic_load(&s->outbox.wants) & wants) != 0;
}

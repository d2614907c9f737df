/* outbox_event.c - events of the caller's: what a run's end, an alert or an action has to say.
 *
 * They stand in the commit that makes them true. What only the writer knows by then (how many records this very commit
 * has published or swept away) it puts into the body itself, so that no second commit is needed that a crash could lose.
 *
 * Counts "since" are differences of two tallies that the store keeps: all changes of the dataset ever, and the same as of
 * the last event of that scope. So changes of a run that was killed, or failed, are told by the next that succeeds.
 * Awkward: they are only kept while some endpoint wants the dataset. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "store/commit.h"
#include "store/merge.h"
#include "store/outbox.h"

#define TEXT_MAX 1024
#define LIST_MAX 4096

/* ---- putting it into a commit ---- */

static void
put_count(struct buf *b, const struct event_count *n)
{
	buf_u64(b, n->at);
	buf_u32(b, n->dataset);
	buf_u8(b, (uint8_t)n->what);
	buf_u64(b, n->base);
	buf_u8(b, n->since);
}

void
commit_event(struct commit *c, const struct event *e)
{
	struct buf *b = &c->ops;
	uint32_t n = 0;

	while (e->models && e->models[n])
		n++;
	buf_u8(b, OP_EVENT);
	buf_u32(b, e->endpoint);
	buf_u32(b, e->wants);
	buf_u32(b, e->scope);
	buf_u8(b, e->unless_zero);
	buf_bytes(b, slice_str(e->type));
	buf_bytes(b, slice_str(e->connection));
	buf_bytes(b, slice_str(e->integration));
	buf_u8(b, e->models != NULL);
	buf_u32(b, n);
	for (uint32_t i = 0; i < n; i++)
		buf_bytes(b, slice_str(e->models[i]));
	buf_u32(b, (uint32_t)e->n_counts);
	for (size_t i = 0; i < e->n_counts; i++)
		put_count(b, &e->counts[i]);
	buf_bytes(b, e->body);
}

/* ---- and taking it out again ---- */

struct taken {
	struct event e;
	char *type, *connection, *integration, **models;
	struct event_count *counts;
};

static void
taken_free(struct taken *t)
{
	for (char **m = t->models; m && *m; m++)
		free(*m);
	free(t->models);
	free(t->type);
	free(t->connection);
	free(t->integration);
	free(t->counts);
}

static char *
text_of(struct reader *r)
{
	struct slice s = reader_bytes(r, TEXT_MAX);

	return s.len ? slice_dup(s) : NULL;
}

static void
event_take(struct reader *r, struct taken *t)
{
	struct event *e = &t->e;
	uint32_t n;
	bool some;

	e->endpoint = reader_u32(r);
	e->wants = reader_u32(r);
	e->scope = reader_u32(r);
	e->unless_zero = reader_u8(r) != 0;
	e->type = t->type = slice_dup(reader_bytes(r, OUTBOX_TYPE_MAX));
	e->connection = t->connection = text_of(r);
	e->integration = t->integration = text_of(r);
	some = reader_u8(r) != 0;
	n = reader_u32(r);
	if (n > LIST_MAX)
		die("store: an event of %u models", n);
	t->models = xcalloc(n + 1, sizeof(*t->models));
	for (uint32_t i = 0; i < n; i++)
		t->models[i] = slice_dup(reader_bytes(r, TEXT_MAX));
	e->models = some ? (const char *const *)t->models : NULL;
	e->n_counts = reader_u32(r);
	if (e->n_counts > LIST_MAX)
		die("store: an event of %zu counts", e->n_counts);
	e->counts = t->counts = xcalloc(e->n_counts + 1, sizeof(*t->counts));
	for (size_t i = 0; i < e->n_counts; i++) {
		struct event_count *k = &t->counts[i];
		k->at = reader_u64(r);
		k->dataset = reader_u32(r);
		k->what = (enum event_counted)reader_u8(r);
		k->base = reader_u64(r);
		k->since = reader_u8(r) != 0;
	}
	e->body = reader_bytes(r, UINT32_MAX);
}

static bool
is_wanted(const struct event *e, const struct endpoint *by)
{
	return (!e->endpoint || e->endpoint == by->number) && by->wants & e->wants &&
	       outbox_wants(by, e->connection, e->integration, e->models);
}

/* ---- counts ---- */

static uint64_t
counted(const struct commit_counts *n, enum event_counted what)
{
	const uint64_t of[] = {[EVENT_ADDED] = n->added,
	                       [EVENT_UPDATED] = n->updated,
	                       [EVENT_DELETED] = n->deleted,
	                       [EVENT_UNCHANGED] = n->unchanged,
	                       [EVENT_HELD] = n->held};

	return what < LENGTH(of) ? of[what] : 0;
}

static void
mark_key(uint32_t scope, uint32_t dataset, uint8_t out[9])
{
	outbox_entry_key(out, OUTBOX_MARK, scope);
	put_be32(out + 5, dataset);
}

static int
count_since(struct group *g, uint32_t scope, const struct event_count *k, uint64_t *n)
{
	uint64_t before[3] = {0};
	struct tally t;
	uint8_t key[9];
	MDB_val v;
	int rc = outbox_tally(g, k->dataset, &t);

	if (rc)
		return rc;
	mark_key(scope, k->dataset, key);
	rc = group_get(g, DB_OUTBOX, slice_of(key, sizeof(key)), &v);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	if (!rc && v.mv_size == sizeof(before))
		memcpy(before, v.mv_data, sizeof(before));
	*n = k->what == EVENT_ADDED     ? t.added - before[0]
	     : k->what == EVENT_UPDATED ? t.updated - before[1]
	                                : t.deleted - before[2];
	return 0;
}

static int
mark_put(struct group *g, uint32_t scope, uint32_t dataset)
{
	struct tally t;
	uint8_t key[9];
	int rc = outbox_tally(g, dataset, &t);
	const uint64_t now[3] = {t.added, t.updated, t.deleted};

	mark_key(scope, dataset, key);
	return rc ? rc : group_put(g, DB_OUTBOX, slice_of(key, sizeof(key)), slice_of(now, sizeof(now)));
}

static int
count_make(struct group *g, const struct commit *c, uint32_t scope, const struct event_count *k, uint64_t *n)
{
	int rc = 0;

	*n = 0;
	if (k->since)
		rc = count_since(g, scope, k, n);
	for (size_t i = 0; i < c->n_counts && !k->since; i++)
		if (!k->dataset || c->counts[i].dataset == k->dataset)
			*n += counted(&c->counts[i], k->what);
	*n += k->base;
	return rc;
}

/* The body with its counts. any: one of them is not 0. */
static int
body_make(struct group *g, const struct commit *c, const struct event *e, struct buf *out, bool *any)
{
	size_t at = 0;

	for (size_t i = 0; i < e->n_counts; i++) {
		uint64_t n;
		int rc = count_make(g, c, e->scope, &e->counts[i], &n);
		if (rc)
			return rc;
		if (e->counts[i].at < at || e->counts[i].at > e->body.len)
			die("store: the counts of an event stand outside of it");
		buf_put(out, e->body.p + at, e->counts[i].at - at);
		buf_printf(out, "%llu", (unsigned long long)n);
		at = e->counts[i].at;
		*any |= n != 0;
	}
	buf_put(out, e->body.p + at, e->body.len - at);
	return 0;
}

/* ---- the operation ---- */

static int
event_put(struct group *g, const struct commit *c, const struct event *e)
{
	const struct outbox *o = &g->s->outbox;
	struct buf body = {0};
	bool any = false;
	int rc = merges_settle(g); /* what led to it goes before it */

	if (!rc)
		rc = outbox_send(g);
	if (!rc)
		rc = body_make(g, c, e, &body, &any);
	for (size_t i = 0; i < o->n && !rc && (any || !e->unless_zero); i++)
		if (is_wanted(e, &o->list[i]))
			rc = outbox_put(g, &o->list[i], e->type, buf_view(&body), NULL);
	for (size_t i = 0; i < e->n_counts && !rc; i++)
		if (e->counts[i].since)
			rc = mark_put(g, e->scope, e->counts[i].dataset);
	buf_wipe(&body);
	return rc;
}

int
apply_event(struct group *g, struct commit *c, struct reader *r)
{
	const struct outbox *o = &g->s->outbox;
	struct taken t = {0};
	bool wanted = false;
	int rc = 0;

	event_take(r, &t);
	for (size_t i = 0; i < o->n; i++)
		wanted |= is_wanted(&t.e, &o->list[i]);
	if (wanted && !r->bad)
		rc = event_put(g, c, &t.e);
	taken_free(&t);
	return rc;
}

/* store_model.c - random histories against a model in memory: every count of every commit, every record, and three
 * readers of the feed who replay it: one that keeps up, one that pages slowly, one that begins late. Each history has a
 * dataset of its own. SLUICE_SEED replays, SLUICE_HISTORIES lengthens. */
#include <time.h>
#include "store_kit.h"

#define IDS 10
#define READERS 3

struct row {
	bool known, live, seen, suspect;
	int a, b;      /* content: {"a":a,"b":b} */
	unsigned gaps; /* deletes and undeletes */
};

struct consumer {
	uint64_t cursor;
	bool has[IDS];
	int a[IDS], b[IDS];
	bool strict; /* keeps up: what it is told must fit what it has */
};

struct expected {
	struct commit_counts n;
	struct world *w;
	struct expected *next;
};

struct world {
	struct kit k;
	unsigned long seed;
	uint32_t dataset;
	struct row row[IDS];
	bool marking;
	struct consumer reader[READERS];
	struct consumer *reading;
	struct expected *first;
	unsigned bad, commits;
};

static unsigned
below(struct world *w, unsigned n)
{
	w->seed = w->seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(w->seed >> 33) % n;
}

static void
wrong(struct world *w, const char *what, int id)
{
	printf("# dataset %u: %s (%d)\n", w->dataset, what, id);
	w->bad++;
}

static void
note_seen(struct world *w, struct row *r, struct commit_counts *n)
{
	n->fresh += !w->marking || !r->seen;
	r->seen |= w->marking;
	r->suspect = false;
}

static void
op_save(struct world *w, struct commit *c, struct commit_counts *n)
{
	int id = (int)below(w, IDS), a = (int)below(w, 3), b = (int)below(w, 3);
	struct row *r = &w->row[id];
	char name[16], text[64];

	snprintf(name, sizeof(name), "%d", id);
	snprintf(text, sizeof(text), below(w, 2) ? "{\"a\":%d,\"b\":%d}" : "{ \"b\":%2$d, \"a\":%1$d}", a, b);
	kit_put(&w->k, c, w->dataset, name, text);
	n->saved++;
	n->added += !r->live;
	n->updated += r->live && (r->a != a || r->b != b);
	n->unchanged += r->live && r->a == a && r->b == b;
	note_seen(w, r, n);
	*r = (struct row){true, true, r->seen, false, a, b, r->gaps};
}

static void
op_update(struct world *w, struct commit *c, struct commit_counts *n)
{
	int id = (int)below(w, IDS), b = (int)below(w, 3);
	struct row *r = &w->row[id];
	char name[16], text[64];

	snprintf(name, sizeof(name), "%d", id);
	snprintf(text, sizeof(text), "{\"b\":%d}", b);
	commit_update(c, w->dataset, slice_str(name), slice_str(text));
	n->missing += !r->live;
	if (!r->live)
		return;
	n->updated += r->b != b;
	n->unchanged += r->b == b;
	r->b = b;
	note_seen(w, r, n);
}

static void
row_delete(struct row *r)
{
	r->live = false;
	r->suspect = false;
	r->gaps++;
}

static void
op_delete(struct world *w, struct commit *c, struct commit_counts *n)
{
	int id = (int)below(w, IDS);
	char name[16];

	snprintf(name, sizeof(name), "%d", id);
	commit_delete(c, w->dataset, slice_str(name));
	n->missing += !w->row[id].live;
	n->deleted += w->row[id].live;
	if (w->row[id].live)
		row_delete(&w->row[id]);
}

static void
op_begin(struct world *w, struct commit *c, struct commit_counts *n)
{
	(void)n;
	commit_seen_begin(c, w->dataset);
	w->marking = true;
	for (int i = 0; i < IDS; i++)
		w->row[i].seen = false;
}

static void
op_sweep(struct world *w, struct commit *c, struct commit_counts *n)
{
	struct sweep how = {w->dataset, below(w, 10) / 10.0, below(w, 4), below(w, 2), below(w, 4) == 0, 0};
	unsigned live = 0, absent = 0, going = 0;

	commit_sweep(c, &how);
	if (!w->marking)
		return;
	for (int i = 0; i < IDS; i++) {
		struct row *r = &w->row[i];
		live += r->live;
		absent += r->live && !r->seen;
		going += r->live && !r->seen && (!how.twice || r->suspect);
	}
	n->absent += absent;
	if (!how.force && going &&
	    (going == live || (live >= 10 && going * 2 > live) || (going > how.share * live && going > how.least))) {
		n->held += going;
		return;
	}
	n->deleted += going;
	for (int i = 0; i < IDS; i++) {
		struct row *r = &w->row[i];
		if (!r->live || r->seen)
			continue;
		if (how.twice && !r->suspect)
			r->suspect = true;
		else
			row_delete(r);
	}
	w->marking = false;
}

static void (*const op_table[])(struct world *, struct commit *, struct commit_counts *) = {
	op_save, op_save, op_save, op_save, op_save, op_update, op_delete, op_delete, op_begin, op_sweep,
};

static void
compare_counts(void *arg, const struct commit_result *r)
{
	struct expected *e = arg;
	struct commit_counts none = {.dataset = e->w->dataset}, got = r->n_counts ? r->counts[0] : none;

	e->n.dataset = got.dataset;
	if (r->err.cls || memcmp(&got, &e->n, sizeof(got)) != 0)
		wrong(e->w, r->err.cls ? r->err.text : "a commit counts other than the model", 0);
	free(e);
}

static bool
replay(void *arg, const struct record *rec)
{
	struct world *w = arg;
	struct consumer *r = w->reading;
	int id = rec->id.p[0] - '0', a = 0, b = 0;
	struct slice v;
	int64_t n;

	if (rec->sequence <= r->cursor)
		wrong(w, "the feed goes back", id);
	r->cursor = rec->sequence;
	if (json_member(rec->json, "a", &v) && json_int(v, &n))
		a = (int)n;
	if (json_member(rec->json, "b", &v) && json_int(v, &n))
		b = (int)n;
	if (r->strict && w->row[id].gaps < 2 && rec->action == (r->has[id] ? CHANGE_ADDED : CHANGE_UPDATED))
		wrong(w, "a reader that keeps up is told added for updated or the reverse", id);
	r->has[id] = rec->action != CHANGE_DELETED;
	r->a[id] = a;
	r->b[id] = b;
	return true;
}

static void
read_feed(struct world *w, struct consumer *r, size_t limit, bool to_the_end)
{
	bool more = true;
	struct feed_query q = {.dataset = w->dataset, .limit = limit};

	for (int page = 0; more && (to_the_end || page < 1); page++) {
		uint64_t next = r->cursor;
		q.after = r->cursor;
		w->reading = r;
		if (store_feed(w->k.s, &q, replay, w, &next, &more, &w->k.err) < 0) {
			wrong(w, w->k.err.text, 0);
			return;
		}
		r->cursor = next;
	}
}

static void
check_end(struct world *w)
{
	struct dataset_info info = kit_info(&w->k, w->dataset);
	unsigned live = 0, gone = 0;

	for (int i = 0; i < IDS; i++) {
		struct row *r = &w->row[i];
		char name[16];
		snprintf(name, sizeof(name), "%d", i);
		struct kit_record got = kit_record(&w->k, w->dataset, name);
		live += r->live;
		gone += r->known && !r->live;
		if (got.found != r->known || (got.found && !got.deleted_us != r->live))
			wrong(w, "a record is not what the model says", i);
		for (int n = 0; n < READERS; n++)
			if (w->reader[n].has[i] != r->live ||
			    (r->live && (w->reader[n].a[i] != r->a || w->reader[n].b[i] != r->b)))
				wrong(w,
				      n == 0   ? "the reader that keeps up"
				      : n == 1 ? "the reader that pages slowly"
				               : "the late reader",
				      i);
	}
	if (info.live != live || info.gone != gone)
		wrong(w, "the dataset's counts are not the model's", (int)info.live);
}

static void
one_commit(struct world *w)
{
	struct commit *c = kit_commit(&w->k);
	struct expected *e = XNEW(struct expected);
	unsigned ops = 1 + below(w, 12);

	e->w = w;
	while (ops--)
		op_table[below(w, LENGTH(op_table))](w, c, &e->n);
	w->commits++;
	w->k.now_us += (int)below(w, 5) - 1;
	store_commit(w->k.s, c, false, compare_counts, e);
}

static void
history(struct world *w, unsigned n)
{
	char model[32];
	unsigned commits = 2 + below(w, 10);

	memset(w->row, 0, sizeof(w->row));
	memset(w->reader, 0, sizeof(w->reader));
	w->reader[0].strict = true;
	w->marking = false;
	snprintf(model, sizeof(model), "M%u", n);
	w->dataset = kit_dataset(&w->k, model);
	while (commits--) {
		one_commit(w);
		if (below(w, 3)) /* else the next one joins its group */
			continue;
		store_drain(w->k.s);
		read_feed(w, &w->reader[0], 10000, true);
		if (below(w, 2))
			read_feed(w, &w->reader[1], 1 + below(w, 4), false);
		if (commits < 3)
			read_feed(w, &w->reader[2], 1 + below(w, 4), false);
	}
	store_drain(w->k.s);
	for (int i = 0; i < READERS; i++)
		read_feed(w, &w->reader[i], i ? 1 + below(w, 3) : 10000, true);
	check_end(w);
}

TEST("random histories end as the model says, for every reader")
{
	struct world w = {0};
	const char *seed = getenv("SLUICE_SEED"), *wanted = getenv("SLUICE_HISTORIES");
	unsigned n = wanted ? (unsigned)strtoul(wanted, NULL, 10) : getenv("VALGRIND") ? 300 : 3000;

	kit_init(&w.k);
	w.seed = seed ? strtoul(seed, NULL, 10) : 20261123;
	printf("# seed %lu\n", w.seed);
	w.k.o.commit_delay_ms = 1;
	REQUIRE(kit_open(&w.k));
	for (unsigned i = 0; i < n && w.bad < 10; i++) {
		history(&w, i);
		if (i % 500 == 499)
			REQUIRE(kit_reopen(&w.k));
	}
	CHECK(kit_verify(&w.k));
	printf("# %u histories, %u commits\n", n, w.commits);
	CHECK_INT(w.bad, 0);
	kit_finish(&w.k);
}

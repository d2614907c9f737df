/* store_merge.c - merged datasets against a model of them: the same random changes go into the store and into plain
 * arrays, and after each commit the merged records, and the feed replayed, must be what the arrays say. */
#include <lmdb.h>
#include "store_kit.h"
#include "base/json.h"

#define SOURCES 3
#define IDS 12
#define KEYS 6

static const struct dataset_name names[SOURCES] = {{"acme", "close", "Contact", NULL},
                                                   {"acme", "stripe", "Customer", NULL},
                                                   {"bee", "crm", "Lead", NULL}};
static const char *const labels[SOURCES] = {"acme:close:Contact", "acme:stripe:Customer", "bee:crm:Lead"};

struct model {
	struct {
		bool live;
		int key; /* -1: none */
		int name, phone; /* 0: null */
		unsigned changed; /* order of changes within its source */
	} r[SOURCES][IDS];
	unsigned clock;
};

struct world {
	struct kit k;
	uint32_t dataset[SOURCES], target;
	struct model m;
	unsigned seed;
};

static unsigned
dice(struct world *w, unsigned n)
{
	w->seed = w->seed * 1103515245u + 12345u;
	return (w->seed >> 16) % n;
}

static void
define(struct world *w, const char *key, const char *const *fields, size_t n)
{
	const char *const keys[] = {key, NULL};
	const struct store_merge merge = {"people", names, n, keys, fields};
	struct err err;

	CHECK(store_merges(w->k.s, &merge, 1, &err) == 0);
}

static void
build(struct world *w)
{
	for (int i = 0; i < 1000 && store_merge_unbuilt(w->k.s); i++) {
		store_merge_build(w->k.s, store_merge_unbuilt(w->k.s), NULL, NULL);
		store_drain(w->k.s);
	}
	CHECK(store_merge_unbuilt(w->k.s) == 0);
}

static void
world_init(struct world *w)
{
	struct err err;

	*w = (struct world){.seed = 7};
	kit_init(&w->k);
	CHECK(kit_open(&w->k));
	for (int i = 0; i < SOURCES; i++)
		w->dataset[i] = store_dataset(w->k.s, &names[i], &err);
	w->target = store_dataset(w->k.s, &(struct dataset_name){"merge", "merge", "people", NULL}, &err);
}

static void
world_finish(struct world *w)
{
	struct err err = {0};

	CHECK_STR(store_verify(w->k.s, NULL, NULL, &err) == 0 ? "" : err.text, "");
	kit_finish(&w->k);
}

static void
save_json(struct world *w, struct commit *c, int source, const char *id, const char *json)
{
	struct json_hash hash;

	CHECK(json_scan(slice_str(json), 0, store_seed(w->k.s), &hash, NULL));
	commit_save(c, w->dataset[source], slice_str(id), slice_str(json), &hash);
}

static void
commit_now(struct world *w, struct commit *c)
{
	struct err err = {0};

	CHECK_STR(store_commit_wait(w->k.s, c, NULL, &err) == 0 ? "" : err.text, "");
}

static void
change_one(struct world *w, struct commit *c)
{
	int s = (int)dice(w, SOURCES), i = (int)dice(w, IDS);
	char id[8], json[160], key[24] = "null", name[16] = "null", phone[16] = "null";

	snprintf(id, sizeof(id), "%d", i);
	if (dice(w, 4) == 0) {
		commit_delete(c, w->dataset[s], slice_str(id));
		w->m.r[s][i].live = false;
		return;
	}
	w->m.r[s][i].key = (int)dice(w, KEYS + 1) - 1;
	w->m.r[s][i].name = (int)dice(w, 4);
	w->m.r[s][i].phone = (int)dice(w, 4);
	w->m.r[s][i].live = true;
	w->m.r[s][i].changed = ++w->m.clock;
	if (w->m.r[s][i].key >= 0)
		snprintf(key, sizeof(key), "\"k%d\"", w->m.r[s][i].key);
	if (w->m.r[s][i].name)
		snprintf(name, sizeof(name), "\"n%d\"", w->m.r[s][i].name);
	if (w->m.r[s][i].phone)
		snprintf(phone, sizeof(phone), "%d", w->m.r[s][i].phone);
	/* every record is another one, so that each change has an order of its own in the store too */
	snprintf(json, sizeof(json), "{\"id\":\"%d\",\"n\":%u,\"email\":%s,\"name\":%s,\"phone\":%s}", i, w->m.clock, key, name,
	         phone);
	save_json(w, c, s, id, json);
}

/* What the model says that merged records of `name` and `phone` are: a line each. */
static void
expected(const struct world *w, size_t sources, struct buf *out)
{
	for (int key = 0; key < KEYS; key++) {
		int name = 0, phone = 0, from[SOURCES] = {-1, -1, -1};
		bool any = false, gave[SOURCES] = {0};
		for (size_t s = 0; s < sources; s++)
			for (int i = 0; i < IDS; i++)
				if (w->m.r[s][i].live && w->m.r[s][i].key == key &&
				    (from[s] < 0 || w->m.r[s][i].changed > w->m.r[s][from[s]].changed))
					from[s] = i;
		for (size_t s = 0; s < sources; s++) {
			if (from[s] < 0)
				continue;
			any = true;
			if (!name && w->m.r[s][from[s]].name) {
				name = w->m.r[s][from[s]].name;
				gave[s] = true;
			}
			if (!phone && w->m.r[s][from[s]].phone) {
				phone = w->m.r[s][from[s]].phone;
				gave[s] = true;
			}
		}
		if (!any)
			continue;
		buf_printf(out, "k%d n%d p%d", key, name, phone);
		for (size_t s = 0; s < sources; s++)
			if (gave[s])
				buf_printf(out, " %s", labels[s]);
		buf_putc(out, '\n');
	}
	for (size_t s = 0; s < sources; s++)
		for (int i = 0; i < IDS; i++)
			if (w->m.r[s][i].live && w->m.r[s][i].key < 0)
				buf_printf(out, "~%s:%d n%d p%d%s%s\n", labels[s], i, w->m.r[s][i].name, w->m.r[s][i].phone,
				           w->m.r[s][i].name || w->m.r[s][i].phone ? " " : "",
				           w->m.r[s][i].name || w->m.r[s][i].phone ? labels[s] : "");
}

struct lines {
	char *line[SOURCES * IDS + KEYS];
	size_t n;
};

static void
line_write(const struct record *r, struct buf *b)
{
	struct slice v;
	struct json_iter it;

	buf_slice(b, r->id);
	buf_printf(b, " n%s", json_member(r->json, "name", &v) ? (char[]){v.p[2], 0} : "0");
	buf_printf(b, " p%s", json_member(r->json, "phone", &v) ? (char[]){v.p[0], 0} : "0");
	json_member(r->json, "_sources", &v);
	for (it = json_iter(v); json_next(&it);)
		buf_printf(b, " %.*s", (int)it.value.len - 2, it.value.p + 1);
	buf_putc(b, '\n');
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
line_take(void *arg, const struct record *r)
{
	struct lines *l = arg;
	struct buf b = {0};

	line_write(r, &b);
	if (l->n < LENGTH(l->line))
		l->line[l->n++] = buf_take(&b);
	return true;
}

static void
sorted(struct lines *l, struct buf *out)
{
	qsort(l->line, l->n, sizeof(*l->line), by_text);
	for (size_t i = 0; i < l->n; i++) {
		buf_puts(out, l->line[i]);
		free(l->line[i]);
	}
	l->n = 0;
}

static void
sorted_text(struct buf *text)
{
	struct lines l = {0};
	char *p = text->p, *end = p + text->len;

	while (p < end) {
		char *nl = memchr(p, '\n', (size_t)(end - p));
		l.line[l.n++] = slice_dup(slice_of(p, (size_t)(nl + 1 - p)));
		p = nl + 1;
	}
	buf_clear(text);
	sorted(&l, text);
}

static bool
same_as_model(struct world *w, size_t sources)
{
	struct feed_query q = {.dataset = w->target, .limit = 1000, .live_only = true};
	struct buf want = {0}, got = {0};
	struct lines l = {0};
	struct err err;
	uint64_t next;
	bool more, same;

	store_feed(w->k.s, &q, line_take, &l, &next, &more, &err);
	sorted(&l, &got);
	expected(w, sources, &want);
	if (want.len)
		sorted_text(&want);
	same = slice_eq(buf_view(&got), buf_view(&want));
	if (!same)
		printf("# want:\n%s# got:\n%s", buf_str(&want), buf_str(&got));
	buf_free(&want);
	buf_free(&got);
	return same;
}

static const char *const fields[] = {"name", "phone", NULL};

TEST("whatever changes in the sources, each commit leaves the merged records as a model of them says")
{
	struct world w;

	world_init(&w);
	define(&w, "email", fields, SOURCES);
	build(&w);
	for (int round = 0; round < 400; round++) {
		struct commit *c = commit_new(w.k.s, (struct fence){0});
		for (unsigned n = 1 + dice(&w, 5); n; n--)
			change_one(&w, c);
		commit_now(&w, c);
		if (!same_as_model(&w, SOURCES)) {
			CHECK(false); /* both texts were shown */
			break;
		}
		if (round % 100 == 99)
			CHECK(kit_reopen(&w.k));
	}
	world_finish(&w);
}

/* ---- the feed, as somebody follows it ---- */

struct copy {
	struct lines ids;
	uint64_t changes;
};

static bool
copy_apply(void *arg, const struct record *r)
{
	struct copy *c = arg;
	char *id = slice_dup(r->id);
	size_t i = 0;

	c->changes++;
	while (i < c->ids.n && strcmp(c->ids.line[i], id) != 0)
		i++;
	if (r->action == CHANGE_DELETED && i < c->ids.n) {
		free(c->ids.line[i]);
		c->ids.line[i] = c->ids.line[--c->ids.n];
	} else if (r->action != CHANGE_DELETED && i == c->ids.n) {
		c->ids.line[c->ids.n++] = id;
		return true;
	}
	free(id);
	return true;
}

TEST("who follows the merged feed has what is merged; a record whose fields stay the same makes no entry")
{
	struct world w;
	struct copy copy = {0};
	struct feed_query q = {.limit = 1000};
	struct buf got = {0}, want = {0};
	struct lines live = {0};
	struct commit *c;
	struct err err;
	uint64_t before;
	bool more;

	world_init(&w);
	define(&w, "email", fields, SOURCES);
	build(&w);
	q.dataset = w.target;
	for (int round = 0; round < 60; round++) {
		c = commit_new(w.k.s, (struct fence){0});
		change_one(&w, c);
		change_one(&w, c);
		commit_now(&w, c);
		CHECK(store_feed(w.k.s, &q, copy_apply, &copy, &q.after, &more, &err) == 0);
	}
	before = copy.changes;
	c = commit_new(w.k.s, (struct fence){0});
	save_json(&w, c, 0, "x", "{\"id\":\"x\",\"email\":\"same@example.com\",\"name\":\"a\",\"visits\":1}");
	commit_now(&w, c);
	CHECK(store_feed(w.k.s, &q, copy_apply, &copy, &q.after, &more, &err) == 0);
	CHECK(copy.changes == before + 1);
	c = commit_new(w.k.s, (struct fence){0});
	save_json(&w, c, 0, "x", "{\"id\":\"x\",\"email\":\"same@example.com\",\"name\":\"a\",\"visits\":2}");
	commit_now(&w, c);
	CHECK(store_feed(w.k.s, &q, copy_apply, &copy, &q.after, &more, &err) == 0);
	CHECK(copy.changes == before + 1);
	c = commit_new(w.k.s, (struct fence){0});
	commit_delete(c, w.dataset[0], SLICE("x"));
	commit_now(&w, c);
	CHECK(store_feed(w.k.s, &q, copy_apply, &copy, &q.after, &more, &err) == 0);
	CHECK(copy.changes == before + 2);
	q.after = 0;
	q.live_only = true;
	store_feed(w.k.s, &q, line_take, &live, &q.after, &more, &err);
	for (size_t i = 0; i < live.n; i++)
		live.line[i][strcspn(live.line[i], " \n")] = 0;
	sorted(&live, &got);
	sorted(&copy.ids, &want);
	CHECK_STR(buf_str(&got), buf_str(&want));
	buf_free(&got);
	buf_free(&want);
	world_finish(&w);
}

TEST("a merge over what is there already, and one that is changed, are built in pieces while sources change")
{
	struct world w;
	struct commit *c;

	world_init(&w);
	for (int i = 0; i < 40; i++) {
		c = commit_new(w.k.s, (struct fence){0});
		change_one(&w, c);
		commit_now(&w, c);
	}
	c = commit_new(w.k.s, (struct fence){0});
	for (int i = 0; i < 1200; i++) {
		char id[16], json[80];
		snprintf(id, sizeof(id), "more%d", i);
		snprintf(json, sizeof(json), "{\"id\":\"%s\",\"email\":\"k%d\"}", id, i % KEYS);
		save_json(&w, c, 2, id, json);
	}
	commit_now(&w, c);
	define(&w, "email", fields, SOURCES);
	for (int i = 0; i < 1000 && store_merge_unbuilt(w.k.s); i++) {
		store_merge_build(w.k.s, store_merge_unbuilt(w.k.s), NULL, NULL);
		c = commit_new(w.k.s, (struct fence){0});
		change_one(&w, c);
		commit_now(&w, c);
		if (i == 3)
			CHECK(kit_reopen(&w.k));
	}
	c = commit_new(w.k.s, (struct fence){0});
	for (int i = 0; i < 1200; i++) {
		char id[16];
		snprintf(id, sizeof(id), "more%d", i);
		commit_delete(c, w.dataset[2], slice_str(id));
	}
	commit_now(&w, c);
	CHECK(same_as_model(&w, SOURCES));
	define(&w, "email", fields, 2);
	CHECK(store_merge_unbuilt(w.k.s) == w.target);
	build(&w);
	CHECK(same_as_model(&w, 2));
	define(&w, "email", fields, 2);
	CHECK(store_merge_unbuilt(w.k.s) == 0);
	world_finish(&w);
}

static void
count_live(void *arg, const struct dataset_info *d)
{
	*(uint64_t *)arg = d->live;
}

TEST("a sweep of a source takes its records out of the merged ones; a merge that is no more keeps its dataset")
{
	struct world w;
	struct commit *c;
	struct err err;
	uint64_t live = 0;

	world_init(&w);
	define(&w, "email", NULL, SOURCES);
	build(&w);
	c = commit_new(w.k.s, (struct fence){0});
	save_json(&w, c, 0, "a", "{\"id\":\"a\",\"email\":\"e1\",\"x\":null,\"deep\":{\"y\":1}}");
	save_json(&w, c, 1, "b", "{\"id\":\"b\",\"email\":\"e1\",\"x\":2}");
	save_json(&w, c, 1, "c", "{\"id\":\"c\",\"email\":\"e2\"}");
	commit_now(&w, c);
	store_dataset_info(w.k.s, w.target, count_live, &live);
	CHECK(live == 2);
	c = commit_new(w.k.s, (struct fence){0});
	commit_seen_begin(c, w.dataset[1]);
	save_json(&w, c, 1, "b", "{\"id\":\"b\",\"email\":\"e1\",\"x\":2}");
	commit_sweep(c, &(struct sweep){.dataset = w.dataset[1], .share = 1, .force = true});
	commit_now(&w, c);
	store_dataset_info(w.k.s, w.target, count_live, &live);
	CHECK(live == 1);
	CHECK(store_merges(w.k.s, NULL, 0, &err) == 0);
	c = commit_new(w.k.s, (struct fence){0});
	commit_delete(c, w.dataset[0], SLICE("a"));
	commit_delete(c, w.dataset[1], SLICE("b"));
	commit_now(&w, c);
	store_dataset_info(w.k.s, w.target, count_live, &live);
	CHECK(live == 1);
	world_finish(&w);
}

static void
json_take(void *arg, const struct record *r)
{
	buf_slice(arg, r->json);
}

TEST("all fields: each from the first source that gives it; numbers keep their text; odd keys stand apart")
{
	struct world w;
	struct commit *c;
	struct buf got = {0};

	world_init(&w);
	define(&w, "ref.no", NULL, SOURCES);
	build(&w);
	c = commit_new(w.k.s, (struct fence){0});
	save_json(&w, c, 1, "b", "{\"id\":\"b\",\"ref\":{\"no\":9007199254740993},\"x\":1.0,\"only\":\"b\"}");
	save_json(&w, c, 0, "a", "{\"id\":\"a\",\"ref\":{\"no\":9007199254740993},\"x\":null,\"n\\u0061me\":\"A\"}");
	save_json(&w, c, 0, "t", "{\"id\":\"t\",\"ref\":{\"no\":\"~acme:close:Contact:u\"}}");
	save_json(&w, c, 0, "u", "{\"id\":\"u\",\"ref\":{\"no\":true}}");
	commit_now(&w, c);
	CHECK(store_record(w.k.s, w.target, SLICE("9007199254740993"), json_take, &got));
	CHECK_STR(buf_str(&got), "{\"id\":\"a\",\"ref\":{\"no\":9007199254740993},\"name\":\"A\",\"x\":1.0,\"only\":\"b\","
	                         "\"_sources\":[\"acme:close:Contact\",\"acme:stripe:Customer\"]}");
	buf_clear(&got);
	CHECK(store_record(w.k.s, w.target, SLICE("~~acme:close:Contact:u"), json_take, &got));
	CHECK(store_record(w.k.s, w.target, SLICE("~acme:close:Contact:u"), json_take, &got));
	buf_free(&got);
	world_finish(&w);
}

TEST("a merged record that would be too large is left out, and verify finds no fault in that; a name listed twice counts once")
{
	static const char *const given[] = {"one", "two", "one", "_sources", NULL};
	struct world w;
	struct commit *c;
	struct buf one = {0}, two = {0}, got = {0};
	uint64_t live = 0;

	world_init(&w);
	define(&w, "email", given, SOURCES);
	build(&w);
	buf_puts(&one, "{\"id\":\"a\",\"email\":\"e\",\"one\":\"");
	buf_puts(&two, "{\"id\":\"b\",\"email\":\"e\",\"two\":\"");
	memset(buf_grow(&one, 5 << 20), 'x', 5 << 20);
	memset(buf_grow(&two, 5 << 20), 'y', 5 << 20);
	buf_puts(&one, "\"}");
	buf_puts(&two, "\"}");
	c = commit_new(w.k.s, (struct fence){0});
	save_json(&w, c, 0, "a", buf_str(&one));
	save_json(&w, c, 1, "b", buf_str(&two));
	save_json(&w, c, 0, "s", "{\"id\":\"s\",\"email\":\"f\",\"one\":1,\"_sources\":2}");
	commit_now(&w, c);
	store_dataset_info(w.k.s, w.target, count_live, &live);
	CHECK(live == 1);
	CHECK(store_record(w.k.s, w.target, SLICE("f"), json_take, &got));
	CHECK_STR(buf_str(&got), "{\"one\":1,\"_sources\":[\"acme:close:Contact\"]}");
	CHECK(store_verify(w.k.s, NULL, NULL, &w.k.err) == 0);
	define(&w, "email", NULL, SOURCES);
	build(&w);
	store_dataset_info(w.k.s, w.target, count_live, &live);
	CHECK(live == 1);
	buf_free(&one);
	buf_free(&two);
	buf_free(&got);
	world_finish(&w);
}

TEST("a merge of a merge is refused, and nothing is defined by it")
{
	static const struct dataset_name own = {"merge", "merge", "people", NULL};
	static const char *const keys[] = {"email", NULL};
	const struct store_merge merge = {"all", &own, 1, keys, NULL};
	struct world w;
	struct err err = {0};

	world_init(&w);
	define(&w, "email", fields, SOURCES);
	build(&w);
	CHECK(store_merges(w.k.s, &merge, 1, &err) < 0 && err.cls == ERR_USAGE);
	CHECK(store_merge_unbuilt(w.k.s) == 0);
	world_finish(&w);
}

/* Saves one record, and the commit may be refused. */
static bool
saved(struct world *w, const char *id)
{
	struct commit *c = commit_new(w->k.s, (struct fence){0});
	struct err err;

	save_json(w, c, 0, id, "{\"id\":\"1\",\"email\":\"e\"}");
	return store_commit_wait(w->k.s, c, NULL, &err) == 0;
}

TEST("a damaged definition refuses each commit; the writer neither waits nor turns for ever")
{
	struct world w;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi db;
	MDB_val k, v;
	char key[5] = {'d'}, junk[4] = "bad";
	int rc;

	world_init(&w);
	define(&w, "email", fields, SOURCES);
	build(&w);
	CHECK(saved(&w, "1"));
	store_close(w.k.s);
	for (int i = 0; i < 4; i++)
		key[1 + i] = (char)(w.target >> (24 - 8 * i));
	k = (MDB_val){sizeof(key), key};
	v = (MDB_val){sizeof(junk), junk};
	rc = mdb_env_create(&env) || mdb_env_set_maxdbs(env, 64) || mdb_env_open(env, w.k.dir, 0, 0600) ||
	     mdb_txn_begin(env, NULL, 0, &txn) || mdb_dbi_open(txn, "members", 0, &db) || mdb_put(txn, db, &k, &v, 0) ||
	     mdb_txn_commit(txn);
	CHECK(!rc);
	mdb_env_close(env);
	CHECK(kit_open(&w.k));
	CHECK(!saved(&w, "2"));
	CHECK(!saved(&w, "3"));
	kit_finish(&w.k);
}

TEST("changes that are refused with their commit leave no trace in what is merged; those beside them do")
{
	struct world w;
	struct commit *bad, *good;
	struct buf none = {0};
	struct err err;
	uint64_t live = 0;

	world_init(&w);
	define(&w, "email", fields, SOURCES);
	build(&w);
	bad = commit_new(w.k.s, (struct fence){0});
	save_json(&w, bad, 0, "a", "{\"id\":\"a\",\"email\":\"e1\",\"name\":\"a\"}");
	commit_seen(bad, w.dataset[0], SLICE("nobody")); /* refused: there is no such record */
	good = commit_new(w.k.s, (struct fence){0});
	save_json(&w, good, 0, "b", "{\"id\":\"b\",\"email\":\"e2\",\"name\":\"b\"}");
	store_commit(w.k.s, good, false, NULL, NULL);
	CHECK(store_commit_wait(w.k.s, bad, NULL, &err) < 0);
	store_drain(w.k.s);
	store_dataset_info(w.k.s, w.target, count_live, &live);
	CHECK(live == 1);
	CHECK(!store_record(w.k.s, w.target, SLICE("e1"), json_take, &none));
	world_finish(&w);
}

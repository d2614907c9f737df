/* Upkeep: pruning, copying while commits go on, restoring, and the change of the operator's key. */
#include <fcntl.h>
#include "store_kit.h"

#define DAY_US (INT64_C(86400) * 1000000)

/* ---- pruning ---- */

struct marks {
	uint64_t list[1000];
	size_t n;
	uint64_t next;
	bool more;
};

static void
mark_add(void *arg, uint64_t sequence)
{
	struct marks *m = arg;

	m->list[m->n++] = sequence;
}

static struct marks
tombstones(struct kit *k, struct tombstone_query q)
{
	struct marks m = {0};

	if (store_tombstones(k->s, &q, mark_add, &m, &m.next, &m.more, &k->err) != 0)
		tap_fail(__FILE__, __LINE__, k->err.text);
	return m;
}

static struct commit_counts
drop(struct kit *k, uint32_t d, const struct marks *m)
{
	struct commit *c = kit_commit(k);

	for (size_t i = 0; i < m->n; i++)
		commit_tombstone_drop(c, d, m->list[i]);
	return kit_wait(k, c);
}

static bool
entry_count(void *arg, const struct record *r)
{
	(void)r;
	++*(int *)arg;
	return true;
}

/* How many entries; -1: refused. */
static int
feed_from(struct kit *k, struct feed_query q)
{
	uint64_t next;
	bool more;
	int n = 0;

	return store_feed(k->s, &q, entry_count, &n, &next, &more, &k->err) == 0 ? n : -1;
}

TEST("an old tombstone goes whole, and cursors from before its delete are refused")
{
	struct kit k;
	uint32_t d;
	struct marks m;
	uint64_t young;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "1");
	kit_save(&k, d, "b", "2");
	kit_save(&k, d, "c", "3");
	kit_delete(&k, d, "a"); /* 4 */
	k.now_us += 10 * DAY_US;
	kit_delete(&k, d, "b"); /* 5 */
	m = tombstones(&k, (struct tombstone_query){.dataset = d, .before_us = k.now_us - DAY_US, .limit = 100});
	REQUIRE(m.n == 1);
	CHECK_INT(m.list[0], 4);
	CHECK(!m.more);
	CHECK_INT(drop(&k, d, &m).deleted, 1);
	CHECK(kit_verify(&k));
	CHECK_INT(kit_info(&k, d).gone, 1);
	CHECK_INT(kit_info(&k, d).pruned, 4);
	CHECK(!kit_record(&k, d, "a").found);
	CHECK_FEED(&k, d, 0, "3:added:c=3");
	CHECK_FEED(&k, d, 4, "5:deleted:b=2");
	free(kit_feed(&k, d, 3));
	CHECK(strstr(k.err.text, "cursor_expired") != NULL);
	REQUIRE(kit_reopen(&k));
	free(kit_feed(&k, d, 3));
	CHECK(strstr(k.err.text, "cursor_expired") != NULL); /* durable */
	CHECK_INT(feed_from(&k, (struct feed_query){.dataset = d, .after = 3, .began = 4}), 1); /* began after the prune */
	CHECK_INT(feed_from(&k, (struct feed_query){.dataset = d, .after = 3, .began = 3}), -1);
	CHECK_INT(feed_from(&k, (struct feed_query){.dataset = d, .after = 1, .live_only = true}), 1); /* shows no deletes */
	young = kit_info(&k, d).sequence;
	kit_save(&k, d, "a", "1");
	CHECK_FEED(&k, d, young, "6:added:a=1");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

/* Reads one page: how many entries, or -1; *after is the cursor to go on from. */
static int
page(struct kit *k, struct feed_query q, uint64_t *after, bool *more)
{
	int n = 0;

	q.after = *after;
	return store_feed(k->s, &q, entry_count, &n, after, more, &k->err) == 0 ? n : -1;
}

TEST("a reader is taken to the end of the feed, also when the entries there were pruned, and is not refused later")
{
	struct kit k;
	uint32_t d, other = 0;
	struct marks m;
	uint64_t after, end;
	bool more;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "1");
	kit_save(&k, d, "b", "2");
	kit_save(&k, d, "c", "3");
	kit_delete(&k, d, "c");
	/* With nothing behind it, and with the feed of another dataset behind it. */
	for (int round = 0; round < 2; round++) {
		m = tombstones(&k, (struct tombstone_query){.dataset = d, .before_us = INT64_MAX, .limit = 100});
		REQUIRE(m.n > 0);
		drop(&k, d, &m);
		end = kit_info(&k, d).sequence;
		CHECK_INT(kit_info(&k, d).pruned, end);
		for (int live = 0; live < 2; live++) {
			struct feed_query q = {.dataset = d, .live_only = live, .began = end};

			after = 0;
			CHECK_INT(page(&k, q, &after, &more), round ? 0 : 2);
			CHECK_INT(after, end);
			CHECK(!more);
			after = 0;
			q.limit = 1; /* page by page it is the last one that goes on to the end */
			CHECK_INT(page(&k, q, &after, &more), round ? 0 : 1);
			CHECK_INT(after, round ? end : 1);
			CHECK_INT(page(&k, q, &after, &more), round ? 0 : 1);
			CHECK_INT(after, end);
			CHECK(!more);
			q.began = 0; /* the number alone is good from here on */
			CHECK_INT(page(&k, q, &after, &more), 0);
			CHECK_INT(after, end);
		}
		kit_delete(&k, d, "a");
		kit_delete(&k, d, "b");
		other = kit_dataset(&k, "N");
		kit_save(&k, other, "x", "1");
	}
	kit_save(&k, d, "e", "5");
	CHECK_INT(page(&k, (struct feed_query){.dataset = d}, &after, &more), 1);
	CHECK_INT(after, end + 1);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("a record that came back between the look and the drop stays")
{
	struct kit k;
	uint32_t d;
	struct marks m;
	struct commit_counts n;

	kit_init(&k);
	k.o.hash_ids = true;
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "1");
	kit_save(&k, d, "b", "2");
	kit_delete(&k, d, "a");
	kit_delete(&k, d, "b");
	m = tombstones(&k, (struct tombstone_query){.dataset = d, .before_us = INT64_MAX, .limit = 100});
	CHECK_INT(m.n, 2);
	kit_save(&k, d, "a", "9");
	n = drop(&k, d, &m);
	CHECK_INT(n.deleted, 1);
	CHECK_INT(n.missing, 1);
	CHECK_STR(kit_record(&k, d, "a").json, "9");
	CHECK(!kit_record(&k, d, "b").found);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("tombstones are looked for page by page, in the middle of a generation too")
{
	struct kit k;
	uint32_t d, other;
	struct commit *c;
	struct marks m = {.more = true};
	char id[16];
	uint64_t all = 0;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	other = kit_dataset(&k, "N");
	kit_save(&k, other, "x", "1");
	kit_delete(&k, other, "x");
	c = kit_commit(&k);
	for (int i = 0; i < 900; i++) {
		snprintf(id, sizeof(id), "%d", i);
		kit_put(&k, c, d, id, "1");
	}
	for (int i = 0; i < 900; i += 3) {
		snprintf(id, sizeof(id), "%d", i);
		commit_delete(c, d, slice_str(id));
	}
	commit_seen_begin(c, d);
	kit_put(&k, c, d, "1", "1");
	kit_wait(&k, c);
	while (m.more) {
		m = tombstones(&k, (struct tombstone_query){
		                           .dataset = d, .after = m.next, .before_us = INT64_MAX, .limit = 70});
		CHECK(m.n <= 70);
		all += drop(&k, d, &m).deleted;
		CHECK(kit_verify(&k));
	}
	CHECK_INT(all, 300);
	CHECK_INT(kit_info(&k, d).gone, 0);
	CHECK_INT(kit_info(&k, d).live, 600);
	CHECK_INT(kit_info(&k, other).gone, 1);
	c = kit_commit(&k);
	commit_sweep(c, &(struct sweep){.dataset = d, .force = true});
	CHECK_INT(kit_wait(&k, c).deleted, 599);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("lines of logs and runs go, and numbers of runs go on")
{
	struct kit k;
	struct commit *c;
	uint64_t first, last, a, b;
	struct buf json = {0};

	kit_init(&k);
	REQUIRE(kit_open(&k));
	c = kit_commit(&k);
	a = store_run_next(k.s);
	b = store_run_next(k.s);
	commit_run(c, a, SLICE("{}"));
	commit_run(c, b, SLICE("{}"));
	for (int i = 0; i < 5; i++)
		commit_log(c, a, SLICE("{\"msg\":1}"));
	commit_log(c, b, SLICE("{}"));
	kit_wait(&k, c);
	REQUIRE(store_log_span(k.s, a, &first, &last));
	CHECK_INT(first, 1);
	CHECK_INT(last, 5);
	c = kit_commit(&k);
	commit_log_drop(c, a, 1, 3);
	kit_wait(&k, c);
	REQUIRE(store_log_span(k.s, a, &first, &last));
	CHECK_INT(first, 4);
	c = kit_commit(&k);
	commit_log_drop(c, a, 4, 5);
	commit_run_drop(c, a);
	kit_wait(&k, c);
	CHECK(!store_log_span(k.s, a, &first, &last));
	CHECK(store_log_span(k.s, b, &first, &last) && first == 1 && last == 1);
	CHECK(!store_run_get(k.s, a, &json));
	CHECK(store_run_get(k.s, b, &json));
	CHECK(kit_verify(&k));
	REQUIRE(kit_reopen(&k));
	CHECK_INT(store_run_next(k.s), b + 1);
	buf_free(&json);
	kit_finish(&k);
}

/* ---- jobs ---- */

static char *
beside(const struct kit *k, const char *name)
{
	return xasprintf("%.*s/%s", (int)(strlen(k->dir) - strlen("/store")), k->dir, name);
}

static bool
there(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	bool is = access(path, F_OK) == 0;

	free(path);
	return is;
}

static struct store_job_state
job(struct kit *k, const struct store_job_ask *ask)
{
	struct store_job_state st = {0};

	for (int i = 0; i < 3000 && !st.done; i++) {
		if (store_job(k->s, ask, &st, &k->err) != 0)
			tap_fail(__FILE__, __LINE__, k->err.text);
		usleep(10000);
	}
	return st;
}

static void
fill(struct kit *k, uint32_t d, int from, int to)
{
	struct commit *c = kit_commit(k);
	char id[16], json[400];

	memset(json, 'x', sizeof(json));
	json[0] = json[sizeof(json) - 2] = '"';
	json[sizeof(json) - 1] = 0;
	for (int i = from; i < to; i++) {
		snprintf(id, sizeof(id), "%d", i);
		snprintf(json + 1, 16, "%014d", i);
		json[15] = 'x';
		kit_put(k, c, d, id, json);
	}
	kit_wait(k, c);
}

TEST("a backup made while commits go on is one moment of the store, and comes back by restore")
{
	struct kit k;
	struct store_options to;
	struct store_job_state st = {0};
	char *dir, *target, *third;
	uint32_t d;
	uint64_t bytes = 0, live;
	int at = 2000;
	struct err err = {0};

	kit_init(&k);
	k.o.map_bytes = 1 << 20;
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	fill(&k, d, 0, at);
	dir = beside(&k, "copy");
	target = beside(&k, "again");
	third = beside(&k, "third");
	REQUIRE(mkdir(dir, 0700) == 0);
	const struct store_job_ask ask = {JOB_BACKUP, "t1", dir}, other = {JOB_VERIFY, "t2", NULL};
	REQUIRE(store_job(k.s, &ask, &st, &k.err) == 0);
	CHECK(st.done || (store_job(k.s, &other, &st, &err) != 0 && err.cls == ERR_BUSY));
	for (st.done = false; !st.done; at += 50) {
		fill(&k, d, at, at + 50);
		REQUIRE(store_job(k.s, &ask, &st, &k.err) == 0);
	}
	CHECK_STR(st.err.text, "");
	CHECK(there(dir, "data.mdb") && !there(dir, "data.mdb.part"));
	CHECK(store_backup_check(&k.o, dir, &bytes, &k.err) == 0);
	CHECK(!there(dir, "lock.mdb") && !there(dir, "store.lock"));
	CHECK(bytes > 400 * 2000);
	st = job(&k, &other);
	CHECK(st.done && st.err.cls == ERR_NONE && st.faults == 0);

	to = k.o;
	to.dir = target;
	kit_close(&k);
	CHECK(store_restore(&k.o, dir, &bytes, &k.err) != 0); /* there is a store */
	CHECK(strstr(k.err.text, "not empty") != NULL);
	REQUIRE(store_restore(&to, dir, &bytes, &k.err) == 0);
	CHECK(!there(target, ".restore"));
	k.o.dir = target;
	REQUIRE(kit_open(&k));
	live = kit_info(&k, d).live;
	CHECK(live >= 2000 && (live - 2000) % 50 == 0 && live <= (uint64_t)at);
	CHECK(kit_verify(&k));
	fill(&k, d, 0, at + 50); /* and goes on */
	CHECK_INT(kit_info(&k, d).live, at + 50);
	to.dir = third;
	CHECK(store_restore(&to, target, &bytes, &k.err) != 0);
	CHECK_INT(k.err.cls, ERR_BUSY); /* a store in use is no backup */
	free(third);
	free(dir);
	free(target);
	kit_finish(&k);
}

static void
flip(const char *dir, off_t at)
{
	char *path = xasprintf("%s/data.mdb", dir);
	int fd = open(path, O_RDWR);
	char c;

	if (fd < 0 || pread(fd, &c, 1, at) != 1)
		abort();
	c ^= 1;
	if (pwrite(fd, &c, 1, at) != 1)
		abort();
	close(fd);
	free(path);
}

TEST("a damaged backup, and one of another key, restore nothing")
{
	struct kit k;
	struct store_options to, wrong;
	struct secret *key;
	char *dir, *target;
	uint64_t bytes;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	fill(&k, kit_dataset(&k, "M"), 0, 3000);
	dir = beside(&k, "copy");
	target = beside(&k, "again");
	REQUIRE(mkdir(dir, 0700) == 0);
	CHECK(job(&k, &(struct store_job_ask){JOB_BACKUP, "t", dir}).err.cls == ERR_NONE);
	to = k.o;
	to.dir = target;
	wrong = to;
	key = secret_new(SLICE("0123456789abcdef0123456789abcdef"));
	wrong.key = key;
	CHECK(store_restore(&wrong, dir, &bytes, &k.err) != 0);
	CHECK(strstr(k.err.text, "wrong key") != NULL);
	CHECK(!there(target, "data.mdb"));
	for (off_t at = 200000; at < 220000; at += 777)
		flip(dir, at);
	CHECK(store_restore(&to, dir, &bytes, &k.err) != 0);
	CHECK(!there(target, "data.mdb"));
	CHECK(store_restore(&to, target, &bytes, &k.err) != 0); /* no backup at all */
	CHECK(strstr(k.err.text, "sluice backup") != NULL);
	secret_free(key);
	free(dir);
	free(target);
	kit_finish(&k);
}

TEST("closing the store ends a backup early, and half a copy never bears the name of a whole one")
{
	struct kit k;
	struct store_job_state st;
	char *dir;
	uint64_t bytes;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	for (int i = 0; i < 20; i++)
		fill(&k, kit_dataset(&k, "M"), i * 3000, i * 3000 + 3000);
	dir = beside(&k, "copy");
	REQUIRE(mkdir(dir, 0700) == 0);
	for (int i = 0; i < 8; i++) {
		REQUIRE(store_job(k.s, &(struct store_job_ask){JOB_BACKUP, "t", dir}, &st, &k.err) == 0);
		usleep((useconds_t)(i * i * 500));
		REQUIRE(kit_reopen(&k));
		CHECK(!there(dir, "data.mdb.part"));
		CHECK(!there(dir, "data.mdb") || store_backup_check(&k.o, dir, &bytes, &k.err) == 0);
	}
	CHECK(kit_verify(&k));
	free(dir);
	kit_finish(&k);
}

/* ---- the key ---- */

TEST("after a rekey only the new key opens the store, and all is as it was")
{
	struct kit k;
	struct store_options now = {0};
	char *path;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "{\"x\":1}");
	path = beside(&k, "new.key");
	now.dir = k.dir;
	now.key_file = k.key_file;
	CHECK(store_rekey(k.s, &k.o, &now, &k.err) != 0); /* the same */
	now.key_file = path;
	REQUIRE(store_rekey(k.s, &k.o, &now, &k.err) == 0);
	CHECK(kit_verify(&k)); /* the open store goes on */
	kit_save(&k, d, "b", "2");
	kit_close(&k);
	CHECK(store_open(&k.o, &k.err) == NULL);
	CHECK(strstr(k.err.text, "wrong key") != NULL);
	k.o.key_file = path;
	REQUIRE(kit_open(&k));
	CHECK_STR(kit_record(&k, d, "a").json, "{\"x\":1}");
	CHECK_STR(kit_record(&k, d, "b").json, "2");
	CHECK(kit_verify(&k));
	free(path);
	kit_finish(&k);
}

TEST("a store without encryption has no key to change")
{
	struct kit k;
	struct store_options now = {0};

	kit_init(&k);
	k.o.plain = true;
	REQUIRE(kit_open(&k));
	now.key_file = k.key_file;
	now.dir = k.dir;
	CHECK(store_rekey(k.s, &k.o, &now, &k.err) != 0);
	CHECK(strstr(k.err.text, "without encryption") != NULL);
	CHECK(access(k.key_file, F_OK) != 0);
	kit_finish(&k);
}

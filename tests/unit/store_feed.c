/* The change feed as readers see it from every cursor, in pages, and after damage or with cursors that cannot be. */
#include "store_kit.h"
#include "store/inner.h"

TEST("a record is shown as added, updated or deleted as the cursor stands to its history")
{
	struct kit k;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "1"); /* 1 */
	kit_save(&k, d, "b", "1"); /* 2 */
	kit_save(&k, d, "a", "2"); /* 3 */
	CHECK_FEED(&k, d, 0, "2:added:b=1 3:added:a=2");
	CHECK_FEED(&k, d, 1, "2:added:b=1 3:updated:a=2");
	CHECK_FEED(&k, d, 2, "3:updated:a=2");
	kit_delete(&k, d, "a"); /* 4 */
	CHECK_FEED(&k, d, 0, "2:added:b=1");
	CHECK_FEED(&k, d, 1, "2:added:b=1 4:deleted:a=2");
	CHECK_FEED(&k, d, 3, "4:deleted:a=2");
	kit_save(&k, d, "a", "2"); /* 5: undelete */
	CHECK_FEED(&k, d, 0, "2:added:b=1 5:added:a=2");
	CHECK_FEED(&k, d, 3, "5:updated:a=2"); /* lived at 3: its delete at 4 was never seen from there */
	CHECK_FEED(&k, d, 4, "5:added:a=2");
	kit_save(&k, d, "a", "3"); /* 6 */
	CHECK_FEED(&k, d, 3, "6:updated:a=3");
	CHECK_FEED(&k, d, 4, "6:added:a=3");
	CHECK_FEED(&k, d, 5, "6:updated:a=3");
	kit_delete(&k, d, "a"); /* 7 */
	CHECK_FEED(&k, d, 0, "2:added:b=1");
	CHECK_FEED(&k, d, 3, "7:deleted:a=3");
	CHECK_FEED(&k, d, 4, "7:deleted:a=3"); /* told twice rather than never: see feed.c */
	CHECK_FEED(&k, d, 6, "7:deleted:a=3");
	CHECK_FEED(&k, d, 7, "");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

struct page {
	uint64_t next;
	bool more;
	size_t n;
};

static bool
count_each(void *arg, const struct record *r)
{
	(void)r;
	++*(size_t *)arg;
	return true;
}

static bool
stop_at_two(void *arg, const struct record *r)
{
	(void)r;
	return ++*(size_t *)arg < 2;
}

static struct page
page_of(struct kit *k, struct feed_query q, bool (*each)(void *, const struct record *))
{
	struct page p = {0};

	if (store_feed(k->s, &q, each, &p.n, &p.next, &p.more, &k->err) < 0)
		printf("# store_feed: %s\n", k->err.text);
	return p;
}

TEST("pages end at the limit, at so many bytes, or when the reader has enough; the cursor goes on from there")
{
	struct kit k;
	uint32_t d;
	struct page p;
	char id[16];

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "%d", i);
		kit_save(&k, d, id, "\"0123456789\"");
	}
	kit_delete(&k, d, "9"); /* 11 */
	p = page_of(&k, (struct feed_query){.dataset = d, .limit = 4}, count_each);
	CHECK(p.n == 4 && p.next == 4 && p.more);
	p = page_of(&k, (struct feed_query){.dataset = d, .after = p.next, .bytes = 13}, count_each);
	CHECK(p.n == 2 && p.next == 6 && p.more);
	p = page_of(&k, (struct feed_query){.dataset = d, .after = p.next}, stop_at_two);
	CHECK(p.n == 2 && p.next == 8 && p.more);
	p = page_of(&k, (struct feed_query){.dataset = d, .after = p.next}, count_each);
	CHECK(p.n == 1 && p.next == 11 && !p.more); /* what came and went is stepped over */
	p = page_of(&k, (struct feed_query){.dataset = d, .after = 10}, count_each);
	CHECK(p.n == 1 && p.next == 11);
	p = page_of(&k, (struct feed_query){.dataset = d, .after = 10, .live_only = true}, count_each);
	CHECK(p.n == 0 && p.next == 11 && !p.more);
	p = page_of(&k, (struct feed_query){.dataset = d, .limit = 9}, count_each);
	CHECK(p.n == 9 && !p.more && p.next == 11); /* what stands behind it is not to be shown */
	p = page_of(&k, (struct feed_query){.dataset = d, .limit = 9, .all = true}, count_each);
	CHECK(p.n == 9 && p.more && p.next == 9);
	kit_finish(&k);
}

TEST("only the actions and the times that are asked for are shown, and `more` speaks of them alone")
{
	struct kit k;
	uint32_t d;
	struct page p;
	char id[16];

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	for (int i = 0; i < 40; i++) {
		k.now_us = KIT_T0 + i * 1000;
		snprintf(id, sizeof(id), "%d", i % 20);
		kit_save(&k, d, id, i < 20 ? "1" : i % 2 ? "2" : "1"); /* sequences 1-20, then 21-30 for the odd ones */
	}
	kit_delete(&k, d, "0"); /* 31 */
	p = page_of(&k, (struct feed_query){.dataset = d, .all = true, .actions = 1u << CHANGE_ADDED}, count_each);
	CHECK(p.n == 9 && !p.more && p.next == 31);
	p = page_of(&k, (struct feed_query){.dataset = d, .all = true, .actions = 1u << CHANGE_ADDED, .limit = 9}, count_each);
	CHECK(p.n == 9 && !p.more); /* more changes, but none of these */
	p = page_of(&k, (struct feed_query){.dataset = d, .all = true, .actions = 1u << CHANGE_UPDATED | 1u << CHANGE_DELETED, .limit = 10}, count_each);
	CHECK(p.n == 10 && p.more && p.next == 30);
	p = page_of(&k, (struct feed_query){.dataset = d, .after = p.next, .all = true, .actions = 1u << CHANGE_UPDATED | 1u << CHANGE_DELETED}, count_each);
	CHECK(p.n == 1 && !p.more);
	for (int i = 0; i < 20; i++) { /* of the updates, at 21, 23 ... 39 ms */
		p = page_of(&k, (struct feed_query){.dataset = d, .all = true, .since_us = KIT_T0 + (20 + i) * 1000}, count_each);
		CHECK(p.n == 11 - (size_t)i / 2);
	}
	p = page_of(&k, (struct feed_query){.dataset = d, .all = true, .since_us = KIT_T0}, count_each);
	CHECK(p.n == 20);
	p = page_of(&k, (struct feed_query){.dataset = d, .all = true, .after = 28, .since_us = KIT_T0 + 21000}, count_each);
	CHECK(p.n == 3);
	p = page_of(&k, (struct feed_query){.dataset = d, .all = true, .since_us = KIT_T0 + 1000000}, count_each);
	CHECK(p.n == 0 && !p.more && p.next == 31);
	kit_finish(&k);
}

TEST("a cursor newer than the dataset, or an unknown dataset, is an error")
{
	struct kit k;
	uint32_t d;
	struct feed_query q;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "1");
	q = (struct feed_query){.dataset = d, .after = 2};
	CHECK(store_feed(k.s, &q, count_each, &q, NULL, NULL, &k.err) < 0);
	CHECK_INT(k.err.cls, ERR_DATA);
	CHECK_HAS(k.err.text, "newer");
	q.after = UINT64_MAX;
	CHECK(store_feed(k.s, &q, count_each, &q, NULL, NULL, &k.err) < 0);
	q = (struct feed_query){.dataset = 99};
	CHECK(store_feed(k.s, &q, count_each, &q, NULL, NULL, &k.err) < 0);
	CHECK_INT(k.err.cls, ERR_USAGE);
	kit_finish(&k);
}

/* Changes the dataset's entry behind the store's back: nothing in this version prunes, and no test can count to 2^64.
 */
static void
edit_dataset(struct kit *k, uint32_t number, void (*edit)(struct dataset_entry *))
{
	MDB_txn *txn;
	uint8_t key[4], out[DATASET_ENTRY_SIZE + LAYOUT_KEY_MAX];
	MDB_val kv = val_of(key, sizeof(key)), v;
	struct dataset_entry e;
	struct slice names;

	put_be32(key, number);
	if (mdb_txn_begin(k->s->env.mdb, NULL, 0, &txn) || mdb_get(txn, k->s->env.db[DB_DATASETS], &kv, &v) ||
	    !layout_dataset_get(slice_val(v), &e, &names))
		abort();
	edit(&e);
	layout_dataset_put(out, &e);
	memcpy(out + DATASET_ENTRY_SIZE, names.p, names.len);
	v = val_of(out, DATASET_ENTRY_SIZE + names.len);
	if (mdb_put(txn, k->s->env.db[DB_DATASETS], &kv, &v, 0) || mdb_txn_commit(txn))
		abort();
}

static void
prune_to_two(struct dataset_entry *e)
{
	e->pruned = 2;
}

static void
count_far(struct dataset_entry *e)
{
	e->sequence = (UINT64_C(1) << 53) + 1;
}

TEST("a cursor older than what was pruned is refused; from the beginning one may always read")
{
	struct kit k;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "1");
	kit_save(&k, d, "b", "1");
	kit_save(&k, d, "c", "1");
	edit_dataset(&k, d, prune_to_two);
	CHECK_FEED(&k, d, 0, "1:added:a=1 2:added:b=1 3:added:c=1");
	CHECK_FEED(&k, d, 2, "3:added:c=1");
	char *text = kit_feed(&k, d, 1);
	CHECK_HAS(text, "cursor_expired");
	CHECK_INT(k.err.cls, ERR_DATA);
	free(text);
	kit_finish(&k);
}

TEST("sequences beyond 2^53 are kept exactly")
{
	struct kit k;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	edit_dataset(&k, d, count_far);
	kit_save(&k, d, "a", "1");
	kit_save(&k, d, "b", "1");
	CHECK_FEED(&k, d, (UINT64_C(1) << 53) + 2, "9007199254740995:added:b=1");
	CHECK_INT(kit_info(&k, d).sequence, INT64_C(9007199254740995));
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

static bool
collect_id(void *arg, struct slice id, uint32_t index, bool deleted)
{
	buf_printf(arg, "%.*s/%u%s ", (int)id.len, id.p, index, deleted ? "-" : "");
	return true;
}

static bool
count_id(void *arg, struct slice id, uint32_t index, bool deleted)
{
	(void)id;
	(void)index;
	(void)deleted;
	++*(size_t *)arg;
	return true;
}

TEST("ids are walked in pages; a peek says what a save would do")
{
	struct kit k;
	uint32_t d, other;
	struct buf b = {0};
	struct json_hash h;
	struct peek p;
	struct commit *c;
	char id[16];
	size_t n = 0;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	other = kit_dataset(&k, "N");
	kit_save(&k, d, "b", "1");
	kit_save(&k, d, "a", "1");
	kit_save(&k, other, "z", "1");
	kit_delete(&k, d, "b");
	CHECK(store_ids(k.s, d, collect_id, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "a/1 b/0- ");
	CHECK_INT(store_index_end(k.s, d), 2);
	h = kit_hash(&k, "1");
	p = store_peek(k.s, d, SLICE("a"), &h);
	CHECK(p.known && p.same && !p.deleted && p.index == 1);
	h = kit_hash(&k, "2");
	p = store_peek(k.s, d, SLICE("b"), &h);
	CHECK(p.known && !p.same && p.deleted && p.index == 0);
	CHECK(!store_peek(k.s, d, SLICE("c"), &h).known);
	c = kit_commit(&k);
	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof(id), "r%d", i);
		kit_put(&k, c, d, id, "1");
	}
	kit_wait(&k, c);
	CHECK(store_ids(k.s, d, count_id, &n, &k.err) == 0);
	CHECK_INT(n, 5002);
	buf_free(&b);
	kit_finish(&k);
}

TEST("datasets that grow in turns keep their feeds apart and in order")
{
	struct kit k;
	uint32_t d[3];
	char id[16];
	struct page p;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	for (int i = 0; i < 3; i++)
		d[i] = kit_dataset(&k, (const char *[]){"A", "B", "C"}[i]);
	for (int round = 0; round < 20; round++) {
		struct commit *c = kit_commit(&k);
		for (int i = 0; i < 90; i++) {
			snprintf(id, sizeof(id), "%d", (round * 31 + i) % 200);
			kit_put(&k, c, d[(i + round) % 3], id, i % 2 ? "1" : "2");
		}
		kit_wait(&k, c);
	}
	for (int i = 0; i < 3; i++) {
		p = page_of(&k, (struct feed_query){.dataset = d[i], .limit = 10000}, count_each);
		CHECK_INT(p.n, kit_info(&k, d[i]).live);
		CHECK_INT(p.next, kit_info(&k, d[i]).sequence);
	}
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("a cursor from after the moment that a restored backup shows is told, also when sequences have come past it again")
{
	struct kit k;
	uint32_t d;
	struct page p;
	struct feed_query q;
	int64_t before;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "1"); /* 1 */
	kit_save(&k, d, "b", "1"); /* 2 */
	before = k.now_us + 10;
	k.now_us += 1000000; /* the store was restored, and other changes got the numbers that were handed out before */
	kit_save(&k, d, "c", "1"); /* 3 */
	kit_save(&k, d, "d", "1"); /* 4 */
	q = (struct feed_query){.dataset = d, .after = 2, .at_us = before};
	p = page_of(&k, q, count_each);
	CHECK_INT(p.n, 2);
	q.after = 3; /* it was given before the third change that is here was made */
	p = page_of(&k, q, count_each);
	CHECK_INT(p.n, 0);
	CHECK(k.err.cls == ERR_DATA);
	CHECK_HAS(k.err.text, "cursor_unknown");
	q.at_us = k.now_us + 10;
	p = page_of(&k, q, count_each);
	CHECK_INT(p.n, 1);
	kit_finish(&k);
}

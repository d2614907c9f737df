/* Records whose content was pruned: what stays of them, and how they are filled again. */
#include "store_kit.h"
#include "store/inner.h"

struct found {
	uint64_t sequence[64];
	size_t n;
	uint64_t next;
	bool more;
};

static void
found_add(void *arg, uint64_t sequence)
{
	struct found *f = arg;

	f->sequence[f->n++] = sequence;
}

static struct found
look(struct kit *k, uint32_t d, uint64_t until, size_t limit)
{
	struct found f = {0};

	if (store_prunable(k->s, &(struct prunable_query){.dataset = d, .until = until, .limit = limit}, found_add, &f, &f.next, &f.more,
	                   &k->err) < 0)
		printf("# store_prunable: %s\n", k->err.text);
	return f;
}

static struct commit_counts
prune(struct kit *k, uint32_t d, uint64_t sequence)
{
	struct commit *c = kit_commit(k);

	commit_record_prune(c, d, sequence);
	return kit_wait(k, c);
}

static struct commit_counts
update(struct kit *k, uint32_t d, const char *id, const char *patch)
{
	struct commit *c = kit_commit(k);

	commit_update(c, d, slice_str(id), slice_str(patch));
	return kit_wait(k, c);
}

static void
pruned_take(void *arg, const struct record *r)
{
	*(int64_t *)arg = r->pruned_us;
}

TEST("a pruned record keeps its place and time, and the same content fills it again without a change")
{
	struct kit k;
	struct kit_record before, now;
	int64_t pruned_us = 0;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "{\"n\":1}"); /* 1 */
	kit_save(&k, d, "b", "{\"n\":1}"); /* 2 */
	before = kit_record(&k, d, "a");
	k.now_us += 5000000;
	CHECK(prune(&k, d, 1).deleted == 1);
	CHECK_FEED(&k, d, 0, "1:added:a={} 2:added:b={\"n\":1}");
	now = kit_record(&k, d, "a");
	CHECK(now.sequence == before.sequence && now.modified_us == before.modified_us && now.first_seen_us == before.first_seen_us);
	store_record(k.s, d, SLICE("a"), pruned_take, &pruned_us);
	CHECK(pruned_us == KIT_T0 + 5000000);
	CHECK(kit_info(&k, d).bytes == 7 && kit_info(&k, d).live == 2);
	CHECK(kit_verify(&k));
	CHECK(prune(&k, d, 1).missing == 1); /* once */
	CHECK(kit_reopen(&k));
	CHECK(kit_save(&k, d, "a", "{\"n\":1}").unchanged == 1);
	CHECK_FEED(&k, d, 0, "1:added:a={\"n\":1} 2:added:b={\"n\":1}");
	store_record(k.s, d, SLICE("a"), pruned_take, &pruned_us);
	CHECK(pruned_us == 0 && kit_info(&k, d).bytes == 14);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("another content is an update, a delete and an undelete stay what they are, an update has nothing to merge into")
{
	struct kit k;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	for (int i = 0; i < 4; i++)
		kit_save(&k, d, (const char *[]){"a", "b", "c", "d"}[i], "{\"n\":1}"); /* 1-4 */
	for (uint64_t i = 1; i <= 4; i++)
		prune(&k, d, i);
	CHECK(kit_save(&k, d, "a", "{\"n\":2}").updated == 1); /* 5 */
	CHECK(update(&k, d, "b", "{\"m\":1}").missing == 1);
	CHECK(kit_delete(&k, d, "c").deleted == 1); /* 6 */
	CHECK_FEED(&k, d, 3, "4:added:d={} 5:updated:a={\"n\":2} 6:deleted:c={}");
	CHECK(kit_verify(&k));
	CHECK(kit_save(&k, d, "c", "{\"n\":1}").added == 1); /* 7: its content is there again, though it is the same */
	CHECK_FEED(&k, d, 6, "7:added:c={\"n\":1}");
	kit_delete(&k, d, "d"); /* 8 */
	CHECK(prune(&k, d, 8).missing == 1); /* hollow already */
	CHECK(kit_save(&k, d, "d", "{}").added == 1); /* 9: {} is content too */
	CHECK(look(&k, d, 100, 10).n == 3);
	CHECK(kit_info(&k, d).bytes == 7 + 0 + 7 + 2);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("what can be pruned is found up to a sequence, so many at a time; what changed meanwhile stays")
{
	struct kit k;
	struct found f;
	uint32_t d;
	char id[16];

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "%d", i);
		kit_save(&k, d, id, "{\"n\":1}");
	}
	f = look(&k, d, 5, 3);
	CHECK(f.n == 3 && f.more && f.sequence[2] == 3 && f.next == 3);
	kit_save(&k, d, "1", "{\"n\":2}"); /* 2 is 11 now */
	CHECK(prune(&k, d, f.sequence[0]).deleted == 1);
	CHECK(prune(&k, d, f.sequence[1]).missing == 1);
	CHECK(prune(&k, d, f.sequence[2]).deleted == 1);
	f = look(&k, d, 5, 3);
	CHECK(f.n == 2 && !f.more && f.sequence[0] == 4 && f.sequence[1] == 5);
	f = look(&k, d, 5, 2);
	CHECK(f.n == 2 && !f.more);
	CHECK_STR(kit_record(&k, d, "1").json, "{\"n\":2}");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("a generation counts a pruned record as any other, also with hashed ids and staged")
{
	struct kit k;
	struct commit *c;
	struct commit_counts n;
	uint32_t d;

	kit_init(&k);
	k.o.hash_ids = true;
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	for (int i = 0; i < 3; i++)
		kit_save(&k, d, (const char *[]){"a", "b", "c"}[i], "{\"n\":1}");
	for (uint64_t i = 1; i <= 3; i++)
		prune(&k, d, i);
	CHECK(kit_verify(&k));
	c = kit_commit(&k);
	commit_seen_begin(c, d);
	commit_staged(c, true);
	kit_put(&k, c, d, "a", "{\"n\":1}");
	kit_put(&k, c, d, "b", "{\"n\":2}");
	commit_publish(c, d);
	commit_sweep(c, &(struct sweep){.dataset = d, .force = true});
	n = kit_wait(&k, c);
	CHECK(n.unchanged == 1 && n.updated == 1 && n.deleted == 1);
	CHECK_FEED(&k, d, 3, "4:updated:b={\"n\":2} 5:deleted:c={}");
	CHECK_STR(kit_record(&k, d, "a").json, "{\"n\":1}");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("a record that is pruned in its index alone is found by verify")
{
	struct kit k;
	uint8_t name[5] = {0}, entry[ID_ENTRY_SIZE];
	struct id_entry e;
	MDB_val key = {sizeof(name), name}, v;
	MDB_txn *txn;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "{\"n\":1}");
	put_be32(name, d);
	name[4] = 'a';
	REQUIRE(mdb_txn_begin(k.s->env.mdb, NULL, 0, &txn) == 0);
	REQUIRE(mdb_get(txn, k.s->env.db[DB_IDS], &key, &v) == 0 && layout_id_get(slice_of(v.mv_data, v.mv_size), &e));
	e.flags |= ID_HOLLOW;
	layout_id_put(entry, &e);
	v = (MDB_val){sizeof(entry), entry};
	REQUIRE(mdb_put(txn, k.s->env.db[DB_IDS], &key, &v, 0) == 0 && mdb_txn_commit(txn) == 0);
	CHECK(!kit_verify(&k));
	kit_finish(&k);
}

TEST("records that are merged are not pruned, nor are a merge's own")
{
	struct kit k;
	const struct dataset_name source = {.connection = "acme", .integration = "crm", .model = "M"};
	const char *keys[] = {"mail", NULL};
	const struct store_merge m = {.name = "people", .sources = &source, .n = 1, .keys = keys};
	struct commit *c;
	uint32_t d, target;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "{\"mail\":\"x\"}");
	REQUIRE(store_merges(k.s, &m, 1, &k.err) == 0);
	while ((target = store_merge_unbuilt(k.s))) {
		store_merge_build(k.s, target, NULL, NULL);
		store_drain(k.s);
	}
	target = store_dataset_find(k.s, &(struct dataset_name){.connection = "merge", .integration = "merge", .model = "people"});
	for (int i = 0; i < 2; i++) {
		c = kit_commit(&k);
		commit_record_prune(c, i ? target : d, 1);
		CHECK(store_commit_wait(k.s, c, NULL, &k.err) < 0 && k.err.cls == ERR_USAGE);
	}
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("random saves, updates, deletes, prunes and sweeps leave a store that verifies, and counts that are exact")
{
	struct kit k;
	uint32_t d, x = 12345;
	char id[16], json[32];

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	for (int round = 0; round < 60; round++) {
		struct commit *c = kit_commit(&k);
		struct found f = look(&k, d, UINT64_MAX, 8);
		if (round % 7 == 0)
			commit_seen_begin(c, d);
		for (size_t i = 0; i < f.n; i++)
			if ((x = x * 1664525u + 1013904223u) >> 30)
				commit_record_prune(c, d, f.sequence[i]);
		for (int i = 0; i < 12; i++) {
			x = x * 1664525u + 1013904223u;
			snprintf(id, sizeof(id), "%u", (x >> 8) % 20);
			snprintf(json, sizeof(json), "{\"n\":%u}", (x >> 16) % 2);
			if (x >> 30 == 0)
				commit_delete(c, d, slice_str(id));
			else if (x >> 30 == 1)
				commit_update(c, d, slice_str(id), slice_str(json));
			else
				kit_put(&k, c, d, id, json);
		}
		if (round % 7 == 6)
			commit_sweep(c, &(struct sweep){.dataset = d, .force = true});
		kit_wait(&k, c);
		if (!kit_verify(&k)) {
			CHECK(false);
			break;
		}
	}
	kit_finish(&k);
}


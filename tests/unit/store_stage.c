/* Staged records: unseen until they are published, and then exactly what saving them at once would have made. */
#include "store_kit.h"

static struct commit *
staged(struct kit *k)
{
	struct commit *c = kit_commit(k);

	commit_staged(c, true);
	return c;
}

static void
publish(struct kit *k, uint32_t dataset, bool sweep)
{
	const struct sweep how = {.dataset = dataset, .share = 1, .least = 1000, .force = true};
	struct commit *c = kit_commit(k);

	commit_publish(c, dataset);
	if (sweep)
		commit_sweep(c, &how);
	kit_wait(k, c);
}

TEST("nothing staged is seen before it is published, also after a restart, and then all of it is, in order of arrival")
{
	struct kit k;
	struct commit *c;
	struct commit_counts n;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "A");
	for (int i = 0; i < 3; i++)
		kit_save(&k, d, (const char *[]){"a", "b", "c"}[i], "{\"v\":1}");
	c = staged(&k);
	commit_seen_begin(c, d);
	kit_put(&k, c, d, "z", "{\"v\":9}");
	kit_put(&k, c, d, "a", "{\"v\":1}");
	kit_put(&k, c, d, "b", "{\"v\":2}");
	commit_update(c, d, SLICE("b"), SLICE("{\"w\":3}"));
	commit_delete(c, d, SLICE("c"));
	kit_put(&k, c, d, "y", "{\"v\":8}");
	commit_delete(c, d, SLICE("y"));
	commit_delete(c, d, SLICE("nobody"));
	n = kit_wait(&k, c);
	CHECK_INT(n.saved, 4);
	CHECK_INT(n.fresh, 4);
	CHECK_INT(n.unchanged, 1);
	CHECK_INT(n.missing, 1);
	CHECK_INT(n.added + n.updated + n.deleted, 0);
	CHECK(kit_verify(&k));
	REQUIRE(kit_reopen(&k));
	CHECK_FEED(&k, d, 0, "1:added:a={\"v\":1} 2:added:b={\"v\":1} 3:added:c={\"v\":1}");
	c = kit_commit(&k);
	commit_publish(c, d);
	n = kit_wait(&k, c);
	CHECK_INT(n.added, 1);
	CHECK_INT(n.updated, 1);
	CHECK_INT(n.deleted, 1);
	CHECK_INT(n.saved + n.fresh, 0);
	CHECK_FEED(&k, d, 3, "4:added:z={\"v\":9} 5:updated:b={\"v\":2,\"w\":3} 6:deleted:c={\"v\":1}");
	CHECK(kit_verify(&k));
	publish(&k, d, true); /* all that is left was seen */
	CHECK_FEED(&k, d, 6, "");
	kit_finish(&k);
}

TEST("what is staged twice is fresh once; what turns back to what readers see is staged no more")
{
	struct kit k;
	struct commit *c;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "A");
	kit_save(&k, d, "a", "{\"v\":1}");
	c = staged(&k);
	commit_seen_begin(c, d);
	kit_put(&k, c, d, "a", "{\"v\":2}");
	CHECK_INT(kit_wait(&k, c).fresh, 1);
	c = staged(&k);
	kit_put(&k, c, d, "a", "{\"v\":3}");
	CHECK_INT(kit_wait(&k, c).fresh, 0);
	c = staged(&k);
	kit_put(&k, c, d, "a", "{\"v\":1}");
	CHECK_INT(kit_wait(&k, c).unchanged, 1);
	CHECK(kit_verify(&k));
	publish(&k, d, true);
	CHECK_FEED(&k, d, 0, "1:added:a={\"v\":1}");
	kit_finish(&k);
}

TEST("a new generation forgets what the one before had staged")
{
	struct kit k;
	struct commit *c;
	uint32_t d, other;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "A");
	other = kit_dataset(&k, "B");
	c = staged(&k);
	kit_put(&k, c, d, "a", "{}");
	kit_put(&k, c, other, "o", "{}");
	kit_wait(&k, c);
	c = kit_commit(&k);
	commit_seen_begin(c, d);
	commit_publish(c, d);
	commit_publish(c, other);
	kit_wait(&k, c);
	CHECK_FEED(&k, d, 0, "");
	CHECK_FEED(&k, other, 0, "1:added:o={}");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

static uint32_t
pick(uint64_t *seed, uint32_t below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % below;
}

static void
random_op(struct kit *k, struct commit *c, uint32_t dataset, uint32_t what, uint32_t id, uint32_t value)
{
	char name[16], json[64];

	snprintf(name, sizeof(name), "id%u", id);
	snprintf(json, sizeof(json), "{\"id\":\"id%u\",\"v\":%u}", id, value);
	if (what < 6)
		kit_put(k, c, dataset, name, json);
	else if (what < 8)
		commit_update(c, dataset, slice_str(name), slice_str(json));
	else
		commit_delete(c, dataset, slice_str(name));
}

static bool
same_record(void *arg, const struct record *r)
{
	buf_printf(arg, "%.*s=%.*s ", (int)r->id.len, r->id.p, (int)r->json.len, r->json.p);
	return true;
}

struct by_id {
	struct kit *k;
	struct buf *out;
	uint32_t dataset;
};

static void
one_record(void *arg, const struct record *r)
{
	same_record(arg, r);
}

static bool
id_note(void *arg, struct slice id, uint32_t index, bool deleted)
{
	struct by_id *b = arg;

	(void)index;
	if (!deleted)
		store_record(b->k->s, b->dataset, id, one_record, b->out);
	return true;
}

static void
live(struct kit *k, uint32_t dataset, struct buf *out)
{
	struct by_id b = {k, out, dataset};

	buf_clear(out);
	store_ids(k->s, dataset, id_note, &b, &k->err);
}

TEST("random runs end with what saving at once ends with, and a reader in between sees the run before whole")
{
	struct buf before = {0}, now = {0}, direct = {0};
	uint64_t seed = 20260101;
	struct kit k;
	uint32_t a, b;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	a = kit_dataset(&k, "Staged");
	b = kit_dataset(&k, "Direct");
	for (int run = 0; run < 30; run++) {
		struct commit *c = staged(&k);
		commit_seen_begin(c, a);
		commit_staged(c, false);
		commit_seen_begin(c, b);
		kit_wait(&k, c);
		live(&k, a, &before);
		for (int page = 0; page < 5; page++) {
			c = kit_commit(&k);
			for (int i = 0; i < 8; i++) {
				uint32_t what = pick(&seed, 10), id = pick(&seed, 12), value = pick(&seed, 3);
				commit_staged(c, true);
				random_op(&k, c, a, what, id, value);
				commit_staged(c, false);
				random_op(&k, c, b, what, id, value);
			}
			kit_wait(&k, c);
			live(&k, a, &now);
			CHECK(slice_eq(buf_view(&before), buf_view(&now)));
		}
		if (run % 7 == 0)
			REQUIRE(kit_reopen(&k));
		CHECK(kit_verify(&k));
		publish(&k, a, true);
		publish(&k, b, true);
		live(&k, a, &now);
		live(&k, b, &direct);
		CHECK(slice_eq(buf_view(&direct), buf_view(&now)));
		CHECK(kit_verify(&k));
	}
	kit_finish(&k);
	buf_free(&before);
	buf_free(&now);
	buf_free(&direct);
}

/* Generations: what was not met in a complete full sync goes, once, or is held back. */
#include "store_kit.h"

static void
fill(struct kit *k, uint32_t d, int from, int to, const char *json)
{
	struct commit *c = kit_commit(k);
	char id[16];

	for (int i = from; i < to; i++) {
		snprintf(id, sizeof(id), "%05d", i);
		kit_put(k, c, d, id, json);
	}
	kit_wait(k, c);
}

static void
begin(struct kit *k, uint32_t d)
{
	struct commit *c = kit_commit(k);

	commit_seen_begin(c, d);
	kit_wait(k, c);
}

static struct commit_counts
sweep(struct kit *k, struct sweep how)
{
	struct commit *c = kit_commit(k);

	commit_sweep(c, &how);
	return kit_wait(k, c);
}

TEST("a sweep deletes exactly what the generation has not met, over a restart")
{
	struct kit k;
	uint32_t d, other;
	struct commit_counts n;
	struct dataset_info i;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	other = kit_dataset(&k, "N");
	fill(&k, d, 0, 100, "1");
	fill(&k, other, 0, 5, "1");
	begin(&k, d);
	fill(&k, d, 0, 40, "1");
	REQUIRE(kit_reopen(&k));
	fill(&k, d, 40, 90, "1"); /* unchanged ones are marked too */
	fill(&k, d, 100, 105, "1");
	n = sweep(&k, (struct sweep){.dataset = d, .share = 0.2, .least = 100});
	CHECK_INT(n.absent, 10);
	CHECK_INT(n.deleted, 10);
	CHECK_INT(n.held, 0);
	i = kit_info(&k, d);
	CHECK_INT(i.live, 95);
	CHECK_INT(i.gone, 10);
	CHECK_INT(i.bytes, 95);
	CHECK_INT(i.sequence, 115);
	CHECK(kit_record(&k, d, "00089").deleted_us == 0);
	CHECK(kit_record(&k, d, "00090").deleted_us != 0);
	CHECK_STR(kit_record(&k, d, "00090").json, "1");
	CHECK_INT(kit_info(&k, other).live, 5);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("a sweep without a generation deletes nothing; a new generation forgets the marks of the last")
{
	struct kit k;
	uint32_t d;
	struct commit_counts n;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	fill(&k, d, 0, 10, "1");
	n = sweep(&k, (struct sweep){.dataset = d, .force = true});
	CHECK_INT(n.absent + n.deleted + n.held, 0);
	begin(&k, d);
	fill(&k, d, 0, 10, "1");
	begin(&k, d);
	fill(&k, d, 0, 9, "1");
	n = sweep(&k, (struct sweep){.dataset = d, .share = 1, .least = 100});
	CHECK_INT(n.deleted, 1);
	n = sweep(&k, (struct sweep){.dataset = d, .force = true});
	CHECK_INT(n.absent, 0); /* a generation ends with its sweep */
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("saves count as fresh once a generation")
{
	struct kit k;
	uint32_t d;
	struct commit *c;
	struct commit_counts n;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	CHECK_INT(kit_save(&k, d, "a", "1").fresh, 1);
	CHECK_INT(kit_save(&k, d, "a", "1").fresh, 1);
	begin(&k, d);
	CHECK_INT(kit_save(&k, d, "a", "1").fresh, 1);
	CHECK_INT(kit_save(&k, d, "a", "2").fresh, 0);
	c = kit_commit(&k);
	kit_put(&k, c, d, "a", "1");
	kit_put(&k, c, d, "b", "1");
	commit_update(c, d, SLICE("b"), SLICE("{\"x\":1}"));
	n = kit_wait(&k, c);
	CHECK_INT(n.fresh, 1);
	kit_finish(&k);
}

/* Of `live` records, `absent` are not met: how many go and how many are held. */
static const struct {
	int live, absent;
	struct sweep how;
	int deleted, held;
	const char *why;
} brakes[] = {
	{1000, 0, {.share = 0.2, .least = 100}, 0, 0, "nothing is absent"},
	{1000, 200, {.share = 0.2, .least = 100}, 200, 0, "exactly the share"},
	{1000, 201, {.share = 0.2, .least = 100}, 0, 201, "more than the share and than the least"},
	{300, 100, {.share = 0.2, .least = 100}, 100, 0, "more than the share, exactly the least"},
	{300, 101, {.share = 0.2, .least = 100}, 0, 101, "more than both"},
	{10, 5, {.share = 0.2, .least = 100}, 5, 0, "half of ten"},
	{10, 6, {.share = 0.2, .least = 100}, 0, 6, "more than half of ten"},
	{9, 8, {.share = 0.2, .least = 100}, 8, 0, "most of nine"},
	{9, 9, {.share = 0.2, .least = 100}, 0, 9, "all of nine"},
	{1, 1, {.share = 1, .least = 100}, 0, 1, "the only one"},
	{1000, 1000, {.share = 1, .least = 5000}, 0, 1000, "all, whatever the limits"},
	{1000, 501, {.share = 1, .least = 5000}, 0, 501, "more than half, whatever the limits"},
	{100, 1, {0}, 0, 1, "a sweep that was told no limits holds everything"},
	{1000, 1000, {.share = 0.2, .least = 100, .force = true}, 1000, 0, "all, confirmed"},
};

TEST("the brake holds back what is too much, and writes nothing then")
{
	for (size_t i = 0; i < LENGTH(brakes); i++) {
		struct kit k;
		uint32_t d;
		struct sweep how = brakes[i].how;
		struct commit_counts n;
		uint64_t sequence;

		kit_init(&k);
		REQUIRE(kit_open(&k));
		how.dataset = d = kit_dataset(&k, "M");
		fill(&k, d, 0, brakes[i].live, "1");
		begin(&k, d);
		fill(&k, d, 0, brakes[i].live - brakes[i].absent, "1");
		sequence = kit_info(&k, d).sequence;
		n = sweep(&k, how);
		if ((int)n.deleted != brakes[i].deleted || (int)n.held != brakes[i].held ||
		    (int)n.absent != brakes[i].absent)
			printf("# %s: deleted %d held %d\n", brakes[i].why, (int)n.deleted, (int)n.held);
		CHECK_INT(n.absent, brakes[i].absent);
		CHECK_INT(n.deleted, brakes[i].deleted);
		CHECK_INT(n.held, brakes[i].held);
		CHECK_INT(kit_info(&k, d).sequence, sequence + n.deleted);
		CHECK_INT(kit_info(&k, d).live, brakes[i].live - brakes[i].deleted);
		CHECK(kit_verify(&k));
		kit_finish(&k);
	}
}

TEST("deletes that were held go when the sweep is confirmed, except what came back meanwhile")
{
	struct kit k;
	uint32_t d;
	struct commit_counts n;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	fill(&k, d, 0, 20, "1");
	begin(&k, d);
	fill(&k, d, 0, 5, "1");
	CHECK_INT(sweep(&k, (struct sweep){.dataset = d, .share = 0.2, .least = 1}).held, 15);
	REQUIRE(kit_reopen(&k));
	fill(&k, d, 5, 6, "1");
	n = sweep(&k, (struct sweep){.dataset = d, .force = true});
	CHECK_INT(n.deleted, 14);
	CHECK_INT(kit_info(&k, d).live, 6);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("where order cannot be proven, only what was absent twice in a row goes")
{
	struct kit k;
	uint32_t d;
	struct sweep how;
	struct commit_counts n;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	how = (struct sweep){.dataset = d, .share = 0.5, .least = 100, .twice = true};
	fill(&k, d, 0, 20, "1");
	begin(&k, d);
	fill(&k, d, 0, 17, "1"); /* 17, 18, 19 are absent */
	n = sweep(&k, how);
	CHECK_INT(n.absent, 3);
	CHECK_INT(n.deleted, 0);
	begin(&k, d);
	fill(&k, d, 1, 18, "1"); /* 17 is back; 0 is absent for the first time */
	n = sweep(&k, how);
	CHECK_INT(n.absent, 3);
	CHECK_INT(n.deleted, 2);
	CHECK(kit_record(&k, d, "00000").deleted_us == 0);
	CHECK(kit_record(&k, d, "00017").deleted_us == 0);
	CHECK(kit_record(&k, d, "00018").deleted_us != 0);
	begin(&k, d);
	fill(&k, d, 0, 17, "1"); /* 17 is absent again, but was there in between: suspect once more */
	n = sweep(&k, how);
	CHECK_INT(n.absent, 1);
	CHECK_INT(n.deleted, 0);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("a sweep of many bitmap pages and shuffled ids is exact")
{
	struct kit k;
	uint32_t d;
	struct commit *c;
	struct commit_counts n;
	char id[16];
	int N = 70000;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	c = kit_commit(&k);
	for (int i = 0; i < N; i++) {
		snprintf(id, sizeof(id), "%u", (unsigned)i * 2654435761u);
		kit_put(&k, c, d, id, "{}");
	}
	commit_seen_begin(c, d);
	for (int i = 0; i < N; i++) {
		snprintf(id, sizeof(id), "%u", (unsigned)i * 2654435761u);
		if (i % 7)
			kit_put(&k, c, d, id, "{}");
	}
	commit_sweep(c, &(struct sweep){.dataset = d, .share = 0.2, .least = 100});
	n = kit_wait(&k, c);
	CHECK_INT(n.added, N);
	CHECK_INT(n.deleted, N / 7);
	CHECK_INT(n.unchanged, N - N / 7);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

/* What an event wrote, and pages that were asked for before it: they pass it over, whatever way they come. */
#include "store_kit.h"

#define S INT64_C(1000000)

static struct commit *
spoken(struct kit *k, enum voice_whose whose, int64_t at_us)
{
	const struct voice v = {.whose = whose, .at_us = at_us, .until_us = at_us, .keep_us = 1000 * S};
	struct commit *c = kit_commit(k);

	commit_voice(c, &v);
	return c;
}

static struct commit_counts
said(struct kit *k, enum voice_whose whose, int64_t at_us, uint32_t dataset, const char *id, const char *json)
{
	struct commit *c = spoken(k, whose, at_us);

	if (json)
		kit_put(k, c, dataset, id, json);
	else
		commit_delete(c, dataset, slice_str(id));
	return kit_wait(k, c);
}

TEST("a page that was asked for before an event passes over what the event wrote, and one asked for later does not")
{
	struct kit k;
	struct commit_counts n;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "A");
	said(&k, VOICE_PAGE, KIT_T0, d, "a", "{\"v\":1}");
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "a", "{\"v\":2}");
	REQUIRE(kit_reopen(&k));
	n = said(&k, VOICE_PAGE, KIT_T0 + 9 * S, d, "a", "{\"v\":1}");
	CHECK_INT(n.saved, 1);
	CHECK_INT(n.unchanged, 1);
	CHECK_FEED(&k, d, 1, "2:updated:a={\"v\":2}");
	said(&k, VOICE_PAGE, KIT_T0 + 9 * S, d, "b", "{\"v\":1}");
	said(&k, VOICE_PAGE, KIT_T0 + 11 * S, d, "a", "{\"v\":3}");
	CHECK_FEED(&k, d, 2, "3:added:b={\"v\":1} 4:updated:a={\"v\":3}");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("a slow page neither brings back what an event deleted, nor makes what no store had seen")
{
	struct kit k;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "A");
	said(&k, VOICE_PAGE, KIT_T0, d, "a", "{\"v\":1}");
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "a", NULL);
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "b", NULL);
	said(&k, VOICE_PAGE, KIT_T0 + 5 * S, d, "a", "{\"v\":1}");
	said(&k, VOICE_PAGE, KIT_T0 + 5 * S, d, "b", "{\"v\":1}");
	CHECK_INT(kit_info(&k, d).live, 0);
	said(&k, VOICE_PAGE, KIT_T0 + 11 * S, d, "b", "{\"v\":1}");
	CHECK_INT(kit_info(&k, d).live, 1);
	kit_finish(&k);
}

TEST("an event that comes late does not overwrite one that happened after it, and the same moment again does")
{
	struct kit k;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "A");
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "a", "{\"v\":2}");
	said(&k, VOICE_EVENT, KIT_T0 + 9 * S, d, "a", "{\"v\":1}");
	CHECK_STR(kit_record(&k, d, "a").json, "{\"v\":2}");
	said(&k, VOICE_EVENT, KIT_T0 + 9 * S, d, "a", NULL);
	CHECK_INT(kit_info(&k, d).live, 1);
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "a", "{\"v\":3}");
	CHECK_STR(kit_record(&k, d, "a").json, "{\"v\":3}");
	kit_finish(&k);
}

TEST("a record that an event made or a page passed over during a full listing is not swept as absent")
{
	const struct sweep how = {.share = 1, .force = true};
	struct kit k;
	struct commit *c;
	struct sweep sweep = how;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = sweep.dataset = kit_dataset(&k, "A");
	kit_save(&k, d, "gone", "{\"v\":1}");
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "before", "{\"v\":2}");
	c = kit_commit(&k);
	commit_seen_begin(c, d);
	kit_wait(&k, c);
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "made", "{\"v\":2}");
	said(&k, VOICE_PAGE, KIT_T0 + 5 * S, d, "before", "{\"v\":1}");
	c = kit_commit(&k);
	commit_sweep(c, &sweep);
	CHECK_INT(kit_wait(&k, c).deleted, 1);
	CHECK_INT(kit_info(&k, d).live, 2);
	CHECK_INT(kit_record(&k, d, "gone").deleted_us != 0, 1);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("what was staged before an event does not overwrite it when it is published, and what was staged after does")
{
	struct kit k;
	struct commit *c;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "A");
	kit_save(&k, d, "dead", "{\"v\":0}");
	c = spoken(&k, VOICE_PAGE, KIT_T0 + 5 * S);
	commit_seen_begin(c, d);
	commit_staged(c, true);
	kit_put(&k, c, d, "a", "{\"v\":1}");
	kit_put(&k, c, d, "dead", "{\"v\":1}");
	commit_voice(c, &(struct voice){.whose = VOICE_PAGE, .at_us = KIT_T0 + 20 * S});
	kit_put(&k, c, d, "b", "{\"v\":1}");
	kit_wait(&k, c);
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "a", "{\"v\":2}");
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "b", "{\"v\":2}");
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "dead", NULL);
	CHECK(kit_verify(&k));
	c = kit_commit(&k);
	commit_publish(c, d);
	kit_wait(&k, c);
	CHECK_STR(kit_record(&k, d, "a").json, "{\"v\":2}");
	CHECK_STR(kit_record(&k, d, "b").json, "{\"v\":1}");
	CHECK_INT(kit_info(&k, d).live, 2);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("an event that is handled hours late passes over what a page has changed since, and not what an event has")
{
	struct kit k;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "A");
	kit_save(&k, d, "a", "{\"v\":1}");
	kit_save(&k, d, "b", "{\"v\":1}");
	k.now_us = KIT_T0 + 7200 * S;
	said(&k, VOICE_PAGE, k.now_us, d, "a", "{\"v\":3}");
	k.now_us = KIT_T0 + 7300 * S;
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "a", "{\"v\":2}");
	said(&k, VOICE_EVENT, KIT_T0 + 10 * S, d, "b", "{\"v\":2}");
	said(&k, VOICE_EVENT, KIT_T0 + 11 * S, d, "b", "{\"v\":3}");
	CHECK_STR(kit_record(&k, d, "a").json, "{\"v\":3}");
	CHECK_STR(kit_record(&k, d, "b").json, "{\"v\":3}");
	k.now_us = KIT_T0 + 7400 * S;
	said(&k, VOICE_EVENT, KIT_T0 + 12 * S, d, "b", "{\"v\":4}");
	CHECK_STR(kit_record(&k, d, "b").json, "{\"v\":4}");
	said(&k, VOICE_EVENT, KIT_T0 + 9 * S, d, "new", "{\"v\":1}");
	CHECK_STR(kit_record(&k, d, "new").json, "{\"v\":1}");
	kit_finish(&k);
}

TEST("guards that are older than they are kept go by themselves")
{
	struct kit k;
	struct store_stats before, after;
	char id[16];
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "A");
	said(&k, VOICE_EVENT, KIT_T0, d, "a", NULL);
	store_stats(k.s, &before);
	for (int i = 0; i < 300; i++) {
		k.now_us = KIT_T0 + i * 2000 * S;
		snprintf(id, sizeof(id), "n%d", i);
		said(&k, VOICE_EVENT, k.now_us, d, id, NULL);
	}
	store_stats(k.s, &after);
	CHECK(after.used_bytes < before.used_bytes + (64 << 10));
	said(&k, VOICE_PAGE, KIT_T0 - S, d, "a", "{\"v\":1}");
	CHECK_INT(kit_info(&k, d).live, 1);
	kit_finish(&k);
}

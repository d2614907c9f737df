/* Small state, and dead letters. */
#include "store_kit.h"

static char *
get(struct kit *k, uint32_t scope, enum state_kind kind, const char *name)
{
	struct buf b = {0};

	buf_puts(&b, "dirt that was there before");
	if (!store_state_get(k->s, scope, kind, slice_str(name), &b)) {
		buf_clear(&b);
		buf_puts(&b, "(none)");
	}
	return buf_take(&b);
}

#define CHECK_STATE(k, scope, kind, name, wanted)                                                                      \
	do {                                                                                                           \
		char *got_ = get(k, scope, kind, name);                                                                \
		CHECK_STR(got_, wanted);                                                                               \
		free(got_);                                                                                            \
	} while (0)

TEST("state is set, merged at the top level, and cleared, apart by scope, kind and name")
{
	struct kit k;
	uint32_t a, b;
	struct commit *c;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	a = kit_scope(&k, "a");
	b = kit_scope(&k, "b");
	CHECK(a != b);
	CHECK_STATE(&k, a, STATE_CHECKPOINT, "", "(none)");
	c = kit_commit(&k);
	commit_state_set(c, a, STATE_CHECKPOINT, SLICE(""), SLICE("{\"after\":1}"));
	commit_state_set(c, b, STATE_CHECKPOINT, SLICE(""), SLICE(""));
	commit_state_merge(c, a, STATE_METADATA, SLICE(""), SLICE("{\"x\":{\"y\":1},\"z\":2}"));
	commit_state_merge(c, a, STATE_METADATA, SLICE(""), SLICE("{\"x\":{\"w\":1}}"));
	commit_state_set(c, a, STATE_HELD, SLICE("Contact"), SLICE("3"));
	commit_state_set(c, a, STATE_HELD, SLICE("Lead"), SLICE("4"));
	kit_wait(&k, c);
	REQUIRE(kit_reopen(&k));
	CHECK_STATE(&k, a, STATE_CHECKPOINT, "", "{\"after\":1}");
	CHECK_STATE(&k, b, STATE_CHECKPOINT, "", "");
	CHECK_STATE(&k, b, STATE_METADATA, "", "(none)");
	CHECK_STATE(&k, a, STATE_METADATA, "", "{\"x\":{\"w\":1},\"z\":2}");
	c = kit_commit(&k);
	commit_state_clear(c, a, STATE_HELD, SLICE("Contact"));
	commit_state_clear(c, a, STATE_HELD, SLICE("Nothing"));
	commit_state_clear_all(c, a, STATE_METADATA);
	kit_wait(&k, c);
	CHECK_STATE(&k, a, STATE_HELD, "Contact", "(none)");
	CHECK_STATE(&k, a, STATE_HELD, "Lead", "4");
	CHECK_STATE(&k, a, STATE_METADATA, "", "(none)");
	CHECK_STATE(&k, a, STATE_CHECKPOINT, "", "{\"after\":1}");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

static bool
list_each(void *arg, struct slice name, struct slice value)
{
	buf_printf(arg, "%d%.*s=%.*s ", name.p[0], (int)name.len - 1 > 8 ? 8 : (int)name.len - 1, name.p + 1,
	           (int)value.len, value.p);
	return true;
}

TEST("positions deeper than a level are dropped, whatever the length of their names")
{
	struct kit k;
	uint32_t scope, other;
	struct commit *c;
	struct buf b = {0};
	char name[1200];

	kit_init(&k);
	REQUIRE(kit_open(&k));
	scope = kit_scope(&k, "a");
	other = kit_scope(&k, "b");
	c = kit_commit(&k);
	for (int depth = 0; depth < 4; depth++) {
		memset(name, 'n', sizeof(name));
		name[0] = (char)depth;
		commit_state_set(c, scope, STATE_POSITION, slice_of(name, 4), SLICE("short"));
		commit_state_set(c, scope, STATE_POSITION, slice_of(name, sizeof(name)), SLICE("long"));
		name[sizeof(name) - 1] = 'm';
		commit_state_set(c, scope, STATE_POSITION, slice_of(name, sizeof(name)), SLICE("other"));
		commit_state_set(c, other, STATE_POSITION, slice_of(name, 4), SLICE("kept"));
	}
	commit_state_set(c, scope, STATE_RUN, SLICE("\xff"), SLICE("kept"));
	kit_wait(&k, c);
	name[0] = 2;
	CHECK(store_state_get(k.s, scope, STATE_POSITION, slice_of(name, sizeof(name)), &b));
	CHECK_STR(buf_str(&b), "other");
	c = kit_commit(&k);
	commit_positions_drop(c, scope, 1);
	commit_positions_drop(c, scope, 255);
	kit_wait(&k, c);
	buf_clear(&b);
	CHECK(store_state_list(k.s, scope, STATE_POSITION, list_each, &b, &k.err) == 0);
	CHECK_HAS(buf_str(&b), "0nnn=short ");
	CHECK_HAS(buf_str(&b), "1nnnnnnnn=long ");
	CHECK_HAS(buf_str(&b), "1nnnnnnnn=other ");
	CHECK(!strchr(buf_str(&b), '2') && !strchr(buf_str(&b), '3'));
	CHECK_STATE(&k, scope, STATE_RUN, "\xff", "kept");
	buf_clear(&b);
	CHECK(store_state_list(k.s, other, STATE_POSITION, list_each, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "0nnn=kept 1nnn=kept 2nnn=kept 3nnn=kept ");
	CHECK(kit_verify(&k));
	buf_free(&b);
	kit_finish(&k);
}

TEST("thousands of positions are cleared to the last one")
{
	struct kit k;
	uint32_t scope;
	struct commit *c;
	struct buf b = {0};
	char name[16];

	kit_init(&k);
	REQUIRE(kit_open(&k));
	scope = kit_scope(&k, "a");
	c = kit_commit(&k);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%c%d", 1 + i % 3, i);
		commit_state_set(c, scope, STATE_POSITION, slice_str(name), slice_str(name));
	}
	kit_wait(&k, c);
	c = kit_commit(&k);
	commit_state_clear_all(c, scope, STATE_POSITION);
	kit_wait(&k, c);
	CHECK(store_state_list(k.s, scope, STATE_POSITION, list_each, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "");
	buf_free(&b);
	kit_finish(&k);
}

/* ---- dead letters ---- */

static bool
dead_each(void *arg, const struct dead_info *d)
{
	buf_printf(arg, "%llu:%s/%s:%.*s:%.*s:%.*s:%llu:%llu ", (unsigned long long)d->number, d->connection, d->sync,
	           (int)d->model.len, d->model.p, (int)d->id.len, d->id.p, (int)d->reason.len, d->reason.p,
	           (unsigned long long)d->attempts, (unsigned long long)d->run);
	return true;
}

static void
dead_one(void *arg, const struct dead_info *d)
{
	buf_printf(arg, "%zu of %llu, %lld to %lld", d->raw.len, (unsigned long long)d->raw_len,
	           (long long)(d->first_us - KIT_T0), (long long)(d->last_us - KIT_T0));
}

static char *
dead_list(struct kit *k, uint32_t scope)
{
	struct buf b = {0};

	if (store_dead(k->s, scope, 0, 0, dead_each, &b, &k->err) < 0)
		buf_printf(&b, "[%s]", k->err.text);
	return buf_take(&b);
}

#define CHECK_DEAD(k, scope, wanted)                                                                                   \
	do {                                                                                                           \
		char *got_ = dead_list(k, scope);                                                                      \
		CHECK_STR(got_, wanted);                                                                               \
		free(got_);                                                                                            \
	} while (0)

TEST("a letter counts its attempts, and a later save of its id resolves it")
{
	struct kit k;
	uint32_t a, b, d;
	struct commit *c;
	struct buf text = {0};
	struct dead_letter l;
	char *big = calloc(1, 100000);

	kit_init(&k);
	REQUIRE(kit_open(&k));
	a = kit_scope(&k, "a");
	b = kit_scope(&k, "b");
	d = kit_dataset(&k, "M");
	l = (struct dead_letter){.scope = a,
	                         .dataset = d,
	                         .model = SLICE("M"),
	                         .id = SLICE("7"),
	                         .raw = SLICE("{\"id\":7,}"),
	                         .reason = SLICE("bad"),
	                         .run = 1};
	c = kit_commit(&k);
	commit_dead(c, &l);
	l.id = (struct slice){0};
	l.raw = slice_of(big, 100000);
	commit_dead(c, &l);
	l.scope = b;
	l.id = SLICE("7");
	commit_dead(c, &l);
	kit_wait(&k, c);
	CHECK_DEAD(&k, 0, "1:acme/a:M:7:bad:1:1 2:acme/a:M::bad:1:1 3:acme/b:M:7:bad:1:1 ");
	k.now_us += 5;
	l.scope = a;
	l.reason = SLICE("worse");
	l.run = 2;
	c = kit_commit(&k);
	commit_dead(c, &l);
	l.id = (struct slice){0};
	commit_dead(c, &l);
	kit_wait(&k, c);
	REQUIRE(kit_reopen(&k));
	CHECK_DEAD(&k, a, "1:acme/a:M:7:worse:2:2 2:acme/a:M::worse:2:2 ");
	CHECK(store_dead_get(k.s, 2, dead_one, &text));
	CHECK_STR(buf_str(&text), "65536 of 100000, 0 to 5");
	CHECK(!store_dead_get(k.s, 9, dead_one, &text));
	CHECK_INT(store_dead_count(k.s, 0), 3);
	CHECK_INT(store_dead_count(k.s, a), 2);
	CHECK_INT(store_dead_count(k.s, b), 1);
	CHECK(kit_verify(&k));
	kit_save(&k, d, "8", "1");
	CHECK_INT(store_dead_count(k.s, 0), 3);
	kit_save(&k, d, "7", "1"); /* of whichever sync */
	CHECK_DEAD(&k, 0, "2:acme/a:M::worse:2:2 ");
	CHECK_INT(store_dead_count(k.s, a), 1);
	CHECK_INT(store_dead_count(k.s, b), 0);
	CHECK(kit_verify(&k));
	free(big);
	buf_free(&text);
	kit_finish(&k);
}

TEST("an unchanged save resolves a letter too; letters without a dataset are told apart by model")
{
	struct kit k;
	uint32_t a, d;
	struct commit *c;
	struct dead_letter l;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	a = kit_scope(&k, "a");
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "7", "1");
	c = kit_commit(&k);
	l = (struct dead_letter){.scope = a, .dataset = d, .model = SLICE("M"), .id = SLICE("7"), .reason = SLICE("r")};
	commit_dead(c, &l);
	l.dataset = 0;
	commit_dead(c, &l);
	l.model = SLICE("N");
	commit_dead(c, &l);
	kit_wait(&k, c);
	CHECK_INT(store_dead_count(k.s, 0), 3);
	CHECK_INT(kit_save(&k, d, "7", "1").unchanged, 1);
	CHECK_DEAD(&k, 0, "2:acme/a:M:7:r:1:0 3:acme/a:N:7:r:1:0 ");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

/* ---- logs ---- */

static bool
line_each(void *arg, uint64_t n, struct slice json)
{
	buf_printf(arg, "%llu%.*s ", (unsigned long long)n, (int)json.len, json.p);
	return true;
}

TEST("a run's log is read from any line; runs are listed from the newest")
{
	struct kit k;
	struct buf b = {0};
	struct commit *c;
	char text[16];

	kit_init(&k);
	REQUIRE(kit_open(&k));
	c = kit_commit(&k);
	for (unsigned long long i = 1; i <= 5; i++) {
		snprintf(text, sizeof(text), "r%llu", i);
		commit_run(c, i, slice_str(text));
		commit_log(c, i % 2, SLICE("x"));
	}
	commit_run(c, 3, SLICE("again"));
	kit_wait(&k, c);
	CHECK(store_runs(k.s, 0, 3, line_each, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "5r5 4r4 3again ");
	buf_clear(&b);
	CHECK(store_runs(k.s, 3, 0, line_each, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "2r2 1r1 ");
	buf_clear(&b);
	CHECK(store_runs(k.s, 99, 1, line_each, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "5r5 ");
	buf_clear(&b);
	CHECK(store_log(k.s, 1, 1, 0, line_each, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "2x 3x ");
	buf_clear(&b);
	CHECK(store_log(k.s, 0, 0, 1, line_each, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "1x ");
	buf_free(&b);
	kit_finish(&k);
}

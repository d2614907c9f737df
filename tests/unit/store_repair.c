/* What people do by hand: confirming deletes that were held back, and settling, retrying and dropping dead letters. */
#include "store_kit.h"

static bool
id_add(void *arg, const struct record *r)
{
	buf_printf(arg, "%.*s=%.*s ", (int)r->id.len, r->id.p, (int)r->json.len, r->json.p);
	return true;
}

static char *
absent(struct kit *k, struct sweep how, const char *after, size_t limit)
{
	struct buf b = {0};

	if (store_absent(k->s, &how, slice_str(after), limit, id_add, &b, &k->err) < 0)
		buf_printf(&b, "[%s]", k->err.text);
	return buf_take(&b);
}

#define CHECK_ABSENT(k, how, after, limit, wanted)                                                                     \
	do {                                                                                                           \
		char *got_ = absent(k, how, after, limit);                                                             \
		CHECK_STR(got_, wanted);                                                                               \
		free(got_);                                                                                            \
	} while (0)

static void
held(struct kit *k, uint32_t d) /* a, b, c, d were there; the listing has only b: more than nothing may go */
{
	struct commit *c = kit_commit(k);

	for (const char *id = "a\0b\0c\0d\0"; *id; id += 2)
		kit_put(k, c, d, id, "1");
	commit_seen_begin(c, d);
	kit_put(k, c, d, "b", "1");
	commit_sweep(c, &(struct sweep){.dataset = d});
	CHECK_INT(kit_wait(k, c).held, 3);
}

TEST("what a held sweep would delete is shown in pages, and a confirmed one deletes just that")
{
	for (int hashed = 0; hashed < 2; hashed++) {
		struct kit k;
		struct sweep how = {.force = true, .most = 3};
		struct commit *c;
		struct commit_counts n;
		uint32_t other;

		kit_init(&k);
		k.o.hash_ids = hashed;
		REQUIRE(kit_open(&k));
		how.dataset = kit_dataset(&k, "M");
		other = kit_dataset(&k, "N");
		held(&k, how.dataset);
		kit_save(&k, other, "z", "1");
		REQUIRE(kit_reopen(&k));
		if (!hashed) {
			CHECK_ABSENT(&k, how, "", 0, "a=1 c=1 d=1 ");
			CHECK_ABSENT(&k, how, "", 2, "a=1 c=1 ");
			CHECK_ABSENT(&k, how, "c", 2, "d=1 ");
			CHECK_ABSENT(&k, how, "bb", 1, "c=1 "); /* that is not there */
			CHECK_ABSENT(&k, how, "d", 2, "");
		} else { /* in another order, but each once */
			char *first = absent(&k, how, "", 1), *rest;
			CHECK_INT(strlen(first), 4);
			first[1] = 0;
			rest = absent(&k, how, first, 0);
			CHECK_INT(strlen(rest), 8);
			CHECK(!strstr(rest, first) && !strstr(rest, "b="));
			free(first);
			free(rest);
		}
		CHECK_ABSENT(&k, (struct sweep){.dataset = other}, "", 0, ""); /* no generation */
		c = kit_commit(&k);
		commit_sweep(c, &how);
		n = kit_wait(&k, c);
		CHECK_INT(n.deleted, 3);
		CHECK_INT(kit_info(&k, how.dataset).live, 1);
		CHECK(!kit_record(&k, how.dataset, "b").deleted_us);
		CHECK_ABSENT(&k, how, "", 0, "");
		CHECK(kit_verify(&k));
		kit_finish(&k);
	}
}

TEST("of a listing that proves order only in two, only what was absent twice is shown")
{
	struct kit k;
	struct sweep how = {.twice = true};
	struct commit *c;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	how.dataset = kit_dataset(&k, "M");
	c = kit_commit(&k);
	kit_put(&k, c, how.dataset, "a", "1");
	kit_put(&k, c, how.dataset, "b", "1");
	kit_put(&k, c, how.dataset, "c", "1");
	commit_seen_begin(c, how.dataset);
	kit_put(&k, c, how.dataset, "b", "1");
	kit_put(&k, c, how.dataset, "c", "1");
	commit_sweep(c, &how);
	commit_seen_begin(c, how.dataset);
	kit_put(&k, c, how.dataset, "c", "1");
	commit_sweep(c, &how);
	CHECK_INT(kit_wait(&k, c).held, 1);
	CHECK_ABSENT(&k, how, "", 0, "a=1 ");
	how.force = true;
	how.most = 1;
	c = kit_commit(&k);
	commit_sweep(c, &how);
	CHECK_INT(kit_wait(&k, c).deleted, 1);
	CHECK(kit_record(&k, how.dataset, "a").deleted_us && !kit_record(&k, how.dataset, "b").deleted_us);
	kit_finish(&k);
}

TEST("more than was seen is not deleted, nor anything when the generation is over or a run has begun")
{
	struct kit k;
	uint32_t d, scope;
	uint64_t epoch;
	struct sweep how = {.force = true, .most = 2};
	struct commit *c;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	how.dataset = d = kit_dataset(&k, "M");
	scope = kit_scope(&k, "a");
	CHECK_INT(store_epoch(k.s, scope), 0);
	epoch = store_epoch_next(k.s, scope, &k.err);
	CHECK_INT(store_epoch(k.s, scope), epoch);
	held(&k, d);
	c = commit_new(k.s, (struct fence){scope, epoch});
	commit_sweep(c, &how);
	commit_state_clear(c, scope, STATE_HELD, SLICE("M"));
	CHECK(store_commit_wait(k.s, c, NULL, &k.err) < 0);
	CHECK_INT(k.err.cls, ERR_BUSY);
	how.most = 3;
	store_epoch_next(k.s, scope, &k.err);
	c = commit_new(k.s, (struct fence){scope, epoch});
	commit_sweep(c, &how);
	CHECK(store_commit_wait(k.s, c, NULL, &k.err) < 0);
	CHECK_INT(k.err.cls, ERR_BUSY);
	CHECK_INT(kit_info(&k, d).live, 4);
	c = kit_commit(&k);
	commit_sweep(c, &how);
	CHECK_INT(kit_wait(&k, c).deleted, 3);
	c = kit_commit(&k);
	commit_sweep(c, &how);
	CHECK(store_commit_wait(k.s, c, NULL, &k.err) < 0); /* over */
	CHECK_INT(k.err.cls, ERR_BUSY);
	kit_finish(&k);
}

static bool
scope_add(void *arg, uint32_t scope, const struct scope_name *n)
{
	buf_printf(arg, "%u:%s:%s:%s ", scope, n->connection, n->integration, n->sync);
	return true;
}

TEST("scopes are listed by name")
{
	struct kit k;
	struct buf b = {0};

	kit_init(&k);
	REQUIRE(kit_open(&k));
	kit_scope(&k, "a");
	kit_scope(&k, NULL);
	CHECK(store_scopes(k.s, scope_add, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "1:acme:crm:a 2:acme:crm: ");
	buf_free(&b);
	kit_finish(&k);
}

/* ---- dead letters ---- */

static bool
dead_add(void *arg, const struct dead_info *d)
{
	buf_printf(arg, "%llu:%.*s:%.*s:%llu:%lld:%.*s ", (unsigned long long)d->number, (int)d->id.len, d->id.p,
	           (int)d->reason.len, d->reason.p, (unsigned long long)d->attempts,
	           (long long)(d->settled_us ? d->settled_us - KIT_T0 : -1), (int)d->settler.len, d->settler.p);
	return true;
}

#define CHECK_LETTERS(k, wanted)                                                                                       \
	do {                                                                                                           \
		struct buf b_ = {0};                                                                                   \
		CHECK(store_dead((k)->s, 0, 0, 0, dead_add, &b_, &(k)->err) == 0);                                     \
		CHECK_STR(buf_str(&b_), wanted);                                                                       \
		buf_free(&b_);                                                                                         \
	} while (0)

struct post {
	struct kit k;
	uint32_t scope, d;
};

static void
post_open(struct post *p, bool plain)
{
	kit_init(&p->k);
	p->k.o.plain = plain;
	kit_open(&p->k);
	p->scope = kit_scope(&p->k, "a");
	p->d = kit_dataset(&p->k, "M");
}

static void
refuse(struct post *p, const char *id)
{
	struct commit *c = kit_commit(&p->k);

	commit_dead(c, &(struct dead_letter){.scope = p->scope,
	                                     .dataset = p->d,
	                                     .model = SLICE("M"),
	                                     .id = slice_str(id),
	                                     .raw = SLICE("{}"),
	                                     .reason = SLICE("bad"),
	                                     .run = 1});
	kit_wait(&p->k, c);
}

static int
change(struct post *p, uint64_t number, enum dead_change how, const char *text)
{
	struct commit *c = kit_commit(&p->k);

	commit_dead_change(c, number, how, slice_str(text));
	p->k.err = (struct err){0};
	return store_commit_wait(p->k.s, c, NULL, &p->k.err);
}

TEST("a settled letter stays with who and when, counts nowhere, and the same failing again is a new one")
{
	for (int plain = 0; plain < 2; plain++) {
		struct post p;

		post_open(&p, plain);
		refuse(&p, "7");
		refuse(&p, "8");
		p.k.now_us += 9;
		CHECK(change(&p, 1, DEAD_SETTLE, "ann") == 0);
		REQUIRE(kit_reopen(&p.k));
		CHECK_LETTERS(&p.k, "1:7:bad:1:9:ann 2:8:bad:1:-1: ");
		CHECK_INT(store_dead_count(p.k.s, 0), 1);
		CHECK_INT(store_dead_count(p.k.s, p.scope), 1);
		CHECK(kit_verify(&p.k));
		CHECK(change(&p, 1, DEAD_SETTLE, "bob") < 0);
		CHECK_INT(p.k.err.cls, ERR_USAGE);
		CHECK(change(&p, 1, DEAD_TAKE, "") < 0 && change(&p, 1, DEAD_AGAIN, "x") < 0);
		refuse(&p, "7");
		CHECK_LETTERS(&p.k, "1:7:bad:1:9:ann 2:8:bad:1:-1: 3:7:bad:1:-1: ");
		CHECK(kit_verify(&p.k));
		kit_save(&p.k, p.d, "7", "1"); /* takes the open one only */
		CHECK_LETTERS(&p.k, "1:7:bad:1:9:ann 2:8:bad:1:-1: ");
		CHECK(kit_verify(&p.k));
		kit_finish(&p.k);
	}
}

TEST("dropping takes away letters of either kind, and one that is gone is fine")
{
	struct post p;

	post_open(&p, false);
	refuse(&p, "7");
	refuse(&p, "8");
	refuse(&p, "");
	CHECK(change(&p, 1, DEAD_SETTLE, "ann") == 0);
	CHECK(change(&p, 1, DEAD_DROP, "") == 0 && change(&p, 2, DEAD_DROP, "") == 0);
	CHECK(change(&p, 2, DEAD_DROP, "") == 0 && change(&p, 99, DEAD_DROP, "") == 0);
	CHECK_LETTERS(&p.k, "3::bad:1:-1: ");
	CHECK_INT(store_dead_count(p.k.s, p.scope), 1);
	CHECK(kit_verify(&p.k));
	CHECK(change(&p, 3, DEAD_DROP, "") == 0);
	CHECK_INT(store_dead_count(p.k.s, 0), 0);
	CHECK(kit_verify(&p.k));
	kit_finish(&p.k);
}

TEST("a record tried again is saved only as long as its letter is there")
{
	struct post p;
	struct commit *c;

	post_open(&p, false);
	refuse(&p, "7");
	CHECK(change(&p, 1, DEAD_AGAIN, "worse") == 0);
	CHECK_LETTERS(&p.k, "1:7:worse:2:-1: ");
	c = kit_commit(&p.k);
	commit_dead_change(c, 1, DEAD_TAKE, (struct slice){0});
	kit_put(&p.k, c, p.d, "7", "1");
	CHECK_INT(kit_wait(&p.k, c).added, 1);
	CHECK_LETTERS(&p.k, "");
	CHECK(kit_verify(&p.k));
	kit_save(&p.k, p.d, "7", "2"); /* newer */
	c = kit_commit(&p.k);
	commit_dead_change(c, 1, DEAD_TAKE, (struct slice){0});
	kit_put(&p.k, c, p.d, "7", "1");
	CHECK(store_commit_wait(p.k.s, c, NULL, &p.k.err) < 0);
	CHECK_STR(kit_record(&p.k, p.d, "7").json, "2");
	kit_finish(&p.k);
}

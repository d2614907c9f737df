/* Events that came in: stored once, in order, and done together with what their handler saved. */
#include "store_kit.h"

static struct commit_result last;

static void
noted(void *arg, const struct commit_result *r)
{
	(void)arg;
	last = *r;
}

/* What came of it: errors stay in `last`. */
static void
settle(struct kit *k, struct commit *c)
{
	store_commit(k->s, c, true, noted, NULL);
	store_drain(k->s);
}

static void
arrive(struct kit *k, uint32_t scope, const char *id, const char *body)
{
	const struct inbox_event e = {.scope = scope, .arrived_us = k->now_us, .happened_us = 7, .webhook = SLICE("events"),
	                              .id = slice_str(id), .type = SLICE("t"), .body = slice_str(body)};
	struct commit *c = kit_commit(k);

	commit_inbox(c, &e);
	settle(k, c);
}

static void
change(struct kit *k, uint64_t number, struct inbox_change how)
{
	struct commit *c = kit_commit(k);

	commit_inbox_change(c, number, &how);
	settle(k, c);
}

static void
take(void *arg, const struct inbox_event *e)
{
	snprintf(arg, 200, "%llu:%d:%llu:%.*s:%.*s:%.*s", (unsigned long long)e->number, e->state, (unsigned long long)e->attempts,
	         (int)e->id.len, e->id.p, (int)e->body.len, e->body.p, (int)e->reason.len, e->reason.p);
}

static bool
list(void *arg, const struct inbox_event *e)
{
	buf_printf(arg, "%llu ", (unsigned long long)e->number);
	return true;
}

static void
counted(void *arg, const struct inbox_count *n)
{
	buf_printf(arg, "%u:%llu ", n->scope, (unsigned long long)n->n);
}

TEST("an event is stored once, whatever it is sent again, and waits in its order until its handler is done")
{
	struct kit k;
	char text[200] = "";
	struct buf b = {0};
	uint32_t a, other;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	a = kit_scope(&k, NULL);
	other = kit_scope(&k, "s");
	arrive(&k, a, "e1", "{\"n\":1}");
	arrive(&k, other, "e1", "{\"n\":2}");
	CHECK_INT(last.known, 0);
	arrive(&k, a, "e2", "{\"n\":3}");
	arrive(&k, a, "e1", "{\"n\":1}");
	CHECK_INT(last.known, 1);
	REQUIRE(kit_reopen(&k));
	CHECK(store_inbox_next(k.s, a, 0, take, text));
	CHECK_STR(text, "1:1:0:e1:{\"n\":1}:");
	change(&k, 1, (struct inbox_change){.what = INBOX_HANDLED, .run = 5});
	CHECK(store_inbox_next(k.s, a, 0, take, text));
	CHECK_STR(text, "3:1:0:e2:{\"n\":3}:");
	arrive(&k, a, "e1", "{\"n\":1}");
	CHECK_INT(last.known, 1);
	CHECK(store_inbox_count(k.s, INBOX_WAITING, counted, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), a < other ? "1:1 2:1 " : "2:1 1:1 ");
	CHECK(kit_verify(&k));
	buf_free(&b);
	kit_finish(&k);
}

TEST("an event is done once: what its handler saved the second time is refused with it")
{
	struct kit k;
	struct commit *c;
	uint32_t a, d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	a = kit_scope(&k, NULL);
	d = kit_dataset(&k, "A");
	arrive(&k, a, "e1", "{}");
	for (int i = 0; i < 2; i++) {
		c = kit_commit(&k);
		kit_put(&k, c, d, "r", i ? "{\"v\":2}" : "{\"v\":1}");
		commit_inbox_change(c, 1, &(struct inbox_change){.what = INBOX_HANDLED});
		settle(&k, c);
		CHECK_INT(last.err.cls, i ? ERR_USAGE : ERR_NONE);
	}
	CHECK_STR(kit_record(&k, d, "r").json, "{\"v\":1}");
	kit_finish(&k);
}

TEST("a failed event waits with its reason, is put aside, and waits again when a person says so; numbers are never reused")
{
	struct kit k;
	char text[200] = "";
	struct buf b = {0};
	uint32_t a;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	a = kit_scope(&k, NULL);
	arrive(&k, a, "e1", "{}");
	change(&k, 1, (struct inbox_change){.what = INBOX_FAILED, .next_us = 9, .reason = SLICE("no")});
	CHECK(store_inbox_next(k.s, a, 0, take, text));
	CHECK_STR(text, "1:1:1:e1:{}:no");
	change(&k, 1, (struct inbox_change){.what = INBOX_PARK, .reason = SLICE("never")});
	CHECK(!store_inbox_next(k.s, a, 0, take, text));
	CHECK(kit_verify(&k));
	CHECK(store_inbox_count(k.s, INBOX_WAITING, counted, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "");
	CHECK(store_inbox_count(k.s, INBOX_DEAD, counted, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "1:1 ");
	buf_clear(&b);
	CHECK(store_inbox_get(k.s, 1, take, text));
	CHECK_STR(text, "1:3:2:e1:{}:never");
	change(&k, 1, (struct inbox_change){.what = INBOX_HANDLED});
	CHECK_INT(last.err.cls, ERR_USAGE);
	change(&k, 1, (struct inbox_change){.what = INBOX_AGAIN});
	CHECK(store_inbox_next(k.s, a, 0, take, text));
	CHECK_STR(text, "1:1:0:e1:{}:never");
	CHECK(store_inbox_count(k.s, INBOX_DEAD, counted, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "");
	CHECK(kit_verify(&k));
	change(&k, 1, (struct inbox_change){.what = INBOX_DROP});
	change(&k, 1, (struct inbox_change){.what = INBOX_DROP});
	CHECK_INT(last.err.cls, ERR_NONE);
	arrive(&k, a, "e1", "{}");
	arrive(&k, a, "e3", "{}");
	CHECK(store_inbox(k.s, &(struct inbox_query){.newest_first = true}, list, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "3 2 ");
	buf_clear(&b);
	CHECK(store_inbox(k.s, &(struct inbox_query){.newest_first = true, .after = 3}, list, &b, &k.err) == 0);
	CHECK(store_inbox(k.s, &(struct inbox_query){.after = 2, .state = INBOX_WAITING, .scope = a}, list, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "2 3 ");
	CHECK(kit_verify(&k));
	buf_free(&b);
	kit_finish(&k);
}

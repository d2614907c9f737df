/* store_outbox.c - the outbox: events of records and of callers, queues, gaps, and what becomes of an event. The model of
 * random commits is in store_outbox_model.c. */
#include <lmdb.h>
#include "store_kit.h"
#include "base/json.h"

static void
rules(struct kit *k, const struct outbox_rule *list, size_t n)
{
	k->err = (struct err){0};
	CHECK(store_outbox_rules(k->s, list, n, &k->err) == 0);
}

static void
rule_all(struct kit *k)
{
	rules(k, &(struct outbox_rule){.name = "crm", .wants = 7}, 1);
}

static bool
line_of(void *arg, const struct outbox_event *e)
{
	struct buf *b = arg;

	buf_printf(b, "%s%llu:%s", b->len ? " " : "", (unsigned long long)e->number, e->type);
	if (e->attempts)
		buf_printf(b, "/%llu", (unsigned long long)e->attempts);
	return true;
}

/* A queue as one line; yours. */
static char *
queue_line(struct kit *k, const char *name, bool parked)
{
	struct buf b = {0};
	const struct outbox_query q = {.endpoint = store_outbox_endpoint(k->s, name), .parked = parked, .limit = 1000};

	CHECK(store_outbox_list(k->s, &q, line_of, &b, &k->err) == 0);
	return buf_take(&b);
}

#define CHECK_QUEUE(k, name, parked, wanted)                                                                           \
	do {                                                                                                           \
		char *queue_got = queue_line(k, name, parked);                                                         \
		CHECK_STR(queue_got, wanted);                                                                          \
		free(queue_got);                                                                                       \
	} while (0)

struct taken {
	char id[OUTBOX_ID_MAX + 1], body[8192], reason[256];
	uint64_t number, attempts;
	int64_t first_us, next_us;
};

static void
take(void *arg, const struct outbox_event *e)
{
	struct taken *t = arg;

	t->number = e->number;
	t->attempts = e->attempts;
	t->first_us = e->first_try_us;
	t->next_us = e->next_try_us;
	snprintf(t->id, sizeof(t->id), "%s", e->id);
	snprintf(t->body, sizeof(t->body), "%.*s", (int)e->body.len, e->body.p);
	snprintf(t->reason, sizeof(t->reason), "%.*s", (int)e->reason.len, e->reason.p);
}

static struct taken
head(struct kit *k, const char *name)
{
	struct taken t = {0};

	store_outbox_next(k->s, store_outbox_endpoint(k->s, name), take, &t);
	return t;
}

static struct taken
event_at(struct kit *k, const char *name, uint64_t number)
{
	struct taken t = {0};

	store_outbox_get(k->s, store_outbox_endpoint(k->s, name), number, take, &t);
	return t;
}

static void
done(struct kit *k, const char *name, uint64_t number)
{
	struct commit *c = kit_commit(k);

	commit_outbox_done(c, store_outbox_endpoint(k->s, name), number);
	kit_wait(k, c);
}

static void
take_info(struct outbox_info *out, const struct outbox_info *i)
{
	*out = *i;
	out->name = NULL;
}

struct asked {
	const char *name;
	struct outbox_info info;
};

static bool
info_each(void *arg, const struct outbox_info *i)
{
	struct asked *a = arg;

	if (strcmp(i->name, a->name) == 0)
		take_info(&a->info, i);
	return true;
}

static struct outbox_info
info_of(struct kit *k, const char *name)
{
	struct asked a = {.name = name};

	CHECK(store_outbox_endpoints(k->s, info_each, &a, &k->err) == 0);
	return a.info;
}

/* How many entries the database has, whatever they are. */
static size_t
entries_of(struct kit *k)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi db;
	MDB_stat st = {0};

	kit_close(k);
	mdb_env_create(&env);
	mdb_env_set_maxdbs(env, 32);
	REQUIRE(mdb_env_open(env, k->dir, 0, 0600) == 0);
	mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	if (mdb_dbi_open(txn, "outbox", 0, &db) == 0)
		mdb_stat(txn, db, &st);
	mdb_txn_abort(txn);
	mdb_env_close(env);
	REQUIRE(kit_open(k));
	return st.ms_entries;
}

TEST("a record that is saved is an event, which stands until it was delivered")
{
	struct kit k;
	struct taken e;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rule_all(&k);
	d = kit_dataset(&k, "Contact");
	kit_save(&k, d, "a", "{\"id\":\"a\",\"n\":1}");
	e = head(&k, "crm");
	CHECK_STR(e.body, "{\"type\":\"records.created\",\"timestamp\":\"2027-01-15T08:00:00.000000Z\",\"data\":{\"connection\":\"acme\","
	                  "\"integration\":\"crm\",\"model\":\"Contact\",\"count\":1,\"after\":0,\"to\":1,\"records\":[{\"id\":\"a\",\"n\":1,"
	                  "\"_sluice\":{\"id\":\"a\",\"action\":\"added\",\"sequence\":1,\"first_seen_at\":\"2027-01-15T08:00:00.000000Z\","
	                  "\"modified_at\":\"2027-01-15T08:00:00.000000Z\"}}]}}");
	CHECK(strlen(e.id) == 36 && strncmp(e.id, "evt_", 4) == 0);
	CHECK_INT(store_outbox_added(k.s), 1);
	done(&k, "crm", e.number);
	CHECK(!store_outbox_next(k.s, store_outbox_endpoint(k.s, "crm"), take, &e));
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("without endpoints nothing is written, and an unchanged save is no event")
{
	struct kit k;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "Contact");
	kit_save(&k, d, "a", "{\"id\":\"a\"}");
	kit_delete(&k, d, "a");
	CHECK_INT(entries_of(&k), 0);
	rule_all(&k);
	kit_save(&k, d, "b", "{\"id\":\"b\"}");
	kit_save(&k, d, "b", "{ \"id\": \"b\" }");
	CHECK_QUEUE(&k, "crm", false, "1:records.created");
	kit_finish(&k);
}

TEST("successive changes of one action share an event; another action, or a full one, begins the next")
{
	static const struct outbox_rule list[] = {{.name = "three", .wants = 7, .batch = 3},
	                                          {.name = "created", .wants = OUTBOX_CREATED},
	                                          {.name = "pointer", .wants = 7, .batch = 1, .pointer = true}};
	struct kit k;
	struct commit *c;
	uint32_t d, e;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rules(&k, list, 3);
	d = kit_dataset(&k, "Contact");
	e = kit_dataset(&k, "Deal");
	c = kit_commit(&k);
	kit_put(&k, c, d, "a", "{\"n\":1}");
	kit_put(&k, c, e, "x", "{\"n\":1}"); /* of another dataset: the other's goes on */
	kit_put(&k, c, d, "b", "{\"n\":1}");
	kit_put(&k, c, d, "c", "{\"n\":1}");
	kit_put(&k, c, d, "d", "{\"n\":1}");
	kit_put(&k, c, d, "a", "{\"n\":2}");
	commit_delete(c, d, SLICE("b"));
	kit_put(&k, c, d, "b", "{\"n\":1}"); /* undeleted: created */
	kit_wait(&k, c);
	CHECK_QUEUE(&k, "three", false,
	            "1:records.created 2:records.created 3:records.updated 4:records.deleted 5:records.created 6:records.created");
	CHECK_QUEUE(&k, "created", false, "1:records.created 2:records.created");
	CHECK_QUEUE(&k, "pointer", false,
	            "1:records.created 2:records.updated 3:records.deleted 4:records.created 5:records.created");
	CHECK_HAS(event_at(&k, "three", 4).body, "\"records\":[{\"n\":1,\"_sluice\":{\"id\":\"b\",\"action\":\"deleted\",\"sequence\":6,");
	CHECK_HAS(event_at(&k, "three", 5).body, "\"action\":\"added\",\"sequence\":7,");
	CHECK_HAS(event_at(&k, "created", 1).body, "\"count\":5,\"after\":0,\"to\":7,");
	CHECK_HAS(event_at(&k, "pointer", 1).body, "\"model\":\"Contact\",\"count\":4,\"after\":0,\"to\":4}}");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("an endpoint is told of what its patterns name, whatever part is a star or missing")
{
	static const char *const contact[] = {"acme:crm:Contact", NULL}, *const any[] = {"*:crm", NULL}, *const other[] = {"bee", "*:*:Deal", NULL};
	static const struct outbox_rule list[] = {{.name = "contact", .wants = 7, .of = contact}, {.name = "any", .wants = 7, .of = any},
	                                          {.name = "other", .wants = 7, .of = other}};
	struct kit k;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rules(&k, list, 3);
	kit_save(&k, kit_dataset(&k, "Contact"), "a", "{}");
	kit_save(&k, kit_dataset(&k, "Deal"), "a", "{}");
	kit_save(&k, store_dataset(k.s, &(struct dataset_name){"bee", "erp", "Contact", "v"}, &k.err), "a", "{}");
	CHECK_QUEUE(&k, "contact", false, "1:records.created");
	CHECK_QUEUE(&k, "any", false, "1:records.created 2:records.created");
	CHECK_QUEUE(&k, "other", false, "1:records.created 2:records.created");
	CHECK_HAS(event_at(&k, "other", 2).body, "\"model\":\"Contact\",\"variant\":\"v\",");
	kit_finish(&k);
}

TEST("a member of our own name gives way, and an empty record has none before ours")
{
	struct kit k;
	uint32_t d;
	char *deep;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rule_all(&k);
	d = kit_dataset(&k, "Contact");
	kit_save(&k, d, "a", "{\"_sluice\":{\"id\":\"evil\"}}");
	kit_save(&k, d, "b", "{ }");
	kit_save(&k, d, "c", "{\"a\":[1, {}],\"_slu\\u0069ce\":1 ,\"b\":{} }");
	CHECK_HAS(event_at(&k, "crm", 1).body, "\"records\":[{\"_sluice\":{\"id\":\"a\",");
	CHECK_HAS(event_at(&k, "crm", 2).body, "\"records\":[{ \"_sluice\":{\"id\":\"b\",");
	CHECK_HAS(event_at(&k, "crm", 3).body, "\"records\":[{\"a\":[1, {}],\"b\":{},\"_sluice\":{\"id\":\"c\",");
	deep = xstrdup(event_at(&k, "crm", 3).body);
	CHECK(json_check(slice_str(deep), 0, NULL));
	free(deep);
	kit_finish(&k);
}

TEST("what a sweep deletes, a person confirms, and a run publishes are events in the same commit")
{
	struct kit k;
	struct commit *c;
	uint32_t d;
	const struct sweep confirmed = {.force = true};
	struct sweep how = confirmed;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "Contact");
	how.dataset = d;
	kit_save(&k, d, "a", "{\"v\":\"a\"}");
	kit_save(&k, d, "b", "{\"v\":\"b\"}");
	kit_save(&k, d, "c", "{\"v\":\"c\"}");
	kit_save(&k, d, "a", "{\"v\":\"A\"}");
	rule_all(&k);
	c = kit_commit(&k);
	commit_seen_begin(c, d);
	commit_sweep(c, &(struct sweep){.dataset = d}); /* held back: nothing happened */
	kit_wait(&k, c);
	CHECK_QUEUE(&k, "crm", false, "");
	c = kit_commit(&k);
	commit_sweep(c, &how);
	kit_wait(&k, c);
	CHECK_QUEUE(&k, "crm", false, "1:records.deleted");
	CHECK_HAS(head(&k, "crm").body, "\"count\":3,\"after\":4,\"to\":7,\"records\":[{\"v\":\"b\",\"_sluice\":{\"id\":\"b\",\"action\":\"deleted\",\"sequence\":5");
	CHECK_HAS(head(&k, "crm").body, "{\"v\":\"A\",\"_sluice\":{\"id\":\"a\",\"action\":\"deleted\",\"sequence\":7");
	c = kit_commit(&k);
	commit_staged(c, true);
	kit_put(&k, c, d, "z", "{\"v\":1}");
	kit_wait(&k, c);
	CHECK_QUEUE(&k, "crm", false, "1:records.deleted");
	c = kit_commit(&k);
	commit_publish(c, d);
	kit_wait(&k, c);
	CHECK_QUEUE(&k, "crm", false, "1:records.deleted 2:records.created");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("a merged dataset has events of its own, in the commit that changes its sources")
{
	static const struct dataset_name sources[] = {{"acme", "crm", "Contact", NULL}, {"acme", "crm", "Customer", NULL}};
	static const char *const keys[] = {"email", NULL}, *const of[] = {"merge:merge:people", NULL};
	const struct store_merge merge = {"people", sources, 2, keys, NULL};
	struct kit k;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rules(&k, &(struct outbox_rule){.name = "crm", .wants = 7, .of = of}, 1);
	REQUIRE(store_merges(k.s, &merge, 1, &k.err) == 0);
	while (store_merge_unbuilt(k.s)) {
		store_merge_build(k.s, store_merge_unbuilt(k.s), NULL, NULL);
		store_drain(k.s);
	}
	kit_save(&k, kit_dataset(&k, "Contact"), "a", "{\"email\":\"e\",\"n\":1}");
	kit_save(&k, kit_dataset(&k, "Customer"), "b", "{\"email\":\"e\",\"m\":1}");
	kit_delete(&k, kit_dataset(&k, "Contact"), "a");
	kit_delete(&k, kit_dataset(&k, "Customer"), "b");
	CHECK_QUEUE(&k, "crm", false, "1:records.created 2:records.updated 3:records.updated 4:records.deleted");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("of a commit that is very large the first 64 MiB are told with their records, the rest by its place in the feed")
{
	struct kit k;
	struct commit *c;
	uint32_t d;
	char *text = xmalloc((2 << 20) + 1), id[16];

	memset(text, 'x', 2 << 20);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + (2 << 20) - 2, "\"}", 3);
	kit_init(&k);
	REQUIRE(kit_open(&k));
	rule_all(&k);
	d = kit_dataset(&k, "Contact");
	c = kit_commit(&k);
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "%d", i);
		kit_put(&k, c, d, id, text);
	}
	kit_wait(&k, c);
	CHECK_INT(info_of(&k, "crm").pending, 34); /* the one in the making when that many were there still has its record */
	CHECK_HAS(event_at(&k, "crm", 34).body, "\"count\":7,\"after\":33,\"to\":40}}");
	CHECK_HAS(event_at(&k, "crm", 33).body, "\"records\":[{\"a\":");
	kit_save(&k, d, "z", "{}");
	CHECK_HAS(event_at(&k, "crm", 35).body, "\"records\":[");
	CHECK(kit_verify(&k));
	free(text);
	kit_finish(&k);
}

/* ---- full queues ---- */

TEST("a full queue ends in one gap that grows until it is the head, and then in another")
{
	struct kit k;
	uint32_t d, e;
	struct taken gap;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rules(&k, &(struct outbox_rule){.name = "crm", .wants = 7, .max_pending = 2}, 1);
	d = kit_dataset(&k, "Contact");
	e = kit_dataset(&k, "Deal");
	kit_save(&k, d, "a", "{}");
	kit_save(&k, d, "b", "{}");
	kit_save(&k, d, "c", "{}");
	kit_save(&k, d, "d", "{}");
	kit_save(&k, e, "x", "{}");
	kit_delete(&k, d, "a");
	CHECK_QUEUE(&k, "crm", false, "1:records.created 2:records.created 6:gap"); /* the fourth of its kind */
	gap = event_at(&k, "crm", 6);
	CHECK_HAS(gap.body, "\"data\":{\"events\":4,\"datasets\":["
	                    "{\"connection\":\"acme\",\"integration\":\"crm\",\"model\":\"Contact\",\"count\":3,\"after\":2,\"to\":5},"
	                    "{\"connection\":\"acme\",\"integration\":\"crm\",\"model\":\"Deal\",\"count\":1,\"after\":0,\"to\":1}]}}");
	done(&k, "crm", 1);
	kit_save(&k, d, "e", "{}");
	CHECK_QUEUE(&k, "crm", false, "2:records.created 7:gap");
	CHECK(strcmp(event_at(&k, "crm", 7).id, gap.id) != 0);
	done(&k, "crm", 6); /* a receipt for what was smaller takes nothing away */
	CHECK_HAS(event_at(&k, "crm", 7).body, "\"events\":5,");
	done(&k, "crm", 2); /* the gap is the head: somebody may be sending it */
	kit_save(&k, d, "f", "{}");
	kit_save(&k, d, "g", "{}");
	kit_save(&k, d, "h", "{}");
	CHECK_QUEUE(&k, "crm", false, "7:gap 8:records.created 10:gap");
	CHECK_HAS(event_at(&k, "crm", 10).body, "\"count\":2,\"after\":7,\"to\":9}");
	CHECK_INT(info_of(&k, "crm").pending, 3);
	done(&k, "crm", 7);
	done(&k, "crm", 8);
	done(&k, "crm", 10);
	kit_save(&k, d, "i", "{}");
	CHECK_QUEUE(&k, "crm", false, "11:records.created");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("what overflows within one commit is one gap, with everything of it that follows")
{
	struct kit k;
	struct commit *c;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rules(&k, &(struct outbox_rule){.name = "crm", .wants = 7, .max_pending = 2, .batch = 1}, 1);
	d = kit_dataset(&k, "Contact");
	c = kit_commit(&k);
	for (int i = 0; i < 500; i++) {
		char id[16];
		snprintf(id, sizeof(id), "%d", i);
		kit_put(&k, c, d, id, "{}");
	}
	kit_wait(&k, c);
	CHECK_QUEUE(&k, "crm", false, "1:records.created 2:records.created 3:gap");
	CHECK_HAS(event_at(&k, "crm", 3).body, "\"count\":498,\"after\":2,\"to\":500}");
	kit_finish(&k);
}

/* ---- what becomes of an event ---- */

TEST("attempts, giving up and trying again are kept over restarts, under the same id")
{
	struct kit k;
	struct commit *c;
	struct taken e, again;
	uint32_t crm, d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rule_all(&k);
	d = kit_dataset(&k, "Contact");
	kit_save(&k, d, "a", "{}");
	kit_save(&k, d, "b", "{}");
	crm = store_outbox_endpoint(k.s, "crm");
	e = head(&k, "crm");
	c = kit_commit(&k);
	commit_outbox_try(c, crm, 1, KIT_T0 + 5000000, SLICE("refused"));
	kit_wait(&k, c);
	k.now_us += 5000000;
	c = kit_commit(&k);
	commit_outbox_try(c, crm, 1, KIT_T0 + 35000000, SLICE("HTTP 500"));
	kit_wait(&k, c);
	REQUIRE(kit_reopen(&k));
	again = head(&k, "crm");
	CHECK_STR(again.id, e.id);
	CHECK_STR(again.body, e.body);
	CHECK_STR(again.reason, "HTTP 500");
	CHECK(again.attempts == 2 && again.first_us == KIT_T0 && again.next_us == KIT_T0 + 35000000);
	c = kit_commit(&k);
	commit_outbox_park(c, crm, 1, SLICE("given up"));
	kit_wait(&k, c);
	CHECK_QUEUE(&k, "crm", false, "2:records.created");
	CHECK_QUEUE(&k, "crm", true, "1:records.created/2");
	CHECK_INT(info_of(&k, "crm").parked, 1);
	CHECK(kit_verify(&k));
	c = kit_commit(&k);
	commit_outbox_retry(c, crm, 1);
	kit_wait(&k, c);
	CHECK_QUEUE(&k, "crm", false, "2:records.created 3:records.created");
	CHECK_STR(event_at(&k, "crm", 3).id, e.id);
	CHECK(event_at(&k, "crm", 3).first_us == 0);
	c = kit_commit(&k);
	commit_outbox_retry(c, crm, 1);
	CHECK(store_commit_wait(k.s, c, NULL, &k.err) < 0 && k.err.cls == ERR_USAGE);
	c = kit_commit(&k);
	commit_outbox_done(c, crm, 1); /* gone is fine, of an endpoint that never was too */
	commit_outbox_done(c, 77, 1);
	commit_outbox_drop(c, crm, 3);
	kit_wait(&k, c);
	CHECK_QUEUE(&k, "crm", false, "2:records.created");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("an endpoint that is no longer named keeps its queue until it is dropped, and goes on when it comes back")
{
	struct kit k;
	struct store_stats before, after;
	uint32_t crm, d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rules(&k, (struct outbox_rule[]){{.name = "crm", .wants = 7}, {.name = "empty", .wants = 8}}, 2);
	d = kit_dataset(&k, "Contact");
	kit_save(&k, d, "a", "{}");
	crm = store_outbox_endpoint(k.s, "crm");
	store_stats(k.s, &before);
	rules(&k, (struct outbox_rule[]){{.name = "empty", .wants = 8}, {.name = "crm", .wants = 7}}, 2);
	store_stats(k.s, &after);
	CHECK_INT(after.commits, before.commits); /* the same as they were: nothing to write */
	rules(&k, NULL, 0);
	kit_save(&k, d, "b", "{}");
	CHECK(!info_of(&k, "crm").in_force);
	CHECK_INT(store_outbox_endpoint(k.s, "empty"), 0);
	CHECK(kit_verify(&k));
	REQUIRE(kit_reopen(&k));
	CHECK_QUEUE(&k, "crm", false, "1:records.created");
	rule_all(&k);
	kit_save(&k, d, "c", "{}");
	CHECK_INT(store_outbox_endpoint(k.s, "crm"), crm);
	CHECK_QUEUE(&k, "crm", false, "1:records.created 2:records.created");
	rules(&k, NULL, 0);
	done(&k, "crm", 1);
	done(&k, "crm", 2);
	CHECK_INT(store_outbox_endpoint(k.s, "crm"), 0);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

static void
note_old(void *arg, uint32_t endpoint, uint64_t number)
{
	buf_printf(arg, "%u/%llu ", endpoint, (unsigned long long)number);
}

TEST("retention finds what was parked long ago, and what waits for an endpoint that is gone")
{
	struct kit k;
	struct commit *c;
	struct buf b = {0};
	uint32_t crm, d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rules(&k, (struct outbox_rule[]){{.name = "crm", .wants = 7}, {.name = "old", .wants = 7}}, 2);
	d = kit_dataset(&k, "Contact");
	kit_save(&k, d, "a", "{}");
	kit_save(&k, d, "b", "{}");
	crm = store_outbox_endpoint(k.s, "crm");
	c = kit_commit(&k);
	commit_outbox_park(c, crm, 1, SLICE("no"));
	kit_wait(&k, c);
	k.now_us += 10;
	kit_save(&k, d, "c", "{}");
	rule_all(&k);
	CHECK(store_outbox_old(k.s, KIT_T0 + 5, 100, note_old, &b, &k.err) == 0);
	CHECK_STR(buf_str(&b), "1/1 2/1 2/2 ");
	buf_free(&b);
	kit_finish(&k);
}

/* ---- events of the caller's ---- */

TEST("an event of a run's end counts what its own commit has swept, and stands behind it")
{
	static const char body[] = "{\"deleted\":,\"held\":}";
	const struct event_count counts[] = {{.at = 11, .what = EVENT_DELETED, .base = 40}, {.at = 19, .what = EVENT_HELD}};
	const struct event e = {.wants = 8, .connection = "acme", .integration = "crm", .type = "sync.success", .body = SLICE(body), .counts = counts, .n_counts = 2};
	static const char *const of[] = {"bee", NULL};
	struct kit k;
	struct commit *c;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rules(&k, (struct outbox_rule[]){{.name = "crm", .wants = 15}, {.name = "records", .wants = 7}, {.name = "bee", .wants = 8, .of = of}}, 3);
	CHECK(store_outbox_wanted(k.s, 8) && !store_outbox_wanted(k.s, 16));
	d = kit_dataset(&k, "Contact");
	kit_save(&k, d, "a", "{}");
	kit_save(&k, d, "b", "{}");
	c = kit_commit(&k);
	commit_seen_begin(c, d);
	commit_sweep(c, &(struct sweep){.dataset = d, .force = true});
	commit_event(c, &e);
	kit_wait(&k, c);
	CHECK_QUEUE(&k, "crm", false, "1:records.created 2:records.created 3:records.deleted 4:sync.success");
	CHECK_STR(event_at(&k, "crm", 4).body, "{\"deleted\":42,\"held\":0}");
	CHECK_QUEUE(&k, "records", false, "1:records.created 2:records.created 3:records.deleted");
	CHECK_QUEUE(&k, "bee", false, "");
	kit_finish(&k);
}

TEST("counts since the last such event are exact over runs that never came to their end, and none is put for none")
{
	static const char body[] = "{\"added\":,\"updated\":}";
	struct kit k;
	struct event_count counts[] = {{.at = 9, .what = EVENT_ADDED, .since = true}, {.at = 20, .what = EVENT_UPDATED, .since = true}};
	struct event e = {.wants = 32, .type = "sync", .body = SLICE(body), .counts = counts, .n_counts = 2, .unless_zero = true};
	struct commit *c;
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	rules(&k, &(struct outbox_rule){.name = "crm", .wants = 32}, 1);
	d = kit_dataset(&k, "Contact");
	e.scope = kit_scope(&k, "contacts");
	counts[0].dataset = counts[1].dataset = d;
	kit_save(&k, d, "a", "{}");
	kit_save(&k, d, "b", "{}");
	REQUIRE(kit_reopen(&k)); /* that run was killed */
	for (int i = 0; i < 2; i++) { /* the second has nothing to tell */
		c = kit_commit(&k);
		kit_put(&k, c, d, "a", "{\"n\":1}");
		commit_event(c, &e);
		kit_wait(&k, c);
	}
	CHECK_QUEUE(&k, "crm", false, "1:sync");
	CHECK_STR(head(&k, "crm").body, "{\"added\":2,\"updated\":1}");
	kit_save(&k, d, "c", "{}");
	c = kit_commit(&k);
	commit_event(c, &e);
	kit_wait(&k, c);
	CHECK_STR(event_at(&k, "crm", 2).body, "{\"added\":1,\"updated\":0}");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

/* ---- damage ---- */

static void
count_fault(void *arg, const char *text)
{
	*(int *)arg += strstr(text, "outbox") != NULL;
}

/* Changes the byte at `at` from the end of the first value whose key begins with kind. */
static void
flip(struct kit *k, char kind, size_t at)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_cursor *cur;
	MDB_dbi db;
	MDB_val key = {1, &kind}, v;
	char *copy;

	kit_close(k);
	mdb_env_create(&env);
	mdb_env_set_maxdbs(env, 32);
	REQUIRE(mdb_env_open(env, k->dir, 0, 0600) == 0);
	mdb_txn_begin(env, NULL, 0, &txn);
	REQUIRE(mdb_dbi_open(txn, "outbox", 0, &db) == 0);
	mdb_cursor_open(txn, db, &cur);
	REQUIRE(mdb_cursor_get(cur, &key, &v, MDB_SET_RANGE) == 0);
	copy = xmemdup(v.mv_data, v.mv_size);
	copy[v.mv_size - 1 - at] ^= 1;
	v.mv_data = copy;
	REQUIRE(mdb_cursor_put(cur, &key, &v, MDB_CURRENT) == 0);
	mdb_cursor_close(cur);
	mdb_txn_commit(txn);
	mdb_env_close(env);
	free(copy);
	REQUIRE(kit_open(k));
}

TEST("a bit that flipped in an event, a counter or a rule is found; a damaged event can be dropped")
{
	static const struct {
		char kind;
		size_t at;
	} bits[] = {{'q', 3}, {'q', 60}, {'e', 20}, {'d', 3}};

	for (size_t i = 0; i < LENGTH(bits); i++) {
		struct kit k;
		int faults = 0;
		kit_init(&k);
		REQUIRE(kit_open(&k));
		rule_all(&k);
		kit_save(&k, kit_dataset(&k, "Contact"), "a", "{}");
		CHECK(kit_verify(&k));
		flip(&k, bits[i].kind, bits[i].at);
		CHECK(store_verify(k.s, count_fault, &faults, &k.err) < 0);
		CHECK(faults > 0);
		if (bits[i].kind == 'q') {
			struct commit *c = kit_commit(&k);
			commit_outbox_drop(c, 1, 1);
			kit_wait(&k, c);
			CHECK(kit_verify(&k));
		}
		kit_finish(&k);
	}
}

/* What belongs to runs: their steps, how one begins, and the state that belongs to nobody (scope 0). */
#include <lmdb.h>
#include "store_kit.h"

static bool
step_note(void *arg, uint64_t step, struct slice json)
{
	buf_printf(arg, "%llu:%.*s ", (unsigned long long)step, (int)json.len, json.p);
	return true;
}

static char *
steps(struct kit *k, uint64_t run, uint64_t after, size_t limit)
{
	struct buf b = {0};
	struct err err = {0};

	if (store_steps(k->s, run, after, limit, step_note, &b, &err) < 0)
		buf_printf(&b, "(%s)", err.text);
	return b.len ? buf_take(&b) : xstrdup("");
}

#define CHECK_STEPS(k, run, after, limit, wanted)                                                                      \
	do {                                                                                                           \
		char *got_ = steps(k, run, after, limit);                                                              \
		CHECK_STR(got_, wanted);                                                                               \
		free(got_);                                                                                            \
	} while (0)

TEST("steps of a run are read in order, replaced by their number, and go with their run only")
{
	struct kit k;
	struct commit *c;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	c = kit_commit(&k);
	commit_run(c, 7, SLICE("{}"));
	commit_run(c, 8, SLICE("{}"));
	commit_step(c, 7, 2, SLICE("{\"b\":1}"));
	commit_step(c, 7, 1, SLICE("{\"a\":1}"));
	commit_step(c, 8, 1, SLICE("{\"c\":1}"));
	kit_wait(&k, c);
	c = kit_commit(&k);
	commit_step(c, 7, 2, SLICE("{\"b\":2}"));
	commit_step(c, 7, 300, SLICE("{}"));
	kit_wait(&k, c);
	REQUIRE(kit_reopen(&k));
	CHECK_STEPS(&k, 7, 0, 0, "1:{\"a\":1} 2:{\"b\":2} 300:{} ");
	CHECK_STEPS(&k, 7, 1, 1, "2:{\"b\":2} ");
	CHECK_STEPS(&k, 8, 0, 0, "1:{\"c\":1} ");
	CHECK_STEPS(&k, 9, 0, 0, "");
	c = kit_commit(&k);
	commit_run_drop(c, 7);
	kit_wait(&k, c);
	CHECK_STEPS(&k, 7, 0, 0, "");
	CHECK_STEPS(&k, 8, 0, 0, "1:{\"c\":1} ");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

/* With the library itself, while the store is closed. */
static bool
file_change(struct kit *k, bool (*change)(MDB_txn *txn, MDB_dbi db))
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi db;
	bool good = mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 32) == 0 &&
	            mdb_env_set_mapsize(env, (size_t)1 << 30) == 0 && mdb_env_open(env, k->dir, 0, 0600) == 0 &&
	            mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, "steps", 0, &db) == 0 && change(txn, db) &&
	            mdb_txn_commit(txn) == 0;

	mdb_env_close(env);
	return good;
}

static bool
db_away(MDB_txn *txn, MDB_dbi db)
{
	return mdb_drop(txn, db, 1) == 0;
}

static bool
step_move(MDB_txn *txn, MDB_dbi db)
{
	uint8_t key[16] = {[7] = 7, [15] = 1};
	MDB_val k = {sizeof(key), key}, v, copy;
	bool good;

	if (mdb_get(txn, db, &k, &v) != 0)
		return false;
	copy = (MDB_val){v.mv_size, xmemdup(v.mv_data, v.mv_size)};
	key[15] = 2;
	good = mdb_put(txn, db, &k, &copy, 0) == 0;
	free(copy.mv_data);
	return good;
}

TEST("a step that stands in another one's place does not open, and verify says so")
{
	struct kit k;
	struct commit *c;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	c = kit_commit(&k);
	commit_step(c, 7, 1, SLICE("{\"a\":1}"));
	commit_step(c, 7, 2, SLICE("{\"b\":1}"));
	kit_wait(&k, c);
	kit_close(&k);
	REQUIRE(file_change(&k, step_move));
	REQUIRE(kit_open(&k));
	CHECK(store_steps(k.s, 7, 1, 0, step_note, &(struct buf){0}, &k.err) < 0);
	CHECK(store_verify(k.s, NULL, NULL, &k.err) < 0);
	kit_finish(&k);
}

TEST("a store that was made before there were steps gets room for them when it is opened")
{
	struct kit k;
	struct commit *c;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	kit_close(&k);
	REQUIRE(file_change(&k, db_away));
	REQUIRE(kit_open(&k));
	c = kit_commit(&k);
	commit_step(c, 1, 1, SLICE("{}"));
	kit_wait(&k, c);
	CHECK_STEPS(&k, 1, 0, 0, "1:{} ");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("what a run needs is made by one commit: names once, an epoch that supersedes the run before")
{
	const struct dataset_name dataset = {"c", "i", "A", NULL};
	const struct scope_name sync = {"c", "i", "sync", NULL};
	struct kit k;
	struct commit *c;
	uint32_t scope = 0;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	for (int i = 0; i < 2; i++) {
		c = kit_commit(&k);
		CHECK_INT(commit_dataset(c, &dataset, &k.err), 0);
		CHECK_INT(commit_scope(c, &sync, &k.err), 0);
		kit_wait(&k, c);
		CHECK(i == 0 || store_scope_find(k.s, &sync) == scope);
		scope = store_scope_find(k.s, &sync);
		CHECK_INT(scope, 1);
		CHECK_INT(store_dataset_find(k.s, &dataset), 1);
		c = kit_commit(&k);
		commit_epoch(c, scope);
		kit_wait(&k, c);
		CHECK_INT(store_epoch(k.s, scope), i + 1);
	}
	c = commit_new(k.s, (struct fence){scope, 1});
	commit_run(c, 1, SLICE("{}"));
	CHECK(store_commit_wait(k.s, c, NULL, &k.err) < 0);
	CHECK_INT(k.err.cls, ERR_BUSY);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("names that are too long are refused before anything is made")
{
	char *name = xcalloc(1, 600);
	struct commit *c;
	struct kit k;

	memset(name, 'x', 599);
	kit_init(&k);
	REQUIRE(kit_open(&k));
	c = kit_commit(&k);
	CHECK(commit_scope(c, &(struct scope_name){"c", "i", name, NULL}, &k.err) < 0);
	CHECK_INT(k.err.cls, ERR_USAGE);
	CHECK(commit_dataset(c, &(struct dataset_name){"c", "i", name, NULL}, &k.err) < 0);
	CHECK(commit_empty(c));
	commit_free(c);
	kit_finish(&k);
	free(name);
}

TEST("state of scope 0 is kept like any other")
{
	struct kit k;
	struct commit *c;
	struct buf b = {0};

	kit_init(&k);
	REQUIRE(kit_open(&k));
	c = kit_commit(&k);
	commit_state_set(c, 0, STATE_RATE, SLICE("slack"), SLICE("{\"n\":1}"));
	kit_wait(&k, c);
	REQUIRE(kit_reopen(&k));
	CHECK(store_state_get(k.s, 0, STATE_RATE, SLICE("slack"), &b));
	CHECK(slice_is(buf_view(&b), "{\"n\":1}"));
	CHECK(!store_state_get(k.s, 0, STATE_RATE, SLICE("other"), &b));
	CHECK(kit_verify(&k));
	kit_finish(&k);
	buf_free(&b);
}

/* Keys, seals, and doors: who may open a store, what stands in its files, what happens to damage. */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include "store_kit.h"
#include "store/inner.h"
#include "base/log.h"
#include "base/secret.h"

#define CANARY "CANARY-8d1f2c"

/* The whole file; the store must be closed. */
static struct buf
file_read(const char *dir, const char *name)
{
	struct buf b = {0};
	char path[512];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, (buf_reserve(&b, 65536), b.p + b.len), 65536)) > 0)
		b.len += (size_t)n;
	if (fd >= 0)
		close(fd);
	return b;
}

static bool
is_in_file(const char *dir, const char *text)
{
	struct buf b = file_read(dir, "data.mdb");
	bool found = b.len && memmem(b.p, b.len, text, strlen(text)) != NULL;

	CHECK(b.len > 0);
	buf_free(&b);
	return found;
}

static void
fill_with_canary(struct kit *k)
{
	uint32_t d = kit_dataset(k, "M"), scope = kit_scope(k, "a");
	struct commit *c = kit_commit(k);

	kit_put(k, c, d, "an-id-" CANARY, "{\"text\":\"" CANARY "\"}");
	commit_state_set(c, scope, STATE_METADATA, SLICE(""), SLICE(CANARY));
	commit_run(c, 1, SLICE(CANARY));
	commit_log(c, 1, SLICE(CANARY));
	commit_dead(c, &(struct dead_letter){.scope = scope,
	                                     .dataset = d,
	                                     .model = SLICE("M"),
	                                     .id = SLICE(CANARY),
	                                     .raw = SLICE(CANARY),
	                                     .reason = SLICE(CANARY)});
	kit_wait(k, c);
	kit_put(k, c = kit_commit(k), d, "an-id-" CANARY, "{\"text\":\"" CANARY " again\"}");
	kit_wait(k, c);
}

TEST("with hashed ids nothing of the data stands readable in the file")
{
	struct kit k;
	struct buf b = {0};
	uint32_t d;

	kit_init(&k);
	k.o.hash_ids = true;
	REQUIRE(kit_open(&k));
	fill_with_canary(&k);
	CHECK(kit_verify(&k));
	kit_close(&k);
	CHECK(!is_in_file(k.dir, CANARY));
	k.o.hash_ids = false; /* decided when the store was made */
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	CHECK_STR(kit_record(&k, d, "an-id-" CANARY).json, "{\"text\":\"" CANARY " again\"}");
	CHECK_FEED(&k, d, 0, "2:added:an-id-" CANARY "={\"text\":\"" CANARY " again\"}");
	buf_free(&b);
	kit_finish(&k);
}

TEST("without, only the ids do; and the search would have found it in a plain store")
{
	struct kit k;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	fill_with_canary(&k);
	kit_close(&k);
	CHECK(is_in_file(k.dir, "an-id-" CANARY));
	CHECK(!is_in_file(k.dir, "\"" CANARY));
	kit_finish(&k);
	kit_init(&k);
	k.o.plain = true;
	REQUIRE(kit_open(&k));
	fill_with_canary(&k);
	CHECK(kit_verify(&k));
	kit_close(&k);
	CHECK(is_in_file(k.dir, "\"" CANARY));
	kit_finish(&k);
}

static bool
ids_are(void *arg, struct slice id, uint32_t index, bool deleted)
{
	(void)index;
	(void)deleted;
	*(bool *)arg = slice_is(id, "long-id");
	return true;
}

TEST("no two values are sealed with one nonce, in one transaction neither")
{
	struct kit k;
	struct commit *c;
	uint32_t d;
	MDB_txn *txn;
	MDB_cursor *cur;
	MDB_val kv, v;
	uint8_t nonces[200][SEAL_NONCE_SIZE];
	size_t n = 0, same = 0;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	for (int part = 0; part < 2; part++) {
		c = kit_commit(&k);
		for (int i = 0; i < 100; i++) {
			char id[32];

			snprintf(id, sizeof id, "%d-%d", part, i);
			kit_put(&k, c, d, id, "{}");
		}
		kit_wait(&k, c);
	}
	REQUIRE(mdb_txn_begin(k.s->env.mdb, NULL, MDB_RDONLY, &txn) == 0);
	REQUIRE(mdb_cursor_open(txn, k.s->env.db[DB_ROWS], &cur) == 0);
	for (; n < LENGTH(nonces) && mdb_cursor_get(cur, &kv, &v, MDB_NEXT) == 0; n++)
		memcpy(nonces[n], v.mv_data, SEAL_NONCE_SIZE);
	mdb_cursor_close(cur);
	mdb_txn_abort(txn);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			same += !memcmp(nonces[i], nonces[j], SEAL_NONCE_SIZE);
	CHECK_INT(n, 200);
	CHECK_INT(same, 0);
	kit_finish(&k);
}

TEST("hashed ids come out of the walk as they went in")
{
	struct kit k;
	uint32_t d;
	bool good = false;

	kit_init(&k);
	k.o.hash_ids = true;
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "long-id", "1");
	CHECK_INT(kit_save(&k, d, "long-id", "1").unchanged, 1);
	CHECK(store_ids(k.s, d, ids_are, &good, &k.err) == 0);
	CHECK(good);
	CHECK(store_peek(k.s, d, SLICE("long-id"), NULL).known);
	kit_finish(&k);
}

TEST("a wrong key is told at once, a missing key file is not made anew")
{
	struct kit k;
	char other[200], moved[200];
	struct stat st;
	struct secret *key = secret_new(SLICE("0123456789abcdef0123456789abcdef"));

	kit_init(&k);
	REQUIRE(kit_open(&k));
	kit_save(&k, kit_dataset(&k, "M"), "1", "1");
	kit_close(&k);
	CHECK(stat(k.key_file, &st) == 0 && (st.st_mode & 07777) == 0600);
	k.o.key = key;
	CHECK(!kit_open(&k));
	CHECK_INT(k.err.cls, ERR_USAGE);
	CHECK_HAS(k.err.text, "wrong key");
	k.o.key = NULL;
	snprintf(other, sizeof(other), "%s.other", k.key_file);
	k.o.key_file = other;
	CHECK(!kit_open(&k));
	CHECK_INT(k.err.cls, ERR_USAGE);
	CHECK_HAS(k.err.text, "is missing");
	CHECK_HAS(k.err.text, "put it back, or say where it is with encryption_key = file:");
	CHECK(access(other, F_OK) < 0);
	k.o.key_file = k.key_file;
	snprintf(moved, sizeof(moved), "%s.moved", k.key_file);
	CHECK(chmod(k.key_file, 0644) == 0);
	CHECK(!kit_open(&k));
	CHECK_HAS(k.err.text, "chmod 600");
	CHECK(chmod(k.key_file, 0600) == 0);
	k.o.plain = true;
	CHECK(!kit_open(&k));
	CHECK_HAS(k.err.text, "was made with encryption");
	k.o.plain = false;
	CHECK(kit_open(&k));
	secret_free(key);
	kit_finish(&k);
}

TEST("a second opener is told who has it")
{
	struct kit k;
	struct err err = {0};
	char pid[32];

	kit_init(&k);
	REQUIRE(kit_open(&k));
	CHECK(store_open(&k.o, &err) == NULL);
	CHECK_INT(err.cls, ERR_BUSY);
	snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
	CHECK_HAS(err.text, pid);
	CHECK(kit_save(&k, kit_dataset(&k, "M"), "1", "1").added == 1); /* the refused one did no harm */
	kit_close(&k);
	CHECK(kit_open(&k));
	kit_finish(&k);
}

TEST("a directory that others may enter is refused, a missing one is made with 0700")
{
	struct kit k;
	struct stat st;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	CHECK(stat(k.dir, &st) == 0 && (st.st_mode & 07777) == 0700);
	kit_close(&k);
	CHECK(chmod(k.dir, 0750) == 0);
	CHECK(!kit_open(&k));
	CHECK_INT(k.err.cls, ERR_USAGE);
	CHECK_HAS(k.err.text, "chmod 700");
	CHECK(chmod(k.dir, 0700) == 0);
	if (geteuid() == 0) {
		CHECK(chown(k.dir, 65534, 65534) == 0);
		CHECK(!kit_open(&k));
		CHECK_INT(k.err.cls, ERR_USAGE);
		CHECK_HAS(k.err.text, "belongs to uid 65534");
		CHECK(chown(k.dir, 0, 0) == 0);
	}
	CHECK(chmod(k.dir, 0750) == 0);
	CHECK(chmod(k.dir, 0700) == 0);
	CHECK(kit_open(&k));
	kit_close(&k);
	k.o.dir = "/proc/1/fdinfo/none";
	CHECK(!kit_open(&k));
	CHECK_INT(k.err.cls, ERR_USAGE);
	k.o.dir = k.key_file;
	CHECK(!kit_open(&k));
	CHECK_HAS(k.err.text, "is no directory");
	kit_finish(&k);
}

/* Overwrites bytes of the closed store's file. */
static void
file_patch(struct kit *k, size_t at, const void *p, size_t n)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/data.mdb", k->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, p, n, (off_t)at) != (ssize_t)n)
		abort();
	close(fd);
}

/* Where the text stands in the file for the nth time; 0: not so often. */
static size_t
file_find(struct kit *k, const void *p, size_t n, int nth)
{
	struct buf b = file_read(k->dir, "data.mdb");
	const char *at = b.p, *end = b.p + b.len;
	size_t found = 0;

	while (nth-- && (at = memmem(at, (size_t)(end - at), p, n))) {
		found = (size_t)(at - b.p);
		at++;
	}
	buf_free(&b);
	return at ? found : 0;
}

TEST("another format is refused by name")
{
	struct kit k;
	size_t at;
	uint32_t format = 2;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	kit_close(&k);
	at = file_find(&k, "sluice!\n", 8, 1);
	REQUIRE(at > 0);
	file_patch(&k, at + 8, &format, sizeof(format));
	CHECK(!kit_open(&k));
	CHECK_INT(k.err.cls, ERR_USAGE);
	CHECK_HAS(k.err.text, "format 2");
	CHECK_HAS(k.err.text, "format 1");
	file_patch(&k, at, "another!", 8);
	CHECK(!kit_open(&k));
	CHECK_HAS(k.err.text, "no store of this program");
	kit_finish(&k);
}

static bool
is_found_out(struct kit *k, uint32_t d)
{
	struct err err = {0};
	struct feed_query q = {.dataset = d};
	struct buf b = {0};
	bool bad = store_feed(k->s, &q, kit_feed_line, &b, NULL, NULL, &err) < 0;

	buf_free(&b);
	return bad && err.cls == ERR_HOST && strstr(err.text, "damaged");
}

/* Flips a bit of the entry's value, as a bad disk would; false: the value has no such byte. */
static bool
flip_bit(struct kit *k, enum layout_db db, const void *key, size_t key_len, size_t bit)
{
	size_t at = bit / 8;
	MDB_txn *txn;
	MDB_cursor *cur;
	MDB_val kv = val_of(key, key_len), v;
	uint8_t out[512];
	bool inside;

	if (mdb_txn_begin(k->s->env.mdb, NULL, 0, &txn) || mdb_cursor_open(txn, k->s->env.db[db], &cur) ||
	    mdb_cursor_get(cur, &kv, &v, MDB_SET_KEY) || v.mv_size > sizeof(out))
		abort();
	inside = at < v.mv_size;
	if (inside) {
		memcpy(out, v.mv_data, v.mv_size);
		out[at] ^= (uint8_t)(1 << bit % 8);
		v.mv_data = out;
		if (mdb_cursor_put(cur, &kv, &v, MDB_CURRENT))
			abort();
	}
	mdb_cursor_close(cur);
	if (mdb_txn_commit(txn))
		abort();
	return inside;
}

static bool
flip(struct kit *k, enum layout_db db, const void *key, size_t key_len, size_t at)
{
	return flip_bit(k, db, key, key_len, at * 8 + at % 8);
}

static void
check_flips(struct kit *k, uint32_t d, enum layout_db db, const void *key, size_t key_len)
{
	size_t at = 0, unnoticed = 0;

	for (; flip(k, db, key, key_len, at); at++) {
		unnoticed += !is_found_out(k, d) || store_verify(k->s, NULL, NULL, &k->err) == 0;
		unnoticed += kit_record(k, d, "record-1").found;
		unnoticed += !kit_record(k, d, "record-2").found;
		flip(k, db, key, key_len, at);
	}
	CHECK(at > 40);
	CHECK_INT(unnoticed, 0);
	CHECK(kit_verify(k));
}

TEST("a bit that flipped in a record or its head is an error, never other data")
{
	for (int plain = 0; plain < 2; plain++) {
		struct kit k;
		uint32_t d;
		uint8_t head[FEED_KEY_SIZE], row[8];
		size_t nonce = plain ? SEAL_NONCE_SIZE : 0;

		log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, LOG_TEXT);
		kit_init(&k);
		k.o.plain = plain;
		REQUIRE(kit_open(&k));
		d = kit_dataset(&k, "M");
		kit_save(&k, d, "record-1", "{\"text\":\"plainly\"}");
		kit_save(&k, d, "record-2", "{}");
		layout_feed_key(head, d, 1);
		put_be64(row, 1);
		check_flips(&k, d, DB_FEED, head, sizeof(head));
		if (!nonce) /* which a plain store does not use */
			check_flips(&k, d, DB_ROWS, row, sizeof(row));
		for (size_t at = nonce; at < SEAL_OVERHEAD + 20; at++) {
			flip(&k, DB_ROWS, row, sizeof(row), at);
			CHECK(is_found_out(&k, d));
			flip(&k, DB_ROWS, row, sizeof(row), at);
		}
		kit_finish(&k);
		log_setup(2, LOG_INFO, LOG_AUTO);
	}
}

struct shown {
	struct slice id;
	bool wrong;
};

static void
is_its_own(void *arg, const struct record *r)
{
	struct shown *s = arg;
	char json[40];

	snprintf(json, sizeof json, "{\"n\":\"%.*s\"}", (int)s->id.len, s->id.p);
	s->wrong = !slice_eq(r->id, s->id) || !slice_is(r->json, json) || r->deleted_us || r->sequence != 1;
}

TEST("a bit that flipped in an index entry or a counter is found by verify, and shows no reader another record")
{
	struct kit k;
	uint32_t d;
	uint8_t key[4 + 3], number[4];
	size_t unnoticed = 0, wrong = 0, bit;

	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, LOG_TEXT);
	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	for (char id[] = "r-1"; id[2] <= '5'; id[2]++) {
		char json[40];

		snprintf(json, sizeof json, "{\"n\":\"%s\"}", id);
		kit_save(&k, d, id, json);
	}
	kit_delete(&k, d, "r-3");
	put_be32(key, d);
	memcpy(key + 4, "r-1", 3);
	for (bit = 0; flip_bit(&k, DB_IDS, key, sizeof key, bit); bit++) {
		struct shown s = {.id = SLICE("r-1")};

		unnoticed += store_verify(k.s, NULL, NULL, &k.err) == 0;
		store_record(k.s, d, s.id, is_its_own, &s);
		wrong += s.wrong;
		flip_bit(&k, DB_IDS, key, sizeof key, bit);
	}
	CHECK_INT(bit, ID_ENTRY_SIZE * 8);
	CHECK_INT(wrong, 0);
	CHECK_INT(unnoticed, 1); /* a suspect: absent from the last sweep, which could be */
	put_be32(number, d);
	unnoticed = 0;
	for (bit = 0; bit < (DATASET_ENTRY_SIZE - 1) * 8; bit++) {
		flip_bit(&k, DB_DATASETS, number, sizeof number, bit);
		unnoticed += store_verify(k.s, NULL, NULL, &k.err) == 0;
		flip_bit(&k, DB_DATASETS, number, sizeof number, bit);
	}
	printf("# %zu bits of the counters unnoticed\n", unnoticed);
	CHECK(unnoticed <= 3); /* a bound of pruning below the last sequence is one that could be */
	CHECK(kit_verify(&k));
	kit_finish(&k);
	log_setup(2, LOG_INFO, LOG_AUTO);
}

TEST("an update of a damaged record is refused, and costs its group mates nothing")
{
	struct kit k;
	uint32_t d, scope;
	uint8_t row[8];
	struct commit *c;
	struct fence fence;

	kit_init(&k);
	k.o.commit_delay_ms = 1000;
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	scope = kit_scope(&k, "a");
	fence = (struct fence){scope, store_epoch_next(k.s, scope, &k.err)};
	kit_save(&k, d, "1", "{}");
	put_be64(row, 1);
	flip(&k, DB_ROWS, row, sizeof(row), SEAL_OVERHEAD);
	kit_put(&k, c = kit_commit(&k), d, "before", "1");
	store_commit(k.s, c, false, NULL, NULL);
	c = commit_new(k.s, fence);
	kit_put(&k, c, d, "half", "1");
	commit_update(c, d, SLICE("1"), SLICE("{\"a\":1}"));
	store_commit(k.s, c, false, NULL, NULL);
	c = commit_new(k.s, fence);
	commit_state_set(c, scope, STATE_CHECKPOINT, SLICE(""), SLICE("further"));
	store_commit(k.s, c, false, NULL, NULL);
	CHECK_INT(kit_save(&k, d, "after", "1").added, 1);
	CHECK(kit_record(&k, d, "before").found);
	CHECK(!kit_record(&k, d, "half").found);
	CHECK(!store_state_get(k.s, scope, STATE_CHECKPOINT, SLICE(""),
	                       &(struct buf){0})); /* of the same run, behind it */
	c = commit_new(k.s, fence);
	kit_put(&k, c, d, "later", "1");
	CHECK(store_commit_wait(k.s, c, NULL, &k.err) < 0);
	CHECK_HAS(k.err.text, "an earlier commit of this run failed");
	fence.epoch = store_epoch_next(k.s, scope, &k.err);
	c = commit_new(k.s, fence);
	kit_put(&k, c, d, "later", "1");
	CHECK_INT(kit_wait(&k, c).added, 1);
	kit_finish(&k);
}

static void
count_fault(void *arg, const char *text)
{
	(void)text;
	++*(int *)arg;
}

/* Each breaks one invariant behind the store's back. */
static int
break_it(struct kit *k, int how)
{
	MDB_txn *txn;
	MDB_val kv, v;
	uint8_t key[16] = {0}, out[256];
	struct env *e = &k->s->env;
	int rc = mdb_txn_begin(e->mdb, NULL, 0, &txn);
	MDB_cursor *cur;
	static const enum layout_db dbs[] = {DB_IDS,   DB_ROWS, DB_FEED, DB_DATASETS, DB_NAMES,
	                                     DB_STATE, DB_RUNS, DB_LOGS, DB_DEAD,     DB_DEADKEY};
	int db = how % 10;

	if (rc || (rc = mdb_cursor_open(txn, e->db[dbs[db]], &cur)) || (rc = mdb_cursor_get(cur, &kv, &v, MDB_FIRST)))
		return rc;
	if (how < 10) { /* gone */
		rc = mdb_cursor_del(cur, 0);
	} else { /* one byte of the value other: the last, or for counters the first */
		memcpy(key, kv.mv_data, kv.mv_size < sizeof(key) ? kv.mv_size : sizeof(key));
		memcpy(out, v.mv_data, v.mv_size < sizeof(out) ? v.mv_size : sizeof(out));
		if (v.mv_size > sizeof(out))
			return EINVAL;
		out[db == 3 || db == 0 ? 0 : v.mv_size - 1] ^= 1;
		v = val_of(out, v.mv_size);
		rc = mdb_cursor_put(cur, &kv, &v, MDB_CURRENT);
	}
	mdb_cursor_close(cur);
	return rc ? rc : mdb_txn_commit(txn);
}

TEST("verify finds every entry that is missing or altered")
{
	for (int how = 0; how < 20; how++) {
		struct kit k;
		uint32_t d, scope;
		struct commit *c;
		int faults = 0, rc;

		kit_init(&k);
		REQUIRE(kit_open(&k));
		d = kit_dataset(&k, "M");
		scope = kit_scope(&k, "a");
		c = kit_commit(&k);
		kit_put(&k, c, d, "1", "{}");
		kit_put(&k, c, d, "2", "{}");
		commit_state_set(c, scope, STATE_RUN, SLICE(""), SLICE("x"));
		commit_run(c, 1, SLICE("x"));
		commit_log(c, 1, SLICE("x"));
		commit_dead(c, &(struct dead_letter){.scope = scope,
		                                     .dataset = d,
		                                     .model = SLICE("M"),
		                                     .id = SLICE("3"),
		                                     .raw = SLICE("x"),
		                                     .reason = SLICE("r")});
		kit_wait(&k, c);
		CHECK(kit_verify(&k));
		rc = break_it(&k, how);
		REQUIRE(rc == 0);
		rc = store_verify(k.s, count_fault, &faults, &k.err);
		if (how != 5 && how != 6 && how != 7) { /* nothing refers to a value of the state, a run or a line */
			CHECK(rc < 0 && faults > 0);
			if (rc == 0)
				printf("# not found: %d\n", how);
		}
		kit_finish(&k);
	}
}

/* store.c - opening and closing.
 *
 *   directory -> lock -> file -> environment -> format -> key -> writer thread
 *
 * Guarantees: when store_open returns a store, this process is the only one that has it, its format is known and its
 * key is right; when it returns NULL, nothing stays open or locked. A store is made in one transaction (format and
 * wrapped master key together), after its key file is durable. A guest goes the same way without lock and writer thread:
 * another process has them.
 *
 * Awkward: LMDB writes the first pages of a new file with no barrier behind them; a power cut, a full disk or a kill
 * within that write leaves a file that it no longer takes for one. So a store is made in a subdirectory, and appears by
 * a rename when it is whole and durable; what is left of an attempt is made anew. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "store/apply.h"
#include "store/dir.h"
#include "store/merge.h"
#include "store/outbox.h"
#include "store/read.h"

#define MAP_DEFAULT (UINT64_C(1) << 30)
#define MAP_MAKING (UINT64_C(1) << 20)
#define META_KEY "store"
#define MAGIC "sluice!\n"
enum { META_PLAIN = 1, META_HASH_IDS = 2 };

struct meta {
	uint32_t format, flags;
	struct slice master; /* wrapped, or in a plain store as it is */
};

static int
meta_put(struct store *s, uint32_t flags, struct slice master)
{
	struct buf b = {0};
	MDB_txn *txn;
	MDB_val k = val_slice(SLICE(META_KEY)), v;
	int rc;

	buf_puts(&b, MAGIC);
	buf_u32(&b, STORE_FORMAT);
	buf_u32(&b, flags);
	buf_slice(&b, master);
	v = val_of(b.p, b.len);
	rc = mdb_txn_begin(s->env.mdb, NULL, 0, &txn);
	if (!rc) {
		rc = mdb_put(txn, s->env.db[DB_META], &k, &v, MDB_NOOVERWRITE);
		if (rc)
			mdb_txn_abort(txn);
		else
			rc = mdb_txn_commit(txn);
	}
	buf_wipe(&b);
	return rc;
}

static bool
meta_split(struct slice value, struct meta *m)
{
	struct reader r = reader_of(value);

	if (!slice_is(reader_raw(&r, sizeof(MAGIC) - 1), MAGIC))
		return false;
	m->format = reader_u32(&r);
	m->flags = reader_u32(&r);
	m->master = reader_rest(&r);
	return !r.bad;
}

static int
meta_make(struct store *s, const struct store_options *o, struct err *err)
{
	uint8_t key[SEAL_KEY_SIZE], master[SEAL_KEY_SIZE], wrapped[SEAL_WRAPPED_SIZE];
	uint32_t flags = (o->plain ? META_PLAIN : 0) | (o->hash_ids ? META_HASH_IDS : 0);
	int rc;

	if (!o->plain && dir_key(o, true, key, err) < 0)
		return -1;
	seal_random(master, sizeof(master));
	if (!o->plain)
		seal_wrap(key, master, wrapped);
	rc = meta_put(s, flags, o->plain ? slice_of(master, sizeof(master)) : slice_of(wrapped, sizeof(wrapped)));
	if (rc)
		rc = env_error(&s->env, rc, "cannot make the store", 0, err);
	seal_init(&s->seal, master, o->plain);
	s->hash_ids = o->hash_ids;
	sodium_memzero(key, sizeof(key));
	sodium_memzero(master, sizeof(master));
	return rc;
}

static int
meta_check(struct store *s, const struct store_options *o, struct slice value, struct err *err)
{
	uint8_t key[SEAL_KEY_SIZE], master[SEAL_KEY_SIZE];
	bool plain, good = true;
	struct meta m;

	if (!meta_split(value, &m))
		return err_set(err, ERR_USAGE, "%s holds a database that is no store of this program", o->dir);
	if (m.format != STORE_FORMAT)
		return err_set(err, ERR_USAGE, "the store %s has format %u, this program knows format %d", o->dir,
		               m.format, STORE_FORMAT);
	plain = m.flags & META_PLAIN;
	if (plain != o->plain)
		return err_set(err, ERR_USAGE, "the store %s was made %s encryption; it is opened as it was made",
		               o->dir, plain ? "without" : "with");
	if (!plain && dir_key(o, false, key, err) < 0)
		return -1;
	if (!plain)
		good = seal_unwrap(key, m.master, master);
	else if ((good = m.master.len == sizeof(master)))
		memcpy(master, m.master.p, sizeof(master));
	if (good)
		seal_init(&s->seal, master, plain);
	s->hash_ids = m.flags & META_HASH_IDS;
	sodium_memzero(key, sizeof(key));
	sodium_memzero(master, sizeof(master));
	return good ? 0 : err_set(err, ERR_USAGE, "wrong key: the store %s was sealed with another one", o->dir);
}

static int
meta_open(struct store *s, const struct store_options *o, struct err *err)
{
	struct snapshot p;
	struct slice v;
	int rc;

	if (snapshot_begin(&p, s, err) < 0)
		return -1;
	rc = snapshot_get(&p, DB_META, SLICE(META_KEY), &v);
	if (!rc)
		rc = meta_check(s, o, v, err);
	else if (rc != MDB_NOTFOUND)
		rc = env_error(&s->env, rc, "cannot read its format", 0, err);
	snapshot_end(&p);
	if (rc != MDB_NOTFOUND)
		return rc;
	if (o->guest)
		return err_set(err, ERR_BUSY, "the store %s is being made by another process: try again when it has begun", o->dir);
	rc = meta_make(s, o, err); /* a file that LMDB takes for new, but was there */
	return !rc && dir_sync(o->dir) < 0 ? env_error(&s->env, errno, "cannot make the store", 0, err) : rc;
}

int
apply_rekey(struct group *g, struct commit *c, struct reader *r)
{
	struct slice wrapped = reader_bytes(r, SEAL_WRAPPED_SIZE);
	struct buf b = {0};
	struct meta m;
	MDB_val v;
	int rc = group_get(g, DB_META, SLICE(META_KEY), &v);

	(void)c;
	if (rc)
		return rc;
	if (!meta_split(slice_val(v), &m))
		return MDB_CORRUPTED;
	buf_put(&b, v.mv_data, v.mv_size - m.master.len);
	buf_slice(&b, wrapped);
	rc = group_put(g, DB_META, SLICE(META_KEY), buf_view(&b));
	buf_free(&b);
	return rc;
}

/* The store's own key, as the operator's key opens it. */
static int
master_get(struct store *s, const uint8_t key[SEAL_KEY_SIZE], uint8_t master[SEAL_KEY_SIZE], struct err *err)
{
	struct snapshot p;
	struct slice v;
	struct meta m;
	bool good;

	if (snapshot_begin(&p, s, err) < 0)
		return -1;
	good = snapshot_get(&p, DB_META, SLICE(META_KEY), &v) == 0 && meta_split(v, &m) &&
	       seal_unwrap(key, m.master, master);
	snapshot_end(&p);
	return good ? 0 : err_set(err, ERR_USAGE, "wrong key: the store %s was sealed with another one", s->dir);
}

int
store_rekey(struct store *s, const struct store_options *was, const struct store_options *now, struct err *err)
{
	uint8_t old[SEAL_KEY_SIZE], key[SEAL_KEY_SIZE], master[SEAL_KEY_SIZE], wrapped[SEAL_WRAPPED_SIZE];
	struct commit *c;
	int rc = -1;

	if (s->seal.plain)
		return err_set(err, ERR_USAGE, "the store %s was made without encryption: it has no key to change", s->dir);
	if (dir_key(was, false, old, err) < 0 || master_get(s, old, master, err) < 0 || dir_key(now, true, key, err) < 0)
		goto out;
	if (sodium_memcmp(old, key, sizeof(key)) == 0) {
		err_set(err, ERR_USAGE, "the new key is the one that the store %s has", s->dir);
		goto out;
	}
	seal_wrap(key, master, wrapped);
	c = commit_new(s, (struct fence){0});
	commit_rekey(c, slice_of(wrapped, sizeof(wrapped)));
	rc = store_commit_wait(s, c, NULL, err);
out:
	sodium_memzero(old, sizeof(old));
	sodium_memzero(key, sizeof(key));
	sodium_memzero(master, sizeof(master));
	return rc;
}

static void
part_remove(const char *part)
{
	char *file = xasprintf("%s/data.mdb", part);

	unlink(file);
	dir_leavings_remove(part);
	rmdir(part);
	free(file);
}

/* Makes the file when there is none; nobody else does, for the directory is locked. */
static int
file_make(const struct store_options *o, struct err *err)
{
	char *file = xasprintf("%s/data.mdb", o->dir), *part = xasprintf("%s/" STORE_PART, o->dir);
	struct store fresh = {0};
	struct stat st;
	int rc = 0;

	part_remove(part);
	if (lstat(file, &st) == 0 || errno != ENOENT) /* what cannot be looked at is not missing */
		goto out;
	if (mkdir(part, 0700) < 0)
		rc = err_set(err, ERR_HOST, "cannot make %s: %s", part, strerror(errno));
	else if (env_open(&fresh.env, part, MAP_MAKING, err) < 0 || meta_make(&fresh, o, err) < 0)
		rc = -1;
	env_close(&fresh.env);
	seal_finish(&fresh.seal);
	if (!rc)
		rc = dir_place(part, o->dir, err);
	part_remove(part);
out:
	free(file);
	free(part);
	return rc;
}

static uint64_t
last_number(struct snapshot *p, enum layout_db db)
{
	MDB_cursor *cur;
	MDB_val k, v;
	uint64_t n = 0;

	if (snapshot_cursor(p, db, &cur) == 0) {
		if (mdb_cursor_get(cur, &k, &v, MDB_LAST) == 0 && k.mv_size >= 8)
			n = get_be64(k.mv_data);
		mdb_cursor_close(cur);
	}
	return n;
}

static int
runs_open(struct store *s, struct err *err)
{
	struct snapshot p;
	uint64_t runs, logs;

	if (snapshot_begin(&p, s, err) < 0)
		return -1;
	runs = last_number(&p, DB_RUNS);
	logs = last_number(&p, DB_LOGS);
	snapshot_end(&p);
	s->next_run = (runs > logs ? runs : logs) + 1;
	return 0;
}

static int
place_open(struct store *s, const struct store_options *o, struct err *err)
{
	if (dir_prepare(o->dir, err) < 0)
		return -1;
	if (o->guest)
		return env_visit(&s->env, o->dir, err);
	s->lock_fd = dir_lock(o->dir, err);
	if (s->lock_fd < 0 || file_make(o, err) < 0)
		return -1;
	return env_open(&s->env, o->dir, o->map_bytes ? o->map_bytes : MAP_DEFAULT, err);
}

struct store *
store_open(const struct store_options *o, struct err *err)
{
	struct store *s = XNEW(struct store);

	s->lock_fd = -1;
	s->clock = o->clock ? o->clock : &clock_system;
	s->dir = xstrdup(o->dir);
	if (sodium_init() < 0)
		die("libsodium does not start");
	if (place_open(s, o, err) < 0 || meta_open(s, o, err) < 0 || runs_open(s, err) < 0)
		goto fail;
	writer_start(&s->writer, s, o);
	return s;
fail:
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	job_finish(s);
	if (s->writer.last) {
		store_drain(s);
		writer_stop(&s->writer);
	}
	merges_free(&s->merges);
	outbox_free(&s->outbox);
	env_close(&s->env);
	seal_finish(&s->seal);
	if (s->lock_fd >= 0)
		close(s->lock_fd); /* and with it the lock */
	free(s->broken);
	free(s->dir);
	free(s);
}

const struct json_seed *
store_seed(const struct store *s)
{
	return &s->seal.seed;
}

const char *
store_dir(const struct store *s)
{
	return s->dir;
}

/* Shorter than any head, so that neither can be taken for the other. */
uint64_t
store_stamp(const struct store *s, struct slice bytes)
{
	return seal_mac(&s->seal, slice_of(bytes.p, bytes.len < 32 ? bytes.len : 32), SLICE(""));
}

/* Pages that LMDB has freed stand in its own database 0, as lists of numbers. */
static uint64_t
free_pages(struct snapshot *p)
{
	MDB_cursor *cur;
	MDB_val k, v;
	uint64_t n = 0;
	size_t count;

	if (mdb_cursor_open(p->env.txn, 0, &cur) != 0)
		return 0;
	while (mdb_cursor_get(cur, &k, &v, MDB_NEXT) == 0) {
		memcpy(&count, v.mv_data, sizeof(count));
		n += count;
	}
	mdb_cursor_close(cur);
	return n;
}

void
store_stats(struct store *s, struct store_stats *out)
{
	struct snapshot p;
	struct statvfs v;
	struct err err = {0};
	MDB_envinfo info;
	MDB_stat st;

	*out = (struct store_stats){0};
	writer_stats(s, out);
	out->oldest_reader_ms = env_oldest_read(&s->env);
	if (statvfs(s->dir, &v) == 0)
		out->free_disk = (uint64_t)v.f_bavail * v.f_frsize;
	if (snapshot_begin(&p, s, &err) < 0) {
		read_complain(&err);
		return;
	}
	if (mdb_env_info(s->env.mdb, &info) == 0 && mdb_env_stat(s->env.mdb, &st) == 0) {
		out->map_bytes = info.me_mapsize;
		out->file_bytes = (info.me_last_pgno + 1) * st.ms_psize;
		out->used_bytes = (info.me_last_pgno + 1 - free_pages(&p)) * st.ms_psize;
	}
	snapshot_end(&p);
}

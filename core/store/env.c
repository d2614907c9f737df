/* env.c - the LMDB environment. See env.h for who may do what.
 *
 * Default durability only (two fdatasync a commit): no WRITEMAP (SIGBUS on a full disk), NOSYNC or NOMETASYNC (a power
 * cut then breaks the file), NOMEMINIT (old memory would reach the disk). NORDAHEAD because reading ahead evicts the
 * pages that random inserts need; NOTLS because reads move between threads.
 *
 * Awkward: nothing in this process may open data.mdb in another way, not even read-only: closing that descriptor would
 * drop LMDB's own locks. LMDB reports a write that the disk cut short as EIO; whether the disk is full must be asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "store/env.h"

#define READERS_MAX 512
#define MAP_MAX (UINT64_C(1) << 46)
#define GUEST_LEAST (UINT64_C(16) << 30) /* what a guest maps: address space, no memory */
#define GUEST_TIMES 16                   /* as much as the file has */

static const char *const db_names[DB_COUNT] = {
	[DB_META] = "meta",       [DB_NAMES] = "names", [DB_DATASETS] = "datasets", [DB_SCOPES] = "scopes",
	[DB_IDS] = "ids",         [DB_ROWS] = "rows",   [DB_FEED] = "feed",         [DB_SEEN] = "seen",
	[DB_STATE] = "state",     [DB_RUNS] = "runs",   [DB_LOGS] = "logs",         [DB_DEAD] = "dead",
	[DB_DEADKEY] = "deadkey", [DB_MEMBERS] = "members", [DB_STEPS] = "steps",
	[DB_STAGED] = "staged",   [DB_STAGEDIDS] = "stagedids",
	[DB_INBOX] = "inbox",     [DB_INBOXKEY] = "inboxkey", [DB_GUARDS] = "guards",
	[DB_OUTBOX] = "outbox",
};

static uint64_t
env_room(const struct env *e)
{
	struct statvfs v;

	return statvfs(e->dir, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : UINT64_MAX;
}

bool
env_full(const struct env *e, int rc, uint64_t need)
{
	return rc == ENOSPC || (rc == EIO && env_room(e) < need * 4 + (4 << 20));
}

int
env_error(const struct env *e, int rc, const char *doing, uint64_t need, struct err *err)
{
	char text[TIME_TEXT_MAX];

	if (env_full(e, rc, need))
		return err_set(err, ERR_HOST,
		               "no space left on %s (%s free); nothing was lost, writing goes on when there is room", e->dir,
		               size_format(env_room(e), text));
	if (rc == MDB_INVALID || rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND || rc == MDB_VERSION_MISMATCH)
		return err_set(
		        err, ERR_USAGE,
		        "store %s: %s: its data.mdb is damaged, or is none (%s): put a backup in its place (`sluice "
		        "restore`), or move it away, and the next run lists everything anew",
		        e->dir, doing, mdb_strerror(rc));
	return err_set(err, ERR_HOST, "store %s: %s: %s", e->dir, doing, mdb_strerror(rc));
}

static int
open_databases(struct env *e)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(e->mdb, NULL, e->guest ? MDB_RDONLY : 0, &txn);

	if (rc)
		return rc;
	for (int i = 0; i < DB_COUNT && !rc; i++)
		rc = mdb_dbi_open(txn, db_names[i], e->guest ? 0 : MDB_CREATE, &e->db[i]);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn); /* writes only when something was created */
}

static size_t
guest_map(const struct env *e)
{
	char *data = xasprintf("%s/data.mdb", e->dir);
	struct stat st;
	uint64_t size = stat(data, &st) == 0 ? (uint64_t)st.st_size : 0;

	free(data);
	return size < GUEST_LEAST / GUEST_TIMES ? GUEST_LEAST : size < MAP_MAX / GUEST_TIMES ? size * GUEST_TIMES : MAP_MAX;
}

static int
make_mdb(struct env *e)
{
	int rc = mdb_env_create(&e->mdb);

	if (rc)
		return rc;
	mdb_env_set_maxdbs(e->mdb, DB_COUNT);
	mdb_env_set_maxreaders(e->mdb, READERS_MAX);
	mdb_env_set_mapsize(e->mdb, e->map);
	rc = mdb_env_open(e->mdb, e->dir, MDB_NORDAHEAD | MDB_NOTLS | (e->guest ? MDB_RDONLY : 0), 0600);
	if (rc) {
		mdb_env_close(e->mdb);
		e->mdb = NULL;
	}
	return rc;
}

/* Where address space is limited: what the writer says that it has mapped. */
static int
make_guest(struct env *e)
{
	int rc;

	e->map = guest_map(e);
	rc = make_mdb(e);
	if (rc != ENOMEM)
		return rc;
	e->map = 0;
	return make_mdb(e);
}

static int
guest_error(const struct env *e, int rc, struct err *err)
{
	if (rc == ENOENT || rc == EBADF || rc == MDB_NOTFOUND) /* no file, an empty one, one without its databases */
		return err_set(err, ERR_BUSY, "the store %s is being made by another process, or that is of another version than this "
		               "program (%s): try again when it has begun", e->dir, SLUICE_VERSION);
	if (rc == EAGAIN) /* LMDB tells readers apart by their number */
		return err_set(err, ERR_BUSY, "the store %s is open in another container, in which the process has the same number (%ld) as "
		               "this one: run this inside of that container", e->dir, (long)getpid());
	return env_error(e, rc, "cannot be read beside the process that has it", 0, err);
}

static int
open_mdb(struct env *e, struct err *err)
{
	const char *doing = "cannot open data.mdb";
	MDB_envinfo info;
	int rc = e->guest ? make_guest(e) : make_mdb(e);

	if (!rc) {
		doing = "cannot open its databases";
		rc = open_databases(e);
		while (rc == MDB_MAP_FULL && e->map < MAP_MAX) { /* a map smaller than what is in the file */
			e->map *= 2;
			mdb_env_set_mapsize(e->mdb, e->map);
			rc = open_databases(e);
		}
	}
	if (rc) {
		if (e->mdb)
			mdb_env_close(e->mdb);
		e->mdb = NULL;
		return e->guest ? guest_error(e, rc, err) : env_error(e, rc, doing, 0, err);
	}
	mdb_env_info(e->mdb, &info);
	e->map = info.me_mapsize;
	return 0;
}

static void
env_init(struct env *e, const char *dir, size_t map)
{
	e->dir = xstrdup(dir);
	e->map = map;
	pthread_mutex_init(&e->gate, NULL);
	pthread_cond_init(&e->moved, NULL);
}

int
env_open(struct env *e, const char *dir, size_t map, struct err *err)
{
	env_init(e, dir, map);
	return open_mdb(e, err);
}

int
env_visit(struct env *e, const char *dir, struct err *err)
{
	env_init(e, dir, 0);
	e->guest = true;
	return open_mdb(e, err);
}

void
env_readers_clear(struct env *e)
{
	mdb_reader_check(e->mdb, NULL); /* what cannot be looked at now is looked at with the next group */
}

void
env_close(struct env *e)
{
	if (!e->dir)
		return;
	if (e->mdb)
		mdb_env_close(e->mdb);
	pthread_cond_destroy(&e->moved);
	pthread_mutex_destroy(&e->gate);
	free(e->dir);
	*e = (struct env){0};
}

static void
gate_shut(struct env *e)
{
	pthread_mutex_lock(&e->gate);
	e->shut = true;
	while (e->readers)
		pthread_cond_wait(&e->moved, &e->gate);
	pthread_mutex_unlock(&e->gate);
}

static void
gate_open(struct env *e)
{
	pthread_mutex_lock(&e->gate);
	e->shut = false;
	pthread_cond_broadcast(&e->moved);
	pthread_mutex_unlock(&e->gate);
}

int
env_grow(struct env *e)
{
	int rc;

	if (e->map >= MAP_MAX)
		return MDB_MAP_FULL;
	gate_shut(e);
	rc = mdb_env_set_mapsize(e->mdb, e->map * 2);
	if (!rc)
		e->map *= 2;
	gate_open(e);
	return rc;
}

int
env_reopen(struct env *e, struct err *err)
{
	int rc;

	gate_shut(e);
	if (e->mdb)
		mdb_env_close(e->mdb);
	e->mdb = NULL;
	rc = open_mdb(e, err);
	gate_open(e);
	return rc;
}

static bool
is_inside(const struct env *e, pthread_t thread)
{
	for (const struct env_read *r = e->readers; r; r = r->next)
		if (pthread_equal(r->thread, thread))
			return true;
	return false;
}

static void
reader_leave(struct env *e, struct env_read *gone)
{
	pthread_mutex_lock(&e->gate);
	for (struct env_read **r = &e->readers; *r; r = &(*r)->next) {
		if (*r == gone) {
			*r = gone->next;
			break;
		}
	}
	if (e->shut && !e->readers)
		pthread_cond_broadcast(&e->moved);
	pthread_mutex_unlock(&e->gate);
}

void
env_memory(int rc)
{
	if (rc == ENOMEM)
		die("out of memory: the store cannot be read");
}

static int
reader_enter(struct env *e, struct env_read *r, bool *inside)
{
	r->thread = pthread_self();
	r->begun_ms = clock_mono_ms(&clock_system);
	pthread_mutex_lock(&e->gate);
	*inside = is_inside(e, r->thread);
	while (e->shut && !*inside)
		pthread_cond_wait(&e->moved, &e->gate);
	r->next = e->readers;
	e->readers = r;
	pthread_mutex_unlock(&e->gate);
	return e->mdb ? mdb_txn_begin(e->mdb, NULL, MDB_RDONLY, &r->txn) : EIO;
}

int
env_read_begin(struct env *e, struct env_read *r, struct err *err)
{
	bool inside;
	int rc = reader_enter(e, r, &inside);

	if (rc == MDB_MAP_RESIZED && e->guest && !inside) { /* the writer has come further than this map */
		reader_leave(e, r);
		if (env_reopen(e, err) < 0)
			return -1;
		rc = reader_enter(e, r, &inside);
	}
	env_memory(rc);
	if (rc) {
		reader_leave(e, r);
		return env_error(e, rc, "cannot read", 0, err);
	}
	return 0;
}

void
env_read_end(struct env *e, struct env_read *r)
{
	mdb_txn_abort(r->txn);
	reader_leave(e, r);
}

int64_t
env_oldest_read(struct env *e)
{
	int64_t now = clock_mono_ms(&clock_system), oldest = now;

	pthread_mutex_lock(&e->gate);
	for (const struct env_read *r = e->readers; r; r = r->next)
		if (r->begun_ms < oldest)
			oldest = r->begun_ms;
	pthread_mutex_unlock(&e->gate);
	return now - oldest;
}

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
#include <sys/statvfs.h>
#include "base/clock.h"
#include "base/mem.h"
#include "store/env.h"

#define READERS_MAX 512
#define MAP_MAX (UINT64_C(1) << 46)

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
	int rc = mdb_txn_begin(e->mdb, NULL, 0, &txn);

	if (rc)
		return rc;
	for (int i = 0; i < DB_COUNT && !rc; i++)
		rc = mdb_dbi_open(txn, db_names[i], MDB_CREATE, &e->db[i]);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn); /* writes only when something was created */
}

static int
open_mdb(struct env *e, struct err *err)
{
	const char *doing = "mdb_env_create";
	int rc = mdb_env_create(&e->mdb);

	if (rc)
		return env_error(e, rc, doing, 0, err);
	mdb_env_set_maxdbs(e->mdb, DB_COUNT);
	mdb_env_set_maxreaders(e->mdb, READERS_MAX);
	mdb_env_set_mapsize(e->mdb, e->map);
	doing = "cannot open data.mdb";
	rc = mdb_env_open(e->mdb, e->dir, MDB_NORDAHEAD | MDB_NOTLS, 0600);
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
		mdb_env_close(e->mdb);
		e->mdb = NULL;
		return env_error(e, rc, doing, 0, err);
	}
	MDB_envinfo info;
	mdb_env_info(e->mdb, &info);
	e->map = info.me_mapsize;
	return 0;
}

int
env_open(struct env *e, const char *dir, size_t map, struct err *err)
{
	e->dir = xstrdup(dir);
	e->map = map;
	pthread_mutex_init(&e->gate, NULL);
	pthread_cond_init(&e->moved, NULL);
	return open_mdb(e, err);
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

int
env_read_begin(struct env *e, struct env_read *r, struct err *err)
{
	int rc = EIO;

	r->thread = pthread_self();
	r->begun_ms = clock_mono_ms(&clock_system);
	pthread_mutex_lock(&e->gate);
	while (e->shut && !is_inside(e, r->thread))
		pthread_cond_wait(&e->moved, &e->gate);
	r->next = e->readers;
	e->readers = r;
	pthread_mutex_unlock(&e->gate);

	if (e->mdb)
		rc = mdb_txn_begin(e->mdb, NULL, MDB_RDONLY, &r->txn);
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

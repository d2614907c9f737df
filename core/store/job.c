/* job.c - verifying and copying the store on a thread of its own, while commits go on.
 *
 * Both are one long snapshot, which has a price: the map cannot grow while it lasts, so before it begins the writer is
 * asked for room (OP_ROOM); a commit that needs still more waits for its end. A copy is made by LMDB itself, page by
 * page of that snapshot, without the free ones: beside its name, made durable, then renamed.
 *
 * Awkward: whoever closes the store does not wait for a copy of many GiB. LMDB has no way to be interrupted there; so
 * the descriptor that it writes to is replaced by one that takes nothing, and its next write fails. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "store/apply.h"
#include "store/dir.h"
#include "store/read.h"

#define LINES_MAX (64 << 10)
#define ROOM_LEAST (UINT64_C(64) << 20)

struct job {
	struct store *s;
	pthread_t thread;
	enum store_job what;
	char *token, *dir;
	atomic_bool done, stop;
	pthread_mutex_t lock; /* guards fd */
	int fd;               /* what a copy is written to; -1: none */
	/* the thread's, until done */
	struct err err;
	uint64_t faults;
	struct buf lines;
};

bool
job_stopping(const struct store *s)
{
	return s->job && atomic_load(&s->job->stop);
}

/* Half as much again as there is, and something for a store that is small. */
int
apply_room(struct group *g, struct commit *c, struct reader *r)
{
	MDB_envinfo info;
	MDB_stat st;
	uint64_t used;
	int rc;

	(void)c;
	(void)r;
	if ((rc = mdb_env_info(g->s->env.mdb, &info)) || (rc = mdb_env_stat(g->s->env.mdb, &st)))
		return rc;
	used = (info.me_last_pgno + 1) * st.ms_psize;
	return info.me_mapsize < used + used / 2 + ROOM_LEAST ? MDB_MAP_FULL : 0;
}

static int
room_make(struct job *j)
{
	struct commit *c = commit_new(j->s, (struct fence){0});

	commit_room(c);
	return store_commit_wait(j->s, c, NULL, &j->err);
}

static void
fault_add(void *arg, const char *text)
{
	struct job *j = arg;

	j->faults++;
	if (j->lines.len < LINES_MAX)
		buf_printf(&j->lines, "%s\n", text);
}

/* From now on job_finish may spoil it; false: it already would have. */
static bool
fd_offer(struct job *j, int fd)
{
	bool go;

	pthread_mutex_lock(&j->lock);
	go = !atomic_load(&j->stop);
	j->fd = go ? fd : -1;
	pthread_mutex_unlock(&j->lock);
	return go;
}

static int
copy_write(struct job *j, int fd)
{
	struct snapshot p; /* keeps the map from growing under the copy, which has a snapshot of its own */
	int rc;

	if (snapshot_begin(&p, j->s, &j->err) < 0)
		return -1;
	rc = fd_offer(j, fd) ? mdb_env_copyfd2(j->s->env.mdb, fd, MDB_CP_COMPACT) : ECANCELED;
	pthread_mutex_lock(&j->lock);
	j->fd = -1;
	pthread_mutex_unlock(&j->lock);
	snapshot_end(&p);
	if (!rc && fsync(fd) != 0)
		rc = errno;
	return rc;
}

static void
job_backup(struct job *j)
{
	char *part = xasprintf("%s/data.mdb.part", j->dir), *path = xasprintf("%s/data.mdb", j->dir);
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), rc;

	if (fd < 0) {
		err_set(&j->err, ERR_HOST, "cannot write %s: %s", part, strerror(errno));
		goto out;
	}
	rc = copy_write(j, fd);
	close(fd);
	if (rc > 0 && atomic_load(&j->stop))
		err_set(&j->err, ERR_BUSY, "the backup was ended early, because its process ends");
	else if (rc > 0 || (!rc && (rename(part, path) != 0 || dir_sync(j->dir) != 0)))
		err_set(&j->err, ERR_HOST, "cannot write %s: %s", path, mdb_strerror(rc > 0 ? rc : errno));
	if (j->err.cls)
		unlink(part);
out:
	free(part);
	free(path);
}

static void *
job_main(void *arg)
{
	struct job *j = arg;

	if (room_make(j) == 0) {
		if (j->what == JOB_BACKUP)
			job_backup(j);
		else
			store_verify(j->s, fault_add, j, &j->err);
	}
	atomic_store(&j->done, true);
	return NULL;
}

static int
job_start(struct store *s, const struct store_job_ask *ask, struct err *err)
{
	struct job *j = XNEW(struct job);

	j->s = s;
	j->what = ask->what;
	j->token = xstrdup(ask->token);
	j->dir = xstrdup(ask->dir ? ask->dir : "");
	j->fd = -1;
	pthread_mutex_init(&j->lock, NULL);
	s->job = j;
	if (pthread_create(&j->thread, NULL, job_main, j) == 0)
		return 0;
	s->job = NULL;
	pthread_mutex_destroy(&j->lock);
	free(j->token);
	free(j->dir);
	free(j);
	return err_set(err, ERR_HOST, "no thread can be started");
}

void
job_finish(struct store *s)
{
	struct job *j = s->job;
	int none;

	if (!j)
		return;
	pthread_mutex_lock(&j->lock);
	atomic_store(&j->stop, true);
	none = j->fd >= 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
	if (none >= 0) {
		dup2(none, j->fd);
		close(none);
	}
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->thread, NULL);
	s->job = NULL;
	pthread_mutex_destroy(&j->lock);
	buf_free(&j->lines);
	free(j->token);
	free(j->dir);
	free(j);
}

int
store_job(struct store *s, const struct store_job_ask *ask, struct store_job_state *out, struct err *err)
{
	*out = (struct store_job_state){0};
	if (s->job && strcmp(s->job->token, ask->token) != 0) {
		if (!atomic_load(&s->job->done))
			return err_set(err, ERR_BUSY, "a backup or verification of %s is under way", s->dir);
		job_finish(s); /* whoever asked for it has gone away */
	}
	if (!s->job && job_start(s, ask, err) < 0)
		return -1;
	out->done = atomic_load(&s->job->done);
	if (out->done) {
		out->err = s->job->err;
		out->faults = s->job->faults;
		out->lines = buf_view(&s->job->lines);
	}
	return 0;
}

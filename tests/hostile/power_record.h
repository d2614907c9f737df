/* power_record.h - what this very program does to data.mdb, in order: writes, barriers, the directory's entry, and what
 * was acknowledged in between. LMDB calls write, fdatasync and their kin by the dynamic linker, so the functions of
 * these names here stand before libc's.
 *
 *   struct power_log log = {0};
 *   power_record(&log);  ...store_open, commits, power_note(&log, page)...  power_record(NULL);
 *
 * Barriers are recorded and not carried out: no power is cut here, and whoever replays the log decides what a cut would
 * have left. Awkward: a write by a descriptor with O_DSYNC is its own barrier, and no other write's (LMDB's meta pages);
 * and a file is only there for good once its directory is synced. */
#ifndef SLUICE_POWER_RECORD_H
#define SLUICE_POWER_RECORD_H

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "../unit/store_kit.h"

#define INTERPOSED __attribute__((visibility("default")))

enum power_kind { POWER_WRITE, POWER_WRITE_SYNC, POWER_BARRIER, POWER_SIZE, POWER_NAME, POWER_NAME_SYNC, POWER_ACK };

struct power_event {
	enum power_kind what;
	size_t at, len; /* of a write; POWER_SIZE: at is the size; POWER_ACK: at is the page */
	uint8_t *bytes;
};

struct power_log {
	struct power_event *events;
	size_t n, cap;
};

static struct power_log *power_log; /* NULL: nothing is recorded */
static pthread_mutex_t power_lock = PTHREAD_MUTEX_INITIALIZER;

static void
power_record(struct power_log *log)
{
	pthread_mutex_lock(&power_lock);
	power_log = log;
	pthread_mutex_unlock(&power_lock);
}

static void
power_add(enum power_kind what, size_t at, const void *bytes, size_t len)
{
	struct power_log *l;

	pthread_mutex_lock(&power_lock);
	if ((l = power_log)) {
		if (l->n == l->cap) {
			l->cap = l->cap ? l->cap * 2 : 256;
			l->events = xrealloc(l->events, l->cap * sizeof(*l->events));
		}
		l->events[l->n++] = (struct power_event){what, at, len, len ? xmemdup(bytes, len) : NULL};
	}
	pthread_mutex_unlock(&power_lock);
}

static void
power_log_free(struct power_log *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->events[i].bytes);
	free(l->events);
	*l = (struct power_log){0};
}

/* Is it data.mdb, or the directory that it is in? */
static bool
power_is(int fd, const char *tail)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (!power_log)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n >= (ssize_t)strlen(tail) && memcmp(path + n - strlen(tail), tail, strlen(tail)) == 0;
}

static void
power_wrote(int fd, const void *p, ssize_t done, off_t at)
{
	if (done > 0 && power_is(fd, "/data.mdb"))
		power_add(fcntl(fd, F_GETFL) & O_DSYNC ? POWER_WRITE_SYNC : POWER_WRITE, (size_t)at, p, (size_t)done);
}

INTERPOSED ssize_t
write(int fd, const void *p, size_t n)
{
	off_t at = power_log ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t done = syscall(SYS_write, fd, p, n);

	power_wrote(fd, p, done, at);
	return done;
}

INTERPOSED ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t done = syscall(SYS_pwrite64, fd, p, n, at);

	power_wrote(fd, p, done, at);
	return done;
}

/* Writes that are split in pieces are recorded so: a cut may fall between them. */
INTERPOSED ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	off_t at = power_log ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t done = syscall(SYS_writev, fd, iov, n), left = done;

	for (int i = 0; i < n && left > 0; i++) {
		ssize_t part = left < (ssize_t)iov[i].iov_len ? left : (ssize_t)iov[i].iov_len;
		power_wrote(fd, iov[i].iov_base, part, at);
		at += part;
		left -= part;
	}
	return done;
}

INTERPOSED ssize_t
pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	ssize_t all = 0;

	for (int i = 0; i < n; i++) {
		ssize_t done = pwrite(fd, iov[i].iov_base, iov[i].iov_len, at + all);
		if (done < 0)
			return all ? all : -1;
		all += done;
		if (done < (ssize_t)iov[i].iov_len)
			break;
	}
	return all;
}

static int
power_synced(int fd)
{
	struct stat st;

	if (power_is(fd, "/data.mdb"))
		power_add(POWER_BARRIER, 0, NULL, 0);
	else if (power_is(fd, "/store") && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		power_add(POWER_NAME_SYNC, 0, NULL, 0);
	return 0;
}

INTERPOSED int
fdatasync(int fd)
{
	return power_synced(fd);
}

INTERPOSED int
fsync(int fd)
{
	return power_synced(fd);
}

/* The store has no map that is written to; should it get one, this program no longer shows what a cut leaves. */
INTERPOSED int
msync(void *p, size_t n, int flags)
{
	if (power_log)
		die("the store calls msync: its writes are not recorded");
	return (int)syscall(SYS_msync, p, n, flags);
}

INTERPOSED int
ftruncate(int fd, off_t n)
{
	int rc = (int)syscall(SYS_ftruncate, fd, n);

	if (rc == 0 && power_is(fd, "/data.mdb"))
		power_add(POWER_SIZE, (size_t)n, NULL, 0);
	return rc;
}

INTERPOSED int
rename(const char *from, const char *to)
{
	int rc = (int)syscall(SYS_rename, from, to);
	size_t n = strlen(to);

	if (rc == 0 && n > 9 && strcmp(to + n - 9, "/data.mdb") == 0)
		power_add(POWER_NAME, 0, NULL, 0);
	return rc;
}

#endif

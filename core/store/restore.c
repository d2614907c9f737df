/* restore.c - a backup is checked, and takes its place in an empty data directory.
 *
 *   lock data_dir -> copy into data_dir/.restore -> open it there with the key, walk through all of it -> rename
 *
 * Guarantees: the directory's lock is held all the while, so no host opens (makes) a store there; data.mdb appears by
 * one rename, after it was verified and is durable. A kill leaves .restore behind, which the next attempt replaces.
 *
 * Awkward: the directory given as backup may be a store in use. It is recognised by its lock, and refused: copying the
 * file of a store that is being written gives a file that looks whole and is not. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "store/dir.h"

#define PART ".restore"
#define COPY_BYTES (1u << 20)

/* What we left ourselves, or what a host leaves that never made its store. */
static bool
is_ours(const char *name)
{
	static const char *const names[] = {".", "..", PART, STORE_PART, "store.lock", "lock.mdb", "sluice.sock"};

	for (size_t i = 0; i < LENGTH(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int
is_empty(const char *path, struct err *err)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int rc = 0;

	if (!dir)
		return err_set(err, ERR_HOST, "%s: %s", path, strerror(errno));
	while ((e = readdir(dir)) && rc == 0)
		if (!is_ours(e->d_name))
			rc = err_set(err, ERR_USAGE,
			             "%s is not empty (%s): a store is restored into an empty or absent directory "
			             "only; move "
			             "the old one away, or name another with --data-dir",
			             path, e->d_name);
	closedir(dir);
	return rc;
}

/* Nobody may be writing there. A backup has no lock file, and may be on a medium that takes none. */
static int
is_quiet(const char *dir, struct err *err)
{
	char *path = xasprintf("%s/store.lock", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;

	free(path);
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) != 0)
		rc = err_set(err, ERR_BUSY,
		             "%s is a store that a process has open, no backup: `sluice backup` makes one of it", dir);
	close(fd);
	return rc;
}

static int
bytes_copy(int from, int to, uint64_t *bytes)
{
	char *piece = xmalloc(COPY_BYTES);
	ssize_t n;
	int rc = 0;

	*bytes = 0;
	while (rc == 0 && (n = read(from, piece, COPY_BYTES)) != 0) {
		ssize_t done = 0, m = 0;
		while (n > done && (m = write(to, piece + done, (size_t)(n - done))) > 0)
			done += m;
		if (n < 0 || m <= 0)
			rc = -1;
		else
			*bytes += (uint64_t)n;
	}
	free(piece);
	return rc == 0 ? fsync(to) : -1;
}

static int
file_copy(const char *from, const char *to, uint64_t *bytes, struct err *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, rc;

	if (in < 0)
		return err_set(err, ERR_USAGE, "%s: %s; name the directory that `sluice backup` made", from,
		               strerror(errno));
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	rc = out < 0 ? -1 : bytes_copy(in, out, bytes);
	if (rc != 0)
		rc = err_set(err, ERR_HOST, "cannot copy %s to %s: %s", from, to, strerror(errno));
	close(in);
	if (out >= 0)
		close(out);
	return rc;
}

static void
fault_first(void *arg, const char *text)
{
	struct buf *first = arg;

	if (!first->len)
		buf_puts(first, text);
}

int
store_backup_check(const struct store_options *o, const char *dir, uint64_t *bytes, struct err *err)
{
	struct store_options here = *o;
	struct store_stats stats;
	struct buf first = {0};
	struct store *s;
	int rc;

	here.dir = dir;
	s = store_open(&here, err);
	if (!s) {
		dir_leavings_remove(dir);
		return -1;
	}
	rc = store_verify(s, fault_first, &first, err);
	if (rc != 0 && first.len)
		err_set(err, ERR_DATA, "the copy in %s is damaged: %s", dir, buf_str(&first));
	store_stats(s, &stats);
	*bytes = stats.file_bytes;
	store_close(s);
	dir_leavings_remove(dir);
	buf_free(&first);
	return rc;
}

static int
restore_into(const struct store_options *o, const char *from, uint64_t *bytes, struct err *err)
{
	char *part = xasprintf("%s/" PART, o->dir), *source = xasprintf("%s/data.mdb", from),
	     *copy = xasprintf("%s/data.mdb", part);
	int rc = -1;

	if (mkdir(part, 0700) != 0 && errno != EEXIST)
		err_set(err, ERR_HOST, "cannot make %s: %s", part, strerror(errno));
	else if (file_copy(source, copy, bytes, err) == 0 && store_backup_check(o, part, bytes, err) == 0 &&
	         dir_sync(part) == 0)
		rc = dir_place(part, o->dir, err);
	unlink(copy);
	dir_leavings_remove(part);
	rmdir(part);
	free(part);
	free(source);
	free(copy);
	return rc;
}

int
store_restore(const struct store_options *o, const char *from, uint64_t *bytes, struct err *err)
{
	int lock, rc;

	if (is_quiet(from, err) != 0 || dir_prepare(o->dir, err) != 0)
		return -1;
	lock = dir_lock(o->dir, err);
	if (lock < 0)
		return err->cls == ERR_BUSY ? err_set(err, ERR_BUSY, "%s: a store in use is never replaced: end that process first", err->text) : -1;
	rc = is_empty(o->dir, err) == 0 ? restore_into(o, from, bytes, err) : -1;
	close(lock);
	return rc;
}

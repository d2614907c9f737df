/* installed.c - see installed.h: copy, fsync, keep, rename.
 *
 * The name NAME.so is never without a file: the old one is kept by a second link before the new one is renamed over it,
 * and a swap is one renameat2(RENAME_EXCHANGE). A crash leaves at worst a file whose name begins with a dot, which no
 * host looks at; the next deploy removes it. Awkward: file systems without hard links (the old one is then copied) or
 * without RENAME_EXCHANGE (the kept one is then put in like a new one). */
#include "cli/installed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"

#define KEPT_FOLDER ".rollback"
#define KEPT_MOST 5u
#define CHUNK 65536u
#define SIZE_MAX_PLUGIN (64u << 20) /* as elf.c takes */

static int
bytes_copy(int from, int to)
{
	char *chunk = xmalloc(CHUNK);
	size_t total = 0;
	ssize_t n, put;

	while ((n = read(from, chunk, CHUNK)) > 0 && (total += (size_t)n) <= SIZE_MAX_PLUGIN)
		for (ssize_t done = 0; done < n; done += put) {
			put = write(to, chunk + done, (size_t)(n - done));
			if (put < 0) {
				free(chunk);
				return -1;
			}
		}
	free(chunk);
	if (total > SIZE_MAX_PLUGIN)
		errno = EFBIG;
	return n < 0 || total > SIZE_MAX_PLUGIN ? -1 : 0;
}

/* A whole copy under a name that nobody looks for yet. */
static int
file_copy(const char *from, const char *to, struct err *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY), out = -1, rc = -1;

	unlink(to);
	if (in < 0) {
		err_set(err, ERR_USAGE, "%s: %s", from, strerror(errno));
		goto out;
	}
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (out < 0 || bytes_copy(in, out) != 0 || fchmod(out, 0755) != 0 || fsync(out) != 0) {
		err_set(err, ERR_HOST, "%s: %s: nothing was changed", to, strerror(errno));
		if (out >= 0)
			unlink(to);
		goto out;
	}
	rc = 0;
out:
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return rc;
}

/* ---- what is kept ---- */

/* N of NAME.so-N; 0: it is none of ours. */
static unsigned long
kept_number(const char *entry, const char *name)
{
	size_t n = strlen(name);
	char *end;
	unsigned long number;

	if (strncmp(entry, name, n) != 0 || strncmp(entry + n, ".so-", 4) != 0)
		return 0;
	number = strtoul(entry + n + 4, &end, 10);
	return *end ? 0 : number;
}

/* The highest number that is kept, and how many are; the lowest besides. */
static size_t
kept_range(const char *dir, const char *name, unsigned long *lowest, unsigned long *highest)
{
	char *folder = xasprintf("%s/" KEPT_FOLDER, dir);
	DIR *d = opendir(folder);
	struct dirent *e;
	size_t count = 0;

	*lowest = *highest = 0;
	while (d && (e = readdir(d))) {
		unsigned long n = kept_number(e->d_name, name);

		if (!n)
			continue;
		count++;
		if (n > *highest)
			*highest = n;
		if (!*lowest || n < *lowest)
			*lowest = n;
	}
	if (d)
		closedir(d);
	free(folder);
	return count;
}

static char *
kept_path(const char *dir, const char *name, unsigned long n)
{
	return xasprintf("%s/" KEPT_FOLDER "/%s.so-%lu", dir, name, n);
}

char *
installed_kept(const char *dir, const char *name, struct err *err)
{
	unsigned long lowest, highest;

	if (kept_range(dir, name, &lowest, &highest))
		return kept_path(dir, name, highest);
	err_set(err, ERR_USAGE, "no earlier file of connector '%s' is kept in %s/" KEPT_FOLDER
	        ": only what `sluice deploy` replaced can be had back", name, dir);
	return NULL;
}

static void
kept_trim(const char *dir, const char *name)
{
	unsigned long lowest, highest;
	char *path;

	while (kept_range(dir, name, &lowest, &highest) > KEPT_MOST) {
		path = kept_path(dir, name, lowest);
		if (unlink(path) != 0)
			lowest = highest; /* cannot be helped; it is only room */
		free(path);
		if (lowest == highest)
			return;
	}
}

static int
keep(const char *dir, const char *name, const char *current, struct err *err)
{
	char *folder = xasprintf("%s/" KEPT_FOLDER, dir), *path = NULL;
	unsigned long lowest, highest;
	int rc = 0;

	if (access(current, F_OK) != 0)
		goto out; /* the first of its name */
	if (mkdir(folder, 0755) != 0 && errno != EEXIST) {
		rc = err_set(err, ERR_HOST, "%s: %s: nothing was changed", folder, strerror(errno));
		goto out;
	}
	kept_range(dir, name, &lowest, &highest);
	path = kept_path(dir, name, highest + 1);
	if (link(current, path) != 0)
		rc = file_copy(current, path, err);
	if (rc == 0 && parent_sync(path) != 0)
		rc = err_set(err, ERR_HOST, "%s: %s: nothing was changed", folder, strerror(errno));
out:
	free(folder);
	free(path);
	return rc;
}

/* ---- putting in, and swapping ---- */

int
installed_put(const char *dir, const char *name, const char *from, struct err *err)
{
	char *path = xasprintf("%s/%s.so", dir, name), *fresh = xasprintf("%s/.%s.so.new", dir, name);
	int rc = -1;

	if (file_copy(from, fresh, err) != 0)
		goto out;
	if (keep(dir, name, path, err) != 0) {
		unlink(fresh);
		goto out;
	}
	if (rename(fresh, path) != 0 || parent_sync(path) != 0) {
		err_set(err, ERR_HOST, "%s: %s", path, strerror(errno));
		unlink(fresh);
		goto out;
	}
	kept_trim(dir, name);
	rc = 0;
out:
	free(path);
	free(fresh);
	return rc;
}

int
installed_swap(const char *dir, const char *name, const char *kept, struct err *err)
{
	char *path = xasprintf("%s/%s.so", dir, name);
	int rc = 0;

	if (renameat2(AT_FDCWD, kept, AT_FDCWD, path, RENAME_EXCHANGE) != 0) {
		if (errno == ENOENT && access(path, F_OK) != 0) /* what was in use has been removed */
			rc = rename(kept, path);
		else
			rc = installed_put(dir, name, kept, err) == 0 ? unlink(kept) : -2;
	}
	if (rc == -1 || (rc == 0 && (parent_sync(path) != 0 || parent_sync(kept) != 0)))
		rc = err_set(err, ERR_HOST, "%s: %s", path, strerror(errno));
	free(path);
	return rc ? -1 : 0;
}

/* resolve.c - from what stands in the INI file to what is meant: env:NAME, file:PATH, quotes; and reading files.
 *
 * Files are opened without blocking and must be regular ones: a named pipe in a configuration folder must not hang the
 * host, a directory must not read as empty, and /dev/zero must not fill the memory. Symbolic links are followed.
 *
 * Awkward: a value in quotes is never env: or file:, so that any text can be written; and the end of line with which
 * editors close a file is not part of a secret kept in one. */
#include "config/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"

static int
file_take(int fd, size_t max, struct buf *out)
{
	for (;;) {
		buf_reserve(out, 4096);
		ssize_t n = read(fd, out->p + out->len, out->cap - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		out->len += (size_t)n;
		if (out->len > max) {
			errno = EFBIG;
			return -1;
		}
	}
}

static int
file_open_read(const char *path, mode_t forbidden, size_t max, struct buf *out, struct err *err)
{
	struct stat st;
	int rc = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_set(err, ERR_USAGE, "cannot read %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		err_set(err, ERR_USAGE, "cannot read %s: %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		err_set(err, ERR_USAGE, "%s is a directory; name a file", path);
	else if (!S_ISREG(st.st_mode))
		err_set(err, ERR_USAGE, "%s is no regular file", path);
	else if (st.st_mode & forbidden)
		err_set(err, ERR_USAGE, "%s is open to others (mode %04o); do: chmod 600 %s", path,
		        (unsigned)st.st_mode & 07777, path);
	else if ((rc = file_take(fd, max, out)) < 0)
		err_set(err, ERR_USAGE, "cannot read %s: %s (at most %zu bytes are read)", path, strerror(errno), max);
	close(fd);
	return rc;
}

int
file_read(const char *path, size_t max, struct buf *out, struct err *err)
{
	return file_open_read(path, 0, max, out, err);
}

int
file_read_private(const char *path, size_t max, struct buf *out, struct err *err)
{
	return file_open_read(path, S_IRWXG | S_IRWXO, max, out, err);
}

char *
path_absolute(struct slice path)
{
	struct buf b = {0};

	if (!slice_starts(path, "/")) {
		char *cwd = getcwd(NULL, 0);
		if (!cwd)
			die("config: the current directory is gone: %s", strerror(errno));
		buf_puts(&b, cwd);
		free(cwd);
		if (!b.len || b.p[b.len - 1] != '/')
			buf_putc(&b, '/');
	}
	while (slice_starts(path, "./"))
		path = slice_of(path.p + 2, path.len - 2);
	if (!slice_is(path, "."))
		buf_slice(&b, path);
	while (b.len > 1 && b.p[b.len - 1] == '/')
		b.len--;
	return buf_take(&b);
}

static int
resolve_env(struct value *v, const char *name, struct err *err)
{
	const char *value = getenv(name);

	if (!*name)
		return err_set(err, ERR_USAGE, "env: names no variable; say for example env:MY_TOKEN");
	if (!value)
		return err_set(err, ERR_USAGE, "env:%s: this environment variable is not set; set it, or use file:PATH", name);
	if (!*value)
		return err_set(err, ERR_USAGE, "env:%s: this environment variable is empty; set it", name);
	buf_puts(&v->text, value);
	return 0;
}

static int
resolve_file(struct value *v, const char *path, struct err *err)
{
	struct buf *t = &v->text;

	if (!*path)
		return err_set(err, ERR_USAGE, "file: names no file; say for example file:my.token");
	if (file_read(path, VALUE_FILE_MAX, t, err) < 0)
		return err_prefix(err, "file:%s", path);
	if (t->len && t->p[t->len - 1] == '\n')
		t->len -= t->len > 1 && t->p[t->len - 2] == '\r' ? 2 : 1;
	if (!t->len)
		return err_set(err, ERR_USAGE, "file:%s: the file is empty; write the value into it", path);
	if (memchr(t->p, 0, t->len))
		return err_set(err, ERR_USAGE, "file:%s: the file holds a NUL byte; a value is text", path);
	if (!utf8_valid(buf_view(t)))
		return err_set(err, ERR_USAGE, "file:%s: the file is not UTF-8; a value is text", path);
	return 0;
}

static const struct resolver {
	const char *prefix;
	int (*resolve)(struct value *v, const char *rest, struct err *err);
} resolvers[] = {{"env:", resolve_env}, {"file:", resolve_file}};

int
value_resolve(struct value *v, struct slice given, struct err *err)
{
	*v = (struct value){0};
	for (const struct resolver *r = resolvers; r < resolvers + LENGTH(resolvers); r++) {
		size_t skip = strlen(r->prefix);
		if (!slice_starts(given, r->prefix))
			continue;
		char *rest = xstrndup(given.p + skip, given.len - skip);
		int rc = r->resolve(v, rest, err);
		free(rest);
		v->resolved = true;
		buf_str(&v->text);
		if (rc < 0)
			value_finish(v);
		return rc;
	}
	buf_slice(&v->text, given);
	buf_str(&v->text);
	return 0;
}

int
value_resolve_plain(struct value *v, struct slice given, struct err *err)
{
	if (!slice_starts(given, "\""))
		return value_resolve(v, given, err);
	*v = (struct value){0};
	if (!json_check(given, 1, NULL) || !json_unquote(given, &v->text) || memchr(buf_str(&v->text), 0, v->text.len)) {
		value_finish(v);
		return err_set(err, ERR_USAGE,
		               "begins with a quote, but is no JSON string; put the whole value in quotes, with \\\" and \\\\ inside");
	}
	return 0;
}

void
value_finish(struct value *v)
{
	buf_wipe(&v->text);
	*v = (struct value){0};
}

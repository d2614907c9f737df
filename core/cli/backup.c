/* backup.c - `sluice backup PATH`: a copy of the store as it was at one moment, made while runs go on.
 *
 *   PATH.new-XXXXXX made -> whoever has the store open copies it there -> opened and verified here -> renamed to PATH
 *
 * PATH is there whole and verified, or not at all. Awkward: the copy is sealed as the store is, so without the key it
 * is worth nothing; the key is never copied along, or whoever finds the backup could read it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "config/value.h"

static int
target_free(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return err_set(err, ERR_USAGE,
		               "%s exists: a backup replaces nothing; name a path that is not there yet", path);
	return errno == ENOENT ? 0 : err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
}

int
parent_sync(const char *path)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	int fd, rc;

	slash[slash == dir] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

static void
part_remove(const char *part)
{
	static const char *const names[] = {"data.mdb", "data.mdb.part"};

	for (size_t i = 0; i < LENGTH(names); i++) {
		char *path = xasprintf("%s/%s", part, names[i]);
		unlink(path);
		free(path);
	}
	rmdir(part);
}

static int
backup_make(struct cli *c, const char *part, const char *path, uint64_t *bytes, struct err *err)
{
	const struct store_options options = host_store_options(c->settings);
	const struct job_ask ask = {.query = "backup", .dir = part, .row = row_none};
	struct access a = {0};
	struct buf end = {0};
	int rc = access_open(&a, c, false, err);

	if (rc == 0)
		rc = job_wait(&a, &ask, &end, err);
	access_close(&a);
	buf_free(&end);
	if (rc == 0)
		rc = store_backup_check(&options, part, bytes, err);
	if (rc == 0 && target_free(path, err) != 0)
		return -1;
	if (rc == 0 && (rename(part, path) != 0 || parent_sync(path) != 0))
		rc = err_set(err, ERR_HOST, "cannot make %s: %s", path, strerror(errno));
	return rc;
}

static void
backup_tell(struct cli *c, const char *path, uint64_t bytes)
{
	const struct host_settings *s = &c->settings->host;
	struct buf line = {0};
	struct json_out o = json_out(&line);
	char size[TIME_TEXT_MAX];

	if (c->format == FORMAT_TEXT) {
		printf("%s: %s, verified\n", path, size_format(bytes, size));
		if (!s->encrypt)
			printf("It is not encrypted: whoever can read it can read the records.\n");
		else
			printf("To restore it the key is needed besides: %s%s. Keep a copy of it, and not beside the "
			       "backup.\n",
			       s->key_file ? "the file " : "the one that encryption_key names",
			       s->key_file ? s->key_file : "");
		return;
	}
	json_open(&o, '{');
	json_kv_str(&o, "path", path);
	json_kv_int(&o, "bytes", (int64_t)bytes);
	json_kv_bool(&o, "verified", true);
	json_kv_bool(&o, "encrypted", s->encrypt);
	json_kv_str(&o, "key_file", s->key_file);
	json_close(&o, '}');
	print_object(c, buf_view(&line));
	buf_free(&line);
}

static int
command_backup_run(struct cli *c)
{
	char *path = path_absolute(slice_str(c->args[0])), *part;
	uint64_t bytes = 0;
	struct err err;
	size_t len = strlen(path);
	int rc;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	part = xasprintf("%s.new-XXXXXX", path);
	rc = owner_become(c->settings->host.data_dir, &err) == 0 ? target_free(path, &err) : -1;
	if (rc == 0 && !mkdtemp(part))
		rc = err_set(&err, ERR_USAGE, "cannot make a directory beside %s as the store's owner (uid %u): %s", path,
		             (unsigned)geteuid(), strerror(errno));
	else if (rc == 0 && (rc = backup_make(c, part, path, &bytes, &err)) != 0)
		part_remove(part);
	if (rc == 0)
		backup_tell(c, path, bytes);
	free(part);
	free(path);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_backup = {
        .name = "backup",
        .usage = "PATH",
        .summary = "Copies the store into a new directory, as of one moment, also while runs go on",
        .help = "The copy is verified before it bears its name. `sluice restore` brings it back. Its key is needed "
                "besides.\n"
                "It is made as the store's owner, also when root asks for it: PATH must lie where that user may write.",
        .args_min = 1,
        .args_max = 1,
        .run = command_backup_run,
};

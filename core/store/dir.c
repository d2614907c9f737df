/* dir.c - the directory, its lock, and the file with the operator's key.
 *
 * The lock is flock on a file of its own: LMDB's own locks let several processes in. Its content is the holder's pid,
 * for the message only. A key file is made whole and durable (temporary file, fsync, rename, fsync of the directory)
 * before the first thing is sealed with it. Awkward: a missing key file beside an existing store is an error, never a
 * reason to make a new one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "store/dir.h"

#define LOCK_NAME "store.lock"
#define LOCK_TRIES 200 /* of 10 ms each, where the holder is gone */
#define KEY_FILE_MAX 256

/* LMDB needs shared memory and locks that hold: no network file systems. */
static const struct {
	unsigned magic;
	const char *name;
} networks[] = {
	{NFS_SUPER_MAGIC, "NFS"},   {SMB_SUPER_MAGIC, "SMB"},   {0xff534d42, "CIFS"},     {0xfe534d42, "SMB2"},
	{V9FS_MAGIC, "9p"},         {FUSE_SUPER_MAGIC, "FUSE"}, {AFS_SUPER_MAGIC, "AFS"}, {0x5346414f, "AFS"},
	{CODA_SUPER_MAGIC, "Coda"}, {0x00c36400, "Ceph"},
};

static int
make_parents(const char *dir)
{
	char *path = xstrdup(dir);
	int rc = 0;

	for (char *p = *path ? strchr(path + 1, '/') : NULL; p && !rc; p = strchr(p + 1, '/')) {
		*p = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			rc = -1;
		*p = '/';
	}
	free(path);
	return rc;
}

int
dir_prepare(const char *dir, struct err *err)
{
	struct stat st;
	struct statfs fs;

	if (stat(dir, &st) < 0) {
		if (errno == EACCES)
			return err_set(err, ERR_USAGE, "the store %s is not for this user (uid %u): run as the user whom it belongs to, "
			               "or as root: sudo sluice ...", dir, (unsigned)geteuid());
		if (make_parents(dir) < 0 || mkdir(dir, 0700) < 0 || stat(dir, &st) < 0)
			return err_set(err, errno == ENOSPC || errno == EIO ? ERR_HOST : ERR_USAGE,
			               "cannot make the store's directory %s: %s", dir, strerror(errno));
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is no directory", dir);
	if (st.st_uid != geteuid())
		return err_set(err, ERR_USAGE,
		               "the store %s belongs to uid %u, not to this process (uid %u): run as that user (sudo -u '#%u' "
		               "sluice ...) or as root, or name another data_dir",
		               dir, (unsigned)st.st_uid, (unsigned)geteuid(), (unsigned)st.st_uid);
	if (st.st_mode & 077)
		return err_set(err, ERR_USAGE, "%s may be entered by others (mode %04o); say: chmod 700 %s", dir,
		               st.st_mode & 07777, dir);
	if (statfs(dir, &fs) < 0)
		return err_set(err, ERR_HOST, "%s: %s", dir, strerror(errno));
	for (size_t i = 0; i < LENGTH(networks); i++)
		if ((unsigned)fs.f_type == networks[i].magic)
			return err_set(err, ERR_USAGE, "%s is on %s; the store needs a local file system", dir,
			               networks[i].name);
	return 0;
}

/* Who has it, by what stands in the file; gone: there is no such process any more. */
static bool
holder_gone(int fd, char pid[24])
{
	ssize_t n = pread(fd, pid, 23, 0);
	long number;

	pid[n > 0 ? n : 0] = 0;
	pid[strcspn(pid, "\n")] = 0;
	number = strtol(pid, NULL, 10);
	return number > 0 && kill((pid_t)number, 0) < 0 && errno == ESRCH;
}

/* A host that died just as it had started a worker: until that one has closed what it inherited, the lock is held by
 * nobody. 0 or errno. */
static int
lock_take(int fd, char pid[24])
{
	for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
		int rc = errno;

		if (rc != EWOULDBLOCK || !holder_gone(fd, pid) || tries == LOCK_TRIES)
			return rc;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return 0;
}

int
dir_lock(const char *dir, struct err *err)
{
	char *path = xasprintf("%s/%s", dir, LOCK_NAME);
	char pid[24] = {0};
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (fd < 0) {
		err_set(err, errno == ENOSPC || errno == EIO ? ERR_HOST : ERR_USAGE, "cannot open %s: %s", path,
		        strerror(errno));
	} else if ((rc = lock_take(fd, pid))) {
		if (rc == EWOULDBLOCK)
			err_set(err, ERR_BUSY, "the store %s is open in another process (pid %s)", dir,
			        pid[0] ? pid : "unknown");
		else
			err_set(err, ERR_HOST, "cannot lock %s: %s", path, strerror(rc));
		close(fd);
		fd = -1;
	} else {
		rc = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
		if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)rc, 0) < 0)
			errno = 0; /* a full disk: the lock holds all the same, its holder goes unnamed */
	}
	free(path);
	return fd;
}

int
dir_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

/* As long as anybody has it open, lock.mdb says which of the two heads in data.mdb is the newer one. A guest may still read what
 * was moved away from here, and that word is of the other file: it would choose the older head of this one. */
static void
lock_remove(const char *dir)
{
	char *path = xasprintf("%s/lock.mdb", dir);

	unlink(path);
	free(path);
}

int
dir_place(const char *part, const char *dir, struct err *err)
{
	char *from = xasprintf("%s/data.mdb", part), *to = xasprintf("%s/data.mdb", dir);
	int rc = 0;

	lock_remove(dir);
	if (rename(from, to) != 0 || dir_sync(dir) != 0)
		rc = err_set(err, ERR_HOST, "cannot make %s: %s", to, strerror(errno));
	free(from);
	free(to);
	return rc;
}

void
dir_leavings_remove(const char *dir)
{
	static const char *const leavings[] = {"lock.mdb", "store.lock"};

	for (size_t i = 0; i < LENGTH(leavings); i++) {
		char *path = xasprintf("%s/%s", dir, leavings[i]);
		unlink(path);
		free(path);
	}
}

/* 32 raw bytes, 64 hex digits, or base64 of 32 bytes; white space around text. */
static bool
key_decode(struct slice text, uint8_t key[SEAL_KEY_SIZE])
{
	size_t n = 0;

	if (text.len == SEAL_KEY_SIZE) {
		memcpy(key, text.p, SEAL_KEY_SIZE);
		return true;
	}
	while (text.len && strchr(" \t\r\n", text.p[text.len - 1]))
		text.len--;
	if (text.len == SEAL_KEY_SIZE * 2)
		return sodium_hex2bin(key, SEAL_KEY_SIZE, text.p, text.len, NULL, &n, NULL) == 0 && n == SEAL_KEY_SIZE;
	return sodium_base642bin(key, SEAL_KEY_SIZE, text.p, text.len, NULL, &n, NULL,
	                         sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       n == SEAL_KEY_SIZE;
}

static int
key_read(int fd, const char *path, uint8_t key[SEAL_KEY_SIZE], struct err *err)
{
	char text[KEY_FILE_MAX];
	struct stat st;
	ssize_t n;
	int rc = 0;

	if (fstat(fd, &st) < 0 || (n = read(fd, text, sizeof(text))) < 0)
		return err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
	if (st.st_mode & 077)
		rc = err_set(err, ERR_USAGE, "the key file %s may be read by others (mode %04o); say: chmod 600 %s",
		             path, st.st_mode & 07777, path);
	else if (!key_decode(slice_of(text, (size_t)n), key))
		rc = err_set(err, ERR_USAGE, "%s holds no key: 32 bytes, 64 hex digits or base64 of 32 bytes", path);
	sodium_memzero(text, sizeof(text));
	return rc;
}

static int
file_put(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), rc;

	if (fd < 0)
		return -1;
	rc = write(fd, p, n) == (ssize_t)n && fsync(fd) == 0 ? 0 : -1;
	return close(fd) < 0 ? -1 : rc;
}

static int
key_make(const char *path, uint8_t key[SEAL_KEY_SIZE], struct err *err)
{
	char text[SEAL_KEY_SIZE * 2 + 2];
	char *tmp = xasprintf("%s.new", path), *slash = strrchr(tmp, '/');
	int rc;

	seal_random(key, SEAL_KEY_SIZE);
	sodium_bin2hex(text, sizeof(text), key, SEAL_KEY_SIZE);
	text[SEAL_KEY_SIZE * 2] = '\n';
	rc = make_parents(path) < 0 || file_put(tmp, text, SEAL_KEY_SIZE * 2 + 1) < 0 || rename(tmp, path) < 0 ? -1 : 0;
	if (slash)
		*slash = 0;
	if (rc < 0 || dir_sync(slash ? tmp : ".") < 0)
		rc = err_set(err, ERR_HOST, "cannot make the key file %s: %s", path, strerror(errno));
	sodium_memzero(text, sizeof(text));
	free(tmp);
	return rc;
}

int
dir_key(const struct store_options *o, bool fresh, uint8_t key[SEAL_KEY_SIZE], struct err *err)
{
	int fd, rc;

	if (o->key)
		return key_decode(secret_reveal(o->key), key)
		               ? 0
		               : err_set(err, ERR_USAGE,
		                         "the encryption key is no key: 32 bytes, 64 hex digits or base64 of 32 bytes");
	if (!o->key_file)
		return err_set(err, ERR_USAGE, "the store %s needs an encryption key, a key file, or `none`", o->dir);
	fd = open(o->key_file, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		rc = key_read(fd, o->key_file, key, err);
		close(fd);
		return rc;
	}
	if (errno != ENOENT)
		return err_set(err, ERR_USAGE, "cannot read the key file %s: %s", o->key_file, strerror(errno));
	if (!fresh)
		return err_set(err, ERR_USAGE,
		               "the key file %s is missing, and the store %s is sealed with it; put it back, or say where it "
		               "is with encryption_key = file:PATH in [host]",
		               o->key_file, o->dir);
	return key_make(o->key_file, key, err);
}

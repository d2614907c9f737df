/* io_fault.h - the Nth call of this program that changes a file of its own fails: once, or from then on, with an error or
 * half done. The functions of these names here stand before libc's, also for LMDB.
 *
 *   struct io_fault f = {.at = 17, .error = ENOSPC};
 *   io_fault_set(&f, directory);  ...  io_fault_set(NULL, NULL);
 *
 * Counted: open for writing, mkdir, write, pwrite, writev, fsync, fdatasync, ftruncate, rename, of what lies in that
 * directory. Barriers are not carried out, O_DSYNC is not either: no power is cut here. */
#ifndef SLUICE_IO_FAULT_H
#define SLUICE_IO_FAULT_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define INTERPOSED __attribute__((visibility("default")))

struct io_fault {
	unsigned at;  /* 0: never */
	bool on;      /* from then on */
	bool half;    /* a write of many bytes does the first half instead, with no error */
	int error;
	unsigned n;   /* calls so far */
	unsigned hit; /* that failed, */
	unsigned hit_data;  /* and of these, of data.mdb, or of the rename that makes it */
	char call[160]; /* the first that failed */
};

static struct io_fault *io_fault; /* NULL: nothing fails, nothing is counted */
static const char *io_root;
static pthread_mutex_t io_lock = PTHREAD_MUTEX_INITIALIZER;

static void
io_fault_set(struct io_fault *f, const char *root)
{
	pthread_mutex_lock(&io_lock);
	io_fault = f;
	io_root = root;
	pthread_mutex_unlock(&io_lock);
}

/* Does this call fail? errno is set then. */
static bool
io_judge(const char *call, const char *path)
{
	struct io_fault *f;
	bool fails = false;

	pthread_mutex_lock(&io_lock);
	f = io_fault;
	if (f && strncmp(path, io_root, strlen(io_root)) == 0) {
		f->n++;
		fails = f->at && (f->on ? f->n >= f->at : f->n == f->at);
		if (fails && !f->hit++)
			snprintf(f->call, sizeof(f->call), "%s %s", call, path + strlen(io_root));
		f->hit_data += fails && strlen(path) > 9 && strcmp(path + strlen(path) - 9, "/data.mdb") == 0;
		if (fails)
			errno = f->error;
	}
	pthread_mutex_unlock(&io_lock);
	return fails;
}

static bool
io_judge_fd(const char *call, int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (!io_fault)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = 0;
	return io_judge(call, path);
}

/* How much of n bytes is written: all, half of them, or -1. */
static ssize_t
io_judge_write(const char *call, int fd, size_t n)
{
	if (!io_judge_fd(call, fd))
		return (ssize_t)n;
	return io_fault->half && n > 1 ? (ssize_t)(n / 2) : -1;
}

INTERPOSED ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t len = io_judge_write("write", fd, n);

	return len < 0 ? -1 : syscall(SYS_write, fd, p, (size_t)len);
}

INTERPOSED ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t len = io_judge_write("pwrite", fd, n);

	return len < 0 ? -1 : syscall(SYS_pwrite64, fd, p, (size_t)len, at);
}

INTERPOSED ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	size_t all = 0;
	ssize_t len;

	for (int i = 0; i < n; i++)
		all += iov[i].iov_len;
	len = io_judge_write("writev", fd, all);
	if (len < 0)
		return -1;
	return syscall(SYS_writev, fd, iov, (size_t)len == all ? n : n > 1 ? n / 2 : 1);
}

INTERPOSED int
fdatasync(int fd)
{
	return io_judge_fd("fdatasync", fd) ? -1 : 0;
}

INTERPOSED int
fsync(int fd)
{
	return io_judge_fd("fsync", fd) ? -1 : 0;
}

INTERPOSED int
ftruncate(int fd, off_t n)
{
	return io_judge_fd("ftruncate", fd) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

INTERPOSED int
rename(const char *from, const char *to)
{
	return io_judge("rename", to) ? -1 : (int)syscall(SYS_rename, from, to);
}

INTERPOSED int
mkdir(const char *path, mode_t mode)
{
	return io_judge("mkdir", path) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

INTERPOSED int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && io_judge("open", path))
		return -1;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags & ~O_DSYNC, mode);
}

#endif

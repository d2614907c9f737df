/* shim.c - dies or fails at the Nth system call that makes something durable or sends it; preloaded into a real
 * program.
 *
 *   LD_PRELOAD=build/tests/plugins/shim.so SHIM_KILL_AT=17 program ...
 *
 *   SHIM_KILL_AT=N          SIGKILL instead of the Nth call; with SHIM_TORN=1 half of a write is done before
 *   SHIM_FAIL_AT=N:ENOSPC   the Nth call fails so (EIO, ENOSPC, EINTR, EAGAIN, EPIPE, ECONNRESET, or a number)
 *   SHIM_FAIL_FOR=K         so do the K-1 calls after it; 0: all of them
 *   SHIM_COUNT_FILE=PATH    8 bytes, little-endian: calls so far; current also after a SIGKILL (od -An -tu8)
 *   SHIM_COMM=NAME          only in processes of this name (/proc/self/comm); others are left alone
 *   SHIM_FILES=1            only calls on regular files count (no sockets, pipes, terminals)
 *
 * Calls: write pwrite pwritev writev send sendto sendmsg fsync fdatasync msync ftruncate rename. Awkward: calls that
 * libc makes inside itself (stdio) do not pass here, and a statically linked program sees nothing of it. Under ASan set
 * ASAN_OPTIONS=verify_asan_link_order=0. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef _GNU_SOURCE
extern char *program_invocation_short_name;
#endif
#define SHIM __attribute__((visibility("default")))

static struct {
	int on, files, torn, error;
	uint64_t kill_at, fail_at, fail_for;
	_Atomic uint64_t own, *count;
} shim;

static const struct {
	const char *name;
	int value;
} errors[] = {
	{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EINTR", EINTR},
	{"EAGAIN", EAGAIN}, {"EPIPE", EPIPE},   {"ECONNRESET", ECONNRESET},
};

static uint64_t
number(const char *name, uint64_t otherwise)
{
	const char *v = getenv(name);

	return v ? strtoull(v, NULL, 10) : otherwise;
}

static int
error_of(const char *text)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(text, errors[i].name) == 0)
			return errors[i].value;
	return atoi(text) ? atoi(text) : EIO;
}

static int
is_meant(void)
{
	const char *wanted = getenv("SHIM_COMM");
	char comm[32] = {0};
	int fd;

	if (!wanted)
		return 1;
	fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, comm, sizeof(comm) - 1) < 0)
		return 0;
	close(fd);
	comm[strcspn(comm, "\n")] = 0;
	return strcmp(comm, wanted) == 0;
}

__attribute__((constructor)) static void
shim_start(void)
{
	const char *fail = getenv("SHIM_FAIL_AT"), *path = getenv("SHIM_COUNT_FILE"), *colon;
	int fd;

	shim.count = &shim.own;
	if (!is_meant())
		return;
	shim.on = 1;
	shim.files = (int)number("SHIM_FILES", 0);
	shim.torn = (int)number("SHIM_TORN", 0);
	shim.kill_at = number("SHIM_KILL_AT", 0);
	shim.fail_at = number("SHIM_FAIL_AT", 0);
	shim.fail_for = number("SHIM_FAIL_FOR", 1);
	colon = fail ? strchr(fail, ':') : NULL;
	shim.error = colon ? error_of(colon + 1) : EIO;
	fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (fd >= 0 && (int)syscall(SYS_ftruncate, fd, 8L) == 0) {
		void *p = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p != MAP_FAILED) {
			shim.count = p;
			atomic_store(shim.count, 0);
		}
	}
	if (fd >= 0)
		close(fd);
}

static void
die_now(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

enum verdict { GO, FAIL, DIE };

/* Counts the call and says what becomes of it. */
static enum verdict
judge(int fd)
{
	struct stat st;
	uint64_t n;

	if (!shim.on || (shim.files && fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))))
		return GO;
	n = atomic_fetch_add(shim.count, 1) + 1;
	if (n == shim.kill_at)
		return DIE;
	if (shim.fail_at && n >= shim.fail_at && (!shim.fail_for || n - shim.fail_at < shim.fail_for)) {
		errno = shim.error;
		return FAIL;
	}
	return GO;
}

/* For calls of which no half can be done. */
static int
refused(int fd)
{
	enum verdict v = judge(fd);

	if (v == DIE)
		die_now();
	return v == FAIL;
}

SHIM ssize_t
write(int fd, const void *p, size_t n)
{
	enum verdict v = judge(fd);

	if (v == DIE) {
		if (shim.torn)
			syscall(SYS_write, fd, p, n / 2);
		die_now();
	}
	return v == FAIL ? -1 : syscall(SYS_write, fd, p, n);
}

SHIM ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	enum verdict v = judge(fd);

	if (v == DIE) {
		if (shim.torn)
			syscall(SYS_pwrite64, fd, p, n / 2, at);
		die_now();
	}
	return v == FAIL ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

SHIM ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}

SHIM ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	enum verdict v = judge(fd);

	if (v == DIE) {
		if (shim.torn)
			syscall(SYS_writev, fd, iov, n / 2);
		die_now();
	}
	return v == FAIL ? -1 : syscall(SYS_writev, fd, iov, n);
}

SHIM ssize_t
pwritev64(int fd, const struct iovec *iov, int n, off_t at)
{
	enum verdict v = judge(fd);

	if (v == DIE) {
		if (shim.torn)
			syscall(SYS_pwritev, fd, iov, n / 2, (long)at, 0L);
		die_now();
	}
	return v == FAIL ? -1 : syscall(SYS_pwritev, fd, iov, n, (long)at, 0L);
}

SHIM ssize_t
pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	return pwritev64(fd, iov, n, at);
}

SHIM ssize_t
sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	enum verdict v = judge(fd);

	if (v == DIE) {
		if (shim.torn)
			syscall(SYS_sendto, fd, p, n / 2, flags, to, len);
		die_now();
	}
	return v == FAIL ? -1 : syscall(SYS_sendto, fd, p, n, flags, to, len);
}

SHIM ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	return sendto(fd, p, n, flags, NULL, 0);
}

SHIM ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	return refused(fd) ? -1 : syscall(SYS_sendmsg, fd, m, flags);
}

SHIM int
fsync(int fd)
{
	return refused(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

SHIM int
fdatasync(int fd)
{
	return refused(fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

SHIM int
msync(void *p, size_t n, int flags)
{
	return refused(-1) ? -1 : (int)syscall(SYS_msync, p, n, flags);
}

SHIM int
ftruncate64(int fd, off_t n)
{
	return refused(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

SHIM int
ftruncate(int fd, off_t n)
{
	return ftruncate64(fd, n);
}

SHIM int
rename(const char *from, const char *to)
{
	return refused(-1) ? -1 : (int)syscall(SYS_rename, from, to);
}

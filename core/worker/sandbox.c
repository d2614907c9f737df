/* sandbox.c - see sandbox.h. The order of the steps is the point of this file.
 *
 * Filters are compiled first (it needs a memfd), then limits, then everything that identity and privilege are made of,
 * then the two walls: Landlock (files, TCP, signals) and the system-call filter. Then the walls are tried from inside.
 * Awkward: PR_SET_PDEATHSIG is forgotten by the kernel when the user changes, so it is set twice, and only afterwards
 * is it looked whether the host is still the parent. /proc/self/status must be opened before the walls and read behind
 * them. tzset() must come before them, or localtime() would try to read a file for ever. RLIMIT_AS is set by the host
 * (prlimit), which knows the number. */
#include "worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include "base/mem.h"
#include "worker/channel.h"
#include "worker/landlock.h"

#define NOBODY 65534
#define CPU_SECONDS (24 * 3600) /* the host has finer clocks; this ends what the host forgot */
#define FILES 8                 /* 0 to 4, and room for the loader */

static int
sys_fail(struct err *err, const char *call)
{
	return err_set(err, ERR_HOST, "%s: %s", call, strerror(errno));
}

/* ---- limits, identity, privilege ---- */

static const struct {
	int resource;
	const char *name;
	rlim_t value;
} limits[] = {
        {RLIMIT_NOFILE, "RLIMIT_NOFILE", FILES}, {RLIMIT_NPROC, "RLIMIT_NPROC", 0},
        {RLIMIT_FSIZE, "RLIMIT_FSIZE", 0},       {RLIMIT_CORE, "RLIMIT_CORE", 0},
        {RLIMIT_CPU, "RLIMIT_CPU", CPU_SECONDS}, {RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", 0},
        {RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE", 0},
};

static int
limits_set(struct err *err)
{
	for (size_t i = 0; i < LENGTH(limits); i++) {
		struct rlimit r = {limits[i].value, limits[i].value};

		if (setrlimit(limits[i].resource, &r))
			return sys_fail(err, limits[i].name);
	}
	return 0;
}

/* Not to be traced or dumped; killed when the host's thread that started us dies. Privilege changes undo both. */
static int
bonds_set(struct err *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return sys_fail(err, "PR_SET_DUMPABLE");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return sys_fail(err, "PR_SET_PDEATHSIG");
	return 0;
}

/* Root becomes nobody; whoever else runs the host is who we are. No capability is left in either case. */
static int
privileges_drop(struct err *err)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return sys_fail(err, "PR_SET_NO_NEW_PRIVS");
	if (geteuid() == 0) {
		if (setgroups(0, NULL))
			return sys_fail(err, "setgroups");
		if (setresgid(NOBODY, NOBODY, NOBODY))
			return sys_fail(err, "setresgid");
		if (setresuid(NOBODY, NOBODY, NOBODY))
			return sys_fail(err, "setresuid");
	}
	if (syscall(SYS_capset, &header, none))
		return sys_fail(err, "capset");
	return 0;
}

/* The socketpair knows who made it: the host. Is that still our parent? */
static int
parent_check(struct err *err)
{
	struct ucred host;
	socklen_t size = sizeof host;

	if (getsockopt(CHANNEL_FD, SOL_SOCKET, SO_PEERCRED, &host, &size))
		return sys_fail(err, "SO_PEERCRED");
	if (host.pid != getppid())
		return err_set(err, ERR_HOST, "the parent (%d) is not the host (%d)", (int)getppid(), (int)host.pid);
	return 0;
}

/* ---- the self-test: each tries what must not work; true when it did not ---- */

static bool
open_fails(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static bool
test_read(void)
{
	return open_fails("/etc/passwd", O_RDONLY) && open_fails("/proc/self/maps", O_RDONLY);
}

static bool
test_list(void)
{
	return open_fails("/", O_RDONLY | O_DIRECTORY);
}

static bool
test_write(void)
{
	return open_fails("/proc/self/fd/4", O_RDWR) && open_fails("/tmp/sluice-selftest", O_WRONLY | O_CREAT | O_EXCL);
}

/* umask() cannot fail, but by a filter. */
static bool
test_filter(void)
{
	return syscall(SYS_umask, 077) == -1 && errno == EPERM;
}

static bool
test_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		munmap(p, 4096);
	return p == MAP_FAILED;
}

static bool
test_memfd(void)
{
	return memfd_create("x", 0) < 0;
}

static bool
test_user(void)
{
	return syscall(SYS_setresuid, 0, 0, 0) != 0;
}

static bool
test_descriptors(void)
{
	char c;

	for (int fd = PLUGIN_FD + 2; fd < 64; fd++) /* the one behind the plugin is /proc/self/status, still open */
		if (read(fd, &c, 0) >= 0 || errno != EBADF)
			return false;
	return true;
}

static const struct {
	const char *name;
	bool landlock; /* this is Landlock's to stop; not tried when the operator does without */
	bool (*holds)(void);
} tests[] = {
        {"files could be read", true, test_read},
        {"directories could be listed", true, test_list},
        {"files could be written", false, test_write},
        {"forbidden system calls were not refused", false, test_filter},
        {"memory could be made executable", false, test_executable},
        {"anonymous files could be made", false, test_memfd},
        {"root could be had back", false, test_user},
        {"descriptors of the host were left open", false, test_descriptors},
};

static unsigned
status_number(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? (unsigned)strtoul(at + strlen(key), NULL, 10) : 0;
}

static int
self_test(struct sandbox *s, int status_fd, struct err *err)
{
	char status[4096];
	ssize_t n = pread(status_fd, status, sizeof status - 1, 0);

	if (n <= 0)
		return err_set(err, ERR_HOST, "/proc/self/status cannot be read");
	status[n] = '\0';
	s->seccomp = status_number(status, "\nSeccomp:");
	s->no_new_privs = status_number(status, "\nNoNewPrivs:");
	if (s->seccomp != SECCOMP_MODE_FILTER || s->no_new_privs != 1)
		return err_set(err, ERR_HOST, "the kernel says Seccomp %u and NoNewPrivs %u", s->seccomp,
		               s->no_new_privs);
	for (size_t i = 0; i < LENGTH(tests); i++) {
		if (tests[i].landlock && s->seccomp_only)
			continue;
		if (!tests[i].holds())
			return err_set(err, ERR_HOST, "self-test: %s", tests[i].name);
		s->tests++;
	}
	return 0;
}

/* ---- the two stages ---- */

/* The first wall. */
static int
files_close(struct sandbox *s, struct err *err)
{
	if (s->seccomp_only)
		return 0;
	s->landlock = landlock_abi();
	if (s->landlock == 0)
		return err_set(
		        err, ERR_HOST,
		        "this kernel has no Landlock (5.13 or newer, with landlock in its list of security modules): "
		        "to do without, say [host] sandbox = seccomp-only");
	return landlock_enter(s->landlock, PLUGIN_FD, err);
}

int
sandbox_enter(struct sandbox *s, bool seccomp_only, struct err *err)
{
	struct filter now = {0};
	int status = -1, result = -1;

	*s = (struct sandbox){.seccomp_only = seccomp_only};
	if (close_range(PLUGIN_FD + 1, ~0u, 0))
		return sys_fail(err, "close_range");
	if (filter_make(&now, FILTER_LOAD, err) || filter_make(&s->later, FILTER_RUN, err))
		goto out;
	status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	if (status < 0) {
		sys_fail(err, "/proc/self/status");
		goto out;
	}
	tzset();
	if (limits_set(err) || bonds_set(err) || privileges_drop(err) || bonds_set(err) || parent_check(err))
		goto out;
	if (files_close(s, err) || filter_enter(&now, err) || self_test(s, status, err))
		goto out;
	result = 0;
out:
	if (status >= 0)
		close(status);
	filter_free(&now);
	return result;
}

int
sandbox_tighten(struct sandbox *s, struct err *err)
{
	if (s->landlock && landlock_enter(s->landlock, -1, err))
		return -1;
	if (filter_enter(&s->later, err))
		return -1;
	filter_free(&s->later);
	return 0;
}

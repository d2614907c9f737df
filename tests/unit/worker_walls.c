/* worker_walls.c - Landlock alone: each wall must hold by itself what it claims. (The filter alone:
 * tests/hostile/sandbox.c.)
 *
 * The attacks of tests/hostile/probes.h run in a child that has entered only the Landlock domain of a worker, as
 * whoever runs this test, root too; those that are Landlock's to stop must fail, and their control without it is in
 * tests/hostile/sandbox.c. */
#include "../hostile/probes.h"
#include "../tap.h"
#include "base/mem.h"
#include "worker/filter.h"
#include "worker/landlock.h"

static struct probe_site base;

static void
site_make(void)
{
	int fd;

	base.host = getpid();
	snprintf(base.dir, sizeof base.dir, "%.60s/sluice-walls-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(base.dir))
		printf("# no directory\n");
	probe_site = &base;
	fd = open(site_path("victim"), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, "precious", 8) != 8)
		printf("# no victim\n");
	close(fd);
}

static void
site_clear(void)
{
	static const char *const names[] = {"victim", "new", "directory", "symlink", "link", "fifo", "moved"};

	for (size_t i = 0; i < LENGTH(names); i++)
		remove(site_path(names[i]));
	rmdir(base.dir);
}

/* The exit status of a child that runs `body` behind Landlock. */
static int
behind_landlock(void (*body)(const void *), const void *arg, int readable)
{
	struct err err = {0};
	int status, pair[2], plugin = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
	                     null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = fork();

	if (pid == 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			_exit(40);
		plugin = fcntl(plugin, F_DUPFD, 200); /* out of the way first: it may be 3 or 4 itself */
		dup2(null, 2);
		dup2(fcntl(pair[0], F_DUPFD, 200), 3);
		dup2(plugin, 4);
		if (landlock_enter(landlock_abi(), readable ? 4 : -1, &err)) {
			printf("# %s\n", err.text);
			_exit(40);
		}
		body(arg);
		_exit(40);
	}
	close(plugin);
	close(null);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
run_probe(const void *probe)
{
	probe_and_exit(probe);
}

TEST("Landlock alone stops all that has to do with files, running programs, and tracing the host")
{
	int tried = 0;

	if (landlock_abi() == 0) {
		printf("# this kernel has no Landlock\n");
		return;
	}
	site_make();
	for (size_t i = 0; i < PROBES; i++) {
		if (!(probes[i].flags & LANDLOCK))
			continue;
		tried++;
		CHECK_INT(behind_landlock(run_probe, &probes[i], 1), 41);
		if (tap_bad)
			printf("# in %s\n", probes[i].name);
	}
	CHECK(tried >= 20);
	CHECK(access(site_path("victim"), F_OK) == 0 && access(site_path("moved"), F_OK) < 0);
	site_clear();
}

static void
read_plugin(const void *unused)
{
	char c;
	int fd = open("/proc/self/fd/4", O_RDONLY | O_CLOEXEC);

	(void)unused;
	_exit(fd >= 0 && read(fd, &c, 1) == 1 ? 7 : 8);
}

TEST("the one file is readable in the first stage, and not in the second")
{
	if (landlock_abi() == 0)
		return;
	CHECK_INT(behind_landlock(read_plugin, NULL, 1), 7);
	CHECK_INT(behind_landlock(read_plugin, NULL, 0), 8);
}

/* ---- the filters, as compiled ---- */

/* What the filter answers to a call with these arguments: the kernel's own interpreter, in a child of its own. */
static int
filtered(enum filter_stage stage, long call, long a, long b, long c, long d)
{
	struct filter f;
	struct err err;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		long result;

		if (filter_make(&f, stage, &err) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || filter_enter(&f, &err))
			_exit(40);
		errno = 0;
		result = syscall(call, a, b, c, d, 0, 0);
		_exit(result < 0 && errno == EPERM ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

TEST("the table: what is allowed, refused and deadly in each stage")
{
	const int rx = PROT_READ | PROT_EXEC, private = MAP_PRIVATE | MAP_ANONYMOUS;

	CHECK_INT(filtered(FILTER_LOAD, SYS_openat, AT_FDCWD, (long)"/dev/null", O_RDONLY | O_CLOEXEC, 0), 0);
	CHECK_INT(filtered(FILTER_RUN, SYS_openat, AT_FDCWD, (long)"/dev/null", O_RDONLY | O_CLOEXEC, 0), 1);
	CHECK_INT(filtered(FILTER_LOAD, SYS_openat, AT_FDCWD, (long)"/dev/null", O_WRONLY, 0), 1);
	CHECK_INT(filtered(FILTER_LOAD, SYS_mmap, 0, 4096, rx, private), 1);
	CHECK_INT(filtered(FILTER_RUN, SYS_mmap, 0, 4096, rx, private), 1);
	CHECK_INT(filtered(FILTER_RUN, SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, private), 0);
	CHECK_INT(filtered(FILTER_LOAD, SYS_mprotect, 0, 4096, rx, 0), 1);
	CHECK_INT(filtered(FILTER_LOAD, SYS_sendto, 3, (long)"", 0, 0), 0);
	CHECK_INT(filtered(FILTER_LOAD, SYS_sendto, 2, (long)"", 0, 0), 1);
	CHECK_INT(filtered(FILTER_RUN, SYS_tgkill, getpid(), getpid(), 0, 0), SIGSYS);
	CHECK_INT(filtered(FILTER_RUN, SYS_seccomp, 1, 0, 0, 0), 1);
	CHECK_INT(filtered(FILTER_LOAD, SYS_seccomp, 1, 8, 0, 0), 1);
	CHECK_INT(filtered(FILTER_RUN, SYS_landlock_restrict_self, -1, 0, 0, 0), 1);
	CHECK_INT(filtered(FILTER_RUN, SYS_execve, 0, 0, 0, 0), SIGSYS);
	CHECK_INT(filtered(FILTER_LOAD, SYS_socket, AF_INET, SOCK_STREAM, 0, 0), SIGSYS);
	CHECK_INT(filtered(FILTER_LOAD, 467, 0, 0, 0, 0), 1); /* a call that is newer than the table */
}

TEST("every system call that exists and is not in the table is refused or deadly, in both stages")
{
	static const int allowed[] = {SYS_brk,
	                              SYS_munmap,
	                              SYS_mremap,
	                              SYS_madvise,
	                              SYS_mmap,
	                              SYS_mprotect,
	                              SYS_recvfrom,
	                              SYS_sendto,
	                              SYS_read,
	                              SYS_write,
	                              SYS_readv,
	                              SYS_writev,
	                              SYS_poll,
	                              SYS_ppoll,
	                              SYS_close,
	                              SYS_lseek,
	                              SYS_fstat,
	                              SYS_clock_gettime,
	                              SYS_clock_getres,
	                              SYS_gettimeofday,
	                              SYS_time,
	                              SYS_nanosleep,
	                              SYS_clock_nanosleep,
	                              SYS_getrandom,
	                              SYS_futex,
	                              SYS_sched_yield,
	                              SYS_restart_syscall,
	                              SYS_getpid,
	                              SYS_gettid,
	                              SYS_rt_sigprocmask,
	                              SYS_rt_sigreturn,
	                              SYS_exit,
	                              SYS_exit_group,
	                              SYS_openat,
	                              SYS_newfstatat,
	                              SYS_pread64,
	                              SYS_landlock_create_ruleset,
	                              SYS_landlock_restrict_self,
	                              SYS_seccomp,
	                              SYS_tgkill,
	                              SYS_getuid,
	                              SYS_geteuid,
	                              SYS_getgid,
	                              SYS_getegid,
	                              SYS_sigaltstack};

	for (int call = 0; call < 470; call++) {
		bool listed = false;
		int answer;

		for (size_t i = 0; i < LENGTH(allowed); i++)
			listed |= allowed[i] == call;
		if (listed || call == 335 ||
		    call == 336) /* uretprobe, uprobe: the kernel's own trampolines, exempt from every filter */
			continue;
		answer = filtered(call % 2 ? FILTER_RUN : FILTER_LOAD, call, -1, -1, -1, -1);
		if (answer != 1 && answer != SIGSYS) {
			tap_fail(__FILE__, __LINE__, "a call got through");
			printf("# call %d: %d\n", call, answer);
		}
	}
}

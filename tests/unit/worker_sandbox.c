/* worker_sandbox.c - the sandbox as built: what it reports, and that whatever fails closes the door and is named.
 *
 * Each case runs sandbox_enter in a child that has, like a worker, a channel from its parent as fd 3 and a file as
 * fd 4. Faults are made by a filter that refuses one system call beforehand. */
#include "worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../tap.h"
#include "worker/landlock.h"

struct outcome {
	int result, tightened;
	struct sandbox s;
	struct err err;
	int passwd, umask_errno, leaked; /* seen from inside, afterwards */
};

struct fault {
	int call;  /* refused beforehand; 0: none */
	int error; /* with this */
	bool seccomp_only, foreign_channel;
};

static void
refuse(const struct fault *f)
{
	scmp_filter_ctx ctx = f->call ? seccomp_init(SCMP_ACT_ALLOW) : NULL;

	if (!ctx)
		return;
	if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)f->error), f->call, 0) || seccomp_load(ctx))
		printf("# the fault could not be made\n");
	seccomp_release(ctx);
}

static void
child(const struct fault *f, int channel, int report)
{
	struct outcome o = {.passwd = -1};
	int own[2], plugin = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (f->foreign_channel && !socketpair(AF_UNIX, SOCK_STREAM, 0, own))
		channel = own[0];
	channel = fcntl(channel, F_DUPFD, 200);
	plugin = fcntl(plugin, F_DUPFD, 200);
	dup2(report, 2); /* the report takes stderr's place: it is the only other descriptor that survives */
	dup2(channel, 3);
	dup2(plugin, 4);
	refuse(f);
	o.result = sandbox_enter(&o.s, f->seccomp_only, &o.err);
	if (o.result == 0) {
		o.tightened = sandbox_tighten(&o.s, &o.err);
		o.passwd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
		o.umask_errno = syscall(SYS_umask, 077) < 0 ? errno : 0;
		for (int fd = 5; fd < 300; fd++)
			o.leaked += read(fd, &fd, 0) == 0;
	}
	if (write(2, &o, sizeof o) != sizeof o)
		_exit(1);
	_exit(0);
}

static struct outcome
enter(struct fault f)
{
	struct outcome o = {.result = -2};
	int pair[2], report[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || pipe(report))
		return o;
	pid = fork();
	if (pid == 0)
		child(&f, pair[1], report[1]);
	close(report[1]);
	if (read(report[0], &o, sizeof o) != sizeof o)
		printf("# no report\n");
	close(report[0]);
	close(pair[0]);
	close(pair[1]);
	waitpid(pid, NULL, 0);
	return o;
}

TEST("a sandbox in force: both walls, no privileges to gain, every self-test passed, nothing of the host's left open")
{
	struct outcome o = enter((struct fault){0});

	if (landlock_abi() == 0)
		return;
	CHECK_INT(o.result, 0);
	CHECK_INT(o.tightened, 0);
	CHECK_INT(o.s.landlock, landlock_abi());
	CHECK_INT(o.s.seccomp, 2);
	CHECK_INT(o.s.no_new_privs, 1);
	CHECK_INT(o.s.tests, 8);
	CHECK_INT(o.passwd, -1);
	CHECK_INT(o.umask_errno, EPERM);
	CHECK_INT(o.leaked, 0);
}

TEST("without Landlock there is no sandbox, unless the operator said so, and then it is reported")
{
	struct outcome o = enter((struct fault){SCMP_SYS(landlock_create_ruleset), ENOSYS, false, false});

	CHECK_INT(o.result, -1);
	CHECK_HAS(o.err.text, "this kernel has no Landlock");
	CHECK_HAS(o.err.text, "sandbox = seccomp-only");
	o = enter((struct fault){SCMP_SYS(landlock_create_ruleset), ENOSYS, true, false});
	CHECK_INT(o.result, 0);
	CHECK_INT(o.s.landlock, 0);
	CHECK_INT(o.s.seccomp, 2);
	CHECK_INT(o.s.tests, 6);
	CHECK_INT(o.passwd, -1);
}

static const struct {
	int call;
	const char *says;
} steps[] = {
        {SCMP_SYS(close_range), "close_range: "},
        {SCMP_SYS(memfd_create), "memfd_create: "},
        {SCMP_SYS(prlimit64), "RLIMIT_NOFILE: "},
        {SCMP_SYS(capset), "capset: "},
        {SCMP_SYS(getsockopt), "SO_PEERCRED: "},
        {SCMP_SYS(landlock_add_rule), "landlock_add_rule: "},
        {SCMP_SYS(landlock_restrict_self), "landlock_restrict_self: "},
        {SCMP_SYS(pread64), "could not be read back"},
};

TEST("each step that fails, fails the whole, and is named")
{
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		struct outcome o = enter((struct fault){steps[i].call, EACCES, false, false});

		CHECK_INT(o.result, -1);
		CHECK_HAS(o.err.text, steps[i].says);
	}
	if (geteuid() == 0) {
		CHECK_HAS(enter((struct fault){SCMP_SYS(setgroups), EPERM, false, false}).err.text, "setgroups: ");
		CHECK_HAS(enter((struct fault){SCMP_SYS(setresgid), EPERM, false, false}).err.text, "setresgid: ");
		CHECK_HAS(enter((struct fault){SCMP_SYS(setresuid), EPERM, false, false}).err.text, "setresuid: ");
	}
}

TEST("a call that a fault lets succeed without doing anything is caught by the self-test")
{
	struct outcome o = enter((struct fault){SCMP_SYS(landlock_restrict_self), 0, false, false});

	CHECK_INT(o.result, -1);
	CHECK_HAS(o.err.text, "self-test: files could be read");
}

TEST("a worker whose parent is not the host that made the channel does not start")
{
	struct outcome o = enter((struct fault){.foreign_channel = true});

	CHECK_INT(o.result, -1);
	CHECK_HAS(o.err.text, "is not the host");
}

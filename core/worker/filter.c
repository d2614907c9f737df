/* filter.c - see filter.h: the table, and libseccomp to compile it.
 *
 * A row says in which stages a call is allowed, perhaps tied to arguments; or that it kills. Rows of the same call are
 * alternatives. What is in no row fails with EPERM. Calls of another architecture (int 0x80, x32) kill.
 * Awkward: constructors run inside dlopen, so stage LOAD must allow what the loader does, files mapped executable among
 * it; but it maps them never writable as well, never anonymously, and never makes memory executable afterwards, so none
 * of that is allowed. The second filter and the second Landlock domain are entered under the first: seccomp and
 * landlock_* are in its rows. They can only tighten; a constructor that uses them to fake the second stage still sits
 * in the first, which is the real wall. */
#include "worker/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/seccomp.h>
#include "base/mem.h"
#include "worker/channel.h"

#define LOAD FILTER_LOAD
#define BOTH (FILTER_LOAD | FILTER_RUN)
#define SANITIZERS 4 /* only in a sanitized build */
#define KILL 8
#define OPEN_MORE (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_PATH | __O_TMPFILE)

struct rule {
	int call;
	unsigned when;
	unsigned n;
	struct scmp_arg_cmp args[2];
};

/* clang-format off */
#define CALL(name) .call = SCMP_SYS(name)
#define IS(arg, value) {arg, SCMP_CMP_EQ, value, 0}
#define LACKS(arg, bits) {arg, SCMP_CMP_MASKED_EQ, bits, 0}
#define HAS_ONLY(arg, bits, of) {arg, SCMP_CMP_MASKED_EQ, of, bits}
#define OWN_PID UINT64_MAX /* as a value: stands for this process, put in when the filter is made */

static const struct rule rules[] = {
	/* memory */
	{CALL(brk), .when = BOTH}, {CALL(munmap), .when = BOTH}, {CALL(mremap), .when = BOTH}, {CALL(madvise), .when = BOTH},
	{CALL(mmap), .when = BOTH, .n = 1, {LACKS(2, PROT_EXEC)}},
	{CALL(mmap), .when = LOAD, .n = 2, {HAS_ONLY(2, PROT_EXEC, PROT_EXEC | PROT_WRITE), LACKS(3, MAP_ANONYMOUS)}},
	{CALL(mprotect), .when = BOTH, .n = 1, {LACKS(2, PROT_EXEC)}},
	/* the channel, and words on stderr */
	{CALL(recvfrom), .when = BOTH, .n = 2, {IS(0, CHANNEL_FD), IS(4, 0)}},
	{CALL(sendto), .when = BOTH, .n = 2, {IS(0, CHANNEL_FD), IS(4, 0)}},
	{CALL(read), .when = BOTH}, {CALL(write), .when = BOTH}, {CALL(readv), .when = BOTH}, {CALL(writev), .when = BOTH},
	{CALL(poll), .when = BOTH}, {CALL(ppoll), .when = BOTH}, {CALL(close), .when = BOTH}, {CALL(lseek), .when = BOTH},
	{CALL(fstat), .when = BOTH},
	/* the loader */
	{CALL(openat), .when = LOAD, .n = 1, {LACKS(2, OPEN_MORE)}},
	{CALL(newfstatat), .when = LOAD, .n = 1, {HAS_ONLY(3, AT_EMPTY_PATH, AT_EMPTY_PATH)}},
	{CALL(pread64), .when = LOAD},
	/* tightening */
	{CALL(landlock_create_ruleset), .when = LOAD}, {CALL(landlock_restrict_self), .when = LOAD},
	{CALL(seccomp), .when = LOAD, .n = 2, {IS(0, SECCOMP_SET_MODE_FILTER), IS(1, 0)}},
	/* time, chance, waiting, the end */
	{CALL(clock_gettime), .when = BOTH}, {CALL(clock_getres), .when = BOTH}, {CALL(gettimeofday), .when = BOTH},
	{CALL(time), .when = BOTH}, {CALL(nanosleep), .when = BOTH}, {CALL(clock_nanosleep), .when = BOTH},
	{CALL(getrandom), .when = BOTH}, {CALL(futex), .when = BOTH}, {CALL(sched_yield), .when = BOTH},
	{CALL(restart_syscall), .when = BOTH}, {CALL(getpid), .when = BOTH}, {CALL(gettid), .when = BOTH},
	{CALL(getuid), .when = BOTH}, {CALL(geteuid), .when = BOTH}, {CALL(getgid), .when = BOTH}, {CALL(getegid), .when = BOTH},
	{CALL(rt_sigprocmask), .when = BOTH}, {CALL(rt_sigreturn), .when = BOTH},
	{CALL(tgkill), .when = BOTH, .n = 2, {IS(0, OWN_PID), IS(2, SIGABRT)}}, /* abort() */
	{CALL(exit), .when = BOTH}, {CALL(exit_group), .when = BOTH},
	{CALL(sigaltstack), .when = BOTH | SANITIZERS},

	/* what no honest connector does */
	{CALL(execve), .when = KILL}, {CALL(execveat), .when = KILL}, {CALL(fork), .when = KILL}, {CALL(vfork), .when = KILL},
	{CALL(clone), .when = KILL}, {CALL(clone3), .when = KILL}, {CALL(unshare), .when = KILL}, {CALL(setns), .when = KILL},
	{CALL(ptrace), .when = KILL}, {CALL(process_vm_readv), .when = KILL}, {CALL(process_vm_writev), .when = KILL},
	{CALL(process_madvise), .when = KILL}, {CALL(kcmp), .when = KILL}, {CALL(pidfd_open), .when = KILL},
	{CALL(pidfd_getfd), .when = KILL}, {CALL(pidfd_send_signal), .when = KILL}, {CALL(kill), .when = KILL},
	{CALL(tkill), .when = KILL}, {CALL(rt_sigqueueinfo), .when = KILL}, {CALL(rt_tgsigqueueinfo), .when = KILL},
	{CALL(tgkill), .when = KILL, .n = 1, {{0, SCMP_CMP_NE, OWN_PID, 0}}},
	{CALL(socket), .when = KILL}, {CALL(socketpair), .when = KILL}, {CALL(connect), .when = KILL}, {CALL(bind), .when = KILL},
	{CALL(listen), .when = KILL}, {CALL(accept), .when = KILL}, {CALL(accept4), .when = KILL},
	{CALL(mount), .when = KILL}, {CALL(umount2), .when = KILL}, {CALL(pivot_root), .when = KILL}, {CALL(chroot), .when = KILL},
	{CALL(open_tree), .when = KILL}, {CALL(move_mount), .when = KILL}, {CALL(fsopen), .when = KILL},
	{CALL(fsconfig), .when = KILL}, {CALL(fsmount), .when = KILL}, {CALL(fspick), .when = KILL}, {CALL(mount_setattr), .when = KILL},
	{CALL(bpf), .when = KILL}, {CALL(io_uring_setup), .when = KILL}, {CALL(io_uring_enter), .when = KILL},
	{CALL(io_uring_register), .when = KILL}, {CALL(userfaultfd), .when = KILL}, {CALL(perf_event_open), .when = KILL},
	{CALL(keyctl), .when = KILL}, {CALL(add_key), .when = KILL}, {CALL(request_key), .when = KILL},
	{CALL(init_module), .when = KILL}, {CALL(finit_module), .when = KILL}, {CALL(delete_module), .when = KILL},
	{CALL(kexec_load), .when = KILL}, {CALL(kexec_file_load), .when = KILL}, {CALL(reboot), .when = KILL},
	{CALL(swapon), .when = KILL}, {CALL(swapoff), .when = KILL}, {CALL(open_by_handle_at), .when = KILL},
	{CALL(ioperm), .when = KILL}, {CALL(iopl), .when = KILL}, {CALL(modify_ldt), .when = KILL},
};
/* clang-format on */

/* 0, or a negative errno. */
static int
rule_add(scmp_filter_ctx ctx, const struct rule *rule, enum filter_stage stage)
{
	struct scmp_arg_cmp args[LENGTH(rule->args)];
	bool kills = rule->when & KILL;

	if (!kills && (!(rule->when & stage) || ((rule->when & SANITIZERS) && !SLUICE_SANITIZED)))
		return 0;
	memcpy(args, rule->args, sizeof args);
	for (unsigned i = 0; i < rule->n; i++)
		if (args[i].datum_a == OWN_PID)
			args[i].datum_a = (scmp_datum_t)getpid();
	return seccomp_rule_add_array(ctx, kills ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW, rule->call, rule->n, args);
}

/* libseccomp 2.5 hands a filter out only by writing it to a descriptor. */
static int
filter_compile(struct filter *f, scmp_filter_ctx ctx, struct err *err)
{
	int fd = memfd_create("filter", MFD_CLOEXEC), result = -1;
	off_t size;

	if (fd < 0)
		return err_set(err, ERR_HOST, "memfd_create: %s", strerror(errno));
	if (seccomp_export_bpf(ctx, fd) || (size = lseek(fd, 0, SEEK_END)) <= 0) {
		err_set(err, ERR_HOST, "seccomp_export_bpf failed");
		goto out;
	}
	f->code = xmalloc((size_t)size);
	f->len = (unsigned short)((size_t)size / sizeof *f->code);
	if (pread(fd, f->code, (size_t)size, 0) != size) {
		err_set(err, ERR_HOST, "the compiled filter could not be read back");
		filter_free(f);
		goto out;
	}
	result = 0;
out:
	close(fd);
	return result;
}

int
filter_make(struct filter *f, enum filter_stage stage, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int result = ctx ? 0 : -ENOMEM;

	*f = (struct filter){0};
	if (!result)
		result = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	for (size_t i = 0; i < LENGTH(rules) && !result; i++) {
		result = rule_add(ctx, &rules[i], stage);
		if (result)
			err_set(err, ERR_HOST, "seccomp rule %zu: %s", i, strerror(-result));
	}
	if (!result)
		result = filter_compile(f, ctx, err);
	seccomp_release(ctx);
	return result ? -1 : 0;
}

int
filter_enter(const struct filter *f, struct err *err)
{
	struct sock_fprog program = {f->len, f->code};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return err_set(err, ERR_HOST, "seccomp: %s", strerror(errno));
	return 0;
}

void
filter_free(struct filter *f)
{
	free(f->code);
	*f = (struct filter){0};
}

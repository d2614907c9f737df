/* probes.h - the attacks: one function each, shared by the hostile plugin and by the control that runs them without a sandbox.
 *
 * A probe returns 1 when it got what it wanted, 0 when it was refused; in a sandbox it may also not return at all. Those that
 * cannot work on every machine even unsandboxed say so (MAY), those that need root too (ROOT). A `reach` probe counts as successful when
 * the kernel did more than refuse: any error other than EPERM, EACCES and ENOSYS. */
#ifndef TESTS_HOSTILE_PROBES_H
#define TESTS_HOSTILE_PROBES_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Filled in by the test, in the plugin's file itself: a worker has neither arguments nor environment. */
struct probe_site {
	char magic[16];  /* "SLUICE-PROBE-->" */
	int number;      /* of the probe */
	int constructor; /* run it there, else in the function */
	int host;        /* pid to attack */
	char dir[96];    /* a directory that everybody may write to; holds the file `victim` */
};
#define PROBE_MAGIC "SLUICE-PROBE-->"

static struct probe_site *probe_site;

static const char *
site_path(const char *name)
{
	static char path[160];

	snprintf(path, sizeof path, "%s/%s", probe_site->dir, name);
	return path;
}

static int
got(long result)
{
	return result >= 0;
}

static int
reached(long result)
{
	return result >= 0 || (errno != EPERM && errno != EACCES && errno != ENOSYS);
}

static int
host_file(const char *what, int flags)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", probe_site->host, what);
	return open(path, flags);
}

static int
child_done(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid > 0;
}

/* ---- files ---- */
static int read_passwd(void) { return got(open("/etc/passwd", O_RDONLY)); }
static int read_passwd_path(void) { return got(open("/etc/passwd", O_PATH)); }
static int openat2_passwd(void) { uint64_t how[3] = {0}; return got(syscall(437, AT_FDCWD, "/etc/passwd", how, sizeof how)); }
static int list_root(void) { return got(open("/", O_RDONLY | O_DIRECTORY)); }
static int read_proc_maps(void) { return got(open("/proc/self/maps", O_RDONLY)); }
static int write_proc_mem(void) { return got(open("/proc/self/mem", O_RDWR)); }
static int read_host_mem(void) { return got(host_file("mem", O_RDONLY)); }
static int read_host_environ(void) { return got(host_file("environ", O_RDONLY)); }
static int read_dev_mem(void) { return got(open("/dev/mem", O_RDONLY)); }
static int write_file(void) { return got(open(site_path("new"), O_WRONLY | O_CREAT, 0600)); }
static int append_file(void) { return got(open(site_path("victim"), O_WRONLY | O_APPEND)); }
static int truncate_file(void) { return got(truncate(site_path("victim"), 0)); }
static int tmpfile_open(void) { return got(open(probe_site->dir, O_RDWR | O_TMPFILE, 0600)); }
static int make_directory(void) { return got(mkdir(site_path("directory"), 0700)); }
static int change_mode(void) { return got(chmod(site_path("victim"), 0777)); }
static int change_owner(void) { return got(chown(site_path("victim"), getuid(), -1)); }
static int make_symlink(void) { return got(symlink("/etc/passwd", site_path("symlink"))); }
static int make_link(void) { char to[160]; snprintf(to, sizeof to, "%s/link", probe_site->dir); return got(link(site_path("victim"), to)); }
static int make_fifo(void) { return got(mknod(site_path("fifo"), S_IFIFO | 0600, 0)); }
static int rename_file(void) { char to[160]; snprintf(to, sizeof to, "%s/moved", probe_site->dir); return got(rename(site_path("victim"), to)); }
static int unlink_file(void) { return got(unlink(site_path("victim"))); }
static int stat_file(void) { struct stat st; return got(stat("/etc/passwd", &st)); }
static int access_file(void) { return got(access("/etc/passwd", F_OK)); }
static int read_link(void) { char b[64]; return got(readlink("/proc/self/exe", b, sizeof b)); }
static int change_directory(void) { return got(chdir("/")); }
static int watch_files(void) { return got(syscall(SYS_inotify_init1, 0)); }
static int plugin_for_writing(void) { return got(open("/proc/self/fd/4", O_RDWR)); }

/* ---- network ---- */
static int socket_inet(void) { return got(socket(AF_INET, SOCK_STREAM, 0)); }
static int socket_inet6(void) { return got(socket(AF_INET6, SOCK_DGRAM, 0)); }
static int socket_unix(void) { return got(socket(AF_UNIX, SOCK_STREAM, 0)); }
static int socket_netlink(void) { return got(socket(AF_NETLINK, SOCK_RAW, 0)); }
static int socket_pair(void) { int p[2]; return got(socketpair(AF_UNIX, SOCK_STREAM, 0, p)); }
static int connect_channel(void) { struct sockaddr a = {AF_UNSPEC, {0}}; return reached(connect(3, &a, sizeof a)); }
static int bind_channel(void) { struct sockaddr a = {AF_UNIX, {0}}; return reached(bind(3, &a, sizeof(sa_family_t))); }
static int listen_channel(void) { return reached(listen(3, 1)); }
static int accept_channel(void) { return reached(accept(3, NULL, NULL)); }
static int channel_option(void) { int v = 1; return reached(setsockopt(3, SOL_SOCKET, SO_PASSCRED, &v, sizeof v)); }
static int pass_descriptor(void)
{
	char c = 0, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec io = {&c, 1};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	*(int *)(void *)CMSG_DATA(h) = 4;
	return got(sendmsg(3, &m, 0));
}

/* ---- programs, processes, threads ---- */
static int fork_call(void) { return child_done(syscall(SYS_fork)); }
static int fork_libc(void) { return child_done(fork()); }
static int vfork_call(void) { pid_t pid = vfork(); if (pid == 0) _exit(0); return child_done(pid); }
static int clone_call(void) { return child_done(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }
static int clone3_call(void) { uint64_t a[8] = {0}; a[4] = SIGCHLD; return child_done(syscall(435, a, sizeof a)); }
static int fork_bomb(void) { int n = 0; for (int i = 0; i < 3; i++) n += child_done(fork()); return n > 0; }
static char shell[] = "sh", shell_option[] = "-c", shell_line[] = "exit 1"; /* which the control takes for success */
static char *const shell_argv[] = {shell, shell_option, shell_line, NULL};
static int execute(void) { execve("/bin/sh", shell_argv, NULL); return 0; }
static int execute_at(void) { syscall(SYS_execveat, AT_FDCWD, "/bin/sh", shell_argv, NULL, 0); return 0; }
static int execute_memfd(void) { int fd = memfd_create("x", 0); return got(fd); }
static int trace_host(void) { return got(ptrace(PTRACE_SEIZE, probe_site->host, 0, 0)); }
static int kill_host(void) { return got(kill(probe_site->host, 0)); }
static int kill_group(void) { return got(kill(0, 0)); }
static int tgkill_host(void) { return got(syscall(SYS_tgkill, probe_site->host, probe_site->host, 0)); }
static int sigqueue_host(void) { union sigval v = {0}; return got(sigqueue(probe_site->host, 0, v)); }
static int stop_self(void) { return got(raise(SIGSTOP)); }
static int ignore_term(void) { return signal(SIGTERM, SIG_IGN) != SIG_ERR; }
static int read_host_vm(void)
{
	char b[8];
	struct iovec to = {b, sizeof b}, from = {(void *)b, sizeof b};

	return reached(process_vm_readv(probe_site->host, &to, 1, &from, 1, 0));
}
static int write_host_vm(void)
{
	struct iovec none = {NULL, 0};

	return reached(process_vm_writev(probe_site->host, &none, 1, &none, 1, 0));
}
static int open_host_pidfd(void) { return got(syscall(434, probe_site->host, 0)); }
static int limit_host(void) { struct rlimit r; return got(prlimit(probe_site->host, RLIMIT_CORE, NULL, &r)); }
static int affinity_host(void) { cpu_set_t c; return got(sched_getaffinity(probe_site->host, sizeof c, &c)); }

/* ---- memory ---- */
static int map_executable(void) { return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; }
static int map_executable_only(void) { return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; }
static int map_file_writable(void) { return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, 4, 0) != MAP_FAILED; }
static int map_file_executable(void) { return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, 4, 0) != MAP_FAILED; }
static int make_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && !mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static int make_executable_key(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && !syscall(SYS_pkey_mprotect, p, 4096, PROT_READ | PROT_EXEC, -1);
}
static int hog_memory(void) { return mmap(NULL, (size_t)2 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED; }
static int lock_memory(void) { return got(syscall(SYS_mlock, probe_site, 1)); }
static int shared_memory(void) { int id = shmget(IPC_PRIVATE, 4096, 0600); if (id >= 0) shmctl(id, IPC_RMID, NULL); return got(id); }
static int implied_executable(void) { return got(syscall(SYS_personality, 0x0400000)); }
static int fault_handler(void) { return got(syscall(SYS_userfaultfd, 0)); }

/* ---- privileges and kernel ---- */
static int dumpable(void) { return got(prctl(PR_SET_DUMPABLE, 1)); }
static int forget_parent(void) { return got(prctl(PR_SET_PDEATHSIG, 0)); }
static int become_root(void) { return got(setresuid(0, 0, 0)); }
static int raise_limit(void) { struct rlimit r; return !getrlimit(RLIMIT_NOFILE, &r) && !setrlimit(RLIMIT_NOFILE, &r); }
static int lower_priority(void) { return got(setpriority(PRIO_PROCESS, 0, 19)); }
static int set_affinity(void) { cpu_set_t c; CPU_ZERO(&c); CPU_SET(0, &c); return got(sched_setaffinity(0, sizeof c, &c)); }
static int new_user_space(void) { return got(unshare(CLONE_NEWUSER)); }
static int new_mount_space(void) { return got(unshare(CLONE_NEWNS)); }
static int enter_space(void) { int fd = host_file("ns/uts", O_RDONLY); return got(setns(fd < 0 ? 4 : fd, 0)); }
static int mount_anything(void) { return reached(mount("none", "/", "no-such-file-system", 0, NULL)); }
static int unmount_anything(void) { return reached(umount2(site_path("victim"), 0)); }
static int change_root(void) { return reached(chroot("/nowhere")); }
static int open_tree_call(void) { return got(syscall(428, AT_FDCWD, "/", 0)); }
static int fsopen_call(void) { return reached(syscall(430, "no-such-file-system", 0)); }
static int bpf_call(void) { char a[128] = {0}; return reached(syscall(SYS_bpf, 0, a, sizeof a)); }
static int uring_setup(void) { char p[120] = {0}; return got(syscall(425, 1, p)); }
static int key_call(void) { return reached(syscall(SYS_keyctl, 0, -3, 1)); }
static int add_key_call(void) { return reached(syscall(SYS_add_key, "user", "x", "y", 1, -3)); }
static int perf_open(void) { char a[128] = {0}; return reached(syscall(SYS_perf_event_open, a, 0, -1, -1, 0)); }
static int load_module(void) { return reached(syscall(SYS_init_module, NULL, 0, "")); }
static int reboot_call(void) { return reached(syscall(SYS_reboot, 0, 0, 0, NULL)); } /* bad magic: harmless */
static int handle_open(void) { return reached(syscall(SYS_open_by_handle_at, -1, NULL, 0)); }
static int clock_set(void) { return reached(syscall(SYS_clock_settime, CLOCK_REALTIME, NULL)); }
static int host_name(void) { return reached(syscall(SYS_sethostname, NULL, 1)); }
static int port_access(void) { return reached(syscall(SYS_ioperm, 0x80, 1, 0)); }
static int io_level(void) { return reached(syscall(SYS_iopl, 0)); }
static int segments(void) { return reached(syscall(SYS_modify_ldt, 0, NULL, 0)); }
static int pipe_call(void) { int p[2]; return got(pipe(p)); }
static int duplicate(void) { return got(dup(4)); }
static int descriptor_flags(void) { return got(fcntl(3, F_SETFL, O_NONBLOCK)); }
static int terminal(void) { char c = 'x'; return reached(syscall(SYS_ioctl, 0, 0x5412, &c)); }
static int timer_signal(void) { return alarm(1000) == 0 && alarm(0) > 0; }
static int message_queue(void) { int id = msgget(IPC_PRIVATE, 0600); if (id >= 0) msgctl(id, IPC_RMID, NULL); return got(id); }
static int system_facts(void) { char b[512]; return got(syscall(SYS_uname, b)); }
static int filter_listener(void) { return reached(syscall(SYS_seccomp, 1, 8, NULL)); }
static int hunt_descriptors(void)
{
	struct stat st;
	char c;
	int found = 0;

	for (int fd = 5; fd < 1024; fd++)
		found += fstat(fd, &st) == 0 || read(fd, &c, 0) == 0;
	return found > 0;
}
#if defined(__x86_64__)
static int call_32_bit(void) { long r = 20; __asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11"); return r > 0; }
static int call_x32(void) { return got(syscall(0x40000000L | SYS_getpid)); }
#else
static int call_32_bit(void) { return 0; }
static int call_x32(void) { return 0; }
#endif

enum {
	MAY = 1,       /* the control need not succeed: the machine may lack it */
	ROOT = 2,      /* the control succeeds only for root */
	LANDLOCK = 4,  /* Landlock alone blocks it */
	RUN_ONLY = 8,  /* the loader needs it: not blocked in constructors */
	FILES = 16,    /* a constructor is kept from it by Landlock alone, not by the system-call filter */
	NO_ASAN = 32,  /* says nothing in a sanitized build */
	DIES = 64,     /* the process is killed */
};

static const struct probe {
	const char *name;
	int (*run)(void);
	int flags;
} probes[] = {
#define P(function, flags) {#function, function, flags}
	P(read_passwd, LANDLOCK | FILES), P(read_passwd_path, 0), P(openat2_passwd, LANDLOCK), P(list_root, LANDLOCK | FILES),
	P(read_proc_maps, LANDLOCK | FILES), P(write_proc_mem, LANDLOCK), P(read_host_mem, LANDLOCK | FILES),
	P(read_host_environ, LANDLOCK | FILES), P(read_dev_mem, LANDLOCK | MAY), P(write_file, LANDLOCK), P(append_file, LANDLOCK),
	P(truncate_file, LANDLOCK), P(tmpfile_open, LANDLOCK | MAY), P(make_directory, LANDLOCK), P(change_mode, 0),
	P(change_owner, 0), P(make_symlink, LANDLOCK), P(make_link, LANDLOCK), P(make_fifo, LANDLOCK), P(rename_file, LANDLOCK),
	P(unlink_file, LANDLOCK), P(stat_file, 0), P(access_file, 0), P(read_link, 0), P(change_directory, 0), P(watch_files, 0),
	P(plugin_for_writing, LANDLOCK | MAY),
	P(socket_inet, DIES), P(socket_inet6, DIES | MAY), P(socket_unix, DIES), P(socket_netlink, DIES), P(socket_pair, DIES),
	P(connect_channel, DIES), P(bind_channel, DIES), P(listen_channel, DIES), P(accept_channel, DIES), P(channel_option, 0),
	P(pass_descriptor, 0),
	P(fork_call, DIES), P(fork_libc, DIES), P(vfork_call, DIES), P(clone_call, DIES), P(clone3_call, DIES), P(fork_bomb, DIES),
	P(execute, DIES | LANDLOCK), P(execute_at, DIES | LANDLOCK), P(execute_memfd, 0), P(trace_host, DIES | LANDLOCK),
	P(kill_host, DIES), P(kill_group, DIES), P(tgkill_host, DIES), P(sigqueue_host, DIES), P(stop_self, 0), P(ignore_term, 0),
	P(read_host_vm, DIES), P(write_host_vm, DIES), P(open_host_pidfd, DIES), P(limit_host, 0), P(affinity_host, 0),
	P(map_executable, 0), P(map_executable_only, 0), P(map_file_writable, 0), P(map_file_executable, RUN_ONLY),
	P(make_executable, 0), P(make_executable_key, MAY), P(hog_memory, NO_ASAN), P(lock_memory, 0), P(shared_memory, 0),
	P(implied_executable, 0), P(fault_handler, DIES | MAY),
	P(dumpable, 0), P(forget_parent, 0), P(become_root, ROOT), P(raise_limit, 0), P(lower_priority, 0), P(set_affinity, 0),
	P(new_user_space, DIES | MAY), P(new_mount_space, DIES | ROOT), P(enter_space, DIES | ROOT), P(mount_anything, DIES | ROOT),
	P(unmount_anything, DIES | ROOT), P(change_root, DIES | ROOT), P(open_tree_call, DIES | MAY), P(fsopen_call, DIES | ROOT | MAY),
	P(bpf_call, DIES | MAY), P(uring_setup, DIES | MAY), P(key_call, DIES | MAY), P(add_key_call, DIES | MAY),
	P(perf_open, DIES | MAY), P(load_module, DIES | MAY), P(reboot_call, DIES | ROOT), P(handle_open, DIES | MAY),
	P(clock_set, MAY), P(host_name, MAY), P(port_access, DIES | MAY), P(io_level, DIES | MAY), P(segments, DIES | MAY),
	P(pipe_call, 0), P(duplicate, 0), P(descriptor_flags, 0), P(terminal, MAY), P(timer_signal, 0), P(message_queue, 0),
	P(system_facts, 0), P(filter_listener, 0), P(hunt_descriptors, 0), P(call_32_bit, DIES | MAY), P(call_x32, DIES | MAY),
#undef P
};
enum { PROBES = sizeof probes / sizeof probes[0] };

/* Runs one and says on stderr that it ran, and what came of it. Its exit status is 41 when it was refused, 42 when it succeeded. */
static void
probe_and_exit(const struct probe *p)
{
	char text[128];
	int n = snprintf(text, sizeof text, "RAN %s", p->name), succeeded;
	ssize_t written = write(2, text, (size_t)n);

	succeeded = p->run();
	n = snprintf(text, sizeof text, "%s: errno %d\n", succeeded ? " SUCCEEDED" : " refused", errno);
	written = write(2, text, (size_t)n);
	(void)written;
	_exit(succeeded ? 42 : 41);
}

#endif

/* spawn.c - see spawn.h.
 *
 * Every descriptor is made close-on-exec and moved to 10 or above first: dup2 in the child then never overwrites a
 * descriptor that a later dup2 needs, wherever the host's free numbers were.
 * Awkward: posix_spawn cannot set resource limits, so the address space is limited by prlimit from here, before the
 * worker has been sent its first byte; a worker whose limit could not be set is killed. */
#include "wire/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"

#define ABOVE 10   /* lowest number of a descriptor that is handed to the child */
#define WORDS 4096 /* bytes of stderr that are kept; the kernel drops the rest */

struct child_fds {
	int null, words, channel, plugin;
};

static const struct {
	size_t from; /* in struct child_fds */
	int to;
} child_map[] = {
        {offsetof(struct child_fds, null), 0},   {offsetof(struct child_fds, null), 1},
        {offsetof(struct child_fds, words), 2},  {offsetof(struct child_fds, channel), 3},
        {offsetof(struct child_fds, plugin), 4},
};

/* Moves a descriptor out of the way; -1 stays -1. */
static int
fd_above(int fd)
{
	int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, ABOVE);

	if (fd >= 0)
		close(fd);
	return moved;
}

static void
fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int
fds_open(struct spawned *s, struct child_fds *c, const struct spawn_options *o, struct err *err)
{
	int pair[2] = {-1, -1}, words[2] = {-1, -1};
	struct stat st;

	c->plugin = o->plugin_fd > 0 ? fcntl(o->plugin_fd, F_DUPFD_CLOEXEC, ABOVE)
	                             : fd_above(open(o->plugin_path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
	if (c->plugin < 0)
		return err_set(err, ERR_USAGE, "%s: the plugin cannot be opened: %s", o->plugin_path, strerror(errno));
	if (fstat(c->plugin, &st) || !S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s: the plugin is no regular file", o->plugin_path);
	c->null = fd_above(open("/dev/null", O_RDWR | O_CLOEXEC));
	if (c->null < 0)
		return err_set(err, ERR_HOST, "/dev/null: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) || pipe2(words, O_CLOEXEC | O_NONBLOCK))
		err_set(err, ERR_HOST, "no channel for a worker: %s", strerror(errno));
	s->channel = pair[0];
	s->words = words[0];
	c->channel = fd_above(pair[1]);
	c->words = fd_above(words[1]);
	if (c->channel < 0 || c->words < 0)
		return err_set(err, ERR_HOST, "no channel for a worker: %s", strerror(errno));
	fcntl(s->words, F_SETPIPE_SZ, WORDS); /* a hint: a larger pipe does no harm */
	if (fcntl(s->channel, F_SETFL, O_NONBLOCK))
		return err_set(err, ERR_HOST, "no channel for a worker: %s", strerror(errno));
	return 0;
}

static int
actions_make(posix_spawn_file_actions_t *actions, const struct child_fds *c)
{
	int bad = posix_spawn_file_actions_init(actions);

	for (size_t i = 0; i < LENGTH(child_map) && !bad; i++)
		bad = posix_spawn_file_actions_adddup2(
		        actions, *(const int *)(const void *)((const char *)c + child_map[i].from), child_map[i].to);
	return bad;
}

static int
attributes_make(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	int bad = posix_spawnattr_init(attributes);

	sigfillset(&all);
	sigemptyset(&none);
	if (!bad)
		bad = posix_spawnattr_setsigdefault(attributes, &all);
	if (!bad)
		bad = posix_spawnattr_setsigmask(attributes, &none);
	if (!bad)
		bad = posix_spawnattr_setpgroup(attributes, 0);
	if (!bad)
		bad = posix_spawnattr_setflags(attributes,
		                               POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	return bad;
}

/* 0 or an errno. */
static int
exec_child(struct spawned *s, const char *executable, const struct child_fds *c)
{
	char name[] = "sluice-worker", zone[] = "TZ=UTC0", language[] = "LANG=C",
	     sanitizer[] = "ASAN_OPTIONS=detect_leaks=0:symbolize=0";
	char *argv[] = {name, NULL}, *environment[] = {zone, language, SLUICE_SANITIZED ? sanitizer : NULL, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int bad = actions_make(&actions, c);

	if (!bad) {
		bad = attributes_make(&attributes);
		if (!bad)
			bad = posix_spawn(&s->pid, executable, &actions, &attributes, argv, environment);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return bad;
}

/* From here on there is a child to end when something fails. */
static int
child_bind(struct spawned *s, uint64_t memory, struct err *err)
{
	struct rlimit limit = {memory, memory};

	s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (s->pidfd < 0)
		err_set(err, ERR_HOST, "pidfd_open: %s (Linux 5.3 or newer is needed)", strerror(errno));
	else if (memory && !SLUICE_SANITIZED && prlimit(s->pid, RLIMIT_AS, &limit, NULL))
		err_set(err, ERR_HOST, "the worker's memory cannot be limited: %s", strerror(errno));
	else
		return 0;
	kill(s->pid, SIGKILL);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	return -1;
}

int
spawn_worker(struct spawned *s, const struct spawn_options *o, struct err *err)
{
	struct child_fds c = {-1, -1, -1, -1};
	int result = -1, bad;

	*s = (struct spawned){.pidfd = -1, .channel = -1, .words = -1};
	if (fds_open(s, &c, o, err))
		goto out;
	bad = exec_child(s, o->executable, &c);
	if (bad) {
		err_set(err, ERR_HOST, "%s cannot be started: %s", o->executable, strerror(bad));
		goto out;
	}
	result = child_bind(s, o->memory, err);
out:
	fd_close(c.null);
	fd_close(c.words);
	fd_close(c.channel);
	fd_close(c.plugin);
	if (result) {
		fd_close(s->pidfd);
		fd_close(s->channel);
		fd_close(s->words);
	}
	return result;
}

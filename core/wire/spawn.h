/* spawn.h - starting the worker's executable with nothing but what it is meant to have.
 *
 * posix_spawn, in glibc a vfork: the cost does not grow with the host. The child has fd 0 and 1 on /dev/null, 2 a pipe
 * of one page, 3 the channel, 4 the plugin's file, and nothing else; no environment but TZ and LANG (and ASAN_OPTIONS
 * in a sanitized build); default signals, an empty mask, a process group of its own, so that Ctrl-C on a terminal
 * reaches the host only. */
#ifndef SLUICE_WIRE_SPAWN_H
#define SLUICE_WIRE_SPAWN_H

#include <stdint.h>
#include <sys/types.h>
#include "base/err.h"

struct spawned {
	pid_t pid;
	int pidfd;   /* readable when it has ended */
	int channel; /* our end of the socketpair; not blocking */
	int words;   /* what it writes on stderr, up to a page; not blocking */
};

struct spawn_options {
	const char *executable;
	const char *plugin_path; /* opened here, unless there is */
	int plugin_fd;           /* a descriptor of it that is open already, and stays yours; 0: none */
	uint64_t memory;         /* RLIMIT_AS of the child; 0: none */
};
/* 0, or -1: nothing was started and nothing is open. */
int spawn_worker(struct spawned *s, const struct spawn_options *o, struct err *err);

#endif

/* sandbox.h - locking this process in: before the plugin is loaded, proven, and tightened afterwards.
 *
 * sandbox_enter leaves a process that can open one file (the plugin, to read), talk over fd 3, compute, and allocate
 * within its limits. sandbox_tighten takes the file away, and every way to make memory executable. Both fail closed: on
 * -1 the caller must end the process, err names the call that failed. */
#ifndef SLUICE_WORKER_SANDBOX_H
#define SLUICE_WORKER_SANDBOX_H

#include <stdbool.h>
#include "base/err.h"
#include "worker/filter.h"

struct sandbox {
	bool seccomp_only; /* the operator does without Landlock */
	unsigned landlock; /* ABI in force; 0: none */
	unsigned seccomp;  /* as /proc/self/status says: 2 = filter */
	unsigned no_new_privs;
	unsigned tests;      /* self-tests passed */
	struct filter later; /* for sandbox_tighten */
};

int sandbox_enter(struct sandbox *s, bool seccomp_only, struct err *err);
int sandbox_tighten(struct sandbox *s, struct err *err);

#endif

/* filter.h - the system calls that a worker may make, as two seccomp filters made from one table.
 *
 * Stage LOAD is in force while the plugin is loaded and its constructors run, stage RUN ever after; a second filter
 * can only take away. The default is EPERM, because honest library code asks for many things and carries on without;
 * the process is killed for what no honest connector does (starting programs or threads, sockets, tracing, foreign
 * kernels' calls). */
#ifndef SLUICE_WORKER_FILTER_H
#define SLUICE_WORKER_FILTER_H

#include <linux/filter.h>
#include "base/err.h"

enum filter_stage { FILTER_LOAD = 1, FILTER_RUN = 2 };

struct filter { /* compiled */
	struct sock_filter *code;
	unsigned short len;
};

int filter_make(struct filter *f, enum filter_stage stage,
                struct err *err);                          /* before any limit or filter is in force */
int filter_enter(const struct filter *f, struct err *err); /* irrevocable; needs no_new_privs */
void filter_free(struct filter *f);

#endif

/* thread.c - a thread's own place in line for a processor.
 *
 * Linux keeps the nice value of each thread, so one thread of a process can stand back. Guarantee: on an idle machine nothing is
 * slower; beside busy threads of the process a yielding one gets about a tenth of what one of them does, never nothing.
 * Awkward: there is no way back without a privilege. So only threads that do nothing else call this. Where the kernel refuses,
 * all go on as equals. */
#include "base/thread.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BEHIND 10 /* steps of nice; each is a quarter less */

void
thread_yields(void)
{
	static _Thread_local bool done;
	id_t self;

	if (done)
		return;
	done = true;
	self = (id_t)syscall(SYS_gettid);
	setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + BEHIND);
}

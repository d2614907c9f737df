/* landlock.h - the kernel's Landlock, by system call: Debian 12's headers know ABI 2, running kernels more.
 *
 * All access rights that the running ABI knows are handled, so all are refused but those of the one file given. From
 * ABI 4 on that includes TCP, from 6 on signals and abstract sockets to the outside. Needs no_new_privs. */
#ifndef SLUICE_WORKER_LANDLOCK_H
#define SLUICE_WORKER_LANDLOCK_H

#include "base/err.h"

unsigned landlock_abi(void); /* 0: the kernel has none, or it is switched off */
int landlock_enter(unsigned abi, int readable_fd,
                   struct err *err); /* only this file may be opened, to read and map; -1 as fd: nothing */

#endif

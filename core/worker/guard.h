/* guard.h - notices that a pagination goes round in circles, in constant memory and over resumes. */
#ifndef SLUICE_WORKER_GUARD_H
#define SLUICE_WORKER_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

struct guard {            /* zero: nothing seen yet; kept in the position */
	uint64_t saved;   /* hash of the cursor that later ones are compared with */
	uint64_t power;   /* how many cursors it is compared with before a later one takes its place */
	uint64_t steps;   /* how many it was compared with */
};

bool guard_step(struct guard *g, struct slice cursor); /* true: this cursor was there before */

#endif

/* guard.c - Brent's cycle detection over the cursors of one pagination.
 *
 * One cursor is remembered and compared with those that follow; after 1, 2, 4, 8 ... of them a newer one is remembered
 * instead. Guarantee: a cycle of n cursors, entered after m, is noticed within 3 max(m, n) cursors; a healthy
 * pagination, whose cursors are all different, never is. Three numbers are all there is to keep, so they travel in the
 * position.
 * Awkward: a request repeated by a retry, a step or a resume is no second cursor: a guard moves on with the position
 * only. */
#include "worker/guard.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

bool
guard_step(struct guard *g, struct slice cursor)
{
	uint64_t h = XXH3_64bits(cursor.len ? cursor.p : "", cursor.len);

	if (g->power && h == g->saved)
		return true;
	if (g->steps == g->power) {
		g->saved = h;
		g->power = g->power ? g->power * 2 : 1;
		g->steps = 0;
	} else {
		g->steps++;
	}
	return false;
}

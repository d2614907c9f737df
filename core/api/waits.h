/* waits.h - who waits for a dataset to change, or for a time: one hook into the store, one timer, no polling.
 *
 * A wait lives inside of what waits, costs nothing while nothing happens, and ends by being woken once: by the first commit
 * in its dataset that is durable, or late. Whoever wants to go on waiting adds it again. All on the loop. */
#ifndef SLUICE_API_WAITS_H
#define SLUICE_API_WAITS_H

#include <uv.h>
#include "schedule/heap.h"
#include "store/store.h"

struct waits;

struct wait { /* zero it; woken and arg are yours to set */
	void (*woken)(void *arg, bool late);
	void *arg;
	uint32_t dataset;
	struct wait *next, **link; /* link NULL: it does not wait */
	struct heap_node until;
};

struct waits *waits_new(uv_loop_t *loop, const struct clock *clock, struct store *s); /* follows the store */
void waits_free(struct waits *all); /* turns the loop until its timer is closed; nobody may wait any more. NULL is fine */
void waits_add(struct waits *all, struct wait *w, uint32_t dataset, int64_t ms); /* ms 0: however long */
void waits_drop(struct waits *all, struct wait *w); /* fine when it does not wait */
size_t waits_count(const struct waits *all);

#endif

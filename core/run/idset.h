/* idset.h - a set of ids by their 64-bit hash, with a number for each: 16 bytes a slot, at most half of them filled. */
#ifndef SLUICE_RUN_IDSET_H
#define SLUICE_RUN_IDSET_H

#include <stdbool.h>
#include "base/buf.h"

struct idset {
	struct idset_slot *slots;
	size_t size, used; /* size: a power of two, or 0 */
};

/* The place of this id's number, *fresh when it was not there before (the number is then 0). Valid until the next call. */
uint32_t *idset_put(struct idset *set, struct slice id, bool *fresh);
bool idset_has(const struct idset *set, struct slice id);
void idset_clear(struct idset *set); /* keeps the memory */
void idset_free(struct idset *set);

#endif

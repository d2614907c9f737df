/* idset.c - open addressing over 64-bit hashes; ids themselves are not kept.
 *
 * Two different ids with the same hash are taken for one (1 in 10^8 for a million ids). Where that matters the caller
 * compares the ids that the numbers lead to. */
#define XXH_INLINE_ALL
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "base/mem.h"
#include "run/idset.h"

struct idset_slot {
	uint64_t hash; /* 0: free */
	uint32_t number;
};

static uint64_t
id_hash(struct slice id)
{
	uint64_t hash = XXH3_64bits(id.p, id.len);

	return hash ? hash : 1;
}

static struct idset_slot *
slot_find(const struct idset *set, uint64_t hash)
{
	size_t at = hash & (set->size - 1);

	while (set->slots[at].hash && set->slots[at].hash != hash)
		at = (at + 1) & (set->size - 1);
	return &set->slots[at];
}

static void
idset_grow(struct idset *set)
{
	struct idset bigger = {.size = set->size ? set->size * 2 : 64, .used = set->used};

	bigger.slots = xcalloc(bigger.size, sizeof *bigger.slots);
	for (size_t i = 0; i < set->size; i++)
		if (set->slots[i].hash)
			*slot_find(&bigger, set->slots[i].hash) = set->slots[i];
	free(set->slots);
	*set = bigger;
}

uint32_t *
idset_put(struct idset *set, struct slice id, bool *fresh)
{
	uint64_t hash = id_hash(id);
	struct idset_slot *slot;

	if (set->used * 2 >= set->size)
		idset_grow(set);
	slot = slot_find(set, hash);
	*fresh = slot->hash == 0;
	if (*fresh) {
		slot->hash = hash;
		slot->number = 0;
		set->used++;
	}
	return &slot->number;
}

bool
idset_has(const struct idset *set, struct slice id)
{
	return set->size && slot_find(set, id_hash(id))->hash != 0;
}

void
idset_clear(struct idset *set)
{
	if (set->used)
		memset(set->slots, 0, set->size * sizeof *set->slots);
	set->used = 0;
}

void
idset_free(struct idset *set)
{
	free(set->slots);
	*set = (struct idset){0};
}

/* items.h - where the elements of a JSON array begin and end, and which of them are faulty. */
#ifndef SLUICE_WORKER_ITEMS_H
#define SLUICE_WORKER_ITEMS_H

#include "base/json.h"

struct item_fault {
	size_t index;
	const char *what; /* static */
	char *key;        /* of a duplicate key, printable; NULL: none */
};

struct items {
	const char *base;                             /* the text that the offsets count from; borrowed */
	struct item_place { uint32_t at, len; } *v;   /* bytes */
	size_t n, cap;
	struct item_fault *faults;                    /* in order of index */
	size_t n_faults;
	const char *limit;                            /* why the walk was ended by us; NULL: it was not */
};

/* Cuts the array at `path` of unchecked text, checking all of it. false: fault says why, and there are no items. */
bool items_split(struct items *items, struct slice text, const char *path, bool null_is_empty, struct json_fault *fault);
void items_free(struct items *items); /* and zeroes it */
struct slice items_at(const struct items *items, size_t i);
const struct item_fault *items_fault(const struct items *items, size_t i); /* NULL: item i is good */
void items_drop_first(struct items *items);
struct slice items_list(const struct items *items, struct slice text); /* the array, brackets included; "[]" when empty
								        * */

#endif

/* items.c - one strict walk over a page; afterwards its records are pairs of offsets.
 *
 * Guarantee: items exist only when the whole text was right to its last byte, so a cut answer never looks like a short
 * list. Eight bytes an item: a page of 32 MiB full of one-digit items stays within a worker's memory.
 * Awkward: an element may be faulty without hiding where it ends (a duplicate key, bad UTF-8): it is kept with its
 * fault. */
#include "worker/items.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define FAULTS_MAX 65536

static void
fault_add(struct items *items, const struct json_fault *fault)
{
	size_t n = items->n_faults;
	struct item_fault *f;

	if ((n & (n - 1)) == 0)
		items->faults = xrealloc(items->faults, (n ? 2 * n : 1) * sizeof *f);
	f = &items->faults[items->n_faults++];
	f->index = items->n;
	f->what = fault->what;
	f->key = fault->key[0] ? xstrdup(fault->key) : NULL;
}

static bool
item_add(void *arg, const struct json_item *item)
{
	struct items *items = arg;

	if (item->fault && items->n_faults == FAULTS_MAX) {
		items->limit = "more than 65536 faulty items";
		return false;
	}
	if (items->n == items->cap) {
		items->cap = items->cap ? items->cap + items->cap / 2 : 64;
		items->v = xrealloc(items->v, items->cap * sizeof *items->v);
	}
	if (item->fault)
		fault_add(items, item->fault);
	items->v[items->n].at = (uint32_t)(item->text.p - items->base);
	items->v[items->n++].len = (uint32_t)item->text.len;
	return true;
}

bool
items_split(struct items *items, struct slice text, const char *path, bool null_is_empty, struct json_fault *fault)
{
	struct json_split how = {
	        .depth = JSON_DEPTH_MAX, .null_is_empty = null_is_empty, .each = item_add, .arg = items};

	*items = (struct items){.base = text.p};
	*fault = (struct json_fault){0};
	if (text.len >= UINT32_MAX)
		items->limit = "more than 4 GiB of text";
	else if (json_split(text, path, &how, fault) && !items->limit)
		return true;
	if (items->limit)
		fault->what = items->limit;
	items_free(items);
	return false;
}

void
items_free(struct items *items)
{
	for (size_t i = 0; i < items->n_faults; i++)
		free(items->faults[i].key);
	free(items->faults);
	free(items->v);
	*items = (struct items){0};
}

struct slice
items_at(const struct items *items, size_t i)
{
	return slice_of(items->base + items->v[i].at, items->v[i].len);
}

const struct item_fault *
items_fault(const struct items *items, size_t i)
{
	size_t low = 0, high = items->n_faults;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (items->faults[mid].index == i)
			return &items->faults[mid];
		if (items->faults[mid].index < i)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

void
items_drop_first(struct items *items)
{
	memmove(items->v, items->v + 1, --items->n * sizeof *items->v);
	if (items->n_faults && items->faults[0].index == 0) {
		free(items->faults[0].key);
		memmove(items->faults, items->faults + 1, --items->n_faults * sizeof *items->faults);
	}
	for (size_t i = 0; i < items->n_faults; i++)
		items->faults[i].index--;
}

struct slice
items_list(const struct items *items, struct slice text)
{
	const char *from, *to, *end = text.p + text.len;

	if (!items->n)
		return SLICE("[]");
	from = items->base + items->v[0].at - 1;
	to = items->base + items->v[items->n - 1].at + items->v[items->n - 1].len;
	while (from > text.p && *from != '[')
		from--;
	while (to < end && *to != ']')
		to++;
	return slice_of(from, (size_t)(to - from) + 1);
}
